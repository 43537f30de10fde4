//! Requests, responses and failures.

use ops_contracts::adapter::{Event as SeamEvent, FrameKey, RequestKey, ResourceKind, TargetKey};

use super::Turn;
use super::state::{Progress, Request};
use crate::protocol::network::{Exchange, RequestData, has_header};

/// What the browser calls a request that somebody ended.
const ABORTED: &str = "NS_BINDING_ABORTED";

impl Turn<'_> {
    fn place(&self, exchange: &Exchange<'_>) -> Option<(FrameKey, TargetKey)> {
        self.state.locate(exchange.context?)
    }

    pub(super) fn request(&mut self, exchange: Exchange<'_>) {
        let Some((frame, target)) = self.place(&exchange) else { return };
        let kind = kind(&exchange.request);
        let becomes = exchange.navigation.filter(|_| kind == ResourceKind::Document);
        let document = becomes.and_then(|id| self.state.navigation(target, id)).map(|navigation| navigation.document);
        let fresh = RequestKey(self.state.next_key());
        let Some(page) = self.state.pages.get_mut(&target) else { return };
        let known = page.requests.entry(exchange.request.request.into()).or_insert(Request { key: fresh, redirect: None });
        let (request, redirected_from) = (known.key, known.redirect.take().filter(|_| exchange.redirect_count > 0));
        let RequestData { url, method, .. } = exchange.request;
        self.tell(target, SeamEvent::Request { target, frame: Some(frame), request, document, url, method, kind, redirected_from });
    }

    pub(super) fn response(&mut self, exchange: Exchange<'_>) {
        let (Some((_, target)), Some(response)) = (self.place(&exchange), exchange.response) else { return };
        let Some(page) = self.state.pages.get_mut(&target) else { return };
        let Some(known) = page.requests.get_mut(exchange.request.request) else { return };
        let request = known.key;
        if matches!(response.status, 301 | 302 | 303 | 307 | 308) && has_header(response.headers, "location", "") {
            // Another request follows with the same id; this response is told of by it alone.
            known.redirect = Some((response.status, response.url));
            return;
        }
        let mime_type = response.mime_type.split(';').next().unwrap_or_default().to_owned();
        self.tell(target, SeamEvent::Response { target, request, status: response.status, url: response.url, mime_type });
    }

    pub(super) fn finished(&mut self, exchange: &Exchange<'_>) {
        let Some((_, target)) = self.place(exchange) else { return };
        let Some(page) = self.state.pages.get_mut(&target) else { return };
        let id = exchange.request.request;
        if page.requests.get(id).is_some_and(|request| request.redirect.is_none())
            && let Some(Request { key: request, .. }) = page.requests.remove(id)
        {
            self.tell(target, SeamEvent::RequestFinished { target, request });
        }
    }

    pub(super) fn failed(&mut self, exchange: Exchange<'_>) {
        let Some((frame, target)) = self.place(&exchange) else { return };
        let reason = exchange.error_text.unwrap_or_default();
        let cancelled = reason == ABORTED;
        let Some(page) = self.state.pages.get_mut(&target) else { return };
        if let Some(Request { key: request, .. }) = page.requests.remove(exchange.request.request) {
            self.tell(target, SeamEvent::RequestFailed { target, request, reason: reason.clone(), cancelled });
        }
        let Some(id) = exchange.navigation else { return };
        if cancelled {
            self.ended_without_document(target, frame, id, ABORTED);
        } else if let Some(navigation) = self.state.navigation(target, id)
            && matches!(navigation.progress, Progress::Running(_))
        {
            // A document that explains it follows, and with it the failure is told.
            navigation.progress = Progress::Running(Some(reason));
        }
    }
}

fn kind(request: &RequestData<'_>) -> ResourceKind {
    if request.url.starts_with("ws:") || request.url.starts_with("wss:") {
        return ResourceKind::Websocket;
    }
    match (request.destination.unwrap_or_default(), request.initiator_type.unwrap_or_default()) {
        ("document" | "iframe" | "frame" | "embed" | "object", _) => ResourceKind::Document,
        ("style", _) => ResourceKind::Stylesheet,
        ("script" | "worker" | "sharedworker" | "serviceworker", _) => ResourceKind::Script,
        ("image", _) => ResourceKind::Image,
        ("font", _) => ResourceKind::Font,
        ("audio" | "video" | "track", _) => ResourceKind::Media,
        ("", _) if has_header(request.headers, "accept", "text/event-stream") => ResourceKind::Eventsource,
        ("", "fetch" | "xmlhttprequest") => ResourceKind::Fetch,
        _ => ResourceKind::Other,
    }
}
