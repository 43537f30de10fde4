//! Builds the programs.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::workspace::Workspace;

/// The programs, where they were built.
#[derive(Debug, Clone)]
pub struct Programs {
    /// The relay.
    pub relayd: PathBuf,
    /// The command line.
    pub odb_cli: PathBuf,
}

impl Programs {
    /// Those of a folder.
    #[must_use]
    pub fn of(folder: &Path) -> Self {
        Self {
            relayd: folder.join("relayd"),
            odb_cli: folder.join("odb-cli"),
        }
    }
}

/// How programs are built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// As the tests expect them: beside the test programs.
    Debug,
    /// Quick to build and quick enough to watch.
    Demo,
    /// As they are installed.
    Release,
}

impl Profile {
    /// Cargo's arguments, and the folder below the target folder.
    const fn words(self) -> (&'static [&'static str], &'static str) {
        match self {
            Self::Debug => (&[], "debug"),
            Self::Demo => (&["--profile", "demo"], "demo"),
            Self::Release => (&["--release"], "release"),
        }
    }
}

/// The package of the tasks that drive a relay.
pub const TASKS: &str = "xtask-relay";

const PACKAGES: &[&str] = &["relayd", "odb-cli"];

/// Builds them for release.
///
/// # Errors
/// When cargo fails.
pub fn release(workspace: &Workspace) -> Result<Programs> {
    build(workspace, Profile::Release, PACKAGES).map(|folder| Programs::of(&folder))
}

/// Builds them as the tests expect them.
///
/// # Errors
/// When cargo fails.
pub fn debug(workspace: &Workspace) -> Result<Programs> {
    build(workspace, Profile::Debug, PACKAGES).map(|folder| Programs::of(&folder))
}

/// Builds them and the tasks that drive them at once, so that what they share is compiled once; the folder that they are in.
///
/// # Errors
/// When cargo fails.
pub fn with_tasks(workspace: &Workspace, profile: Profile) -> Result<PathBuf> {
    build(workspace, profile, &["relayd", "odb-cli", TASKS])
}

fn build(workspace: &Workspace, profile: Profile, packages: &[&str]) -> Result<PathBuf> {
    let (words, folder) = profile.words();
    let packages = packages.iter().flat_map(|package| ["--package", package]);
    let words = ["build"].into_iter().chain(words.iter().copied());
    workspace.cargo(words.chain(packages))?;
    Ok(workspace.target().join(folder))
}
