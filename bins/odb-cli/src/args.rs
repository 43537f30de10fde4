//! The command line's grammar. What the words mean is `request`'s and the verbs'.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{ArgAction, Args, CommandFactory, Parser};
use client_core::Failure;
use client_core::home::is_session_name;
use ops_contracts::wire::command::{Point, Viewport};
use ops_contracts::wire::ids::TargetId;
use ops_contracts::{ErrorCode, Fault};
use routing::preflight::RoutingFlags;
use serde::de::DeserializeOwned;

use crate::output::Format;
use crate::verb::Chosen;

pub(crate) mod emulate;
pub(crate) mod help;
pub(crate) mod keep;
pub(crate) mod verb;

/// Drives real browsers through a relay: open pages, read them, act on them, and see what came of it.
#[derive(Parser)]
#[command(
    name = "odb-cli",
    version,
    about,
    disable_help_subcommand = true,
    help_template = help::TEMPLATE,
    after_help = help::OVERVIEW,
    subcommand_value_name = "VERB",
    max_term_width = 100
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) verb: Chosen,
}

/// Flags that every verb takes.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// The session's name.
    #[arg(long, short, global = true, value_name = "NAME", value_parser = session_name)]
    pub(crate) session: Option<String>,
    /// The form of the output.
    #[arg(long, short, global = true, value_enum, default_value_t = Format::Text, hide_possible_values = true, value_name = "text|json|ndjson")]
    pub(crate) output: Format,
    /// The command's deadline in milliseconds, or with a unit: 1500, 1500ms, 2s, 1m.
    #[arg(long, global = true, value_name = "MS", value_parser = deadline)]
    pub(crate) timeout: Option<u64>,
    /// The page to act on, as tabs lists it, instead of the current one.
    #[arg(long, global = true, value_name = "TAB")]
    pub(crate) tab: Option<TargetId>,
    /// A relay that runs elsewhere, as http://host:port or https://host:port; none is started then.
    #[arg(long, global = true, value_name = "URL", requires = "token_file")]
    pub(crate) relay: Option<String>,
    /// The file with that relay's token.
    #[arg(long, global = true, value_name = "FILE", requires = "relay")]
    pub(crate) token_file: Option<PathBuf>,
    /// The certificate authority, in PEM form, that --relay is checked against, instead of the system's; or ODB_CA_FILE.
    #[arg(long, global = true, value_name = "FILE", requires = "relay")]
    pub(crate) ca_file: Option<PathBuf>,
    /// The state directory, instead of ODB_HOME.
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) home: Option<PathBuf>,
    /// Puts page text between two lines with a nonce of this answer; with open, in every answer of a new session.
    #[arg(long, global = true, action = ArgAction::SetTrue)]
    pub(crate) boundary: bool,
    /// No notes on stderr.
    #[arg(long, short, global = true, action = ArgAction::SetTrue)]
    pub(crate) quiet: bool,
    /// No colours.
    #[arg(long, global = true, action = ArgAction::SetTrue)]
    pub(crate) no_color: bool,
    /// Where a new session goes: ops, legacy-cdp or auto.
    #[arg(long, global = true, value_name = "MODE")]
    pub(crate) ops_routing: Option<String>,
    /// The same as --ops-routing=legacy-cdp.
    #[arg(long, global = true, action = ArgAction::SetTrue)]
    pub(crate) force_legacy_cdp: bool,
    /// How many of a hundred buckets go to /ops in auto.
    #[arg(long, global = true, value_name = "PERCENT")]
    pub(crate) ops_rollout_percent: Option<String>,
    /// Identities namespace:value, with commas between them, that go to the legacy lane in auto.
    #[arg(long, global = true, value_name = "LIST")]
    pub(crate) ops_rollout_allowlist: Option<String>,
    /// What becomes of active sessions when routing changes: continue, drain or terminate.
    #[arg(long, global = true, value_name = "POLICY")]
    pub(crate) ops_active_session_policy: Option<String>,
}

impl Global {
    /// The routing flags as they were given.
    pub(crate) fn routing(&self) -> RoutingFlags<'_> {
        RoutingFlags {
            ops_routing: self.ops_routing.as_deref(),
            force_legacy_cdp: self.force_legacy_cdp,
            ops_rollout_percent: self.ops_rollout_percent.as_deref(),
            ops_rollout_allowlist: self.ops_rollout_allowlist.as_deref(),
            ops_active_session_policy: self.ops_active_session_policy.as_deref(),
        }
    }

    pub(crate) fn timeout(&self) -> Option<Duration> {
        self.timeout.map(Duration::from_millis)
    }
}

/// What a command line comes to, where it is no verb to be run.
pub(crate) enum NoVerb {
    /// Help or the version, for stdout.
    Shown(String),
    /// It is wrong.
    Wrong(Failure),
}

/// Parses a command line.
pub(crate) fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Cli, NoVerb> {
    let words: Vec<OsString> = words.into_iter().collect();
    Cli::try_parse_from(&words).map_err(|error| match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            NoVerb::Shown(error.render().to_string())
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand | ErrorKind::MissingSubcommand => {
            NoVerb::Wrong(Failure::usage(verb_expected(&words)))
        }
        _ => NoVerb::Wrong(wrong(&error)),
    })
}

