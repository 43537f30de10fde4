//! Requests, responses and failures, and the navigations that fail with them.

use std::sync::Arc;

use ops_contracts::seam::adapter::{
    Event as SeamEvent, Initiator, RequestDetails, RequestTiming, ResourceKind, ResponseDetails,
    TargetKey,
};

use super::{Taken, Turn};
use crate::connection::Event;
use crate::wire;
use ops_contracts::seam::chromium::navigation_failure;

impl Turn<'_> {
    pub(super) fn request(
        &mut self,
        target: TargetKey,
        session: &Arc<str>,
        event: Event<'_>,
    ) -> Taken {
        let sent: wire::RequestWillBeSent<'_> = event.decode()?;
        let Some(request) = self.state.request(target, session, sent.request_id) else {
            return Ok(());
        };
        let frame = sent
            .frame_id
            .and_then(|id| self.state.frame_ids.get(id))
            .copied();
        // The request for a document has the id of its loader.
        let becomes =
            frame.filter(|_| sent.request_id == sent.loader_id && sent.r#type == Some("Document"));
        let document = becomes.and_then(|frame| self.state.document(target, frame, sent.loader_id));
        let details = details(&sent);
        let url = sent.request.url + sent.request.url_fragment.as_deref().unwrap_or_default();
        self.tell(
            target,
            SeamEvent::Request {
                target,
                frame,
                request,
                document,
                url,
                method: sent.request.method,
                kind: kind(sent.r#type),
                redirected_from: sent
                    .redirect_response
                    .map(|response| (response.status, response.url)),
            },
        );
        let headers = sent.request.headers.0;
        let details = Box::new(RequestDetails {
            headers,
            body: sent.request.post_data,
            ..details
        });
        self.tell(target, SeamEvent::RequestDetailed { request, details });
        Ok(())
    }

    /// The headers as they went over the network; they come before or after what they belong to.
    pub(super) fn headers(
        &mut self,
        target: TargetKey,
        session: &Arc<str>,
        event: Event<'_>,
        response: bool,
    ) -> Taken {
        let extra: wire::ExtraInfo<'_> = event.decode()?;
        let headers = extra.headers.0;
        if let Some(request) = self.state.request(target, session, extra.request_id) {
            let event = match response {
                true => SeamEvent::ResponseHeaders { request, headers },
                false => SeamEvent::RequestHeaders { request, headers },
            };
            self.tell(target, event);
        }
        Ok(())
    }

    pub(super) fn response(
        &mut self,
        target: TargetKey,
        session: &Arc<str>,
        event: Event<'_>,
    ) -> Taken {
        let received: wire::ResponseReceived<'_> = event.decode()?;
        let Some(request) = self.state.request(target, session, received.request_id) else {
            return Ok(());
        };
        let details = Box::new(response_details(&received));
        let wire::ResponseInfo {
            status,
            url,
            mime_type,
            headers,
            ..
        } = received.response;
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
        let details = Box::new(ResponseDetails {
            headers: headers.0,
            ..*details
        });
        self.tell(target, SeamEvent::ResponseDetailed { request, details });
        Ok(())
    }

    pub(super) fn finished(&mut self, target: TargetKey, event: Event<'_>) -> Taken {
        let finished: wire::LoadingFinished<'_> = event.decode()?;
        if let Some(request) = self.state.known_request(target, finished.request_id) {
            let transferred = Some(finished.encoded_data_length.max(0.0) as u64);
            let monotonic_ms = finished.timestamp * 1_000.0;
            self.tell(
                target,
                SeamEvent::RequestMeasured {
                    request,
                    transferred,
                    monotonic_ms,
                },
            );
            self.tell(target, SeamEvent::RequestFinished { target, request });
        }
        Ok(())
    }

    pub(super) fn failed(&mut self, target: TargetKey, event: Event<'_>) -> Taken {
        let failed: wire::LoadingFailed<'_> = event.decode()?;
        let failure = navigation_failure(&failed.error_text);
        let Some(page) = self.state.pages.get_mut(&target) else {
            return Ok(());
        };
        let document = page
            .documents
            .get(failed.request_id)
            .filter(|document| !document.committed);
        let navigating = document.map(|document| document.frame);
        if let Some(request) = self.state.known_request(target, failed.request_id) {
            let (reason, cancelled) = (failure.reason.clone(), failed.canceled);
            let monotonic_ms = failed.timestamp * 1_000.0;
            self.tell(
                target,
                SeamEvent::RequestMeasured {
                    request,
                    transferred: None,
                    monotonic_ms,
                },
            );
            self.tell(
                target,
                SeamEvent::RequestFailed {
                    target,
                    request,
                    reason,
                    cancelled,
                },
            );
        }
        if let Some(frame) = navigating {
            self.tell(
                target,
                SeamEvent::NavigationFailed {
                    target,
                    frame,
                    failure,
                },
            );
        }
        Ok(())
    }
}

/// What is known of a request, its headers and body aside.
fn details(sent: &wire::RequestWillBeSent<'_>) -> RequestDetails {
    let initiator = sent.initiator.as_ref().map(|initiator| {
        let frame = initiator
            .stack
            .as_ref()
            .and_then(|stack| stack.call_frames.first());
        let line = initiator
            .line_number
            .map(|line| line as i64)
            .or(frame.map(|frame| frame.line_number));
        Initiator {
            kind: initiator.r#type.to_owned(),
            url: initiator
                .url
                .clone()
                .or_else(|| frame.map(|frame| frame.url.clone()))
                .filter(|url| !url.is_empty()),
            line: line.and_then(|line| u32::try_from(line + 1).ok()),
        }
    });
    RequestDetails {
        headers: Vec::new(),
        body: None,
        has_body: sent.request.has_post_data || sent.request.post_data.is_some(),
        at_ms: sent.wall_time * 1_000.0,
        monotonic_ms: sent.timestamp * 1_000.0,
        initiator,
    }
}

/// What is known of a response, its headers aside.
fn response_details(received: &wire::ResponseReceived<'_>) -> ResponseDetails {
    let response = &received.response;
    let address = response
        .remote_ip_address
        .as_ref()
        .filter(|address| !address.is_empty());
    ResponseDetails {
        status_text: response.status_text.clone(),
        headers: Vec::new(),
        protocol: response.protocol.clone().unwrap_or_default(),
        remote_address: address
            .map(|address| format!("{address}:{}", response.remote_port.unwrap_or_default())),
        from_cache: response.from_disk_cache || response.from_prefetch_cache,
        from_service_worker: response.from_service_worker,
        monotonic_ms: received.timestamp * 1_000.0,
        timing: response.timing.as_ref().map(timing),
    }
}

/// From points in time, -1 where there was none, to spans.
fn timing(times: &wire::ResourceTiming) -> RequestTiming {
    let span = |from: f64, to: f64| {
        if from < 0.0 || to < 0.0 {
            -1.0
        } else {
            rounded((to - from).max(0.0))
        }
    };
    let begins = [times.dns_start, times.connect_start, times.send_start]
        .into_iter()
        .find(|start| *start >= 0.0);
    RequestTiming {
        blocked_ms: begins.map_or(-1.0, rounded),
        dns_ms: span(times.dns_start, times.dns_end),
        connect_ms: span(times.connect_start, times.connect_end),
        tls_ms: span(times.ssl_start, times.ssl_end),
        send_ms: span(times.send_start, times.send_end),
        wait_ms: span(times.send_end, times.receive_headers_end),
    }
}

fn rounded(millis: f64) -> f64 {
    (millis * 100.0).round() / 100.0
}

pub(super) fn kind(name: Option<&str>) -> ResourceKind {
    match name {
        Some("Document") => ResourceKind::Document,
        Some("Stylesheet") => ResourceKind::Stylesheet,
        Some("Script") => ResourceKind::Script,
        Some("Image") => ResourceKind::Image,
        Some("Font") => ResourceKind::Font,
        Some("Media") => ResourceKind::Media,
        Some("XHR" | "Fetch") => ResourceKind::Fetch,
        Some("WebSocket") => ResourceKind::Websocket,
        Some("EventSource") => ResourceKind::Eventsource,
        _ => ResourceKind::Other,
    }
}
