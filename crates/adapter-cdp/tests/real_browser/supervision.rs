//! No browser outlives the program that started it, however that program ends, and whatever state the browser is in.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use conformance::seam::{PATIENCE, Recorder, trial};
use libtest_mimic::Trial;
use ops_contracts::seam::adapter::{Adapter, AdapterError, Event};
use rustix::process::{Pid, Signal};
use supervisor::guard::{self, MARKER_FILE, Marker};

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use super::support::{self, adapter, config, config_in, open, open_in, spec};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial(
            "nothing_is_left_when_the_owner_is_killed",
            nothing_is_left_when_the_owner_is_killed,
        ),
        trial(
            "nothing_is_left_when_the_owner_is_killed_and_the_browser_is_stopped",
            nothing_is_left_when_stopped,
        ),
        trial(
            "closing_a_browser_leaves_neither_process_nor_profile",
            closing_leaves_nothing,
        ),
        trial(
            "dropping_a_browser_leaves_neither_process_nor_profile",
            dropping_leaves_nothing,
        ),
        trial(
            "a_browser_whose_guard_is_killed_is_ended_and_reported_lost",
            a_lost_guard_ends_the_browser,
        ),
        trial(
            "the_sweep_ends_what_a_dead_owner_left_and_deletes_its_profile",
            the_sweep_ends_leftovers,
        ),
        trial(
            "the_sweep_leaves_a_living_owners_browser_alone",
            the_sweep_leaves_living_owners,
        ),
        trial(
            "a_browser_that_is_stopped_does_not_answer",
            a_stopped_browser_does_not_answer,
        ),
        trial(
            "temporary_files_go_with_the_browser_that_is_killed",
            temporary_files_go_with_the_browser,
        ),
        trial(
            "a_persistent_profile_is_kept_and_refused_to_a_second_browser",
            a_persistent_profile_is_kept,
        ),
    ]
}

/// Makes this program an owner that is to be killed, when its arguments ask for it.
pub(crate) fn dispatch(args: impl Iterator<Item = OsString>) -> Option<ExitCode> {
    let args: Vec<OsString> = args.collect();
    match &args[..] {
        [_, word, profiles] if word == "__owner" => Some(own(Path::new(profiles))),
        _ => None,
    }
}

/// A program that owns a browser with three contexts until it is killed.
fn own(profiles: &Path) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let browser = adapter(config(profiles)).launch(spec()).await.unwrap();
        let mut contexts = Vec::new();
        for _ in 0..3 {
            let events = std::sync::Arc::new(Recorder::default());
            contexts.push(
                browser
                    .open_context(support::context_spec(), events)
                    .await
                    .unwrap(),
            );
        }
        println!("ready");
        std::future::pending::<ExitCode>().await
    })
}

struct Owner {
    process: Child,
    profiles: tempfile::TempDir,
    profile: PathBuf,
    marker: Marker,
    /// Guard, browser and all that it started, each with its start time.
    tree: HashMap<u32, String>,
}

async fn owner() -> Owner {
    let profiles = tempfile::tempdir().unwrap();
    let mut process = Command::new(std::env::current_exe().unwrap())
        .arg("__owner")
        .arg(profiles.path())
        .stdout(std::process::Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let line = tokio::time::timeout(PATIENCE, lines.next_line())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(line.as_deref(), Some("ready"));
    let (profile, marker) = only_profile(profiles.path());
    let tree = tree(marker.guard.unwrap().pid);
    assert!(tree.len() > 4, "{tree:?}");
    Owner {
        process,
        profiles,
        profile,
        marker,
        tree,
    }
}

fn only_profile(profiles: &Path) -> (PathBuf, Marker) {
    let profile = fs::read_dir(profiles)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let marker = serde_json::from_slice(&fs::read(profile.join(MARKER_FILE)).unwrap()).unwrap();
    (profile, marker)
}

/// State, parent and start time of a process.
fn stat(pid: u32) -> Option<(String, u32, String)> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields: Vec<&str> = text[text.rfind(')')? + 1..].split_whitespace().collect();
    Some((
        fields[0].to_owned(),
        fields[1].parse().ok()?,
        fields[19].to_owned(),
    ))
}

