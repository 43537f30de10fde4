//! The log of a session's requests: bounded, read from a cursor on, each entry brought up to date by the events that
//! concern it. It knows nothing of rules, and it asks no browser.

use std::collections::{HashMap, VecDeque};

use ops_contracts::seam::adapter::{
    Headers, Initiator, RequestDetails, RequestKey, RequestTiming, ResourceKind, ResponseDetails,
    TargetKey,
};
use ops_contracts::wire::clock::Timestamp;
use ops_contracts::wire::command::network::{Header, RequestEntry, RequestState};
use ops_contracts::wire::ids::{FrameId, TargetId};

/// The most requests that are kept.
const MAX_ENTRIES: usize = 1_000;
/// The longest header value that is kept, in bytes.
const MAX_VALUE: usize = 4_096;
/// The longest URL that is kept, in bytes: data URLs may be megabytes.
const MAX_URL: usize = 8_192;
/// The most headers that wait for their request.
const MAX_EARLY: usize = 64;
/// What stands for the value of a secret.
pub(crate) const HIDDEN: &str = "[hidden]";

/// A request, as events have told of it. Numbers that end in `seq` are those of events.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub(crate) seq: u64,
    pub(crate) key: RequestKey,
    pub(crate) target: TargetKey,
    pub(crate) target_id: TargetId,
    pub(crate) frame: Option<FrameId>,
    pub(crate) method: String,
    pub(crate) url: String,
    pub(crate) kind: ResourceKind,
    pub(crate) state: RequestState,
    pub(crate) sent_seq: u64,
    pub(crate) answered_seq: Option<u64>,
    pub(crate) ended_seq: Option<u64>,
    pub(crate) details: RequestDetails,
    pub(crate) status: Option<u16>,
    pub(crate) mime_type: Option<String>,
    pub(crate) response: Option<ResponseDetails>,
    pub(crate) transferred: Option<u64>,
    pub(crate) ended_ms: Option<f64>,
    pub(crate) failure: Option<String>,
    pub(crate) cancelled: bool,
    pub(crate) redirected_from: Option<u64>,
    pub(crate) redirected_to: Option<String>,
    /// The headers that went over the network, with those that the browser added.
    pub(crate) sent_headers: Option<Headers>,
    pub(crate) received_headers: Option<Headers>,
}

/// What a request begins with.
pub(crate) struct Sent {
    pub(crate) key: RequestKey,
    pub(crate) target: TargetKey,
    pub(crate) target_id: TargetId,
    pub(crate) frame: Option<FrameId>,
    pub(crate) method: String,
    pub(crate) url: String,
    pub(crate) kind: ResourceKind,
    pub(crate) redirected_from: Option<(u16, String)>,
}

/// Headers that came before their request.
#[derive(Default)]
struct Early {
    sent: Option<Headers>,
    received: Option<Headers>,
}

/// The log.
#[derive(Default)]
pub(crate) struct NetworkLog {
    records: VecDeque<Record>,
    next: u64,
    /// The last entry of each request that is kept; redirects of one request share the key.
    latest: HashMap<RequestKey, u64>,
    early: HashMap<RequestKey, Early>,
}

impl NetworkLog {
    /// Number of the next entry.
    pub(crate) fn next_seq(&self) -> u64 {
        self.next
    }

    /// The entries that are kept, from `since` on, and how many of them were lost.
    pub(crate) fn since(&self, since: u64) -> (impl Iterator<Item = &Record>, u64) {
        let first = self.next - self.records.len() as u64;
        let lost = first.saturating_sub(since);
        let skip = usize::try_from(since.saturating_sub(first)).unwrap_or(usize::MAX);
        (self.records.iter().skip(skip), lost)
    }

    /// The entry of this number, where it is kept.
    pub(crate) fn get(&self, seq: u64) -> Option<&Record> {
        let first = self.next - self.records.len() as u64;
        self.records
            .get(usize::try_from(seq.checked_sub(first)?).ok()?)
    }

    /// Requests that are pending, streams aside.
    pub(crate) fn in_flight(&self) -> u32 {
        let stream = |kind| matches!(kind, ResourceKind::Websocket | ResourceKind::Eventsource);
        let pending = self
            .records
            .iter()
            .filter(|record| record.state == RequestState::Pending && !stream(record.kind));
        u32::try_from(pending.count()).unwrap_or(u32::MAX)
    }