/// What has to follow a command line that ends too early.
fn verb_expected(words: &[OsString]) -> String {
    let (mut at, mut path) = (grammar(), "odb-cli".to_owned());
    for word in words.iter().skip(1) {
        if let Some(found) = at.find_subcommand(word).cloned() {
            path = format!("{path} {}", found.get_name());
            at = found;
        }
    }
    if path == "odb-cli" {
        return "a verb is expected: odb-cli --help lists them".to_owned();
    }
    let verbs: Vec<&str> = at
        .get_subcommands()
        .filter(|verb| !verb.is_hide_set())
        .map(clap::Command::get_name)
        .collect();
    format!("a verb is expected after {path}: {}", verbs.join(", "))
}

fn wrong(error: &clap::Error) -> Failure {
    let unknown = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(word)) if error.kind() == ErrorKind::UnknownArgument => {
            word.as_str()
        }
        _ => "",
    };
    if unknown
        .strip_prefix('-')
        .is_some_and(|number| number.parse::<f64>().is_ok_and(f64::is_finite))
    {
        return Failure::usage(format!(
            "{unknown} is below zero: no such number is taken there"
        ));
    }
    let code = if unknown.starts_with('-') {
        ErrorCode::CliFlagUnsupported
    } else {
        ErrorCode::CliUsageInvalid
    };
    let text = error.render().to_string();
    let text = text.trim().trim_start_matches("error:").trim();
    // The pointer to --help is the hint that follows any usage error.
    let text = text
        .strip_suffix("For more information, try '--help'.")
        .unwrap_or(text)
        .trim_end();
    Fault::new(code, text).into()
}

/// The grammar itself, for completions.
pub(crate) fn grammar() -> clap::Command {
    Cli::command()
}

/// The longest deadline that can be asked for, in milliseconds: a day.
const MAX_DEADLINE: u64 = 86_400_000;

/// Milliseconds, from a number of them or of a unit that is named.
fn deadline(text: &str) -> Result<u64, String> {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let factor = match unit {
        "" | "ms" => Some(1),
        "s" => Some(1_000),
        "m" => Some(60_000),
        _ => None,
    };
    let millis = factor.and_then(|factor: u64| number.parse::<u64>().ok()?.checked_mul(factor));
    millis
        .filter(|millis| (1..=MAX_DEADLINE).contains(millis))
        .ok_or_else(|| {
            format!(
                "1 to {MAX_DEADLINE} milliseconds are expected, as a number or as 1500ms, 2s or 1m"
            )
        })
}

fn session_name(text: &str) -> Result<String, String> {
    if is_session_name(text) {
        Ok(text.to_owned())
    } else {
        Err("1 to 64 characters of a-z 0-9 . _ - are expected".to_owned())
    }
}

/// A value of the contract that is one of a few words.
pub(crate) fn word<T>(words: &'static [&'static str]) -> impl TypedValueParser<Value = T>
where
    T: DeserializeOwned + Clone + Send + Sync + 'static,
{
    PossibleValuesParser::new(words)
        .try_map(|text| serde_json::from_value::<T>(serde_json::Value::String(text)))
}

/// `X,Y`.
pub(crate) fn point(text: &str) -> Result<Point, String> {
    let numbers = numbers(text, ',', 2)?;
    Ok(Point {
        x: numbers[0],
        y: numbers[1],
    })
}

/// `WxH`.
pub(crate) fn viewport(text: &str) -> Result<Viewport, String> {
    let expected = || "WIDTHxHEIGHT is expected, such as 1280x720".to_owned();
    let (width, height) = text.split_once('x').ok_or_else(expected)?;
    let side = |text: &str| text.parse::<u32>().map_err(|_| expected());
    Ok(Viewport {
        width: side(width)?,
        height: side(height)?,
        ..Viewport::default()
    })
}

/// Exactly `count` numbers.
pub(crate) fn numbers(text: &str, separator: char, count: usize) -> Result<Vec<f64>, String> {
    let parsed: Option<Vec<f64>> = text
        .split(separator)
        .map(|part| part.trim().parse().ok())
        .collect();
    parsed
        .filter(|numbers| {
            numbers.len() == count && numbers.iter().all(|number: &f64| number.is_finite())
        })
        .ok_or_else(|| format!("{count} numbers with {separator:?} between them are expected"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_may_have_a_unit() {
        for (text, millis) in [
            ("1", 1),
            ("1500", 1_500),
            ("1500ms", 1_500),
            ("2s", 2_000),
            ("1440m", MAX_DEADLINE),
        ] {
            assert_eq!(deadline(text), Ok(millis), "{text}");
        }
        for text in [
            "",
            "0",
            "0s",
            "s",
            "-1",
            "1.5s",
            "2 s",
            "1h",
            "1441m",
            "99999999999999999999",
            "18446744073709551615m",
        ] {
            assert!(deadline(text).is_err(), "{text}");
        }
    }
}
