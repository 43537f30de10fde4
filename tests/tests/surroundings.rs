//! The options of new sessions that need a server of their own to be seen: proxies and certificates.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use odb_tests::tour::Tour;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// The lines of a request's head.
fn head(stream: impl Read) -> Vec<String> {
    BufReader::new(stream)
        .lines()
        .map_while(Result::ok)
        .take_while(|line| !line.is_empty())
        .collect()
}

fn answer(status: &str, header: &str, text: &str) -> String {
    let length = text.len();
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/html\r\nContent-Length: {length}\r\nConnection: close\r\n{header}\r\n{text}"
    )
}

/// A proxy that asks for ada's password and answers everything itself; its port, and how often it was passed.
fn proxy() -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let (port, passed) = (
        listener.local_addr().expect("it is bound").port(),
        Arc::new(AtomicUsize::new(0)),
    );
    let counted = passed.clone();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let asked = head(&stream);
            // The base64 of ada:oak.
            let known = asked
                .iter()
                .any(|line| line.eq_ignore_ascii_case("proxy-authorization: basic YWRhOm9haw=="));
            let reply = if known {
                counted.fetch_add(1, Ordering::Relaxed);
                let url = asked
                    .first()
                    .and_then(|line| line.split(' ').nth(1))
                    .unwrap_or_default();
                answer(
                    "200 OK",
                    "",
                    &format!("<title>By proxy</title><p>you asked for {url}"),
                )
            } else {
                answer(
                    "407 Proxy Authentication Required",
                    "Proxy-Authenticate: Basic realm=\"kiln\"\r\n",
                    "who are you?",
                )
            };
            let _ = stream.write_all(reply.as_bytes());
        }
    });
    (port, passed)
}

#[test]
fn all_traffic_goes_through_a_sessions_proxy_but_for_the_hosts_that_are_let_out() {
    let (port, passed) = proxy();
    let tour = Tour::start();
    tour.write("secret", "oak\n");
    let server = format!("http://127.0.0.1:{port}");
    let direct = tour.site.addr().to_string();
    tour.shows(
        &[
            "session",
            "create",
            "--proxy",
            &server,
            "--proxy-bypass",
            &direct,
            "--proxy-user",
            "ada",
            "--proxy-password-file",
            "secret",
        ],
        "made",
    );
    tour.run(&["goto", "http://shop.test/cart"]);
    assert_eq!(
        tour.run(&["get", "text", "p"]),
        "you asked for http://shop.test/cart"
    );
    tour.run(&["goto", &tour.site.cross_url("/plain")]);
    assert_eq!(
        tour.run(&["get", "title"]),
        "By proxy",
        "loopback is no exception"
    );
    assert!(passed.load(Ordering::Relaxed) >= 2);
    tour.run(&["goto", &tour.site.url("/plain")]);
    assert_eq!(tour.run(&["get", "title"]), "Plain page");
    assert_eq!(tour.site.hits("/plain"), 1);
    let kept = std::fs::read_to_string(tour.scratch.path().join("home/sessions/default.json"))
        .expect("the session is kept");
    assert!(!kept.contains("oak") && kept.contains(&server), "{kept}");
    tour.refused(&[
        "open",
        &tour.site.url("/plain"),
        "--proxy",
        "http://127.0.0.1:9",
    ]);
    assert!(
        tour.refused(&[
            "session",
            "create",
            "--session",
            "b",
            "--proxy",
            "http://u:p@h:1"
        ])
        .contains("proxy.server")
    );
}

/// A server with a certificate of its own making; its port.
fn self_signed() -> u16 {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()])
        .expect("a certificate is made");
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the provider knows them")
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .expect("the key is the certificate's");
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let port = listener.local_addr().expect("it is bound").port();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let config = config.clone();
            // A browser opens connections that it does not use.
            std::thread::spawn(move || {
                let connection = ServerConnection::new(config).expect("the configuration is whole");
                let mut tls = StreamOwned::new(connection, stream);
                if !head(&mut tls).is_empty() {
                    let page = "<title>Safe enough</title><a href=/ target=_blank>again</a><script src=/app.js></script>";
                    let _ = tls.write_all(answer("200 OK", "", page).as_bytes());
                    tls.conn.send_close_notify();
                    let _ = tls.flush();
                }
            });
        }
    });
    port
}

#[test]
fn a_certificate_that_nobody_vouches_for_is_taken_where_it_was_asked_for_and_nowhere_else() {
    let url = format!("https://localhost:{}/", self_signed());
    let tour = Tour::start();
    assert!(
        tour.refused(&["open", &url])
            .contains("ops_nav_certificate_invalid")
    );
    assert!(
        tour.refused(&["open", &url, "--ignore-certificate-errors"])
            .contains("made without this --ignore-certificate-errors")
    );
    tour.run(&[
        "open",
        &url,
        "--ignore-certificate-errors",
        "--session",
        "lax",
    ]);
    assert_eq!(
        tour.run(&["get", "title", "--session", "lax"]),
        "Safe enough"
    );
    // A page that opens later takes it too.
    tour.shows(&["click", "text=again", "--session", "lax"], "t2");
    tour.run(&["tabs", "use", "t2", "--session", "lax"]);
    tour.run(&["wait", "--text", "again", "--session", "lax"]);
    assert!(
        tour.refused(&["goto", &url])
            .contains("ops_nav_certificate_invalid"),
        "the other session trusts as before"
    );
}
