//! Sessions that are confined to domains, over a real relay and real browsers: what a page tries by every way that there is
//! reaches the server from an open session and not from a confined one.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use odb_tests::PATIENCE;
use odb_tests::relay::{Relay, RemoteSession, configure};
use ops_client::ClientError;
use ops_client::legacy::{self, CdpSocket};
use ops_contracts::control::legacy::LegacySelection;
use ops_contracts::wire::capability::{AdapterKind, BrowserKind};
use ops_contracts::wire::command::dom::EvalParams;
use ops_contracts::wire::command::nav::GotoParams;
use ops_contracts::wire::command::network::LogParams;
use ops_contracts::wire::command::session::{CreateParams, Isolation, Proxy};
use ops_contracts::wire::command::{
    DiagnosticsNetwork, DomEval, Empty, NavGoto, SessionCreate, SessionStatus, TargetsList,
};
use ops_contracts::wire::domains::{DomainReason, DomainRule};
use ops_contracts::wire::routing::RoutingMode;
use ops_contracts::{Details, ErrorCode};
use serde_json::{Value, json};

/// A web server for every name below localhost, and an ear for datagrams at the same address.
struct Hosts {
    port: u16,
    /// Host and path of what has arrived.
    hits: Arc<Mutex<Vec<String>>>,
    datagrams: UdpSocket,
}

impl Hosts {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let datagrams = UdpSocket::bind("127.0.0.1:0").unwrap();
        datagrams.set_nonblocking(true).unwrap();
        let hits = Arc::new(Mutex::new(Vec::new()));
        let (heard, udp) = (hits.clone(), datagrams.local_addr().unwrap().port());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let heard = heard.clone();
                std::thread::spawn(move || serve(stream, port, udp, &heard));
            }
        });
        Self {
            port,
            hits,
            datagrams,
        }
    }

    fn url(&self, host: &str, path: &str) -> String {
        format!("http://{host}:{}{path}", self.port)
    }

    /// The paths that were asked for under a host since the last call, sorted.
    fn taken(&self, host: &str) -> Vec<String> {
        let mut hits = self.hits.lock().unwrap_or_else(PoisonError::into_inner);
        let (of_host, others): (Vec<_>, Vec<_>) =
            hits.drain(..).partition(|hit| hit.starts_with(host));
        *hits = others;
        let mut paths: Vec<_> = of_host
            .into_iter()
            .map(|hit| hit[host.len()..].to_owned())
            .collect();
        paths.sort();
        paths.dedup();
        paths
    }

    /// Whether a datagram has arrived since the last call.
    fn heard_datagram(&self) -> bool {
        let mut heard = false;
        while self.datagrams.recv(&mut [0; 2048]).is_ok() {
            heard = true;
        }
        heard
    }
}

fn serve(stream: TcpStream, port: u16, udp: u16, hits: &Mutex<Vec<String>>) {
    let Ok(mut out) = stream.try_clone() else {
        return;
    };
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    while let Some(request) = lines.next() {
        let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
        let head: Vec<String> = lines.by_ref().take_while(|line| !line.is_empty()).collect();
        let host = head.iter().find_map(|line| {
            line.to_ascii_lowercase()
                .strip_prefix("host: ")
                .map(str::to_owned)
        });
        let host = host
            .unwrap_or_default()
            .split(':')
            .next()
            .unwrap_or_default()
            .to_owned();
        // Browsers ask for it when they like, of documents that other paths tell of.
        if path != "/favicon.ico" {
            hits.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(format!("{host}{path}"));
        }
        let (status, kind, body) = match path.as_str() {
            "/" => (
                "200 OK",
                "text/html",
                PAGE.replace("PORT", &port.to_string())
                    .replace("UDP", &udp.to_string()),
            ),
            "/away" => ("302 Found", "text/plain", String::new()),
            "/worker.js" => (
                "200 OK",
                "text/javascript",
                WORKER.replace("PORT", &port.to_string()),
            ),
            "/shared.js" => (
                "200 OK",
                "text/javascript",
                SHARED.replace("PORT", &port.to_string()),
            ),
            "/service.js" => (
                "200 OK",
                "text/javascript",
                SERVICE.replace("PORT", &port.to_string()),
            ),
            _ => (
                "200 OK",
                "text/html",
                "<title>Reached</title>reached".to_owned(),
            ),
        };
        let there = if path == "/away" {
            format!("Location: http://bad.localhost:{port}/redirected\r\n")
        } else {
            String::new()
        };
        let length = body.len();
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\n{there}Cache-Control: no-store\r\nContent-Length: {length}\r\n\r\n"
        );
        if out.write_all(format!("{head}{body}").as_bytes()).is_err() {
            return;
        }
    }
}

