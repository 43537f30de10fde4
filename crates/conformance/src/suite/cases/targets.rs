//! Pages of a session, and popups.

use ops_contracts::ErrorCode;
use ops_contracts::wire::command::targets::{CloseParams, NewParams, UseParams};
use ops_contracts::wire::command::{
    DomEval, DomTitle, Empty, LoadState, NavGoto, TargetsClose, TargetsList, TargetsNew,
    TargetsUse, dom, nav,
};
use ops_contracts::wire::frame::EventName;

use super::super::check::{Outcome, contains, equal, holds, refused, reported};
use super::super::fixture::{Failure, Fixture};
use super::super::verbs::{at, button};

fn new(url: Option<String>, make_current: bool) -> NewParams {
    NewParams {
        url,
        wait_until: LoadState::Load,
        make_current,
    }
}

pub(super) async fn pages_are_opened_listed_used_and_closed(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    let first = session.target.clone();
    session.goto("/plain").await?;
    let opened = session
        .call::<TargetsNew>(&new(Some(f.site.url("/pages/popup-target.html")), true))
        .await?;
    let second = opened.target.target_id.clone();
    equal(opened.navigation.and_then(|nav| nav.status), Some(200))?;
    equal(session.title().await?.as_str(), "Popup target")?;
    let page = dom::PageParams {
        target_id: Some(first.clone()),
    };
    equal(
        session.call::<DomTitle>(&page).await?.value.as_str(),
        "Plain page",
    )?;
    let used = session
        .call::<TargetsUse>(&UseParams {
            target_id: first.clone(),
        })
        .await?;
    holds(
        used.current && used.target_id == first,
        "the page is current",
    )?;
    equal(session.title().await?.as_str(), "Plain page")?;
    let listed = session.call::<TargetsList>(&Empty {}).await?.targets;
    equal(
        listed
            .iter()
            .map(|page| (page.target_id.clone(), page.current))
            .collect::<Vec<_>>(),
        vec![(first.clone(), true), (second.clone(), false)],
    )?;
    let closed = session
        .call::<TargetsClose>(&CloseParams {
            target_id: Some(first.clone()),
        })
        .await?;
    equal(
        (closed.closed, closed.current),
        (first.clone(), Some(second)),
    )?;
    let page = dom::PageParams {
        target_id: Some(first),
    };
    refused(
        session.call::<DomTitle>(&page).await,
        ErrorCode::OpsTargetUnknown,
    )?;
    equal(session.title().await?.as_str(), "Popup target")
}

pub(super) async fn a_page_in_the_background_is_not_made_current(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/plain").await?;
    let opened = session
        .call::<TargetsNew>(&new(Some(f.site.url("/pages/moving.html")), false))
        .await?;
    equal(session.title().await?.as_str(), "Plain page")?;
    let mut click = super::super::verbs::click(button("Steady button"));
    click.target_id = Some(opened.target.target_id);
    session
        .call::<ops_contracts::wire::command::InteractClick>(&click)
        .await?;
    reported(&f.site, "steady", 1).await
}

pub(super) async fn a_session_outlives_its_last_page(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    let closed = session
        .call::<TargetsClose>(&CloseParams::default())
        .await?;
    equal(closed.current, None)?;
    refused(session.title().await, ErrorCode::OpsTargetUnknown)?;
    let opened = session.call::<TargetsNew>(&new(None, true)).await?;
    holds(
        opened.target.target_id != session.target,
        "page ids are never reused",
    )?;
    session.goto("/plain").await?;
    equal(session.title().await?.as_str(), "Plain page")
}

pub(super) async fn an_unknown_page_is_refused_with_those_that_are_there(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    let missing = "t99".parse().map_err(|_| Failure::new("no id"))?;
    let params = nav::GotoParams {
        url: "about:blank".to_owned(),
        wait_until: LoadState::Load,
        target_id: Some(missing),
    };
    let fault = refused(
        session.call::<NavGoto>(&params).await,
        ErrorCode::OpsTargetUnknown,
    )?;
    contains(
        &serde_json::to_string(&fault.details).unwrap_or_default(),
        session.target.as_str(),
    )
}

