//! One-shot calls: one `POST /ops` on one connection. For programs that make a single call and end.

use std::time::Duration;

use hyper::Method;
use ops_contracts::control::access::DecideConfirmation;
use ops_contracts::wire::blob::BlobInfo;
use ops_contracts::wire::command::{Command, CommandName};
use ops_contracts::wire::frame::{OpsRequest, Timing};
use ops_contracts::wire::http::{PairRequest, path};
use ops_contracts::wire::ids::{LeaseId, RequestId, SessionId};
use serde_json::value::RawValue;

pub use ops_contracts::wire::http::{DashboardLogin, Paired};

use crate::http;
use crate::reply::head;
use crate::{ClientError, Endpoint, Reply, Token};

/// How much longer than a command's deadline its answer is waited for: the relay's own coded answer must get through.
pub const GRACE: Duration = Duration::from_secs(10);

/// How long a command without a registry row may take when its caller names no time.
const UNKNOWN_COMMAND_TIMEOUT: Duration = Duration::from_secs(30);

/// How long the bytes of a blob may take.
const BLOB_TIMEOUT: Duration = Duration::from_secs(60);

/// The deadline of calls that run no command.
const GET_TIMEOUT: Duration = Duration::from_secs(10);

/// A call of any command, known to this version or not.
#[derive(Debug, Clone, Copy)]
pub struct RawCall<'a> {
    /// Names the request, so that it can be cancelled or asked for again; the client makes one up when absent.
    pub request_id: Option<&'a RequestId>,
    /// The session and its lease.
    pub session: Option<(&'a SessionId, &'a LeaseId)>,
    /// Dotted name of the command.
    pub command: &'a str,
    /// Its parameters.
    pub params: &'a RawValue,
    /// Its deadline; the command's default when absent.
    pub timeout: Option<Duration>,
    /// Marks page text in the answer.
    pub boundary: bool,
}

impl<'a> RawCall<'a> {
    /// A call with nothing beside the parameters.
    #[must_use]
    pub const fn new(command: &'a str, params: &'a RawValue) -> Self {
        Self {
            request_id: None,
            session: None,
            command,
            params,
            timeout: None,
            boundary: false,
        }
    }

    /// How long the command may take.
    #[must_use]
    pub fn allowed(&self) -> Duration {
        self.timeout
            .unwrap_or_else(|| match self.command.parse::<CommandName>() {
                Ok(name) => Duration::from_millis(name.spec().default_timeout_ms),
                Err(_) => UNKNOWN_COMMAND_TIMEOUT,
            })
    }

    /// The frame that is sent.
    pub(crate) fn frame(&self, request_id: RequestId) -> String {
        let request = OpsRequest {
            request_id,
            session_id: self.session.map(|(session, _)| session.clone()),
            lease_id: self.session.map(|(_, lease)| lease.clone()),
            command: self.command.into(),
            params: self.params.to_owned(),
            timeout_ms: self.timeout.map(|timeout| {
                u64::try_from(timeout.as_millis())
                    .unwrap_or(u64::MAX)
                    .max(1)
            }),
            boundary: self.boundary,
        };
        request.encode()
    }
}

/// The JSON text of parameters.
pub(crate) fn raw_params<P: serde::Serialize>(params: &P) -> Result<Box<RawValue>, ClientError> {
    serde_json::value::to_raw_value(params)
        .map_err(|error| ClientError::ReplyInvalid(format!("the parameters are no JSON: {error}")))
}

/// Runs a command and reads its result.
///
/// # Errors
/// The relay's refusal; no connection; no answer in time; an answer that is none.
pub async fn call<C: Command>(
    endpoint: &Endpoint,
    session: Option<(&SessionId, &LeaseId)>,
    params: &C::Params,
    timeout: Option<Duration>,
) -> Result<(C::Result, Timing), ClientError> {
    let params = raw_params(params)?;
    let call = RawCall {
        session,
        timeout,
        ..RawCall::new(C::NAME.as_str(), &params)
    };
    call_raw(endpoint, &call).await?.typed()
}

/// Runs a command and hands on the answer as it came.
///
/// # Errors
/// No connection; no answer in time; an answer that is none. A refusal is an answer.
pub async fn call_raw(endpoint: &Endpoint, call: &RawCall<'_>) -> Result<Reply, ClientError> {
    let request_id = call
        .request_id
        .cloned()
        .unwrap_or_else(|| endpoint.request_ids.next_id());
    let answer = http::exchange(
        endpoint,
        Method::POST,
        path::OPS,
        Some(call.frame(request_id)),
        call.allowed() + GRACE,
    )
    .await?;
    let status = answer.status;
    Reply::parse(answer.body).map_err(|error| match error {
        ClientError::ReplyInvalid(why) => {
            ClientError::ReplyInvalid(format!("HTTP {status}: {why}"))
        }
        other => other,
    })
}

/// The status document's JSON text.
///
/// # Errors
/// The relay's refusal; no connection; no answer in time; an answer that is none.
pub async fn status(endpoint: &Endpoint) -> Result<String, ClientError> {
    document(http::exchange(endpoint, Method::GET, path::STATUS, None, GET_TIMEOUT).await?)
}

