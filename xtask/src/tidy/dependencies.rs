//! What is depended on: that it is used, and that its licence, its name and its source are ones that `deny.toml` allows.
//!
//! `cargo deny` checks the last three by the same file. It is no part of the set-up: building it takes longer than every test.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context as _, Result};
use cargo_metadata::{MetadataCommand, Package};
use serde::Deserialize;
use spdx::{Expression, ParseMode};

use super::{Findings, Source};
use crate::workspace::Workspace;

/// What `deny.toml` says, as far as it is checked here.
#[derive(Debug, Deserialize)]
struct Deny {
    licenses: Licences,
    bans: Bans,
    sources: Origins,
}

#[derive(Debug, Deserialize)]
struct Licences {
    allow: BTreeSet<String>,
}

#[derive(Debug, Deserialize)]
struct Bans {
    deny: Vec<Ban>,
}

#[derive(Debug, Deserialize)]
struct Ban {
    #[serde(rename = "crate")]
    name: String,
    reason: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Origins {
    allow_registry: Vec<String>,
}

pub(super) fn check(
    workspace: &Workspace,
    sources: &[Source],
    findings: &mut Findings,
) -> Result<()> {
    let deny: Deny = toml::from_str(text(sources, "deny.toml")?).context("deny.toml")?;
    let lock = text(sources, "Cargo.lock")?;
    findings.errors.extend(foreign(lock, &deny.sources));
    findings.errors.extend(banned(lock, &deny.bans));
    for package in resolved(workspace)? {
        findings.errors.extend(unlicensed(&package, &deny.licenses));
    }
    for package in workspace.metadata.workspace_packages() {
        findings.errors.extend(unused(package, sources, workspace));
    }
    findings.errors.extend(unnamed(sources)?);
    Ok(())
}

fn text<'a>(sources: &'a [Source], path: &str) -> Result<&'a str> {
    let found = sources
        .iter()
        .find(|source| source.path == Path::new(path))
        .with_context(|| format!("{path} is missing"))?;
    Ok(&found.text)
}

/// Packages of the lock file that come from elsewhere than an allowed registry, on whatever platform.
fn foreign(lock: &str, origins: &Origins) -> Vec<String> {
    let allowed = |origin: &&str| {
        let registry = origin.strip_prefix("registry+");
        registry.is_some_and(|url| origins.allow_registry.iter().any(|known| known == url))
    };
    values(lock, "source")
        .filter(|origin| !allowed(origin))
        .map(|origin| format!("Cargo.lock: a package comes from {origin}"))
        .collect()
}

/// Packages of the lock file that are banned.
fn banned(lock: &str, bans: &Bans) -> Vec<String> {
    let names: BTreeSet<&str> = values(lock, "name").collect();
    let found = bans
        .deny
        .iter()
        .filter(|ban| names.contains(ban.name.as_str()));
    found
        .map(|ban| format!("Cargo.lock: {} is banned: {}", ban.name, ban.reason))
        .collect()
}

/// The values of a key in the lock file.
fn values<'a>(lock: &'a str, key: &str) -> impl Iterator<Item = &'a str> {
    let start = format!("{key} = \"");
    lock.lines()
        .filter_map(move |line| line.strip_prefix(start.as_str())?.strip_suffix('"'))
}

/// Everything that is built for this machine.
fn resolved(workspace: &Workspace) -> Result<Vec<Package>> {
    let host = host().context("rustc names no host")?;
    let metadata = MetadataCommand::new()
        .manifest_path(workspace.root.join("Cargo.toml"))
        .other_options(["--locked".to_owned(), format!("--filter-platform={host}")])
        .exec()
        .context("cargo metadata failed")?;
    Ok(metadata.packages)
}

fn host() -> Option<String> {
    let output = std::process::Command::new("rustc")
        .arg("-vV")
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("host: "))?;
    Some(line.to_owned())
}