pub(super) async fn a_popup_belongs_to_the_session_that_opened_it(f: &Fixture) -> Outcome {
    let (session, other) = (f.session().await?, f.session().await?);
    session.goto("/pages/popup.html").await?;
    let clicked = session.click(button("window.open")).await?;
    equal(clicked.receipt.popups.len(), 1)?;
    let popup = clicked.receipt.popups[0].clone();
    let listed = session.call::<TargetsList>(&Empty {}).await?.targets;
    let info = listed
        .iter()
        .find(|page| page.target_id == popup)
        .ok_or_else(|| Failure::new("the popup is not listed"))?;
    equal(info.opener_id.as_ref(), Some(&session.target))?;
    equal(other.call::<TargetsList>(&Empty {}).await?.targets.len(), 1)?;
    session
        .call::<TargetsUse>(&UseParams { target_id: popup })
        .await?;
    session
        .wait(nav::WaitParams {
            url: Some("**/popup-target.html*".to_owned()),
            ..Default::default()
        })
        .await?;
    session
        .wait(nav::WaitParams {
            load_state: Some(LoadState::Load),
            ..Default::default()
        })
        .await?;
    let listed = session.call::<TargetsList>(&Empty {}).await?.targets;
    let titles: Vec<&str> = listed.iter().map(|page| &*page.title).collect();
    equal(titles, vec!["Popups", "Popup target"])?;
    equal(session.text("#opener").await?.as_str(), "yes")?;
    session.click(button("Popup button")).await?;
    reported(&f.site, "popup", 1).await
}

pub(super) async fn a_link_to_a_new_tab_is_a_popup(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/pages/popup.html").await?;
    for link in [
        "New tab with opener",
        "New tab without opener",
        "New tab on another site",
    ] {
        let events = session.listen()?;
        let clicked = session
            .click(at(&format!("role=link[name=\"{link}\"]")))
            .await?;
        holds(!clicked.receipt.navigated, "the page itself stays")?;
        events.wait_for(EventName::TargetOpened).await?;
        holds(
            clicked.receipt.popups.len() == 1,
            format!("{link}: {:?}", clicked.receipt),
        )?;
    }
    equal(
        session.call::<TargetsList>(&Empty {}).await?.targets.len(),
        4,
    )
}

/// The first document of its own keeps the window of the blank one, with all that was put there.
pub(super) async fn a_popup_that_was_blank_is_driven_before_and_after(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/plain").await?;
    session.eval("void (window.kept = window.open(''))").await?;
    let listed = session.call::<TargetsList>(&Empty {}).await?.targets;
    let popup = listed
        .iter()
        .find(|page| page.target_id != session.target)
        .ok_or_else(|| Failure::new("no popup"))?;
    session
        .call::<TargetsUse>(&UseParams {
            target_id: popup.target_id.clone(),
        })
        .await?;
    equal(session.count("css=body").await?, 1)?;
    let mut away = super::super::verbs::eval("void (kept.location = '/pages/moving.html')");
    away.target_id = Some(session.target.clone());
    session.call::<DomEval>(&away).await?;
    session
        .wait(nav::WaitParams {
            url: Some("**/moving.html".to_owned()),
            ..Default::default()
        })
        .await?;
    session.click(button("Steady button")).await?;
    reported(&f.site, "steady", 1).await
}

pub(super) async fn a_popup_that_closes_itself_is_gone(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/pages/popup.html").await?;
    let clicked = session.click(button("window.open")).await?;
    let popup = clicked
        .receipt
        .popups
        .first()
        .cloned()
        .ok_or_else(|| Failure::new("no popup"))?;
    session
        .call::<TargetsUse>(&UseParams { target_id: popup })
        .await?;
    session
        .wait(nav::WaitParams {
            url: Some("**/popup-target.html*".to_owned()),
            ..Default::default()
        })
        .await?;
    session
        .wait(nav::WaitParams {
            load_state: Some(LoadState::Load),
            ..Default::default()
        })
        .await?;
    let events = session.listen()?;
    session.click(button("Close")).await?;
    events.wait_for(EventName::TargetClosed).await?;
    equal(session.title().await?.as_str(), "Popups")
}
