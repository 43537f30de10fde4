use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use adapter_bidi::BidiAdapter;
use conformance::site::Site;
use libtest_mimic::Trial;
use ops_contracts::seam::adapter::{Adapter, AdapterError, Event, LaunchSpec, Primitive};
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::support::{
    NEVER, bridge, config, ended, evaluate, executable, open, open_in, spec, trial,
};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("closing_the_target_ends_pending_work", target_closed),
        trial("closing_the_context_ends_pending_work", context_closed),
        trial("a_navigation_ends_pending_work", navigated),
        trial("removing_a_frame_ends_pending_work_in_it", frame_removed),
        trial(
            "a_crash_ends_pending_work_and_a_navigation_revives_the_page",
            crash,
        ),
        trial(
            "the_end_of_the_browser_ends_pending_work_and_is_told_to_every_context",
            browser_killed,
        ),
        trial(
            "a_lost_socket_is_the_end_of_that_browser_alone",
            socket_lost,
        ),
        trial(
            "a_dropped_primitive_is_abandoned_and_the_page_goes_on",
            dropped,
        ),
    ]
}

async fn target_closed() {
    let page = open().await;
    let work = page.pending(evaluate(page.target, page.frame, NEVER)).await;
    page.perform(Primitive::CloseTarget {
        target: page.target,
    })
    .await
    .unwrap();
    assert_eq!(ended(work).await.unwrap_err(), AdapterError::TargetClosed);
    assert_eq!(
        page.eval_in(page.frame, "1").await.unwrap_err(),
        AdapterError::TargetClosed
    );
    page.close().await;
}

async fn context_closed() {
    let page = open().await;
    let work = page.pending(evaluate(page.target, page.frame, NEVER)).await;
    page.context.close().await;
    assert_eq!(ended(work).await.unwrap_err(), AdapterError::TargetClosed);
    assert!(page.browser.is_connected());
    page.close().await;
}

async fn navigated() {
    let page = open().await;
    let site = Site::start().unwrap();
    page.goto(&site.url("/plain")).await;
    for url in [
        site.url("/plain"),
        site.cross_url("/plain"),
        site.url("/json"),
    ] {
        let evaluation = page.pending(evaluate(page.target, page.frame, NEVER)).await;
        let call = page
            .pending(bridge(page.target, page.frame, "never", "{}", None))
            .await;
        page.goto(&url).await;
        assert_eq!(
            ended(evaluation).await.unwrap_err(),
            AdapterError::DocumentGone,
            "{url}"
        );
        assert_eq!(
            ended(call).await.unwrap_err(),
            AdapterError::DocumentGone,
            "{url}"
        );
        assert_eq!(page.bridge("current", "{}").await, "true");
    }
    page.close().await;
}

async fn frame_removed() {
    let page = open().await;
    let site = Site::start().unwrap();
    page.goto(&site.url("/plain")).await;
    for url in [site.url("/plain"), site.cross_url("/plain")] {
        let mark = page.events.mark();
        page.eval(&format!(
            "document.body.innerHTML = '<iframe id=it src=\"{url}\"></iframe>'; 0"
        ))
        .await;
        let frame = page.events.committed(mark, &url).await;
        let work = page.pending(evaluate(page.target, frame, NEVER)).await;
        page.eval("document.getElementById('it').remove()").await;
        let error = ended(work).await.unwrap_err();
        assert!(
            matches!(error, AdapterError::FrameGone | AdapterError::DocumentGone),
            "{error:?}"
        );
    }
    page.close().await;
}

/// The content processes of a browser that show pages.
fn content_processes(browser: u32) -> Vec<Pid> {
    let entries = std::fs::read_dir("/proc").unwrap();
    let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok());
    let parent = format!("-parentPid {browser} ");
    let shows = |pid: &i32| {
        std::fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| {
            // Their processes rewrite their titles: spaces stand where the arguments ended.
            let line = String::from_utf8_lossy(&line).replace('\0', " ");
            line.contains(&parent) && line.contains("-isForBrowser")
        })
    };
    pids.filter(shows).filter_map(Pid::from_raw).collect()
}

async fn crash() {
    let page = open().await;
    let site = Site::start().unwrap();
    page.goto(&site.url("/plain")).await;
    let work = page.pending(evaluate(page.target, page.frame, NEVER)).await;
    for process in content_processes(page.browser.info().pid.unwrap()) {
        kill_process(process, Signal::KILL).unwrap();
    }
    assert_eq!(ended(work).await.unwrap_err(), AdapterError::TargetCrashed);
    page.events
        .first(|event| {
            matches!(event, Event::TargetCrashed { target } if *target == page.target).then_some(())
        })
        .await;
    assert_eq!(
        page.eval_in(page.frame, "1").await.unwrap_err(),
        AdapterError::TargetCrashed
    );
    page.goto(&site.url("/plain")).await;
    assert_eq!(page.bridge("current", "{}").await, "true");
    page.close().await;
}

