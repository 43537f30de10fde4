//! Measures what the adapter costs: start, context, evaluation, bridge call and click, beside the same evaluation in
//! a blocking loop over the same kind of pipes. Prints microseconds; asserts nothing.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use adapter_cdp::CdpAdapter;
use command_fds::{CommandFdExt, FdMapping};
use ops_contracts::seam::adapter::{
    Adapter, BridgeCall, ContextSpec, ContextStorage, Event, EventSink, InputAction, LaunchSpec,
    Modifiers, MouseButton, OpenedContext, Primitive,
};
use ops_contracts::seam::supervise::{Program, Supervisor};
use ops_contracts::wire::capability::BrowserKind;
use ops_contracts::wire::clock::{Clock, Timestamp};
use ops_contracts::wire::command::Viewport;
use supervisor::guard::{self, GuardCommand};
use supervisor::{BrowserSupervisor, Sandbox, SupervisorConfig};

const ROUNDS: usize = 1000;

struct Epoch;

impl Clock for Epoch {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_millis(0)
    }
}

struct Nobody;

impl EventSink for Nobody {
    fn emit(&self, _: Event) {}
}

fn main() -> ExitCode {
    if let Some(code) = guard::dispatch(std::env::args_os()) {
        return code;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(measure());
    ExitCode::SUCCESS
}

async fn measure() {
    let profiles = std::env::temp_dir().join(format!("odb-latency-{}", std::process::id()));
    let guard = GuardCommand::new(std::env::current_exe().expect("a path"));
    let mut config = SupervisorConfig::new(
        guard,
        profiles.clone(),
        std::env::vars_os(),
        Arc::new(Epoch),
    );
    config.sandbox = Sandbox::Off;
    let supervisor = Arc::new(BrowserSupervisor::new(config));
    let executable = supervisor.locate(Program::Chrome).expect("a browser");
    let adapter = CdpAdapter::new(supervisor);
    let spec = LaunchSpec {
        browser: BrowserKind::Chrome,
        executable: None,
        headed: false,
        args: vec![],
        profile: None,
        proxy: None,
        confined: false,
        proxy_bypass: vec![],
    };
    let mut launches = Vec::new();
    for _ in 0..4 {
        let start = Instant::now();
        let browser = adapter.launch(spec.clone()).await.expect("a browser");
        launches.push(start.elapsed());
        browser.close().await;
    }
    report("launch to first reply", launches);
    let browser = adapter.launch(spec).await.expect("a browser");
    let mut opened = Vec::new();
    let mut page = None;
    for _ in 0..6 {
        let start = Instant::now();
        let context = ContextSpec {
            bridge: "globalThis.__odb = {version: 1, call: () => '{}'}".into(),
            viewport: Viewport::default(),
            storage: ContextStorage::Isolated,
            proxy: None,
        };
        page = Some(
            browser
                .open_context(context, Arc::new(Nobody))
                .await
                .expect("a context"),
        );
        opened.push(start.elapsed());
    }
    report("open a context", opened);
    let page = page.expect("a page");
    let mut raw = RawLoop::start(&executable, &profiles.join("raw"));
    let (mut ours, mut theirs, mut bridges, mut clicks) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        ours.push(timed(&page, evaluate(&page)).await);
        theirs.push(raw.evaluate());
        bridges.push(timed(&page, bridge(&page)).await);
        clicks.push(timed(&page, click(&page)).await);
    }
    report("evaluate, adapter", ours);
    report("evaluate, blocking loop", theirs);
    report("bridge call", bridges);
    report("click batch of three", clicks);
    browser.close().await;
    drop(raw);
    let _ = std::fs::remove_dir_all(profiles);
}

async fn timed(page: &OpenedContext, primitive: Primitive) -> Duration {
    let start = Instant::now();
    page.context.perform(primitive).await.expect("an effect");
    start.elapsed()
}

fn evaluate(page: &OpenedContext) -> Primitive {
    Primitive::Evaluate {
        target: page.target,
        frame: page.frame,
        expression: "1+1".to_owned(),
        await_promise: false,
    }
}

