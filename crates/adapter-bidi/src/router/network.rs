//! Requests, responses and failures, with what is known of them.

use std::sync::Arc;
use std::time::Duration;

use ops_contracts::seam::adapter::{
    Event as SeamEvent, FrameKey, Initiator, RequestDetails, RequestKey, RequestTiming,
    ResourceKind, ResponseDetails, TargetKey,
};

use ops_contracts::wire::text::cut_bytes;

use super::Turn;
use super::state::{Progress, Request};
use crate::connection::{Reply, Route};
use crate::protocol::network::{
    DataType, Exchange, GetData, RequestData, ResponseData, Timings, all_headers, has_header,
};

/// What browsers call a request that somebody ended.
const ABORTED: [&str; 2] = ["NS_BINDING_ABORTED", "net::ERR_ABORTED"];
/// The longest body of a request that is read, in bytes.
const MAX_BODY: f64 = 65_536.0;
/// The longest URL of a redirect that is remembered, in bytes.
const MAX_URL: usize = 8_192;
/// How long the browser may take to hand it over.
const BODY_DEADLINE: Duration = Duration::from_secs(5);

impl Turn<'_> {
    pub(super) fn place(&self, exchange: &Exchange<'_>) -> Option<(FrameKey, TargetKey)> {
        self.state.locate(exchange.context?)
    }

    pub(super) fn request(&mut self, exchange: Exchange<'_>) {
        let Some((frame, target)) = self.place(&exchange) else {
            return self.pass_if_blocked(&exchange);
        };
        let kind = kind(&exchange.request);
        let becomes = exchange
            .navigation
            .filter(|_| kind == ResourceKind::Document);
        let document = becomes
            .and_then(|id| self.state.navigation(target, id))
            .map(|navigation| navigation.document);
        let fresh = RequestKey(self.state.next_key());
        let Some(page) = self.state.pages.get_mut(&target) else {
            return self.pass_if_blocked(&exchange);
        };
        let id = exchange.request.request;
        let redirects = exchange.redirect_count;
        let known = page
            .requests
            .get(id)
            .is_some_and(|known| known.redirects == redirects);
        let entry = page.requests.entry(id.into()).or_insert(Request {
            key: fresh,
            redirect: None,
            redirects,
        });
        entry.redirects = redirects;
        let (request, redirected_from) =
            (entry.key, entry.redirect.take().filter(|_| redirects > 0));
        page.answered.insert(request, id);
        // The same request is announced again when it is sent again with credentials.
        if !known {
            let (url, method) = (
                exchange.request.url.clone(),
                exchange.request.method.clone(),
            );
            let event = SeamEvent::Request {
                target,
                frame: Some(frame),
                request,
                document,
                url,
                method,
                kind,
                redirected_from,
            };
            self.tell(target, event);
            self.request_detailed(target, request, &exchange);
        }
        if exchange.is_blocked {
            self.request_paused(target, frame, request, kind, exchange);
        }
    }

    fn request_detailed(
        &mut self,
        target: TargetKey,
        request: RequestKey,
        exchange: &Exchange<'_>,
    ) {
        let body_size = exchange.request.body_size.unwrap_or(0.0);
        let script = matches!(
            exchange.request.initiator_type,
            Some("fetch" | "xmlhttprequest" | "beacon")
        );
        let sent = exchange.request.timings.request_time;
        let details = RequestDetails {
            headers: all_headers(exchange.request.headers),
            body: None,
            has_body: body_size > 0.0,
            at_ms: exchange.timestamp,
            monotonic_ms: if sent > 0.0 { sent } else { exchange.timestamp },
            initiator: Some(Initiator {
                kind: if script { "script" } else { "other" }.to_owned(),
                url: None,
                line: None,
            }),
        };
        if body_size > 0.0 && body_size <= MAX_BODY {
            let body = GetData {
                request: exchange.request.request,
                data_type: DataType::Request,
            };
            let reply = self.connection.send(&body, Route::page(target));
            self.tell_body(target, request, details.clone(), reply);
        }
        self.tell(
            target,
            SeamEvent::RequestDetailed {
                request,
                details: Box::new(details),
            },
        );
    }

    /// Tells the details of a request once more when the browser has handed its body over.
    fn tell_body(
        &self,
        target: TargetKey,
        request: RequestKey,
        details: RequestDetails,
        reply: Reply<GetData<'static>>,
    ) {
        let context = self
            .state
            .pages
            .get(&target)
            .and_then(|page| self.state.contexts.get(&page.context));
        let Some(sink) = context.map(|context| Arc::clone(&context.sink)) else {
            return;
        };
        tokio::spawn(async move {
            let Ok(Ok(data)) = tokio::time::timeout(BODY_DEADLINE, reply.decode()).await else {
                return;
            };
            let Some(body) = data
                .bytes
                .decode()
                .and_then(|bytes| String::from_utf8(bytes).ok())
            else {
                return;
            };
            sink.emit(SeamEvent::RequestDetailed {
                request,
                details: Box::new(RequestDetails {
                    body: Some(body),
                    ..details
                }),
            });
        });
    }

    pub(super) fn response(&mut self, exchange: Exchange<'_>) {
        let (Some((_, target)), Some(response)) = (self.place(&exchange), exchange.response) else {
            return;
        };
        let Some(page) = self.state.pages.get_mut(&target) else {
            return;
        };
        let Some(known) = page.requests.get_mut(exchange.request.request) else {
            return;
        };
        let request = known.key;
        let redirects = matches!(response.status, 301 | 302 | 303 | 307 | 308)
            && has_header(response.headers, "location", "");
        if redirects {
            // Another request follows with the same id; this response is told of by it.
            known.redirect = Some((response.status, cut_bytes(response.url.clone(), MAX_URL)));
        } else {
            let mime_type = response
                .mime_type
                .split(';')
                .next()
                .unwrap_or_default()
                .to_owned();
            let (status, url) = (response.status, response.url.clone());
            self.tell(
                target,
                SeamEvent::Response {
                    target,
                    request,
                    status,
                    url,
                    mime_type,
                },
            );
        }
        let details = Box::new(response_details(
            response,
            &exchange.request.timings,
            exchange.timestamp,
        ));
        self.tell(target, SeamEvent::ResponseDetailed { request, details });
    }

    pub(super) fn finished(&mut self, exchange: &Exchange<'_>) {
        let Some((_, target)) = self.place(exchange) else {
            return;
        };
        let Some(page) = self.state.pages.get_mut(&target) else {
            return;
        };
        let id = exchange.request.request;
        if page
            .requests
            .get(id)
            .is_some_and(|request| request.redirect.is_none())
            && let Some(Request { key: request, .. }) = page.requests.remove(id)
        {
            let received = exchange
                .response
                .as_ref()
                .and_then(|response| response.bytes_received);
            self.measured(target, request, received, exchange);
            self.tell(target, SeamEvent::RequestFinished { target, request });
        }
    }

    fn measured(
        &mut self,
        target: TargetKey,
        request: RequestKey,
        received: Option<f64>,
        exchange: &Exchange<'_>,
    ) {
        let ended = exchange.request.timings.response_end;
        let monotonic_ms = if ended > 0.0 {
            ended
        } else {
            exchange.timestamp
        };
        let transferred = received.map(|bytes| bytes.max(0.0) as u64);
        self.tell(
            target,
            SeamEvent::RequestMeasured {
                request,
                transferred,
                monotonic_ms,
            },
        );
    }

    pub(super) fn failed(&mut self, exchange: Exchange<'_>) {
        let Some((frame, target)) = self.place(&exchange) else {
            return;
        };
        let id = exchange.request.request;
        let refused = self.state.refused.remove(id);
        let cancelled = refused.is_none()
            && exchange
                .error_text
                .as_deref()
                .is_some_and(|text| ABORTED.contains(&text));
        // The browser knows one way to fail a request; the reason is the one that was asked for.
        let reason = refused
            .map(|reason| reason.to_owned())
            .or_else(|| exchange.error_text.clone())
            .unwrap_or_default();
        let Some(page) = self.state.pages.get_mut(&target) else {
            return;
        };
        if let Some(Request { key: request, .. }) = page.requests.remove(id) {
            self.measured(target, request, None, &exchange);
            self.tell(
                target,
                SeamEvent::RequestFailed {
                    target,
                    request,
                    reason: reason.clone(),
                    cancelled,
                },
            );
        }
        let Some(id) = exchange.navigation else {
            return;
        };
        if cancelled {
            self.ended_without_document(target, frame, id, &reason);
        } else if let Some(navigation) = self.state.navigation(target, id)
            && matches!(navigation.progress, Progress::Running(_))
        {
            // A document that explains it follows, and with it the failure is told.
            navigation.progress = Progress::Running(Some(reason));
        }
    }
}

