//! The verbs about requests and files.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use ops_contracts::seam::adapter::{AbortReason, ResourceKind};
use ops_contracts::wire::command::network::{Header, RequestMoment, RequestState};

use crate::args::word;

const KINDS: &[&str] = &[
    "document",
    "stylesheet",
    "script",
    "image",
    "font",
    "media",
    "fetch",
    "websocket",
    "eventsource",
    "other",
];

#[derive(Debug, Clone, Args)]
pub(crate) struct Upload {
    /// The input, as a locator, and the files; with --chooser files alone.
    #[arg(required = true, value_name = "WORD")]
    pub(crate) words: Vec<String>,
    /// To the chooser that a click has opened: all words are files.
    #[arg(long)]
    pub(crate) chooser: bool,
    /// Takes back what the input holds.
    #[arg(long, conflicts_with = "chooser")]
    pub(crate) clear: bool,
}

/// What to do with downloads.
#[derive(Debug, Clone, Default, Subcommand)]
pub(crate) enum Downloads {
    /// Lists them with their progress.
    #[default]
    List,
    /// Waits until one is complete: the named one, or the first that was not waited for or saved.
    Wait {
        /// Its number, as list shows it.
        number: Option<u32>,
    },
    /// Waits for one and writes it to PATH, or to its own name in the current directory.
    Save {
        /// Its number, as list shows it; the first that was not saved when absent.
        #[arg(long, short)]
        number: Option<u32>,
        /// The file, or an existing directory.
        path: Option<PathBuf>,
        /// Replaces a file that is there.
        #[arg(long)]
        force: bool,
    },
}