fn bridge(page: &OpenedContext) -> Primitive {
    let args = serde_json::value::RawValue::from_string("{}".to_owned()).expect("JSON");
    Primitive::CallBridge {
        target: page.target,
        frame: page.frame,
        call: BridgeCall {
            name: "x",
            args,
            owner_of: None,
        },
    }
}

fn click(page: &OpenedContext) -> Primitive {
    let actions = InputAction::click((50.0, 50.0), MouseButton::Left, 1, Modifiers::default());
    Primitive::Input {
        target: page.target,
        actions: actions.to_vec(),
    }
}

fn report(what: &str, mut times: Vec<Duration>) {
    times.sort();
    let at = |part: usize| times[(times.len() - 1) * part / 100].as_micros();
    println!(
        "{what:26} p50 {:>8} us   p95 {:>8} us   n {}",
        at(50),
        at(95),
        times.len()
    );
}

/// The least that a client of the protocol can be: one command, one read, no tasks.
struct RawLoop {
    child: std::process::Child,
    to: File,
    from: File,
    session: String,
    id: u64,
}

impl RawLoop {
    fn start(executable: &Path, profile: &Path) -> Self {
        let pipe = || rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).expect("a pipe");
        let ((commands_out, commands_in), (replies_out, replies_in)): (
            (OwnedFd, OwnedFd),
            (OwnedFd, OwnedFd),
        ) = (pipe(), pipe());
        let mut command = Command::new(executable);
        command.args([
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--no-first-run",
            "--no-startup-window",
        ]);
        command.args([
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--remote-debugging-pipe",
        ]);
        command
            .arg(format!("--user-data-dir={}", profile.display()))
            .stderr(Stdio::null());
        let mapping = |parent_fd, child_fd| FdMapping {
            parent_fd,
            child_fd,
        };
        command
            .fd_mappings(vec![mapping(commands_out, 3), mapping(replies_in, 4)])
            .expect("two descriptors");
        let child = command.spawn().expect("a browser");
        drop(command);
        let mut raw = Self {
            child,
            to: commands_in.into(),
            from: replies_out.into(),
            session: String::new(),
            id: 0,
        };
        let target = raw.call("Target.createTarget", r#"{"url":"about:blank"}"#);
        let target = target
            .split("\"targetId\":\"")
            .nth(1)
            .and_then(|rest| rest.split('"').next())
            .expect("an id")
            .to_owned();
        let attached = raw.call(
            "Target.attachToTarget",
            &format!(r#"{{"targetId":"{target}","flatten":true}}"#),
        );
        let session = attached
            .split("\"sessionId\":\"")
            .nth(1)
            .and_then(|rest| rest.split('"').next())
            .expect("an id");
        raw.session = format!(r#","sessionId":"{session}""#);
        raw.call("Runtime.enable", "{}");
        raw
    }

    fn call(&mut self, method: &str, params: &str) -> String {
        self.id += 1;
        let message = format!(
            "{{\"id\":{},\"method\":\"{method}\",\"params\":{params}{}}}\0",
            self.id, self.session
        );
        self.to
            .write_all(message.as_bytes())
            .expect("a browser that reads");
        let wanted = format!("{{\"id\":{},", self.id);
        let (mut text, mut chunk) = (String::new(), [0; 65536]);
        loop {
            let read = self.from.read(&mut chunk).expect("a browser that writes");
            assert!(read > 0, "the browser ended");
            text.push_str(&String::from_utf8_lossy(&chunk[..read]));
            if let Some(reply) = text
                .split_terminator('\0')
                .find(|message| message.starts_with(&wanted))
            {
                return reply.to_owned();
            }
        }
    }

    fn evaluate(&mut self) -> Duration {
        let start = Instant::now();
        self.call(
            "Runtime.evaluate",
            r#"{"expression":"1+1","returnByValue":true}"#,
        );
        start.elapsed()
    }
}

impl Drop for RawLoop {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
