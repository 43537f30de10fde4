//! The verbs of who runs the relay.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use ops_contracts::control::incident::{IncidentKind, IncidentSource, Severity};
use ops_contracts::control::scorecard::Window;
use ops_contracts::control::telemetry::RouteLabel;

/// What to do with the configuration.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Config {
    /// Prints every setting in force with its source, and where new sessions would go.
    Explain,
    /// Checks a document and says what is wrong with it, all at once.
    Validate(Validate),
    /// Prints the path of the document.
    Path,
    /// Has the relay read the document anew; needs the admin token in DASHBOARD_ADMIN_TOKEN.
    Reload,
}

/// Arguments of `config validate`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Validate {
    /// The document, instead of config.json of the state directory.
    pub(crate) file: Option<PathBuf>,
    /// Refuses unknown keys, and routing controls that can't be interpreted.
    #[arg(long)]
    pub(crate) strict: bool,
}

/// Arguments of `pair`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Pair {
    /// The code that pair has shown where the relay runs.
    pub(crate) code: Option<String>,
    /// Pairs this home with its own relay in one step.
    #[arg(long = "self", conflicts_with = "code")]
    pub(crate) own: bool,
}

/// Arguments of `scorecard`.
#[derive(Debug, Clone, Args)]
pub(crate) struct ScorecardArgs {
    /// The window, instead of the phase's own: 2h, 7d, 14d or 30d.
    #[arg(long, value_name = "WINDOW")]
    pub(crate) window: Option<Window>,
    /// The cycle that the artifact belongs to.
    #[arg(long, value_name = "ID", value_parser = cycle)]
    pub(crate) cycle: Option<String>,
    /// Keeps it below artifacts/ops-gates of the state directory, where recompute-scorecard reads it.
    #[arg(long)]
    pub(crate) save: bool,
}

fn cycle(text: &str) -> Result<String, String> {
    let fits = (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b".:_-".contains(&byte));
    if fits {
        Ok(text.to_owned())
    } else {
        Err("1 to 64 characters of A-Z a-z 0-9 . _ : - are expected".to_owned())
    }
}

/// What to do with commands that wait for a confirmation.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Confirm {
    /// Lists them.
    List,
    /// Lets one run, once.
    Approve {
        /// As list shows it.
        id: String,
    },
    /// Refuses one.
    Deny {
        /// As list shows it.
        id: String,
    },
}

/// What to do with incidents.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum IncidentVerb {
    /// Records one; needs the admin token in DASHBOARD_ADMIN_TOKEN.
    Record {
        /// How bad it is: P0, P1, P2 or P3.
        #[arg(long, value_name = "SEVERITY")]
        severity: Severity,
        /// The lane that it is attributed to: ops or cdp.
        #[arg(long, value_name = "ROUTE", default_value_t = RouteLabel::Ops)]
        route: RouteLabel,
        /// Who tells: operator or monitor.
        #[arg(long, value_name = "SOURCE", default_value_t = IncidentSource::Operator)]
        source: IncidentSource,
        /// What it is about: availability, correctness, latency, auth-bypass, lease-bypass or other.
        #[arg(long, value_name = "KIND", default_value_t = IncidentKind::Other)]
        kind: IncidentKind,
        /// It has been confirmed; a confirmed bypass is P0 and calls for a rollback.
        #[arg(long)]
        confirmed: bool,
        /// What happened.
        summary: String,
    },
    /// Lists them, the newest first.
    List,
    /// Resolves one; needs the admin token in DASHBOARD_ADMIN_TOKEN.
    Resolve {
        /// The incident, as list shows it.
        id: String,
        /// What resolved it.
        #[arg(long, value_name = "TEXT")]
        note: Option<String>,
    },
}

/// What to do with the journal.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Journal {
    /// Reads every line, and names those that are damaged.
    Verify,
    /// Prints the records, one JSON object a line.
    Show(Show),
    /// Removes what is older than thirty days, thins out old snapshots, and brings the journal below 2 GiB.
    Prune,
}

/// Arguments of `journal show`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Show {
    /// The records of this session alone.
    #[arg(long, value_name = "ID")]
    pub(crate) session_id: Option<String>,
    /// Those taken at this time or later, RFC 3339 in UTC.
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<String>,
}
