//! Programs that do not start as a browser does.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use conformance::seam::trial;
use libtest_mimic::Trial;
use ops_contracts::seam::adapter::{Adapter, AdapterError};
use supervisor::Sandbox;

use super::support::{adapter, config, spec};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial(
            "a_browser_that_ends_at_once_is_an_error_with_its_last_words",
            ends_at_once,
        ),
        trial(
            "a_browser_without_a_sandbox_is_an_error_of_its_own",
            no_sandbox,
        ),
        trial(
            "a_browser_that_never_answers_is_given_up_and_killed",
            never_answers,
        ),
    ]
}

/// Launches a shell script in the browser's place.
async fn launch_script(profiles: &Path, script: &str) -> AdapterError {
    let program: PathBuf = profiles.join("browser");
    std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let adapter = adapter(config(&profiles.join("profiles"))).within(Duration::from_millis(1500));
    let mut spec = spec();
    spec.executable = Some(program);
    let error = adapter.launch(spec).await.err().unwrap();
    // The guard removes the profile when it has killed what it started.
    for _ in 0..300 {
        if std::fs::read_dir(profiles.join("profiles"))
            .unwrap()
            .count()
            == 0
        {
            return error;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the profile is still there");
}

async fn ends_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let error = launch_script(directory.path(), "echo last words >&2; exit 7").await;
    let AdapterError::LaunchFailed { reason, output } = error else {
        panic!("{error:?}")
    };
    assert!(reason.contains("exit code 7"), "{reason}");
    assert_eq!(output, "last words");
}

async fn no_sandbox() {
    let directory = tempfile::tempdir().unwrap();
    let error = launch_script(
        directory.path(),
        "echo '[1:1:FATAL] No usable sandbox! If' >&2; exit 133",
    )
    .await;
    assert_eq!(error, AdapterError::SandboxUnavailable);
    if Sandbox::Auto.is_on() {
        return;
    }
    // For root the real browser says the same in other words.
    let profiles = tempfile::tempdir().unwrap();
    let mut config = config(profiles.path());
    config.sandbox = Sandbox::On;
    assert_eq!(
        adapter(config).launch(spec()).await.err(),
        Some(AdapterError::SandboxUnavailable)
    );
}

async fn never_answers() {
    let directory = tempfile::tempdir().unwrap();
    let error = launch_script(directory.path(), "echo thinking >&2; exec sleep 600").await;
    let AdapterError::LaunchFailed { reason, output } = error else {
        panic!("{error:?}")
    };
    assert!(reason.contains("did not answer"), "{reason}");
    assert_eq!(output, "thinking");
}
