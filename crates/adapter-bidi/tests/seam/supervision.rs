//! What is left of a browser whose owner was killed: nothing, two seconds later.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Duration;

use conformance::seam::trial;
use libtest_mimic::Trial;
use ops_contracts::seam::adapter::Adapter;
use rustix::process::{Pid, Signal, kill_process};

use crate::support::{adapter, config, runtime, spec};

const OWNER: &str = "__owner";

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("killing_the_owner_leaves_no_browser", || killed(false)),
        trial(
            "killing_the_owner_of_a_stopped_browser_leaves_no_browser",
            || killed(true),
        ),
    ]
}

/// The role of an owner that is to be killed: launches, tells the browser's pid and waits.
pub(crate) fn owner_role() -> Option<ExitCode> {
    let mut arguments = std::env::args().skip(1);
    if arguments.next()? != OWNER {
        return None;
    }
    let profiles = arguments.next()?;
    let runtime = runtime().expect("threads");
    runtime.block_on(async {
        let browser = adapter(config(Path::new(&profiles)))
            .launch(spec())
            .await
            .expect("a browser");
        println!("{}", browser.info().pid.expect("a pid"));
        std::future::pending::<()>().await;
    });
    Some(ExitCode::SUCCESS)
}

struct Owner(Child);

impl Drop for Owner {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Processes of the browser that lives in this directory, or that descend from it.
fn left(profiles: &Path, browser: i32) -> Vec<i32> {
    let entries = std::fs::read_dir("/proc").unwrap();
    let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok());
    let (directory, parent) = (
        profiles.display().to_string(),
        format!("-parentPid {browser} "),
    );
    let ours = |pid: &i32| {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        (line.contains(&directory) && !line.contains(OWNER)) || line.contains(&parent)
    };
    pids.filter(ours).collect()
}

async fn killed(stopped: bool) {
    let profiles = tempfile::tempdir().unwrap();
    let mut owner = Owner(
        Command::new(std::env::current_exe().unwrap())
            .arg(OWNER)
            .arg(profiles.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap(),
    );
    let output = owner.0.stdout.take().unwrap();
    let read = tokio::task::spawn_blocking(move || {
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line).map(|_| line)
    });
    let browser: i32 = read.await.unwrap().unwrap().trim().parse().unwrap();
    assert!(
        left(profiles.path(), browser).len() > 3,
        "the guard, the browser and what it started"
    );
    if stopped {
        kill_process(Pid::from_raw(browser).unwrap(), Signal::STOP).unwrap();
    }
    owner.0.kill().unwrap();
    // Two seconds, counted in the time that this process got to run: a machine that is busy with others delays the guard as much
    // as it delays us, and looking at all processes takes its time too.
    for _ in 0..100 {
        if left(profiles.path(), browser).is_empty() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("still there: {:?}", left(profiles.path(), browser));
}
