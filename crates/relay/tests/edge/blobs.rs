use std::net::SocketAddr;

use ops_contracts::ErrorCode::{self, *};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::client::{Request, read_response};
use crate::service::{config, lease, session, start};

fn put(address: SocketAddr, body: &[u8]) -> Request {
    Request::post(address, body)
        .put("/ops/blobs")
        .with("content-type", "application/octet-stream")
        .with("x-ops-session-id", session().as_str())
        .with("x-ops-lease-id", lease().as_str())
}

#[tokio::test]
async fn a_blob_above_the_cap_of_messages_is_taken_and_named() {
    let relay = start(config()).await;
    for size in [0, 1, 300_000] {
        let answer = put(relay.address, &vec![7; size])
            .with("content-length", &size.to_string())
            .send(relay.address)
            .await;
        assert_eq!(answer.status, 201, "{answer:?}");
        assert_eq!(answer.json()["bytes"], size);
        assert_eq!(answer.json()["blobId"], "b1".repeat(16));
    }
}

#[tokio::test]
async fn a_blob_needs_the_token_a_session_its_lease_and_its_type() {
    let relay = start(config()).await;
    let foreign = "2e".repeat(32);
    let cases: &[(&str, &str, ErrorCode)] = &[
        ("authorization", "", RelayAuthRequired),
        ("origin", "http://example.com", RelayOriginDenied),
        ("host", "example.com", RelayHostDenied),
        ("x-ops-contract-version", "", RelayOpsVersionInvalid),
        ("content-type", "text/plain", RelayContentTypeUnsupported),
        ("content-type", "", RelayContentTypeUnsupported),
        ("x-ops-session-id", "", OpsSessionRequired),
        ("x-ops-lease-id", "", OpsSessionRequired),
        ("x-ops-session-id", "nonsense", RelayFrameInvalid),
        ("x-ops-lease-id", &foreign, OpsNotOwner),
    ];
    for (name, value, code) in cases {
        let answer = put(relay.address, b"x")
            .with(name, value)
            .send(relay.address)
            .await;
        assert_eq!(answer.code(), *code, "{name}: {value:?}");
    }
    let wrong_method = Request::post(relay.address, "x")
        .at("/ops/blobs")
        .send(relay.address)
        .await;
    assert_eq!(
        (wrong_method.code(), wrong_method.header("allow")),
        (RelayMethodNotAllowed, Some("PUT"))
    );
}

#[tokio::test]
async fn what_can_not_be_kept_is_refused_before_its_bytes_are_read() {
    let relay = start(config()).await;
    for (announced, code) in [
        ("2000000", OpsBlobLimit),
        ("67108865", RelayPayloadTooLarge),
    ] {
        let mut socket = TcpStream::connect(relay.address).await.unwrap();
        let head = put(relay.address, b"")
            .with("content-length", announced)
            .head();
        socket.write_all(head.as_bytes()).await.unwrap();
        assert_eq!(read_response(&mut socket).await.code(), code);
    }
}
