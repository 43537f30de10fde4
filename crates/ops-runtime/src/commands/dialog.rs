//! `dialog.*`: telling and answering the open dialog. Runs beside a page command that waits for it.

use std::time::Duration;

use ops_contracts::seam::adapter::{DialogKind, Primitive, TargetKey};
use ops_contracts::wire::command::Empty;
use ops_contracts::wire::command::dialog::{
    AcceptParams, AnswerResult, PolicyParams, PolicyResult, StatusResult,
};
use ops_contracts::wire::receipt::DialogInfo;
use ops_contracts::wire::secret::Secret;
use ops_contracts::{ErrorCode, Fault, Outcome};

use crate::cx::Cx;
use crate::world::Tab;

/// How long an answered dialog's script is waited for, or the document that the page is left for.
const NEXT_WITHIN: Duration = Duration::from_secs(1);

pub(crate) async fn status(cx: &Cx, _: Empty) -> Outcome<StatusResult> {
    let state = cx.world.lock();
    let dialog = state.open_dialog().map(|(_, dialog)| dialog.clone());
    Ok(StatusResult { dialog })
}

/// Holds for the dialogs to come, in a new browser too.
pub(crate) async fn policy(cx: &Cx, params: PolicyParams) -> Outcome<PolicyResult> {
    let mut state = cx.world.lock();
    let previous = std::mem::replace(&mut state.dialog_policy, params.policy);
    Ok(PolicyResult {
        policy: params.policy,
        previous,
        dialog: state.open_dialog().map(|(_, dialog)| dialog.clone()),
    })
}

pub(crate) async fn accept(cx: &Cx, params: AcceptParams) -> Outcome<AnswerResult> {
    answer(cx, true, params.text.map(Secret::into_text)).await
}

pub(crate) async fn dismiss(cx: &Cx, _: Empty) -> Outcome<AnswerResult> {
    answer(cx, false, None).await
}

async fn answer(cx: &Cx, accept: bool, text: Option<String>) -> Outcome<AnswerResult> {
    let (open, mark) = {
        let state = cx.world.lock();
        (
            state
                .open_dialog()
                .map(|(target, dialog)| (target, dialog.clone())),
            state.seq,
        )
    };
    let Some((target, dialog)) = open else {
        return Err(Fault::plain(ErrorCode::OpsDialogMissing));
    };
    cx.waiting_for("the dialog to close");
    cx.perform(Primitive::AnswerDialog {
        target,
        accept,
        text,
    })
    .await?;
    // The page may open the next one at once: that one is newer.
    let answered = |tab: &Tab| tab.dialog.as_ref().is_none_or(|(seq, _)| *seq > mark);
    cx.world
        .until(|state| state.tab(target).is_none_or(answered).then_some(()))
        .await;
    let dialog_opened = if accept && dialog.kind == DialogKind::Beforeunload {
        left(cx, target, mark).await
    } else {
        next(cx, &dialog, mark).await
    };
    Ok(AnswerResult {
        dialog,
        accepted: accept,
        dialog_opened,
    })
}

/// Waits until the page is left for what it was to be left for, or is gone; a dialog of the next document ends the wait too.
async fn left(cx: &Cx, target: TargetKey, mark: u64) -> Option<DialogInfo> {
    let left = cx.world.until(|state| {
        let Some(tab) = state.tab(target) else {
            return Some(None);
        };
        let opened = tab
            .dialog
            .as_ref()
            .filter(|(seq, _)| *seq > mark)
            .map(|(_, dialog)| dialog.clone());
        let failed = tab.nav.failed.as_ref().is_some_and(|(seq, _)| *seq > mark);
        (opened.is_some() || failed || tab.nav.committed_seq > mark).then_some(opened)
    });
    tokio::time::timeout(NEXT_WITHIN, left)
        .await
        .unwrap_or_default()
}

/// The dialog that the page opens next, if the script that the answered one has stopped opens one before it ends.
async fn next(cx: &Cx, answered: &DialogInfo, mark: u64) -> Option<DialogInfo> {
    let page = cx.any_page(Some(&answered.target_id)).ok()?;
    let key = page.key;
    let opened = cx.world.until(|state| {
        state
            .tab(key)?
            .dialog
            .as_ref()
            .filter(|(seq, _)| *seq > mark)
            .map(|(_, dialog)| dialog.clone())
    });
    let none = serde_json::json!({});
    let settled = page.bridge_through::<serde::de::IgnoredAny>(page.main_frame(), "settle", &none);
    tokio::select! {
        biased;
        dialog = opened => Some(dialog),
        _ = settled => None,
        () = tokio::time::sleep(NEXT_WITHIN) => None,
    }
}
