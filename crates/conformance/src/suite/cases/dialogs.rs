//! Dialogs: in the middle of a click, answered over the control lane, by policy, and what they block.

use ops_contracts::ErrorCode;
use ops_contracts::seam::adapter::DialogKind;
use ops_contracts::wire::command::dialog::{AcceptParams, PolicyParams};
use ops_contracts::wire::command::session::{CreateParams, DialogPolicy};
use ops_contracts::wire::command::{
    DialogAccept, DialogDismiss, DialogPolicy as SetPolicy, DialogStatus, Empty,
};
use ops_contracts::wire::frame::EventName;
use ops_contracts::wire::receipt::Settled;

use super::super::check::{Outcome, equal, refused, reported};
use super::super::fixture::{Failure, Fixture};
use super::super::verbs::button;

pub(super) async fn a_click_that_opens_one_returns_and_the_page_waits(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/pages/dialogs.html").await?;
    let receipt = session.click(button("Alert")).await?.receipt;
    let dialog = receipt
        .dialog_opened
        .ok_or_else(|| Failure::new("no dialog in the receipt"))?;
    equal(
        (dialog.kind, dialog.message.as_str()),
        (DialogKind::Alert, "Kiln is hot"),
    )?;
    equal(receipt.settled_by, Settled::Dialog)?;
    equal(
        session.call::<DialogStatus>(&Empty {}).await?.dialog,
        Some(dialog.clone()),
    )?;
    equal(session.status().await?.dialog, Some(dialog))?;
    refused(session.title().await, ErrorCode::OpsDialogOpen)?;
    refused(
        session.click(button("Alert")).await,
        ErrorCode::OpsDialogOpen,
    )?;
    equal(session.url().await?, f.site.url("/pages/dialogs.html"))?;
    reported(&f.site, "alert", 0).await?;
    session
        .call::<DialogAccept>(&AcceptParams::default())
        .await?;
    reported(&f.site, "alert", 1).await?;
    equal(session.title().await?.as_str(), "Dialogs")
}

pub(super) async fn one_is_answered_over_the_control_lane_while_a_command_runs(
    f: &Fixture,
) -> Outcome {
    let session = f.session().await?;
    session.goto("/pages/dialogs.html").await?;
    let events = session.listen()?;
    let answer = async {
        events.wait_for(EventName::DialogOpened).await?;
        Ok::<_, Failure>(
            session
                .call::<DialogAccept>(&AcceptParams::default())
                .await?,
        )
    };
    let (clicked, answered) = tokio::join!(session.click(button("Confirm")), answer);
    clicked?;
    let answered = answered?;
    equal(
        (answered.dialog.kind, answered.accepted),
        (DialogKind::Confirm, true),
    )?;
    reported(&f.site, "confirm-true", 1).await?;
    reported(&f.site, "confirm-false", 0).await
}

pub(super) async fn a_prompt_takes_a_text(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/pages/dialogs.html").await?;
    let receipt = session.click(button("Prompt")).await?.receipt;
    let dialog = receipt
        .dialog_opened
        .ok_or_else(|| Failure::new("no dialog in the receipt"))?;
    equal(
        (dialog.kind, dialog.default_text.as_deref()),
        (DialogKind::Prompt, Some("Lake")),
    )?;
    session
        .call::<DialogAccept>(&AcceptParams {
            text: Some("Ash ✓".into()),
        })
        .await?;
    equal(session.text("#out").await?.as_str(), "prompt: \"Ash ✓\"")?;
    session.click(button("Prompt")).await?;
    session.call::<DialogDismiss>(&Empty {}).await?;
    equal(session.text("#out").await?.as_str(), "prompt: null")?;
    reported(&f.site, "prompt", 2).await
}

