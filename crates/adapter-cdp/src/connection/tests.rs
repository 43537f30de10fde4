//! The connection against a scripted browser: the other ends of its two pipes.

use std::os::fd::OwnedFd;

use ops_contracts::seam::adapter::BoxFuture;
use ops_contracts::seam::transport::messages;
use rustix::pipe::{PipeFlags, pipe_with};
use serde_json::json;

use super::*;
use crate::transport::{Reader, Writer, pipes};

#[derive(Default)]
struct Recorder {
    events: Mutex<Vec<String>>,
    closed: tokio::sync::Notify,
}

impl EventSink for Recorder {
    fn event(&self, _: &Connection, event: Event<'_>) {
        let line = format!(
            "{}/{}/{}",
            event.session.unwrap_or("-"),
            event.method,
            event.params
        );
        self.events.lock().push(line);
    }
    fn closed(&self) {
        self.closed.notify_one();
    }
}

struct Script {
    reader: Reader,
    writer: Writer,
}

fn connected() -> (Connection, Arc<Recorder>, Script) {
    let pipe = || -> (OwnedFd, OwnedFd) { pipe_with(PipeFlags::CLOEXEC).unwrap() };
    let ((command_read, command_write), (reply_read, reply_write)) = (pipe(), pipe());
    let recorder = Arc::new(Recorder::default());
    let (outgoing, incoming) = pipes(command_write, reply_read).unwrap();
    let transport = Transport {
        outgoing,
        incoming: Box::new(incoming),
    };
    let connection = Connection::start(transport, recorder.clone());
    // Its end has to end with it: nothing else may hold it.
    let script = Script {
        reader: Reader::new(command_read).unwrap(),
        writer: Writer::new(reply_write).unwrap(),
    };
    (connection, recorder, script)
}

impl Script {
    async fn received(&mut self) -> serde_json::Value {
        serde_json::from_slice(&self.reader.next().await.unwrap().unwrap()).unwrap()
    }
    fn says(&self, message: &serde_json::Value) {
        let mut bytes = message.to_string().into_bytes();
        bytes.push(0);
        self.writer.send(&bytes).unwrap_or_default();
    }
    async fn writable(&self) {
        self.writer.pipe_is_writable().await;
    }
}

#[tokio::test]
async fn replies_find_their_callers_in_any_order_and_errors_keep_their_data() {
    let (connection, _, mut script) = connected();
    script.writable().await;
    let session: Arc<str> = "S1".into();
    let mut batch = connection.batch();
    let first = batch.call("A.one", &json!({"x": 1}), Route::session(&session));
    let second = batch.call("A.two", &json!({}), Route::BROWSER);
    batch.send();
    let sent = script.received().await;
    assert_eq!(
        sent,
        json!({"id": 1, "method": "A.one", "params": {"x": 1}, "sessionId": "S1"})
    );
    assert_eq!(script.received().await["id"], 2);
    script.says(&json!({"id": 2, "error": {"code": -32000, "message": "no", "data": "because"}}));
    script.says(&json!({"id": 1, "result": {"y": [1]}}));
    assert_eq!(&first.await.unwrap()[..], b"{\"y\":[1]}");
    let refused = CallError::Refused(Refusal {
        code: -32000,
        message: "no: because".into(),
    });
    assert_eq!(second.await.unwrap_err(), refused);
}

#[tokio::test]
async fn events_arrive_before_a_reply_that_follows_them() {
    let (connection, recorder, mut script) = connected();
    script.writable().await;
    let reply = connection.call("A.one", &json!({}), Route::BROWSER);
    script.received().await;
    script.says(&json!({"method": "A.happened", "params": {"z": 1}, "sessionId": "S9"}));
    script.says(&json!({"not": "a message"}));
    script.says(&json!({"id": 1, "result": {}}));
    reply.await.unwrap();
    assert_eq!(*recorder.events.lock(), ["S9/A.happened/{\"z\":1}"]);
}

#[tokio::test]
async fn a_loss_ends_exactly_what_it_concerns() {
    let (connection, _, script) = connected();
    let (one, two): (Arc<str>, Arc<str>) = ("S1".into(), "S2".into());
    let in_scope = connection.call("A.a", &json!({}), Route::scoped(&one, ScopeId(7)));
    let in_session = connection.call("A.b", &json!({}), Route::session(&one));
    let elsewhere = connection.call("A.c", &json!({}), Route::session(&two));
    connection.fail_scope(ScopeId(7), Loss::Navigated);
    assert_eq!(
        in_scope.await.unwrap_err(),
        CallError::Lost(Loss::Navigated)
    );
    connection.fail_session("S1", Loss::TargetCrashed);
    assert_eq!(
        in_session.await.unwrap_err(),
        CallError::Lost(Loss::TargetCrashed)
    );
    drop(script);
    assert_eq!(
        elsewhere.await.unwrap_err(),
        CallError::Lost(Loss::Disconnected)
    );
}

#[tokio::test]
async fn the_end_of_the_pipe_fails_what_is_pending_and_what_comes_later() {
    let (connection, recorder, script) = connected();
    let pending = connection.call("A.a", &json!({}), Route::BROWSER);
    drop(script);
    recorder.closed.notified().await;
    assert_eq!(
        pending.await.unwrap_err(),
        CallError::Lost(Loss::Disconnected)
    );
    let late = connection.call("A.b", &json!({}), Route::BROWSER).await;
    assert_eq!(late.unwrap_err(), CallError::Lost(Loss::Disconnected));
    assert!(!connection.is_open());
}

/// The messages that it was given to send, and none that ever comes.
#[derive(Default)]
struct Silent(Mutex<Vec<String>>);

impl Outgoing for Silent {
    fn send(&self, sent: &[u8]) -> Result<(), SendError> {
        let texts = messages(sent).map(|text| String::from_utf8_lossy(text).into_owned());
        self.0.lock().extend(texts);
        Ok(())
    }

    fn close(&self) {}
}

impl Incoming for Silent {
    fn next(&mut self) -> BoxFuture<'_, std::io::Result<Option<Bytes>>> {
        Box::pin(std::future::pending())
    }
}

#[tokio::test]
async fn a_connection_that_is_closed_ends_also_where_its_transport_does_not() {
    let (sent, recorder) = (Arc::new(Silent::default()), Arc::new(Recorder::default()));
    let transport = Transport {
        outgoing: sent.clone(),
        incoming: Box::new(Silent::default()),
    };
    let connection = Connection::start(transport, recorder.clone());
    let mut batch = connection.batch();
    let first = batch.call("A.one", &json!({}), Route::BROWSER);
    let second = batch.call("A.two", &json!({}), Route::BROWSER);
    batch.send();
    assert_eq!(
        *sent.0.lock(),
        [
            r#"{"id":1,"method":"A.one","params":{}}"#,
            r#"{"id":2,"method":"A.two","params":{}}"#
        ]
    );
    connection.close();
    recorder.closed.notified().await;
    for reply in [first, second] {
        assert_eq!(
            reply.await.unwrap_err(),
            CallError::Lost(Loss::Disconnected)
        );
    }
}

#[tokio::test]
async fn a_dropped_reply_is_forgotten() {
    let (connection, _, _script) = connected();
    drop(connection.call("A.a", &json!({}), Route::BROWSER));
    assert!(connection.shared.calls.lock().lose(|_| true).is_empty());
}
