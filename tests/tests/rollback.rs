//! The rollback runbook: its fourteen steps are run as they stand in `docs/rollback.md`, against a relay with the kill switch on.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use odb_tests::documents::{Block, blocks, fits, root};
use odb_tests::relay::{Relay, configure, program};
use serde_json::Value;

/// The commands of the runbook, and what they have printed once.
fn runbook() -> [Block; 2] {
    blocks("docs/rollback.md")
        .try_into()
        .expect("the runbook has its commands and their transcript")
}

/// The commands, each with its number.
fn steps(commands: &Block) -> Vec<(u32, &str)> {
    let lines: Vec<&str> = commands.text.lines().collect();
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

/// A line with a sign in the place of every number and id, which differ from run to run.
fn shape(line: &str) -> String {
    let is_hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
    let (mut shape, mut rest) = (String::new(), line);
    while let Some(at) = rest.find(is_hex) {
        let end = rest[at..]
            .find(|c| !is_hex(c))
            .map_or(rest.len(), |end| at + end);
        let word = &rest[at..end];
        shape.push_str(&rest[..at]);
        let is_number = word.contains(|c: char| c.is_ascii_digit());
        shape.push_str(if is_number { "#" } else { word });
        rest = &rest[end..];
    }
    shape + rest
}

#[test]
fn the_rollback_procedure_runs_as_it_stands() {
    let [commands, transcript] = runbook();
    let steps = steps(&commands);
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
    let mut script = String::from("set -eu\n");
    for (number, command) in &steps {
        script.push_str(&format!("echo '# {number}'\n{command}\n"));
    }
    script.push_str("echo \"--- $ARTIFACT_DIR\"\n");
    for file in ["legacy-cdp-smoke.json", "rollback-assertions.json"] {
        script.push_str(&format!(
            "echo '--- {file}'; cat \"$ARTIFACT_DIR/{file}\"\n"
        ));
    }
    let output = Command::new("bash")
        .args(["-c", &script])
        .current_dir(root())
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
    let shapes = |text: &str| text.lines().map(shape).collect::<Vec<_>>();
    assert!(
        fits(&shapes(&transcript.text), &shapes(&told)),
        "{told}\nis not\n{}",
        transcript.text
    );
    let folder = told
        .lines()
        .find_map(|line| line.strip_prefix("--- artifacts"));
    let cycle = root().join(format!("artifacts{}", folder.expect("the folder is named")));
    assert!(
        cycle.starts_with(root().join("artifacts/ops-gates")),
        "{told}"
    );
    let assertions: Value =
        serde_json::from_slice(&std::fs::read(cycle.join("rollback-assertions.json")).unwrap())
            .unwrap();
    assert_eq!(assertions["effectiveRoutingMode"], "legacy-cdp");
    assert_eq!(assertions["opsKillSwitchSource"], "env");
    assert_eq!(assertions["activeCdpSessions"], 0);
    let mode =
        |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&cycle), 0o700, "{}", cycle.display());
    for file in std::fs::read_dir(&cycle).unwrap() {
        let path = file.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
    std::fs::remove_dir_all(&cycle).expect("the run's own folder can be removed");
}
