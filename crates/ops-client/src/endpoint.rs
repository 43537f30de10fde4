//! Where a relay is and who calls it. No connection is made here.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ops_contracts::wire::frame::ClientKind;
use ops_contracts::wire::ids::{ClientId, RequestId};
use ops_contracts::wire::routing::RequestControls;
use serde::Deserialize;

use crate::Trust;

/// A relay and the identity under which it is called.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// Where it listens.
    pub url: RelayUrl,
    /// What its certificate is checked against, where it speaks TLS; the system's authorities without one.
    pub trust: Option<Trust>,
    /// The credential.
    pub token: Token,
    /// The second credential, where the relay wants its clients paired.
    pub pairing: Option<Token>,
    /// The client installation.
    pub client_id: ClientId,
    /// The kind of client.
    pub client_kind: ClientKind,
    /// The client's version (SemVer).
    pub client_version: String,
    /// Routing controls that travel with every request and hello.
    pub routing: RequestControls,
    /// Names the requests.
    pub request_ids: RequestIds,
}

impl Endpoint {
    /// The client kind as it stands in headers.
    pub(crate) const fn kind(&self) -> &'static str {
        match self.client_kind {
            ClientKind::Cli => "cli",
            ClientKind::Extension => "extension",
            ClientKind::Other => "other",
        }
    }
}

/// Why an endpoint is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidEndpoint {
    /// Neither `http://host:port` nor `https://host:port`.
    #[error("{0:?} is no relay URL: http://host:port or https://host:port is expected")]
    Url(String),
    /// A token that no header can carry. The text is not shown: it may be a secret.
    #[error("the relay token must be one line of 1 to 512 visible ASCII characters")]
    Token,
}

/// The address of a relay: `http://host:port`, or `https://host:port` where it speaks TLS; shown without a trailing slash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelayUrl {
    secure: bool,
    host: String,
    port: u16,
}

impl RelayUrl {
    /// Whether the relay speaks TLS.
    #[must_use]
    pub const fn is_secure(&self) -> bool {
        self.secure
    }

    /// The host, an IPv6 address without its brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        self.host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .unwrap_or(&self.host)
    }

    /// The port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// `host:port`, as it stands in a `Host` header.
    #[must_use]
    pub fn authority(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}

impl FromStr for RelayUrl {
    type Err = InvalidEndpoint;

    fn from_str(text: &str) -> Result<Self, InvalidEndpoint> {
        let invalid = || InvalidEndpoint::Url(text.to_owned());
        let plain = text.strip_prefix("http://").map(|rest| (false, rest));
        let (secure, rest) = plain
            .or_else(|| text.strip_prefix("https://").map(|rest| (true, rest)))
            .ok_or_else(invalid)?;
        let (host, port) = rest
            .strip_suffix('/')
            .unwrap_or(rest)
            .rsplit_once(':')
            .ok_or_else(invalid)?;
        let port: u16 = port.parse().map_err(|_| invalid())?;
        let bracketed = host.starts_with('[')
            && host.ends_with(']')
            && host[1..host.len() - 1]
                .parse::<std::net::Ipv6Addr>()
                .is_ok();
        let named = !host.is_empty()
            && host
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b));
        if port == 0 || !(bracketed || named) {
            return Err(invalid());
        }
        Ok(Self {
            secure,
            host: host.to_owned(),
            port,
        })
    }
}

impl fmt::Display for RelayUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}://{}:{}",
            if self.secure { "https" } else { "http" },
            self.host,
            self.port
        )
    }
}

/// The relay's token, the admin token or a pairing token. It never shows itself.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Token(String);

impl Token {
    /// The token's text, for headers that take it bare and for the file that keeps it.
    #[must_use]
    pub fn bare(&self) -> &str {
        &self.0
    }

    /// The value of the `Authorization` header.
    pub(crate) fn bearer(&self) -> String {
        format!("Bearer {}", self.0)
    }
}

impl TryFrom<String> for Token {
    type Error = InvalidEndpoint;
    fn try_from(text: String) -> Result<Self, InvalidEndpoint> {
        text.parse()
    }
}

impl FromStr for Token {
    type Err = InvalidEndpoint;

    fn from_str(text: &str) -> Result<Self, InvalidEndpoint> {
        let valid = (1..=512).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
        if valid {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidEndpoint::Token)
        }
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// Names requests: one prefix that no other process uses, and a number. Clones share the numbers.
#[derive(Debug, Clone)]
pub struct RequestIds {
    prefix: Arc<str>,
    next: Arc<AtomicU64>,
}

impl RequestIds {
    /// The most bytes of a name: the nonce's hex digits, a dash and the longest number.
    pub(crate) const LONGEST: usize = 32 + 1 + 20;

    /// Names that begin with `nonce`, which must be random: two processes with the same one would get each other's results.
    #[must_use]
    pub fn new(nonce: u128) -> Self {
        Self {
            prefix: format!("{nonce:032x}").into(),
            next: Arc::new(AtomicU64::new(1)),
        }
    }

    /// The name that was given last; one that no request has, before the first.
    #[must_use]
    pub fn last_id(&self) -> RequestId {
        self.name(self.next.load(Ordering::Relaxed) - 1)
    }

    /// The next name.
    #[must_use]
    pub fn next_id(&self) -> RequestId {
        self.name(self.next.fetch_add(1, Ordering::Relaxed))
    }

    fn name(&self, number: u64) -> RequestId {
        format!("{}-{number}", self.prefix)
            .parse()
            .expect("hex digits, a dash and a number are a request id")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relay_url_has_scheme_host_and_port() {
        for good in [
            "http://127.0.0.1:9",
            "http://localhost:80",
            "http://[::1]:8123",
            "http://relay.example:1",
            "https://h:443",
        ] {
            assert_eq!(good.parse::<RelayUrl>().unwrap().to_string(), good);
            assert_eq!(
                format!("{good}/").parse::<RelayUrl>().unwrap().to_string(),
                good
            );
        }
        assert_eq!(
            "http://[::1]:8123".parse::<RelayUrl>().unwrap().host(),
            "::1"
        );
        for bad in [
            "",
            "127.0.0.1:9",
            "ftp://h:1",
            "https://h",
            "HTTPS://h:1",
            "http://h",
            "http://h:0",
            "http://h:99999",
            "http://h:1/ops",
            "http://u@h:1",
            "http://a b:1",
        ] {
            assert!(bad.parse::<RelayUrl>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_token_never_shows_itself() {
        let token: Token = "s3cret".parse().unwrap();
        assert_eq!(format!("{token:?}"), "Token(…)");
        assert!("two\nlines".parse::<Token>().is_err());
        assert!("".parse::<Token>().is_err());
    }

    #[test]
    fn request_ids_are_valid_and_differ() {
        let ids = RequestIds::new(7);
        assert_ne!(ids.next_id(), ids.clone().next_id());
    }
}
