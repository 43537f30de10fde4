//! The configuration document `config.json`: its keys with types, defaults and meaning, layers of them, and which layer wins.
//!
//! `document` reads the text. Nothing here touches a disk, and nothing writes the document back.

mod document;
mod types;

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};

use schemars::{JsonSchema, Schema};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::control::scorecard::Phase;
use crate::wire::command::session::UrlScheme;
use crate::wire::domains::DomainRule;
use crate::wire::routing::{ActiveSessionPolicy, RolloutAllowlist, RolloutPercent, RoutingMode};
use crate::wire::version::CONFIG_SCHEMA_VERSION;

pub use document::{
    BROWSER, BROWSER_ARGS, BadValue, CHROMEDRIVER, ConfigRefusal, FIREFOX, FIREFOX_ARGS,
    KILL_SWITCH, MAX_BYTES, MIGRATORS, Migrator, VARIABLES, Variable, controls, env_kill_switch,
    environment, flags, parse,
};
pub use types::{
    AllowedHost, ExtensionId, InvalidName, LimitsProfileName, LogFormat, LogLevel, PairingMode,
    SandboxMode, WarningCode,
};

/// The port on which a relay with the limits profile `strict` listens unless it is told otherwise; with `local` the system chooses.
pub const DEFAULT_PORT: u16 = 9555;

/// Where a setting comes from; a later one wins.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// Built in.
    Default,
    /// `config.json`.
    File,
    /// An environment variable.
    Environment,
    /// A flag of the command line.
    Flag,
}

