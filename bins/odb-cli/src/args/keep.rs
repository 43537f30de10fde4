//! Verbs of cookies, web storage and states: what each takes.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use ops_contracts::wire::command::storage::SameSite;

use super::word;

/// What to do with cookies.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Cookies {
    /// Prints cookies, all or those of a name.
    #[command(visible_alias = "list")]
    Get {
        /// The name.
        name: Option<String>,
        /// Only those that a request to this URL would carry.
        #[arg(long)]
        url: Option<String>,
        /// Only those of this domain and its subdomains.
        #[arg(long)]
        domain: Option<String>,
    },
    /// Sets a cookie, for the current page's host unless said otherwise.
    Set(Box<SetCookie>),
    /// Removes cookies, all or those of a name.
    Clear {
        /// The name.
        name: Option<String>,
        /// Only those of this domain and its subdomains.
        #[arg(long)]
        domain: Option<String>,
        /// Only those of exactly this path.
        #[arg(long)]
        path: Option<String>,
    },
}

impl Default for Cookies {
    fn default() -> Self {
        Self::Get {
            name: None,
            url: None,
            domain: None,
        }
    }
}

#[derive(Debug, Clone, Args)]
pub(crate) struct SetCookie {
    /// Its name.
    pub(crate) name: String,
    /// Its value.
    #[arg(
        required_unless_present = "stdin",
        conflicts_with = "stdin",
        allow_hyphen_values = true
    )]
    pub(crate) value: Option<String>,
    /// Reads the value from stdin, so that a secret stays out of the process list.
    #[arg(long)]
    pub(crate) stdin: bool,
    /// A URL whose host it is for.
    #[arg(long, conflicts_with = "domain")]
    pub(crate) url: Option<String>,
    /// A host, or a domain with a leading dot.
    #[arg(long)]
    pub(crate) domain: Option<String>,
    /// Its path; / without one.
    #[arg(long)]
    pub(crate) path: Option<String>,
    /// When it expires, in seconds since 1970; with the browser without one.
    #[arg(long, value_name = "SECONDS")]
    pub(crate) expires: Option<f64>,
    /// Scripts can't see it.
    #[arg(long)]
    pub(crate) http_only: bool,
    /// Secure connections alone.
    #[arg(long)]
    pub(crate) secure: bool,
    /// Which cross-site requests carry it.
    #[arg(long, value_parser = word::<SameSite>(&["Strict", "Lax", "None"]))]
    pub(crate) same_site: Option<SameSite>,
}

/// Which web storage.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Storage {
    /// The storage that an origin keeps.
    Local {
        #[command(subcommand)]
        verb: Option<Entries>,
    },
    /// The storage that an origin keeps in this page alone.
    Session {
        #[command(subcommand)]
        verb: Option<Entries>,
    },
}

/// What to do with a web storage.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Entries {
    /// Prints all entries, or the value under a key, bare.
    #[command(visible_alias = "list")]
    Get {
        /// The key.
        key: Option<String>,
    },
    /// Writes an entry.
    Set {
        /// The key.
        key: String,
        /// The value.
        #[arg(
            required_unless_present = "stdin",
            conflicts_with = "stdin",
            allow_hyphen_values = true
        )]
        value: Option<String>,
        /// Reads the value from stdin, so that a secret stays out of the process list.
        #[arg(long)]
        stdin: bool,
    },
    /// Removes all entries, or the one under a key.
    Clear {
        /// The key.
        key: Option<String>,
    },
}

/// What to do with the session's state.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum State {
    /// Writes cookies and local storage to a file that only you can read.
    Save {
        /// The file.
        path: PathBuf,
        /// An origin to look at beside those that the session has visited; may be repeated.
        #[arg(long)]
        origin: Vec<String>,
    },
    /// Logs in with a saved file.
    Load {
        /// The file.
        path: PathBuf,
        /// Clears cookies and the file's origins first.
        #[arg(long)]
        replace: bool,
    },
}
