//! Browsers that run and no longer answer, for themselves and not for a page alone: stopped, deadlocked, starved.
//!
//! Nothing tells of that. So where a wait for a browser is long, or comes to its end, the browser is asked what no page is needed for.
//! One that stays silent gets no new sessions; they go to another. It keeps those that it has, which go on when it wakes. When it does not,
//! it is ended, and they are told as they are whenever a browser is lost.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::future::{Either, select};
use ops_contracts::seam::adapter::Browser;
use ops_contracts::{ErrorCode, Outcome};
use tokio::time::timeout;

use super::{Pool, Slot, Using};

/// How long the opening of a context may take before the browser is asked.
const OPENED_WITHIN: Duration = Duration::from_secs(2);

/// How long a browser that is asked may be silent before new sessions go elsewhere.
const PASSED_BY_AFTER: Duration = Duration::from_secs(5);

/// How much longer before it is ended: a machine may have been busy.
const ENDED_AFTER: Duration = Duration::from_secs(55);

impl Pool {
    /// Asks the browser of `slot` whether it answers at all, and draws the consequences when it does not.
    pub(super) fn doubt(self: &Arc<Self>, slot: &Arc<Slot>) {
        if slot.doubted.swap(true, Ordering::Relaxed) {
            return;
        }
        let (pool, slot) = (self.clone(), slot.clone());
        tokio::spawn(async move {
            let browser = slot.browser.lock().await.clone();
            if let Some(browser) = browser {
                pool.ask(&slot, &*browser).await;
            }
            slot.doubted.store(false, Ordering::Relaxed);
        });
    }

    async fn ask(self: &Arc<Self>, slot: &Arc<Slot>, browser: &dyn Browser) {
        // An error is an answer too: who has lost the browser is told of that.
        let mut answer = browser.ping();
        if timeout(PASSED_BY_AFTER, &mut answer).await.is_ok() {
            return;
        }
        let pid = browser.info().pid;
        tracing::warn!(pid, "a browser does not answer: new sessions go to another");
        self.pass_by(slot);
        if timeout(ENDED_AFTER, &mut answer).await.is_ok() {
            tracing::info!(pid, "a browser answers again");
            self.take_back(slot);
            return;
        }
        tracing::warn!(pid, "a browser that does not answer is ended");
        slot.close().await;
    }

    fn pass_by(&self, slot: &Arc<Slot>) {
        let spare = {
            let mut slots = self.slots.lock();
            if slots.remove(slot) {
                slots.apart.push(slot.clone());
            }
            slot.spare.lock().take()
        };
        drop(spare);
        slot.silent.send_replace(true);
    }

    /// New sessions come to it again, unless another browser has taken its place; it keeps its own in any case.
    fn take_back(&self, slot: &Arc<Slot>) {
        let mut slots = self.slots.lock();
        let there = slots.apart.iter().any(|apart| Arc::ptr_eq(apart, slot));
        if there && !slots.open.contains_key(&slot.key) {
            slots.remove(slot);
            slots.open.insert(slot.key.clone(), slot.clone());
        }
        slot.silent.send_replace(false);
    }
}

impl Slot {
    /// Whether new sessions go elsewhere, because the browser did not answer.
    pub(super) fn is_silent(&self) -> bool {
        *self.silent.borrow()
    }
}

impl Using {
    /// What comes of `work`, which the browser has to do; none when it turns out that it does not answer.
    pub(super) async fn answered<T>(
        &self,
        work: impl Future<Output = Outcome<T>>,
    ) -> Outcome<Option<T>> {
        let mut work = pin!(work);
        let outcome = match timeout(OPENED_WITHIN, &mut work).await {
            Ok(outcome) => outcome,
            Err(_) => {
                self.pool.doubt(&self.slot);
                let mut silence = self.slot.silent.subscribe();
                let silent = pin!(silence.wait_for(|silent| *silent));
                match select(work, silent).await {
                    Either::Left((outcome, _)) => outcome,
                    Either::Right(_) => return Ok(None),
                }
            }
        };
        if outcome
            .as_ref()
            .is_err_and(|fault| fault.code == ErrorCode::AdapterTimeout)
        {
            self.pool.doubt(&self.slot);
        }
        outcome.map(Some)
    }
}
