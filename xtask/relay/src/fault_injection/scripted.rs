//! Faults of a browser's protocol: the runtime over the scripted browser, which fails where it is scripted to.
//!
//! Each scenario has a runtime of its own with two sessions. The fault is the first one's; the second must not notice.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use conformance::fake::{Control, FakeAdapter, site_double};
use conformance::suite::{Fixture, Subject};
use ops_contracts::seam::adapter::AdapterError;
use ops_contracts::seam::port::{Caller, Reply};
use ops_contracts::wire::capability::BrowserKind;
use ops_contracts::wire::clock::{Clock, Timestamp};
use ops_contracts::wire::frame::OpsRequest;
use ops_contracts::wire::ids::{LeaseId, SessionId};
use ops_runtime::{Runtime, RuntimeConfig};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::{Scenario, Seen};

const PLACE: &str = "the scripted adapter";
const ALONE: &str = "the other session serves, takes no lease but its own, and the faulty one can be distinguished from it";

/// A command, the primitive that it needs, and its parameters.
type Needs = (&'static str, &'static str, fn() -> Value);

/// What is answered in words, as the adapter reports it, and the code that must come of it.
type Answer = (&'static str, fn() -> AdapterError, &'static str);

const COMMANDS: &[Needs] = &[
    ("nav.goto", "navigate", || json!({"url": PLAIN})),
    (
        "dom.eval",
        "evaluate",
        || json!({"expression": "location.href"}),
    ),
    (
        "interact.click",
        "input",
        || json!({"element": {"text": "A button"}}),
    ),
    ("export.screenshot", "screenshot", || json!({})),
    ("nav.reload", "reload", || json!({})),
];

const PLAIN: &str = "http://127.0.0.1:1/plain";

/// What a primitive answers in place of its result, and the code that must come of it.
const ANSWERS: &[Answer] = &[
    (
        "a refusal of the protocol",
        || AdapterError::Protocol {
            call: "scripted".to_owned(),
            reason: "on purpose".to_owned(),
        },
        "adapter_protocol_error",
    ),
    ("silence", || AdapterError::Unresponsive, "adapter_timeout"),
    (
        "a crashed renderer",
        || AdapterError::TargetCrashed,
        "adapter_target_crashed",
    ),
    (
        "a page that was closed",
        || AdapterError::TargetClosed,
        "ops_target_closed",
    ),
    (
        "a browser that ended",
        || AdapterError::BrowserLost {
            reason: "on purpose".to_owned(),
        },
        "adapter_browser_lost",
    ),
];

/// What a launch answers.
const LAUNCHES: &[Answer] = &[
    (
        "no browser is installed",
        || AdapterError::BrowserMissing {
            searched: Vec::new(),
            install: "install one".to_owned(),
        },
        "adapter_browser_missing",
    ),
    (
        "the browser ends at once",
        || AdapterError::LaunchFailed {
            reason: "on purpose".to_owned(),
            output: String::new(),
        },
        "adapter_launch_failed",
    ),
    (
        "no sandbox can be set up",
        || AdapterError::SandboxUnavailable,
        "adapter_sandbox_unavailable",
    ),
    (
        "a forbidden argument",
        || AdapterError::ArgumentForbidden {
            argument: "--remote-debugging-port".to_owned(),
        },
        "adapter_argument_forbidden",
    ),
    (
        "a page that can't be attached",
        || AdapterError::AttachFailed {
            reason: "on purpose".to_owned(),
        },
        "adapter_attach_failed",
    ),
];

pub(super) fn scenarios() -> Vec<Scenario> {
    let mut all = Vec::new();
    for &(command, primitive, params) in COMMANDS {
        for &(what, error, expected) in ANSWERS {
            all.push(scenario(
                format!("scripted: {command} meets {what}"),
                format!("{primitive}: {what}"),
                expected_of(command, expected),
                move |control| control.fail(primitive, error()),
                (command, params, None),
            ));
        }
        all.push(scenario(
            format!("scripted: {command} whose browser is killed under it"),
            format!("{primitive}: the browser is killed"),
            "adapter_browser_lost",
            move |control| control.end_browser_at(primitive),
            (command, params, None),
        ));
        all.push(scenario(
            format!("scripted: {command} that is never answered"),
            format!("{primitive}: no answer"),
            "ops_timeout",
            // Without its handle it waits for ever.
            move |control| drop(control.hold(primitive)),
            (command, params, Some(300)),
        ));
    }
    for &(what, error, expected) in LAUNCHES {
        all.push(Scenario {
            name: format!("scripted: session.create while {what}"),
            injected: format!("launch: {what}"),
            place: PLACE,
            expected,
            invariant: "the next session is made",
            run: Box::new(move |_| blocking(launch(error()))),
        });
    }
    all
}

