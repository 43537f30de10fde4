//! Files: those that pages download, and those that are given to them. All of them stay in a folder of the context's own.

use std::sync::Arc;

use chromiumoxide_cdp::cdp::browser_protocol::dom::{BackendNodeId, ResolveNodeParams};
use chromiumoxide_cdp::cdp::js_protocol::runtime::ExecutionContextId;
use ops_contracts::seam::adapter::{
    AdapterError, AdapterResult, DownloadKey, Effect, FileToGive, FilesTo, GivenFile, TargetKey,
};
use ops_contracts::seam::files::Folder;
use serde_json::json;

use super::{CdpContext, STRUCTURE_DEADLINE, failed, within};
use crate::connection::{Route, ScopeId, decode};
use crate::router::state::World;
use crate::wire;

/// What the element holds now, as it tells a script of ours.
const HELD: &str =
    "function(){return JSON.stringify(Array.from(this.files||[],f=>({name:f.name,size:f.size})))}";

/// Takes back what an input holds, and tells the page as the browser would.
const EMPTY: &str = "function(){if(!this.files.length)return;this.value='';for(const type of ['input','change'])this.dispatchEvent(new Event(type,{bubbles:true,composed:true}))}";

impl CdpContext {
    fn folder(&self) -> AdapterResult<Arc<dyn Folder>> {
        let state = self.browser.router.lock();
        state
            .contexts
            .get(&self.id)
            .map(|context| Arc::clone(&context.folder))
            .ok_or(AdapterError::TargetClosed)
    }

    pub(super) async fn read_download(
        &self,
        download: DownloadKey,
        offset: u64,
        max: u64,
    ) -> AdapterResult<Effect> {
        let guid = {
            let state = self.browser.router.lock();
            let known = state
                .downloads
                .iter()
                .find(|(_, known)| known.key == download && known.context == self.id);
            known
                .map(|(guid, _)| guid.to_string())
                .ok_or(AdapterError::BodyGone)?
        };
        self.folder()?.read(guid.into(), offset, max).await
    }

    pub(super) async fn cancel_download(&self, download: DownloadKey) -> AdapterResult<Effect> {
        let guid = {
            let state = self.browser.router.lock();
            let known = state
                .downloads
                .iter()
                .find(|(_, known)| known.key == download && known.context == self.id);
            known
                .map(|(guid, _)| guid.to_string())
                .ok_or(AdapterError::BodyGone)?
        };
        let browser_context = self
            .browser
            .router
            .lock()
            .contexts
            .get(&self.id)
            .and_then(|context| context.browser_context.clone());
        let mut params = json!({ "guid": guid });
        if let Some(id) = browser_context {
            params["browserContextId"] = (*id).into();
        }
        let cancelled =
            self.browser
                .connection
                .call("Browser.cancelDownload", &params, Route::BROWSER);
        within(STRUCTURE_DEADLINE, async {
            cancelled.await.map_err(failed("Browser.cancelDownload"))
        })
        .await?;
        Ok(Effect::Done)
    }

    pub(super) async fn set_files(
        &self,
        target: TargetKey,
        to: FilesTo,
        files: Vec<FileToGive>,
    ) -> AdapterResult<Effect> {
        const CALL: &str = "DOM.setFileInputFiles";
        let (world, scope, object) = self.input_element(target, to).await?;
        let (connection, route) = (
            &self.browser.connection,
            Route::scoped(&world.session, scope),
        );
        let given = if files.is_empty() {
            // The protocol's call leaves an input as it is when it gets no files.
            connection.call(
                "Runtime.callFunctionOn",
                &json!({ "functionDeclaration": EMPTY, "objectId": object }),
                route,
            )
        } else {
            let paths = self.folder()?.write(files).await?;
            connection.call(CALL, &json!({ "files": paths, "objectId": object }), route)
        };
        within(STRUCTURE_DEADLINE, async {
            given.await.map_err(failed(CALL))
        })
        .await?;
        let asked =
            json!({ "functionDeclaration": HELD, "objectId": object, "returnByValue": true });
        let held = connection.call("Runtime.callFunctionOn", &asked, route);
        let held = within(STRUCTURE_DEADLINE, async {
            held.await.map_err(failed("Runtime.callFunctionOn"))
        })
        .await?;
        let held: wire::Evaluation<'_> = decode(&held).map_err(failed("Runtime.callFunctionOn"))?;
        let text = held
            .result
            .value
            .map(serde_json::value::RawValue::get)
            .unwrap_or("\"[]\"");
        let broken = |error: serde_json::Error| AdapterError::Protocol {
            call: CALL.to_owned(),
            reason: error.to_string(),
        };
        let text: String = serde_json::from_str(text).map_err(broken)?;
        let held: Vec<wire::HeldFile> =
            serde_json::from_str(&ops_contracts::wire::text::well_formed(&text)).map_err(broken)?;
        Ok(Effect::Files(
            held.into_iter()
                .map(|file| GivenFile {
                    name: file.name,
                    bytes: file.size,
                })
                .collect(),
        ))
    }

    /// The element that takes the files, as an object of the bridge's world.
    async fn input_element(
        &self,
        target: TargetKey,
        to: FilesTo,
    ) -> AdapterResult<(World, ScopeId, String)> {
        let missing = || AdapterError::Protocol {
            call: "finding the input".to_owned(),
            reason: "it is no element".to_owned(),
        };
        match to {
            FilesTo::Element { frame, number } => {
                let (world, scope) = self.bridge_world(target, frame).await?;
                let params = json!({ "expression": format!("__odb.element({number})"), "uniqueContextId": &*world.unique,
                    "returnByValue": false });
                let found = self.browser.connection.call(
                    "Runtime.evaluate",
                    &params,
                    Route::scoped(&world.session, scope),
                );
                let found = within(STRUCTURE_DEADLINE, async {
                    found.await.map_err(failed("Runtime.evaluate"))
                })
                .await?;
                let found: wire::Evaluation<'_> =
                    decode(&found).map_err(failed("Runtime.evaluate"))?;
                let object = found
                    .result
                    .object_id
                    .filter(|_| found.exception_details.is_none())
                    .ok_or(AdapterError::DocumentGone)?;
                Ok((world, scope, object))
            }
            FilesTo::Chooser(chooser) => {
                let (frame, node) = {
                    let state = self.browser.router.lock();
                    let known = state
                        .choosers
                        .get(&chooser)
                        .filter(|known| known.page == target);
                    known
                        .map(|known| (known.frame, known.node))
                        .ok_or(AdapterError::DocumentGone)?
                };
                let (world, scope) = self.bridge_world(target, frame).await?;
                let params = ResolveNodeParams {
                    backend_node_id: Some(BackendNodeId::new(node)),
                    execution_context_id: Some(ExecutionContextId::new(world.id)),
                    ..Default::default()
                };
                let resolved = self
                    .browser
                    .connection
                    .exec(&params, Route::scoped(&world.session, scope));
                let resolved = within(STRUCTURE_DEADLINE, async {
                    resolved.await.map_err(failed("DOM.resolveNode"))
                })
                .await?;
                let resolved: wire::ResolvedNode<'_> =
                    decode(&resolved).map_err(failed("DOM.resolveNode"))?;
                let object = resolved.object.object_id.ok_or_else(missing)?;
                Ok((world, scope, object))
            }
        }
    }
}