/// Which requests.
#[derive(Debug, Clone, Args)]
pub(crate) struct Matching {
    /// A part of the URL, or a pattern: * is anything but /, ** is anything.
    #[arg(value_name = "PATTERN")]
    pub(crate) url: Option<String>,
    /// The method.
    #[arg(long)]
    pub(crate) method: Option<String>,
    /// What they are for; may be repeated.
    #[arg(long, value_name = "KIND", value_parser = word::<ResourceKind>(KINDS))]
    pub(crate) kind: Vec<ResourceKind>,
    /// The status: 200, or a class such as 4xx.
    #[arg(long)]
    pub(crate) status: Option<String>,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct Route {
    /// A part of the URL, or a pattern: * is anything but /, ** is anything.
    #[arg(value_name = "PATTERN")]
    pub(crate) url: String,
    /// Only this method.
    #[arg(long)]
    pub(crate) method: Option<String>,
    /// Only requests for this; may be repeated.
    #[arg(long, value_name = "KIND", value_parser = word::<ResourceKind>(KINDS))]
    pub(crate) kind: Vec<ResourceKind>,
    /// Holds so many times.
    #[arg(long, value_name = "N")]
    pub(crate) times: Option<u32>,
    /// Answers with this text, without a server.
    #[arg(long, value_name = "TEXT", conflicts_with = "file")]
    pub(crate) body: Option<String>,
    /// Answers with this file, without a server.
    #[arg(long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// The status of the answer.
    #[arg(long, value_name = "STATUS")]
    pub(crate) status: Option<u16>,
    /// The media type of the answer.
    #[arg(long, value_name = "TYPE")]
    pub(crate) content_type: Option<String>,
    /// A header of the answer, or one to be set in the request; may be repeated.
    #[arg(long, value_name = "NAME: VALUE", value_parser = header)]
    pub(crate) header: Vec<Header>,
    /// Lets the request fail.
    #[arg(long, value_name = "REASON", num_args = 0..=1, default_missing_value = "failed", value_parser = word::<AbortReason>(&["failed", "aborted", "timedOut", "accessDenied", "blockedByClient", "connectionRefused", "nameNotResolved", "internetDisconnected"]))]
    pub(crate) abort: Option<AbortReason>,
    /// Sends the request to another URL; the page does not see it.
    #[arg(long, value_name = "URL")]
    pub(crate) to: Option<String>,
    /// Sends the request with another method.
    #[arg(long, value_name = "METHOD")]
    pub(crate) set_method: Option<String>,
    /// Sends the request with another body.
    #[arg(long, value_name = "TEXT")]
    pub(crate) set_body: Option<String>,
    /// Leaves a header of the request out; may be repeated.
    #[arg(long, value_name = "NAME")]
    pub(crate) remove_header: Vec<String>,
}

/// What to do with requests.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Network {
    /// Prints the session's requests, or one of them with its bodies.
    Requests {
        #[command(flatten)]
        which: Matching,
        /// Only this request, with headers and bodies.
        #[arg(long, value_name = "SEQ")]
        seq: Option<u64>,
        /// With headers.
        #[arg(long)]
        headers: bool,
        /// Shows cookies, tokens and other secrets.
        #[arg(long)]
        secrets: bool,
        /// The most bytes of a body.
        #[arg(long, value_name = "N", requires = "seq")]
        max_body: Option<u64>,
        /// Only pending, finished or failed ones.
        #[arg(long, value_parser = word::<RequestState>(&["pending", "finished", "failed"]))]
        state: Option<RequestState>,
        /// The first entry wanted: the number that the last answer named.
        #[arg(long, default_value_t = 0, value_name = "SEQ")]
        since: u64,
        /// The most entries.
        #[arg(long, default_value_t = 100, value_name = "N")]
        limit: u32,
    },
    /// Waits for a request, its response or its end.
    Wait {
        #[command(flatten)]
        which: Matching,
        /// What of it.
        #[arg(long, default_value = "response", value_parser = word::<RequestMoment>(&["request", "response", "finished"]))]
        event: RequestMoment,
        /// Requests from this number on count as well; without it, what happens from now on.
        #[arg(long, value_name = "SEQ")]
        since: Option<u64>,
        /// With headers.
        #[arg(long)]
        headers: bool,
    },
    /// Answers, refuses or changes requests from now on.
    Route(Box<Route>),
    /// Takes rules back: one by its number, those with a pattern, or all.
    Unroute {
        /// A rule's number, or its pattern.
        rule: Option<String>,
    },
    /// Adds headers to every request; none to stop it.
    Headers {
        /// A header.
        #[arg(value_name = "NAME: VALUE", value_parser = header)]
        header: Vec<Header>,
    },
    /// Takes the network away, slows it down, or gives it back.
    Offline {
        /// on, off, or nothing beside how slow it is to be.
        #[arg(value_parser = ["on", "off"])]
        state: Option<String>,
        /// Milliseconds added to each request.
        #[arg(long, value_name = "MS")]
        latency: Option<f64>,
        /// The most kilobytes a second that come in.
        #[arg(long, value_name = "KB")]
        down: Option<f64>,
        /// The most kilobytes a second that go out.
        #[arg(long, value_name = "KB")]
        up: Option<f64>,
    },
    /// Answers questions of servers and proxies for a user and a password, which is read from stdin.
    Credentials {
        /// The user; without one all credentials are forgotten.
        username: Option<String>,
        /// For whom, as https://host:port; for every server when absent.
        #[arg(long)]
        origin: Option<String>,
        /// For the proxy.
        #[arg(long, conflicts_with = "origin")]
        proxy: bool,
        /// Put there from stdin.
        #[arg(skip)]
        password: Option<String>,
    },
}

fn header(text: &str) -> Result<Header, String> {
    let (name, value) = text.split_once(':').ok_or("NAME: VALUE is expected")?;
    Ok(Header {
        name: name.trim().to_owned(),
        value: value.trim().to_owned(),
    })
}

#[derive(Debug, Clone, Args)]
pub(crate) struct Har {
    /// The file to write; a new one in the current directory when absent.
    pub(crate) path: Option<PathBuf>,
    /// With the bodies of responses, up to 64 KiB each.
    #[arg(long)]
    pub(crate) bodies: bool,
    /// Shows cookies, tokens and other secrets.
    #[arg(long)]
    pub(crate) secrets: bool,
    /// The first entry of the log wanted.
    #[arg(long, default_value_t = 0, value_name = "SEQ")]
    pub(crate) since: u64,
}
