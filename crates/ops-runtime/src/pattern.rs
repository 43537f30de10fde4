//! Patterns of URLs, as `nav.wait` and `network.*` take them. No URL is parsed here.

/// `*` stands for anything but `/`, `**` for anything; without either the pattern is a part of the URL.
pub(crate) fn matches(pattern: &str, url: &str) -> bool {
    if pattern.contains('*') {
        glob(pattern.as_bytes(), url.as_bytes())
    } else {
        url.contains(pattern)
    }
}

/// Greedy matching with one remembered position per kind of star, so that the time is bounded by the lengths' product.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    let mut reachable = vec![false; text.len() + 1];
    reachable[0] = true;
    let mut at = 0;
    while at < pattern.len() {
        let double = pattern[at..].starts_with(b"**");
        let mut next = vec![false; text.len() + 1];
        if pattern[at] == b'*' {
            let mut open = false;
            for end in 0..=text.len() {
                open = reachable[end] || (open && (double || text[end - 1] != b'/'));
                next[end] = open;
            }
        } else {
            for end in 1..=text.len() {
                next[end] = reachable[end - 1] && text[end - 1] == pattern[at];
            }
        }
        at += if double { 2 } else { 1 };
        reachable = next;
    }
    reachable[text.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn url_patterns_match_as_documented() {
        let url = "https://shop.example/cart/items?x=1";
        for pattern in [
            "cart",
            "https://**",
            "**/cart/*",
            "https://*/cart/items?x=1",
            "**",
            "https://shop.example/**/items?x=1",
        ] {
            assert!(matches(pattern, url), "{pattern}");
        }
        for pattern in ["Cart", "*", "https://*", "**/cart", "http://**"] {
            assert!(!matches(pattern, url), "{pattern}");
        }
        assert!(
            !matches(&"*a".repeat(500), &"b".repeat(5_000)),
            "bounded time"
        );
    }
}
