//! Every command of the registry, interrupted in the middle and given mutated parameters: each ends in its code within its
//! deadline, and leaves a session that goes on or says that it is gone. A command that is added is tested with it.

use std::time::{Duration, Instant};

use conformance::fake::{Control, Held};
use conformance::suite::{Fixture, Session};
use ops_contracts::ErrorCode;
use ops_contracts::seam::port::{Caller, Reply};
use ops_contracts::wire::command::targets::NewParams;
use ops_contracts::wire::command::{Call, CommandName, Lane, LoadState, TargetsNew};
use ops_contracts::wire::frame::OpsRequest;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::fixture;

/// What a test waits for at most, far above every deadline that it sets.
const PATIENCE: Duration = Duration::from_secs(20);
/// The deadline of a command that is interrupted.
const SOON_MS: u64 = 150;

/// Commands that a session goes on after.
fn of_sessions() -> impl Iterator<Item = CommandName> {
    let ends = [CommandName::SessionClose, CommandName::SessionReclaim];
    CommandName::ALL
        .iter()
        .copied()
        .filter(move |name| name.spec().lane != Lane::Service && !ends.contains(name))
}

fn example(name: CommandName, f: &Fixture) -> String {
    name.example().params_at(&f.site.url(""))
}

async fn send(f: &Fixture, session: &Session<'_>, name: CommandName, params: &str) -> Reply {
    let request = OpsRequest {
        request_id: f.request_id(),
        session_id: Some(session.id.clone()),
        lease_id: Some(session.lease.clone()),
        command: name.into(),
        params: RawValue::from_string(params.to_owned()).unwrap(),
        timeout_ms: Some(SOON_MS),
        boundary: false,
    };
    let caller = Caller {
        client_id: "alice-01".parse().unwrap(),
        admin: false,
        legacy: None,
    };
    let shown: String = params.chars().take(200).collect();
    let reply = tokio::time::timeout(
        PATIENCE,
        f.service().execute(request, caller, Instant::now()),
    )
    .await;
    let reply = reply.unwrap_or_else(|_| panic!("{name} {shown} never ends"));
    if let Err(fault) = &reply.outcome {
        assert_ne!(
            fault.code,
            ErrorCode::OpsInternal,
            "{name} {shown}: {}",
            fault.message
        );
    }
    reply
}

/// The session serves: its page, or a new one where the command has closed it.
async fn goes_on(session: &Session<'_>, name: CommandName) {
    if session.status().await.unwrap().current_target.is_none() {
        session
            .call::<TargetsNew>(&NewParams {
                url: None,
                wait_until: LoadState::Load,
                make_current: true,
            })
            .await
            .unwrap();
    }
    session
        .goto("/plain")
        .await
        .unwrap_or_else(|refused| panic!("after {name}: {refused}"));
}

fn code(reply: &Reply) -> Option<ErrorCode> {
    reply.outcome.as_ref().err().map(|fault| fault.code)
}

/// Every way in which a value can be wrong.
fn mutations() -> Vec<Value> {
    let huge = "x".repeat(300_000);
    vec![
        json!(null),
        json!(""),
        json!("\u{0}\u{202e}"),
        json!(huge),
        json!("no-such-word"),
        json!(true),
        json!(-1),
        json!(1e300),
        json!([]),
        json!({}),
        json!([null]),
    ]
}

/// Every place of a value: pointers to what is in it, at any depth.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    let mut below = |key: &str, value: &Value| {
        let place = format!("{at}/{key}");
        places(value, &place, found);
        found.push(place);
    };
    match value {
        Value::Object(fields) => fields
            .iter()
            .for_each(|(key, value)| below(&key.replace('~', "~0").replace('/', "~1"), value)),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .for_each(|(at, value)| below(&at.to_string(), value)),
        _ => {}
    }
}

#[tokio::test]
async fn every_example_mutated_in_every_way_ends_in_its_code_and_the_session_goes_on() {
    let (f, _) = fixture();
    let session = f.session().await.unwrap();
    session.goto("/plain").await.unwrap();
    let mut tried = 0;
    for name in of_sessions() {
        let whole: Value = serde_json::from_str(&example(name, &f)).unwrap();
        let mut found = Vec::new();
        places(&whole, "", &mut found);
        for place in found {
            for wrong in mutations() {
                let mut params = whole.clone();
                *params.pointer_mut(&place).unwrap() = wrong;
                let params = params.to_string();
                // What is refused at once needs no session; what is taken has to end.
                match Call::parse(name, &RawValue::from_string(params.clone()).unwrap()) {
                    Err(fault) => assert_eq!(fault.code, ErrorCode::OpsInvalidRequest, "{name}"),
                    Ok(_) => drop(send(&f, &session, name, &params).await),
                }
                tried += 1;
            }
        }
    }
    assert!(tried > 1_000, "{tried}");
    session.goto("/plain").await.unwrap();
    session.title().await.unwrap();
    f.close().await;
}

