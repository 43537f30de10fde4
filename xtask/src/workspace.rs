//! The repository: where it is, and how programs are run in it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use cargo_metadata::{Metadata, MetadataCommand, Package};

/// The repository.
#[derive(Debug)]
pub struct Workspace {
    /// Its root.
    pub root: PathBuf,
    /// What cargo knows of its packages, without those of others.
    pub metadata: Metadata,
}

impl Workspace {
    /// Finds the repository that this program was built in.
    pub fn locate() -> Result<Self> {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .context("xtask lies in the workspace")?
            .join("Cargo.toml");
        let metadata = MetadataCommand::new()
            .manifest_path(manifest)
            .no_deps()
            .exec()
            .context("cargo metadata failed")?;
        Ok(Self {
            root: metadata.workspace_root.clone().into_std_path_buf(),
            metadata,
        })
    }

    /// The libraries: what lies in `crates`.
    pub(crate) fn libraries(&self) -> impl Iterator<Item = &Package> {
        let folder = self.metadata.workspace_root.join("crates");
        let packages = self.metadata.workspace_packages().into_iter();
        packages.filter(move |package| package.manifest_path.starts_with(&folder))
    }

    /// Where cargo puts what it builds.
    pub fn target(&self) -> PathBuf {
        self.metadata.target_directory.clone().into_std_path_buf()
    }

    /// Runs cargo in the root, showing the command line.
    pub fn cargo<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Result<()> {
        let mut command = self.cargo_command();
        command.args(arguments);
        checked(&mut command)
    }

    /// A cargo command in the root, yet to be run.
    pub fn cargo_command(&self) -> Command {
        let mut command = Command::new("cargo");
        command.current_dir(&self.root);
        command
    }
}

/// The command line as a person would type it.
pub fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words
        .map(|word| quoted(&word.to_string_lossy()))
        .collect::<Vec<_>>()
        .join(" ")
}

/// A word as a shell takes it.
pub fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@,+%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// Shows a command line, runs it and fails when it does.
pub fn checked(command: &mut Command) -> Result<()> {
    let line = shown(command);
    eprintln!("> {line}");
    let status = command
        .status()
        .with_context(|| format!("{line} could not be started"))?;
    ensure!(status.success(), "{line} failed: {status}");
    Ok(())
}
