//! Keys of UI Events on a US keyboard: names, codes, and the text that they enter. What no key enters is inserted.

use ops_contracts::seam::adapter::{InputAction, Keystroke, Modifiers};
use ops_contracts::{ErrorCode, Fault, Outcome};

/// Keys that enter no text: (key, code, key code, location).
const NAMED: &[(&str, &str, u16, u8)] = &[
    ("Backspace", "Backspace", 8, 0),
    ("Tab", "Tab", 9, 0),
    ("Enter", "Enter", 13, 0),
    ("Shift", "ShiftLeft", 16, 1),
    ("Control", "ControlLeft", 17, 1),
    ("Alt", "AltLeft", 18, 1),
    ("Pause", "Pause", 19, 0),
    ("CapsLock", "CapsLock", 20, 0),
    ("Escape", "Escape", 27, 0),
    ("PageUp", "PageUp", 33, 0),
    ("PageDown", "PageDown", 34, 0),
    ("End", "End", 35, 0),
    ("Home", "Home", 36, 0),
    ("ArrowLeft", "ArrowLeft", 37, 0),
    ("ArrowUp", "ArrowUp", 38, 0),
    ("ArrowRight", "ArrowRight", 39, 0),
    ("ArrowDown", "ArrowDown", 40, 0),
    ("Insert", "Insert", 45, 0),
    ("Delete", "Delete", 46, 0),
    ("Meta", "MetaLeft", 91, 1),
    ("ContextMenu", "ContextMenu", 93, 0),
    ("F1", "F1", 112, 0),
    ("F2", "F2", 113, 0),
    ("F3", "F3", 114, 0),
    ("F4", "F4", 115, 0),
    ("F5", "F5", 116, 0),
    ("F6", "F6", 117, 0),
    ("F7", "F7", 118, 0),
    ("F8", "F8", 119, 0),
    ("F9", "F9", 120, 0),
    ("F10", "F10", 121, 0),
    ("F11", "F11", 122, 0),
    ("F12", "F12", 123, 0),
    ("NumLock", "NumLock", 144, 0),
    ("ScrollLock", "ScrollLock", 145, 0),
];

/// Other spellings that callers use.
const ALIASES: &[(&str, &str)] = &[
    ("Return", "Enter"),
    ("Esc", "Escape"),
    ("Del", "Delete"),
    ("Left", "ArrowLeft"),
    ("Right", "ArrowRight"),
    ("Up", "ArrowUp"),
    ("Down", "ArrowDown"),
    ("Space", " "),
];

/// Keys that are neither letters nor digits: (plain, with shift, code, key code).
const SIGNS: &[(char, char, &str, u16)] = &[
    (' ', ' ', "Space", 32),
    (';', ':', "Semicolon", 186),
    ('=', '+', "Equal", 187),
    (',', '<', "Comma", 188),
    ('-', '_', "Minus", 189),
    ('.', '>', "Period", 190),
    ('/', '?', "Slash", 191),
    ('`', '~', "Backquote", 192),
    ('[', '{', "BracketLeft", 219),
    ('\\', '|', "Backslash", 220),
    (']', '}', "BracketRight", 221),
    ('\'', '"', "Quote", 222),
];

/// What the digit keys enter with shift.
const SHIFTED_DIGITS: &str = ")!@#$%^&*(";

/// The key that enters a character, and whether shift is held for it.
fn key_for(character: char) -> Option<(Keystroke, bool)> {
    let stroke = |code: String, key_code: u16| Keystroke {
        key: character.to_string(),
        code,
        key_code,
        location: 0,
        text: Some(character.to_string()),
    };
    if character.is_ascii_alphabetic() {
        let upper = character.to_ascii_uppercase();
        return Some((
            stroke(format!("Key{upper}"), u16::from(upper as u8)),
            character.is_ascii_uppercase(),
        ));
    }
    if character.is_ascii_digit() {
        return Some((
            stroke(format!("Digit{character}"), u16::from(character as u8)),
            false,
        ));
    }
    if let Some(digit) = SHIFTED_DIGITS.chars().position(|sign| sign == character) {
        let digit = u8::try_from(digit).ok()? + b'0';
        return Some((
            stroke(format!("Digit{}", char::from(digit)), u16::from(digit)),
            true,
        ));
    }
    let (plain, _, code, key_code) = SIGNS
        .iter()
        .find(|(plain, shifted, ..)| *plain == character || *shifted == character)?;
    Some((stroke((*code).to_owned(), *key_code), *plain != character))
}