pub(super) async fn one_after_another_is_answered_one_by_one(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/pages/dialogs.html").await?;
    session.click(button("Two alerts")).await?;
    let first = session
        .call::<DialogAccept>(&AcceptParams::default())
        .await?
        .dialog;
    equal(first.message.as_str(), "First")?;
    for _ in 0..1_000 {
        match session.call::<DialogStatus>(&Empty {}).await?.dialog {
            Some(dialog) => {
                equal(dialog.message.as_str(), "Second")?;
                break;
            }
            None => tokio::task::yield_now().await,
        }
    }
    session.call::<DialogDismiss>(&Empty {}).await?;
    equal(session.text("#out").await?.as_str(), "both")
}

pub(super) async fn without_one_there_is_nothing_to_answer(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    equal(session.call::<DialogStatus>(&Empty {}).await?.dialog, None)?;
    refused(
        session.call::<DialogAccept>(&AcceptParams::default()).await,
        ErrorCode::OpsDialogMissing,
    )?;
    refused(
        session.call::<DialogDismiss>(&Empty {}).await,
        ErrorCode::OpsDialogMissing,
    )?;
    Ok(())
}

pub(super) async fn a_policy_answers_by_itself(f: &Fixture) -> Outcome {
    for (policy, id) in [
        (DialogPolicy::Accept, "confirm-true"),
        (DialogPolicy::Dismiss, "confirm-false"),
    ] {
        let session = f
            .session_with(CreateParams {
                dialog_policy: policy,
                ..CreateParams::default()
            })
            .await?;
        session.goto("/pages/dialogs.html").await?;
        equal(
            session
                .click(button("Confirm"))
                .await?
                .receipt
                .dialog_opened,
            None,
        )?;
        reported(&f.site, id, 1).await?;
        equal(session.text("#out").await?.as_str(), id)?;
    }
    Ok(())
}

pub(super) async fn one_that_opens_under_a_wait_ends_it(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/pages/dialogs.html").await?;
    session.click(button("Alert in 200 ms")).await?;
    let waited = session
        .wait(super::super::verbs::until("#never", Default::default()))
        .await;
    let fault = refused(waited, ErrorCode::OpsDialogOpen)?;
    equal(
        fault
            .details
            .get("dialog")
            .and_then(|dialog| dialog.get("message")?.as_str()),
        Some("Later"),
    )?;
    session.call::<DialogDismiss>(&Empty {}).await?;
    reported(&f.site, "later", 1).await
}

pub(super) async fn the_policy_is_changed_while_the_session_runs(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/pages/dialogs.html").await?;
    session.click(button("Confirm")).await?;
    let changed = session
        .call::<SetPolicy>(&PolicyParams {
            policy: DialogPolicy::Dismiss,
        })
        .await?;
    equal(
        (changed.previous, changed.policy),
        (DialogPolicy::Ask, DialogPolicy::Dismiss),
    )?;
    // The one that is open waits for its answer as it did.
    equal(
        changed.dialog.map(|dialog| dialog.kind),
        Some(DialogKind::Confirm),
    )?;
    session
        .call::<DialogAccept>(&AcceptParams::default())
        .await?;
    reported(&f.site, "confirm-true", 1).await?;
    equal(
        session
            .click(button("Confirm"))
            .await?
            .receipt
            .dialog_opened,
        None,
    )?;
    reported(&f.site, "confirm-false", 1).await?;
    let changed = session
        .call::<SetPolicy>(&PolicyParams {
            policy: DialogPolicy::Accept,
        })
        .await?;
    equal(
        (changed.previous, changed.dialog),
        (DialogPolicy::Dismiss, None),
    )?;
    session.click(button("Confirm")).await?;
    reported(&f.site, "confirm-true", 2).await?;
    session
        .call::<SetPolicy>(&PolicyParams {
            policy: DialogPolicy::Ask,
        })
        .await?;
    equal(
        session
            .click(button("Alert"))
            .await?
            .receipt
            .dialog_opened
            .map(|dialog| dialog.kind),
        Some(DialogKind::Alert),
    )
}
