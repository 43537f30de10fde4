//! The verbs: a table of what each takes. One clear sentence each, and examples.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use ops_contracts::adapter::{Clip, ImageFormat, MouseButton};
use ops_contracts::capability::BrowserKind;
use ops_contracts::command::export::Paper;
use ops_contracts::command::interact::{Modifier, ScrollEdge};
use ops_contracts::command::nav::ElementState;
use ops_contracts::command::session::DialogPolicy;
use ops_contracts::command::{LoadState, Point, Viewport};
use ops_contracts::ids::{FrameId, TargetId};
use ops_contracts::incident::{IncidentKind, IncidentSource, Severity};
use ops_contracts::locator::Locator;
use ops_contracts::scorecard::Window;
use ops_contracts::telemetry::RouteLabel;

use super::emulate::Emulate;
use super::keep::{Cookies, State, Storage};
use super::{help, numbers, point, viewport, word};

const LOAD_STATES: &[&str] = &["commit", "domcontentloaded", "load", "networkidle"];

mod traffic;

pub(crate) use traffic::{Downloads, Har, Matching, Network, Route, Upload};

/// What to do.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Verb {
    /// Navigates to URL; makes the session, and starts the relay, where there is none.
    #[command(after_help = help::OPEN)]
    Open(Open),
    /// Navigates the session's page to URL; an HTTP error status is a result.
    #[command(visible_alias = "navigate", after_help = help::GOTO)]
    Goto(Goto),
    /// Goes back in the page's history.
    Back(Until),
    /// Goes forward in the page's history.
    Forward(Until),
    /// Reloads the page.
    Reload(Reload),
    /// Waits for an element, a text, a URL, a load state, a function or a time.
    #[command(after_help = help::WAIT)]
    Wait(Wait),
    /// Describes the page as a tree of roles, names and refs, within a budget.
    #[command(after_help = help::SNAPSHOT)]
    Snapshot(Snapshot),
    /// Lists the elements that match; no match and many matches are answers.
    #[command(after_help = help::FIND)]
    Find(Find),
    /// Prints one fact of the page or of an element, bare.
    #[command(after_help = help::GET)]
    Get(Get),
    /// Prints true or false: a state of an element.
    #[command(after_help = help::IS)]
    Is(Is),
    /// Evaluates an expression in the page and prints its value; - reads the expression from stdin.
    #[command(after_help = help::EVAL)]
    Eval(Eval),
    /// Clicks an element.
    #[command(after_help = help::CLICK)]
    Click(Click),
    /// Replaces the value of a form control and reads it back.
    #[command(after_help = help::FILL)]
    Fill(Fill),
    /// Empties a form control.
    Clear(Element),
    /// Types text key by key, into an element or into the focus.
    #[command(override_usage = "odb-cli type [OPTIONS] [LOCATOR] TEXT", after_help = help::TYPE)]
    Type(Type),
    /// Presses a key or chord, on an element or on the focus.
    #[command(after_help = help::PRESS)]
    Press(Press),
    /// Selects options of a select element, by value, label or place.
    #[command(after_help = help::SELECT)]
    Select(Select),
    /// Checks a checkbox, radio button or switch.
    Check(Element),
    /// Unchecks a checkbox or switch.
    Uncheck(Element),
    /// Focuses an element.
    Focus(Element),
    /// Moves the mouse over an element.
    Hover(Hover),
    /// Drags an element onto another, natively or by the mouse, as the page has it.
    #[command(after_help = help::DRAG)]
    Drag(Drag),
    /// Gives files to a file input, or to the chooser that a click has opened.
    #[command(override_usage = "odb-cli upload [OPTIONS] [LOCATOR] FILE…", after_help = help::UPLOAD)]
    Upload(Upload),
    /// Lists, waits for and saves what pages have downloaded.
    #[command(after_help = help::DOWNLOADS)]
    Downloads {
        #[command(subcommand)]
        verb: Option<Downloads>,
    },
    /// Shows, waits for, answers, refuses and changes requests.
    #[command(after_help = help::NETWORK)]
    Network {
        #[command(subcommand)]
        verb: Network,
    },
    /// Writes the log of requests to PATH as an HTTP archive (HAR 1.2).
    #[command(after_help = help::HAR)]
    Har(Har),
    /// Taps an element with a finger.
    Tap(Hover),
    /// Moves, presses, releases and turns the mouse itself, by points of the viewport.
    #[command(after_help = help::MOUSE)]
    Mouse {
        #[command(subcommand)]
        verb: Mouse,
    },
    /// Scrolls the page, or the nearest container of an element.
    #[command(override_usage = "odb-cli scroll [OPTIONS] [LOCATOR] [DIRECTION [PIXELS]]", after_help = help::SCROLL)]
    Scroll(Scroll),
    /// Scrolls until an element is in the viewport.
    ScrollIntoView(Element),
    /// Takes a picture and writes it to PATH, or to a new file in the current directory.
    #[command(after_help = help::SCREENSHOT)]
    Screenshot(Screenshot),
    /// Prints the page as a PDF document and writes it to PATH, or to a new file in the current directory.
    #[command(after_help = help::PDF)]
    Pdf(Pdf),
    /// Prints the whole document as HTML, with its shadow roots, or writes it to PATH.
    Html {
        /// The file to write.
        path: Option<PathBuf>,
    },
    /// Measures the page: web vitals, navigation timing, resources.
    Performance,
    /// Lists, opens, chooses and closes the session's pages.
    #[command(after_help = help::TABS)]
    Tabs {
        #[command(subcommand)]
        verb: Option<Tabs>,
    },
    /// Shows or answers the open dialog.
    #[command(after_help = help::DIALOG)]
    Dialog {
        #[command(subcommand)]
        verb: Option<Dialog>,
    },
    /// Lists, sets and removes the session's cookies.
    #[command(after_help = help::COOKIES)]
    Cookies {
        #[command(subcommand)]
        verb: Option<Cookies>,
    },
    /// Reads and writes the page's local and session storage.
    #[command(after_help = help::STORAGE)]
    Storage {
        #[command(subcommand)]
        area: Storage,
    },
    /// Saves what logs the user in to a file, and logs in with it.
    #[command(after_help = help::STATE)]
    State {
        #[command(subcommand)]
        verb: State,
    },
    /// Changes what pages see of their device; holds for every page of the session.
    #[command(visible_alias = "set", after_help = help::EMULATE)]
    Emulate {
        #[command(subcommand)]
        what: Emulate,
    },
    /// Prints the page's console messages.
    Console(Log),
    /// Prints exceptions that nobody caught.
    Errors(Log),
    /// Runs the commands that stand on stdin, one a line, in few requests.
    #[command(after_help = help::BATCH)]
    Batch(Batch),
    /// Runs any command of the contract with JSON parameters.
    #[command(after_help = help::CALL)]
    Call(Call),
    /// Lists the commands of the contract, or describes one with its schemas.
    Commands {
        /// A command's dotted name.
        name: Option<String>,
    },
    /// Lists, shows, chooses, renews, reclaims and closes sessions.
    #[command(after_help = help::SESSION)]
    Session {
        #[command(subcommand)]
        verb: Session,
    },
    /// Closes the session with everything that it owns.
    Close,
    /// Speaks the raw protocol over the legacy lane, for what no verb can do.
    #[command(after_help = help::CDP)]
    Cdp {
        #[command(subcommand)]
        verb: Cdp,
    },
    /// Shows the relay's status.
    Status,
    /// Prints the dashboard's address and a code to log in by.
    Dashboard,
    /// Explains, checks and reloads the configuration.
    #[command(after_help = help::CONFIG)]
    Config {
        #[command(subcommand)]
        verb: Config,
    },
    /// Shows a one-time code by which another client can pair; with CODE pairs this one.
    #[command(after_help = help::PAIR)]
    Pair(Pair),
    /// Shows the scorecard of the rollout, with what its gate objects to.
    Scorecard(ScorecardArgs),
    /// Records, lists and resolves incidents; the scorecard's gates count them.
    Incident {
        #[command(subcommand)]
        verb: IncidentVerb,
    },
    /// Verifies, shows and prunes the journal of adapter health; needs no relay.
    #[command(after_help = help::JOURNAL)]
    Journal {
        #[command(subcommand)]
        verb: Journal,
    },
    /// Checks the installation and says what to do about what is wrong.
    Doctor,
    /// Runs the relay in the foreground, with relayd's own flags.
    #[command(after_help = help::SERVE)]
    Serve {
        /// Flags of relayd.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "FLAG")]
        flags: Vec<std::ffi::OsString>,
    },
    /// Ends the relay of this home, letting running commands finish.
    Stop,
    /// Prints a shell's completion script.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

