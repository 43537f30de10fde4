//! Cookies, web storage, and states that log a user in again.

use ops_contracts::ErrorCode;
use ops_contracts::wire::command::session::{CreateParams, StateToLoad};
use ops_contracts::wire::command::storage::{
    CookiesClearParams, CookiesGetParams, CookiesSetParams, NewCookie, SameSite, StateExportParams,
    StateImportParams, StorageItem, WebStorageParams, WebStorageSetParams,
};
use ops_contracts::wire::command::{
    StorageCookiesClear, StorageCookiesGet, StorageCookiesSet, StorageLocalClear, StorageLocalGet,
    StorageLocalSet, StorageSessionClear, StorageSessionGet, StorageSessionSet, StorageStateExport,
    StorageStateImport, TargetsList,
};

use crate::suite::check::{Outcome, contains, equal, holds, lacks, refused};
use crate::suite::fixture::{Fixture, Session};

fn cookie(name: &str, value: &str) -> NewCookie {
    NewCookie {
        name: name.to_owned(),
        value: value.into(),
        ..NewCookie::default()
    }
}

async fn set(session: &Session<'_>, cookies: Vec<NewCookie>) -> Outcome {
    session
        .call::<StorageCookiesSet>(&CookiesSetParams { cookies })
        .await?;
    Ok(())
}

async fn names(
    session: &Session<'_>,
    params: CookiesGetParams,
) -> Result<Vec<String>, crate::suite::Failure> {
    Ok(session
        .call::<StorageCookiesGet>(&params)
        .await?
        .cookies
        .into_iter()
        .map(|cookie| cookie.name)
        .collect())
}

/// What the server is told in `Cookie`.
async fn sent(session: &Session<'_>) -> Result<String, crate::suite::Failure> {
    session.goto("/echo").await?;
    Ok(session
        .eval("JSON.parse(document.body.innerText).headers.cookie || ''")
        .await?)
}

pub(super) async fn cookies_are_set_as_asked_and_reach_the_server(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/set-cookie?flavour=oak").await?;
    equal(
        names(&session, CookiesGetParams::default()).await?,
        vec!["flavour"],
    )?;
    let late = NewCookie {
        http_only: true,
        same_site: Some(SameSite::Strict),
        expires: Some(4_000_000_000.0),
        ..cookie("late", "night")
    };
    let inner = NewCookie {
        path: Some("/shop".to_owned()),
        ..cookie("inner", "1")
    };
    let far = NewCookie {
        url: Some(f.site.cross_url("/")),
        ..cookie("far", "away")
    };
    let wide = NewCookie {
        domain: Some(".example.test".to_owned()),
        secure: Some(true),
        ..cookie("wide", "1")
    };
    let made = session
        .call::<StorageCookiesSet>(&CookiesSetParams {
            cookies: vec![late, inner, far, wide],
        })
        .await?
        .cookies;
    equal(made.len(), 4)?;
    let late = made.iter().find(|cookie| cookie.name == "late");
    let facts = late.map(|cookie| {
        (
            cookie.http_only,
            cookie.same_site,
            cookie.domain.as_str(),
            cookie.secure,
        )
    });
    equal(
        facts,
        Some((true, Some(SameSite::Strict), "127.0.0.1", false)),
    )?;
    let here = CookiesGetParams {
        url: Some(f.site.url("/plain")),
        ..Default::default()
    };
    equal(names(&session, here).await?, vec!["flavour", "late"])?;
    let below = CookiesGetParams {
        domain: Some("example.test".to_owned()),
        ..Default::default()
    };
    equal(names(&session, below).await?, vec!["wide"])?;
    let cookies = sent(&session).await?;
    contains(&cookies, "flavour=oak")?;
    contains(&cookies, "late=night")?;
    lacks(&cookies, "inner=")?;
    lacks(&cookies, "far=")?;
    lacks(&session.eval("document.cookie").await?, "late")
}

pub(super) async fn a_cookie_that_the_browser_refuses_is_an_error(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    refused(
        session
            .call::<StorageCookiesSet>(&CookiesSetParams {
                cookies: vec![cookie("a", "b")],
            })
            .await,
        ErrorCode::OpsInvalidRequest,
    )?;
    session.goto("/plain").await?;
    let bad = vec![cookie("__Host-x", "top-secret"), cookie("good", "1")];
    let fault = refused(
        session
            .call::<StorageCookiesSet>(&CookiesSetParams { cookies: bad })
            .await,
        ErrorCode::OpsCookieRejected,
    )?;
    let told = serde_json::to_string(&fault.details).unwrap_or_default();
    contains(&told, "__Host-x")?;
    lacks(&told, "good")?;
    lacks(&format!("{told} {}", fault.message), "top-secret")
}

