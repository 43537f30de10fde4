//! The verbs about sessions, their pages and their dialogs.

use clap::Subcommand;
use ops_contracts::wire::command::session::DialogPolicy;
use ops_contracts::wire::ids::TargetId;

use super::{Bounds, Making, Until};
use crate::args::{help, session_name, word};

/// What to do with sessions.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Session {
    /// Makes a session with one blank page; open makes one as well, and goes somewhere.
    #[command(after_help = help::SESSION_CREATE)]
    Create {
        #[command(flatten)]
        making: Box<Making>,
        #[command(flatten)]
        bounds: Bounds,
    },
    /// Lists the relay's sessions, with the names that they have here.
    List,
    /// Shows the session's state, queue and open dialog.
    Status,
    /// Makes NAME the session of commands that name none.
    Use {
        /// A stored session's name.
        #[arg(value_parser = session_name)]
        name: String,
    },
    /// Extends the session's lease.
    Renew,
    /// Gives out a lease that may read the session and not act on it.
    Observe {
        /// Keeps it here as the session NAME, for commands with --session NAME; without it the lease is printed.
        #[arg(long = "as", value_name = "NAME", value_parser = session_name)]
        name: Option<String>,
        /// How long it may read, in milliseconds; 15 minutes when absent.
        #[arg(long, value_name = "MS", value_parser = clap::value_parser!(u64).range(1_000..=86_400_000))]
        ttl: Option<u64>,
    },
    /// Takes the session over with a new lease and drops what is queued.
    Reclaim,
    /// Closes the session with everything that it owns.
    Close {
        /// Its name here.
        #[arg(value_parser = session_name)]
        name: Option<String>,
    },
}

/// What to do with pages.
#[derive(Debug, Clone, Default, Subcommand)]
pub(crate) enum Tabs {
    /// Lists the pages.
    #[default]
    List,
    /// Opens a page and makes it the current one.
    New {
        /// Where to; a blank page without one.
        url: Option<String>,
        #[command(flatten)]
        until: Until,
    },
    /// Makes the page of a name the current one; opens it where there is none.
    Named {
        /// The name.
        name: String,
        /// Where to, when it is opened.
        url: Option<String>,
        #[command(flatten)]
        until: Until,
    },
    /// Makes a page the current one.
    Use {
        /// The page.
        target: TargetId,
    },
    /// Closes a page, the current one unless named.
    Close {
        /// The page.
        target: Option<TargetId>,
    },
}

/// What to do with the open dialog.
#[derive(Debug, Clone, Default, Subcommand)]
pub(crate) enum Dialog {
    /// Shows it.
    #[default]
    Status,
    /// Accepts it, entering TEXT into a prompt.
    Accept {
        /// What to enter.
        text: Option<String>,
    },
    /// Dismisses it.
    Dismiss,
    /// Sets what happens to dialogs from now on: ask, accept or dismiss.
    Policy {
        /// They wait for an answer (ask), or are answered at once.
        #[arg(value_parser = word::<DialogPolicy>(&["ask", "accept", "dismiss"]))]
        policy: DialogPolicy,
    },
}
