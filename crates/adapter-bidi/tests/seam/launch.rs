use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use adapter_bidi::BidiAdapter;
use conformance::seam::trial;
use futures_util::{SinkExt as _, StreamExt as _};
use libtest_mimic::Trial;
use ops_contracts::seam::adapter::{
    Adapter, AdapterError, ContextSpec, ContextStorage, LaunchSpec,
};
use ops_contracts::wire::capability::{BrowserKind, CapabilitySet};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::support::{self, adapter, config, context_spec, open_in, open_with, spec};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial(
            "a_driver_that_nobody_named_is_refused_with_what_to_do",
            unnamed,
        ),
        trial(
            "a_program_that_ends_or_never_answers_is_told_with_its_output_and_leaves_nothing",
            broken,
        ),
        trial(
            "a_browser_that_is_too_old_is_told_by_its_version_with_what_to_do",
            old,
        ),
        trial("a_launch_that_is_abandoned_leaves_nothing", abandoned),
        trial("a_persistent_profile_keeps_its_cookies", persistent),
    ]
}

async fn refused(adapter: BidiAdapter, spec: LaunchSpec) -> AdapterError {
    match adapter.launch(spec).await {
        Err(error) => error,
        Ok(_) => panic!("the launch succeeded"),
    }
}

async fn unnamed() {
    let profiles = tempfile::tempdir().unwrap();
    // Chromedriver is there, and nobody said that it may be started.
    let other = LaunchSpec {
        browser: BrowserKind::Chrome,
        ..spec()
    };
    let error = refused(adapter(config(profiles.path())), other).await;
    let AdapterError::BrowserMissing { install, .. } = error else {
        panic!("{error}")
    };
    assert!(
        install.contains("relayd --chromedriver chromedriver"),
        "{install}"
    );
    let adapter = support::adapter(config(profiles.path()));
    let offered = adapter.capabilities(BrowserKind::Firefox);
    assert!(
        CapabilitySet::core()
            .iter()
            .all(|capability| offered.has(capability)),
        "{offered:?}"
    );
}

fn script(directory: &std::path::Path, text: &str) -> PathBuf {
    let path = directory.join("browser.sh");
    std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

/// Waits until nothing is left below the directory.
async fn emptied(directory: &std::path::Path) {
    for _ in 0..1_000 {
        if std::fs::read_dir(directory).unwrap().count() == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("profiles are left in {}", directory.display());
}

async fn broken() {
    let (profiles, scripts) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for (text, expected) in [
        ("echo gone >&2; exit 3", "exit code 3"),
        ("echo here >&2; exec sleep 60", "did not answer"),
    ] {
        let spec = LaunchSpec {
            executable: Some(script(scripts.path(), text)),
            ..spec()
        };
        let adapter = adapter(config(profiles.path())).within(Duration::from_secs(2));
        let error = refused(adapter, spec).await;
        let AdapterError::LaunchFailed { reason, output } = error else {
            panic!("{error}")
        };
        assert!(reason.contains(expected), "{reason}");
        assert!(output == "gone" || output == "here", "{output}");
        emptied(profiles.path()).await;
    }
}

/// Begins a session as a browser of half a year ago, and then knows one event less.
async fn answer_as_old(listener: TcpListener) {
    let (stream, _) = listener.accept().await.unwrap();
    let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
    while let Some(Ok(message)) = socket.next().await {
        let Ok(text) = message.to_text() else { return };
        let command: Value = serde_json::from_str(text).unwrap();
        let answer = match command["method"].as_str() {
            Some("session.new") => {
                json!({ "type": "success", "id": command["id"], "result": { "sessionId": "1",
                "capabilities": { "browserName": "firefox", "browserVersion": "140.10.2" } } })
            }
            _ => json!({ "type": "error", "id": command["id"], "error": "invalid argument",
                "message": "browsingContext.historyUpdated is not a valid event name", "stacktrace": "" }),
        };
        if socket.send(answer.to_string().into()).await.is_err() {
            return;
        }
    }
}

async fn old() {
    let (profiles, scripts) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let line = format!(
        "WebDriver BiDi listening on ws://{}",
        listener.local_addr().unwrap()
    );
    let answering = tokio::spawn(answer_as_old(listener));
    let spec = LaunchSpec {
        executable: Some(script(
            scripts.path(),
            &format!("echo '{line}' >&2; exec sleep 60"),
        )),
        ..spec()
    };
    let error = refused(adapter(config(profiles.path())), spec).await;
    let AdapterError::LaunchFailed { reason, .. } = error else {
        panic!("{error}")
    };
    for part in ["Firefox 140.10.2 is too old", "historyUpdated", "update it"] {
        assert!(reason.contains(part), "{reason}");
    }
    emptied(profiles.path()).await;
    answering.abort();
}

async fn abandoned() {
    let (profiles, scripts) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let spec = LaunchSpec {
        executable: Some(script(scripts.path(), "exec sleep 60")),
        ..spec()
    };
    let adapter = support::adapter(config(profiles.path()));
    assert!(
        tokio::time::timeout(Duration::from_millis(300), adapter.launch(spec))
            .await
            .is_err()
    );
    emptied(profiles.path()).await;
}

async fn persistent() {
    let (profiles, kept) = (
        Arc::new(tempfile::tempdir().unwrap()),
        tempfile::tempdir().unwrap(),
    );
    let site = conformance::site::Site::start().unwrap();
    for round in 0..2 {
        let spec = LaunchSpec {
            profile: Some(kept.path().join("p")),
            ..spec()
        };
        let browser = adapter(config(profiles.path())).launch(spec).await.unwrap();
        let opened = open_in(browser, profiles.clone()).await;
        opened.context.close().await;
        let own = ContextSpec {
            storage: ContextStorage::Profile,
            ..context_spec()
        };
        let page = open_with(own, opened.browser.clone(), profiles.clone()).await;
        page.goto(&site.url("/plain")).await.unwrap();
        if round == 0 {
            page.eval("document.cookie = 'kept=1; max-age=3600'")
                .await
                .unwrap();
        } else {
            assert_eq!(page.eval("document.cookie").await.unwrap(), "\"kept=1\"");
        }
        page.close().await;
    }
}
