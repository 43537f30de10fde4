//! Closed shadow roots: no sandbox sees them, the protocol describes them. The bridge says which elements may have one; those
//! that do are handed back to it.

use ops_contracts::seam::adapter::{
    AdapterError, Effect, FrameKey, Performed, ShadowRoots, TargetKey,
};
use serde::Deserialize;

use super::{BidiContext, failed};
use crate::connection::{Route, decode};
use crate::protocol::Command;
use crate::protocol::script::{
    CallFunction, ContextTarget, Evaluate, Evaluation, Host, SerializationOptions, ShadowMode,
    SharedReference,
};
use crate::router::SANDBOX;

#[derive(Deserialize)]
struct Hosts {
    #[serde(default)]
    value: Vec<Host>,
}

impl ShadowRoots for BidiContext {
    async fn reveal_shadow_roots(&self, target: TargetKey, frame: FrameKey) -> Performed {
        let bridged = self.bridged(target, frame, None, false).await?;
        let context = &bridged.context;
        let route = Route::document(target, frame);
        let evaluate = Evaluate {
            // The hosts that the bridge asks about; none where it is not there.
            expression: &bridged.expression("__odb.hosts()", "[]"),
            target: ContextTarget {
                context,
                sandbox: Some(SANDBOX),
            },
            await_promise: false,
            user_activation: false,
            serialization_options: Some(SerializationOptions {
                max_dom_depth: 0,
                include_shadow_tree: Some("all"),
            }),
        };
        let reply = self.browser.connection.send(&evaluate, route).await;
        let reply = reply
            .map_err(|error| self.placed(target, Some(frame), failed(Evaluate::METHOD)(error)))?;
        let evaluation: Evaluation<'_> = decode(&reply).map_err(failed(Evaluate::METHOD))?;
        let hosts: Hosts = match evaluation.result {
            Some(hosts) => {
                serde_json::from_str(hosts.get()).map_err(|error| AdapterError::Protocol {
                    call: Evaluate::METHOD.to_owned(),
                    reason: error.to_string(),
                })?
            }
            None => return Ok(Effect::Revealed(0)),
        };
        let closed = |host: &Host| {
            let root = host.value.shadow_root.as_ref()?;
            root.shared_id
                .clone()
                .filter(|_| root.value.mode == Some(ShadowMode::Closed))
        };
        let roots: Vec<String> = hosts.value.iter().filter_map(closed).collect();
        if roots.is_empty() {
            return Ok(Effect::Revealed(0));
        }
        let reveal = CallFunction {
            function_declaration: "(...roots) => { __odb.reveal(roots); }",
            target: ContextTarget {
                context,
                sandbox: Some(SANDBOX),
            },
            await_promise: false,
            arguments: roots
                .iter()
                .map(|root| SharedReference { shared_id: root })
                .collect(),
        };
        let reply = self.browser.connection.send(&reveal, route).await;
        reply.map_err(|error| {
            self.placed(target, Some(frame), failed(CallFunction::METHOD)(error))
        })?;
        Ok(Effect::Revealed(
            u32::try_from(roots.len()).unwrap_or(u32::MAX),
        ))
    }
}
