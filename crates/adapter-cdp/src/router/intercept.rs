//! Requests that wait for a decision, and questions for credentials. What nobody decides on goes on at once: nothing hangs.

use std::sync::Arc;

use ops_contracts::seam::adapter::{
    Challenge, Event as SeamEvent, NetworkPolicy, PausedKey, PausedRequest, TargetKey,
};
use serde_json::json;

use super::state::{Paused, SessionKind};
use super::{Taken, Turn, network};
use crate::connection::{Batch, Event, Reply, Route};
use crate::wire;

impl Turn<'_> {
    pub(super) fn request_paused(
        &mut self,
        target: TargetKey,
        session: &Arc<str>,
        event: Event<'_>,
    ) -> Taken {
        if self.state.pages.get(&target).is_some_and(|page| page.empty) {
            return self.answer_empty(target, session, event);
        }
        let paused: wire::RequestPaused<'_> = match event.decode() {
            Ok(paused) => paused,
            Err(error) => {
                // What is not understood must not stop the page.
                if let Ok(wire::PausedId { request_id }) = event.decode() {
                    self.let_pass(session, request_id);
                }
                return Err(error);
            }
        };
        let answered =
            paused.response_status_code.is_some() || paused.response_error_reason.is_some();
        if answered
            || self
                .policy(target)
                .is_none_or(|policy| policy.pause.is_empty())
        {
            self.let_pass(session, paused.request_id);
            return Ok(());
        }
        let request = PausedRequest {
            target,
            frame: paused
                .frame_id
                .and_then(|id| self.state.frame_ids.get(id))
                .copied(),
            request: paused
                .network_id
                .and_then(|id| self.state.known_request(target, id)),
            url: paused.request.url + paused.request.url_fragment.as_deref().unwrap_or_default(),
            method: paused.request.method,
            kind: network::kind(paused.resource_type),
            headers: paused.request.headers.0,
        };
        let paused = self.note_paused(target, session, paused.request_id);
        self.tell(target, SeamEvent::RequestPaused { paused, request });
        Ok(())
    }

    pub(super) fn auth_required(
        &mut self,
        target: TargetKey,
        session: &Arc<str>,
        event: Event<'_>,
    ) -> Taken {
        let asked: wire::AuthRequired<'_> = event.decode()?;
        if !self
            .policy(target)
            .is_some_and(|policy| policy.authenticate)
        {
            let params = json!({ "requestId": asked.request_id, "authChallengeResponse": { "response": "Default" } });
            self.connection
                .call("Fetch.continueWithAuth", &params, Route::session(session))
                .forget();
            return Ok(());
        }
        let challenge = Challenge {
            target,
            url: asked.request.url,
            origin: asked.auth_challenge.origin,
            proxy: asked.auth_challenge.source == Some("Proxy"),
            again: !self.state.asked(asked.request_id),
        };
        let paused = self.note_paused(target, session, asked.request_id);
        self.tell(target, SeamEvent::CredentialsAsked { paused, challenge });
        Ok(())
    }

    fn policy(&self, target: TargetKey) -> Option<&NetworkPolicy> {
        let page = self.state.pages.get(&target)?;
        self.state
            .contexts
            .get(&page.context)
            .map(|context| &context.network)
    }

    fn let_pass(&self, session: &Arc<str>, id: &str) {
        self.connection
            .call(
                "Fetch.continueRequest",
                &json!({ "requestId": id }),
                Route::session(session),
            )
            .forget();
    }

    fn note_paused(&mut self, page: TargetKey, session: &Arc<str>, id: &str) -> PausedKey {
        let key = PausedKey(self.state.next_key());
        self.state.paused.insert(
            key,
            Paused {
                page,
                session: Arc::clone(session),
                id: id.into(),
            },
        );
        key
    }
}

/// What makes a policy hold in a session; the replies in order. Workers take it as far as the browser lets them.
pub(crate) fn apply(
    batch: &mut Batch<'_>,
    route: Route<'_>,
    policy: &NetworkPolicy,
    kind: SessionKind,
) -> Vec<Reply> {
    let headers: serde_json::Map<String, serde_json::Value> = policy
        .headers
        .iter()
        .map(|(name, value)| (name.clone(), value.clone().into()))
        .collect();
    let conditions = policy.conditions;
    let network = json!({
        "offline": conditions.is_some_and(|network| network.offline),
        "latency": conditions.map_or(0.0, |network| network.latency_ms),
        "downloadThroughput": conditions.and_then(|network| network.download).unwrap_or(-1.0),
        "uploadThroughput": conditions.and_then(|network| network.upload).unwrap_or(-1.0),
    });
    let pausing = !policy.pause.is_empty() || policy.authenticate;
    let mut replies = vec![
        batch.call(
            "Network.setExtraHTTPHeaders",
            &json!({ "headers": headers }),
            route,
        ),
        batch.call("Network.emulateNetworkConditions", &network, route),
        // What a cache or a service worker answers is never paused.
        batch.call(
            "Network.setCacheDisabled",
            &json!({ "cacheDisabled": pausing }),
            route,
        ),
        batch.call(
            "Network.setBypassServiceWorker",
            &json!({ "bypass": pausing }),
            route,
        ),
    ];
    if pausing {
        let mut patterns: Vec<_> = policy
            .pause
            .iter()
            .map(|pattern| json!({ "urlPattern": wider(pattern) }))
            .collect();
        if policy.authenticate {
            // Only a request that can be paused can be asked for credentials.
            patterns = vec![json!({ "urlPattern": "*" })];
        }
        let params = json!({ "patterns": patterns, "handleAuthRequests": policy.authenticate });
        replies.push(batch.call("Fetch.enable", &params, route));
    } else {
        replies.push(batch.call("Fetch.disable", &json!({}), route));
    }
    if kind == SessionKind::Worker {
        replies.drain(..).for_each(Reply::forget);
    }
    replies
}

/// The protocol's pattern that takes at least what ours takes: there `*` is anything, and `?` is one character.
fn wider(pattern: &str) -> String {
    let mut wide = String::with_capacity(pattern.len() + 2);
    for c in pattern.chars() {
        match c {
            '*' if wide.ends_with('*') => {}
            '?' | '\\' => {
                wide.push('\\');
                wide.push(c);
            }
            c => wide.push(c),
        }
    }
    if pattern.contains('*') {
        wide
    } else {
        format!("*{wide}*")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_never_narrower_than_ours() {
        assert_eq!(wider("https://**/a?b=*"), r"https://*/a\?b=*");
        assert_eq!(wider("cart"), "*cart*");
        assert_eq!(wider("**"), "*");
    }
}
