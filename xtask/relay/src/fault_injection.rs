//! Faults that are put in on purpose: a table of scenarios, each with the code that must come out and with what must be true afterwards.
//!
//! What a browser's protocol can do wrong is scripted, in this process; the edge and the processes are real. One seed gives one list.

mod edge;
mod peer;
mod scripted;
mod world;

use std::path::PathBuf;

use anyhow::Result;
use conformance::site::Site;
use ops_contracts::control::choice::{Choices, Stream};
use ops_contracts::control::cycle::{InjectionArtifact, InjectionInputs, ScenarioOutcome};
use ops_contracts::control::fidelity::DataFidelity;
use ops_contracts::wire::clock::Timestamp;
use ops_contracts::wire::version::BINARY_VERSION;
use tempfile::TempDir;
use xtask::build::{self, Programs};
use xtask::environment::Environment;
use xtask::gates::{self, Cycle};
use xtask::setup;
use xtask::workspace::Workspace;

use crate::caller::{Caller, RelayAddress, Session, Transport};
use crate::relay::{Relay, private_folder};

/// What to try.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Only scenarios whose name contains this; the gate asks for all
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// Names the scenarios in their order, and runs none
    #[arg(long)]
    list: bool,
    #[command(flatten)]
    cycle: Cycle,
    /// Runs the programs of the debug build
    #[arg(long)]
    debug: bool,
}

/// One scenario.
pub(crate) struct Scenario {
    name: String,
    /// What is injected.
    injected: String,
    /// Where.
    place: &'static str,
    /// The code that must come, or `ok`.
    expected: &'static str,
    /// What must be true afterwards.
    invariant: &'static str,
    run: Run,
}

type Run = Box<dyn Fn(&mut Stage) -> Result<Seen>>;

/// What a scenario has seen.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    code: String,
    /// What was not as it must be.
    broken: Option<String>,
    contaminated: bool,
}

impl Seen {
    /// A code, or `ok`.
    fn of<T>(answer: Result<T, String>) -> Self {
        Self {
            code: answer.err().unwrap_or_else(|| "ok".to_owned()),
            ..Self::default()
        }
    }

    /// The same, with something that must be so.
    fn and(mut self, holds: bool, what: &str) -> Self {
        if !holds && self.broken.is_none() {
            self.broken = Some(what.to_owned());
        }
        self
    }
}

/// Shuffles by the seed's choices.
fn shuffle<T>(items: &mut [T], choices: &mut Stream) {
    for at in (1..items.len()).rev() {
        items.swap(at, below(choices, at + 1));
    }
}

/// A number below `bound`, by the seed's choices.
fn below(choices: &mut Stream, bound: usize) -> usize {
    let chosen = choices.below("scenario", u64::try_from(bound).unwrap_or(u64::MAX));
    usize::try_from(chosen).unwrap_or_default()
}

/// What the scenarios share: a real relay, started when it is needed and again where a scenario has ended it.
pub(crate) struct Stage {
    programs: Programs,
    chrome: PathBuf,
    firefox: PathBuf,
    site: Site,
    now: Timestamp,
    running: Option<(Relay, TempDir)>,
}

impl Stage {
    /// The relay.
    fn relay(&mut self) -> Result<&mut Relay> {
        if self.running.is_none() {
            let home = private_folder("odb-faults-")?;
            let relay = self.start(home.path(), &[])?;
            self.running = Some((relay, home));
        }
        let running = self.running.as_mut();
        Ok(&mut running.expect("it was started").0)
    }

    fn start(&self, home: &std::path::Path, extra: &[&str]) -> Result<Relay> {
        let firefox = self.firefox.to_string_lossy();
        let mut arguments = vec!["--firefox", &*firefox];
        arguments.extend(extra);
        Relay::start_with(&self.programs.relayd, home, &self.chrome, &arguments)
    }

    /// A client of it.
    fn caller(&mut self, transport: Transport) -> Result<Caller> {
        let address = RelayAddress::of(self.relay()?)?;
        Caller::connect(&address, "faults", transport, self.now)
    }

    /// A client with a session on a plain page.
    fn session(&mut self, params: &serde_json::Value) -> Result<(Caller, Session)> {
        let caller = self.caller(Transport::WebSocket)?;
        let made = caller.create(params).and_then(|session| {
            let page = serde_json::json!({"url": self.site.url("/plain")});
            let went = caller.call(Some(&session), "nav.goto", &page);
            went.map(|_| session)
        });
        let session = made.map_err(|code| anyhow::anyhow!("no session: {code}"))?;
        Ok((caller, session))
    }

