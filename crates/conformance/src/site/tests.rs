use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use super::pages::PAGES;
use super::{OrderLine, Site};

const DEADLINE: Duration = Duration::from_secs(20);

fn send(site: &Site, request: &str) -> TcpStream {
    let mut stream = TcpStream::connect(site.addr()).expect("the site listens");
    stream
        .set_read_timeout(Some(DEADLINE))
        .expect("a timeout can be set");
    stream
        .write_all(request.as_bytes())
        .expect("the request is sent");
    stream
}

/// One request on a connection of its own; the whole answer as text, empty when the server closed without one.
#[track_caller]
fn exchange(site: &Site, method: &str, path: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    let host = site.addr();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
    );
    let mut answer = Vec::new();
    send(site, &request)
        .read_to_end(&mut answer)
        .expect("an answer before the deadline");
    String::from_utf8_lossy(&answer).into_owned()
}

#[track_caller]
fn get(site: &Site, path: &str) -> String {
    exchange(site, "GET", path, "", "")
}

#[track_caller]
fn check(site: &Site, path: &str, status: u16, contains: &str) {
    let answer = get(site, path);
    assert!(
        answer.starts_with(&format!("HTTP/1.1 {status} ")),
        "{path}: {answer:.300}"
    );
    assert!(
        answer.contains(contains),
        "{path} lacks {contains:?}: {answer:.600}"
    );
}

#[test]
fn every_bundled_file_is_served_and_listed_files_are_complete() {
    let site = Site::start().expect("the site starts");
    for page in PAGES {
        check(&site, page.path, 200, page.content_type);
        assert!(
            !page.body.contains("{{") || page.body.contains("{{cross}}"),
            "{}",
            page.path
        );
    }
    check(&site, "/", 200, "/pages/forms.html");
}

