//! The matrix of `docs/compatibility.md` is what routing does: each of its rows is held against the rules.

use std::path::Path;

use ops_contracts::wire::routing::{Component, Peer, Route};
use routing::window;

const PAGE: &str = include_str!("../../docs/compatibility.md");

/// The texts between backticks of a cell.
fn quoted(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

#[test]
fn every_row_of_the_published_matrix_is_what_routing_decides() {
    let rows = PAGE
        .lines()
        .skip_while(|line| !line.starts_with("| row |"))
        .skip(2)
        .take_while(|line| line.starts_with('|'));
    let mut outcomes = Vec::new();
    for row in rows {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [name, cli, relay, extension, route, outcome] = cells[..] else {
            panic!("{row}")
        };
        let (cli, route) = (
            quoted(cli),
            if quoted(route) == ["ops"] {
                Route::Ops
            } else {
                Route::LegacyCdp
            },
        );
        let contract = Some(cli.get(1).copied().unwrap_or("1.0.0"));
        let peers = [
            Peer {
                component: Component::Cli,
                version: Some(cli[0]),
                contract,
            },
            Peer {
                component: Component::Extension,
                version: Some(quoted(extension)[0]),
                contract: Some("1.0.0"),
            },
        ];
        let decided = window::admit(route, quoted(relay)[0], &peers, false)
            .map_or_else(|fault| fault.code.as_str(), |()| "admitted");
        assert_eq!(decided, outcome.trim_matches('`'), "{name}");
        outcomes.push(decided);
    }
    for expected in [
        "admitted",
        "relay_prerelease_unsupported",
        "relay_ops_version_unsupported",
        "relay_legacy_window_exceeded",
    ] {
        assert!(outcomes.contains(&expected), "no row shows {expected}");
    }
}

#[test]
fn every_code_that_the_documentation_names_is_one_of_the_registry() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    for page in [
        "CLI.md",
        "migration.md",
        "compatibility.md",
        "alerts.md",
        "TROUBLESHOOTING.md",
        "governance.md",
    ] {
        let text = std::fs::read_to_string(docs.join(page)).unwrap();
        let words = quoted(&text)
            .into_iter()
            .filter(|word| word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'));
        for word in words.filter(|word| {
            ["cli_", "relay_", "ops_", "adapter_"]
                .iter()
                .any(|layer| word.starts_with(layer))
        }) {
            // Names of frames and what the plan calls its families of metrics are no codes.
            let other = [
                "ops_request",
                "ops_response",
                "ops_error",
                "ops_cancel",
                "ops_hello",
            ]
            .contains(&word);
            assert!(
                other || word.parse::<ops_contracts::ErrorCode>().is_ok() || word.ends_with('_'),
                "{page}: {word}"
            );
        }
    }
}