const WORKER: &str = "fetch('http://bad.localhost:PORT/from-worker', { mode: 'no-cors' })
    .then(() => postMessage('reached'), () => postMessage('refused'));";

const SHARED: &str = "onconnect = event => fetch('http://bad.localhost:PORT/from-shared', { mode: 'no-cors' })
    .then(() => event.ports[0].postMessage('reached'), () => event.ports[0].postMessage('refused'));";

const SERVICE: &str = "oninstall = event => event.waitUntil(
    fetch('http://bad.localhost:PORT/from-service', { mode: 'no-cors' }).catch(() => {}));";

const PAGE: &str = r#"<!doctype html><title>Page</title><link rel="preconnect" href="http://bad.localhost:PORT">
<link rel="dns-prefetch" href="http://bad.localhost:PORT"><body><script>
const bad = 'http://bad.localhost:PORT';
const told = (element, url) => new Promise(done => {
    element.onload = () => done('reached'); element.onerror = () => done('refused');
    element.src = url; document.body.append(element);
});
const within = promise => Promise.race([promise, new Promise(done => setTimeout(done, 4000, 'late'))]);
async function all() {
    const worker = new Promise(done => new Worker('/worker.js').onmessage = event => done(event.data));
    const shared = new Promise(done => new SharedWorker('/shared.js').port.onmessage = event => done(event.data));
    const service = navigator.serviceWorker.register('/service.js').then(() => navigator.serviceWorker.ready).then(() => 'over');
    const own = new WebSocket(`ws://${location.host}/own-socket`);
    const socket = new Promise(done => {
        const made = new WebSocket('ws://bad.localhost:PORT/socket');
        made.onopen = () => done('reached'); made.onerror = () => done('over');
    });
    const peer = new RTCPeerConnection({ iceServers: [
        { urls: 'stun:127.0.0.1:UDP' }, { urls: 'turn:127.0.0.1:UDP', username: 'u', credential: 'p' } ] });
    peer.createDataChannel('x');
    await peer.setLocalDescription();
    const gathered = new Promise(done => {
        const look = () => peer.iceGatheringState === 'complete' && done('over');
        peer.onicegatheringstatechange = look; look();
    });
    try { new WebTransport('https://127.0.0.1:UDP/').ready.catch(() => {}); } catch { }
    navigator.sendBeacon(bad + '/beacon');
    // Whether a frame's document is the host's cannot be seen from here: the server sees it.
    const frame = document.createElement('iframe'); frame.src = bad + '/frame'; document.body.append(frame);
    return {
        image: await within(told(new Image(), bad + '/image')),
        fetch: await within(fetch(bad + '/fetch', { mode: 'no-cors' }).then(() => 'reached', () => 'refused')),
        own: await within(fetch('/own').then(() => 'reached', () => 'refused')),
        worker: await within(worker),
        shared: await within(shared),
        service: await within(service),
        socket: await within(socket),
        gathered: await within(gathered),
    };
}
</script>"#;

fn rules(texts: &[&str]) -> Vec<DomainRule> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

fn open_on(browser: BrowserKind) -> CreateParams {
    CreateParams {
        browser,
        ..CreateParams::default()
    }
}

