//! Frames, documents, dialogs, files and pictures of a page.

use serde::Deserialize;
use serde_json::value::RawValue;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FrameAttached<'a> {
    pub(crate) frame_id: &'a str,
    pub(crate) parent_frame_id: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FrameDetached<'a> {
    pub(crate) frame_id: &'a str,
    pub(crate) reason: Option<&'a str>,
}

#[derive(Deserialize)]
pub(crate) struct FrameNavigated<'a> {
    #[serde(borrow)]
    pub(crate) frame: FrameInfo<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FrameInfo<'a> {
    pub(crate) id: &'a str,
    pub(crate) parent_id: Option<&'a str>,
    pub(crate) loader_id: &'a str,
    pub(crate) url: String,
    pub(crate) url_fragment: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FrameRequestedNavigation<'a> {
    pub(crate) frame_id: &'a str,
    pub(crate) disposition: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FrameStartedNavigating<'a> {
    pub(crate) frame_id: &'a str,
    pub(crate) url: String,
    pub(crate) loader_id: &'a str,
    pub(crate) navigation_type: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NavigatedWithinDocument<'a> {
    pub(crate) frame_id: &'a str,
    pub(crate) url: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LifecycleEvent<'a> {
    pub(crate) frame_id: &'a str,
    pub(crate) loader_id: &'a str,
    pub(crate) name: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DialogOpening<'a> {
    pub(crate) message: String,
    pub(crate) r#type: &'a str,
    pub(crate) default_prompt: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct DialogClosed {
    pub(crate) result: bool,
}

/// A trace has been put together.
#[derive(Deserialize)]
pub(crate) struct TracingComplete {
    pub(crate) stream: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DownloadProgress<'a> {
    pub(crate) guid: &'a str,
    pub(crate) total_bytes: f64,
    pub(crate) received_bytes: f64,
    pub(crate) state: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FileChooserOpened<'a> {
    pub(crate) frame_id: &'a str,
    pub(crate) mode: &'a str,
    pub(crate) backend_node_id: Option<i64>,
}

#[derive(Deserialize)]
pub(crate) struct DragIntercepted<'a> {
    #[serde(borrow)]
    pub(crate) data: &'a RawValue,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DownloadWillBegin<'a> {
    pub(crate) frame_id: &'a str,
    pub(crate) guid: &'a str,
    pub(crate) url: String,
    pub(crate) suggested_filename: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Navigated {
    pub(crate) loader_id: Option<String>,
    pub(crate) error_text: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct Screenshot {
    pub(crate) data: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LayoutMetrics {
    pub(crate) css_content_size: Size,
}

#[derive(Deserialize)]
pub(crate) struct Size {
    pub(crate) width: f64,
    pub(crate) height: f64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NavigationHistory {
    pub(crate) current_index: i64,
    pub(crate) entries: Vec<HistoryEntry>,
}

#[derive(Deserialize)]
pub(crate) struct HistoryEntry {
    pub(crate) id: i64,
}
