//! The conformance suite on the scripted fake, and what only a scripted browser can be made to do.

use std::sync::Arc;

use conformance::fake::{Act, Control, Element, FakeAdapter, Page, Script, site_double};
use conformance::suite::check::{contains, equal, holds, refused};
use conformance::suite::verbs::{at, button, read};
use conformance::suite::{Failure, Fixture, Subject};
use libtest_mimic::{Failed, Trial};
use odb_tests::{Suite, async_trial, subjects};
use ops_contracts::ErrorCode;
use ops_contracts::seam::adapter::AdapterError;
use ops_contracts::wire::command::export::ScreenshotParams;
use ops_contracts::wire::command::session::CreateParams;
use ops_contracts::wire::command::{
    DomState, ExportScreenshot, InteractClick, NavGoto, SessionCreate, SessionReclaim,
};
use ops_contracts::wire::frame::EventName;

pub(crate) fn suite() -> Suite {
    let faults = vec![
        trial(
            "fake::faults_of_the_fake.a_launch_that_fails_is_told_and_the_next_one_is_tried",
            launch_fails,
        ),
        trial(
            "fake::faults_of_the_fake.a_missing_browser_says_what_to_install",
            browser_missing,
        ),
        trial(
            "fake::faults_of_the_fake.a_browser_that_refuses_a_call_is_told",
            protocol_error,
        ),
        trial(
            "fake::faults_of_the_fake.a_primitive_that_never_ends_meets_the_deadline",
            never_ends,
        ),
        trial(
            "fake::faults_of_the_fake.a_crash_under_a_bridge_call_ends_it",
            crash_under_bridge_call,
        ),
        trial(
            "fake::faults_of_the_fake.a_browser_that_ends_under_a_click_is_told",
            ends_under_click,
        ),
        trial(
            "fake::faults_of_the_fake.an_answer_of_another_form_is_no_panic",
            nonsense_answer,
        ),
        trial(
            "fake::faults_of_the_fake.a_document_that_goes_away_under_a_read_is_read_anew",
            document_goes_away,
        ),
        trial(
            "fake::faults_of_the_fake.a_reclaim_abandons_what_runs",
            reclaim_abandons,
        ),
        trial(
            "fake::faults_of_the_fake.one_browser_serves_many_sessions",
            one_browser,
        ),
        trial(
            "fake::faults_of_the_fake.a_click_is_one_arm_and_one_batch",
            one_batch,
        ),
    ];
    Suite::of_cases("fake", || subject(site_double()).0, faults)
}

fn subject(script: Script) -> (Subject, Control) {
    let adapter = FakeAdapter::new(script);
    let control = adapter.control();
    let killer = control.clone();
    (
        subjects::over(
            "fake",
            Arc::new(adapter),
            Arc::new(move |pid| killer.end_browser(pid)),
        ),
        control,
    )
}

