//! Frames of the lane: what comes in, borrowed from the text, and what goes out, composed without parsing what is inside.

use std::borrow::Cow;
use std::sync::Arc;

use ops_contracts::control::legacy::{CdpErrorFrame, LegacyCommand, LegacyDeprecation};
use ops_contracts::wire::ids::{RequestId, SessionId};
use ops_contracts::{ErrorCode, Fault, Outcome};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// How a connection's peer reads.
#[derive(Debug, Clone)]
pub(super) enum Form {
    /// Frames with session and lease around raw messages.
    Explicit,
    /// Raw messages, each answer with this deprecation in its field `deprecation`.
    Raw(Arc<str>),
    /// Frames, each refusal with this deprecation: for a raw message of a client that could have presented a lease.
    Leaseless(Arc<str>),
}

/// A frame from a client: an envelope where there is a `message`, else a raw message.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Incoming<'a> {
    #[serde(borrow, default)]
    pub(super) request_id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) session_id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) cdp_lease_id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) message: Option<&'a RawValue>,
    #[serde(default)]
    pub(super) timeout_ms: Option<u64>,
}

impl Incoming<'_> {
    /// Whether it is written for leases. A raw message of a client that predates them has neither field.
    pub(super) fn is_leased(&self) -> bool {
        self.message.is_some() || self.cdp_lease_id.is_some()
    }
}

/// A raw message: what of it decides.
#[derive(Debug, Deserialize)]
pub(super) struct Command<'a> {
    id: u64,
    #[serde(borrow)]
    method: Cow<'a, str>,
    #[serde(borrow, default)]
    params: Option<&'a RawValue>,
    /// The protocol's own session.
    #[serde(borrow, default, rename = "sessionId")]
    session: Option<Cow<'a, str>>,
}

impl Command<'_> {
    pub(super) fn borrowed(&self) -> LegacyCommand<'_> {
        LegacyCommand {
            id: self.id,
            method: &self.method,
            params: self.params,
            session: self.session.as_deref(),
        }
    }
}

/// The frame of a text.
pub(super) fn parse(text: &str) -> Outcome<Incoming<'_>> {
    object(text).map_err(|why| {
        let expected = "{sessionId, cdpLeaseId, message: {id, method, params}}";
        Fault::new(
            ErrorCode::RelayFrameInvalid,
            format!("the frame is not understood: {why}"),
        )
        .with("expected", expected)
    })
}

/// The command of a raw message.
///
/// # Errors
/// `relay_frame_invalid` naming the field.
pub(super) fn command(text: &str) -> Outcome<Command<'_>> {
    let command: Command<'_> = object(text).map_err(|why| {
        let why = format!("{why}; a protocol message has id, method and params");
        invalid("message", &why)
    })?;
    // Browsers count in 32 bits.
    if command.id > u64::from(i32::MAX.unsigned_abs()) {
        let why = format!("{} is above {}", command.id, i32::MAX);
        return Err(invalid("message.id", &why));
    }
    if !is_method(&command.method) {
        let why = "a method is Domain.name in letters and digits";
        return Err(invalid("message.method", why));
    }
    Ok(command)
}

fn is_method(text: &str) -> bool {
    let word =
        |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let (domain, name) = text.split_once('.').unwrap_or_default();
    text.len() <= 128 && word(domain) && word(name)
}

fn invalid(field: &str, why: &str) -> Fault {
    Fault::new(ErrorCode::RelayFrameInvalid, format!("{field}: {why}")).with("field", field)
}

/// The number of a raw message, for a refusal to name.
pub(super) fn id_of(text: &str) -> Option<u64> {
    #[derive(Deserialize)]
    struct Numbered {
        id: u64,
    }
    serde_json::from_str::<Numbered>(text)
        .ok()
        .map(|numbered| numbered.id)
}

/// Serde reads a struct from an array as well, by position; frames are objects.
fn object<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, String> {
    if !text.trim_start().starts_with('{') {
        return Err("it is no JSON object".to_owned());
    }
    serde_json::from_str(text).map_err(|error| error.to_string())
}

