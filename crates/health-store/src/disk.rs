//! The disk guard: how large the set of artifacts is, how full its volume, and whether that has been too much for too long.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ops_contracts::control::health::DiskUsage;
use ops_contracts::wire::clock::Timestamp;

use crate::moment::Moment;

/// How full a volume may be.
pub(crate) const RATIO: f64 = 0.8;

/// How long a breach lasts before it is an alert.
pub(crate) const SUSTAINED: Duration = Duration::from_secs(15 * 60);

/// Watches one set.
#[derive(Debug)]
pub(crate) struct Guard {
    set: &'static str,
    root: PathBuf,
    mount: String,
    limit_bytes: u64,
    since: Option<(Duration, Timestamp)>,
}

impl Guard {
    pub(crate) fn new(set: &'static str, root: &Path, limit_bytes: u64) -> Self {
        Self {
            set,
            root: root.to_owned(),
            mount: mount_of(root),
            limit_bytes,
            since: None,
        }
    }

    /// Looks at the disk.
    pub(crate) fn look(&mut self, now: Moment) -> DiskUsage {
        let (bytes, ratio) = (
            usage(&self.root, 4),
            volume_ratio(&self.root).unwrap_or(0.0),
        );
        self.judge(bytes, ratio, now)
    }

    fn judge(&mut self, usage_bytes: u64, ratio: f64, now: Moment) -> DiskUsage {
        let breached = usage_bytes > self.limit_bytes || ratio > RATIO;
        self.since = breached.then(|| self.since.unwrap_or((now.monotonic, now.wall)));
        DiskUsage {
            artifact_set: self.set.to_owned(),
            path: self.root.display().to_string(),
            mount: self.mount.clone(),
            usage_bytes,
            volume_usage_ratio: ratio,
            limit_bytes: self.limit_bytes,
            limit_ratio: RATIO,
            breached_since: self.since.map(|(_, wall)| wall),
            alert: self
                .since
                .is_some_and(|(since, _)| now.monotonic.saturating_sub(since) >= SUSTAINED),
        }
    }
}

/// Bytes of the plain files below a directory; links are not followed.
pub(crate) fn usage(path: &Path, depth: u32) -> u64 {
    let Ok(entries) = std::fs::read_dir(path) else {
        return 0;
    };
    let sizes = entries.flatten().map(|entry| match entry.metadata() {
        Ok(meta) if meta.is_dir() && depth > 0 => usage(&entry.path(), depth - 1),
        Ok(meta) if meta.is_file() => meta.len(),
        _ => 0,
    });
    sizes.sum()
}

/// How full the volume is as `df` tells it: what is used of what users may use.
#[expect(clippy::cast_precision_loss, reason = "a ratio")]
fn volume_ratio(path: &Path) -> Option<f64> {
    let volume = rustix::fs::statvfs(path).ok()?;
    let used = volume.f_blocks.saturating_sub(volume.f_bfree);
    let usable = used.saturating_add(volume.f_bavail);
    (usable > 0).then(|| used as f64 / usable as f64)
}

/// The directory at which the path's volume is mounted.
fn mount_of(path: &Path) -> String {
    let device = |path: &Path| std::fs::metadata(path).ok().map(|meta| meta.dev());
    let own = device(path);
    let mut mount = path;
    while let Some(parent) = mount.parent() {
        if own.is_none() || device(parent) != own {
            break;
        }
        mount = parent;
    }
    mount.display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: u64) -> Moment {
        Moment {
            wall: Timestamp::from_unix_millis(minutes * 60_000),
            monotonic: Duration::from_secs(minutes * 60),
        }
    }

    #[test]
    fn a_breach_is_an_alert_after_fifteen_minutes_without_a_break() {
        let dir = tempfile::tempdir().unwrap();
        let mut guard = Guard::new("ops-health", dir.path(), 100);
        assert_eq!(
            guard.judge(100, 0.8, at(0)).breached_since,
            None,
            "at the limit is within it"
        );
        assert!(!guard.judge(101, 0.1, at(1)).alert);
        assert!(!guard.judge(1, 0.81, at(15)).alert);
        let told = guard.judge(101, 0.1, at(16));
        assert_eq!((told.alert, told.breached_since), (true, Some(at(1).wall)));
        assert!(!guard.judge(1, 0.1, at(17)).alert);
        assert!(!guard.judge(101, 0.1, at(18)).alert, "it counts anew");
    }

    #[test]
    fn the_wall_clock_has_no_say_in_how_long_a_breach_has_lasted() {
        let dir = tempfile::tempdir().unwrap();
        let mut guard = Guard::new("ops-health", dir.path(), 0);
        guard.judge(1, 0.0, at(5));
        let jumped = Moment {
            wall: Timestamp::from_unix_millis(u64::MAX / 2),
            ..at(6)
        };
        assert!(!guard.judge(1, 0.0, jumped).alert);
    }

    #[test]
    fn usage_and_ratio_are_those_of_the_disk() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("d")).unwrap();
        std::fs::write(dir.path().join("d/a"), [0; 1000]).unwrap();
        std::fs::write(dir.path().join("b"), [0; 24]).unwrap();
        std::os::unix::fs::symlink(dir.path(), dir.path().join("d/loop")).unwrap();
        let told = Guard::new("ops-health", dir.path(), 10).look(at(0));
        assert_eq!(told.usage_bytes, 1024);
        assert!((0.0..=1.0).contains(&told.volume_usage_ratio));
        assert!(dir.path().starts_with(&told.mount));
    }
}
