//! The workflows run the commands that the gates are, and nothing in them lets a failure pass.

use odb_tests::documents::root;

/// A workflow's lines and the commands of its steps.
fn workflow(name: &str) -> (String, Vec<String>) {
    let file = root().join(".github/workflows").join(name);
    let text = std::fs::read_to_string(&file).expect("the workflow is there");
    let commands = text.lines().filter_map(command).map(str::to_owned);
    let commands = commands.collect();
    (text, commands)
}

/// What a step runs, on the line that says so.
fn command(line: &str) -> Option<&str> {
    line.trim().trim_start_matches("- ").strip_prefix("run: ")
}

/// What lets a failure pass, in a line of a workflow.
fn forgives(line: &str) -> Option<&'static str> {
    const FORGIVING: &[&str] = &[
        "continue-on-error",
        "|| true",
        "|| :",
        "|| exit 0",
        "set +e",
        "; true",
        // Of a block of several lines only the last one's outcome would count under another shell than the default.
        "shell:",
        "run: |",
        "run: >",
    ];
    let rule = line.split(" #").next().unwrap_or_default();
    if rule.trim_start().starts_with('#') {
        return None;
    }
    FORGIVING.iter().copied().find(|text| rule.contains(text))
}

const WORKFLOWS: &[(&str, &[&str])] = &[
    (
        "ci.yml",
        &[
            "cargo xtask lint",
            "cargo xtask build",
            ".ci/run",
            "cargo xtask codegen --check",
            "cargo xtask validate all",
            "cargo test -p ops-contracts --test stability",
            "cargo test -p odb-tests --test contract",
        ],
    ),
    (
        "ops-nightly-gates.yml",
        &[
            "cargo xtask prune-gate-artifacts",
            "cargo xtask soak --duration-hours 4",
            "cargo xtask fault-injection",
            "cargo xtask validate-gate-artifacts --dir",
        ],
    ),
    (
        "ops-release-gate.yml",
        &[
            "cargo xtask prune-gate-artifacts",
            "cargo xtask gates --only ci,scorecard",
            "cargo xtask recompute-scorecard",
            "cargo xtask soak --duration-hours 4",
            "cargo xtask fault-injection",
            "cargo xtask validate-gate-artifacts --dir",
        ],
    ),
];

#[test]
fn every_workflow_runs_the_commands_of_its_gate() {
    for (name, needed) in WORKFLOWS {
        let (_, commands) = workflow(name);
        for command in *needed {
            let runs = commands.iter().filter(|it| it.starts_with(command));
            assert_eq!(runs.count(), 1, "{name}: {command}");
        }
    }
    let at = |line: &str| {
        workflow("ops-release-gate.yml")
            .1
            .iter()
            .position(|it| it.starts_with(line))
    };
    assert!(
        at("cargo xtask prune-gate-artifacts") < at("cargo xtask gates"),
        "what is past its time goes before the release gate"
    );
    let (nightly, _) = workflow("ops-nightly-gates.yml");
    assert!(nightly.contains("cron: \"0 2 * * *\""), "it runs daily");
}

#[test]
fn no_workflow_lets_a_failure_pass() {
    let folder = root().join(".github/workflows");
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        for line in text.lines() {
            assert_eq!(forgives(line), None, "{}: {line}", path.display());
        }
    }
    for line in [
        "    continue-on-error: true",
        "      - run: cargo xtask soak --duration-hours 4 || true",
        "      - run: |",
        "        run: set +e",
    ] {
        assert!(forgives(line).is_some(), "{line}");
    }
    assert_eq!(forgives("      # nothing here says || true"), None);
}

#[test]
fn what_is_uploaded_is_uploaded_also_where_a_gate_fails() {
    for name in ["ops-nightly-gates.yml", "ops-release-gate.yml"] {
        let (text, _) = workflow(name);
        let upload = text.split("actions/upload-artifact@").nth(1);
        let upload = upload.expect("the artifacts are uploaded");
        assert!(upload.contains("if: always()") && upload.contains("path: artifacts/ops-gates"));
    }
}
