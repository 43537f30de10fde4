use std::io::{Read as _, Write as _};

use ops_contracts::seam::egress::EgressUpstream;
use ops_contracts::wire::domains::DomainRules;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;

#[derive(Default)]
struct Seen(Mutex<Vec<String>>);

impl EgressWitness for Seen {
    fn refused(&self, refusal: &DomainRefusal) {
        self.0.lock().push(refusal.sentence());
    }
}

/// A web server that answers each request of a connection with the request itself. Its port.
fn mirror() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || reflect(stream));
        }
    });
    port
}

fn reflect(mut stream: std::net::TcpStream) {
    let (mut seen, mut part) = (Vec::new(), [0; 4096]);
    while let Ok(count) = stream.read(&mut part) {
        if count == 0 {
            return;
        }
        seen.extend_from_slice(&part[..count]);
        if seen.ends_with(b"\r\n\r\n") {
            let head = format!(
                "HTTP/1.1 200 OK\r\nConnection: x-hop\r\nX-Hop: 1\r\nContent-Length: {}\r\n\r\n",
                seen.len()
            );
            if stream
                .write_all(&[head.as_bytes(), &seen].concat())
                .is_err()
            {
                return;
            }
            seen.clear();
        }
    }
}

async fn open(
    allow: &[&str],
    deny: &[&str],
    upstream: Option<String>,
) -> (Arc<dyn EgressDoor>, Arc<Seen>) {
    let list = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
    let rules = ops_contracts::wire::domains::DomainRules {
        allow: list(allow),
        deny: list(deny),
    };
    let seen = Arc::new(Seen::default());
    let door = LocalEgress.open().await.unwrap();
    door.belongs_to(std::process::id());
    door.confine(EgressTerms {
        policy: DomainPolicy::of([rules]),
        upstream: upstream.map(|server| EgressUpstream {
            server,
            policy: DomainPolicy::default(),
        }),
        witness: seen.clone(),
    });
    (door, seen)
}

#[tokio::test]
async fn a_proxy_behind_the_door_is_not_reached_where_its_own_rules_refuse_it() {
    let port = mirror();
    for (host, denied) in [
        ("127.0.0.1", "127.0.0.1"),
        ("localhost", "localhost"),
        // By the address that its name resolves to.
        ("proxy.localhost", "127.0.0.1"),
        ("[::ffff:0.0.0.0]", "127.0.0.1"),
    ] {
        let rules = DomainRules {
            allow: Vec::new(),
            deny: vec![denied.parse().unwrap()],
        };
        let seen = Arc::new(Seen::default());
        let door = LocalEgress.open().await.unwrap();
        door.belongs_to(std::process::id());
        door.confine(EgressTerms {
            policy: DomainPolicy::default(),
            upstream: Some(EgressUpstream {
                server: format!("http://{host}:{port}"),
                policy: DomainPolicy::of([rules]),
            }),
            witness: seen.clone(),
        });
        let tunnel = "CONNECT far.example:443 HTTP/1.1\r\nHost: far.example:443\r\n\r\n";
        let answer = say(&door, tunnel, "\r\n\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 403"), "{host}: {answer}");
        // A plain request is broken off without a word, so that no document of ours stands for the host.
        let plain = "GET http://far.example/x HTTP/1.1\r\nHost: far.example\r\n\r\n";
        assert_eq!(say(&door, plain, "\r\n\r\n").await, "", "{host}");
    }
}

/// Sends a text through a door and returns the answer up to `until`, or to the end.
async fn say(door: &Arc<dyn EgressDoor>, text: &str, until: &str) -> String {
    let mut stream = TcpStream::connect(door.address()).await.unwrap();
    let _ = stream.write_all(text.as_bytes()).await;
    read_until(&mut stream, until).await
}

