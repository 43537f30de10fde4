//! The gates: one table in order for both lanes, each row one check of a request's facts. The first refusal wins and names its gate.
//!
//! Nothing here reads a socket or waits: what a person has to agree to is asked afterwards. No gate remembers a refusal: wrong
//! tokens never lock out a right one.

pub(crate) mod checks;
mod facts;
mod legacy;

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use ops_contracts::control::telemetry::{GateLabel, RouteLabel};
use ops_contracts::wire::frame::ClientKind;
use ops_contracts::wire::ids::ClientId;
use ops_contracts::wire::limits::{LaneLimits, LimitsProfile};
use ops_contracts::wire::routing::{IdentityNamespace, Peer, RequestControls, RolloutIdentity};
use ops_contracts::{ErrorCode, Fault, Outcome};

use crate::access::AccessControl;
use crate::cdp::Lane;
use crate::config::{RelayConfig, Token};
use crate::dashboard::Logins;
use crate::pairing::Pairing;
use crate::rate::{Bucket, Charge, Rates};
use crate::routing::{Asker, Routing};
pub(crate) use facts::{
    ClientVersions, Facts, Field, Findings, Opening, Proof, Time, content_length, offered_protocol,
    versions,
};

/// When a gate has its facts. What a request passes it names in this order, each phase with all of its gates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// With the head of every request: who is it.
    Peer,
    /// With the head of what brings a frame, or with the hello of a WebSocket: what does the client speak.
    Client,
    /// With each use of the legacy lane.
    Lane,
    /// Before a session is made.
    Session,
    /// With every message: its size, the lease that it names, and what it costs.
    Message,
    /// Before something is run.
    Command,
}

/// The lanes that a gate stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum On {
    Both,
    Only(RouteLabel),
}

impl On {
    fn stands_on(self, lane: RouteLabel) -> bool {
        self == Self::Both || self == Self::Only(lane)
    }
}

/// What a check reads.
struct View<'a> {
    facts: &'a Facts<'a>,
    admission: &'a Admission,
    /// Who it is; there after the phase of peers.
    permit: Option<&'a Permit>,
}

impl<'a> View<'a> {
    /// Who it is. Gates of later phases never run without.
    fn permit(&self) -> Outcome<&'a Permit> {
        self.permit.ok_or_else(|| {
            Fault::new(
                ErrorCode::RelayInternal,
                "a gate ran before its peer was known",
            )
        })
    }
}

