//! A relay that speaks TLS, as people use it: the programs themselves, with certificates as `openssl req -x509` makes them.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use odb_tests::PATIENCE;
use odb_tests::relay::{Relay, configure, program};
use ops_client::legacy::{self, CdpSocket};
use ops_client::{Endpoint, Trust, post};
use ops_contracts::ErrorCode;
use ops_contracts::control::legacy::LegacySelection;
use ops_contracts::wire::command::session::CreateParams;
use ops_contracts::wire::command::{Empty, SessionCreate, SessionList};
use ops_contracts::wire::routing::RoutingMode;
use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;

/// Makes a certificate that signs itself, for 127.0.0.1; certificate and key.
fn certificate(dir: &Path, name: &str) -> (PathBuf, PathBuf) {
    let (certificate, key) = (
        dir.join(format!("{name}.pem")),
        dir.join(format!("{name}.key")),
    );
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-days",
            "2",
        ])
        .args([
            "-subj",
            "/CN=relay",
            "-addext",
            "subjectAltName=IP:127.0.0.1",
            "-keyout",
        ])
        .arg(&key)
        .arg("-out")
        .arg(&certificate)
        .output()
        .expect("openssl is installed");
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    std::fs::set_permissions(&key, PermissionsExt::from_mode(0o600)).expect("the key is ours");
    (certificate, key)
}

fn text(path: &Path) -> &str {
    path.to_str().expect("paths of tests are UTF-8")
}

fn relay(scratch: &TempDir, name: &str) -> Relay {
    let (certificate, key) = certificate(scratch.path(), name);
    Relay::start_with(
        scratch,
        &["--tls-cert", text(&certificate), "--tls-key", text(&key)],
    )
}

