//! The dashboard in a real browser, driven through the relay that serves it.

use conformance::suite::verbs::{at, button, click, select, url};
use odb_tests::relay::{Relay, RemoteSession};
use ops_client::post;
use ops_contracts::control::incident::{Incident, IncidentList, Severity};
use ops_contracts::wire::command::dom::{ReadParams, SnapshotMode, SnapshotParams};
use ops_contracts::wire::command::interact::{FillParams, OptionChoice};
use ops_contracts::wire::command::nav::WaitParams;
use ops_contracts::wire::command::session::CreateParams;
use ops_contracts::wire::command::{
    DiagnosticsErrors, DomSnapshot, DomText, InteractClick, InteractFill, InteractSelect, NavGoto,
    NavWait,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_dashboard_is_logged_in_to_and_shows_the_session_that_looks_at_it() {
    let scratch = tempfile::tempdir().unwrap();
    let relay = Relay::start(&scratch);
    let client = relay.client("watcher").await;
    let login = post::dashboard_code(&relay.endpoint("watcher"))
        .await
        .unwrap();
    let session = RemoteSession::create(&client, &CreateParams::default()).await;
    session.call::<NavGoto>(&url(&login.url)).await.unwrap();

    let fill = |code: &str| FillParams {
        element: at("label=Login code"),
        value: code.into(),
        target_id: None,
    };
    session
        .call::<InteractFill>(&fill("00000-00000-00000-00000"))
        .await
        .unwrap();
    session
        .call::<InteractClick>(&click(button("Log in")))
        .await
        .unwrap();
    let told = |text: &str| WaitParams {
        text: Some(text.to_owned()),
        ..WaitParams::default()
    };
    session
        .call::<NavWait>(&told("the login code is wrong"))
        .await
        .unwrap();

    session
        .call::<InteractFill>(&fill(&login.code))
        .await
        .unwrap();
    session
        .call::<InteractClick>(&click(button("Log in")))
        .await
        .unwrap();
    session
        .call::<NavWait>(&told("1 active on /ops"))
        .await
        .unwrap();
    session.call::<NavWait>(&told("live")).await.unwrap();
    let id = &session.made.session_id.to_string()[..12];
    let table = session
        .call::<DomText>(&ReadParams {
            element: Some(at("css=#sessions")),
            max_chars: 10_000,
            target_id: None,
        })
        .await
        .unwrap();
    assert!(
        table.value.contains(id) && table.value.contains("chrome"),
        "{}",
        table.value
    );
    assert!(
        !table
            .value
            .contains(&session.made.lease_id.as_str().to_owned())
    );

    let outline = SnapshotParams {
        mode: SnapshotMode::Full,
        max_chars: 100_000,
        ..SnapshotParams::default()
    };
    let seen = session.call::<DomSnapshot>(&outline).await.unwrap().text;
    for part in [
        "heading \"Alerts\"",
        "heading \"Traffic of the last hour\"",
        "img \"Requests. requests:",
        "heading \"Routing\"",
        "heading \"Scorecard\"",
    ] {
        assert!(seen.contains(part), "no {part} in\n{seen}");
    }
    // Without an admin token there is nothing to change with, and the page says so.
    assert!(seen.contains("button \"Log out\""), "{seen}");
    session
        .call::<InteractClick>(&click(button("Change")))
        .await
        .unwrap();
    session
        .call::<NavWait>(&told("nothing can be changed from here"))
        .await
        .unwrap();

    let errors = session
        .call::<DiagnosticsErrors>(&Default::default())
        .await
        .unwrap();
    assert_eq!(errors.entries.len(), 0, "{:?}", errors.entries);
    session
        .call::<InteractClick>(&click(button("Log out")))
        .await
        .unwrap();
    session
        .call::<NavWait>(&told("Run odb-cli dashboard"))
        .await
        .unwrap();
}

async fn incidents(relay: &Relay) -> Vec<Incident> {
    let text = post::read(&relay.endpoint("watcher"), "/incidents")
        .await
        .expect("it is served");
    serde_json::from_str::<IncidentList>(&text)
        .expect("it is a list")
        .incidents
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_incident_is_recorded_and_resolved_on_the_dashboard() {
    const ADMIN: &str = "dashboard-admin-token";
    let scratch = tempfile::tempdir().unwrap();
    let relay = Relay::start_as(&scratch, "local", &[("DASHBOARD_ADMIN_TOKEN", ADMIN)]);
    let client = relay.client("watcher").await;
    let login = post::dashboard_code(&relay.endpoint("watcher"))
        .await
        .unwrap();
    let session = RemoteSession::create(&client, &CreateParams::default()).await;
    session.call::<NavGoto>(&url(&login.url)).await.unwrap();
    let fill = |field: &str, text: &str| FillParams {
        element: at(field),
        value: text.into(),
        target_id: None,
    };
    let told = |text: &str| WaitParams {
        text: Some(text.to_owned()),
        ..WaitParams::default()
    };
    session
        .call::<InteractFill>(&fill("label=Login code", &login.code))
        .await
        .unwrap();
    session
        .call::<InteractClick>(&click(button("Log in")))
        .await
        .unwrap();
    session
        .call::<NavWait>(&told("None was recorded"))
        .await
        .unwrap();

    session
        .call::<InteractClick>(&click(at("text=\"Record or resolve\"")))
        .await
        .unwrap();
    session
        .call::<InteractFill>(&fill("css=#incident-admin", "not the token"))
        .await
        .unwrap();
    session
        .call::<InteractFill>(&fill(
            "label=What happened",
            "Clicks went to <b>another</b> tab",
        ))
        .await
        .unwrap();
    session
        .call::<InteractClick>(&click(button("Record")))
        .await
        .unwrap();
    session.call::<NavWait>(&told("admin token")).await.unwrap();
    session
        .call::<InteractFill>(&fill("css=#incident-admin", ADMIN))
        .await
        .unwrap();
    session
        .call::<InteractSelect>(&select(
            "label=Severity",
            vec![OptionChoice::Any("P1".to_owned())],
        ))
        .await
        .unwrap();
    session
        .call::<InteractClick>(&click(button("Record")))
        .await
        .unwrap();
    session
        .call::<NavWait>(&told("Clicks went to <b>another</b> tab"))
        .await
        .unwrap();
    let listed = incidents(&relay).await;
    assert_eq!(
        (listed[0].told.severity, listed[0].resolved_at),
        (Severity::P1, None),
        "{listed:?}"
    );

    session
        .call::<InteractFill>(&fill("label=What resolved it", "The tab was closed"))
        .await
        .unwrap();
    session
        .call::<InteractClick>(&click(button("Resolve")))
        .await
        .unwrap();
    let over = WaitParams {
        element: Some(at("css=#incident:disabled")),
        ..WaitParams::default()
    };
    session.call::<NavWait>(&over).await.unwrap();
    let listed = incidents(&relay).await;
    assert_eq!(
        listed[0].note.as_deref(),
        Some("The tab was closed"),
        "{listed:?}"
    );
}