/// What commands wait for: primitives, and functions of the bridge.
const WAITS: &[&str] = &[
    "navigate",
    "reload",
    "traverse history",
    "create target",
    "close target",
    "activate target",
    "evaluate",
    "input",
    "screenshot",
    "snapshot",
    "find",
    "read",
    "box",
    "prepare",
    "arm",
    "fill",
    "select",
    "choices",
    "checkState",
    "focus",
    "scrollBy",
    "scrollIntoView",
    "waitFor",
    "wholeHtml",
    "clonePage",
    "metrics",
    "environment",
    "storage",
    "watch",
    "stats",
    "extent",
];

/// Holds up whatever a command may wait for.
fn hold_all(control: &Control) -> Vec<Held> {
    WAITS.iter().map(|waits| control.hold(waits)).collect()
}

fn release(held: Vec<Held>) {
    held.into_iter().for_each(Held::release);
}

#[tokio::test]
async fn a_browser_that_answers_nothing_is_a_timeout_of_every_command_and_no_more() {
    let (f, control) = fixture();
    let mut timed_out = 0;
    for name in of_sessions() {
        let session = f.session().await.unwrap();
        session.goto("/plain").await.unwrap();
        let held = hold_all(&control);
        let reply = send(&f, &session, name, &example(name, &f)).await;
        timed_out += u32::from(code(&reply) == Some(ErrorCode::OpsTimeout));
        release(held);
        goes_on(&session, name).await;
        session.title().await.unwrap();
        session
            .call::<ops_contracts::wire::command::SessionClose>(&Default::default())
            .await
            .unwrap();
    }
    // The fake has neither network nor files nor styles: what needs them is refused before it waits.
    assert!(timed_out > 8, "{timed_out}");
    f.close().await;
}

#[tokio::test]
async fn a_command_that_is_cancelled_in_the_middle_says_so_and_the_next_one_runs() {
    let (f, control) = fixture();
    let session = f.session().await.unwrap();
    session.goto("/plain").await.unwrap();
    let mut cancelled = 0;
    for name in of_sessions().filter(|name| name.spec().lane == Lane::Page) {
        let held = hold_all(&control);
        let id = f.request_id();
        let request = OpsRequest {
            request_id: id.clone(),
            session_id: Some(session.id.clone()),
            lease_id: Some(session.lease.clone()),
            command: name.into(),
            params: RawValue::from_string(example(name, &f)).unwrap(),
            timeout_ms: Some(2_000),
            boundary: false,
        };
        let caller = Caller {
            client_id: "alice-01".parse().unwrap(),
            admin: false,
            legacy: None,
        };
        let running = tokio::spawn(f.service().execute(request, caller, Instant::now()));
        while !running.is_finished()
            && session.status().await.unwrap().running.as_deref() != Some(name.as_str())
        {
            tokio::task::yield_now().await;
        }
        let was_there = session.cancel(&id).await;
        let reply = tokio::time::timeout(PATIENCE, running)
            .await
            .unwrap_or_else(|_| panic!("{name} never ends"))
            .unwrap();
        if was_there {
            assert_eq!(code(&reply), Some(ErrorCode::OpsCancelled), "{name}");
            cancelled += 1;
        }
        release(held);
        goes_on(&session, name).await;
        session
            .title()
            .await
            .unwrap_or_else(|refused| panic!("after {name}: {refused}"));
    }
    assert!(cancelled > 10, "{cancelled}");
    f.close().await;
}

#[tokio::test]
async fn a_browser_that_ends_in_the_middle_is_told_once_and_the_session_gets_another() {
    let mut lost = 0;
    for name in of_sessions().filter(|name| name.spec().lane == Lane::Page) {
        let (f, control) = fixture();
        let session = f.session().await.unwrap();
        session.goto("/plain").await.unwrap();
        WAITS.iter().for_each(|waits| control.end_browser_at(waits));
        let reply = send(&f, &session, name, &example(name, &f)).await;
        if let Some(ErrorCode::AdapterBrowserLost | ErrorCode::OpsSessionLost) = code(&reply) {
            lost += 1;
            // What is left of the trouble ends the new browser as well: told, and no hang.
            drop(session.goto("/plain").await);
            assert!(session.status().await.is_ok(), "after {name}");
        }
        f.close().await;
    }
    assert!(lost > 10, "{lost}");
}