/// What to do on the legacy lane.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Cdp {
    /// Opens a legacy session, with a browser of its own.
    Open,
    /// Sends one raw command to the legacy session and prints its result.
    Send(CdpSend),
    /// Opens an endpoint on this machine for one unmodified client, with a session of its own that goes with it.
    Proxy(CdpProxy),
    /// Closes the legacy session with its browser.
    Close,
}

/// Arguments of `cdp send`.
#[derive(Debug, Clone, Args)]
pub(crate) struct CdpSend {
    /// The protocol's method.
    pub(crate) method: String,
    /// Its parameters as JSON.
    #[arg(default_value = "{}")]
    pub(crate) params: String,
    /// The protocol's own session, as an attachment named it.
    #[arg(long, value_name = "ID")]
    pub(crate) cdp_session: Option<String>,
}

/// Arguments of `cdp proxy`.
#[derive(Debug, Clone, Args)]
pub(crate) struct CdpProxy {
    /// The port; the system chooses without it.
    #[arg(long, default_value_t = 0)]
    pub(crate) port: u16,
    /// How long to wait for the client, in milliseconds.
    #[arg(long, default_value_t = 600_000, value_name = "MS", value_parser = clap::value_parser!(u64).range(1..=86_400_000))]
    pub(crate) wait_ms: u64,
}