fn allowing(browser: BrowserKind, texts: &[&str]) -> CreateParams {
    CreateParams {
        allow_domains: rules(texts),
        ..open_on(browser)
    }
}

fn to(url: String) -> GotoParams {
    serde_json::from_value(serde_json::json!({ "url": url })).unwrap()
}

async fn eval(session: &RemoteSession, expression: &str) -> serde_json::Value {
    let params: EvalParams =
        serde_json::from_value(serde_json::json!({ "expression": expression })).unwrap();
    let result = session.call::<DomEval>(&params).await.unwrap();
    serde_json::to_value(&result).unwrap()["value"].clone()
}

#[track_caller]
fn denied<T: std::fmt::Debug>(result: Result<T, ClientError>, host: &str) -> Details {
    let Err(ClientError::Refused { code, refusal }) = result else {
        panic!("no refusal: {result:?}")
    };
    assert_eq!(code, ErrorCode::OpsDomainDenied, "{refusal:?}");
    let details = refusal.details.unwrap();
    assert_eq!(details.get("host").unwrap(), host);
    details
}

/// Everything that the page tries, and a popup.
async fn try_all(session: &RemoteSession, hosts: &Hosts) -> serde_json::Value {
    session
        .call::<NavGoto>(&to(hosts.url("good.localhost", "/")))
        .await
        .unwrap();
    let seen = eval(session, "all()").await;
    eval(session, "void window.open(bad + '/popup')").await;
    seen
}

async fn no_way_out_of_a_confined_session_reaches_a_host_that_is_not_allowed(browser: BrowserKind) {
    let (scratch, hosts) = (tempfile::tempdir().unwrap(), Hosts::start());
    let relay = Relay::start(&scratch);
    let client = relay.client("confined").await;
    let (free, all) = (open_on(browser), allowing(browser, &["good.localhost"]));
    let (open, confined) = tokio::join!(
        RemoteSession::create(&client, &free),
        RemoteSession::create(&client, &all)
    );

    let seen = try_all(&confined, &hosts).await;
    let expected = serde_json::json!({
        "image": "refused", "fetch": "refused", "own": "reached", "worker": "refused", "shared": "refused", "service": "over",
        "socket": "over",
    });
    for (way, outcome) in expected.as_object().unwrap() {
        assert_eq!(&seen[way], outcome, "{way}: {seen}");
    }
    let refused = denied(
        confined
            .call::<NavGoto>(&to(hosts.url("bad.localhost", "/direct")))
            .await,
        "bad.localhost",
    );
    assert_eq!(refused.get("reason").unwrap(), "notAllowed");
    let redirected = denied(
        confined
            .call::<NavGoto>(&to(hosts.url("good.localhost", "/away")))
            .await,
        "bad.localhost",
    );
    assert!(
        redirected
            .get("url")
            .unwrap()
            .as_str()
            .unwrap()
            .ends_with("/redirected")
    );
    denied(
        confined
            .call::<NavGoto>(&to(hosts.url("localhost", "/")))
            .await,
        "localhost",
    );
    denied(
        confined
            .call::<NavGoto>(&to(hosts.url("127.0.0.1", "/")))
            .await,
        "127.0.0.1",
    );

    // The popup is a page of the session, and shows nothing of the host.
    assert_eq!(
        confined
            .call::<TargetsList>(&Empty {})
            .await
            .unwrap()
            .targets
            .len(),
        2
    );
    let log = LogParams {
        limit: 200,
        ..serde_json::from_str("{}").unwrap()
    };
    let log = confined.call::<DiagnosticsNetwork>(&log).await.unwrap();
    let told: Vec<_> = log
        .entries
        .iter()
        .filter(|entry| entry.refused.is_some())
        .map(|entry| entry.url.clone())
        .collect();
    for path in ["/image", "/frame", "/fetch", "/redirected"] {
        assert!(
            told.iter().any(|url| url.ends_with(path)),
            "{path}: {told:?}"
        );
    }
    assert!(
        log.entries
            .iter()
            .all(|entry| entry.refused.is_none() || entry.url.contains("bad.localhost"))
    );
    let status = confined
        .call::<SessionStatus>(&Empty {})
        .await
        .unwrap()
        .domains
        .unwrap();
    assert_eq!(status.rules[0].allow, rules(&["good.localhost"]));
    let refused = status
        .refused
        .iter()
        .find(|refused| refused.host == "bad.localhost")
        .unwrap();
    assert!(
        refused.count >= 5 && refused.reason == DomainReason::NotAllowed,
        "{refused:?}"
    );

    assert_eq!(hosts.taken("bad.localhost"), Vec::<String>::new());
    assert!(
        !hosts.heard_datagram(),
        "nothing leaves a confined browser but through its door"
    );
    // The page itself is whole.
    let own = hosts.taken("good.localhost");
    assert!(
        ["/own", "/own-socket", "/service.js"]
            .iter()
            .all(|path| own.iter().any(|hit| hit == path)),
        "{own:?}"
    );

    // The ways are ways: from an open session everything arrives. It comes last, for its peers go on asking.
    let seen = try_all(&open, &hosts).await;
    assert_eq!(
        (&seen["image"], &seen["fetch"], &seen["worker"]),
        (&"refused".into(), &"reached".into(), &"reached".into()),
        "{seen}"
    );
    let mut reached = hosts.taken("bad.localhost");
    let wanted = [
        "/beacon",
        "/fetch",
        "/frame",
        "/from-service",
        "/from-shared",
        "/from-worker",
        "/image",
        "/popup",
        "/socket",
    ];
    let deadline = std::time::Instant::now() + PATIENCE;
    while !wanted
        .iter()
        .all(|path| reached.iter().any(|hit| hit == path))
        && std::time::Instant::now() < deadline
    {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        reached.extend(hosts.taken("bad.localhost"));
    }
    reached.sort();
    assert_eq!(reached, wanted);
    assert!(
        hosts.heard_datagram(),
        "WebRTC asks a STUN server from an open session"
    );
}

