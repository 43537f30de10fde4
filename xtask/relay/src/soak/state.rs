//! How far a soak has come, on disk after every slice, so that one that is cut off goes on.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use ops_contracts::control::cycle::SoakInputs;
use xtask::gates::private;

use super::tally::Tally;

/// The most failures that an artifact tells in words.
const TOLD: usize = 100;

/// A soak and where its state is kept.
#[derive(Debug)]
pub(super) struct State {
    file: PathBuf,
    /// What of the time no slice has counted yet.
    ran: Duration,
    pub(super) inputs: SoakInputs,
}

impl State {
    /// Goes on where a soak of the same plan was cut off, or begins.
    pub(super) fn resume(file: &Path, empty: SoakInputs, fresh: bool) -> Self {
        let earlier = std::fs::read_to_string(file).ok();
        let earlier = earlier.and_then(|text| serde_json::from_str::<SoakInputs>(&text).ok());
        let is_same = |earlier: &SoakInputs| {
            !fresh
                && earlier.planned_seconds == empty.planned_seconds
                && earlier.version == empty.version
                && earlier.broken == empty.broken
        };
        let mut inputs = earlier.filter(is_same).unwrap_or(empty);
        inputs.pieces += 1;
        Self {
            file: file.to_owned(),
            // A slice may end a moment before its second is full.
            ran: Duration::from_millis(500),
            inputs,
        }
    }

    /// Seconds that were run.
    pub(super) fn done(&self) -> u64 {
        self.inputs.slices.iter().map(|slice| slice.seconds).sum()
    }

    /// How long a slice is: a minute, or less where the whole is short.
    pub(super) fn slice(&self) -> Duration {
        Duration::from_secs((self.inputs.planned_seconds / 40).clamp(2, 60))
    }

    /// Takes what was counted as a slice, and writes the state.
    pub(super) fn keep(&mut self, tally: &Tally, took: Duration) -> Result<()> {
        let counts = tally.take();
        let mut slice = counts.slice;
        self.ran += took;
        // The rest of a second goes to the next slice.
        slice.seconds = self.ran.as_secs();
        self.ran -= Duration::from_secs(slice.seconds);
        slice.piece = self.inputs.pieces;
        self.inputs.slices.push(slice);
        for (what, times) in counts.activities {
            *self.inputs.activities.entry(what).or_default() += times;
        }
        let room = TOLD.saturating_sub(self.inputs.errors.len());
        self.inputs
            .errors
            .extend(counts.errors.into_iter().take(room));
        let text = serde_json::to_string(&self.inputs)?;
        private::write(&self.file, &text)
            .with_context(|| format!("{} can't be written", self.file.display()))
    }

    /// It is over: the next one begins anew.
    pub(super) fn forget(&self) {
        // Where it is not there, there is nothing to forget.
        let _ = std::fs::remove_file(&self.file);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use ops_contracts::wire::clock::Timestamp;

    use super::*;

    fn empty(planned_seconds: u64) -> SoakInputs {
        SoakInputs {
            started_at: Timestamp::from_unix_millis(0),
            planned_seconds,
            pieces: 0,
            version: "0.2.0".to_owned(),
            browsers: Vec::new(),
            broken: None,
            activities: BTreeMap::new(),
            errors: Vec::new(),
            slices: Vec::new(),
        }
    }

    #[test]
    fn what_was_cut_off_goes_on_and_another_plan_begins_anew() {
        let scratch = tempfile::tempdir().unwrap();
        let file = scratch.path().join("state.json");
        let tally = Tally::default();
        let mut first = State::resume(&file, empty(120), false);
        tally.succeeded(Some(Duration::from_millis(3)));
        tally.did("navigation");
        first.keep(&tally, Duration::from_secs(3)).unwrap();
        let second = State::resume(&file, empty(120), false);
        assert_eq!((second.inputs.pieces, second.done()), (2, 3));
        assert_eq!(second.inputs.slices[0].requests, 1);
        assert_eq!(second.inputs.activities["navigation"], 1);
        for other in [
            State::resume(&file, empty(120), true),
            State::resume(&file, empty(240), false),
        ] {
            assert_eq!((other.inputs.pieces, other.done()), (1, 0));
        }
        second.forget();
        assert_eq!(State::resume(&file, empty(120), false).done(), 0);
    }
}
