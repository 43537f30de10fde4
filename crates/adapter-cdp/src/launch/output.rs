//! The end of what a browser prints on standard error: drained all the time, so that it never blocks, and bounded.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::process::ChildStderr;
use tokio::sync::watch;

/// How much of it is kept, in bytes.
const KEPT: usize = 4096;

#[derive(Debug)]
pub(super) struct Output {
    ring: Arc<Mutex<VecDeque<u8>>>,
    open: watch::Receiver<bool>,
}

impl Output {
    /// Drains `stream` in a task of its own until it ends.
    pub(super) fn drain(stream: Option<ChildStderr>) -> Self {
        let ring = Arc::new(Mutex::new(VecDeque::new()));
        let (sender, open) = watch::channel(true);
        let filled = Arc::clone(&ring);
        tokio::spawn(async move {
            if let Some(stream) = stream {
                fill(stream, &filled).await;
            }
            let _ = sender.send(false);
        });
        Self { ring, open }
    }

    /// What was kept so far.
    pub(super) fn tail(&self) -> String {
        let ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes: Vec<u8> = ring.iter().copied().collect();
        String::from_utf8_lossy(&bytes).trim().to_owned()
    }

    /// Waits until the stream has ended, at most `deadline`.
    pub(super) async fn finished(&self, deadline: Duration) {
        let mut open = self.open.clone();
        let _ = tokio::time::timeout(deadline, open.wait_for(|open| !open)).await;
    }
}

async fn fill(mut stream: ChildStderr, ring: &Mutex<VecDeque<u8>>) {
    let mut chunk = [0; 1024];
    while let Ok(read @ 1..) = stream.read(&mut chunk).await {
        let mut ring = ring.lock().unwrap_or_else(PoisonError::into_inner);
        ring.extend(&chunk[..read]);
        let surplus = ring.len().saturating_sub(KEPT);
        ring.drain(..surplus);
    }
}
