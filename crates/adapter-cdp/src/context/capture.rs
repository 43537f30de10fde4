//! Pictures of a page.

use std::sync::Arc;

use ops_contracts::adapter::{AdapterResult, Clip, Effect, ImageFormat, TargetKey};
use serde::Serialize;
use serde_json::json;

use super::{CdpContext, failed};
use crate::connection::Route;
use crate::wire;

/// `Page.captureScreenshot`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CaptureScreenshot {
    format: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    quality: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    clip: Option<ScaledClip>,
    capture_beyond_viewport: bool,
    optimize_for_speed: bool,
}

#[derive(Serialize)]
struct ScaledClip {
    x: f64,
    y: f64,
    width: f64,
    height: f64,
    scale: f64,
}

impl From<Clip> for ScaledClip {
    fn from(clip: Clip) -> Self {
        let Clip { x, y, width, height } = clip;
        Self { x, y, width, height, scale: 1.0 }
    }
}

impl CdpContext {
    pub(super) async fn screenshot(
        &self,
        target: TargetKey,
        format: ImageFormat,
        quality: Option<u8>,
        clip: Option<Clip>,
        full_page: bool,
    ) -> AdapterResult<Effect> {
        const CALL: &str = "Page.captureScreenshot";
        let session = self.of_living_page(target, |page| Arc::clone(&page.session))?;
        let (connection, route) = (&self.browser.connection, Route::session(&session));
        let clip = if full_page && clip.is_none() { Some(self.whole_page(route).await?) } else { clip };
        let params = CaptureScreenshot {
            format: match format {
                ImageFormat::Png => "png",
                ImageFormat::Jpeg => "jpeg",
                ImageFormat::Webp => "webp",
            },
            quality: quality.filter(|_| format != ImageFormat::Png),
            capture_beyond_viewport: clip.is_some(),
            clip: clip.map(ScaledClip::from),
            optimize_for_speed: false,
        };
        let mut batch = connection.batch();
        if self.takes_front(target) {
            // A page behind another one is never drawn.
            batch.call("Page.bringToFront", &json!({}), route).forget();
        }
        let captured = batch.call(CALL, &params, route);
        batch.send();
        let captured: wire::Screenshot = captured.decode().await.map_err(failed(CALL))?;
        Ok(Effect::Image(captured.data))
    }

    async fn whole_page(&self, route: Route<'_>) -> AdapterResult<Clip> {
        const CALL: &str = "Page.getLayoutMetrics";
        let metrics = self.browser.connection.call(CALL, &json!({}), route);
        let metrics: wire::LayoutMetrics = metrics.decode().await.map_err(failed(CALL))?;
        let wire::Size { width, height } = metrics.css_content_size;
        Ok(Clip { x: 0.0, y: 0.0, width: width.max(1.0), height: height.max(1.0) })
    }
}
