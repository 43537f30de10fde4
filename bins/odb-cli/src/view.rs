//! How results are shown that need more than their command's own form: files that are written, and bare values.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use client_core::render::{self, Question, Rendered};
use client_core::transfer::{decoded, parsed};
use client_core::{Failure, Outcome};
use ops_contracts::ErrorCode;
use ops_contracts::wire::command::CommandName;
use ops_contracts::wire::command::export::{
    CloneComponentResult, ClonePageResult, HtmlResult, PdfResult, ScreenshotResult,
};

use crate::context::Context;
use crate::request::Command;
use crate::written::{self, Readers};

/// How a result is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum View {
    /// As its command's results are.
    Plain,
    /// True or false.
    Is(Question),
    /// The value of an entry, bare.
    Entry,
    /// As a file, at a path or at a new one.
    File(Kind, Option<PathBuf>),
}

/// What is written to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A PDF document.
    Pdf,
    /// A document's HTML; shown where no file is named.
    Html,
    /// A page or an element that stands alone.
    Clone,
    /// A picture.
    Picture,
}

impl Command {
    /// The result as text; what is a file is written.
    pub(crate) fn render(&self, context: &Context<'_>, result: &str) -> Outcome<Rendered> {
        Ok(match &self.view {
            View::Plain => render::result(self.request.command, result),
            View::Entry => render::keep::entry(result),
            View::Is(question) => render::answer(*question, result),
            View::File(kind, path) => {
                let path = path.as_deref();
                match kind {
                    Kind::Pdf => Rendered::text(save_pdf(context, result, path)?),
                    Kind::Html => Rendered::text(save_html(result, path)?),
                    Kind::Picture => Rendered::text(save_picture(context, result, path)?),
                    Kind::Clone => save_clone(context, self.request.command, result, path)?,
                }
            }
        })
    }

    /// Writes the file that was named, where frames are printed instead of text.
    pub(crate) fn save(&self, context: &Context<'_>, result: &str) -> Outcome<()> {
        if let View::File(_, Some(_)) = self.view {
            self.render(context, result)?;
        }
        Ok(())
    }
}

fn data(base64: &str) -> Outcome<Vec<u8>> {
    decoded(base64).map_err(|failure| match failure {
        Failure::Here(fault) => Failure::new(
            ErrorCode::CliReplyInvalid,
            format!("data: {}", fault.message),
        ),
        other => other,
    })
}

fn write(path: &Path, bytes: impl AsRef<[u8]>) -> Outcome<()> {
    written::write(path, Readers::Mask, bytes).map_err(|error| Failure::unwritable(path, error))
}

/// Writes a picture to a file; what to say of it.
fn save_picture(context: &Context<'_>, result: &str, path: Option<&Path>) -> Outcome<String> {
    let picture: ScreenshotResult = parsed(result)?;
    let bytes = data(&picture.data)?;
    let format = format!("{:?}", picture.format).to_ascii_lowercase();
    let path = path.map_or_else(
        || context.new_file("screenshot", &format),
        Path::to_path_buf,
    );
    write(&path, &bytes)?;
    let mut text = format!("{} ({format}, {} bytes)", path.display(), bytes.len());
    for label in &picture.annotations {
        let _ = write!(text, "\n{}", label.line);
    }
    Ok(text)
}

/// Writes a PDF document to a file; what to say of it.
fn save_pdf(context: &Context<'_>, result: &str, path: Option<&Path>) -> Outcome<String> {
    let document: PdfResult = parsed(result)?;
    let bytes = data(&document.data)?;
    let path = path.map_or_else(|| context.new_file("page", "pdf"), Path::to_path_buf);
    write(&path, &bytes)?;
    Ok(format!("{} (pdf, {} bytes)", path.display(), bytes.len()))
}

/// The document itself, or what to say of the file that it was written to.
fn save_html(result: &str, path: Option<&Path>) -> Outcome<String> {
    let document: HtmlResult = parsed(result)?;
    let Some(path) = path else {
        return Ok(document.html);
    };
    write(path, &document.html)?;
    Ok(format!(
        "{} (html, {} bytes)",
        path.display(),
        document.bytes
    ))
}

/// Writes a clone to a file; what is not in it is noted beside.
fn save_clone(
    context: &Context<'_>,
    command: CommandName,
    result: &str,
    path: Option<&Path>,
) -> Outcome<Rendered> {
    let (html, summary, missing) = if command == CommandName::ExportCloneComponent {
        let clone: CloneComponentResult = parsed(result)?;
        let cut = if clone.truncated { ", cut" } else { "" };
        let summary = format!(
            "{} elements{cut}, {} files in it",
            clone.elements, clone.assets
        );
        let html = format!(
            "<!doctype html>\n<meta charset=\"utf-8\">\n<style>\n{}</style>\n{}",
            clone.css.replace("</", "<\\/"),
            clone.html
        );
        (html, summary, clone.missing)
    } else {
        let clone: ClonePageResult = parsed(result)?;
        let summary = format!(
            "{} elements, {} frames, {} files in it",
            clone.elements, clone.frames, clone.assets
        );
        (clone.html, summary, clone.missing)
    };
    let path = path.map_or_else(|| context.new_file("clone", "html"), Path::to_path_buf);
    write(&path, &html)?;
    let notes = missing
        .iter()
        .map(|missing| format!("not in it: {} ({})", missing.url, missing.reason))
        .collect();
    Ok(Rendered {
        text: format!("{} (html, {} bytes: {summary})", path.display(), html.len()),
        notes,
    })
}
