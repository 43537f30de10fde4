//! Pictures of a page.

use chromiumoxide_cdp::cdp::browser_protocol::page::{
    BringToFrontParams, CaptureScreenshotFormat, CaptureScreenshotParams, GetLayoutMetricsParams,
    Viewport,
};
use ops_contracts::seam::adapter::{AdapterResult, Clip, Effect, ImageFormat, TargetKey};

use super::{CdpContext, failed};
use crate::connection::Route;
use crate::wire;

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
        let (session, scope) = self.document_route(target)?;
        let (connection, route) = (
            &self.browser.connection,
            Route {
                session: Some(&session),
                scope,
            },
        );
        let clip = if full_page && clip.is_none() {
            Some(self.whole_page(route).await?)
        } else {
            clip
        };
        let params = CaptureScreenshotParams {
            format: Some(match format {
                ImageFormat::Png => CaptureScreenshotFormat::Png,
                ImageFormat::Jpeg => CaptureScreenshotFormat::Jpeg,
                ImageFormat::Webp => CaptureScreenshotFormat::Webp,
            }),
            quality: quality
                .filter(|_| format != ImageFormat::Png)
                .map(i64::from),
            capture_beyond_viewport: Some(clip.is_some()),
            clip: clip.map(
                |Clip {
                     x,
                     y,
                     width,
                     height,
                 }| Viewport {
                    x,
                    y,
                    width,
                    height,
                    scale: 1.0,
                },
            ),
            ..Default::default()
        };
        let mut batch = connection.batch();
        if self.takes_front(target) {
            // A page behind another one is never drawn.
            batch.exec(&BringToFrontParams {}, route).forget();
        }
        let captured = batch.exec(&params, route);
        batch.send();
        let captured: wire::Screenshot = captured.decode().await.map_err(failed(CALL))?;
        Ok(Effect::Image(captured.data))
    }

    async fn whole_page(&self, route: Route<'_>) -> AdapterResult<Clip> {
        const CALL: &str = "Page.getLayoutMetrics";
        let metrics = self
            .browser
            .connection
            .exec(&GetLayoutMetricsParams {}, route);
        let metrics: wire::LayoutMetrics = metrics.decode().await.map_err(failed(CALL))?;
        let wire::Size { width, height } = metrics.css_content_size;
        Ok(Clip {
            x: 0.0,
            y: 0.0,
            width: width.max(1.0),
            height: height.max(1.0),
        })
    }
}