    /// Whether the relay has ended although nobody ended it.
    fn crashed(&mut self) -> bool {
        let ended = match &mut self.running {
            Some((relay, _)) => relay.ended().unwrap_or(true),
            None => false,
        };
        if ended {
            self.running = None;
        }
        ended
    }

    /// Ends the relay; the processes that outlived it.
    fn end(&mut self) -> Result<()> {
        if let Some((relay, _home)) = self.running.take() {
            let started = relay.processes();
            relay.end(started)?;
        }
        Ok(())
    }
}

/// Every scenario, in the order that the seed gives.
fn scenarios(seed: &str) -> Vec<Scenario> {
    let mut choices = Choices::of_text(seed).stream(0);
    let mut all = scripted::scenarios();
    all.extend(edge::scenarios(&mut choices));
    shuffle(&mut all, &mut choices);
    // Those that end relays come last, so that the others share one.
    let mut world = world::scenarios();
    shuffle(&mut world, &mut choices);
    all.extend(world);
    all
}

pub(crate) fn run(
    options: &Options,
    workspace: &Workspace,
    environment: &Environment,
) -> Result<()> {
    let seed = environment.replay_seed.as_deref().unwrap_or("0");
    let only = options.only.as_deref().unwrap_or_default();
    let wanted = scenarios(seed)
        .into_iter()
        .filter(|scenario| scenario.name.contains(only));
    let wanted: Vec<Scenario> = wanted.collect();
    if options.list {
        for scenario in &wanted {
            println!("{}: {}", scenario.name, scenario.expected);
        }
        return Ok(());
    }
    let programs = if options.debug {
        build::debug(workspace)?
    } else {
        build::release(workspace)?
    };
    let directory = options
        .cycle
        .directory(&workspace.root, environment.started)?;
    let mut stage = Stage {
        programs,
        chrome: setup::browser(&setup::CHROME, environment)?,
        firefox: setup::browser(&setup::FIREFOX, environment)?,
        site: Site::start()?,
        now: environment.started,
        running: None,
    };
    let outcomes = wanted.iter().map(|scenario| outcome(scenario, &mut stage));
    let inputs = InjectionInputs {
        seed: seed.to_owned(),
        version: BINARY_VERSION.to_owned(),
        scenarios: outcomes.collect(),
    };
    stage.end()?;
    let artifact = InjectionArtifact::new(
        &options.cycle.id,
        environment.started,
        inputs,
        DataFidelity::of(false, Vec::new()),
    );
    gates::conclude(&directory, &artifact)
}

fn outcome(scenario: &Scenario, stage: &mut Stage) -> ScenarioOutcome {
    let seen = (scenario.run)(stage).unwrap_or_else(|error| Seen {
        code: "not injected".to_owned(),
        broken: Some(format!("{error:#}")),
        contaminated: false,
    });
    let process_crashed = stage.crashed();
    let is_good = seen.code == scenario.expected
        && seen.broken.is_none()
        && !seen.contaminated
        && !process_crashed;
    println!(
        "{} {}: {}{}",
        if is_good { "ok  " } else { "FAIL" },
        scenario.name,
        seen.code,
        seen.broken
            .as_ref()
            .map_or_else(String::new, |what| format!(" ({what})"))
    );
    ScenarioOutcome {
        name: scenario.name.clone(),
        injected: scenario.injected.clone(),
        place: scenario.place.to_owned(),
        expected: scenario.expected.to_owned(),
        seen: seen.code,
        invariant: scenario.invariant.to_owned(),
        held: seen.broken.is_none(),
        process_crashed,
        lease_contaminated: seen.contaminated,
        note: seen.broken,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use ops_contracts::ErrorCode;

    use super::*;

    fn names(seed: &str) -> Vec<String> {
        let all = scenarios(seed);
        all.into_iter()
            .map(|it| format!("{} {}", it.name, it.injected))
            .collect()
    }

    #[test]
    fn one_seed_gives_one_list_and_another_seed_another_order() {
        assert_eq!(names("7"), names("7"));
        assert_ne!(names("7"), names("8"));
    }

    #[test]
    fn there_are_sixty_scenarios_with_names_of_their_own_and_codes_of_the_registry() {
        let all = scenarios("0");
        let names: BTreeSet<&str> = all.iter().map(|it| it.name.as_str()).collect();
        assert!(all.len() >= 60, "{}", all.len());
        assert_eq!(names.len(), all.len());
        for scenario in &all {
            let known = scenario.expected.parse::<ErrorCode>().is_ok();
            assert!(known || scenario.expected == "ok", "{}", scenario.expected);
        }
    }
}
