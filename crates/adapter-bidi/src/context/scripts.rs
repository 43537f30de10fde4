//! Calls of the bridge and expressions of users: one round trip each once the frame's document is there.

use std::sync::Arc;

use bytes::Bytes;
use ops_contracts::seam::adapter::{
    AdapterError, AdapterResult, BridgeCall, Effect, Evaluated, FrameKey, Performed, ScriptError,
    Scripts, TargetKey,
};

use super::{APPEARANCE_DEADLINE, BidiContext, failed, value, within};
use crate::connection::{Route, decode};
use crate::protocol::Command;
use crate::protocol::browsing_context::{Child, ContextLocator, LocateContainer};
use crate::protocol::script::{
    CallFunction, ContextTarget, Evaluate, Evaluation, ExceptionDetails, RemoteValue,
    SerializationOptions, SharedReference, ValueType,
};
use crate::router::SANDBOX;
use crate::router::state::State;

/// The function that every document begins with: the bridge's start, and a way to tell something beside its answers where it is
/// given one.
pub(crate) fn preload(start: &str) -> String {
    format!("(tell) => {{\nif (tell) globalThis.__odbTell = tell;\n{start}\n}}")
}

/// The expression that makes the bridge anew where it is of another document: a document may take over the window of the one before,
/// and with it the sandbox.
pub(crate) const RENEWAL: &str =
    "typeof __odb === 'object' && __odb.doc !== document && __odb.start(), undefined";

/// Where a use of the bridge goes.
pub(super) struct Bridged {
    /// The browsing context of its frame.
    pub(super) context: Arc<str>,
    /// Whether what is used is there, as an expression.
    guard: &'static str,
    /// The script that is not there yet, as far as is known.
    missing: Option<Arc<str>>,
}

impl Bridged {
    /// `body` where the bridge is there, `otherwise` where it is not; behind its script where that is missing. The script is not put
    /// into a function: Firefox's compiler knows then that it runs once and for all, and every call of it is a tenth faster.
    pub(super) fn expression(&self, body: &str, otherwise: &str) -> String {
        let script = self.missing.as_deref().unwrap_or_default();
        format!("{script}\n;{}?{body}:{otherwise}", self.guard)
    }
}

impl Scripts for BidiContext {
    async fn call_bridge(
        &self,
        target: TargetKey,
        frame: FrameKey,
        call: &BridgeCall,
    ) -> Performed {
        let route = Route::document(target, frame);
        for again in [false, true] {
            let bridged = self.bridged(target, frame, Some(call.name), again).await?;
            let reply = match call.owner_of {
                None => {
                    let expression = bridged.expression(
                        &format!("__odb.call(\"{}\",{})", call.name, call.args.get()),
                        "undefined",
                    );
                    let reply = self
                        .run(&bridged.context, Some(SANDBOX), &expression, true, route)
                        .await;
                    reply.map_err(|error| self.placed(target, Some(frame), error))?
                }
                Some(child) => {
                    self.call_with_owner(&bridged, (target, frame), child, call)
                        .await?
                }
            };
            let text = bridge_text(call, &reply)?;
            if let Some(held) = self.browser.router.lock().frames.get_mut(&frame) {
                held.whole = text.is_some() && (held.whole || bridged.missing.is_some());
            }
            if let Some(text) = text {
                return Ok(Effect::Text(text));
            }
        }
        Err(AdapterError::Protocol {
            call: format!("bridge call {}", call.name),
            reason: "the bridge is not there".to_owned(),
        })
    }

