//! Files: those that pages download, and those that are given to them. All of them stay in a folder of the context's own.

use std::sync::Arc;

use ops_contracts::seam::adapter::{
    AdapterError, AdapterResult, DownloadKey, DownloadProgress, Effect, Event, FileToGive, Files,
    FilesTo, FrameKey, GivenFile, Performed, TargetKey,
};
use ops_contracts::seam::files::{Chooser, Folder, HELD, held};

use super::{BidiContext, answered, failed};
use crate::connection::{Route, decode};
use crate::protocol::Command;
use crate::protocol::input::SetFiles;
use crate::protocol::script::{
    CallFunction, ContextTarget, Evaluate, Evaluation, RemoteValue, SharedNode, SharedReference,
    ValueType,
};
use crate::router::SANDBOX;
use crate::router::state::{Download, Kept};

impl Files for BidiContext {
    async fn read_download(&self, download: DownloadKey, offset: u64, max: u64) -> Performed {
        let path = {
            let mut state = self.browser.router.lock();
            match state.downloads.of(&self.id, download) {
                Some(Download {
                    kept: Kept::At(path),
                    ..
                }) => path.clone(),
                _ => return Err(AdapterError::BodyGone),
            }
        };
        self.folder()?.read(path, offset, max).await
    }

    /// The browser can't be told to stop: what comes is deleted when it is there.
    async fn cancel_download(&self, download: DownloadKey) -> Performed {
        let sink = {
            let mut state = self.browser.router.lock();
            let known = state.downloads.of(&self.id, download);
            let known = known.ok_or(AdapterError::BodyGone)?;
            known.unwanted = true;
            if !matches!(known.kept, Kept::Running) {
                state.forget_download(download);
            }
            state
                .contexts
                .get(&self.id)
                .map(|context| Arc::clone(&context.sink))
        };
        if let Some(sink) = sink {
            let progress = DownloadProgress::Failed("cancelled".to_owned());
            sink.emit(Event::DownloadProgressed {
                download,
                received: 0,
                total: None,
                progress,
            });
        }
        Ok(Effect::Done)
    }

    async fn set_files(&self, target: TargetKey, to: FilesTo, files: Vec<FileToGive>) -> Performed {
        let (frame, context, node) = self.input_element(target, to).await?;
        let route = Route::document(target, frame);
        let paths = self.folder()?.write(files).await?;
        let connection = &self.browser.connection;
        let read = format!("(element)=>{HELD}");
        let held = |context: &str| {
            let read = CallFunction {
                function_declaration: &read,
                target: ContextTarget {
                    context,
                    sandbox: Some(SANDBOX),
                },
                await_promise: false,
                arguments: vec![SharedReference { shared_id: &node }],
            };
            connection.send(&read, route)
        };
        let empty = paths.is_empty() && self.held(held(&context).await, target, frame)?.is_empty();
        if !empty {
            let set = SetFiles {
                context: &context,
                element: SharedReference { shared_id: &node },
                files: &paths,
            };
            let set = connection.send(&set, route);
            let set = answered(set);
            set.await
                .map_err(|error| self.placed(target, Some(frame), error))?;
        }
        if let FilesTo::Chooser(chooser) = to {
            self.browser.router.lock().choosers.answered(chooser);
        }
        let held = self.held(held(&context).await, target, frame)?;
        Ok(Effect::Files(held))
    }
}

impl BidiContext {
    fn held(
        &self,
        reply: Result<bytes::Bytes, crate::connection::CallError>,
        target: TargetKey,
        frame: FrameKey,
    ) -> AdapterResult<Vec<GivenFile>> {
        let broken = |error: serde_json::Error| AdapterError::Protocol {
            call: "reading what an input holds".to_owned(),
            reason: error.to_string(),
        };
        let reply = reply.map_err(|error| {
            self.placed(target, Some(frame), failed(CallFunction::METHOD)(error))
        })?;
        let evaluation: Evaluation<'_> = decode(&reply).map_err(failed(CallFunction::METHOD))?;
        let result = evaluation.result.map_or("null", |result| result.get());
        let text: RemoteValue<'_> = serde_json::from_str(result).map_err(broken)?;
        let text: String =
            serde_json::from_str(text.value.map_or("null", |text| text.get())).map_err(broken)?;
        held(&text).map_err(broken)
    }

    /// The element that takes the files: its frame, that frame's browsing context, and its name as a node.
    async fn input_element(
        &self,
        target: TargetKey,
        to: FilesTo,
    ) -> AdapterResult<(FrameKey, Arc<str>, Arc<str>)> {
        match to {
            FilesTo::Element { frame, number } => {
                let context = self.place(target, frame).await?;
                let node = self.element(target, frame, &context, number).await?;
                Ok((frame, context, node))
            }
            FilesTo::Chooser(chooser) => {
                let known = {
                    let state = self.browser.router.lock();
                    state.choosers.of(target, chooser).cloned()
                };
                let Chooser { frame, node, .. } = known.ok_or(AdapterError::DocumentGone)?;
                Ok((frame, self.place(target, frame).await?, node))
            }
        }
    }

    /// An element by its number in the bridge of its frame.
    async fn element(
        &self,
        target: TargetKey,
        frame: FrameKey,
        context: &str,
        number: u32,
    ) -> AdapterResult<Arc<str>> {
        let broken = |reason: &str| AdapterError::Protocol {
            call: "finding the input".to_owned(),
            reason: reason.to_owned(),
        };
        let route = Route::document(target, frame);
        let reply = self
            .run(
                context,
                Some(SANDBOX),
                &format!("__odb.element({number})"),
                false,
                route,
            )
            .await;
        let reply = reply.map_err(|error| self.placed(target, Some(frame), error))?;
        let evaluation: Evaluation<'_> = decode(&reply).map_err(failed(Evaluate::METHOD))?;
        let result = evaluation
            .result
            .filter(|_| evaluation.exception_details.is_none())
            .ok_or(AdapterError::DocumentGone)?;
        let node: SharedNode =
            serde_json::from_str(result.get()).map_err(|error| broken(&error.to_string()))?;
        let value: RemoteValue<'_> =
            serde_json::from_str(result.get()).map_err(|error| broken(&error.to_string()))?;
        match (node.shared_id, value.r#type) {
            (Some(id), _) => Ok(id.into()),
            (None, ValueType::Null | ValueType::Undefined) => Err(AdapterError::DocumentGone),
            (None, _) => Err(broken("it is no element")),
        }
    }

    fn folder(&self) -> AdapterResult<Arc<dyn Folder>> {
        let state = self.browser.router.lock();
        state
            .context(&self.id)
            .map(|context| Arc::clone(&context.folder))
    }
}