fn named(name: &str) -> Option<Keystroke> {
    let name = ALIASES
        .iter()
        .find(|(alias, _)| alias.eq_ignore_ascii_case(name))
        .map_or(name, |(_, name)| *name);
    let (key, code, key_code, location) = NAMED
        .iter()
        .find(|(key, ..)| key.eq_ignore_ascii_case(name))?;
    let text = (*key == "Enter").then(|| "\r".to_owned());
    Some(Keystroke {
        key: (*key).to_owned(),
        code: (*code).to_owned(),
        key_code: *key_code,
        location: *location,
        text,
    })
}

fn tap(key: Keystroke, modifiers: Modifiers) -> [InputAction; 2] {
    [
        InputAction::KeyDown {
            key: key.clone(),
            modifiers,
        },
        InputAction::KeyUp { key, modifiers },
    ]
}

/// The input that enters one character.
fn character(character: char) -> Vec<InputAction> {
    match character {
        '\n' => named("Enter")
            .map(|key| tap(key, Modifiers::default()).to_vec())
            .unwrap_or_default(),
        '\r' => Vec::new(),
        '\t' => named("Tab")
            .map(|key| tap(key, Modifiers::default()).to_vec())
            .unwrap_or_default(),
        character => match key_for(character) {
            Some((key, shift)) => with_held(
                Modifiers {
                    shift,
                    ..Modifiers::default()
                },
                key,
            ),
            None => vec![InputAction::InsertText {
                text: character.to_string(),
            }],
        },
    }
}

/// The input that enters a text; what no key enters is inserted, a run of it at once, as an input method does.
pub(super) fn text(characters: &[char]) -> Vec<InputAction> {
    let mut actions: Vec<InputAction> = Vec::with_capacity(characters.len() * 2);
    for one in characters.iter().flat_map(|one| character(*one)) {
        match (actions.last_mut(), one) {
            (Some(InputAction::InsertText { text: run }), InputAction::InsertText { text }) => {
                run.push_str(&text)
            }
            (_, one) => actions.push(one),
        }
    }
    actions
}

/// The input that presses one key.
pub(super) fn press(name: &str, modifiers: Modifiers) -> Option<Vec<InputAction>> {
    let alias = ALIASES
        .iter()
        .find(|(alias, _)| alias.eq_ignore_ascii_case(name))
        .map_or(name, |(_, name)| *name);
    if let Some(key) = named(alias) {
        return Some(with_held(modifiers, key));
    }
    let mut characters = alias.chars();
    let (Some(only), None) = (characters.next(), characters.next()) else {
        return None;
    };
    let only = if modifiers.shift {
        only.to_ascii_uppercase()
    } else {
        only
    };
    let (mut key, shift) = key_for(only)?;
    let modifiers = Modifiers {
        shift: modifiers.shift || shift,
        ..modifiers
    };
    if modifiers.control || modifiers.alt || modifiers.meta {
        key.text = None;
    }
    Some(with_held(modifiers, key))
}

/// Presses the modifiers, taps the key, and releases them again.
fn with_held(modifiers: Modifiers, key: Keystroke) -> Vec<InputAction> {
    let order = [
        ("Control", modifiers.control),
        ("Alt", modifiers.alt),
        ("Meta", modifiers.meta),
        ("Shift", modifiers.shift),
    ];
    let names: Vec<_> = order
        .iter()
        .filter(|(_, held)| *held)
        .filter_map(|(name, _)| named(name))
        .collect();
    let mut held = Modifiers::default();
    let mut actions = Vec::with_capacity(names.len() * 2 + 2);
    for name in &names {
        hold(&mut held, &name.key, true);
        actions.push(InputAction::KeyDown {
            key: name.clone(),
            modifiers: held,
        });
    }
    actions.extend(tap(key, held));
    for name in names.into_iter().rev() {
        hold(&mut held, &name.key, false);
        actions.push(InputAction::KeyUp {
            key: name,
            modifiers: held,
        });
    }
    actions
}

