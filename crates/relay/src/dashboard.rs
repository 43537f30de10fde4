//! `/dashboard`: a page for people, served out of the binary. Reading it takes a login by a one-time code, changing anything the admin
//! token beside.
//!
//! The gates have passed a request before it comes here: the endpoints' table says what each part of the dashboard takes. No login opens `/ops` or `/cdp`.

mod history;
mod logins;
mod stream;

use std::time::Instant;

use hyper::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, COOKIE, HeaderMap, HeaderName, HeaderValue,
    REFERRER_POLICY, SET_COOKIE, X_FRAME_OPTIONS,
};
use ops_contracts::wire::http::{header, path};
use ops_contracts::{ErrorCode, Fault, Outcome};
use serde::Deserialize;
use serde_json::json;

use crate::edge::Edge;
use crate::http::respond::{self, Reply};
use crate::http::{self, Exchange};
pub(crate) use history::{History, STEP};
pub(crate) use logins::Logins;
pub(crate) use stream::EventBody;

/// The cookie of a login.
const COOKIE_NAME: &str = "odb-dashboard";

/// Nothing but our own files, no inline code, no frames around it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

/// A file out of the binary.
struct Asset {
    path: &'static str,
    kind: &'static str,
    text: &'static str,
}

static ASSETS: &[Asset] = &[
    Asset {
        path: path::DASHBOARD,
        kind: "text/html; charset=utf-8",
        text: include_str!("dashboard/page/index.html"),
    },
    Asset {
        path: "/dashboard/style.css",
        kind: "text/css; charset=utf-8",
        text: include_str!("dashboard/page/style.css"),
    },
    Asset {
        path: "/dashboard/app.js",
        kind: "text/javascript; charset=utf-8",
        text: include_str!("dashboard/page/app.js"),
    },
    Asset {
        path: "/dashboard/view.js",
        kind: "text/javascript; charset=utf-8",
        text: include_str!("dashboard/page/view.js"),
    },
    Asset {
        path: "/dashboard/plot.js",
        kind: "text/javascript; charset=utf-8",
        text: include_str!("dashboard/page/plot.js"),
    },
    Asset {
        path: "/dashboard/icon.svg",
        kind: "image/svg+xml",
        text: include_str!("dashboard/page/icon.svg"),
    },
];

/// The page, and what it is made of: none of it holds any data.
pub(crate) async fn file(exchange: Exchange) -> Outcome<Reply> {
    let asked = ASSETS
        .iter()
        .find(|asset| asset.path == exchange.endpoint.path);
    let asset = asked.ok_or(ErrorCode::RelayNotFound)?;
    Ok(respond::with_type(200, asset.kind, asset.text.to_owned()))
}

/// `GET /dashboard/events`: the data, as server-sent events.
pub(crate) async fn events(exchange: Exchange) -> Outcome<Reply> {
    let login = cookie(&exchange.head.headers).unwrap_or_default();
    stream::open(exchange.edge(), &exchange.permit, login)
}

/// `POST /dashboard/codes`, with the relay token: a code for a browser to log in by.
pub(crate) async fn issue_code(exchange: Exchange) -> Outcome<Reply> {
    let edge = exchange.edge();
    let pairing = exchange.permit.pairing();
    let code = edge.admission.logins.issue(pairing, Instant::now())?;
    let groups = code.as_bytes().chunks(5).map(String::from_utf8_lossy);
    let grouped: Vec<_> = groups.collect();
    let expires = u64::try_from(logins::CODE_TTL.as_millis()).unwrap_or(u64::MAX);
    let url = format!("{}{}", edge.url, path::DASHBOARD);
    let answer = json!({ "url": url, "code": grouped.join("-"), "expiresInMs": expires });
    http::json_as(201, &answer)
}

/// `POST /dashboard/login`: a code for a cookie and a key.
pub(crate) async fn log_in(mut exchange: Exchange) -> Outcome<Reply> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Login {
        code: String,
    }
    let Login { code } = exchange.json().await?;
    let edge = exchange.edge();
    let granted = edge.admission.logins.redeem(&code, Instant::now())?;
    tracing::info!(target: "ops", "a browser logged in to the dashboard");
    let mut reply = http::json(&json!({ "key": granted.key }))?;
    let seconds = logins::LOGIN_TTL.as_secs();
    set_cookie(edge, &mut reply, &granted.cookie, seconds);
    Ok(reply)
}

/// `POST /dashboard/logout`.
pub(crate) async fn log_out(exchange: Exchange) -> Outcome<Reply> {
    let edge = exchange.edge();
    if let Some(cookie) = cookie(&exchange.head.headers) {
        edge.admission.logins.end(cookie, Instant::now());
    }
    let mut reply = respond::json(200, "{}".to_owned());
    set_cookie(edge, &mut reply, "", 0);
    Ok(reply)
}

fn set_cookie(edge: &Edge, reply: &mut Reply, value: &str, seconds: u64) {
    let secure = if edge.config.tls.is_some() {
        "; Secure"
    } else {
        ""
    };
    let cookie = format!(
        "{COOKIE_NAME}={value}; Path=/dashboard; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}"
    );
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        reply.headers_mut().insert(SET_COOKIE, cookie);
    }
}

/// The login's cookie out of a request's head.
pub(crate) fn cookie(headers: &HeaderMap) -> Option<&str> {
    let all = headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok());
    let mut pairs = all
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    pairs
        .find(|(name, _)| *name == COOKIE_NAME)
        .map(|(_, value)| value)
}

/// The key of a login out of a request's head.
pub(crate) fn key(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::DASHBOARD_KEY)?.to_str().ok()
}

/// An answer with the headers that keep other pages out.
pub(crate) fn guarded(mut reply: Reply) -> Reply {
    let headers = reply.headers_mut();
    let mut set = |name: HeaderName, value: &'static str| {
        drop(headers.insert(name, HeaderValue::from_static(value)))
    };
    set(CONTENT_SECURITY_POLICY, POLICY);
    set(X_FRAME_OPTIONS, "DENY");
    set(REFERRER_POLICY, "no-referrer");
    set(
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    );
    set(
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    );
    set(CACHE_CONTROL, "no-store");
    reply
}

/// Whether a request's login is one.
pub(crate) fn admits(logins: &Logins, cookie: Option<&str>, key: Option<&str>) -> Outcome<()> {
    let (Some(cookie), Some(key)) = (cookie, key) else {
        return Err(Fault::new(
            ErrorCode::RelayAuthRequired,
            "log in with a code from odb-cli dashboard",
        ));
    };
    if logins.admits(cookie, key, Instant::now()) {
        return Ok(());
    }
    Err(Fault::new(
        ErrorCode::RelayAuthInvalid,
        "the login has ended: log in with a new code from odb-cli dashboard",
    ))
}
