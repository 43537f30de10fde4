//! Traces of the whole browser, in its own format.

use std::time::Duration;

use base64::prelude::*;
use ops_contracts::seam::adapter::{AdapterError, AdapterResult, Effect, Performed, Traces};
use serde::{Deserialize, Serialize};

use super::{CdpContext, done, failed, within};
use crate::connection::Route;

/// How long the browser may take to put a trace together.
const TRACE_DEADLINE: Duration = Duration::from_secs(50);
/// Bytes of it that are read at a time.
const PART: u32 = 1 << 20;

/// What a performance profile is made of.
const CATEGORIES: &[&str] = &[
    "devtools.timeline",
    "disabled-by-default-devtools.timeline",
    "disabled-by-default-devtools.timeline.frame",
    "disabled-by-default-v8.cpu_profiler",
    "v8.execute",
    "blink.console",
    "blink.user_timing",
    "loading",
    "latencyInfo",
    "toplevel",
];

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Start<'a> {
    transfer_mode: &'static str,
    stream_format: &'static str,
    trace_config: Config<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Config<'a> {
    record_mode: &'static str,
    trace_buffer_size_in_kb: u64,
    included_categories: Vec<&'a str>,
    excluded_categories: [&'static str; 1],
}

#[derive(Serialize)]
struct Nothing {}

#[derive(Serialize)]
struct Read<'a> {
    handle: &'a str,
    size: u32,
}

#[derive(Serialize)]
struct Close<'a> {
    handle: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Part {
    data: String,
    eof: bool,
    #[serde(default)]
    base64_encoded: bool,
}

impl Traces for CdpContext {
    async fn start_trace(&self, categories: &[String], max_bytes: u64) -> Performed {
        const CALL: &str = "Tracing.start";
        let named: Vec<&str> = if categories.is_empty() {
            CATEGORIES.to_vec()
        } else {
            categories.iter().map(String::as_str).collect()
        };
        let config = Config {
            record_mode: "recordUntilFull",
            trace_buffer_size_in_kb: max_bytes / 1_024,
            included_categories: named,
            excluded_categories: ["*"],
        };
        let params = Start {
            transfer_mode: "ReturnAsStream",
            stream_format: "json",
            trace_config: config,
        };
        self.browser.router.lock().trace = None;
        let started = self.browser.connection.call(CALL, &params, Route::BROWSER);
        done(CALL, started).await
    }

    async fn stop_trace(&self, max_bytes: u64) -> Performed {
        const END: &str = "Tracing.end";
        within(TRACE_DEADLINE, async {
            self.browser
                .connection
                .call(END, &Nothing {}, Route::BROWSER)
                .await
                .map_err(failed(END))?;
            let handle = self
                .browser
                .router
                .until(|state| {
                    if state.lost {
                        Some(Err(AdapterError::lost("its connection ended")))
                    } else {
                        state.trace.take().map(Ok)
                    }
                })
                .await?;
            let read = self.read_stream(&handle, max_bytes).await;
            self.browser
                .connection
                .call("IO.close", &Close { handle: &handle }, Route::BROWSER)
                .forget();
            let (bytes, end) = read?;
            Ok(Effect::Bytes { bytes, end })
        })
        .await
    }
}

impl CdpContext {
    /// A stream's bytes, and whether they are all; reading ends above `max`.
    async fn read_stream(&self, handle: &str, max: u64) -> AdapterResult<(Vec<u8>, bool)> {
        const CALL: &str = "IO.read";
        let mut bytes = Vec::new();
        loop {
            let part =
                self.browser
                    .connection
                    .call(CALL, &Read { handle, size: PART }, Route::BROWSER);
            let part: Part = part.decode().await.map_err(failed(CALL))?;
            if part.base64_encoded {
                bytes.extend(BASE64_STANDARD.decode(part.data).unwrap_or_default());
            } else {
                bytes.extend(part.data.into_bytes());
            }
            if part.eof || bytes.len() as u64 > max {
                return Ok((bytes, part.eof));
            }
        }
    }
}
