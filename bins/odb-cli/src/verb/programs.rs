//! The verbs that are more, or other, than one command of a session.

use std::path::Path;

use client_core::Outcome;
use ops_contracts::wire::ids::TargetId;

use super::{Task, Verb};
use crate::args::keep::State;
use crate::args::verb as v;
use crate::{
    batch, cdp, commands, config, confirm, doctor, files, journal, keep, lifecycle, mcp, open,
    operate, pair, sessions, skill, stdin,
};

/// Verbs whose arguments go to one function as they are.
macro_rules! programs {
    ($($arguments:ty => $run:path),* $(,)?) => {$(
        impl Verb for $arguments {
            fn task<'a>(&'a self, _: Option<&TargetId>) -> Outcome<Task<'a>> {
                Ok(Task::program(move |context| $run(context, self)))
            }
        }
    )*};
}

programs! {
    State => keep::run,
    v::Confirm => confirm::run,
    v::Har => files::har,
    v::IncidentVerb => operate::incident,
    v::Mcp => mcp::run,
    v::Pair => pair::run,
    v::ScorecardArgs => operate::scorecard,
    v::Upload => files::upload,
}

/// Verbs without arguments.
macro_rules! bare {
    ($($arguments:ty => $run:path),* $(,)?) => {$(
        impl Verb for $arguments {
            fn task<'a>(&'a self, _: Option<&TargetId>) -> Outcome<Task<'a>> {
                Ok(Task::program($run))
            }
        }
    )*};
}

bare! {
    v::Close => sessions::close_current,
    v::Dashboard => lifecycle::dashboard,
    v::Doctor => doctor::run,
    v::Stop => lifecycle::stop,
}

impl Verb for v::Open {
    fn takes_routing(&self) -> bool {
        true
    }

    fn task<'a>(&'a self, _: Option<&TargetId>) -> Outcome<Task<'a>> {
        Ok(Task::program(move |context| open::run(context, self)))
    }
}

impl Verb for v::Session {
    fn takes_routing(&self) -> bool {
        matches!(self, Self::Create { .. })
    }

    fn task<'a>(&'a self, _: Option<&TargetId>) -> Outcome<Task<'a>> {
        Ok(Task::program(move |context| sessions::run(context, self)))
    }
}

impl Verb for v::Cdp {
    fn takes_routing(&self) -> bool {
        matches!(self, Self::Open | Self::Proxy(_))
    }

    fn task<'a>(&'a self, _: Option<&TargetId>) -> Outcome<Task<'a>> {
        Ok(Task::program(move |context| cdp::run(context, self)))
    }
}

impl Verb for v::Config {
    fn takes_routing(&self) -> bool {
        matches!(self, Self::Explain)
    }

    fn task<'a>(&'a self, _: Option<&TargetId>) -> Outcome<Task<'a>> {
        Ok(Task::program(move |context| config::run(context, self)))
    }
}

impl Verb for v::Status {
    fn takes_routing(&self) -> bool {
        true
    }

    fn task<'a>(&'a self, _: Option<&TargetId>) -> Outcome<Task<'a>> {
        Ok(Task::program(lifecycle::status))
    }
}

impl Verb for v::Call {
    fn read_stdin(&mut self) -> Outcome<()> {
        if self.params == "-" {
            self.params = stdin::read()?;
        }
        Ok(())
    }

    fn takes_routing(&self) -> bool {
        true
    }

    fn task<'a>(&'a self, _: Option<&TargetId>) -> Outcome<Task<'a>> {
        Ok(Task::program(move |context| commands::call(context, self)))
    }
}

impl Verb for v::Batch {
    fn task<'a>(&'a self, _: Option<&TargetId>) -> Outcome<Task<'a>> {
        Ok(Task::program(async move |context| {
            batch::run(context, self, &stdin::read()?).await
        }))
    }
}

impl Verb for v::Journal {
    fn task<'a>(&'a self, _: Option<&TargetId>) -> Outcome<Task<'a>> {
        Ok(Task::program(async move |context| {
            journal::run(context, self)
        }))
    }
}

impl Verb for v::Serve {
    fn task<'a>(&'a self, _: Option<&TargetId>) -> Outcome<Task<'a>> {
        Ok(Task::program(async move |context| {
            lifecycle::serve(context, &self.flags)
        }))
    }
}

impl Verb for v::Completions {
    fn task<'a>(&'a self, _: Option<&TargetId>) -> Outcome<Task<'a>> {
        Ok(Task::print(|_| Ok(commands::completions(self.shell))))
    }
}

impl Verb for v::Commands {
    fn task<'a>(&'a self, _: Option<&TargetId>) -> Outcome<Task<'a>> {
        Ok(Task::print(|out| commands::list(self.name.as_deref(), out)))
    }
}

impl Verb for v::Skill {
    fn task<'a>(&'a self, _: Option<&TargetId>) -> Outcome<Task<'a>> {
        Ok(Task::print(|out| skill::run(self, Path::new("."), out)))
    }
}
