//! Cookies, and the storage of origins that no page shows.

use ops_contracts::seam::adapter::{Effect, Primitive};
use ops_contracts::wire::command::storage::Cookie;

use super::super::fixture::Fixture;
use super::super::page::{Page, navigated};
use crate::suite::Failure;
use crate::suite::check::{Outcome, contains, equal, lacks};

fn cookie(name: &str) -> Cookie {
    Cookie {
        name: name.to_owned(),
        value: "oak".into(),
        domain: "127.0.0.1".to_owned(),
        path: "/".to_owned(),
        expires: -1.0,
        http_only: false,
        secure: false,
        same_site: None,
        partition_key: None,
        cross_site_ancestor: None,
    }
}

async fn names(page: &Page) -> Result<Vec<String>, Failure> {
    match page.perform(Primitive::ReadCookies).await? {
        Effect::Cookies(cookies) => {
            let mut names: Vec<_> = cookies.into_iter().map(|cookie| cookie.name).collect();
            names.sort_unstable();
            Ok(names)
        }
        other => Err(Failure::new(format!("{other:?}"))),
    }
}

pub(super) async fn cookies_are_set_read_and_removed(f: &Fixture) -> Outcome {
    let page = f.page_at("/set-cookie?served=1").await?;
    let hidden = Cookie {
        http_only: true,
        ..cookie("hidden")
    };
    let cookies = vec![cookie("shown"), hidden.clone()];
    match page.perform(Primitive::WriteCookies { cookies }).await? {
        Effect::Refused(refused) => equal(refused.len(), 0)?,
        other => return Err(Failure::new(format!("{other:?}"))),
    }
    equal(names(&page).await?, vec!["hidden", "served", "shown"])?;
    let script = page.eval("document.cookie").await?;
    contains(&script, "shown=oak")?;
    lacks(&script, "hidden")?;
    let sent =
        page.eval("fetch('/echo').then((r) => r.json()).then((told) => told.headers.cookie)");
    contains(&sent.await?, "hidden=oak")?;
    let other = f.page_in(page.browser.clone()).await?;
    equal(names(&other).await?.len(), 0)?;
    let some = Some(vec![hidden]);
    page.done(Primitive::RemoveCookies { cookies: some })
        .await?;
    equal(names(&page).await?, vec!["served", "shown"])?;
    page.done(Primitive::RemoveCookies { cookies: None })
        .await?;
    equal(names(&page).await?.len(), 0)
}

pub(super) async fn an_empty_document_reaches_the_storage_of_an_origin(f: &Fixture) -> Outcome {
    let page = f.page_at("/plain").await?;
    page.eval("localStorage.setItem('kept', 'here')").await?;
    let Effect::Target { target, frame } =
        page.perform(Primitive::CreateTarget { url: None }).await?
    else {
        return Err(Failure::new("expected a page"));
    };
    let empty = page.at(target, frame);
    f.site.forget_requests();
    let url = f.site.url("/");
    let (_, failure) = navigated(empty.perform(Primitive::VisitEmpty { target, url }).await?)?;
    equal(failure, None)?;
    let kept = empty.eval("localStorage.getItem('kept')").await?;
    equal(kept.as_str(), "\"here\"")?;
    equal(f.site.requests().len(), 0)
}
