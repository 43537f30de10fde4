//! Faults of the world outside: processes that are killed or stopped, descriptors that run out, files that are torn.

use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process, prlimit};
use serde_json::{Value, json};

use super::{Scenario, Seen, Stage};
use crate::caller::{Caller, Session, Transport};
use crate::processes::{self, Process};
use crate::relay::{Relay, private_folder};

const PLACE: &str = "real processes";
const AGAIN: &str = "the relay serves, and the session or a new one works again";
const NOTHING_LEFT: &str = "no browser is left two seconds later";

/// How long a browser may take to end.
const ORPHANS: Duration = Duration::from_secs(2);

pub(super) fn scenarios() -> Vec<Scenario> {
    let mut all = Vec::new();
    for browser in ["chrome", "firefox"] {
        all.push(world(
            format!("world: {browser} is killed"),
            "SIGKILL to the browser",
            "adapter_browser_lost",
            AGAIN,
            move |stage| lost(stage, browser, main_process),
        ));
        all.push(world(
            format!("world: the guard of {browser} is killed"),
            "SIGKILL to the guard",
            "adapter_browser_lost",
            AGAIN,
            move |stage| lost(stage, browser, guard),
        ));
        all.push(world(
            format!("world: {browser} is stopped"),
            "SIGSTOP to the browser, SIGCONT after the answer",
            "ops_timeout",
            AGAIN,
            move |stage| stopped(stage, browser),
        ));
    }
    all.push(world(
        "world: a renderer is killed".to_owned(),
        "SIGKILL to the page's renderer",
        "adapter_target_crashed",
        AGAIN,
        renderer,
    ));
    for (how, signal) in [("killed", Signal::KILL), ("ended", Signal::TERM)] {
        all.push(world(
            format!("world: the relay is {how}"),
            "a signal to the relay",
            "cli_daemon_unavailable",
            NOTHING_LEFT,
            move |stage| relay_ends(stage, signal),
        ));
    }
    all.push(world(
        "world: descriptors run out".to_owned(),
        "the relay may open no further descriptor",
        "adapter_launch_failed",
        "with descriptors again, sessions are made",
        descriptors,
    ));
    all.push(world(
        "world: the journal is torn".to_owned(),
        "half a line at the end of the health journal",
        "ok",
        "the relay starts, serves and says that it passed over it",
        |stage| journal(stage, "{\"type\":\"ops.adapter.health.v1\",\"eve"),
    ));
    all.push(world(
        "world: the journal has bytes that are no text".to_owned(),
        "zeros at the end of the health journal",
        "ok",
        "the relay starts and serves",
        |stage| journal(stage, "\0\0\0\0\0\0"),
    ));
    all
}

fn world(
    name: String,
    injected: &str,
    expected: &'static str,
    invariant: &'static str,
    run: impl Fn(&mut Stage) -> Result<Seen> + 'static,
) -> Scenario {
    Scenario {
        name,
        injected: injected.to_owned(),
        place: PLACE,
        expected,
        invariant,
        run: Box::new(run),
    }
}

fn signal(process: &Process, signal: Signal) -> Result<()> {
    let pid = Pid::from_raw(i32::try_from(process.pid)?).context("a process has a number")?;
    kill_process(pid, signal).with_context(|| format!("{} can't be signalled", process.pid))
}

/// The browser that the status document names last.
fn pid(caller: &Caller) -> Result<u32> {
    let status = caller.status()?;
    let browsers = status["browsers"].as_array().cloned().unwrap_or_default();
    let pid = browsers.last().and_then(|browser| browser["pid"].as_u64());
    Ok(u32::try_from(pid.context("no browser runs")?)?)
}

fn own(kind: &str) -> Value {
    json!({"browser": kind, "isolation": "process"})
}

/// The browser's own process.
fn main_process(relay: &Relay, browser: u32) -> Option<Process> {
    let all = processes::descendants(relay.info.pid);
    all.into_iter().find(|process| process.pid == browser)
}

/// The process that started it and watches over it.
fn guard(relay: &Relay, browser: u32) -> Option<Process> {
    let all = processes::descendants(relay.info.pid);
    all.into_iter().find(|process| {
        processes::program(process.pid) == processes::program(relay.info.pid)
            && processes::descendants(process.pid)
                .iter()
                .any(|child| child.pid == browser)
    })
}

type Find = fn(&Relay, u32) -> Option<Process>;

/// A browser of its own is lost; the session's next command starts another.
fn lost(stage: &mut Stage, kind: &'static str, find: Find) -> Result<Seen> {
    let (bystander, beside) = stage.session(&json!({"browser": kind}))?;
    let (caller, session) = stage.session(&own(kind))?;
    let browser = pid(&caller)?;
    let process = find(stage.relay()?, browser).context("the process was not found")?;
    signal(&process, Signal::KILL)?;
    let answer = settled(&caller, &session);
    let mut seen = Seen::of(answer);
    let page = json!({"url": stage.site.url("/plain")});
    let again = caller.call(Some(&session), "nav.goto", &page);
    seen = seen.and(again.is_ok(), "the session does not work again");
    let title = bystander.call(Some(&beside), "dom.title", &json!({}));
    seen = seen.and(title.is_ok(), "the session of another browser is hit");
    close(&caller, &session);
    close(&bystander, &beside);
    Ok(seen)
}

