//! Parameters and results of `export.*`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{InvalidField, Params};

mod clone;
mod document;
pub use clone::{
    CloneComponentParams, CloneComponentResult, ClonePageParams, ClonePageResult, MissingAsset,
};
pub use document::{Annotation, HtmlParams, HtmlResult, Margins, Paper, PdfParams, PdfResult};

use crate::wire::ids::TargetId;
use crate::wire::locator::Locator;
use crate::wire::page::{Clip, ImageFormat};

/// Parameters of `export.screenshot`; at most one of `fullPage`, `element` and `clip`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ScreenshotParams {
    /// The whole scrollable page instead of the viewport.
    #[serde(default)]
    pub full_page: bool,
    /// Only this element.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub element: Option<Locator>,
    /// Only this part, in CSS pixels from the document's origin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clip: Option<Clip>,
    /// The format.
    #[serde(default)]
    pub format: ImageFormat,
    /// 0 to 100, for jpeg and webp.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quality: Option<u8>,
    /// Writes on the picture the refs of what can be acted on.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub annotated: bool,
    /// The page; the current one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_id: Option<TargetId>,
}

impl Params for ScreenshotParams {
    fn validate(&self) -> Result<(), InvalidField> {
        if usize::from(self.full_page)
            + usize::from(self.element.is_some())
            + usize::from(self.clip.is_some())
            > 1
        {
            return Err(InvalidField::new(
                "params",
                "at most one of fullPage, element and clip",
            ));
        }
        if self.quality.is_some_and(|quality| quality > 100) {
            return Err(InvalidField::new("quality", "0 to 100"));
        }
        if self.quality.is_some() && self.format == ImageFormat::Png {
            return Err(InvalidField::new(
                "quality",
                "only beside format jpeg or webp",
            ));
        }
        let sized = |side: f64| side.is_finite() && side > 0.0 && side <= 32_767.0;
        if self.clip.is_some_and(|clip| {
            !(clip.x.is_finite() && clip.y.is_finite() && sized(clip.width) && sized(clip.height))
        }) {
            return Err(InvalidField::new(
                "clip",
                "finite numbers, width and height above 0 and at most 32767",
            ));
        }
        Ok(())
    }
}

/// Result of `export.screenshot`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ScreenshotResult {
    /// The format.
    pub format: ImageFormat,
    /// Base64 of the picture's file.
    pub data: String,
    /// Size of the file in bytes.
    pub bytes: u64,
    /// What is written on it, where it is annotated.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub annotations: Vec<Annotation>,
}
