//! Parameters and results of `network.*` and of the log of requests.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{InvalidField, Params};
use crate::wire::clock::Timestamp;
use crate::wire::ids::{BlobId, FrameId, TargetId};
use crate::wire::page::{AbortReason, Initiator, RequestTiming, ResourceKind};
use crate::wire::secret::{FORMAT, Secret};

/// The most rules of a session.
pub const MAX_ROUTES: usize = 100;
/// The most bytes of a body that a rule holds.
pub const MAX_ROUTE_BODY: usize = 8 << 20;
/// The most bytes of a body that is read at once.
pub const MAX_BODY_READ: u64 = 8 << 20;
/// How much of a body is read when nothing else is said.
pub const DEFAULT_BODY_READ: u64 = 64 << 10;

/// A header.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// How far a request has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RequestState {
    /// Sent, and not complete.
    Pending,
    /// The response is complete, whatever its status.
    Finished,
    /// It failed or was cancelled.
    Failed,
}

/// A request of the session's log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RequestEntry {
    /// Its number in the session's log.
    pub seq: u64,
    /// The page.
    pub target_id: TargetId,
    /// The frame, where it is known; `f0` is the main frame.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frame: Option<FrameId>,
    /// Its method.
    pub method: String,
    /// Its URL.
    pub url: String,
    /// What it is for.
    pub kind: ResourceKind,
    /// How far it has come.
    pub state: RequestState,
    /// When it was sent.
    pub at: Timestamp,
    /// HTTP status, once there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The text beside the status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_text: Option<String>,
    /// Media type of the response.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mime_type: Option<String>,
    /// Bytes that came over the network, headers included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transferred_bytes: Option<u64>,
    /// Milliseconds from being sent to its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<f64>,
    /// How long its parts took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timing: Option<RequestTiming>,
    /// The browser's reason, where it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// Whether it was cancelled rather than failed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cancelled: bool,
    /// Why the session may not reach its host, where that is why there is no answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<crate::wire::domains::DomainRefusal>,
    /// Whether the response came out of a cache.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub from_cache: bool,
    /// Number of the request whose redirect led here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redirected_from: Option<u64>,
    /// What made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initiator: Option<Initiator>,
    /// The request's headers, where they were asked for; values of secrets are hidden.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_headers: Option<Vec<Header>>,
    /// The response's headers, where they were asked for; values of secrets are hidden.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_headers: Option<Vec<Header>>,
}

/// Which requests are meant: all conditions that are given must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RequestFilter {
    /// A pattern of the URL: `*` stands for anything but `/`, `**` for anything; without either, a part of the URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The method, whatever its case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// What it is for: one of these; anything when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kinds: Vec<ResourceKind>,
    /// The status: `200`, or a class as `4xx`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
}

impl RequestFilter {
    fn validate(&self, at: &str) -> Result<(), InvalidField> {
        let field = |name: &str| {
            if at.is_empty() {
                name.to_owned()
            } else {
                format!("{at}.{name}")
            }
        };
        if self
            .url
            .as_ref()
            .is_some_and(|url| url.trim().is_empty() || url.len() > 4_096)
        {
            return Err(InvalidField::new(
                field("url"),
                "a pattern of 1 to 4096 bytes",
            ));
        }
        if self.method.as_ref().is_some_and(|method| !is_token(method)) {
            return Err(InvalidField::new(
                field("method"),
                "an HTTP method, such as GET",
            ));
        }
        match &self.status {
            Some(status) if !is_status_pattern(status) => Err(InvalidField::new(
                field("status"),
                "a status such as 404, or a class such as 4xx",
            )),
            _ => Ok(()),
        }
    }
}

fn is_status_pattern(text: &str) -> bool {
    text.len() == 3
        && text.is_ascii()
        && matches!(text.as_bytes()[0], b'1'..=b'5')
        && (text[1..].eq_ignore_ascii_case("xx") || text.bytes().all(|b| b.is_ascii_digit()))
}

/// Whether a text is a token of HTTP: a method or a header's name.
fn is_token(text: &str) -> bool {
    let mark = |b: u8| b"!#$%&'*+-.^_`|~".contains(&b);
    !text.is_empty()
        && text.len() <= 256
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || mark(b))
}

fn check_headers(at: &str, headers: &[Header]) -> Result<(), InvalidField> {
    if headers.len() > 100 {
        return Err(InvalidField::new(at, "at most 100 headers"));
    }
    for (index, header) in headers.iter().enumerate() {
        if !is_token(&header.name) {
            return Err(InvalidField::new(
                format!("{at}[{index}].name"),
                "a header's name",
            ));
        }
        if header.value.len() > 16_384
            || header.value.bytes().any(|b| matches!(b, b'\r' | b'\n' | 0))
        {
            return Err(InvalidField::new(
                format!("{at}[{index}].value"),
                "one line of at most 16384 bytes",
            ));
        }
    }
    Ok(())
}

