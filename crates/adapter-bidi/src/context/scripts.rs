//! Calls of the bridge and expressions of users: one round trip each once the frame's document is there.

use std::sync::Arc;

use bytes::Bytes;
use ops_contracts::adapter::{AdapterError, AdapterResult, BridgeCall, Effect, Evaluated, FrameKey, ScriptError, TargetKey};

use super::{APPEARANCE_DEADLINE, BidiContext, failed, value, within};
use crate::connection::{Route, decode};
use crate::protocol::Command;
use crate::protocol::browsing_context::{Child, ContextLocator, LocateContainer};
use crate::protocol::script::{
    CallFunction, ContextTarget, Evaluate, Evaluation, ExceptionDetails, RemoteValue, SerializationOptions, SharedReference,
    ValueType,
};
use crate::router::SANDBOX;
use crate::router::state::State;

/// The function that puts the bridge into a document, and a way to tell something beside its answers where it is given one. It stays in
/// the sandbox, because a document may take over the window of the one before, and with it a bridge that knows only that one.
pub(crate) fn preload(bridge: &str) -> String {
    format!("(tell) => {{\nif (tell) globalThis.__odbTell = tell;\n{}\n}}", installation(bridge))
}

/// The same as an expression, for documents that are there.
pub(crate) fn installation(bridge: &str) -> String {
    format!(
        "globalThis.__odbRenew = () => {{ delete globalThis.__odb;\n{bridge}\n;globalThis.__odbOf = document; }};\n__odbRenew();"
    )
}

/// The expression that makes the bridge anew where it is of another document.
pub(crate) const RENEWAL: &str = "typeof __odbRenew === 'function' && __odbOf !== document && __odbRenew(), undefined";

/// Guards a use of the bridge: `undefined` where it was never put.
fn guarded(body: &str) -> String {
    format!("typeof __odbRenew==='function'?(__odbOf===document||__odbRenew(),{body}):undefined")
}

impl BidiContext {
    /// The browsing context of a frame; waits while its document is being replaced.
    pub(super) async fn place(&self, target: TargetKey, frame: FrameKey) -> AdapterResult<Arc<str>> {
        let find = |state: &mut State| match state.frame(&self.id, target, frame) {
            Err(error) => Some(Err(error)),
            Ok(frame) => (!frame.replacing).then(|| Ok(Arc::clone(&frame.id))),
        };
        if let Some(found) = find(&mut self.browser.router.lock()) {
            return found;
        }
        within(APPEARANCE_DEADLINE, self.browser.router.until(find)).await
    }

    pub(super) async fn call_bridge(&self, target: TargetKey, frame: FrameKey, call: &BridgeCall) -> AdapterResult<Effect> {
        let context = self.place(target, frame).await?;
        let route = Route::document(target, frame);
        // The second time the bridge has been put there by hand.
        for _ in 0..2 {
            let reply = match call.owner_of {
                None => {
                    let expression = guarded(&format!("__odb.call(\"{}\",{})", call.name, call.args.get()));
                    self.run(&context, Some(SANDBOX), &expression, true, route).await
                }
                Some(child) => {
                    let owner = self.owner(&context, frame, child, route).await?;
                    self.call_with_owner(&context, &owner, call, route).await
                }
            };
            let reply = reply.map_err(|error| self.placed(target, Some(frame), error))?;
            if let Some(text) = bridge_text(call, &reply)? {
                return Ok(Effect::Text(text));
            }
            self.install(&context, route).await?;
        }
        Err(AdapterError::Protocol { call: format!("bridge call {}", call.name), reason: "the bridge is not there".to_owned() })
    }

    async fn install(&self, context: &str, route: Route) -> AdapterResult<()> {
        let bridge = {
            let state = self.browser.router.lock();
            state.contexts.get(&self.id).map(|entry| Arc::clone(&entry.installation)).ok_or(AdapterError::TargetClosed)?
        };
        self.run(context, Some(SANDBOX), &bridge, false, route).await.map(drop)
    }

    /// `script.evaluate`.
    pub(super) async fn run(
        &self,
        context: &str,
        sandbox: Option<&str>,
        expression: &str,
        await_promise: bool,
        route: Route,
    ) -> AdapterResult<Bytes> {
        let evaluate = Evaluate {
            expression,
            target: ContextTarget { context, sandbox },
            await_promise,
            user_activation: sandbox.is_none(),
            serialization_options: sandbox
                .is_none()
                .then_some(SerializationOptions { max_dom_depth: 0, include_shadow_tree: None }),
        };
        self.browser.connection.send(&evaluate, route).await.map_err(failed(Evaluate::METHOD))
    }

