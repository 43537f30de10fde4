//! `diagnostics.trace`: what the browser did, in its own format. The whole trace is kept in memory, and read part by part.

use std::sync::Arc;

use base64::prelude::*;
use ops_contracts::seam::adapter::{Effect, Primitive};
use ops_contracts::wire::command::trace::{TraceAction, TraceParams, TraceResult};
use ops_contracts::{ErrorCode, Fault, Outcome};

use crate::cx::{Cx, unexpected};

/// A session's trace.
#[derive(Debug, Clone, Default)]
pub(crate) enum Trace {
    /// There is none.
    #[default]
    None,
    /// It is being recorded by the browser of this epoch, up to so many bytes.
    Recording(u64, u64),
    /// It was recorded.
    Kept(Arc<Vec<u8>>),
}

pub(crate) async fn run(cx: &Cx, params: TraceParams) -> Outcome<TraceResult> {
    match params.action {
        TraceAction::Start => start(cx, params).await,
        TraceAction::Stop => stop(cx).await,
        TraceAction::Read => read(cx, &params),
    }
}

async fn start(cx: &Cx, params: TraceParams) -> Outcome<TraceResult> {
    if cx.session.plan.slot.private.is_none() {
        // What other sessions do in a shared browser would be in it.
        let message = "a trace is of the whole browser: make the session with isolation process";
        return Err(Fault::new(ErrorCode::OpsNotSupported, message)
            .with("field", "isolation")
            .with("expected", "process"));
    }
    let epoch = cx.session.live().epoch;
    if matches!(cx.session.trace(), Trace::Recording(of, _) if of == epoch) {
        return Err(Fault::plain(ErrorCode::OpsTraceRunning));
    }
    let max_bytes = params.most();
    cx.waiting_for("the browser to record");
    cx.perform(Primitive::StartTrace {
        categories: params.categories,
        max_bytes,
    })
    .await?;
    cx.session.set_trace(Trace::Recording(epoch, max_bytes));
    Ok(TraceResult {
        recording: true,
        bytes: 0,
        offset: None,
        data: None,
        end: None,
    })
}

async fn stop(cx: &Cx) -> Outcome<TraceResult> {
    let max_bytes = match cx.session.trace() {
        Trace::Recording(epoch, max_bytes) if epoch == cx.session.live().epoch => max_bytes,
        _ => return Err(Fault::plain(ErrorCode::OpsTraceMissing)),
    };
    cx.waiting_for("the trace");
    cx.session.set_trace(Trace::None);
    let Effect::Bytes { bytes, end } = cx.perform(Primitive::StopTrace { max_bytes }).await? else {
        return Err(unexpected());
    };
    if !end {
        let message = format!(
            "the trace has more than {max_bytes} bytes: record for a shorter time, or fewer categories"
        );
        return Err(Fault::new(ErrorCode::OpsResultTooLarge, message).with("limitBytes", max_bytes));
    }
    let size = bytes.len() as u64;
    cx.session.set_trace(Trace::Kept(Arc::new(bytes)));
    Ok(TraceResult {
        recording: false,
        bytes: size,
        offset: None,
        data: None,
        end: None,
    })
}

fn read(cx: &Cx, params: &TraceParams) -> Outcome<TraceResult> {
    let Trace::Kept(bytes) = cx.session.trace() else {
        return Err(Fault::plain(ErrorCode::OpsTraceMissing));
    };
    let size = bytes.len() as u64;
    let offset = params.offset.unwrap_or(0);
    if offset > size {
        let fault = Fault::new(
            ErrorCode::OpsInvalidRequest,
            "diagnostics.trace: offset: beyond the trace's end",
        );
        return Err(fault
            .with("field", "offset")
            .with("expected", format!("at most {size}")));
    }
    let last = size.min(offset.saturating_add(params.most()));
    let at = |byte: u64| usize::try_from(byte).unwrap_or(usize::MAX);
    let data = BASE64_STANDARD.encode(&bytes[at(offset)..at(last)]);
    Ok(TraceResult {
        recording: false,
        bytes: size,
        offset: Some(offset),
        data: Some(data),
        end: Some(last == size),
    })
}