async fn a_session_narrows_the_relays_own_lists_and_never_widens_them(browser: BrowserKind) {
    let (scratch, hosts) = (tempfile::tempdir().unwrap(), Hosts::start());
    configure(
        &scratch,
        r#"{"browser":{"allowDomains":["*.localhost"],"denyDomains":["secret.localhost"]}}"#,
    );
    let relay = Relay::start(&scratch);
    let client = relay.client("narrow").await;
    let wide = CreateParams {
        deny_domains: rules(&["more.localhost"]),
        ..allowing(browser, &["*", "secret.localhost"])
    };
    // A profile of its own: there the whole browser goes through the door.
    let kept = CreateParams {
        profile: Some("kept".to_owned()),
        isolation: Isolation::Process,
        ..open_on(browser)
    };
    let (wide, kept) = tokio::join!(
        RemoteSession::create(&client, &wide),
        RemoteSession::create(&client, &kept)
    );
    for session in [&wide, &kept] {
        session
            .call::<NavGoto>(&to(hosts.url("good.localhost", "/own")))
            .await
            .unwrap();
        let body = denied(
            session
                .call::<NavGoto>(&to(hosts.url("secret.localhost", "/")))
                .await,
            "secret.localhost",
        );
        assert_eq!(body.get("rule").unwrap(), "secret.localhost");
        denied(
            session
                .call::<NavGoto>(&to(hosts.url("127.0.0.1", "/")))
                .await,
            "127.0.0.1",
        );
    }
    assert!(hosts.taken("good.localhost").contains(&"/own".to_owned()));
    for session in [&wide, &kept] {
        let socket = "new Promise(done => new WebSocket(`ws://${location.host}/own-socket`).onerror = () => done('over'))";
        assert_eq!(eval(session, socket).await, "over");
        assert_eq!(hosts.taken("good.localhost"), ["/own-socket"]);
    }
    denied(
        wide.call::<NavGoto>(&to(hosts.url("more.localhost", "/")))
            .await,
        "more.localhost",
    );
    kept.call::<NavGoto>(&to(hosts.url("more.localhost", "/own")))
        .await
        .unwrap();
    let fetched = "fetch('http://secret.localhost:PORT/x', { mode: 'no-cors' }).then(() => 'reached', () => 'refused')";
    assert_eq!(
        eval(&kept, &fetched.replace("PORT", &hosts.port.to_string())).await,
        "refused"
    );
    assert_eq!(hosts.taken("secret.localhost"), Vec::<String>::new());

    // A browser that can't be confined is not opened at all.
    let driven = CreateParams {
        adapter: Some(AdapterKind::Bidi),
        ..open_on(BrowserKind::Chrome)
    };
    let refused = client
        .call::<SessionCreate>(None, &driven, Some(PATIENCE))
        .await;
    assert_eq!(
        refused.expect_err("a refusal").code(),
        Some(ErrorCode::RelayLegacyCdpOptInRequired)
    );
}