async fn read_until(stream: &mut TcpStream, until: &str) -> String {
    let (mut all, mut part) = (Vec::new(), [0; 4096]);
    let reading = async {
        while let Ok(count) = stream.read(&mut part).await {
            all.extend_from_slice(&part[..count]);
            if count == 0 || (!until.is_empty() && String::from_utf8_lossy(&all).contains(until)) {
                break;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), reading)
        .await
        .expect("an answer or an end");
    String::from_utf8_lossy(&all).into_owned()
}

#[tokio::test]
async fn a_plain_request_is_decided_by_its_own_host_each_time() {
    let port = mirror();
    let (door, seen) = open(&["*.good.localhost"], &[], None).await;
    let mut stream = TcpStream::connect(door.address()).await.unwrap();
    let good = format!(
        "GET http://a.good.localhost:{port}/x?y HTTP/1.1\r\nHost: liar\r\nProxy-Connection: keep-alive\r\n\r\n"
    );
    stream.write_all(good.as_bytes()).await.unwrap();
    let answer = read_until(
        &mut stream,
        &format!("Host: a.good.localhost:{port}\r\n\r\n"),
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    assert!(
        answer.contains(&format!(
            "GET /x?y HTTP/1.1\r\nHost: a.good.localhost:{port}\r\n\r\n"
        )),
        "{answer}"
    );
    assert!(
        !answer.to_lowercase().contains("x-hop"),
        "what is said from hop to hop stays there: {answer}"
    );
    // The same connection, another host: broken off without a word.
    stream
        .write_all(
            format!("GET http://bad.localhost:{port}/ HTTP/1.1\r\nHost: a.good.localhost\r\n\r\n")
                .as_bytes(),
        )
        .await
        .unwrap();
    assert_eq!(read_until(&mut stream, "").await, "");
    assert_eq!(
        *seen.0.lock(),
        [format!(
            "bad.localhost:{port} is on no allow list of this session"
        )]
    );
}

#[tokio::test]
async fn a_tunnel_is_opened_to_permitted_hosts_alone() {
    let port = mirror();
    let (door, seen) = open(&[], &["bad.localhost"], None).await;
    let connect =
        |host: &str| format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n");
    let mut stream = TcpStream::connect(door.address()).await.unwrap();
    stream
        .write_all(connect("good.localhost").as_bytes())
        .await
        .unwrap();
    assert!(
        read_until(&mut stream, "\r\n\r\n")
            .await
            .starts_with("HTTP/1.1 200")
    );
    stream.write_all(b"raw\r\n\r\n").await.unwrap();
    assert!(
        read_until(&mut stream, "raw\r\n\r\n")
            .await
            .ends_with("raw\r\n\r\n")
    );
    for refused in ["bad.localhost", "BAD.localhost."] {
        assert!(
            say(&door, &connect(refused), "\r\n\r\n")
                .await
                .starts_with("HTTP/1.1 403"),
            "{refused}"
        );
    }
    assert_eq!(seen.0.lock().len(), 2);
    drop(door);
    assert_eq!(
        read_until(&mut stream, "").await,
        "",
        "a closed door ends its tunnels"
    );
    // One denied address of loopback stands for all of them, and for every name of theirs.
    let (door, _) = open(&[], &["127.0.0.2"], None).await;
    for refused in ["127.0.0.2", "127.0.0.1", "good.localhost"] {
        assert!(
            say(&door, &connect(refused), "\r\n\r\n")
                .await
                .starts_with("HTTP/1.1 403"),
            "{refused}"
        );
    }
}

#[tokio::test]
async fn a_denied_address_stays_denied_under_any_name() {
    let port = mirror();
    let (door, seen) = open(&[], &["127.0.0.1", "::1"], None).await;
    let text = format!("CONNECT good.localhost:{port} HTTP/1.1\r\n\r\n");
    assert!(
        say(&door, &text, "\r\n\r\n")
            .await
            .starts_with("HTTP/1.1 403")
    );
    assert!(
        seen.0.lock()[0].starts_with("good.localhost"),
        "{:?}",
        seen.0
    );
}

#[tokio::test]
async fn nobody_else_comes_in_and_nothing_passes_before_there_are_terms() {
    let port = mirror();
    let text = format!("CONNECT localhost:{port} HTTP/1.1\r\n\r\n");
    let closed = LocalEgress.open().await.unwrap();
    assert_eq!(say(&closed, &text, "").await, "", "no browser yet");
    closed.belongs_to(std::process::id());
    assert!(
        say(&closed, &text, "\r\n\r\n")
            .await
            .starts_with("HTTP/1.1 403"),
        "no terms yet"
    );
    let (door, _) = open(&[], &["x.test"], None).await;
    assert!(
        say(&door, &text, "\r\n\r\n")
            .await
            .starts_with("HTTP/1.1 200")
    );
    // A process of another group is the browser now: this one is a stranger.
    let mut other = std::process::Command::new("sleep");
    let mut other = std::os::unix::process::CommandExt::process_group(&mut other, 0)
        .arg("60")
        .spawn()
        .unwrap();
    door.belongs_to(other.id());
    assert_eq!(say(&door, &text, "").await, "");
    other.kill().unwrap();
    other.wait().unwrap();
}

#[tokio::test]
async fn what_may_pass_goes_on_to_the_proxy_behind_the_door() {
    let port = mirror();
    let (behind, _) = open(&["only.localhost", "plain.localhost"], &[], None).await;
    let address = behind.address();
    let (door, _) = open(
        &[],
        &["bad.localhost"],
        Some(format!("http://u:p@{address}")),
    )
    .await;
    let connect = |host: &str| format!("CONNECT {host}:{port} HTTP/1.1\r\n\r\n");
    assert!(
        say(&door, &connect("only.localhost"), "\r\n\r\n")
            .await
            .starts_with("HTTP/1.1 200")
    );
    assert!(
        say(&door, &connect("other.localhost"), "\r\n\r\n")
            .await
            .starts_with("HTTP/1.1 502"),
        "the proxy behind refuses"
    );
    assert!(
        say(&door, &connect("bad.localhost"), "\r\n\r\n")
            .await
            .starts_with("HTTP/1.1 403"),
        "the door refuses"
    );
    let plain =
        format!("GET http://plain.localhost:{port}/z HTTP/1.1\r\nHost: plain.localhost\r\n\r\n");
    assert!(
        say(&door, &plain, "GET /z")
            .await
            .contains("GET /z HTTP/1.1")
    );
    let (useless, _) = open(&[], &["bad.localhost"], Some("socks9://x".to_owned())).await;
    assert!(
        say(&useless, &connect("only.localhost"), "\r\n\r\n")
            .await
            .starts_with("HTTP/1.1 403"),
        "nothing passes"
    );
}
