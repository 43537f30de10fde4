//! How much of the disk a set of artifacts takes, and how full its volume is.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use ops_contracts::control::ledger::ArtifactUsage;
use ops_contracts::control::telemetry::{ArtifactSet, to_f64};

/// The most files that are looked at: a directory full of foreign ones must not hold the flush up.
const MOST_FILES: usize = 100_000;

/// The usage of a set below `path`; `None` where its volume can't be asked. A set without a directory takes nothing.
pub(super) fn usage(set: ArtifactSet, path: &Path) -> Option<ArtifactUsage> {
    let there = path.ancestors().find(|dir| dir.is_dir())?;
    let volume = rustix::fs::statvfs(there).ok()?;
    // As df has it: what only root may take counts as neither used nor free.
    let used = volume.f_blocks.saturating_sub(volume.f_bfree);
    let usable = used.saturating_add(volume.f_bavail);
    let used_ratio = if usable == 0 {
        0.0
    } else {
        to_f64(used) / to_f64(usable)
    };
    Some(ArtifactUsage {
        artifact_set: set,
        path: path.display().to_string(),
        bytes: bytes(path),
        mount: mount(there).display().to_string(),
        used_ratio,
    })
}

/// Bytes of the plain files below a directory. Symbolic links are not followed.
fn bytes(dir: &Path) -> u64 {
    let (mut sum, mut seen, mut folders) = (0_u64, 0, vec![dir.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            seen += 1;
            if seen > MOST_FILES {
                return sum;
            }
            match entry.metadata() {
                Ok(meta) if meta.is_dir() => folders.push(entry.path()),
                Ok(meta) if meta.is_file() => sum = sum.saturating_add(meta.len()),
                // It went away meanwhile, or is nothing that takes room.
                _ => {}
            }
        }
    }
    sum
}

/// The directory where the volume begins.
fn mount(dir: &Path) -> PathBuf {
    let device = |path: &Path| std::fs::metadata(path).ok().map(|meta| meta.dev());
    let here = device(dir);
    dir.ancestors()
        .take_while(|above| device(above) == here)
        .last()
        .unwrap_or(dir)
        .to_owned()
}
