//! Reads a request's body within a size and a time.

use std::time::Duration;

use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;
use ops_contracts::{ErrorCode, Fault, Outcome};
use tokio::time::timeout;

/// The whole body of at most `cap` bytes.
///
/// # Errors
/// What `too_large` makes as soon as it is above the cap, `relay_connect_timeout` when the peer is too slow, and
/// `relay_frame_invalid` when the body breaks off.
pub(super) async fn read(
    body: &mut Incoming,
    cap: u64,
    too_large: impl FnOnce() -> Fault,
    limit: Duration,
) -> Outcome<Vec<u8>> {
    let cap = usize::try_from(cap).unwrap_or(usize::MAX);
    match timeout(limit, Limited::new(body, cap).collect()).await {
        Ok(Ok(whole)) => Ok(whole.to_bytes().into()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
        Ok(Err(_)) => {
            let message = "the body broke off";
            Err(Fault::new(ErrorCode::RelayFrameInvalid, message))
        }
        Err(_) => {
            let message = format!("the body did not arrive within {} ms", limit.as_millis());
            Err(Fault::new(ErrorCode::RelayConnectTimeout, message))
        }
    }
}
