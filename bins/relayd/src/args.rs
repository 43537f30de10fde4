//! The command line.

use std::path::PathBuf;

use clap::Parser;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use ops_contracts::control::config::{
    LimitsProfileName, LogFormat, LogLevel, PairingMode, SandboxMode,
};

/// Serves browsers to agents and tools over one contract, /ops.
#[derive(Debug, Clone, Parser)]
#[command(name = "relayd", version, about)]
pub(crate) struct Args {
    /// The state directory [default: $ODB_HOME, else $XDG_STATE_HOME/odb, else ~/.local/state/odb]
    #[arg(long, value_name = "DIR")]
    pub(crate) home: Option<PathBuf>,
    /// Address and port, or a port of loopback alone; 0 lets the system choose [default: 9555 with --limits strict, 0 with --limits local]
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<String>,
    /// Serve TLS with this certificate, in PEM form, its own first and then those that vouch for it
    #[arg(long, value_name = "FILE")]
    pub(crate) tls_cert: Option<PathBuf>,
    /// The certificate's private key, in PEM form, which nobody else may be able to read
    #[arg(long, value_name = "FILE")]
    pub(crate) tls_key: Option<PathBuf>,
    /// The relay token, one line of 32 to 512 visible characters that nobody else may be able to read; without it each start makes
    /// a new one, which is in relay.token of the state directory
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// Let --listen name an address beyond loopback without TLS, though nothing that travels there is encrypted
    #[arg(long)]
    pub(crate) insecure_listen: bool,
    /// Whether clients must pair with odb-cli pair; auto is off on loopback, on elsewhere [default: auto]
    #[arg(long, value_name = "MODE", value_parser = word(PairingMode::ALL, PairingMode::as_str))]
    pub(crate) pairing: Option<PairingMode>,
    /// The limits profile: strict for a shared relay, local for the relay of one user [default: strict]
    #[arg(long, value_name = "PROFILE", value_parser = word(LimitsProfileName::ALL, LimitsProfileName::as_str))]
    pub(crate) limits: Option<LimitsProfileName>,
    /// How log lines are written to standard error [default: text]
    #[arg(long, value_name = "FORMAT", value_parser = word(LogFormat::ALL, LogFormat::as_str))]
    pub(crate) log_format: Option<LogFormat>,
    /// What is logged [default: info]
    #[arg(long, value_name = "LEVEL", value_parser = word(LogLevel::ALL, LogLevel::as_str))]
    pub(crate) log_level: Option<LogLevel>,
    /// The executable of Chrome or Chromium [default: $ODB_BROWSER, else well-known names and places]
    #[arg(long, value_name = "PATH")]
    pub(crate) browser: Option<PathBuf>,
    /// A further argument for every Chrome or Chromium; may be repeated. $ODB_BROWSER_ARGS adds more
    #[arg(long, value_name = "ARGUMENT", allow_hyphen_values = true)]
    pub(crate) browser_arg: Vec<String>,
    /// Chromedriver's executable, or `chromedriver` for the one that is found: lets sessions ask for the adapter bidi on Chromium. Its
    /// port takes every local process [default: $ODB_CHROMEDRIVER, else none is started]
    #[arg(long, value_name = "PATH")]
    pub(crate) chromedriver: Option<PathBuf>,
    /// Firefox's executable [default: $ODB_FIREFOX, else well-known names and places]
    #[arg(long, value_name = "PATH")]
    pub(crate) firefox: Option<PathBuf>,
    /// A further argument for every Firefox; may be repeated. $ODB_FIREFOX_ARGS adds more
    #[arg(long, value_name = "ARGUMENT", allow_hyphen_values = true)]
    pub(crate) firefox_arg: Vec<String>,
    /// Whether Chrome and Chromium run in their sandbox; auto is on, but off for root [default: auto]
    #[arg(long, value_name = "MODE", value_parser = word(SandboxMode::ALL, SandboxMode::as_str))]
    pub(crate) sandbox: Option<SandboxMode>,
    /// A host that sessions may reach (example.com, *.example.com, an address); may be repeated, and then no other host is reached
    #[arg(long, value_name = "RULE")]
    pub(crate) allow_domain: Vec<String>,
    /// A host that no session may reach; may be repeated
    #[arg(long, value_name = "RULE")]
    pub(crate) deny_domain: Vec<String>,
    /// A URL scheme that sessions may ask for beyond the web's: file, data or blob; may be repeated
    #[arg(long, value_name = "SCHEME")]
    pub(crate) allow_scheme: Vec<String>,
    /// The policy about commands (docs/policy.md): a JSON file; where it can't be read nothing is allowed
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// Leave after this many milliseconds without sessions and commands
    #[arg(long, value_name = "MILLISECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) idle_exit_ms: Option<u64>,
    /// A further name for which the Host header passes; may be repeated
    #[arg(long, value_name = "HOST")]
    pub(crate) allow_host: Vec<String>,
    /// The id of a browser extension that may call; may be repeated
    #[arg(long, value_name = "ID")]
    pub(crate) allow_extension: Vec<String>,
    /// Other figures of the circuit breaker, for tests of a whole relay: docs/health.md
    #[arg(long, value_name = "LIST", hide = true)]
    pub(crate) health_tuning: Option<String>,
    /// Write every decision to a new file, sessions by their ordinals and without times, to compare two runs under one OPENCODE_REPLAY_SEED
    #[arg(long, value_name = "FILE")]
    pub(crate) decision_log: Option<PathBuf>,
    /// Refuse a config.json with keys that this version does not know, instead of warning of them
    #[arg(long)]
    pub(crate) strict_config: bool,
    /// Mark everything that is read as coming from a demonstration
    #[arg(long)]
    pub(crate) demo: bool,
    /// Where new sessions go: ops, legacy-cdp or auto
    #[arg(long, value_name = "MODE")]
    pub(crate) ops_routing: Option<String>,
    /// The same as --ops-routing=legacy-cdp
    #[arg(long)]
    pub(crate) force_legacy_cdp: bool,
    /// How many of a hundred buckets go to /ops in auto
    #[arg(long, value_name = "PERCENT")]
    pub(crate) ops_rollout_percent: Option<String>,
    /// Identities namespace:value, with commas between them, that go to the legacy lane in auto
    #[arg(long, value_name = "LIST")]
    pub(crate) ops_rollout_allowlist: Option<String>,
    /// What becomes of active sessions when routing changes: continue, drain or terminate
    #[arg(long, value_name = "POLICY")]
    pub(crate) ops_active_session_policy: Option<String>,
}

/// One of a few words of the configuration.
fn word<T>(all: &'static [T], text: fn(T) -> &'static str) -> impl TypedValueParser<Value = T>
where
    T: Copy + std::str::FromStr<Err: std::error::Error + Send + Sync> + Send + Sync + 'static,
{
    PossibleValuesParser::new(all.iter().map(|word| text(*word))).try_map(|word| word.parse::<T>())
}
