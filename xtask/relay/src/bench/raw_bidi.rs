//! A client of WebDriver BiDi as small and fast as one can write it, with a Firefox of its own: the same program, profile,
//! arguments and environment as the control plane's. It is what the second adapter is measured against, so it shares no code with it.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process_group};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::ws::Socket;
use crate::processes;
use crate::relay::private_folder;

/// What Firefox prints before its port.
const READY: &str = "WebDriver BiDi listening on ws://";

/// How the control plane starts its Firefox.
#[derive(Debug)]
pub(super) struct Model {
    program: PathBuf,
    arguments: Vec<String>,
    environment: Vec<(OsString, OsString)>,
    /// What was made for it: its profile and its home are below.
    directory: PathBuf,
    preferences: Vec<u8>,
}

impl Model {
    /// Of the Firefox that a relay has started.
    pub(super) fn of(relay: u32) -> Result<Self> {
        let own = processes::program(relay);
        let is_main = |line: &[String]| {
            line.iter()
                .any(|word| word.starts_with("--remote-debugging-port"))
                && line.iter().all(|word| word != "-contentproc")
        };
        let firefox = processes::descendants(relay).into_iter();
        let mut firefox = firefox.filter(|process| {
            is_main(&process.command_line()) && processes::program(process.pid) != own
        });
        let firefox = firefox
            .next()
            .context("relayd started no Firefox that can be found")?;
        let arguments: Vec<String> = firefox.command_line().into_iter().skip(1).collect();
        let profile = arguments
            .iter()
            .skip_while(|word| *word != "--profile")
            .nth(1)
            .context("Firefox has a profile")?;
        let profile = PathBuf::from(profile);
        let preferences =
            fs::read(profile.join("user.js")).context("the profile has preferences")?;
        let directory = profile
            .parent()
            .context("a profile is in a folder")?
            .to_owned();
        let environment = fs::read(format!("/proc/{}/environ", firefox.pid))?;
        let environment = environment.split(|byte| *byte == 0).filter_map(|variable| {
            let at = variable.iter().position(|byte| *byte == b'=')?;
            Some((
                OsString::from_vec(variable[..at].to_vec()),
                OsString::from_vec(variable[at + 1..].to_vec()),
            ))
        });
        let program = processes::program(firefox.pid).context("a process has a program")?;
        Ok(Self {
            program,
            arguments,
            environment: environment.collect(),
            directory,
            preferences,
        })
    }

    /// A text of it for a browser below another folder.
    fn moved(&self, text: &OsStr, to: &Path) -> OsString {
        let text = Path::new(text);
        text.strip_prefix(&self.directory).map_or_else(
            |_| text.as_os_str().to_owned(),
            |rest| to.join(rest).into_os_string(),
        )
    }
}

/// A Firefox of its own.
#[derive(Debug)]
pub(super) struct RawFirefox {
    child: Child,
    socket: Socket,
    next: u64,
    replies: HashMap<u64, Box<RawValue>>,
    _directory: TempDir,
}

#[derive(Deserialize)]
struct Incoming<'a> {
    id: Option<u64>,
    #[serde(borrow)]
    result: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
    #[serde(borrow)]
    message: Option<&'a RawValue>,
}

impl RawFirefox {
    /// Starts one with a fresh profile, and a session in it.
    pub(super) fn launch(model: &Model) -> Result<Self> {
        let directory = private_folder("odb-bench-")?;
        for folder in ["profile", "home", "tmp"] {
            fs::create_dir(directory.path().join(folder))?;
        }
        fs::write(directory.path().join("profile/user.js"), &model.preferences)?;
        let mut command = Command::new(&model.program);
        command.args(
            model
                .arguments
                .iter()
                .map(|word| model.moved(OsStr::new(word), directory.path())),
        );
        command.env_clear().envs(
            model
                .environment
                .iter()
                .map(|(name, value)| (name, model.moved(value, directory.path()))),
        );
        // The model's own goes with the model, and Firefox would make it again.
        command.env("TMPDIR", directory.path().join("tmp"));
        command
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut child = command
            .spawn()
            .with_context(|| format!("{} could not be started", model.program.display()))?;
        let socket = connect(&mut child);
        if socket.is_err() {
            end(&mut child);
        }
        let mut firefox = Self {
            child,
            socket: socket?,
            next: 1,
            replies: HashMap::new(),
            _directory: directory,
        };
        let capabilities =
            json!({ "alwaysMatch": { "unhandledPromptBehavior": { "default": "ignore" } } });
        firefox.call("session.new", &json!({ "capabilities": capabilities }))?;
        Ok(firefox)
    }

