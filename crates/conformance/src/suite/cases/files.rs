//! Downloads and uploads: every byte is compared with what the server sent or received.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ops_contracts::ErrorCode;
use ops_contracts::wire::command::downloads::{DownloadState, SaveParams, WaitParams};
use ops_contracts::wire::command::interact::{UploadFile, UploadParams, UploadResult};
use ops_contracts::wire::command::{
    DownloadsList, DownloadsSave, DownloadsWait, Empty, InteractUpload,
};

use super::super::check::{Outcome, contains, equal, holds, refused};
use super::super::fixture::{Failure, Fixture, Session};
use super::super::verbs::{at, button};

const PAGE: &str = "/pages/files.html";
const SMALL: &str = "a file from the test site\n";

fn link(name: &str) -> ops_contracts::wire::locator::Locator {
    at(&format!("role=link[name=\"{name}\"]"))
}

fn text(name: &str, text: &str) -> UploadFile {
    UploadFile {
        name: name.to_owned(),
        text: Some(text.into()),
        base64: None,
        blob: None,
    }
}

async fn upload(
    session: &Session<'_>,
    element: Option<&str>,
    files: Vec<UploadFile>,
) -> Result<UploadResult, super::super::fixture::Refused> {
    session
        .call::<InteractUpload>(&UploadParams {
            element: element.map(at),
            files,
            target_id: None,
        })
        .await
}

pub(super) async fn a_download_is_kept_and_read_as_bytes(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto(PAGE).await?;
    let receipt = session.click(link("A small file")).await?.receipt;
    let begun = receipt
        .downloads
        .first()
        .ok_or_else(|| Failure::new("the receipt tells of no download"))?;
    equal(
        (begun.download, begun.suggested_name.as_str()),
        (Some(1), "file.txt"),
    )?;
    let waited = session
        .call::<DownloadsWait>(&WaitParams {
            download: Some(1),
            after: None,
        })
        .await?
        .download;
    equal(
        (waited.state, waited.received_bytes),
        (DownloadState::Completed, SMALL.len() as u64),
    )?;
    let saved = session.call::<DownloadsSave>(&SaveParams::new(1)).await?;
    equal(
        (
            BASE64_STANDARD
                .decode(&saved.data)
                .unwrap_or_default()
                .as_slice(),
            saved.end,
        ),
        (SMALL.as_bytes(), true),
    )?;
    session.click(link("A file of the page's own")).await?;
    let made = session
        .call::<DownloadsWait>(&WaitParams::default())
        .await?
        .download;
    equal(
        (made.download, made.suggested_name.as_str()),
        (2, "made.csv"),
    )?;
    let listed = session.call::<DownloadsList>(&Empty {}).await?.downloads;
    equal(
        listed
            .iter()
            .map(|entry| entry.download)
            .collect::<Vec<_>>(),
        vec![1, 2],
    )
}

pub(super) async fn a_big_file_is_read_part_by_part(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto(PAGE).await?;
    session.click(link("A big file")).await?;
    let entry = session
        .call::<DownloadsWait>(&WaitParams::default())
        .await?
        .download;
    equal(
        (entry.received_bytes, entry.suggested_name.as_str()),
        (300 << 10, "big.bin"),
    )?;
    let mut whole = Vec::new();
    loop {
        let params = SaveParams {
            offset: whole.len() as u64,
            max_bytes: 100_000,
            ..SaveParams::new(entry.download)
        };
        let part = session.call::<DownloadsSave>(&params).await?;
        whole.extend(BASE64_STANDARD.decode(&part.data).unwrap_or_default());
        if part.end {
            break;
        }
        holds(part.bytes > 0, "a part that is not the last has bytes")?;
    }
    let expected: Vec<u8> = (0..300_usize << 10).map(|at| (at % 251) as u8).collect();
    holds(whole == expected, "the bytes are the server's")?;
    let beyond = SaveParams {
        offset: 400_000,
        ..SaveParams::new(entry.download)
    };
    refused(
        session.call::<DownloadsSave>(&beyond).await,
        ErrorCode::OpsInvalidRequest,
    )
    .map(drop)
}

pub(super) async fn a_download_that_breaks_off_is_told(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto(PAGE).await?;
    session.click(link("A broken file")).await?;
    let fault = refused(
        session.call::<DownloadsWait>(&WaitParams::default()).await,
        ErrorCode::OpsDownloadFailed,
    )?;
    holds(
        fault.details.get("download").is_some(),
        "the download is told",
    )?;
    refused(
        session.call::<DownloadsSave>(&SaveParams::new(1)).await,
        ErrorCode::OpsDownloadFailed,
    )?;
    let entry = session
        .call::<DownloadsList>(&Empty {})
        .await?
        .downloads
        .remove(0);
    equal(entry.state, DownloadState::Failed)
}

pub(super) async fn downloads_that_are_not_there_have_their_codes(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto(PAGE).await?;
    equal(
        session
            .call::<DownloadsList>(&Empty {})
            .await?
            .downloads
            .len(),
        0,
    )?;
    refused(
        session.call::<DownloadsSave>(&SaveParams::new(1)).await,
        ErrorCode::OpsDownloadUnknown,
    )?;
    let unknown = WaitParams {
        download: Some(3),
        after: None,
    };
    refused(
        session.call::<DownloadsWait>(&unknown).await,
        ErrorCode::OpsDownloadUnknown,
    )?;
    refused(
        session
            .call_within::<DownloadsWait>(300, &WaitParams::default())
            .await,
        ErrorCode::OpsTimeout,
    )?;
    let wrong = SaveParams {
        max_bytes: 0,
        ..SaveParams::new(1)
    };
    refused(
        session.call::<DownloadsSave>(&wrong).await,
        ErrorCode::OpsInvalidRequest,
    )
    .map(drop)
}

