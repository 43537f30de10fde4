//! What the whole-system tests share: subjects of the conformance suite, and a harness that makes each case a test.

pub mod documents;
pub mod raw;
pub mod relay;
pub mod subjects;
pub mod tour;

use std::process::ExitCode;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use conformance::suite::{self, Case, Subject, Verdict};
use libtest_mimic::{Arguments, Failed, Trial};
use ops_contracts::wire::clock::{Clock, Timestamp};
use tokio::runtime::Runtime;

/// The time of day.
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "this is the clock of the tests")]
        Timestamp::from(std::time::SystemTime::now())
    }
}

/// How long a test waits for something that must come.
pub const PATIENCE: Duration = Duration::from_secs(30);

type Factory = Box<dyn FnOnce() -> Subject + Send>;
type LazySubject = Arc<LazyLock<Subject, Factory>>;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("the system gives threads")
});

/// The tests of one subject.
pub struct Suite {
    subject: Option<LazySubject>,
    /// Cases as tests of their own.
    cases: Vec<Trial>,
    /// The same cases as a test a topic, one after the other; none where cases are tests of their own whatever is asked for.
    topics: Option<Vec<Trial>>,
}

impl Suite {
    /// Each case of the suite as a test named `name::case`, on the subject that `factory` makes when the first one runs, and
    /// `more` beside them.
    pub fn of_cases(
        name: &str,
        factory: impl FnOnce() -> Subject + Send + 'static,
        more: Vec<Trial>,
    ) -> Self {
        let subject = lazy(factory);
        let cases = suite::cases().map(|case| case_trial(name, case, Arc::clone(&subject)));
        Self {
            cases: cases.chain(more).collect(),
            topics: None,
            subject: Some(subject),
        }
    }

    /// The same one case after the other, each topic as a test, for browsers that can't give the focus to two windows at once
    /// and take long to start; all topics, or `only` some, and `more` beside them. With a filter that names a case, cases are
    /// tests of their own.
    pub fn of_topics(
        name: &str,
        factory: impl FnOnce() -> Subject + Send + 'static,
        only: Option<&[&str]>,
        more: Vec<Trial>,
    ) -> Self {
        let one_by_one = Self::of_cases(name, factory, Vec::new());
        let mut topics: Vec<(&str, Vec<&'static Case>)> = Vec::new();
        for case in suite::cases() {
            let topic = case.name.split('.').next().unwrap_or_default();
            if only.is_some_and(|only| !only.contains(&topic)) {
                continue;
            }
            match topics.iter_mut().find(|(known, _)| *known == topic) {
                Some((_, cases)) => cases.push(case),
                None => topics.push((topic, vec![case])),
            }
        }
        let subject = one_by_one.subject.iter();
        let topics = subject.flat_map(|subject| {
            topics
                .iter()
                .map(|(topic, cases)| topic_trial(name, topic, cases.clone(), Arc::clone(subject)))
        });
        Self {
            topics: Some(topics.chain(more).collect()),
            ..one_by_one
        }
    }

    /// Tests without a subject of the suite.
    pub fn of_trials(trials: Vec<Trial>) -> Self {
        Self {
            subject: None,
            cases: trials,
            topics: None,
        }
    }

    /// Runs what is asked for, and ends the subject. Whether all has passed.
    fn run(self, mut arguments: Arguments) -> bool {
        let names_a_case = |filter: &String| filter.contains('.');
        let trials = match self.topics {
            Some(topics) => {
                arguments.test_threads = Some(1);
                if arguments.filter.as_ref().is_some_and(names_a_case) {
                    self.cases
                } else {
                    topics
                }
            }
            None => self.cases,
        };
        if trials.iter().all(|trial| arguments.is_filtered_out(trial)) {
            return true;
        }
        let conclusion = libtest_mimic::run(&arguments, trials);
        if let Some(subject) = self.subject.as_deref().and_then(LazyLock::get) {
            RUNTIME.block_on(
                subject
                    .service
                    .shut_down(Instant::now() + Duration::from_secs(5)),
            );
        }
        !conclusion.has_failed()
    }
}

/// Runs the tests of one suite after the other: their browsers don't compete, and each has as many threads as it bears.
pub fn run_suites(suites: Vec<Suite>) -> ExitCode {
    let arguments = Arguments::from_args();
    // All of them, whether or not one before has failed.
    let failed = suites
        .into_iter()
        .map(|suite| suite.run(arguments.clone()))
        .filter(|passed| !passed)
        .count();
    if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(101)
    }
}

fn lazy(factory: impl FnOnce() -> Subject + Send + 'static) -> LazySubject {
    let factory: Factory = Box::new(factory);
    Arc::new(LazyLock::new(factory))
}

/// All cases of a topic, each judged by itself.
fn topic_trial(suite: &str, topic: &str, cases: Vec<&'static Case>, subject: LazySubject) -> Trial {
    Trial::test(format!("{suite}::{topic}"), move || {
        let subject = RUNTIME.block_on(async { LazyLock::force(&subject).clone() });
        let outcomes = cases
            .iter()
            .map(|case| (case.name, verdict(case, subject.clone())));
        let failed: Vec<String> = outcomes
            .filter_map(|(name, outcome)| {
                Some(format!(
                    "{name}: {}",
                    outcome.err()?.message().unwrap_or("failed")
                ))
            })
            .collect();
        if failed.is_empty() {
            Ok(())
        } else {
            Err(failed.join("\n").into())
        }
    })
}

/// A test with an async body.
pub fn async_trial<F>(name: &str, body: impl FnOnce() -> F + Send + 'static) -> Trial
where
    F: Future<Output = Result<(), Failed>> + Send + 'static,
{
    Trial::test(name, move || {
        RUNTIME.block_on(async {
            match tokio::time::timeout(PATIENCE * 4, tokio::spawn(body())).await {
                Ok(Ok(outcome)) => outcome,
                Ok(Err(panicked)) => Err(panicked.to_string().into()),
                Err(_) => Err("the test hangs".into()),
            }
        })
    })
}

fn case_trial(suite: &str, case: &'static Case, subject: LazySubject) -> Trial {
    Trial::test(format!("{suite}::{}", case.name), move || {
        verdict(
            case,
            RUNTIME.block_on(async { LazyLock::force(&subject).clone() }),
        )
    })
}

fn verdict(case: &'static Case, subject: Subject) -> Result<(), Failed> {
    let verdict = RUNTIME.block_on(async { tokio::spawn(suite::run_case(subject, case)).await });
    match verdict.map_err(|panicked| panicked.to_string())? {
        Verdict::Passed => Ok(()),
        Verdict::ExpectedGap { reason } | Verdict::Skipped { reason } => {
            println!("{}: {reason}", case.name);
            Ok(())
        }
        Verdict::Failed { message } => Err(message.into()),
    }
}
