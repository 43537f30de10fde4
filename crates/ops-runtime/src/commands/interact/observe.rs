//! What happened while and after an action: the receipt, from the events since the action began.

use std::time::Duration;

use ops_contracts::Outcome;
use ops_contracts::seam::adapter::{NavigationFailureKind, Primitive};
use ops_contracts::wire::receipt::{ChooserInfo, DialogInfo, ElementInfo, Receipt, Settled};

use crate::cx::Page;
use crate::world::State;

/// How long an action waits for a navigation that it began.
const NAVIGATION_WITHIN: Duration = Duration::from_secs(5);

/// How long a navigation that the page asked for may take to begin; what the browser drops never does.
const REQUEST_WITHIN: Duration = Duration::from_millis(500);

/// How long after a navigation was given up the download comes that it turned into.
const DOWNLOAD_WITHIN: Duration = Duration::from_millis(500);

/// Observes a page from before an action on.
pub(super) struct Observation {
    mark: u64,
    url_before: String,
}

impl Observation {
    pub(super) fn begin(page: &Page<'_>) -> Self {
        let state = page.cx.world.lock();
        let url_before = state
            .tab(page.key)
            .map(|tab| tab.nav.url.clone())
            .unwrap_or_default();
        Self {
            mark: state.seq,
            url_before,
        }
    }

    /// Waits until a dialog opens in the page.
    pub(super) async fn dialog(&self, page: &Page<'_>) -> DialogInfo {
        let (key, mark) = (page.key, self.mark);
        page.cx
            .world
            .until(|state| dialog_since(state, key, mark))
            .await
    }

    /// Performs a primitive whose page may open a dialog or go elsewhere under it. False when it did.
    pub(super) async fn through_dialogs(
        &self,
        page: &Page<'_>,
        primitive: Primitive,
    ) -> Outcome<bool> {
        tokio::select! {
            biased;
            sent = page.cx.perform(primitive) => match sent {
                Ok(_) => Ok(true),
                Err(_) if self.going_elsewhere(page) => Ok(false),
                Err(error) => Err(error.into()),
            },
            _ = self.dialog(page) => Ok(false),
        }
    }

    /// Whether the page began to go elsewhere since.
    pub(super) fn going_elsewhere(&self, page: &Page<'_>) -> bool {
        let state = page.cx.world.lock();
        state
            .tab(page.key)
            .is_none_or(|tab| tab.nav.started_seq.max(tab.nav.committed_seq) > self.mark)
    }

    /// Lets the tasks run that the action has queued in the page, so that a navigation that it asked for is known. For
    /// actions without a verdict of their own.
    pub(super) async fn handled(&self, page: &Page<'_>) {
        let none = serde_json::json!({});
        let settle =
            page.bridge_through::<serde::de::IgnoredAny>(page.main_frame(), "settle", &none);
        tokio::select! {
            biased;
            // A document that is gone has handled it as well.
            _ = settle => {}
            _ = self.dialog(page) => {}
        }
    }

    /// Waits until what the action began has settled, and tells what was observed.
    pub(super) async fn receipt(
        &self,
        page: &Page<'_>,
        element: Option<ElementInfo>,
        changed: Option<bool>,
        attempts: u32,
    ) -> Receipt {
        page.cx.waiting_for("the navigation that the action began");
        let (key, mark) = (page.key, self.mark);
        let begun = page.cx.world.until(|state| begun(state, key, mark));
        drop(tokio::time::timeout(REQUEST_WITHIN, begun).await);
        let settled = page.cx.world.until(|state| settled(state, key, mark));
        let settled_by =
            tokio::time::timeout(NAVIGATION_WITHIN.min(page.cx.remaining() / 2), settled)
                .await
                .unwrap_or(Settled::Timeout);
        self.download_begun(page).await;
        self.tell(page, element, changed, attempts, settled_by)
    }

