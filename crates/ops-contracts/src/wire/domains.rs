//! Rules about hosts: which of them a session may reach. Data and pure decisions; whoever carries the traffic enforces them.
//!
//! A rule names a host and says nothing of paths or schemes. Nothing is resolved here.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ErrorCode;
use crate::wire::clock::Timestamp;
use crate::wire::command::InvalidField;
use crate::wire::fault::Fault;

/// The most rules of one list.
pub const MAX_RULES: usize = 512;

/// One rule: `example.com` that host alone, `*.example.com` everything below it and not the host itself, `*` every host, an IP
/// address that address. `:PORT` after it narrows it to a port. Names are compared without regard to case or a final dot.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DomainRule {
    text: String,
    host: Pattern,
    port: Option<u16>,
}

impl JsonSchema for DomainRule {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "DomainRule".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let description = "A host (example.com), everything below one (*.example.com), every host (*), or an IP address; :PORT narrows it.";
        schemars::json_schema!({ "type": "string", "minLength": 1, "description": description })
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Pattern {
    Any,
    Name(String),
    Below(String),
    Address(IpAddr),
}

/// Why a text is no rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no rule about hosts: {1}")]
pub struct InvalidRule(String, &'static str);

impl DomainRule {
    /// The rule as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it is about `host`, as it stands in a URL, and `port`.
    #[must_use]
    pub fn covers(&self, host: &str, port: u16) -> bool {
        if self.port.is_some_and(|wanted| wanted != port) {
            return false;
        }
        let host = normal(host);
        match &self.host {
            Pattern::Any => true,
            Pattern::Name(name) => *name == host,
            Pattern::Below(name) => host
                .strip_suffix(name.as_str())
                .is_some_and(|rest| rest.len() > 1 && rest.ends_with('.')),
            Pattern::Address(address) => address_of(&host) == Some(*address),
        }
    }

    /// Whether, in a deny list, it is about `host`, as it stands in a URL, and `port`. There an address of loopback stands for
    /// all of them: each leads to the same machine.
    #[must_use]
    pub fn denies(&self, host: &str, port: u16) -> bool {
        let by_address = || address_of(&normal(host));
        self.covers(host, port)
            || by_address().is_some_and(|address| self.denies_address(address, port))
    }

    /// The same for an address that a name resolved to.
    #[must_use]
    pub fn denies_address(&self, address: IpAddr, port: u16) -> bool {
        let address = address.to_canonical();
        matches!(&self.host, Pattern::Address(named)
            if *named == address || (is_this_machine(*named) && is_this_machine(address)))
            && self.port.is_none_or(|wanted| wanted == port)
    }
}

/// Lower case, without the brackets of an address and without a final dot.
fn normal(host: &str) -> String {
    let host = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host);
    host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase()
}

fn address_of(host: &str) -> Option<IpAddr> {
    host.parse::<IpAddr>()
        .ok()
        .map(|address| address.to_canonical())
}

/// Whether a canonical address is one of loopback, or one that systems connect to as that: all of 0.0.0.0/8, and `::`.
fn is_this_machine(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_loopback() || address.octets()[0] == 0,
        IpAddr::V6(address) => address.is_loopback() || address.is_unspecified(),
    }
}

impl FromStr for DomainRule {
    type Err = InvalidRule;

    fn from_str(text: &str) -> Result<Self, InvalidRule> {
        let invalid = |why| InvalidRule(text.chars().take(80).collect(), why);
        if text.contains("://") || text.contains('/') {
            return Err(invalid("a host is expected, without scheme and path"));
        }
        let (host, port) = split_port(text)
            .ok_or_else(|| invalid("after the colon a port from 1 to 65535 is expected"))?;
        if host == "*." {
            return Err(invalid("after *. a host name is expected"));
        }
        let host = normal(host);
        let pattern = match host.strip_prefix("*.") {
            _ if host == "*" => Pattern::Any,
            Some(name) if is_name(name) => Pattern::Below(name.to_owned()),
            Some(_) => return Err(invalid("after *. a host name is expected")),
            None => match address_of(&host) {
                Some(address) => Pattern::Address(address),
                None if is_name(&host) => Pattern::Name(host),
                None => {
                    return Err(invalid(
                        "write names in ASCII (xn--…), a wildcard as the first label alone, addresses in full",
                    ));
                }
            },
        };
        Ok(Self {
            text: text.to_owned(),
            host: pattern,
            port,
        })
    }
}

