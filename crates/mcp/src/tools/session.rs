//! `browser_open` and `browser_close`.

use std::sync::Arc;

use client_core::request::complete_url;
use ops_contracts::wire::command::session::CreateResult;
use ops_contracts::wire::command::{CommandName, Empty};
use serde_json::Map;

use crate::act::{Acting, Step};
use crate::answer::Answer;
use crate::args::{Args, params, raw};
use crate::call::Cx;
use crate::handle::Held;
use crate::link::Sending;
use crate::snapshot::Wanted;
use crate::tool::LIFETIME_MS;
use crate::trouble::Trouble;

/// Opens a session, and a URL in it.
pub(super) async fn open(cx: &Cx<'_>, mut args: Args) -> Result<Answer, Trouble> {
    let canonical = args.canonical("browser_open");
    let url = args.text("url")?;
    let words = [("full", Wanted::Full), ("none", Wanted::Nothing)];
    let wanted = args.word("snapshot", &words, Wanted::Full)?;
    let mut options = args.object("options")?;
    args.finish()?;
    options
        .entry("leaseTtlMs")
        .or_insert_with(|| LIFETIME_MS.into());
    let options = params(CommandName::SessionCreate, options, "options: ")?;
    let steps = match url {
        Some(url) => {
            let mut fields = Map::new();
            fields.insert("url".to_owned(), complete_url(&url).into());
            vec![Step::new(CommandName::NavGoto, fields, "")?]
        }
        None => Vec::new(),
    };
    cx.core.sessions.check_room()?;
    let held = create(cx, options).await?;
    let answer = Answer::new(format!("session {}", held.handle));
    if steps.is_empty() {
        return Ok(answer.say("its page is blank: browser_page goto"));
    }
    let acting = Acting {
        steps,
        wanted,
        key: None,
        canonical,
    };
    match acting.run(cx, &held).await {
        Ok(rest) => Ok(answer.and(rest)),
        // The session is there, and its handle must not be lost with the error.
        Err(trouble) => Ok(answer.fail(trouble)),
    }
}

async fn create(
    cx: &Cx<'_>,
    params: Box<serde_json::value::RawValue>,
) -> Result<Arc<Held>, Trouble> {
    let random = cx.core.random()?;
    let link = cx.core.link().await?;
    let sending = Sending {
        request_id: link.next_id(),
        ids: None,
        command: CommandName::SessionCreate,
        params,
        timeout: None,
    };
    let created = cx.send(&link, sending).await;
    if created.is_err() {
        // The next try looks for the relay again: this one may be gone.
        cx.core.unlink().await;
    }
    let (result, _) = created?.typed::<CreateResult>()?;
    let ids = (result.session_id, result.lease_id);
    Ok(cx.core.sessions.keep(random, ids, link))
}

/// Closes a session with everything that it owns.
pub(super) async fn close(cx: &Cx<'_>, mut args: Args) -> Result<Answer, Trouble> {
    let held = cx.core.sessions.find(&args.needed("session")?)?;
    args.finish()?;
    let outcome = cx
        .run(&held, CommandName::SessionClose, raw(&Empty {})?, None)
        .await;
    outcome?;
    cx.core.sessions.forget(&held.handle);
    Ok(Answer::new("closed"))
}