fn tree(root: u32) -> HashMap<u32, String> {
    let numbers = fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let all: HashMap<u32, (String, u32, String)> =
        numbers.filter_map(|pid| Some((pid, stat(pid)?))).collect();
    let mut found = HashMap::new();
    let mut next = vec![root];
    while let Some(pid) = next.pop() {
        found.insert(pid, all[&pid].2.clone());
        next.extend(
            all.iter()
                .filter(|(_, (_, parent, _))| *parent == pid)
                .map(|(child, _)| *child),
        );
    }
    found
}

/// Which of these processes still exist; a zombie does, until it is reaped.
fn alive(tree: &HashMap<u32, String>) -> Vec<u32> {
    let same = |pid: &u32, start: &String| stat(*pid).is_some_and(|(_, _, now)| now == *start);
    tree.iter()
        .filter(|(pid, start)| same(pid, start))
        .map(|(pid, _)| *pid)
        .collect()
}

/// Waits until none is left, for as long as the design allows.
async fn gone(tree: &HashMap<u32, String>) {
    for _ in 0..200 {
        if alive(tree).is_empty() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("still there: {:?}", alive(tree));
}

fn signal(pid: u32, signal: Signal) {
    rustix::process::kill_process(Pid::from_raw(i32::try_from(pid).unwrap()).unwrap(), signal)
        .unwrap();
}

/// Stops those that are still there: browsers end processes all the time.
fn stop<'a>(pids: impl Iterator<Item = &'a u32>) {
    for pid in pids {
        let _ = rustix::process::kill_process(
            Pid::from_raw(i32::try_from(*pid).unwrap()).unwrap(),
            Signal::STOP,
        );
    }
}

async fn nothing_is_left_when_the_owner_is_killed() {
    let mut owner = owner().await;
    owner.process.kill().await.unwrap();
    gone(&owner.tree).await;
    assert!(!owner.profile.exists());
}

async fn nothing_is_left_when_stopped() {
    let mut owner = owner().await;
    let guard = owner.marker.guard.unwrap().pid;
    stop(owner.tree.keys().filter(|pid| **pid != guard));
    owner.process.kill().await.unwrap();
    gone(&owner.tree).await;
    assert!(!owner.profile.exists());
}

async fn closing_leaves_nothing() {
    let page = open().await;
    let (profile, marker) = only_profile(page.profiles.path());
    assert_eq!(page.browser.info().pid, Some(marker.browser.unwrap().pid));
    let tree = tree(marker.guard.unwrap().pid);
    page.browser.close().await;
    assert_eq!(alive(&tree), [] as [u32; 0]);
    assert!(!profile.exists());
    assert!(!page.browser.is_connected());
}

async fn dropping_leaves_nothing() {
    let page = open().await;
    let (profile, marker) = only_profile(page.profiles.path());
    let tree = tree(marker.guard.unwrap().pid);
    let support::Opened {
        page,
        profiles: _profiles,
    } = page;
    drop(page.context);
    drop(page.browser);
    gone(&tree).await;
    assert!(!profile.exists());
}

