//! `pair`: the one-time code by which a client gets its second credential.

use client_core::{Failure, Outcome};

use crate::args::verb::Pair;
use crate::context::Context;

/// Runs the verb; the exit code.
pub(crate) async fn run(context: &Context<'_>, pair: &Pair) -> Outcome<u8> {
    let client = &context.client;
    match &pair.code {
        Some(code) => redeem(context, code).await,
        None if client.remote.is_some() => Err(Failure::usage(
            "a code is shown where the relay runs: odb-cli pair there, then odb-cli pair CODE with --relay here",
        )),
        None if pair.own => {
            // Before a code is opened that nobody would take.
            client.running()?;
            let open = client.open_pairing_code()?;
            redeem(context, &open.code).await
        }
        None => {
            let open = client.open_pairing_code()?;
            if context.out.is_json() {
                let text = serde_json::to_string(&open).map_err(Failure::malformed)?;
                context.out.line(&text);
            } else {
                context.out.line(&open.code);
                context.out.note(&format!(
                    "good for one client until {}: odb-cli pair {}",
                    open.expires_at, open.code
                ));
            }
            Ok(0)
        }
    }
}

async fn redeem(context: &Context<'_>, code: &str) -> Outcome<u8> {
    let paired = context.client.redeem_pairing_code(code).await?;
    if context.out.is_json() {
        context
            .out
            .line(&serde_json::json!({ "pairingId": paired.id }).to_string());
    } else {
        context.out.line(&format!(
            "paired with {} as pairing:{}",
            paired.relay_url, paired.id
        ));
    }
    Ok(0)
}
