//! Cookies of the context, and pages that reach an origin without the network.

use std::sync::Arc;

use super::answered;
use chromiumoxide_cdp::cdp::browser_protocol::network::{
    DeleteCookiesParams, SetBypassServiceWorkerParams,
};
use futures_util::future::join_all;
use ops_contracts::seam::adapter::{
    AdapterError, Cookies, Effect, Navigation, Performed, TargetKey,
};
use ops_contracts::wire::command::storage::{Cookie, SameSite};
use serde::Serialize;

use super::emulate::OfContext;
use super::{CdpContext, STRUCTURE_DEADLINE, failed, within};
use crate::connection::{CallError, Refusal, Route};
use crate::wire;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SetCookies<'a> {
    cookies: [CookieParam<'a>; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    browser_context_id: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CookieParam<'a> {
    name: &'a str,
    value: &'a str,
    url: String,
    /// Absent for a cookie of one host: with a domain it would be of the subdomains too.
    #[serde(skip_serializing_if = "Option::is_none")]
    domain: Option<&'a str>,
    path: &'a str,
    secure: bool,
    http_only: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    same_site: Option<SameSite>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    partition_key: Option<PartitionKey<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PartitionKey<'a> {
    top_level_site: &'a str,
    has_cross_site_ancestor: bool,
}

impl<'a> CookieParam<'a> {
    fn of(cookie: &'a Cookie) -> Self {
        let scheme = if cookie.secure { "https" } else { "http" };
        let host = cookie.domain.trim_start_matches('.');
        Self {
            name: &cookie.name,
            value: &cookie.value,
            url: format!("{scheme}://{host}{}", cookie.path),
            domain: cookie
                .domain
                .starts_with('.')
                .then_some(cookie.domain.as_str()),
            path: &cookie.path,
            secure: cookie.secure,
            http_only: cookie.http_only,
            same_site: cookie.same_site,
            expires: (cookie.expires >= 0.0).then_some(cookie.expires),
            partition_key: partition(cookie),
        }
    }
}

fn partition(cookie: &Cookie) -> Option<PartitionKey<'_>> {
    let top_level_site = cookie.partition_key.as_deref()?;
    Some(PartitionKey {
        top_level_site,
        has_cross_site_ancestor: cookie.cross_site_ancestor.unwrap_or(false),
    })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DeleteCookie<'a> {
    name: &'a str,
    domain: &'a str,
    path: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    partition_key: Option<PartitionKey<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Intercept {
    patterns: [Pattern; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Pattern {
    url_pattern: &'static str,
}

impl Cookies for CdpContext {
    async fn read_cookies(&self) -> Performed {
        const CALL: &str = "Storage.getCookies";
        let params = OfContext {
            browser_context_id: self.own_context(),
        };
        let reply = self.browser.connection.call(CALL, &params, Route::BROWSER);
        let read: wire::Cookies = within(STRUCTURE_DEADLINE, async {
            reply.decode().await.map_err(failed(CALL))
        })
        .await?;
        Ok(Effect::Cookies(
            read.cookies.into_iter().map(Cookie::from).collect(),
        ))
    }

    /// One call a cookie, in one write: the browser refuses a list as a whole and does not say why.
    async fn write_cookies(&self, cookies: &[Cookie]) -> Performed {
        const CALL: &str = "Storage.setCookies";
        let mut batch = self.browser.connection.batch();
        let calls = cookies.iter().map(|cookie| {
            let params = SetCookies {
                cookies: [CookieParam::of(cookie)],
                browser_context_id: self.own_context(),
            };
            batch.call(CALL, &params, Route::BROWSER)
        });
        let calls: Vec<_> = calls.collect();
        batch.send();
        let answers = within(STRUCTURE_DEADLINE, async { Ok(join_all(calls).await) }).await?;
        let mut refused = Vec::new();
        for (at, answer) in answers.into_iter().enumerate() {
            match answer {
                Ok(_) => {}
                Err(CallError::Refused(Refusal { message, .. })) => refused.push((at, message)),
                Err(error) => return Err(failed(CALL)(error)),
            }
        }
        Ok(Effect::Refused(refused))
    }

    async fn remove_cookies(&self, cookies: Option<&[Cookie]>) -> Performed {
        let connection = &self.browser.connection;
        let Some(cookies) = cookies else {
            const CALL: &str = "Storage.clearCookies";
            let params = OfContext {
                browser_context_id: self.own_context(),
            };
            let cleared = connection.call(CALL, &params, Route::BROWSER);
            answered(CALL, cleared).await?;
            return Ok(Effect::Done);
        };
        const CALL: &str = DeleteCookiesParams::IDENTIFIER;
        // Only pages can remove one cookie, but any page of the context can remove any.
        let session = {
            let state = self.browser.router.lock();
            let page = state
                .pages
                .values()
                .find(|page| page.context == self.id && !page.crashed);
            page.map(|page| Arc::clone(&page.session))
                .ok_or(AdapterError::TargetClosed)?
        };
        let mut batch = connection.batch();
        let calls = cookies.iter().map(|cookie| {
            let (name, domain, path) = (
                cookie.name.as_str(),
                cookie.domain.as_str(),
                cookie.path.as_str(),
            );
            let params = DeleteCookie {
                name,
                domain,
                path,
                partition_key: partition(cookie),
            };
            batch.call(CALL, &params, Route::session(&session))
        });
        let calls: Vec<_> = calls.collect();
        batch.send();
        let answers = within(STRUCTURE_DEADLINE, async { Ok(join_all(calls).await) }).await?;
        for answer in answers {
            answer.map_err(failed(CALL))?;
        }
        Ok(Effect::Done)
    }
}

impl CdpContext {
    /// Every request of the page is answered here, by the router, with an empty document.
    pub(super) async fn open_empty(&self, target: TargetKey, url: &str) -> Performed {
        const CALL: &str = "Fetch.enable";
        let session = {
            let mut state = self.browser.router.lock();
            state.page(&self.id, target)?;
            let page = state
                .pages
                .get_mut(&target)
                .ok_or(AdapterError::TargetClosed)?;
            page.empty = true;
            Arc::clone(&page.session)
        };
        let route = Route::session(&session);
        let mut batch = self.browser.connection.batch();
        let bypass = batch.exec(&SetBypassServiceWorkerParams::new(true), route);
        let intercept = batch.call(
            CALL,
            &Intercept {
                patterns: [Pattern { url_pattern: "*" }],
            },
            route,
        );
        batch.send();
        for reply in [bypass, intercept] {
            answered(CALL, reply).await?;
        }
        within(STRUCTURE_DEADLINE, self.navigate(target, url)).await
    }
}