/// A session of the legacy lane, spoken to in raw messages.
struct Raw {
    socket: CdpSocket,
    /// The command sent last.
    last: u64,
    /// The page that is spoken to: the protocol's own session.
    page: Option<String>,
}

impl Raw {
    async fn open(relay: &Relay) -> Self {
        let mut endpoint = relay.endpoint("raw");
        endpoint.routing.cli.routing_mode = Some(RoutingMode::LegacyCdp);
        let grant = legacy::open(&endpoint, LegacySelection::Explicit)
            .await
            .unwrap();
        let socket = CdpSocket::connect(&endpoint, &grant.session_id, &grant.cdp_lease_id);
        Self {
            socket: socket.await.unwrap(),
            last: 0,
            page: None,
        }
    }

    async fn call(&mut self, method: &str, params: Value) -> Result<Value, ClientError> {
        self.last += 1;
        let mut message = json!({ "id": self.last, "method": method, "params": params });
        if let Some(page) = &self.page {
            message["sessionId"] = page.as_str().into();
        }
        let message = message.to_string();
        let answer = self.socket.call(self.last, &message, PATIENCE).await?;
        Ok(serde_json::from_str::<Value>(&answer).unwrap()["result"].take())
    }

    /// Makes a page and speaks to it from now on.
    async fn page(&mut self, params: Value) {
        self.page = None;
        let made = self.call("Target.createTarget", params).await.unwrap();
        let attach = json!({ "targetId": made["targetId"], "flatten": true });
        let attached = self.call("Target.attachToTarget", attach).await.unwrap();
        self.page = attached["sessionId"].as_str().map(str::to_owned);
        assert!(self.page.is_some(), "{attached}");
    }

    async fn eval(&mut self, expression: &str) -> Value {
        let params =
            json!({ "expression": expression, "awaitPromise": true, "returnByValue": true });
        let answer = self.call("Runtime.evaluate", params).await.unwrap();
        answer["result"]["value"].clone()
    }