impl Source {
    /// The source's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::File => "file",
            Self::Environment => "environment",
            Self::Flag => "flag",
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A value and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sourced<T> {
    /// The value in force.
    pub value: T,
    /// Where it comes from.
    pub source: Source,
}

/// What one source says. Of two layers with the same source the later one wins.
#[derive(Debug, Clone, PartialEq)]
pub struct Layer {
    /// Which source it is.
    pub source: Source,
    /// What it says.
    pub document: ConfigDocument,
}

/// One setting as `config explain` prints it.
#[derive(Debug, Clone, Serialize)]
pub struct ExplainedSetting {
    /// The key, with a dot between section and name.
    pub key: &'static str,
    /// The JSON of the value in force.
    pub value: Box<RawValue>,
    /// Where it comes from.
    pub source: Source,
    /// What it means.
    pub meaning: &'static str,
}

impl ExplainedSetting {
    fn new<T: Serialize>(key: &'static str, setting: &Sourced<T>, meaning: &'static str) -> Self {
        let value = serde_json::value::to_raw_value(&setting.value)
            .expect("settings consist of words, numbers and lists of them");
        Self {
            key,
            value,
            source: setting.source,
            meaning,
        }
    }
}

/// Hands out the values of a document by key. Implemented by what reads one.
pub trait Leaves {
    /// The value under `key`, where there is one that fits; what does not fit is for the implementor to report with `expected`.
    fn take<T: DeserializeOwned>(&mut self, key: &'static str, expected: &'static str)
    -> Option<T>;
}

fn pick<'a, T: Clone + 'a>(
    settings: impl Iterator<Item = (Source, Option<&'a T>)>,
    default: impl FnOnce() -> T,
) -> Sourced<T> {
    let set = settings.filter_map(|(source, value)| value.map(|value| (source, value)));
    match set.max_by_key(|(source, _)| *source) {
        Some((source, value)) => Sourced {
            value: value.clone(),
            source,
        },
        None => Sourced {
            value: default(),
            source: Source::Default,
        },
    }
}

/// A key that is not there is not set; `null` is no value of any key, though the generated schema of an option says so.
fn annotate(schema: &mut Schema, defaults: &[(&str, Value)]) {
    let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) else {
        return;
    };
    for (key, default) in defaults {
        let Some(property) = properties.get_mut(*key).and_then(Value::as_object_mut) else {
            continue;
        };
        if let Some(types) = property.get_mut("type").and_then(Value::as_array_mut) {
            types.retain(|kind| kind != "null");
            if let [only] = types.as_slice() {
                let only = only.clone();
                property.insert("type".to_owned(), only);
            }
        }
        if let Some(Value::Array(choices)) = property.remove("anyOf") {
            let kept = choices
                .into_iter()
                .filter(|choice| choice.get("type").is_none_or(|kind| kind != "null"))
                .collect();
            property.insert("allOf".to_owned(), Value::Array(kept));
        }
        property.insert("default".to_owned(), default.clone());
    }
}

fn is_empty<T: Default + PartialEq>(section: &T) -> bool {
    *section == T::default()
}

// A row: field, name in its object, full key, type, default; what fits; what it means.
macro_rules! section {
    (
        $document:ident $document_meaning:literal, $effective:ident $effective_meaning:literal;
        $($field:ident $name:literal $key:literal $type:ty = $default:expr; $expected:expr; $meaning:literal;)+
        $(@ $section:ident $section_name:literal $section_document:ident $section_effective:ident $section_meaning:literal;)*
    ) => {
        #[doc = $document_meaning]
        #[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
        #[schemars(transform = $document::annotate)]
        pub struct $document {
            $(#[doc = $meaning] #[serde(rename = $name, skip_serializing_if = "Option::is_none")] pub $field: Option<$type>,)+
            $(#[doc = $section_meaning] #[serde(rename = $section_name, default, skip_serializing_if = "is_empty")] pub $section: $section_document,)*
        }

        impl $document {
            /// The document that `leaves` holds. Every key is asked for once.
            #[must_use]
            pub fn read(leaves: &mut impl Leaves) -> Self {
                Self {
                    $($field: leaves.take($key, $expected),)+
                    $($section: $section_document::read(leaves),)*
                }
            }

            fn annotate(schema: &mut Schema) {
                annotate(schema, &[$(($name, {
                    let default: $type = $default;
                    serde_json::to_value(default).unwrap_or_default()
                }),)+]);
            }
        }

        #[doc = $effective_meaning]
        #[derive(Debug, Clone, PartialEq, Serialize)]
        pub struct $effective {
            $(#[doc = $meaning] pub $field: Sourced<$type>,)+
            $(#[doc = $section_meaning] pub $section: $section_effective,)*
        }

        impl $effective {
            fn of(layers: &[(Source, &$document)]) -> Self {
                Self {
                    $($field: pick(layers.iter().map(|(source, document)| (*source, document.$field.as_ref())), || $default),)+
                    $($section: {
                        let sections: Vec<_> = layers.iter().map(|(source, document)| (*source, &document.$section)).collect();
                        $section_effective::of(&sections)
                    },)*
                }
            }

            fn explain_into(&self, rows: &mut Vec<ExplainedSetting>) {
                $(rows.push(ExplainedSetting::new($key, &self.$field, $meaning));)+
                $(self.$section.explain_into(rows);)*
            }
        }
    };
}

const BOOLEAN: &str = "true or false";
const STRINGS: &str = "a list of strings";
const DOMAINS: &str = "a list of hosts such as \"example.com\", \"*.example.com\", \"*\" or an IP address, each with a port or without";

section! {
    ConfigDocument "What a configuration document or another source says. A key that is not there is not set.",
    EffectiveConfig "Every setting in force, with its source.";

    config_schema_version "configSchemaVersion" "configSchemaVersion" u32 = CONFIG_SCHEMA_VERSION; "a whole number from 1";
        "Version of the document's schema.";
    allow_raw_cdp "allowRawCDP" "allowRawCDP" bool = false; BOOLEAN;
        "Whether the legacy lane `/cdp` is open at all.";
    allow_non_local_cdp "allowNonLocalCdp" "allowNonLocalCdp" bool = false; BOOLEAN;
        "Whether `/cdp` is open to peers beyond loopback as well.";
    allow_legacy_cdp_transitional_binding "allowLegacyCdpTransitionalBinding" "allowLegacyCdpTransitionalBinding" bool = false; BOOLEAN;
        "Whether legacy clients that predate lease fields may bind their lease to the connection.";
    listen "listen" "listen" SocketAddr = SocketAddr::from((Ipv4Addr::LOCALHOST, DEFAULT_PORT)); "an IP address and port such as \"127.0.0.1:9555\"";
        "Where the relay listens. Without it: port 9555 of loopback, or with the limits profile local one that the system chooses.";
    allowed_hosts "allowedHosts" "allowedHosts" Vec<AllowedHost> = Vec::new(); "a list of host names, each with a port or without";
        "Further names for which the Host header passes.";
    extension_allowlist "extensionAllowlist" "extensionAllowlist" Vec<ExtensionId> = Vec::new(); "a list of extension ids of 32 letters a to p";
        "Browser extensions whose origin passes.";
    limits_profile "limitsProfile" "limitsProfile" LimitsProfileName = LimitsProfileName::Strict; LimitsProfileName::EXPECTED;
        "The limits profile.";
    log_format "logFormat" "logFormat" LogFormat = LogFormat::Text; LogFormat::EXPECTED;
        "How log lines are written.";
    log_level "logLevel" "logLevel" LogLevel = LogLevel::Info; LogLevel::EXPECTED;
        "What is logged.";
    tls_cert_file "tlsCertFile" "tlsCertFile" String = String::new(); "a path";
        "The certificate that the relay serves TLS with, in PEM form, its own first; empty: no TLS.";
    tls_key_file "tlsKeyFile" "tlsKeyFile" String = String::new(); "a path";
        "The certificate's private key, in PEM form, which nobody else may be able to read.";
    token_file "tokenFile" "tokenFile" String = String::new(); "a path";
        "The file with the relay token, which nobody else may be able to read; empty: each start makes a new one.";
    pairing "pairing" "pairing" PairingMode = PairingMode::Auto; PairingMode::EXPECTED;
        "Whether clients must pair.";
    policy "policy" "policy" String = String::new(); "a path";
        "The file with the policy about commands; empty: every command is allowed. One that can't be read allows nothing.";
    scorecard_phase "scorecardPhase" "scorecardPhase" Phase = Phase::Pilot; Phase::EXPECTED;
        "The phase of the rollout whose gate the scorecard is judged by.";
    @ browser "browser" BrowserConfig EffectiveBrowserConfig "Chrome and Chromium as the relay starts them.";
    @ firefox "firefox" FirefoxConfig EffectiveFirefoxConfig "Firefox as the relay starts it.";
    @ ops "ops" OpsConfig EffectiveOpsConfig "Routing of new sessions.";
}

section! {
    BrowserConfig "The section `browser`.",
    EffectiveBrowserConfig "The section `browser` in force.";

    path "path" "browser.path" String = String::new(); "a path";
        "The executable of Chrome or Chromium; empty: the first of the well-known names and places.";
    args "args" "browser.args" Vec<String> = Vec::new(); STRINGS;
        "Further arguments for every Chrome or Chromium.";
    sandbox "sandbox" "browser.sandbox" SandboxMode = SandboxMode::Auto; SandboxMode::EXPECTED;
        "Whether browsers run in their sandbox.";
    chromedriver "chromedriver" "browser.chromedriver" String = String::new(); "a path";
        "Chromedriver's executable, or `chromedriver` for the first of the well-known names and places; empty: no session gets Chromium by the adapter `bidi`, as chromedriver's port takes every local process.";
    allow_domains "allowDomains" "browser.allowDomains" Vec<DomainRule> = Vec::new(); DOMAINS;
        "Hosts that sessions may reach; all when empty. A session's own list can only narrow it. It holds for sessions of every browser.";
    deny_domains "denyDomains" "browser.denyDomains" Vec<DomainRule> = Vec::new(); DOMAINS;
        "Hosts that no session may reach, whatever it asks for.";
    allow_schemes "allowSchemes" "browser.allowSchemes" Vec<UrlScheme> = Vec::new(); "a list of file, data and blob";
        "URL schemes beyond http, https and about:blank that sessions may ask for. With `file`, whoever may create sessions reads files as the relay's user does.";
}

section! {
    FirefoxConfig "The section `firefox`.",
    EffectiveFirefoxConfig "The section `firefox` in force.";

    path "path" "firefox.path" String = String::new(); "a path";
        "Firefox's executable; empty: the first of the well-known names and places.";
    args "args" "firefox.args" Vec<String> = Vec::new(); STRINGS;
        "Further arguments for every Firefox.";
}

section! {
    OpsConfig "The section `ops`.",
    EffectiveOpsConfig "The section `ops`, each key by its own sources. The mode in force is `routing::precedence`'s to say.";

    kill_switch "killSwitch" "ops.killSwitch" bool = false; BOOLEAN;
        "Whether new sessions are forced to the legacy lane.";
    routing_mode "routingMode" "ops.routingMode" RoutingMode = RoutingMode::Ops; RoutingMode::EXPECTED;
        "How new sessions are routed.";
    rollout_percent "rolloutPercent" "ops.rolloutPercent" RolloutPercent = RolloutPercent::ALL; "a whole number from 0 to 100";
        "How many of a hundred buckets go to `/ops` in `auto`.";
    rollout_allowlist "rolloutAllowlist" "ops.rolloutAllowlist" RolloutAllowlist = RolloutAllowlist::default(); "a list of identities namespace:value";
        "Identities that go to the legacy lane in `auto`.";
    active_session_policy "activeSessionPolicy" "ops.activeSessionPolicy" ActiveSessionPolicy = ActiveSessionPolicy::Continue; ActiveSessionPolicy::EXPECTED;
        "What becomes of active `/ops` sessions when routing changes.";
    allow_prerelease_interop "allowPrereleaseInterop" "ops.allowPrereleaseInterop" bool = false; BOOLEAN;
        "Whether components of exactly the same prerelease may speak to each other.";
    strict_config "strictConfig" "ops.strictConfig" bool = false; BOOLEAN;
        "Whether unknown keys and values that can't be interpreted refuse the document.";
}

impl EffectiveConfig {
    /// The settings in force: for each key the value of the highest source that sets it.
    #[must_use]
    pub fn resolve(layers: &[Layer]) -> Self {
        let layers: Vec<_> = layers
            .iter()
            .map(|layer| (layer.source, &layer.document))
            .collect();
        let mut effective = Self::of(&layers);
        if effective.listen.source == Source::Default
            && effective.limits_profile.value == LimitsProfileName::Local
        {
            effective.listen.value.set_port(0);
        }
        effective
    }

    /// Every setting with its value and source, in the order of the document.
    #[must_use]
    pub fn explain(&self) -> Vec<ExplainedSetting> {
        let mut rows = Vec::new();
        self.explain_into(&mut rows);
        rows
    }
}

/// Something about a document that an operator should know, though it is used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConfigWarning {
    /// The stable code.
    pub code: WarningCode,
    /// The key, with dots.
    pub key: String,
    /// One sentence for people.
    pub message: String,
}

impl fmt::Display for ConfigWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

/// A document that was read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ParsedConfig {
    /// What it says, as far as it can be interpreted.
    pub document: ConfigDocument,
    /// What it says beyond that.
    pub warnings: Vec<ConfigWarning>,
    /// Why its routing controls can't be interpreted; set, it forces the legacy lane.
    pub downgrade: Option<String>,
    /// Whether its allow list has entries that are no identities.
    pub allowlist_invalid: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(source: Source, change: impl FnOnce(&mut ConfigDocument)) -> Layer {
        let mut document = ConfigDocument::default();
        change(&mut document);
        Layer { source, document }
    }

    #[test]
    fn the_highest_source_that_sets_a_key_wins_whatever_the_order_of_the_layers() {
        let flag = layer(Source::Flag, |d| d.log_level = Some(LogLevel::Debug));
        let file = layer(Source::File, |d| {
            d.log_level = Some(LogLevel::Error);
            d.browser.sandbox = Some(SandboxMode::Off);
        });
        let environment = layer(Source::Environment, |d| {
            d.browser.path = Some("/bin/chrome".to_owned())
        });
        for layers in [
            [flag.clone(), file.clone(), environment.clone()],
            [file, environment, flag],
        ] {
            let effective = EffectiveConfig::resolve(&layers);
            assert_eq!(
                effective.log_level,
                Sourced {
                    value: LogLevel::Debug,
                    source: Source::Flag
                }
            );
            assert_eq!(
                effective.browser.sandbox,
                Sourced {
                    value: SandboxMode::Off,
                    source: Source::File
                }
            );
            assert_eq!(effective.browser.path.source, Source::Environment);
            assert_eq!(
                effective.ops.routing_mode,
                Sourced {
                    value: RoutingMode::Ops,
                    source: Source::Default
                }
            );
        }
    }

    #[test]
    fn the_defaults_are_the_closed_ones_and_those_of_the_plan() {
        let rows: Vec<String> = EffectiveConfig::resolve(&[])
            .explain()
            .iter()
            .map(|row| format!("{}={} {}", row.key, row.value.get(), row.source))
            .collect();
        assert_eq!(
            rows,
            [
                "configSchemaVersion=1 default",
                "allowRawCDP=false default",
                "allowNonLocalCdp=false default",
                "allowLegacyCdpTransitionalBinding=false default",
                "listen=\"127.0.0.1:9555\" default",
                "allowedHosts=[] default",
                "extensionAllowlist=[] default",
                "limitsProfile=\"strict\" default",
                "logFormat=\"text\" default",
                "logLevel=\"info\" default",
                "tlsCertFile=\"\" default",
                "tlsKeyFile=\"\" default",
                "tokenFile=\"\" default",
                "pairing=\"auto\" default",
                "policy=\"\" default",
                "scorecardPhase=\"pilot\" default",
                "browser.path=\"\" default",
                "browser.args=[] default",
                "browser.sandbox=\"auto\" default",
                "browser.chromedriver=\"\" default",
                "browser.allowDomains=[] default",
                "browser.denyDomains=[] default",
                "browser.allowSchemes=[] default",
                "firefox.path=\"\" default",
                "firefox.args=[] default",
                "ops.killSwitch=false default",
                "ops.routingMode=\"ops\" default",
                "ops.rolloutPercent=100 default",
                "ops.rolloutAllowlist=[] default",
                "ops.activeSessionPolicy=\"continue\" default",
                "ops.allowPrereleaseInterop=false default",
                "ops.strictConfig=false default",
            ]
        );
    }

    #[test]
    fn the_relay_of_one_user_listens_where_the_system_chooses() {
        let local = layer(Source::Flag, |d| {
            d.limits_profile = Some(LimitsProfileName::Local)
        });
        assert_eq!(
            EffectiveConfig::resolve(std::slice::from_ref(&local))
                .listen
                .value
                .port(),
            0
        );
        let listen = layer(Source::File, |d| d.listen = "127.0.0.1:7000".parse().ok());
        assert_eq!(
            EffectiveConfig::resolve(&[local, listen])
                .listen
                .value
                .port(),
            7000
        );
    }

    #[test]
    fn the_schema_has_every_key_with_its_default_and_knows_no_null() {
        let schema = serde_json::to_value(schemars::schema_for!(ConfigDocument)).unwrap();
        for row in EffectiveConfig::resolve(&[]).explain() {
            let property = match row.key.split_once('.') {
                None => &schema["properties"][row.key],
                Some((section, name)) => {
                    let definition = match section {
                        "ops" => "OpsConfig",
                        "firefox" => "FirefoxConfig",
                        _ => "BrowserConfig",
                    };
                    &schema["$defs"][definition]["properties"][name]
                }
            };
            let default: Value = serde_json::from_str(row.value.get()).unwrap();
            assert_eq!(property["default"], default, "{}", row.key);
            assert!(
                !property.to_string().contains("\"null\""),
                "{}: {property}",
                row.key
            );
        }
        assert_eq!(schema.get("required"), None);
    }
}
