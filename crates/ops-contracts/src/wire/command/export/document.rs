//! Parameters and results of `export.pdf` and `export.html`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::wire::command::{InvalidField, Params};
use crate::wire::ids::TargetId;

/// A size of paper.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Paper {
    /// 29.7 × 42 cm
    A3,
    /// 21 × 29.7 cm
    #[default]
    A4,
    /// 14.8 × 21 cm
    A5,
    /// 8.5 × 11 inches
    Letter,
    /// 8.5 × 14 inches
    Legal,
    /// 11 × 17 inches
    Tabloid,
}

impl Paper {
    /// Width and height in centimetres, upright.
    #[must_use]
    pub const fn size(self) -> (f64, f64) {
        match self {
            Self::A3 => (29.7, 42.0),
            Self::A4 => (21.0, 29.7),
            Self::A5 => (14.8, 21.0),
            Self::Letter => (21.59, 27.94),
            Self::Legal => (21.59, 35.56),
            Self::Tabloid => (27.94, 43.18),
        }
    }
}

/// Margins in centimetres, each 0 to 20.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Margins {
    /// Above.
    #[serde(default = "one")]
    pub top: f64,
    /// To the right.
    #[serde(default = "one")]
    pub right: f64,
    /// Below.
    #[serde(default = "one")]
    pub bottom: f64,
    /// To the left.
    #[serde(default = "one")]
    pub left: f64,
}

fn one() -> f64 {
    1.0
}

impl Default for Margins {
    fn default() -> Self {
        Self {
            top: 1.0,
            right: 1.0,
            bottom: 1.0,
            left: 1.0,
        }
    }
}

/// Parameters of `export.pdf`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PdfParams {
    /// The paper.
    #[serde(default)]
    pub paper: Paper,
    /// Width and height of the paper are exchanged.
    #[serde(default)]
    pub landscape: bool,
    /// The margins; 1 cm each when absent.
    #[serde(default)]
    pub margins: Margins,
    /// Size of the content, 0.1 to 2; 1 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale: Option<f64>,
    /// With background colours and pictures.
    #[serde(default)]
    pub background: bool,
    /// The pages, as `1-3, 5`; all when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pages: Option<String>,
    /// The page's own `@page` size goes before `paper`.
    #[serde(default)]
    pub prefer_css_size: bool,
    /// The page; the current one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_id: Option<TargetId>,
}

impl Params for PdfParams {
    fn validate(&self) -> Result<(), InvalidField> {
        let Margins {
            top,
            right,
            bottom,
            left,
        } = self.margins;
        if [top, right, bottom, left]
            .iter()
            .any(|margin| !(0.0..=20.0).contains(margin))
        {
            return Err(InvalidField::new("margins", "centimetres from 0 to 20"));
        }
        let (width, height) = self.paper.size();
        let (width, height) = if self.landscape {
            (height, width)
        } else {
            (width, height)
        };
        if left + right >= width || top + bottom >= height {
            return Err(InvalidField::new("margins", "less than the paper has"));
        }
        if self
            .scale
            .is_some_and(|scale| !(0.1..=2.0).contains(&scale))
        {
            return Err(InvalidField::new("scale", "a number from 0.1 to 2"));
        }
        match self.pages.as_deref().map(is_ranges) {
            Some(false) => Err(InvalidField::new(
                "pages",
                "numbers and ranges from 1, as 1-3, 5",
            )),
            _ => Ok(()),
        }
    }
}

fn is_ranges(text: &str) -> bool {
    let number = |text: &str| text.trim().parse::<u32>().ok().filter(|number| *number > 0);
    text.len() <= 256
        && text.split(',').all(|part| match part.split_once('-') {
            Some((first, last)) => number(first)
                .zip(number(last))
                .is_some_and(|(first, last)| first <= last),
            None => number(part).is_some(),
        })
}

/// Result of `export.pdf`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PdfResult {
    /// Base64 of the document.
    pub data: String,
    /// Its size in bytes.
    pub bytes: u64,
}

/// Parameters of `export.html`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HtmlParams {
    /// The page; the current one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_id: Option<TargetId>,
}

impl Params for HtmlParams {}

/// Result of `export.html`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HtmlResult {
    /// The document as it is now, with its doctype; shadow roots as declarative templates. Passwords are masked.
    pub html: String,
    /// Its size in bytes, as UTF-8.
    pub bytes: u64,
    /// Shadow roots in it.
    pub shadow_roots: u32,
}

/// A label of an annotated picture.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Annotation {
    /// The ref that stands on the picture, and by which commands address the element.
    #[serde(rename = "ref")]
    #[schemars(with = "String")]
    pub reference: crate::wire::ids::ElementRef,
    /// Its line in a snapshot: role, name and states.
    pub line: String,
    /// Where it is on the picture, in CSS pixels from its top left corner.
    pub area: crate::wire::page::Clip,
}