    /// Waits until the page's document is loaded.
    async fn loaded(&mut self, url: &str) {
        let complete = format!("document.readyState === 'complete' && location.href === {url:?}");
        let waiting = async {
            while self.eval(&complete).await != Value::Bool(true) {
                // Each look costs a command of the session's rate.
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.unwrap();
    }
}

#[track_caller]
fn method_denied(result: Result<Value, ClientError>, why: &str) {
    let Err(ClientError::Refused { code, refusal }) = result else {
        panic!("no refusal: {result:?}")
    };
    assert_eq!(code, ErrorCode::RelayCdpMethodDenied, "{refusal:?}");
    assert!(refusal.message.contains(why), "{refusal:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_operators_rules_hold_for_browsers_of_the_legacy_lane() {
    let (scratch, hosts) = (tempfile::tempdir().unwrap(), Hosts::start());
    let rules = r#"{"allowRawCDP":true,"browser":{"allowDomains":["good.localhost"]}}"#;
    configure(&scratch, rules);
    let relay = Relay::start(&scratch);
    let mut raw = Raw::open(&relay).await;
    raw.page(json!({ "url": hosts.url("good.localhost", "/") }))
        .await;
    raw.loaded(&hosts.url("good.localhost", "/")).await;
    let seen = raw.eval("all()").await;
    for (way, outcome) in [
        ("image", "refused"),
        ("fetch", "refused"),
        ("own", "reached"),
        ("worker", "refused"),
        ("shared", "refused"),
        ("service", "over"),
        ("socket", "over"),
    ] {
        assert_eq!(seen[way], outcome, "{way}: {seen}");
    }
    // What is told at once, and what the door has to hold.
    let refused = "bad.localhost:";
    let to_bad = json!({ "url": hosts.url("bad.localhost", "/direct") });
    method_denied(raw.call("Page.navigate", to_bad.clone()).await, refused);
    method_denied(raw.call("Target.createTarget", to_bad).await, refused);
    let own_proxy = json!({ "proxyServer": "direct://", "disposeOnDetach": true });
    raw.page = None;
    let proxied = raw.call("Target.createBrowserContext", own_proxy).await;
    method_denied(proxied, "proxy");
    // A further context has the browser's way out, by names and by addresses.
    let context = raw.call("Target.createBrowserContext", json!({})).await;
    let context = context.unwrap()["browserContextId"].clone();
    let good = hosts.url("good.localhost", "/away");
    raw.page(json!({ "url": good, "browserContextId": context }))
        .await;
    let quiet = hosts.url("good.localhost", "/quiet");
    raw.page(json!({ "url": quiet, "browserContextId": context }))
        .await;
    raw.loaded(&quiet).await;
    let ways = format!(
        "Promise.allSettled(['bad.localhost', '127.0.0.1', 'localhost', '[::1]'].map(host => \
         fetch(`http://${{host}}:{}/from-context`, {{ mode: 'no-cors' }}))).then(all => all.length)",
        hosts.port
    );
    assert_eq!(raw.eval(&ways).await, 4);
    raw.eval(&format!("location = {:?}", hosts.url("127.0.0.1", "/left")))
        .await;
    raw.page(json!({ "url": hosts.url("good.localhost", "/last"), "browserContextId": context }))
        .await;
    raw.loaded(&hosts.url("good.localhost", "/last")).await;
    for host in ["bad.localhost", "127.0.0.1", "localhost", "[", "::1"] {
        assert_eq!(hosts.taken(host), Vec::<String>::new(), "{host}");
    }
    assert!(!hosts.heard_datagram());
    assert!(hosts.taken("good.localhost").contains(&"/own".to_owned()));
}

async fn each_session_is_confined_to_its_own_rules(browser: BrowserKind) {
    let (scratch, hosts) = (tempfile::tempdir().unwrap(), Hosts::start());
    let relay = Relay::start(&scratch);
    let client = relay.client("neighbours").await;
    let (first, second) = (
        allowing(browser, &["good.localhost"]),
        allowing(browser, &["more.localhost"]),
    );
    let (first, second) = tokio::join!(
        RemoteSession::create(&client, &first),
        RemoteSession::create(&client, &second)
    );
    for (session, own, other) in [
        (&first, "good.localhost", "more.localhost"),
        (&second, "more.localhost", "good.localhost"),
    ] {
        session
            .call::<NavGoto>(&to(hosts.url(own, "/own")))
            .await
            .unwrap();
        assert_eq!(hosts.taken(own), ["/own"]);
        denied(
            session.call::<NavGoto>(&to(hosts.url(other, "/"))).await,
            other,
        );
        let fetched = format!(
            "fetch('{}', {{ mode: 'no-cors' }}).then(() => 'reached', () => 'refused')",
            hosts.url(other, "/x")
        );
        assert_eq!(eval(session, &fetched).await, "refused");
        assert_eq!(hosts.taken(other), Vec::<String>::new());
        let status = session
            .call::<SessionStatus>(&Empty {})
            .await
            .unwrap()
            .domains
            .unwrap();
        assert_eq!(
            status
                .refused
                .iter()
                .map(|refused| refused.host.as_str())
                .collect::<Vec<_>>(),
            [other]
        );
    }
}

/// A forward proxy that answers every request itself, and what it was asked for.
fn forward_proxy() -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (port, asked) = (
        listener.local_addr().unwrap().port(),
        Arc::new(Mutex::new(Vec::new())),
    );
    let told = asked.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let asked = told.clone();
            std::thread::spawn(move || {
                let Ok(mut out) = stream.try_clone() else {
                    return;
                };
                let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
                while let Some(request) = lines.next() {
                    let tunnel = request.starts_with("CONNECT ");
                    asked
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .push(request);
                    lines
                        .by_ref()
                        .take_while(|line| !line.is_empty())
                        .for_each(drop);
                    let body = if tunnel { "" } else { "<title>Through</title>" };
                    let length = if tunnel {
                        String::new()
                    } else {
                        format!(
                            "Content-Type: text/html\r\nContent-Length: {}\r\n",
                            body.len()
                        )
                    };
                    if out
                        .write_all(format!("HTTP/1.1 200 OK\r\n{length}\r\n{body}").as_bytes())
                        .is_err()
                    {
                        return;
                    }
                }
            });
        }
    });
    (port, asked)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clients_proxy_must_pass_the_operators_rules() {
    let scratch = tempfile::tempdir().unwrap();
    let (port, asked) = forward_proxy();
    let relay = Relay::start_with(&scratch, &["--allow-domain", "good.localhost"]);
    let client = relay.client("proxied").await;
    let through = |server: String| CreateParams {
        proxy: Some(Proxy {
            server,
            bypass: Vec::new(),
            username: None,
            password: None,
        }),
        ..CreateParams::default()
    };
    for host in ["127.0.0.1", "localhost", "[::1]"] {
        let params = through(format!("http://{host}:{port}"));
        let made = client.call::<SessionCreate>(None, &params, Some(PATIENCE));
        let details = denied(
            made.await.map(|(made, _)| made),
            host.trim_matches(['[', ']']),
        );
        assert_eq!(details.get("field").unwrap(), "proxy.server");
    }
    let asked = asked.lock().unwrap_or_else(PoisonError::into_inner);
    assert_eq!(*asked, Vec::<String>::new());
}