/// The code of the first command that fails: the loss is known a moment after the signal.
fn settled(caller: &Caller, session: &Session) -> Result<Value, String> {
    let mut answer = Err(String::new());
    for _ in 0..20 {
        answer = caller.call(Some(session), "dom.eval", &json!({"expression": "1"}));
        if answer.is_err() {
            break;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    // A session that learned of its loss in between says so by a code of its own, for the same cause.
    match answer {
        Err(code) if code == "ops_session_lost" => Err("adapter_browser_lost".to_owned()),
        answer => answer,
    }
}

fn close(caller: &Caller, session: &Session) {
    // What a scenario leaves behind goes with the relay at the latest.
    let _ = caller.call(Some(session), "session.close", &json!({}));
}

fn stopped(stage: &mut Stage, kind: &'static str) -> Result<Seen> {
    let (caller, session) = stage.session(&own(kind))?;
    let browser = pid(&caller)?;
    let process = main_process(stage.relay()?, browser).context("the process was not found")?;
    signal(&process, Signal::STOP)?;
    let one = json!({"expression": "1"});
    let short = Some(Duration::from_millis(500));
    let answer = caller.call_within(Some(&session), "dom.eval", &one, short);
    let listed = caller.call(None, "session.list", &json!({}));
    signal(&process, Signal::CONT)?;
    let again = caller.call(Some(&session), "dom.eval", &one);
    close(&caller, &session);
    Ok(Seen::of(answer)
        .and(listed.is_ok(), "the relay does not serve meanwhile")
        .and(again.is_ok(), "the session does not go on"))
}

fn renderer(stage: &mut Stage) -> Result<Seen> {
    let (caller, session) = stage.session(&own("chrome"))?;
    let browser = pid(&caller)?;
    let all = processes::descendants(browser).into_iter();
    // Chromium rewrites the command lines of its children as one word.
    let renders = |it: &Process| it.command_line().join(" ").contains("--type=renderer");
    for process in all.filter(renders) {
        signal(&process, Signal::KILL)?;
    }
    let seen = Seen::of(settled(&caller, &session));
    let page = json!({"url": stage.site.url("/plain")});
    let again = caller.call(Some(&session), "nav.goto", &page);
    close(&caller, &session);
    Ok(seen.and(again.is_ok(), "the page is not revived"))
}

/// The relay ends with browsers open.
fn relay_ends(stage: &mut Stage, how: Signal) -> Result<Seen> {
    let home = private_folder("odb-faults-")?;
    let mut relay = stage.start(home.path(), &[])?;
    let address = crate::caller::RelayAddress::of(&relay)?;
    let caller = Caller::connect(&address, "faults", Transport::Http, stage.now)?;
    for kind in ["chrome", "firefox"] {
        caller.create(&own(kind)).map_err(anyhow::Error::msg)?;
    }
    let started = relay.processes();
    let pid = Pid::from_raw(i32::try_from(relay.info.pid)?).context("a process has a number")?;
    kill_process(pid, how)?;
    let until = std::time::Instant::now() + Duration::from_secs(15);
    while !relay.ended()? && std::time::Instant::now() < until {
        std::thread::sleep(Duration::from_millis(10));
    }
    let answer = caller.call(None, "session.list", &json!({}));
    let left = processes::outlive(started, ORPHANS);
    Ok(Seen::of(answer).and(left.is_empty(), "processes outlived the relay"))
}

/// The relay may open nothing more, for a while.
fn descriptors(stage: &mut Stage) -> Result<Seen> {
    let caller = stage.caller(Transport::WebSocket)?;
    caller
        .call(None, "session.list", &json!({}))
        .map_err(anyhow::Error::msg)?;
    let relay = stage.relay()?.info.pid;
    let open = processes::descriptors(relay).context("the relay's descriptors can't be counted")?;
    let pid = Pid::from_raw(i32::try_from(relay)?);
    let limited = |current: Option<u64>| {
        let limit = rustix::process::getrlimit(Resource::Nofile);
        let limit = Rlimit {
            current: current.or(limit.current),
            ..limit
        };
        prlimit(pid, Resource::Nofile, limit)
    };
    limited(Some(open))?;
    let answer = caller.create(&own("chrome"));
    let listed = caller.call(None, "session.list", &json!({}));
    limited(None)?;
    let again = caller.create(&own("chrome"));
    if let Ok(session) = &again {
        close(&caller, session);
    }
    Ok(Seen::of(answer)
        .and(listed.is_ok(), "the relay does not serve meanwhile")
        .and(again.is_ok(), "no session is made afterwards"))
}

/// A relay starts on a journal whose end is not what it wrote.
fn journal(stage: &mut Stage, torn: &str) -> Result<Seen> {
    let home = private_folder("odb-faults-")?;
    let relay = stage.start(home.path(), &[])?;
    let address = crate::caller::RelayAddress::of(&relay)?;
    let caller = Caller::connect(&address, "faults", Transport::Http, stage.now)?;
    caller.create(&json!({})).map_err(anyhow::Error::msg)?;
    relay.end(Vec::new())?;
    let journals = files(&home.path().join("artifacts/ops-health"));
    let file = journals.first().context("no journal was written")?;
    let mut journal = std::fs::OpenOptions::new().append(true).open(file)?;
    journal.write_all(torn.as_bytes())?;
    drop(journal);
    let relay = stage.start(home.path(), &[])?;
    let address = crate::caller::RelayAddress::of(&relay)?;
    let caller = Caller::connect(&address, "faults", Transport::Http, stage.now)?;
    let seen = Seen::of(caller.create(&json!({})));
    let ended = relay.end(Vec::new());
    Ok(seen.and(ended.is_ok(), "the relay does not end as it should"))
}

/// The journal's files below a folder.
fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let below = entries.flat_map(|entry| {
        let path = entry.path();
        if path.is_dir() {
            files(&path)
        } else {
            vec![path]
        }
    });
    below
        .filter(|path| path.extension().is_some_and(|it| it == "jsonl"))
        .collect()
}
