//! What the site saw: every request, and a way to wait for one. It does not judge or filter.

use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::watch;

use super::reply::Query;

/// The request headers that are kept.
const KEPT_HEADERS: [&str; 5] = [
    "cookie",
    "user-agent",
    "referer",
    "authorization",
    "x-odb-test",
];

/// One request as the server received it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// `GET`, `POST`, …
    pub method: String,
    /// The path as sent, without the query.
    pub path: String,
    /// The query as sent, without the question mark; empty when there is none.
    pub query: String,
    /// `cookie`, `user-agent`, `referer`, `authorization` and `x-odb-test`, where the request had them; names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body as text; bytes that are no UTF-8 are replaced.
    pub body: String,
}

impl Recorded {
    /// The value of a kept header; `name` in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// The decoded value of a query parameter.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<String> {
        Query::parse(&self.query).get(name).map(str::to_owned)
    }
}

/// The part of a header map that is recorded.
pub(super) fn kept_headers(headers: &hyper::HeaderMap) -> Vec<(String, String)> {
    let text = |name: &str| {
        Some((
            name.to_owned(),
            String::from_utf8_lossy(headers.get(name)?.as_bytes()).into_owned(),
        ))
    };
    KEPT_HEADERS.iter().filter_map(|name| text(name)).collect()
}

/// The list of requests, and a counter that wakes those who wait for the next one.
#[derive(Debug)]
pub(super) struct Records {
    requests: Mutex<Vec<Recorded>>,
    arrivals: watch::Sender<u64>,
}

impl Records {
    pub(super) fn new() -> Self {
        Self {
            requests: Mutex::new(Vec::new()),
            arrivals: watch::Sender::new(0),
        }
    }

    pub(super) fn add(&self, request: Recorded) {
        self.lock().push(request);
        self.arrivals.send_modify(|count| *count += 1);
    }

    pub(super) fn requests(&self) -> Vec<Recorded> {
        self.lock().clone()
    }

    pub(super) fn hits(&self, path: &str) -> usize {
        self.lock()
            .iter()
            .filter(|request| request.path == path)
            .count()
    }

    pub(super) fn reports(&self) -> Vec<String> {
        self.lock()
            .iter()
            .filter(|request| request.path == "/report")
            .filter_map(|request| request.param("id"))
            .collect()
    }

    pub(super) fn reported(&self, id: &str) -> usize {
        self.reports()
            .iter()
            .filter(|reported| *reported == id)
            .count()
    }

    pub(super) fn forget(&self) {
        self.lock().clear();
    }

    pub(super) async fn wait_until(
        &self,
        within: Duration,
        enough: impl Fn(&Self) -> bool,
    ) -> bool {
        let mut arrivals = self.arrivals.subscribe();
        let waiting = async {
            while !enough(self) {
                if arrivals.changed().await.is_err() {
                    return;
                }
            }
        };
        // The last look decides, so that an arrival at the deadline is not lost.
        let _ = tokio::time::timeout(within, waiting).await;
        enough(self)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Recorded>> {
        self.requests.lock()
    }
}
