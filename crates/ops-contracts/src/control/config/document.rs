//! Reading the configuration document, the layer of the environment, and the routing controls that the layers make.
//!
//! Text in, data out: no file is opened and none is ever written, so that keys of a newer version stay as they are.

mod json;
mod migrate;
mod refusal;

use super::{
    ConfigDocument, ConfigWarning, EffectiveConfig, Layer, Leaves, ParsedConfig, Source,
    WarningCode,
};
use crate::wire::routing::{CliControls, ConfigControls, RoutingControls};
use crate::wire::version::CONFIG_SCHEMA_VERSION;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

pub use migrate::{MIGRATORS, Migrator};
pub use refusal::{BadValue, ConfigRefusal};

/// The largest document that is read, in bytes.
pub const MAX_BYTES: usize = 1024 * 1024;

const SCHEMA_VERSION: &str = "configSchemaVersion";
const ALLOWLIST: &str = "ops.rolloutAllowlist";
/// Keys whose values are objects with keys of their own.
const SECTIONS: [&str; 3] = ["browser", "firefox", "ops"];

/// Reads a document. `strict` is `--strict-config`; `ops.strictConfig` in the document does the same.
///
/// Unknown keys are warned about, or refused under strict. A value of the section `ops` that can't be interpreted, and a
/// schema version that is newer than ours, force the legacy lane (`downgrade`); under strict such a value is refused as well.
/// Any other value that does not fit is refused.
///
/// # Errors
/// Everything that is wrong with the document, at once.
pub fn parse(text: &str, strict: bool) -> Result<ParsedConfig, ConfigRefusal> {
    if text.len() > MAX_BYTES {
        return Err(ConfigRefusal::TooLarge);
    }
    let mut root = json::object(text)?;
    let version = schema_version(&root);
    if let Ok(version) = version {
        migrate::migrate(&mut root, version, MIGRATORS);
    }
    // Taken by itself: one that is newer, or no number at all, is a reason of the fallback and refuses nothing.
    let versioned = root.remove(SCHEMA_VERSION).is_some();
    let mut reader = Reader::new(root);
    let mut document = ConfigDocument::read(&mut reader);
    document.config_schema_version = version.ok().filter(|_| versioned);
    let strict = strict || document.ops.strict_config == Some(true);
    finish(document, version, reader, strict)
}

/// The document's schema version; 1 where it names none. The error says why it can't be interpreted.
fn schema_version(root: &Map<String, Value>) -> Result<u32, &'static str> {
    match root.get(SCHEMA_VERSION) {
        None => Ok(1),
        Some(value) => match value.as_u64() {
            Some(0) | None => Err("it is no whole number from 1"),
            // Newer than ours either way.
            Some(version) => Ok(u32::try_from(version).unwrap_or(u32::MAX)),
        },
    }
}

fn finish(
    document: ConfigDocument,
    version: Result<u32, &'static str>,
    reader: Reader,
    strict: bool,
) -> Result<ParsedConfig, ConfigRefusal> {
    let unknown = reader.unknown();
    let Reader {
        mut bad,
        uninterpreted,
        ..
    } = reader;
    let mut reasons = Vec::new();
    match version {
        Ok(version) if version > CONFIG_SCHEMA_VERSION => {
            reasons.push(format!(
                "configSchemaVersion {version} is newer than {CONFIG_SCHEMA_VERSION}, the newest that this version knows"
            ));
        }
        Ok(_) => {}
        Err(why) => reasons.push(format!("configSchemaVersion can't be interpreted: {why}")),
    }
    reasons.extend(uninterpreted.iter().map(|value| {
        format!(
            "{} can't be interpreted: it must be {}",
            value.key, value.expected
        )
    }));
    let allowlist_invalid = uninterpreted
        .iter()
        .any(|value| value.key == ALLOWLIST || value.key == "ops");
    if strict {
        bad.extend(uninterpreted);
    }
    if !bad.is_empty() || (strict && !unknown.is_empty()) {
        return Err(ConfigRefusal::Keys {
            unknown: if strict { unknown } else { Vec::new() },
            bad,
        });
    }
    let mut warnings: Vec<_> = unknown.iter().map(|key| unknown_key(key)).collect();
    let downgrade = (!reasons.is_empty()).then(|| reasons.join("; "));
    if let Some(reason) = &downgrade {
        let message = format!("new sessions go to the legacy lane: {reason}");
        warnings.push(ConfigWarning {
            code: WarningCode::DowngradeFallback,
            key: "ops".to_owned(),
            message,
        });
    }
    Ok(ParsedConfig {
        document,
        warnings,
        downgrade,
        allowlist_invalid,
    })
}

