use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;

use conformance::seam::trial;
use conformance::site::Site;
use libtest_mimic::Trial;
use ops_contracts::seam::adapter::{
    Adapter, AdapterError, ContextSpec, ContextStorage, Effect, LaunchSpec, NavigationFailureKind,
    Primitive,
};

use crate::support::{Opened, adapter, config, context_spec, executable, open_with, spec};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial(
            "what_has_no_proxy_reaches_nothing_from_a_confined_browser",
            nothing,
        ),
        trial("a_browser_that_goes_past_its_proxies_is_not_used", past),
        trial(
            "arguments_that_lead_out_of_a_confined_browser_are_refused",
            arguments,
        ),
        trial(
            "a_profile_that_was_confined_is_free_in_its_next_launch",
            free_again,
        ),
    ]
}

fn confined() -> LaunchSpec {
    LaunchSpec {
        confined: true,
        ..spec()
    }
}

/// The kind of a navigation's failure.
async fn failure(page: &Opened, url: String) -> NavigationFailureKind {
    let effect = page
        .perform(Primitive::Navigate {
            target: page.target,
            url,
        })
        .await
        .unwrap();
    let Effect::Navigation {
        failure: Some(failure),
        ..
    } = effect
    else {
        panic!("{effect:?}")
    };
    failure.kind
}

async fn nothing() {
    let (profiles, site) = (
        Arc::new(tempfile::tempdir().unwrap()),
        Site::start().unwrap(),
    );
    let browser = adapter(config(profiles.path()))
        .launch(confined())
        .await
        .unwrap();
    // A proxy that breaks off whatever comes.
    let proxy = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = proxy.local_addr().unwrap();
    let (told, asked) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for stream in proxy.incoming().flatten() {
            let mut line = String::new();
            let _ = std::io::BufRead::read_line(&mut std::io::BufReader::new(stream), &mut line);
            if told.send(line).is_err() {
                return;
            }
        }
    });
    let through = ContextSpec {
        proxy: Some(format!("http://{address}")),
        ..context_spec()
    };
    let through = open_with(through, browser.clone(), profiles.clone()).await;
    let without = open_with(context_spec(), browser.clone(), profiles.clone()).await;
    let own = ContextSpec {
        storage: ContextStorage::Profile,
        ..context_spec()
    };
    let own = open_with(own, browser.clone(), profiles.clone()).await;
    for page in [&through, &without, &own] {
        assert_eq!(
            failure(page, site.url("/plain")).await,
            NavigationFailureKind::Connection
        );
        assert_eq!(
            failure(page, site.cross_url("/plain")).await,
            NavigationFailureKind::Connection
        );
    }
    let asked: Vec<String> = asked.try_iter().collect();
    for url in [site.url("/plain"), site.cross_url("/plain")] {
        assert!(
            asked.contains(&format!("GET {url} HTTP/1.1\r\n")),
            "{asked:?}"
        );
    }
    assert_eq!(site.requests().len(), 0);
    without.context.close().await;
    own.context.close().await;
    through.close().await;
}

/// A Firefox whose preferences are changed behind the launch, as policies of a machine do.
fn changed(directory: &std::path::Path, preference: &str) -> PathBuf {
    let path = directory.join("browser.sh");
    let text = format!(
        "#!/bin/sh\nfor next in \"$@\"; do\n[ \"$last\" = --profile ] && echo '{preference}' >> \"$next/user.js\"\nlast=$next\ndone\n\
         exec {} \"$@\"\n",
        executable().display()
    );
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

async fn past() {
    let (profiles, scripts) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for (preference, confines) in [
        ("user_pref(\"network.proxy.type\", 0);", false),
        (
            "user_pref(\"network.proxy.no_proxies_on\", \"127.0.0.1\");",
            false,
        ),
        ("", true),
    ] {
        let spec = LaunchSpec {
            executable: Some(changed(scripts.path(), preference)),
            ..confined()
        };
        match adapter(config(profiles.path())).launch(spec).await {
            Ok(browser) => {
                browser.close().await;
                assert!(confines, "{preference}");
            }
            Err(AdapterError::LaunchFailed { reason, .. }) => {
                assert!(
                    !confines && reason.contains("can't be confined: a page went past its proxy"),
                    "{preference}: {reason}"
                );
            }
            Err(other) => panic!("{other}"),
        }
    }
}

async fn arguments() {
    let profiles = tempfile::tempdir().unwrap();
    let out = LaunchSpec {
        args: vec!["--backgroundtask=x".to_owned()],
        ..confined()
    };
    let error = adapter(config(profiles.path()))
        .launch(out)
        .await
        .err()
        .unwrap();
    assert_eq!(
        error,
        AdapterError::ArgumentForbidden {
            argument: "--backgroundtask=x".to_owned()
        }
    );
}

async fn free_again() {
    let (profiles, kept) = (
        Arc::new(tempfile::tempdir().unwrap()),
        tempfile::tempdir().unwrap(),
    );
    let site = Site::start().unwrap();
    for confined in [true, false] {
        let spec = LaunchSpec {
            profile: Some(kept.path().join("p")),
            confined,
            ..spec()
        };
        let browser = adapter(config(profiles.path())).launch(spec).await.unwrap();
        let own = ContextSpec {
            storage: ContextStorage::Profile,
            ..context_spec()
        };
        let page = open_with(own, browser.clone(), profiles.clone()).await;
        if confined {
            assert_eq!(
                failure(&page, site.url("/plain")).await,
                NavigationFailureKind::Connection
            );
        } else {
            page.goto(&site.cross_url("/plain")).await.unwrap();
        }
        page.close().await;
    }
}
