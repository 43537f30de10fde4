//! The same edge under TLS.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use ops_contracts::ErrorCode::{
    RelayAuthInvalid, RelayAuthRequired, RelayHostDenied, RelayOriginDenied, RelayPayloadTooLarge,
    RelayTlsRequired,
};
use rcgen::{CertifiedKey, KeyPair, generate_simple_self_signed};
use relay::{RelayConfig, Tls, TlsError};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use crate::client::{PATIENCE, Request, hello, read_to_end};
use crate::service::{Running, TOKEN, config, start};

fn certificate() -> CertifiedKey<KeyPair> {
    generate_simple_self_signed(["127.0.0.1".to_owned(), "localhost".to_owned()]).unwrap()
}

fn tls(of: &CertifiedKey<KeyPair>) -> Tls {
    Tls::new(
        of.cert.pem().as_bytes(),
        of.signing_key.serialize_pem().as_bytes(),
    )
    .unwrap()
}

async fn serve(of: &CertifiedKey<KeyPair>) -> Running {
    start(RelayConfig {
        tls: Some(tls(of)),
        ..config()
    })
    .await
}

/// A connection of a client that trusts this certificate alone.
async fn connect(
    address: SocketAddr,
    trusted: &CertifiedKey<KeyPair>,
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.cert.der().clone()).unwrap();
    let client = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let client = client
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let socket = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from("127.0.0.1").unwrap();
    timeout(
        PATIENCE,
        TlsConnector::from(Arc::new(client)).connect(name, socket),
    )
    .await
    .unwrap()
}

#[tokio::test]
async fn the_perimeter_is_the_same_under_tls() {
    let own = certificate();
    let relay = serve(&own).await;
    let at = relay.address;
    let good = || Request::new("GET", "/status", at);
    let large = Request::post(at, vec![b'x'; 5000]);
    for (request, code) in [
        (good().with("authorization", ""), RelayAuthRequired),
        (
            good().with("authorization", "Bearer wrong"),
            RelayAuthInvalid,
        ),
        (good().with("host", "evil.example"), RelayHostDenied),
        (good().with("origin", "null"), RelayOriginDenied),
        (
            good().with("origin", &format!("https://{at}")),
            RelayOriginDenied,
        ),
        (large, RelayPayloadTooLarge),
    ] {
        let answer = request.send_on(&mut connect(at, &own).await.unwrap()).await;
        assert_eq!(answer.code(), code);
    }
    let mut kept = connect(at, &own).await.unwrap();
    for _ in 0..2 {
        let status = good().send_on(&mut kept).await;
        assert_eq!(
            (status.status, &status.json()["relayUrl"]),
            (200, &json!(format!("https://{at}")))
        );
    }
    let page = Request::new("GET", "/dashboard", at)
        .with("authorization", "")
        .with("origin", &format!("http://{at}"));
    assert_eq!(
        page.send_on(&mut connect(at, &own).await.unwrap())
            .await
            .code(),
        RelayOriginDenied
    );
}

#[tokio::test]
async fn a_websocket_runs_under_tls() {
    let own = certificate();
    let relay = serve(&own).await;
    let mut request = format!("wss://{}/ops", relay.address)
        .into_client_request()
        .unwrap();
    request
        .headers_mut()
        .insert("authorization", format!("Bearer {TOKEN}").parse().unwrap());
    let stream = connect(relay.address, &own).await.unwrap();
    let (mut socket, _) = tokio_tungstenite::client_async(request, stream)
        .await
        .unwrap();
    socket.send(Message::text(hello(json!({})))).await.unwrap();
    let ack = timeout(PATIENCE, socket.next())
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    let ack: Value = serde_json::from_str(ack.to_text().unwrap()).unwrap();
    assert_eq!(ack["type"], "ops_hello_ack");
    socket.close(None).await.unwrap();
}