/// Parameters of `diagnostics.network`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LogParams {
    /// The first entry wanted: 0, or `nextSeq` of the last answer.
    #[serde(default)]
    pub since_seq: u64,
    /// The most entries to return, 1 to 1,000.
    #[serde(default = "default_limit")]
    pub limit: u32,
    /// Only this entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// Which requests.
    #[serde(default)]
    pub filter: RequestFilter,
    /// Only requests that have come this far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<RequestState>,
    /// With headers.
    #[serde(default)]
    pub headers: bool,
    /// Shows the values of cookies, tokens and other secrets in headers and bodies of requests.
    #[serde(default)]
    pub secrets: bool,
    /// With the bodies of request and response, beside `seq`.
    #[serde(default)]
    pub body: bool,
    /// The most bytes of the response's body, at most 8 MiB; 64 KiB when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_body_bytes: Option<u64>,
    /// Only entries of this page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_id: Option<TargetId>,
}

fn default_limit() -> u32 {
    100
}

impl Default for LogParams {
    fn default() -> Self {
        Self {
            since_seq: 0,
            limit: default_limit(),
            seq: None,
            filter: RequestFilter::default(),
            state: None,
            headers: false,
            secrets: false,
            body: false,
            max_body_bytes: None,
            target_id: None,
        }
    }
}

impl Params for LogParams {
    fn validate(&self) -> Result<(), InvalidField> {
        if !(1..=1_000).contains(&self.limit) {
            return Err(InvalidField::new("limit", "1 to 1000"));
        }
        if self.body && self.seq.is_none() {
            return Err(InvalidField::new(
                "body",
                "only beside seq: bodies are read one at a time",
            ));
        }
        if self.max_body_bytes.is_some() && !self.body {
            return Err(InvalidField::new("maxBodyBytes", "only beside body"));
        }
        if self
            .max_body_bytes
            .is_some_and(|most| most == 0 || most > MAX_BODY_READ)
        {
            return Err(InvalidField::new("maxBodyBytes", "1 to 8388608"));
        }
        self.filter.validate("filter")
    }
}

/// A body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Body {
    /// Its text, where it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Its bytes as base64, where it is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base64: Option<String>,
    /// Its whole size in bytes.
    pub bytes: u64,
    /// Whether what is returned was cut.
    pub truncated: bool,
}

/// Result of `diagnostics.network`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LogResult {
    /// The requests, oldest first.
    pub entries: Vec<RequestEntry>,
    /// Where to go on. Entries before it that were pending may have come further since.
    pub next_seq: u64,
    /// Entries that fell out of the log before they were read.
    pub lost: u64,
    /// Requests of the session that are pending now, streams aside.
    pub in_flight: u32,
    /// The request's body, where it was asked for and there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_body: Option<Body>,
    /// The response's body, where it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_body: Option<Body>,
}

/// What of a request is waited for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RequestMoment {
    /// It is sent.
    Request,
    /// The response's head is there.
    #[default]
    Response,
    /// It is complete, or has failed.
    Finished,
}

/// Parameters of `network.wait`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WaitParams {
    /// What of the request.
    #[serde(default)]
    pub event: RequestMoment,
    /// Which request.
    #[serde(default)]
    pub filter: RequestFilter,
    /// Requests of the log from this number on count as well; without it, what happens from now on, in a batch from the
    /// batch's beginning on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since_seq: Option<u64>,
    /// With headers.
    #[serde(default)]
    pub headers: bool,
    /// Only requests of this page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_id: Option<TargetId>,
}

impl Params for WaitParams {
    fn validate(&self) -> Result<(), InvalidField> {
        if self.filter.status.is_some() && self.event == RequestMoment::Request {
            return Err(InvalidField::new(
                "filter.status",
                "only beside event response or finished",
            ));
        }
        self.filter.validate("filter")
    }
}

/// Result of `network.wait`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WaitResult {
    /// The request.
    pub request: RequestEntry,
    /// Milliseconds waited.
    pub waited_ms: u64,
}

/// An answer that a rule gives without a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Fulfil {
    /// HTTP status, 200 to 599.
    #[serde(default = "ok")]
    pub status: u16,
    /// Headers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<Header>,
    /// Media type; what the body looks like when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// The body as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// The body as base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body_base64: Option<String>,
    /// The body as a blob that was put down before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blob: Option<BlobId>,
}

impl Default for Fulfil {
    fn default() -> Self {
        Self {
            status: ok(),
            headers: Vec::new(),
            content_type: None,
            body: None,
            body_base64: None,
            blob: None,
        }
    }
}

