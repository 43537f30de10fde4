//! Files: those that pages download, and those that are given to them. All of them stay in a folder of the context's own,
//! which nobody but this user can read and which goes with the context.

use std::io::SeekFrom;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chromiumoxide_cdp::cdp::browser_protocol::dom::{BackendNodeId, ResolveNodeParams};
use chromiumoxide_cdp::cdp::js_protocol::runtime::ExecutionContextId;
use ops_contracts::seam::adapter::{
    AdapterError, AdapterResult, DownloadKey, Effect, FileToGive, FilesTo, GivenFile, TargetKey,
};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncSeekExt};

use super::{CdpContext, STRUCTURE_DEADLINE, failed, within};
use crate::connection::{Route, ScopeId, decode};
use crate::router::state::World;
use crate::wire;

/// How long writing or reading a part of a file may take.
const DISK_DEADLINE: Duration = Duration::from_secs(30);

/// What the element holds now, as it tells a script of ours.
const HELD: &str =
    "function(){return JSON.stringify(Array.from(this.files||[],f=>({name:f.name,size:f.size})))}";

/// Takes back what an input holds, and tells the page as the browser would.
const EMPTY: &str = "function(){if(!this.files.length)return;this.value='';for(const type of ['input','change'])this.dispatchEvent(new Event(type,{bubbles:true,composed:true}))}";

/// A context's folder. Dropping it deletes it with everything in it.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    given: AtomicU64,
}

impl Folder {
    /// Makes a folder below the browser's profile, which a start-up sweep deletes should this process be killed.
    pub(crate) fn make(profile: &Path, name: &str) -> std::io::Result<Self> {
        let parent = profile.join("odb-files");
        private(&parent)?;
        // What a browser before this one has left there belongs to nobody.
        let path = parent.join(name);
        let _ = std::fs::remove_dir_all(&path);
        private(&path)?;
        private(&path.join("downloads"))?;
        Ok(Self {
            path,
            given: AtomicU64::new(0),
        })
    }

    pub(crate) fn downloads(&self) -> PathBuf {
        self.path.join("downloads")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A file that the browser still writes goes with its profile.
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

fn private(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
}

fn disk(call: &str, error: &std::io::Error) -> AdapterError {
    AdapterError::Protocol {
        call: call.to_owned(),
        reason: error.to_string(),
    }
}

impl CdpContext {
    fn folder(&self) -> AdapterResult<Arc<Folder>> {
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
        const CALL: &str = "reading a download";
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
        let path = self.folder()?.downloads().join(guid);
        within(DISK_DEADLINE, async {
            let mut file = tokio::fs::File::open(&path)
                .await
                .map_err(|_| AdapterError::BodyGone)?;
            let size = file
                .metadata()
                .await
                .map_err(|error| disk(CALL, &error))?
                .len();
            file.seek(SeekFrom::Start(offset))
                .await
                .map_err(|error| disk(CALL, &error))?;
            let mut bytes = Vec::new();
            file.take(max)
                .read_to_end(&mut bytes)
                .await
                .map_err(|error| disk(CALL, &error))?;
            let end = offset.saturating_add(bytes.len() as u64) >= size;
            Ok(Effect::Bytes { bytes, end })
        })
        .await
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
            let paths = self.write(files).await?;
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

    /// Writes files into the context's folder, each below a folder of its own, so that it keeps its name.
    async fn write(&self, files: Vec<FileToGive>) -> AdapterResult<Vec<String>> {
        const CALL: &str = "writing a file";
        let folder = self.folder()?;
        within(DISK_DEADLINE, async {
            let mut paths = Vec::with_capacity(files.len());
            for file in files {
                let number = folder.given.fetch_add(1, Ordering::Relaxed);
                let place = folder.path.join(format!("given-{number}"));
                private(&place).map_err(|error| disk(CALL, &error))?;
                // A name is one part of a path, whatever was sent.
                let name =
                    Path::new(&file.name)
                        .file_name()
                        .ok_or_else(|| AdapterError::Protocol {
                            call: CALL.to_owned(),
                            reason: "the name is no file name".to_owned(),
                        })?;
                let path = place.join(name);
                tokio::fs::write(&path, &*file.content)
                    .await
                    .map_err(|error| disk(CALL, &error))?;
                paths.push(path.to_string_lossy().into_owned());
            }
            Ok(paths)
        })
        .await
    }
}
