//! What an adapter has observed of a browser: changed by one event at a time, reported afterwards, and waited for by whoever needs it.
//!
//! It keeps the seam's rule of order. What an event changes is there before it is reported to the seam, and who waits for a change is woken when
//! it has been reported. It knows no event of any protocol and no runtime: waiting sets no deadline.

use std::collections::HashMap;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use parking_lot::{MappedMutexGuard, Mutex, MutexGuard};

use crate::seam::adapter::{CONNECTION_ENDED, Event, EventSink};

/// What has been observed, and who waits for it to change.
pub struct Observed<S> {
    /// Guards the state with its count of changes and those who wait, so that nobody who has looked misses what changes next. Held for
    /// one look or one event's changes, and never while a sink hears of it or a task is woken: both may come back here.
    kept: Mutex<Kept<S>>,
}

struct Kept<S> {
    state: S,
    /// Of those that somebody may wait for.
    changes: u64,
    waiting: HashMap<u64, Waker>,
    last_waiter: u64,
}

/// What is to be reported of one event, once the state has been changed.
#[derive(Default)]
pub struct Telling {
    events: Vec<(Arc<dyn EventSink>, Event)>,
    changed: bool,
}

impl Telling {
    /// Tells a context's sink.
    pub fn tell(&mut self, sink: &Arc<dyn EventSink>, event: Event) {
        self.events.push((Arc::clone(sink), event));
    }

    /// Tells every context that the browser is gone, and wakes those who wait.
    pub fn lost(&mut self, sinks: impl Iterator<Item = Arc<dyn EventSink>>) {
        self.events.extend(sinks.map(|sink| {
            let reason = CONNECTION_ENDED.to_owned();
            (sink, Event::Disconnected { reason })
        }));
        self.changed();
    }

    /// Wakes those who wait.
    pub fn changed(&mut self) {
        self.changed = true;
    }
}

impl<S: Default> Default for Observed<S> {
    fn default() -> Self {
        Self {
            kept: Mutex::new(Kept {
                state: S::default(),
                changes: 0,
                waiting: HashMap::new(),
                last_waiter: 0,
            }),
        }
    }
}

impl<S> Observed<S> {
    /// The state. What is changed so is not reported.
    pub fn lock(&self) -> MappedMutexGuard<'_, S> {
        MutexGuard::map(self.kept.lock(), |kept| &mut kept.state)
    }

    /// Takes one event: `take` changes the state and says what is to be reported, which happens when the state is free again.
    pub fn turn(&self, take: impl FnOnce(&mut S, &mut Telling)) {
        let mut telling = Telling::default();
        take(&mut self.lock(), &mut telling);
        for (sink, event) in telling.events {
            sink.emit(event);
        }
        if telling.changed {
            let mut kept = self.kept.lock();
            kept.changes += 1;
            let woken = std::mem::take(&mut kept.waiting);
            drop(kept);
            woken.into_values().for_each(Waker::wake);
        }
    }

    /// Waits until `check` finds something in the state: it looks now, and after every change.
    pub async fn until<T>(&self, mut check: impl FnMut(&mut S) -> Option<T>) -> T {
        let mut waiter = Waiter {
            observed: self,
            number: None,
            seen: None,
        };
        poll_fn(|cx| waiter.poll(&mut check, cx)).await
    }
}

/// One who waits. Dropping it leaves nothing behind.
struct Waiter<'a, S> {
    observed: &'a Observed<S>,
    number: Option<u64>,
    /// The count of changes at the last look.
    seen: Option<u64>,
}

impl<S> Waiter<'_, S> {
    fn poll<T>(
        &mut self,
        check: &mut impl FnMut(&mut S) -> Option<T>,
        cx: &mut Context<'_>,
    ) -> Poll<T> {
        let mut kept = self.observed.kept.lock();
        // Whoever is polled for another reason looks when the change has been reported, as all do.
        if self.seen != Some(kept.changes) {
            self.seen = Some(kept.changes);
            if let Some(found) = check(&mut kept.state) {
                return Poll::Ready(found);
            }
        }
        let number = *self.number.get_or_insert_with(|| {
            kept.last_waiter += 1;
            kept.last_waiter
        });
        kept.waiting.insert(number, cx.waker().clone());
        Poll::Pending
    }
}

impl<S> Drop for Waiter<'_, S> {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            self.observed.kept.lock().waiting.remove(&number);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    impl Woken {
        fn count(&self) -> usize {
            self.0.load(Ordering::Relaxed)
        }
    }

    /// Looks into the state during a report, and notes what it finds with how many were woken by then.
    struct Looking {
        observed: Arc<Observed<u32>>,
        woken: Arc<Woken>,
        found: Mutex<Vec<(u32, usize)>>,
    }

    impl EventSink for Looking {
        fn emit(&self, _: Event) {
            let now = (*self.observed.lock(), self.woken.count());
            self.found.lock().push(now);
        }
    }

    fn lost() -> Event {
        Event::Disconnected {
            reason: "over".to_owned(),
        }
    }

    #[test]
    fn what_changed_is_there_before_it_is_reported_and_reported_before_anybody_is_woken() {
        let (observed, woken) = (Arc::new(Observed::default()), Arc::new(Woken::default()));
        let looking = Arc::new(Looking {
            observed: Arc::clone(&observed),
            woken: Arc::clone(&woken),
            found: Mutex::default(),
        });
        let sink: Arc<dyn EventSink> = looking.clone();
        let waker = Waker::from(Arc::clone(&woken));
        let mut cx = Context::from_waker(&waker);
        let mut waiting = pin!(observed.until(|state| (*state == 2).then_some("two")));
        assert!(waiting.as_mut().poll(&mut cx).is_pending());
        for next in 1..=2 {
            observed.turn(|state, telling| {
                *state = next;
                telling.tell(&sink, lost());
                telling.changed();
            });
            assert_eq!(waiting.as_mut().poll(&mut cx).is_ready(), next == 2);
        }
        assert_eq!(*looking.found.lock(), [(1, 0), (2, 1)]);
        assert_eq!(woken.count(), 2);
    }

    #[test]
    fn a_turn_that_changes_nothing_wakes_nobody() {
        let (observed, woken) = (Observed::<u32>::default(), Arc::new(Woken::default()));
        let waker = Waker::from(Arc::clone(&woken));
        let mut cx = Context::from_waker(&waker);
        let mut waiting = pin!(observed.until(|state| (*state == 1).then_some(())));
        assert!(waiting.as_mut().poll(&mut cx).is_pending());
        observed.turn(|state, _| *state = 1);
        assert_eq!(woken.count(), 0);
        assert!(waiting.as_mut().poll(&mut cx).is_pending());
        observed.turn(|_, telling| telling.changed());
        assert_eq!(woken.count(), 1);
        assert!(waiting.as_mut().poll(&mut cx).is_ready());
    }

    #[test]
    fn whoever_gives_up_waiting_leaves_nothing_behind() {
        let observed = Observed::<u32>::default();
        let mut cx = Context::from_waker(Waker::noop());
        {
            let mut waiting = pin!(observed.until(|_| None::<()>));
            for _ in 0..3 {
                assert!(waiting.as_mut().poll(&mut cx).is_pending());
            }
            assert_eq!(observed.kept.lock().waiting.len(), 1);
        }
        assert_eq!(observed.kept.lock().waiting.len(), 0);
    }
}