pub(super) async fn cookies_are_cleared_by_name_and_all_at_once(f: &Fixture) -> Outcome {
    let (session, other) = (f.session().await?, f.session().await?);
    session.goto("/plain").await?;
    other.goto("/plain").await?;
    set(&other, vec![cookie("theirs", "1")]).await?;
    set(
        &session,
        vec![cookie("a", "1"), cookie("b", "2"), cookie("c", "3")],
    )
    .await?;
    let one = CookiesClearParams {
        name: Some("b".to_owned()),
        ..Default::default()
    };
    equal(session.call::<StorageCookiesClear>(&one).await?.cleared, 1)?;
    equal(session.call::<StorageCookiesClear>(&one).await?.cleared, 0)?;
    equal(
        names(&session, CookiesGetParams::default()).await?,
        vec!["a", "c"],
    )?;
    equal(
        session
            .call::<StorageCookiesClear>(&CookiesClearParams::default())
            .await?
            .cleared,
        2,
    )?;
    equal(sent(&session).await?.as_str(), "\"\"")?;
    equal(
        names(&other, CookiesGetParams::default()).await?,
        vec!["theirs"],
    )
}

fn item(name: &str, value: &str) -> StorageItem {
    StorageItem {
        name: name.to_owned(),
        value: value.into(),
    }
}

fn items(items: Vec<StorageItem>) -> WebStorageSetParams {
    WebStorageSetParams {
        items,
        frame: None,
        target_id: None,
    }
}

fn named(name: &str) -> WebStorageParams {
    WebStorageParams {
        name: Some(name.to_owned()),
        ..Default::default()
    }
}

pub(super) async fn web_storage_is_the_pages_own(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    let nowhere = session
        .call::<StorageLocalGet>(&WebStorageParams::default())
        .await;
    refused(nowhere, ErrorCode::OpsStorageUnavailable)?;
    session.goto("/plain").await?;
    session.eval("localStorage.setItem('getItem', 'odd'); localStorage.token = 'ä\"\\n🔑'; sessionStorage.step = '2'").await?;
    let local = session
        .call::<StorageLocalGet>(&WebStorageParams::default())
        .await?;
    equal(
        local.items,
        vec![item("getItem", "odd"), item("token", "ä\"\n🔑")],
    )?;
    equal(
        local.origin,
        f.site.url("").trim_end_matches('/').to_owned(),
    )?;
    equal(
        session
            .call::<StorageSessionGet>(&named("step"))
            .await?
            .items,
        vec![item("step", "2")],
    )?;
    equal(
        session
            .call::<StorageSessionGet>(&named("missing"))
            .await?
            .items,
        Vec::new(),
    )?;
    equal(
        session
            .call::<StorageLocalSet>(&items(vec![item("token", "new"), item("length", "7")]))
            .await?
            .stored,
        2,
    )?;
    equal(
        session
            .eval("[localStorage.getItem('token'), localStorage.getItem('length')]")
            .await?
            .as_str(),
        r#"["new","7"]"#,
    )?;
    session
        .call::<StorageSessionSet>(&items(vec![item("step", "3")]))
        .await?;
    equal(session.eval("sessionStorage.step").await?.as_str(), "\"3\"")?;
    equal(
        session
            .call::<StorageLocalClear>(&named("token"))
            .await?
            .cleared,
        1,
    )?;
    equal(
        session
            .call::<StorageLocalClear>(&WebStorageParams::default())
            .await?
            .cleared,
        2,
    )?;
    equal(
        session
            .call::<StorageSessionClear>(&WebStorageParams::default())
            .await?
            .cleared,
        1,
    )?;
    equal(
        session
            .eval("localStorage.length + sessionStorage.length")
            .await?
            .as_str(),
        "0",
    )
}

pub(super) async fn what_does_not_fit_is_an_error_that_says_so(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/plain").await?;
    let whole = vec![item("small", "1"), item("huge", &"x".repeat(11_000_000))];
    let fault = refused(
        session.call::<StorageLocalSet>(&items(whole)).await,
        ErrorCode::OpsValueRejected,
    )?;
    equal(
        fault
            .details
            .get("stored")
            .and_then(|stored| stored.as_u64()),
        Some(1),
    )?;
    contains(&fault.message, "QuotaExceededError")
}

