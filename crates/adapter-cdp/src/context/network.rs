//! What holds for a context's requests, decisions on those that wait, and the bodies of those that are over.

use std::sync::Arc;
use std::time::Duration;

use crate::fault::UNKNOWN_SESSION;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use futures_util::future::try_join_all;
use ops_contracts::seam::adapter::{
    AbortReason, AdapterError, Decision, Effect, Headers, Network, NetworkPolicy, PausedKey,
    Performed, RequestKey, TargetKey,
};
use serde_json::{Value, json};

use super::{CdpContext, STRUCTURE_DEADLINE, answered, failed, within};
use crate::connection::{CallError, Refusal, Route};
use crate::router::apply;
use crate::router::state::SessionKind;
use crate::wire;

/// How long a body may take to be handed over.
const BODY_DEADLINE: Duration = Duration::from_secs(20);

impl Network for CdpContext {
    async fn set_network_policy(&self, policy: NetworkPolicy) -> Performed {
        let connection = &self.browser.connection;
        let replies = {
            let mut state = self.browser.router.lock();
            let context = state.context_mut(&self.id)?;
            // From here on it holds for every page, frame and worker that is attached.
            context.network = policy.clone();
            let sessions: Vec<(Arc<str>, SessionKind)> = state
                .sessions
                .iter()
                .filter(|(_, entry)| {
                    state
                        .pages
                        .get(&entry.page)
                        .is_some_and(|page| page.context == self.id && !page.empty)
                })
                .map(|(id, entry)| (Arc::clone(id), entry.kind))
                .collect();
            drop(state);
            let mut batch = connection.batch();
            let mut replies = Vec::new();
            for (session, kind) in &sessions {
                replies.extend(apply(&mut batch, Route::session(session), &policy, *kind));
            }
            batch.send();
            replies
        };
        let settled = try_join_all(replies.into_iter().map(|reply| async move {
            match reply.await {
                // A page that went away meanwhile needs no policy.
                Ok(_)
                | Err(
                    CallError::Lost(_)
                    | CallError::Refused(Refusal {
                        code: UNKNOWN_SESSION,
                        ..
                    }),
                ) => Ok(()),
                Err(error) => Err(failed("network policy")(error)),
            }
        }));
        within(STRUCTURE_DEADLINE, settled).await?;
        Ok(Effect::Done)
    }

    async fn decide(&self, paused: PausedKey, decision: Decision) -> Performed {
        let waiting = self
            .browser
            .router
            .lock()
            .paused
            .remove(&paused)
            .ok_or(AdapterError::DocumentGone)?;
        let (connection, route) = (&self.browser.connection, Route::session(&waiting.session));
        let (method, params) = call(&waiting.id, decision);
        let decided = connection.call(method, &params, route);
        match answered("Fetch", decided).await {
            Err(AdapterError::Protocol { call, reason }) => {
                // What the browser does not take must not leave the request waiting.
                let fails = json!({ "requestId": waiting.id, "errorReason": "Failed" });
                connection.call("Fetch.failRequest", &fails, route).forget();
                Err(AdapterError::Protocol { call, reason })
            }
            Err(error) => Err(error),
            Ok(_) => Ok(Effect::Done),
        }
    }

    async fn response_body(&self, target: TargetKey, request: RequestKey) -> Performed {
        const CALL: &str = "Network.getResponseBody";
        let known = self
            .browser
            .router
            .lock()
            .page(&self.id, target)?
            .requests
            .id(request);
        let (id, session) = known.ok_or(AdapterError::BodyGone)?;
        let connection = &self.browser.connection;
        let read = connection.call(CALL, &json!({ "requestId": id }), Route::session(&session));
        let body: wire::ResponseBody =
            match within(BODY_DEADLINE, async { Ok(read.decode().await) }).await? {
                Err(CallError::Refused(_)) => return Err(AdapterError::BodyGone),
                other => other.map_err(failed(CALL))?,
            };
        let bytes = if body.base64_encoded {
            BASE64_STANDARD
                .decode(&body.body)
                .map_err(|error| AdapterError::Protocol {
                    call: CALL.to_owned(),
                    reason: error.to_string(),
                })?
        } else {
            body.body.into_bytes()
        };
        Ok(Effect::Bytes { bytes, end: true })
    }
}

fn call(id: &str, decision: Decision) -> (&'static str, Value) {
    let list = |headers: Headers| -> Vec<Value> {
        headers
            .into_iter()
            .map(|(name, value)| json!({ "name": name, "value": value }))
            .collect()
    };
    match decision {
        Decision::Continue {
            url,
            method,
            headers,
            body,
        } => {
            let mut params = json!({ "requestId": id });
            if let Some(url) = url {
                params["url"] = url.into();
            }
            if let Some(method) = method {
                params["method"] = method.into();
            }
            if let Some(headers) = headers {
                params["headers"] = list(headers).into();
            }
            if let Some(body) = body {
                params["postData"] = BASE64_STANDARD.encode(body).into();
            }
            ("Fetch.continueRequest", params)
        }
        Decision::Fulfil {
            status,
            headers,
            body,
        } => {
            let body = BASE64_STANDARD.encode(body);
            let params = json!({ "requestId": id, "responseCode": status, "responseHeaders": list(headers), "body": body });
            ("Fetch.fulfillRequest", params)
        }
        Decision::Abort(reason) => (
            "Fetch.failRequest",
            json!({ "requestId": id, "errorReason": error_reason(reason) }),
        ),
        Decision::Credentials { username, password } => {
            let given = json!({ "response": "ProvideCredentials", "username": username, "password": password });
            (
                "Fetch.continueWithAuth",
                json!({ "requestId": id, "authChallengeResponse": given }),
            )
        }
        Decision::NoCredentials => (
            "Fetch.continueWithAuth",
            json!({ "requestId": id, "authChallengeResponse": { "response": "CancelAuth" } }),
        ),
    }
}

const fn error_reason(reason: AbortReason) -> &'static str {
    match reason {
        AbortReason::Failed => "Failed",
        AbortReason::Aborted => "Aborted",
        AbortReason::TimedOut => "TimedOut",
        AbortReason::AccessDenied => "AccessDenied",
        AbortReason::BlockedByClient => "BlockedByClient",
        AbortReason::ConnectionRefused => "ConnectionRefused",
        AbortReason::NameNotResolved => "NameNotResolved",
        AbortReason::InternetDisconnected => "InternetDisconnected",
    }
}
