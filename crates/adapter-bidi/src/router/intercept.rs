//! Requests that wait for a decision, and questions for credentials. What nobody decides on goes on at once: nothing hangs.

use std::sync::Arc;

use ops_contracts::seam::adapter::{
    Challenge, Event as SeamEvent, FrameKey, Headers, NetworkPolicy, PausedKey, PausedRequest,
    RequestKey, ResourceKind, TargetKey,
};

use super::Turn;
use super::permit::origin;
use super::state::Paused;
use crate::connection::{Event, Route};
use crate::protocol::network::{
    Blocked, ContinueRequest, ContinueWithAuth, Exchange, GivenBytes, GivenHeader, ProvideResponse,
    SetCacheBehavior, all_headers,
};

/// The document of a page that is kept empty.
const EMPTY: &[u8] = b"<!doctype html>";

impl Turn<'_> {
    /// What is not ours, or not understood, must not wait for us.
    pub(super) fn pass_if_blocked(&self, exchange: &Exchange<'_>) {
        if exchange.is_blocked {
            self.let_pass(exchange.request.request);
        }
    }

    /// The same of an event that could not be decoded.
    pub(super) fn pass_broken(&self, event: &Event<'_>) {
        let Ok(blocked) = event.decode::<Blocked<'_>>() else {
            return;
        };
        match (blocked.is_blocked, event.method) {
            (true, "network.beforeRequestSent") => self.let_pass(blocked.request.request),
            (true, "network.authRequired") => self.refuse_credentials(blocked.request.request),
            _ => {}
        }
    }

    fn let_pass(&self, request: &str) {
        self.connection
            .send(
                &ContinueRequest {
                    request,
                    ..ContinueRequest::default()
                },
                Route::BROWSER,
            )
            .forget();
    }

    fn refuse_credentials(&self, request: &str) {
        self.connection
            .send(
                &ContinueWithAuth {
                    request,
                    action: "cancel",
                    credentials: None,
                },
                Route::BROWSER,
            )
            .forget();
    }

    fn policy(&self, target: TargetKey) -> Option<&NetworkPolicy> {
        let page = self.state.pages.get(&target)?;
        self.state
            .contexts
            .get(&page.context)
            .map(|context| &context.network)
    }

    pub(super) fn request_paused(
        &mut self,
        target: TargetKey,
        frame: FrameKey,
        request: RequestKey,
        kind: ResourceKind,
        exchange: Exchange<'_>,
    ) {
        let id = exchange.request.request;
        if self.state.pages.get(&target).is_some_and(|page| page.empty) {
            return self.answer_empty(id);
        }
        if self
            .policy(target)
            .is_none_or(|policy| policy.pause.is_empty())
        {
            return self.let_pass(id);
        }
        let headers = all_headers(exchange.request.headers);
        let paused = self.note_paused(target, id, headers.clone());
        let request = PausedRequest {
            target,
            frame: Some(frame),
            request: Some(request),
            headers,
            url: exchange.request.url,
            method: exchange.request.method,
            kind,
        };
        self.tell(target, SeamEvent::RequestPaused { paused, request });
    }

    fn note_paused(&mut self, page: TargetKey, id: &str, headers: Headers) -> PausedKey {
        let key = PausedKey(self.state.next_key());
        self.state.paused.insert(
            key,
            Paused {
                page,
                id: id.into(),
                headers,
            },
        );
        key
    }

    fn answer_empty(&self, request: &str) {
        let headers = GivenHeader::list([("content-type".to_owned(), "text/html".to_owned())]);
        let answer = ProvideResponse {
            request,
            status_code: 200,
            headers,
            body: GivenBytes::bytes(EMPTY),
        };
        self.connection.send(&answer, Route::BROWSER).forget();
    }

    pub(super) fn auth_required(&mut self, exchange: Exchange<'_>) {
        if !exchange.is_blocked {
            return;
        }
        let id = exchange.request.request;
        let asked = self.place(&exchange).map(|(_, target)| target);
        let Some(target) = asked.filter(|target| {
            self.policy(*target)
                .is_some_and(|policy| policy.authenticate)
        }) else {
            return self.refuse_credentials(id);
        };
        let again = self
            .state
            .pages
            .get_mut(&target)
            .is_some_and(|page| !page.challenged.insert(id.into()));
        let proxy = exchange
            .response
            .as_ref()
            .is_some_and(|response| response.status == 407);
        let url = exchange.request.url;
        let challenge = Challenge {
            target,
            origin: origin(&url).unwrap_or_default().to_owned(),
            url,
            proxy,
            again,
        };
        let paused = self.note_paused(target, id, Headers::new());
        self.tell(target, SeamEvent::CredentialsAsked { paused, challenge });
    }

    /// What a cache answers is never paused: pages of a context with rules go past it.
    pub(super) fn pass_by_cache(&self, context: &Arc<str>, page: &str) {
        if self
            .state
            .contexts
            .get(context)
            .is_some_and(|context| !context.network.pause.is_empty())
        {
            self.connection
                .send(
                    &SetCacheBehavior {
                        cache_behavior: "bypass",
                        contexts: [page],
                    },
                    Route::BROWSER,
                )
                .forget();
        }
    }
}
