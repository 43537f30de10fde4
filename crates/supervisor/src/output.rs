//! What a browser or its driver prints: the line that says where it listens, and the end of the rest. Drained all the
//! time, so that nobody blocks, and bounded.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::io::AsyncReadExt;
use tokio::process::ChildStderr;
use tokio::sync::watch;

/// How much of it is kept, in bytes.
const KEPT: usize = 4096;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Stage {
    port: Option<u16>,
    ended: bool,
}

#[derive(Debug)]
pub(crate) struct Output {
    /// Guards the end of what was printed, as it is moved on. Held for one chunk with the search for the port in it, or for one copy.
    ring: Arc<Mutex<VecDeque<u8>>>,
    stage: watch::Receiver<Stage>,
}

impl Output {
    /// Drains `stream` in a task of its own until it ends. The port stands behind `ready`, where there is one.
    pub(crate) fn drain(stream: Option<ChildStderr>, ready: Option<&'static str>) -> Self {
        let ring = Arc::new(Mutex::new(VecDeque::new()));
        let (sender, stage) = watch::channel(Stage::default());
        let filled = Arc::clone(&ring);
        tokio::spawn(async move {
            if let Some(stream) = stream {
                fill(stream, ready, &filled, &sender).await;
            }
            sender.send_modify(|stage| stage.ended = true);
        });
        Self { ring, stage }
    }

    /// Waits for the port; `None` when the output ended before.
    pub(crate) async fn port(&self) -> Option<u16> {
        let mut stage = self.stage.clone();
        let known = stage.wait_for(|stage| stage.port.is_some() || stage.ended);
        known.await.ok().and_then(|stage| stage.port)
    }

    /// What was kept so far.
    pub(crate) fn tail(&self) -> String {
        let ring = self.ring.lock();
        let bytes: Vec<u8> = ring.iter().copied().collect();
        String::from_utf8_lossy(&bytes).trim().to_owned()
    }

    /// Waits until the stream has ended, at most `deadline`.
    pub(crate) async fn finished(&self, deadline: Duration) {
        let mut stage = self.stage.clone();
        let _ = tokio::time::timeout(deadline, stage.wait_for(|stage| stage.ended)).await;
    }
}

async fn fill(
    mut stream: ChildStderr,
    ready: Option<&'static str>,
    ring: &Mutex<VecDeque<u8>>,
    stage: &watch::Sender<Stage>,
) {
    let mut chunk = [0; 1024];
    while let Ok(read @ 1..) = stream.read(&mut chunk).await {
        let mut ring = ring.lock();
        ring.extend(&chunk[..read]);
        // The first one counts: what it prints later may be a page's words.
        if let Some(ready) = ready.filter(|_| stage.borrow().port.is_none())
            && let Some(port) = port_in(ring.make_contiguous(), ready.as_bytes())
        {
            stage.send_modify(|stage| stage.port = Some(port));
        }
        let surplus = ring.len().saturating_sub(KEPT);
        ring.drain(..surplus);
    }
}

/// The port of a ready line that is there as a whole.
fn port_in(text: &[u8], ready: &[u8]) -> Option<u16> {
    let at = memchr::memmem::find(text, ready)? + ready.len();
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
