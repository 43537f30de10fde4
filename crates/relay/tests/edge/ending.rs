use std::time::Duration;

use ops_contracts::ErrorCode::*;
use relay::Ended;
use tokio::time::timeout;

use crate::client::{Client, PATIENCE, Request, eval};
use crate::service::{config, start};

#[tokio::test]
async fn a_relay_that_ends_answers_what_runs_and_closes_its_sockets() {
    let mut relay = start(config()).await;
    let mut client = Client::connect(relay.address).await;
    client.send(eval("running", "wait")).await;
    relay
        .script
        .begun
        .subscribe()
        .wait_for(|begun| *begun == 1)
        .await
        .unwrap();
    relay.stop.take().unwrap().send(()).unwrap();
    let answer = client.answer().await.frame;
    assert_eq!(
        (
            answer["requestId"].as_str(),
            answer["error"]["code"].as_str()
        ),
        (Some("running"), Some("relay_ops_terminated"))
    );
    assert_eq!(u16::from(client.closed().await.unwrap().code), 1001);
    assert_eq!(
        timeout(PATIENCE, relay.served).await.unwrap().unwrap(),
        Ended::Shutdown
    );
}

#[tokio::test]
async fn a_relay_without_sessions_leaves_after_its_idle_time() {
    let mut config = config();
    config.idle_exit = Some(Duration::from_millis(40));
    let relay = start(config).await;
    assert_eq!(
        timeout(PATIENCE, relay.served).await.unwrap().unwrap(),
        Ended::Idle
    );
}

#[tokio::test]
async fn nothing_but_loopback_is_listened_on() {
    let mut config = config();
    config.listen = "0.0.0.0:0".parse().unwrap();
    let relay = tokio::spawn(start(config));
    assert!(relay.await.is_err());
}

#[tokio::test]
async fn relays_are_apart_from_each_other() {
    let (one, two) = (start(config()).await, start(config()).await);
    Request::post(one.address, eval("r1", "1"))
        .send(one.address)
        .await;
    let metrics = Request::new("GET", "/metrics", two.address)
        .send(two.address)
        .await;
    assert!(!metrics.body.contains("dom.eval"));
    let foreign = Request::new("GET", "/status", one.address)
        .send(two.address)
        .await;
    assert_eq!(foreign.code(), RelayHostDenied);
}
