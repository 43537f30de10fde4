//! Parameters and results of `dialog.*`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::session::DialogPolicy;
use super::{InvalidField, Params};
use crate::wire::receipt::DialogInfo;
use crate::wire::secret::Secret;

/// Result of `dialog.status`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StatusResult {
    /// The open dialog; null when there is none.
    pub dialog: Option<DialogInfo>,
}

/// Parameters of `dialog.policy`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyParams {
    /// What happens to dialogs that open from now on.
    pub policy: DialogPolicy,
}

impl Params for PolicyParams {}

/// Result of `dialog.policy`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PolicyResult {
    /// What happens to dialogs now.
    pub policy: DialogPolicy,
    /// What happened to them before.
    pub previous: DialogPolicy,
    /// The dialog that is open already; it still waits for an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dialog: Option<DialogInfo>,
}

/// Parameters of `dialog.accept`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AcceptParams {
    /// What to enter into a prompt; its proposal when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<Secret>,
}

impl Params for AcceptParams {
    fn validate(&self) -> Result<(), InvalidField> {
        if self.text.as_ref().is_some_and(|text| text.len() > 65_536) {
            return Err(InvalidField::new("text", "at most 65536 bytes"));
        }
        Ok(())
    }
}

/// Result of `dialog.accept` and `dialog.dismiss`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AnswerResult {
    /// The dialog that was answered.
    pub dialog: DialogInfo,
    /// Accepted or dismissed.
    pub accepted: bool,
    /// The dialog that the page opened next; it waits for an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dialog_opened: Option<DialogInfo>,
}
