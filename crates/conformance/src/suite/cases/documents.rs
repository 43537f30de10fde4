//! Printed documents, whole documents, annotated pictures, measurements, and pages with names.

use ops_contracts::ErrorCode;
use ops_contracts::wire::command::export::{
    CloneComponentParams, ClonePageParams, HtmlParams, Paper, PdfParams, ScreenshotParams,
};
use ops_contracts::wire::command::nav::WaitParams;
use ops_contracts::wire::command::performance::PerformanceParams;
use ops_contracts::wire::command::session::{CreateParams, Isolation};
use ops_contracts::wire::command::targets::NamedParams;
use ops_contracts::wire::command::trace::{TraceAction, TraceParams};
use ops_contracts::wire::command::{
    DiagnosticsPerformance, DiagnosticsTrace, ExportCloneComponent, ExportClonePage, ExportHtml,
    ExportPdf, ExportScreenshot, LoadState, TargetsList, TargetsNamed,
};

use super::views::decode;
use crate::suite::check::{Outcome, contains, equal, holds, lacks, refused};
use crate::suite::fixture::{Failure, Fixture, Session};
use crate::suite::verbs::at;

pub(super) async fn a_page_is_printed_on_the_paper_asked_for(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/pages/table.html?rows=200").await?;
    let pages =
        |text: &str| text.matches("/Type /Page").count() - text.matches("/Type /Pages").count();
    let whole = session
        .call::<ExportPdf>(&PdfParams {
            paper: Paper::Letter,
            ..Default::default()
        })
        .await?;
    let bytes = decode(&whole.data)?;
    equal(bytes.len() as u64, whole.bytes)?;
    holds(bytes.starts_with(b"%PDF-"), "it is a PDF document")?;
    let text = unpacked(&bytes);
    let boxes = text
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .replace("[ ", "[")
        .replace(" ]", "]");
    contains(&boxes, "/MediaBox [0 0 612 792]")?;
    let first = session
        .call::<ExportPdf>(&PdfParams {
            pages: Some("1".to_owned()),
            ..Default::default()
        })
        .await?;
    let first = unpacked(&decode(&first.data)?);
    holds(
        pages(&first) < pages(&text),
        format!("{} of {} pages", pages(&first), pages(&text)),
    )?;
    Ok(())
}

pub(super) async fn a_page_that_the_document_has_not_is_refused(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/plain").await?;
    let none = PdfParams {
        pages: Some("900".to_owned()),
        ..Default::default()
    };
    refused(
        session.call::<ExportPdf>(&none).await,
        ErrorCode::OpsInvalidRequest,
    )
    .map(drop)
}

/// The text of a PDF document, with that of its packed objects.
fn unpacked(bytes: &[u8]) -> String {
    let mut text = String::from_utf8_lossy(bytes).into_owned();
    let is_start = |at: &usize| {
        bytes[*at..].starts_with(b"stream\n") || bytes[*at..].starts_with(b"stream\r\n")
    };
    for at in (0..bytes.len().saturating_sub(8)).filter(is_start) {
        let begin = at + if bytes[at + 6] == b'\r' { 8 } else { 7 };
        let mut packed = String::new();
        // Pictures and fonts are no text.
        if std::io::Read::read_to_string(
            &mut flate2::read::ZlibDecoder::new(&bytes[begin..]),
            &mut packed,
        )
        .is_ok()
        {
            text.push('\n');
            text.push_str(&packed);
        }
    }
    text
}

pub(super) async fn the_whole_document_has_its_shadow_roots_and_no_passwords(
    f: &Fixture,
) -> Outcome {
    let session = f.session().await?;
    session.goto("/pages/shadow.html").await?;
    let shadow = session.call::<ExportHtml>(&HtmlParams::default()).await?;
    holds(
        shadow.shadow_roots >= 2,
        format!("{} shadow roots", shadow.shadow_roots),
    )?;
    contains(&shadow.html, "<template shadowrootmode=")?;
    contains(&shadow.html.to_lowercase(), "<!doctype html>")?;
    session.goto("/plain").await?;
    session
        .eval("document.body.insertAdjacentHTML('beforeend', '<input type=password value=s3cret>')")
        .await?;
    let plain = session.call::<ExportHtml>(&HtmlParams::default()).await?;
    equal(plain.html.len() as u64, plain.bytes)?;
    contains(&plain.html, "type=\"password\"")?;
    lacks(&plain.html, "s3cret")
}

