//! A service that does what the expression of a `dom.eval` says, and a relay around it.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use ops_contracts::control::scorecard::Phase;
use ops_contracts::seam::adapter::BoxFuture;
use ops_contracts::seam::port::{
    Caller, EndSessions, OpsService, Reply, RuntimeSummary, SessionEvents, SessionObserver,
};
use ops_contracts::wire::blob::BlobInfo;
use ops_contracts::wire::capability::AdapterKind;
use ops_contracts::wire::clock::{Clock, Timestamp};
use ops_contracts::wire::command::Call;
use ops_contracts::wire::command::session::{Grant, SessionMode};
use ops_contracts::wire::frame::{EventName, OpsCancel, OpsRequest, Timing};
use ops_contracts::wire::ids::{LeaseId, RequestId, SessionId};
use ops_contracts::wire::limits::{LaneLimits, LimitsProfile};
use ops_contracts::wire::routing::{LegacyLane, RoutingControls};
use ops_contracts::{ErrorCode, Outcome};
use relay::{
    Control, Ended, Labels, Relay, RelayConfig, RoutingSettings, RoutingSetup, Timeouts, Token,
    Versions,
};
use serde_json::value::RawValue;
use tokio::sync::{oneshot, watch};

pub(crate) const TOKEN: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
pub(crate) const EXTENSION: &str = "abcdefghijklmnopabcdefghijklmnop";

/// The session that is there from the start.
pub(crate) fn session() -> SessionId {
    "5e".repeat(16).parse().unwrap()
}

pub(crate) fn lease() -> LeaseId {
    "1e".repeat(32).parse().unwrap()
}

#[derive(Default)]
struct Seen {
    executed: Vec<(String, Option<u64>, String)>,
    sinks: Vec<(SessionId, Arc<dyn SessionEvents>)>,
    running: HashMap<RequestId, oneshot::Sender<()>>,
    admins: Vec<bool>,
    lanes: Vec<Option<LegacyLane>>,
    endings: Vec<(EndSessions, oneshot::Sender<u32>)>,
    observer: Option<Arc<dyn SessionObserver>>,
    ended: Vec<(EndSessions, usize)>,
}

/// The service.
pub(crate) struct Script {
    seen: Mutex<Seen>,
    shut_down: watch::Sender<bool>,
    /// How many requests have begun, for tests that wait until one runs.
    pub(crate) begun: watch::Sender<usize>,
    /// What slow sessions wait for.
    pub(crate) let_go: watch::Sender<bool>,
    /// How many have ended by themselves or by a cancel.
    pub(crate) ended: watch::Sender<usize>,
}

impl Script {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            seen: Mutex::default(),
            shut_down: watch::Sender::new(false),
            begun: watch::Sender::new(0),
            let_go: watch::Sender::new(false),
            ended: watch::Sender::new(0),
        })
    }

    /// Whether these open a session of its own.
    pub(crate) fn knows(&self, session: &serde_json::Value, lease: &serde_json::Value) -> bool {
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        self.lease_matches(
            &text(session).parse().unwrap(),
            &text(lease).parse().unwrap(),
        )
    }

    /// (command, timeout, client) of every request so far.
    pub(crate) fn executed(&self) -> Vec<(String, Option<u64>, String)> {
        self.seen.lock().unwrap().executed.clone()
    }

    /// Of every request so far, whether an administrator sent it.
    pub(crate) fn admins(&self) -> Vec<bool> {
        self.seen.lock().unwrap().admins.clone()
    }

    /// Of every request so far, what its refusal would say of the legacy lane.
    pub(crate) fn lanes(&self) -> Vec<Option<LegacyLane>> {
        self.seen.lock().unwrap().lanes.clone()
    }

    /// How sessions are being ended; the sender says how many have been.
    pub(crate) fn endings(&self) -> Vec<(EndSessions, oneshot::Sender<u32>)> {
        std::mem::take(&mut self.seen.lock().unwrap().endings)
    }

    /// Who hears how sessions end.
    pub(crate) fn observer(&self) -> Arc<dyn SessionObserver> {
        self.seen
            .lock()
            .unwrap()
            .observer
            .clone()
            .expect("the relay observes")
    }

    /// How single sessions were ended, and how many that are there.
    pub(crate) fn ended_alone(&self) -> Vec<(EndSessions, usize)> {
        std::mem::take(&mut self.seen.lock().unwrap().ended)
    }

    pub(crate) fn sinks(&self) -> usize {
        self.seen.lock().unwrap().sinks.len()
    }

    /// Sends an event to whoever listens; how many took it.
    pub(crate) fn emit(&self, seq: u64, data: &str) -> usize {
        let data: Arc<RawValue> = RawValue::from_string(data.to_owned()).unwrap().into();
        let sinks: Vec<_> = self
            .seen
            .lock()
            .unwrap()
            .sinks
            .iter()
            .map(|(session, sink)| (session.clone(), sink.clone()))
            .collect();
        sinks
            .iter()
            .filter(|(session, sink)| {
                sink.event(session, seq, EventName::TargetOpened, data.clone())
            })
            .count()
    }

    /// What the expression asks for.
    async fn act(
        expression: String,
        cancelled: oneshot::Receiver<()>,
        mut ending: watch::Receiver<bool>,
    ) -> Outcome<String> {
        match expression.split_once(':') {
            Some(("big", count)) => Ok(format!(
                "{{\"value\":\"{}\"}}",
                "😀é\\\"x".repeat(count.parse().unwrap())
            )),
            Some(("fail", code)) => Err(code.parse::<ErrorCode>().unwrap().into()),
            Some(("spaces", count)) => Ok(format!(
                "{{\"value\":1{}}}",
                " ".repeat(count.parse().unwrap())
            )),
            _ if expression == "panic" => panic!("as the test asked"),
            _ if expression == "hang" => std::future::pending().await,
            _ if expression == "wait" => tokio::select! {
                _ = cancelled => Err(ErrorCode::OpsCancelled.into()),
                _ = ending.wait_for(|ending| *ending) => Err(ErrorCode::RelayOpsTerminated.into()),
            },
            _ => Ok(format!("{{\"value\":{expression}}}")),
        }
    }
}

