//! Primitives by what they are of. An adapter implements each group where its protocol has the means for it, and [`perform`] finds the one
//! that a primitive is for.
//!
//! What each method does and which effect it has is said once, at its variant of [`Primitive`].

use std::future::ready;

use super::{
    AdapterError, AdapterResult, BridgeCall, Decision, DownloadKey, Effect, Emulation, FileToGive,
    FilesTo, FrameKey, InputAction, NetworkPolicy, PausedKey, Primitive, RequestKey, TargetKey,
};
use crate::wire::command::Viewport;
use crate::wire::command::export::PdfParams;
use crate::wire::command::storage::Cookie;
use crate::wire::page::{Clip, ImageFormat};

/// What comes of a primitive.
pub type Performed = AdapterResult<Effect>;

/// The same, later.
pub trait Work: Future<Output = Performed> + Send {}

impl<T: Future<Output = Performed> + Send> Work for T {}

/// Pages as a whole, and their dialogs.
pub trait Pages {
    /// [`Primitive::CreateTarget`].
    fn create_target(&self, url: Option<String>) -> impl Work;
    /// [`Primitive::CloseTarget`].
    fn close_target(&self, target: TargetKey) -> impl Work;
    /// [`Primitive::ActivateTarget`].
    fn activate_target(&self, target: TargetKey) -> impl Work;
    /// [`Primitive::SetViewport`].
    fn set_viewport(&self, target: TargetKey, viewport: Viewport) -> impl Work;
    /// [`Primitive::AnswerDialog`].
    fn answer_dialog(&self, target: TargetKey, accept: bool, text: Option<String>) -> impl Work;
}

/// The ways to another document.
pub trait Navigation {
    /// [`Primitive::Navigate`].
    fn navigate(&self, target: TargetKey, url: &str) -> impl Work;
    /// [`Primitive::Reload`].
    fn reload(&self, target: TargetKey, ignore_cache: bool) -> impl Work;
    /// [`Primitive::TraverseHistory`].
    fn traverse_history(&self, target: TargetKey, delta: i32) -> impl Work;
    /// [`Primitive::VisitEmpty`].
    fn visit_empty(&self, target: TargetKey, url: &str) -> impl Work;
}

/// Scripts in frames: the bridge's and the user's.
pub trait Scripts {
    /// [`Primitive::CallBridge`].
    fn call_bridge(&self, target: TargetKey, frame: FrameKey, call: &BridgeCall) -> impl Work;
    /// [`Primitive::Evaluate`].
    fn evaluate(
        &self,
        target: TargetKey,
        frame: FrameKey,
        expression: &str,
        await_promise: bool,
    ) -> impl Work;
}

/// Closed shadow roots, which a bridge may not see by itself.
pub trait ShadowRoots {
    /// [`Primitive::RevealShadowRoots`].
    fn reveal_shadow_roots(&self, target: TargetKey, frame: FrameKey) -> impl Work;
}

/// Mouse, keyboard and touch.
pub trait Inputs {
    /// [`Primitive::Input`].
    fn input(&self, target: TargetKey, actions: &[InputAction]) -> impl Work;
    /// [`Primitive::InputTold`].
    fn input_told(&self, target: TargetKey, frame: FrameKey, actions: &[InputAction]) -> impl Work;
}

/// How a picture is to be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Picture {
    /// The format.
    pub format: ImageFormat,
    /// 0 to 100; none where the format has no quality.
    pub quality: Option<u8>,
    /// The part of the page, from the document's origin.
    pub clip: Option<Clip>,
    /// The whole page, where no part is asked for.
    pub full_page: bool,
}

/// What a page looks like.
pub trait Views {
    /// [`Primitive::Screenshot`].
    fn screenshot(&self, target: TargetKey, picture: Picture) -> impl Work;
    /// [`Primitive::Print`].
    fn print(&self, target: TargetKey, options: &PdfParams) -> impl Work;
}

/// What the browser records of itself, where a protocol has that.
pub trait Traces {
    /// [`Primitive::StartTrace`].
    fn start_trace(&self, categories: &[String], max_bytes: u64) -> impl Work {
        let _ = (categories, max_bytes);
        unsupported("start a trace")
    }
    /// [`Primitive::StopTrace`].
    fn stop_trace(&self, max_bytes: u64) -> impl Work {
        let _ = max_bytes;
        unsupported("stop a trace")
    }
}

fn unsupported(primitive: &'static str) -> impl Work {
    ready(Err(AdapterError::Unsupported { primitive }))
}

/// The context's cookies.
pub trait Cookies {
    /// [`Primitive::ReadCookies`].
    fn read_cookies(&self) -> impl Work;
    /// [`Primitive::WriteCookies`].
    fn write_cookies(&self, cookies: &[Cookie]) -> impl Work;
    /// [`Primitive::RemoveCookies`].
    fn remove_cookies(&self, cookies: Option<&[Cookie]>) -> impl Work;
}

/// What pages are made to see.
pub trait Emulates {
    /// [`Primitive::Emulate`].
    fn emulate(&self, setting: &Emulation) -> impl Work;
}

