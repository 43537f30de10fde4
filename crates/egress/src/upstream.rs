//! A proxy behind the door.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

/// An HTTP proxy to which everything that may pass is handed on.
#[derive(Clone, PartialEq, Eq)]
pub struct Upstream {
    pub(crate) host: String,
    pub(crate) port: u16,
    /// The value of `Proxy-Authorization`.
    pub(crate) authorization: Option<String>,
}

/// A text names no proxy that a door can use. The text itself may hold a password and is not repeated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the proxy behind domain rules must be http://[user:password@]host:port")]
pub struct InvalidUpstream;

impl FromStr for Upstream {
    type Err = InvalidUpstream;

    fn from_str(text: &str) -> Result<Self, InvalidUpstream> {
        let rest = match text.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => rest,
            Some(_) => return Err(InvalidUpstream),
            None => text,
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (credentials, place) = rest
            .rsplit_once('@')
            .map_or((None, rest), |(credentials, place)| {
                (Some(credentials), place)
            });
        let (host, port) = place.rsplit_once(':').ok_or(InvalidUpstream)?;
        let host = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .unwrap_or(host);
        let port = port
            .parse()
            .ok()
            .filter(|port| *port > 0)
            .ok_or(InvalidUpstream)?;
        if host.is_empty() || host.contains(['/', '?', '#', ' ']) {
            return Err(InvalidUpstream);
        }
        let authorization = match credentials {
            None => None,
            Some(credentials) => {
                let (user, password) = credentials.split_once(':').unwrap_or((credentials, ""));
                let plain = [decoded(user)?, vec![b':'], decoded(password)?].concat();
                Some(format!("Basic {}", BASE64_STANDARD.encode(plain)))
            }
        };
        Ok(Self {
            host: host.to_owned(),
            port,
            authorization,
        })
    }
}

/// Credentials of a URL are percent-encoded.
fn decoded(text: &str) -> Result<Vec<u8>, InvalidUpstream> {
    let mut bytes = text.bytes();
    let mut plain = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        let byte = match byte {
            b'%' => {
                let digit = |byte: Option<u8>| {
                    byte.and_then(|byte| char::from(byte).to_digit(16))
                        .ok_or(InvalidUpstream)
                };
                let (high, low) = (digit(bytes.next())?, digit(bytes.next())?);
                u8::try_from(high * 16 + low).map_err(|_| InvalidUpstream)?
            }
            byte => byte,
        };
        plain.push(byte);
    }
    Ok(plain)
}

impl fmt::Debug for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Upstream({}:{})", self.host, self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_read_with_its_credentials_and_shows_none() {
        let proxy: Upstream = "http://ada:p%40ss@proxy.test:3128/".parse().unwrap();
        assert_eq!((proxy.host.as_str(), proxy.port), ("proxy.test", 3128));
        assert_eq!(proxy.authorization.as_deref(), Some("Basic YWRhOnBAc3M="));
        assert_eq!(format!("{proxy:?}"), "Upstream(proxy.test:3128)");
        assert_eq!("[::1]:8080".parse::<Upstream>().unwrap().host, "::1");
        for wrong in [
            "",
            "proxy.test",
            "socks5://x:1",
            "http://x",
            "http://x:0",
            "http://u:%zz@x:1",
            "http://x:1/path",
        ] {
            assert!(wrong.parse::<Upstream>().is_err(), "{wrong}");
        }
    }
}