    async fn evaluate(
        &self,
        target: TargetKey,
        frame: FrameKey,
        expression: &str,
        await_promise: bool,
    ) -> Performed {
        let context = self.place(target, frame).await?;
        let reply = self
            .run(
                &context,
                None,
                expression,
                await_promise,
                Route::document(target, frame),
            )
            .await;
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

impl BidiContext {
    /// The browsing context of a frame; waits while its document is being replaced.
    pub(super) async fn place(
        &self,
        target: TargetKey,
        frame: FrameKey,
    ) -> AdapterResult<Arc<str>> {
        let find = |state: &mut State| match state.frame(&self.id, target, frame) {
            Err(error) => Some(Err(error)),
            Ok(frame) => (!frame.replacing).then(|| Ok(Arc::clone(&frame.id))),
        };
        if let Some(found) = find(&mut self.browser.router.lock()) {
            return found;
        }
        within(APPEARANCE_DEADLINE, self.browser.router.until(find)).await
    }

    /// Where a call of the bridge goes, or any use of the whole of it. With `again` the script goes along, whatever is known.
    pub(super) async fn bridged(
        &self,
        target: TargetKey,
        frame: FrameKey,
        call: Option<&str>,
        again: bool,
    ) -> AdapterResult<Bridged> {
        let context = self.place(target, frame).await?;
        let state = self.browser.router.lock();
        let bridge = &state.context(&self.id)?.bridge;
        let starts = call.is_some_and(|call| bridge.starts_with(call));
        let has = starts || state.frames.get(&frame).is_some_and(|frame| frame.whole);
        let guard = if starts {
            "typeof __odb==='object'"
        } else {
            "typeof __odb==='object'&&__odb.version"
        };
        Ok(Bridged {
            context,
            guard,
            missing: (again || !has).then(|| Arc::clone(&bridge.whole)),
        })
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
            serialization_options: sandbox.is_none().then_some(SerializationOptions {
                max_dom_depth: 0,
                include_shadow_tree: None,
            }),
        };
        self.browser
            .connection
            .send(&evaluate, route)
            .await
            .map_err(failed(Evaluate::METHOD))
    }

    async fn call_with_owner(
        &self,
        bridged: &Bridged,
        (target, frame): (TargetKey, FrameKey),
        child: FrameKey,
        call: &BridgeCall,
    ) -> AdapterResult<Bytes> {
        let Bridged {
            context,
            guard,
            missing,
        } = bridged;
        let route = Route::document(target, frame);
        let placed = |error| self.placed(target, Some(frame), error);
        if let Some(script) = missing {
            self.run(context, Some(SANDBOX), script, false, route)
                .await
                .map_err(placed)?;
        }
        // Its error is of the child.
        let owner = self.owner(context, frame, child, route).await?;
        let function = CallFunction {
            function_declaration: &format!(
                "(owner)=>{guard}?__odb.call(\"{}\",{},owner):undefined",
                call.name,
                call.args.get()
            ),
            target: ContextTarget {
                context,
                sandbox: Some(SANDBOX),
            },
            await_promise: true,
            arguments: vec![SharedReference { shared_id: &owner }],
        };
        self.browser
            .connection
            .send(&function, route)
            .await
            .map_err(failed(CallFunction::METHOD))
            .map_err(placed)
    }

    /// The element that holds `child`, as a node of its parent's document. Kept as long as the child is.
    async fn owner(
        &self,
        context: &str,
        frame: FrameKey,
        child: FrameKey,
        route: Route,
    ) -> AdapterResult<Arc<str>> {
        let id = {
            let state = self.browser.router.lock();
            let held = state
                .frames
                .get(&child)
                .filter(|child| child.parent == Some(frame))
                .ok_or(AdapterError::FrameGone)?;
            if let Some(owner) = &held.owner {
                return Ok(Arc::clone(owner));
            }
            Arc::clone(&held.id)
        };
        let locate = LocateContainer {
            context,
            locator: ContextLocator {
                r#type: "context",
                value: Child { context: &id },
            },
        };
        let located = self
            .browser
            .connection
            .send(&locate, route)
            .decode()
            .await
            .map_err(failed(LocateContainer::METHOD))?;
        let node = located
            .nodes
            .into_iter()
            .find_map(|node| node.shared_id)
            .ok_or(AdapterError::FrameGone)?;
        let node: Arc<str> = node.into();
        if let Some(held) = self.browser.router.lock().frames.get_mut(&child) {
            held.owner = Some(Arc::clone(&node));
        }
        Ok(node)
    }
}

/// The text that the bridge returned; `None` where there is no bridge.
fn bridge_text(call: &BridgeCall, reply: &Bytes) -> AdapterResult<Option<String>> {
    let broken = |reason: String| AdapterError::Protocol {
        call: format!("bridge call {}", call.name),
        reason,
    };
    let evaluation: Evaluation<'_> = decode(reply).map_err(failed("bridge call"))?;
    if let Some(details) = evaluation.exception_details {
        return Err(broken(details.text));
    }
    let result = evaluation.result.map_or("null", |result| result.get());
    let result: RemoteValue<'_> =
        serde_json::from_str(result).map_err(|error| broken(error.to_string()))?;
    match (result.r#type, result.value) {
        (ValueType::Undefined, _) => Ok(None),
        (ValueType::String, Some(text)) => serde_json::from_str(text.get())
            .map(Some)
            .map_err(|error| broken(error.to_string())),
        _ => Err(broken("the bridge returned no text".to_owned())),
    }
}

fn thrown(details: ExceptionDetails) -> ScriptError {
    // What can't be parsed has no stack, and a place in the browser's own script.
    let placed = !details.stack_trace.call_frames.is_empty();
    let place = |number: i64| u32::try_from(number + 1).ok().filter(|_| placed);
    ScriptError {
        line: place(details.line_number),
        column: place(details.column_number),
        text: details.text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thrown_error_has_a_place_and_a_syntax_error_has_none() {
        let details = |frames: &str| {
            let json = format!(
                r#"{{"text":"TypeError: bad","lineNumber":0,"columnNumber":6,"stackTrace":{{"callFrames":[{frames}]}}}}"#
            );
            thrown(serde_json::from_str(&json).unwrap())
        };
        let placed = details(r#"{"columnNumber":6,"functionName":"","lineNumber":0,"url":"u"}"#);
        assert_eq!((placed.line, placed.column), (Some(1), Some(7)));
        assert_eq!((details("").line, details("").column), (None, None));
    }
}