async fn browser_killed() {
    let page = open().await;
    let other = open_in(page.browser.clone(), page.profiles.clone()).await;
    let work = page.pending(evaluate(page.target, page.frame, NEVER)).await;
    let pid = i32::try_from(page.browser.info().pid.unwrap()).unwrap();
    kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).unwrap();
    assert!(matches!(
        ended(work).await.unwrap_err(),
        AdapterError::BrowserLost { .. }
    ));
    for one in [&page, &other] {
        one.events
            .first(|event| matches!(event, Event::Disconnected { .. }).then_some(()))
            .await;
    }
    assert!(!page.browser.is_connected());
    assert!(matches!(
        page.eval_in(page.frame, "1").await.unwrap_err(),
        AdapterError::BrowserLost { .. }
    ));
    page.close().await;
}

/// A Firefox behind a proxy: a script that tells the proxy's port in place of the browser's, which it leaves in a file.
fn behind_proxy(directory: &Path, port: u16) -> PathBuf {
    let (script, file) = (
        directory.join("firefox-behind-proxy"),
        directory.join("port"),
    );
    let (firefox, file) = (
        executable().display().to_string(),
        file.display().to_string(),
    );
    let text = format!(
        "#!/bin/sh\n'{firefox}' \"$@\" 2>&1 >/dev/null | while read -r line; do case \"$line\" in\n\
         *'BiDi listening on'*) echo \"${{line##*:}}\" > '{file}'; echo 'WebDriver BiDi listening on ws://127.0.0.1:{port}' >&2;;\n\
         esac; done\n"
    );
    std::fs::write(&script, text).unwrap();
    std::fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    script
}

/// Passes one connection on, with the browser's own address in its handshake, until it is aborted.
async fn pass_on(listener: TcpListener, directory: PathBuf) {
    let (mut near, _) = listener.accept().await.unwrap();
    let port = std::fs::read_to_string(directory.join("port"))
        .unwrap()
        .trim()
        .to_owned();
    let mut far = TcpStream::connect(format!("127.0.0.1:{port}"))
        .await
        .unwrap();
    let mut handshake = Vec::new();
    while !handshake.ends_with(b"\r\n\r\n") {
        handshake.push(near.read_u8().await.unwrap());
    }
    let own = near.local_addr().unwrap().port();
    let handshake = String::from_utf8(handshake)
        .unwrap()
        .replace(&format!("127.0.0.1:{own}"), &format!("127.0.0.1:{port}"));
    far.write_all(handshake.as_bytes()).await.unwrap();
    let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
}

async fn socket_lost() {
    let [scratch, profiles, others] = [(); 3].map(|()| Arc::new(tempfile::tempdir().unwrap()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let executable = Some(behind_proxy(
        scratch.path(),
        listener.local_addr().unwrap().port(),
    ));
    let proxy = tokio::spawn(pass_on(listener, scratch.path().to_owned()));
    let severed = BidiAdapter::new(config(profiles.path()))
        .launch(LaunchSpec {
            executable,
            ..spec()
        })
        .await;
    let page = open_in(severed.unwrap(), profiles).await;
    let other = open_in(
        BidiAdapter::new(config(others.path()))
            .launch(spec())
            .await
            .unwrap(),
        others,
    )
    .await;
    let work = page.pending(evaluate(page.target, page.frame, NEVER)).await;
    proxy.abort();
    assert!(matches!(
        ended(work).await.unwrap_err(),
        AdapterError::BrowserLost { .. }
    ));
    page.events
        .first(|event| matches!(event, Event::Disconnected { .. }).then_some(()))
        .await;
    assert!(!page.browser.is_connected());
    // A browser whose one session is lost can't be used again: it is not left running.
    let pid = page.browser.info().pid.unwrap();
    for _ in 0..500 {
        if !Path::new(&format!("/proc/{pid}")).exists() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(
        !Path::new(&format!("/proc/{pid}")).exists(),
        "the browser without a socket has ended"
    );
    assert_eq!(other.eval("1 + 1").await, "2");
    page.close().await;
    other.close().await;
}

async fn dropped() {
    let page = open().await;
    let work = page.pending(evaluate(page.target, page.frame, NEVER)).await;
    work.abort();
    assert!(work.await.unwrap_err().is_cancelled());
    assert_eq!(page.eval("2 + 2").await, "4");
    page.close().await;
}
