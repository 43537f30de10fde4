//! Secrets and ids: always from the operating system, never seeded.

use ops_contracts::wire::ids::{BlobId, LeaseId, SessionId};
use ops_contracts::{ErrorCode, Fault, Outcome};

/// A new session's id.
pub(crate) fn session_id() -> Outcome<SessionId> {
    hex::<16>()?
        .parse()
        .map_err(|_| Fault::plain(ErrorCode::OpsInternal))
}

/// A new blob's id.
pub(crate) fn blob_id() -> Outcome<BlobId> {
    hex::<16>()?
        .parse()
        .map_err(|_| Fault::plain(ErrorCode::OpsInternal))
}

/// A new lease.
pub(crate) fn lease_id() -> Outcome<LeaseId> {
    hex::<32>()?
        .parse()
        .map_err(|_| Fault::plain(ErrorCode::OpsInternal))
}

/// A new boundary's nonce.
pub(crate) fn nonce() -> Outcome<String> {
    hex::<16>()
}

fn hex<const N: usize>() -> Outcome<String> {
    let mut bytes = [0_u8; N];
    getrandom::fill(&mut bytes).map_err(|_| {
        Fault::new(
            ErrorCode::OpsInternal,
            "the operating system gives no random bytes",
        )
    })?;
    Ok(bytes
        .iter()
        .fold(String::with_capacity(N * 2), |mut text, byte| {
            text.push(char::from_digit(u32::from(byte >> 4), 16).unwrap_or('0'));
            text.push(char::from_digit(u32::from(byte & 15), 16).unwrap_or('0'));
            text
        }))
}
