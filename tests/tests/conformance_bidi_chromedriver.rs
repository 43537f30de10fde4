//! The conformance suite on real Chromium over WebDriver BiDi, through chromedriver, each topic as a test. Without a filter and
//! without `ODB_WHOLE_SUITE` the topics are those of the plan's pilot: navigation, interaction and reading. A filter with a dot
//! names cases. Beside them: what chromedriver lacks is done by the next adapter of the chain.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use conformance::suite::verbs::button;
use conformance::suite::{Fixture, Verdict, cases, run_case};
use libtest_mimic::Failed;
use odb_tests::{Suite, async_trial, subjects};
use ops_contracts::wire::command::interact::TapParams;
use ops_contracts::wire::command::{Empty, InteractTap, SessionStatus};

/// The topics of the pilot.
const PILOT: &[&str] = &[
    "sessions", "nav", "targets", "click", "reads", "dialogs", "faults",
];

/// Cases that chromedriver alone can't pass, and that pass with another adapter behind it.
const FALLBACK: &[&str] = &[
    "pointer.a_tap_is_a_touch_and_a_click",
    "emulation.a_touch_screen_is_seen_by_pages",
    "emulation.a_device_agrees_with_itself",
    "emulation.media_features_add_up_until_they_are_reset",
    "emulation.a_user_agent_brings_its_client_hints",
    "emulation.a_session_begins_as_it_was_asked_for",
];

/// The cases pass on the chain, and the session's status tells what another adapter did.
async fn falls_back(profiles: PathBuf) -> Result<(), Failed> {
    let subject = subjects::chain(profiles);
    for case in cases().filter(|case| FALLBACK.contains(&case.name)) {
        match run_case(subject.clone(), case).await {
            Verdict::Passed => {}
            other => return Err(format!("{}: {other:?}", case.name).into()),
        }
    }
    let failed = |error: String| Failed::from(error);
    let fixture = Fixture::new(subject.clone(), "fallback.status")
        .map_err(|error| failed(error.to_string()))?;
    let told = async {
        let session = fixture.session().await?;
        let before = session.call::<SessionStatus>(&Empty {}).await?.fallbacks;
        session.goto("/pages/drag.html").await?;
        let tap = TapParams {
            element: button("Tap me"),
            modifiers: Vec::new(),
            position: None,
            target_id: None,
        };
        session.call::<InteractTap>(&tap).await?;
        let after = session.call::<SessionStatus>(&Empty {}).await?.fallbacks;
        Ok::<_, conformance::suite::Failure>((before, after))
    };
    let (before, after) = told.await.map_err(|failure| failed(failure.to_string()))?;
    fixture.close().await;
    subject
        .service
        .shut_down(Instant::now() + Duration::from_secs(5))
        .await;
    let told: Vec<_> = after
        .iter()
        .map(|used| (used.operation.as_str(), used.times))
        .collect();
    if before.is_empty() && told == [("input", 1)] {
        Ok(())
    } else {
        Err(format!("{before:?}, then {after:?}").into())
    }
}

pub(crate) fn suite(profiles: PathBuf) -> Suite {
    #[expect(
        clippy::disallowed_methods,
        reason = "a test program reads its environment, as every program does"
    )]
    let only = if std::env::var_os("ODB_WHOLE_SUITE").is_some() {
        None
    } else {
        Some(PILOT)
    };
    let chained = profiles.clone();
    let fallback = async_trial(
        "bidi-chromedriver::what_the_driver_lacks_is_done_by_the_next_adapter",
        move || falls_back(chained),
    );
    Suite::of_topics(
        "bidi-chromedriver",
        move || subjects::bidi_chromedriver(profiles),
        only,
        vec![fallback],
    )
}
