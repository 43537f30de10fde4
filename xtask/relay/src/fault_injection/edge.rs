//! Faults at the edge of a real relay: credentials, versions, frames that are cut, peers that are slow, leases of others, sessions that are gone.

use anyhow::Result;
use ops_contracts::control::choice::Stream;
use ops_contracts::wire::ids::{LeaseId, SessionId};
use serde_json::{Value, json};

use super::peer::Request;
use super::{Scenario, Seen, Stage, below};
use crate::caller::{Caller, RelayAddress, Session, Transport};

const PLACE: &str = "the edge of a real relay";
const SERVES: &str = "the relay serves the next request";

type Spoil = fn(Request) -> Request;

/// Requests that are spoiled, and what must come of it.
const SPOILED: &[(&str, &str, Spoil)] = &[
    ("no token", "relay_auth_required", |it| {
        it.with("authorization", None)
    }),
    ("a wrong token", "relay_auth_invalid", |it| {
        it.with(
            "authorization",
            Some("Bearer 00000000000000000000000000000000"),
        )
    }),
    ("the host of another", "relay_host_denied", |it| {
        it.with("host", Some("evil.example"))
    }),
    ("the origin of a page", "relay_origin_denied", |it| {
        it.with("origin", Some("https://evil.example"))
    }),
    ("the origin null", "relay_origin_denied", |it| {
        it.with("origin", Some("null"))
    }),
    ("no contract version", "relay_ops_version_invalid", |it| {
        it.with("x-ops-contract-version", None)
    }),
    (
        "a malformed contract version",
        "relay_ops_version_invalid",
        |it| it.with("x-ops-contract-version", Some("one")),
    ),
    (
        "a contract version of the future",
        "relay_ops_version_unsupported",
        |it| it.with("x-ops-contract-version", Some("9.0.0")),
    ),
    (
        "a client that is a prerelease",
        "relay_prerelease_unsupported",
        |it| {
            it.with("x-ops-client-kind", Some("cli"))
                .with("x-ops-client-version", Some("0.2.0-rc.1"))
        },
    ),
    (
        "a body that is no JSON by its type",
        "relay_content_type_unsupported",
        |it| it.with("content-type", Some("text/plain")),
    ),
    (
        "a body above the limit",
        "relay_payload_too_large",
        |mut it| {
            it.body =
                json!({"type": "ops_request", "requestId": "big", "command": "x".repeat(5 << 20)})
                    .to_string();
            it
        },
    ),
    (
        "a time above the cap",
        "relay_timeout_cap_exceeded",
        |mut it| {
            it.body = json!({"type": "ops_request", "requestId": "long", "command": "session.list", "timeoutMs": 86_400_000})
            .to_string();
            it
        },
    ),
    (
        "a frame of another type",
        "relay_frame_type_unknown",
        |mut it| {
            it.body = json!({"type": "ops_unheard", "requestId": "f"}).to_string();
            it
        },
    ),
    ("an unknown command", "ops_command_unknown", |mut it| {
        it.body =
            json!({"type": "ops_request", "requestId": "n", "command": "no.such"}).to_string();
        it
    }),
];

/// How often a frame is cut, each at another byte.
const CUTS: usize = 6;

/// How often what depends on timing is tried.
const TIMES: usize = 3;

pub(super) fn scenarios(choices: &mut Stream) -> Vec<Scenario> {
    let mut all: Vec<Scenario> = SPOILED
        .iter()
        .map(|&(what, expected, spoil)| {
            edge(
                format!("edge: {what}"),
                what.to_owned(),
                expected,
                move |stage| spoiled(stage, spoil),
            )
        })
        .collect();
    let length = listing().to_string().len();
    for time in 0..CUTS {
        let byte = 1 + below(choices, length - 1);
        all.push(edge(
            format!("edge: a frame that is cut, {time}"),
            format!("the frame ends after byte {byte} of {length}"),
            "relay_frame_invalid",
            move |stage| {
                spoiled(stage, move |mut request| {
                    request.body.truncate(byte);
                    request
                })
            },
        ));
    }
    for time in 0..TIMES {
        let bytes = 1 + below(choices, 200);
        all.push(edge(
            format!("edge: slow peers, {time}"),
            format!("fifty peers say {bytes} bytes and then nothing"),
            "ok",
            move |stage| slow(stage, bytes),
        ));
        for (over, transport) in [
            ("WebSocket", Transport::WebSocket),
            ("HTTP", Transport::Http),
        ] {
            all.push(edge(
                format!("edge: a session that is closed, over {over}, {time}"),
                "a command to a session that was closed".to_owned(),
                "ops_session_closed",
                move |stage| closed(stage, transport),
            ));
        }
        all.push(edge(
            format!("edge: a connection that is dropped, {time}"),
            "the connection ends under a command and is opened again".to_owned(),
            "ok",
            reconnected,
        ));
    }
    all.extend(of_sessions());
    all
}