    async fn call_with_owner(&self, context: &str, owner: &str, call: &BridgeCall, route: Route) -> AdapterResult<Bytes> {
        let body = guarded(&format!("__odb.call(\"{}\",{},owner)", call.name, call.args.get()));
        let function = CallFunction {
            function_declaration: &format!("(owner)=>{body}"),
            target: ContextTarget { context, sandbox: Some(SANDBOX) },
            await_promise: true,
            arguments: vec![SharedReference { shared_id: owner }],
        };
        self.browser.connection.send(&function, route).await.map_err(failed(CallFunction::METHOD))
    }

    /// The element that holds `child`, as a node of its parent's document. Kept as long as the child is.
    async fn owner(&self, context: &str, frame: FrameKey, child: FrameKey, route: Route) -> AdapterResult<Arc<str>> {
        let id = {
            let state = self.browser.router.lock();
            let held = state.frames.get(&child).filter(|child| child.parent == Some(frame)).ok_or(AdapterError::FrameGone)?;
            if let Some(owner) = &held.owner {
                return Ok(Arc::clone(owner));
            }
            Arc::clone(&held.id)
        };
        let locate = LocateContainer { context, locator: ContextLocator { r#type: "context", value: Child { context: &id } } };
        let located = self.browser.connection.send(&locate, route).decode().await.map_err(failed(LocateContainer::METHOD))?;
        let node = located.nodes.into_iter().find_map(|node| node.shared_id).ok_or(AdapterError::FrameGone)?;
        let node: Arc<str> = node.into();
        if let Some(held) = self.browser.router.lock().frames.get_mut(&child) {
            held.owner = Some(Arc::clone(&node));
        }
        Ok(node)
    }

    pub(super) async fn evaluate(
        &self,
        target: TargetKey,
        frame: FrameKey,
        expression: &str,
        await_promise: bool,
    ) -> AdapterResult<Effect> {
        let context = self.place(target, frame).await?;
        let reply = self.run(&context, None, expression, await_promise, Route::document(target, frame)).await;
        let reply = reply.map_err(|error| self.placed(target, Some(frame), error))?;
        let evaluation: Evaluation<'_> = decode(&reply).map_err(failed(Evaluate::METHOD))?;
        let evaluated = match (evaluation.exception_details, evaluation.result) {
            (Some(details), _) => Evaluated::Threw(thrown(details)),
            (None, Some(result)) => value::evaluated(result).map_err(failed(Evaluate::METHOD))?,
            (None, None) => Evaluated::Unserializable("undefined".to_owned()),
        };
        Ok(Effect::Evaluated(evaluated))
    }
}

/// The text that the bridge returned; `None` where there is no bridge.
fn bridge_text(call: &BridgeCall, reply: &Bytes) -> AdapterResult<Option<String>> {
    let broken = |reason: String| AdapterError::Protocol { call: format!("bridge call {}", call.name), reason };
    let evaluation: Evaluation<'_> = decode(reply).map_err(failed("bridge call"))?;
    if let Some(details) = evaluation.exception_details {
        return Err(broken(details.text));
    }
    let result = evaluation.result.map_or("null", |result| result.get());
    let result: RemoteValue<'_> = serde_json::from_str(result).map_err(|error| broken(error.to_string()))?;
    match (result.r#type, result.value) {
        (ValueType::Undefined, _) => Ok(None),
        (ValueType::String, Some(text)) => serde_json::from_str(text.get()).map(Some).map_err(|error| broken(error.to_string())),
        _ => Err(broken("the bridge returned no text".to_owned())),
    }
}

fn thrown(details: ExceptionDetails) -> ScriptError {
    // What can't be parsed has no stack, and a place in the browser's own script.
    let placed = !details.stack_trace.call_frames.is_empty();
    let place = |number: i64| u32::try_from(number + 1).ok().filter(|_| placed);
    ScriptError { line: place(details.line_number), column: place(details.column_number), text: details.text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thrown_error_has_a_place_and_a_syntax_error_has_none() {
        let details = |frames: &str| {
            let json =
                format!(r#"{{"text":"TypeError: bad","lineNumber":0,"columnNumber":6,"stackTrace":{{"callFrames":[{frames}]}}}}"#);
            thrown(serde_json::from_str(&json).unwrap())
        };
        let placed = details(r#"{"columnNumber":6,"functionName":"","lineNumber":0,"url":"u"}"#);
        assert_eq!((placed.line, placed.column), (Some(1), Some(7)));
        assert_eq!((details("").line, details("").column), (None, None));
    }
}
