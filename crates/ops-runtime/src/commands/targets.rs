//! `targets.*`: the session's pages.

use std::time::Duration;

use futures_util::future::join_all;
use ops_contracts::seam::adapter::{Effect, Primitive};
use ops_contracts::wire::command::Empty;
use ops_contracts::wire::command::targets::{
    CloseParams, CloseResult, ListResult, NamedParams, NamedResult, NewParams, NewResult,
    TargetInfo, UseParams,
};
use ops_contracts::{ErrorCode, Fault, Outcome};

use super::nav;
use crate::cx::{Cx, Page, unexpected};

/// How long pages may take to tell their titles; one that is busy or on its way keeps the title that was seen last.
const TITLES: Duration = Duration::from_millis(200);

/// The pages, each with its title of now.
pub(crate) async fn list(cx: &Cx, _: Empty) -> Outcome<ListResult> {
    let pages: Vec<Page<'_>> = {
        let state = cx.world.lock();
        if state.lost.is_some() {
            return Err(Fault::plain(ErrorCode::OpsSessionLost));
        }
        let answering = state
            .tabs
            .iter()
            .filter(|tab| !tab.crashed && tab.dialog.is_none());
        answering
            .map(|tab| Page {
                cx,
                key: tab.key,
                id: tab.id.clone(),
                main: tab.main,
            })
            .collect()
    };
    let within = |page| async move { tokio::time::timeout(TITLES, nav::see_title(page)).await };
    // Who does not answer is listed all the same.
    drop(join_all(pages.iter().map(within)).await);
    let state = cx.world.lock();
    if state.lost.is_some() {
        return Err(Fault::plain(ErrorCode::OpsSessionLost));
    }
    Ok(ListResult {
        targets: state
            .tabs
            .iter()
            .map(|tab| tab.info(state.current == Some(tab.key)))
            .collect(),
    })
}

pub(crate) async fn new(cx: &Cx, params: NewParams) -> Outcome<NewResult> {
    let url = params
        .url
        .as_deref()
        .map(|url| nav::destination(cx, url))
        .transpose()?;
    let open = cx.world.lock().tabs.len();
    cx.session.means.room_for_page(open)?;
    let Effect::Target { target, .. } = cx.perform(Primitive::CreateTarget { url: None }).await?
    else {
        return Err(unexpected());
    };
    let page = {
        let mut state = cx.world.lock();
        if params.make_current {
            state.current = Some(target);
        }
        let tab = state
            .tab(target)
            .ok_or_else(|| Fault::plain(ErrorCode::OpsTargetClosed))?;
        Page {
            cx,
            key: tab.key,
            id: tab.id.clone(),
            main: tab.main,
        }
    };
    let navigation = match url {
        Some(url) => Some(nav::navigate(&page, url, params.wait_until).await?),
        None => None,
    };
    Ok(NewResult {
        target: info(&page)?,
        navigation,
    })
}

pub(crate) async fn named(cx: &Cx, params: NamedParams) -> Outcome<NamedResult> {
    let known = {
        let state = cx.world.lock();
        state
            .tabs
            .iter()
            .find(|tab| tab.name.as_ref() == Some(&params.name))
            .map(|tab| tab.id.clone())
    };
    if let Some(target_id) = known {
        let target = match params.make_current {
            true => make_current(cx, UseParams { target_id }).await?,
            false => info(&cx.any_page(Some(&target_id))?)?,
        };
        return Ok(NamedResult {
            target,
            created: false,
            navigation: None,
        });
    }
    let NamedParams {
        name,
        url,
        wait_until,
        make_current,
    } = params;
    let url = url
        .as_deref()
        .map(|url| nav::destination(cx, url))
        .transpose()?;
    let opened = new(
        cx,
        NewParams {
            url: None,
            wait_until,
            make_current,
        },
    )
    .await?
    .target;
    let page = cx.any_page(Some(&opened.target_id))?;
    // Named before it is sent anywhere: a navigation that fails leaves a page that can be asked for again.
    if let Some(tab) = cx.world.lock().tab_mut(page.key) {
        tab.name = Some(name);
    }
    let navigation = match url {
        Some(url) => Some(nav::navigate(&page, url, wait_until).await?),
        None => None,
    };
    Ok(NamedResult {
        target: info(&page)?,
        created: true,
        navigation,
    })
}

pub(crate) async fn make_current(cx: &Cx, params: UseParams) -> Outcome<TargetInfo> {
    let page = cx.any_page(Some(&params.target_id))?;
    cx.perform(Primitive::ActivateTarget { target: page.key })
        .await?;
    cx.world.lock().current = Some(page.key);
    info(&page)
}

pub(crate) async fn close(cx: &Cx, params: CloseParams) -> Outcome<CloseResult> {
    let page = cx.any_page(params.target_id.as_ref())?;
    let key = page.key;
    cx.perform(Primitive::CloseTarget { target: key }).await?;
    cx.waiting_for("the page to close");
    cx.world
        .until(|state| state.tab(key).is_none().then_some(()))
        .await;
    let state = cx.world.lock();
    let current = state
        .current
        .and_then(|current| state.tab(current))
        .map(|tab| tab.id.clone());
    Ok(CloseResult {
        closed: page.id,
        current,
    })
}

fn info(page: &Page<'_>) -> Outcome<TargetInfo> {
    let state = page.cx.world.lock();
    let tab = state
        .tab(page.key)
        .ok_or_else(|| Fault::plain(ErrorCode::OpsTargetClosed))?;
    Ok(tab.info(state.current == Some(page.key)))
}
