//! The soak: hours of mixed work on real browsers of both families, and a watch on what the relay holds meanwhile.
//!
//! Its state is written with every slice of the time. One that was cut off goes on where it was, and its artifact says so.

mod breaking;
mod state;
mod tally;
mod work;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use clap::ValueEnum;
use ops_contracts::control::cycle::{SoakArtifact, SoakInputs};
use ops_contracts::control::fidelity::DataFidelity;
use ops_contracts::wire::version::BINARY_VERSION;
use xtask::build;
use xtask::environment::Environment;
use xtask::gates::{self, Cycle};
use xtask::setup;
use xtask::workspace::Workspace;

use crate::processes;
use crate::relay::{Relay, private_folder};
use state::State;
use tally::Tally;
use work::Work;

/// How long to run, and how.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// How many hours
    #[arg(long, value_name = "H", conflicts_with = "duration_seconds")]
    duration_hours: Option<f64>,
    /// How many seconds, to try it: the gate asks for four hours
    #[arg(long, value_name = "S")]
    duration_seconds: Option<u64>,
    #[command(flatten)]
    cycle: Cycle,
    /// Breaks something on purpose, to see that the gate fails
    #[arg(long = "break", value_name = "WHAT", value_enum)]
    broken: Option<Break>,
    /// Starts over, also where a run was cut off
    #[arg(long)]
    fresh: bool,
    /// Runs the programs of the debug build
    #[arg(long)]
    debug: bool,
}

/// What can be broken on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Break {
    /// The relay is killed in the middle
    Crash,
    /// Connections are opened and never closed
    Leak,
    /// The browser is killed again and again
    Errors,
}

impl Options {
    fn planned(&self) -> Result<Duration> {
        let planned = match (self.duration_hours, self.duration_seconds) {
            (Some(hours), _) => Duration::try_from_secs_f64(hours * 3_600.0)?,
            (None, seconds) => Duration::from_secs(seconds.unwrap_or(4 * 3_600)),
        };
        ensure!(
            (10..=8 * 3_600).contains(&planned.as_secs()),
            "a soak runs for ten seconds at least and eight hours at most"
        );
        Ok(planned)
    }
}

/// How often the relay is looked at.
const LOOK: Duration = Duration::from_secs(1);

pub(crate) fn run(
    options: &Options,
    workspace: &Workspace,
    environment: &Environment,
) -> Result<()> {
    let planned = options.planned()?;
    let chrome = setup::browser(&setup::CHROME, environment)?;
    let firefox = setup::browser(&setup::FIREFOX, environment)?;
    let programs = if options.debug {
        build::debug(workspace)?
    } else {
        build::release(workspace)?
    };
    let directory = options
        .cycle
        .directory(&workspace.root, environment.started)?;
    let file = workspace.target().join("soak-state.json");
    let empty = SoakInputs {
        started_at: environment.started,
        planned_seconds: planned.as_secs(),
        pieces: 0,
        version: BINARY_VERSION.to_owned(),
        browsers: vec!["chrome".to_owned(), "firefox".to_owned()],
        broken: options.broken.map(name),
        activities: BTreeMap::new(),
        errors: Vec::new(),
        slices: Vec::new(),
    };
    let mut state = State::resume(&file, empty, options.fresh);
    if state.inputs.pieces > 1 {
        println!(
            "soak: piece {}; {} of {} s were done before",
            state.inputs.pieces,
            state.done(),
            planned.as_secs()
        );
    }
    let place = Place {
        relayd: programs.relayd,
        odb_cli: programs.odb_cli,
        chrome,
        firefox,
    };
    soak(&place, options.broken, environment, &mut state)?;
    let reasons = options.broken.map(name);
    let live = DataFidelity::of(false, Vec::new());
    let fidelity = match reasons {
        None => live,
        Some(what) => DataFidelity {
            level: ops_contracts::control::fidelity::FidelityLevel::Demo,
            reasons: vec![format!("{what} was broken on purpose")],
        },
    };
    state.forget();
    let artifact = SoakArtifact::new(
        &options.cycle.id,
        environment.started,
        state.inputs,
        fidelity,
    );
    show(&artifact);
    gates::conclude(&directory, &artifact)
}

