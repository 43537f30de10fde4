use std::net::SocketAddr;

use ops_contracts::ErrorCode::*;
use ops_contracts::wire::routing::RoutingMode;
use relay::{RelayConfig, Token};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::client::{PATIENCE, Request, Response, eval};
use crate::routing::ADMIN;
use crate::service::{TOKEN, config, start};

/// What a browser holds after logging in.
struct Login {
    cookie: String,
    key: String,
}

async fn code(at: SocketAddr) -> String {
    let response = Request::new("POST", "/dashboard/codes", at).send(at).await;
    assert_eq!(response.status, 201, "{response:?}");
    assert_eq!(response.json()["url"], format!("http://{at}/dashboard"));
    response.json()["code"].as_str().unwrap().to_owned()
}

/// A request as the dashboard's own page sends it.
fn from_page(method: &str, path: &str, at: SocketAddr) -> Request {
    let request = Request::new(method, path, at)
        .with("authorization", "")
        .with("sec-fetch-site", "same-origin");
    if method == "GET" {
        request
    } else {
        request.with("origin", &format!("http://{at}"))
    }
}

fn with_body(request: Request, body: &serde_json::Value) -> Request {
    request
        .with("content-type", "application/json")
        .body(&body.to_string())
}

async fn log_in(at: SocketAddr) -> Login {
    let redeem = with_body(
        from_page("POST", "/dashboard/login", at),
        &json!({ "code": code(at).await }),
    );
    let response = redeem.send(at).await;
    assert_eq!(response.status, 200, "{response:?}");
    let cookie = response.header("set-cookie").unwrap().to_owned();
    for attribute in ["Path=/dashboard", "HttpOnly", "SameSite=Strict"] {
        assert!(cookie.contains(attribute), "{cookie}");
    }
    let key = response.json()["key"].as_str().unwrap().to_owned();
    Login {
        cookie: cookie.split(';').next().unwrap().to_owned(),
        key,
    }
}

impl Login {
    fn on(&self, request: Request) -> Request {
        request
            .with("cookie", &self.cookie)
            .with("x-odb-dashboard-key", &self.key)
    }
}

fn refused(response: &Response, code: ops_contracts::ErrorCode, what: &str) {
    assert_eq!(response.code(), code, "{what}: {response:?}");
}

#[tokio::test]
async fn the_page_is_there_without_a_login_and_tells_nothing() {
    let relay = start(config()).await;
    let at = relay.address;
    for (path, kind) in [
        ("/dashboard", "text/html; charset=utf-8"),
        ("/dashboard/app.js", "text/javascript; charset=utf-8"),
        ("/dashboard/style.css", "text/css; charset=utf-8"),
    ] {
        let response = Request::new("GET", path, at)
            .with("authorization", "")
            .with("sec-fetch-site", "none")
            .send(at)
            .await;
        assert_eq!(
            (response.status, response.header("content-type")),
            (200, Some(kind)),
            "{path}"
        );
        let policy = response.header("content-security-policy").unwrap();
        assert!(
            policy.starts_with("default-src 'none'") && !policy.contains("unsafe"),
            "{policy}"
        );
        assert!(
            !response.body.contains(TOKEN) && !response.body.contains(&at.port().to_string()),
            "{path}"
        );
    }
    let unknown = Request::new("GET", "/dashboard/other.js", at)
        .with("authorization", "")
        .send(at)
        .await;
    refused(&unknown, RelayAuthRequired, "no file");
}

