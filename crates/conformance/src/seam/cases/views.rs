//! Pictures, printing and the viewport.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ops_contracts::seam::adapter::{Clip, Effect, ImageFormat, Primitive};
use ops_contracts::wire::command::Viewport;

use super::super::fixture::Fixture;
use super::super::page::Page;
use crate::suite::Failure;
use crate::suite::check::{Outcome, equal, holds};

/// A file that an effect holds as base64.
fn file(effect: Effect) -> Result<Vec<u8>, Failure> {
    let Effect::Image(text) = effect else {
        return Err(Failure::new(format!("expected a file, found {effect:?}")));
    };
    BASE64_STANDARD
        .decode(text)
        .map_err(|error| Failure::new(error.to_string()))
}

/// A picture, as the bytes of its file.
pub(super) async fn picture(
    page: &Page,
    format: ImageFormat,
    clip: Option<Clip>,
    full_page: bool,
) -> Result<Vec<u8>, Failure> {
    let shot = Primitive::Screenshot {
        target: page.target,
        format,
        quality: (format != ImageFormat::Png).then_some(50),
        clip,
        full_page,
    };
    file(page.perform(shot).await?)
}

/// Width and height of a PNG, from its header.
pub(super) fn png_size(file: &[u8]) -> Result<(u32, u32), Failure> {
    let number = |at: usize| {
        let bytes = file.get(at..at + 4)?.try_into().ok()?;
        Some(u32::from_be_bytes(bytes))
    };
    match (file.starts_with(b"\x89PNG"), number(16), number(20)) {
        (true, Some(width), Some(height)) => Ok((width, height)),
        _ => Err(Failure::new("the picture is not a PNG file")),
    }
}

pub(super) async fn pictures_have_the_size_that_was_asked_for(f: &Fixture) -> Outcome {
    let page = f.page_at("/seam/tall").await?;
    let whole = picture(&page, ImageFormat::Png, None, false).await?;
    equal(png_size(&whole)?, (800, 600))?;
    let (width, height) = png_size(&picture(&page, ImageFormat::Png, None, true).await?)?;
    // A scroll bar may take its place beside the page.
    holds(
        (700..=800).contains(&width) && height == 2000,
        format!("the whole page is {width}x{height}"),
    )?;
    let clip = Clip {
        x: 10.0,
        y: 1500.0,
        width: 50.0,
        height: 40.0,
    };
    let part = picture(&page, ImageFormat::Png, Some(clip), false).await?;
    equal(png_size(&part)?, (50, 40))?;
    let jpeg = picture(&page, ImageFormat::Jpeg, None, false).await?;
    holds(jpeg.starts_with(b"\xff\xd8"), "the picture is a JPEG file")?;
    let webp = picture(&page, ImageFormat::Webp, None, false).await?;
    holds(webp.starts_with(b"RIFF"), "the picture is a WebP file")
}

pub(super) async fn the_viewport_can_be_set(f: &Fixture) -> Outcome {
    let page = f.page().await?;
    let size = "[innerWidth, innerHeight, devicePixelRatio]";
    equal(page.eval(size).await?.as_str(), "[800,600,1]")?;
    let viewport = Viewport {
        width: 500,
        height: 400,
        scale: 2.0,
    };
    page.done(Primitive::SetViewport {
        target: page.target,
        viewport,
    })
    .await?;
    equal(page.eval(size).await?.as_str(), "[500,400,2]")
}

pub(super) async fn a_page_is_printed(f: &Fixture) -> Outcome {
    let page = f.page_at("/plain").await?;
    let print = Primitive::Print {
        target: page.target,
        options: Box::default(),
    };
    let printed = file(page.perform(print).await?)?;
    holds(printed.starts_with(b"%PDF-"), "it is a PDF document")
}
