//! Pictures of a page.

use chromiumoxide_cdp::cdp::browser_protocol::page::{
    BringToFrontParams, CaptureScreenshotFormat, CaptureScreenshotParams, GetLayoutMetricsParams,
    Viewport,
};
use ops_contracts::seam::adapter::{
    AdapterResult, Clip, Effect, ImageFormat, Performed, Picture, TargetKey, Views,
};
use ops_contracts::wire::command::export::PdfParams;

use super::{CdpContext, failed};
use crate::connection::Route;
use crate::wire;

impl Views for CdpContext {
    async fn screenshot(&self, target: TargetKey, picture: Picture) -> Performed {
        const CALL: &str = "Page.captureScreenshot";
        let (session, scope) = self.document_route(target)?;
        let (connection, route) = (
            &self.browser.connection,
            Route {
                session: Some(&session),
                scope,
            },
        );
        let clip = match picture.clip {
            None if picture.full_page => Some(self.whole_page(route).await?),
            clip => clip,
        };
        let params = CaptureScreenshotParams {
            format: Some(match picture.format {
                ImageFormat::Png => CaptureScreenshotFormat::Png,
                ImageFormat::Jpeg => CaptureScreenshotFormat::Jpeg,
                ImageFormat::Webp => CaptureScreenshotFormat::Webp,
            }),
            quality: picture.quality.map(i64::from),
            capture_beyond_viewport: Some(clip.is_some()),
            clip: clip.map(region),
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

    async fn print(&self, target: TargetKey, options: &PdfParams) -> Performed {
        self.print_page(target, options).await
    }
}

impl CdpContext {
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

/// A part of the page, in its own size.
fn region(clip: Clip) -> Viewport {
    Viewport {
        x: clip.x,
        y: clip.y,
        width: clip.width,
        height: clip.height,
        scale: 1.0,
    }
}