/// A message of the browser for a peer. It is copied once.
pub(super) fn message(form: &Form, session: &SessionId, text: &str, answer: bool) -> String {
    match form {
        Form::Explicit | Form::Leaseless(_) => {
            let mut frame = String::with_capacity(text.len() + 64);
            frame.push_str(r#"{"sessionId":""#);
            frame.push_str(session.as_str());
            frame.push_str(r#"","message":"#);
            frame.push_str(text);
            frame.push('}');
            frame
        }
        Form::Raw(deprecation) if answer => deprecated(text, deprecation),
        Form::Raw(_) => text.to_owned(),
    }
}

fn deprecated(text: &str, deprecation: &str) -> String {
    match text.trim_end().strip_suffix('}') {
        Some(open) => format!(r#"{open},"deprecation":{deprecation}}}"#),
        None => text.to_owned(),
    }
}

/// The command that a refusal is about, as far as it is known.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct About<'a> {
    pub(super) session: Option<&'a SessionId>,
    pub(super) id: Option<u64>,
    /// The protocol's own session.
    pub(super) inner: Option<&'a str>,
}

/// A refusal for a peer.
pub(super) fn error(form: &Form, request: &RequestId, about: About<'_>, fault: Fault) -> String {
    match form {
        Form::Explicit => told(request, about.session, about.id, fault, false),
        Form::Leaseless(deprecation) => deprecated(
            &told(request, about.session, about.id, fault, false),
            deprecation,
        ),
        Form::Raw(deprecation) => deprecated(&raw_error(request, about, fault), deprecation),
    }
}

/// The news that a session has ended.
pub(super) fn ended(request: &RequestId, session: &SessionId, fault: Fault) -> String {
    told(request, Some(session), None, fault, true)
}

fn told(
    request: &RequestId,
    session: Option<&SessionId>,
    id: Option<u64>,
    fault: Fault,
    ended: bool,
) -> String {
    let error = fault.into_body(request.clone(), session.cloned());
    let frame = CdpErrorFrame {
        kind: "cdp_error",
        request_id: request,
        session_id: session,
        id,
        error: &error,
        ended,
    };
    serde_json::to_string(&frame).expect("an error consists of texts and numbers")
}

/// A refusal as browsers write theirs, for clients that know no other.
fn raw_error(request: &RequestId, about: About<'_>, fault: Fault) -> String {
    #[derive(Serialize)]
    struct Refused<'a> {
        id: Option<u64>,
        error: Body<'a>,
        #[serde(rename = "sessionId", skip_serializing_if = "Option::is_none")]
        inner: Option<&'a str>,
    }
    #[derive(Serialize)]
    struct Body<'a> {
        code: i32,
        message: String,
        data: &'a ops_contracts::ErrorBody,
    }
    let body = fault.into_body(request.clone(), about.session.cloned());
    let message = format!("{}: {}", body.code.as_str(), body.message);
    let error = Body {
        code: -32000,
        message,
        data: &body,
    };
    serde_json::to_string(&Refused {
        id: about.id,
        error,
        inner: about.inner,
    })
    .expect("an error consists of texts and numbers")
}