fn response_details(response: ResponseData<'_>, timings: &Timings, at: f64) -> ResponseDetails {
    let begun = timings.response_start;
    ResponseDetails {
        headers: all_headers(response.headers),
        status_text: response.status_text,
        protocol: response.protocol.unwrap_or_default(),
        remote_address: None,
        from_cache: response.from_cache,
        from_service_worker: false,
        monotonic_ms: if begun > 0.0 { begun } else { at },
        timing: Some(timing(timings)),
    }
}

/// From points in time, 0 where there was none, to spans.
fn timing(times: &Timings) -> RequestTiming {
    let span = |from: f64, to: f64| {
        if from <= 0.0 || to <= 0.0 {
            -1.0
        } else {
            ((to - from).max(0.0) * 100.0).round() / 100.0
        }
    };
    let begins = [times.dns_start, times.connect_start, times.request_start]
        .into_iter()
        .find(|start| *start > 0.0);
    RequestTiming {
        blocked_ms: begins.map_or(-1.0, |begins| span(times.request_time, begins)),
        dns_ms: span(times.dns_start, times.dns_end),
        connect_ms: span(times.connect_start, times.connect_end),
        tls_ms: span(times.tls_start, times.tls_end),
        // The browser does not tell when the last byte was sent.
        send_ms: -1.0,
        wait_ms: span(times.request_start, times.response_start),
    }
}

