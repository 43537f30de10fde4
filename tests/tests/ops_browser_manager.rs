//! The second adapter as a pilot: the core subset on Firefox, and what becomes of operations that an adapter lacks.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use conformance::fake::{FakeAdapter, site_double};
use conformance::site::Site;
use conformance::suite::verbs::{button, click, eval, url};
use conformance::suite::{Fixture, Subject};
use odb_tests::SystemClock;
use odb_tests::relay::{Relay, RemoteSession};
use ops_client::post;
use ops_contracts::ErrorCode;
use ops_contracts::control::scorecard::ScorecardArtifact;
use ops_contracts::seam::adapter::AdapterError;
use ops_contracts::wire::capability::{AdapterKind, BrowserKind};
use ops_contracts::wire::command::dom::{PageParams, SnapshotParams};
use ops_contracts::wire::command::export::ScreenshotParams;
use ops_contracts::wire::command::nav::TraverseParams;
use ops_contracts::wire::command::session::CreateParams;
use ops_contracts::wire::command::targets::NewParams;
use ops_contracts::wire::command::{
    DomEval, DomSnapshot, DomTitle, ExportScreenshot, InteractClick, LoadState, NavBack, NavGoto,
    NavReload, SessionCreate, TargetsNew,
};
use ops_contracts::wire::routing::LegacyLane;
use ops_runtime::{Runtime, RuntimeConfig};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bidi_pilot_core_subset() {
    let (scratch, site) = (tempfile::tempdir().unwrap(), Site::start().unwrap());
    let relay = Relay::start(&scratch);
    let params = CreateParams {
        browser: BrowserKind::Firefox,
        ..CreateParams::default()
    };
    let session = RemoteSession::create(&relay.client("pilot").await, &params).await;
    assert_eq!(session.made.browser.product, "Firefox");

    let gone = session
        .call::<NavGoto>(&url(&site.url("/pages/moving.html")))
        .await
        .unwrap();
    assert_eq!(
        (gone.status, gone.title.as_deref()),
        (Some(200), Some("Moving"))
    );
    assert_eq!(
        session
            .call::<DomTitle>(&PageParams::default())
            .await
            .unwrap()
            .value,
        "Moving"
    );
    let text = session
        .call::<DomSnapshot>(&SnapshotParams::default())
        .await
        .unwrap()
        .text;
    assert!(text.contains("button \"Steady button\""), "{text}");
    session
        .call::<InteractClick>(&click(button("Steady button")))
        .await
        .unwrap();
    assert!(site.wait_for_report("steady", 1, odb_tests::PATIENCE).await);
    session
        .call::<NavGoto>(&url(&site.url("/plain")))
        .await
        .unwrap();
    session
        .call::<NavBack>(&TraverseParams::default())
        .await
        .unwrap();
    assert_eq!(
        session
            .call::<DomEval>(&eval("document.title"))
            .await
            .unwrap()
            .value
            .get(),
        "\"Moving\""
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_pilots_scorecard_is_made_again_from_its_artifact() {
    let (scratch, site) = (tempfile::tempdir().unwrap(), Site::start().unwrap());
    let relay = Relay::start(&scratch);
    let params = CreateParams {
        browser: BrowserKind::Firefox,
        ..CreateParams::default()
    };
    let session = RemoteSession::create(&relay.client("pilot").await, &params).await;
    for page in ["/plain", "/pages/moving.html"] {
        session
            .call::<NavGoto>(&url(&site.url(page)))
            .await
            .unwrap();
        session
            .call::<DomTitle>(&PageParams::default())
            .await
            .unwrap();
    }
    let text = post::read(&relay.endpoint("pilot"), "/scorecard?window=7d&cycle=PILOT")
        .await
        .unwrap();
    let stands: ScorecardArtifact = serde_json::from_str(&text).unwrap();
    assert_eq!(
        ScorecardArtifact::new("PILOT", stands.inputs.clone()),
        stands
    );
    assert!(
        stands
            .scorecard
            .ops_p95_latency_ms
            .is_some_and(|latency| latency > 0.0),
        "{text}"
    );
    assert_eq!(stands.scorecard.ops_error_rate_pct, Some(0.0), "{text}");
    let card = &serde_json::from_str::<serde_json::Value>(&text).unwrap()["scorecard"];
    for field in [
        "opsP95LatencyMs",
        "cdpBaselineP95LatencyMs",
        "latencyRatio",
        "gateDecision",
    ] {
        assert!(card.get(field).is_some(), "{field} is missing in {card}");
    }
}

/// Chromedriver's port takes every local process.
#[tokio::test]
async fn chromedriver_is_started_only_where_the_operator_names_it() {
    let scratch = tempfile::tempdir().unwrap();
    let relay = Relay::start(&scratch);
    let params = CreateParams {
        adapter: Some(AdapterKind::Bidi),
        ..CreateParams::default()
    };
    let client = relay.client("pilot").await;
    let refused = format!(
        "{:?}",
        client
            .call::<SessionCreate>(None, &params, None)
            .await
            .unwrap_err()
    );
    assert!(
        refused.contains("AdapterBrowserMissing")
            && refused.contains("relayd --chromedriver chromedriver"),
        "{refused}"
    );
}

/// Every primitive that a command of the core needs, made one that the adapter lacks, and the code that comes of it. The fake
/// knows bridge calls by their function.
async fn codes_of_what_is_lacking(
    legacy: Option<LegacyLane>,
) -> Vec<(&'static str, Option<ErrorCode>)> {
    let adapter = Arc::new(FakeAdapter::new(site_double()));
    let control = adapter.control();
    let config = RuntimeConfig::default();
    let subject = Subject {
        service: Arc::new(Runtime::new(config, vec![adapter], Arc::new(SystemClock))),
        adapter: None,
        name: "fake",
        browser: BrowserKind::Chrome,
        kill_browser: Arc::new(|_| ()),
        end_renderers: Arc::new(|_| ()),
        exclusive: Arc::default(),
    };
    let mut f = Fixture::new(subject, "alice-01").unwrap();
    f.legacy = legacy;
    let session = f.session().await.unwrap();
    let page = url(&f.site.url("/plain"));
    session.call::<NavGoto>(&page).await.unwrap();
    let lacking = |primitive: &'static str| {
        control.fail(primitive, AdapterError::Unsupported { primitive });
        control.forget();
    };
    macro_rules! lacking {
        ($($primitive:literal $command:ty = $params:expr;)+) => {
            vec![$({
                lacking($primitive);
                let refused = session.call::<$command>(&$params).await.err();
                let performed = control.performed();
                assert!(performed.iter().any(|name| name == $primitive), "{} was not asked for: {performed:?}", $primitive);
                ($primitive, refused.map(|refused| refused.fault.code))
            },)+]
        };
    }
    let codes = lacking! {
        "navigate" NavGoto = page;
        "reload" NavReload = Default::default();
        "traverse history" NavBack = TraverseParams::default();
        "create target" TargetsNew = NewParams { url: None, wait_until: LoadState::Load, make_current: true };
        "evaluate" DomEval = eval("1");
        "screenshot" ExportScreenshot = ScreenshotParams::default();
        "snapshot" DomSnapshot = SnapshotParams::default();
    };
    assert_eq!(
        control.launches(),
        1,
        "nothing was rerouted to another browser"
    );
    codes
}

#[tokio::test]
async fn bidi_unsupported_deterministic_fallback() {
    let closed = LegacyLane::Closed(ErrorCode::RelayLegacyCdpOptInRequired);
    for (lane, expected) in [
        (Some(closed), ErrorCode::RelayLegacyCdpOptInRequired),
        (
            Some(LegacyLane::Open),
            ErrorCode::OpsNewLegacySessionRequired,
        ),
        (None, ErrorCode::OpsNotSupported),
    ] {
        let first = codes_of_what_is_lacking(lane).await;
        assert!(
            first.iter().all(|(_, code)| *code == Some(expected)),
            "{first:?}"
        );
        assert_eq!(
            codes_of_what_is_lacking(lane).await,
            first,
            "the same again"
        );
    }
}
