//! The rollback runbook: its fourteen steps are run as they stand in `docs/rollback.md`, against a relay with the kill switch on.

use std::path::Path;
use std::process::Command;

use odb_tests::relay::{Relay, configure, program};
use serde_json::Value;

const RUNBOOK: &str = include_str!("../../docs/rollback.md");

/// The commands of the runbook, each with its number.
fn steps() -> Vec<(u32, &'static str)> {
    let block = RUNBOOK
        .split("```sh\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next())
        .expect("the runbook has its commands");
    let lines: Vec<&str> = block.lines().collect();
    lines
        .chunks(2)
        .map(|pair| {
            (
                pair[0].trim_start_matches("# ").parse().expect("a number"),
                pair[1],
            )
        })
        .collect()
}

#[test]
fn the_rollback_procedure_runs_as_it_stands() {
    let steps = steps();
    assert_eq!(
        steps.iter().map(|(number, _)| *number).collect::<Vec<_>>(),
        (1..=14).collect::<Vec<_>>()
    );
    let scratch = tempfile::tempdir().unwrap();
    configure(&scratch, r#"{"allowRawCDP":true}"#);
    let relay = Relay::start_as(
        &scratch,
        "local",
        &[("OPENDEVBROWSER_OPS_KILL_SWITCH", "1")],
    );
    let programs = program("odb-cli")
        .parent()
        .expect("a program is in a folder")
        .to_owned();
    #[expect(
        clippy::disallowed_methods,
        reason = "a test program reads its environment, as every program does"
    )]
    let path = std::env::var("PATH").unwrap_or_default();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the tests lie in the repository");
    let mut script = String::from("set -eu\n");
    for (number, command) in &steps {
        script.push_str(&format!("echo 'step {number}'\n{command}\n"));
    }
    script.push_str("echo \"$ARTIFACT_DIR\"\n");
    let output = Command::new("bash")
        .args(["-c", &script])
        .current_dir(root)
        .env("PATH", format!("{}:{path}", programs.display()))
        .env("ODB_HOME", relay.home())
        .env_remove("OPENDEVBROWSER_OPS_KILL_SWITCH")
        .output()
        .expect("bash starts");
    let (told, wrong) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success(), "{told}\n{wrong}");
    assert!(told.contains("step 14"), "{told}");
    let cycle = root.join(told.lines().last().expect("the folder is told").trim());
    assert!(
        cycle.starts_with(root.join("artifacts/ops-gates")),
        "{told}"
    );
    let assertions: Value =
        serde_json::from_slice(&std::fs::read(cycle.join("rollback-assertions.json")).unwrap())
            .unwrap();
    assert_eq!(assertions["effectiveRoutingMode"], "legacy-cdp");
    assert_eq!(assertions["opsKillSwitchSource"], "env");
    assert_eq!(assertions["activeCdpSessions"], 0);
    std::fs::remove_dir_all(&cycle).expect("the run's own folder can be removed");
}