    /// A navigation that turns into a download is given up first: what it turned into comes a moment later.
    async fn download_begun(&self, page: &Page<'_>) {
        let (key, mark) = (page.key, self.mark);
        let given_up = {
            let state = page.cx.world.lock();
            let failed = state.tab(key).and_then(|tab| tab.nav.failed.as_ref());
            failed.is_some_and(|(seq, failure)| {
                *seq > mark && failure.kind == NavigationFailureKind::Aborted
            })
        };
        if given_up {
            let begun = page
                .cx
                .world
                .until(|state| downloading(state, key, mark).then_some(()));
            drop(tokio::time::timeout(DOWNLOAD_WITHIN, begun).await);
        }
    }

    fn tell(
        &self,
        page: &Page<'_>,
        element: Option<ElementInfo>,
        changed: Option<bool>,
        attempts: u32,
        settled_by: Settled,
    ) -> Receipt {
        let mark = self.mark;
        let state = page.cx.world.lock();
        let tab = state.tab(page.key);
        let document_changed = tab.is_some_and(|tab| tab.nav.committed_seq > mark);
        let navigated = document_changed || tab.is_some_and(|tab| tab.nav.url_changed_seq > mark);
        let opened = |opener: Option<&(ops_contracts::seam::adapter::TargetKey, _)>| {
            opener.is_some_and(|(opener, _)| *opener == page.key)
        };
        Receipt {
            element,
            navigated,
            document_changed,
            url_before: self.url_before.clone(),
            url_after: tab.map_or_else(|| self.url_before.clone(), |tab| tab.nav.url.clone()),
            dialog_opened: dialog_since(&state, page.key, mark),
            popups: state
                .tabs
                .iter()
                .filter(|tab| tab.opened_seq > mark && opened(tab.opener.as_ref()))
                .map(|tab| tab.id.clone())
                .collect(),
            downloads: state
                .downloads
                .iter()
                .filter(|(seq, target, _)| *seq > mark && *target == page.key)
                .map(|(_, _, download)| download.clone())
                .collect(),
            file_chooser: tab
                .and_then(|tab| tab.chooser)
                .filter(|(seq, ..)| *seq > mark)
                .map(|(_, _, multiple)| ChooserInfo {
                    multiple,
                    target_id: page.id.clone(),
                }),
            changed: if document_changed {
                Some(true)
            } else {
                changed
            },
            clicks: None,
            settled_by,
            attempts,
        }
    }
}

fn dialog_since(
    state: &State,
    key: ops_contracts::seam::adapter::TargetKey,
    mark: u64,
) -> Option<DialogInfo> {
    state
        .tab(key)?
        .dialog
        .as_ref()
        .filter(|(seq, _)| *seq > mark)
        .map(|(_, dialog)| dialog.clone())
}

/// Nothing while a navigation that the page asked for since has neither begun nor turned into anything else.
fn begun(state: &State, key: ops_contracts::seam::adapter::TargetKey, mark: u64) -> Option<()> {
    let Some(tab) = state.tab(key) else {
        return Some(());
    };
    let nav = &tab.nav;
    let failed = nav.failed.as_ref().map_or(0, |(seq, _)| *seq);
    let followed = nav
        .started_seq
        .max(nav.committed_seq)
        .max(nav.url_changed_seq)
        .max(failed)
        > nav.requested_seq;
    let asked = nav.requested_seq > mark && !followed && !downloading(state, key, mark);
    (!asked || tab.dialog.is_some()).then_some(())
}

fn downloading(state: &State, key: ops_contracts::seam::adapter::TargetKey, mark: u64) -> bool {
    state
        .downloads
        .iter()
        .any(|(seq, target, _)| *seq > mark && *target == key)
}

/// What ended the observation; nothing while a navigation that began since is still under way.
fn settled(
    state: &State,
    key: ops_contracts::seam::adapter::TargetKey,
    mark: u64,
) -> Option<Settled> {
    let Some(tab) = state.tab(key) else {
        return Some(Settled::Closed);
    };
    if dialog_since(state, key, mark).is_some() {
        return Some(Settled::Dialog);
    }
    if tab.nav.pending.is_some() && tab.nav.started_seq > mark {
        return None;
    }
    if tab.nav.committed_seq <= mark {
        return Some(Settled::Handled);
    }
    // Before its deferred scripts have run, a page reacts to the next action as one without scripts would.
    tab.nav.phase.is_some().then_some(Settled::Navigation)
}