#[tokio::test]
async fn a_peer_that_speaks_no_tls_is_told_so_and_learns_nothing_else() {
    let relay = serve(&certificate()).await;
    for request in [
        Request::new("GET", "/status", relay.address),
        Request::new("GET", "/healthz", relay.address),
    ] {
        let answer = request.send(relay.address).await;
        assert_eq!((answer.code(), answer.status), (RelayTlsRequired, 400));
        assert_eq!(answer.header("connection"), Some("close"));
    }
}

#[tokio::test]
async fn slow_and_broken_handshakes_are_cut() {
    let own = certificate();
    let mut slow = RelayConfig {
        tls: Some(tls(&own)),
        ..config()
    };
    slow.timeouts.authenticate = Duration::from_millis(100);
    let relay = start(slow).await;
    for part in [&b""[..], b"\x16", b"\x16\x03\x01\x02\x00\x01\x00\x01"] {
        let mut socket = TcpStream::connect(relay.address).await.unwrap();
        socket.write_all(part).await.unwrap();
        assert_eq!(read_to_end(&mut socket).await, b"", "{part:?}");
    }
    let mut socket = TcpStream::connect(relay.address).await.unwrap();
    socket.write_all(&[0x16; 64]).await.unwrap();
    let told = read_to_end(&mut socket).await;
    assert!(
        told.is_empty() || told[0] == 0x15,
        "an alert or nothing: {told:?}"
    );
    // A peer that has shaken hands is a stranger still.
    let mut silent = connect(relay.address, &own).await.unwrap();
    let mut byte = [0_u8; 1];
    let read = timeout(
        PATIENCE,
        tokio::io::AsyncReadExt::read(&mut silent, &mut byte),
    )
    .await
    .unwrap();
    assert!(matches!(read, Ok(0) | Err(_)), "{read:?}");
}

#[tokio::test]
async fn a_renewed_certificate_is_served_to_the_next_connection() {
    let (old, new) = (certificate(), certificate());
    let tls = tls(&old);
    let relay = start(RelayConfig {
        tls: Some(tls.clone()),
        ..config()
    })
    .await;
    let mut kept = connect(relay.address, &old).await.unwrap();
    let before = tls.fingerprint();
    let pem = |of: &CertifiedKey<KeyPair>| (of.cert.pem(), of.signing_key.serialize_pem());
    let (certificate, key) = pem(&new);
    assert!(matches!(
        tls.replace(certificate.as_bytes(), pem(&old).1.as_bytes()),
        Err(TlsError::Unusable(_))
    ));
    assert_eq!(tls.fingerprint(), before);
    assert!(tls.replace(certificate.as_bytes(), key.as_bytes()).unwrap());
    assert!(!tls.replace(certificate.as_bytes(), key.as_bytes()).unwrap());
    assert_ne!(tls.fingerprint(), before);
    assert!(connect(relay.address, &old).await.is_err());
    let status = Request::new("GET", "/status", relay.address);
    assert_eq!(
        status
            .send_on(&mut connect(relay.address, &new).await.unwrap())
            .await
            .status,
        200
    );
    assert_eq!(status.send_on(&mut kept).await.status, 200);
}

#[test]
fn what_is_no_certificate_or_key_is_refused_by_name() {
    let (one, other) = (certificate(), certificate());
    let pem = one.cert.pem();
    let key = one.signing_key.serialize_pem();
    assert!(matches!(
        Tls::new(b"", key.as_bytes()),
        Err(TlsError::Certificate(_))
    ));
    assert!(matches!(
        Tls::new(key.as_bytes(), key.as_bytes()),
        Err(TlsError::Certificate(_))
    ));
    assert!(matches!(
        Tls::new(pem.as_bytes(), pem.as_bytes()),
        Err(TlsError::Key(_))
    ));
    let foreign = other.signing_key.serialize_pem();
    assert!(matches!(
        Tls::new(pem.as_bytes(), foreign.as_bytes()),
        Err(TlsError::Unusable(_))
    ));
}
