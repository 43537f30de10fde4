//! The one thing that only this protocol can lose: a socket of its own.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use conformance::seam::{NEVER, trial};
use libtest_mimic::Trial;
use ops_contracts::seam::adapter::{Adapter, AdapterError, Event, LaunchSpec};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::support::{adapter, config, executable, open_in, spec};

pub(crate) fn trials() -> Vec<Trial> {
    vec![trial(
        "a_lost_socket_is_the_end_of_that_browser_alone",
        socket_lost,
    )]
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
    let severed = adapter(config(profiles.path()))
        .launch(LaunchSpec {
            executable,
            ..spec()
        })
        .await;
    let page = open_in(severed.unwrap(), profiles).await;
    let other = open_in(
        adapter(config(others.path())).launch(spec()).await.unwrap(),
        others,
    )
    .await;
    let never = page.expression(page.frame, NEVER);
    let work = page.pending(page.frame, never).await.unwrap();
    proxy.abort();
    assert!(matches!(
        work.ended().await.unwrap_err(),
        AdapterError::BrowserLost { .. }
    ));
    page.events
        .after(0, "the loss", |event| {
            matches!(event, Event::Disconnected { .. }).then_some(())
        })
        .await
        .unwrap();
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
    assert_eq!(other.eval("1 + 1").await.unwrap(), "2");
    page.close().await;
    other.close().await;
}