#[tokio::test]
async fn reading_takes_a_login_by_a_code_and_both_of_its_secrets() {
    let relay = start(config()).await;
    let at = relay.address;
    refused(
        &Request::new("POST", "/dashboard/codes", at)
            .with("authorization", "")
            .send(at)
            .await,
        RelayAuthRequired,
        "codes",
    );
    let login = log_in(at).await;
    let events = || from_page("GET", "/dashboard/events", at);
    refused(&events().send(at).await, RelayAuthRequired, "nothing");
    refused(
        &events().with("cookie", &login.cookie).send(at).await,
        RelayAuthRequired,
        "the cookie alone",
    );
    refused(
        &events()
            .with("x-odb-dashboard-key", &login.key)
            .send(at)
            .await,
        RelayAuthRequired,
        "the key alone",
    );
    let crossed = events()
        .with("cookie", &login.cookie)
        .with("x-odb-dashboard-key", &"0".repeat(64));
    refused(&crossed.send(at).await, RelayAuthInvalid, "another key");
    refused(
        &events()
            .with("authorization", &format!("Bearer {TOKEN}"))
            .send(at)
            .await,
        RelayAuthRequired,
        "the relay token",
    );
    let wrong = with_body(
        from_page("POST", "/dashboard/login", at),
        &json!({ "code": "00000-00000-00000-00000" }),
    );
    refused(&wrong.send(at).await, RelayAuthInvalid, "a wrong code");

    let seen = first_events(at, &login).await;
    assert!(seen.contains("event: traffic\ndata: ["), "{seen}");
    assert!(
        seen.contains(r#"event: state"#) && seen.contains(r#""statusSchemaVersion""#),
        "{seen}"
    );

    let out = login
        .on(with_body(
            from_page("POST", "/dashboard/logout", at),
            &json!({}),
        ))
        .send(at)
        .await;
    assert_eq!(out.status, 200, "{out:?}");
    refused(
        &login.on(events()).send(at).await,
        RelayAuthInvalid,
        "after the end",
    );
}

/// What the stream tells within its first moments.
async fn first_events(at: SocketAddr, login: &Login) -> String {
    let mut socket = TcpStream::connect(at).await.unwrap();
    socket
        .write_all(
            login
                .on(from_page("GET", "/dashboard/events", at))
                .head()
                .as_bytes(),
        )
        .await
        .unwrap();
    let mut bytes = Vec::new();
    let read = async {
        loop {
            let text = String::from_utf8_lossy(&bytes);
            if text
                .split("event: state")
                .nth(1)
                .is_some_and(|state| state.contains("\n\n"))
            {
                return text.into_owned();
            }
            assert_ne!(
                socket.read_buf(&mut bytes).await.unwrap(),
                0,
                "the stream ended"
            );
        }
    };
    let seen = timeout(PATIENCE, read).await.unwrap();
    assert!(
        seen.starts_with("HTTP/1.1 200") && seen.contains("text/event-stream"),
        "{seen}"
    );
    seen
}

#[tokio::test]
async fn no_other_page_gets_in_and_no_login_opens_ops() {
    let relay = start(config()).await;
    let at = relay.address;
    let login = log_in(at).await;
    let events = || login.on(from_page("GET", "/dashboard/events", at));
    for site in ["cross-site", "same-site"] {
        refused(
            &events().with("sec-fetch-site", site).send(at).await,
            RelayOriginDenied,
            site,
        );
        let page = Request::new("GET", "/dashboard", at)
            .with("authorization", "")
            .with("sec-fetch-site", site);
        refused(&page.send(at).await, RelayOriginDenied, site);
    }
    for origin in [
        "null",
        "https://evil.example",
        "http://127.0.0.1:1",
        "chrome-extension://abcdefghijklmnopabcdefghijklmnop",
    ] {
        refused(
            &events().with("origin", origin).send(at).await,
            RelayOriginDenied,
            origin,
        );
    }
    refused(
        &events().with("host", "evil.example").send(at).await,
        RelayHostDenied,
        "a rebound name",
    );
    let no_origin = with_body(
        from_page("POST", "/dashboard/login", at),
        &json!({ "code": "x" }),
    )
    .with("origin", "");
    refused(
        &no_origin.send(at).await,
        RelayOriginDenied,
        "a change without an origin",
    );

    let ops = login.on(Request::post(at, eval("r1", "1")).with("authorization", ""));
    refused(&ops.send(at).await, RelayAuthRequired, "the login on /ops");
    let own = login.on(Request::post(at, eval("r1", "1")).with("origin", &format!("http://{at}")));
    refused(
        &own.send(at).await,
        RelayOriginDenied,
        "the dashboard's origin on /ops",
    );
    refused(
        &login
            .on(Request::new("GET", "/status", at).with("authorization", ""))
            .send(at)
            .await,
        RelayAuthRequired,
        "/status",
    );
    assert_eq!(relay.script.executed(), []);
}

#[tokio::test]
async fn changing_takes_the_admin_token_beside_the_login() {
    let relay = start(RelayConfig {
        admin_token: Some(Token::new(ADMIN.to_owned())),
        ..config()
    })
    .await;
    let at = relay.address;
    let login = log_in(at).await;
    let body = json!({ "routingMode": "legacy-cdp" });
    let change = || {
        login.on(with_body(
            from_page("POST", "/dashboard/routing", at),
            &body,
        ))
    };
    refused(
        &change().send(at).await,
        RelayAdminInvalid,
        "no admin token",
    );
    refused(
        &change().with("x-odb-admin-token", "wrong").send(at).await,
        RelayAdminInvalid,
        "a wrong one",
    );
    let bare = with_body(from_page("POST", "/dashboard/routing", at), &body)
        .with("x-odb-admin-token", ADMIN);
    refused(&bare.send(at).await, RelayAuthRequired, "no login");
    let changed = change().with("x-odb-admin-token", ADMIN).send(at).await;
    assert_eq!(
        (changed.status, &changed.json()["effectiveRoutingMode"]),
        (200, &json!(RoutingMode::LegacyCdp)),
        "{changed:?}"
    );
    let misspelt = login.on(with_body(
        from_page("POST", "/dashboard/routing", at),
        &json!({ "mode": "ops" }),
    ));
    refused(
        &misspelt.with("x-odb-admin-token", ADMIN).send(at).await,
        RelayFrameInvalid,
        "a misspelt key",
    );
    let method = Request::new("PUT", "/dashboard", at)
        .with("authorization", "")
        .with("origin", &format!("http://{at}"));
    refused(
        &method.send(at).await,
        RelayMethodNotAllowed,
        "a wrong method",
    );
}