fn hold(modifiers: &mut Modifiers, key: &str, held: bool) {
    match key {
        "Control" => modifiers.control = held,
        "Alt" => modifiers.alt = held,
        "Meta" => modifiers.meta = held,
        _ => modifiers.shift = held,
    }
}

/// The input of a key or chord, such as `Control+Shift+ArrowLeft`; `+` itself is the last character of `Control++`.
pub(super) fn chord(text: &str) -> Outcome<Vec<InputAction>> {
    let unknown = || {
        Fault::new(
            ErrorCode::OpsKeyUnknown,
            format!(
                "there is no key {text:?}: expected one such as a, Enter, ArrowDown or Control+a"
            ),
        )
        .with("key", text)
    };
    let (held, key) = match text.strip_suffix('+') {
        Some("") => ("", "+"),
        Some(held) => (held.strip_suffix('+').ok_or_else(unknown)?, "+"),
        None => text.rsplit_once('+').unwrap_or(("", text)),
    };
    let mut modifiers = Modifiers::default();
    for name in held.split('+').filter(|_| !held.is_empty()) {
        match name.to_ascii_lowercase().as_str() {
            "control" | "ctrl" | "controlormeta" => modifiers.control = true,
            "alt" | "option" => modifiers.alt = true,
            "meta" | "command" | "cmd" => modifiers.meta = true,
            "shift" => modifiers.shift = true,
            _ => return Err(unknown()),
        }
    }
    press(key, modifiers).ok_or_else(unknown)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The events as `+key` and `-key`.
    #[track_caller]
    fn check(text: &str, expected: &str) {
        let actions = chord(text).unwrap();
        let told: Vec<_> = actions
            .iter()
            .map(|action| match action {
                InputAction::KeyDown { key, .. } => format!("+{}", key.key),
                InputAction::KeyUp { key, .. } => format!("-{}", key.key),
                other => format!("{other:?}"),
            })
            .collect();
        assert_eq!(told.join(" "), expected, "{text}");
    }

    #[test]
    fn chords_press_and_release_in_order() {
        check("a", "+a -a");
        check("Enter", "+Enter -Enter");
        check("esc", "+Escape -Escape");
        check("Control+a", "+Control +a -a -Control");
        check(
            "Control+Shift+ArrowLeft",
            "+Control +Shift +ArrowLeft -ArrowLeft -Shift -Control",
        );
        check("Shift+a", "+Shift +A -A -Shift");
        check("A", "+Shift +A -A -Shift");
        check("+", "+Shift ++ -+ -Shift");
        check("Control++", "+Control +Shift ++ -+ -Shift -Control");
        check("Space", "+  - ");
        for bad in ["", "Nonsense", "Foo+a", "a+", "++a", "é", "Control+"] {
            assert_eq!(
                chord(bad).unwrap_err().code,
                ErrorCode::OpsKeyUnknown,
                "{bad}"
            );
        }
    }

    #[test]
    fn every_printable_ascii_character_has_a_key_and_others_are_inserted() {
        for byte in 32_u8..127 {
            let actions = character(char::from(byte));
            assert!(
                actions
                    .iter()
                    .all(|action| !matches!(action, InputAction::InsertText { .. })),
                "{}",
                char::from(byte)
            );
        }
        assert_eq!(
            character('é'),
            [InputAction::InsertText {
                text: "é".to_owned()
            }]
        );
        let family: Vec<char> = "👩‍👧é".chars().collect();
        assert_eq!(
            text(&family),
            [InputAction::InsertText {
                text: "👩‍👧é".to_owned()
            }],
            "a run is inserted at once"
        );
    }
}
