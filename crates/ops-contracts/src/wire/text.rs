//! Text that pages supply: cut to a length without keeping its memory, and made well-formed where it is JSON.
//!
//! A page decides how long its texts are. Whoever keeps one keeps a copy of a bounded part of it; `String::truncate` would keep all
//! of its memory.

use std::borrow::Cow;

/// What ends a text that was cut.
pub const ELLIPSIS: char = '…';

/// At most `most` bytes of a text, at the boundary of a character, with `…` where it was cut. The result owns no more memory than it
/// needs.
pub fn cut_bytes(text: String, most: usize) -> String {
    if text.len() <= most {
        return exact(text);
    }
    cut_at(&text, text.floor_char_boundary(most))
}

/// At most `most` characters of a text, with `…` where it was cut. The result owns no more memory than it needs.
pub fn cut_chars(text: String, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((at, _)) => cut_at(&text, at),
        None => exact(text),
    }
}

fn cut_at(text: &str, at: usize) -> String {
    let mut kept = String::with_capacity(at + ELLIPSIS.len_utf8());
    kept.push_str(&text[..at]);
    kept.push(ELLIPSIS);
    kept
}

fn exact(mut text: String) -> String {
    text.shrink_to_fit();
    text
}

/// JSON in which no string has a surrogate without its partner: each such escape (`\ud800`) becomes `\ufffd`. JavaScript's strings may
/// have them, Unicode's texts may not, and a parser refuses the whole document for one. Everything else stays as it is, white space
/// included; what is no JSON comes back as it was or with such escapes replaced.
pub fn well_formed(json: &str) -> Cow<'_, str> {
    match well_formed_bytes(json.as_bytes()) {
        Cow::Borrowed(_) => Cow::Borrowed(json),
        // Escapes are ASCII, and so is what replaces them: the text stays UTF-8.
        Cow::Owned(bytes) => String::from_utf8(bytes).map_or(Cow::Borrowed(json), Cow::Owned),
    }
}

/// The same of bytes. The length never changes.
pub fn well_formed_bytes(json: &[u8]) -> Cow<'_, [u8]> {
    // Next to no message has an escaped surrogate, and most large ones have many other escapes.
    if memchr::memmem::find(json, b"\\ud").is_none()
        && memchr::memmem::find(json, b"\\uD").is_none()
    {
        return Cow::Borrowed(json);
    }
    let mut lone = LoneSurrogates { json, at: 0 };
    let Some(first) = lone.next() else {
        return Cow::Borrowed(json);
    };
    let places: Vec<usize> = std::iter::once(first).chain(lone).collect();
    let mut bytes = json.to_vec();
    for place in places {
        bytes[place..place + ESCAPE].copy_from_slice(b"\\ufffd");
    }
    Cow::Owned(bytes)
}

/// Bytes of `\uXXXX`.
const ESCAPE: usize = 6;

/// The places of escapes that are halves without a partner.
struct LoneSurrogates<'a> {
    json: &'a [u8],
    at: usize,
}

#[derive(PartialEq)]
enum Half {
    High,
    Low,
}

impl LoneSurrogates<'_> {
    /// The half that is escaped at a backslash.
    fn half(&self, at: usize) -> Option<Half> {
        let [b'\\', b'u', b'd' | b'D', kind, a, b] = self.json.get(at..at + ESCAPE)? else {
            return None;
        };
        let hex = a.is_ascii_hexdigit() && b.is_ascii_hexdigit();
        match kind.to_ascii_lowercase() {
            b'8' | b'9' | b'a' | b'b' if hex => Some(Half::High),
            b'c'..=b'f' if hex => Some(Half::Low),
            _ => None,
        }
    }
}

impl Iterator for LoneSurrogates<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        while let Some(offset) = memchr::memchr(b'\\', self.json.get(self.at..)?) {
            let here = self.at + offset;
            match self.half(here) {
                // An escaped backslash must not be taken for the beginning of the next escape.
                None => self.at = here + 2,
                Some(Half::High) if self.half(here + ESCAPE) == Some(Half::Low) => {
                    self.at = here + 2 * ESCAPE;
                }
                Some(_) => {
                    self.at = here + ESCAPE;
                    return Some(here);
                }
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_text_keeps_neither_its_end_nor_its_memory() {
        let long = || "ä".repeat(1 << 20);
        let cut = cut_bytes(long(), 5);
        assert_eq!((cut.as_str(), cut.capacity() < 16), ("ää…", true));
        let cut = cut_chars(long(), 3);
        assert_eq!((cut.as_str(), cut.capacity() < 16), ("äää…", true));
        let mut roomy = String::with_capacity(1 << 20);
        roomy.push_str("short");
        assert!(cut_bytes(roomy.clone(), 100).capacity() < 16);
        assert!(cut_chars(roomy, 100).capacity() < 16);
        assert_eq!(cut_bytes("as is".to_owned(), 5), "as is");
        assert_eq!(cut_chars("as is".to_owned(), 5), "as is");
    }

    #[track_caller]
    fn check(json: &str, expected: &str) {
        assert_eq!(well_formed(json), expected);
        let text: Result<serde_json::Value, _> = serde_json::from_str(&well_formed(json));
        assert!(text.is_ok(), "{json}: {text:?}");
    }

    #[test]
    fn halves_without_a_partner_are_replaced_and_nothing_else_is() {
        check(r#""\ud800""#, r#""\ufffd""#);
        check(r#""\uDFFFx""#, r#""\ufffdx""#);
        check(r#""\ud83d\ude00""#, r#""\ud83d\ude00""#);
        check(r#""\ud83d\ud83d\ude00""#, r#""\ufffd\ud83d\ude00""#);
        check(r#""\ude00\ud83d""#, r#""\ufffd\ufffd""#);
        check(r#""\ud83d\\ude00""#, r#""\ufffd\\ude00""#);
        check(r#""\\ud800""#, r#""\\ud800""#);
        check(r#""\\\ud800""#, r#""\\\ufffd""#);
        check(r#""\u00e9\n\ud7ff\ue000""#, r#""\u00e9\n\ud7ff\ue000""#);
        check(r#"{"\ud800":["😀\udc00"]}"#, r#"{"\ufffd":["😀\ufffd"]}"#);
    }

    #[test]
    fn what_is_well_formed_is_not_copied_and_what_is_broken_does_no_harm() {
        assert!(matches!(well_formed(r#""\ud83d\ude00""#), Cow::Borrowed(_)));
        for broken in ["\\", "\\u", "\\ud8", "\\ud80", "\\ud8zz", "", "\\ud83d\\"] {
            well_formed(broken);
        }
    }
}
