//! Verbs of cookies and web storage as commands.

use client_core::{Failure, Outcome};
use ops_contracts::wire::command::CommandName;
use ops_contracts::wire::command::storage::{
    CookiesClearParams, CookiesGetParams, CookiesSetParams, NewCookie, StorageItem,
    WebStorageParams, WebStorageSetParams,
};
use ops_contracts::wire::ids::TargetId;

use super::{Command, View, of};
use crate::args::keep::{Cookies, Entries, SetCookie, Storage};
use crate::stdin;
use crate::verb::{Task, Verb};

impl Verb for Cookies {
    fn read_stdin(&mut self) -> Outcome<()> {
        if let Self::Set(cookie) = self
            && cookie.stdin
        {
            cookie.value = Some(stdin::read_line()?);
        }
        Ok(())
    }

    fn task<'a>(&'a self, tab: Option<&TargetId>) -> Outcome<Task<'a>> {
        cookies(self, tab).map(Task::Command)
    }
}

impl Verb for Storage {
    fn read_stdin(&mut self) -> Outcome<()> {
        let (Self::Local { verb } | Self::Session { verb }) = self;
        if let Some(Entries::Set {
            value, stdin: true, ..
        }) = verb
        {
            *value = Some(stdin::read_line()?);
        }
        Ok(())
    }

    fn task<'a>(&'a self, tab: Option<&TargetId>) -> Outcome<Task<'a>> {
        storage(self, tab).map(Task::Command)
    }
}

fn cookies(verb: &Cookies, tab: Option<&TargetId>) -> Outcome<Command> {
    if tab.is_some() {
        return Err(Failure::usage(
            "--tab has no meaning for cookies: they are the session's",
        ));
    }
    match verb {
        Cookies::Get { name, url, domain } => {
            let params = CookiesGetParams {
                url: url.clone(),
                name: name.clone(),
                domain: domain.clone(),
            };
            of(CommandName::StorageCookiesGet, &params)
        }
        Cookies::Set(cookie) => of(
            CommandName::StorageCookiesSet,
            &CookiesSetParams {
                cookies: vec![new(cookie)],
            },
        ),
        Cookies::Clear { name, domain, path } => {
            let params = CookiesClearParams {
                name: name.clone(),
                domain: domain.clone(),
                path: path.clone(),
            };
            of(CommandName::StorageCookiesClear, &params)
        }
    }
}

fn new(cookie: &SetCookie) -> NewCookie {
    NewCookie {
        name: cookie.name.clone(),
        value: cookie.value.clone().unwrap_or_default().into(),
        url: cookie.url.clone(),
        domain: cookie.domain.clone(),
        path: cookie.path.clone(),
        expires: cookie.expires,
        http_only: cookie.http_only,
        secure: cookie.secure.then_some(true),
        same_site: cookie.same_site,
    }
}

fn storage(verb: &Storage, tab: Option<&TargetId>) -> Outcome<Command> {
    let (verb, [get, set, clear]) = match verb {
        Storage::Local { verb } => (
            verb,
            [
                CommandName::StorageLocalGet,
                CommandName::StorageLocalSet,
                CommandName::StorageLocalClear,
            ],
        ),
        Storage::Session { verb } => (
            verb,
            [
                CommandName::StorageSessionGet,
                CommandName::StorageSessionSet,
                CommandName::StorageSessionClear,
            ],
        ),
    };
    let named = |name: Option<&String>| WebStorageParams {
        name: name.cloned(),
        frame: None,
        target_id: tab.cloned(),
    };
    match verb {
        None => of(get, &named(None)),
        Some(Entries::Get { key: None }) => of(get, &named(None)),
        Some(Entries::Get { key }) => Ok(Command {
            view: View::Entry,
            ..of(get, &named(key.as_ref()))?
        }),
        Some(Entries::Set { key, value, .. }) => {
            let item = StorageItem {
                name: key.clone(),
                value: value.clone().unwrap_or_default().into(),
            };
            of(
                set,
                &WebStorageSetParams {
                    items: vec![item],
                    frame: None,
                    target_id: tab.cloned(),
                },
            )
        }
        Some(Entries::Clear { key }) => of(clear, &named(key.as_ref())),
    }
}
