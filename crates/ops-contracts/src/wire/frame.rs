//! The frames of `/ops`: JSON text with a `type`. Unknown fields are ignored, unknown types refused.
//!
//! `POST /ops` takes one `OpsRequest` (or `OpsCancel`) and answers one `OpsResponse` or `OpsError`, unchunked.

use schemars::{JsonSchema, Schema, json_schema, schema_for};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::wire::command::{InvalidField, RequestedCommand, parse_json_as};
use crate::wire::error::ErrorCode;
use crate::wire::fault::{ErrorBody, Fault, Outcome};
use crate::wire::ids::{ClientId, LeaseId, RequestId, SessionId};
use crate::wire::limits::LimitsProfile;
use crate::wire::routing::{RequestControls, RoutingStatus};

/// The largest frame that carries a whole response; a larger one goes as chunks of at most this size. In bytes.
pub const CHUNK_THRESHOLD: usize = 256 * 1024;

/// The cap on one response, all chunks together. In bytes.
pub const RESPONSE_CAP: usize = 64 * 1024 * 1024;

/// How often each side sends `ops_ping`, in milliseconds. Below the 30 s after which browsers stop an idle extension.
pub const HEARTBEAT_INTERVAL_MS: u64 = 20_000;

macro_rules! frame_types {
    ($($name:ident $text:literal $(($body:ty))?;)+) => {
        /// The `type` of a frame.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
        pub enum FrameType {
            $(#[doc = concat!("`", $text, "`")] #[serde(rename = $text)] $name,)+
        }

        impl FrameType {
            /// Every type.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The type's text.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }

            fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$name),)+ _ => None }
            }

            /// The schema of the frame as it is sent, with its `type`; none where its body is defined by another room of the
            /// contract, and the `type` with it.
            #[must_use]
            pub fn schema(self) -> Option<Schema> {
                match self { $(Self::$name => frame_types!(@schema $text $($body)?),)+ }
            }
        }
    };
    (@schema $text:literal $body:ty) => { Some(with_type($text, schema_for!($body))) };
    (@schema $text:literal) => { None };
}

frame_types! {
    Hello "ops_hello" (OpsHello);
    HelloAck "ops_hello_ack" (OpsHelloAck);
    Request "ops_request" (OpsRequest);
    Response "ops_response" (OpsResponse);
    Error "ops_error" (OpsError);
    Event "ops_event" (OpsEvent);
    Chunk "ops_chunk" (OpsChunk);
    Cancel "ops_cancel" (OpsCancel);
    Ping "ops_ping" (OpsPing);
    Pong "ops_pong" (OpsPing);
    AdapterHealth "ops.adapter.health.v1";
}

/// The schema of a frame out of that of its body: the body's types know nothing of the `type` that `encode` puts in front.
fn with_type(text: &str, mut schema: Schema) -> Schema {
    let of_type = json_schema!({
        "type": "string",
        "const": text,
        "description": "Which frame it is: this word, always.",
    });
    let object = schema.ensure_object();
    if let Some(Value::Object(properties)) = object.get_mut("properties") {
        properties.insert("type".to_owned(), of_type.into());
    }
    let required = object.entry("required").or_insert_with(|| json!([]));
    if let Value::Array(required) = required {
        required.insert(0, json!("type"));
    }
    schema
}

/// A kind of client; the version window binds `cli` and `extension`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ClientKind {
    /// The command line of this project.
    Cli,
    /// The browser extension of this project.
    Extension,
    /// Any other program.
    Other,
}

/// First frame of a connection, from the client.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OpsHello {
    /// Contract version that the client speaks.
    pub contract_version: String,
    /// Version of the client.
    pub client_version: String,
    /// Its kind.
    pub client_kind: ClientKind,
    /// Its installation; the relay makes one up when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<ClientId>,
    /// Capabilities that it cannot do without.
    #[serde(default)]
    pub capabilities: Vec<String>,
    /// Routing controls for the requests of the connection; over HTTP they travel as JSON in the header `x-ops-routing`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub routing: Option<RequestControls>,
}