/// What clients whose lease is bound to their connection are told with every answer.
pub(super) fn deprecation() -> Arc<str> {
    let (major, minor) = ops_contracts::wire::version::CDP_LEASE_TRAIN
        .split_once('.')
        .unwrap_or(("0", "0"));
    let train = |ahead: u64| format!("{major}.{}", minor.parse::<u64>().unwrap_or(0) + ahead);
    let deprecation = LegacyDeprecation {
        feature: "transitional_binding".to_owned(),
        disabled_by_default_in: train(1),
        removed_in: train(2),
        instead: "POST /cdp/sessions, and send sessionId and cdpLeaseId with every command"
            .to_owned(),
    };
    serde_json::to_string(&deprecation)
        .expect("it consists of texts")
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_has_a_number_a_method_and_nothing_hidden() {
        let ok = command(r#"{"id":1,"method":"Page.enable","params":{"a":[1]},"sessionId":"A"}"#)
            .unwrap();
        assert_eq!((ok.borrowed().id, ok.borrowed().method), (1, "Page.enable"));
        assert_eq!(
            command(r#"{"id":1,"method":"Page.en\u0061ble"}"#)
                .unwrap()
                .borrowed()
                .method,
            "Page.enable"
        );
        for bad in [
            "",
            "[]",
            "[1,\"Page.enable\"]",
            "{}",
            r#"{"id":1}"#,
            r#"{"method":"Page.enable"}"#,
            r#"{"id":-1,"method":"Page.enable"}"#,
            r#"{"id":1,"id":2,"method":"Page.enable"}"#,
            r#"{"id":1,"method":"Page.enable","method":"Browser.crash"}"#,
            r#"{"id":1,"method":"Page.enable","meth\u006fd":"Browser.crash"}"#,
            r#"{"id":1,"method":"Page"}"#,
            r#"{"id":1,"method":"Page.enable\n"}"#,
            r#"{"id":4294967296,"method":"Page.enable"}"#,
            r#"{"id":1,/**/"method":"Page.enable"}"#,
            r#"{"id":1,"method":"Page.enable"}{"id":2}"#,
        ] {
            assert_eq!(
                command(bad).unwrap_err().code,
                ErrorCode::RelayFrameInvalid,
                "{bad}"
            );
        }
    }

    #[test]
    fn a_raw_answer_carries_the_deprecation_and_stays_json() {
        let form = Form::Raw(deprecation());
        let session: SessionId = "ab".repeat(16).parse().unwrap();
        let answer: serde_json::Value =
            serde_json::from_str(&message(&form, &session, r#"{"id":1,"result":{}}"#, true))
                .unwrap();
        assert_eq!(answer["deprecation"]["removedIn"], "0.4");
        assert_eq!(
            message(&form, &session, r#"{"method":"A.b"}"#, false),
            r#"{"method":"A.b"}"#
        );
        let explicit: serde_json::Value =
            serde_json::from_str(&message(&Form::Explicit, &session, r#"{"id":1}"#, true)).unwrap();
        assert_eq!(
            (
                explicit["message"]["id"].as_u64(),
                explicit["sessionId"].as_str()
            ),
            (Some(1), Some(session.as_str()))
        );
    }

    #[test]
    fn fuzz_legacy_envelopes_are_refused_with_a_code_or_hold_what_any_reader_finds_in_them() {
        use conformance::fuzz::{Target, run};
        let words: &[&str] = &[
            r#""message":{"id":1,"method":"Page.enable"}"#,
            r#""id":1"#,
            r#""id":-1"#,
            r#""id":2147483648"#,
            r#""method":"Browser.close""#,
            r#""meth\u006fd":"Browser.close""#,
            r#""params":{}"#,
            r#""params":[]"#,
            r#""sessionId":"A""#,
            r#""sessionId":null"#,
            r#""cdpLeaseId":"x""#,
            r#""timeoutMs":1e9"#,
            "\\ud800",
            "null",
            "{",
            "}",
            "[",
            "]",
            ",",
            ":",
        ];
        let corpora = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fuzz");
        run(
            &Target {
                name: "legacy",
                corpora,
                words,
            },
            |input| {
                let Ok(text) = std::str::from_utf8(input) else {
                    return "no text".to_owned();
                };
                let refused = |fault: Fault| {
                    assert_eq!(fault.code, ErrorCode::RelayFrameInvalid);
                    let told = error(
                        &Form::Raw(deprecation()),
                        &"r1".parse().unwrap(),
                        About {
                            id: id_of(text),
                            ..About::default()
                        },
                        fault.clone(),
                    );
                    assert!(
                        serde_json::from_str::<serde_json::Value>(&told).is_ok(),
                        "{told}"
                    );
                    format!(
                        "{} {}",
                        fault.code,
                        fault
                            .details
                            .get("field")
                            .map(ToString::to_string)
                            .unwrap_or_default()
                    )
                };
                let frame = match parse(text) {
                    Ok(frame) => frame,
                    Err(fault) => return refused(fault),
                };
                let inner = frame.message.map_or(text, RawValue::get);
                let command = match command(inner) {
                    Ok(command) => command,
                    Err(fault) => return refused(fault),
                };
                // What is judged here is what the browser will read. Lone surrogates and enormous numbers are for it alone.
                let command = command.borrowed();
                let Ok(read) = serde_json::from_str::<serde_json::Value>(inner) else {
                    return "a command for browsers".to_owned();
                };
                assert_eq!(
                    (read["id"].as_u64(), read["method"].as_str()),
                    (Some(command.id), Some(command.method))
                );
                assert_eq!(read["sessionId"].as_str(), command.session);
                format!(
                    "a command, {}, {}",
                    frame.message.is_some(),
                    command.params.is_some()
                )
            },
        );
    }
}