    pub(super) fn sent(&mut self, sent: Sent, at: u64) {
        let before = self.latest.get(&sent.key).copied();
        let mut redirected_from = None;
        if let (Some((status, _)), Some(before)) = (&sent.redirected_from, before) {
            redirected_from = Some(before);
            if let Some(record) = self.get_mut(before) {
                record.status = Some(*status);
                record.state = RequestState::Finished;
                record.redirected_to = Some(sent.url.clone());
                record.answered_seq.get_or_insert(at);
                record.ended_seq = Some(at);
            }
        }
        let early = self.early.remove(&sent.key).unwrap_or_default();
        self.latest.insert(sent.key, self.next);
        self.records.push_back(Record {
            seq: self.next,
            key: sent.key,
            target: sent.target,
            target_id: sent.target_id,
            frame: sent.frame,
            method: sent.method,
            url: cut(sent.url, MAX_URL),
            kind: sent.kind,
            state: RequestState::Pending,
            sent_seq: at,
            answered_seq: None,
            ended_seq: None,
            details: RequestDetails::default(),
            status: None,
            mime_type: None,
            response: None,
            transferred: None,
            ended_ms: None,
            failure: None,
            cancelled: false,
            redirected_from,
            redirected_to: None,
            sent_headers: early.sent,
            received_headers: early.received,
        });
        self.next += 1;
        if self.records.len() > MAX_ENTRIES
            && let Some(oldest) = self.records.pop_front()
            && self.latest.get(&oldest.key) == Some(&oldest.seq)
        {
            self.latest.remove(&oldest.key);
        }
    }

    pub(super) fn detailed(&mut self, key: RequestKey, details: RequestDetails) {
        let redirect_ended = details.monotonic_ms;
        let Some(record) = self.latest_mut(key) else {
            return;
        };
        record.details = RequestDetails {
            headers: cut_values(details.headers),
            ..details
        };
        let before = record.redirected_from;
        if let Some(record) = before.and_then(|before| self.get_mut(before)) {
            record.ended_ms = Some(redirect_ended);
        }
    }

    pub(super) fn answered(&mut self, key: RequestKey, status: u16, mime_type: String, at: u64) {
        let Some(record) = self.latest_mut(key) else {
            return;
        };
        record.status = Some(status).filter(|status| *status > 0);
        record.mime_type = Some(mime_type);
        record.answered_seq = Some(at);
    }

    pub(super) fn response_detailed(&mut self, key: RequestKey, details: ResponseDetails) {
        let Some(record) = self.latest_mut(key) else {
            return;
        };
        record.response = Some(ResponseDetails {
            headers: cut_values(details.headers),
            ..details
        });
    }

    /// Headers as they went over the network. They may come before their request, and after its redirect.
    pub(super) fn headers(&mut self, key: RequestKey, headers: Headers, response: bool) {
        let headers = cut_values(headers);
        let lacks = |record: &Record| {
            record.key == key
                && if response {
                    record.received_headers.is_none()
                } else {
                    record.sent_headers.is_none()
                }
        };
        let place = self
            .records
            .iter_mut()
            .rev()
            .take_while(|record| record.key != key || lacks(record))
            .filter(|r| r.key == key)
            .last();
        match (place, response) {
            (Some(record), true) => record.received_headers = Some(headers),
            (Some(record), false) => record.sent_headers = Some(headers),
            (None, _) => {
                if self.early.len() >= MAX_EARLY {
                    self.early.clear();
                }
                let early = self.early.entry(key).or_default();
                if response {
                    early.received = Some(headers)
                } else {
                    early.sent = Some(headers)
                }
            }
        }
    }

    pub(super) fn measured(
        &mut self,
        key: RequestKey,
        transferred: Option<u64>,
        monotonic_ms: f64,
    ) {
        let Some(record) = self.latest_mut(key) else {
            return;
        };
        record.transferred = transferred;
        record.ended_ms = Some(monotonic_ms);
    }

    pub(super) fn finished(&mut self, key: RequestKey, at: u64) {
        let Some(record) = self.latest_mut(key) else {
            return;
        };
        record.state = RequestState::Finished;
        record.ended_seq = Some(at);
    }

    pub(super) fn failed(&mut self, key: RequestKey, reason: String, cancelled: bool, at: u64) {
        let Some(record) = self.latest_mut(key) else {
            return;
        };
        record.state = RequestState::Failed;
        record.failure = Some(reason);
        record.cancelled = cancelled;
        record.ended_seq = Some(at);
    }

    /// A page is gone: what it had under way ends with it.
    pub(super) fn page_closed(&mut self, target: TargetKey, at: u64) {
        let pending = self
            .records
            .iter_mut()
            .filter(|record| record.target == target && record.state == RequestState::Pending);
        for record in pending {
            record.state = RequestState::Failed;
            record.failure = Some("the page closed".to_owned());
            record.cancelled = true;
            record.ended_seq = Some(at);
        }
    }

