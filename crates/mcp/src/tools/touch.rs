//! `browser_act`, `browser_page` and `browser_call`: what changes something, with its repetitions recognized.

use client_core::render;
use client_core::request::complete_url;
use ops_contracts::wire::command::{CommandName, Repeat};
use serde_json::{Map, Value};

use crate::act::{Acting, Step, once, repeated};
use crate::answer::Answer;
use crate::args::{Args, params};
use crate::call::Cx;
use crate::handle::Held;
use crate::snapshot::{WORDS, Wanted};
use crate::tools::look::quoted;
use crate::trouble::Trouble;

/// Commands whose answers hold a lease, and that which `browser_close` does.
const NOT_CALLED: [CommandName; 4] = [
    CommandName::SessionCreate,
    CommandName::SessionReclaim,
    CommandName::SessionObserve,
    CommandName::SessionClose,
];

/// Runs steps.
pub(super) async fn act(cx: &Cx<'_>, mut args: Args) -> Result<Answer, Trouble> {
    let canonical = args.canonical("browser_act");
    let held = cx.core.sessions.find(&args.needed("session")?)?;
    let wanted = args.word("snapshot", WORDS, Wanted::Delta)?;
    let key = args.key()?;
    let steps = args.objects("steps")?;
    args.finish()?;
    let steps = steps
        .into_iter()
        .enumerate()
        .map(|(at, step)| Step::parse(at, step))
        .collect::<Result<Vec<_>, _>>()?;
    let acting = Acting {
        steps,
        wanted,
        key,
        canonical,
    };
    acting.run(cx, &held).await
}

/// Navigates, and deals with tabs.
pub(super) async fn page(cx: &Cx<'_>, mut args: Args) -> Result<Answer, Trouble> {
    let canonical = args.canonical("browser_page");
    let held = cx.core.sessions.find(&args.needed("session")?)?;
    let words = [
        ("goto", CommandName::NavGoto),
        ("back", CommandName::NavBack),
        ("forward", CommandName::NavForward),
        ("reload", CommandName::NavReload),
        ("tabs", CommandName::TargetsList),
        ("new", CommandName::TargetsNew),
        ("use", CommandName::TargetsUse),
        ("close", CommandName::TargetsClose),
    ];
    let Some(word) = args.text("do")? else {
        return Err(Trouble::usage("do: is required"));
    };
    let mut named = Args::new(Some(Map::from_iter([("do".to_owned(), word.into())])));
    let command = named.word("do", &words, CommandName::TargetsList)?;
    let wanted = args.word("snapshot", WORDS, Wanted::Full)?;
    let key = args.key()?;
    let mut fields = args.rest();
    if let Some(Value::String(url)) = fields.get_mut("url") {
        *url = complete_url(url);
    }
    if command == CommandName::TargetsList {
        let params = params(command, fields, "")?;
        return tabs(cx, &held, params).await;
    }
    // The last tab may be the one that is closed: then there is nothing to describe.
    let wanted = if command == CommandName::TargetsClose && wanted == Wanted::Full {
        Wanted::Nothing
    } else {
        wanted
    };
    let acting = Acting {
        steps: vec![Step::new(command, fields, "")?],
        wanted,
        key,
        canonical,
    };
    acting.run(cx, &held).await
}

async fn tabs(
    cx: &Cx<'_>,
    held: &Held,
    params: Box<serde_json::value::RawValue>,
) -> Result<Answer, Trouble> {
    let reply = cx.run(held, CommandName::TargetsList, params, None).await?;
    let text = render::result(CommandName::TargetsList, reply.result().unwrap_or_default()).text;
    Ok(Answer::new("tabs").quote(text))
}

/// Runs any command.
pub(super) async fn call(cx: &Cx<'_>, mut args: Args) -> Result<Answer, Trouble> {
    let canonical = args.canonical("browser_call");
    let held = cx.core.sessions.find(&args.needed("session")?)?;
    let word = args.needed("command")?;
    let key = args.key()?;
    let fields = args.object("params")?;
    args.finish()?;
    let command: CommandName = word
        .parse()
        .map_err(|fault: ops_contracts::Fault| Trouble::new(fault.code, fault.message))?;
    if NOT_CALLED.contains(&command) {
        return Err(Trouble::usage(format!(
            "command: {command} is not called here: browser_open and browser_close make and close sessions"
        )));
    }
    let params = params(command, fields, "params: ")?;
    if command.spec().repeat != Repeat::Once {
        let reply = cx.run(&held, command, params, None).await?;
        return Ok(quoted(command.as_str(), reply.result().unwrap_or_default()));
    }
    let (reply, ago, _) = once(cx, &held, command, params, (&canonical, key.as_deref())).await?;
    let answer = quoted(command.as_str(), reply.result().unwrap_or_default());
    Ok(match ago {
        Some(ago) => Answer::new(repeated(ago, key.as_deref())).and(answer),
        None => answer,
    })
}
