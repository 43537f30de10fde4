//! Reads a request's body within a size and a time.

use std::time::Duration;

use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use ops_contracts::{ErrorCode, Fault, Outcome};
use tokio::time::timeout;

use crate::gate::{Policy, checks};

/// The whole body.
///
/// # Errors
/// `relay_payload_too_large` as soon as it is above the cap, `relay_connect_timeout` when the peer is too slow, and
/// `relay_frame_invalid` when the body breaks off.
pub(super) async fn read(body: Incoming, policy: &Policy, limit: Duration) -> Outcome<Vec<u8>> {
    let cap = usize::try_from(policy.limits.ops.max_payload_bytes).unwrap_or(usize::MAX);
    read_up_to(cap, || checks::too_large(None, policy), body, limit).await
}

/// The whole body of at most `cap` bytes.
///
/// # Errors
/// What `too_large` makes as soon as it is above the cap; else as [`read`].
pub(super) async fn read_up_to(
    cap: usize,
    too_large: impl Fn() -> Fault,
    body: Incoming,
    limit: Duration,
) -> Outcome<Vec<u8>> {
    match timeout(limit, collect(body, cap, too_large)).await {
        Ok(collected) => collected,
        Err(_) => {
            let message = format!("the body did not arrive within {} ms", limit.as_millis());
            Err(Fault::new(ErrorCode::RelayConnectTimeout, message))
        }
    }
}

async fn collect(
    mut body: Incoming,
    cap: usize,
    too_large: impl Fn() -> Fault,
) -> Outcome<Vec<u8>> {
    // The announced size has passed the payload gate, but memory is given only to what arrives.
    let expected = usize::try_from(body.size_hint().lower())
        .unwrap_or(0)
        .min(cap)
        .min(64 * 1024);
    let mut bytes = Vec::with_capacity(expected);
    while let Some(frame) = body.frame().await {
        let frame =
            frame.map_err(|_| Fault::new(ErrorCode::RelayFrameInvalid, "the body broke off"))?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        if data.len() > cap.saturating_sub(bytes.len()) {
            return Err(too_large());
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes)
}
