//! `pair`: the one-time code by which a client gets its second credential, and where that is kept.

use ops_client::{Token, post};
use ops_contracts::ErrorCode;
use ops_contracts::wire::http::OpenCode;
use ops_contracts::wire::http::home::PAIRING_CODE;
use serde::Serialize;
use std::time::Duration;

use crate::args::verb::Pair;
use crate::context::Context;
use crate::daemon;
use crate::failure::{Failure, Outcome};

/// How long a code is open.
const CODE_TTL: Duration = Duration::from_secs(300);

/// Letters and digits that nobody takes for one another.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Runs the verb; the exit code.
pub(crate) async fn run(context: &Context<'_>, pair: &Pair) -> Outcome<u8> {
    match &pair.code {
        Some(code) => redeem(context, code).await,
        None if context.global.relay.is_some() => Err(Failure::usage(
            "a code is shown where the relay runs: odb-cli pair there, then odb-cli pair CODE with --relay here",
        )),
        None if pair.own => {
            // Before a code is opened that nobody would take.
            daemon::running(context)?;
            let open = show(context)?;
            redeem(context, &open.code).await
        }
        None => {
            let open = show(context)?;
            if context.out.is_json() {
                context.out.line(&json(&open)?);
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

/// Opens a code in this home; one that was open before is void.
fn show(context: &Context<'_>) -> Outcome<OpenCode> {
    let random = (context.environment.random)();
    let random = random
        .ok_or_else(|| Failure::new(ErrorCode::CliStateInvalid, "the system has no random bits"))?;
    let open = OpenCode {
        code: code(random),
        expires_at: (context.environment.now)().plus(CODE_TTL),
    };
    context.home.write(PAIRING_CODE, &(json(&open)? + "\n"))?;
    Ok(open)
}

async fn redeem(context: &Context<'_>, code: &str) -> Outcome<u8> {
    let relay = daemon::running(context)?;
    let paired = post::pair(&relay.endpoint, code).await?;
    context.home.write(
        &file(context, &relay.endpoint.url.to_string()),
        &format!("{}\n", paired.token.bare()),
    )?;
    if context.out.is_json() {
        // The token goes to its file and nowhere else.
        context
            .out
            .line(&serde_json::json!({ "pairingId": paired.id }).to_string());
    } else {
        context.out.line(&format!(
            "paired with {} as pairing:{}",
            relay.endpoint.url, paired.id
        ));
    }
    Ok(0)
}

/// The pairing token for the relay at `url`, where this installation has one.
///
/// # Errors
/// `cli_state_invalid` where its file is open to others or holds no token.
pub(crate) fn stored(context: &Context<'_>, url: &str) -> Outcome<Option<Token>> {
    let name = file(context, url);
    let Some(text) = context.home.read(&name)? else {
        return Ok(None);
    };
    let token = text.trim().parse();
    token
        .map(Some)
        .map_err(|_| crate::state::invalid(&context.home.path(&name), "it holds no token"))
}

/// Where the token is kept: the relay of this home keeps its pairings though its port changes, another one is known by its URL.
fn file(context: &Context<'_>, url: &str) -> String {
    if context.global.relay.is_none() {
        return "pairing/local.token".to_owned();
    }
    let authority = url
        .split_once("://")
        .map_or(url, |(_, authority)| authority)
        .trim_end_matches('/');
    let name: String = authority
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || c == '.' {
                c
            } else {
                '_'
            }
        })
        .collect();
    format!("pairing/{name}.token")
}

fn code(random: u128) -> String {
    let mut text: String = (0..8)
        .map(|place| {
            let index = usize::try_from(random >> (place * 5) & 31).expect("five bits fit");
            char::from(ALPHABET[index])
        })
        .collect();
    text.insert(4, '-');
    text
}

fn json(value: &impl Serialize) -> Outcome<String> {
    serde_json::to_string(value)
        .map_err(|error| Failure::new(ErrorCode::CliReplyInvalid, error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_forty_bits_that_can_be_read_aloud() {
        assert_eq!(code(0), "0000-0000");
        assert_eq!(code(u128::MAX), "ZZZZ-ZZZZ");
        assert_ne!(code(1), code(2));
    }
}
