//! Files: those that pages download, and those that are given to them. All of them stay in a folder of the context's own.

use std::sync::Arc;

use chromiumoxide_cdp::cdp::browser_protocol::dom::{BackendNodeId, ResolveNodeParams};
use chromiumoxide_cdp::cdp::js_protocol::runtime::ExecutionContextId;
use ops_contracts::seam::adapter::{
    AdapterError, AdapterResult, DownloadKey, Effect, FileToGive, Files, FilesTo, FrameKey,
    Performed, TargetKey,
};
use ops_contracts::seam::files::{Chooser, Folder, HELD, held};
use serde_json::json;
use serde_json::value::RawValue;

use super::{CdpContext, answered, failed};
use crate::connection::{Route, ScopeId, decode};
use crate::router::state::World;
use crate::wire;

/// Takes back what an input holds, and tells the page as the browser would.
const EMPTY: &str = "function(){if(!this.files.length)return;this.value='';for(const type of ['input','change'])this.dispatchEvent(new Event(type,{bubbles:true,composed:true}))}";

impl Files for CdpContext {
    async fn read_download(&self, download: DownloadKey, offset: u64, max: u64) -> Performed {
        let guid = self.guid(download)?;
        self.folder()?.read(guid.into(), offset, max).await
    }

    async fn cancel_download(&self, download: DownloadKey) -> Performed {
        let guid = self.guid(download)?;
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
        answered("Browser.cancelDownload", cancelled).await?;
        Ok(Effect::Done)
    }

    async fn set_files(&self, target: TargetKey, to: FilesTo, files: Vec<FileToGive>) -> Performed {
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
        answered(CALL, given).await?;
        self.held(&world, scope, &object).await
    }
}

impl CdpContext {
    fn folder(&self) -> AdapterResult<Arc<dyn Folder>> {
        let state = self.browser.router.lock();
        state
            .context(&self.id)
            .map(|context| Arc::clone(&context.folder))
    }

    /// The browser's id of a download of this context.
    fn guid(&self, download: DownloadKey) -> AdapterResult<String> {
        let mut state = self.browser.router.lock();
        let known = state.downloads.of(&self.id, download);
        known
            .map(|guid| guid.to_string())
            .ok_or(AdapterError::BodyGone)
    }

    /// What an input holds now.
    async fn held(&self, world: &World, scope: ScopeId, input: &str) -> Performed {
        const CALL: &str = "Runtime.callFunctionOn";
        let function = format!("function(){{const element=this;return {HELD}}}");
        let asked =
            json!({ "functionDeclaration": function, "objectId": input, "returnByValue": true });
        let route = Route::scoped(&world.session, scope);
        let told = self.browser.connection.call(CALL, &asked, route);
        let told = answered(CALL, told).await?;
        let told: wire::Evaluation<'_> = decode(&told).map_err(failed(CALL))?;
        let value = told.result.value.map_or("\"[]\"", RawValue::get);
        let read = serde_json::from_str(value).and_then(|text: String| held(&text));
        read.map(Effect::Files)
            .map_err(|error| failed("reading what an input holds")(error.into()))
    }

    /// The element that takes the files, as an object of the bridge's world.
    async fn input_element(
        &self,
        target: TargetKey,
        to: FilesTo,
    ) -> AdapterResult<(World, ScopeId, String)> {
        match to {
            FilesTo::Element { frame, number } => self.numbered(target, frame, number).await,
            FilesTo::Chooser(chooser) => {
                let chooser = {
                    let state = self.browser.router.lock();
                    let known = state.choosers.of(target, chooser).copied();
                    known.ok_or(AdapterError::DocumentGone)?
                };
                self.resolved(chooser).await
            }
        }
    }

    /// An element by its number in the bridge of its frame.
    async fn numbered(
        &self,
        target: TargetKey,
        frame: FrameKey,
        number: u32,
    ) -> AdapterResult<(World, ScopeId, String)> {
        const CALL: &str = "Runtime.evaluate";
        let (world, scope) = self.bridge_world(target, frame).await?;
        let params = json!({ "expression": format!("__odb.element({number})"), "uniqueContextId": &*world.unique,
            "returnByValue": false });
        let route = Route::scoped(&world.session, scope);
        let found = self.browser.connection.call(CALL, &params, route);
        let found = answered(CALL, found).await?;
        let found: wire::Evaluation<'_> = decode(&found).map_err(failed(CALL))?;
        let object = found
            .result
            .object_id
            .filter(|_| found.exception_details.is_none())
            .ok_or(AdapterError::DocumentGone)?;
        Ok((world, scope, object))
    }

    /// The element that a chooser was opened for, by the browser's id.
    async fn resolved(&self, chooser: Chooser<i64>) -> AdapterResult<(World, ScopeId, String)> {
        const CALL: &str = "DOM.resolveNode";
        let (world, scope) = self.bridge_world(chooser.page, chooser.frame).await?;
        let params = ResolveNodeParams {
            backend_node_id: Some(BackendNodeId::new(chooser.node)),
            execution_context_id: Some(ExecutionContextId::new(world.id)),
            ..Default::default()
        };
        let route = Route::scoped(&world.session, scope);
        let resolved = answered(CALL, self.browser.connection.exec(&params, route)).await?;
        let resolved: wire::ResolvedNode<'_> = decode(&resolved).map_err(failed(CALL))?;
        let object = resolved
            .object
            .object_id
            .ok_or_else(|| AdapterError::Protocol {
                call: "finding the input".to_owned(),
                reason: "it is no element".to_owned(),
            })?;
        Ok((world, scope, object))
    }
}
