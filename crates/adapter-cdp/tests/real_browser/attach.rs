//! A browser that the adapter does not start: it is there already, and a channel of the test's own leads to it.

use std::io;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use adapter_cdp::{Attachment, CdpAdapter};
use bytes::Bytes;
use conformance::seam::trial;
use futures_util::SinkExt;
use futures_util::stream::{SplitStream, StreamExt};
use libtest_mimic::Trial;
use ops_contracts::ErrorCode;
use ops_contracts::seam::adapter::{Adapter, AdapterError, BoxFuture, Event, Primitive};
use ops_contracts::seam::supervise::{Program, Supervisor};
use ops_contracts::seam::transport::{Incoming, Outgoing, SendError, Transport, messages};
use supervisor::{BrowserSupervisor, FoldersBelow};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::support::{Opened, config, open_in, spec};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial(
            "a_browser_that_is_attached_runs_a_page_and_its_process_outlives_its_close",
            runs_a_page,
        ),
        trial(
            "a_browser_whose_transport_ends_is_lost",
            a_lost_transport_is_a_lost_browser,
        ),
        trial(
            "an_adapter_that_only_attaches_refuses_to_launch",
            only_attaches,
        ),
        trial(
            "a_transport_that_never_answers_is_given_up_and_closed",
            never_answers,
        ),
    ]
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// The way to the browser: a task writes what was handed over, until this is closed.
struct ToSocket(parking_lot::Mutex<Option<UnboundedSender<String>>>);

impl Outgoing for ToSocket {
    fn send(&self, sent: &[u8]) -> Result<(), SendError> {
        let open = self.0.lock();
        let queue = open.as_ref().ok_or(SendError::Closed)?;
        for message in messages(sent) {
            let text = String::from_utf8(message.to_vec()).unwrap();
            queue.send(text).map_err(|_| SendError::Closed)?;
        }
        Ok(())
    }

    fn close(&self) {
        self.0.lock().take();
    }
}

struct FromSocket(SplitStream<Socket>);

impl Incoming for FromSocket {
    fn next(&mut self) -> BoxFuture<'_, io::Result<Option<Bytes>>> {
        Box::pin(async {
            loop {
                match self.0.next().await {
                    Some(Ok(Message::Text(text))) => return Ok(Some(text.into())),
                    Some(Ok(Message::Close(_))) | None => return Ok(None),
                    Some(Ok(_)) => {}
                    Some(Err(error)) => return Err(io::Error::other(error)),
                }
            }
        })
    }
}

/// A channel over the WebSocket of a debugging port.
async fn over_socket(address: &str) -> Transport {
    let (socket, _) = connect_async(address).await.unwrap();
    let (mut writer, reader) = socket.split();
    let (sender, mut queue): (_, UnboundedReceiver<String>) = unbounded_channel();
    tokio::spawn(async move {
        while let Some(text) = queue.recv().await {
            if writer.send(Message::text(text)).await.is_err() {
                return;
            }
        }
        let _ = writer.close().await;
    });
    Transport {
        outgoing: Arc::new(ToSocket(parking_lot::Mutex::new(Some(sender)))),
        incoming: Box::new(FromSocket(reader)),
    }
}

/// A browser of the test's own, with a debugging port on loopback, and the address of its socket.
async fn somebody_elses(profile: &std::path::Path) -> (Child, String) {
    let program = BrowserSupervisor::new(config(profile))
        .locate(Program::Chrome)
        .unwrap();
    let mut data = std::ffi::OsString::from("--user-data-dir=");
    data.push(profile.join("theirs"));
    let mut child = Command::new(program)
        .args([
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--no-first-run",
        ])
        .args(["--remote-debugging-port=0", "--disable-dev-shm-usage"])
        .arg(data)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let address = loop {
        let line = lines.next_line().await.unwrap().expect("it listens");
        if let Some((_, address)) = line.split_once("DevTools listening on ") {
            break address.to_owned();
        }
    };
    // What it prints from now on must not fill the pipe.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    (child, address)
}

async fn attached() -> (Child, String, Opened) {
    let directory = tempfile::tempdir().unwrap();
    let (child, address) = somebody_elses(directory.path()).await;
    let attachment = Attachment {
        transport: over_socket(&address).await,
        folders: Arc::new(FoldersBelow(directory.path().to_owned())),
        process: None,
    };
    let browser = CdpAdapter::attaching().attach(attachment).await.unwrap();
    assert_eq!(browser.info().pid, None);
    assert!(browser.is_connected());
    (child, address, open_in(browser, directory).await)
}

