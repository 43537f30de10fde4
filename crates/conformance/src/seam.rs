//! The conformance suite at the seam: what every adapter owes the runtime, tested before the runtime knows the adapter.
//!
//! What adapters test beside it, of their own protocol, has the same [`Page`] to work with, and is a test by [`trial`].
//!
//! An adapter's own tests hand in what makes a [`Subject`] and get tests back, one a topic: [`trials`]. Each topic has a browser of its own, each
//! case a site and contexts of its own. A case says which capabilities it needs. Where the adapter declares them it has to pass; where
//! it does not, the adapter has to refuse with `Unsupported`: both follow from the data. Every other gap is a row with its reason in
//! `seam_expectations.json`, and a gap that has closed fails.

mod cases;
mod fixture;
mod page;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use libtest_mimic::{Arguments, Failed, Trial};
use ops_contracts::ErrorCode;
use ops_contracts::seam::adapter::{Adapter, BoxFuture, LaunchSpec};
use ops_contracts::wire::capability::{BrowserKind, Capability};

use crate::suite::expectation::{self, Expect, Expectation};
use crate::suite::{Failure, Verdict};
pub use cases::cases;
pub use fixture::{BRIDGE, PATIENCE, context_spec};
use fixture::{Browsers, Fixture};
pub use page::{NEVER, Page, Pending, Recorder, click};

/// How long a case may take; a browser may have to start within it.
const CASE_TIMEOUT: Duration = Duration::from_secs(90);

/// What is tested.
#[derive(Clone)]
pub struct Subject {
    /// The adapter.
    pub adapter: Arc<dyn Adapter>,
    /// The browser that it starts.
    pub launch: LaunchSpec,
    /// Ends a browser's process the hard way, by its pid.
    pub kill: Arc<dyn Fn(u32) + Send + Sync>,
    /// What crashes a renderer.
    pub crash: Crash,
}

/// How a renderer is made to crash.
#[derive(Clone, Copy)]
pub enum Crash {
    /// A page crashes when it is sent here.
    Address(&'static str),
    /// This ends all renderers of the browser with this pid.
    Kill(fn(u32)),
}

impl Subject {
    fn browser(&self) -> BrowserKind {
        self.launch.browser
    }
}

/// One row of the table.
#[derive(Clone, Copy)]
pub struct Case {
    /// `topic.what_holds`.
    pub name: &'static str,
    /// What the adapter must be capable of.
    pub needs: &'static [Capability],
    run: for<'a> fn(&'a Fixture) -> BoxFuture<'a, Result<(), Failure>>,
}

/// Makes a subject that keeps what belongs to its browsers below a folder: it is empty when they are closed.
pub type Make = fn(&Path) -> Subject;

/// The suite as tests of a program without harness: `seam::NAME::TOPIC`, or `seam::NAME::TOPIC.CASE` when the filter has a dot. Each
/// of them makes a subject of its own. `name` stands for it in `seam_expectations.json`.
pub fn trials(name: &'static str, make: Make, arguments: &Arguments) -> Vec<Trial> {
    let apart = arguments
        .filter
        .as_ref()
        .is_some_and(|filter| filter.contains('.'));
    let mut groups: Vec<(String, Vec<&'static Case>)> = Vec::new();
    for case in cases() {
        let topic = case.name.split('.').next().unwrap_or_default();
        let group = if apart { case.name } else { topic };
        match groups.last_mut() {
            Some((known, of)) if known == group => of.push(case),
            _ => groups.push((group.to_owned(), vec![case])),
        }
    }
    groups
        .into_iter()
        .map(|(group, of)| {
            Trial::test(format!("seam::{name}::{group}"), move || {
                run(name, make, of)
            })
        })
        .collect()
}

/// Runs cases one after the other on a browser of their own, and names all that failed.
fn run(name: &'static str, make: Make, cases: Vec<&'static Case>) -> Result<(), Failed> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let folder = tempfile::tempdir()?;
    let failed = runtime.block_on(async {
        let subject = make(folder.path());
        let browsers = Arc::new(Browsers::new(name, subject, folder.path().to_owned()));
        let mut failed = Vec::new();
        for case in cases {
            match run_case(&browsers, case).await {
                Verdict::Failed { message } => failed.push(format!("{}: {message}", case.name)),
                Verdict::ExpectedGap { reason } | Verdict::Skipped { reason } => {
                    println!("{}: {reason}", case.name);
                }
                Verdict::Passed => {}
            }
        }
        failed.extend(browsers.end().await.err().map(|left| left.to_string()));
        failed
    });
    if failed.is_empty() {
        Ok(())
    } else {
        Err(failed.join("\n").into())
    }
}