fn name(broken: Break) -> String {
    broken
        .to_possible_value()
        .map_or_else(String::new, |value| value.get_name().to_owned())
}

/// What is run.
#[derive(Debug)]
pub(crate) struct Place {
    relayd: PathBuf,
    pub(crate) odb_cli: PathBuf,
    chrome: PathBuf,
    firefox: PathBuf,
}

impl Place {
    fn start(&self, home: &Path) -> Result<Relay> {
        let firefox = self.firefox.to_string_lossy();
        Relay::start_with(&self.relayd, home, &self.chrome, &["--firefox", &firefox])
    }
}

/// Runs what is left of the time.
fn soak(
    place: &Place,
    broken: Option<Break>,
    environment: &Environment,
    state: &mut State,
) -> Result<()> {
    let home = private_folder("odb-soak-")?;
    let mut relay = place.start(home.path())?;
    let tally = Arc::new(Tally::default());
    let left = Duration::from_secs(state.inputs.planned_seconds.saturating_sub(state.done()));
    let work = Work::start(place, &relay, home.path(), &tally, environment.started)?;
    let breaking = breaking::start(broken, &relay, left, environment.started)?;
    let end = Instant::now() + left;
    let mut watch = Watch::new(home.path());
    while Instant::now() < end {
        let until = (Instant::now() + state.slice()).min(end);
        let began = Instant::now();
        while Instant::now() < until {
            sleep(LOOK.min(until.saturating_duration_since(Instant::now())));
            watch.look(&relay, &tally);
            if relay.ended()? {
                tally.count(|slice| slice.relay_crashes += 1);
                tally.failed("the relay ended by itself".to_owned());
                relay = place.start(home.path())?;
                work.moved(&relay)?;
                watch = Watch::new(home.path());
            }
        }
        state.keep(&tally, began.elapsed())?;
        progress(state);
    }
    work.stop();
    breaking.stop();
    let started = relay.processes();
    if let Err(error) = relay.end(started) {
        tally.count(|slice| slice.relay_crashes += 1);
        tally.failed(format!("{error:#}"));
        state.keep(&tally, Duration::ZERO)?;
    }
    Ok(())
}

fn progress(state: &State) {
    if let Some(slice) = state.inputs.slices.last() {
        println!(
            "{:>6} s  {:>6} requests  {} errors  {} of {} reconnects failed  {} MiB  {} descriptors",
            state.done(),
            slice.requests,
            slice.errors,
            slice.reconnects_failed,
            slice.reconnects,
            slice.resident_kib.unwrap_or_default() / 1_024,
            slice.descriptors.unwrap_or_default()
        );
    }
}

/// Looks at what the relay holds, and at its log.
#[derive(Debug)]
struct Watch {
    log: PathBuf,
    panics: usize,
}

impl Watch {
    fn new(home: &Path) -> Self {
        Self {
            log: home.join("relayd.out"),
            panics: 0,
        }
    }

    fn look(&mut self, relay: &Relay, tally: &Tally) {
        let resident = processes::resident_mib(relay.info.pid).map(kib);
        let descriptors = processes::descriptors(relay.info.pid);
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let panics = log.matches("panicked at").count();
        let new = panics.saturating_sub(std::mem::replace(&mut self.panics, panics));
        tally.count(|slice| {
            slice.resident_kib = least(slice.resident_kib, resident);
            slice.descriptors = least(slice.descriptors, descriptors);
            slice.runtime_crashes += u64::try_from(new).unwrap_or(u64::MAX);
        });
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the memory of a process fits"
)]
fn kib(mib: f64) -> u64 {
    (mib * 1_024.0) as u64
}

fn least(one: Option<u64>, other: Option<u64>) -> Option<u64> {
    one.into_iter().chain(other).min()
}

fn show(artifact: &SoakArtifact) {
    let inputs = &artifact.inputs;
    for (what, times) in &inputs.activities {
        println!("  {times:>7} {what}");
    }
    for error in inputs.errors.iter().take(20) {
        println!("  error: {error}");
    }
    if let Ok(figures) = serde_json::to_string(&artifact.metrics).context("figures are JSON") {
        println!("  {figures}");
    }
}
