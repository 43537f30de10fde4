//! Calls of the bridge and expressions of users: one round trip each, once the frame's world is there and has the whole bridge.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use chromiumoxide_cdp::cdp::browser_protocol::dom::{
    BackendNodeId, GetFrameOwnerParams, ResolveNodeParams,
};
use chromiumoxide_cdp::cdp::browser_protocol::page::CreateIsolatedWorldParams;
use chromiumoxide_cdp::cdp::js_protocol::runtime::ExecutionContextId;
use ops_contracts::seam::adapter::{
    AdapterError, AdapterResult, BridgeCall, Effect, Evaluated, FrameKey, Performed, ScriptError,
    Scripts, TargetKey,
};
use serde::Serialize;
use serde_json::value::RawValue;

use super::{APPEARANCE_DEADLINE, CdpContext, failed, within};
use crate::connection::{CallError, Refusal, Reply, Route, ScopeId, decode};
use crate::router::state::{Frame, OwnerHandle, State, World};
use crate::router::{WORLD, exception_text};
use crate::wire;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Evaluate<'a> {
    expression: &'a str,
    unique_context_id: &'a str,
    return_by_value: bool,
    await_promise: bool,
    user_gesture: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CallOn<'a> {
    function_declaration: &'a str,
    object_id: &'a str,
    return_by_value: bool,
    await_promise: bool,
    user_gesture: bool,
}

/// How long the world of a new document may take before it is made by hand.
const WORLD_PATIENCE: Duration = Duration::from_millis(250);

type WorldOf = fn(&Frame) -> Option<&World>;

impl Scripts for CdpContext {
    async fn call_bridge(
        &self,
        target: TargetKey,
        frame: FrameKey,
        call: &BridgeCall,
    ) -> Performed {
        let (world, scope) = self.bridge_world(target, frame).await?;
        if let Some(completing) = self.complete_bridge(&world, scope, frame, Some(call.name))? {
            completing.forget();
        }
        let reply = match call.owner_of {
            None => self.plain_call(&world, scope, call).await?,
            Some(child) => {
                self.call_with_owner(&world, scope, frame, child, call)
                    .await?
            }
        };
        let evaluation: wire::Evaluation<'_> = decode(&reply).map_err(failed("bridge call"))?;
        bridge_text(call, &evaluation)
    }

    async fn evaluate(
        &self,
        target: TargetKey,
        frame: FrameKey,
        expression: &str,
        await_promise: bool,
    ) -> Performed {
        let (world, scope) = self
            .world(target, frame, |frame| frame.main.as_ref())
            .await?;
        let params = Evaluate {
            expression,
            unique_context_id: &world.unique,
            return_by_value: true,
            await_promise,
            user_gesture: true,
        };
        let route = Route::scoped(&world.session, scope);
        match self
            .browser
            .connection
            .call("Runtime.evaluate", &params, route)
            .await
        {
            Ok(reply) => {
                let evaluation: wire::Evaluation<'_> =
                    decode(&reply).map_err(failed("Runtime.evaluate"))?;
                Ok(Effect::Evaluated(evaluated(&evaluation)))
            }
            Err(CallError::Refused(Refusal { message, .. })) if is_unreturnable(&message) => {
                Ok(Effect::Evaluated(Evaluated::Threw(unreturnable(message))))
            }
            Err(error) => Err(failed("Runtime.evaluate")(error)),
        }
    }
}

impl CdpContext {
    /// A world of a frame and the scope of its document; waits while a new document's world is being made.
    async fn world(
        &self,
        target: TargetKey,
        frame: FrameKey,
        which: WorldOf,
    ) -> AdapterResult<(World, ScopeId)> {
        let find = |state: &mut State| match state.frame(&self.id, target, frame) {
            Err(error) => Some(Err(error)),
            Ok(frame) => which(frame).map(|world| Ok((world.clone(), frame.scope()))),
        };
        if let Some(found) = find(&mut self.browser.router.lock()) {
            return found;
        }
        within(APPEARANCE_DEADLINE, self.browser.router.until(find)).await
    }