async fn run_case(browsers: &Arc<Browsers>, case: &'static Case) -> Verdict {
    let subject = browsers.subject();
    let rows = expectations();
    let row = expectation::expected(
        &rows,
        case.name,
        browsers.name(),
        subject.browser().as_str(),
    );
    let declared = subject.adapter.capabilities(subject.browser());
    let absent = case.needs.iter().find(|need| !declared.has(**need));
    match (row, absent) {
        (
            Some(Expectation {
                expect: Expect::Skip,
                reason,
                ..
            }),
            _,
        ) => Verdict::Skipped {
            reason: reason.clone(),
        },
        (_, Some(absent)) => refused(*absent, attempt(browsers, case).await),
        (row, None) => expectation::judged(row, Box::pin(attempt(browsers, case))).await,
    }
}

/// Judges a case whose capability the adapter does not declare.
fn refused(absent: Capability, outcome: Result<(), Failure>) -> Verdict {
    let absent = absent.as_str();
    match outcome {
        Err(failure) if failure.code == Some(ErrorCode::OpsNotSupported) => Verdict::ExpectedGap {
            reason: format!("{absent} is not declared, and refused"),
        },
        Err(failure) => Verdict::Failed {
            message: format!("{absent} is not declared, and not refused as unsupported: {failure}"),
        },
        Ok(()) => Verdict::Failed {
            message: format!("the case passes, but the adapter does not declare {absent}"),
        },
    }
}

async fn attempt(browsers: &Arc<Browsers>, case: &'static Case) -> Result<(), Failure> {
    let fixture = Fixture::new(Arc::clone(browsers))?;
    let outcome = tokio::time::timeout(CASE_TIMEOUT, (case.run)(&fixture))
        .await
        .unwrap_or_else(|_| {
            Err(Failure::new(format!(
                "it did not end within {CASE_TIMEOUT:?}"
            )))
        });
    fixture.close().await;
    outcome
}

/// A test of an adapter's own: a name and an async body on a runtime of its own, which has as long as a case has.
pub fn trial<F>(name: &str, body: impl FnOnce() -> F + Send + 'static) -> Trial
where
    F: Future<Output = ()> + Send + 'static,
{
    Trial::test(name, move || {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()?;
        // A task, so that what a panic leaves behind is dropped on the runtime.
        let task = runtime.spawn(async {
            tokio::time::timeout(CASE_TIMEOUT, body())
                .await
                .expect("the test hangs")
        });
        runtime
            .block_on(task)
            .map_err(|error| error.to_string().into())
    })
}

fn expectations() -> Vec<Expectation> {
    serde_json::from_str(include_str!("../seam_expectations.json"))
        .expect("seam_expectations.json is a list of rows")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_unique_and_topics_stand_together() {
        let names: Vec<_> = cases().map(|case| case.name).collect();
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
        let mut topics: Vec<_> = names
            .iter()
            .filter_map(|name| Some(name.split_once('.')?.0))
            .collect();
        topics.dedup();
        assert_eq!(topics.iter().collect::<BTreeSet<_>>().len(), topics.len());
    }

    #[test]
    fn every_row_covers_a_case_and_says_why() {
        for row in expectations() {
            let covered = cases().any(|case| {
                expectation::expected(
                    std::slice::from_ref(&row),
                    case.name,
                    &row.adapter,
                    &row.browser,
                )
                .is_some()
            });
            assert!(covered && !row.reason.is_empty(), "{row:?}");
            // What is unsupported follows from the capabilities.
            assert_ne!(row.expect, Expect::Unsupported, "{row:?}");
        }
    }

    #[test]
    fn what_is_not_declared_must_be_refused_as_unsupported() {
        let code = |code| {
            Err(Failure {
                message: String::new(),
                code: Some(code),
            })
        };
        let judged = |outcome| refused(Capability::Touch, outcome).is_good();
        assert!(judged(code(ErrorCode::OpsNotSupported)));
        assert!(!judged(code(ErrorCode::AdapterProtocolError)));
        assert!(!judged(Ok(())));
    }
}
