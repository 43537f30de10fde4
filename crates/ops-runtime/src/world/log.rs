//! A log that is bounded in entries and in bytes, is read from a cursor on, and counts what it lost.

use std::collections::VecDeque;

use ops_contracts::wire::command::diagnostics::{ConsoleEntry, ErrorEntry};

/// What an entry costs, whatever is in it.
const ENTRY_COST: usize = 256;

/// An entry of a log.
pub(crate) trait Entry: Clone {
    /// Bytes of memory that its texts own.
    fn text_bytes(&self) -> usize;
}

impl Entry for ConsoleEntry {
    fn text_bytes(&self) -> usize {
        self.text.capacity() + self.location.as_ref().map_or(0, String::capacity)
    }
}

impl Entry for ErrorEntry {
    fn text_bytes(&self) -> usize {
        let optional = |text: &Option<String>| text.as_ref().map_or(0, String::capacity);
        self.text.capacity() + optional(&self.stack) + optional(&self.location)
    }
}

/// Entries with numbers from 0 on; the oldest go first.
pub(crate) struct Log<T> {
    entries: VecDeque<T>,
    next: u64,
    max: usize,
    bytes: usize,
    max_bytes: usize,
}

impl<T: Entry> Log<T> {
    /// A log of at most `max` entries that own at most `max_bytes` bytes together.
    pub(crate) fn new(max: usize, max_bytes: usize) -> Self {
        Self {
            entries: VecDeque::new(),
            next: 0,
            max,
            bytes: 0,
            max_bytes,
        }
    }

    /// Adds the entry that `make` makes of its number.
    pub(crate) fn push(&mut self, make: impl FnOnce(u64) -> T) {
        let entry = make(self.next);
        self.bytes += cost(&entry);
        self.entries.push_back(entry);
        self.next += 1;
        while self.entries.len() > self.max || self.bytes > self.max_bytes {
            let Some(oldest) = self.entries.pop_front() else {
                break;
            };
            self.bytes -= cost(&oldest);
        }
    }

    #[cfg(test)]
    pub(crate) fn owned_bytes(&self) -> usize {
        self.entries.iter().map(cost).sum()
    }

    /// At most `limit` entries from `since` on that `wanted` wants: (entries, where to go on, how many were lost).
    pub(crate) fn read(
        &self,
        since: u64,
        limit: usize,
        wanted: impl Fn(&T) -> bool,
    ) -> (Vec<T>, u64, u64) {
        let first = self.next - self.entries.len() as u64;
        let lost = first.saturating_sub(since);
        let mut at = since.clamp(first, self.next);
        let mut found = Vec::new();
        while at < self.next && found.len() < limit {
            let index = usize::try_from(at - first).unwrap_or(usize::MAX);
            found.extend(
                self.entries
                    .get(index)
                    .filter(|entry| wanted(entry))
                    .cloned(),
            );
            at += 1;
        }
        (found, at, lost)
    }
}

fn cost(entry: &impl Entry) -> usize {
    ENTRY_COST + entry.text_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Entry for u64 {
        fn text_bytes(&self) -> usize {
            0
        }
    }

    impl Entry for String {
        fn text_bytes(&self) -> usize {
            self.capacity()
        }
    }

    #[test]
    fn a_log_owns_no_more_bytes_than_it_may() {
        let mut log = Log::new(1_000, 10_000);
        for _ in 0..100 {
            log.push(|_| "x".repeat(1_000));
            let owned: usize = log.entries.iter().map(cost).sum();
            assert_eq!(log.bytes, owned);
            assert!(owned <= 10_000, "{owned}");
        }
        let (entries, _, lost) = log.read(0, 1_000, |_| true);
        assert_eq!((entries.len(), lost), (7, 93));
        log.push(|_| "x".repeat(20_000));
        assert_eq!(
            (log.entries.len(), log.bytes),
            (0, 0),
            "too large to be kept at all"
        );
        assert_eq!(log.read(0, 9, |_| true), (vec![], 101, 101));
    }

    #[test]
    fn a_cursor_goes_on_and_losses_are_counted() {
        let mut log = Log::new(3, usize::MAX);
        for _ in 0..5 {
            log.push(|seq: u64| seq);
        }
        assert_eq!(log.read(0, 10, |_| true), (vec![2, 3, 4], 5, 2));
        assert_eq!(log.read(0, 2, |_| true), (vec![2, 3], 4, 2));
        assert_eq!(log.read(4, 10, |_| true), (vec![4], 5, 0));
        assert_eq!(log.read(9, 10, |_| true), (vec![], 5, 0));
        assert_eq!(log.read(0, 1, |seq| *seq > 2), (vec![3], 4, 2));
    }
}
