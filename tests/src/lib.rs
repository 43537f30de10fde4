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

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("the system gives threads")
});

/// Runs each case of the suite as a test of its own, on the subject that `factory` makes when the first one runs, and
/// `more` beside them.
pub fn run_suite(factory: impl FnOnce() -> Subject + Send + 'static, more: Vec<Trial>) -> ExitCode {
    run_cases(factory, suite::cases(), more, Arguments::from_args())
}

/// The same one case after the other, each topic as one test, for browsers that can't give the focus to two windows at once
/// and take long to start; all topics, or `only` some, and
/// `more` beside them. With a filter that names a case, cases are tests of their own.
pub fn run_topics(
    factory: impl FnOnce() -> Subject + Send + 'static,
    only: Option<&[&str]>,
    more: Vec<Trial>,
) -> ExitCode {
    let arguments = Arguments {
        test_threads: Some(1),
        ..Arguments::from_args()
    };
    if arguments
        .filter
        .as_ref()
        .is_some_and(|filter| filter.contains('.'))
    {
        return run_cases(factory, suite::cases(), vec![], arguments);
    }
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
    run_trials(factory, arguments, |subject| {
        let topics = topics
            .into_iter()
            .map(|(topic, cases)| topic_trial(topic, cases, Arc::clone(subject)));
        topics.chain(more).collect()
    })
}

/// All cases of a topic, each judged by itself.
fn topic_trial(
    topic: &str,
    cases: Vec<&'static Case>,
    subject: Arc<LazyLock<Subject, Factory>>,
) -> Trial {
    Trial::test(topic, move || {
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

fn run_cases(
    factory: impl FnOnce() -> Subject + Send + 'static,
    cases: impl Iterator<Item = &'static Case>,
    more: Vec<Trial>,
    arguments: Arguments,
) -> ExitCode {
    run_trials(factory, arguments, |subject| {
        cases
            .map(|case| trial(case, subject.clone()))
            .chain(more)
            .collect()
    })
}

fn run_trials(
    factory: impl FnOnce() -> Subject + Send + 'static,
    arguments: Arguments,
    trials: impl FnOnce(&Arc<LazyLock<Subject, Factory>>) -> Vec<Trial>,
) -> ExitCode {
    let factory: Factory = Box::new(factory);
    let subject = Arc::new(LazyLock::new(factory));
    let trials = trials(&subject);
    let conclusion = libtest_mimic::run(&arguments, trials);
    if LazyLock::get(&subject).is_some() {
        RUNTIME.block_on(
            subject
                .service
                .shut_down(Instant::now() + Duration::from_secs(5)),
        );
    }
    conclusion.exit_code()
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

fn trial(case: &'static Case, subject: Arc<LazyLock<Subject, Factory>>) -> Trial {
    Trial::test(case.name, move || {
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
