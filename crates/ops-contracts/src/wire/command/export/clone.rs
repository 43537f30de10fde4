//! Clones of pages and elements: parameters and results.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::{InvalidField, Params};
use crate::wire::ids::TargetId;
use crate::wire::locator::Locator;

/// The most bytes of a clone: it travels in one answer.
const MAX_CLONE: u64 = 48 << 20;

const fn most() -> u64 {
    16 << 20
}

fn check_bytes(bytes: u64) -> Result<(), InvalidField> {
    if (1_024..=MAX_CLONE).contains(&bytes) {
        Ok(())
    } else {
        Err(InvalidField::new("maxBytes", "1024 to 50331648"))
    }
}

/// Parameters of `export.clonePage`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ClonePageParams {
    /// The most bytes of pictures, fonts and stylesheets that are put into it, 1,024 to 50,331,648.
    #[serde(default = "most")]
    pub max_bytes: u64,
    /// The page; the current one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_id: Option<TargetId>,
}

impl Default for ClonePageParams {
    fn default() -> Self {
        Self {
            max_bytes: most(),
            target_id: None,
        }
    }
}

impl Params for ClonePageParams {
    fn validate(&self) -> Result<(), InvalidField> {
        check_bytes(self.max_bytes)
    }
}

/// What is not in a clone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MissingAsset {
    /// Its address, or what it is.
    pub url: String,
    /// Why it is not there.
    pub reason: String,
}

/// Result of `export.clonePage`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClonePageResult {
    /// The page as it is now: without scripts, with its styles, pictures and fonts in it, its frames as `srcdoc`, and its shadow
    /// roots as declarative templates. Fields have what was entered, but for passwords and files.
    pub html: String,
    /// Its size in bytes, as UTF-8.
    pub bytes: u64,
    /// Elements in it, those of frames included.
    pub elements: u32,
    /// Shadow roots in it.
    pub shadow_roots: u32,
    /// Frames in it.
    pub frames: u32,
    /// Files that were put into it.
    pub assets: u32,
    /// Their size in bytes.
    pub asset_bytes: u64,
    /// What is not in it; its address stands there instead. At most 200 are listed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<MissingAsset>,
}

/// Parameters of `export.cloneComponent`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CloneComponentParams {
    /// The element.
    pub element: Locator,
    /// The most bytes of pictures and fonts that are put into it, 1,024 to 50,331,648.
    #[serde(default = "most")]
    pub max_bytes: u64,
    /// The page; the current one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_id: Option<TargetId>,
}

impl CloneComponentParams {
    /// Of this element, with the default budget.
    #[must_use]
    pub fn new(element: Locator) -> Self {
        Self {
            element,
            max_bytes: most(),
            target_id: None,
        }
    }
}

impl Params for CloneComponentParams {
    fn validate(&self) -> Result<(), InvalidField> {
        check_bytes(self.max_bytes)
    }
}

/// Result of `export.cloneComponent`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CloneComponentResult {
    /// The element with what is seen in it; each has a class of `css`, and no other.
    pub html: String,
    /// The styles that the browser computed, as far as they say anything.
    pub css: String,
    /// Elements in it.
    pub elements: u32,
    /// Whether it has more elements than are copied.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub truncated: bool,
    /// Files that were put into it.
    pub assets: u32,
    /// What is not in it; its address stands there instead. At most 200 are listed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<MissingAsset>,
}