fn odb_cli(home: &Path, words: &[&str]) -> Output {
    let mut command = Command::new(program("odb-cli"));
    command
        .env_clear()
        .env("ODB_HOME", home)
        .args(words)
        .output()
        .expect("odb-cli starts")
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn the_command_line_trusts_its_own_relay_and_elsewhere_what_it_is_told_to() {
    let scratch = tempfile::tempdir().unwrap();
    let relay = relay(&scratch, "own");
    certificate(scratch.path(), "other");
    let status = odb_cli(relay.home(), &["status", "--output", "json"]);
    assert!(status.status.success(), "{}", told(&status));
    let status: Value = serde_json::from_slice(&status.stdout).unwrap();
    let url = status["relayUrl"].as_str().unwrap().to_owned();
    assert!(url.starts_with("https://127.0.0.1:"), "{url}");

    let (elsewhere, token) = (
        scratch.path().join("elsewhere"),
        relay.home().join("relay.token"),
    );
    let file = |name: &str| scratch.path().join(name).to_str().unwrap().to_owned();
    let remote = |url: &str, more: &[&str]| {
        let words = ["status", "--relay", url, "--token-file", text(&token)];
        odb_cli(&elsewhere, &[&words[..], more].concat())
    };
    let good = remote(&url, &["--ca-file", &file("own.pem")]);
    assert!(good.status.success(), "{}", told(&good));
    for (url, more, expected) in [
        (url.clone(), vec![], "cli_relay_untrusted"),
        (
            url.clone(),
            vec!["--ca-file".to_owned(), file("other.pem")],
            "cli_relay_untrusted",
        ),
        (
            url.replace("127.0.0.1", "localhost"),
            vec!["--ca-file".to_owned(), file("own.pem")],
            "cli_relay_untrusted",
        ),
        (
            url.clone(),
            vec!["--ca-file".to_owned(), file("own.key")],
            "cli_file_unreadable",
        ),
        (
            url.clone(),
            vec!["--ca-file".to_owned(), file("missing")],
            "cli_file_unreadable",
        ),
        (url.replace("https", "http"), vec![], "relay_tls_required"),
    ] {
        let more: Vec<&str> = more.iter().map(String::as_str).collect();
        let refused = remote(&url, &more);
        assert_eq!(
            refused.status.code(),
            Some(2),
            "{url} {more:?}: {}",
            told(&refused)
        );
        assert!(
            told(&refused).contains(expected),
            "{url} {more:?}: {}",
            told(&refused)
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_lanes_run_under_tls() {
    let scratch = tempfile::tempdir().unwrap();
    configure(&scratch, r#"{"allowRawCDP":true}"#);
    let relay = relay(&scratch, "own");
    let (made, _) =
        post::call::<SessionCreate>(&relay.endpoint("one"), None, &CreateParams::default(), None)
            .await
            .unwrap();
    let client = relay.client("one").await;
    let (listed, _) = client
        .call::<SessionList>(None, &Empty {}, None)
        .await
        .unwrap();
    assert!(
        listed
            .sessions
            .iter()
            .any(|session| session.session_id == made.session_id)
    );
    let mut endpoint = relay.endpoint("two");
    endpoint.routing.cli.routing_mode = Some(RoutingMode::LegacyCdp);
    let grant = legacy::open(&endpoint, LegacySelection::Explicit)
        .await
        .unwrap();
    let mut socket = CdpSocket::connect(&endpoint, &grant.session_id, &grant.cdp_lease_id)
        .await
        .unwrap();
    let answer = socket
        .call(1, r#"{"id":1,"method":"Browser.getVersion"}"#, PATIENCE)
        .await
        .unwrap();
    assert!(answer.as_str().contains("protocolVersion"), "{answer}");
    // Without a trusted authority nothing is sent, on neither lane.
    endpoint.trust = None;
    let refused = CdpSocket::connect(&endpoint, &grant.session_id, &grant.cdp_lease_id)
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Some(ErrorCode::CliRelayUntrusted));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_renewed_certificate_is_served_after_a_reload() {
    let scratch = tempfile::tempdir().unwrap();
    let relay = relay(&scratch, "own");
    let announced = || {
        let file = std::fs::read_to_string(relay.home().join("relay.json")).unwrap();
        serde_json::from_str::<Value>(&file).unwrap()["certificateSha256"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let old = announced();
    post::status(&relay.endpoint("watcher")).await.unwrap();
    certificate(scratch.path(), "own");
    relay.signal(Signal::HUP);
    let deadline = Instant::now() + PATIENCE;
    while announced() == old {
        assert!(
            Instant::now() < deadline,
            "the old certificate is announced still"
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    post::status(&relay.endpoint("watcher")).await.unwrap();
    let late = Endpoint {
        trust: Some(Trust::fingerprint(&old).unwrap()),
        ..relay.endpoint("watcher")
    };
    assert_eq!(
        post::status(&late).await.unwrap_err().code(),
        Some(ErrorCode::CliRelayUntrusted)
    );
}

#[test]
fn a_key_that_others_can_read_and_an_open_address_without_tls_are_refused() {
    let scratch = tempfile::tempdir().unwrap();
    let (certificate, key) = certificate(scratch.path(), "own");
    let home = scratch.path().join("home");
    let start = |arguments: &[&str]| {
        let mut command = Command::new(program("relayd"));
        command
            .env_clear()
            .arg("--home")
            .arg(&home)
            .args(["--idle-exit-ms", "1"])
            .args(arguments);
        let output = command.output().expect("relayd starts");
        (output.status.code(), told(&output))
    };
    let (code, said) = start(&["--listen", "0.0.0.0:0"]);
    assert!(
        code == Some(1) && said.contains("--tls-cert") && said.contains("--insecure-listen"),
        "{code:?}: {said}"
    );
    std::fs::set_permissions(&key, PermissionsExt::from_mode(0o644)).unwrap();
    let with_tls = [
        "--listen",
        "127.0.0.1:0",
        "--tls-cert",
        text(&certificate),
        "--tls-key",
        text(&key),
    ];
    let (code, said) = start(&with_tls);
    assert!(
        code == Some(2) && said.contains("relay_config_invalid") && said.contains("chmod 600"),
        "{code:?}: {said}"
    );
    let (code, said) = start(&with_tls[..4]);
    assert!(
        code == Some(2) && said.contains("--tls-key"),
        "{code:?}: {said}"
    );
}
