//! What the gates look at, taken out of a request's head.

use hyper::Method;
use hyper::header::{AUTHORIZATION, CONTENT_LENGTH, HOST, HeaderMap, HeaderName, ORIGIN, SEC_WEBSOCKET_PROTOCOL};
use hyper::http::request::Parts;
use ops_contracts::frame::ClientKind;
use ops_contracts::ids::ClientId;
use ops_contracts::{ErrorCode, Fault, Outcome};

use crate::rate::Charge;

/// Prefix of the WebSocket subprotocol by which a caller that can't set headers presents its token.
const BEARER_PROTOCOL: &str = "odb.bearer.";

/// The subprotocol of `/ops`.
pub(crate) const OPS_PROTOCOL: &str = "odb.ops.v1";

/// An endpoint by its path.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Endpoint {
    /// `/ops`
    #[default]
    Ops,
    /// `/status`
    Status,
    /// `/metrics`
    Metrics,
    /// `/healthz`
    Healthz,
    /// Any other path.
    Unknown,
}

impl Endpoint {
    pub(crate) fn of(path: &str) -> Self {
        match path {
            "/ops" => Self::Ops,
            "/status" => Self::Status,
            "/metrics" => Self::Metrics,
            "/healthz" => Self::Healthz,
            _ => Self::Unknown,
        }
    }
}

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
#[derive(Debug, Clone, Copy)]
pub(crate) struct ClientVersions<'a> {
    pub(crate) contract: Field<'a>,
    pub(crate) kind: Option<ClientKind>,
    pub(crate) client: Option<&'a str>,
}

/// The facts of a request, as far as they are known.
#[derive(Debug, Default)]
pub(crate) struct Facts<'a> {
    pub(crate) endpoint: Endpoint,
    pub(crate) host: Field<'a>,
    /// The authority of a request line in absolute form, which must pass beside `Host`.
    pub(crate) authority: Option<&'a str>,
    pub(crate) origin: Field<'a>,
    /// Whether a browser marked the request as its own.
    pub(crate) fetch_metadata: bool,
    pub(crate) token: Field<'a>,
    /// `None` where no version is due yet.
    pub(crate) versions: Option<ClientVersions<'a>>,
    /// Bytes of the message, where known.
    pub(crate) payload: Option<u64>,
    /// What the message costs whom, where known.
    pub(crate) charge: Option<Charge<'a>>,
    pub(crate) client_id: Field<'a>,
}

impl<'a> Facts<'a> {
    pub(crate) fn of(head: &'a Parts) -> Self {
        let headers = &head.headers;
        let endpoint = Endpoint::of(head.uri.path());
        let posts_ops = endpoint == Endpoint::Ops && head.method == Method::POST;
        Self {
            endpoint,
            host: Field::of(headers, HOST),
            authority: head.uri.authority().map(|authority| authority.as_str()),
            origin: Field::of(headers, ORIGIN),
            fetch_metadata: headers.contains_key("sec-fetch-site"),
            token: presented_token(headers, endpoint == Endpoint::Ops && head.method == Method::GET),
            versions: posts_ops.then(|| versions(headers)),
            payload: content_length(headers),
            charge: None,
            client_id: Field::of(headers, HeaderName::from_static("x-ops-client-id")),
        }
    }

    /// The client that the head names; callers without a name share one.
    pub(super) fn client_id(&self) -> Outcome<ClientId> {
        let text = match self.client_id {
            Field::Absent => "anonymous",
            Field::One(text) => text,
            Field::Invalid => "",
        };
        text.parse().map_err(|error| Fault::new(ErrorCode::RelayFrameInvalid, format!("{error}")).with("field", "x-ops-client-id"))
    }
}

fn versions(headers: &HeaderMap) -> ClientVersions<'_> {
    let kind = match Field::of(headers, HeaderName::from_static("x-ops-client-kind")) {
        Field::Absent | Field::One("other") => Some(ClientKind::Other),
        Field::One("cli") => Some(ClientKind::Cli),
        Field::One("extension") => Some(ClientKind::Extension),
        _ => None,
    };
    let client = match Field::of(headers, HeaderName::from_static("x-ops-client-version")) {
        Field::One(text) => Some(text),
        _ => None,
    };
    ClientVersions { contract: Field::of(headers, HeaderName::from_static("x-ops-contract-version")), kind, client }
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn presented_token(headers: &HeaderMap, upgrade: bool) -> Field<'_> {
    match Field::of(headers, AUTHORIZATION) {
        Field::One(value) => bearer(value).map_or(Field::Invalid, Field::One),
        Field::Absent if upgrade => {
            offered_protocols(headers).find_map(|name| name.strip_prefix(BEARER_PROTOCOL)).map_or(Field::Absent, Field::One)
        }
        other => other,
    }
}

fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The subprotocols that a caller offers.
fn offered_protocols(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let lists = headers.get_all(SEC_WEBSOCKET_PROTOCOL).iter();
    lists.filter_map(|value| value.to_str().ok()).flat_map(|list| list.split(',')).map(str::trim)
}

/// Whether a caller offers the subprotocol of `/ops`.
pub(crate) fn offers_ops(headers: &HeaderMap) -> bool {
    offered_protocols(headers).any(|name| name == OPS_PROTOCOL)
}