    /// Sends a command and returns its number, without waiting.
    fn send(&mut self, method: &str, params: &Value) -> Result<u64> {
        let id = self.next;
        self.next += 1;
        self.socket.send(&format!(
            "{{\"id\":{id},\"method\":\"{method}\",\"params\":{params}}}"
        ))?;
        Ok(id)
    }

    /// The result of a command that was sent.
    fn wait(&mut self, id: u64) -> Result<Box<RawValue>> {
        loop {
            if let Some(result) = self.replies.remove(&id) {
                return Ok(result);
            }
            let text = self.socket.receive()?;
            let message: Incoming<'_> =
                serde_json::from_slice(self.socket.bytes(text)).context("a message is no JSON")?;
            match (message.id, message.result, message.error) {
                (_, _, Some(error)) => bail!("the browser refuses: {error} {:?}", message.message),
                (Some(id), Some(result), None) => drop(self.replies.insert(id, result.to_owned())),
                // An event.
                _ => {}
            }
        }
    }

    /// Runs a command and waits for its result.
    pub(super) fn call(&mut self, method: &str, params: &Value) -> Result<Box<RawValue>> {
        let id = self.send(method, params)?;
        self.wait(id).with_context(|| format!("{method} failed"))
    }

    /// A user context and a page in a window of it.
    pub(super) fn open(&mut self) -> Result<String> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Made {
            user_context: Option<String>,
            context: Option<String>,
        }
        let made = self.call("browser.createUserContext", &json!({}))?;
        let user_context = serde_json::from_str::<Made>(made.get())?
            .user_context
            .context("a user context has an id")?;
        let viewport = json!({ "userContexts": [user_context], "viewport": { "width": 1280, "height": 720 }, "devicePixelRatio": 1.0 });
        let sized = self.send("browsingContext.setViewport", &viewport)?;
        let made = self.call(
            "browsingContext.create",
            &json!({ "type": "window", "userContext": user_context }),
        )?;
        self.wait(sized)?;
        serde_json::from_str::<Made>(made.get())?
            .context
            .context("a page has an id")
    }

    /// Navigates and waits until the document is loaded.
    pub(super) fn goto(&mut self, page: &str, url: &str) -> Result<()> {
        self.call(
            "browsingContext.navigate",
            &json!({ "context": page, "url": url, "wait": "complete" }),
        )
        .map(drop)
    }

    /// Evaluates an expression, in a sandbox of its own where one is named, and returns its value: a number, a text or a truth.
    pub(super) fn eval(
        &mut self,
        page: &str,
        sandbox: Option<&str>,
        expression: &str,
    ) -> Result<Value> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Evaluated {
            result: Option<Remote>,
            exception_details: Option<Value>,
        }
        #[derive(Deserialize)]
        struct Remote {
            #[serde(default)]
            value: Value,
        }
        let mut target = json!({ "context": page });
        if let Some(sandbox) = sandbox {
            target["sandbox"] = json!(sandbox);
        }
        let result = self.call(
            "script.evaluate",
            &json!({ "expression": expression, "target": target, "awaitPromise": true }),
        )?;
        let evaluated: Evaluated = serde_json::from_str(result.get())?;
        match (evaluated.result, evaluated.exception_details) {
            (Some(remote), None) => Ok(remote.value),
            (_, exception) => bail!("the expression threw: {exception:?}"),
        }
    }
}

impl Drop for RawFirefox {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

/// Kills a browser with its processes. They may be gone already.
fn end(child: &mut Child) {
    if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        let _ = kill_process_group(group, Signal::KILL);
    }
    let _ = child.wait();
}

/// Waits until it listens, and connects.
fn connect(child: &mut Child) -> Result<Socket> {
    let mut output = BufReader::new(child.stderr.take().context("its errors are piped")?);
    let mut line = Vec::new();
    let host = loop {
        line.clear();
        ensure!(
            output.read_until(b'\n', &mut line)? > 0,
            "Firefox ended before it listened"
        );
        if let Some(host) = OsStr::from_bytes(&line)
            .to_str()
            .and_then(|line| line.trim().strip_prefix(READY))
        {
            break host.to_owned();
        }
    };
    // What it prints from here on is read, so that it never waits for a reader. The thread ends with the browser.
    std::thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
    Socket::open(&host, "/session", "", [1, 2, 3, 4])
}