/// Host and port of `host`, `host:port`, `[v6]`, `[v6]:port` or a bare `v6`.
fn split_port(text: &str) -> Option<(&str, Option<u16>)> {
    let bare_v6 = text.matches(':').count() > 1 && !text.starts_with('[');
    match text.rsplit_once(':') {
        Some((host, port)) if !bare_v6 && !port.ends_with(']') => {
            let digits = !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
            let port = port
                .parse::<u16>()
                .ok()
                .filter(|port| digits && *port > 0)?;
            Some((host, Some(port)))
        }
        _ => Some((text, None)),
    }
}

fn is_name(name: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    (1..=253).contains(&name.len()) && name.split('.').all(label)
}

impl TryFrom<String> for DomainRule {
    type Error = InvalidRule;
    fn try_from(text: String) -> Result<Self, InvalidRule> {
        text.parse()
    }
}

impl From<DomainRule> for String {
    fn from(rule: DomainRule) -> Self {
        rule.text
    }
}

impl fmt::Display for DomainRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A list of what may be reached and one of what may not. A host passes when no rule of `deny` is about it and, where `allow` has
/// rules at all, one of them is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DomainRules {
    /// What may be reached; everything that is not denied where it is empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allow: Vec<DomainRule>,
    /// What may not be reached, whatever `allow` says.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deny: Vec<DomainRule>,
}

impl DomainRules {
    /// Whether they refuse nothing.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.allow.is_empty() && self.deny.is_empty()
    }

    /// Why `host` may not be reached; `None` when it may.
    #[must_use]
    pub fn refusal(&self, host: &str, port: u16) -> Option<DomainRefusal> {
        if let Some(rule) = self.deny.iter().find(|rule| rule.denies(host, port)) {
            return Some(DomainRefusal {
                host: host.to_owned(),
                port,
                reason: DomainReason::Denied,
                rule: Some(rule.clone()),
            });
        }
        let listed = self.allow.is_empty() || self.allow.iter().any(|rule| rule.covers(host, port));
        (!listed).then(|| DomainRefusal {
            host: host.to_owned(),
            port,
            reason: DomainReason::NotAllowed,
            rule: None,
        })
    }

    /// Checks the number of rules.
    ///
    /// # Errors
    /// The list that is too long.
    pub fn validate(&self, allow: &str, deny: &str) -> Result<(), InvalidField> {
        for (field, list) in [(allow, &self.allow), (deny, &self.deny)] {
            if list.len() > MAX_RULES {
                return Err(InvalidField::new(
                    field,
                    format!("at most {MAX_RULES} rules"),
                ));
            }
        }
        Ok(())
    }
}

/// Lists of several authorities, all of which must let a host pass: each one can only narrow what the others leave.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DomainPolicy {
    layers: Vec<DomainRules>,
}

impl DomainPolicy {
    /// The policy of these lists; those without rules count for nothing.
    #[must_use]
    pub fn of(layers: impl IntoIterator<Item = DomainRules>) -> Self {
        Self {
            layers: layers
                .into_iter()
                .filter(|rules| !rules.is_empty())
                .collect(),
        }
    }

    /// Whether it refuses nothing.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.layers.is_empty()
    }

    /// Its lists.
    #[must_use]
    pub fn layers(&self) -> &[DomainRules] {
        &self.layers
    }

    /// Why `host` may not be reached; `None` when it may.
    #[must_use]
    pub fn refusal(&self, host: &str, port: u16) -> Option<DomainRefusal> {
        self.layers
            .iter()
            .find_map(|rules| rules.refusal(host, port))
    }

    /// Why a web URL (http, https, ws, wss) may not be asked for; `None` for one that may be, and for URLs without a host.
    #[must_use]
    pub fn refusal_of_url(&self, url: &str) -> Option<DomainRefusal> {
        let (host, port) = host_of_url(url)?;
        self.refusal(&host, port)
    }

    /// Why an address that a permitted name resolved to may not be reached: a denied address stays denied under any name.
    #[must_use]
    pub fn refusal_of_address(
        &self,
        host: &str,
        address: IpAddr,
        port: u16,
    ) -> Option<DomainRefusal> {
        let mut denied = self.layers.iter().flat_map(|rules| &rules.deny);
        let rule = denied.find(|rule| rule.denies_address(address, port))?;
        Some(DomainRefusal {
            host: host.to_owned(),
            port,
            reason: DomainReason::Denied,
            rule: Some(rule.clone()),
        })
    }
}

