//! The example program, run as a program against a real browser.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use conformance::site::Site;

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
