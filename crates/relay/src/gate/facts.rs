//! What the gates look at: taken out of a request's head, and of the messages that follow it.

use std::sync::Arc;

use hyper::Method;
use hyper::header::{
    AUTHORIZATION, CONTENT_LENGTH, HOST, HeaderMap, HeaderName, ORIGIN, SEC_WEBSOCKET_PROTOCOL,
};
use hyper::http::request::Parts;
use ops_contracts::control::legacy::{LegacyLeaseMode, LegacySelection};
use ops_contracts::control::telemetry::RouteLabel;
use ops_contracts::wire::command::parse_json;
use ops_contracts::wire::frame::{ClientKind, OpsRequest};
use ops_contracts::wire::http::{header, subprotocol};
use ops_contracts::wire::ids::ClientId;
use ops_contracts::wire::routing::{
    Identities, IdentityNamespace, Peer, RequestControls, RolloutIdentity,
};
use ops_contracts::{ErrorCode, Fault, Outcome};

use super::Admission;
use crate::access::ToConfirm;
use crate::cdp;
use crate::dashboard;
use crate::endpoint::{Kind, Traits};
use crate::rate::Charge;
use crate::routing::Asker;

/// A header that may be there once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Field<'a> {
    #[default]
    Absent,
    One(&'a str),
    /// Several, or one that is no text.
    Invalid,
}

impl<'a> Field<'a> {
    fn of(headers: &'a HeaderMap, name: HeaderName) -> Self {
        let mut all = headers.get_all(name).iter();
        match (all.next(), all.next()) {
            (None, _) => Self::Absent,
            (Some(value), None) => value.to_str().map_or(Self::Invalid, Self::One),
            _ => Self::Invalid,
        }
    }
}

/// The versions that a client names.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ClientVersions<'a> {
    pub(crate) contract: Field<'a>,
    pub(crate) kind: Option<ClientKind>,
    pub(crate) client: Option<&'a str>,
}

impl<'a> ClientVersions<'a> {
    /// The component that these are the versions of, where there is enough to judge it by.
    pub(crate) fn peer(&self) -> Option<Peer<'a>> {
        match (self.contract, self.kind) {
            (Field::One(contract), Some(kind)) => Some(Peer {
                component: kind.into(),
                version: self.client,
                contract: Some(contract),
            }),
            _ => None,
        }
    }
}

/// A session that is asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Opening<'a> {
    /// On `/ops`, by whom.
    Ops(&'a Asker),
    /// On `/cdp`: how its lease is to be kept, and who chose the lane.
    Cdp(LegacyLeaseMode, LegacySelection),
}

/// By what a frame of `/cdp` proves that its sender holds a session.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Proof<'a> {
    /// The session and the lease that it names.
    Named {
        session: Option<&'a str>,
        lease: Option<&'a str>,
    },
    /// The session that is bound to its connection.
    Bound(&'a Arc<cdp::Session>),
}

/// The time of a command, in milliseconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Time {
    /// What its sender asks for.
    pub(crate) asked: Option<u64>,
    /// What it gets unless it asks; `None` for as much as the lane allows.
    pub(crate) default: Option<u64>,
}

/// What the gates found out on their way.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    /// Who has to agree before the command runs.
    pub(crate) confirm: Option<ToConfirm>,
    /// The session of `/cdp` whose lease was proven.
    pub(crate) session: Option<Arc<cdp::Session>>,
    /// How long the command may take, in milliseconds.
    pub(crate) timeout_ms: u64,
}

