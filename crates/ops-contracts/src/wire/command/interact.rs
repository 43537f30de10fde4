//! Parameters and results of `interact.*`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::common::at_most;
use super::{InvalidField, Params, Point};
use crate::wire::ids::{BlobId, TargetId};
use crate::wire::locator::Locator;
use crate::wire::page::{GivenFile, MouseButton};
use crate::wire::receipt::{ElementInfo, Receipt};
use crate::wire::secret::Secret;

/// The longest text that one command enters, in bytes.
const MAX_TEXT: u64 = 1 << 20;

/// A modifier key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Modifier {
    /// Alt or Option.
    Alt,
    /// Control.
    Control,
    /// Meta, Command or Windows.
    Meta,
    /// Shift.
    Shift,
}

/// Parameters of a command that acts on an element and takes nothing else.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ElementParams {
    /// The element.
    pub element: Locator,
    /// The page; the current one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_id: Option<TargetId>,
}

impl Params for ElementParams {}

/// Parameters of `interact.click`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ClickParams {
    /// The element.
    pub element: Locator,
    /// The mouse button.
    #[serde(default)]
    pub button: MouseButton,
    /// 1 to 3 clicks in a row.
    #[serde(default = "one")]
    pub count: u8,
    /// Keys held meanwhile.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub modifiers: Vec<Modifier>,
    /// Where in the element's box, from its top left corner; its middle when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<Point>,
    /// The page; the current one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_id: Option<TargetId>,
}

fn one() -> u8 {
    1
}

impl Params for ClickParams {
    fn validate(&self) -> Result<(), InvalidField> {
        if (1..=3).contains(&self.count) {
            Ok(())
        } else {
            Err(InvalidField::new("count", "1, 2 or 3"))
        }
    }
}

/// Parameters of `interact.hover`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HoverParams {
    /// The element.
    pub element: Locator,
    /// Keys held meanwhile.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub modifiers: Vec<Modifier>,
    /// Where in the element's box, from its top left corner; its middle when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<Point>,
    /// The page; the current one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_id: Option<TargetId>,
}

impl Params for HoverParams {}

/// Parameters of `interact.fill`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FillParams {
    /// The element.
    pub element: Locator,
    /// The new value, at most 1 MiB.
    pub value: Secret,
    /// The page; the current one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_id: Option<TargetId>,
}

impl Params for FillParams {
    fn validate(&self) -> Result<(), InvalidField> {
        at_most("value", self.value.len() as u64, MAX_TEXT)
            .map_err(|_| InvalidField::new("value", "at most 1048576 bytes"))
    }
}

/// Parameters of `interact.type`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TypeParams {
    /// The element to focus first; the focus as it is when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub element: Option<Locator>,
    /// The text, at most 1 MiB.
    pub text: Secret,
    /// Milliseconds between keys, at most 1,000.
    #[serde(default)]
    pub delay_ms: u64,
    /// The page; the current one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_id: Option<TargetId>,
}

impl Params for TypeParams {
    fn validate(&self) -> Result<(), InvalidField> {
        at_most("delayMs", self.delay_ms, 1_000)?;
        at_most("text", self.text.len() as u64, MAX_TEXT)
            .map_err(|_| InvalidField::new("text", "at most 1048576 bytes"))
    }
}

/// Parameters of `interact.press`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PressParams {
    /// A key or chord: `Enter`, `a`, `Control+a`, `Shift+ArrowDown`.
    pub key: String,
    /// The element to focus first; the focus as it is when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub element: Option<Locator>,
    /// The page; the current one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_id: Option<TargetId>,
}

impl Params for PressParams {
    fn validate(&self) -> Result<(), InvalidField> {
        if self.key.is_empty() || self.key.len() > 64 {
            return Err(InvalidField::new(
                "key",
                "a key or chord of 1 to 64 characters",
            ));
        }
        Ok(())
    }
}

/// Parameters of `interact.drag`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DragParams {
    /// The element that is taken.
    pub source: Locator,
    /// The element that it is dropped on.
    pub target: Locator,
    /// Where in the source's box it is taken, from its top left corner; its middle when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_position: Option<Point>,
    /// Where in the target's box it is dropped, from its top left corner; its middle when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_position: Option<Point>,
    /// Keys held meanwhile.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub modifiers: Vec<Modifier>,
    /// Moves of the mouse between the two, 1 to 100.
    #[serde(default = "steps")]
    pub steps: u8,
    /// The page; the current one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_id: Option<TargetId>,
}

pub(super) fn steps() -> u8 {
    8
}

impl Params for DragParams {
    fn validate(&self) -> Result<(), InvalidField> {
        for (field, point) in [
            ("sourcePosition", self.source_position),
            ("targetPosition", self.target_position),
        ] {
            if point.is_some_and(|point| !(point.x.is_finite() && point.y.is_finite())) {
                return Err(InvalidField::new(field, "finite numbers"));
            }
        }
        super::pointer::check_steps(self.steps)
    }
}

/// One end of a drag.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DragSide {
    /// The element that received the events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub element: Option<ElementInfo>,
    /// The kinds of events that reached it, in the order of their first.
    pub events: Vec<String>,
}

/// Result of `interact.drag`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DragResult {
    /// What was seen where it was taken.
    pub source: DragSide,
    /// What was seen where it was dropped.
    pub target: DragSide,
    /// Whether it was a native drag, with `dragstart` and `drop`, instead of plain mouse events.
    pub native: bool,
    /// What was observed.
    pub receipt: Receipt,
}