/// The error of a call on a page of a browser that is gone.
async fn refused(page: &Opened) -> AdapterError {
    let call = page.expression(page.frame, "1");
    page.perform(call).await.unwrap_err()
}

async fn runs_a_page() {
    let (mut child, address, page) = attached().await;
    page.goto("data:text/html,<title>theirs</title><p>text")
        .await
        .unwrap();
    assert_eq!(page.eval("document.title").await.unwrap(), "\"theirs\"");
    page.browser.ping().await.unwrap();
    let Ok(_) = page.perform(Primitive::CreateTarget { url: None }).await else {
        panic!("no second page");
    };

    page.browser.close().await;
    assert!(!page.browser.is_connected());
    let lost = page.browser.ping().await.unwrap_err();
    assert!(matches!(lost, AdapterError::BrowserLost { .. }), "{lost:?}");
    assert_eq!(lost.code(), ErrorCode::AdapterBrowserLost);
    assert!(refused(&page).await.code() == ErrorCode::AdapterBrowserLost);

    // It goes on without us and without our pages, and can be attached again.
    assert!(child.try_wait().unwrap().is_none());
    let directory = tempfile::tempdir().unwrap();
    let again = Attachment {
        transport: over_socket(&address).await,
        folders: Arc::new(FoldersBelow(directory.path().to_owned())),
        process: None,
    };
    let again = CdpAdapter::attaching().attach(again).await.unwrap();
    let again = open_in(again, directory).await;
    assert_eq!(again.eval("6 * 7").await.unwrap(), "42");
    again.browser.close().await;
    child.kill().await.unwrap();
}

async fn a_lost_transport_is_a_lost_browser() {
    let (mut child, _, page) = attached().await;
    let pending = page.eval_in(page.frame, "new Promise(() => {})");
    let killed = async { child.kill().await.unwrap() };
    let (lost, ()) = tokio::join!(pending, killed);
    assert_eq!(lost.unwrap_err().code(), ErrorCode::AdapterBrowserLost);
    page.events
        .after(0, "the loss", |event| {
            matches!(event, Event::Disconnected { .. }).then_some(())
        })
        .await
        .unwrap();
    assert!(!page.browser.is_connected());
    assert_eq!(refused(&page).await.code(), ErrorCode::AdapterBrowserLost);
}

async fn only_attaches() {
    let refused = CdpAdapter::attaching().launch(spec()).await.err().unwrap();
    assert!(
        matches!(refused, AdapterError::Unsupported { .. }),
        "{refused:?}"
    );
}

/// Takes everything, and answers nothing. Remembers that it was closed.
#[derive(Default)]
struct Silent(AtomicBool);

impl Outgoing for Silent {
    fn send(&self, _: &[u8]) -> Result<(), SendError> {
        Ok(())
    }

    fn close(&self) {
        self.0.store(true, Ordering::Release);
    }
}

impl Incoming for Silent {
    fn next(&mut self) -> BoxFuture<'_, io::Result<Option<Bytes>>> {
        Box::pin(std::future::pending())
    }
}

fn silent(directory: &tempfile::TempDir) -> (Arc<Silent>, Attachment) {
    let outgoing = Arc::new(Silent::default());
    let attachment = Attachment {
        transport: Transport {
            outgoing: outgoing.clone(),
            incoming: Box::new(Silent::default()),
        },
        folders: Arc::new(FoldersBelow(directory.path().to_owned())),
        process: None,
    };
    (outgoing, attachment)
}

async fn never_answers() {
    let directory = tempfile::tempdir().unwrap();
    let (sent, attachment) = silent(&directory);
    let soon = CdpAdapter::attaching().within(Duration::from_millis(100));
    let error = soon.attach(attachment).await.err().unwrap();
    assert!(
        matches!(error, AdapterError::AttachFailed { .. }),
        "{error:?}"
    );
    assert!(sent.0.load(Ordering::Acquire));

    // Nor is it kept where nobody waits any more.
    let (sent, attachment) = silent(&directory);
    let adapter = CdpAdapter::attaching();
    let waiting = adapter.attach(attachment);
    let given_up = tokio::time::timeout(Duration::from_millis(50), waiting).await;
    assert!(given_up.is_err() && sent.0.load(Ordering::Acquire));
}
