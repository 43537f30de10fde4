//! The endpoints that are slow, wrong, endless or plain on purpose. The table of them is in the parent module.

use std::collections::BTreeMap;
use std::time::Duration;

use hyper::StatusCode;
use hyper::header::{
    AUTHORIZATION, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, COOKIE, HeaderName, SET_COOKIE,
    WWW_AUTHENTICATE,
};

use super::reply::{
    HTML, PacedBody, Reply, escape, fill, html, json, redirect, reply, small_page, with_header,
};
use super::serve::{Answer, Asked};

const MAX_DELAY_MS: u64 = 30_000;
const MAX_HOPS: u64 = 50;
const MAX_KIB: u64 = 64 << 10;
const ECHOED: [&str; 12] = [
    "accept",
    "accept-language",
    "authorization",
    "content-type",
    "cookie",
    "origin",
    "referer",
    "sec-ch-ua",
    "sec-ch-ua-mobile",
    "sec-ch-ua-platform",
    "user-agent",
    "x-odb-test",
];

pub(super) async fn answer(asked: &Asked) -> Option<Answer> {
    let reply = match asked.path.as_str() {
        "/plain" => html(include_str!("../../pages/plain.html")),
        "/redirect-to" => redirect(StatusCode::FOUND, asked.query.text("url")),
        "/slow" => slow(asked).await,
        "/slow-body" => slow_body(asked),
        "/never" => return Some(Answer::Hold),
        "/never-loads" => html(small_page(
            "Never loads",
            "<p id=\"out\">This document is complete, its picture is not.</p><img src=\"/never\" alt=\"\" width=\"10\" height=\"10\">",
        )),
        "/drop" => return Some(Answer::Drop),
        "/download/file.txt" => with_header(
            reply(
                StatusCode::OK,
                "text/plain; charset=utf-8",
                "a file from the test site\n",
            ),
            CONTENT_DISPOSITION,
            "attachment; filename=\"file.txt\"",
        ),
        "/download/big" => big_file(asked.query.number("kib", 1024, MAX_KIB)),
        "/download/broken" => broken_file(),
        "/basic-auth" => basic_auth(asked),
        "/upload" => html(small_page(
            "Sent",
            &format!("<p id=\"out\">{} bytes</p>", asked.body.len()),
        )),
        "/big" => big(asked.query.number("kib", 1024, MAX_KIB)),
        "/echo" => echo(asked),
        "/json" => json(
            StatusCode::OK,
            &serde_json::json!({ "name": "Kiln & Oak", "open": true, "stock": [3, 0, 7] }),
        ),
        "/set-cookie" => set_cookie(asked),
        "/csp" => with_header(
            html(small_page("Strict policy", CSP_BODY)),
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; script-src 'none'",
        ),
        "/xorigin-frame" => html(small_page(
            "Cross-site frame",
            &fill(FRAME_BODY, &[("cross", &asked.cross)]),
        )),
        "/report" => no_body(StatusCode::NO_CONTENT),
        "/favicon.ico" => reply(
            StatusCode::OK,
            "image/svg+xml",
            include_str!("../../pages/icon.svg"),
        ),
        other => return numbered(other).map(Answer::Reply),
    };
    Some(reply.into())
}

const CSP_BODY: &str = "<p id=\"out\">No script ran.</p><button type=\"button\" onclick=\"document.title='ran'\">Press</button>\
    <label>Name <input name=\"name\"></label><script>document.getElementById('out').textContent='A script ran.'</script>";
const FRAME_BODY: &str = "<p>The frame below is another site.</p>\
    <iframe id=\"far\" title=\"Another site\" src=\"{{cross}}/plain\" width=\"500\" height=\"300\"></iframe>";

/// `/status/CODE` and `/redirect/N`.
fn numbered(path: &str) -> Option<Reply> {
    if let Some(code) = path.strip_prefix("/status/") {
        let status = code.parse().ok().filter(|code| (200..600).contains(code))?;
        return Some(status_page(StatusCode::from_u16(status).ok()?));
    }
    let hops: u64 = path
        .strip_prefix("/redirect/")?
        .parse()
        .ok()
        .filter(|hops| *hops <= MAX_HOPS)?;
    let next = if hops <= 1 {
        "/plain".to_owned()
    } else {
        format!("/redirect/{}", hops - 1)
    };
    Some(redirect(StatusCode::FOUND, &next))
}

