use ops_contracts::control::choice::Choices;
use ops_contracts::wire::clock::Timestamp;

use super::*;

struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_millis(1_700_000_000_000)
    }
}

#[derive(Default)]
struct Kept(Mutex<Vec<HealthEnvelope>>);

impl HealthSink for Kept {
    fn emit(&self, envelope: HealthEnvelope) {
        self.0.lock().push(envelope);
    }

    fn session_closed(&self, _: &SessionId) {}

    fn operator_global(&self) -> bool {
        false
    }
}

fn health() -> (Arc<SessionHealth>, Arc<Kept>) {
    let kept = Arc::new(Kept::default());
    let id = (
        SessionId::try_from("0123456789abcdef0123456789abcdef".to_owned()).unwrap(),
        AdapterKind::Cdp,
    );
    (
        Arc::new(SessionHealth::new(
            id,
            BreakerRules::default(),
            (
                Arc::new(Still),
                Choices::default().stream(1),
                Some(kept.clone()),
            ),
        )),
        kept,
    )
}

fn request() -> RequestId {
    "r-1".parse().unwrap()
}

fn fault(code: ErrorCode) -> Result<(), Fault> {
    Err(Fault::plain(code))
}

#[tokio::test(start_paused = true)]
async fn five_faults_are_told_before_the_transition_and_a_probe_after_the_cooldown() {
    let (health, kept) = health();
    for _ in 0..5 {
        let _ticket = health.admit(&request()).unwrap();
        health.note(&fault(ErrorCode::AdapterTimeout), &request());
    }
    let refused = health.admit(&request()).err().unwrap();
    assert_eq!(refused.code, ErrorCode::OpsCircuitOpen);
    assert!(
        refused
            .retry_after_ms
            .is_some_and(|after| (120_001..126_001).contains(&after)),
        "{refused:?}"
    );
    tokio::time::advance(Duration::from_secs(120)).await;
    for _ in 0..10 {
        let ticket = health.admit(&request()).unwrap();
        assert_eq!(
            health.admit(&request()).err().unwrap().code,
            ErrorCode::OpsCircuitOpen,
            "one at a time"
        );
        health.note(&Ok(()), &request());
        drop(ticket);
    }
    let told: Vec<_> = kept
        .0
        .lock()
        .iter()
        .map(|told| (told.event.as_str(), told.circuit_state.as_str(), told.seq.0))
        .collect();
    let expected = [
        ("fault", "closed", 0),
        ("fault", "closed", 1),
        ("fault", "closed", 2),
        ("fault", "closed", 3),
        ("fault", "open", 4),
        ("transition", "open", 5),
        ("transition", "half_open", 6),
        ("transition", "closed", 7),
    ];
    assert_eq!(told, expected);
    assert!(
        kept.0
            .lock()
            .iter()
            .all(|told| told.check().is_ok() && told.request_id == Some(request()))
    );
}

#[tokio::test(start_paused = true)]
async fn what_the_page_or_the_caller_does_counts_neither_way() {
    let (health, kept) = health();
    health.note(&Ok(()), &request());
    for code in ErrorCode::ALL
        .iter()
        .filter(|code| !fault_row(**code).class.counts())
    {
        health.note(&fault(*code), &request());
    }
    assert_eq!(kept.0.lock().len(), 0);
    assert_eq!(health.lock().breaker.successes(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_loss_counts_once_and_a_new_browser_is_a_new_epoch_with_the_same_circuit() {
    let (health, kept) = health();
    health.lost(None);
    health.note(&fault(ErrorCode::AdapterBrowserLost), &request());
    health.rebound(1);
    health.lost(None);
    let told: Vec<_> = kept
        .0
        .lock()
        .iter()
        .map(|told| (told.session_epoch.0, told.seq.0, told.fault_count_window))
        .collect();
    assert_eq!(told, [(0, 0, 1), (1, 0, 1), (1, 1, 2)]);
}

#[tokio::test(start_paused = true)]
async fn what_waited_when_the_circuit_opened_does_not_begin() {
    let (health, _) = health();
    let mut waiting = health.admit(&request()).unwrap();
    assert!(health.begin(&request(), &mut waiting).is_ok());
    for _ in 0..5 {
        health.note(&fault(ErrorCode::AdapterProtocolError), &request());
    }
    assert_eq!(
        health.begin(&request(), &mut waiting).unwrap_err().code,
        ErrorCode::OpsCircuitOpen
    );
}
