//! What a relay is told at its start. Plain data: nothing here reads files or the environment.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ops_contracts::control::health::AdapterHealthStore;
use ops_contracts::control::ledger::Ledger;
use ops_contracts::control::scorecard::Phase;
use ops_contracts::wire::capability::AdapterKind;
use ops_contracts::wire::command::session::SessionMode;
use ops_contracts::wire::limits::LimitsProfile;
use subtle::ConstantTimeEq;

use crate::pairing::Pairing;
use crate::provenance::Signing;
use crate::routing::RoutingSetup;
use crate::tls::Tls;

/// Everything that a relay needs to know.
#[derive(Clone)]
pub struct RelayConfig {
    /// Where to listen. Port 0 lets the system choose.
    pub listen: SocketAddr,
    /// Whether `listen` may be an address beyond loopback without TLS, though what travels there is not encrypted.
    pub insecure_listen: bool,
    /// The certificate to serve TLS with; without one everything is plain.
    pub tls: Option<Tls>,
    /// The relay token.
    pub token: Token,
    /// The admin token; without it admin calls are refused.
    pub admin_token: Option<Token>,
    /// Whether clients must pair.
    pub pairing: Pairing,
    /// Names beyond the listen address and the loopback names for which `Host` passes, each with a port or without.
    pub allowed_hosts: Vec<String>,
    /// Ids of browser extensions whose origin passes.
    pub allowed_extensions: Vec<String>,
    /// The limits in force.
    pub limits: LimitsProfile,
    /// How long things may take.
    pub timeouts: Timeouts,
    /// Leave after this time without sessions and commands; `None` stays.
    pub idle_exit: Option<Duration>,
    /// Made anew at every start: 32 hex digits.
    pub instance_id: String,
    /// Versions of this build.
    pub versions: Versions,
    /// Where sessions go, and which versions are admitted.
    pub routing: RoutingSetup,
    /// Names of the capabilities on offer.
    pub capabilities: Vec<String>,
    /// Values of metric labels for requests that reach the runtime.
    pub labels: Labels,
    /// The authority on adapter health; without one, status tells of nobody's and envelopes are refused.
    pub health: Option<Arc<dyn AdapterHealthStore>>,
    /// Warnings that an operator should act on, for the status document.
    pub warnings: Vec<String>,
    /// What is asked of events from outside.
    pub signing: Signing,
    /// Keeps what the scorecard is made of; without one nothing is known to it.
    pub ledger: Option<Arc<dyn Ledger>>,
    /// The phase whose gate the scorecard is judged by.
    pub phase: Phase,
    /// Whether the relay runs as a demonstration: everything that is read says so.
    pub demo: bool,
}

impl RelayConfig {
    /// The scheme of its URLs.
    pub(crate) const fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }
}

impl fmt::Debug for RelayConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RelayConfig")
            .field("listen", &self.listen)
            .field("phase", &self.phase)
            .finish_non_exhaustive()
    }
}

/// Versions as the hello and the status document tell them.
#[derive(Debug, Clone)]
pub struct Versions {
    /// Version of the relay.
    pub relay: String,
    /// The release train `N`, as `major.minor`.
    pub window_n: Option<String>,
    /// The release train `N-1`.
    pub window_n_minus1: Option<String>,
}

/// Values of the `adapter` and `mode` labels.
#[derive(Debug, Clone, Copy)]
pub struct Labels {
    /// The protocol family of requests that reach the runtime and no session.
    pub adapter: AdapterKind,
    /// Where its browsers come from.
    pub mode: SessionMode,
}

/// How long things may take.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// From accepting a socket to its first authenticated request.
    pub authenticate: Duration,
    /// From the upgrade to the hello.
    pub hello: Duration,
    /// For a request's body.
    pub body: Duration,
    /// Between two requests of a kept connection.
    pub idle: Duration,
    /// Between two heartbeats of a WebSocket.
    pub heartbeat: Duration,
    /// Without any message from a WebSocket's peer.
    pub silence: Duration,
    /// For a peer to take what is sent to it.
    pub write: Duration,
    /// For running commands when the relay ends.
    pub drain: Duration,
    /// Beyond a command's own deadline, until the relay answers for a runtime that does not.
    pub grace: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            authenticate: Duration::from_secs(5),
            hello: Duration::from_secs(5),
            body: Duration::from_secs(10),
            idle: Duration::from_secs(60),
            heartbeat: Duration::from_millis(ops_contracts::wire::frame::HEARTBEAT_INTERVAL_MS),
            silence: Duration::from_secs(60),
            write: Duration::from_secs(10),
            drain: Duration::from_secs(10),
            grace: Duration::from_secs(5),
        }
    }
}

/// The relay token or the admin token. Shows itself nowhere.
#[derive(Clone)]
pub struct Token(String);

impl Token {
    /// The token with this text.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// Whether `presented` is the token; in a time that tells nothing but its length.
    #[must_use]
    pub fn matches(&self, presented: &[u8]) -> bool {
        self.0.as_bytes().ct_eq(presented).into()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}
