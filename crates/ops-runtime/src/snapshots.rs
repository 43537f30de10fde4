//! What has changed between two snapshots: the lines of the last few are kept as hashes, and a later one is told as hunks.
//!
//! It reads no page and keeps no text.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::{Duration, Instant};

use ops_contracts::seam::adapter::TargetKey;
use ops_contracts::wire::command::dom::{SnapshotDelta, SnapshotMode};
use similar::{Algorithm, DiffTag, capture_diff_slices_deadline};

/// How many snapshots of a session are remembered: eight bytes a line.
const REMEMBERED: usize = 8;
/// How long the search for the smallest change may take; what is found until then is as right, but longer.
const SEARCH: Duration = Duration::from_millis(100);

/// What a snapshot is of. Only snapshots of the same have a difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Subject {
    pub(crate) target: TargetKey,
    pub(crate) document: u64,
    pub(crate) mode: SnapshotMode,
    pub(crate) urls: bool,
    /// Frame number and element number.
    pub(crate) root: Option<(u32, u32)>,
}

#[derive(Debug)]
struct Kept {
    id: u64,
    subject: Subject,
    lines: Vec<u64>,
}

/// The snapshots that a session remembers.
#[derive(Debug, Default)]
pub(crate) struct Snapshots {
    last: u64,
    kept: VecDeque<Kept>,
}

/// A change as text, and how large it is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) text: String,
    pub(crate) delta: SnapshotDelta,
}

impl Snapshots {
    /// Remembers a snapshot and names it; what has changed since the one named `since`, where that is known and comparable and the
    /// change is no longer than `max` characters.
    pub(crate) fn take(
        &mut self,
        subject: Subject,
        lines: &[String],
        since: Option<&str>,
        max: usize,
    ) -> (String, Option<Change>) {
        let hashes: Vec<u64> = lines.iter().map(|line| hash(line)).collect();
        let earlier = since.and_then(|since| {
            let id = since.strip_prefix('s')?.parse::<u64>().ok()?;
            self.kept
                .iter()
                .find(|kept| kept.id == id && kept.subject == subject)
        });
        let change = earlier.and_then(|earlier| change(earlier, &hashes, lines, max));
        self.last += 1;
        self.kept.push_back(Kept {
            id: self.last,
            subject,
            lines: hashes,
        });
        if self.kept.len() > REMEMBERED {
            self.kept.pop_front();
        }
        (format!("s{}", self.last), change)
    }
}

fn hash(line: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    line.hash(&mut hasher);
    hasher.finish()
}

fn change(earlier: &Kept, hashes: &[u64], lines: &[String], max: usize) -> Option<Change> {
    let deadline = Instant::now() + SEARCH;
    let (mut text, mut removed, mut added, mut chars) = (String::new(), 0, 0, 0);
    for op in capture_diff_slices_deadline(Algorithm::Myers, &earlier.lines, hashes, Some(deadline))
    {
        let (tag, old, new) = op.as_tag_tuple();
        if tag == DiffTag::Equal {
            continue;
        }
        let before = text.len();
        let _ = writeln!(text, "@@ {} -{} +{}", old.start + 1, old.len(), new.len());
        for line in &lines[new.clone()] {
            text.push_str(line);
            text.push('\n');
        }
        chars += text[before..].chars().count();
        if chars > max {
            return None;
        }
        removed += old.len();
        added += new.len();
    }
    text.pop();
    let count = |lines: usize| u32::try_from(lines).unwrap_or(u32::MAX);
    let delta = SnapshotDelta {
        since: format!("s{}", earlier.id),
        removed: count(removed),
        added: count(added),
    };
    Some(Change { text, delta })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject(document: u64) -> Subject {
        Subject {
            target: TargetKey(1),
            document,
            mode: SnapshotMode::Full,
            urls: false,
            root: None,
        }
    }

    fn lines(text: &str) -> Vec<String> {
        text.chars().map(|letter| format!("- {letter}")).collect()
    }

    /// What a client makes of the earlier lines and a change.
    fn applied(earlier: &[String], text: &str) -> Vec<String> {
        let (mut result, mut at) = (Vec::new(), 0);
        for line in text.lines() {
            let Some(hunk) = line.strip_prefix("@@ ") else {
                result.push(line.to_owned());
                continue;
            };
            let numbers: Vec<usize> = hunk
                .split(' ')
                .map(|part| part.trim_start_matches(['-', '+']).parse().unwrap())
                .collect();
            result.extend_from_slice(&earlier[at..numbers[0] - 1]);
            at = numbers[0] - 1 + numbers[1];
        }
        result.extend_from_slice(&earlier[at..]);
        result
    }

    #[test]
    fn a_change_is_the_difference_of_two_snapshots() {
        // Words over a small alphabet repeat themselves, which is where differences go wrong.
        let mut state = 7_u64;
        let mut random = |below: u64| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below
        };
        for round in 0..500 {
            let mut word = |most: u64| -> String {
                (0..random(most))
                    .map(|_| char::from(b'a' + u8::try_from(random(3 + round % 5)).unwrap()))
                    .collect()
            };
            let (before, after) = (lines(&word(30)), lines(&word(30)));
            let mut snapshots = Snapshots::default();
            let (id, _) = snapshots.take(subject(1), &before, None, 10_000);
            let (_, change) = snapshots.take(subject(1), &after, Some(&id), 10_000);
            let change = change.unwrap();
            assert_eq!(
                applied(&before, &change.text),
                after,
                "{before:?} {change:?}"
            );
            assert_eq!(
                before.len() + change.delta.added as usize,
                after.len() + change.delta.removed as usize
            );
        }
    }

    #[test]
    fn one_changed_line_is_one_hunk_and_no_change_is_no_text() {
        let mut snapshots = Snapshots::default();
        let (id, none) = snapshots.take(subject(1), &lines("abcd"), None, 100);
        assert_eq!((id.as_str(), none), ("s1", None));
        let (id, change) = snapshots.take(subject(1), &lines("abxd"), Some("s1"), 100);
        assert_eq!(change.unwrap().text, "@@ 3 -1 +1\n- x");
        let (_, change) = snapshots.take(subject(1), &lines("abxd"), Some(&id), 100);
        assert_eq!(
            change.unwrap(),
            Change {
                text: String::new(),
                delta: SnapshotDelta {
                    since: id,
                    removed: 0,
                    added: 0
                }
            }
        );
    }

    #[test]
    fn what_cannot_be_compared_has_no_change() {
        let mut snapshots = Snapshots::default();
        let (id, _) = snapshots.take(subject(1), &lines("ab"), None, 100);
        assert_eq!(
            snapshots.take(subject(2), &lines("ab"), Some(&id), 100).1,
            None,
            "another document"
        );
        assert_eq!(
            snapshots.take(subject(1), &lines("ab"), Some("s99"), 100).1,
            None,
            "unknown"
        );
        assert_eq!(
            snapshots.take(subject(1), &lines("xyz"), Some(&id), 5).1,
            None,
            "larger than the budget"
        );
        for _ in 0..REMEMBERED {
            snapshots.take(subject(1), &lines("ab"), None, 100);
        }
        assert_eq!(
            snapshots.take(subject(1), &lines("ab"), Some(&id), 100).1,
            None,
            "forgotten"
        );
    }
}