fn unknown_key(key: &str) -> ConfigWarning {
    let name = |key: &str| {
        key.rsplit('.')
            .next()
            .unwrap_or_default()
            .to_ascii_lowercase()
    };
    let similar = EffectiveConfig::resolve(&[])
        .explain()
        .into_iter()
        .find(|row| name(row.key) == name(key));
    let hint = similar
        .map(|row| format!("; did you mean {}?", row.key))
        .unwrap_or_default();
    let message = format!("the key {key:?} is not known to this version and is ignored{hint}");
    ConfigWarning {
        code: WarningCode::UnknownKeyIgnored,
        key: key.to_owned(),
        message,
    }
}

/// Takes the document apart, key by key; what is left is unknown.
struct Reader {
    root: Map<String, Value>,
    /// Values that refuse the document.
    bad: Vec<BadValue>,
    /// Values of `ops` that force the legacy lane.
    uninterpreted: Vec<BadValue>,
}

impl Reader {
    fn new(root: Map<String, Value>) -> Self {
        let mut reader = Self {
            root,
            bad: Vec::new(),
            uninterpreted: Vec::new(),
        };
        for section in SECTIONS {
            if let Some(value) = reader.root.remove(section) {
                match value {
                    Value::Object(_) => {
                        reader.root.insert(section.to_owned(), value);
                    }
                    other => reader.refuse(section, "an object", &other),
                }
            }
        }
        reader
    }

    fn remove(&mut self, key: &str) -> Option<Value> {
        match key.split_once('.') {
            None => self.root.remove(key),
            Some((section, name)) => self.root.get_mut(section)?.as_object_mut()?.remove(name),
        }
    }

    fn refuse(&mut self, key: &'static str, expected: &'static str, found: &Value) {
        let value = BadValue::new(key, expected, found);
        let list = if key == "ops" || key.starts_with("ops.") {
            &mut self.uninterpreted
        } else {
            &mut self.bad
        };
        list.push(value);
    }

    /// What nobody asked for, with dots, in the order of the alphabet.
    fn unknown(&self) -> Vec<String> {
        let mut keys = Vec::new();
        for (key, value) in &self.root {
            match (key.as_str(), value) {
                (name, Value::Object(section)) if SECTIONS.contains(&name) => {
                    keys.extend(section.keys().map(|name| format!("{key}.{name}")))
                }
                _ => keys.push(key.clone()),
            }
        }
        keys
    }
}

impl Leaves for Reader {
    fn take<T: DeserializeOwned>(
        &mut self,
        key: &'static str,
        expected: &'static str,
    ) -> Option<T> {
        let value = self.remove(key)?;
        match T::deserialize(&value) {
            Ok(parsed) => Some(parsed),
            Err(_) => {
                self.refuse(key, expected, &value);
                None
            }
        }
    }
}

/// An environment variable that sets a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// The key.
    pub key: &'static str,
}

