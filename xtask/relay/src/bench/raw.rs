//! A protocol client as small and fast as one can write it: blocking, one thread, no copies but one. It is what the control plane is
//! measured against, so it shares no code with it.

use std::collections::{HashMap, VecDeque};
use std::io::{Read as _, Write as _};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use command_fds::{CommandFdExt as _, FdMapping};
use rustix::process::{Pid, Signal, kill_process_group};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::relay::private_folder;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// A browser of its own, spoken to over its debugging pipe.
#[derive(Debug)]
pub(super) struct RawBrowser {
    child: Child,
    pipe: UnixStream,
    /// Bytes that were read; those before `taken` are done with.
    buffer: Vec<u8>,
    taken: usize,
    next: u64,
    replies: HashMap<u64, Box<RawValue>>,
    events: VecDeque<(String, Option<String>)>,
    /// Of the latest document that was asked for, where the page's network is watched.
    status: Option<u16>,
    _profile: TempDir,
}

/// A page of it, attached.
#[derive(Debug, Clone)]
pub(super) struct RawPage {
    context: String,
    session: String,
}

#[derive(Deserialize)]
struct Incoming<'a> {
    id: Option<u64>,
    #[serde(borrow)]
    method: Option<&'a str>,
    #[serde(borrow)]
    result: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
    #[serde(borrow, rename = "sessionId")]
    session: Option<&'a str>,
    #[serde(borrow)]
    params: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Received {
    r#type: String,
    response: Response,
}

#[derive(Deserialize)]
struct Response {
    status: u16,
}

impl RawBrowser {
    /// Starts a browser with these flags and a fresh profile.
    pub(super) fn launch(executable: &Path, flags: &[String]) -> Result<Self> {
        let profile = private_folder("odb-bench-")?;
        let (pipe, theirs) = UnixStream::pair()?;
        pipe.set_read_timeout(Some(PATIENCE))?;
        pipe.set_write_timeout(Some(PATIENCE))?;
        let mut command = Command::new(executable);
        command
            .args(flags)
            .arg(format!("--user-data-dir={}", profile.path().display()));
        command
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mappings = vec![
            FdMapping {
                parent_fd: OwnedFd::from(theirs.try_clone()?),
                child_fd: 3,
            },
            FdMapping {
                parent_fd: OwnedFd::from(theirs),
                child_fd: 4,
            },
        ];
        command.fd_mappings(mappings)?;
        let child = command
            .spawn()
            .with_context(|| format!("{} could not be started", executable.display()))?;
        let (buffer, replies, events) =
            (Vec::with_capacity(1 << 20), HashMap::new(), VecDeque::new());
        Ok(Self {
            child,
            pipe,
            buffer,
            taken: 0,
            next: 1,
            replies,
            events,
            status: None,
            _profile: profile,
        })
    }

    /// Sends a command and returns its number, without waiting.
    pub(super) fn send(
        &mut self,
        page: Option<&RawPage>,
        method: &str,
        params: &Value,
    ) -> Result<u64> {
        let id = self.next;
        self.next += 1;
        let session = page.map_or(String::new(), |page| {
            format!(r#","sessionId":"{}""#, page.session)
        });
        let message =
            format!("{{\"id\":{id},\"method\":\"{method}\",\"params\":{params}{session}}}\0");
        self.pipe.write_all(message.as_bytes())?;
        Ok(id)
    }

    /// The result of a command that was sent.
    pub(super) fn wait(&mut self, id: u64) -> Result<Box<RawValue>> {
        loop {
            if let Some(result) = self.replies.remove(&id) {
                return Ok(result);
            }
            self.receive()?;
        }
    }

    /// Runs a command and waits for its result.
    pub(super) fn call(
        &mut self,
        page: Option<&RawPage>,
        method: &str,
        params: &Value,
    ) -> Result<Box<RawValue>> {
        let id = self.send(page, method, params)?;
        self.wait(id).with_context(|| format!("{method} failed"))
    }

    fn read<T: for<'de> Deserialize<'de>>(
        &mut self,
        page: Option<&RawPage>,
        method: &str,
        params: &Value,
    ) -> Result<T> {
        let result = self.call(page, method, params)?;
        serde_json::from_str(result.get())
            .with_context(|| format!("{method} answers otherwise: {}", result.get()))
    }

    /// A page of the browser's own context, attached and with the events on that any client needs.
    pub(super) fn open_plain(&mut self) -> Result<RawPage> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Made {
            target_id: Option<String>,
            session_id: Option<String>,
        }
        let made: Made = self.read(
            None,
            "Target.createTarget",
            &json!({ "url": "about:blank" }),
        )?;
        let target = made.target_id.context("a target has an id")?;
        let made: Made = self.read(
            None,
            "Target.attachToTarget",
            &json!({ "targetId": target, "flatten": true }),
        )?;
        let page = RawPage {
            context: String::new(),
            session: made.session_id.context("an attachment has a session")?,
        };
        self.call(Some(&page), "Page.enable", &json!({}))?;
        self.call(Some(&page), "Runtime.enable", &json!({}))?;
        Ok(page)
    }

