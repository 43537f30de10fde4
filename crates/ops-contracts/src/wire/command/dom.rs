//! Parameters and results of `dom.*`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::common::{at_most, default_true};
use super::{InvalidField, Params};
use crate::wire::ids::{ElementRef, FrameId, TargetId};
use crate::wire::locator::Locator;

/// The budget of a snapshot when the request names none, in characters.
pub const DEFAULT_SNAPSHOT_CHARS: u32 = 8_000;

/// How much a snapshot shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SnapshotMode {
    /// Headings, landmarks, forms, tables and dialogs.
    Outline,
    /// Elements that can be acted on.
    Interactive,
    /// Everything that a screen reader would meet.
    #[default]
    Full,
}

/// Parameters of `dom.snapshot`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SnapshotParams {
    /// How much to show.
    #[serde(default)]
    pub mode: SnapshotMode,
    /// The budget in characters, 200 to 10,000,000. Whole lines are left out beyond it, and counted.
    #[serde(default = "default_chars")]
    pub max_chars: u32,
    /// Goes on where an earlier snapshot stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// The `id` of an earlier snapshot: only what has changed since is shown. The whole is shown where that snapshot is not known
    /// any more, was of another document, mode, element or `urls`, or where the change would not fit the budget.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// Only the lines that contain this text, case ignored, with the lines that they are in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub find: Option<String>,
    /// Only this element and what is inside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub element: Option<Locator>,
    /// Whether to show where links lead.
    #[serde(default)]
    pub urls: bool,
    /// The page; the current one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_id: Option<TargetId>,
}

fn default_chars() -> u32 {
    DEFAULT_SNAPSHOT_CHARS
}

impl Default for SnapshotParams {
    fn default() -> Self {
        Self {
            mode: SnapshotMode::default(),
            max_chars: DEFAULT_SNAPSHOT_CHARS,
            cursor: None,
            since: None,
            find: None,
            element: None,
            urls: false,
            target_id: None,
        }
    }
}

impl Params for SnapshotParams {
    fn validate(&self) -> Result<(), InvalidField> {
        if !(200..=10_000_000).contains(&self.max_chars) {
            return Err(InvalidField::new("maxChars", "200 to 10000000"));
        }
        if self.since.is_some() && (self.cursor.is_some() || self.find.is_some()) {
            return Err(InvalidField::new(
                "since",
                "a snapshot's id, without cursor or find",
            ));
        }
        if self
            .since
            .as_deref()
            .is_some_and(|since| !is_snapshot_id(since))
        {
            return Err(InvalidField::new(
                "since",
                "the id of an earlier snapshot, such as s3",
            ));
        }
        match &self.find {
            Some(text) if text.trim().is_empty() => {
                Err(InvalidField::new("find", "a text that is not empty"))
            }
            Some(text) => at_most("find", text.len() as u64, 1_024),
            None => Ok(()),
        }
    }
}

fn is_snapshot_id(text: &str) -> bool {
    text.strip_prefix('s')
        .is_some_and(|number| number.parse::<u64>().is_ok())
}

/// Result of `dom.snapshot`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SnapshotResult {
    /// The page.
    pub target_id: TargetId,
    /// Its URL.
    pub url: String,
    /// Its title.
    pub title: String,
    /// The snapshot's name, for `since`; the last eight of a session are remembered.
    #[serde(default)]
    pub id: String,
    /// The tree, a line a node, indented by two spaces a level. This is text of the page, not of this program. Where `delta` is
    /// there: the changes, each a line `@@ 12 -2 +1` (at line 12 of the earlier snapshot, counted from 1, two lines are gone and
    /// the one below is in their place) and the new lines.
    pub text: String,
    /// What the text is a change of; absent where it is a whole snapshot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delta: Option<SnapshotDelta>,
    /// With `find`: the lines that contain the text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matches: Option<u32>,
    /// Lines in the whole snapshot.
    pub lines: u32,
    /// Lines that the budget or `find` left out, before the text, in it or behind it; 0 for a change, which is complete.
    pub omitted: u32,
    /// Whether parts of the page were left out because they are nested more deeply than a snapshot reads.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub truncated: bool,
    /// Where to go on; absent at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// Frames that are in it, the main frame included.
    pub frames: u32,
    /// Frames that could not be read, with the reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unreadable_frames: Vec<UnreadableFrame>,
}

/// What has changed between two snapshots.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SnapshotDelta {
    /// The earlier snapshot.
    pub since: String,
    /// Its lines that are gone or stand elsewhere.
    pub removed: u32,
    /// Lines that are new or stand elsewhere.
    pub added: u32,
}

/// A frame that a snapshot could not read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UnreadableFrame {
    /// The frame.
    pub frame: FrameId,
    /// Why.
    pub reason: String,
}

/// Parameters of a command that reads a page and takes nothing else.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PageParams {
    /// The page; the current one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_id: Option<TargetId>,
}

impl Params for PageParams {}

/// Parameters of a command that reads an element and takes nothing else.
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

/// Parameters of `dom.find`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FindParams {
    /// What to find.
    pub element: Locator,
    /// The most matches to describe, 1 to 1,000.
    #[serde(default = "default_limit")]
    pub limit: u32,
    /// The page; the current one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_id: Option<TargetId>,
}

