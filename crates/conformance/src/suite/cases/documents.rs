//! Printed documents, whole documents, annotated pictures, measurements, and pages with names.

use ops_contracts::ErrorCode;
use ops_contracts::command::export::{HtmlParams, Paper, PdfParams, ScreenshotParams};
use ops_contracts::command::performance::PerformanceParams;
use ops_contracts::command::targets::NamedParams;
use ops_contracts::command::{
    DiagnosticsPerformance, ExportHtml, ExportPdf, ExportScreenshot, LoadState, TargetsList, TargetsNamed,
};

use super::views::decode;
use crate::suite::check::{Outcome, contains, equal, holds, lacks, refused};
use crate::suite::fixture::{Failure, Fixture};
use crate::suite::verbs::at;

pub(super) async fn a_page_is_printed_on_the_paper_asked_for(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/pages/table.html?rows=200").await?;
    let pages = |text: &str| text.matches("/Type /Page").count() - text.matches("/Type /Pages").count();
    let whole = session.call::<ExportPdf>(&PdfParams { paper: Paper::Letter, ..Default::default() }).await?;
    let bytes = decode(&whole.data)?;
    equal(bytes.len() as u64, whole.bytes)?;
    holds(bytes.starts_with(b"%PDF-"), "it is a PDF document")?;
    let text = unpacked(&bytes);
    let boxes = text.split_whitespace().collect::<Vec<_>>().join(" ").replace("[ ", "[").replace(" ]", "]");
    contains(&boxes, "/MediaBox [0 0 612 792]")?;
    let first = session.call::<ExportPdf>(&PdfParams { pages: Some("1".to_owned()), ..Default::default() }).await?;
    let first = unpacked(&decode(&first.data)?);
    holds(pages(&first) < pages(&text), format!("{} of {} pages", pages(&first), pages(&text)))?;
    Ok(())
}

pub(super) async fn a_page_that_the_document_has_not_is_refused(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/plain").await?;
    let none = PdfParams { pages: Some("900".to_owned()), ..Default::default() };
    refused(session.call::<ExportPdf>(&none).await, ErrorCode::OpsInvalidRequest).map(drop)
}

/// The text of a PDF document, with that of its packed objects.
fn unpacked(bytes: &[u8]) -> String {
    let mut text = String::from_utf8_lossy(bytes).into_owned();
    let is_start = |at: &usize| bytes[*at..].starts_with(b"stream\n") || bytes[*at..].starts_with(b"stream\r\n");
    for at in (0..bytes.len().saturating_sub(8)).filter(is_start) {
        let begin = at + if bytes[at + 6] == b'\r' { 8 } else { 7 };
        let mut packed = String::new();
        // Pictures and fonts are no text.
        if std::io::Read::read_to_string(&mut flate2::read::ZlibDecoder::new(&bytes[begin..]), &mut packed).is_ok() {
            text.push('\n');
            text.push_str(&packed);
        }
    }
    text
}

pub(super) async fn the_whole_document_has_its_shadow_roots_and_no_passwords(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/pages/shadow.html").await?;
    let shadow = session.call::<ExportHtml>(&HtmlParams::default()).await?;
    holds(shadow.shadow_roots >= 2, format!("{} shadow roots", shadow.shadow_roots))?;
    contains(&shadow.html, "<template shadowrootmode=")?;
    contains(&shadow.html.to_lowercase(), "<!doctype html>")?;
    session.goto("/plain").await?;
    session.eval("document.body.insertAdjacentHTML('beforeend', '<input type=password value=s3cret>')").await?;
    let plain = session.call::<ExportHtml>(&HtmlParams::default()).await?;
    equal(plain.html.len() as u64, plain.bytes)?;
    contains(&plain.html, "type=\"password\"")?;
    lacks(&plain.html, "s3cret")
}

pub(super) async fn the_refs_on_a_picture_are_those_of_commands(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/pages/frames.html").await?;
    let before = session.eval("document.documentElement.outerHTML.length").await?;
    for full_page in [false, true] {
        let plain = ScreenshotParams { full_page, ..Default::default() };
        let labelled = ScreenshotParams { annotated: true, ..plain.clone() };
        let plain = session.call::<ExportScreenshot>(&plain).await?;
        let picture = session.call::<ExportScreenshot>(&labelled).await?;
        holds(picture.data != plain.data, "something is written on it")?;
        holds(!picture.annotations.is_empty() && plain.annotations.is_empty(), "the labels are listed")?;
        for label in &picture.annotations {
            let found = session.find(at(&format!("@{}", label.reference))).await?;
            equal(found.count, 1)?;
            contains(&label.line, &format!("[ref={}]", label.reference))?;
        }
    }
    equal(session.eval("document.documentElement.outerHTML.length").await?, before)
}

pub(super) async fn a_page_is_measured(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/shop/").await?;
    let measured = session.call::<DiagnosticsPerformance>(&PerformanceParams::default()).await?;
    equal(measured.url, f.site.url("/shop/"))?;
    let navigation = measured.navigation.ok_or_else(|| Failure::new("no navigation timing"))?;
    equal(navigation.kind.as_str(), "navigate")?;
    holds(navigation.transfer_bytes > 0.0 && navigation.load_ms.is_some(), format!("{navigation:?}"))?;
    holds(measured.vitals.ttfb_ms.is_some() && measured.vitals.fcp_ms.is_some(), format!("{:?}", measured.vitals))?;
    holds(measured.resources.iter().any(|group| group.count > 0), "its style sheet is a resource")?;
    let counted = session.eval("document.getElementsByTagName('*').length").await?;
    equal(measured.dom_nodes.to_string(), counted)
}

pub(super) async fn a_named_page_is_opened_once(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    let params =
        NamedParams { name: "cart".to_owned(), url: Some(f.site.url("/plain")), wait_until: LoadState::Load, make_current: false };
    let opened = session.call::<TargetsNamed>(&params).await?;
    equal((opened.created, opened.target.current, opened.target.name.as_deref()), (true, false, Some("cart")))?;
    let again = session.call::<TargetsNamed>(&NamedParams { make_current: true, ..params.clone() }).await?;
    equal((again.created, again.target.current, &again.target.target_id), (false, true, &opened.target.target_id))?;
    equal(session.call::<TargetsList>(&Default::default()).await?.targets.len(), 2)?;
    equal(f.site.hits("/plain") <= 1, true)?;
    refused(session.call::<TargetsNamed>(&NamedParams { name: "a b".to_owned(), ..params }).await, ErrorCode::OpsInvalidRequest)?;
    Ok(())
}
