//! The log of a session's requests: bounded, read from a cursor on, each entry brought up to date by the events that
//! concern it. It knows nothing of rules, and it asks no browser. Texts come to it cut to their lengths.

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
/// The most bytes that the texts of all entries own together.
const MAX_BYTES: usize = 16 << 20;
/// What an entry costs, whatever is in it.
const ENTRY_COST: usize = 1_024;
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
    /// What it costs, as of its last change.
    cost: usize,
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
    /// The costs of all entries together.
    bytes: usize,
}

impl NetworkLog {
    #[cfg(test)]
    pub(crate) fn owned_bytes(&self) -> usize {
        self.records.iter().map(Record::count_cost).sum()
    }

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
            self.update(before, |record| {
                record.status = Some(*status);
                record.state = RequestState::Finished;
                record.redirected_to = Some(sent.url.clone());
                record.answered_seq.get_or_insert(at);
                record.ended_seq = Some(at);
            });
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
            url: sent.url,
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
            cost: 0,
        });
        self.next += 1;
        self.update(self.next - 1, |_| {});
    }

    /// Changes an entry and counts its cost again. The oldest entries go where there are too many, or all of them cost too much.
    fn update(&mut self, seq: u64, change: impl FnOnce(&mut Record)) {
        let Some(record) = self.get_mut(seq) else {
            return;
        };
        change(record);
        let (before, now) = (record.cost, record.count_cost());
        record.cost = now;
        self.bytes = self.bytes - before + now;
        self.forget_oldest();
    }

    fn update_latest(&mut self, key: RequestKey, change: impl FnOnce(&mut Record)) {
        if let Some(seq) = self.latest.get(&key) {
            self.update(*seq, change);
        }
    }

    fn forget_oldest(&mut self) {
        while self.records.len() > MAX_ENTRIES || self.bytes > MAX_BYTES {
            let Some(oldest) = self.records.pop_front() else {
                break;
            };
            self.bytes -= oldest.cost;
            if self.latest.get(&oldest.key) == Some(&oldest.seq) {
                self.latest.remove(&oldest.key);
            }
        }
    }

    pub(super) fn detailed(&mut self, key: RequestKey, details: RequestDetails) {
        let redirect_ended = details.monotonic_ms;
        let mut before = None;
        self.update_latest(key, |record| {
            record.details = details;
            before = record.redirected_from;
        });
        if let Some(record) = before.and_then(|before| self.get_mut(before)) {
            record.ended_ms = Some(redirect_ended);
        }
    }

    pub(super) fn answered(&mut self, key: RequestKey, status: u16, mime_type: String, at: u64) {
        self.update_latest(key, |record| {
            record.status = Some(status).filter(|status| *status > 0);
            record.mime_type = Some(mime_type);
            record.answered_seq = Some(at);
        });
    }

    pub(super) fn response_detailed(&mut self, key: RequestKey, details: ResponseDetails) {
        self.update_latest(key, |record| record.response = Some(details));
    }

    /// Headers as they went over the network. They may come before their request, and after its redirect.
    pub(super) fn headers(&mut self, key: RequestKey, headers: Headers, response: bool) {
        let lacks = |record: &&Record| {
            if response {
                record.received_headers.is_none()
            } else {
                record.sent_headers.is_none()
            }
        };
        let of_request = self.records.iter().rev().filter(|record| record.key == key);
        let place = of_request.take_while(lacks).last().map(|record| record.seq);
        match place {
            Some(seq) => self.update(seq, |record| {
                if response {
                    record.received_headers = Some(headers);
                } else {
                    record.sent_headers = Some(headers);
                }
            }),
            None => self.keep_early(key, headers, response),
        }
    }

    fn keep_early(&mut self, key: RequestKey, headers: Headers, response: bool) {
        if self.early.len() >= MAX_EARLY {
            self.early.clear();
        }
        let early = self.early.entry(key).or_default();
        if response {
            early.received = Some(headers);
        } else {
            early.sent = Some(headers);
        }
    }

    pub(super) fn measured(
        &mut self,
        key: RequestKey,
        transferred: Option<u64>,
        monotonic_ms: f64,
    ) {
        self.update_latest(key, |record| {
            record.transferred = transferred;
            record.ended_ms = Some(monotonic_ms);
        });
    }

    pub(super) fn finished(&mut self, key: RequestKey, at: u64) {
        self.update_latest(key, |record| {
            record.state = RequestState::Finished;
            record.ended_seq = Some(at);
        });
    }

    pub(super) fn failed(&mut self, key: RequestKey, reason: String, cancelled: bool, at: u64) {
        self.update_latest(key, |record| {
            record.state = RequestState::Failed;
            record.failure = Some(reason);
            record.cancelled = cancelled;
            record.ended_seq = Some(at);
        });
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

    /// Bytes that it owns.
    fn count_cost(&self) -> usize {
        let optional = |text: &Option<String>| text.as_ref().map_or(0, String::capacity);
        let headers = |headers: &Headers| -> usize {
            let texts = headers
                .iter()
                .map(|(name, value)| name.capacity() + value.capacity());
            headers.capacity() * size_of::<(String, String)>() + texts.sum::<usize>()
        };
        let initiator =
            |initiator: &Initiator| initiator.kind.capacity() + optional(&initiator.url);
        let response = |response: &ResponseDetails| {
            response.status_text.capacity()
                + response.protocol.capacity()
                + optional(&response.remote_address)
                + headers(&response.headers)
        };
        ENTRY_COST
            + self.method.capacity()
            + self.url.capacity()
            + optional(&self.mime_type)
            + optional(&self.failure)
            + optional(&self.redirected_to)
            + optional(&self.details.body)
            + headers(&self.details.headers)
            + self.details.initiator.as_ref().map_or(0, initiator)
            + self.response.as_ref().map_or(0, response)
            + self.sent_headers.as_ref().map_or(0, headers)
            + self.received_headers.as_ref().map_or(0, headers)
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

/// Words of names that say so where they stand alone: `pin` is one, `shipping` is none.
const SECRET_WORDS: &[&str] = &[
    "pass",
    "pwd",
    "pin",
    "otp",
    "cvv",
    "cvc",
    "ssn",
    "iban",
    "passcode",
    "passphrase",
];
/// Names that say so however their words are put together.
const SECRET_NAMES: &[&str] = &[
    "creditcard",
    "cardnumber",
    "cardno",
    "securitycode",
    "onetimecode",
    "privatekey",
];

fn is_secret(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let plain: String = lower
        .chars()
        .filter(|c| c.is_ascii_alphanumeric())
        .collect();
    SECRETS.contains(&lower.as_str())
        || SECRET_PARTS.iter().any(|part| lower.contains(part))
        || SECRET_NAMES.iter().any(|part| plain.contains(part))
        || words(name).any(|word| SECRET_WORDS.contains(&word.as_str()))
}

/// The words of a name: `userPin`, `user_pin` and `user[pin]` have two.
fn words(name: &str) -> impl Iterator<Item = String> {
    let mut spaced = String::with_capacity(name.len() + 8);
    let mut before = ' ';
    for c in name.chars() {
        if c.is_ascii_uppercase() && before.is_ascii_lowercase() {
            spaced.push(' ');
        }
        spaced.push(if c.is_ascii_alphabetic() {
            c.to_ascii_lowercase()
        } else {
            ' '
        });
        before = c;
    }
    spaced
        .split_whitespace()
        .map(str::to_owned)
        .collect::<Vec<_>>()
        .into_iter()
}

/// A request's body as it may be shown: values of secrets are hidden, in forms of every encoding, JSON, XML and queries.
pub(crate) fn hide_body(body: &str) -> String {
    if let Ok(mut value) = serde_json::from_str::<serde_json::Value>(body)
        && (value.is_object() || value.is_array())
    {
        hide_values(&mut value);
        return value.to_string();
    }
    if body.starts_with("--") && body.contains("form-data") {
        return hide_parts(body);
    }
    if body.contains('=') && !body.contains(['\n', ' ', '<']) {
        let pairs = body.split('&').map(|pair| match pair.split_once('=') {
            Some((name, _)) if is_secret(name) => format!("{name}={HIDDEN}"),
            _ => pair.to_owned(),
        });
        return pairs.collect::<Vec<_>>().join("&");
    }
    hide_in_text(body)
}

fn hide_values(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::Array(items) => items.iter_mut().for_each(hide_values),
        serde_json::Value::Object(fields) => {
            for (name, field) in fields {
                if is_secret(name) && !field.is_null() && !field.is_boolean() {
                    *field = HIDDEN.into();
                } else {
                    hide_values(field);
                }
            }
        }
        // A query within JSON, as GraphQL sends it.
        serde_json::Value::String(text) => *text = hide_in_text(text),
        _ => {}
    }
}

/// A multipart form. Each part begins with a line of the boundary; its name is in its head.
fn hide_parts(body: &str) -> String {
    let boundary = body.lines().next().unwrap_or_default();
    let parts = body.split(boundary).map(|part| {
        let Some((head, value)) = part.split_once("\r\n\r\n") else {
            return part.to_owned();
        };
        let name = head
            .split("name=\"")
            .nth(1)
            .and_then(|rest| rest.split('"').next());
        if name.is_some_and(is_secret) && !value.is_empty() {
            format!("{head}\r\n\r\n{HIDDEN}\r\n")
        } else {
            part.to_owned()
        }
    });
    parts.collect::<Vec<_>>().join(boundary)
}

/// Text of any kind: what stands behind a secret's name as its value. `<pin>1</pin>`, `pin="1"`, `pin: "1"`, `pin: 1`.
fn hide_in_text(text: &str) -> String {
    let part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(begin) = rest.find(part) {
        let end = rest[begin..]
            .find(|c| !part(c))
            .map_or(rest.len(), |at| begin + at);
        out.push_str(&rest[..end]);
        let name = &rest[begin..end];
        rest = &rest[end..];
        if let Some((before, value)) = value_behind(rest).filter(|_| is_secret(name)) {
            out.push_str(&rest[..before]);
            out.push_str(HIDDEN);
            rest = &rest[before + value..];
        }
    }
    out.push_str(rest);
    out
}

/// Where the value of a name begins behind it, and how long it is.
fn value_behind(text: &str) -> Option<(usize, usize)> {
    if let Some(inner) = text.strip_prefix('>') {
        // The end of an element's name: its text.
        let value = inner.find('<').unwrap_or(inner.len());
        return (value > 0).then_some((1, value));
    }
    let trimmed = text.trim_start_matches(['"', '\\', ' ', '\t']);
    let sign = trimmed.strip_prefix([':', '='])?;
    let value = sign.trim_start();
    let at = text.len() - value.len();
    let quote = value
        .strip_prefix("\\\"")
        .map(|_| "\\\"")
        .or(value.strip_prefix('"').map(|_| "\""));
    let quote = quote.or(value.strip_prefix('\'').map(|_| "'"));
    match quote {
        Some(quote) => {
            let inner = &value[quote.len()..];
            Some((at + quote.len(), inner.find(quote).unwrap_or(inner.len())))
        }
        None => {
            let end = value.find(|c: char| c.is_whitespace() || ",;)}]&<".contains(c));
            Some((at, end.unwrap_or(value.len()))).filter(|(_, length)| *length > 0)
        }
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
    fn all_entries_together_own_no_more_bytes_than_they_may() {
        let mut log = NetworkLog::default();
        let details = || RequestDetails {
            body: Some("b".repeat(64 << 10)),
            headers: vec![("name".into(), "v".repeat(4_000)); 8],
            ..RequestDetails::default()
        };
        for n in 0..400 {
            log.sent(sent(n, "http://x/", None), n);
            log.detailed(RequestKey(n), details());
            log.headers(RequestKey(n), details().headers, true);
            let owned: usize = log.records.iter().map(Record::count_cost).sum();
            assert_eq!(log.bytes, owned, "every change is counted");
            assert!(owned <= MAX_BYTES, "{owned}");
        }
        let (entries, lost) = log.since(0);
        let kept = entries.count() as u64;
        assert!(kept > 100 && kept + lost == 400, "{kept} kept, {lost} lost");
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

    #[test]
    fn secrets_of_bodies_are_hidden_in_every_encoding() {
        let check = |body: &str, expected: &str| assert_eq!(hide_body(body), expected, "{body}");
        check(
            "user=ada&pwd=p&pin=1&x[otp]=2",
            "user=ada&pwd=[hidden]&pin=[hidden]&x[otp]=[hidden]",
        );
        check(
            "shipping=a&spin=b&compass=c&pinned=d",
            "shipping=a&spin=b&compass=c&pinned=d",
        );
        check(
            "creditCard=4&card-number=5&userPass=p",
            "creditCard=[hidden]&card-number=[hidden]&userPass=[hidden]",
        );
        check(
            r#"{"tokens":["a","b"],"pin":{"a":1},"n":1}"#,
            r#"{"n":1,"pin":"[hidden]","tokens":"[hidden]"}"#,
        );
        check(
            r#"{"query":"mutation { login(user: \"ada\", password: \"p\", pin: 12) { id } }"}"#,
            r#"{"query":"mutation { login(user: \"ada\", password: \"[hidden]\", pin: [hidden]) { id } }"}"#,
        );
        check(
            "<login pin=\"1\"><user>ada</user><password>p</password></login>",
            "<login pin=\"[hidden]\"><user>ada</user><password>[hidden]</password></login>",
        );
        let form = |value: &str| {
            format!(
                "--B\r\nContent-Disposition: form-data; name=\"user\"\r\n\r\nada\r\n--B\r\nContent-Disposition: form-data; name=\"pwd\"\r\n\r\n{value}\r\n--B--\r\n"
            )
        };
        check(&form("secret"), &form(HIDDEN));
        check("a text about a pass: none", "a text about a pass: [hidden]");
    }
}
