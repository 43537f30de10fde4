//! The sockets that have not shown the token yet: one pool for all peers, so that strangers can't use up what authenticated
//! clients need. When it is full, the oldest of them has to go.

use std::collections::BTreeMap;

use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until};

/// The most sockets that have not authenticated.
pub(crate) const CAPACITY: usize = 256;

/// How long a socket may take for its first word before it makes room for others.
const FIRST_WORD: Duration = Duration::from_millis(50);

/// The same where the peers have to shake hands first: a turn there and back, and some computing.
const FIRST_WORD_SECURE: Duration = Duration::from_millis(200);

/// A socket's number, in order of arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Ticket(u64);

struct Stranger {
    stay: oneshot::Sender<()>,
    since: Instant,
}

#[derive(Default)]
struct Waiting {
    next: u64,
    /// Dropping a sender tells its socket to go.
    sockets: BTreeMap<Ticket, Stranger>,
}

/// The pool.
pub(crate) struct Pool {
    waiting: Mutex<Waiting>,
    first_word: Duration,
}

impl Pool {
    pub(crate) fn new(secure: bool) -> Self {
        Self {
            waiting: Mutex::default(),
            first_word: if secure {
                FIRST_WORD_SECURE
            } else {
                FIRST_WORD
            },
        }
    }

    /// Waits until a socket can be taken in without cutting one that has only just come. A peer that speaks at once is
    /// known long before its time is over, so that a flood can't have it cut.
    pub(crate) async fn room(&self) {
        let oldest = {
            let waiting = self.lock();
            if waiting.sockets.len() < CAPACITY {
                None
            } else {
                waiting
                    .sockets
                    .first_key_value()
                    .map(|(_, oldest)| oldest.since)
            }
        };
        if let Some(since) = oldest {
            sleep_until(since + self.first_word).await;
        }
    }

    /// Takes a socket in. The receiver ends with an error when the socket has to go, and with a value when it may stay.
    pub(crate) fn enter(&self) -> (Ticket, oneshot::Receiver<()>) {
        let (stay, evicted) = oneshot::channel();
        let mut waiting = self.lock();
        if waiting.sockets.len() >= CAPACITY {
            waiting.sockets.pop_first();
        }
        let ticket = Ticket(waiting.next);
        waiting.next += 1;
        waiting.sockets.insert(
            ticket,
            Stranger {
                stay,
                since: Instant::now(),
            },
        );
        (ticket, evicted)
    }

    /// The socket has authenticated: it may stay.
    pub(crate) fn admit(&self, ticket: Ticket) {
        if let Some(stay) = self.lock().sockets.remove(&ticket) {
            // The receiver is gone where the socket has ended meanwhile.
            let _ = stay.stay.send(());
        }
    }

    /// The socket is gone.
    pub(crate) fn leave(&self, ticket: Ticket) {
        self.lock().sockets.remove(&ticket);
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_stranger_makes_room_and_authenticated_sockets_stay() {
        let pool = Pool::new(false);
        let (known, mut known_stays) = pool.enter();
        pool.admit(known);
        assert_eq!(known_stays.try_recv(), Ok(()));
        let mut strangers: Vec<_> = (0..CAPACITY).map(|_| pool.enter().1).collect();
        assert_eq!(
            strangers[0].try_recv(),
            Err(oneshot::error::TryRecvError::Empty)
        );
        let (latest, mut latest_stays) = pool.enter();
        assert_eq!(
            strangers[0].try_recv(),
            Err(oneshot::error::TryRecvError::Closed)
        );
        assert_eq!(
            strangers[1].try_recv(),
            Err(oneshot::error::TryRecvError::Empty)
        );
        pool.leave(latest);
        assert_eq!(
            latest_stays.try_recv(),
            Err(oneshot::error::TryRecvError::Closed)
        );
    }
}
