//! Pictures of a page, and the page on paper.

use ops_contracts::seam::adapter::{Effect, ImageFormat, Performed, Picture, TargetKey, Views};
use ops_contracts::wire::command::export::PdfParams;

use super::{BidiContext, failed};
use crate::connection::Route;
use crate::protocol::Command;
use crate::protocol::browsing_context::{
    self as protocol, BoxClip, CaptureScreenshot, Margin, Paper, Print,
};

impl Views for BidiContext {
    async fn screenshot(&self, target: TargetKey, picture: Picture) -> Performed {
        self.of_living_page(target, |_, _| ())?;
        self.to_front(target).await?;
        let id = self.main_id(target)?;
        let capture = CaptureScreenshot {
            context: &id,
            origin: if picture.full_page || picture.clip.is_some() {
                "document"
            } else {
                "viewport"
            },
            format: protocol::ImageFormat {
                r#type: match picture.format {
                    ImageFormat::Png => "image/png",
                    ImageFormat::Jpeg => "image/jpeg",
                    ImageFormat::Webp => "image/webp",
                },
                quality: picture
                    .quality
                    .map(|quality| f64::from(quality.min(100)) / 100.0),
            },
            clip: picture.clip.map(|clip| BoxClip {
                r#type: "box",
                x: clip.x,
                y: clip.y,
                width: clip.width,
                height: clip.height,
            }),
        };
        let captured = self
            .browser
            .connection
            .send(&capture, Route::page(target))
            .decode()
            .await;
        let captured = captured
            .map_err(|error| self.placed(target, None, failed(CaptureScreenshot::METHOD)(error)))?;
        Ok(Effect::Image(captured.data))
    }

    async fn print(&self, target: TargetKey, options: &PdfParams) -> Performed {
        self.of_living_page(target, |_, _| ())?;
        let id = self.main_id(target)?;
        let (width, height) = options.paper.size();
        let margins = options.margins;
        let print = Print {
            context: &id,
            background: options.background,
            margin: Margin {
                top: margins.top,
                right: margins.right,
                bottom: margins.bottom,
                left: margins.left,
            },
            orientation: if options.landscape {
                "landscape"
            } else {
                "portrait"
            },
            page: Paper { width, height },
            page_ranges: options
                .pages
                .as_deref()
                .map(|pages| pages.split(',').map(str::trim).collect())
                .unwrap_or_default(),
            scale: options.scale.unwrap_or(1.0),
            // Without a size of its own, what is wider than the paper is made to fit.
            shrink_to_fit: options.scale.is_none(),
        };
        let printed = self
            .browser
            .connection
            .send(&print, Route::page(target))
            .decode()
            .await;
        let printed =
            printed.map_err(|error| self.placed(target, None, failed(Print::METHOD)(error)))?;
        Ok(Effect::Image(printed.data))
    }
}