/// Every environment variable that sets a key of the document.
pub const VARIABLES: &[Variable] = &[
    Variable {
        name: KILL_SWITCH,
        key: "ops.killSwitch",
    },
    Variable {
        name: BROWSER,
        key: "browser.path",
    },
    Variable {
        name: BROWSER_ARGS,
        key: "browser.args",
    },
    Variable {
        name: CHROMEDRIVER,
        key: "browser.chromedriver",
    },
    Variable {
        name: FIREFOX,
        key: "firefox.path",
    },
    Variable {
        name: FIREFOX_ARGS,
        key: "firefox.args",
    },
];

/// The kill switch that outranks every other control.
pub const KILL_SWITCH: &str = "OPENDEVBROWSER_OPS_KILL_SWITCH";
/// The executable of Chrome or Chromium.
pub const BROWSER: &str = "ODB_BROWSER";
/// Further arguments for every Chrome or Chromium, with spaces between them.
pub const BROWSER_ARGS: &str = "ODB_BROWSER_ARGS";
/// Chromedriver's executable.
pub const CHROMEDRIVER: &str = "ODB_CHROMEDRIVER";
/// Firefox's executable.
pub const FIREFOX: &str = "ODB_FIREFOX";
/// Further arguments for every Firefox, with spaces between them.
pub const FIREFOX_ARGS: &str = "ODB_FIREFOX_ARGS";

/// The layer of the environment; `lookup` gives a variable's value.
#[must_use]
pub fn environment(lookup: impl Fn(&str) -> Option<String>) -> Layer {
    let set = |name: &str| lookup(name).filter(|value| !value.is_empty());
    let words =
        |name: &str| set(name).map(|args| args.split_whitespace().map(str::to_owned).collect());
    let mut document = ConfigDocument::default();
    // Off is no setting: a switch of the environment that is not on leaves that of the document alone.
    document.ops.kill_switch = env_kill_switch(lookup(KILL_SWITCH).as_deref()).then_some(true);
    document.browser.path = set(BROWSER);
    document.browser.args = words(BROWSER_ARGS);
    document.browser.chromedriver = set(CHROMEDRIVER);
    document.firefox.path = set(FIREFOX);
    document.firefox.args = words(FIREFOX_ARGS);
    Layer {
        source: Source::Environment,
        document,
    }
}

/// Whether a value of `OPENDEVBROWSER_OPS_KILL_SWITCH` switches it on. Unset, empty, `0` and `false` do not; anything else
/// does: somebody who reaches for the switch means it.
#[must_use]
pub fn env_kill_switch(value: Option<&str>) -> bool {
    !value.is_none_or(|value| matches!(value.trim(), "" | "0" | "false"))
}

/// The routing controls of a process: the document's, the environment's kill switch and the flags. A kill switch among `flags`
/// has no rank in the chain and is not looked at.
#[must_use]
pub fn controls(file: &ParsedConfig, environment: &Layer, flags: &CliControls) -> RoutingControls {
    let ops = &file.document.ops;
    RoutingControls {
        env_kill_switch: environment.document.ops.kill_switch == Some(true),
        cli: flags.clone(),
        config: ConfigControls {
            kill_switch: ops.kill_switch,
            routing_mode: ops.routing_mode,
            rollout_percent: ops.rollout_percent,
            rollout_allowlist: ops.rollout_allowlist.clone(),
            allowlist_invalid: file.allowlist_invalid,
            active_session_policy: ops.active_session_policy,
            downgrade: file.downgrade.clone(),
        },
    }
}

/// The routing flags as a layer, for `config explain`.
#[must_use]
pub fn flags(flags: &CliControls) -> Layer {
    let mut document = ConfigDocument::default();
    document.ops.routing_mode = flags.routing_mode;
    document.ops.rollout_percent = flags.rollout_percent;
    document
        .ops
        .rollout_allowlist
        .clone_from(&flags.rollout_allowlist);
    document.ops.active_session_policy = flags.active_session_policy;
    Layer {
        source: Source::Flag,
        document,
    }
}

#[cfg(test)]
mod tests;