fn of_sessions() -> Vec<Scenario> {
    vec![
        edge(
            "edge: the lease of another session".to_owned(),
            "a command with a valid lease of another session".to_owned(),
            "ops_not_owner",
            |stage| {
                let (caller, one) = plain(stage)?;
                let other = caller.create(&json!({})).map_err(anyhow::Error::msg)?;
                let crossed = Session {
                    id: one.id.clone(),
                    lease: other.lease,
                };
                let answer = caller.call(Some(&crossed), "dom.title", &json!({}));
                let contaminated = answer.is_ok();
                Ok(Seen {
                    contaminated,
                    ..Seen::of(answer)
                })
            },
        ),
        edge(
            "edge: a lease that was taken over".to_owned(),
            "a command with the lease from before the takeover".to_owned(),
            "ops_not_owner",
            |stage| {
                let (caller, session) = plain(stage)?;
                let taken = caller.call(Some(&session), "session.reclaim", &json!({}));
                let answer = caller.call(Some(&session), "dom.title", &json!({}));
                let contaminated = answer.is_ok();
                Ok(Seen {
                    contaminated,
                    ..Seen::of(answer)
                }
                .and(taken.is_ok(), "the session was not taken over"))
            },
        ),
        edge(
            "edge: a session that never was".to_owned(),
            "a command to an id that nobody gave out".to_owned(),
            "ops_session_unknown",
            |stage| {
                let caller = stage.caller(Transport::Http)?;
                let session = Session {
                    id: SessionId::try_from("0".repeat(32))?,
                    lease: LeaseId::try_from("0".repeat(64))?,
                };
                Ok(Seen::of(caller.call(
                    Some(&session),
                    "dom.title",
                    &json!({}),
                )))
            },
        ),
        edge(
            "edge: a page command without a session".to_owned(),
            "no session where one is needed".to_owned(),
            "ops_session_required",
            |stage| {
                let caller = stage.caller(Transport::Http)?;
                Ok(Seen::of(caller.call(None, "dom.title", &json!({}))))
            },
        ),
    ]
}

fn edge(
    name: String,
    injected: String,
    expected: &'static str,
    run: impl Fn(&mut Stage) -> Result<Seen> + 'static,
) -> Scenario {
    Scenario {
        name,
        injected,
        place: PLACE,
        expected,
        invariant: SERVES,
        run: Box::new(move |stage| {
            let seen = run(stage)?;
            let caller = stage.caller(Transport::Http)?;
            let next = caller.call(None, "session.list", &json!({}));
            Ok(seen.and(next.is_ok(), "the relay does not serve the next request"))
        }),
    }
}

fn listing() -> Value {
    json!({"type": "ops_request", "requestId": "listing", "command": "session.list", "params": {}})
}

fn request(stage: &mut Stage) -> Result<Request> {
    let address = RelayAddress::of(stage.relay()?)?;
    Request::new(&address, &listing())
}

fn spoiled(stage: &mut Stage, spoil: impl Fn(Request) -> Request) -> Result<Seen> {
    let code = spoil(request(stage)?).send()?;
    Ok(Seen {
        code,
        ..Seen::default()
    })
}

/// A client with a session that has no page yet: a browser need not have loaded anything.
fn plain(stage: &mut Stage) -> Result<(Caller, Session)> {
    let caller = stage.caller(Transport::WebSocket)?;
    let session = caller.create(&json!({})).map_err(anyhow::Error::msg)?;
    Ok((caller, session))
}

/// Others are served while peers hold connections open.
fn slow(stage: &mut Stage, bytes: usize) -> Result<Seen> {
    let request = request(stage)?;
    let held: Result<Vec<_>> = (0..50).map(|_| request.begin(bytes)).collect();
    let caller = stage.caller(Transport::WebSocket)?;
    let seen = Seen::of(caller.call(None, "session.list", &json!({})));
    drop(held?);
    Ok(seen)
}

fn closed(stage: &mut Stage, transport: Transport) -> Result<Seen> {
    let caller = stage.caller(transport)?;
    let session = caller.create(&json!({})).map_err(anyhow::Error::msg)?;
    let ended = caller.call(Some(&session), "session.close", &json!({}));
    let seen = Seen::of(caller.call(Some(&session), "dom.title", &json!({})));
    Ok(seen.and(ended.is_ok(), "the session was not closed"))
}

fn reconnected(stage: &mut Stage) -> Result<Seen> {
    let (caller, session) = stage.session(&json!({}))?;
    drop(caller);
    let again = stage.caller(Transport::WebSocket)?;
    let answer = again.call(Some(&session), "dom.title", &json!({}));
    let ended = again.call(Some(&session), "session.close", &json!({}));
    Ok(Seen::of(answer).and(ended.is_ok(), "the session was not closed"))
}
