//! Large inputs: bytes that are put down at `PUT /ops/blobs` before the command that names them by id.
//!
//! A blob belongs to one session, is read by that session's commands alone, and goes with the session or after
//! [`KEPT_FOR`], whichever comes first.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::wire::clock::Timestamp;
use crate::wire::ids::BlobId;

/// The most bytes of one blob.
pub const MAX_BLOB_BYTES: u64 = 64 << 20;

/// The most bytes that a session's blobs have together.
pub const MAX_SESSION_BYTES: u64 = 128 << 20;

/// The most blobs of a session.
pub const MAX_SESSION_BLOBS: usize = 64;

/// The most bytes that the blobs of all sessions have together.
pub const MAX_TOTAL_BYTES: u64 = 512 << 20;

/// How long a blob is kept.
pub const KEPT_FOR: Duration = Duration::from_secs(10 * 60);

/// The answer to `PUT /ops/blobs`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BlobInfo {
    /// The id by which commands of the session name it.
    pub blob_id: BlobId,
    /// Its size.
    pub bytes: u64,
    /// When it is forgotten.
    pub expires_at: Timestamp,
}
