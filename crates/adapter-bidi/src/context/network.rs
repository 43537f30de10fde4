//! What holds for a context's requests, decisions on those that wait, bodies, and pages that are kept from the network.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use ops_contracts::seam::adapter::{
    AdapterError, Decision, Effect, Headers, Navigation, Network, NetworkPolicy, PausedKey,
    Performed, RequestKey, TargetKey,
};

use super::{BidiContext, STRUCTURE_DEADLINE, answered, failed, within};
use crate::connection::{CallError, Outstanding, Refusal, Route};
use crate::protocol::Command;
use crate::protocol::emulation::{Conditions, SetNetworkConditions};
use crate::protocol::network::{
    AddIntercept, ContinueRequest, ContinueWithAuth, Credentials, DataType, FailRequest, GetData,
    GivenBytes, GivenHeader, ProvideResponse, RemoveIntercept, SetCacheBehavior, SetExtraHeaders,
};
use crate::router::state::Paused;

/// How long a body may take to be handed over.
const BODY_DEADLINE: Duration = Duration::from_secs(20);

/// The phase in which requests are paused.
const BEFORE: [&str; 1] = ["beforeRequestSent"];

impl Network for BidiContext {
    async fn set_network_policy(&self, policy: NetworkPolicy) -> Performed {
        let offline = policy
            .conditions
            .is_some_and(|conditions| conditions.offline);
        if policy
            .conditions
            .is_some_and(|conditions| !conditions.offline)
        {
            return Err(AdapterError::Unsupported {
                primitive: "slowing the network down",
            });
        }
        let pausing = !policy.pause.is_empty();
        let connection = &self.browser.connection;
        let user_contexts = [&*self.id];
        let extra = SetExtraHeaders {
            headers: GivenHeader::list(policy.headers.clone()),
            user_contexts,
        };
        let conditions = SetNetworkConditions {
            network_conditions: offline.then_some(Conditions { r#type: "offline" }),
            user_contexts,
        };
        // One policy at a time; the last one holds.
        let mut intercept = self.intercept.lock().await;
        let mains: Vec<Arc<str>> = {
            let mut state = self.browser.router.lock();
            // From here on it holds for every page that opens.
            state.context_mut(&self.id)?.network = policy;
            let ours = state
                .pages
                .values()
                .filter(|page| page.context == self.id && !page.empty);
            ours.filter_map(|page| state.frames.get(&page.main_frame))
                .map(|main| Arc::clone(&main.id))
                .collect()
        };
        let mut replies = vec![
            connection.send(&extra, Route::BROWSER).outstanding(),
            connection.send(&conditions, Route::BROWSER).outstanding(),
        ];
        let cache_behavior = if pausing { "bypass" } else { "default" };
        let caches = mains.iter().map(|main| {
            connection.send(
                &SetCacheBehavior {
                    cache_behavior,
                    contexts: [main],
                },
                Route::BROWSER,
            )
        });
        let caches: Vec<Outstanding> = caches.map(|reply| reply.outstanding()).collect();
        within(STRUCTURE_DEADLINE, async {
            match (pausing, intercept.take()) {
                // Of the whole browser: a popup's first request comes before anything can be said about the popup. Requests
                // of other contexts go on at once.
                (true, None) => {
                    let added = connection
                        .send(
                            &AddIntercept {
                                phases: BEFORE,
                                contexts: None,
                            },
                            Route::BROWSER,
                        )
                        .decode()
                        .await;
                    *intercept = Some(added.map_err(failed(AddIntercept::METHOD))?.intercept);
                }
                (true, kept) => *intercept = kept,
                (false, Some(id)) => {
                    replies.push(
                        connection
                            .send(&RemoveIntercept { intercept: &id }, Route::BROWSER)
                            .outstanding(),
                    );
                }
                (false, None) => {}
            }
            for reply in join_all(replies).await {
                reply.map_err(failed("network policy"))?;
            }
            // A page that went away meanwhile has no cache to pass by.
            join_all(caches).await;
            Ok(Effect::Done)
        })
        .await
    }

    async fn decide(&self, paused: PausedKey, decision: Decision) -> Performed {
        let Paused {
            id: request,
            headers: sent,
            ..
        } = self
            .browser
            .router
            .lock()
            .paused
            .remove(&paused)
            .ok_or(AdapterError::DocumentGone)?;
        let connection = &self.browser.connection;
        let reply = match decision {
            Decision::Continue {
                url,
                method,
                headers,
                body,
            } => {
                let headers = match &body {
                    Some(body) => Some(with_length(headers.unwrap_or(sent), body.len())),
                    None => headers,
                };
                let go_on = ContinueRequest {
                    request: &request,
                    url,
                    method,
                    headers: headers.map(GivenHeader::list),
                    body: body.map(|body| GivenBytes::bytes(&body)),
                };
                connection.send(&go_on, Route::BROWSER).outstanding()
            }
            Decision::Fulfil {
                status,
                headers,
                body,
            } => {
                let headers = GivenHeader::list(headers);
                let answer = ProvideResponse {
                    request: &request,
                    status_code: status,
                    headers,
                    body: GivenBytes::bytes(&body),
                };
                connection.send(&answer, Route::BROWSER).outstanding()
            }
            Decision::Abort(reason) => {
                self.browser
                    .router
                    .lock()
                    .refused
                    .insert(request.clone(), self.browser.driver.error_name(reason));
                connection
                    .send(&FailRequest { request: &request }, Route::BROWSER)
                    .outstanding()
            }
            Decision::Credentials { username, password } => {
                let credentials = Some(Credentials {
                    r#type: "password",
                    username,
                    password,
                });
                let given = ContinueWithAuth {
                    request: &request,
                    action: "provideCredentials",
                    credentials,
                };
                connection.send(&given, Route::BROWSER).outstanding()
            }
            Decision::NoCredentials => {
                let none = ContinueWithAuth {
                    request: &request,
                    action: "cancel",
                    credentials: None,
                };
                connection.send(&none, Route::BROWSER).outstanding()
            }
        };
        match within(STRUCTURE_DEADLINE, async { Ok(reply.await) }).await? {
            Ok(_) => Ok(Effect::Done),
            // Its page has gone on without it.
            Err(CallError::Refused(Refusal { error, .. })) if error == "no such request" => {
                Ok(Effect::Done)
            }
            Err(error) => {
                // What the browser does not take must not leave the request waiting.
                connection
                    .send(&FailRequest { request: &request }, Route::BROWSER)
                    .forget();
                Err(failed("deciding on a request")(error))
            }
        }
    }

    async fn response_body(&self, target: TargetKey, request: RequestKey) -> Performed {
        let id = self
            .of_page(target, |_, page| page.answered.id(request))?
            .ok_or(AdapterError::BodyGone)?;
        let read = self.browser.connection.send(
            &GetData {
                request: &id,
                data_type: DataType::Response,
            },
            Route::page(target),
        );
        let data = match within(BODY_DEADLINE, async { Ok(read.decode().await) }).await? {
            Err(CallError::Refused(_)) => return Err(AdapterError::BodyGone),
            other => other.map_err(failed(GetData::METHOD))?,
        };
        let bytes = data.bytes.decode().ok_or(AdapterError::BodyGone)?;
        Ok(Effect::Bytes { bytes, end: true })
    }
}

impl BidiContext {
    /// From here on every request of the page is answered by the router.
    pub(super) async fn open_empty(&self, target: TargetKey, url: &str) -> Performed {
        let id = self.main_id(target)?;
        let fresh = self
            .browser
            .router
            .lock()
            .pages
            .get_mut(&target)
            .map(|page| !std::mem::replace(&mut page.empty, true));
        if fresh.ok_or(AdapterError::TargetClosed)? {
            let intercept = AddIntercept {
                phases: BEFORE,
                contexts: Some([&id]),
            };
            let kept = self
                .browser
                .connection
                .send(&intercept, Route::page(target));
            answered(kept).await?;
        }
        self.navigate(target, url).await
    }
}

/// The browser keeps the length of the body that was there before.
fn with_length(mut headers: Headers, length: usize) -> Headers {
    headers.retain(|(name, _)| !name.eq_ignore_ascii_case("content-length"));
    headers.push(("Content-Length".to_owned(), length.to_string()));
    headers
}