impl OpsService for Script {
    fn execute(
        &self,
        request: OpsRequest,
        caller: Caller,
        received: Instant,
    ) -> BoxFuture<'static, Reply> {
        let timing = Timing {
            queue_ms: 0.0,
            runtime_ms: 0.1,
            adapter_ms: 0.0,
            round_trips: 0,
            total_ms: received.elapsed().as_secs_f64(),
        };
        let (stop, cancelled) = oneshot::channel();
        let mut seen = self.seen.lock().unwrap();
        seen.executed.push((
            request.command.to_string(),
            request.timeout_ms,
            caller.client_id.to_string(),
        ));
        seen.admins.push(caller.admin);
        seen.lanes.push(caller.legacy);
        seen.running.insert(request.request_id.clone(), stop);
        self.begun.send_modify(|begun| *begun += 1);
        let call = request
            .command
            .name()
            .and_then(|name| Call::parse(name, &request.params));
        let makes = matches!(call, Ok(Call::SessionCreate(_)));
        let mut let_go = self.let_go.subscribe();
        let (ending, ended) = (self.shut_down.subscribe(), self.ended.clone());
        let session_id = request.session_id;
        Box::pin(async move {
            let outcome = match call {
                Ok(Call::DomEval(eval)) => Self::act(eval.expression, cancelled, ending).await,
                Ok(Call::SessionCreate(create)) if create.profile.is_some() => {
                    let_go.wait_for(|gone| *gone).await.unwrap();
                    Ok(format!(
                        r#"{{"sessionId":"{}","leaseId":"{}"}}"#,
                        session(),
                        lease().as_str()
                    ))
                }
                Ok(Call::SessionCreate(_)) => Ok(format!(
                    r#"{{"sessionId":"{}","leaseId":"{}"}}"#,
                    session(),
                    lease().as_str()
                )),
                Ok(_) => Ok("{}".to_owned()),
                Err(fault) => Err(fault),
            };
            ended.send_modify(|ended| *ended += 1);
            let outcome = outcome.map(|text| RawValue::from_string(text).unwrap().into());
            let granted = (makes && outcome.is_ok()).then(|| Grant {
                session_id: session(),
                lease_id: lease(),
            });
            Reply {
                session_id,
                outcome,
                granted,
                timing,
                served: None,
            }
        })
    }

    fn cancel(&self, cancel: OpsCancel) -> BoxFuture<'static, bool> {
        let stop = self.seen.lock().unwrap().running.remove(&cancel.request_id);
        Box::pin(std::future::ready(
            stop.is_some_and(|stop| stop.send(()).is_ok()),
        ))
    }

    fn lease_matches(&self, asked: &SessionId, presented: &LeaseId) -> bool {
        *asked == session() && *presented == lease()
    }

    fn admits(&self, request: &OpsRequest, _: &Caller) -> Outcome<()> {
        let held = request.session_id.as_ref().zip(request.lease_id.as_ref());
        match held {
            None if request.session_id.is_none() => Ok(()),
            Some((session, lease)) if self.lease_matches(session, lease) => Ok(()),
            _ => Err(ErrorCode::OpsNotOwner.into()),
        }
    }

    fn admit_blob(&self, asked: &SessionId, presented: &LeaseId, bytes: u64) -> Outcome<()> {
        if !self.lease_matches(asked, presented) {
            return Err(ErrorCode::OpsNotOwner.into());
        }
        if bytes > 1_000_000 {
            Err(ErrorCode::OpsBlobLimit.into())
        } else {
            Ok(())
        }
    }

    fn put_blob(
        &self,
        asked: &SessionId,
        presented: &LeaseId,
        bytes: Vec<u8>,
    ) -> Outcome<BlobInfo> {
        self.admit_blob(asked, presented, bytes.len() as u64)?;
        let expires_at = Timestamp::from_unix_millis(0);
        Ok(BlobInfo {
            blob_id: "b1".repeat(16).parse().unwrap(),
            bytes: bytes.len() as u64,
            expires_at,
        })
    }

    fn subscribe(
        &self,
        asked: &SessionId,
        presented: &LeaseId,
        sink: Arc<dyn SessionEvents>,
    ) -> bool {
        let matches = self.lease_matches(asked, presented);
        if matches {
            self.seen.lock().unwrap().sinks.push((asked.clone(), sink));
        }
        matches
    }

    fn observe(&self, observer: Arc<dyn SessionObserver>) {
        self.seen.lock().unwrap().observer = Some(observer);
    }

    fn summary(&self) -> RuntimeSummary {
        RuntimeSummary {
            sessions: 0,
            queued_commands: 0,
            lost_sessions: 0,
            browsers: Vec::new(),
            idle_ms: 50,
        }
    }

    fn end_these(
        &self,
        how: EndSessions,
        sessions: &std::collections::HashSet<SessionId>,
    ) -> BoxFuture<'static, u32> {
        let known = sessions.iter().filter(|id| **id == session()).count();
        self.seen.lock().unwrap().ended.push((how, known));
        Box::pin(std::future::ready(u32::try_from(known).unwrap()))
    }

    fn end_sessions(&self, how: EndSessions) -> BoxFuture<'static, u32> {
        let (tell, told) = oneshot::channel();
        self.seen.lock().unwrap().endings.push((how, tell));
        Box::pin(async move { told.await.unwrap_or(0) })
    }

    fn shut_down(&self, _: Instant) -> BoxFuture<'_, ()> {
        self.shut_down.send_replace(true);
        Box::pin(std::future::ready(()))
    }
}

struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_millis(1_700_000_000_000)
    }
}

/// A relay that runs until it is dropped or ended.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) script: Arc<Script>,
    pub(crate) stop: Option<oneshot::Sender<()>>,
    pub(crate) control: Control,
    pub(crate) served: tokio::task::JoinHandle<Ended>,
}

/// Settings with these controls and an open legacy lane.
pub(crate) fn settings(controls: RoutingControls) -> RoutingSettings {
    RoutingSettings {
        controls,
        legacy: relay::LegacyGates::OPEN,
        legacy_transitional_binding: false,
        prerelease_interop: false,
        warnings: Vec::new(),
    }
}

/// Routing by the project's own rules; what a reload reads is what stands in the slot.
pub(crate) fn routing(
    controls: RoutingControls,
) -> (RoutingSetup, Arc<Mutex<Outcome<RoutingSettings>>>) {
    let settings = settings(controls);
    let slot = Arc::new(Mutex::new(Ok(settings.clone())));
    let read = slot.clone();
    let setup = RoutingSetup {
        policy: Arc::new(::routing::decision::Rules),
        settings,
        read: Arc::new(move || read.lock().unwrap().clone()),
    };
    (setup, slot)
}

pub(crate) fn config() -> RelayConfig {
    let lane = LaneLimits {
        max_payload_bytes: 4096,
        requests_per_minute: 60_000,
        burst: 4_000,
        max_timeout_ms: 30_000,
    };
    RelayConfig {
        listen: "127.0.0.1:0".parse().unwrap(),
        insecure_listen: false,
        tls: None,
        token: Token::new(TOKEN.to_owned()),
        admin_token: None,
        pairing: relay::Pairing::off(),
        allowed_hosts: Vec::new(),
        allowed_extensions: vec![EXTENSION.to_owned()],
        limits: LimitsProfile {
            name: "test".to_owned(),
            ops: lane,
            cdp: lane,
        },
        timeouts: Timeouts {
            grace: Duration::from_millis(50),
            ..Timeouts::default()
        },
        idle_exit: None,
        instance_id: "0badcafe".repeat(4),
        versions: Versions {
            relay: "0.2.0".to_owned(),
            window_n: Some("0.2".to_owned()),
            window_n_minus1: Some("0.1".to_owned()),
        },
        routing: routing(RoutingControls::default()).0,
        capabilities: vec!["bridge".to_owned(), "input".to_owned()],
        labels: Labels {
            adapter: AdapterKind::Cdp,
            mode: SessionMode::Managed,
        },
        health: None,
        warnings: vec!["a warning".to_owned()],
        signing: relay::Signing::default(),
        ledger: None,
        phase: Phase::Pilot,
        demo: false,
    }
}

pub(crate) async fn start(config: RelayConfig) -> Running {
    start_with(config, |relay| relay).await
}

/// The same with more given to the relay before it serves.
pub(crate) async fn start_with(config: RelayConfig, more: impl FnOnce(Relay) -> Relay) -> Running {
    let script = Script::new();
    let relay = more(
        Relay::bind(config, script.clone(), Arc::new(Still))
            .await
            .unwrap(),
    );
    let address = relay.local_addr();
    let control = relay.control();
    let (stop, stopped) = oneshot::channel::<()>();
    let served = tokio::spawn(relay.serve(async {
        // Dropping the handle stops it too.
        let _ = stopped.await;
    }));
    Running {
        address,
        script,
        stop: Some(stop),
        control,
        served,
    }
}