pub(super) async fn a_download_in_a_new_tab_is_told_by_the_click(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto(PAGE).await?;
    session.click(link("A file in a new tab")).await?;
    let entry = session
        .call::<DownloadsWait>(&WaitParams::default())
        .await?
        .download;
    equal(
        (entry.suggested_name.as_str(), entry.state),
        ("file.txt", DownloadState::Completed),
    )
}

pub(super) async fn files_reach_the_server_as_they_were_given(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto(PAGE).await?;
    let one = upload(
        &session,
        Some("label=One file"),
        vec![text("hello world.txt", "first bytes")],
    )
    .await?;
    equal(
        (
            one.files.len(),
            one.files[0].name.as_str(),
            one.files[0].bytes,
        ),
        (1, "hello world.txt", 11),
    )?;
    equal(one.receipt.changed, Some(true))?;
    let binary = UploadFile {
        name: "b.bin".to_owned(),
        text: None,
        base64: Some(BASE64_STANDARD.encode([0, 1, 2, 255]).into()),
        blob: None,
    };
    let several = upload(
        &session,
        Some("label=Several files"),
        vec![text("a.csv", "1,2\n"), binary],
    )
    .await?;
    equal(several.files.len(), 2)?;
    contains(
        &session.text("#log").await?,
        "change several a.csv:4,b.bin:4",
    )?;
    session.click(button("Send")).await?;
    let sent = f
        .site
        .requests()
        .into_iter()
        .find(|request| request.path == "/upload")
        .ok_or_else(|| Failure::new("nothing was sent"))?;
    for part in [
        "filename=\"hello world.txt\"",
        "first bytes",
        "filename=\"a.csv\"",
        "1,2\n",
        "filename=\"b.bin\"",
    ] {
        contains(&sent.body, part)?;
    }
    Ok(())
}

pub(super) async fn a_chooser_that_a_click_opens_takes_files(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto(PAGE).await?;
    refused(
        upload(&session, None, vec![text("a.txt", "a")]).await,
        ErrorCode::OpsChooserMissing,
    )?;
    let receipt = session.click(button("Choose files")).await?.receipt;
    equal(
        receipt.file_chooser.map(|chooser| chooser.multiple),
        Some(true),
    )?;
    let given = upload(
        &session,
        None,
        vec![text("a.txt", "a"), text("b.txt", "bb")],
    )
    .await?;
    equal(
        given
            .files
            .iter()
            .map(|file| file.bytes)
            .collect::<Vec<_>>(),
        vec![1, 2],
    )?;
    contains(
        &session.text("#log").await?,
        "change hidden a.txt:1,b.txt:2",
    )?;
    // It is closed now.
    refused(
        upload(&session, None, vec![text("a.txt", "a")]).await,
        ErrorCode::OpsChooserMissing,
    )?;
    equal(
        session
            .click(button("Choose files"))
            .await?
            .receipt
            .file_chooser
            .is_some(),
        true,
    )
}

pub(super) async fn files_are_taken_back(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto(PAGE).await?;
    upload(&session, Some("label=One file"), vec![text("a.txt", "a")]).await?;
    let none = upload(&session, Some("label=One file"), Vec::new()).await?;
    equal(none.files.len(), 0)?;
    equal(
        session
            .eval("document.querySelector('[name=one]').files.length")
            .await?
            .as_str(),
        "0",
    )
}

pub(super) async fn what_takes_no_files_is_refused(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto(PAGE).await?;
    let file = || vec![text("a.txt", "a")];
    refused(
        upload(&session, Some("label=Note"), file()).await,
        ErrorCode::OpsElementWrongType,
    )?;
    refused(
        upload(&session, Some("label=A folder"), file()).await,
        ErrorCode::OpsNotSupported,
    )?;
    refused(
        upload(&session, Some("#nothing"), file()).await,
        ErrorCode::OpsElementNotFound,
    )?;
    let two = vec![text("a.txt", "a"), text("b.txt", "b")];
    refused(
        upload(&session, Some("label=One file"), two).await,
        ErrorCode::OpsElementWrongType,
    )?;
    for name in ["", ".", "..", "../a", "a/b", "a\\b", "a\nb"] {
        refused(
            upload(&session, Some("label=One file"), vec![text(name, "a")]).await,
            ErrorCode::OpsInvalidRequest,
        )?;
    }
    let neither = UploadFile {
        name: "a".to_owned(),
        text: None,
        base64: None,
        blob: None,
    };
    refused(
        upload(&session, Some("label=One file"), vec![neither]).await,
        ErrorCode::OpsInvalidRequest,
    )?;
    let broken = UploadFile {
        name: "a".to_owned(),
        text: None,
        base64: Some("%".into()),
        blob: None,
    };
    let fault = refused(
        upload(&session, Some("label=One file"), vec![broken]).await,
        ErrorCode::OpsInvalidRequest,
    )?;
    equal(
        fault.details.get("field").and_then(|field| field.as_str()),
        Some("files[0].base64"),
    )?;
    equal(
        session
            .eval("document.querySelector('[name=one]').files.length")
            .await?
            .as_str(),
        "0",
    )
}