/// What is wrong with a package's licence. Our own are under the workspace's.
fn unlicensed(package: &Package, licences: &Licences) -> Option<String> {
    let name = &package.name;
    let Some(text) = &package.license else {
        return Some(format!("{name}: it names no licence"));
    };
    match Expression::parse_mode(text, ParseMode::LAX) {
        Ok(expression) => {
            let allowed = expression.evaluate(|requirement| {
                let id = requirement.license.id();
                let known = id.is_some_and(|id| licences.allow.contains(id.name));
                known && requirement.addition.is_none()
            });
            (!allowed).then(|| format!("{name}: deny.toml does not allow its licence {text}"))
        }
        Err(error) => Some(format!("{name}: its licence {text} can't be read: {error}")),
    }
}

/// Dependencies of a package of ours whose name occurs in none of its sources.
fn unused(package: &Package, sources: &[Source], workspace: &Workspace) -> Vec<String> {
    let folder = package.manifest_path.parent();
    let folder = folder.and_then(|folder| folder.strip_prefix(&workspace.root).ok());
    let Some(folder) = folder else {
        return vec![format!("{}: it lies outside the workspace", package.name)];
    };
    let own: Vec<&Source> = sources
        .iter()
        .filter(|source| source.has_extension("rs") && source.path.starts_with(folder))
        .collect();
    let is_named = |name: &str| own.iter().any(|source| names(&source.text, name));
    let unused = package.dependencies.iter().filter(|dependency| {
        let name = dependency.rename.as_ref().unwrap_or(&dependency.name);
        !is_named(&name.replace('-', "_"))
    });
    unused
        .map(|dependency| format!("{}: it does not use {}", package.name, dependency.name))
        .collect()
}

/// Whether a text has a word.
fn names(text: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word).any(|(at, _)| {
        !text[..at].ends_with(is_part) && !text[at + word.len()..].starts_with(is_part)
    })
}

#[derive(Debug, Deserialize)]
struct Root {
    workspace: Shared,
}

#[derive(Debug, Deserialize)]
struct Shared {
    dependencies: toml::Table,
}

/// Dependencies of the workspace that none of its packages takes.
fn unnamed(sources: &[Source]) -> Result<Vec<String>> {
    let root: Root = toml::from_str(text(sources, "Cargo.toml")?).context("Cargo.toml")?;
    let manifests: Vec<&Source> = sources
        .iter()
        .filter(|source| source.path.ends_with("Cargo.toml"))
        .collect();
    let is_taken = |name: &str| {
        let starts = [
            format!("{name}.workspace"),
            format!("{name} = {{ workspace"),
        ];
        let mut lines = manifests.iter().flat_map(|manifest| manifest.text.lines());
        lines.any(|line| starts.iter().any(|start| line.starts_with(start.as_str())))
    };
    let names = root.workspace.dependencies.keys();
    Ok(names
        .filter(|name| !is_taken(name))
        .map(|name| format!("Cargo.toml: no package of the workspace takes {name}"))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCK: &str = "name = \"openssl-sys\"\nsource = \"git+https://example.com/x\"\n\
                        name = \"serde\"\nsource = \"registry+https://example.com/index\"\n";

    #[test]
    fn packages_from_elsewhere_and_banned_ones_are_named() {
        let origins = Origins {
            allow_registry: vec!["https://example.com/index".to_owned()],
        };
        let found = foreign(LOCK, &origins);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("git+https://example.com/x"), "{found:?}");
        let bans = Bans {
            deny: vec![Ban {
                name: "openssl-sys".to_owned(),
                reason: "rustls".to_owned(),
            }],
        };
        assert_eq!(
            banned(LOCK, &bans),
            ["Cargo.lock: openssl-sys is banned: rustls"]
        );
    }

    #[test]
    fn a_name_is_a_whole_word() {
        assert!(names("use serde::Serialize;", "serde"));
        assert!(!names("use serde_json::Value;", "serde"));
    }
}
