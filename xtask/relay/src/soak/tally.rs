//! What the clients count, until the slice is over.

use std::collections::BTreeMap;
use std::time::Duration;

use ops_contracts::control::cycle::SoakSlice;
use parking_lot::Mutex;

/// The most failures that are kept in words.
const TOLD: usize = 100;

/// What was counted since it was last taken.
#[derive(Debug, Default)]
pub(super) struct Tally(Mutex<Counts>);

#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) slice: SoakSlice,
    pub(super) activities: BTreeMap<String, u64>,
    pub(super) errors: Vec<String>,
}

impl Tally {
    fn with(&self, change: impl FnOnce(&mut Counts)) {
        change(&mut self.0.lock());
    }

    pub(super) fn count(&self, change: impl FnOnce(&mut SoakSlice)) {
        self.with(|counts| change(&mut counts.slice));
    }

    /// A request that came out as it should.
    pub(super) fn succeeded(&self, took: Option<Duration>) {
        self.count(|slice| {
            slice.requests += 1;
            if let Some(took) = took {
                slice.latency.record(took.as_secs_f64() * 1_000.0);
            }
        });
    }

    /// One that did not.
    pub(super) fn failed(&self, what: String) {
        self.with(|counts| {
            counts.slice.requests += 1;
            counts.slice.errors += 1;
            if counts.errors.len() < TOLD {
                counts.errors.push(what);
            }
        });
    }

    pub(super) fn did(&self, what: &str) {
        self.with(|counts| *counts.activities.entry(what.to_owned()).or_default() += 1);
    }

    pub(super) fn reconnected(&self, works: bool) {
        self.count(|slice| {
            slice.reconnects += 1;
            slice.reconnects_failed += u64::from(!works);
        });
    }

    /// Everything, and begins anew.
    pub(super) fn take(&self) -> Counts {
        let mut taken = Counts::default();
        self.with(|counts| std::mem::swap(counts, &mut taken));
        taken
    }
}