/// The relay's answer to `ops_hello`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OpsHelloAck {
    /// Version of the relay.
    pub relay_version: String,
    /// Contract version that it speaks.
    pub ops_contract_version: String,
    /// Oldest contract version that it accepts.
    pub ops_min_contract_version: String,
    /// Version of its status document.
    pub status_schema_version: String,
    /// How versions are to be read.
    pub version_scheme: String,
    /// The release train `N`, as `major.minor`.
    pub compatibility_window_n: Option<String>,
    /// The release train `N-1`.
    pub compatibility_window_n_minus1: Option<String>,
    /// The client's installation, as sent or made up.
    pub client_id: ClientId,
    /// Capabilities on offer.
    pub capabilities: Vec<String>,
    /// The limits in force.
    pub limits: LimitsProfile,
    /// How often to send `ops_ping`, in milliseconds.
    pub heartbeat_interval_ms: u64,
    /// Where routing sends this client's sessions, by which facts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollout: Option<RoutingStatus>,
}

/// A command to be run.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OpsRequest {
    /// Names the request; an idempotency key within its session.
    pub request_id: RequestId,
    /// The session, for commands that are bound to one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<SessionId>,
    /// The session's lease.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease_id: Option<LeaseId>,
    /// Dotted name of the command.
    #[schemars(with = "String")]
    pub command: RequestedCommand,
    /// Its parameters; an empty object when absent.
    #[serde(default = "empty_object")]
    pub params: Box<RawValue>,
    /// Deadline in milliseconds; the command's default when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
    /// Marks page text in the answer: each string that the page, its server or its users may have written stands between
    /// `<page-text nonce="N">` and `</page-text nonce="N">`, on lines of their own, with a nonce made for this answer. A value of
    /// `dom.eval` that is an array or an object comes as the JSON text of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub boundary: bool,
}

fn empty_object() -> Box<RawValue> {
    RawValue::from_string("{}".to_owned()).unwrap_or_default()
}

/// Where a request's time went, in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Timing {
    /// Waiting for earlier commands of the session.
    pub queue_ms: f64,
    /// In the runtime, adapter included.
    pub runtime_ms: f64,
    /// Waiting for the browser.
    pub adapter_ms: f64,
    /// Sequential round trips to the browser; calls that were pipelined count as one.
    pub round_trips: u32,
    /// From the request's arrival to its answer.
    pub total_ms: f64,
}

/// A command's result.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OpsResponse {
    /// The request.
    pub request_id: RequestId,
    /// Its session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<SessionId>,
    /// The result, as the command's schema describes it.
    pub result: Box<RawValue>,
    /// Where the time went.
    pub timing: Timing,
}

/// A command's error.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OpsError {
    /// The request; `unknown` where the frame named none.
    pub request_id: RequestId,
    /// Its session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<SessionId>,
    /// The error.
    pub error: ErrorBody,
    /// Where the time went, where the request reached the runtime.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timing: Option<Timing>,
}

/// Something that happened in a session that the connection has acted on.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OpsEvent {
    /// The session.
    pub session_id: SessionId,
    /// Number of the event in the session, from 1.
    pub seq: u64,
    /// What happened.
    pub event: EventName,
    /// The facts.
    pub data: Box<RawValue>,
}

/// The events of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum EventName {
    /// A page opened. Data: `TargetInfo`.
    #[serde(rename = "target.opened")]
    TargetOpened,
    /// A page closed. Data: {targetId}.
    #[serde(rename = "target.closed")]
    TargetClosed,
    /// A page's renderer crashed. Data: {targetId}.
    #[serde(rename = "target.crashed")]
    TargetCrashed,
    /// A dialog opened. Data: `DialogInfo`.
    #[serde(rename = "dialog.opened")]
    DialogOpened,
    /// A dialog was answered. Data: {targetId, accepted}.
    #[serde(rename = "dialog.closed")]
    DialogClosed,
    /// The session lost its browser. Data: {reason}.
    #[serde(rename = "session.lost")]
    SessionLost,
    /// The session is closed. Data: {reason}.
    #[serde(rename = "session.closed")]
    SessionClosed,
}

/// A slice of a frame that is too large to be sent whole: the JSON text of the frame, cut at character boundaries.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OpsChunk {
    /// The request whose response it is a slice of.
    pub request_id: RequestId,
    /// Number of the slice, from 0.
    pub index: u32,
    /// Number of slices.
    pub count: u32,
    /// The slice.
    pub data: String,
}