pub(super) async fn a_state_logs_a_user_in_again(f: &Fixture) -> Outcome {
    let first = f.session().await?;
    first.goto("/set-cookie?sid=s3cret").await?;
    first.eval("localStorage.token = 'here'").await?;
    first
        .call::<ops_contracts::wire::command::NavGoto>(&crate::suite::verbs::url(
            &f.site.cross_url("/plain"),
        ))
        .await?;
    first.eval("localStorage.token = 'there'").await?;
    first.goto("/plain").await?;
    let events = first.listen()?;
    let exported = first
        .call::<StorageStateExport>(&StateExportParams::default())
        .await?;
    equal(exported.skipped.len(), 0)?;
    equal(exported.state.cookies.len(), 1)?;
    equal(exported.state.origins.len(), 2)?;
    equal(events.all().len(), 0)
        .map_err(|_| crate::suite::Failure::new("the page that reads origins was seen"))?;
    equal(
        first
            .call::<TargetsList>(&Default::default())
            .await?
            .targets
            .len(),
        1,
    )?;

    let second = f.session().await?;
    f.site.forget_requests();
    let params = StateImportParams {
        state: Some(exported.state.clone()),
        ..Default::default()
    };
    let imported = second.call::<StorageStateImport>(&params).await?;
    equal(
        (imported.cookies, imported.origins, imported.items),
        (1, 2, 2),
    )?;
    // The icon of the first session's page comes when the browser finds the time.
    let asked: Vec<_> = f
        .site
        .requests()
        .into_iter()
        .map(|request| request.path)
        .filter(|path| path != "/favicon.ico")
        .collect();
    holds(
        asked.is_empty(),
        format!("an import asks no server: {asked:?}"),
    )?;
    contains(&sent(&second).await?, "sid=s3cret")?;
    equal(
        second.eval("localStorage.token").await?.as_str(),
        "\"here\"",
    )?;
    second
        .call::<ops_contracts::wire::command::NavGoto>(&crate::suite::verbs::url(
            &f.site.cross_url("/plain"),
        ))
        .await?;
    equal(
        second.eval("localStorage.token").await?.as_str(),
        "\"there\"",
    )?;

    second.eval("localStorage.more = 'x'").await?;
    set(&second, vec![cookie("extra", "1")]).await?;
    second
        .call::<StorageStateImport>(&StateImportParams {
            replace: true,
            ..params
        })
        .await?;
    let again = second
        .call::<StorageStateExport>(&StateExportParams::default())
        .await?;
    holds(
        again.state == exported.state,
        "an imported state is exported as it was",
    )
}

pub(super) async fn a_state_in_a_blob_is_the_same_as_one_in_the_request(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    let origin = f.site.url("").trim_end_matches('/').to_owned();
    let state = format!(
        r#"{{"cookies":[],"origins":[{{"origin":"{origin}","localStorage":[{{"name":"k","value":"v"}}]}}]}}"#
    );
    let put = |bytes: &str| {
        f.service()
            .put_blob(&session.id, &session.lease, bytes.as_bytes().to_vec())
    };
    let failed = |fault: ops_contracts::Fault| crate::suite::Failure::new(fault.to_string());
    let blob = put(&state).map_err(failed)?;
    let params = StateImportParams {
        blob_id: Some(blob.blob_id),
        ..Default::default()
    };
    equal(session.call::<StorageStateImport>(&params).await?.items, 1)?;
    session.goto("/plain").await?;
    equal(session.eval("localStorage.k").await?.as_str(), "\"v\"")?;
    for bad in [
        "",
        "[]",
        r#"{"cookies":[{"name":"n"}]}"#,
        r#"{"origins":[{"origin":"https://a.test/x"}]}"#,
        r#"{"surplus":1}"#,
    ] {
        let blob = put(bad).map_err(failed)?;
        let params = StateImportParams {
            blob_id: Some(blob.blob_id),
            ..Default::default()
        };
        refused(
            session.call::<StorageStateImport>(&params).await,
            ErrorCode::OpsInvalidRequest,
        )?;
    }
    let unknown = "0"
        .repeat(32)
        .parse()
        .map_err(|_| crate::suite::Failure::new("no id"))?;
    let params = StateImportParams {
        blob_id: Some(unknown),
        ..Default::default()
    };
    refused(
        session.call::<StorageStateImport>(&params).await,
        ErrorCode::OpsBlobUnknown,
    )?;
    Ok(())
}

pub(super) async fn a_state_is_what_a_new_session_begins_with(f: &Fixture) -> Outcome {
    let first = f.session().await?;
    first.goto("/set-cookie?sid=s3cret").await?;
    first.eval("localStorage.token = 'here'").await?;
    let exported = first
        .call::<StorageStateExport>(&StateExportParams::default())
        .await?;
    let text = serde_json::to_vec(&exported.state)
        .map_err(|error| crate::suite::Failure::new(error.to_string()))?;
    let failed = |fault: ops_contracts::Fault| crate::suite::Failure::new(fault.to_string());
    let blob = f
        .service()
        .put_blob(&first.id, &first.lease, text)
        .map_err(failed)?;
    let inline = StateToLoad {
        state: Some(exported.state),
        blob_id: None,
    };
    let named = StateToLoad {
        state: None,
        blob_id: Some(blob.blob_id),
    };
    for to_load in [inline, named] {
        let params = CreateParams {
            storage_state: Some(to_load),
            ..f.create_params()
        };
        let session = f.session_with(params).await?;
        contains(&sent(&session).await?, "sid=s3cret")?;
        equal(
            session.eval("localStorage.token").await?.as_str(),
            "\"here\"",
        )?;
    }
    let unknown = "0"
        .repeat(32)
        .parse()
        .map_err(|_| crate::suite::Failure::new("no id"))?;
    let to_load = StateToLoad {
        state: None,
        blob_id: Some(unknown),
    };
    let params = CreateParams {
        storage_state: Some(to_load),
        ..f.create_params()
    };
    refused(
        f.session_with(params).await.map(|_| ()),
        ErrorCode::OpsBlobUnknown,
    )?;
    Ok(())
}
