//! `confirm`: commands that wait until another credential than their requester's decides. It never starts a relay.

use client_core::{Failure, Outcome};
use ops_client::{Token, post};
use ops_contracts::ErrorCode;
use ops_contracts::control::access::{
    Confirmation, ConfirmationDecision, ConfirmationList, DecideConfirmation,
};
use serde::de::DeserializeOwned;

use crate::args::verb::Confirm;
use crate::context::Context;

/// Runs the verb; the exit code.
pub(crate) async fn run(context: &Context<'_>, verb: &Confirm) -> Outcome<u8> {
    let relay = context.client.running()?;
    let admin = admin(context)?;
    let (id, decision) = match verb {
        Confirm::List => {
            let text = post::confirmations(&relay.endpoint, admin.as_ref()).await?;
            let list: ConfirmationList = parse(&text)?;
            let lines: Vec<String> = list.confirmations.iter().map(line).collect();
            let shown = if lines.is_empty() {
                "nothing waits".to_owned()
            } else {
                lines.join("\n")
            };
            context.out.line(if context.out.is_json() {
                text.trim()
            } else {
                &shown
            });
            return Ok(0);
        }
        Confirm::Approve { id } => (id, ConfirmationDecision::Approve),
        Confirm::Deny { id } => (id, ConfirmationDecision::Deny),
    };
    let text = post::decide(
        &relay.endpoint,
        admin.as_ref(),
        &DecideConfirmation {
            id: id.clone(),
            decision,
        },
    )
    .await?;
    if context.out.is_json() {
        context.out.line(text.trim());
        return Ok(0);
    }
    let word = if decision == ConfirmationDecision::Approve {
        "approved"
    } else {
        "denied"
    };
    context
        .out
        .line(&format!("{word}: {}", line(&parse::<Confirmation>(&text)?)));
    Ok(0)
}

fn line(asked: &Confirmation) -> String {
    let Confirmation {
        id,
        command,
        params,
        client_id,
        expires_at,
        params_sha256,
        complete,
        ..
    } = asked;
    let rule = asked
        .rule
        .as_ref()
        .map(|rule| format!(", rule {rule:?}"))
        .unwrap_or_default();
    let part = if *complete {
        ""
    } else {
        "  NOT ALL THAT WILL RUN IS SHOWN"
    };
    format!(
        "{id}  {command} {params}{part}  sha256 {params_sha256}  asked by {client_id}{rule}, until {expires_at}"
    )
}

/// The admin token of the environment, where there is one.
fn admin(context: &Context<'_>) -> Outcome<Option<Token>> {
    let token = context
        .environment
        .admin_token
        .as_ref()
        .map(|token| token.parse());
    token.transpose().map_err(|_| {
        Failure::usage("DASHBOARD_ADMIN_TOKEN is no token: 1 to 512 visible ASCII characters")
    })
}

fn parse<T: DeserializeOwned>(text: &str) -> Outcome<T> {
    serde_json::from_str(text)
        .map_err(|error| Failure::new(ErrorCode::CliReplyInvalid, error.to_string()))
}
