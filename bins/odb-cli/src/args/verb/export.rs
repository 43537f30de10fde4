//! The verbs that write a page to a file.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use ops_contracts::seam::adapter::{Clip, ImageFormat};
use ops_contracts::wire::command::export::Paper;
use ops_contracts::wire::locator::Locator;

use crate::args::{numbers, word};

fn clip(text: &str) -> Result<Clip, String> {
    let numbers = numbers(text, ',', 4)?;
    Ok(Clip {
        x: numbers[0],
        y: numbers[1],
        width: numbers[2],
        height: numbers[3],
    })
}

#[derive(Debug, Clone, Args)]
pub(crate) struct CloneArgs {
    /// The file to write; a new one in the current directory when absent.
    pub(crate) path: Option<PathBuf>,
    /// Only this element, with the styles that it was computed to have.
    #[arg(long, value_name = "LOC")]
    pub(crate) element: Option<Locator>,
    /// The most bytes of pictures, fonts and stylesheets that are put into it.
    #[arg(long, value_name = "N", default_value_t = 16_777_216)]
    pub(crate) max_bytes: u64,
}

/// What to do about a trace.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Trace {
    /// Begins to record what the session's browser does.
    Start {
        /// A category of trace events, as devtools.timeline; may be repeated. Those of a performance profile without one.
        #[arg(long, value_name = "NAME")]
        category: Vec<String>,
        /// The most bytes that are recorded.
        #[arg(long, value_name = "N")]
        max_bytes: Option<u64>,
    },
    /// Ends recording and writes the trace to PATH, for DevTools or ui.perfetto.dev.
    Stop {
        /// The file; a new one in the current directory when absent.
        path: Option<PathBuf>,
    },
}

#[derive(Debug, Clone, Args)]
pub(crate) struct Screenshot {
    /// The file to write.
    pub(crate) path: Option<PathBuf>,
    /// The whole page.
    #[arg(long, conflicts_with_all = ["element", "clip"])]
    pub(crate) full: bool,
    /// Only this element.
    #[arg(long, value_name = "LOC", conflicts_with = "clip")]
    pub(crate) element: Option<Locator>,
    /// Only this part of the page.
    #[arg(long, value_name = "X,Y,W,H", value_parser = clip)]
    pub(crate) clip: Option<Clip>,
    /// The format; the file name's ending decides when absent.
    #[arg(long, value_parser = word::<ImageFormat>(&["png", "jpeg", "webp"]))]
    pub(crate) format: Option<ImageFormat>,
    /// 0 to 100, for jpeg and webp.
    #[arg(long, value_parser = clap::value_parser!(u8).range(0..=100))]
    pub(crate) quality: Option<u8>,
    /// Writes the refs of what can be acted on on the picture, and lists them.
    #[arg(long, short)]
    pub(crate) annotate: bool,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct Pdf {
    /// The file to write.
    pub(crate) path: Option<PathBuf>,
    /// The paper.
    #[arg(long, default_value = "a4", value_parser = word::<Paper>(&["a3", "a4", "a5", "letter", "legal", "tabloid"]))]
    pub(crate) paper: Paper,
    /// Sideways.
    #[arg(long)]
    pub(crate) landscape: bool,
    /// All four margins, in centimetres.
    #[arg(long, default_value_t = 1.0, value_name = "CM")]
    pub(crate) margin: f64,
    /// Size of the content, 0.1 to 2.
    #[arg(long)]
    pub(crate) scale: Option<f64>,
    /// With background colours and pictures.
    #[arg(long)]
    pub(crate) background: bool,
    /// The pages, as 1-3,5.
    #[arg(long)]
    pub(crate) pages: Option<String>,
    /// The page's own @page size goes before --paper.
    #[arg(long)]
    pub(crate) prefer_css_size: bool,
}
