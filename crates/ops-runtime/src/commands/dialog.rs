//! `dialog.*`: telling and answering the open dialog. Runs beside a page command that waits for it.

use ops_contracts::adapter::Primitive;
use ops_contracts::command::dialog::{AnswerResult, StatusResult};
use ops_contracts::{ErrorCode, Fault, Outcome};

use crate::cx::Cx;
use crate::world::Tab;

pub(crate) fn status(cx: &Cx) -> StatusResult {
    StatusResult { dialog: cx.world.lock().open_dialog().map(|(_, dialog)| dialog.clone()) }
}

pub(crate) async fn answer(cx: &Cx, accept: bool, text: Option<String>) -> Outcome<AnswerResult> {
    let (open, mark) = {
        let state = cx.world.lock();
        (state.open_dialog().map(|(target, dialog)| (target, dialog.clone())), state.seq)
    };
    let Some((target, dialog)) = open else { return Err(Fault::plain(ErrorCode::OpsDialogMissing)) };
    cx.waiting_for("the dialog to close");
    cx.perform(Primitive::AnswerDialog { target, accept, text }).await?;
    // The page may open the next one at once: that one is newer.
    let answered = |tab: &Tab| tab.dialog.as_ref().is_none_or(|(seq, _)| *seq > mark);
    cx.world.until(|state| state.tab(target).is_none_or(answered).then_some(())).await;
    Ok(AnswerResult { dialog, accepted: accept })
}