pub(super) async fn the_refs_on_a_picture_are_those_of_commands(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/pages/frames.html").await?;
    let before = session
        .eval("document.documentElement.outerHTML.length")
        .await?;
    for full_page in [false, true] {
        let plain = ScreenshotParams {
            full_page,
            ..Default::default()
        };
        let labelled = ScreenshotParams {
            annotated: true,
            ..plain.clone()
        };
        let plain = session.call::<ExportScreenshot>(&plain).await?;
        let picture = session.call::<ExportScreenshot>(&labelled).await?;
        holds(picture.data != plain.data, "something is written on it")?;
        holds(
            !picture.annotations.is_empty() && plain.annotations.is_empty(),
            "the labels are listed",
        )?;
        for label in &picture.annotations {
            let found = session.find(at(&format!("@{}", label.reference))).await?;
            equal(found.count, 1)?;
            contains(&label.line, &format!("[ref={}]", label.reference))?;
        }
    }
    equal(
        session
            .eval("document.documentElement.outerHTML.length")
            .await?,
        before,
    )
}

pub(super) async fn a_page_is_measured(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/shop/").await?;
    // A page is loaded before it is painted.
    let painted = "performance.getEntriesByName('first-contentful-paint').length > 0".to_owned();
    session
        .wait(WaitParams {
            function: Some(painted),
            ..Default::default()
        })
        .await?;
    let measured = session
        .call::<DiagnosticsPerformance>(&PerformanceParams::default())
        .await?;
    equal(measured.url, f.site.url("/shop/"))?;
    let navigation = measured
        .navigation
        .ok_or_else(|| Failure::new("no navigation timing"))?;
    equal(navigation.kind.as_str(), "navigate")?;
    holds(
        navigation.transfer_bytes > 0.0 && navigation.load_ms.is_some(),
        format!("{navigation:?}"),
    )?;
    holds(
        measured.vitals.ttfb_ms.is_some() && measured.vitals.fcp_ms.is_some(),
        format!("{:?}", measured.vitals),
    )?;
    holds(
        measured.resources.iter().any(|group| group.count > 0),
        "its style sheet is a resource",
    )?;
    let counted = session
        .eval("document.getElementsByTagName('*').length")
        .await?;
    equal(measured.dom_nodes.to_string(), counted)
}

pub(super) async fn a_named_page_is_opened_once(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    let params = NamedParams {
        name: "cart".to_owned(),
        url: Some(f.site.url("/plain")),
        wait_until: LoadState::Load,
        make_current: false,
    };
    let opened = session.call::<TargetsNamed>(&params).await?;
    equal(
        (
            opened.created,
            opened.target.current,
            opened.target.name.as_deref(),
        ),
        (true, false, Some("cart")),
    )?;
    let again = session
        .call::<TargetsNamed>(&NamedParams {
            make_current: true,
            ..params.clone()
        })
        .await?;
    equal(
        (again.created, again.target.current, &again.target.target_id),
        (false, true, &opened.target.target_id),
    )?;
    equal(
        session
            .call::<TargetsList>(&Default::default())
            .await?
            .targets
            .len(),
        2,
    )?;
    equal(f.site.hits("/plain") <= 1, true)?;
    refused(
        session
            .call::<TargetsNamed>(&NamedParams {
                name: "a b".to_owned(),
                ..params
            })
            .await,
        ErrorCode::OpsInvalidRequest,
    )?;
    Ok(())
}

/// Opens a document that came from nowhere, in a session that no server knows.
async fn shown<'a>(f: &'a Fixture, html: &str) -> Result<Session<'a>, Failure> {
    let allowed = CreateParams {
        allow_schemes: vec!["data".to_owned()],
        ..f.create_params()
    };
    let session = f.session_with(allowed).await?;
    f.site.forget_requests();
    let url = format!("data:text/html;charset=utf-8;base64,{}", base64(html));
    session
        .call::<ops_contracts::wire::command::NavGoto>(&crate::suite::verbs::url(&url))
        .await?;
    Ok(session)
}

