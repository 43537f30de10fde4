//! What a browser or its driver prints: the line that says where it listens, and the end of the rest. Drained all the
//! time, so that nobody blocks, and bounded.

use std::collections::VecDeque;
use std::process::ChildStderr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::AsyncReadExt;
use tokio::sync::watch;

/// How much of it is kept, in bytes.
const KEPT: usize = 4096;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Starting,
    Listening(u16),
    Ended,
}

pub(super) struct Output {
    ring: Arc<Mutex<VecDeque<u8>>>,
    stage: watch::Receiver<Stage>,
}

impl Output {
    /// Drains `stream` in a task of its own until it ends. The port stands behind `ready`.
    pub(super) fn drain(stream: ChildStderr, ready: &'static str) -> std::io::Result<Self> {
        let stream = tokio::process::ChildStderr::from_std(stream)?;
        let ring = Arc::new(Mutex::new(VecDeque::new()));
        let (sender, stage) = watch::channel(Stage::Starting);
        tokio::spawn(fill(stream, ready, Arc::clone(&ring), sender));
        Ok(Self { ring, stage })
    }

    /// Waits for the port; `None` when the output ended before.
    pub(super) async fn port(&self) -> Option<u16> {
        let mut stage = self.stage.clone();
        match stage
            .wait_for(|stage| *stage != Stage::Starting)
            .await
            .as_deref()
        {
            Ok(Stage::Listening(port)) => Some(*port),
            _ => None,
        }
    }

    /// What was kept so far.
    pub(super) fn tail(&self) -> String {
        let ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes: Vec<u8> = ring.iter().copied().collect();
        String::from_utf8_lossy(&bytes).trim().to_owned()
    }
}

async fn fill(
    mut stream: tokio::process::ChildStderr,
    ready: &'static str,
    ring: Arc<Mutex<VecDeque<u8>>>,
    stage: watch::Sender<Stage>,
) {
    let mut chunk = [0; 1024];
    while let Ok(read @ 1..) = stream.read(&mut chunk).await {
        let mut ring = ring.lock().unwrap_or_else(PoisonError::into_inner);
        ring.extend(&chunk[..read]);
        if *stage.borrow() == Stage::Starting
            && let Some(port) = port_in(ring.make_contiguous(), ready.as_bytes())
        {
            stage.send_replace(Stage::Listening(port));
        }
        let surplus = ring.len().saturating_sub(KEPT);
        ring.drain(..surplus);
    }
    stage.send_if_modified(|stage| {
        let starting = *stage == Stage::Starting;
        if starting {
            *stage = Stage::Ended;
        }
        starting
    });
}

/// The port of a ready line that is there as a whole.
fn port_in(text: &[u8], ready: &[u8]) -> Option<u16> {
    let at = text
        .windows(ready.len())
        .position(|window| window == ready)?
        + ready.len();
    let rest = text.get(at..)?;
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    // A digit at the very end may be followed by others.
    if digits == rest.len() {
        return None;
    }
    std::str::from_utf8(&rest[..digits]).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_is_read_from_a_whole_line_alone() {
        let port = |text: &[u8]| port_in(text, b"listening on ws://127.0.0.1:");
        assert_eq!(
            port(b"x\nWebDriver BiDi listening on ws://127.0.0.1:4567\n"),
            Some(4567)
        );
        assert_eq!(port(b"WebDriver BiDi listening on ws://127.0.0.1:45"), None);
        assert_eq!(
            port(b"WebDriver BiDi listening on ws://127.0.0.1:99999\n"),
            None
        );
        assert_eq!(port(b"*** You are running in headless mode.\n"), None);
    }
}
