//! HTTP answers.

use http_body_util::{Either, Full};
use hyper::body::Bytes;
use hyper::header::{
    ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER,
    SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_PROTOCOL, UPGRADE, WWW_AUTHENTICATE,
    X_CONTENT_TYPE_OPTIONS,
};
use hyper::{Response, StatusCode};
use ops_contracts::wire::ids::RequestId;
use ops_contracts::{ErrorCode, Fault};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::dashboard::EventBody;
use crate::metrics::Format;
use crate::ops::Answer;
use crate::reply;

/// An answer: at once, or as a stream of events.
pub(crate) type Reply = Response<Either<Full<Bytes>, EventBody>>;

pub(crate) fn with_type(status: u16, kind: &'static str, text: String) -> Reply {
    let mut reply = Response::new(Either::Left(Full::new(Bytes::from(text))));
    *reply.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    set(&mut reply, CONTENT_TYPE, kind);
    set(&mut reply, CACHE_CONTROL, "no-store");
    set(&mut reply, X_CONTENT_TYPE_OPTIONS, "nosniff");
    reply
}

fn set(reply: &mut Reply, name: HeaderName, value: &'static str) {
    reply
        .headers_mut()
        .insert(name, HeaderValue::from_static(value));
}

pub(crate) fn json(status: u16, text: String) -> Reply {
    with_type(status, "application/json", text)
}

pub(super) fn text(text: &str) -> Reply {
    with_type(200, "text/plain; charset=utf-8", text.to_owned())
}

/// An exposition of metrics.
pub(super) fn metrics(format: Format, exposition: String) -> Reply {
    with_type(200, format.content_type(), exposition)
}

/// A stream of server-sent events.
pub(crate) fn events(body: EventBody) -> Reply {
    let mut reply = Response::new(Either::Right(body));
    set(&mut reply, CONTENT_TYPE, "text/event-stream");
    set(&mut reply, X_CONTENT_TYPE_OPTIONS, "nosniff");
    reply
}

/// A fault as an `ops_error` frame under its code's status.
pub(super) fn fault(request: RequestId, fault: Fault) -> Reply {
    let (code, retry_after_ms) = (fault.code, fault.retry_after_ms);
    let allow = fault.details.get("allow").and_then(|allow| allow.as_str());
    let allow = allow.and_then(|allow| HeaderValue::from_str(allow).ok());
    let text = reply::error(request.clone(), None, fault, None);
    let mut reply = answer(Answer {
        request,
        text,
        code: Some(code),
        retry_after_ms,
        granted: None,
    });
    if let Some(allow) = allow.filter(|_| code == ErrorCode::RelayMethodNotAllowed) {
        reply.headers_mut().insert(ALLOW, allow);
    }
    reply
}

/// A command's answer.
pub(super) fn answer(answer: Answer) -> Reply {
    let status = answer.code.map_or(200, |code| code.http());
    let mut reply = json(status, answer.text);
    if status == 401 {
        set(&mut reply, WWW_AUTHENTICATE, "Bearer");
    }
    if let Some(millis) = answer.retry_after_ms {
        reply
            .headers_mut()
            .insert(RETRY_AFTER, HeaderValue::from(millis.div_ceil(1000)));
    }
    reply
}

/// The last answer of its connection.
pub(crate) fn closing(mut reply: Reply) -> Reply {
    set(&mut reply, CONNECTION, "close");
    reply
}

/// The answer that turns the connection into a WebSocket. Of the offered subprotocols none but ours is repeated: the others hold the token.
pub(super) fn switching(key: &[u8], protocol: Option<&'static str>) -> Reply {
    let mut reply = Response::new(Either::Left(Full::new(Bytes::new())));
    *reply.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    set(&mut reply, CONNECTION, "Upgrade");
    set(&mut reply, UPGRADE, "websocket");
    if let Ok(accept) = HeaderValue::from_str(&derive_accept_key(key)) {
        reply.headers_mut().insert(SEC_WEBSOCKET_ACCEPT, accept);
    }
    if let Some(protocol) = protocol {
        set(&mut reply, SEC_WEBSOCKET_PROTOCOL, protocol);
    }
    reply
}