#[test]
fn trouble_endpoints_answer_as_their_table_says() {
    let site = Site::start().expect("the site starts");
    let rows: &[(&str, u16, &str)] = &[
        ("/plain", 200, "<title>Plain page</title>"),
        ("/status/404", 404, "404 Not Found"),
        ("/status/599", 599, "on purpose"),
        ("/status/999", 404, "Not found"),
        ("/status/204", 204, ""),
        ("/redirect/3", 302, "location: /redirect/2"),
        ("/redirect/1", 302, "location: /plain"),
        (
            "/redirect-to?url=http%3A%2F%2Fexample.org%2Fa%3Fb",
            302,
            "location: http://example.org/a?b",
        ),
        ("/redirect-to?url=a%0Ab", 400, ""),
        ("/slow?ms=1", 200, "Here at last"),
        ("/slow-body?ms=1", 200, "The rest."),
        ("/never-loads", 200, "src=\"/never\""),
        (
            "/download/file.txt",
            200,
            "attachment; filename=\"file.txt\"",
        ),
        ("/big?kib=3", 200, "<pre id=\"text\">"),
        ("/json", 200, "Kiln & Oak"),
        (
            "/set-cookie?a=1&b=2",
            200,
            "set-cookie: b=2; Path=/; SameSite=Lax",
        ),
        (
            "/csp",
            200,
            "content-security-policy: default-src 'none'; script-src 'none'",
        ),
        ("/report?id=x", 204, ""),
        ("/favicon.ico", 200, "image/svg+xml"),
        ("/nothing", 404, "Not found"),
        ("/shop/product/nothing", 404, "Not found"),
        ("/shop/thanks?order=1001", 404, "Not found"),
        ("/pages/table.html?rows=2", 200, "Edit 2"),
        ("/pages/thousand-frames.html?n=2", 200, "Frame 2"),
    ];
    for (path, status, contains) in rows {
        check(&site, path, *status, contains);
    }
    assert_eq!(get(&site, "/drop"), "");
    assert!(get(&site, "/big?kib=64").len() > 64 << 10);
    let echo = exchange(
        &site,
        "POST",
        "/echo?a=b%20c",
        "user-agent: t\r\n",
        "hi \"you\"",
    );
    assert!(
        echo.contains(r#""method":"POST""#)
            && echo.contains(r#""a":"b c""#)
            && echo.contains(r#""body":"hi \"you\"""#),
        "{echo}"
    );
}

#[test]
fn pages_name_the_origin_that_they_were_not_asked_on() {
    let site = Site::start().expect("the site starts");
    assert!(get(&site, "/xorigin-frame").contains(&site.cross_url("/plain")));
    assert!(
        get(&site, "/pages/frames/nested.html").contains(&site.cross_url("/pages/frames/far.html"))
    );
    let port = site.addr().port();
    let request = format!(
        "GET /xorigin-frame HTTP/1.1\r\nhost: localhost:{port}\r\nconnection: close\r\n\r\n"
    );
    let mut answer = String::new();
    send(&site, &request)
        .read_to_string(&mut answer)
        .expect("an answer");
    assert!(answer.contains(&site.url("/plain")), "{answer}");
}

#[test]
fn requests_are_recorded_with_their_cookie_query_and_body() {
    let site = Site::start().expect("the site starts");
    exchange(
        &site,
        "POST",
        "/report?id=a%20b",
        "cookie: k=v\r\naccept: x/y\r\nreferer: r\r\n",
        "body",
    );
    get(&site, "/plain?x=1");
    let requests = site.requests();
    assert_eq!(requests.len(), 2);
    assert_eq!(
        (
            requests[0].method.as_str(),
            requests[0].path.as_str(),
            requests[0].body.as_str()
        ),
        ("POST", "/report", "body")
    );
    assert_eq!(
        (
            requests[0].header("cookie"),
            requests[0].header("referer"),
            requests[0].header("accept")
        ),
        (Some("k=v"), Some("r"), None)
    );
    assert_eq!(
        (
            requests[1].query.as_str(),
            requests[1].param("x").as_deref()
        ),
        ("x=1", Some("1"))
    );
    assert_eq!(
        (
            site.hits("/plain"),
            site.hits("/never"),
            site.reported("a b"),
            site.reports()
        ),
        (1, 0, 1, vec!["a b".to_owned()])
    );
    site.forget_requests();
    assert_eq!(site.requests(), []);
}

#[tokio::test]
async fn waiting_for_a_report_ends_with_its_arrival_or_with_the_deadline() {
    let site = Site::start().expect("the site starts");
    assert!(
        !site
            .wait_for_report("late", 1, Duration::from_millis(1))
            .await
    );
    let _connection = send(&site, "GET /report?id=late HTTP/1.1\r\nhost: x\r\n\r\n");
    assert!(site.wait_for_report("late", 1, DEADLINE).await);
    assert!(site.wait_for_hits("/report", 1, DEADLINE).await);
}

#[tokio::test]
async fn dropping_the_site_ends_connections_that_were_held() {
    let site = Site::start().expect("the site starts");
    let mut held = send(&site, "GET /never HTTP/1.1\r\nhost: x\r\n\r\n");
    let mut slow = send(&site, "GET /slow?ms=30000 HTTP/1.1\r\nhost: x\r\n\r\n");
    let idle = TcpStream::connect(site.addr()).expect("the site listens");
    assert!(
        site.wait_for_hits("/never", 1, DEADLINE).await
            && site.wait_for_hits("/slow", 1, DEADLINE).await
    );
    let addr = site.addr();
    drop(site);
    for stream in [&mut held, &mut slow] {
        assert!(
            matches!(stream.read(&mut [0; 64]), Ok(0) | Err(_)),
            "nothing was answered"
        );
    }
    assert!(TcpStream::connect(addr).is_err(), "the port is free again");
    drop(idle);
}

#[test]
fn the_first_part_of_a_slow_body_arrives_before_the_rest() {
    let site = Site::start().expect("the site starts");
    let mut stream = send(&site, "GET /slow-body?ms=30000 HTTP/1.1\r\nhost: x\r\n\r\n");
    let mut seen = Vec::new();
    let mut chunk = [0; 4096];
    while !String::from_utf8_lossy(&seen).contains("The first part.") {
        let read = stream
            .read(&mut chunk)
            .expect("the first part before the deadline");
        assert_ne!(read, 0, "the connection ended early");
        seen.extend_from_slice(&chunk[..read]);
    }
    assert!(!String::from_utf8_lossy(&seen).contains("The rest."));
}

fn session(site: &Site) -> String {
    let answer = get(site, "/shop/");
    let (_, rest) = answer
        .split_once("set-cookie: ")
        .expect("a first visit sets a cookie");
    format!("cookie: {}\r\n", rest.split(';').next().expect("a value"))
}

#[test]
fn an_order_passes_from_the_cart_through_the_checked_form_to_the_server() {
    let site = Site::start().expect("the site starts");
    let cookie = session(&site);
    let post = |path: &str, body: &str| exchange(&site, "POST", path, &cookie, body);
    let added = post(
        "/shop/api/cart",
        "slug=speckled-mug&variant=Lake&quantity=2",
    );
    assert!(
        added.contains("Added 2 × Speckled Mug, Lake.") && added.contains("\"count\":2"),
        "{added}"
    );
    assert!(
        post("/shop/api/cart", "slug=oak-board&variant=30+cm&quantity=1").contains("\"count\":3")
    );
    assert!(post("/shop/cart/remove", "line=1").contains("location: /shop/cart?removed=oak-board"));
    let wrong = post(
        "/shop/checkout",
        "email=nobody&name=%3Cb%3E&country=DE&delivery=express",
    );
    assert!(
        wrong.starts_with("HTTP/1.1 422")
            && wrong.contains("value=\"&lt;b&gt;\"")
            && wrong.contains("Accept the terms"),
        "{wrong}"
    );
    assert_eq!(site.orders(), []);
    let right = post(
        "/shop/checkout",
        "email=a%40b.org&name=Ada&country=DE&delivery=express&gift=yes&terms=yes&note=Hi",
    );
    assert!(
        right.starts_with("HTTP/1.1 303") && right.contains("location: /shop/thanks?order=1001"),
        "{right}"
    );
    assert!(
        exchange(&site, "GET", "/shop/thanks?order=1001", &cookie, "").contains("Thank you, Ada!")
    );
    let orders = site.orders();
    let line = OrderLine {
        slug: "speckled-mug".into(),
        variant: "Lake".into(),
        quantity: 2,
    };
    assert_eq!(
        (
            orders.len(),
            &orders[0].lines,
            orders[0].total_cents,
            orders[0].gift
        ),
        (1, &vec![line], 5700, true)
    );
    assert!(exchange(&site, "GET", "/shop/cart", &cookie, "").contains("Your cart is empty"));
}

#[test]
fn the_shop_refuses_what_it_cannot_sell() {
    let site = Site::start().expect("the site starts");
    let cookie = session(&site);
    let rows = [
        ("slug=gold&variant=Lake&quantity=1", 404),
        ("slug=salt-cellar&variant=Lake&quantity=1", 409),
        ("slug=speckled-mug&variant=Pink&quantity=1", 422),
        ("slug=speckled-mug&variant=Lake&quantity=0", 422),
        ("slug=speckled-mug&variant=Lake&quantity=99999999999", 422),
        ("%zz&=&&slug", 404),
    ];
    for (body, status) in rows {
        let answer = exchange(&site, "POST", "/shop/api/cart", &cookie, body);
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{body}: {answer}"
        );
    }
    assert!(
        exchange(
            &site,
            "POST",
            "/shop/api/helpful",
            &cookie,
            "slug=moon-vase&review=9"
        )
        .starts_with("HTTP/1.1 404")
    );
    assert!(
        exchange(
            &site,
            "POST",
            "/shop/api/helpful",
            &cookie,
            "slug=moon-vase&review=0"
        )
        .contains("{\"votes\":1}")
    );
    assert!(get(&site, "/shop/search?q=OAK").contains("Oak Serving Board"));
    assert!(get(&site, "/shop/search?q=%3Cscript%3E").contains("Results for “&lt;script&gt;”"));
}
