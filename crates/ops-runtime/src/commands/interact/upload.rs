//! `interact.upload`: files for an input, or for the chooser that an action has opened. What the input holds afterwards is
//! read back from itself.

use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ops_contracts::seam::adapter::{Effect, FileToGive, FilesTo, Primitive};
use ops_contracts::wire::command::interact::{UploadFile, UploadParams, UploadResult};
use ops_contracts::wire::locator::Locator;
use ops_contracts::wire::receipt::ElementInfo;
use ops_contracts::{ErrorCode, Fault, Outcome};
use serde::Deserialize;
use serde_json::json;

use super::observe::Observation;
use crate::bridge::{BridgeLocator, Description};
use crate::cx::{Cx, Page, unexpected};

#[derive(Deserialize)]
struct Prepared {
    #[serde(rename = "ref")]
    number: u32,
    desc: Description,
    info: Info,
}

#[derive(Deserialize)]
struct Info {
    multiple: bool,
}

#[derive(Deserialize)]
struct Attribute {
    value: Option<String>,
}

/// Who takes the files.
struct Taker {
    to: FilesTo,
    multiple: bool,
    element: Option<ElementInfo>,
}

pub(crate) async fn upload(cx: &Cx, params: UploadParams) -> Outcome<UploadResult> {
    let page = cx.page(params.target_id.as_ref())?;
    let files = params
        .files
        .into_iter()
        .enumerate()
        .map(|(at, file)| content(cx, at, file))
        .collect::<Outcome<Vec<_>>>()?;
    let observed = Observation::begin(&page);
    let taker = match &params.element {
        Some(element) => input(&page, element).await?,
        None => chooser(&page)?,
    };
    if files.len() > 1 && !taker.multiple {
        return Err(Fault::new(
            ErrorCode::OpsElementWrongType,
            "the input takes one file, and more were given",
        )
        .with("files", files.len())
        .with("element", taker.element));
    }
    cx.waiting_for("the page to take the files");
    let wanted: Vec<(String, u64)> = files
        .iter()
        .map(|file| (file.name.clone(), file.content.len() as u64))
        .collect();
    let Effect::Files(held) = page
        .perform(Primitive::SetFiles {
            target: page.key,
            to: taker.to,
            files,
        })
        .await?
    else {
        return Err(unexpected());
    };
    if let Some(tab) = cx.world.lock().tab_mut(page.key) {
        tab.chooser = None;
    }
    observed.handled(&page).await;
    // A page may clear its input once it has read the files: that is its way to take them.
    let same = held
        .iter()
        .map(|file| (file.name.clone(), file.bytes))
        .eq(wanted.iter().cloned());
    if !same && !held.is_empty() {
        return Err(Fault::new(
            ErrorCode::OpsValueRejected,
            "the input holds other files than were given",
        )
        .with("files", held));
    }
    let receipt = observed.receipt(&page, taker.element, Some(same), 1).await;
    Ok(UploadResult {
        files: held,
        receipt,
    })
}

fn content(cx: &Cx, at: usize, file: UploadFile) -> Outcome<FileToGive> {
    let content = match (file.text, file.base64, file.blob) {
        (Some(text), ..) => Arc::new(text.into_text().into_bytes()),
        (_, Some(text), _) => {
            Arc::new(BASE64_STANDARD.decode(text.as_bytes()).map_err(|error| {
                let field = format!("files[{at}].base64");
                Fault::new(ErrorCode::OpsInvalidRequest, format!("{field}: {error}"))
                    .with("field", field)
            })?)
        }
        (_, _, Some(blob)) => cx.session.blob(&blob)?,
        _ => Arc::default(),
    };
    Ok(FileToGive {
        name: file.name,
        content,
    })
}

async fn input(page: &Page<'_>, element: &Locator) -> Outcome<Taker> {
    page.cx.waiting_for("the element");
    let frame = page.frame_of(element)?;
    let args = json!({ "locator": BridgeLocator::from(element), "action": "upload", "next": page.next_ref(frame) });
    let ready: Prepared = page.bridge(frame, "prepare", &args).await?;
    let args = json!({ "locator": BridgeLocator::reference(ready.number), "what": "attr", "attr": "webkitdirectory" });
    let directory: Attribute = page.bridge(frame, "read", &args).await?;
    let info = ready.desc.element(frame.number, ready.number);
    if directory.value.is_some() {
        return Err(Fault::new(
            ErrorCode::OpsNotSupported,
            "the input takes a directory: files can be given to other inputs only",
        )
        .with("element", info));
    }
    let to = FilesTo::Element {
        frame: frame.key,
        number: ready.number,
    };
    Ok(Taker {
        to,
        multiple: ready.info.multiple,
        element: Some(info),
    })
}

fn chooser(page: &Page<'_>) -> Outcome<Taker> {
    let open = page
        .cx
        .world
        .lock()
        .tab(page.key)
        .and_then(|tab| tab.chooser);
    let (_, chooser, multiple) = open.ok_or_else(|| Fault::plain(ErrorCode::OpsChooserMissing))?;
    Ok(Taker {
        to: FilesTo::Chooser(chooser),
        multiple,
        element: None,
    })
}