async fn a_session_with_a_proxy_and_rules_goes_through_the_proxy_and_only_where_the_rules_let_it(
    browser: BrowserKind,
) {
    let (scratch, hosts) = (tempfile::tempdir().unwrap(), Hosts::start());
    let relay = Relay::start(&scratch);
    let client = relay.client("behind").await;
    let (port, asked) = forward_proxy();
    let proxy = Proxy {
        server: format!("http://127.0.0.1:{port}"),
        bypass: Vec::new(),
        username: None,
        password: None,
    };
    let session = RemoteSession::create(
        &client,
        &CreateParams {
            proxy: Some(proxy),
            ..allowing(browser, &["good.localhost"])
        },
    )
    .await;
    session
        .call::<NavGoto>(&to(hosts.url("good.localhost", "/own")))
        .await
        .unwrap();
    assert_eq!(eval(&session, "document.title").await, "Through");
    denied(
        session
            .call::<NavGoto>(&to(hosts.url("bad.localhost", "/")))
            .await,
        "bad.localhost",
    );
    // The way to the proxy is no way to what listens beside it.
    denied(
        session
            .call::<NavGoto>(&to(hosts.url("127.0.0.1", "/")))
            .await,
        "127.0.0.1",
    );
    let fetched = |host: &str| {
        format!(
            "fetch('{}', {{ mode: 'no-cors' }}).then(() => 'reached', () => 'refused')",
            hosts.url(host, "/x")
        )
    };
    assert_eq!(eval(&session, &fetched("bad.localhost")).await, "refused");
    assert_eq!(eval(&session, &fetched("good.localhost")).await, "reached");
    let asked = asked.lock().unwrap_or_else(PoisonError::into_inner).clone();
    assert!(
        asked.iter().any(|line| line.contains("good.localhost")),
        "{asked:?}"
    );
    assert!(
        asked.iter().all(|line| line.contains("good.localhost")),
        "{asked:?}"
    );
    // What a proxy could lead past the rules with is refused.
    let past = async |proxy: Proxy| {
        client
            .call::<SessionCreate>(
                None,
                &CreateParams {
                    proxy: Some(proxy),
                    ..allowing(browser, &["*"])
                },
                None,
            )
            .await
    };
    for (proxy, field) in [
        (
            Proxy {
                server: "socks5://127.0.0.1:1".to_owned(),
                bypass: Vec::new(),
                username: None,
                password: None,
            },
            "proxy.server",
        ),
        (
            Proxy {
                server: format!("http://127.0.0.1:{port}"),
                bypass: vec!["*".to_owned()],
                username: None,
                password: None,
            },
            "proxy.bypass",
        ),
    ] {
        let Err(ClientError::Refused { code, refusal }) = past(proxy).await else {
            panic!("{field} is taken")
        };
        assert_eq!(
            (code, refusal.details.unwrap().get("field").unwrap()),
            (ErrorCode::OpsInvalidRequest, &field.into())
        );
    }
    assert_eq!(
        (hosts.taken("good.localhost"), hosts.taken("bad.localhost")),
        (Vec::<String>::new(), Vec::new())
    );
}

