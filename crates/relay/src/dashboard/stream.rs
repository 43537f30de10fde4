//! The dashboard's data as server-sent events: the status document, the sessions and the incidents whenever they change, the last hour of traffic at
//! the start, and each new point of it.
//!
//! Every stream has a task, which ends with its browser or with the relay. A browser that takes nothing is cut like every other peer.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use hyper::body::{Body, Bytes, Frame};
use ops_contracts::Outcome;
use ops_contracts::seam::port::Caller;
use ops_contracts::wire::command::CommandName;
use ops_contracts::wire::frame::OpsRequest;
use serde_json::value::RawValue;
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::edge::Edge;
use crate::gate::{ClientVersions, Permit};
use crate::http::respond::{self, Reply};
use crate::status;

/// How often it is looked whether anything has changed.
const LOOK: Duration = Duration::from_secs(1);

/// The longest silence: a browser, and what stands between, may take a silent stream for a broken one.
const SILENCE: Duration = Duration::from_secs(15);

/// The most incidents that are told; the newest of them.
const INCIDENTS: usize = 20;

/// How long the list of sessions may take.
const LIST: Duration = Duration::from_secs(2);

/// The body of a stream.
pub(crate) struct EventBody(mpsc::Receiver<Bytes>);

impl Body for EventBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0
            .poll_recv(cx)
            .map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
    }
}

/// Begins a stream, for the login with this cookie: it ends with it.
///
/// # Errors
/// `relay_connection_limit` when there are too many.
pub(super) fn open(edge: &Arc<Edge>, permit: &Permit, login: &str) -> Outcome<Reply> {
    let place = edge.lifetime.streams.take()?;
    let (sender, receiver) = mpsc::channel(4);
    let (edge, permit, login) = (edge.clone(), permit.clone(), login.to_owned());
    tokio::spawn(async move {
        let _place = place;
        tokio::select! {
            () = edge.lifetime.closing() => {}
            () = sender.closed() => {}
            () = edge.admission.logins.ended(&login) => {}
            () = feed(&edge, &permit, &sender) => {}
        }
    });
    Ok(respond::events(EventBody(receiver)))
}

async fn feed(edge: &Edge, permit: &Permit, sender: &mpsc::Sender<Bytes>) {
    let mut ticks = interval(LOOK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut next_point, mut last, mut spoken) = (0, String::new(), Instant::now());
    loop {
        ticks.tick().await;
        let mut text = String::new();
        let (points, next) = edge.traffic.history.since(next_point);
        if next_point == 0 || !points.is_empty() {
            event(
                &mut text,
                "traffic",
                &serde_json::to_string(&points).unwrap_or_default(),
            );
        }
        next_point = next;
        let state = state(edge, permit).await;
        if state != last {
            event(&mut text, "state", &state);
            last = state;
        }
        if text.is_empty() && spoken.elapsed() >= SILENCE {
            text.push_str(": still here\n\n");
        }
        if !text.is_empty() {
            spoken = Instant::now();
            if sender.send(text.into()).await.is_err() {
                return;
            }
        }
    }
}

/// JSON holds no line breaks: one `data` line each.
fn event(text: &mut String, name: &str, data: &str) {
    text.push_str("event: ");
    text.push_str(name);
    text.push_str("\ndata: ");
    text.push_str(data);
    text.push_str("\n\n");
}

/// The status document, the sessions and the incidents, as JSON.
async fn state(edge: &Edge, permit: &Permit) -> String {
    let document = status::document(edge, permit.asker(), &ClientVersions::default(), &[]);
    let sessions = if document.active_ops_sessions + document.lost_ops_sessions > 0 {
        sessions(edge).await
    } else {
        None
    };
    let status = serde_json::to_string(&document).unwrap_or_else(|_| "null".to_owned());
    let sessions = sessions.as_deref().map_or("null", RawValue::get);
    let admin = edge.config.admin_token.is_some();
    let mut incidents = edge.traffic.scoring.incidents();
    incidents.truncate(INCIDENTS);
    let incidents = serde_json::to_string(&incidents).unwrap_or_else(|_| "[]".to_owned());
    format!(
        r#"{{"status":{status},"sessions":{sessions},"incidents":{incidents},"adminEnabled":{admin}}}"#
    )
}

async fn sessions(edge: &Edge) -> Option<Arc<RawValue>> {
    let request = OpsRequest {
        request_id: edge.ids.make(),
        session_id: None,
        lease_id: None,
        command: CommandName::SessionList.into(),
        params: RawValue::from_string("{}".to_owned()).ok()?,
        timeout_ms: u64::try_from(LIST.as_millis()).ok(),
        boundary: false,
    };
    let caller = Caller {
        client_id: "dashboard".parse().ok()?,
        admin: false,
        legacy: None,
    };
    let reply = timeout(LIST, edge.service.execute(request, caller, Instant::now()))
        .await
        .ok()?;
    reply.outcome.ok()
}
