//! The way past the protocol to pages of Chromium: what the adapter lacks, another one does through chromedriver.

use std::sync::Arc;

use futures_util::future::join_all;
use ops_contracts::seam::adapter::{
    AdapterError, AdapterResult, BoxFuture, Passage, RawCall, TargetKey,
};
use ops_contracts::wire::command::Empty;
use serde_json::value::{RawValue, to_raw_value};

use super::{STRUCTURE_DEADLINE, failed, within};
use crate::browser::Shared;
use crate::connection::{CallError, Connection, Route};
use crate::protocol::vendor::{GetSession, SendCommand};

/// The passage of one user context.
pub(crate) struct ContextPassage {
    browser: Arc<Shared>,
    id: Arc<str>,
}

impl ContextPassage {
    pub(crate) fn new(browser: Arc<Shared>, id: Arc<str>) -> Self {
        Self { browser, id }
    }

    async fn pass(
        &self,
        target: TargetKey,
        (method, params): RawCall,
    ) -> AdapterResult<Box<RawValue>> {
        let page = {
            let state = self.browser.router.lock();
            let main = state.living_page(&self.id, target)?.main_frame;
            state
                .frames
                .get(&main)
                .map(|frame| Arc::clone(&frame.id))
                .ok_or(AdapterError::TargetClosed)?
        };
        let passed = send(
            &self.browser.connection,
            &page,
            Route::page(target),
            method,
            &params,
        );
        within(STRUCTURE_DEADLINE, async {
            passed.await.map_err(failed(method))
        })
        .await
    }
}

impl Passage for ContextPassage {
    fn pages(&self) -> Vec<TargetKey> {
        let state = self.browser.router.lock();
        state
            .pages
            .iter()
            .filter(|(_, page)| page.context == self.id && !page.crashed)
            .map(|(target, _)| *target)
            .collect()
    }

    fn call(
        &self,
        target: TargetKey,
        call: RawCall,
    ) -> BoxFuture<'_, AdapterResult<Box<RawValue>>> {
        Box::pin(self.pass(target, call))
    }

    fn hold(&self, calls: Vec<RawCall>) {
        if let Some(context) = self.browser.router.lock().contexts.get_mut(&self.id) {
            context.held = calls;
        }
    }
}

/// The calls after which the browser has told of each realm of a page anew.
pub(crate) fn realms_anew() -> Vec<RawCall> {
    let calls = ["Runtime.disable", "Runtime.enable"].into_iter();
    calls
        .filter_map(|method| Some((method, to_raw_value(&Empty {}).ok()?)))
        .collect()
}

/// Makes held calls on a page that has opened by itself, in a task of its own.
pub(crate) fn dress_later(
    connection: &Connection,
    page: &str,
    target: TargetKey,
    calls: Vec<RawCall>,
) {
    let (connection, page) = (connection.clone(), page.to_owned());
    tokio::spawn(async move { dress(&connection, &page, target, calls).await });
}

/// Makes held calls on a page that has just opened, all at once. What it refuses is told by the log alone: the page may be gone
/// again.
pub(super) async fn dress(
    connection: &Connection,
    page: &str,
    target: TargetKey,
    calls: Vec<RawCall>,
) {
    let route = Route::page(target);
    let told = async {
        let session = connection
            .send(&GetSession { context: page }, route)
            .decode()
            .await?
            .session;
        let send = |(method, params): &RawCall| {
            connection
                .send(
                    &SendCommand {
                        method,
                        params,
                        session: &session,
                    },
                    route,
                )
                .outstanding()
        };
        let sent: Vec<_> = calls.iter().map(send).collect();
        for (outcome, (method, _)) in join_all(sent).await.into_iter().zip(&calls) {
            if let Err(error) = outcome {
                tracing::debug!(%error, method, "a page that opened does not take a setting");
            }
        }
        Ok::<_, CallError>(())
    };
    match tokio::time::timeout(STRUCTURE_DEADLINE, told).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "a page that opened takes no settings"),
        Err(_) => tracing::warn!("a page that opened does not answer"),
    }
}

async fn send(
    connection: &Connection,
    page: &str,
    route: Route,
    method: &str,
    params: &RawValue,
) -> Result<Box<RawValue>, CallError> {
    let session = connection
        .send(&GetSession { context: page }, route)
        .decode()
        .await?
        .session;
    let sent = connection
        .send(
            &SendCommand {
                method,
                params,
                session: &session,
            },
            route,
        )
        .decode()
        .await?;
    Ok(sent.result)
}
