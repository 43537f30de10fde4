//! The verbs that read a page.

use client_core::{Failure, Outcome};
use ops_contracts::wire::command::dom::{self, DEFAULT_SNAPSHOT_CHARS, SnapshotMode};
use ops_contracts::wire::command::{CommandName, diagnostics, performance};
use ops_contracts::wire::ids::TargetId;

use super::{Command, of};
use crate::args::verb::{Eval, Fact, Find, Get, Is, Log, Performance, Snapshot};
use crate::stdin;
use crate::verb::{OneCommand, Task, Verb};
use crate::view::View;

impl OneCommand for Snapshot {
    type Params = dom::SnapshotParams;

    fn params(&self, target_id: Option<TargetId>) -> Outcome<Self::Params> {
        let mode = match (self.interactive, self.outline) {
            (true, _) => SnapshotMode::Interactive,
            (false, true) => SnapshotMode::Outline,
            (false, false) => SnapshotMode::Full,
        };
        Ok(dom::SnapshotParams {
            mode,
            max_chars: self.max_chars.unwrap_or(DEFAULT_SNAPSHOT_CHARS),
            cursor: self.cursor.clone(),
            since: self.since.clone(),
            find: self.find.clone(),
            element: self.element.clone(),
            urls: self.urls,
            target_id,
        })
    }
}

impl OneCommand for Find {
    type Params = dom::FindParams;

    fn params(&self, target_id: Option<TargetId>) -> Outcome<Self::Params> {
        Ok(dom::FindParams {
            element: self.locator.clone(),
            limit: self.limit,
            target_id,
        })
    }
}

impl OneCommand for Is {
    type Params = dom::ElementParams;

    fn params(&self, target_id: Option<TargetId>) -> Outcome<Self::Params> {
        Ok(dom::ElementParams {
            element: self.locator.clone(),
            target_id,
        })
    }

    fn view(&self) -> View {
        View::Is(self.question)
    }
}

impl OneCommand for Eval {
    type Params = dom::EvalParams;

    fn params(&self, target_id: Option<TargetId>) -> Outcome<Self::Params> {
        Ok(dom::EvalParams {
            expression: self.expression.clone(),
            await_promise: !self.no_await,
            frame: self.frame.clone(),
            target_id,
        })
    }

    fn read_stdin(&mut self) -> Outcome<()> {
        if self.expression == "-" {
            self.expression = stdin::read()?;
        }
        Ok(())
    }
}

impl OneCommand for Log {
    type Params = diagnostics::LogParams;

    fn params(&self, target_id: Option<TargetId>) -> Outcome<Self::Params> {
        Ok(diagnostics::LogParams {
            since_seq: self.since,
            limit: self.limit,
            target_id,
        })
    }
}

impl OneCommand for Performance {
    type Params = performance::PerformanceParams;

    fn params(&self, target_id: Option<TargetId>) -> Outcome<Self::Params> {
        Ok(performance::PerformanceParams { target_id })
    }
}

impl Verb for Get {
    fn task<'a>(&'a self, tab: Option<&TargetId>) -> Outcome<Task<'a>> {
        fact(self, tab.cloned()).map(Task::Command)
    }
}

fn name_of(fact: Fact) -> String {
    format!("{fact:?}").to_ascii_lowercase()
}

/// Refuses what has no meaning for the fact.
fn refuse_misplaced(get: &Get) -> Outcome<()> {
    let (fact, located, named) = (get.fact, get.locator.is_some(), get.name.is_some());
    let name = name_of(fact);
    if named != (fact == Fact::Attr) {
        return Err(Failure::usage(if named {
            format!("get {name} takes no attribute name")
        } else {
            "get attr takes a locator and an attribute's name".to_owned()
        }));
    }
    if get.max_chars.is_some() && !matches!(fact, Fact::Text | Fact::Html) {
        return Err(Failure::usage("--max-chars is for get text and get html"));
    }
    if get.inner && (fact != Fact::Html || !located) {
        return Err(Failure::usage("--inner is for get html LOCATOR"));
    }
    if located && matches!(fact, Fact::Title | Fact::Url) {
        return Err(Failure::usage(format!("get {name} takes no locator")));
    }
    Ok(())
}

fn fact(get: &Get, target_id: Option<TargetId>) -> Outcome<Command> {
    refuse_misplaced(get)?;
    let name = name_of(get.fact);
    let element = || {
        get.locator
            .clone()
            .ok_or_else(|| Failure::usage(format!("get {name} takes a locator")))
    };
    let of_element = |command, target_id| {
        of(
            command,
            &dom::ElementParams {
                element: element()?,
                target_id,
            },
        )
    };
    let text = |default: u32| get.max_chars.unwrap_or(default);
    match get.fact {
        Fact::Title => of(CommandName::DomTitle, &dom::PageParams { target_id }),
        Fact::Url => of(CommandName::DomUrl, &dom::PageParams { target_id }),
        Fact::Text => of(
            CommandName::DomText,
            &dom::ReadParams {
                element: get.locator.clone(),
                max_chars: text(100_000),
                target_id,
            },
        ),
        Fact::Html => {
            let params = dom::HtmlParams {
                element: get.locator.clone(),
                outer: !get.inner,
                max_chars: text(1_000_000),
                target_id,
            };
            of(CommandName::DomHtml, &params)
        }
        Fact::Attr => {
            let params = dom::AttrParams {
                element: element()?,
                name: get.name.clone().unwrap_or_default(),
                target_id,
            };
            of(CommandName::DomAttr, &params)
        }
        Fact::Value => of_element(CommandName::DomValue, target_id),
        Fact::Count => of_element(CommandName::DomCount, target_id),
        Fact::Box => of_element(CommandName::DomBox, target_id),
    }
}
