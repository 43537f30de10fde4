//! Navigation: results and errors of `nav.goto`, the history, reloads, and what may not be gone to.

use ops_contracts::ErrorCode;
use ops_contracts::wire::command::nav::{NavResult, ReloadParams, TraverseParams};
use ops_contracts::wire::command::session::CreateParams;
use ops_contracts::wire::command::{LoadState, NavBack, NavForward, NavGoto, NavReload, session};

use super::super::check::{Outcome, contains, equal, holds, refused, refused_with};
use super::super::fixture::{Failure, Fixture};
use super::super::verbs::{button, url, url_until};

pub(super) async fn goto_tells_status_title_and_final_url(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    let gone = session.goto("/plain").await?;
    let expected = NavResult {
        target_id: session.target.clone(),
        url: f.site.url("/plain"),
        status: Some(200),
        title: Some("Plain page".to_owned()),
        redirects: vec![],
        document_changed: true,
        reached: LoadState::Load,
        dialog_opened: None,
        downloads: vec![],
    };
    equal(&gone, &expected)?;
    equal(session.url().await?, f.site.url("/plain"))?;
    equal(f.site.hits("/plain"), 1)
}

pub(super) async fn an_http_error_is_a_result(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    for status in [404, 500] {
        let gone = session.goto(&format!("/status/{status}")).await?;
        equal(gone.status, Some(status))?;
        contains(&session.text("#out").await?, "on purpose")?;
    }
    Ok(())
}

pub(super) async fn redirects_are_listed_in_order(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    let gone = session.goto("/redirect/3").await?;
    equal(gone.url, f.site.url("/plain"))?;
    equal(gone.status, Some(200))?;
    let hops: Vec<_> = gone
        .redirects
        .iter()
        .map(|hop| (hop.status, hop.url.clone()))
        .collect();
    equal(
        hops,
        [3, 2, 1]
            .map(|hop| (302, f.site.url(&format!("/redirect/{hop}"))))
            .to_vec(),
    )
}

pub(super) async fn a_navigation_within_the_document_keeps_it(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/plain").await?;
    session.eval("globalThis.kept = 1").await?;
    let gone = session.goto("/plain#part").await?;
    holds(!gone.document_changed, "the document stays")?;
    equal(gone.url, f.site.url("/plain#part"))?;
    equal(gone.status, None)?;
    equal(session.eval("globalThis.kept").await?.as_str(), "1")
}

pub(super) async fn an_unknown_host_has_its_code(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/plain").await?;
    let fault = refused(
        session
            .call::<NavGoto>(&url("http://nowhere.invalid/"))
            .await,
        ErrorCode::OpsNavDnsFailed,
    )?;
    holds(
        fault.details.get("reason").is_some(),
        "the browser's own reason is told",
    )?;
    session.goto("/plain").await?;
    equal(session.title().await?.as_str(), "Plain page")
}

pub(super) async fn a_refused_connection_has_its_code(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    let closed = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0")
            .map_err(|error| Failure::new(error.to_string()))?;
        listener
            .local_addr()
            .map_err(|error| Failure::new(error.to_string()))?
    };
    refused(
        session
            .call::<NavGoto>(&url(&format!("http://{closed}/")))
            .await,
        ErrorCode::OpsNavConnectionFailed,
    )?;
    refused(
        session.goto("/drop").await,
        ErrorCode::OpsNavConnectionFailed,
    )?;
    session.goto("/plain").await?;
    Ok(())
}

pub(super) async fn an_answer_without_a_document_is_aborted(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/plain").await?;
    refused(session.goto("/status/204").await, ErrorCode::OpsNavAborted)?;
    equal(session.title().await?.as_str(), "Plain page")?;
    equal(session.url().await?, f.site.url("/plain"))
}

pub(super) async fn a_download_is_a_result(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/plain").await?;
    let gone = session.goto("/download/file.txt").await?;
    equal(gone.downloads.len(), 1)?;
    equal(gone.downloads[0].suggested_name.as_str(), "file.txt")?;
    equal(&gone.downloads[0].url, &f.site.url("/download/file.txt"))?;
    holds(!gone.document_changed, "the page keeps its document")?;
    equal(session.title().await?.as_str(), "Plain page")
}

pub(super) async fn forbidden_schemes_do_not_reach_the_browser(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/plain").await?;
    for forbidden in [
        "file:///etc/hostname",
        "chrome://version",
        "javascript:document.title='x'",
        "data:text/html,x",
        "view-source:about:blank",
    ] {
        refused(
            session.call::<NavGoto>(&url(forbidden)).await,
            ErrorCode::OpsUrlForbidden,
        )?;
    }
    for invalid in ["", "plain", "/plain", "http://", "localhost:1"] {
        refused(
            session.call::<NavGoto>(&url(invalid)).await,
            ErrorCode::OpsUrlInvalid,
        )?;
    }
    equal(session.title().await?.as_str(), "Plain page")
}

pub(super) async fn a_scheme_can_be_allowed_for_a_session(f: &Fixture) -> Outcome {
    let params = CreateParams {
        allow_schemes: vec!["data".to_owned()],
        ..CreateParams::default()
    };
    let session = f.session_with(params).await?;
    session
        .call::<NavGoto>(&url("data:text/html,<title>Data</title>"))
        .await?;
    equal(session.title().await?.as_str(), "Data")?;
    let fault = refused(
        session.call::<NavGoto>(&url("file:///etc/hostname")).await,
        ErrorCode::OpsUrlForbidden,
    )?;
    equal(
        fault.details.get("setting").and_then(|name| name.as_str()),
        Some("browser.allowSchemes"),
    )
}