/// Requests: what holds for all, those that wait, and those that are over.
pub trait Network {
    /// [`Primitive::SetNetworkPolicy`].
    fn set_network_policy(&self, policy: NetworkPolicy) -> impl Work;
    /// [`Primitive::Decide`].
    fn decide(&self, paused: PausedKey, decision: Decision) -> impl Work;
    /// [`Primitive::ResponseBody`].
    fn response_body(&self, target: TargetKey, request: RequestKey) -> impl Work;
}

/// Files, to pages and from them.
pub trait Files {
    /// [`Primitive::ReadDownload`].
    fn read_download(&self, download: DownloadKey, offset: u64, max: u64) -> impl Work;
    /// [`Primitive::CancelDownload`].
    fn cancel_download(&self, download: DownloadKey) -> impl Work;
    /// [`Primitive::SetFiles`].
    fn set_files(&self, target: TargetKey, to: FilesTo, files: Vec<FileToGive>) -> impl Work;
}

/// Everything that a context can be asked for.
pub trait Performs:
    Pages
    + Navigation
    + Scripts
    + ShadowRoots
    + Inputs
    + Views
    + Traces
    + Cookies
    + Emulates
    + Network
    + Files
    + Sync
{
}

impl<T> Performs for T where
    T: Pages
        + Navigation
        + Scripts
        + ShadowRoots
        + ShadowRoots
        + ShadowRoots
        + Inputs
        + Views
        + Traces
        + Cookies
        + Emulates
        + Network
        + Files
        + Sync
{
}

/// Performs a primitive by the method that it is for.
///
/// # Errors
/// The method's.
pub async fn perform(context: &impl Performs, primitive: Primitive) -> Performed {
    use Primitive as P;
    let it = context;
    match primitive {
        P::CreateTarget { url } => it.create_target(url).await,
        P::CloseTarget { target } => it.close_target(target).await,
        P::ActivateTarget { target } => it.activate_target(target).await,
        P::SetViewport { target, viewport } => it.set_viewport(target, viewport).await,
        P::AnswerDialog {
            target,
            accept,
            text,
        } => it.answer_dialog(target, accept, text).await,
        P::Navigate { target, url } => it.navigate(target, &url).await,
        P::Reload {
            target,
            ignore_cache,
        } => it.reload(target, ignore_cache).await,
        P::TraverseHistory { target, delta } => it.traverse_history(target, delta).await,
        P::VisitEmpty { target, url } => it.visit_empty(target, &url).await,
        P::CallBridge {
            target,
            frame,
            call,
        } => it.call_bridge(target, frame, &call).await,
        P::RevealShadowRoots { target, frame } => it.reveal_shadow_roots(target, frame).await,
        P::Evaluate {
            target,
            frame,
            expression,
            await_promise,
        } => it.evaluate(target, frame, &expression, await_promise).await,
        P::Input { target, actions } => it.input(target, &actions).await,
        P::InputTold {
            target,
            frame,
            actions,
        } => it.input_told(target, frame, &actions).await,
        P::Screenshot {
            target,
            format,
            quality,
            clip,
            full_page,
        } => {
            let picture = Picture {
                format,
                quality: quality.filter(|_| format != ImageFormat::Png),
                clip,
                full_page,
            };
            it.screenshot(target, picture).await
        }
        P::Print { target, options } => it.print(target, &options).await,
        P::StartTrace {
            categories,
            max_bytes,
        } => it.start_trace(&categories, max_bytes).await,
        P::StopTrace { max_bytes } => it.stop_trace(max_bytes).await,
        P::ReadCookies => it.read_cookies().await,
        P::WriteCookies { cookies } => it.write_cookies(&cookies).await,
        P::RemoveCookies { cookies } => it.remove_cookies(cookies.as_deref()).await,
        P::Emulate { setting } => it.emulate(&setting).await,
        P::SetNetworkPolicy { policy } => it.set_network_policy(policy).await,
        P::Decide { paused, decision } => it.decide(paused, decision).await,
        P::ResponseBody { target, request } => it.response_body(target, request).await,
        P::ReadDownload {
            download,
            offset,
            max,
        } => it.read_download(download, offset, max).await,
        P::CancelDownload { download } => it.cancel_download(download).await,
        P::SetFiles { target, to, files } => it.set_files(target, to, files).await,
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    struct Lacking;

    impl Traces for Lacking {}

    fn now(work: impl Work) -> Performed {
        match pin!(work).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(outcome) => outcome,
            Poll::Pending => panic!("a refusal waits for nothing"),
        }
    }

    #[test]
    fn what_a_protocol_lacks_is_refused_by_the_primitives_own_name() {
        let (categories, max_bytes) = (Vec::new(), 1);
        let started = now(Lacking.start_trace(&categories, max_bytes));
        let stopped = now(Lacking.stop_trace(max_bytes));
        let start = Primitive::StartTrace {
            categories,
            max_bytes,
        };
        for (outcome, asked) in [
            (started, start),
            (stopped, Primitive::StopTrace { max_bytes }),
        ] {
            let primitive = asked.name();
            assert_eq!(
                outcome.unwrap_err(),
                AdapterError::Unsupported { primitive }
            );
        }
    }
}
