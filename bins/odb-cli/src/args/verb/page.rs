//! The verbs that move through pages and read them.

use clap::{Args, ValueEnum};
use client_core::render::Question;
use ops_contracts::wire::command::LoadState;
use ops_contracts::wire::command::nav::ElementState;
use ops_contracts::wire::ids::FrameId;
use ops_contracts::wire::locator::Locator;

use super::{Bounds, LOAD_STATES, Making, Until};
use crate::args::word;

#[derive(Debug, Clone, Args)]
pub(crate) struct Open {
    /// Where to; https:// is put before a bare host name, http:// before localhost.
    pub(crate) url: String,
    #[command(flatten)]
    pub(crate) until: Until,
    #[command(flatten)]
    pub(crate) making: Making,
    #[command(flatten)]
    pub(crate) bounds: Bounds,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct Goto {
    /// Where to.
    pub(crate) url: String,
    #[command(flatten)]
    pub(crate) until: Until,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct Reload {
    #[command(flatten)]
    pub(crate) until: Until,
    /// Goes past the cache.
    #[arg(long)]
    pub(crate) ignore_cache: bool,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct Wait {
    /// An element, or a number of milliseconds.
    pub(crate) locator: Option<String>,
    /// The element's state.
    #[arg(long, requires = "locator", value_name = "STATE", value_parser = word::<ElementState>(&["attached", "detached", "visible", "hidden", "enabled", "disabled", "checked", "unchecked"]))]
    pub(crate) state: Option<ElementState>,
    /// A load state.
    #[arg(long, value_name = "STATE", value_parser = word::<LoadState>(LOAD_STATES))]
    pub(crate) load: Option<LoadState>,
    /// A text that the page shows.
    #[arg(long)]
    pub(crate) text: Option<String>,
    /// A part of the URL, or a pattern: * is anything but /, ** is anything.
    #[arg(long, value_name = "PATTERN")]
    pub(crate) url: Option<String>,
    /// An expression that becomes truthy.
    #[arg(long, value_name = "EXPR")]
    pub(crate) function: Option<String>,
    /// Milliseconds.
    #[arg(long, value_name = "MS")]
    pub(crate) time: Option<u64>,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct Snapshot {
    /// Only elements that can be acted on.
    #[arg(long, short, conflicts_with = "outline")]
    pub(crate) interactive: bool,
    /// Only headings, landmarks, forms, tables and dialogs.
    #[arg(long)]
    pub(crate) outline: bool,
    /// The budget in characters.
    #[arg(long, value_name = "N")]
    pub(crate) max_chars: Option<u32>,
    /// Goes on where an earlier snapshot stopped.
    #[arg(long, value_name = "CURSOR")]
    pub(crate) cursor: Option<String>,
    /// Only what has changed since an earlier snapshot, named by its id.
    #[arg(long, value_name = "ID", conflicts_with_all = ["cursor", "find"])]
    pub(crate) since: Option<String>,
    /// Only the lines that contain this text, with the lines that they are in.
    #[arg(long, value_name = "TEXT")]
    pub(crate) find: Option<String>,
    /// Only this element and what is inside it.
    #[arg(long, value_name = "LOC")]
    pub(crate) element: Option<Locator>,
    /// Shows where links lead.
    #[arg(long)]
    pub(crate) urls: bool,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct Find {
    /// What to find.
    pub(crate) locator: Locator,
    /// The most matches to show.
    #[arg(long, default_value_t = 20)]
    pub(crate) limit: u32,
}

/// A fact of a page or an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Fact {
    Title,
    Url,
    Text,
    Html,
    Attr,
    Value,
    Count,
    Box,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct Get {
    /// The fact.
    #[arg(
        value_enum,
        value_name = "title|url|text|html|attr|value|count|box",
        hide_possible_values = true
    )]
    pub(crate) fact: Fact,
    /// The element; text and html are the page's without one.
    pub(crate) locator: Option<Locator>,
    /// The attribute's name, for attr.
    pub(crate) name: Option<String>,
    /// The most characters, for text and html.
    #[arg(long, value_name = "N")]
    pub(crate) max_chars: Option<u32>,
    /// Without the element's own tag, for html.
    #[arg(long)]
    pub(crate) inner: bool,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct Is {
    /// The state.
    #[arg(
        value_name = "visible|enabled|checked|editable|focused",
        hide_possible_values = true,
        value_parser = word::<Question>(&["visible", "enabled", "checked", "editable", "focused"])
    )]
    pub(crate) question: Question,
    /// The element.
    pub(crate) locator: Locator,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct Eval {
    /// The expression, or - for stdin.
    pub(crate) expression: String,
    /// The frame, as a snapshot names it.
    #[arg(long)]
    pub(crate) frame: Option<FrameId>,
    /// Does not wait for a promise.
    #[arg(long)]
    pub(crate) no_await: bool,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct Log {
    /// The first entry wanted: the number that the last answer named.
    #[arg(long, default_value_t = 0, value_name = "SEQ")]
    pub(crate) since: u64,
    /// The most entries.
    #[arg(long, default_value_t = 100, value_name = "N")]
    pub(crate) limit: u32,
}