    /// A context, a window and a page, attached and with the events on that any client needs.
    pub(super) fn open(&mut self) -> Result<RawPage> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Made {
            browser_context_id: Option<String>,
            target_id: Option<String>,
            session_id: Option<String>,
        }
        let made: Made = self.read(
            None,
            "Target.createBrowserContext",
            &json!({ "disposeOnDetach": true }),
        )?;
        let context = made.browser_context_id.context("a context has an id")?;
        let target = json!({ "url": "about:blank", "browserContextId": context, "newWindow": true, "width": 1280, "height": 720 });
        let made: Made = self.read(None, "Target.createTarget", &target)?;
        let target = made.target_id.context("a target has an id")?;
        let made: Made = self.read(
            None,
            "Target.attachToTarget",
            &json!({ "targetId": target, "flatten": true }),
        )?;
        let page = RawPage {
            context,
            session: made.session_id.context("an attachment has a session")?,
        };
        let metrics =
            json!({ "width": 1280, "height": 720, "deviceScaleFactor": 1, "mobile": false });
        let enabled = [
            self.send(Some(&page), "Page.enable", &json!({}))?,
            self.send(Some(&page), "Runtime.enable", &json!({}))?,
            self.send(Some(&page), "Emulation.setDeviceMetricsOverride", &metrics)?,
        ];
        for id in enabled {
            self.wait(id)?;
        }
        Ok(page)
    }

    /// Disposes of a page with its context.
    pub(super) fn close(&mut self, page: &RawPage) -> Result<()> {
        self.call(
            None,
            "Target.disposeBrowserContext",
            &json!({ "browserContextId": page.context }),
        )
        .map(drop)
    }

    /// Navigates and waits until the document is loaded.
    pub(super) fn goto(&mut self, page: &RawPage, url: &str) -> Result<()> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Navigated {
            error_text: Option<String>,
        }
        self.events.clear();
        let navigated: Navigated =
            self.read(Some(page), "Page.navigate", &json!({ "url": url }))?;
        ensure!(
            navigated.error_text.is_none(),
            "{url}: {navigated:?}",
            navigated = navigated.error_text
        );
        loop {
            while let Some((method, session)) = self.events.pop_front() {
                if method == "Page.loadEventFired"
                    && session.as_deref() == Some(page.session.as_str())
                {
                    return Ok(());
                }
            }
            self.receive()?;
        }
    }

    /// Watches the page's network from here on, so that a navigation can tell its status.
    pub(super) fn watch_network(&mut self, page: &RawPage) -> Result<()> {
        self.call(Some(page), "Network.enable", &json!({}))
            .map(drop)
    }

    /// The same, and tells the status of the response, which comes before the load.
    pub(super) fn goto_told(&mut self, page: &RawPage, url: &str) -> Result<Option<u16>> {
        self.status = None;
        self.goto(page, url)?;
        Ok(self.status)
    }

    /// Evaluates an expression as a person's doing, which may open windows, and returns its value.
    pub(super) fn eval_as_user(&mut self, page: &RawPage, expression: &str) -> Result<Value> {
        let params =
            json!({ "expression": expression, "returnByValue": true, "userGesture": true });
        let id = self.send(Some(page), "Runtime.evaluate", &params)?;
        self.value(id)
    }

    /// Evaluates an expression and returns its value.
    pub(super) fn eval(&mut self, page: &RawPage, expression: &str) -> Result<Value> {
        let id = self.send_eval(page, expression)?;
        self.value(id)
    }

    /// Sends an expression, without waiting.
    pub(super) fn send_eval(&mut self, page: &RawPage, expression: &str) -> Result<u64> {
        self.send(
            Some(page),
            "Runtime.evaluate",
            &json!({ "expression": expression, "returnByValue": true }),
        )
    }

    /// The value of an expression that was sent.
    pub(super) fn value(&mut self, id: u64) -> Result<Value> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Evaluated {
            result: Remote,
            exception_details: Option<Value>,
        }
        #[derive(Deserialize)]
        struct Remote {
            #[serde(default)]
            value: Value,
        }
        let result = self.wait(id)?;
        let evaluated: Evaluated = serde_json::from_str(result.get())?;
        match evaluated.exception_details {
            Some(exception) => bail!("the expression threw: {exception}"),
            None => Ok(evaluated.result.value),
        }
    }

    /// Reads until at least one message was taken in.
    fn receive(&mut self) -> Result<()> {
        loop {
            if let Some(length) = self.buffer[self.taken..].iter().position(|byte| *byte == 0) {
                let end = self.taken + length;
                self.take_in(self.taken, end)?;
                self.taken = end + 1;
                return Ok(());
            }
            if self.taken > 0 {
                self.buffer.drain(..self.taken);
                self.taken = 0;
            }
            self.fill()?;
        }
    }

    /// Reads until the buffer ends with the end of a message, so that a large one is searched once.
    fn fill(&mut self) -> Result<()> {
        loop {
            let old = self.buffer.len();
            self.buffer.resize(old + 256 * 1024, 0xff);
            let count = self
                .pipe
                .read(&mut self.buffer[old..])
                .context("the browser does not answer")?;
            self.buffer.truncate(old + count);
            ensure!(count > 0, "the browser closed its pipe");
            if self.buffer[old..].contains(&0) {
                return Ok(());
            }
        }
    }

    fn take_in(&mut self, start: usize, end: usize) -> Result<()> {
        let message: Incoming<'_> =
            serde_json::from_slice(&self.buffer[start..end]).context("a message is no JSON")?;
        match (message.id, message.result, message.error) {
            (Some(_), _, Some(error)) => bail!("the browser refuses: {error}"),
            (Some(id), Some(result), None) => drop(self.replies.insert(id, result.to_owned())),
            _ => {
                let method = message.method.unwrap_or_default().to_owned();
                if method == "Network.responseReceived" {
                    let received: Received =
                        serde_json::from_str(message.params.map_or("null", RawValue::get))?;
                    if received.r#type == "Document" {
                        self.status = Some(received.response.status);
                    }
                }
                self.events
                    .push_back((method, message.session.map(str::to_owned)));
            }
        }
        Ok(())
    }
}

impl Drop for RawBrowser {
    fn drop(&mut self) {
        // Its pipe ends first, then whatever is left of its group. Each may be gone already.
        let _ = self.pipe.shutdown(Shutdown::Both);
        if let Some(group) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = self.child.wait();
    }
}
