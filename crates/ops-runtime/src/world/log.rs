//! A bounded log that is read from a cursor on and counts what it lost.

use std::collections::VecDeque;

/// The longest text of an entry, in characters.
const MAX_TEXT: usize = 4_000;

/// Entries with numbers from 0 on; the oldest go first.
pub(crate) struct Log<T> {
    entries: VecDeque<T>,
    next: u64,
    max: usize,
}

impl<T: Clone> Log<T> {
    pub(crate) fn new(max: usize) -> Self {
        Self {
            entries: VecDeque::new(),
            next: 0,
            max,
        }
    }

    /// Adds the entry that `make` makes of its number.
    pub(crate) fn push(&mut self, make: impl FnOnce(u64) -> T) {
        if self.entries.len() == self.max {
            self.entries.pop_front();
        }
        self.entries.push_back(make(self.next));
        self.next += 1;
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

/// Cuts a text at the longest length of an entry.
pub(super) fn cut(mut text: String) -> String {
    if let Some((at, _)) = text.char_indices().nth(MAX_TEXT) {
        text.truncate(at);
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_goes_on_and_losses_are_counted() {
        let mut log = Log::new(3);
        for _ in 0..5 {
            log.push(|seq| seq);
        }
        assert_eq!(log.read(0, 10, |_| true), (vec![2, 3, 4], 5, 2));
        assert_eq!(log.read(0, 2, |_| true), (vec![2, 3], 4, 2));
        assert_eq!(log.read(4, 10, |_| true), (vec![4], 5, 0));
        assert_eq!(log.read(9, 10, |_| true), (vec![], 5, 0));
        assert_eq!(log.read(0, 1, |seq| *seq > 2), (vec![3], 4, 2));
    }
}
