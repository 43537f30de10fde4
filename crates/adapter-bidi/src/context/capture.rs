//! Pictures of a page.

use ops_contracts::adapter::{AdapterResult, Clip, Effect, ImageFormat, TargetKey};

use super::{BidiContext, failed};
use crate::connection::Route;
use crate::protocol::Command;
use crate::protocol::browsing_context::{self as protocol, BoxClip, CaptureScreenshot};

impl BidiContext {
    pub(super) async fn screenshot(
        &self,
        target: TargetKey,
        format: ImageFormat,
        quality: Option<u8>,
        clip: Option<Clip>,
        full_page: bool,
    ) -> AdapterResult<Effect> {
        self.of_living_page(target, |_, _| ())?;
        self.to_front(target).await?;
        let id = self.main_id(target)?;
        let capture = CaptureScreenshot {
            context: &id,
            origin: if full_page || clip.is_some() { "document" } else { "viewport" },
            format: protocol::ImageFormat {
                r#type: match format {
                    ImageFormat::Png => "image/png",
                    ImageFormat::Jpeg => "image/jpeg",
                    ImageFormat::Webp => "image/webp",
                },
                quality: quality.filter(|_| format != ImageFormat::Png).map(|quality| f64::from(quality.min(100)) / 100.0),
            },
            clip: clip.map(|Clip { x, y, width, height }| BoxClip { r#type: "box", x, y, width, height }),
        };
        let captured = self.browser.connection.send(&capture, Route::page(target)).decode().await;
        let captured = captured.map_err(|error| self.placed(target, None, failed(CaptureScreenshot::METHOD)(error)))?;
        Ok(Effect::Image(captured.data))
    }
}