fn ok() -> u16 {
    200
}

/// Changes that a rule makes to a request before it is sent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Modify {
    /// Another URL, of the same scheme; the page does not see it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Another method.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Headers to set.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("format" = FORMAT))]
    pub set_headers: Vec<Header>,
    /// Names of headers to leave out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remove_headers: Vec<String>,
    /// Another body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = FORMAT))]
    pub body: Option<String>,
}

/// Parameters of `network.route`: exactly one of `fulfil`, `abort` and `modify`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RouteParams {
    /// A pattern of the URL: `*` stands for anything but `/`, `**` for anything; without either, a part of the URL.
    pub url: String,
    /// The method, whatever its case; any when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// What the request is for: one of these; anything when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kinds: Vec<ResourceKind>,
    /// How often the rule holds; always when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u32>,
    /// Answers without a server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fulfil: Option<Fulfil>,
    /// Lets the request fail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub abort: Option<AbortReason>,
    /// Changes the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modify: Option<Modify>,
}

impl Params for RouteParams {
    fn validate(&self) -> Result<(), InvalidField> {
        let filter = RequestFilter {
            url: Some(self.url.clone()),
            method: self.method.clone(),
            ..RequestFilter::default()
        };
        filter.validate("")?;
        if self.times == Some(0) {
            return Err(InvalidField::new(
                "times",
                "1 or more; leave it out for always",
            ));
        }
        let given = [
            self.fulfil.is_some(),
            self.abort.is_some(),
            self.modify.is_some(),
        ];
        if given.iter().filter(|given| **given).count() != 1 {
            return Err(InvalidField::new(
                "params",
                "exactly one of fulfil, abort and modify",
            ));
        }
        self.fulfil.as_ref().map_or(Ok(()), Fulfil::validate)?;
        self.modify.as_ref().map_or(Ok(()), Modify::validate)
    }
}

impl Fulfil {
    fn validate(&self) -> Result<(), InvalidField> {
        if !(200..=599).contains(&self.status) {
            return Err(InvalidField::new("fulfil.status", "200 to 599"));
        }
        let bodies = [
            self.body.is_some(),
            self.body_base64.is_some(),
            self.blob.is_some(),
        ];
        if bodies.iter().filter(|given| **given).count() > 1 {
            return Err(InvalidField::new(
                "fulfil",
                "at most one of body, bodyBase64 and blob",
            ));
        }
        let size = self.body.as_ref().map_or(0, String::len).max(
            self.body_base64
                .as_ref()
                .map_or(0, |text| text.len() / 4 * 3),
        );
        if size > MAX_ROUTE_BODY {
            return Err(InvalidField::new("fulfil.body", "at most 8 MiB"));
        }
        if self
            .content_type
            .as_ref()
            .is_some_and(|text| text.is_empty() || text.len() > 256 || text.contains(['\r', '\n']))
        {
            return Err(InvalidField::new("fulfil.contentType", "a media type"));
        }
        check_headers("fulfil.headers", &self.headers)
    }
}

impl Modify {
    fn validate(&self) -> Result<(), InvalidField> {
        if *self == Self::default() {
            return Err(InvalidField::new(
                "modify",
                "at least one of url, method, setHeaders, removeHeaders and body",
            ));
        }
        if self
            .url
            .as_ref()
            .is_some_and(|url| !(url.starts_with("http://") || url.starts_with("https://")))
        {
            return Err(InvalidField::new(
                "modify.url",
                "an absolute http or https URL",
            ));
        }
        if self.method.as_ref().is_some_and(|method| !is_token(method)) {
            return Err(InvalidField::new(
                "modify.method",
                "an HTTP method, such as POST",
            ));
        }
        if self
            .body
            .as_ref()
            .is_some_and(|body| body.len() > MAX_ROUTE_BODY)
        {
            return Err(InvalidField::new("modify.body", "at most 8 MiB"));
        }
        if let Some(at) = self.remove_headers.iter().position(|name| !is_token(name)) {
            return Err(InvalidField::new(
                format!("modify.removeHeaders[{at}]"),
                "a header's name",
            ));
        }
        check_headers("modify.setHeaders", &self.set_headers)
    }
}

/// What a rule does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RouteAction {
    /// Answers without a server.
    Fulfil,
    /// Lets the request fail.
    Abort,
    /// Changes the request.
    Modify,
}

/// A rule that is in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RouteInfo {
    /// Its number in the session.
    pub route: u32,
    /// Its pattern.
    pub url: String,
    /// Its method.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// What it does.
    pub action: RouteAction,
    /// How often it has held.
    pub hits: u64,
    /// How often it will hold yet; always when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times_left: Option<u32>,
}

