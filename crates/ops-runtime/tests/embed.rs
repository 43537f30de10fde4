//! The library as programs use it, against a real browser: the example, run as a program, and this test's own process.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use adapter_cdp::CdpAdapter;
use conformance::site::Site;
use ops_contracts::seam::port::OpsService;
use ops_contracts::wire::command::{DialogAccept, dialog};
use ops_runtime::api::{Browser, BrowserOptions, ErrorCode, Event, SessionOptions, SystemClock};
use serde_json::json;
use supervisor::guard::GuardCommand;
use supervisor::{BrowserSupervisor, SupervisorConfig};
use tokio::sync::mpsc;
use tokio::time::timeout;

/// How long the program may take to start a browser and use it, on a busy machine.
const WITHIN: Duration = Duration::from_secs(90);

/// Cargo builds a package's examples before it runs its tests, beside them.
fn example() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let example = test.parent().unwrap().with_file_name("examples/embed");
    assert!(example.is_file(), "{} is not built", example.display());
    example
}

/// A program that is ended when its test ends.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        // It has ended already where the test went well.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs the example; whether it succeeded, and what it printed.
fn run(args: &[&str]) -> (bool, String, String) {
    let (out, err) = (
        tempfile::NamedTempFile::new().unwrap(),
        tempfile::NamedTempFile::new().unwrap(),
    );
    let child = Command::new(example())
        .args(args)
        .stdin(Stdio::null())
        .stdout(out.reopen().unwrap())
        .stderr(err.reopen().unwrap())
        .spawn()
        .unwrap();
    let (mut program, begun) = (Program(child), Instant::now());
    let status = loop {
        if let Some(status) = program.0.try_wait().unwrap() {
            break status;
        }
        assert!(begun.elapsed() < WITHIN, "the example does not end");
        std::thread::sleep(Duration::from_millis(20));
    };
    let text = |file: &tempfile::NamedTempFile| std::fs::read_to_string(file.path()).unwrap();
    (status.success(), text(&out), text(&err))
}

#[test]
fn the_example_clicks_twice_where_it_is_told_to_click_twice() {
    let site = Site::start().unwrap();
    let button = r#"role=button[name="Button with a child"]"#;
    let (url, count) = (site.url("/pages/cover.html"), 2);
    let (ok, out, err) = run(&[&url, button, button]);
    assert!(ok, "{out}\n{err}");
    // The page's own account: what was answered twice and done once would be one.
    assert_eq!(site.reported("child"), count, "{out}");
    assert_eq!(out.matches("clicks 1").count(), count, "{out}");
    assert!(out.contains(&url), "{out}");
}

#[test]
fn an_error_of_the_example_says_what_to_do_next() {
    let site = Site::start().unwrap();
    let url = site.url("/pages/cover.html");
    let (ok, out, err) = run(&[&url, "css=button"]);
    assert!(!ok, "{out}");
    assert!(err.contains("ops_element_ambiguous"), "{err}");
    assert!(err.contains("a narrower locator"), "{err}");
}

/// A browser of this process, whose `main` is the test runner's: the guard is another program.
async fn launch() -> Browser {
    let guard = GuardCommand::new(example());
    let config = SupervisorConfig::new(
        guard,
        std::env::temp_dir(),
        std::env::vars_os(),
        Arc::new(SystemClock),
    );
    let adapter = CdpAdapter::new(Arc::new(BrowserSupervisor::new(config)));
    Browser::launch(adapter, BrowserOptions::default())
        .await
        .unwrap()
}

#[tokio::test]
async fn a_program_whose_main_is_not_its_own_drives_a_browser_behind_another_guard() {
    let (browser, site) = (launch().await, Site::start().unwrap());
    let session = browser.session(SessionOptions::default()).await.unwrap();
    let page = session.page();
    let (events, mut seen) = mpsc::unbounded_channel();
    page.on(move |event| drop(events.send(event)));

    page.goto(&site.url("/pages/dialogs.html")).await.unwrap();
    assert_eq!(page.evaluate::<u32>("6 * 7").await.unwrap(), 42);
    let refused = page.evaluate::<String>("6 * 7").await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::OpsInvalidRequest);
    let clicked = page.click("role=button[name='Alert']").await.unwrap();
    let Some(Event::DialogOpened(dialog)) = seen.recv().await else {
        panic!("no dialog was reported");
    };
    assert_eq!(clicked.receipt.dialog_opened.as_ref(), Some(&dialog));
    let accept = dialog::AcceptParams::default();
    session.call::<DialogAccept>(accept).await.unwrap();
    assert!(matches!(
        seen.recv().await,
        Some(Event::DialogClosed { accepted: true, .. })
    ));

    let title = session.execute("dom.title", &json!({})).await.unwrap();
    assert_eq!(title["value"], page.title().await.unwrap());
    let unknown = session.execute("dom.titel", &json!({})).await.unwrap_err();
    assert_eq!(unknown.code, ErrorCode::OpsCommandUnknown);
    browser.close().await;
}

#[tokio::test]
async fn a_command_whose_future_is_dropped_is_cancelled_and_a_session_without_handles_is_closed() {
    let (browser, site) = (launch().await, Site::start().unwrap());
    let page = browser.open(&site.url("/plain")).await.unwrap();
    let never = page.evaluate::<()>("new Promise(() => {})");
    timeout(Duration::from_millis(300), never)
        .await
        .unwrap_err();
    // It would be in the way for thirty seconds otherwise.
    timeout(Duration::from_secs(10), page.title())
        .await
        .expect("the queue is free again")
        .unwrap();

    let sessions = || browser.runtime().summary().sessions;
    assert_eq!(sessions(), 1);
    drop(page);
    timeout(Duration::from_secs(10), async {
        while sessions() > 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await
    .expect("nobody can use the session any more");
    browser.close().await;
}