pub(super) async fn a_scheme_that_the_operator_has_not_allowed_is_refused(f: &Fixture) -> Outcome {
    let asking = |scheme: &str| CreateParams {
        allow_schemes: vec![scheme.to_owned()],
        ..CreateParams::default()
    };
    for scheme in ["file", "blob"] {
        let fault = refused(
            f.session_with(asking(scheme)).await.map(drop),
            ErrorCode::OpsUrlForbidden,
        )?;
        equal(
            fault.details.get("setting").and_then(|name| name.as_str()),
            Some("browser.allowSchemes"),
        )?;
    }
    // Pages of the browser's own act on the browser that other sessions share: nobody can allow them.
    for scheme in ["chrome", "about", "devtools", "javascript", "view-source"] {
        refused(
            f.session_with(asking(scheme)).await.map(drop),
            ErrorCode::OpsInvalidRequest,
        )?;
    }
    Ok(())
}

pub(super) async fn the_history_goes_back_and_forward(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    let step = TraverseParams::default();
    session.goto("/plain").await?;
    session.goto("/pages/popup-target.html").await?;
    let back = session.call::<NavBack>(&step).await?;
    equal(back.url, f.site.url("/plain"))?;
    equal(session.title().await?.as_str(), "Plain page")?;
    let forward = session.call::<NavForward>(&step).await?;
    equal(forward.url, f.site.url("/pages/popup-target.html"))?;
    equal(forward.title.as_deref(), Some("Popup target"))?;
    refused(
        session.call::<NavForward>(&step).await,
        ErrorCode::OpsHistoryEdge,
    )?;
    Ok(())
}

pub(super) async fn reload_asks_the_server_again(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/plain").await?;
    let reloaded = session.call::<NavReload>(&ReloadParams::default()).await?;
    holds(reloaded.document_changed, "a reload makes a new document")?;
    equal(reloaded.status, Some(200))?;
    equal(f.site.hits("/plain"), 2)
}

pub(super) async fn each_load_state_is_reached(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    let slow = f.site.url("/slow-body?ms=400");
    let commit = session
        .call::<NavGoto>(&url_until(&slow, LoadState::Commit))
        .await?;
    equal((commit.status, commit.document_changed), (Some(200), true))?;
    let loaded = session.call::<NavGoto>(&url(&slow)).await?;
    equal(loaded.reached, LoadState::Load)?;
    equal(session.text("#rest").await?.as_str(), "The rest.")?;
    let idle = session
        .call::<NavGoto>(&url_until(&f.site.url("/plain"), LoadState::NetworkIdle))
        .await?;
    equal(idle.reached, LoadState::NetworkIdle)
}

pub(super) async fn a_page_that_asks_before_leaving_stops_the_wait(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/pages/dialogs.html").await?;
    session
        .call::<ops_contracts::wire::command::InteractCheck>(&super::super::verbs::element(
            "label=Ask before leaving",
        ))
        .await?;
    let gone = session.goto("/plain").await?;
    let dialog = gone
        .dialog_opened
        .ok_or_else(|| Failure::new("no dialog was told"))?;
    equal(
        dialog.kind,
        ops_contracts::seam::adapter::DialogKind::Beforeunload,
    )?;
    refused(session.goto("/plain").await, ErrorCode::OpsDialogOpen)?;
    let events = session.listen()?;
    session
        .call::<ops_contracts::wire::command::DialogDismiss>(
            &ops_contracts::wire::command::Empty {},
        )
        .await?;
    events
        .wait_for(ops_contracts::wire::frame::EventName::DialogClosed)
        .await?;
    equal(session.title().await?.as_str(), "Dialogs")?;
    let leave = session.goto("/plain").await?;
    holds(leave.dialog_opened.is_some(), "it asks again")?;
    session
        .call::<ops_contracts::wire::command::DialogAccept>(
            &ops_contracts::wire::command::dialog::AcceptParams::default(),
        )
        .await?;
    holds(
        session.url().await?.ends_with("/plain"),
        "who agrees to leave has left",
    )?;
    session
        .wait(super::super::verbs::until(
            "role=button[name=\"A button\"]",
            Default::default(),
        ))
        .await?;
    equal(session.title().await?.as_str(), "Plain page")
}

pub(super) async fn a_click_that_navigates_is_followed_by_reads_of_the_new_page(
    f: &Fixture,
) -> Outcome {
    let session = f.session().await?;
    session.goto("/pages/timers.html").await?;
    session.click(button("Navigate in 300 ms")).await?;
    session
        .wait(ops_contracts::wire::command::nav::WaitParams {
            url: Some("**/plain".to_owned()),
            ..Default::default()
        })
        .await?;
    equal(session.title().await?.as_str(), "Plain page")
}

pub(super) async fn a_profile_has_a_plain_name(f: &Fixture) -> Outcome {
    let bad = session::CreateParams {
        profile: Some("Not A Name".to_owned()),
        ..Default::default()
    };
    refused_with(
        f.session_with(bad).await.map(|_| ()),
        &[ErrorCode::OpsInvalidRequest],
    )?;
    Ok(())
}
