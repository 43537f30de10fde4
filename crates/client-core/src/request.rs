//! Commands with checked parameters, ready to be sent.

use ops_contracts::wire::command::emulation::DeviceParams;
use ops_contracts::wire::command::{CommandName, LoadState, Params, nav};
use ops_contracts::wire::ids::TargetId;
use serde_json::value::RawValue;

use crate::failure::{Failure, Outcome};

/// A command of the contract that is ready to be sent.
#[derive(Debug, Clone)]
pub struct Request {
    /// The command.
    pub command: CommandName,
    /// Its parameters: a JSON object of the command's own type.
    pub params: Box<RawValue>,
}

impl Request {
    /// Checks the parameters as the relay will, so that what is wrong is said before anything is sent.
    ///
    /// # Errors
    /// `cli_usage_invalid` naming what is wrong.
    pub fn new<P: Params>(command: CommandName, params: &P) -> Outcome<Self> {
        params
            .validate()
            .map_err(|error| Failure::usage(error.to_string()))?;
        let params = serde_json::value::to_raw_value(params)
            .map_err(|error| Failure::usage(error.to_string()))?;
        Ok(Self { command, params })
    }

    /// `nav.goto` to a URL as people write it.
    ///
    /// # Errors
    /// `cli_usage_invalid` for a URL that the command does not take.
    pub fn goto(url: &str, wait_until: LoadState, tab: Option<&TargetId>) -> Outcome<Self> {
        let params = nav::GotoParams {
            url: complete_url(url),
            wait_until,
            target_id: tab.cloned(),
        };
        Self::new(CommandName::NavGoto, &params)
    }

    /// `emulation.device` of a preset.
    ///
    /// # Errors
    /// `cli_usage_invalid` for a device that there is not.
    pub fn device(name: &str, landscape: bool) -> Outcome<Self> {
        let params = DeviceParams {
            name: name.to_owned(),
            landscape,
        };
        Self::new(CommandName::EmulationDevice, &params)
    }
}

/// A URL as people write it, made absolute: `example.com` and `localhost:3000` get a scheme. What is no host stays as it is,
/// for the relay to refuse.
#[must_use]
pub fn complete_url(text: &str) -> String {
    let text = text.trim();
    let host_and_port = text.split(['/', '?', '#']).next().unwrap_or(text);
    let (host, port) = match host_and_port.rsplit_once(':') {
        Some((host, port)) if !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()) => {
            (host, true)
        }
        Some(_) if !host_and_port.starts_with('[') => return text.to_owned(),
        _ => (host_and_port, false),
    };
    let plain = host
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b) || !b.is_ascii());
    let local = host == "localhost"
        || host.ends_with(".localhost")
        || host.starts_with("127.")
        || host == "[::1]"
        || host == "0.0.0.0";
    let named = plain && !host.is_empty() && (host.trim_matches('.').contains('.') || port);
    match (local, named) {
        (true, _) => format!("http://{text}"),
        (false, true) => format!("https://{text}"),
        (false, false) => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_completed_as_people_write_them() {
        for (written, meant) in [
            ("example.com", "https://example.com"),
            ("example.com:8080/x?y#z", "https://example.com:8080/x?y#z"),
            ("localhost:3000/a", "http://localhost:3000/a"),
            ("127.0.0.1", "http://127.0.0.1"),
            ("[::1]:9/x", "http://[::1]:9/x"),
            ("http://a", "http://a"),
            ("about:blank", "about:blank"),
            ("file:///etc/passwd", "file:///etc/passwd"),
            ("javascript:alert(1)", "javascript:alert(1)"),
            ("data:text/html,a.b", "data:text/html,a.b"),
            ("not a url", "not a url"),
            ("foo", "foo"),
            ("/path.html", "/path.html"),
            ("", ""),
            ("user:pass@host.org", "user:pass@host.org"),
        ] {
            assert_eq!(complete_url(written), meant, "{written}");
        }
    }
}