/// What to do with the configuration.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Config {
    /// Prints every setting in force with its source, and where new sessions would go.
    Explain,
    /// Checks a document and says what is wrong with it, all at once.
    Validate(Validate),
    /// Prints the path of the document.
    Path,
    /// Has the relay read the document anew; needs the admin token in DASHBOARD_ADMIN_TOKEN.
    Reload,
}

/// Arguments of `pair`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Pair {
    /// The code that pair has shown where the relay runs.
    pub(crate) code: Option<String>,
    /// Pairs this home with its own relay in one step.
    #[arg(long = "self", conflicts_with = "code")]
    pub(crate) own: bool,
}

/// Arguments of `scorecard`.
#[derive(Debug, Clone, Args)]
pub(crate) struct ScorecardArgs {
    /// The window, instead of the phase's own: 2h, 7d, 14d or 30d.
    #[arg(long, value_name = "WINDOW")]
    pub(crate) window: Option<Window>,
    /// The cycle that the artifact belongs to.
    #[arg(long, value_name = "ID", value_parser = cycle)]
    pub(crate) cycle: Option<String>,
    /// Keeps it below artifacts/ops-gates of the state directory, where recompute-scorecard reads it.
    #[arg(long)]
    pub(crate) save: bool,
}

fn cycle(text: &str) -> Result<String, String> {
    let fits = (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".:_-".contains(&byte));
    if fits { Ok(text.to_owned()) } else { Err("1 to 64 characters of A-Z a-z 0-9 . _ : - are expected".to_owned()) }
}

/// What to do with incidents.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum IncidentVerb {
    /// Records one; needs the admin token in DASHBOARD_ADMIN_TOKEN.
    Record {
        /// How bad it is: P0, P1, P2 or P3.
        #[arg(long, value_name = "SEVERITY")]
        severity: Severity,
        /// The lane that it is attributed to: ops or cdp.
        #[arg(long, value_name = "ROUTE", default_value_t = RouteLabel::Ops)]
        route: RouteLabel,
        /// Who tells: operator or monitor.
        #[arg(long, value_name = "SOURCE", default_value_t = IncidentSource::Operator)]
        source: IncidentSource,
        /// What it is about: availability, correctness, latency, auth-bypass, lease-bypass or other.
        #[arg(long, value_name = "KIND", default_value_t = IncidentKind::Other)]
        kind: IncidentKind,
        /// It has been confirmed; a confirmed bypass is P0 and calls for a rollback.
        #[arg(long)]
        confirmed: bool,
        /// What happened.
        summary: String,
    },
    /// Lists them, the newest first.
    List,
    /// Resolves one; needs the admin token in DASHBOARD_ADMIN_TOKEN.
    Resolve {
        /// The incident, as list shows it.
        id: String,
        /// What resolved it.
        #[arg(long, value_name = "TEXT")]
        note: Option<String>,
    },
}

/// What to do with the journal.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Journal {
    /// Reads every line, and names those that are damaged.
    Verify,
    /// Prints the records, one JSON object a line.
    Show(Show),
    /// Removes what is older than thirty days, thins out old snapshots, and brings the journal below 2 GiB.
    Prune,
}

/// Arguments of `journal show`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Show {
    /// The records of this session alone.
    #[arg(long, value_name = "ID")]
    pub(crate) session_id: Option<String>,
    /// Those taken at this time or later, RFC 3339 in UTC.
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<String>,
}

/// Arguments of `config validate`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Validate {
    /// The document, instead of config.json of the state directory.
    pub(crate) file: Option<PathBuf>,
    /// Refuses unknown keys, and routing controls that can't be interpreted.
    #[arg(long)]
    pub(crate) strict: bool,
}

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

