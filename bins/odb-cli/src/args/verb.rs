//! What each verb takes, a module for each group. Which verbs there are is the table's: `verb::VERBS`.

use std::path::PathBuf;

use clap::Args;
use ops_contracts::wire::command::LoadState;
use ops_contracts::wire::locator::Locator;

use super::word;

mod act;
mod bounds;
mod export;
mod legacy;
mod making;
mod mcp;
mod operate;
mod page;
mod run;
mod session;
mod skill;
mod traffic;

pub(crate) use act::{Click, Drag, Fill, Hover, Mouse, Press, Pressing, Scroll, Select, Tap, Type};
pub(crate) use bounds::Bounds;
pub(crate) use export::{CloneArgs, Pdf, Screenshot, Trace};
pub(crate) use legacy::{Cdp, CdpProxy, CdpSend};
pub(crate) use making::Making;
pub(crate) use mcp::Mcp;
pub(crate) use operate::{
    Config, Confirm, IncidentVerb, Journal, Pair, ScorecardArgs, Show, Validate,
};
pub(crate) use page::{Eval, Fact, Find, Get, Goto, Is, Log, Open, Reload, Snapshot, Wait};
pub(crate) use run::{Batch, Call};
pub(crate) use session::{Dialog, Session, Tabs};
pub(crate) use skill::Skill;
pub(crate) use traffic::{Downloads, Har, Matching, Network, Route, Upload};

const LOAD_STATES: &[&str] = &["commit", "domcontentloaded", "load", "networkidle"];

/// An element and nothing else.
#[derive(Debug, Clone, Args)]
pub(crate) struct Element {
    /// The element: @e12, role=button[name="X"], text=…, label=…, testid=…, a CSS selector.
    pub(crate) locator: Locator,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct Until {
    /// How far the document must be loaded.
    #[arg(long, default_value = "load", value_name = "STATE", value_parser = word::<LoadState>(LOAD_STATES))]
    pub(crate) wait_until: LoadState,
}

/// `html`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Html {
    /// The file to write.
    pub(crate) path: Option<PathBuf>,
}

/// `performance`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Performance {}

/// `commands`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Commands {
    /// A command's dotted name.
    pub(crate) name: Option<String>,
}

/// `close`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Close {}

/// `status`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Status {}

/// `dashboard`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Dashboard {}

/// `doctor`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Doctor {}

/// `serve`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Serve {
    /// Flags of relayd.
    #[arg(
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "FLAG"
    )]
    pub(crate) flags: Vec<std::ffi::OsString>,
}

/// `stop`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Stop {}

/// `completions`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Completions {
    /// The shell.
    pub(crate) shell: clap_complete::Shell,
}
