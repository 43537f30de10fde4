//! The examples of the documentation run as they stand, against a real relay, a real browser and the bundled site.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::process::Command;

use conformance::site::Site;
use odb_tests::relay::{Relay, program};

/// The blocks of a page that are marked as shell.
fn blocks(page: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut open: Option<String> = None;
    for line in page.lines() {
        match (&mut open, line) {
            (None, "```sh") => open = Some(String::new()),
            (Some(block), "```") => {
                blocks.push(std::mem::take(block));
                open = None;
            }
            (Some(block), line) => {
                block.push_str(line);
                block.push('\n');
            }
            _ => {}
        }
    }
    blocks
}

/// Runs every block in order; what they print.
fn run(page: &str) -> String {
    let (scratch, site) = (tempfile::tempdir().unwrap(), Site::start().unwrap());
    let relay = Relay::start(&scratch);
    let programs = program("odb-cli").parent().map(Path::to_path_buf).unwrap();
    let mut printed = String::new();
    let all = blocks(page);
    assert!(!all.is_empty());
    for block in all {
        let output = Command::new("sh")
            .args(["-euc", &block])
            .current_dir(scratch.path())
            .env_clear()
            .env(
                "PATH",
                format!("{}:/usr/local/bin:/usr/bin:/bin", programs.display()),
            )
            .env("ODB_HOME", relay.home())
            .env("SITE", site.url(""))
            .output()
            .unwrap();
        let (out, err) = (
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
        assert!(output.status.success(), "{block}\n{out}{err}");
        printed.push_str(&out);
    }
    printed
}

#[test]
fn the_examples_of_the_command_line_run() {
    let printed = run(include_str!("../../docs/CLI.md"));
    for expected in [
        "ann@example.com",
        "bucket 78",
        "bc1d6fda532b",
        "exit code 2",
        "\"opsRolloutDecision\"",
    ] {
        assert!(printed.contains(expected), "no {expected:?} in {printed}");
    }
}

#[test]
fn the_commands_that_replace_raw_protocol_run() {
    let printed = run(include_str!("../../docs/migration.md"));
    for expected in ["ann@example.com", "hello", "page.png"] {
        assert!(printed.contains(expected), "no {expected:?} in {printed}");
    }
}

#[test]
fn the_check_of_the_phase_exits_0() {
    assert_eq!(run(include_str!("../../docs/scorecard.md")).trim(), "true");
}
