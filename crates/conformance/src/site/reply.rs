//! Small tools for answering: queries and forms, escaping, templates, responses and a body that may pause in the middle.
//! No routes and no state.

use std::fmt::Write as _;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue, LOCATION};
use hyper::{Response, StatusCode};
use tokio::time::Sleep;

pub(super) const HTML: &str = "text/html; charset=utf-8";
pub(super) const JSON: &str = "application/json";

/// Name and value pairs of a query string or of a form body, decoded.
#[derive(Debug, Default, Clone)]
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    pub(super) fn parse(text: &str) -> Self {
        let pair = |part: &str| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            (decode(name), decode(value))
        };
        Self(
            text.split('&')
                .filter(|part| !part.is_empty())
                .map(pair)
                .collect(),
        )
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// The value without surrounding blanks; empty when absent.
    pub(super) fn text(&self, name: &str) -> &str {
        self.get(name).unwrap_or_default().trim()
    }

    /// A whole number; `default` when it is absent or unreadable, and never more than `max`.
    pub(super) fn number(&self, name: &str, default: u64, max: u64) -> u64 {
        self.get(name)
            .and_then(|value| value.parse().ok())
            .unwrap_or(default)
            .min(max)
    }

    pub(super) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// Percent decoding, with `+` as a blank; what is no valid escape stays as it is.
fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escaped = (bytes[at] == b'%')
            .then(|| bytes.get(at + 1..at + 3))
            .flatten();
        let value =
            escaped.and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        match value {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(if bytes[at] == b'+' { b' ' } else { bytes[at] });
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Text made safe for HTML content and for quoted attributes.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

/// Replaces each `{{name}}` of the template once over; what was filled in is not looked at again. An unknown name becomes nothing.
pub(super) fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut out = String::with_capacity(template.len() + 256);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        out.push_str(before);
        let Some((name, tail)) = after.split_once("}}") else {
            out.push_str("{{");
            rest = after;
            continue;
        };
        if let Some((_, value)) = values.iter().find(|(key, _)| *key == name) {
            out.push_str(value);
        }
        rest = tail;
    }
    out.push_str(rest);
    out
}

/// Joins what `write` produces for each item.
pub(super) fn join<T>(items: impl IntoIterator<Item = T>, write: impl Fn(T) -> String) -> String {
    items.into_iter().fold(String::new(), |mut out, item| {
        let _ = write!(out, "{}", write(item));
        out
    })
}

pub(super) type Reply = Response<PacedBody>;

/// A reply of any type. Nothing is ever cached: a test must see each request.
pub(super) fn reply(
    status: StatusCode,
    content_type: &'static str,
    body: impl Into<Bytes>,
) -> Reply {
    let mut response = Response::new(PacedBody::whole(body.into()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

pub(super) fn html(body: impl Into<Bytes>) -> Reply {
    reply(StatusCode::OK, HTML, body)
}

/// A small page of one heading and the given HTML, which the caller has escaped.
pub(super) fn small_page(title: &str, body: &str) -> String {
    let title = escape(title);
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title>\
         <meta name=\"viewport\" content=\"width=device-width\"><link rel=\"stylesheet\" href=\"/pages/lab.css\"></head>\
         <body><main><h1>{title}</h1>{body}</main></body></html>"
    )
}

pub(super) fn not_found() -> Reply {
    let page = small_page(
        "Not found",
        "<p>There is nothing at this address.</p><p><a href=\"/\">All pages</a></p>",
    );
    reply(StatusCode::NOT_FOUND, HTML, page)
}

pub(super) fn json(status: StatusCode, value: &impl serde::Serialize) -> Reply {
    match serde_json::to_vec(value) {
        Ok(body) => reply(status, JSON, body),
        Err(error) => reply(
            StatusCode::INTERNAL_SERVER_ERROR,
            HTML,
            small_page("Broken", &escape(&error.to_string())),
        ),
    }
}

/// A redirect; 400 when the target cannot be a header's value.
pub(super) fn redirect(status: StatusCode, to: &str) -> Reply {
    with_header(reply(status, HTML, ""), LOCATION, to)
}

/// Adds one header; 400 when the value cannot be one.
pub(super) fn with_header(mut response: Reply, name: HeaderName, value: &str) -> Reply {
    match HeaderValue::from_str(value) {
        Ok(value) => {
            response.headers_mut().append(name, value);
            response
        }
        Err(_) => reply(
            StatusCode::BAD_REQUEST,
            HTML,
            small_page("Bad request", "<p>That cannot be a header.</p>"),
        ),
    }
}

/// A body of one part, or of two with a pause between them.
#[derive(Debug)]
pub(super) struct PacedBody {
    first: Option<Bytes>,
    pause: Option<Pin<Box<Sleep>>>,
    rest: Option<Bytes>,
    /// Bytes that are announced and never sent: the connection breaks off in their place.
    missing: u64,
}

impl PacedBody {
    pub(super) fn whole(bytes: Bytes) -> Self {
        Self {
            first: (!bytes.is_empty()).then_some(bytes),
            pause: None,
            rest: None,
            missing: 0,
        }
    }

    pub(super) fn paused(first: Bytes, pause: Duration, rest: Bytes) -> Self {
        Self {
            first: Some(first),
            pause: Some(Box::pin(tokio::time::sleep(pause))),
            rest: Some(rest),
            missing: 0,
        }
    }
}

impl PacedBody {
    pub(super) fn broken(first: Bytes) -> Self {
        Self {
            first: Some(first),
            pause: None,
            rest: None,
            missing: 4_096,
        }
    }
}

impl Body for PacedBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(Frame::data(first))));
        }
        if let Some(pause) = self.pause.as_mut() {
            std::task::ready!(pause.as_mut().poll(context));
            self.pause = None;
        }
        if std::mem::take(&mut self.missing) > 0 {
            return Poll::Ready(Some(Err(io::Error::other("broken off on purpose"))));
        }
        Poll::Ready(self.rest.take().map(|rest| Ok(Frame::data(rest))))
    }

    fn is_end_stream(&self) -> bool {
        self.first.is_none() && self.rest.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        let length = |part: &Option<Bytes>| part.as_ref().map_or(0, |bytes| bytes.len() as u64);
        SizeHint::with_exact(length(&self.first) + length(&self.rest) + self.missing)
    }
}