fn status_page(status: StatusCode) -> Reply {
    if matches!(
        status,
        StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT | StatusCode::NOT_MODIFIED
    ) {
        return no_body(status);
    }
    let reason = status.canonical_reason().unwrap_or("Unnamed status");
    let title = format!("{} {reason}", status.as_u16());
    reply(
        status,
        HTML,
        small_page(
            &title,
            "<p id=\"out\">Answered with this status on purpose.</p>",
        ),
    )
}

fn no_body(status: StatusCode) -> Reply {
    reply(status, HTML, "")
}

fn delay(asked: &Asked) -> Duration {
    Duration::from_millis(asked.query.number("ms", 1000, MAX_DELAY_MS))
}

async fn slow(asked: &Asked) -> Reply {
    tokio::time::sleep(delay(asked)).await;
    html(small_page("Slow page", "<p id=\"out\">Here at last.</p>"))
}

fn slow_body(asked: &Asked) -> Reply {
    let whole = small_page(
        "Slow body",
        "<p id=\"first\">The first part.</p>{{pause}}<p id=\"rest\">The rest.</p>",
    );
    let (first, rest) = whole.split_once("{{pause}}").unwrap_or((&whole, ""));
    let body = PacedBody::paused(
        first.to_owned().into(),
        delay(asked),
        rest.to_owned().into(),
    );
    html("").map(|_| body)
}

/// Bytes that count from 0 to 250 and again.
fn big_file(kib: u64) -> Reply {
    let length = usize::try_from(kib << 10).unwrap_or_default();
    let bytes: Vec<u8> = (0..length)
        .map(|at| u8::try_from(at % 251).unwrap_or_default())
        .collect();
    with_header(
        reply(StatusCode::OK, "application/octet-stream", bytes),
        CONTENT_DISPOSITION,
        "attachment; filename=\"big.bin\"",
    )
}

/// A file that ends before it is as long as its head says.
fn broken_file() -> Reply {
    let head = reply(StatusCode::OK, "application/octet-stream", "");
    with_header(
        head,
        CONTENT_DISPOSITION,
        "attachment; filename=\"broken.bin\"",
    )
    .map(|_| PacedBody::broken("the beginning".into()))
}

/// Lets `ada` in with the password `oak`.
fn basic_auth(asked: &Asked) -> Reply {
    let given = asked
        .headers
        .get(AUTHORIZATION)
        .map(|value| value.as_bytes());
    if given == Some(b"Basic YWRhOm9haw==") {
        return html(small_page("Inside", "<p id=\"out\">Welcome, ada.</p>"));
    }
    let refused = reply(
        StatusCode::UNAUTHORIZED,
        HTML,
        small_page("Outside", "<p id=\"out\">Who are you?</p>"),
    );
    with_header(refused, WWW_AUTHENTICATE, "Basic realm=\"kiln\"")
}

fn big(kib: u64) -> Reply {
    const LINE: &str = "The kiln is warm and the oak is dry, and so the day goes by.\n";
    let length = usize::try_from(kib << 10).unwrap_or_default();
    let mut text = LINE.repeat(length / LINE.len() + 1);
    text.truncate(length);
    html(small_page(
        "Big page",
        &format!("<pre id=\"text\">{text}</pre>"),
    ))
}

/// A subset of the headers in the reply of `/echo`, so that tests may print it.
fn echo(asked: &Asked) -> Reply {
    let header = |name: &&'static str| {
        let value = asked.headers.get(HeaderName::from_static(name))?;
        Some((
            *name,
            String::from_utf8_lossy(value.as_bytes()).into_owned(),
        ))
    };
    let headers: BTreeMap<&str, String> = ECHOED.iter().filter_map(header).collect();
    let query: BTreeMap<&str, &str> = asked.query.pairs().collect();
    let body = String::from_utf8_lossy(&asked.body);
    let value = serde_json::json!({
        "method": asked.method.as_str(), "path": asked.path, "query": query, "headers": headers, "body": body,
    });
    json(StatusCode::OK, &value)
}

fn set_cookie(asked: &Asked) -> Reply {
    let sent = asked
        .headers
        .get(COOKIE)
        .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let body = format!(
        "<p>Came with: <code id=\"sent\">{}</code></p><p>Now: <code id=\"out\"></code></p>\
         <script>document.getElementById('out').textContent = document.cookie</script>",
        escape(&sent.unwrap_or_default())
    );
    let page = html(small_page("Cookies", &body));
    asked.query.pairs().fold(page, |page, (name, value)| {
        with_header(
            page,
            SET_COOKIE,
            &format!("{name}={value}; Path=/; SameSite=Lax"),
        )
    })
}