    /// The bridge's world. A frame that waits for its first document has none, and may wait for ever: there it is made.
    pub(super) async fn bridge_world(
        &self,
        target: TargetKey,
        frame: FrameKey,
    ) -> AdapterResult<(World, ScopeId)> {
        const CALL: &str = "Page.createIsolatedWorld";
        let bridge: WorldOf = |frame| frame.bridge.as_ref();
        match tokio::time::timeout(WORLD_PATIENCE, self.world(target, frame, bridge)).await {
            Ok(found) => return found,
            Err(_) => tracing::debug!("a frame has no world of the bridge yet: it is made"),
        }
        let (session, scope, id) = {
            let state = self.browser.router.lock();
            let frame = state.frame(&self.id, target, frame)?;
            (
                Arc::clone(&frame.session),
                frame.scope(),
                frame.id.to_string(),
            )
        };
        let (connection, route) = (&self.browser.connection, Route::scoped(&session, scope));
        let params = CreateIsolatedWorldParams {
            world_name: Some(WORLD.to_owned()),
            ..CreateIsolatedWorldParams::new(id)
        };
        let made = connection.exec(&params, route);
        within(APPEARANCE_DEADLINE, async {
            made.await.map_err(failed(CALL))
        })
        .await?;
        // Its event came before the answer.
        let (world, scope) = self.world(target, frame, bridge).await?;
        if let Some(completing) = self.complete_bridge(&world, scope, frame, None)? {
            completing.await.map_err(failed("bridge"))?;
        }
        Ok((world, scope))
    }

    /// Gives a document the whole bridge, unless it has it, or its start answers the call. It is on its way when this returns, so
    /// calls are handled in the order in which they are made.
    fn complete_bridge(
        &self,
        world: &World,
        scope: ScopeId,
        frame: FrameKey,
        call: Option<&str>,
    ) -> AdapterResult<Option<Reply>> {
        let mut state = self.browser.router.lock();
        let held = state.frames.get(&frame).ok_or(AdapterError::FrameGone)?;
        if held.whole.as_ref() == Some(&world.unique) {
            return Ok(None);
        }
        let bridge = &state.context(&self.id)?.bridge;
        if call.is_some_and(|call| bridge.starts_with(call)) {
            return Ok(None);
        }
        let params = Evaluate {
            expression: &bridge.whole,
            unique_context_id: &world.unique,
            return_by_value: false,
            await_promise: false,
            user_gesture: false,
        };
        let completing = self.browser.connection.call(
            "Runtime.evaluate",
            &params,
            Route::scoped(&world.session, scope),
        );
        if let Some(frame) = state.frames.get_mut(&frame) {
            frame.whole = Some(Arc::clone(&world.unique));
        }
        Ok(Some(completing))
    }

    async fn plain_call(
        &self,
        world: &World,
        scope: ScopeId,
        call: &BridgeCall,
    ) -> AdapterResult<Bytes> {
        let expression = format!("__odb.call(\"{}\",{})", call.name, call.args.get());
        let params = Evaluate {
            expression: &expression,
            unique_context_id: &world.unique,
            return_by_value: true,
            await_promise: true,
            user_gesture: false,
        };
        let route = Route::scoped(&world.session, scope);
        self.browser
            .connection
            .call("Runtime.evaluate", &params, route)
            .await
            .map_err(failed("bridge call"))
    }

    async fn call_with_owner(
        &self,
        world: &World,
        scope: ScopeId,
        frame: FrameKey,
        child: FrameKey,
        call: &BridgeCall,
    ) -> AdapterResult<Bytes> {
        let owner = self.owner(world, scope, frame, child).await?;
        let function = format!(
            "function(){{return __odb.call(\"{}\",{},this)}}",
            call.name,
            call.args.get()
        );
        let params = CallOn {
            function_declaration: &function,
            object_id: &owner,
            return_by_value: true,
            await_promise: true,
            user_gesture: false,
        };
        let route = Route::scoped(&world.session, scope);
        self.browser
            .connection
            .call("Runtime.callFunctionOn", &params, route)
            .await
            .map_err(failed("bridge call"))
    }