/// The most files of one upload.
pub const MAX_FILES: usize = 100;

/// A file to be given to a page: its name, and its bytes in one of three ways.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UploadFile {
    /// Its name as the page sees it, without a folder.
    pub name: String,
    /// Its bytes as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<Secret>,
    /// Its bytes as base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base64: Option<Secret>,
    /// Its bytes as a blob that was put down before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blob: Option<BlobId>,
}

/// Parameters of `interact.upload`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UploadParams {
    /// The input, or its label; the chooser that is open when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub element: Option<Locator>,
    /// The files; none to take back what was given.
    pub files: Vec<UploadFile>,
    /// The page; the current one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_id: Option<TargetId>,
}

impl Params for UploadParams {
    fn validate(&self) -> Result<(), InvalidField> {
        if self.files.len() > MAX_FILES {
            return Err(InvalidField::new("files", "at most 100 files"));
        }
        for (at, file) in self.files.iter().enumerate() {
            let plain = !file.name.is_empty()
                && file.name.len() <= 255
                && !matches!(file.name.as_str(), "." | "..");
            if !plain
                || file
                    .name
                    .chars()
                    .any(|c| matches!(c, '/' | '\\') || c.is_control())
            {
                return Err(InvalidField::new(
                    format!("files[{at}].name"),
                    "a file name of 1 to 255 bytes without a folder",
                ));
            }
            let given = [
                file.text.is_some(),
                file.base64.is_some(),
                file.blob.is_some(),
            ];
            if given.iter().filter(|given| **given).count() != 1 {
                return Err(InvalidField::new(
                    format!("files[{at}]"),
                    "exactly one of text, base64 and blob",
                ));
            }
        }
        Ok(())
    }
}

/// Result of `interact.upload`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct UploadResult {
    /// The files that the input holds now, as it tells them itself.
    pub files: Vec<GivenFile>,
    /// What was observed.
    pub receipt: Receipt,
}

/// Parameters of `interact.tap`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TapParams {
    /// The element.
    pub element: Locator,
    /// Keys held meanwhile.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub modifiers: Vec<Modifier>,
    /// Where in the element's box, from its top left corner; its middle when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<Point>,
    /// The page; the current one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_id: Option<TargetId>,
}

impl Params for TapParams {}

/// Names an option of a select element by exactly one key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OptionChoice {
    /// Its value.
    Value(String),
    /// Its label.
    Label(String),
    /// Its place, from 0.
    Index(u32),
    /// Its value or, where no value fits, its label.
    Any(String),
}

/// Parameters of `interact.select`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SelectParams {
    /// The select element; or a listbox, or what opens one, of the page's own making.
    pub element: Locator,
    /// The options to be selected; all others are deselected.
    pub options: Vec<OptionChoice>,
    /// The page; the current one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_id: Option<TargetId>,
}

impl Params for SelectParams {
    fn validate(&self) -> Result<(), InvalidField> {
        if self.options.len() > 1_000 {
            Err(InvalidField::new("options", "at most 1000"))
        } else {
            Ok(())
        }
    }
}

/// Where to scroll.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ScrollEdge {
    /// The upper end.
    Top,
    /// The lower end.
    Bottom,
}

/// Parameters of `interact.scroll`: `dx` and `dy`, or `to`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ScrollParams {
    /// The element whose nearest scroll container is scrolled; the page when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub element: Option<Locator>,
    /// CSS pixels to the right.
    #[serde(default)]
    pub dx: f64,
    /// CSS pixels down.
    #[serde(default)]
    pub dy: f64,
    /// To an end instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<ScrollEdge>,
    /// The page; the current one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_id: Option<TargetId>,
}

impl Params for ScrollParams {
    fn validate(&self) -> Result<(), InvalidField> {
        let by = self.dx != 0.0 || self.dy != 0.0;
        if by == self.to.is_some() {
            return Err(InvalidField::new(
                "params",
                "either to, or a dx or dy other than 0",
            ));
        }
        Ok(())
    }
}

/// Result of an action.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ActionResult {
    /// What was observed.
    pub receipt: Receipt,
}

/// Result of `interact.fill` and `interact.clear`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FillResult {
    /// The value as read back afterwards; a password's is hidden.
    pub value: String,
    /// What was observed.
    pub receipt: Receipt,
}

/// Result of `interact.check` and `interact.uncheck`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CheckResult {
    /// The state as read back afterwards; null where the click took the page elsewhere or opened a dialog, so that it could not be read.
    pub checked: Option<bool>,
    /// What was observed; `attempts` is 0 where the state was right already and nothing was done.
    pub receipt: Receipt,
}

/// An option of a select element.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SelectedOption {
    /// Its value.
    pub value: String,
    /// Its label.
    pub label: String,
    /// Its place, from 0.
    pub index: u32,
}

/// Result of `interact.select`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SelectResult {
    /// The options that are selected now, as read back.
    pub selected: Vec<SelectedOption>,
    /// What was observed.
    pub receipt: Receipt,
}

/// Result of `interact.scroll` and `interact.scrollIntoView`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ScrollResult {
    /// Scroll position before, of the container that was scrolled.
    pub before: Point,
    /// Scroll position afterwards.
    pub after: Point,
    /// Whether anything moved.
    pub moved: bool,
}