    fn latest_mut(&mut self, key: RequestKey) -> Option<&mut Record> {
        let seq = *self.latest.get(&key)?;
        self.get_mut(seq)
    }

    fn get_mut(&mut self, seq: u64) -> Option<&mut Record> {
        let first = self.next - self.records.len() as u64;
        self.records
            .get_mut(usize::try_from(seq.checked_sub(first)?).ok()?)
    }
}

impl Record {
    /// The entry as the contract tells of it.
    pub(crate) fn entry(&self, headers: bool, secrets: bool) -> RequestEntry {
        let shown = |list: &Headers| list.iter().map(|header| shown(header, secrets)).collect();
        RequestEntry {
            seq: self.seq,
            target_id: self.target_id.clone(),
            frame: self.frame.clone(),
            method: self.method.clone(),
            url: self.url.clone(),
            kind: self.kind,
            state: self.state,
            at: self.at(),
            status: self.status,
            status_text: self
                .response
                .as_ref()
                .map(|response| response.status_text.clone())
                .filter(|text| !text.is_empty()),
            mime_type: self.mime_type.clone(),
            transferred_bytes: self.transferred,
            duration_ms: self.duration_ms(),
            timing: self.timing(),
            failure: self.failure.clone(),
            cancelled: self.cancelled,
            refused: None,
            from_cache: self
                .response
                .as_ref()
                .is_some_and(|response| response.from_cache),
            redirected_from: self.redirected_from,
            initiator: self.initiator().cloned(),
            request_headers: headers.then(|| shown(self.request_headers())),
            response_headers: headers
                .then(|| self.response_headers().map(shown).unwrap_or_default()),
        }
    }

    pub(crate) fn at(&self) -> Timestamp {
        Timestamp::from_unix_millis(self.details.at_ms.max(0.0) as u64)
    }

    pub(crate) fn duration_ms(&self) -> Option<f64> {
        let ended = self.ended_ms.filter(|_| self.details.monotonic_ms > 0.0)?;
        Some(round(ended - self.details.monotonic_ms).max(0.0))
    }

    pub(crate) fn timing(&self) -> Option<RequestTiming> {
        self.response.as_ref().and_then(|response| response.timing)
    }

    pub(crate) fn initiator(&self) -> Option<&Initiator> {
        self.details.initiator.as_ref()
    }

    pub(crate) fn request_headers(&self) -> &Headers {
        self.sent_headers.as_ref().unwrap_or(&self.details.headers)
    }

    pub(crate) fn response_headers(&self) -> Option<&Headers> {
        self.received_headers
            .as_ref()
            .or(self.response.as_ref().map(|response| &response.headers))
    }
}

/// Two decimals.
pub(crate) fn round(millis: f64) -> f64 {
    (millis * 100.0).round() / 100.0
}

/// Names of headers whose values are credentials.
const SECRETS: &[&str] = &[
    "authorization",
    "proxy-authorization",
    "cookie",
    "set-cookie",
    "cookie2",
    "set-cookie2",
];
/// Parts of names that say so.
const SECRET_PARTS: &[&str] = &[
    "token",
    "secret",
    "password",
    "passwd",
    "api-key",
    "apikey",
    "auth",
    "session",
    "csrf",
    "xsrf",
    "credential",
];

/// A header as it may be shown.
pub(crate) fn shown((name, value): &(String, String), secrets: bool) -> Header {
    let value = if secrets || !is_secret(name) {
        value.clone()
    } else {
        hidden(name, value)
    };
    Header {
        name: name.clone(),
        value,
    }
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRETS.contains(&name.as_str()) || SECRET_PARTS.iter().any(|part| name.contains(part))
}

/// A request's body as it may be shown: values of secrets in forms and JSON are hidden.
pub(crate) fn hide_body(body: &str) -> String {
    if let Ok(mut value) = serde_json::from_str::<serde_json::Value>(body)
        && (value.is_object() || value.is_array())
    {
        hide_values(&mut value);
        return value.to_string();
    }
    if body.contains('=') && !body.contains(['\n', ' ', '<']) {
        let pairs = body.split('&').map(|pair| match pair.split_once('=') {
            Some((name, _)) if is_secret(name) => format!("{name}={HIDDEN}"),
            _ => pair.to_owned(),
        });
        return pairs.collect::<Vec<_>>().join("&");
    }
    body.to_owned()
}

