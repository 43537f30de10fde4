//! Proxies, and whether they are the only way out of a confined browser.
//!
//! Its profile says so. Policies and locked preferences of the machine overrule profiles, and a browser may know no proxies of
//! contexts: so it is asked to go past them, before anything is opened in it.

use std::net::Ipv4Addr;

use ops_contracts::seam::adapter::{AdapterError, AdapterResult};
use tokio::net::TcpListener;

use crate::connection::{CallError, Connection, Route};
use crate::protocol::browser::{CreateUserContext, RemoveUserContext};
use crate::protocol::browsing_context::{Close, Create, Navigate};
use crate::protocol::session::Proxy;
use crate::router::state::PROFILE;

/// A host that no resolver knows: a proxy is asked for it, or nobody is.
const NOWHERE: &str = "http://nowhere.invalid/";

/// A proxy for all traffic, from `scheme://host:port`.
pub(crate) fn proxy(url: &str, bypass: &[String]) -> AdapterResult<Proxy> {
    let refused = || AdapterError::LaunchFailed {
        reason: format!(
            "the proxy {url} is not one that Firefox takes: expected http://, socks4:// or socks5:// with host:port"
        ),
        output: String::new(),
    };
    let (scheme, address) = url.split_once("://").unwrap_or(("http", url));
    let address = address.trim_end_matches('/');
    if address.is_empty() || address.contains(['/', '@']) {
        return Err(refused());
    }
    let manual = Proxy {
        proxy_type: "manual",
        no_proxy: bypass.to_vec(),
        ..Proxy::default()
    };
    let address = Some(address.to_owned());
    match scheme {
        "http" => Ok(Proxy {
            http_proxy: address.clone(),
            ssl_proxy: address,
            ..manual
        }),
        "socks4" => Ok(Proxy {
            socks_proxy: address,
            socks_version: Some(4),
            ..manual
        }),
        "socks5" | "socks" => Ok(Proxy {
            socks_proxy: address,
            socks_version: Some(5),
            ..manual
        }),
        _ => Err(refused()),
    }
}

/// Why something leaves a confined browser but through its proxies; `None` when nothing does. `isolated` contexts have a proxy each,
/// and what is in none of them reaches nothing; otherwise the whole browser has one, which lets nothing pass yet.
pub(crate) async fn way_past(
    connection: &Connection,
    isolated: bool,
) -> Result<Option<String>, CallError> {
    let bound = async {
        let trap = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        Ok::<_, std::io::Error>((trap.local_addr()?, trap))
    };
    let (address, trap) = match bound.await {
        Ok(bound) => bound,
        Err(error) => return Ok(Some(format!("no port is free to try it with ({error})"))),
    };
    let url = format!("http://{address}/");
    // Whoever comes waits for an answer: the visit does not end before it is seen.
    let arrived = tokio::select! {
        _ = trap.accept() => true,
        loaded = visit(connection, PROFILE, &url) => loaded?,
    };
    if arrived {
        return Ok(Some(
            "a page went past its proxy; a policy or a locked preference may say so".to_owned(),
        ));
    }
    if !isolated {
        return Ok(None);
    }
    let proxy = proxy(&url, &[]).ok();
    let made = connection
        .send(&CreateUserContext { proxy }, Route::BROWSER)
        .decode()
        .await?;
    let asked = tokio::select! {
        _ = trap.accept() => true,
        loaded = visit(connection, &made.user_context, NOWHERE) => { loaded?; false }
    };
    connection
        .send(
            &RemoveUserContext {
                user_context: &made.user_context,
            },
            Route::BROWSER,
        )
        .await?;
    Ok((!asked).then(|| "it gives a context no proxy of its own".to_owned()))
}

/// Opens a page for a URL and closes it again. Whether a document came.
async fn visit(connection: &Connection, user_context: &str, url: &str) -> Result<bool, CallError> {
    let made = connection
        .send(
            &Create {
                r#type: "tab",
                user_context,
            },
            Route::BROWSER,
        )
        .decode()
        .await?;
    let visit = Navigate {
        context: &made.context,
        url,
        wait: "complete",
    };
    let loaded = match connection.send(&visit, Route::BROWSER).decode().await {
        Ok(_) => true,
        Err(CallError::Refused(_)) => false,
        Err(error) => return Err(error),
    };
    connection
        .send(
            &Close {
                context: &made.context,
            },
            Route::BROWSER,
        )
        .await?;
    Ok(loaded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proxies_are_split_by_scheme_and_others_refused() {
        let http = proxy("http://127.0.0.1:8080", &[]).unwrap();
        assert_eq!(
            (http.http_proxy.as_deref(), http.ssl_proxy.as_deref()),
            (Some("127.0.0.1:8080"), Some("127.0.0.1:8080"))
        );
        assert_eq!(proxy("socks5://h:1", &[]).unwrap().socks_version, Some(5));
        for bad in [
            "https://h:1",
            "http://",
            "http://user:secret@h:1",
            "http://h:1/path",
        ] {
            assert!(
                matches!(proxy(bad, &[]), Err(AdapterError::LaunchFailed { .. })),
                "{bad}"
            );
        }
    }
}