type Check = fn(&View<'_>, &mut Findings) -> Outcome<()>;

struct Gate {
    /// The name under which refusals are counted; `None` where it is the relay's own state that refuses.
    name: Option<GateLabel>,
    phase: Phase,
    on: On,
    check: Check,
}

macro_rules! gates {
    ($($phase:ident $on:expr, $name:expr => $check:path;)+) => {
        /// Every gate, in the order in which a request meets them.
        const GATES: &[Gate] = &[$(Gate {
            name: $name,
            phase: Phase::$phase,
            on: $on,
            check: $check,
        }),+];
    };
}

/// Both lanes, `/ops` alone, and `/cdp` alone.
const BOTH: On = On::Both;
const OPS: On = On::Only(RouteLabel::Ops);
const CDP: On = On::Only(RouteLabel::Cdp);

gates! {
    Peer    BOTH, Some(GateLabel::Host)    => checks::host;
    Peer    BOTH, Some(GateLabel::Origin)  => checks::origin;
    Peer    BOTH, Some(GateLabel::Auth)    => checks::auth;
    Peer    BOTH, Some(GateLabel::Pairing) => checks::pairing;
    Peer    BOTH, Some(GateLabel::Admin)   => checks::admin;
    Client  OPS,  Some(GateLabel::Version) => checks::version;
    Client  BOTH, Some(GateLabel::Payload) => checks::payload;
    Lane    CDP,  Some(GateLabel::Route)   => legacy::lane;
    Session OPS,  Some(GateLabel::Route)   => checks::route;
    Session CDP,  Some(GateLabel::Route)   => legacy::route;
    Session CDP,  Some(GateLabel::Policy)  => legacy::policy;
    Session CDP,  Some(GateLabel::Lease)   => legacy::binding;
    Session CDP,  Some(GateLabel::Rate)    => checks::rate;
    Session CDP,  None                     => checks::draining;
    Message BOTH, Some(GateLabel::Payload) => checks::payload;
    Message CDP,  Some(GateLabel::Lease)   => legacy::lease;
    Message BOTH, Some(GateLabel::Rate)    => checks::rate;
    Command BOTH, None                     => checks::draining;
    Command OPS,  Some(GateLabel::Policy)  => checks::policy;
    Command BOTH, None                     => checks::deadline;
}

/// What the gates decide by.
pub(crate) struct Admission {
    /// `Host` values that pass, in lower case.
    hosts: HashSet<String>,
    /// The scheme of this relay's own origin.
    scheme: &'static str,
    extensions: Vec<String>,
    token: Token,
    admin_token: Option<Token>,
    pub(crate) pairing: Pairing,
    pub(crate) routing: Arc<Routing>,
    pub(crate) limits: LimitsProfile,
    rates: Rates,
    legacy_rates: Rates,
    /// Logins to the dashboard.
    pub(crate) logins: Logins,
    /// Which commands may be used, and which wait for a confirmation.
    pub(crate) access: AccessControl,
    /// The sessions of the legacy lane, which know their leases.
    legacy: Arc<Lane>,
    /// Whether the relay ends.
    draining: Arc<AtomicBool>,
}

impl Admission {
    pub(crate) fn new(
        config: &RelayConfig,
        address: SocketAddr,
        routing: Arc<Routing>,
        legacy: Arc<Lane>,
        draining: Arc<AtomicBool>,
    ) -> Self {
        Self {
            hosts: hosts(&config.allowed_hosts, address, config.tls.is_some()),
            scheme: config.scheme(),
            extensions: config.allowed_extensions.clone(),
            token: config.token.clone(),
            admin_token: config.admin_token.clone(),
            pairing: config.pairing.clone(),
            routing,
            rates: Rates::new(&config.limits.ops),
            legacy_rates: Rates::new(&config.limits.cdp),
            limits: config.limits.clone(),
            logins: Logins::default(),
            access: AccessControl::default(),
            legacy,
            draining,
        }
    }

    /// The limits of a lane.
    pub(crate) fn limits_of(&self, lane: RouteLabel) -> LaneLimits {
        match lane {
            RouteLabel::Ops => self.limits.ops,
            RouteLabel::Cdp => self.limits.cdp,
        }
    }

    fn rates_of(&self, lane: RouteLabel) -> &Rates {
        match lane {
            RouteLabel::Ops => &self.rates,
            RouteLabel::Cdp => &self.legacy_rates,
        }
    }

    /// Forgets payers whose buckets are full again.
    pub(crate) fn retain_recent(&self) {
        self.rates.retain_recent();
        self.legacy_rates.retain_recent();
    }

    /// Runs the gates of a request's head.
    pub(crate) fn enter(&self, facts: &Facts<'_>) -> Result<Permit, Refusal> {
        let view = View {
            facts,
            admission: self,
            permit: None,
        };
        let mut known = false;
        let mut findings = Findings::default();
        for gate in gates_of(&[Phase::Peer, Phase::Client], facts.target.lane) {
            run(gate, &view, &mut findings).map_err(|fault| Refusal {
                fault,
                authenticated: known,
            })?;
            // Where clients must pair, the token alone is not enough to be let stay.
            known |= gate.name == Some(GateLabel::Pairing) && !facts.target.class.is_open();
        }
        permit(facts, self).map_err(|fault| Refusal {
            fault,
            authenticated: true,
        })
    }

    /// Runs the gates of later phases; what they found out.
    ///
    /// # Errors
    /// The refusal of the first gate that does not let it pass, which it names in `gate`.
    pub(crate) fn pass(
        &self,
        permit: &Permit,
        phases: &[Phase],
        facts: &Facts<'_>,
    ) -> Outcome<Findings> {
        let view = View {
            facts,
            admission: self,
            permit: Some(permit),
        };
        let mut findings = Findings::default();
        for gate in gates_of(phases, facts.target.lane) {
            run(gate, &view, &mut findings)?;
        }
        Ok(findings)
    }

    /// Charges a peer for a message, and nothing else.
    pub(crate) fn charge(&self, permit: &Permit, lane: RouteLabel, bucket: Bucket) -> Outcome<()> {
        let facts = Facts {
            charge: Some(Charge::of(permit, bucket)),
            ..Facts::on(lane)
        };
        self.pass(permit, &[Phase::Message], &facts).map(drop)
    }
}

fn gates_of(phases: &[Phase], lane: RouteLabel) -> impl Iterator<Item = &'static Gate> {
    GATES
        .iter()
        .filter(move |gate| phases.contains(&gate.phase) && gate.on.stands_on(lane))
}

fn run(gate: &Gate, view: &View<'_>, findings: &mut Findings) -> Outcome<()> {
    (gate.check)(view, findings).map_err(|fault| match gate.name {
        // A check that had another's work to do first has named it.
        Some(name) if fault.details.get("gate").is_none() => fault.with("gate", name.as_str()),
        _ => fault,
    })
}

