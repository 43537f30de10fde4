//! Origins of web URLs, as browsers compare them. It parses no further than that.

/// The origin of a web URL (`https://example.com:8443`), without a port that is the scheme's own.
pub(crate) fn of_url(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let scheme = scheme.to_ascii_lowercase();
    let own_port = match scheme.as_str() {
        "http" => ":80",
        "https" => ":443",
        _ => return None,
    };
    let authority = rest.split(['/', '?', '#', '\\']).next()?;
    let host = authority.rsplit('@').next()?.to_ascii_lowercase();
    let host = host.strip_suffix(own_port).unwrap_or(&host);
    (!host.is_empty()).then(|| format!("{scheme}://{host}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(url: &str, origin: Option<&str>) {
        assert_eq!(of_url(url).as_deref(), origin, "{url}");
    }

    #[test]
    fn an_origin_is_scheme_host_and_a_port_of_its_own() {
        check("https://Example.com/a?b#c", Some("https://example.com"));
        check("HTTP://example.com:80/", Some("http://example.com"));
        check("http://example.com:443", Some("http://example.com:443"));
        check("https://u:p@[::1]:8443/x", Some("https://[::1]:8443"));
        check("about:blank", None);
        check("file:///etc/passwd", None);
        check("http:///x", None);
    }
}
