//! Choices and the log of decisions: the seed of `OPENCODE_REPLAY_SEED`, else one of the operating system, and `--decision-log`.
//!
//! The log is for comparing two runs: one JSON object a line, sessions by their ordinals, no time.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;

use ops_contracts::Outcome;
use ops_contracts::control::choice::{Choices, Decision, DecisionLog, Stream};
use ops_contracts::wire::routing::{
    Identities, LegacyLane, Peer, Route, RoutePolicy, RoutingControls, RoutingDecision,
    RoutingStatus, WindowPosition,
};
use parking_lot::Mutex;
use routing::decision::Rules;
use rustix::fs::OFlags;

use crate::failure::Failure;

/// Where choices come from, told to a log where one is asked for.
///
/// # Errors
/// `cli_state_invalid` when the log's file is there already or can't be made.
pub(crate) fn choices(
    seed: Option<&str>,
    random: &str,
    log: Option<&Path>,
) -> Result<Choices, Failure> {
    let choices = Choices::of_text(seed.unwrap_or(random));
    let Some(path) = log else { return Ok(choices) };
    // A log of two runs would compare with nothing, and a link could lead anywhere.
    let made = OpenOptions::new()
        .append(true)
        .create_new(true)
        .mode(0o600)
        .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
        .open(path);
    let file = made.map_err(|error| Failure::state(path, error))?;
    Ok(choices.logged(Arc::new(LogFile {
        file: Mutex::new(file),
    })))
}

struct LogFile {
    file: Mutex<File>,
}

impl fmt::Debug for LogFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LogFile")
    }
}

impl DecisionLog for LogFile {
    fn decided(&self, decision: &Decision<'_>) {
        let Ok(mut line) = serde_json::to_vec(decision) else {
            return;
        };
        line.push(b'\n');
        // Of each decision one write, so that lines stay whole.
        if let Err(error) = self.file.lock().write_all(&line) {
            tracing::warn!(%error, "a decision is missing in the log of decisions");
        }
    }
}

/// The rules of routing, whose decisions are told.
pub(crate) struct ToldRules(Stream);

impl ToldRules {
    pub(crate) fn new(choices: &Choices) -> Self {
        Self(choices.stream(0))
    }
}

impl RoutePolicy for ToldRules {
    fn decide(
        &self,
        controls: &RoutingControls,
        identities: &Identities,
        legacy: LegacyLane,
    ) -> Outcome<RoutingDecision> {
        let decided = Rules.decide(controls, identities, legacy);
        match &decided {
            Ok(decision) => self.0.decided(
                "routing.route",
                &format!("{} {}", decision.route, decision.reason),
            ),
            Err(fault) => self.0.decided("routing.route", fault.code.as_str()),
        }
        decided
    }

    fn status(
        &self,
        controls: &RoutingControls,
        identities: &Identities,
        legacy: LegacyLane,
    ) -> RoutingStatus {
        Rules.status(controls, identities, legacy)
    }

    fn admit(
        &self,
        route: Route,
        relay_version: &str,
        peers: &[Peer<'_>],
        prerelease_interop: bool,
    ) -> Outcome<()> {
        Rules.admit(route, relay_version, peers, prerelease_interop)
    }

    fn transitional_binding(&self, relay_version: &str, allowed_by_config: bool) -> bool {
        Rules.transitional_binding(relay_version, allowed_by_config)
    }

    fn position(&self, relay_version: &str, client_version: &str) -> WindowPosition {
        Rules.position(relay_version, client_version)
    }

    fn predates_leases(&self, client_version: &str) -> bool {
        Rules.predates_leases(client_version)
    }
}
