//! Pages of which every request is answered here, with an empty document: they reach an origin without the network.

use ops_contracts::seam::adapter::TargetKey;
use serde::Serialize;

use super::{Taken, Turn};
use crate::connection::{Event, Route};
use crate::wire;

/// `<!doctype html>`, as base64.
const EMPTY: &str = "PCFkb2N0eXBlIGh0bWw+";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Fulfil<'a> {
    request_id: &'a str,
    response_code: u16,
    response_headers: [Header; 1],
    body: &'static str,
}

#[derive(Serialize)]
struct Header {
    name: &'static str,
    value: &'static str,
}

impl Turn<'_> {
    /// Answers a paused request of a page that is kept empty.
    pub(super) fn answer_empty(
        &mut self,
        target: TargetKey,
        session: &std::sync::Arc<str>,
        event: Event<'_>,
    ) -> Taken {
        if self.state.pages.get(&target).is_some_and(|page| page.empty) {
            let paused: wire::PausedId<'_> = event.decode()?;
            let response_headers = [Header {
                name: "content-type",
                value: "text/html",
            }];
            let answer = Fulfil {
                request_id: paused.request_id,
                response_code: 200,
                response_headers,
                body: EMPTY,
            };
            self.connection
                .call("Fetch.fulfillRequest", &answer, Route::session(session))
                .forget();
        }
        Ok(())
    }
}
