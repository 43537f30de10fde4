//! What each tool does.

use crate::answer::Answer;
use crate::args::Args;
use crate::call::Cx;
use crate::tool::Name;
use crate::trouble::Trouble;

mod help;
mod look;
mod save;
mod session;
mod touch;

/// Runs a tool.
pub(crate) async fn run(cx: &Cx<'_>, name: Name, args: Args) -> Result<Answer, Trouble> {
    match name {
        Name::Open => session::open(cx, args).await,
        Name::Close => session::close(cx, args).await,
        Name::Snapshot => look::snapshot(cx, args).await,
        Name::Read => look::read(cx, args).await,
        Name::Wait => look::wait(cx, args).await,
        Name::Act => touch::act(cx, args).await,
        Name::Page => touch::page(cx, args).await,
        Name::Call => touch::call(cx, args).await,
        Name::Save => save::run(cx, args).await,
        Name::Help => help::run(args),
    }
}
