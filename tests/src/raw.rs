//! A protocol client for tests that look past the control plane, at what the browser itself tells. Blocking, over the
//! debugging pipe, one page.
//!
//! It is no example of how to speak to a browser: every failure is a panic.

use std::collections::HashMap;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};

use command_fds::{CommandFdExt as _, FdMapping};
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::PATIENCE;

const FLAGS: &[&str] = &[
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    // One process a page: the frames of other origins are reached over the page's own session.
    "--disable-site-isolation-trials",
    "--disable-features=IsolateOrigins,site-per-process",
    "--remote-debugging-pipe",
];

/// A browser with one page, attached.
pub struct RawBrowser {
    child: Child,
    pipe: UnixStream,
    buffer: Vec<u8>,
    next: u64,
    replies: HashMap<u64, Value>,
    events: Vec<String>,
    session: Option<String>,
    _profile: TempDir,
}

impl RawBrowser {
    /// Starts Chromium and attaches to its page.
    ///
    /// # Panics
    /// When that fails.
    #[must_use]
    pub fn start(executable: &str) -> Self {
        let profile = tempfile::tempdir().expect("there is room for a profile");
        let (pipe, theirs) = UnixStream::pair().expect("the system gives sockets");
        pipe.set_read_timeout(Some(PATIENCE))
            .expect("a timeout can be set");
        let mut command = Command::new(executable);
        command
            .args(FLAGS)
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg("about:blank");
        command.env("HOME", profile.path()).process_group(0);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let (read, write) = (theirs.try_clone().expect("a socket can be cloned"), theirs);
        let mappings = [(read, 3), (write, 4)].map(|(end, child_fd)| FdMapping {
            parent_fd: OwnedFd::from(end),
            child_fd,
        });
        command
            .fd_mappings(mappings.into())
            .expect("the descriptors are free");
        let child = command.spawn().expect("the browser starts");
        let (buffer, replies, events) = (Vec::new(), HashMap::new(), Vec::new());
        let mut browser = Self {
            child,
            pipe,
            buffer,
            next: 1,
            replies,
            events,
            session: None,
            _profile: profile,
        };
        let targets = browser.call("Target.getTargets", &json!({}));
        let page = targets["targetInfos"]
            .as_array()
            .and_then(|all| all.iter().find(|target| target["type"] == "page"));
        let target = page.expect("the browser has a page")["targetId"].clone();
        let attached = browser.call(
            "Target.attachToTarget",
            &json!({ "targetId": target, "flatten": true }),
        );
        browser.session = attached["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page.enable", "Runtime.enable", "DOM.enable"] {
            browser.call(domain, &json!({}));
        }
        browser
    }

    /// Sends a command and returns its number, without waiting.
    ///
    /// # Panics
    /// When the browser is gone.
    pub fn send(&mut self, method: &str, params: &Value) -> u64 {
        let id = self.next;
        self.next += 1;
        let mut message = json!({ "id": id, "method": method, "params": params });
        if let Some(session) = &self.session {
            message["sessionId"] = session.as_str().into();
        }
        self.pipe
            .write_all(format!("{message}\0").as_bytes())
            .expect("the browser reads its pipe");
        id
    }

    /// The result of a command that was sent, or the browser's error as text.
    ///
    /// # Errors
    /// When the browser refused it.
    pub fn wait(&mut self, id: u64) -> Result<Value, String> {
        loop {
            if let Some(mut reply) = self.replies.remove(&id) {
                return match reply.get("error") {
                    Some(error) => Err(error.to_string()),
                    None => Ok(reply["result"].take()),
                };
            }
            self.receive();
        }
    }

    /// Runs a command.
    ///
    /// # Panics
    /// When the browser refuses it.
    pub fn call(&mut self, method: &str, params: &Value) -> Value {
        let id = self.send(method, params);
        self.wait(id)
            .unwrap_or_else(|error| panic!("{method} was refused: {error}"))
    }

    /// Runs a command for each of the parameters, all at once; none for those that are refused.
    pub fn call_all(
        &mut self,
        method: &str,
        params: impl Iterator<Item = Value>,
    ) -> Vec<Option<Value>> {
        let sent: Vec<u64> = params.map(|params| self.send(method, &params)).collect();
        sent.into_iter().map(|id| self.wait(id).ok()).collect()
    }

    /// Goes to a URL and waits until it is loaded.
    pub fn goto(&mut self, url: &str) {
        self.events.clear();
        self.call("Page.navigate", &json!({ "url": url }));
        while !self
            .events
            .iter()
            .any(|event| event == "Page.loadEventFired")
        {
            self.receive();
        }
    }

    /// Reads until the buffer ends with the end of a message, and takes all of them in.
    fn receive(&mut self) {
        let mut part = vec![0; 1 << 18];
        while self.buffer.last() != Some(&0) {
            let count = self.pipe.read(&mut part).expect("the browser answers");
            assert!(count > 0, "the browser closed its pipe");
            self.buffer.extend(&part[..count]);
        }
        let buffer = std::mem::take(&mut self.buffer);
        for message in buffer
            .split(|byte| *byte == 0)
            .filter(|message| !message.is_empty())
        {
            let message: Value = serde_json::from_slice(message).expect("the browser speaks JSON");
            match (message["id"].as_u64(), message["method"].as_str()) {
                (Some(id), _) => drop(self.replies.insert(id, message)),
                (None, Some(method)) => self.events.push(method.to_owned()),
                (None, None) => {}
            }
        }
    }
}

impl Drop for RawBrowser {
    fn drop(&mut self) {
        // Whatever is left of its group; it may be gone already.
        if let Some(group) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = self.child.wait();
    }
}
