//! The verbs `tabs` and `dialog`.

use client_core::request::complete_url;
use client_core::{Failure, Outcome};
use ops_contracts::wire::command::{CommandName, Empty, dialog, targets};
use ops_contracts::wire::ids::TargetId;

use super::{Command, of};
use crate::args::verb::{Dialog, Tabs};
use crate::verb::{Task, Verb};

impl Verb for Tabs {
    fn task<'a>(&'a self, tab: Option<&TargetId>) -> Outcome<Task<'a>> {
        tabs(self, tab).map(Task::Command)
    }
}

impl Verb for Dialog {
    fn task<'a>(&'a self, tab: Option<&TargetId>) -> Outcome<Task<'a>> {
        dialogs(self, tab).map(Task::Command)
    }
}

fn tabs(verb: &Tabs, tab: Option<&TargetId>) -> Outcome<Command> {
    if tab.is_some() && !matches!(verb, Tabs::Close { target: None }) {
        return Err(Failure::usage("--tab has no meaning for this verb"));
    }
    match verb {
        Tabs::List => of(CommandName::TargetsList, &Empty {}),
        Tabs::New { url, until } => {
            let url = url.as_deref().map(complete_url);
            of(
                CommandName::TargetsNew,
                &targets::NewParams {
                    url,
                    wait_until: until.wait_until,
                    make_current: true,
                },
            )
        }
        Tabs::Named { name, url, until } => {
            let url = url.as_deref().map(complete_url);
            let params = targets::NamedParams {
                name: name.clone(),
                url,
                wait_until: until.wait_until,
                make_current: true,
            };
            of(CommandName::TargetsNamed, &params)
        }
        Tabs::Use { target } => of(
            CommandName::TargetsUse,
            &targets::UseParams {
                target_id: target.clone(),
            },
        ),
        Tabs::Close { target } => of(
            CommandName::TargetsClose,
            &targets::CloseParams {
                target_id: target.clone().or_else(|| tab.cloned()),
            },
        ),
    }
}

fn dialogs(verb: &Dialog, tab: Option<&TargetId>) -> Outcome<Command> {
    if tab.is_some() {
        return Err(Failure::usage(
            "--tab has no meaning for dialog: it is about the session's open dialog",
        ));
    }
    match verb {
        Dialog::Status => of(CommandName::DialogStatus, &Empty {}),
        Dialog::Accept { text } => of(
            CommandName::DialogAccept,
            &dialog::AcceptParams {
                text: text.clone().map(Into::into),
            },
        ),
        Dialog::Policy { policy } => of(
            CommandName::DialogPolicy,
            &dialog::PolicyParams { policy: *policy },
        ),
        Dialog::Dismiss => of(CommandName::DialogDismiss, &Empty {}),
    }
}
