//! Which URLs a session may be sent to. The browser parses them; this refuses what must not reach it.

use ops_contracts::{ErrorCode, Fault, Outcome};

use crate::urls::not_allowed;

/// The URL to navigate to, if it is absolute and its scheme is allowed.
pub(crate) fn check(text: &str, allowed: &[String]) -> Outcome<String> {
    let url = text.trim();
    let invalid = |why: &str| {
        Fault::new(
            ErrorCode::OpsUrlInvalid,
            format!("{} is no URL to go to: {why}", shown(url)),
        )
        .with("url", shown(url))
    };
    let Some((scheme, rest)) = url.split_once(':').filter(|(scheme, _)| is_scheme(scheme)) else {
        return Err(invalid("it has no scheme, such as https://"));
    };
    if text.chars().any(|c| c.is_control()) {
        return Err(invalid("it has control characters"));
    }
    let scheme = scheme.to_ascii_lowercase();
    match scheme.as_str() {
        "http" | "https" => match rest.strip_prefix("//") {
            Some(rest) if !host(rest).is_empty() && !host(rest).contains(' ') => Ok(url.to_owned()),
            _ => Err(invalid("it has no host")),
        },
        "about" if rest == "blank" => Ok(url.to_owned()),
        _ if allowed.contains(&scheme) => Ok(url.to_owned()),
        // `localhost:8080` parses as a scheme: say what was meant.
        _ if rest.bytes().next().is_some_and(|b| b.is_ascii_digit()) => {
            Err(invalid("it has no scheme, such as http://"))
        }
        _ => Err(not_allowed(&scheme, "this session")),
    }
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
}

fn host(rest: &str) -> &str {
    let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    authority.rsplit('@').next().unwrap_or_default()
}

/// The URL as errors show it: cut, since it may be megabytes of data.
fn shown(url: &str) -> String {
    url.chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(url: &str, code: ErrorCode) {
        assert_eq!(check(url, &[]).unwrap_err().code, code, "{url}");
    }

    #[test]
    fn only_absolute_urls_of_allowed_schemes_pass() {
        for url in [
            "http://x",
            "https://x.y/z?q#f",
            "HTTP://X",
            " http://x ",
            "about:blank",
            "http://[::1]:80/",
            "http://u:p@h/",
        ] {
            assert!(check(url, &[]).is_ok(), "{url}");
        }
        for url in [
            "",
            "x",
            "/path",
            "example.com",
            "http:",
            "http://",
            "http:///x",
            "http://a b/",
            "localhost:80",
            "http://x\n",
            "//x",
        ] {
            refused(url, ErrorCode::OpsUrlInvalid);
        }
        for url in [
            "file:///etc/passwd",
            "javascript:alert(1)",
            "chrome://version",
            "data:text/html,x",
            "about:config",
            "FILE:///x",
            "view-source:http://x",
        ] {
            refused(url, ErrorCode::OpsUrlForbidden);
        }
        assert!(check("file:///tmp/x", &["file".to_owned()]).is_ok());
    }
}
