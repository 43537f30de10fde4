//! The endpoints: one row each. Who may call a path, by which method, on which lane and what answers is read from here alone.

use futures_util::future::BoxFuture;
use hyper::Method;
use ops_contracts::control::telemetry::RouteLabel;
use ops_contracts::wire::http::path;
use ops_contracts::{ErrorCode, Fault, Outcome};

use crate::http::respond::Reply;
use crate::http::{Exchange, blobs, commands, scorecard, upgrade};
use crate::{access, admin, cdp, dashboard, http, pairing, status};

/// Who may call an endpoint. The gates read it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Class {
    /// Anybody: it reveals nothing.
    Open,
    /// Whoever has the relay token. No pairing is asked for: this is how one is made.
    Token,
    /// Clients: the relay token and, where clients must pair, a pairing.
    #[default]
    Client,
    /// Clients that present the admin token as well.
    Admin,
    /// The relay's own pages, logged in or not.
    Page,
    /// The relay's own pages, logged in.
    Login,
    /// The same with the admin token: what changes the relay.
    AdminLogin,
}

impl Class {
    /// Whether it takes no credential.
    pub(crate) const fn is_open(self) -> bool {
        matches!(self, Self::Open | Self::Page)
    }

    /// Whether nothing but the admin token opens it.
    pub(crate) const fn is_admin(self) -> bool {
        matches!(self, Self::Admin | Self::AdminLogin)
    }

    /// Whether it is for the relay's own pages alone.
    pub(crate) const fn is_dashboard(self) -> bool {
        matches!(self, Self::Page | Self::Login | Self::AdminLogin)
    }
}

/// What a request is to the gates, beside who may send it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Charged by its handler, where it is charged at all.
    #[default]
    Plain,
    /// Reads what the relay knows, and is charged for that with its head.
    Read,
    /// Brings a frame: the client's versions are due with the head.
    Frame,
    /// Brings a blob: the same, under the cap of blobs.
    Blob,
    /// Becomes a WebSocket: credentials may come as subprotocols, since pages of extensions can set no header there.
    Socket,
}

/// What answers: a fault that it returns is worded and counted by its caller.
pub(crate) type Handler = fn(Exchange) -> BoxFuture<'static, Outcome<Reply>>;

/// One method of one path.
pub(crate) struct Endpoint {
    pub(crate) method: Method,
    /// The path, or its template with one `{name}`.
    pub(crate) path: &'static str,
    pub(crate) class: Class,
    pub(crate) lane: RouteLabel,
    pub(crate) kind: Kind,
    pub(crate) handler: Handler,
}

macro_rules! endpoints {
    ($($method:ident $path:expr, $class:ident $lane:ident $kind:ident => $handler:path;)+) => {
        /// Every endpoint. Rows of one path stand together and agree on class and lane.
        pub(crate) static ENDPOINTS: &[Endpoint] = &[$(Endpoint {
            method: Method::$method,
            path: $path,
            class: Class::$class,
            lane: RouteLabel::$lane,
            kind: Kind::$kind,
            handler: |exchange| Box::pin($handler(exchange)),
        }),+];
    };
}

endpoints! {
    GET    path::OPS,                        Client     Ops Socket => upgrade::ops;
    POST   path::OPS,                        Client     Ops Frame  => commands::post;
    PUT    path::BLOBS,                      Client     Ops Blob   => blobs::put;
    GET    path::STATUS,                     Client     Ops Read   => status::get;
    GET    path::METRICS,                    Client     Ops Read   => http::metrics;
    GET    path::HEALTHZ,                    Open       Ops Plain  => http::healthz;
    POST   path::PAIR,                       Token      Ops Plain  => pairing::pair;
    GET    path::CDP,                        Client     Cdp Socket => upgrade::cdp;
    POST   path::CDP_SESSIONS,               Client     Cdp Plain  => cdp::open;
    DELETE path::CDP_SESSION,                Client     Cdp Plain  => cdp::close;
    POST   path::CDP_RENEWAL,                Client     Cdp Plain  => cdp::renew;
    GET    path::SCORECARD,                  Client     Ops Plain  => scorecard::artifact;
    GET    path::INCIDENTS,                  Client     Ops Plain  => scorecard::incidents;
    GET    path::ORCHESTRATION,              Client     Ops Plain  => scorecard::events;
    POST   path::ORCHESTRATION,              Client     Ops Plain  => scorecard::take_event;
    GET    path::CONFIRMATIONS,              Client     Ops Plain  => access::list;
    POST   path::CONFIRMATIONS,              Client     Ops Plain  => access::decide;
    POST   path::ADMIN_RELOAD,               Admin      Ops Plain  => admin::reload;
    POST   path::ADMIN_ROUTING,              Admin      Ops Plain  => admin::set_routing;
    POST   path::ADMIN_INCIDENTS,            Admin      Ops Plain  => scorecard::record;
    POST   path::ADMIN_RESOLVE,              Admin      Ops Plain  => scorecard::resolve;
    POST   path::DASHBOARD_CODES,            Client     Ops Plain  => dashboard::issue_code;
    GET    path::DASHBOARD,                  Page       Ops Plain  => dashboard::file;
    GET    "/dashboard/style.css",           Page       Ops Plain  => dashboard::file;
    GET    "/dashboard/app.js",              Page       Ops Plain  => dashboard::file;
    GET    "/dashboard/view.js",             Page       Ops Plain  => dashboard::file;
    GET    "/dashboard/plot.js",             Page       Ops Plain  => dashboard::file;
    GET    "/dashboard/icon.svg",            Page       Ops Plain  => dashboard::file;
    POST   "/dashboard/login",               Page       Ops Plain  => dashboard::log_in;
    POST   "/dashboard/logout",              Login      Ops Plain  => dashboard::log_out;
    GET    "/dashboard/events",              Login      Ops Plain  => dashboard::events;
    POST   "/dashboard/routing",             AdminLogin Ops Plain  => admin::set_routing;
    POST   "/dashboard/reload",              AdminLogin Ops Plain  => admin::reload;
    POST   "/dashboard/incidents",           AdminLogin Ops Plain  => scorecard::record;
    POST   "/dashboard/incidents/resolve",   AdminLogin Ops Plain  => scorecard::resolve;
}

