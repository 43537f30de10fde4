//! Verbs of cookies and web storage as commands.

use ops_contracts::wire::command::CommandName;
use ops_contracts::wire::command::storage::{
    CookiesClearParams, CookiesGetParams, CookiesSetParams, NewCookie, StorageItem,
    WebStorageParams, WebStorageSetParams,
};
use ops_contracts::wire::ids::TargetId;

use super::{Command, View, of};
use crate::args::keep::{Cookies, Entries, SetCookie, Storage};
use client_core::{Failure, Outcome};

pub(super) fn cookies(verb: Option<&Cookies>, tab: Option<&TargetId>) -> Outcome<Command> {
    if tab.is_some() {
        return Err(Failure::usage(
            "--tab has no meaning for cookies: they are the session's",
        ));
    }
    match verb {
        None => of(CommandName::StorageCookiesGet, &CookiesGetParams::default()),
        Some(Cookies::Get { name, url, domain }) => {
            let params = CookiesGetParams {
                url: url.clone(),
                name: name.clone(),
                domain: domain.clone(),
            };
            of(CommandName::StorageCookiesGet, &params)
        }
        Some(Cookies::Set(cookie)) => of(
            CommandName::StorageCookiesSet,
            &CookiesSetParams {
                cookies: vec![new(cookie)],
            },
        ),
        Some(Cookies::Clear { name, domain, path }) => {
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
        value: cookie.value.clone().unwrap_or_default(),
        url: cookie.url.clone(),
        domain: cookie.domain.clone(),
        path: cookie.path.clone(),
        expires: cookie.expires,
        http_only: cookie.http_only,
        secure: cookie.secure.then_some(true),
        same_site: cookie.same_site,
    }
}

pub(super) fn storage(verb: &Storage, tab: Option<&TargetId>) -> Outcome<Command> {
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
                value: value.clone().unwrap_or_default(),
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