async fn a_session_whose_browser_was_lost_is_as_confined_in_the_next_one(browser: BrowserKind) {
    let (scratch, hosts) = (tempfile::tempdir().unwrap(), Hosts::start());
    let relay = Relay::start(&scratch);
    let client = relay.client("survivor").await;
    let session = RemoteSession::create(&client, &allowing(browser, &["good.localhost"])).await;
    session
        .call::<NavGoto>(&to(hosts.url("good.localhost", "/own")))
        .await
        .unwrap();
    relay.kill_browsers();
    let deadline = std::time::Instant::now() + PATIENCE;
    // The loss is told at least once, and then there is a new browser.
    while let Err(error) = session
        .call::<NavGoto>(&to(hosts.url("good.localhost", "/own")))
        .await
    {
        assert!(
            std::time::Instant::now() < deadline,
            "no new browser: {error}"
        );
    }
    let status = session.call::<SessionStatus>(&Empty {}).await.unwrap();
    assert_eq!(
        (
            status.session_epoch,
            status.domains.unwrap().rules[0].allow.clone()
        ),
        (1, rules(&["good.localhost"]))
    );
    let seen = try_all(&session, &hosts).await;
    for (way, outcome) in [
        ("image", "refused"),
        ("fetch", "refused"),
        ("own", "reached"),
        ("worker", "refused"),
        ("socket", "over"),
    ] {
        assert_eq!(seen[way], outcome, "{way}: {seen}");
    }
    denied(
        session
            .call::<NavGoto>(&to(hosts.url("bad.localhost", "/direct")))
            .await,
        "bad.localhost",
    );
    assert_eq!(hosts.taken("bad.localhost"), Vec::<String>::new());
    assert!(!hosts.heard_datagram());
}

/// The tests on each browser that confines.
macro_rules! on_each_browser {
    ($($test:ident)*) => {
        mod chromium {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                super::$test(super::BrowserKind::Chrome).await;
            })*
        }

        mod firefox {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                super::$test(super::BrowserKind::Firefox).await;
            })*
        }
    };
}

on_each_browser! {
    no_way_out_of_a_confined_session_reaches_a_host_that_is_not_allowed
    a_session_narrows_the_relays_own_lists_and_never_widens_them
    each_session_is_confined_to_its_own_rules
    a_session_with_a_proxy_and_rules_goes_through_the_proxy_and_only_where_the_rules_let_it
    a_session_whose_browser_was_lost_is_as_confined_in_the_next_one
}
