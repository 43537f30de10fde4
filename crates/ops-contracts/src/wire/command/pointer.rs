//! Parameters and results of `pointer.*`: the mouse itself, by points of the page's viewport.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::interact::{DragSide, Modifier, steps};
use super::{InvalidField, Params, Point};
use crate::wire::ids::TargetId;
use crate::wire::page::MouseButton;
use crate::wire::receipt::Receipt;

/// The furthest coordinate or turn of the wheel, in CSS pixels.
const FURTHEST: f64 = 1e6;

/// Parameters of `pointer.move`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MoveParams {
    /// From the left, in CSS pixels of the viewport.
    pub x: f64,
    /// From the top.
    pub y: f64,
    /// Moves on the way there, 1 to 100.
    #[serde(default = "one")]
    pub steps: u8,
    /// Keys held meanwhile.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub modifiers: Vec<Modifier>,
    /// The page; the current one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_id: Option<TargetId>,
}

fn one() -> u8 {
    1
}

impl Params for MoveParams {
    fn validate(&self) -> Result<(), InvalidField> {
        check_number("x", self.x)?;
        check_number("y", self.y)?;
        check_steps(self.steps)
    }
}

/// Parameters of `pointer.down` and `pointer.up`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ButtonParams {
    /// The button.
    #[serde(default)]
    pub button: MouseButton,
    /// 1 for the first press, 2 for the second of a double click, at most 3.
    #[serde(default = "one")]
    pub click_count: u8,
    /// Keys held meanwhile.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub modifiers: Vec<Modifier>,
    /// The page; the current one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_id: Option<TargetId>,
}

impl Default for ButtonParams {
    fn default() -> Self {
        Self {
            button: MouseButton::Left,
            click_count: 1,
            modifiers: Vec::new(),
            target_id: None,
        }
    }
}

impl Params for ButtonParams {
    fn validate(&self) -> Result<(), InvalidField> {
        if (1..=3).contains(&self.click_count) {
            Ok(())
        } else {
            Err(InvalidField::new("clickCount", "1, 2 or 3"))
        }
    }
}

/// Parameters of `pointer.wheel`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WheelParams {
    /// To the right, in CSS pixels.
    #[serde(default)]
    pub dx: f64,
    /// Down.
    #[serde(default)]
    pub dy: f64,
    /// Where; where the mouse is when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Point>,
    /// Keys held meanwhile.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub modifiers: Vec<Modifier>,
    /// The page; the current one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_id: Option<TargetId>,
}

impl Params for WheelParams {
    fn validate(&self) -> Result<(), InvalidField> {
        check_number("dx", self.dx)?;
        check_number("dy", self.dy)?;
        if self.dx == 0.0 && self.dy == 0.0 {
            return Err(InvalidField::new("params", "a dx or dy other than 0"));
        }
        self.at.map_or(Ok(()), |at| check_point("at", at))
    }
}

/// Parameters of `pointer.drag`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DragParams {
    /// Where the button is pressed.
    pub from: Point,
    /// Where it is released.
    pub to: Point,
    /// The button.
    #[serde(default)]
    pub button: MouseButton,
    /// Moves between the two, 1 to 100.
    #[serde(default = "steps")]
    pub steps: u8,
    /// Keys held meanwhile.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub modifiers: Vec<Modifier>,
    /// The page; the current one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_id: Option<TargetId>,
}

impl Params for DragParams {
    fn validate(&self) -> Result<(), InvalidField> {
        check_point("from", self.from)?;
        check_point("to", self.to)?;
        check_steps(self.steps)
    }
}

/// Result of `pointer.move`, `pointer.down`, `pointer.up` and `pointer.wheel`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PointerResult {
    /// Where the mouse is now.
    pub position: Point,
    /// The buttons that are held now.
    pub held: Vec<MouseButton>,
    /// The kinds of events that arrived in the page's main document, in the order of their first. None where the point is in a frame.
    pub events: Vec<String>,
    /// What was observed; its element is what the mouse was over.
    pub receipt: Receipt,
}

/// Result of `pointer.drag`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DragResult {
    /// What was seen where the button was pressed.
    pub source: DragSide,
    /// What was seen where it was released.
    pub target: DragSide,
    /// Whether it was a native drag, with `dragstart`.
    pub native: bool,
    /// Whether a native drag ended with a `drop`; false for one that the page did not take. Absent for plain mouse events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dropped: Option<bool>,
    /// What was observed.
    pub receipt: Receipt,
}

pub(super) fn check_steps(steps: u8) -> Result<(), InvalidField> {
    if (1..=100).contains(&steps) {
        Ok(())
    } else {
        Err(InvalidField::new("steps", "1 to 100"))
    }
}

fn check_number(field: &str, number: f64) -> Result<(), InvalidField> {
    if number.is_finite() && number.abs() <= FURTHEST {
        Ok(())
    } else {
        Err(InvalidField::new(
            field,
            "a number of at most a million CSS pixels",
        ))
    }
}

fn check_point(field: &str, point: Point) -> Result<(), InvalidField> {
    check_number(&format!("{field}.x"), point.x)?;
    check_number(&format!("{field}.y"), point.y)
}
