//! Requests, responses and failures, and the navigations that fail with them.

use ops_contracts::adapter::{Event as SeamEvent, ResourceKind, TargetKey};

use super::{Taken, Turn};
use crate::connection::Event;
use crate::fault::navigation_failure;
use crate::wire;

impl Turn<'_> {
    pub(super) fn request(&mut self, target: TargetKey, event: Event<'_>) -> Taken {
        let sent: wire::RequestWillBeSent<'_> = event.decode()?;
        let Some(request) = self.state.request(target, sent.request_id) else {
            return Ok(());
        };
        let frame = sent.frame_id.and_then(|id| self.state.frame_ids.get(id)).copied();
        // The request for a document has the id of its loader.
        let becomes = frame.filter(|_| sent.request_id == sent.loader_id && sent.r#type == Some("Document"));
        let document = becomes.and_then(|frame| self.state.document(target, frame, sent.loader_id));
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
                redirected_from: sent.redirect_response.map(|response| (response.status, response.url)),
            },
        );
        Ok(())
    }

    pub(super) fn response(&mut self, target: TargetKey, event: Event<'_>) -> Taken {
        let received: wire::ResponseReceived<'_> = event.decode()?;
        let Some(request) = self.state.request(target, received.request_id) else {
            return Ok(());
        };
        let wire::ResponseInfo { status, url, mime_type } = received.response;
        self.tell(target, SeamEvent::Response { target, request, status, url, mime_type });
        Ok(())
    }

    pub(super) fn finished(&mut self, target: TargetKey, event: Event<'_>) -> Taken {
        let finished: wire::LoadingFinished<'_> = event.decode()?;
        let page = self.state.pages.get_mut(&target);
        if let Some(request) = page.and_then(|page| page.requests.remove(finished.request_id)) {
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
        let document = page.documents.get(failed.request_id).filter(|document| !document.committed);
        let navigating = document.map(|document| document.frame);
        if let Some(request) = page.requests.remove(failed.request_id) {
            let (reason, cancelled) = (failure.reason.clone(), failed.canceled);
            self.tell(target, SeamEvent::RequestFailed { target, request, reason, cancelled });
        }
        if let Some(frame) = navigating {
            self.tell(target, SeamEvent::NavigationFailed { target, frame, failure });
        }
        Ok(())
    }
}

fn kind(name: Option<&str>) -> ResourceKind {
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
