//! `storage.cookies.*`: what is set is read back, so that a cookie that the browser drops in silence is an error.

use ops_contracts::seam::adapter::{Effect, Primitive};
use ops_contracts::wire::command::storage::{
    ClearedResult, Cookie, CookiesClearParams, CookiesGetParams, CookiesResult, CookiesSetParams,
    NewCookie,
};
use ops_contracts::{ErrorCode, Fault, Outcome};
use serde::Serialize;

use crate::cx::{Cx, unexpected};

/// A cookie that was not taken. Its value is a secret, and is left out.
#[derive(Debug, Serialize)]
struct Refused<'a> {
    name: &'a str,
    domain: &'a str,
    path: &'a str,
    reason: String,
}

pub(crate) async fn get(cx: &Cx, params: CookiesGetParams) -> Outcome<CookiesResult> {
    let mut cookies = read(cx).await?;
    cookies.retain(|cookie| {
        params.name.as_ref().is_none_or(|name| cookie.name == *name)
            && params
                .domain
                .as_ref()
                .is_none_or(|domain| is_within(&cookie.domain, domain))
            && params.url.as_ref().is_none_or(|url| goes_to(cookie, url))
    });
    Ok(CookiesResult { cookies })
}

pub(crate) async fn set(cx: &Cx, params: CookiesSetParams) -> Outcome<CookiesResult> {
    let cookies = params
        .cookies
        .into_iter()
        .map(|cookie| whole(cx, cookie))
        .collect::<Outcome<Vec<_>>>()?;
    write(cx, &cookies)
        .await
        .map(|cookies| CookiesResult { cookies })
}

pub(crate) async fn clear(cx: &Cx, params: CookiesClearParams) -> Outcome<ClearedResult> {
    let mut gone = read(cx).await?;
    let all = params == CookiesClearParams::default();
    gone.retain(|cookie| {
        params.name.as_ref().is_none_or(|name| cookie.name == *name)
            && params
                .domain
                .as_ref()
                .is_none_or(|domain| is_within(&cookie.domain, domain))
            && params.path.as_ref().is_none_or(|path| cookie.path == *path)
    });
    if !gone.is_empty() || all {
        let cookies = (!all).then(|| gone.clone());
        cx.perform(Primitive::RemoveCookies { cookies }).await?;
    }
    let left = read(cx).await?;
    let cleared = gone
        .iter()
        .filter(|cookie| !left.iter().any(|other| is_same(cookie, other)))
        .count();
    Ok(ClearedResult {
        cleared: u32::try_from(cleared).unwrap_or(u32::MAX),
    })
}

/// All cookies of the session, by domain, path and name.
pub(super) async fn read(cx: &Cx) -> Outcome<Vec<Cookie>> {
    cx.waiting_for("the cookies");
    let Effect::Cookies(mut cookies) = cx.perform(Primitive::ReadCookies).await? else {
        return Err(unexpected());
    };
    cookies.sort_by(|a, b| (&a.domain, &a.path, &a.name).cmp(&(&b.domain, &b.path, &b.name)));
    Ok(cookies)
}

/// Sets cookies and gives them as the browser holds them then.
pub(super) async fn write(cx: &Cx, cookies: &[Cookie]) -> Outcome<Vec<Cookie>> {
    cx.waiting_for("the cookies");
    let Effect::Refused(refused) = cx
        .perform(Primitive::WriteCookies {
            cookies: cookies.to_vec(),
        })
        .await?
    else {
        return Err(unexpected());
    };
    let mut held = read(cx).await?;
    let mut missing: Vec<Refused<'_>> = Vec::new();
    for (at, cookie) in cookies.iter().enumerate() {
        let reason = refused
            .iter()
            .find(|(place, _)| *place == at)
            .map(|(_, reason)| reason.clone());
        let stored = held
            .iter()
            .any(|other| is_same(cookie, other) && other.value == cookie.value);
        if reason.is_some() || !stored {
            let reason = reason.unwrap_or_else(|| "the browser does not hold it".to_owned());
            missing.push(Refused {
                name: &cookie.name,
                domain: &cookie.domain,
                path: &cookie.path,
                reason,
            });
        }
    }
    if !missing.is_empty() {
        let message = format!(
            "the browser did not take {} of {} cookies",
            missing.len(),
            cookies.len()
        );
        return Err(Fault::new(ErrorCode::OpsCookieRejected, message).with("refused", missing));
    }
    held.retain(|held| cookies.iter().any(|cookie| is_same(cookie, held)));
    Ok(held)
}

