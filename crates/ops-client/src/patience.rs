//! Waiting within the caller's deadline: for a rate limit to pass, and for longer than one request may take.

use std::time::Duration;

use ops_contracts::ErrorCode;
use ops_contracts::wire::command::nav::WaitParams;
use ops_contracts::wire::ids::{LeaseId, SessionId};
use tokio::time::{Instant, sleep};

use crate::post::{self, RawCall};
use crate::{ClientError, Endpoint, Reply};

/// The longest that one request may take in any limits profile.
pub const TIMEOUT_CAP: Duration = Duration::from_secs(30);

/// How long to wait after a rate limit that names no time.
const DEFAULT_RETRY: Duration = Duration::from_millis(250);

/// What a timed wait is allowed beyond its time.
const SLACK: Duration = Duration::from_secs(1);

/// Calls, and calls again after `retryAfterMs` as long as the rate limit refuses and the command's time allows. The limit
/// refuses before anything has run, so that any command may be sent again.
///
/// # Errors
/// As [`post::call_raw`].
pub async fn call(endpoint: &Endpoint, call: &RawCall<'_>) -> Result<Reply, ClientError> {
    let deadline = Instant::now() + call.allowed();
    loop {
        let reply = post::call_raw(endpoint, call).await?;
        let Some(pause) = rate_limited(&reply).filter(|pause| Instant::now() + *pause < deadline)
        else {
            return Ok(reply);
        };
        sleep(pause).await;
    }
}

/// How long the rate limit asks to wait, where the reply is its refusal.
fn rate_limited(reply: &Reply) -> Option<Duration> {
    let refusal = reply.result().err()?;
    let limited = refusal.known() == Some(ErrorCode::RelayRateLimited);
    limited.then(|| {
        refusal
            .retry_after_ms
            .map_or(DEFAULT_RETRY, Duration::from_millis)
            .max(Duration::from_millis(1))
    })
}

/// Runs `nav.wait` for up to `total`, in requests of at most `cap` each: a longer one would be refused. The last answer counts.
///
/// # Errors
/// As [`post::call_raw`].
pub async fn wait(
    endpoint: &Endpoint,
    session: (&SessionId, &LeaseId),
    params: &WaitParams,
    total: Duration,
    cap: Duration,
) -> Result<Reply, ClientError> {
    let deadline = Instant::now() + total;
    let mut params = params.clone();
    let mut time_left = params.time_ms.map(Duration::from_millis);
    loop {
        let left = deadline
            .saturating_duration_since(Instant::now())
            .max(Duration::from_millis(1));
        let part = time_left.map(|time| time.min(cap.saturating_sub(SLACK)));
        let timeout = part.map_or(left.min(cap), |part| (part + SLACK).min(left));
        params.time_ms = part.map(|part| u64::try_from(part.as_millis()).unwrap_or(u64::MAX));
        let raw = post::raw_params(&params)?;
        let reply = call(
            endpoint,
            &RawCall {
                session: Some(session),
                timeout: Some(timeout),
                ..RawCall::new("nav.wait", &raw)
            },
        )
        .await?;
        time_left = time_left
            .zip(part)
            .map(|(time, part)| time.saturating_sub(part));
        let again = match reply.result() {
            Ok(_) => time_left.is_some_and(|time| !time.is_zero()),
            Err(refusal) => refusal.known() == Some(ErrorCode::OpsTimeout) && time_left.is_none(),
        };
        if !again || Instant::now() >= deadline {
            return Ok(reply);
        }
    }
}