/// Host and port of a web URL; the host without brackets and in lower case.
#[must_use]
pub fn host_of_url(url: &str) -> Option<(String, u16)> {
    let (scheme, rest) = url.trim_start().split_once(':')?;
    let default = match scheme.to_ascii_lowercase().as_str() {
        "http" | "ws" => 80,
        "https" | "wss" => 443,
        _ => return None,
    };
    let authority = rest
        .trim_start_matches(['/', '\\'])
        .split(['/', '?', '#', '\\'])
        .next()?;
    let authority = authority.rsplit('@').next()?;
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => rest
            .split_once(']')
            .map(|(host, port)| (host, port.strip_prefix(':')))?,
        None => authority
            .split_once(':')
            .map_or((authority, None), |(host, port)| (host, Some(port))),
    };
    let port = match port {
        None | Some("") => default,
        Some(port) => port.parse().ok()?,
    };
    (!host.is_empty()).then(|| (normal(host), port))
}

/// Which list refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum DomainReason {
    /// A rule of a deny list is about the host.
    Denied,
    /// No rule of an allow list is.
    NotAllowed,
}

/// Why a host may not be reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DomainRefusal {
    /// The host, as it was asked for.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Which list refuses.
    pub reason: DomainReason,
    /// The rule of the deny list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<DomainRule>,
}

impl DomainRefusal {
    /// The refusal in one sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        let Self { host, port, .. } = self;
        match &self.rule {
            Some(rule) => format!("{host}:{port} is denied by the rule {rule}"),
            None => format!("{host}:{port} is on no allow list of this session"),
        }
    }

    /// The refusal as an error.
    #[must_use]
    pub fn fault(&self) -> Fault {
        let fault = Fault::new(ErrorCode::OpsDomainDenied, self.sentence())
            .with("host", &self.host)
            .with("port", self.port);
        let fault = fault.with("reason", self.reason);
        match &self.rule {
            Some(rule) => fault.with("rule", rule),
            None => fault,
        }
    }
}

