//! Types that several groups of commands share.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{InvalidField, Params};

/// No parameters.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Empty {}

impl Params for Empty {}

/// Size of a viewport.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Viewport {
    /// Width in CSS pixels, 1 to 10,000.
    pub width: u32,
    /// Height in CSS pixels, 1 to 10,000.
    pub height: u32,
    /// Device pixels per CSS pixel, above 0 and at most 10.
    #[serde(default = "one")]
    pub scale: f64,
}

fn one() -> f64 {
    1.0
}

impl Default for Viewport {
    fn default() -> Self {
        Self {
            width: 1280,
            height: 720,
            scale: 1.0,
        }
    }
}

impl Viewport {
    pub(super) fn validate(&self, field: &str) -> Result<(), InvalidField> {
        if !(1..=10_000).contains(&self.width) || !(1..=10_000).contains(&self.height) {
            return Err(InvalidField::new(field, "width and height from 1 to 10000"));
        }
        if !(self.scale > 0.0 && self.scale <= 10.0) {
            return Err(InvalidField::new(
                format!("{field}.scale"),
                "a number above 0 and at most 10",
            ));
        }
        Ok(())
    }
}

/// A point in CSS pixels.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Point {
    /// From the left.
    pub x: f64,
    /// From the top.
    pub y: f64,
}

/// How far a document must be loaded.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum LoadState {
    /// The response has begun and the document is there.
    Commit,
    /// The document is parsed.
    DomContentLoaded,
    /// The document and its subresources are loaded.
    #[default]
    Load,
    /// Loaded, and no request was in flight for half a second.
    NetworkIdle,
}

pub(super) fn default_true() -> bool {
    true
}

pub(super) fn at_most(field: &str, value: u64, max: u64) -> Result<(), InvalidField> {
    if value > max {
        Err(InvalidField::new(field, format!("at most {max}")))
    } else {
        Ok(())
    }
}
