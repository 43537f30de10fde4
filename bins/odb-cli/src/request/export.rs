//! The verbs that write a page to a file.

use std::path::PathBuf;

use client_core::Outcome;
use ops_contracts::seam::adapter::ImageFormat;
use ops_contracts::wire::command::trace::{TraceAction, TraceParams};
use ops_contracts::wire::command::{CommandName, export};
use ops_contracts::wire::ids::TargetId;

use super::{Command, of};
use crate::args::verb::{CloneArgs, Html, Pdf, Screenshot, Trace};
use crate::files;
use crate::verb::{OneCommand, Task, Verb};
use crate::view::{Kind, View};

impl OneCommand for Screenshot {
    type Params = export::ScreenshotParams;

    fn params(&self, target_id: Option<TargetId>) -> Outcome<Self::Params> {
        Ok(export::ScreenshotParams {
            full_page: self.full,
            element: self.element.clone(),
            clip: self.clip,
            format: self.format.unwrap_or_else(|| format_of(self.path.as_ref())),
            quality: self.quality,
            annotated: self.annotate,
            target_id,
        })
    }

    fn view(&self) -> View {
        View::File(Kind::Picture, self.path.clone())
    }
}

impl OneCommand for Pdf {
    type Params = export::PdfParams;

    fn params(&self, target_id: Option<TargetId>) -> Outcome<Self::Params> {
        Ok(export::PdfParams {
            paper: self.paper,
            landscape: self.landscape,
            margins: export::Margins {
                top: self.margin,
                right: self.margin,
                bottom: self.margin,
                left: self.margin,
            },
            scale: self.scale,
            background: self.background,
            pages: self.pages.clone(),
            prefer_css_size: self.prefer_css_size,
            target_id,
        })
    }

    fn view(&self) -> View {
        View::File(Kind::Pdf, self.path.clone())
    }
}

impl OneCommand for Html {
    type Params = export::HtmlParams;

    fn params(&self, target_id: Option<TargetId>) -> Outcome<Self::Params> {
        Ok(export::HtmlParams { target_id })
    }

    fn view(&self) -> View {
        View::File(Kind::Html, self.path.clone())
    }
}

impl Verb for CloneArgs {
    fn task<'a>(&'a self, tab: Option<&TargetId>) -> Outcome<Task<'a>> {
        clone(self, tab).map(Task::Command)
    }
}

impl Verb for Trace {
    fn task<'a>(&'a self, _: Option<&TargetId>) -> Outcome<Task<'a>> {
        match self {
            Self::Start {
                category,
                max_bytes,
            } => {
                let params = TraceParams {
                    categories: category.clone(),
                    max_bytes: *max_bytes,
                    ..TraceParams::new(TraceAction::Start)
                };
                of(CommandName::DiagnosticsTrace, &params).map(Task::Command)
            }
            Self::Stop { path } => Ok(Task::program(move |context| {
                files::trace(context, path.as_deref())
            })),
        }
    }
}

fn clone(args: &CloneArgs, tab: Option<&TargetId>) -> Outcome<Command> {
    let (max_bytes, target_id) = (args.max_bytes, tab.cloned());
    let request = match &args.element {
        Some(element) => {
            let element = element.clone();
            of(
                CommandName::ExportCloneComponent,
                &export::CloneComponentParams {
                    element,
                    max_bytes,
                    target_id,
                },
            )?
        }
        None => of(
            CommandName::ExportClonePage,
            &export::ClonePageParams {
                max_bytes,
                target_id,
            },
        )?,
    };
    Ok(Command {
        view: View::File(Kind::Clone, args.path.clone()),
        ..request
    })
}

fn format_of(path: Option<&PathBuf>) -> ImageFormat {
    let ending = path
        .and_then(|path| path.extension())
        .and_then(|ending| ending.to_str())
        .map(str::to_ascii_lowercase);
    match ending.as_deref() {
        Some("jpg" | "jpeg") => ImageFormat::Jpeg,
        Some("webp") => ImageFormat::Webp,
        _ => ImageFormat::Png,
    }
}