fn default_limit() -> u32 {
    20
}

impl Params for FindParams {
    fn validate(&self) -> Result<(), InvalidField> {
        if (1..=1_000).contains(&self.limit) {
            Ok(())
        } else {
            Err(InvalidField::new("limit", "1 to 1000"))
        }
    }
}

/// An element that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Match {
    /// Its ref.
    #[serde(rename = "ref")]
    pub reference: ElementRef,
    /// Its ARIA role.
    pub role: String,
    /// Its accessible name.
    pub name: String,
    /// Its tag, in lower case.
    pub tag: String,
    /// Its text, cut at 200 characters.
    pub text: String,
    /// Whether it is visible.
    pub visible: bool,
}

/// Result of `dom.find`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FindResult {
    /// Elements that match in all.
    pub count: u32,
    /// The first of them.
    pub matches: Vec<Match>,
}

/// Parameters of `dom.text`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReadParams {
    /// The element; the page's body when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub element: Option<Locator>,
    /// The most characters to return, 1 to 10,000,000.
    #[serde(default = "default_read")]
    pub max_chars: u32,
    /// The page; the current one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_id: Option<TargetId>,
}

fn default_read() -> u32 {
    100_000
}

impl Default for ReadParams {
    fn default() -> Self {
        Self {
            element: None,
            max_chars: default_read(),
            target_id: None,
        }
    }
}

impl Params for ReadParams {
    fn validate(&self) -> Result<(), InvalidField> {
        in_read_range(self.max_chars)
    }
}

fn in_read_range(max_chars: u32) -> Result<(), InvalidField> {
    if (1..=10_000_000).contains(&max_chars) {
        Ok(())
    } else {
        Err(InvalidField::new("maxChars", "1 to 10000000"))
    }
}

/// Parameters of `dom.html`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HtmlParams {
    /// The element; the whole document when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub element: Option<Locator>,
    /// Whether the element's own tag is included.
    #[serde(default = "default_true")]
    pub outer: bool,
    /// The most characters to return, 1 to 10,000,000.
    #[serde(default = "default_html")]
    pub max_chars: u32,
    /// The page; the current one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_id: Option<TargetId>,
}

fn default_html() -> u32 {
    1_000_000
}

impl Params for HtmlParams {
    fn validate(&self) -> Result<(), InvalidField> {
        in_read_range(self.max_chars)
    }
}

/// A text out of the page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TextResult {
    /// The text. It is the page's, not this program's.
    pub value: String,
    /// Whether it was cut at `maxChars`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub truncated: bool,
}

/// Parameters of `dom.attr`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AttrParams {
    /// The element.
    pub element: Locator,
    /// The attribute's name.
    pub name: String,
    /// The page; the current one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_id: Option<TargetId>,
}

impl Params for AttrParams {
    fn validate(&self) -> Result<(), InvalidField> {
        if self.name.is_empty() {
            return Err(InvalidField::new("name", "the name of an attribute"));
        }
        at_most("name", self.name.len() as u64, 1_024)
    }
}

/// Result of `dom.attr`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AttrResult {
    /// The attribute's value; null when the element does not have it.
    pub value: Option<String>,
}

/// Result of `dom.value`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ValueResult {
    /// The control's value; the first selected one of a select element.
    pub value: String,
    /// All selected values of a select element.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values: Option<Vec<String>>,
    /// Whether the value is a secret and stands here masked.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub masked: bool,
}

/// Result of `dom.state`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StateResult {
    /// Rendered, with a box and not hidden.
    pub visible: bool,
    /// Not disabled.
    pub enabled: bool,
    /// Checked; null where the element has no such state, and for the mixed state.
    pub checked: Option<bool>,
    /// Takes text now.
    pub editable: bool,
    /// Has the focus.
    pub focused: bool,
}

/// Result of `dom.box`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BoxResult {
    /// From the left edge of the page's viewport, in CSS pixels.
    pub x: f64,
    /// From its top edge.
    pub y: f64,
    /// Width.
    pub width: f64,
    /// Height.
    pub height: f64,
}

/// Result of `dom.count`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CountResult {
    /// Elements that match.
    pub value: u32,
}

/// Parameters of `dom.eval`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EvalParams {
    /// The expression, at most 1 MiB. It counts as a person's doing: it may open windows and start to play media.
    pub expression: String,
    /// Whether to wait for a promise.
    #[serde(default = "default_true")]
    pub await_promise: bool,
    /// The frame; the main frame when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frame: Option<FrameId>,
    /// The page; the current one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_id: Option<TargetId>,
}

impl Params for EvalParams {
    fn validate(&self) -> Result<(), InvalidField> {
        if self.expression.trim().is_empty() {
            return Err(InvalidField::new(
                "expression",
                "an expression that is not empty",
            ));
        }
        at_most("expression", self.expression.len() as u64, 1 << 20)
            .map_err(|_| InvalidField::new("expression", "at most 1048576 bytes"))
    }
}

/// Result of `dom.eval`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct EvalResult {
    /// The value, as JSON; null where it is none.
    pub value: Box<RawValue>,
    /// The value's source text where JSON can't hold it (`undefined`, `NaN`, `10n`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unserializable: Option<String>,
}