/// Cancels a request that is queued or running.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OpsCancel {
    /// The request to cancel.
    pub request_id: RequestId,
    /// Its session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<SessionId>,
    /// The session's lease.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease_id: Option<LeaseId>,
}

/// A heartbeat, either way; answered by `ops_pong` with the same nonce.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub struct OpsPing {
    /// Comes back in the answer.
    #[serde(default)]
    pub nonce: u64,
}

/// A frame from a client, parsed.
#[derive(Debug, Clone)]
pub enum ClientFrame {
    /// First frame.
    Hello(OpsHello),
    /// A command.
    Request(OpsRequest),
    /// Cancels a command.
    Cancel(OpsCancel),
    /// A heartbeat.
    Ping(OpsPing),
    /// The answer to one.
    Pong(OpsPing),
    /// A health envelope. Its text goes as it is to the health store, which is the one that checks envelopes.
    AdapterHealth,
}

#[derive(Deserialize)]
struct Head {
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Named {
    request_id: RequestId,
}

impl ClientFrame {
    /// Parses a frame.
    ///
    /// # Errors
    /// `relay_frame_invalid` naming the field, or `relay_frame_type_unknown`.
    pub fn parse(text: &str) -> Outcome<Self> {
        let head: Head = parse(text)?;
        match FrameType::parse(&head.kind) {
            Some(FrameType::Hello) => parse(text).map(Self::Hello),
            Some(FrameType::Request) => parse(text).map(Self::Request),
            Some(FrameType::Cancel) => parse(text).map(Self::Cancel),
            Some(FrameType::Ping) => parse(text).map(Self::Ping),
            Some(FrameType::Pong) => parse(text).map(Self::Pong),
            Some(FrameType::AdapterHealth) => Ok(Self::AdapterHealth),
            _ => {
                let shown: String = head.kind.chars().take(64).collect();
                Err(Fault::new(
                    ErrorCode::RelayFrameTypeUnknown,
                    format!("a client can't send frames of type {shown:?}"),
                )
                .with("type", shown))
            }
        }
    }
}

/// Parses a frame, twice where it is wrong: to keep the path of each field at hand, for the fault, takes as long as the parsing itself.
fn parse_frame<'de, T: Deserialize<'de>>(text: &'de str) -> Result<T, InvalidField> {
    serde_json::from_str(text).or_else(|_| parse_json_as("frame", text))
}

fn parse<'de, T: Deserialize<'de>>(text: &'de str) -> Outcome<T> {
    parse_frame(text).map_err(|invalid| {
        Fault::new(ErrorCode::RelayFrameInvalid, invalid.to_string())
            .with("field", invalid.field)
            .with("expected", invalid.expected)
    })
}

/// The request id of a frame that could not be used otherwise, so that its refusal can be matched to it.
#[must_use]
pub fn request_id_of(text: &str) -> Option<RequestId> {
    serde_json::from_str::<Named>(text)
        .ok()
        .map(|named| named.request_id)
}

/// The request id that stands in errors about frames that named none.
#[must_use]
pub fn unknown_request_id() -> RequestId {
    "unknown".parse().expect("a valid request id")
}

/// A frame from the relay, parsed.
#[derive(Debug, Clone)]
pub enum RelayFrame {
    /// Answer to the hello.
    HelloAck(Box<OpsHelloAck>),
    /// A result.
    Response(OpsResponse),
    /// An error.
    Error(OpsError),
    /// An event.
    Event(OpsEvent),
    /// A slice of a response.
    Chunk(OpsChunk),
    /// A heartbeat.
    Ping(OpsPing),
    /// The answer to one.
    Pong(OpsPing),
}

impl RelayFrame {
    /// Parses a frame; `None` for a type that this version does not know.
    ///
    /// # Errors
    /// `cli_reply_invalid`, naming the field.
    pub fn parse(text: &str) -> Outcome<Option<Self>> {
        fn reply<'de, T: Deserialize<'de>>(text: &'de str) -> Outcome<T> {
            parse_frame(text)
                .map_err(|invalid| Fault::new(ErrorCode::CliReplyInvalid, invalid.to_string()))
        }
        let head: Head = reply(text)?;
        Ok(Some(match FrameType::parse(&head.kind) {
            Some(FrameType::HelloAck) => Self::HelloAck(Box::new(reply(text)?)),
            Some(FrameType::Response) => Self::Response(reply(text)?),
            Some(FrameType::Error) => Self::Error(reply(text)?),
            Some(FrameType::Event) => Self::Event(reply(text)?),
            Some(FrameType::Chunk) => Self::Chunk(reply(text)?),
            Some(FrameType::Ping) => Self::Ping(reply(text)?),
            Some(FrameType::Pong) => Self::Pong(reply(text)?),
            _ => return Ok(None),
        }))
    }
}

macro_rules! encodes {
    ($($body:ident => $kind:ident;)+) => {$(
        impl $body {
            /// The frame's JSON text.
            #[must_use]
            pub fn encode(&self) -> String {
                encode(FrameType::$kind, self)
            }
        }
    )+};
}

encodes! {
    OpsHello => Hello;
    OpsHelloAck => HelloAck;
    OpsRequest => Request;
    OpsResponse => Response;
    OpsError => Error;
    OpsEvent => Event;
    OpsChunk => Chunk;
    OpsCancel => Cancel;
}

/// The JSON text of a frame: the body's own object with the type put in front. A raw value in the body is copied once and not parsed.
fn encode<T: Serialize>(kind: FrameType, body: &T) -> String {
    let body =
        serde_json::to_string(body).expect("frames consist of strings, numbers and raw JSON");
    let kind = kind.as_str();
    let mut text = String::with_capacity(body.len() + kind.len() + 12);
    text.push_str("{\"type\":\"");
    text.push_str(kind);
    text.push('"');
    if body.len() > 2 {
        text.push(',');
    }
    text.push_str(&body[1..]);
    text
}

/// The JSON text of a heartbeat or its answer.
#[must_use]
pub fn encode_heartbeat(kind: FrameType, ping: &OpsPing) -> String {
    encode(kind, ping)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_round_trips_with_its_raw_params() {
        let text = r#"{"type":"ops_request","requestId":"r1","command":"dom.eval","params":{"expression":"1 + 1","x":[1, 2]},"later":true}"#;
        let Ok(ClientFrame::Request(request)) = ClientFrame::parse(text) else {
            panic!("not a request")
        };
        assert_eq!(request.params.get(), r#"{"expression":"1 + 1","x":[1, 2]}"#);
        let again = request.encode();
        assert!(
            again.starts_with(r#"{"type":"ops_request","requestId":"r1""#),
            "{again}"
        );
        assert!(matches!(
            ClientFrame::parse(&again),
            Ok(ClientFrame::Request(_))
        ));
    }

    #[test]
    fn what_is_no_frame_is_refused_with_a_code() {
        let code = |text: &str| ClientFrame::parse(text).unwrap_err().code;
        assert_eq!(code("{"), ErrorCode::RelayFrameInvalid);
        assert_eq!(code("[]"), ErrorCode::RelayFrameInvalid);
        assert_eq!(code(r#"{"type":7}"#), ErrorCode::RelayFrameInvalid);
        assert_eq!(
            code(r#"{"type":"ops_request"}"#),
            ErrorCode::RelayFrameInvalid
        );
        assert_eq!(
            code(r#"{"type":"ops_response"}"#),
            ErrorCode::RelayFrameTypeUnknown
        );
        assert_eq!(
            code(r#"{"type":"nonsense"}"#),
            ErrorCode::RelayFrameTypeUnknown
        );
        let field = |text: &str| {
            let fault = ClientFrame::parse(text).unwrap_err();
            fault.details.get("field").cloned().unwrap_or_default()
        };
        assert_eq!(field(r#"{"requestId":"r1","command":"x"}"#), "type");
        assert_eq!(
            field(r#"{"type":"ops_request","command":"x"}"#),
            "requestId"
        );
        assert_eq!(field("[]"), "frame");
        assert_eq!(
            request_id_of(r#"{"requestId":"r9","x":{}}"#)
                .unwrap()
                .as_str(),
            "r9"
        );
    }
}
