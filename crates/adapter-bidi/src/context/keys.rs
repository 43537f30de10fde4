//! Keys as WebDriver writes them: characters for what they enter, private code points for the rest.

use ops_contracts::seam::adapter::Keystroke;

/// `KeyboardEvent.key` and the value of the key's left or only form.
const NAMED: &[(&str, char)] = &[
    ("Backspace", '\u{E003}'),
    ("Tab", '\u{E004}'),
    ("Clear", '\u{E005}'),
    ("Enter", '\u{E006}'),
    ("Shift", '\u{E008}'),
    ("Control", '\u{E009}'),
    ("Alt", '\u{E00A}'),
    ("Pause", '\u{E00B}'),
    ("Escape", '\u{E00C}'),
    ("PageUp", '\u{E00E}'),
    ("PageDown", '\u{E00F}'),
    ("End", '\u{E010}'),
    ("Home", '\u{E011}'),
    ("ArrowLeft", '\u{E012}'),
    ("ArrowUp", '\u{E013}'),
    ("ArrowRight", '\u{E014}'),
    ("ArrowDown", '\u{E015}'),
    ("Insert", '\u{E016}'),
    ("Delete", '\u{E017}'),
    ("F1", '\u{E031}'),
    ("F2", '\u{E032}'),
    ("F3", '\u{E033}'),
    ("F4", '\u{E034}'),
    ("F5", '\u{E035}'),
    ("F6", '\u{E036}'),
    ("F7", '\u{E037}'),
    ("F8", '\u{E038}'),
    ("F9", '\u{E039}'),
    ("F10", '\u{E03A}'),
    ("F11", '\u{E03B}'),
    ("F12", '\u{E03C}'),
    ("Meta", '\u{E03D}'),
];

/// The right forms of keys that have two.
const RIGHT: &[(&str, char)] = &[
    ("Shift", '\u{E050}'),
    ("Control", '\u{E051}'),
    ("Alt", '\u{E052}'),
    ("Meta", '\u{E053}'),
];

/// Keys of the numeric pad.
const PAD: &[(&str, char)] = &[
    ("Enter", '\u{E007}'),
    ("0", '\u{E01A}'),
    ("1", '\u{E01B}'),
    ("2", '\u{E01C}'),
    ("3", '\u{E01D}'),
    ("4", '\u{E01E}'),
    ("5", '\u{E01F}'),
    ("6", '\u{E020}'),
    ("7", '\u{E021}'),
    ("8", '\u{E022}'),
    ("9", '\u{E023}'),
    ("*", '\u{E024}'),
    ("+", '\u{E025}'),
    (",", '\u{E026}'),
    ("-", '\u{E027}'),
    (".", '\u{E028}'),
    ("/", '\u{E029}'),
];

/// The value of a key, or `None` for keys that the protocol has no value for (`CapsLock`, `ContextMenu`).
pub(super) fn value(key: &Keystroke) -> Option<String> {
    let places: &[&[(&str, char)]] = match key.location {
        2 => &[RIGHT, NAMED],
        3 => &[PAD, NAMED],
        _ => &[NAMED],
    };
    let named = places
        .iter()
        .flat_map(|place| place.iter())
        .find(|(name, _)| *name == key.key);
    if let Some((_, value)) = named {
        return Some(value.to_string());
    }
    let mut characters = key.key.chars();
    let only = characters.next()?;
    characters.next().is_none().then(|| only.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str, location: u8) -> Option<String> {
        value(&Keystroke {
            key: name.to_owned(),
            code: String::new(),
            key_code: 0,
            location,
            text: None,
        })
    }

    #[test]
    fn keys_have_the_values_of_the_specification() {
        assert_eq!(key("Enter", 0).as_deref(), Some("\u{E006}"));
        assert_eq!(key("Enter", 3).as_deref(), Some("\u{E007}"));
        assert_eq!(key("Shift", 1).as_deref(), Some("\u{E008}"));
        assert_eq!(key("Shift", 2).as_deref(), Some("\u{E050}"));
        assert_eq!(key("5", 3).as_deref(), Some("\u{E01F}"));
        assert_eq!(key("é", 0).as_deref(), Some("é"));
        assert_eq!(key("CapsLock", 0), None);
    }
}
