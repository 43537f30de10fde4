//! Every fenced block of the documentation is run as it stands, or says why it is not: against a real relay, a real browser and
//! the bundled site.

use std::collections::BTreeSet;
use std::process::Command;

use odb_tests::documents::{self, Block, Surroundings, Treatment};
use ops_contracts::wire::command::{Call, CommandName};
use serde_json::Value;
use serde_json::value::RawValue;

/// A test for each page whose blocks need a relay: what they must print, and where they are run.
macro_rules! pages {
    ($(fn $test:ident() $page:literal [$($printed:literal),*] { $($field:ident: $value:expr),* })+) => {
        const RUN: &[&str] = &[$($page),+];

        $(
            #[test]
            fn $test() {
                let surroundings = Surroundings { $($field: $value,)* ..Surroundings::default() };
                let printed = documents::run($page, surroundings);
                let expected: &[&str] = &[$($printed),*];
                for text in expected {
                    assert!(printed.contains(text), "no {text:?} in {printed}");
                }
            }
        )+
    };
}

pages! {
    fn the_first_page_runs_as_it_stands() "README.md"
        [r#""type":"ops_response","requestId":"r1""#] { without_relay: true }
    fn the_examples_of_the_command_line_run() "docs/CLI.md"
        ["ann@example.com", "bucket 78", "bc1d6fda532b", "exit code 2", "\"opsRolloutDecision\""] {}
    fn clients_of_agents_are_connected_as_documented() "docs/mcp.md"
        ["\"mcpServers\"", "context_servers", "[mcp_servers.odb]"] {}
    fn the_guide_of_agents_with_a_shell_runs() "bins/odb-cli/src/skill.md"
        ["ann@example.com", "€24.00"] {}
    fn the_commands_that_replace_raw_protocol_run() "docs/migration.md"
        ["ann@example.com", "hello", "page.png"] {}
    fn the_check_of_the_phase_exits_0() "docs/scorecard.md" ["true"] {}
    fn sessions_are_bounded_and_watched_as_documented() "docs/policy.md"
        ["refused: exit code 2", "1 of 200 commands", "<page-text nonce="] {}
    fn the_legacy_lane_is_used_as_documented() "docs/legacy-cdp.md"
        ["\"product\": \"Chrome"] { config: r#"{"allowRawCDP":true}"# }
    fn the_dashboard_gives_out_its_code_as_documented() "docs/dashboard.md" [] {}
    fn the_event_of_an_orchestrator_is_accepted_as_documented() "docs/provenance.md"
        ["unchecked"] { variables: &[("OPENCODE_EVENT_SIGNING_MODE", "off")] }
}

/// The page of commands: its scripts are the examples of the registry, which a test of their own runs.
const COMMANDS: &str = "docs/commands.md";

fn all() -> Vec<(String, Block)> {
    let of_page = |page: String| {
        let blocks = documents::blocks(&page);
        blocks.into_iter().map(move |block| (page.clone(), block))
    };
    documents::pages().into_iter().flat_map(of_page).collect()
}

/// The sources of the tests, where the test that runs a block must be found.
fn sources() -> String {
    let (mut text, mut folders) = (String::new(), vec![documents::root().join("tests")]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                text.push_str(&std::fs::read_to_string(path).unwrap_or_default());
            }
        }
    }
    text
}

/// Compares a block of JSON with the schema that it is to fit, or with that of its frame.
fn check_json(block: &Block, schema: Option<&str>) -> Result<(), String> {
    let document: Value =
        serde_json::from_str(&block.text).map_err(|error| format!("{block}: {error}"))?;
    let kind = document["type"].as_str();
    let name = schema.or(kind).ok_or_else(|| {
        format!("{block}: what it is can't be told: give its fence schema=\"…\" or post=\"…\"")
    })?;
    let file = documents::read(&format!("schemas/ops/{name}.schema.json"));
    let schema: Value = serde_json::from_str(&file).map_err(|error| error.to_string())?;
    let validator = jsonschema::validator_for(&schema).map_err(|error| error.to_string())?;
    let faults: Vec<String> = validator
        .iter_errors(&document)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    if !faults.is_empty() {
        return Err(format!("{block}: {}", faults.join(", ")));
    }
    match kind {
        Some("ops_request") => parameters(&document).map_err(|fault| format!("{block}: {fault}")),
        _ => Ok(()),
    }
}

/// Parses the parameters of a request as the relay does.
fn parameters(request: &Value) -> Result<(), String> {
    let name: CommandName = request["command"]
        .as_str()
        .unwrap_or_default()
        .parse()
        .map_err(|fault| format!("{fault:?}"))?;
    let params = RawValue::from_string(request["params"].to_string()).map_err(|e| e.to_string())?;
    Call::parse(name, &params)
        .map(drop)
        .map_err(|fault| fault.message)
}

/// Gives a block to the program that its fence names.
fn check_with(block: &Block, program: &str) -> Result<(), String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let file = folder.path().join("block");
    std::fs::write(&file, &block.text).map_err(|error| error.to_string())?;
    let mut words = program.split(' ').map(str::to_owned);
    let output = Command::new("timeout")
        .args([
            documents::DEADLINE.to_owned(),
            words.next().unwrap_or_default(),
        ])
        .args(words)
        .arg(&file)
        .output()
        .map_err(|error| error.to_string())?;
    let errors = String::from_utf8_lossy(&output.stderr);
    if output.status.success() {
        Ok(())
    } else {
        Err(format!("{block}: {program}: {errors}"))
    }
}

/// Whether a crate's README is the documentation of its root, whose blocks rustdoc runs.
fn is_documentation_of_its_crate(readme: &str) -> bool {
    let root = documents::root().join(readme).with_file_name("src/lib.rs");
    std::fs::read_to_string(root).is_ok_and(|text| text.contains("include_str!(\"../README.md\")"))
}

#[test]
fn no_block_of_any_page_is_passed_over() {
    let (sources, mut faults) = (sources(), Vec::new());
    let examples: BTreeSet<String> = CommandName::ALL
        .iter()
        .map(|name| name.example().script() + "\n")
        .collect();
    for (page, block) in all() {
        let is_run = match block.treatment() {
            Ok(Treatment::Script) if page == COMMANDS => examples.contains(&block.text),
            Ok(Treatment::Script | Treatment::Transcript | Treatment::Posted(_)) => {
                RUN.contains(&page.as_str())
            }
            Ok(Treatment::RunBy(test)) => sources.contains(&format!("fn {test}()")),
            Ok(Treatment::Doctest) => {
                // A page of the whole is included from a crate, a crate's own from its root.
                let own = page.split('/').count() == 3 && page.ends_with("/README.md");
                sources.contains(&format!("include_str!(\"../../{page}\")"))
                    || own && is_documentation_of_its_crate(&page)
            }
            Ok(_) => true,
            Err(fault) => {
                faults.push(fault);
                continue;
            }
        };
        if !is_run {
            faults.push(format!("{block}: no test runs it"));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_document_of_the_pages_fits_what_it_is_an_example_of() {
    let checked = |(_, block): &(String, Block)| match block.treatment() {
        Ok(Treatment::Frame) => check_json(block, None).err(),
        Ok(Treatment::Schema(name)) => check_json(block, Some(name)).err(),
        Ok(Treatment::Checked(program)) => check_with(block, program).err(),
        _ => None,
    };
    let faults: Vec<String> = all().iter().filter_map(checked).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
