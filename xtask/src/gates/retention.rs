//! How long artifacts are kept: thirty days and five hundred cycles, the oldest go first.
//!
//! Only folders with a name that we give are looked at. Files such as the baseline, folders of others and links stay as they are.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use ops_contracts::control::cycle::{RETENTION_CYCLES, RETENTION_DAYS, directory_time};
use ops_contracts::wire::clock::Timestamp;

use crate::workspace::Workspace;

/// What to prune.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The folder of all cycles; a relay's is artifacts/ops-gates of its state directory
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Says what would go, and removes nothing
    #[arg(long)]
    dry_run: bool,
}

pub(crate) fn run(options: &Options, workspace: &Workspace, now: Timestamp) -> Result<()> {
    let given = options.dir.clone();
    let root = given.unwrap_or_else(|| super::artifacts(&workspace.root));
    let (kept, gone) = prune(&root, now, options.dry_run)?;
    let verb = if options.dry_run {
        "would go"
    } else {
        "removed"
    };
    for name in &gone {
        println!("{verb}: {name}");
    }
    println!(
        "{}: {kept} cycles kept, {} {verb}",
        root.display(),
        gone.len()
    );
    Ok(())
}

/// Removes what is past its time; how many cycles are kept, and the names of those that went.
pub(crate) fn prune(root: &Path, now: Timestamp, dry_run: bool) -> Result<(usize, Vec<String>)> {
    let Ok(found) = fs::symlink_metadata(root) else {
        return Ok((0, Vec::new()));
    };
    ensure!(found.is_dir(), "{} is no folder", root.display());
    let cycles = cycles(root)?;
    let gone = past(&cycles, now);
    for name in gone.iter().filter(|_| !dry_run) {
        let folder = root.join(name);
        fs::remove_dir_all(&folder)
            .with_context(|| format!("{} can't be removed", folder.display()))?;
    }
    Ok((cycles.len() - gone.len(), gone))
}

/// The cycles of a folder.
fn cycles(root: &Path) -> Result<Vec<(Timestamp, String)>> {
    let mut cycles = Vec::new();
    for entry in fs::read_dir(root)? {
        let entry = entry?;
        // The type of the entry itself: a link is a link.
        let is_folder = entry.file_type()?.is_dir();
        let name = entry.file_name().to_string_lossy().into_owned();
        cycles.extend(
            directory_time(&name)
                .filter(|_| is_folder)
                .map(|at| (at, name)),
        );
    }
    Ok(cycles)
}

/// Those that are past their time, the oldest first.
fn past(cycles: &[(Timestamp, String)], now: Timestamp) -> Vec<String> {
    let mut oldest_first = cycles.to_vec();
    oldest_first.sort();
    let kept_for = Duration::from_secs(RETENTION_DAYS * 24 * 3_600);
    let old = oldest_first
        .iter()
        .take_while(|(began, _)| began.plus(kept_for) < now)
        .count();
    let above = oldest_first.len().saturating_sub(RETENTION_CYCLES);
    oldest_first.truncate(old.max(above));
    oldest_first.into_iter().map(|(_, name)| name).collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use ops_contracts::control::cycle::directory_name;

    use super::*;

    const DAY: u64 = 24 * 3_600 * 1_000;
    const NOW: Timestamp = Timestamp::from_unix_millis(1_770_508_800_000);

    fn ago(millis: u64) -> Timestamp {
        Timestamp::from_unix_millis(NOW.unix_millis() - millis)
    }

    fn cycle(root: &Path, began: Timestamp) -> PathBuf {
        let folder = root.join(directory_name(began));
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("ci-summary.json"), "{}").unwrap();
        folder
    }

    #[test]
    fn what_is_thirty_days_old_stays_and_what_is_older_goes() {
        let scratch = tempfile::tempdir().unwrap();
        let (young, old) = (
            cycle(scratch.path(), ago(30 * DAY)),
            cycle(scratch.path(), ago(30 * DAY + 1_000)),
        );
        let (kept, gone) = prune(scratch.path(), NOW, true).unwrap();
        assert_eq!((kept, gone.len(), old.exists()), (1, 1, true));
        prune(scratch.path(), NOW, false).unwrap();
        assert!(young.exists() && !old.exists());
    }

    #[test]
    fn of_more_than_five_hundred_the_oldest_go() {
        let names = |count: u64| -> Vec<(Timestamp, String)> {
            (0..count)
                .map(|at| ago(at * 60_000))
                .map(|began| (began, directory_name(began)))
                .collect()
        };
        assert_eq!(past(&names(500), NOW), Vec::<String>::new());
        assert_eq!(
            past(&names(502), NOW),
            [
                directory_name(ago(501 * 60_000)),
                directory_name(ago(500 * 60_000))
            ]
        );
    }

    #[test]
    fn foreign_names_links_and_the_baseline_stay_as_they_are() {
        let scratch = tempfile::tempdir().unwrap();
        let root = scratch.path().join("ops-gates");
        let elsewhere = scratch.path().join("elsewhere");
        fs::create_dir(&root).unwrap();
        fs::create_dir(&elsewhere).unwrap();
        fs::write(elsewhere.join("kept"), "").unwrap();
        fs::write(root.join("baseline.json"), "{}").unwrap();
        fs::create_dir(root.join("notes of 2020")).unwrap();
        fs::write(root.join(directory_name(ago(90 * DAY))), "a file").unwrap();
        symlink(&elsewhere, root.join(directory_name(ago(80 * DAY)))).unwrap();
        // A link inside of what goes is removed as a link.
        let old = cycle(&root, ago(70 * DAY));
        symlink(&elsewhere, old.join("link")).unwrap();
        let (kept, gone) = prune(&root, NOW, false).unwrap();
        assert_eq!((kept, gone), (0, vec![directory_name(ago(70 * DAY))]));
        assert!(elsewhere.join("kept").exists() && !old.exists());
        assert_eq!(fs::read_dir(&root).unwrap().count(), 4);
        // The folder of all cycles must not be a link either.
        let link = scratch.path().join("link");
        symlink(&root, &link).unwrap();
        assert!(prune(&link, NOW, false).is_err());
        assert_eq!(
            prune(&scratch.path().join("none"), NOW, false).unwrap().0,
            0
        );
    }
}