/// Result of `network.route`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RouteResult {
    /// The rule's number.
    pub route: u32,
    /// All rules that are in force; the last one that fits a request holds.
    pub routes: Vec<RouteInfo>,
}

/// Parameters of `network.unroute`: `route`, `url`, or neither for all rules.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UnrouteParams {
    /// The rule of this number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<u32>,
    /// The rules with exactly this pattern.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

impl Params for UnrouteParams {
    fn validate(&self) -> Result<(), InvalidField> {
        if self.route.is_some() && self.url.is_some() {
            return Err(InvalidField::new("params", "at most one of route and url"));
        }
        Ok(())
    }
}

/// Result of `network.unroute`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UnrouteResult {
    /// The rules that were removed, with what they did.
    pub removed: Vec<RouteInfo>,
    /// The rules that are left.
    pub routes: Vec<RouteInfo>,
}

/// Parameters of `network.setHeaders`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HeadersParams {
    /// The headers that every request of the session gets; none to stop it.
    #[schemars(extend("format" = FORMAT))]
    pub headers: Vec<Header>,
}

impl Params for HeadersParams {
    fn validate(&self) -> Result<(), InvalidField> {
        check_headers("headers", &self.headers)
    }
}

/// Result of `network.setHeaders`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HeadersResult {
    /// Names of the headers that are set now.
    pub names: Vec<String>,
}

/// Parameters of `network.offline`: `offline`, or a network that is only slow.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OfflineParams {
    /// Whether there is no network. False without anything else: the network is as it is.
    pub offline: bool,
    /// Milliseconds added to each request, at most 60,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_ms: Option<f64>,
    /// The most bytes a second that come in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub download_bytes_per_second: Option<f64>,
    /// The most bytes a second that go out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upload_bytes_per_second: Option<f64>,
}

impl Params for OfflineParams {
    fn validate(&self) -> Result<(), InvalidField> {
        if self
            .latency_ms
            .is_some_and(|latency| !(0.0..=60_000.0).contains(&latency))
        {
            return Err(InvalidField::new("latencyMs", "0 to 60000"));
        }
        for (field, rate) in [
            ("downloadBytesPerSecond", self.download_bytes_per_second),
            ("uploadBytesPerSecond", self.upload_bytes_per_second),
        ] {
            if rate.is_some_and(|rate| !(1.0..=1e12).contains(&rate)) {
                return Err(InvalidField::new(field, "1 or more"));
            }
        }
        let slow = self.latency_ms.is_some()
            || self.download_bytes_per_second.is_some()
            || self.upload_bytes_per_second.is_some();
        if self.offline && slow {
            return Err(InvalidField::new(
                "params",
                "either offline, or how slow the network is",
            ));
        }
        Ok(())
    }
}

/// Result of `network.offline`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OfflineResult {
    /// Whether there is no network now.
    pub offline: bool,
    /// Whether it is slowed down now.
    pub slowed: bool,
}

/// Parameters of `network.credentials`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CredentialsParams {
    /// The user; absent to forget all credentials, or those of `origin`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<Secret>,
    /// The password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Secret>,
    /// For whom, as scheme, host and port; for every server when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// For the proxy instead of servers.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub proxy: bool,
}

impl Params for CredentialsParams {
    fn validate(&self) -> Result<(), InvalidField> {
        if self.username.is_some() != self.password.is_some() {
            return Err(InvalidField::new(
                "params",
                "both username and password, or neither",
            ));
        }
        if self
            .username
            .as_ref()
            .is_some_and(|name| name.len() > 1_024 || name.contains(':'))
        {
            return Err(InvalidField::new(
                "username",
                "at most 1024 bytes, without a colon",
            ));
        }
        if self
            .password
            .as_ref()
            .is_some_and(|password| password.len() > 4_096)
        {
            return Err(InvalidField::new("password", "at most 4096 bytes"));
        }
        let origin = |text: &str| {
            let rest = text
                .strip_prefix("http://")
                .or_else(|| text.strip_prefix("https://"));
            rest.is_some_and(|rest| !rest.is_empty() && !rest.contains(['/', '?', '#', '@', ' ']))
        };
        if self.origin.as_ref().is_some_and(|text| !origin(text)) {
            return Err(InvalidField::new(
                "origin",
                "scheme and host, such as https://example.com:8443",
            ));
        }
        if self.proxy && self.origin.is_some() {
            return Err(InvalidField::new("origin", "not beside proxy"));
        }
        Ok(())
    }
}

/// Result of `network.credentials`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CredentialsResult {
    /// For whom credentials are held now: origins, `*` for every server, `proxy`.
    pub origins: Vec<String>,
}
