//! `/dashboard`: a page for people, served out of the binary. Reading it takes a login by a one-time code, changing anything the admin
//! token beside.
//!
//! The gates have passed a request before it comes here: they know what each part of the dashboard takes. No login opens `/ops` or `/cdp`.

mod history;
mod logins;
mod stream;

use std::sync::Arc;
use std::time::Instant;

use hyper::Method;
use hyper::body::Incoming;
use hyper::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, COOKIE, HeaderMap, HeaderName, HeaderValue,
    REFERRER_POLICY, SET_COOKIE, X_FRAME_OPTIONS,
};
use hyper::http::request::Parts;
use ops_contracts::wire::command::parse_json;
use ops_contracts::wire::http::path;
use ops_contracts::{ErrorCode, Fault, Outcome};
use serde::Deserialize;
use serde_json::json;

use crate::gate::{Endpoint, Permit};
use crate::http::respond::{self, Reply};
use crate::http::{change, declined, read, tell_incident, wrong_method};
use crate::server::Edge;
pub(crate) use history::{History, STEP};
pub(crate) use logins::Logins;
pub(crate) use stream::EventBody;

/// The cookie of a login.
const COOKIE_NAME: &str = "odb-dashboard";

pub(crate) use ops_contracts::wire::http::header::DASHBOARD_KEY as KEY_HEADER;
/// Nothing but our own files, no inline code, no frames around it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

/// A part of the dashboard by its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// `/dashboard`: the page, without any data.
    Page,
    /// What the page is made of.
    Asset(&'static Asset),
    /// `/dashboard/login`
    Login,
    /// `/dashboard/logout`
    Logout,
    /// `/dashboard/events`: the data, as server-sent events.
    Events,
    /// `/dashboard/routing`: changes the routing controls.
    Routing,
    /// `/dashboard/reload`: reads the configuration anew.
    Reload,
    /// `/dashboard/incidents`: records an incident.
    Incidents,
    /// `/dashboard/incidents/resolve`: resolves one.
    Resolve,
}

/// A file out of the binary.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Asset {
    path: &'static str,
    kind: &'static str,
    text: &'static str,
}

const PAGE: &str = include_str!("dashboard/page/index.html");

static ASSETS: &[Asset] = &[
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

impl Part {
    /// The part at a path.
    pub(crate) fn of(path: &str) -> Option<Self> {
        Some(match path {
            path::DASHBOARD => Self::Page,
            "/dashboard/login" => Self::Login,
            "/dashboard/logout" => Self::Logout,
            "/dashboard/events" => Self::Events,
            "/dashboard/routing" => Self::Routing,
            "/dashboard/reload" => Self::Reload,
            "/dashboard/incidents" => Self::Incidents,
            "/dashboard/incidents/resolve" => Self::Resolve,
            _ => Self::Asset(ASSETS.iter().find(|asset| asset.path == path)?),
        })
    }

    /// Whether it can be had without a login: what holds no data, and what makes one.
    pub(crate) fn is_open(self) -> bool {
        matches!(self, Self::Page | Self::Asset(_) | Self::Login)
    }

    /// Whether it changes the relay.
    pub(crate) fn is_admin(self) -> bool {
        matches!(
            self,
            Self::Routing | Self::Reload | Self::Incidents | Self::Resolve
        )
    }

    /// The method that it takes.
    pub(crate) fn method(self) -> &'static str {
        match self {
            Self::Page | Self::Asset(_) | Self::Events => "GET",
            Self::Login
            | Self::Logout
            | Self::Routing
            | Self::Reload
            | Self::Incidents
            | Self::Resolve => "POST",
        }
    }
}

/// Answers a request to a part of the dashboard.
pub(crate) async fn answer(
    edge: &Arc<Edge>,
    part: Part,
    permit: &Permit,
    head: &Parts,
    body: Incoming,
) -> Reply {
    let reply = match (part, &head.method) {
        (Part::Page, &Method::GET) => {
            respond::with_type(200, "text/html; charset=utf-8", PAGE.to_owned())
        }
        (Part::Asset(asset), &Method::GET) => {
            respond::with_type(200, asset.kind, asset.text.to_owned())
        }
        (Part::Login, &Method::POST) => log_in(edge, head, body).await,
        (Part::Logout, &Method::POST) => log_out(edge, &head.headers),
        (Part::Events, &Method::GET) => {
            match stream::open(edge, permit, cookie(&head.headers).unwrap_or_default()) {
                Ok(stream) => stream,
                Err(fault) => declined(edge, &head.headers, fault),
            }
        }
        (Part::Routing | Part::Reload, &Method::POST) => change(edge, permit, head, body).await,
        (Part::Incidents | Part::Resolve, &Method::POST) => tell_incident(edge, head, body).await,
        (part, _) => wrong_method(edge, Endpoint::Dashboard(part), head),
    };
    guarded(reply)
}

/// `POST /dashboard/codes`, with the relay token: a code for a browser to log in by.
pub(crate) fn issue_code(edge: &Edge, permit: &Permit, headers: &HeaderMap) -> Reply {
    match edge.policy.logins.issue(permit.pairing(), Instant::now()) {
        Ok(code) => {
            let grouped: Vec<String> = code
                .as_bytes()
                .chunks(5)
                .map(|part| String::from_utf8_lossy(part).into_owned())
                .collect();
            let url = format!("{}{}", edge.url, path::DASHBOARD);
            let expires = u64::try_from(logins::CODE_TTL.as_millis()).unwrap_or(u64::MAX);
            respond::json(
                201,
                json!({ "url": url, "code": grouped.join("-"), "expiresInMs": expires })
                    .to_string(),
            )
        }
        Err(fault) => declined(edge, headers, fault),
    }
}

async fn log_in(edge: &Edge, head: &Parts, body: Incoming) -> Reply {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Login {
        code: String,
    }
    let redeemed = read(edge, head, body).await.and_then(|text| {
        let login: Login = parse_json(&text).map_err(|invalid| {
            Fault::new(ErrorCode::RelayFrameInvalid, invalid.to_string())
                .with("field", invalid.field)
        })?;
        edge.policy.logins.redeem(&login.code, Instant::now())
    });
    match redeemed {
        Ok(granted) => {
            tracing::info!(target: "ops", "a browser logged in to the dashboard");
            let mut reply = respond::json(200, json!({ "key": granted.key }).to_string());
            set_cookie(
                edge,
                &mut reply,
                &granted.cookie,
                logins::LOGIN_TTL.as_secs(),
            );
            reply
        }
        Err(fault) => respond::closing(declined(edge, &head.headers, fault)),
    }
}

fn log_out(edge: &Edge, headers: &HeaderMap) -> Reply {
    if let Some(cookie) = cookie(headers) {
        edge.policy.logins.end(cookie, Instant::now());
    }
    let mut reply = respond::json(200, "{}".to_owned());
    set_cookie(edge, &mut reply, "", 0);
    reply
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

/// The headers that keep other pages out.
fn guarded(mut reply: Reply) -> Reply {
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