fn base64(text: &str) -> String {
    const SIGNS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let sign = |bits: u32| char::from(SIGNS[bits as usize & 63]);
    let group = |bytes: &[u8]| {
        let at = |i: usize| u32::from(bytes.get(i).copied().unwrap_or_default());
        let bits = at(0) << 16 | at(1) << 8 | at(2);
        let signs = [
            sign(bits >> 18),
            sign(bits >> 12),
            sign(bits >> 6),
            sign(bits),
        ];
        signs
            .into_iter()
            .enumerate()
            .map(|(i, sign)| if i > bytes.len() { '=' } else { sign })
            .collect::<String>()
    };
    text.as_bytes().chunks(3).map(group).collect()
}

pub(super) async fn a_clone_of_a_page_stands_alone(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/pages/clone.html").await?;
    session.fill("#quantity", "7").await?;
    session.fill("#note", "as <it> is").await?;
    session.eval("document.querySelector('#gift').checked = true, document.querySelector('#size').value = 'Large'").await?;
    let before = session
        .eval("document.documentElement.outerHTML.length")
        .await?;
    let clone = session
        .call::<ExportClonePage>(&ClonePageParams::default())
        .await?;
    equal(
        session
            .eval("document.documentElement.outerHTML.length")
            .await?,
        before,
    )?;
    for part in [
        "<script",
        "onclick",
        "javascript:",
        "s3cret",
        "http-equiv",
        "<base",
        "noscript",
    ] {
        lacks(&clone.html, part)?;
    }
    // Where the browser gives no bodies, what the page may not read is missing, and told.
    holds(
        clone
            .missing
            .iter()
            .all(|missing| missing.url.contains("clone-far")),
        format!("{:?}", clone.missing),
    )?;
    equal(
        (clone.bytes, clone.frames > 0, clone.shadow_roots > 0),
        (clone.html.len() as u64, true, true),
    )?;
    let copy = shown(f, &clone.html).await?;
    let seen = "[document.title, quantity.value, note.value, gift.checked, size.value, secret.value, mug.naturalWidth > 0, \
        getComputedStyle(card).borderRadius, getComputedStyle(late).color, getComputedStyle(late).fontStyle, \
        getComputedStyle(card.querySelector('button')).backgroundColor, getComputedStyle(card).backgroundImage.startsWith('url(\"data:'), \
        drawn.localName, drawn.naturalWidth]";
    let expected = r#"["To be cloned","7","as <it> is",true,"Large","",true,"8px","rgb(1, 2, 3)","italic","rgb(10, 120, 90)",true,"img",20]"#;
    equal(copy.eval(seen).await?.as_str(), expected)?;
    contains(&copy.snapshot().await?.text, "Inside closed root")?;
    contains(
        &copy
            .eval("document.querySelector('#inner').srcdoc.length > 100")
            .await?,
        "true",
    )?;
    if clone.missing.is_empty() {
        equal(
            copy.eval("getComputedStyle(far).color").await?.as_str(),
            "\"rgb(4, 5, 6)\"",
        )?;
        equal(f.site.requests().len(), 0)?;
    }
    let little = ClonePageParams {
        max_bytes: 1_024,
        ..Default::default()
    };
    let poor = session.call::<ExportClonePage>(&little).await?;
    holds(poor.asset_bytes <= 1_024, format!("{}", poor.asset_bytes))
}