/// The facts of a request, as far as they are known.
#[derive(Debug, Default)]
pub(crate) struct Facts<'a> {
    /// What is asked for.
    pub(crate) target: Traits,
    pub(crate) host: Field<'a>,
    /// The authority of a request line in absolute form, which must pass beside `Host`.
    pub(crate) authority: Option<&'a str>,
    pub(crate) origin: Field<'a>,
    /// Whether a browser marked the request as its own.
    pub(crate) fetch_metadata: bool,
    /// Whether, by that mark, a page of this relay or the user sent it.
    pub(crate) fetch_own: bool,
    /// Whether the method changes something.
    pub(crate) changes: bool,
    /// Cookie and key of a login to the dashboard.
    pub(crate) login: (Option<&'a str>, Option<&'a str>),
    pub(crate) token: Field<'a>,
    pub(crate) pairing: Field<'a>,
    /// `None` where no version is due yet.
    pub(crate) versions: Option<ClientVersions<'a>>,
    /// What the client says of itself, whether or not it is due.
    pub(crate) kind: Option<ClientKind>,
    /// The same for its version.
    pub(crate) client_version: Option<&'a str>,
    /// Bytes of the message, where known.
    pub(crate) payload: Option<u64>,
    /// What the message costs whom, where known.
    pub(crate) charge: Option<Charge<'a>>,
    pub(crate) client_id: Field<'a>,
    /// The session that is asked for, where one is.
    pub(crate) opening: Option<Opening<'a>>,
    /// The command that is to run, on `/ops`.
    pub(crate) request: Option<&'a OpsRequest>,
    /// By what the sender holds a session, on `/cdp`.
    pub(crate) lease: Option<Proof<'a>>,
    /// How long the command may take, where one is to run.
    pub(crate) time: Option<Time>,
    pub(crate) admin_token: Field<'a>,
    /// JSON of the request's routing controls.
    pub(crate) routing: Field<'a>,
    /// Whether the peer's address is one of loopback. It opens nothing: it only closes what is closed to others.
    pub(crate) local: bool,
}

impl<'a> Facts<'a> {
    /// What the head of a request says.
    pub(crate) fn of(head: &'a Parts, target: Traits, local: bool) -> Self {
        let headers = &head.headers;
        let upgrade = target.kind == Kind::Socket;
        let named = versions(headers);
        let site = headers.get("sec-fetch-site");
        Self {
            target,
            host: Field::of(headers, HOST),
            authority: head.uri.authority().map(|authority| authority.as_str()),
            origin: Field::of(headers, ORIGIN),
            fetch_metadata: site.is_some(),
            token: presented_token(headers, upgrade),
            pairing: presented_pairing(headers, upgrade),
            fetch_own: site.is_none_or(|site| site == "same-origin" || site == "none"),
            changes: head.method != Method::GET && head.method != Method::HEAD,
            login: (dashboard::cookie(headers), dashboard::key(headers)),
            versions: matches!(target.kind, Kind::Frame | Kind::Blob).then_some(named),
            kind: named.kind,
            client_version: named.client,
            payload: content_length(headers),
            client_id: Field::of(headers, HeaderName::from_static(header::CLIENT_ID)),
            admin_token: Field::of(headers, HeaderName::from_static(header::ADMIN_TOKEN)),
            routing: Field::of(headers, HeaderName::from_static(header::ROUTING)),
            local,
            ..Self::default()
        }
    }

    /// What is known of something that comes on a lane, after its head.
    pub(crate) fn on(lane: RouteLabel) -> Self {
        Self {
            target: Traits {
                lane,
                ..Traits::default()
            },
            ..Self::default()
        }
    }

    /// The client that the head names; callers without a name share one.
    pub(super) fn client_id(&self) -> Outcome<ClientId> {
        let text = match self.client_id {
            Field::Absent => "anonymous",
            Field::One(text) => text,
            Field::Invalid => "",
        };
        text.parse().map_err(|error| {
            Fault::new(ErrorCode::RelayFrameInvalid, format!("{error}"))
                .with("field", header::CLIENT_ID)
        })
    }

    /// Whether the request is of an extension: the gate of origins has let in none but those of the list.
    pub(super) fn is_from_extension(&self) -> bool {
        matches!(self.origin, Field::One(origin) if origin.starts_with("chrome-extension://"))
    }