#[derive(Debug, Clone, Args)]
pub(crate) struct Open {
    /// Where to; https:// is put before a bare host name, http:// before localhost.
    pub(crate) url: String,
    #[command(flatten)]
    pub(crate) until: Until,
    /// The browser of a new session.
    #[arg(long, value_parser = word::<BrowserKind>(&["chrome", "firefox"]))]
    pub(crate) browser: Option<BrowserKind>,
    /// Shows the window of a new session.
    #[arg(long)]
    pub(crate) headed: bool,
    /// A profile that outlives the new session: a-z 0-9 _ -.
    #[arg(long, value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// The viewport of a new session.
    #[arg(long, value_name = "WxH", value_parser = viewport)]
    pub(crate) viewport: Option<Viewport>,
    /// What happens to dialogs of a new session.
    #[arg(long, value_parser = word::<DialogPolicy>(&["ask", "accept", "dismiss"]))]
    pub(crate) dialogs: Option<DialogPolicy>,
    /// A URL scheme that a new session may open beside http and https.
    #[arg(long, value_name = "SCHEME", value_parser = ["file", "data", "blob", "chrome"])]
    pub(crate) allow_scheme: Vec<String>,
    /// Logs in with a file of state save before anything is opened.
    #[arg(long, value_name = "FILE")]
    pub(crate) state: Option<PathBuf>,
    /// Emulates a device: odb-cli emulate device lists them.
    #[arg(long, value_name = "NAME")]
    pub(crate) device: Option<String>,
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
    #[arg(value_enum, value_name = "title|url|text|html|attr|value|count|box", hide_possible_values = true)]
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

/// A yes-or-no state of an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Question {
    Visible,
    Enabled,
    Checked,
    Editable,
    Focused,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct Is {
    /// The state.
    #[arg(value_enum, value_name = "visible|enabled|checked|editable|focused", hide_possible_values = true)]
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
pub(crate) struct Pointing {
    /// A key held meanwhile; may be repeated.
    #[arg(long, value_name = "KEY", value_parser = word::<Modifier>(&["Alt", "Control", "Meta", "Shift"]))]
    pub(crate) modifier: Vec<Modifier>,
    /// Where in the element, from its top left corner.
    #[arg(long, value_name = "X,Y", value_parser = point)]
    pub(crate) position: Option<Point>,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct Click {
    /// The element.
    pub(crate) locator: Locator,
    /// The mouse button.
    #[arg(long, default_value = "left", value_parser = word::<MouseButton>(&["left", "middle", "right"]))]
    pub(crate) button: MouseButton,
    /// Clicks in a row, 1 to 3.
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=3))]
    pub(crate) count: u8,
    /// Clicks twice.
    #[arg(long, conflicts_with = "count")]
    pub(crate) double: bool,
    #[command(flatten)]
    pub(crate) pointing: Pointing,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct Hover {
    /// The element.
    pub(crate) locator: Locator,
    #[command(flatten)]
    pub(crate) pointing: Pointing,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct Drag {
    /// The element that is taken.
    pub(crate) source: Locator,
    /// The element that it is dropped on.
    pub(crate) target: Locator,
    /// Where in the source, from its top left corner.
    #[arg(long, value_name = "X,Y", value_parser = point)]
    pub(crate) source_position: Option<Point>,
    /// Where in the target, from its top left corner.
    #[arg(long, value_name = "X,Y", value_parser = point)]
    pub(crate) target_position: Option<Point>,
    /// Moves of the mouse between the two.
    #[arg(long, default_value_t = 8, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=100))]
    pub(crate) steps: u8,
    /// A key held meanwhile; may be repeated.
    #[arg(long, value_name = "KEY", value_parser = word::<Modifier>(&["Alt", "Control", "Meta", "Shift"]))]
    pub(crate) modifier: Vec<Modifier>,
}

/// A mouse button with the keys held.
#[derive(Debug, Clone, Args)]
pub(crate) struct Pressing {
    /// The mouse button.
    #[arg(long, default_value = "left", value_parser = word::<MouseButton>(&["left", "middle", "right"]))]
    pub(crate) button: MouseButton,
    /// 2 for the second press of a double click.
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=3))]
    pub(crate) click_count: u8,
}