/// The cookie with the host, the path and the security that it gets where it names none.
fn whole(cx: &Cx, cookie: NewCookie) -> Outcome<Cookie> {
    let url = match (&cookie.url, &cookie.domain) {
        (Some(url), _) => Some(url.clone()),
        (None, Some(_)) => None,
        (None, None) => Some(cx.any_page(None)?.url()),
    };
    let domain = match (&url, cookie.domain) {
        (_, Some(domain)) => domain.to_ascii_lowercase(),
        (Some(url), None) => host(url).ok_or_else(|| {
            let message = "the page has no host that a cookie could be for: name url or domain";
            Fault::new(ErrorCode::OpsInvalidRequest, message).with("field", "cookies[].domain")
        })?,
        (None, None) => String::new(),
    };
    let secure = cookie
        .secure
        .unwrap_or_else(|| url.is_some_and(|url| url.starts_with("https:")));
    Ok(Cookie {
        name: cookie.name,
        value: cookie.value,
        domain,
        path: cookie.path.unwrap_or_else(|| "/".to_owned()),
        expires: cookie.expires.unwrap_or(-1.0),
        http_only: cookie.http_only,
        secure,
        same_site: cookie.same_site,
        partition_key: None,
        cross_site_ancestor: None,
    })
}

/// The host of a web URL, in lower case and without port.
fn host(url: &str) -> Option<String> {
    let origin = crate::origin::of_url(url)?;
    let (_, authority) = origin.split_once("://")?;
    let host = if authority.starts_with('[') {
        authority.split_inclusive(']').next()?
    } else {
        authority.split(':').next()?
    };
    Some(host.to_owned())
}

fn is_same(a: &Cookie, b: &Cookie) -> bool {
    let bare = |domain: &str| domain.trim_start_matches('.').to_ascii_lowercase();
    a.name == b.name
        && bare(&a.domain) == bare(&b.domain)
        && a.path == b.path
        && a.partition_key == b.partition_key
}

/// Whether a cookie's domain is `domain` or below it.
fn is_within(cookie: &str, domain: &str) -> bool {
    let (cookie, domain) = (
        cookie.trim_start_matches('.'),
        domain.trim_start_matches('.').to_ascii_lowercase(),
    );
    cookie == domain
        || cookie
            .strip_suffix(domain.as_str())
            .is_some_and(|rest| rest.ends_with('.'))
}

/// Whether a request to a URL carries the cookie, as far as domain, path and security decide (RFC 6265, 5.4).
fn goes_to(cookie: &Cookie, url: &str) -> bool {
    let Some(host) = host(url) else { return false };
    let in_domain = match cookie.domain.strip_prefix('.') {
        Some(domain) => is_within(&host, domain),
        None => cookie.domain == host,
    };
    let after_host = url
        .split_once("://")
        .and_then(|(_, rest)| rest.find('/').map(|at| &rest[at..]))
        .unwrap_or("/");
    let path = after_host.split(['?', '#']).next().unwrap_or("/");
    let in_path = path == cookie.path
        || path
            .strip_prefix(cookie.path.as_str())
            .is_some_and(|rest| cookie.path.ends_with('/') || rest.starts_with('/'));
    let loopback = host == "localhost"
        || host.ends_with(".localhost")
        || host.starts_with("127.")
        || host == "[::1]";
    in_domain && in_path && (!cookie.secure || url.starts_with("https:") || loopback)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cookie(domain: &str, path: &str, secure: bool) -> Cookie {
        let text = format!(
            r#"{{"name":"n","value":"v","domain":"{domain}","path":"{path}","secure":{secure}}}"#
        );
        serde_json::from_str(&text).unwrap()
    }

    #[track_caller]
    fn check(domain: &str, path: &str, secure: bool, url: &str, expected: bool) {
        assert_eq!(
            goes_to(&cookie(domain, path, secure), url),
            expected,
            "{domain}{path} {url}"
        );
    }

    #[test]
    fn a_cookie_goes_to_its_domain_and_path_alone() {
        check("a.test", "/", false, "http://a.test/x?y", true);
        check("a.test", "/", false, "http://b.a.test/", false);
        check(".a.test", "/", false, "http://b.a.test:81", true);
        check(".a.test", "/", false, "http://ba.test/", false);
        check("a.test", "/x", false, "http://a.test/x/y", true);
        check("a.test", "/x", false, "http://a.test/xy", false);
        check("a.test", "/", true, "http://a.test/", false);
        check("a.test", "/", true, "https://u:p@a.test/", true);
        check("127.0.0.1", "/", true, "http://127.0.0.1:80/", true);
        check("a.test", "/", false, "about:blank", false);
    }
}