fn hosts(allowed: &[String], address: SocketAddr, secure: bool) -> HashSet<String> {
    let port = address.port();
    let own = ["localhost", "127.0.0.1", "[::1]"]
        .map(str::to_owned)
        .into_iter();
    let own = own
        .map(|name| format!("{name}:{port}"))
        .chain([address.to_string()]);
    let own: Vec<String> = own.collect();
    // Clients leave the default port out.
    let default = if secure { ":443" } else { ":80" };
    let bare = own
        .iter()
        .filter_map(|host| host.strip_suffix(default))
        .map(str::to_owned);
    let named = allowed.iter().map(|name| name.to_ascii_lowercase());
    let named = named.flat_map(|name| [format!("{name}:{port}"), name]);
    bare.chain(named).chain(own.iter().cloned()).collect()
}

/// Proof that a request passed the gates of its head; handlers demand it.
#[derive(Debug, Clone)]
pub(crate) struct Permit {
    client: ClientId,
    /// Who asks, for routing.
    asker: Asker,
    admin: bool,
    /// What the client says it is; `None` where its word for it is no kind.
    kind: Option<ClientKind>,
    /// The version that it names.
    version: Option<String>,
    /// Whether an extension's origin vouches for it.
    extension: bool,
}

impl Permit {
    /// The peer's client installation.
    pub(crate) fn client(&self) -> &ClientId {
        &self.client
    }

    /// The id of the pairing whose token came with the request.
    pub(crate) fn pairing(&self) -> Option<&str> {
        let identity = self.asker.identities.get(IdentityNamespace::Pairing)?;
        Some(identity.as_str().trim_start_matches("pairing:"))
    }

    /// Who asks, for routing.
    pub(crate) fn asker(&self) -> &Asker {
        &self.asker
    }

    /// What the client says it is.
    pub(crate) fn kind(&self) -> Option<ClientKind> {
        self.kind
    }

    /// The version that the client names.
    pub(crate) fn version(&self) -> Option<&str> {
        self.version.as_deref()
    }

    /// What the version window of the legacy lane judges: there the contract version does not count.
    ///
    /// # Errors
    /// `relay_frame_invalid` for a kind that is none.
    pub(crate) fn component(&self) -> Outcome<Peer<'_>> {
        let kind = self.kind.ok_or_else(checks::unknown_kind)?;
        Ok(Peer {
            component: kind.into(),
            version: self.version(),
            contract: None,
        })
    }

    /// The same, of the component that its hello names.
    pub(crate) fn of_component(self, kind: ClientKind, version: String) -> Self {
        Self {
            kind: Some(kind),
            version: Some(version),
            ..self
        }
    }

    /// Whether the admin token was presented.
    pub(crate) fn is_admin(&self) -> bool {
        self.admin
    }

    /// The permit after a hello. A client that named itself has an identity by that.
    pub(crate) fn greeted(
        self,
        named: Option<&ClientId>,
        client: ClientId,
        controls: Option<RequestControls>,
    ) -> Self {
        let Self {
            asker:
                Asker {
                    mut identities,
                    controls: of_head,
                    local,
                    by_lease,
                },
            admin,
            kind,
            version,
            extension,
            ..
        } = self;
        if let Some(identity) = named.and_then(|client| installation(client, extension)) {
            identities = identities.with(identity);
        }
        Self {
            client,
            asker: Asker {
                identities,
                controls: controls.unwrap_or(of_head),
                local,
                by_lease,
            },
            admin,
            kind,
            version,
            extension,
        }
    }
}

/// A refusal, and whether the peer had shown the token before it.
pub(crate) struct Refusal {
    pub(crate) fault: Fault,
    pub(crate) authenticated: bool,
}

fn permit(facts: &Facts<'_>, admission: &Admission) -> Outcome<Permit> {
    let client = facts.client_id()?;
    let asker = Asker {
        identities: facts.identities(&client, admission),
        controls: facts.request_controls()?,
        local: facts.local,
        by_lease: None,
    };
    Ok(Permit {
        client,
        asker,
        // The gate has compared it.
        admin: facts.admin_token != Field::Absent && !facts.target.class.is_open(),
        kind: facts.kind,
        version: facts.client_version.map(str::to_owned),
        extension: facts.is_from_extension(),
    })
}

/// What an authenticated client that names its installation goes by in a rollout: an extension's is known by its origin, all others
/// are clients of the command line's kind. None where the name is no identity's.
///
/// Each installation has its own, so that a percentage moves two profiles of a browser one by one.
fn installation(client: &ClientId, extension: bool) -> Option<RolloutIdentity> {
    let namespace = if extension {
        IdentityNamespace::Extension
    } else {
        IdentityNamespace::Cli
    };
    RolloutIdentity::new(namespace, client.as_str()).ok()
}

#[cfg(test)]
mod tests;
