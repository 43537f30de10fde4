//! The command line against a real relay and a real browser, on the bundled site.

use std::process::Command;
use std::sync::{Mutex, PoisonError};

use conformance::site::Site;
use ops_contracts::wire::capability::BrowserKind;
use serde_json::Value;
use tempfile::TempDir;

use crate::PATIENCE;
use crate::relay::{Relay, program};

/// A relay, a site, and the command line between them.
pub struct Tour {
    relay: Relay,
    /// The site.
    pub site: Site,
    /// Where `odb-cli` runs.
    pub scratch: TempDir,
    browser: BrowserKind,
    /// What commands have printed so far that were told to.
    told: Mutex<Vec<Told>>,
}

/// A command and what it printed.
struct Told {
    words: String,
    lines: Vec<String>,
}

/// Lines that the browsers print differently.
#[derive(Debug)]
pub struct Difference {
    /// How the commands begin.
    pub command: &'static str,
    /// What the lines contain.
    pub line: &'static str,
    /// Why.
    pub reason: &'static str,
}

/// Drives a page of the site in Chromium, then in Firefox. What is printed is the same, but for the differences that are
/// listed.
///
/// # Panics
/// When it is not, or when a command does not come as the script expects.
pub fn on_both(page: &str, script: fn(&Tour), differences: &[Difference]) {
    let [chromium, firefox] = [BrowserKind::Chrome, BrowserKind::Firefox].map(|browser| {
        let tour = Tour::start_in(browser);
        tour.run(&["open", &tour.site.url(page)]);
        script(&tour);
        tour.told
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
    });
    let words = |told: &[Told]| {
        told.iter()
            .map(|told| told.words.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        words(&chromium),
        words(&firefox),
        "the script takes the same steps"
    );
    let mut unequal = Vec::new();
    for (one, other) in chromium.iter().zip(&firefox) {
        let known = |line: &&String| {
            !differences
                .iter()
                .any(|known| one.words.starts_with(known.command) && line.contains(known.line))
        };
        let (left, right): (Vec<_>, Vec<_>) = (
            one.lines.iter().filter(known).collect(),
            other.lines.iter().filter(known).collect(),
        );
        if left != right {
            unequal.push(format!(
                "{}\n  Chromium: {left:#?}\n  Firefox: {right:#?}",
                one.words
            ));
        }
    }
    assert!(unequal.is_empty(), "{}", unequal.join("\n"));
}

impl Tour {
    /// Starts both, and opens nothing.
    ///
    /// # Panics
    /// When one of them does not start.
    pub fn start() -> Self {
        Self::start_in(BrowserKind::Chrome)
    }

    /// The same; pages open in this browser.
    ///
    /// # Panics
    /// When one of them does not start.
    pub fn start_in(browser: BrowserKind) -> Self {
        let scratch = tempfile::tempdir().expect("there is room");
        let relay = Relay::start(&scratch);
        Self {
            relay,
            site: Site::start().expect("the site starts"),
            scratch,
            browser,
            told: Mutex::default(),
        }
    }

    /// Opens a page of the site.
    ///
    /// # Panics
    /// When it does not open.
    pub fn open(page: &str) -> Self {
        let tour = Self::start();
        tour.run(&["open", &tour.site.url(page)]);
        tour
    }

    /// Writes a file where `odb-cli` runs.
    ///
    /// # Panics
    /// When it can't be written.
    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        std::fs::write(self.scratch.path().join(name), bytes).expect("there is room");
    }

    /// Runs a command: whether it succeeds, what it prints, and what it says beside.
    ///
    /// # Panics
    /// When it can't be run.
    pub fn output(&self, words: &[&str]) -> (bool, String, String) {
        let mut command = Command::new(program("odb-cli"));
        command
            .arg("--home")
            .arg(self.relay.home())
            .args(words)
            .current_dir(self.scratch.path());
        if self.browser == BrowserKind::Firefox && words.first() == Some(&"open") {
            command.args(["--browser", "firefox"]);
        }
        let output = command
            .env("HOME", self.scratch.path())
            .output()
            .expect("odb-cli runs");
        let text = |bytes: Vec<u8>| {
            String::from_utf8(bytes)
                .expect("odb-cli prints text")
                .trim_end()
                .to_owned()
        };
        (
            output.status.success(),
            text(output.stdout),
            text(output.stderr),
        )
    }

    /// Runs a command that succeeds; what it prints.
    ///
    /// # Panics
    /// When it does not come so.
    #[track_caller]
    pub fn run(&self, words: &[&str]) -> String {
        let out = self.run_aside(words);
        let told = Told {
            words: self.plain(&words.join(" ")),
            lines: self.plain(&out).lines().map(str::to_owned).collect(),
        };
        self.told
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(told);
        out
    }

    /// The same, and the browsers may print otherwise: how often it runs, or what it prints, depends on the time.
    ///
    /// # Panics
    /// When it does not come so.
    #[track_caller]
    pub fn run_aside(&self, words: &[&str]) -> String {
        let (good, out, err) = self.output(words);
        assert!(good, "odb-cli {words:?}: {err}\n{out}");
        out
    }

    /// A text without what differs from run to run: where the site is, how long was waited, and how often was tried.
    fn plain(&self, text: &str) -> String {
        let text = text.replace(self.site.url("").trim_end_matches('/'), "SITE");
        let text = text
            .rsplit_once(" (at attempt ")
            .map_or(text.clone(), |(text, _)| text.to_owned());
        match text
            .strip_prefix("waited ")
            .and_then(|rest| rest.split_once(" ms"))
        {
            Some((_, rest)) => format!("waited{rest}"),
            None => text,
        }
    }

    /// Runs a command that is refused; what it says.
    ///
    /// # Panics
    /// When it does not come so.
    #[track_caller]
    pub fn refused(&self, words: &[&str]) -> String {
        let (good, out, err) = self.output(words);
        assert!(!good, "odb-cli {words:?} was taken: {out}");
        err
    }

    /// Runs a command whose output contains a text.
    ///
    /// # Panics
    /// When it does not come so.
    #[track_caller]
    pub fn shows(&self, words: &[&str], text: &str) -> String {
        let out = self.run(words);
        assert!(
            out.contains(text),
            "odb-cli {words:?} lacks {text:?}:\n{out}"
        );
        out
    }

    /// What pages of the site have saved so far under a kind, in order.
    ///
    /// # Panics
    /// When it does not come so.
    pub fn saved(&self, kind: &str) -> Vec<Value> {
        let query = format!("kind={kind}");
        let requests = self
            .site
            .requests()
            .into_iter()
            .filter(|request| request.path == "/echo" && request.query == query);
        requests
            .map(|request| serde_json::from_str(&request.body).expect("pages save JSON"))
            .collect()
    }

    /// Waits until pages have saved `count` things under a kind; the last of them.
    ///
    /// # Panics
    /// When it does not come so.
    #[track_caller]
    pub fn save(&self, kind: &str, count: usize) -> Value {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime starts");
        let before = self.saved(kind).len();
        if before < count {
            // Any request may be the one; each look counts what there is.
            runtime.block_on(async {
                for hits in self.site.hits("/echo") + 1.. {
                    let came = self.site.wait_for_hits("/echo", hits, PATIENCE).await;
                    if !came || self.saved(kind).len() >= count {
                        break;
                    }
                }
            });
        }
        let saved = self.saved(kind);
        assert_eq!(saved.len(), count, "{kind}: {saved:?}");
        saved.last().cloned().unwrap_or_default()
    }
}