fn trial<F>(name: &'static str, body: fn(Fixture, Control) -> F) -> Trial
where
    F: Future<Output = Result<(), Failure>> + Send + 'static,
{
    async_trial(name, move || async move {
        let script = site_double().page(
            "/crashing",
            Page::new("Crashing")
                .with(Element::button("Crash").does([Act::Crash]))
                .with(Element::text("out", "here")),
        );
        let (subject, control) = subject(script);
        let fixture =
            Fixture::new(subject, "fake").map_err(|error| Failed::from(error.to_string()))?;
        body(fixture, control)
            .await
            .map_err(|failure| failure.message.into())
    })
}

async fn launch_fails(f: Fixture, control: Control) -> Result<(), Failure> {
    control.refuse_launch(AdapterError::LaunchFailed {
        reason: "it ended with 1".to_owned(),
        output: "no display".to_owned(),
    });
    let params = CreateParams::default();
    let create = || f.service_call::<SessionCreate>(&params, f.request_id());
    let fault = refused(create().await, ErrorCode::AdapterLaunchFailed)?;
    contains(
        &serde_json::to_string(&fault.details).unwrap_or_default(),
        "no display",
    )?;
    create().await?;
    equal(control.launches(), 2)
}

async fn browser_missing(f: Fixture, control: Control) -> Result<(), Failure> {
    let searched = vec!["/usr/bin/chromium".to_owned()];
    control.refuse_launch(AdapterError::BrowserMissing {
        searched,
        install: "install Chromium".to_owned(),
    });
    let made = f
        .service_call::<SessionCreate>(&CreateParams::default(), f.request_id())
        .await;
    let fault = refused(made, ErrorCode::AdapterBrowserMissing)?;
    contains(&fault.message, "install Chromium")
}

async fn protocol_error(f: Fixture, control: Control) -> Result<(), Failure> {
    let session = f.session().await?;
    control.fail(
        "screenshot",
        AdapterError::Protocol {
            call: "shoot".to_owned(),
            reason: "no".to_owned(),
        },
    );
    refused(
        session
            .call::<ExportScreenshot>(&ScreenshotParams::default())
            .await,
        ErrorCode::AdapterProtocolError,
    )?;
    session
        .call::<ExportScreenshot>(&ScreenshotParams::default())
        .await?;
    Ok(())
}

async fn never_ends(f: Fixture, control: Control) -> Result<(), Failure> {
    let session = f.session().await?;
    let held = control.hold("screenshot");
    let shot = session
        .call_within::<ExportScreenshot>(100, &ScreenshotParams::default())
        .await;
    let fault = refused(shot, ErrorCode::OpsTimeout)?;
    equal(
        fault
            .details
            .get("waitingFor")
            .and_then(|what| what.as_str()),
        Some("the picture"),
    )?;
    drop(held);
    session.title().await?;
    Ok(())
}

async fn crash_under_bridge_call(f: Fixture, control: Control) -> Result<(), Failure> {
    let session = f.session().await?;
    session.goto("/crashing").await?;
    let events = session.listen()?;
    let (clicked, told) = tokio::join!(
        session.click(button("Crash")),
        events.wait_for(EventName::TargetCrashed)
    );
    told?;
    refused(clicked, ErrorCode::AdapterTargetCrashed)?;
    refused(session.title().await, ErrorCode::AdapterTargetCrashed)?;
    session.goto("/plain").await?;
    equal(session.title().await?.as_str(), "Plain page")?;
    holds(
        control.launches() == 1,
        "a crashed page does not cost a browser",
    )
}

async fn ends_under_click(f: Fixture, control: Control) -> Result<(), Failure> {
    let session = f.session().await?;
    session.goto("/plain").await?;
    control.end_browser_at("input");
    refused(
        session.click(button("A button")).await,
        ErrorCode::AdapterBrowserLost,
    )?;
    session.goto("/plain").await?;
    session.click(button("A button")).await?;
    equal(control.launches(), 2)
}

async fn nonsense_answer(f: Fixture, control: Control) -> Result<(), Failure> {
    let session = f.session().await?;
    session.goto("/plain").await?;
    for answer in [
        "",
        "{}",
        "[1]",
        r#"{"ok":7}"#,
        r#"{"err":{"code":"unheard_of","message":"x"}}"#,
    ] {
        control.say("read", answer);
        refused(
            session.call::<DomState>(&read("h1")).await,
            ErrorCode::OpsInternal,
        )?;
    }
    session.call::<DomState>(&read("h1")).await?;
    Ok(())
}

async fn document_goes_away(f: Fixture, control: Control) -> Result<(), Failure> {
    let session = f.session().await?;
    session.goto("/plain").await?;
    control.fail("read", AdapterError::DocumentGone);
    equal(session.text("h1").await?.as_str(), "Plain page")?;
    for _ in 0..3 {
        control.fail("read", AdapterError::DocumentGone);
    }
    refused(session.text("h1").await, ErrorCode::OpsNavInterrupted)?;
    Ok(())
}

async fn reclaim_abandons(f: Fixture, control: Control) -> Result<(), Failure> {
    let session = f.session().await?;
    let mut held = control.hold("navigate");
    let reclaim = async {
        held.reached().await;
        session.call::<SessionReclaim>(&Default::default()).await
    };
    let goto = conformance::suite::verbs::url(&f.site.url("/plain"));
    let (gone, reclaimed) = tokio::join!(session.call::<NavGoto>(&goto), reclaim);
    refused(gone, ErrorCode::OpsNotOwner)?;
    let new = session.held_with(reclaimed?.lease_id);
    held.release();
    new.goto("/plain").await?;
    equal(new.title().await?.as_str(), "Plain page")
}

async fn one_browser(f: Fixture, control: Control) -> Result<(), Failure> {
    let sessions = [f.session().await?, f.session().await?, f.session().await?];
    for session in &sessions {
        session.goto("/plain").await?;
    }
    equal(control.launches(), 1)?;
    equal(
        f.service()
            .summary()
            .browsers
            .iter()
            .map(|browser| browser.sessions)
            .collect::<Vec<_>>(),
        vec![3],
    )
}

async fn one_batch(f: Fixture, control: Control) -> Result<(), Failure> {
    let session = f.session().await?;
    session.goto("/plain").await?;
    control.forget();
    session
        .call::<InteractClick>(&conformance::suite::verbs::click(at("role=button")))
        .await?;
    equal(control.performed(), vec!["arm", "input", "verdict"])
}
