//! `browsingContext.*`

use serde::{Deserialize, Serialize};

use super::{Empty, command, open_enum};

/// `browsingContext.activate`
#[derive(Serialize)]
pub(crate) struct Activate<'a> {
    pub(crate) context: &'a str,
}
command!(Activate<'a> "browsingContext.activate" -> Empty);

/// `browsingContext.captureScreenshot`
#[derive(Serialize)]
pub(crate) struct CaptureScreenshot<'a> {
    pub(crate) context: &'a str,
    pub(crate) origin: &'static str,
    pub(crate) format: ImageFormat,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) clip: Option<BoxClip>,
}
command!(CaptureScreenshot<'a> "browsingContext.captureScreenshot" -> Screenshot);

#[derive(Serialize)]
pub(crate) struct ImageFormat {
    pub(crate) r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) quality: Option<f64>,
}

#[derive(Serialize)]
pub(crate) struct BoxClip {
    pub(crate) r#type: &'static str,
    pub(crate) x: f64,
    pub(crate) y: f64,
    pub(crate) width: f64,
    pub(crate) height: f64,
}

#[derive(Deserialize)]
pub(crate) struct Screenshot {
    pub(crate) data: String,
}

/// `browsingContext.close`
#[derive(Serialize)]
pub(crate) struct Close<'a> {
    pub(crate) context: &'a str,
}
command!(Close<'a> "browsingContext.close" -> Empty);

/// `browsingContext.create`
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Create<'a> {
    pub(crate) r#type: &'static str,
    pub(crate) user_context: &'a str,
}
command!(Create<'a> "browsingContext.create" -> Created);

#[derive(Deserialize)]
pub(crate) struct Created {
    pub(crate) context: String,
}

/// `browsingContext.handleUserPrompt`
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct HandleUserPrompt<'a> {
    pub(crate) context: &'a str,
    pub(crate) accept: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) user_text: Option<String>,
}
command!(HandleUserPrompt<'a> "browsingContext.handleUserPrompt" -> Empty);

/// `browsingContext.locateNodes` with the locator for the element that holds a child context.
#[derive(Serialize)]
pub(crate) struct LocateContainer<'a> {
    pub(crate) context: &'a str,
    pub(crate) locator: ContextLocator<'a>,
}
command!(LocateContainer<'a> "browsingContext.locateNodes" -> Located);

#[derive(Serialize)]
pub(crate) struct ContextLocator<'a> {
    pub(crate) r#type: &'static str,
    pub(crate) value: Child<'a>,
}

#[derive(Serialize)]
pub(crate) struct Child<'a> {
    pub(crate) context: &'a str,
}

#[derive(Deserialize)]
pub(crate) struct Located {
    pub(crate) nodes: Vec<Node>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Node {
    pub(crate) shared_id: Option<String>,
}

/// `browsingContext.navigate`. With `wait: none` it is answered when the document is committed.
#[derive(Serialize)]
pub(crate) struct Navigate<'a> {
    pub(crate) context: &'a str,
    pub(crate) url: &'a str,
    pub(crate) wait: &'static str,
}
command!(Navigate<'a> "browsingContext.navigate" -> Navigated);

#[derive(Deserialize)]
pub(crate) struct Navigated {
    pub(crate) navigation: Option<String>,
}

/// `browsingContext.print`. Sizes are centimetres.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Print<'a> {
    pub(crate) context: &'a str,
    pub(crate) background: bool,
    pub(crate) margin: Margin,
    pub(crate) orientation: &'static str,
    pub(crate) page: Paper,
    pub(crate) page_ranges: Vec<&'a str>,
    pub(crate) scale: f64,
    pub(crate) shrink_to_fit: bool,
}
command!(Print<'a> "browsingContext.print" -> Screenshot);

#[derive(Serialize)]
pub(crate) struct Margin {
    pub(crate) top: f64,
    pub(crate) right: f64,
    pub(crate) bottom: f64,
    pub(crate) left: f64,
}

#[derive(Serialize)]
pub(crate) struct Paper {
    pub(crate) width: f64,
    pub(crate) height: f64,
}

/// `browsingContext.reload`
#[derive(Serialize)]
pub(crate) struct Reload<'a> {
    pub(crate) context: &'a str,
    pub(crate) wait: &'static str,
}
command!(Reload<'a> "browsingContext.reload" -> Empty);

/// `browsingContext.setViewport`, for one context or for all of a user context.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SetViewport<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) context: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) user_contexts: Option<[&'a str; 1]>,
    pub(crate) viewport: Size,
    pub(crate) device_pixel_ratio: f64,
}
command!(SetViewport<'a> "browsingContext.setViewport" -> Empty);

#[derive(Serialize)]
pub(crate) struct Size {
    pub(crate) width: u32,
    pub(crate) height: u32,
}

/// `browsingContext.traverseHistory`
#[derive(Serialize)]
pub(crate) struct TraverseHistory<'a> {
    pub(crate) context: &'a str,
    pub(crate) delta: i32,
}
command!(TraverseHistory<'a> "browsingContext.traverseHistory" -> Empty);

/// Of `browsingContext.contextCreated` and `browsingContext.contextDestroyed`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Info<'a> {
    pub(crate) context: &'a str,
    pub(crate) parent: Option<&'a str>,
    /// Absent when the user context is gone as well.
    pub(crate) user_context: Option<&'a str>,
    pub(crate) original_opener: Option<&'a str>,
    /// The window that shows it.
    pub(crate) client_window: Option<&'a str>,
    pub(crate) url: String,
}

/// Of the events that tell of a navigation.
#[derive(Deserialize)]
pub(crate) struct NavigationInfo<'a> {
    pub(crate) context: &'a str,
    pub(crate) navigation: Option<&'a str>,
    /// Absent while a prompt asks whether to leave.
    #[serde(default)]
    pub(crate) url: String,
}

/// Of `browsingContext.historyUpdated`.
#[derive(Deserialize)]
pub(crate) struct HistoryUpdated<'a> {
    pub(crate) context: &'a str,
    pub(crate) url: String,
}

/// Of `browsingContext.downloadWillBegin`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DownloadWillBegin<'a> {
    pub(crate) context: &'a str,
    pub(crate) navigation: Option<&'a str>,
    pub(crate) url: String,
    pub(crate) suggested_filename: String,
}

open_enum! {
    /// How a download ended.
    DownloadStatus {
        Complete = "complete",
        Canceled = "canceled",
    }
}

/// Of `browsingContext.downloadEnd`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DownloadEnd<'a> {
    pub(crate) navigation: Option<&'a str>,
    pub(crate) url: String,
    pub(crate) status: DownloadStatus,
    pub(crate) filepath: Option<String>,
}

open_enum! {
    /// A kind of prompt.
    PromptType {
        Alert = "alert",
        Beforeunload = "beforeunload",
        Confirm = "confirm",
        Prompt = "prompt",
    }
}

/// Of `browsingContext.userPromptOpened`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UserPromptOpened<'a> {
    pub(crate) context: &'a str,
    pub(crate) r#type: PromptType,
    pub(crate) message: String,
    pub(crate) default_value: Option<String>,
}

/// Of `browsingContext.userPromptClosed`.
#[derive(Deserialize)]
pub(crate) struct UserPromptClosed<'a> {
    pub(crate) context: &'a str,
    pub(crate) accepted: bool,
}
