//! Pages as PDF documents.

use ops_contracts::seam::adapter::{Effect, Performed, TargetKey};
use ops_contracts::wire::command::export::{Margins, PdfParams};
use serde::Serialize;

use super::{CdpContext, failed};
use crate::connection::Route;
use crate::wire;

/// The protocol counts in inches.
const CENTIMETRES: f64 = 2.54;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PrintToPdf<'a> {
    landscape: bool,
    print_background: bool,
    scale: f64,
    paper_width: f64,
    paper_height: f64,
    margin_top: f64,
    margin_bottom: f64,
    margin_left: f64,
    margin_right: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    page_ranges: Option<&'a str>,
    #[serde(rename = "preferCSSPageSize")]
    prefer_css_page_size: bool,
    generate_tagged_pdf: bool,
    transfer_mode: &'static str,
}

impl CdpContext {
    pub(super) async fn print_page(&self, target: TargetKey, options: &PdfParams) -> Performed {
        const CALL: &str = "Page.printToPDF";
        let (session, scope) = self.document_route(target)?;
        let (width, height) = options.paper.size();
        let Margins {
            top,
            right,
            bottom,
            left,
        } = options.margins;
        let params = PrintToPdf {
            landscape: options.landscape,
            print_background: options.background,
            scale: options.scale.unwrap_or(1.0),
            paper_width: width / CENTIMETRES,
            paper_height: height / CENTIMETRES,
            margin_top: top / CENTIMETRES,
            margin_bottom: bottom / CENTIMETRES,
            margin_left: left / CENTIMETRES,
            margin_right: right / CENTIMETRES,
            page_ranges: options.pages.as_deref(),
            prefer_css_page_size: options.prefer_css_size,
            generate_tagged_pdf: true,
            transfer_mode: "ReturnAsBase64",
        };
        let printed = self.browser.connection.call(
            CALL,
            &params,
            Route {
                session: Some(&session),
                scope,
            },
        );
        let printed: wire::Screenshot = printed.decode().await.map_err(failed(CALL))?;
        Ok(Effect::Image(printed.data))
    }
}