async fn a_lost_guard_ends_the_browser() {
    let page = open().await;
    let (profile, marker) = only_profile(page.profiles.path());
    let files = marker.temporary_files.unwrap();
    let tree = tree(marker.guard.unwrap().pid);
    signal(marker.guard.unwrap().pid, Signal::KILL);
    page.events
        .after(0, "the loss", |event| {
            matches!(event, Event::Disconnected { .. }).then_some(())
        })
        .await
        .unwrap();
    assert!(!page.browser.is_connected());
    // Without its guard nobody reaps the rest but the system: dead is enough.
    for _ in 0..200 {
        let running = |pid: &u32| stat(*pid).is_some_and(|(state, _, _)| state != "Z");
        if !alive(&tree).iter().any(running) && !profile.exists() && !files.exists() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!(
        "still there: {:?}, profile {}, temporary files {}",
        alive(&tree),
        profile.exists(),
        files.exists()
    );
}

async fn the_sweep_ends_leftovers() {
    let mut owner = owner().await;
    // The worst case: the guard cannot act, and the browser cannot notice anything.
    stop(owner.tree.keys());
    owner.process.kill().await.unwrap();
    let files = owner.marker.temporary_files.take().unwrap();
    assert!(
        fs::read_dir(&files).unwrap().next().is_some(),
        "the browser's socket is there"
    );
    assert!(alive(&owner.tree).len() > 4);
    let report = guard::sweep(owner.profiles.path()).unwrap();
    assert_eq!(report.removed, [owner.profile.clone()]);
    assert!(!owner.profile.exists());
    assert!(!files.exists());
    for _ in 0..200 {
        let running = |pid: &u32| stat(*pid).is_some_and(|(state, _, _)| state != "Z");
        if !alive(&owner.tree).iter().any(running) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("still there: {:?}", alive(&owner.tree));
}

async fn the_sweep_leaves_living_owners() {
    let page = open().await;
    let report = guard::sweep(page.profiles.path()).unwrap();
    assert_eq!(
        (report.kept, report.killed.len(), report.removed.len()),
        (1, 0, 0)
    );
    assert_eq!(page.eval("1 + 1").await.unwrap(), "2");
    page.browser.close().await;
}

async fn a_stopped_browser_does_not_answer() {
    let page = open().await;
    page.browser.ping().await.unwrap();
    let browser = page.browser.info().pid.unwrap();
    signal(browser, Signal::STOP);
    let unanswered = tokio::time::timeout(Duration::from_millis(300), page.browser.ping()).await;
    assert!(unanswered.is_err() && page.browser.is_connected());
    signal(browser, Signal::CONT);
    page.browser.ping().await.unwrap();
    page.browser.close().await;
    assert!(matches!(
        page.browser.ping().await,
        Err(AdapterError::BrowserLost { .. })
    ));
}

async fn temporary_files_go_with_the_browser() {
    let (profiles, root) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let others = std::env::vars_os().filter(|(name, _)| name != "TMPDIR");
    let variables = others.chain([("TMPDIR".into(), root.path().into())]);
    let browser = adapter(config_in(profiles.path(), variables))
        .launch(spec())
        .await
        .unwrap();
    let (profile, marker) = only_profile(profiles.path());
    let tree = tree(marker.guard.unwrap().pid);
    let files = marker.temporary_files.unwrap();
    assert_eq!(files.parent(), Some(root.path()));
    assert!(
        fs::read_dir(&files).unwrap().next().is_some(),
        "the browser's socket is there"
    );
    // A browser that ends by itself first removes these, and a good while later the directory that they lead to.
    for link in ["SingletonSocket", "SingletonCookie", "SingletonLock"] {
        fs::remove_file(profile.join(link)).unwrap();
    }
    signal(marker.browser.unwrap().pid, Signal::KILL);
    gone(&tree).await;
    assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0);
    drop(browser);
}

async fn a_persistent_profile_is_kept() {
    let profiles = tempfile::tempdir().unwrap();
    let adapter = support::adapter(config(profiles.path()));
    let mut spec = spec();
    let directory = profiles.path().join("mine");
    spec.profile = Some(directory.clone());
    let page = open_in(
        adapter.launch(spec.clone()).await.unwrap(),
        tempfile::tempdir().unwrap(),
    )
    .await;
    let error = adapter.launch(spec.clone()).await.err().unwrap();
    assert!(
        matches!(error, AdapterError::LaunchFailed { .. }),
        "{error:?}"
    );
    assert_eq!(page.eval("1 + 1").await.unwrap(), "2");
    page.browser.close().await;
    assert!(directory.join("Default").exists());
    let again = open_in(
        adapter.launch(spec).await.unwrap(),
        tempfile::tempdir().unwrap(),
    )
    .await;
    assert_eq!(again.eval("1 + 1").await.unwrap(), "2");
    again.browser.close().await;
}