fn hide_values(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::Array(items) => items.iter_mut().for_each(hide_values),
        serde_json::Value::Object(fields) => {
            for (name, field) in fields {
                if is_secret(name) && (field.is_string() || field.is_number()) {
                    *field = HIDDEN.into();
                } else {
                    hide_values(field);
                }
            }
        }
        _ => {}
    }
}

/// What is no secret of it stays: names of cookies, the scheme of an authorization.
fn hidden(name: &str, value: &str) -> String {
    let name = name.to_ascii_lowercase();
    if name.ends_with("authorization") {
        return match value.split_once(' ') {
            Some((scheme, _)) => format!("{scheme} {HIDDEN}"),
            None => HIDDEN.to_owned(),
        };
    }
    if name == "cookie" {
        let names = value
            .split("; ")
            .map(|pair| format!("{}={HIDDEN}", pair.split('=').next().unwrap_or_default()));
        return names.collect::<Vec<_>>().join("; ");
    }
    HIDDEN.to_owned()
}

fn cut(mut text: String, most: usize) -> String {
    if text.len() > most {
        let end = (0..=most)
            .rev()
            .find(|at| text.is_char_boundary(*at))
            .unwrap_or(0);
        text.truncate(end);
        text.push('…');
    }
    text
}

fn cut_values(headers: Headers) -> Headers {
    headers
        .into_iter()
        .map(|(name, value)| (name, cut(value, MAX_VALUE)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(key: u64, url: &str, redirected_from: Option<(u16, String)>) -> Sent {
        Sent {
            key: RequestKey(key),
            target: TargetKey(1),
            target_id: TargetId::from_number(1),
            frame: None,
            method: "GET".to_owned(),
            url: url.to_owned(),
            kind: ResourceKind::Fetch,
            redirected_from,
        }
    }

    #[test]
    fn a_redirect_is_an_entry_of_its_own_and_headers_find_their_hop() {
        let mut log = NetworkLog::default();
        let key = RequestKey(7);
        log.headers(key, vec![("a".into(), "1".into())], false);
        log.sent(sent(7, "http://x/1", None), 1);
        log.sent(sent(7, "http://x/2", Some((302, "http://x/1".into()))), 2);
        log.headers(key, vec![("b".into(), "2".into())], false);
        log.headers(key, vec![("c".into(), "3".into())], true);
        log.answered(key, 200, "text/html".into(), 3);
        log.finished(key, 4);
        let first = log.get(0).unwrap().entry(true, false);
        assert_eq!(
            (first.status, first.state),
            (Some(302), RequestState::Finished)
        );
        assert_eq!(first.request_headers.unwrap()[0].name, "a");
        assert_eq!(first.response_headers.unwrap()[0].name, "c");
        let second = log.get(1).unwrap().entry(true, false);
        assert_eq!(
            (second.status, second.redirected_from),
            (Some(200), Some(0))
        );
        assert_eq!(second.request_headers.unwrap()[0].name, "b");
        assert_eq!(log.in_flight(), 0);
    }

    #[test]
    fn the_oldest_are_lost_and_counted() {
        let mut log = NetworkLog::default();
        for n in 0..=MAX_ENTRIES as u64 {
            log.sent(sent(n, "http://x/", None), n);
        }
        let (entries, lost) = log.since(0);
        assert_eq!(
            (entries.count(), lost, log.next_seq()),
            (MAX_ENTRIES, 1, MAX_ENTRIES as u64 + 1)
        );
        assert!(log.get(0).is_none());
        assert_eq!(log.since(u64::MAX).0.count(), 0);
        log.finished(RequestKey(0), 5);
    }

    #[test]
    fn secrets_of_headers_are_hidden_unless_asked_for() {
        let check = |name: &str, value: &str, expected: &str| {
            let header = (name.to_owned(), value.to_owned());
            assert_eq!(shown(&header, false).value, expected, "{name}");
            assert_eq!(shown(&header, true).value, value);
        };
        check("Authorization", "Bearer abc", "Bearer [hidden]");
        check("Cookie", "a=1; sid=2", "a=[hidden]; sid=[hidden]");
        check("set-cookie", "sid=2; Path=/", "[hidden]");
        check("X-Api-Key", "k", "[hidden]");
        check("x-csrf-token", "k", "[hidden]");
        check("accept", "text/html", "text/html");
        assert_eq!(
            hide_body("user=ada&password=p"),
            "user=ada&password=[hidden]"
        );
        assert_eq!(
            hide_body(r#"{"a":[{"token":"t","n":1}]}"#),
            r#"{"a":[{"n":1,"token":"[hidden]"}]}"#
        );
        assert_eq!(hide_body("plain text = nothing"), "plain text = nothing");
    }
}
