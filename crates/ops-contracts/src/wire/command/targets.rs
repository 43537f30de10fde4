//! Parameters and results of `targets.*`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::common::default_true;
use super::nav::NavResult;
use super::{InvalidField, LoadState, Params};
use crate::wire::ids::TargetId;

/// A page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TargetInfo {
    /// The page.
    pub target_id: TargetId,
    /// Its URL.
    pub url: String,
    /// Its title; as last seen where the page does not tell it at once, and empty where it never was.
    pub title: String,
    /// Whether commands without `targetId` act on it.
    pub current: bool,
    /// The page that opened it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opener_id: Option<TargetId>,
    /// Whether its renderer crashed; a navigation or reload revives it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub crashed: bool,
    /// The name under which it was opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// Result of `targets.list`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ListResult {
    /// The session's pages, oldest first.
    pub targets: Vec<TargetInfo>,
}

/// Parameters of `targets.new`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewParams {
    /// Where to navigate the page; blank when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// How far to wait for the navigation.
    #[serde(default)]
    pub wait_until: LoadState,
    /// Whether it becomes the current page.
    #[serde(default = "default_true", rename = "use")]
    pub make_current: bool,
}

impl Params for NewParams {}

/// Result of `targets.new`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewResult {
    /// The page.
    pub target: TargetInfo,
    /// What came of the navigation, where a URL was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub navigation: Option<NavResult>,
}

/// Parameters of `targets.use`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UseParams {
    /// The page.
    pub target_id: TargetId,
}

impl Params for UseParams {}

/// Parameters of `targets.close`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CloseParams {
    /// The page; the current one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_id: Option<TargetId>,
}

impl Params for CloseParams {}

/// Result of `targets.close`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CloseResult {
    /// The page that was closed.
    pub closed: TargetId,
    /// The page that is current now: the newest that is left, or none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current: Option<TargetId>,
}

/// Parameters of `targets.named`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NamedParams {
    /// The name: 1 to 64 characters of a-z A-Z 0-9 . _ -.
    pub name: String,
    /// Where to navigate a page that is opened; one that is there stays where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// How far to wait for the navigation.
    #[serde(default)]
    pub wait_until: LoadState,
    /// Whether it becomes the current page.
    #[serde(default = "default_true", rename = "use")]
    pub make_current: bool,
}

impl Params for NamedParams {
    fn validate(&self) -> Result<(), InvalidField> {
        let valid = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
        if (1..=64).contains(&self.name.len()) && self.name.bytes().all(valid) {
            return Ok(());
        }
        Err(InvalidField::new(
            "name",
            "1 to 64 characters of a-z A-Z 0-9 . _ -",
        ))
    }
}

/// Result of `targets.named`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NamedResult {
    /// The page.
    pub target: TargetInfo,
    /// Whether it was opened now.
    pub created: bool,
    /// What came of the navigation, where it was opened on a URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub navigation: Option<NavResult>,
}