/// What to do with the mouse.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Mouse {
    /// Moves it to X Y.
    Move {
        /// From the left of the viewport.
        #[arg(allow_negative_numbers = true)]
        x: f64,
        /// From the top.
        #[arg(allow_negative_numbers = true)]
        y: f64,
        /// Moves on the way there.
        #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=100))]
        steps: u8,
    },
    /// Presses a button where it is.
    Down(Pressing),
    /// Releases a button where it is.
    Up(Pressing),
    /// Turns the wheel: DY down, DX to the right.
    Wheel {
        /// Down; negative is up.
        #[arg(allow_negative_numbers = true)]
        dy: f64,
        /// To the right.
        #[arg(allow_negative_numbers = true, default_value_t = 0.0)]
        dx: f64,
        /// Where, instead of where the mouse is.
        #[arg(long, value_name = "X,Y", value_parser = point)]
        at: Option<Point>,
    },
    /// Drags from one point to another.
    Drag {
        /// Where the button is pressed.
        #[arg(value_name = "X,Y", value_parser = point)]
        from: Point,
        /// Where it is released.
        #[arg(value_name = "X,Y", value_parser = point)]
        to: Point,
        /// Moves between the two.
        #[arg(long, default_value_t = 8, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=100))]
        steps: u8,
    },
}

#[derive(Debug, Clone, Args)]
pub(crate) struct Fill {
    /// The element.
    pub(crate) locator: Locator,
    /// The new value.
    #[arg(required_unless_present = "stdin", conflicts_with = "stdin", allow_negative_numbers = true)]
    pub(crate) value: Option<String>,
    /// Reads the value from stdin, so that a secret stays out of the process list.
    #[arg(long)]
    pub(crate) stdin: bool,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct Type {
    /// The element, where one is to be focused first, and the text.
    #[arg(required = true, num_args = 1..=2, value_name = "WORD", allow_negative_numbers = true)]
    pub(crate) words: Vec<String>,
    /// Milliseconds between keys.
    #[arg(long, default_value_t = 0, value_name = "MS")]
    pub(crate) delay: u64,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct Press {
    /// A key or chord: Enter, a, Control+a, Shift+ArrowDown.
    pub(crate) key: String,
    /// The element to focus first.
    pub(crate) locator: Option<Locator>,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct Select {
    /// The element.
    pub(crate) locator: Locator,
    /// Options, by value or else by label.
    #[arg(allow_negative_numbers = true)]
    pub(crate) value: Vec<String>,
    /// An option by its label alone; may be repeated.
    #[arg(long)]
    pub(crate) label: Vec<String>,
    /// An option by its place, from 0; may be repeated.
    #[arg(long)]
    pub(crate) index: Vec<u32>,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct Scroll {
    /// An element, a direction (up, down, left, right, top, bottom), and how far.
    #[arg(num_args = 0..=3, value_name = "WORD")]
    pub(crate) words: Vec<String>,
    /// CSS pixels to the right.
    #[arg(long, allow_negative_numbers = true, conflicts_with = "to")]
    pub(crate) dx: Option<f64>,
    /// CSS pixels down.
    #[arg(long, allow_negative_numbers = true, conflicts_with = "to")]
    pub(crate) dy: Option<f64>,
    /// To an end.
    #[arg(long, value_name = "EDGE", value_parser = word::<ScrollEdge>(&["top", "bottom"]))]
    pub(crate) to: Option<ScrollEdge>,
}

fn clip(text: &str) -> Result<Clip, String> {
    let numbers = numbers(text, ',', 4)?;
    Ok(Clip { x: numbers[0], y: numbers[1], width: numbers[2], height: numbers[3] })
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

/// What to do with pages.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Tabs {
    /// Lists the pages.
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
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Dialog {
    /// Shows it.
    Status,
    /// Accepts it, entering TEXT into a prompt.
    Accept {
        /// What to enter.
        text: Option<String>,
    },
    /// Dismisses it.
    Dismiss,
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

#[derive(Debug, Clone, Args)]
pub(crate) struct Batch {
    /// Goes on after an error.
    #[arg(long)]
    pub(crate) keep_going: bool,
    /// Commands in one request, 1 to 100.
    #[arg(long, default_value_t = 100, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=100))]
    pub(crate) slice: u8,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct Call {
    /// The command's dotted name, as commands lists it.
    pub(crate) command: String,
    /// Its parameters as JSON, or - for stdin.
    #[arg(long, default_value = "{}", value_name = "JSON")]
    pub(crate) params: String,
}

/// What to do with sessions.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Session {
    /// Lists the relay's sessions, with the names that they have here.
    List,
    /// Shows the session's state, queue and open dialog.
    Status,
    /// Makes NAME the session of commands that name none.
    Use {
        /// A stored session's name.
        #[arg(value_parser = super::session_name)]
        name: String,
    },
    /// Extends the session's lease.
    Renew,
    /// Takes the session over with a new lease and drops what is queued.
    Reclaim,
    /// Closes the session with everything that it owns.
    Close {
        /// Its name here.
        #[arg(value_parser = super::session_name)]
        name: Option<String>,
    },
}
