//! What can't be seen from outside: the moments between a request's admission and its place in the queue.

use conformance::fake::{FakeAdapter, site_double};
use ops_contracts::wire::clock::Timestamp;
use ops_contracts::wire::command::session::{CreateParams, Grant};
use ops_contracts::wire::command::{Command, DomUrl, Empty, SessionCreate, SessionReclaim};

use super::*;

struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_millis(0)
    }
}

fn caller() -> Caller {
    Caller {
        client_id: "alice-01".parse().unwrap(),
        admin: false,
        legacy: None,
    }
}

fn request<C: Command>(id: &str, params: &C::Params, granted: Option<&Grant>) -> OpsRequest {
    OpsRequest {
        request_id: id.parse().unwrap(),
        session_id: granted.map(|granted| granted.session_id.clone()),
        lease_id: granted.map(|granted| granted.lease_id.clone()),
        command: C::NAME.into(),
        params: serde_json::value::to_raw_value(params).unwrap(),
        timeout_ms: None,
        boundary: false,
    }
}

#[tokio::test]
async fn work_that_was_admitted_before_a_reclaim_does_not_run_after_it() {
    let adapter = Arc::new(FakeAdapter::new(site_double()));
    let runtime = Runtime::new(RuntimeConfig::default(), vec![adapter], Arc::new(Still));
    let send = |request| runtime.execute(request, caller(), StdInstant::now());
    let made = send(request::<SessionCreate>(
        "a1",
        &CreateParams::default(),
        None,
    ))
    .await;
    let old = made.granted.unwrap();
    let read = request::<DomUrl>("a2", &Default::default(), Some(&old));
    let session = runtime.inner.find(&old.session_id).unwrap();
    let call = || Call::parse(CommandName::DomUrl, &read.params).unwrap();
    let admit = || {
        runtime
            .inner
            .admit(&read, Some(&session), &caller(), &call())
    };
    let (before, late) = (admit().unwrap(), admit().unwrap());
    let reclaim = request::<SessionReclaim>("a3", &Empty {}, Some(&old));
    let new = send(reclaim).await.granted.unwrap();
    assert_ne!(new.lease_id, old.lease_id);
    assert_eq!(admit().err().unwrap().code, ErrorCode::OpsNotOwner);

    let context = |id: &str| {
        let meter = Arc::new(Meter::new(StdInstant::now()));
        CallContext::new(id.parse().unwrap(), Duration::from_secs(5), meter)
    };
    let finished = queue(before, call(), context("a4")).await;
    assert_eq!(finished.outcome.unwrap_err().code, ErrorCode::OpsNotOwner);
    assert!(!finished.began);
    // The new holder's work is not touched by what came late.
    let current = Admitted {
        fence: late.fence + 1,
        ..late
    };
    queue(current, call(), context("a5")).await.outcome.unwrap();
}
