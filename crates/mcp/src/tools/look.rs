//! `browser_snapshot`, `browser_read` and `browser_wait`.

use std::time::Duration;

use client_core::render;
use ops_contracts::wire::command::CommandName;
use ops_contracts::wire::command::dom::SnapshotResult;
use serde_json::{Map, Value};

use crate::answer::Answer;
use crate::args::{Args, params};
use crate::call::Cx;
use crate::handle::Held;
use crate::snapshot::{self, CHARS, WORDS, Wanted};
use crate::tool::READABLE;
use crate::trouble::Trouble;

/// How long a wait takes at most where its caller says nothing, and ever.
const WAIT: (u64, u64) = (10_000, 30_000);

/// The most characters of an answer that is no snapshot.
const MAX_TEXT: usize = 12_000;

/// Describes the page.
pub(super) async fn snapshot(cx: &Cx<'_>, mut args: Args) -> Result<Answer, Trouble> {
    let held = cx.core.sessions.find(&args.needed("session")?)?;
    let mut asked = args.rest();
    asked.entry("maxChars").or_insert_with(|| CHARS.into());
    take(cx, &held, asked).await
}

async fn take(cx: &Cx<'_>, held: &Held, asked: Map<String, Value>) -> Result<Answer, Trouble> {
    let params = params(CommandName::DomSnapshot, asked.clone(), "")?;
    let reply = cx.run(held, CommandName::DomSnapshot, params, None).await?;
    let (result, _) = reply.typed::<SnapshotResult>()?;
    Ok(snapshot::answer(held, asked, &result))
}

/// Reads one thing.
pub(super) async fn read(cx: &Cx<'_>, mut args: Args) -> Result<Answer, Trouble> {
    let held = cx.core.sessions.find(&args.needed("session")?)?;
    let what = args.needed("what")?;
    let Some((_, command)) = READABLE.iter().find(|(word, _)| *word == what) else {
        let words: Vec<&str> = READABLE.iter().map(|(word, _)| *word).collect();
        return Err(Trouble::usage(format!(
            "what: one of {} is expected",
            words.join(", ")
        )));
    };
    let mut fields = args.rest();
    if matches!(command, CommandName::DomText | CommandName::DomHtml) {
        fields.entry("maxChars").or_insert_with(|| CHARS.into());
    }
    let params = params(*command, fields, "")?;
    let reply = cx.run(&held, *command, params, None).await?;
    let rendered = render::result(*command, reply.result().unwrap_or_default());
    Ok(quoted(&what, &rendered.text))
}

/// A text of the page, cut where it is too long to be of use.
pub(super) fn quoted(what: &str, text: &str) -> Answer {
    let whole = text.chars().count();
    if whole <= MAX_TEXT {
        return Answer::new(what).quote(text);
    }
    let short: String = text.chars().take(MAX_TEXT).collect();
    Answer::new(format!(
        "{what}: the first {MAX_TEXT} of {whole} characters; ask for less"
    ))
    .quote(short)
}

/// Waits.
pub(super) async fn wait(cx: &Cx<'_>, mut args: Args) -> Result<Answer, Trouble> {
    let held = cx.core.sessions.find(&args.needed("session")?)?;
    let wanted = args.word("snapshot", WORDS, Wanted::Nothing)?;
    let timeout = args.number("timeoutMs")?;
    let fields = args.rest();
    let slack = fields
        .get("timeMs")
        .and_then(Value::as_u64)
        .map(|time| (time + 1_000).min(WAIT.1));
    let timeout = timeout.or(slack).unwrap_or(WAIT.0);
    if !(1..=WAIT.1).contains(&timeout) {
        return Err(Trouble::usage(format!(
            "timeoutMs: 1 to {} milliseconds are expected; call again to wait longer",
            WAIT.1
        )));
    }
    let params = params(CommandName::NavWait, fields, "")?;
    let timeout = Some(Duration::from_millis(timeout));
    let reply = cx.run(&held, CommandName::NavWait, params, timeout).await?;
    let text = render::result(CommandName::NavWait, reply.result().unwrap_or_default()).text;
    let answer = Answer::new("it is so").quote(text);
    match snapshot::params(&held, wanted) {
        Some(asked) => Ok(answer.and(take(cx, &held, asked).await?)),
        None => Ok(answer),
    }
}
