//! Measures the scorecard's baseline: the raw protocol sequence of each command, through the legacy lane of a relay of its own.
//!
//! It judges nothing. What it writes is what `relayd` reads from `artifacts/ops-gates/baseline.json` when it starts.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use conformance::site::Site;
use ops_client::{Endpoint, RequestIds, legacy};
use ops_contracts::control::legacy::LegacySelection;
use ops_contracts::control::scorecard::{Baseline, BaselineCommand};
use ops_contracts::control::telemetry::LatencyCounts;
use ops_contracts::wire::command::CommandName;
use ops_contracts::wire::frame::ClientKind;
use ops_contracts::wire::routing::{RequestControls, RoutingMode};
use ops_contracts::wire::version::BINARY_VERSION;

use super::Options;
use super::lane::Lane;
use crate::relay::{Relay, private_folder};
use crate::samples::Samples;
use xtask::build;
use xtask::environment::Environment;
use xtask::setup;
use xtask::workspace::Workspace;

mod sequences;

use sequences::{SEQUENCES, Stage};

/// The file's name, in `target/bench` and in `artifacts/ops-gates` of a home.
const FILE: &str = "baseline.json";

/// What the browsers of both lanes are, as metrics label it.
const MODE: &str = "managed";

/// Measures, writes, and installs where that is asked for.
pub(crate) fn run(
    options: &Options,
    workspace: &Workspace,
    environment: &Environment,
) -> Result<()> {
    let place = options
        .install
        .then(|| place(options, environment))
        .transpose()?;
    let browser = setup::browser(&setup::CHROME, environment)?;
    let programs = if options.debug {
        build::debug(workspace)?
    } else {
        build::release(workspace)?
    };
    let home = private_folder("odb-bench-")?;
    let config = home.path().join("config.json");
    fs::write(&config, r#"{"allowRawCDP":true}"#)?;
    fs::set_permissions(&config, Permissions::from_mode(0o600))?;
    let relay = Relay::start(&programs.relayd, home.path(), &browser)?;
    let measured = measure(&relay, options.rounds, environment);
    let processes = relay.processes();
    relay.end(processes)?;
    let (baseline, samples) = measured?;
    println!("{}", table(&samples));
    let file = workspace.target().join("bench").join(FILE);
    fs::create_dir_all(workspace.target().join("bench"))?;
    let text = serde_json::to_string_pretty(&baseline)? + "\n";
    fs::write(&file, &text)?;
    println!("{} written to {}", baseline.baseline_ref, file.display());
    match place {
        Some(place) => install(&place, &text, options.replace),
        None => {
            println!(
                "--install puts it into a home, where relayd reads it when it starts: docs/scorecard.md"
            );
            Ok(())
        }
    }
}

/// Where a home keeps its baseline.
fn place(options: &Options, environment: &Environment) -> Result<PathBuf> {
    let home = options.home.clone().or_else(|| environment.state.clone());
    let file = home
        .context("no state directory: give --home, or set ODB_HOME")?
        .join("artifacts/ops-gates")
        .join(FILE);
    ensure!(
        options.replace || !file.exists(),
        "{} is there, and a baseline is frozen when a phase starts: --replace begins anew",
        file.display()
    );
    Ok(file)
}

fn install(file: &Path, text: &str, replace: bool) -> Result<()> {
    let dir = file.parent().context("the file is in a directory")?;
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .with_context(|| format!("{} can't be made", dir.display()))?;
    let new = file.with_extension("json.new");
    let _ = fs::remove_file(&new);
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&new)?
        .write_all(text.as_bytes())?;
    // Without --replace one that came meanwhile stays: a link does not overwrite.
    let put = if replace {
        fs::rename(&new, file)
    } else {
        fs::hard_link(&new, file)
    };
    let _ = fs::remove_file(&new);
    put.with_context(|| format!("{} can't be written", file.display()))?;
    println!(
        "installed as {}; relayd reads it at its next start",
        file.display()
    );
    Ok(())
}

