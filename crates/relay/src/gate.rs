//! The gates: one table in order, each a pure check of a request's facts. The first refusal wins and names its gate.
//!
//! Nothing here reads a socket, and no gate remembers a refusal: wrong tokens never lock out a right one.

pub(crate) mod checks;
mod facts;

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::Arc;

use ops_contracts::wire::frame::ClientKind;
use ops_contracts::wire::ids::ClientId;
use ops_contracts::wire::limits::LimitsProfile;
use ops_contracts::wire::routing::{IdentityNamespace, Peer, RequestControls, RolloutIdentity};
use ops_contracts::{Fault, Outcome};

use crate::config::{RelayConfig, Token};
use crate::dashboard::Logins;
use crate::pairing::Pairing;
use crate::rate::Rates;
use crate::routing::{Asker, Routing};
pub(crate) use facts::{ClientVersions, Endpoint, Facts, Field, offered_protocol, versions};

/// When a gate has its facts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// With the head of every request.
    Peer,
    /// With the head of a POST, or with the hello of a WebSocket.
    Client,
    /// With every message.
    Message,
}

struct Gate {
    name: &'static str,
    phase: Phase,
    check: fn(&Facts<'_>, &Policy) -> Outcome<()>,
}

/// Every gate in the order in which a request meets them.
const GATES: &[Gate] = &[
    Gate {
        name: "host",
        phase: Phase::Peer,
        check: checks::host,
    },
    Gate {
        name: "origin",
        phase: Phase::Peer,
        check: checks::origin,
    },
    Gate {
        name: "auth",
        phase: Phase::Peer,
        check: checks::auth,
    },
    Gate {
        name: "pairing",
        phase: Phase::Peer,
        check: checks::pairing,
    },
    Gate {
        name: "route",
        phase: Phase::Message,
        check: checks::route,
    },
    Gate {
        name: "version",
        phase: Phase::Client,
        check: checks::version,
    },
    Gate {
        name: "payload",
        phase: Phase::Message,
        check: checks::payload,
    },
    Gate {
        name: "rate",
        phase: Phase::Message,
        check: checks::rate,
    },
];

/// What the gates decide by.
pub(crate) struct Policy {
    /// `Host` values that pass, in lower case.
    hosts: HashSet<String>,
    /// The scheme of this relay's own origin.
    scheme: &'static str,
    extensions: Vec<String>,
    token: Token,
    admin_token: Option<Token>,
    pub(crate) pairing: Pairing,
    routing: Arc<Routing>,
    pub(crate) limits: LimitsProfile,
    pub(crate) rates: Rates,
    /// Logins to the dashboard.
    pub(crate) logins: Logins,
}

impl Policy {
    pub(crate) fn new(config: &RelayConfig, address: SocketAddr, routing: Arc<Routing>) -> Self {
        Self {
            hosts: hosts(&config.allowed_hosts, address, config.tls.is_some()),
            scheme: config.scheme(),
            extensions: config.allowed_extensions.clone(),
            token: config.token.clone(),
            admin_token: config.admin_token.clone(),
            pairing: config.pairing.clone(),
            routing,
            rates: Rates::new(&config.limits.ops),
            limits: config.limits.clone(),
            logins: Logins::default(),
        }
    }
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

/// Runs the gates of a request's head: those of the peer, and those of client and message as far as the head has their facts.
pub(crate) fn enter(facts: &Facts<'_>, policy: &Policy) -> Result<Permit, Refusal> {
    // Where clients must pair, the token alone is not enough to be let stay.
    let known = GATES.iter().position(|gate| gate.name == "pairing");
    for (at, gate) in GATES.iter().enumerate() {
        let authenticated = !facts.endpoint.is_open() && Some(at) > known;
        run(gate, facts, policy).map_err(|fault| Refusal {
            fault,
            authenticated,
        })?;
    }
    permit(facts, policy).map_err(|fault| Refusal {
        fault,
        authenticated: true,
    })
}

fn permit(facts: &Facts<'_>, policy: &Policy) -> Outcome<Permit> {
    let admin = checks::admin(facts, policy).map_err(|fault| fault.with("gate", "admin"))?;
    let client = facts.client_id()?;
    let (identities, controls) = (facts.identities(&client, policy), facts.request_controls()?);
    let asker = Asker {
        identities,
        controls,
        local: facts.local,
        by_lease: None,
    };
    Ok(Permit {
        client,
        asker,
        admin,
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

/// Runs the gates of a hello.
pub(crate) fn hello(_: &Permit, versions: ClientVersions<'_>, policy: &Policy) -> Outcome<()> {
    let facts = Facts {
        versions: Some(versions),
        ..Facts::default()
    };
    pass(Phase::Client, &facts, policy)
}

/// Runs the gates of a message: its size, and the rate where its charge is known.
pub(crate) fn message(_: &Permit, facts: &Facts<'_>, policy: &Policy) -> Outcome<()> {
    pass(Phase::Message, facts, policy)
}

fn pass(phase: Phase, facts: &Facts<'_>, policy: &Policy) -> Outcome<()> {
    GATES
        .iter()
        .filter(|gate| gate.phase == phase)
        .try_for_each(|gate| run(gate, facts, policy))
}

fn run(gate: &Gate, facts: &Facts<'_>, policy: &Policy) -> Outcome<()> {
    (gate.check)(facts, policy).map_err(|fault| fault.with("gate", gate.name))
}

#[cfg(test)]
mod tests;