fn kind(request: &RequestData<'_>) -> ResourceKind {
    if request.url.starts_with("ws:") || request.url.starts_with("wss:") {
        return ResourceKind::Websocket;
    }
    match (
        request.destination.unwrap_or_default(),
        request.initiator_type.unwrap_or_default(),
    ) {
        ("document" | "iframe" | "frame" | "embed" | "object", _) => ResourceKind::Document,
        ("style", _) => ResourceKind::Stylesheet,
        ("script" | "worker" | "sharedworker" | "serviceworker", _) => ResourceKind::Script,
        ("image", _) => ResourceKind::Image,
        ("font", _) => ResourceKind::Font,
        ("audio" | "video" | "track", _) => ResourceKind::Media,
        ("", _) if has_header(request.headers, "accept", "text/event-stream") => {
            ResourceKind::Eventsource
        }
        ("", "fetch" | "xmlhttprequest") => ResourceKind::Fetch,
        _ => ResourceKind::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_that_were_not_are_told_as_such() {
        let times = Timings {
            request_time: 10.0,
            request_start: 12.5,
            response_start: 20.0,
            ..Timings::default()
        };
        let spans = timing(&times);
        assert_eq!(
            (spans.blocked_ms, spans.dns_ms, spans.wait_ms),
            (2.5, -1.0, 7.5)
        );
    }
}