fn measure(
    relay: &Relay,
    rounds: u32,
    environment: &Environment,
) -> Result<(Baseline, BTreeMap<CommandName, Samples>)> {
    let endpoint = endpoint(relay, environment)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let grant = runtime
        .block_on(legacy::open(&endpoint, LegacySelection::Explicit))
        .context("no legacy session")?;
    let site = Site::start_with(sequences::PAGES)?;
    let mut stage = Stage::set(Lane::connect(&endpoint, &relay.token()?, &grant)?, &site)?;
    let mut all = BTreeMap::new();
    for sequence in SEQUENCES {
        let command: CommandName = sequence
            .command
            .parse()
            .map_err(|_| anyhow::anyhow!("{} is no command", sequence.command))?;
        let samples = sampled(&mut stage, sequence, rounds)
            .with_context(|| format!("the sequence of {command}"))?;
        ensure!(
            all.insert(command, samples).is_none(),
            "{command} has two sequences"
        );
    }
    runtime.block_on(legacy::close(
        &endpoint,
        &grant.session_id,
        &grant.cdp_lease_id,
    ))?;
    let commands = all
        .iter()
        .map(|(command, samples)| counted(*command, samples))
        .collect();
    let method = format!(
        "raw protocol sequences over /cdp of relayd {BINARY_VERSION} with limits {}, one client on the same machine, {}",
        grant.limits_profile, grant.browser.product
    );
    Ok((
        Baseline::new(BINARY_VERSION, environment.started, method, commands),
        all,
    ))
}

fn sampled(stage: &mut Stage<'_>, sequence: &sequences::Sequence, rounds: u32) -> Result<Samples> {
    stage.go(sequence.page)?;
    let mut samples = Samples::default();
    // The first tenth is for warming up.
    let warming = sequence.times.div_ceil(10);
    for number in 0..warming + sequence.times * rounds {
        stage.lane.rest();
        let took = stage.run(&sequence.how)?;
        if number >= warming {
            samples.add(took);
        }
    }
    Ok(samples)
}

fn counted(command: CommandName, samples: &Samples) -> BaselineCommand {
    let mut latency = LatencyCounts::default();
    samples.iter().for_each(|millis| latency.record(millis));
    BaselineCommand {
        command: command.as_str().to_owned(),
        mode: MODE.to_owned(),
        latency,
    }
}

fn endpoint(relay: &Relay, environment: &Environment) -> Result<Endpoint> {
    let mut routing = RequestControls::default();
    routing.cli.routing_mode = Some(RoutingMode::LegacyCdp);
    Ok(Endpoint {
        url: relay.info.relay_url.parse()?,
        trust: None,
        token: relay.token()?.parse()?,
        pairing: None,
        client_id: "bench-baseline".parse()?,
        client_kind: ClientKind::Other,
        client_version: BINARY_VERSION.to_owned(),
        routing,
        request_ids: RequestIds::new(
            u128::from(environment.started.unix_millis()) << 32 | u128::from(std::process::id()),
        ),
    })
}

fn table(samples: &BTreeMap<CommandName, Samples>) -> String {
    let mut text = format!(
        "\n{:<26} {:>7} {:>9} {:>9}\n",
        "raw sequence, milliseconds", "samples", "p50", "p95"
    );
    for (command, samples) in samples {
        text += &format!(
            "{:<26} {:>7} {:>9.2} {:>9.2}\n",
            command.as_str(),
            samples.len(),
            samples.p50(),
            samples.p95()
        );
    }
    text
}

/// The time that a piece of work takes.
fn timed(work: impl FnOnce() -> Result<()>) -> Result<Duration> {
    let began = std::time::Instant::now();
    work()?;
    Ok(began.elapsed())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sequence_is_of_a_command_of_its_own() {
        let mut names: Vec<&str> = SEQUENCES.iter().map(|sequence| sequence.command).collect();
        assert!(names.iter().all(|name| name.parse::<CommandName>().is_ok()));
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), SEQUENCES.len());
    }

    #[test]
    fn a_frozen_baseline_is_replaced_on_demand_alone() {
        let home = private_folder("odb-test-").unwrap();
        let file = home.path().join("artifacts/ops-gates").join(FILE);
        install(&file, "one", false).unwrap();
        assert!(install(&file, "two", false).is_err());
        assert_eq!(fs::read_to_string(&file).unwrap(), "one");
        install(&file, "two", true).unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "two");
        assert_eq!(
            fs::metadata(&file).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert_eq!(
            fs::metadata(file.parent().unwrap())
                .unwrap()
                .permissions()
                .mode()
                & 0o777,
            0o700
        );
    }
}
