//! What was observed of an action: the proof that a success is one.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::wire::ids::{ElementRef, TargetId};
use crate::wire::page::DialogKind;

/// An element as people and programs tell it from others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ElementInfo {
    /// Its ref.
    #[serde(rename = "ref")]
    pub reference: ElementRef,
    /// Its ARIA role.
    pub role: String,
    /// Its accessible name.
    pub name: String,
    /// Its tag, in lower case.
    pub tag: String,
}

/// What was observed while and after an action ran.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Receipt {
    /// The element that received the events; absent where the action has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub element: Option<ElementInfo>,
    /// A navigation of the page was observed, within the document or to another one.
    pub navigated: bool,
    /// The page has another document now; its old refs are stale.
    pub document_changed: bool,
    /// URL before the action.
    pub url_before: String,
    /// URL after it.
    pub url_after: String,
    /// The dialog that the action opened and that waits for an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dialog_opened: Option<DialogInfo>,
    /// Pages that the action opened.
    pub popups: Vec<TargetId>,
    /// Downloads that the action began.
    pub downloads: Vec<DownloadInfo>,
    /// The file chooser that the action opened: `interact.upload` without an element gives it files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_chooser: Option<ChooserInfo>,
    /// The page's content, the element's value or the focus changed. Null where it could not be observed.
    pub changed: Option<bool>,
    /// Click events that reached the element, for clicks. Fewer than asked for where the page took the element away, or covered it,
    /// between press and release; null where it could not be observed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clicks: Option<u32>,
    /// What ended the observation.
    pub settled_by: Settled,
    /// How often the action was tried; more than 1 when the element moved or was covered for a moment.
    pub attempts: u32,
}

/// What ended the observation of an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Settled {
    /// The events were handled and nothing further was under way.
    Handled,
    /// A navigation that it began was committed, and the document is parsed.
    Navigation,
    /// A dialog opened.
    Dialog,
    /// The page closed.
    Closed,
    /// The time for observation ran out with a navigation still under way.
    Timeout,
}

/// An open dialog.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DialogInfo {
    /// What kind.
    pub kind: DialogKind,
    /// Its text.
    pub message: String,
    /// What a prompt proposes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_text: Option<String>,
    /// The page that it blocks.
    pub target_id: TargetId,
}

/// A file chooser that a page has asked for. Nothing is shown to anybody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChooserInfo {
    /// Whether it takes more than one file.
    pub multiple: bool,
    /// The page.
    pub target_id: TargetId,
}

/// A download that began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DownloadInfo {
    /// Its number in the session, where downloads are kept: `downloads.save` reads it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub download: Option<u32>,
    /// Where from.
    pub url: String,
    /// The name that the server or page proposes.
    pub suggested_name: String,
}
