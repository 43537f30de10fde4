//! The conformance suite: one table of cases over the public seam, run over every adapter and over the scripted fake.
//!
//! A case gets an `OpsService`, however composed, a site of its own and sessions; it compares what it is told with what
//! the site's server saw. It knows no adapter: known gaps are rows in `expectations.json`, read by `expectation`.

pub mod check;
pub mod expectation;
pub mod fixture;
pub mod verbs;

mod cases;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use ops_contracts::seam::adapter::{Adapter, BoxFuture};
use ops_contracts::seam::port::OpsService;
use ops_contracts::wire::capability::{BrowserKind, Capability};
use ops_contracts::wire::command::CommandName;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

pub use cases::cases;
pub use expectation::{Expect, Expectation, Verdict};
pub use fixture::{Failure, Fixture, Refused, Session};

/// How long a case may take.
const CASE_TIMEOUT: Duration = Duration::from_secs(20);
/// How long a browser may take to start beside that: the first case of a subject waits for it.
const START_TIMEOUT: Duration = Duration::from_secs(40);
/// How many cases run at a time.
const AT_A_TIME: usize = 2;

/// One row of the table.
#[derive(Clone, Copy)]
pub struct Case {
    /// `topic.what_holds`.
    pub name: &'static str,
    /// The commands that it is about and calls.
    pub calls: &'static [CommandName],
    /// The case itself.
    pub run: for<'a> fn(&'a Fixture) -> BoxFuture<'a, Result<(), Failure>>,
}

impl Case {
    /// What the adapter must be capable of, which follows from the commands.
    #[must_use]
    pub fn needs(&self) -> BTreeSet<Capability> {
        self.calls
            .iter()
            .flat_map(|command| command.spec().needs)
            .copied()
            .collect()
    }
}

/// What is tested.
#[derive(Clone)]
pub struct Subject {
    /// The commands' service, made by the caller from whatever it wants to be tested.
    pub service: Arc<dyn OpsService>,
    /// The adapter behind it, where there is one to ask for its capabilities.
    pub adapter: Option<Arc<dyn Adapter>>,
    /// The adapter's name in `expectations.json`.
    pub name: &'static str,
    /// The browser family.
    pub browser: BrowserKind,
    /// Ends a browser process the hard way, by the pid that the service's summary tells.
    pub kill_browser: Arc<dyn Fn(u32) + Send + Sync>,
    /// Ends the processes that run the pages of the browser with this pid, as a page that crashes does.
    pub end_renderers: Arc<dyn Fn(u32) + Send + Sync>,
    /// Held by a case that starts and kills a browser of its own, so that it can tell which one is its own.
    pub exclusive: Arc<tokio::sync::Mutex<()>>,
}

/// What came of a run.
#[derive(Debug, Default)]
pub struct Summary {
    /// Each case with how it ended, in order of their ends.
    pub verdicts: Vec<(&'static str, Verdict)>,
}

impl Summary {
    /// The cases that did not end as they should.
    pub fn failed(&self) -> impl Iterator<Item = &(&'static str, Verdict)> {
        self.verdicts
            .iter()
            .filter(|(_, verdict)| !verdict.is_good())
    }
}

/// Runs the cases that `filter` takes, two at a time, each with a site and sessions of its own. `factory` makes the
/// subject, once; `reporter` is told of each case as it ends.
pub async fn run(
    factory: impl AsyncFnOnce() -> Subject,
    filter: impl Fn(&Case) -> bool,
    mut reporter: impl FnMut(&str, &Verdict),
) -> Summary {
    let subject = factory().await;
    let places = Arc::new(Semaphore::new(AT_A_TIME));
    let mut running = JoinSet::new();
    for case in cases().filter(|case| filter(case)) {
        let (subject, places) = (subject.clone(), places.clone());
        running.spawn(async move {
            let _place = places.acquire_owned().await;
            (case.name, run_case(subject, case).await)
        });
    }
    let mut summary = Summary::default();
    while let Some(ended) = running.join_next().await {
        let (name, verdict) = ended.unwrap_or_else(|error| {
            (
                "a case",
                Verdict::Failed {
                    message: error.to_string(),
                },
            )
        });
        reporter(name, &verdict);
        summary.verdicts.push((name, verdict));
    }
    summary
}

/// Runs one case and judges it by the expectations.
pub async fn run_case(subject: Subject, case: &'static Case) -> Verdict {
    let rows = expectation::expectations();
    let row =
        expectation::expected(&rows, case.name, subject.name, subject.browser.as_str()).cloned();
    expectation::judged(row.as_ref(), Box::pin(attempt(subject, case))).await
}

async fn attempt(subject: Subject, case: &'static Case) -> Result<(), Failure> {
    let capable = subject
        .adapter
        .as_ref()
        .map(|adapter| adapter.capabilities(subject.browser));
    let fixture =
        Fixture::new(subject, case.name).map_err(|error| Failure::new(error.to_string()))?;
    let outcome = tokio::time::timeout(START_TIMEOUT + CASE_TIMEOUT, (case.run)(&fixture))
        .await
        .unwrap_or_else(|_| {
            Err(Failure::new(format!(
                "the case did not end within {:?}",
                START_TIMEOUT + CASE_TIMEOUT
            )))
        });
    fixture.close().await;
    outcome?;
    // A capability is declared exactly when the cases that need it pass.
    if let Some(missing) =
        capable.and_then(|set| case.needs().into_iter().find(|need| !set.has(*need)))
    {
        return Err(Failure::new(format!(
            "the case passes, but the adapter does not declare {}",
            missing.as_str()
        )));
    }
    let called = fixture.called();
    match case.calls.iter().find(|command| !called.contains(command)) {
        Some(command) => Err(Failure::new(format!(
            "the case is listed for {command} and never called it"
        ))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_of_the_registry_is_called_by_a_case() {
        let called: BTreeSet<_> = cases().flat_map(|case| case.calls).collect();
        let missing: Vec<_> = CommandName::ALL
            .iter()
            .filter(|command| !called.contains(command))
            .collect();
        assert!(missing.is_empty(), "{missing:?}");
    }

    #[test]
    fn names_are_unique_and_have_a_topic() {
        let names: Vec<_> = cases().map(|case| case.name).collect();
        let unique: BTreeSet<_> = names.iter().collect();
        assert_eq!(unique.len(), names.len());
        for name in names {
            let (topic, rest) = name.split_once('.').unwrap_or_default();
            assert!(!topic.is_empty() && rest.contains('_'), "{name}");
        }
    }
}