    /// What vouches for the caller in a rollout: the installation that it names, and the pairing that its token belongs to.
    pub(super) fn identities(&self, client: &ClientId, admission: &Admission) -> Identities {
        let named = match self.client_id {
            Field::One(_) => super::installation(client, self.is_from_extension()),
            _ => None,
        };
        let paired = match self.pairing {
            Field::One(token) => admission.pairing.store.find(token.as_bytes()),
            _ => None,
        };
        let paired =
            paired.and_then(|id| RolloutIdentity::new(IdentityNamespace::Pairing, &id).ok());
        named
            .into_iter()
            .chain(paired)
            .fold(Identities::default(), Identities::with)
    }

    /// The routing controls of the head.
    pub(super) fn request_controls(&self) -> Outcome<RequestControls> {
        let invalid = |why: String| {
            Fault::new(ErrorCode::RelayFrameInvalid, why).with("field", header::ROUTING)
        };
        match self.routing {
            Field::Absent => Ok(RequestControls::default()),
            // Serde would take an array as well, by position.
            Field::One(text) if !text.trim_start().starts_with('{') => {
                Err(invalid("x-ops-routing is no JSON object".to_owned()))
            }
            Field::One(text) => {
                parse_json(text).map_err(|error| invalid(format!("x-ops-routing: {error}")))
            }
            Field::Invalid => Err(invalid(
                "there is more than one x-ops-routing header, or it is no text".to_owned(),
            )),
        }
    }
}

pub(crate) fn versions(headers: &HeaderMap) -> ClientVersions<'_> {
    let kind = match Field::of(headers, HeaderName::from_static(header::CLIENT_KIND)) {
        Field::Absent | Field::One("other") => Some(ClientKind::Other),
        Field::One("cli") => Some(ClientKind::Cli),
        Field::One("extension") => Some(ClientKind::Extension),
        _ => None,
    };
    let client = match Field::of(headers, HeaderName::from_static(header::CLIENT_VERSION)) {
        Field::One(text) => Some(text),
        _ => None,
    };
    ClientVersions {
        contract: Field::of(headers, HeaderName::from_static(header::CONTRACT_VERSION)),
        kind,
        client,
    }
}

/// The size that a head announces.
pub(crate) fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn presented_token(headers: &HeaderMap, upgrade: bool) -> Field<'_> {
    match Field::of(headers, AUTHORIZATION) {
        Field::One(value) => bearer(value).map_or(Field::Invalid, Field::One),
        Field::Absent if upgrade => offered_protocols(headers)
            .find_map(|name| name.strip_prefix(subprotocol::BEARER_PREFIX))
            .map_or(Field::Absent, Field::One),
        other => other,
    }
}

fn presented_pairing(headers: &HeaderMap, upgrade: bool) -> Field<'_> {
    match Field::of(headers, HeaderName::from_static(header::PAIRING_TOKEN)) {
        Field::Absent if upgrade => offered_protocols(headers)
            .find_map(|name| name.strip_prefix(subprotocol::PAIRING_PREFIX))
            .map_or(Field::Absent, Field::One),
        presented => presented,
    }
}

fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The subprotocols that a caller offers.
fn offered_protocols(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let lists = headers.get_all(SEC_WEBSOCKET_PROTOCOL).iter();
    lists
        .filter_map(|value| value.to_str().ok())
        .flat_map(|list| list.split(','))
        .map(str::trim)
}

/// The subprotocol of ours that a caller offers: the one of its lane.
pub(crate) fn offered_protocol(headers: &HeaderMap, lane: RouteLabel) -> Option<&'static str> {
    let ours = match lane {
        RouteLabel::Ops => subprotocol::OPS,
        RouteLabel::Cdp => subprotocol::CDP,
    };
    offered_protocols(headers)
        .any(|name| name == ours)
        .then_some(ours)
}