/// Requests of a session to one host that were refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RefusedHost {
    /// The host.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Which list refused it.
    pub reason: DomainReason,
    /// The rule of the deny list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<DomainRule>,
    /// How often a connection to it was refused.
    pub count: u64,
    /// When it was last.
    pub last_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(texts: &[&str]) -> Vec<DomainRule> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[track_caller]
    fn check(rule: &str, host: &str, port: u16, covered: bool) {
        assert_eq!(
            rule.parse::<DomainRule>().unwrap().covers(host, port),
            covered,
            "{rule} {host}:{port}"
        );
    }

    #[test]
    fn a_denied_address_of_loopback_denies_all_of_them_and_an_allowed_one_allows_itself() {
        const ALL: &[&str] = &[
            "127.0.0.1",
            "127.9.8.7",
            "0.0.0.0",
            "0.1.2.3",
            "[::1]",
            "[::]",
            "[::ffff:127.0.0.1]",
            "[::ffff:0.0.0.0]",
        ];
        for denied in ["127.0.0.1", "[::1]", "0.0.0.0", "[::]", "127.0.0.1:80"] {
            let policy = DomainPolicy::of([DomainRules {
                allow: Vec::new(),
                deny: rules(&[denied]),
            }]);
            for host in ALL {
                assert!(policy.refusal(host, 80).is_some(), "{denied} {host}");
                let url = format!("http://{host}/");
                assert!(policy.refusal_of_url(&url).is_some(), "{denied} {host}");
                let address = address_of(&normal(host)).unwrap();
                let resolved = policy.refusal_of_address("name.example", address, 80);
                assert!(resolved.is_some(), "{denied} {host}");
            }
            for other in ["128.0.0.1", "1.0.0.0", "[::2]", "localhost", "far.example"] {
                assert_eq!(policy.refusal(other, 80), None, "{denied} {other}");
            }
        }
        let narrow = DomainPolicy::of([DomainRules {
            allow: Vec::new(),
            deny: rules(&["127.0.0.1:80"]),
        }]);
        assert_eq!(narrow.refusal("0.0.0.0", 81), None);
        let only = DomainPolicy::of([DomainRules {
            allow: rules(&["127.0.0.1"]),
            deny: Vec::new(),
        }]);
        assert_eq!(only.refusal("127.0.0.1", 80), None);
        for host in ALL.iter().filter(|host| !host.contains("127.0.0.1")) {
            assert!(only.refusal(host, 80).is_some(), "{host}");
        }
    }

    #[test]
    fn a_rule_is_about_a_host_or_what_is_below_it() {
        check("example.com", "example.com", 443, true);
        check("Example.COM.", "example.com", 443, true);
        check("example.com", "EXAMPLE.com.", 443, true);
        check("example.com", "www.example.com", 443, false);
        check("example.com", "badexample.com", 443, false);
        check("*.example.com", "a.b.example.com", 443, true);
        check("*.example.com", "example.com", 443, false);
        check("*.example.com", "badexample.com", 443, false);
        check("*.example.com", ".example.com", 443, false);
        check("*", "anything", 1, true);
        check("example.com:8443", "example.com", 443, false);
        check("example.com:8443", "example.com", 8443, true);
        check("127.0.0.1", "127.0.0.1", 80, true);
        check("127.0.0.1", "localhost", 80, false);
        check("127.0.0.1", "::ffff:127.0.0.1", 80, true);
        check("[::1]:80", "[::1]", 80, true);
        check("::1", "[::1]", 80, true);
        check("::1", "::2", 80, false);
    }

    #[test]
    fn what_is_no_host_is_no_rule() {
        for wrong in [
            "",
            " ",
            "https://x.y",
            "x.y/z",
            "a..b",
            "*.",
            "*x.y",
            "x.*.y",
            "x:0",
            "x:",
            "x:99999",
            "x:+1",
            "käse.de",
            "*.*",
            "a b",
        ] {
            assert!(wrong.parse::<DomainRule>().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn denying_wins_and_an_allow_list_refuses_everything_else() {
        let list = DomainRules {
            allow: rules(&["*.shop.test", "shop.test"]),
            deny: rules(&["ads.shop.test"]),
        };
        assert_eq!(list.refusal("www.shop.test", 443), None);
        assert_eq!(
            list.refusal("ads.shop.test", 443).unwrap().reason,
            DomainReason::Denied
        );
        assert_eq!(
            list.refusal("elsewhere.test", 443).unwrap().reason,
            DomainReason::NotAllowed
        );
        let open = DomainRules {
            allow: Vec::new(),
            deny: rules(&["ads.test"]),
        };
        assert_eq!(open.refusal("elsewhere.test", 443), None);
    }

    #[test]
    fn a_further_list_can_only_narrow() {
        let operator = DomainRules {
            allow: rules(&["*.shop.test"]),
            deny: rules(&["127.0.0.1"]),
        };
        let session = DomainRules {
            allow: rules(&["*"]),
            deny: rules(&["admin.shop.test"]),
        };
        let policy = DomainPolicy::of([operator, DomainRules::default(), session]);
        assert_eq!(policy.layers().len(), 2);
        assert!(policy.refusal_of_url("https://www.shop.test/x").is_none());
        assert!(policy.refusal_of_url("wss://elsewhere.test").is_some());
        assert!(policy.refusal_of_url("http://admin.shop.test").is_some());
        assert!(policy.refusal_of_url("about:blank").is_none());
        let loopback = "127.0.0.1".parse().unwrap();
        assert_eq!(
            policy
                .refusal_of_address("www.shop.test", loopback, 80)
                .unwrap()
                .rule
                .unwrap()
                .as_str(),
            "127.0.0.1"
        );
        assert!(
            DomainPolicy::default().is_open()
                && DomainPolicy::of([DomainRules::default()]).is_open()
        );
    }

    #[test]
    fn urls_give_host_and_port() {
        let of = |url: &str| host_of_url(url);
        assert_eq!(
            of("HTTP://U:p@Example.com:81/x?y#z"),
            Some(("example.com".to_owned(), 81))
        );
        assert_eq!(of("wss://[::1]/"), Some(("::1".to_owned(), 443)));
        assert_eq!(of("https://x?y"), Some(("x".to_owned(), 443)));
        assert_eq!(of("data:text/html,http://x"), None);
        assert_eq!(
            of("http:///x"),
            Some(("x".to_owned(), 80)),
            "browsers take it so"
        );
    }
}