/// A click may close its page, so the runtime looks at what came of it: here the page is still there, and nothing arrived in it.
fn expected_of(command: &str, expected: &'static str) -> &'static str {
    match (command, expected) {
        ("interact.click", "ops_target_closed") => "ops_input_misdirected",
        _ => expected,
    }
}

type Call = (&'static str, fn() -> Value, Option<u64>);

fn scenario(
    name: String,
    injected: String,
    expected: &'static str,
    inject: impl Fn(&Control) + 'static,
    call: Call,
) -> Scenario {
    Scenario {
        name,
        injected,
        place: PLACE,
        expected,
        invariant: ALONE,
        run: Box::new(move |_| blocking(faulty(&inject, call))),
    }
}

fn blocking(work: impl Future<Output = Result<Seen>>) -> Result<Seen> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async { tokio::time::timeout(Duration::from_secs(30), work).await? })
}

#[derive(Debug, Clone, Copy)]
struct Still(Timestamp);

impl Clock for Still {
    fn now(&self) -> Timestamp {
        self.0
    }
}

fn fixture() -> Result<(Fixture, Control)> {
    let adapter = Arc::new(FakeAdapter::new(site_double()));
    let control = adapter.control();
    let clock = Arc::new(Still(Timestamp::from_unix_millis(0)));
    let subject = Subject {
        service: Arc::new(Runtime::new(RuntimeConfig::default(), vec![adapter], clock)),
        adapter: None,
        name: "fake",
        browser: BrowserKind::Chrome,
        kill_browser: Arc::new(|_| ()),
        end_renderers: Arc::new(|_| ()),
        exclusive: Arc::default(),
    };
    Ok((Fixture::new(subject, "faults")?, control))
}

type Holder = (SessionId, LeaseId);

/// Runs a command as a client would.
async fn call(
    f: &Fixture,
    holder: Option<(&SessionId, &LeaseId)>,
    (command, params, timeout_ms): (&str, Value, Option<u64>),
) -> Result<Value, String> {
    let request = OpsRequest {
        request_id: f.request_id(),
        session_id: holder.map(|(id, _)| id.clone()),
        lease_id: holder.map(|(_, lease)| lease.clone()),
        command: command.into(),
        params: RawValue::from_string(params.to_string()).unwrap_or_default(),
        timeout_ms,
        boundary: false,
    };
    let caller = Caller {
        client_id: "faults".parse().map_err(|_| "no client id".to_owned())?,
        admin: false,
        legacy: None,
    };
    let reply: Reply = f.service().execute(request, caller, Instant::now()).await;
    match reply.outcome {
        Ok(result) => serde_json::from_str(result.get()).map_err(|error| error.to_string()),
        Err(fault) => Err(fault.code.to_string()),
    }
}

async fn session(f: &Fixture, isolation: &str) -> Result<Holder, String> {
    let made = call(
        f,
        None,
        ("session.create", json!({"isolation": isolation}), None),
    )
    .await?;
    let holder: crate::caller::Session =
        serde_json::from_value(made).map_err(|error| error.to_string())?;
    let page = ("nav.goto", json!({"url": PLAIN}), None);
    call(f, Some((&holder.id, &holder.lease)), page).await?;
    Ok((holder.id, holder.lease))
}

async fn faulty(inject: &impl Fn(&Control), (command, params, timeout): Call) -> Result<Seen> {
    let (f, control) = fixture()?;
    let failed = |code: String| anyhow::anyhow!("no session: {code}");
    // Each has a browser of its own: a lost one is then its session's alone.
    let other = session(&f, "process").await.map_err(failed)?;
    let faulty = session(&f, "process").await.map_err(failed)?;
    inject(&control);
    let answer = call(
        &f,
        Some((&faulty.0, &faulty.1)),
        (command, params(), timeout),
    )
    .await;
    let mut seen = Seen::of(answer);
    let title = ("dom.title", json!({}), None);
    let beside = call(&f, Some((&other.0, &other.1)), title.clone()).await;
    seen = seen.and(beside.is_ok(), "the other session does not serve");
    for (session, lease) in [(&other.0, &faulty.1), (&faulty.0, &other.1)] {
        let crossed = call(&f, Some((session, lease)), title.clone()).await;
        seen.contaminated |= crossed != Err("ops_not_owner".to_owned());
    }
    let status = ("session.status", json!({}), None);
    let answer = call(&f, Some((&faulty.0, &faulty.1)), status).await;
    Ok(seen.and(answer.is_ok(), "the faulty session has no status"))
}

async fn launch(error: AdapterError) -> Result<Seen> {
    let (f, control) = fixture()?;
    control.refuse_launch(error);
    let seen = Seen::of(session(&f, "context").await);
    let next = session(&f, "context").await;
    Ok(seen.and(next.is_ok(), "the next session is not made"))
}