fn document(answer: http::Answer) -> Result<String, ClientError> {
    if answer.status == 200 {
        return Ok(answer.body);
    }
    match Reply::parse(answer.body)?.result() {
        Err(refusal) => Err(refusal.clone().into()),
        Ok(result) => Err(ClientError::ReplyInvalid(format!(
            "HTTP {}: {}",
            answer.status,
            head(result)
        ))),
    }
}

/// Pairs with the relay by the one-time code that `odb-cli pair` has shown.
///
/// # Errors
/// The relay's refusal; no connection; no answer in time; an answer that is none.
pub async fn pair(endpoint: &Endpoint, code: &str) -> Result<Paired<Token>, ClientError> {
    let code = code.to_owned();
    let body = raw_params(&PairRequest { code })?.get().to_owned();
    let text = document(
        http::exchange(endpoint, Method::POST, path::PAIR, Some(body), GET_TIMEOUT).await?,
    )?;
    serde_json::from_str(&text)
        .map_err(|error| ClientError::ReplyInvalid(format!("the answer to /pair: {error}")))
}

/// A code by which one browser logs in to the dashboard.
///
/// # Errors
/// The relay's refusal; no connection; no answer in time; an answer that is none.
pub async fn dashboard_code(endpoint: &Endpoint) -> Result<DashboardLogin, ClientError> {
    let answer = http::exchange(
        endpoint,
        Method::POST,
        path::DASHBOARD_CODES,
        None,
        GET_TIMEOUT,
    )
    .await?;
    if answer.status == 201 {
        return serde_json::from_str(&answer.body).map_err(|error| {
            ClientError::ReplyInvalid(format!("the answer holds no login code: {error}"))
        });
    }
    Err(document(answer)
        .err()
        .unwrap_or_else(|| ClientError::ReplyInvalid("the answer holds no login code".to_owned())))
}

/// Has the relay read its configuration anew; the status document's JSON text after that.
///
/// # Errors
/// What is wrong with the configuration or the admin token; no connection; no answer in time; an answer that is none.
pub async fn reload_config(endpoint: &Endpoint, admin: &Token) -> Result<String, ClientError> {
    document(
        http::exchange_as_admin(
            endpoint,
            admin,
            path::ADMIN_RELOAD,
            "{}".to_owned(),
            GET_TIMEOUT,
        )
        .await?,
    )
}

/// Puts bytes down for later commands of a session, which name them by the id in the answer.
///
/// # Errors
/// The relay's refusal; no connection; no answer in time; an answer that is none.
pub async fn put_blob(
    endpoint: &Endpoint,
    session: (&SessionId, &LeaseId),
    bytes: impl Into<bytes::Bytes>,
) -> Result<BlobInfo, ClientError> {
    let answer =
        http::put_bytes(endpoint, session, path::BLOBS, bytes.into(), BLOB_TIMEOUT).await?;
    if answer.status == 201 {
        return serde_json::from_str(&answer.body).map_err(|error| {
            ClientError::ReplyInvalid(format!("the answer names no blob: {error}"))
        });
    }
    Err(document(answer)
        .err()
        .unwrap_or_else(|| ClientError::ReplyInvalid("the answer names no blob".to_owned())))
}

/// A document of the relay at `path`, as JSON text.
///
/// # Errors
/// The relay's refusal; no connection; no answer in time; an answer that is none.
pub async fn read(endpoint: &Endpoint, path: &str) -> Result<String, ClientError> {
    document(http::exchange(endpoint, Method::GET, path, None, GET_TIMEOUT).await?)
}

/// Sends a body to the relay's `path` as an administrator; the answer's JSON text.
///
/// # Errors
/// The relay's refusal; no connection; no answer in time; an answer that is none.
pub async fn change(
    endpoint: &Endpoint,
    admin: &Token,
    path: &str,
    body: String,
) -> Result<String, ClientError> {
    document(http::exchange_as_admin(endpoint, admin, path, body, GET_TIMEOUT).await?)
}

/// The commands that wait for a confirmation, as JSON text; with the admin token where there is one.
///
/// # Errors
/// The relay's refusal; no connection; no answer in time; an answer that is none.
pub async fn confirmations(
    endpoint: &Endpoint,
    admin: Option<&Token>,
) -> Result<String, ClientError> {
    document(
        http::exchange_with(
            endpoint,
            admin,
            (Method::GET, path::CONFIRMATIONS),
            None,
            GET_TIMEOUT,
        )
        .await?,
    )
}

/// Decides about a command that waits; what it is about, as JSON text.
///
/// # Errors
/// The relay's refusal; no connection; no answer in time; an answer that is none.
pub async fn decide(
    endpoint: &Endpoint,
    admin: Option<&Token>,
    told: &DecideConfirmation,
) -> Result<String, ClientError> {
    let body = raw_params(told)?.get().to_owned();
    document(
        http::exchange_with(
            endpoint,
            admin,
            (Method::POST, path::CONFIRMATIONS),
            Some(body),
            GET_TIMEOUT,
        )
        .await?,
    )
}

/// Whether a relay answers within `within`.
pub async fn is_healthy(endpoint: &Endpoint, within: Duration) -> bool {
    http::exchange(endpoint, Method::GET, path::HEALTHZ, None, within)
        .await
        .is_ok_and(|answer| answer.status == 200)
}
