//! Parameters and results of `nav.*`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::common::at_most;
use super::{InvalidField, LoadState, Params};
use crate::wire::ids::{ElementRef, TargetId};
use crate::wire::locator::Locator;
use crate::wire::receipt::DownloadInfo;

/// Parameters of `nav.goto`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GotoParams {
    /// An absolute URL, at most 64 KiB long.
    pub url: String,
    /// How far to wait.
    #[serde(default)]
    pub wait_until: LoadState,
    /// The page; the current one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_id: Option<TargetId>,
}

impl Params for GotoParams {
    fn validate(&self) -> Result<(), InvalidField> {
        at_most("url", self.url.len() as u64, 65_536)
            .map_err(|_| InvalidField::new("url", "at most 65536 bytes"))
    }
}

/// Parameters of `nav.back` and `nav.forward`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TraverseParams {
    /// How far to wait.
    #[serde(default)]
    pub wait_until: LoadState,
    /// The page; the current one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_id: Option<TargetId>,
}

impl Params for TraverseParams {}

/// Parameters of `nav.reload`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReloadParams {
    /// How far to wait.
    #[serde(default)]
    pub wait_until: LoadState,
    /// Whether to go past the cache.
    #[serde(default)]
    pub ignore_cache: bool,
    /// The page; the current one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_id: Option<TargetId>,
}

impl Params for ReloadParams {}

/// One hop of a redirect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Redirect {
    /// HTTP status of the hop.
    pub status: u16,
    /// URL that answered with it.
    pub url: String,
}

/// What came of a navigation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NavResult {
    /// The page.
    pub target_id: TargetId,
    /// Final URL.
    pub url: String,
    /// HTTP status of the final response; absent where there was none (fragment, blank page, history cache).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Title, where the document was parsed in time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Redirects on the way.
    pub redirects: Vec<Redirect>,
    /// Whether the page has a new document; false for a navigation within the document.
    pub document_changed: bool,
    /// How far the document was loaded when this was answered.
    pub reached: LoadState,
    /// The dialog that stopped the wait; it waits for an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dialog_opened: Option<crate::wire::receipt::DialogInfo>,
    /// Downloads that the navigation turned into.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub downloads: Vec<DownloadInfo>,
}

/// A state of an element that can be waited for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ElementState {
    /// In the document.
    Attached,
    /// Not in the document.
    Detached,
    /// In the document and visible.
    #[default]
    Visible,
    /// Not in the document, or not visible.
    Hidden,
    /// Visible and enabled.
    Enabled,
    /// Disabled.
    Disabled,
    /// Checked.
    Checked,
    /// Not checked.
    Unchecked,
}

/// Parameters of `nav.wait`: exactly one of `loadState`, `element`, `text`, `url`, `function` and `timeMs`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WaitParams {
    /// Until the document is loaded this far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load_state: Option<LoadState>,
    /// Until an element is in `state`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub element: Option<Locator>,
    /// The state to wait for, beside `element`; `visible` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<ElementState>,
    /// Until the page shows this text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Until the URL matches this pattern: `*` stands for anything but `/`, `**` for anything; without either, until the URL contains it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Until this expression is truthy in the page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function: Option<String>,
    /// For this many milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_ms: Option<u64>,
    /// The page; the current one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_id: Option<TargetId>,
}

impl Params for WaitParams {
    fn validate(&self) -> Result<(), InvalidField> {
        let given = [
            self.load_state.is_some(),
            self.element.is_some(),
            self.text.is_some(),
            self.url.is_some(),
            self.function.is_some(),
            self.time_ms.is_some(),
        ];
        if given.iter().filter(|given| **given).count() != 1 {
            return Err(InvalidField::new(
                "params",
                "exactly one of loadState, element, text, url, function, timeMs",
            ));
        }
        if self.state.is_some() && self.element.is_none() {
            return Err(InvalidField::new("state", "only beside element"));
        }
        for (field, text) in [
            ("text", &self.text),
            ("url", &self.url),
            ("function", &self.function),
        ] {
            if text.as_ref().is_some_and(|text| text.trim().is_empty()) {
                return Err(InvalidField::new(field, "a text that is not empty"));
            }
        }
        Ok(())
    }
}

/// Result of `nav.wait`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WaitResult {
    /// Milliseconds waited.
    pub waited_ms: u64,
    /// URL when the wait ended.
    pub url: String,
    /// The element waited for, where it is there.
    #[serde(default, rename = "ref", skip_serializing_if = "Option::is_none")]
    pub reference: Option<ElementRef>,
}
