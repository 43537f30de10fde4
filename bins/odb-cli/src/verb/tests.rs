//! What holds for every row.

use std::collections::BTreeSet;

use clap_complete::Shell;
use ops_contracts::wire::command::CommandName;

use super::*;
use crate::args::{self, help};

/// Commands that `call` alone reaches.
const BY_CALL_ALONE: &[CommandName] = &[];

#[test]
fn names_of_verbs_are_unique() {
    let names: Vec<&str> = VERBS
        .iter()
        .flat_map(|row| std::iter::once(row.name).chain(row.alias))
        .collect();
    let unique: BTreeSet<&str> = names.iter().copied().collect();
    assert_eq!(unique.len(), names.len(), "{names:?}");
    args::grammar().debug_assert();
}

#[test]
fn every_verb_has_a_sentence_and_an_example_and_stands_in_the_overview() {
    for row in VERBS {
        let name = row.name;
        let spoken = |text: &str| text.contains(&format!("odb-cli {name}"));
        assert!(row.about.len() > 10 && !row.about.ends_with('.'), "{name}");
        assert!(row.examples.contains("Examples:\n"), "{name}");
        assert!(row.examples.lines().any(spoken), "{name}: {}", row.examples);
        let mut overview = help::OVERVIEW.split([' ', ',', '\n']);
        assert!(overview.any(|word| word == name), "{name}");
    }
}

#[test]
fn every_command_of_the_contract_is_reached_by_a_verb_or_by_call_alone() {
    let by_verb: BTreeSet<&str> = VERBS
        .iter()
        .flat_map(Row::commands)
        .map(|command| command.as_str())
        .collect();
    let by_call: BTreeSet<&str> = BY_CALL_ALONE.iter().map(|name| name.as_str()).collect();
    let all: BTreeSet<&str> = CommandName::ALL.iter().map(|name| name.as_str()).collect();
    assert_eq!(by_verb.intersection(&by_call).next(), None);
    let reached: BTreeSet<&str> = by_verb.union(&by_call).copied().collect();
    assert_eq!(reached, all);
}

#[test]
fn completions_of_every_shell_list_every_verb() {
    for shell in [
        Shell::Bash,
        Shell::Elvish,
        Shell::Fish,
        Shell::PowerShell,
        Shell::Zsh,
    ] {
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut args::grammar(), "odb-cli", &mut script);
        let script = String::from_utf8(script).unwrap();
        let words: BTreeSet<&str> = script
            .split(|c: char| !c.is_ascii_alphanumeric() && c != '-')
            .collect();
        let missing: Vec<&str> = VERBS
            .iter()
            .flat_map(|row| std::iter::once(row.name).chain(row.alias))
            .filter(|name| !words.contains(name))
            .collect();
        assert!(missing.is_empty(), "{shell}: {missing:?}");
    }
}

#[test]
fn a_verb_without_a_page_says_that_a_tab_has_no_meaning() {
    let refusing: Vec<&str> = VERBS
        .iter()
        .filter(|row| row.scope.refuses_tab())
        .map(|row| row.name)
        .collect();
    for name in ["close", "state", "status", "doctor", "serve"] {
        assert!(refusing.contains(&name), "{refusing:?}");
    }
    for row in VERBS
        .iter()
        .filter(|row| matches!(row.commands, Commands::One(_)))
    {
        assert_eq!(row.scope, Scope::Page, "{}", row.name);
    }
}
