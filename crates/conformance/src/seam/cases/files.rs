//! Files that come out of a page and go into one.

use std::sync::Arc;

use ops_contracts::seam::adapter::{
    AdapterError, DownloadKey, DownloadProgress, Effect, Event, FileToGive, FilesTo, GivenFile,
    Primitive,
};

use super::super::fixture::Fixture;
use super::scripts::lost;
use crate::suite::Failure;
use crate::suite::check::{Outcome, equal, holds};

pub(super) async fn a_download_is_kept_and_read_in_parts(f: &Fixture) -> Outcome {
    let page = f.page_at("/plain").await?;
    let nobodys = Primitive::ReadDownload {
        download: DownloadKey(u64::MAX),
        offset: 0,
        max: 1,
    };
    lost(page.perform(nobodys).await, AdapterError::BodyGone)?;
    page.navigate(&f.site.url("/download/big?kib=64")).await?;
    let (download, name) = page
        .events
        .after(0, "a download", |event| match event {
            Event::DownloadBegan {
                download,
                suggested_name,
                ..
            } => Some((*download, suggested_name.clone())),
            _ => None,
        })
        .await?;
    equal(name.as_str(), "big.bin")?;
    let received = page.events.after(0, "its end", |event| match event {
        Event::DownloadProgressed {
            download: of,
            received,
            progress: DownloadProgress::Completed,
            ..
        } if *of == download => Some(*received),
        _ => None,
    });
    equal(received.await?, 64 << 10)?;
    let mut whole: Vec<u8> = Vec::new();
    loop {
        let read = Primitive::ReadDownload {
            download,
            offset: whole.len() as u64,
            max: 40_000,
        };
        let Effect::Bytes { bytes, end } = page.perform(read).await? else {
            return Err(Failure::new("expected bytes"));
        };
        holds(
            end || !bytes.is_empty(),
            "a part that is not the last has bytes",
        )?;
        whole.extend(bytes);
        if end {
            break;
        }
    }
    let expected: Vec<u8> = (0..64_usize << 10).map(|at| (at % 251) as u8).collect();
    holds(whole == expected, "the bytes are the server's")
}

pub(super) async fn an_input_holds_the_files_that_it_is_given(f: &Fixture) -> Outcome {
    let page = f.page_at("/seam/upload").await?;
    let number = page.bridge("number", "{\"css\":\"#one\"}").await?;
    let number = number
        .parse()
        .map_err(|_| Failure::new(format!("{number} is no number")))?;
    let give = |files| Primitive::SetFiles {
        target: page.target,
        to: FilesTo::Element {
            frame: page.frame,
            number,
        },
        files,
    };
    let file = FileToGive {
        name: "note.txt".to_owned(),
        content: Arc::new("ash ✓".into()),
    };
    let held = GivenFile {
        name: "note.txt".to_owned(),
        bytes: 7,
    };
    match page.perform(give(vec![file])).await? {
        Effect::Files(files) => equal(files, vec![held])?,
        other => return Err(Failure::new(format!("{other:?}"))),
    }
    let text = page.eval("document.getElementById('one').files[0].text()");
    equal(text.await?.as_str(), "\"ash ✓\"")
}