    /// The element that holds `child`, as an object of its parent's bridge world. Kept as long as that world is.
    async fn owner(
        &self,
        world: &World,
        scope: ScopeId,
        frame: FrameKey,
        child: FrameKey,
    ) -> AdapterResult<Arc<str>> {
        let id: Box<str> = {
            let state = self.browser.router.lock();
            let held = state
                .frames
                .get(&child)
                .filter(|child| child.parent == Some(frame));
            let held = held.ok_or(AdapterError::FrameGone)?;
            if let Some(owner) = held
                .owner
                .as_ref()
                .filter(|owner| owner.world == world.unique)
            {
                return Ok(Arc::clone(&owner.object));
            }
            held.id.clone()
        };
        let (connection, route) = (
            &self.browser.connection,
            Route::scoped(&world.session, scope),
        );
        let owner = connection.exec(&GetFrameOwnerParams::new(String::from(id)), route);
        let owner: wire::FrameOwner = owner.decode().await.map_err(failed("DOM.getFrameOwner"))?;
        let params = ResolveNodeParams {
            backend_node_id: Some(BackendNodeId::new(owner.backend_node_id)),
            execution_context_id: Some(ExecutionContextId::new(world.id)),
            ..Default::default()
        };
        let resolved = connection
            .exec(&params, route)
            .await
            .map_err(failed("DOM.resolveNode"))?;
        let resolved: wire::ResolvedNode<'_> =
            decode(&resolved).map_err(failed("DOM.resolveNode"))?;
        let object: Arc<str> = resolved
            .object
            .object_id
            .ok_or(AdapterError::FrameGone)?
            .into();
        if let Some(held) = self.browser.router.lock().frames.get_mut(&child) {
            held.owner = Some(OwnerHandle {
                world: Arc::clone(&world.unique),
                object: Arc::clone(&object),
            });
        }
        Ok(object)
    }
}

fn bridge_text(call: &BridgeCall, evaluation: &wire::Evaluation<'_>) -> Performed {
    let broken = |reason: String| AdapterError::Protocol {
        call: format!("bridge call {}", call.name),
        reason,
    };
    if let Some(details) = &evaluation.exception_details {
        return Err(broken(exception_text(details).0));
    }
    let text = evaluation
        .result
        .value
        .map(RawValue::get)
        .unwrap_or_default();
    let text: String =
        serde_json::from_str(text).map_err(|_| broken("the bridge returned no text".to_owned()))?;
    Ok(Effect::Text(text))
}

fn evaluated(evaluation: &wire::Evaluation<'_>) -> Evaluated {
    if let Some(details) = &evaluation.exception_details {
        let (text, _) = exception_text(details);
        let place = |number: i64| u32::try_from(number + 1).ok();
        return Evaluated::Threw(ScriptError {
            text,
            line: place(details.line_number),
            column: place(details.column_number),
        });
    }
    let result = &evaluation.result;
    match (result.value, &result.unserializable_value) {
        (_, Some(text)) => Evaluated::Unserializable(text.clone()),
        (Some(value), None) => Evaluated::Value(value.to_owned()),
        (None, None) if result.subtype == Some("null") => {
            Evaluated::Value(RawValue::NULL.to_owned())
        }
        (None, None) => Evaluated::Unserializable(result.r#type.to_owned()),
    }
}

/// Values that JSON cannot hold make the whole call fail, although the expression ran.
fn is_unreturnable(message: &str) -> bool {
    message.contains("Object reference chain is too long")
        || message.contains("Object couldn't be returned by value")
}

fn unreturnable(message: String) -> ScriptError {
    ScriptError {
        text: format!("the value can't be returned as JSON: {message}"),
        line: None,
        column: None,
    }
}