/// What a request line names.
#[derive(Clone, Copy)]
pub(crate) enum Target {
    /// A row.
    Endpoint(&'static Endpoint),
    /// A path that does not take the method; the first of its rows.
    Method(&'static Endpoint),
    /// No path of this relay.
    Unknown,
}

/// What the gates know of a target. A path that there is not is a client's, so that nobody else learns that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Traits {
    pub(crate) class: Class,
    pub(crate) lane: RouteLabel,
    pub(crate) kind: Kind,
}

impl Default for Traits {
    fn default() -> Self {
        Self {
            class: Class::Client,
            lane: RouteLabel::Ops,
            kind: Kind::Plain,
        }
    }
}

impl Target {
    pub(crate) fn of(method: &Method, path: &str) -> Self {
        let mut rows = rows_of(path);
        let Some(first) = rows.next() else {
            return Self::Unknown;
        };
        let asked = std::iter::once(first)
            .chain(rows)
            .find(|row| row.method == *method);
        asked.map_or(Self::Method(first), Self::Endpoint)
    }

    pub(crate) fn traits(&self) -> Traits {
        match self {
            Self::Endpoint(row) => Traits {
                class: row.class,
                lane: row.lane,
                kind: row.kind,
            },
            Self::Method(row) => Traits {
                class: row.class,
                lane: row.lane,
                kind: Kind::Plain,
            },
            Self::Unknown => Traits::default(),
        }
    }

    /// The row that answers.
    ///
    /// # Errors
    /// `relay_not_found`, and `relay_method_not_allowed` with the methods that the path takes in `allow`.
    pub(crate) fn endpoint(&self, method: &Method) -> Outcome<&'static Endpoint> {
        match self {
            Self::Endpoint(row) => Ok(row),
            Self::Method(row) => {
                let allow = allowed(row.path);
                let message = format!("the endpoint takes {allow}");
                Err(Fault::new(ErrorCode::RelayMethodNotAllowed, message)
                    .with("method", method.as_str())
                    .with("allow", allow))
            }
            Self::Unknown => Err(ErrorCode::RelayNotFound.into()),
        }
    }
}

fn rows_of(path: &str) -> impl Iterator<Item = &'static Endpoint> {
    ENDPOINTS
        .iter()
        .filter(move |row| path::matches(row.path, path).is_some())
}

/// The methods that a row's path takes, as the header `Allow` lists them.
fn allowed(template: &str) -> String {
    let rows = ENDPOINTS.iter().filter(|row| row.path == template);
    let methods: Vec<&str> = rows.map(|row| row.method.as_str()).collect();
    methods.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_one_path_stand_together_agree_and_differ_by_method() {
        for (at, row) in ENDPOINTS.iter().enumerate() {
            let twins = ENDPOINTS[at + 1..]
                .iter()
                .filter(|twin| twin.path == row.path);
            for twin in twins {
                assert_eq!(
                    (row.class, row.lane),
                    (twin.class, twin.lane),
                    "{}",
                    row.path
                );
                assert_ne!(row.method, twin.method, "{}", row.path);
            }
        }
        let mut paths: Vec<&str> = ENDPOINTS.iter().map(|row| row.path).collect();
        paths.dedup();
        let distinct: std::collections::HashSet<&str> = paths.iter().copied().collect();
        assert_eq!(paths.len(), distinct.len());
    }

    #[test]
    fn no_path_is_matched_by_two_templates() {
        for row in ENDPOINTS {
            let sample = path::fill(row.path, "ab12");
            let found: std::collections::HashSet<&str> =
                rows_of(&sample).map(|row| row.path).collect();
            assert_eq!(found.len(), 1, "{sample}: {found:?}");
        }
    }

    #[test]
    fn another_method_is_told_all_that_the_path_takes_and_an_unknown_path_is_a_clients() {
        let wrong = Target::of(&Method::PATCH, path::OPS);
        let fault = wrong.endpoint(&Method::PATCH).err().unwrap();
        assert_eq!(fault.details.get("allow"), Some(&"GET, POST".into()));
        let unknown = Target::of(&Method::GET, "/dashboard/other.js");
        assert_eq!(unknown.traits(), Traits::default());
        assert!(unknown.endpoint(&Method::GET).is_err());
    }
}
