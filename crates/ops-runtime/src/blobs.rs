//! The blobs of all sessions: bounded, bound to their session, forgotten after a while.
//!
//! Held in memory alone: what a caller has put down never reaches the disk.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use ops_contracts::wire::blob::{
    BlobInfo, KEPT_FOR, MAX_BLOB_BYTES, MAX_SESSION_BLOBS, MAX_SESSION_BYTES, MAX_TOTAL_BYTES,
};
use ops_contracts::wire::clock::Clock;
use ops_contracts::wire::ids::{BlobId, SessionId};
use ops_contracts::{ErrorCode, Fault, Outcome};
use parking_lot::{Mutex, MutexGuard};

use crate::secret;

/// A blob's bytes, shared with the commands that use them.
pub(crate) type Bytes = Arc<Vec<u8>>;

/// The blobs of all sessions.
#[derive(Default)]
pub(crate) struct Blobs {
    held: Mutex<HashMap<BlobId, (SessionId, Bytes)>>,
}

/// What a session holds.
#[derive(Default)]
struct Usage {
    blobs: usize,
    session: u64,
    total: u64,
}

impl Blobs {
    fn lock(&self) -> MutexGuard<'_, HashMap<BlobId, (SessionId, Bytes)>> {
        self.held.lock()
    }

    /// Whether a session may put down so many bytes more.
    ///
    /// # Errors
    /// `ops_blob_limit` with what is held and what may be.
    pub(crate) fn admit(&self, session: &SessionId, bytes: u64) -> Outcome<()> {
        admit(&self.lock(), session, bytes)
    }

    /// Keeps bytes for a session. To be called within a tokio runtime, which forgets them in time.
    pub(crate) fn put(
        self: &Arc<Self>,
        session: &SessionId,
        bytes: Vec<u8>,
        clock: &dyn Clock,
    ) -> Outcome<BlobInfo> {
        let blob_id = secret::blob_id()?;
        let size = bytes.len() as u64;
        {
            let mut held = self.lock();
            admit(&held, session, size)?;
            held.insert(blob_id.clone(), (session.clone(), Arc::new(bytes)));
        }
        let (blobs, id): (Weak<Self>, BlobId) = (Arc::downgrade(self), blob_id.clone());
        tokio::spawn(async move {
            tokio::time::sleep(KEPT_FOR).await;
            if let Some(blobs) = blobs.upgrade() {
                blobs.lock().remove(&id);
            }
        });
        Ok(BlobInfo {
            blob_id,
            bytes: size,
            expires_at: clock.now().plus(KEPT_FOR),
        })
    }

    /// The bytes of a session's blob.
    ///
    /// # Errors
    /// `ops_blob_unknown`, also for a blob of another session.
    pub(crate) fn get(&self, session: &SessionId, id: &BlobId) -> Outcome<Bytes> {
        let held = self.lock();
        let own = held
            .get(id)
            .filter(|(owner, _)| owner == session)
            .map(|(_, bytes)| bytes.clone());
        own.ok_or_else(|| Fault::plain(ErrorCode::OpsBlobUnknown).with("blobId", id))
    }

    /// Forgets what a session that has ended held.
    pub(crate) fn forget(&self, session: &SessionId) {
        self.lock().retain(|_, (owner, _)| owner != session);
    }
}

fn admit(
    held: &HashMap<BlobId, (SessionId, Bytes)>,
    session: &SessionId,
    bytes: u64,
) -> Outcome<()> {
    let used = held
        .values()
        .fold(Usage::default(), |mut used, (owner, blob)| {
            used.total += blob.len() as u64;
            if owner == session {
                used.blobs += 1;
                used.session += blob.len() as u64;
            }
            used
        });
    let full = bytes > MAX_BLOB_BYTES
        || used.blobs >= MAX_SESSION_BLOBS
        || used.session.saturating_add(bytes) > MAX_SESSION_BYTES
        || used.total.saturating_add(bytes) > MAX_TOTAL_BYTES;
    if !full {
        return Ok(());
    }
    Err(Fault::plain(ErrorCode::OpsBlobLimit)
        .with("bytes", bytes)
        .with("limitBytes", MAX_BLOB_BYTES)
        .with("sessionBytes", used.session)
        .with("sessionLimitBytes", MAX_SESSION_BYTES)
        .with("sessionBlobs", used.blobs)
        .with("sessionLimitBlobs", MAX_SESSION_BLOBS))
}

#[cfg(test)]
mod tests {
    use ops_contracts::wire::clock::Timestamp;

    use super::*;

    struct Still;

    impl Clock for Still {
        fn now(&self) -> Timestamp {
            Timestamp::from_unix_millis(0)
        }
    }

    fn session(c: char) -> SessionId {
        c.to_string().repeat(32).parse().unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_blob_is_its_sessions_alone_and_is_forgotten_in_time() {
        let blobs = Arc::new(Blobs::default());
        let (ours, theirs) = (session('a'), session('b'));
        let put = blobs.put(&ours, b"kiln".to_vec(), &Still).unwrap();
        assert_eq!(
            (put.bytes, put.expires_at),
            (4, Timestamp::from_unix_millis(600_000))
        );
        assert_eq!(**blobs.get(&ours, &put.blob_id).unwrap(), *b"kiln");
        assert_eq!(
            blobs.get(&theirs, &put.blob_id).unwrap_err().code,
            ErrorCode::OpsBlobUnknown
        );
        blobs.forget(&theirs);
        assert!(blobs.get(&ours, &put.blob_id).is_ok());
        tokio::time::sleep(KEPT_FOR * 2).await;
        assert_eq!(
            blobs.get(&ours, &put.blob_id).unwrap_err().code,
            ErrorCode::OpsBlobUnknown
        );
        let again = blobs.put(&ours, Vec::new(), &Still).unwrap();
        blobs.forget(&ours);
        assert!(blobs.get(&ours, &again.blob_id).is_err());
    }

    #[tokio::test]
    async fn a_session_holds_so_many_and_so_much_and_no_more() {
        let blobs = Arc::new(Blobs::default());
        let ours = session('a');
        assert_eq!(
            blobs.admit(&ours, MAX_BLOB_BYTES + 1).unwrap_err().code,
            ErrorCode::OpsBlobLimit
        );
        assert!(blobs.admit(&ours, MAX_BLOB_BYTES).is_ok());
        for _ in 0..MAX_SESSION_BLOBS {
            blobs.put(&ours, vec![0], &Still).unwrap();
        }
        assert_eq!(
            blobs.put(&ours, vec![0], &Still).unwrap_err().code,
            ErrorCode::OpsBlobLimit
        );
        assert!(
            blobs.admit(&session('b'), 1).is_ok(),
            "another session has room of its own"
        );
    }
}