pub(super) async fn a_clone_of_an_element_looks_like_it(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/pages/clone.html").await?;
    session.fill("#quantity", "7").await?;
    let events = session.listen()?;
    let clone = session
        .call::<ExportCloneComponent>(&CloneComponentParams::new(at("#card")))
        .await?;
    equal(events.all().len(), 0).map_err(|_| Failure::new("a page of our own was seen"))?;
    equal((clone.truncated, clone.missing.len()), (false, 0))?;
    lacks(&clone.html, "Sold out")?;
    contains(&clone.css, "★")?;
    let copy = shown(
        f,
        &format!(
            "<!doctype html><meta charset=utf-8><style>{}</style>{}",
            clone.css, clone.html
        ),
    )
    .await?;
    let look = |root: &str| {
        format!(
            "(root => ['', 'h2', 'img', 'p', 'a', 'li', 'input', 'button'].map(one => {{ const el = one ? root.querySelector(one) : root; \
             const s = getComputedStyle(el), b = el.getBoundingClientRect(), r = root.getBoundingClientRect(); \
             return [one, Math.round(b.x - r.x), Math.round(b.y - r.y), Math.round(b.width), Math.round(b.height), s.color, \
             s.backgroundColor, s.fontSize, s.display, s.letterSpacing, s.borderTopWidth, s.listStyleType, s.cursor]; }}))(document.querySelector('{root}'))"
        )
    };
    equal(
        copy.eval(&look(".odb-component")).await?,
        session.eval(&look("#card")).await?,
    )?;
    equal(
        copy.eval("[quantity.value, mug.naturalWidth > 0]")
            .await?
            .as_str(),
        r#"["7",true]"#,
    )?;
    equal(f.site.requests().len(), 0)?;
    refused(
        session
            .call::<ExportCloneComponent>(&CloneComponentParams::new(at(".gone")))
            .await,
        ErrorCode::OpsElementNotVisible,
    )?;
    refused(
        session
            .call::<ExportCloneComponent>(&CloneComponentParams::new(at("li")))
            .await,
        ErrorCode::OpsElementAmbiguous,
    )?;
    Ok(())
}

pub(super) async fn a_trace_is_recorded_and_read_part_by_part(f: &Fixture) -> Outcome {
    let session = f
        .session_with(CreateParams {
            isolation: Isolation::Process,
            ..f.create_params()
        })
        .await?;
    let only = TraceParams::new;
    equal(
        session
            .call::<DiagnosticsTrace>(&only(TraceAction::Start))
            .await?
            .recording,
        true,
    )?;
    refused(
        session
            .call::<DiagnosticsTrace>(&only(TraceAction::Start))
            .await,
        ErrorCode::OpsTraceRunning,
    )?;
    session.goto("/plain").await?;
    session.eval("performance.mark('kiln is hot')").await?;
    let stopped = session
        .call::<DiagnosticsTrace>(&only(TraceAction::Stop))
        .await?;
    holds(
        !stopped.recording && stopped.bytes > 1_000,
        format!("{stopped:?}"),
    )?;
    let mut text = Vec::new();
    loop {
        let offset = Some(text.len() as u64);
        let read = TraceParams {
            offset,
            max_bytes: Some(300_000),
            ..only(TraceAction::Read)
        };
        let part = session.call::<DiagnosticsTrace>(&read).await?;
        text.extend(decode(&part.data.unwrap_or_default())?);
        if part.end == Some(true) {
            break;
        }
    }
    equal(text.len() as u64, stopped.bytes)?;
    refused(
        session
            .call::<DiagnosticsTrace>(&only(TraceAction::Stop))
            .await,
        ErrorCode::OpsTraceMissing,
    )?;
    let trace: serde_json::Value =
        serde_json::from_slice(&text).map_err(|error| Failure::new(error.to_string()))?;
    holds(
        trace["traceEvents"]
            .as_array()
            .is_some_and(|events| events.len() > 10),
        "it has events",
    )?;
    contains(&String::from_utf8_lossy(&text), "kiln is hot")?;
    let beyond = TraceParams {
        offset: Some(stopped.bytes + 1),
        ..only(TraceAction::Read)
    };
    refused(
        session.call::<DiagnosticsTrace>(&beyond).await,
        ErrorCode::OpsInvalidRequest,
    )?;
    // What others do in a shared browser is nobody's business.
    let shared = f.session().await?;
    refused(
        shared
            .call::<DiagnosticsTrace>(&only(TraceAction::Start))
            .await,
        ErrorCode::OpsNotSupported,
    )
    .map(drop)
}
