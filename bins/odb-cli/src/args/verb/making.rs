//! What a new session is made with.

use std::path::PathBuf;

use clap::Args;
use ops_contracts::wire::capability::{AdapterKind, BrowserKind};
use ops_contracts::wire::command::Viewport;
use ops_contracts::wire::command::emulation::{ColorScheme, Permission};
use ops_contracts::wire::command::session::{DialogPolicy, Isolation};

use crate::args::emulate::{PERMISSIONS, place, scaled};
use crate::args::word;

/// The flags of `open` and `session create` for a new session.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "A new session")]
pub(crate) struct Making {
    /// The browser.
    #[arg(long, value_parser = word::<BrowserKind>(&["chrome", "firefox"]))]
    pub(crate) browser: Option<BrowserKind>,
    /// What drives the browser, where more than one adapter can; the relay chooses when absent.
    #[arg(long, value_parser = word::<AdapterKind>(&["cdp", "bidi"]))]
    pub(crate) adapter: Option<AdapterKind>,
    /// Whether it shares a browser process with others: context, or process for one of its own.
    #[arg(long, value_parser = word::<Isolation>(&["context", "process"]))]
    pub(crate) isolation: Option<Isolation>,
    /// Shows its window.
    #[arg(long)]
    pub(crate) headed: bool,
    /// A profile that outlives it: a-z 0-9 _ -.
    #[arg(long, value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// Its viewport, as 1280x720, or with a pixel ratio, as 390x844@3.
    #[arg(long, value_name = "WxH", value_parser = scaled, conflicts_with = "device")]
    pub(crate) viewport: Option<Viewport>,
    /// The device that its pages see: odb-cli emulate device lists them.
    #[arg(long, value_name = "NAME")]
    pub(crate) device: Option<String>,
    /// The device held sideways.
    #[arg(long, requires = "device")]
    pub(crate) landscape: bool,
    /// The locale, as de-DE.
    #[arg(long, value_name = "TAG")]
    pub(crate) locale: Option<String>,
    /// The timezone, as Europe/Berlin.
    #[arg(long, value_name = "NAME")]
    pub(crate) timezone: Option<String>,
    /// The user agent; client hints follow it.
    #[arg(long, value_name = "TEXT")]
    pub(crate) user_agent: Option<String>,
    /// The colour scheme that the user prefers.
    #[arg(long, value_parser = word::<ColorScheme>(&["light", "dark"]))]
    pub(crate) color_scheme: Option<ColorScheme>,
    /// Where the device is, in degrees north and east.
    #[arg(long, value_name = "LAT,LON", value_parser = place, allow_hyphen_values = true)]
    pub(crate) geolocation: Option<(f64, f64)>,
    /// What its pages are allowed without a question; may be repeated.
    #[arg(long, value_name = "NAME", value_parser = word::<Permission>(PERMISSIONS))]
    pub(crate) permission: Vec<Permission>,
    /// Logs in with a file of state save before anything is opened.
    #[arg(long, visible_alias = "storage-state", value_name = "FILE")]
    pub(crate) state: Option<PathBuf>,
    /// The proxy for all its traffic, as http://host:port or socks5://host:port.
    #[arg(long, value_name = "URL")]
    pub(crate) proxy: Option<String>,
    /// A host that is reached without the proxy, as *.example.com; may be repeated.
    #[arg(long, value_name = "HOST", requires = "proxy")]
    pub(crate) proxy_bypass: Vec<String>,
    /// The user that the proxy knows.
    #[arg(long, value_name = "NAME", requires = "proxy_password_file")]
    pub(crate) proxy_user: Option<String>,
    /// A file whose first line is that user's password; - reads stdin.
    #[arg(long, value_name = "FILE", requires = "proxy_user")]
    pub(crate) proxy_password_file: Option<PathBuf>,
    /// Takes certificates that can't be trusted, as those of test servers.
    #[arg(long)]
    pub(crate) ignore_certificate_errors: bool,
    /// What happens to dialogs.
    #[arg(long, value_parser = word::<DialogPolicy>(&["ask", "accept", "dismiss"]))]
    pub(crate) dialogs: Option<DialogPolicy>,
    /// A URL scheme that it may open beside http and https, where the relay's setting browser.allowSchemes has it; may be repeated.
    #[arg(long, value_name = "SCHEME", value_parser = ["file", "data", "blob"])]
    pub(crate) allow_scheme: Vec<String>,
}
