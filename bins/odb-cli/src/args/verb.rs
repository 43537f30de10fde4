//! The verbs: a table of what there is. What each takes stands in its group's module.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use ops_contracts::wire::command::LoadState;
use ops_contracts::wire::locator::Locator;

use super::emulate::Emulate;
use super::keep::{Cookies, State, Storage};
use super::{help, word};

mod act;
mod bounds;
mod export;
mod legacy;
mod making;
mod operate;
mod page;
mod run;
mod session;
mod traffic;

pub(crate) use act::{Click, Drag, Fill, Hover, Mouse, Press, Pressing, Scroll, Select, Type};
pub(crate) use bounds::Bounds;
pub(crate) use export::{CloneArgs, Pdf, Screenshot, Trace};
pub(crate) use legacy::{Cdp, CdpProxy, CdpSend};
pub(crate) use making::Making;
pub(crate) use operate::{
    Config, Confirm, IncidentVerb, Journal, Pair, ScorecardArgs, Show, Validate,
};
pub(crate) use page::{Eval, Fact, Find, Get, Goto, Is, Log, Open, Reload, Snapshot, Wait};
pub(crate) use run::{Batch, Call};
pub(crate) use session::{Dialog, Session, Tabs};
pub(crate) use traffic::{Downloads, Har, Matching, Network, Route, Upload};

const LOAD_STATES: &[&str] = &["commit", "domcontentloaded", "load", "networkidle"];

/// What to do.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Verb {
    /// Navigates to URL; makes the session, and starts the relay, where there is none.
    #[command(after_help = help::OPEN)]
    Open(Box<Open>),
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
    /// Copies the page, or an element, as one HTML file that stands alone: no scripts, everything in it.
    #[command(after_help = help::CLONE)]
    Clone(CloneArgs),
    /// Records what the session's browser does, for DevTools.
    #[command(after_help = help::TRACE)]
    Trace {
        #[command(subcommand)]
        verb: Trace,
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
    /// Shows and decides about commands that wait for a confirmation; with the admin token in DASHBOARD_ADMIN_TOKEN, or from another pairing.
    #[command(after_help = help::CONFIRM)]
    Confirm {
        #[command(subcommand)]
        verb: Confirm,
    },
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
        #[arg(
            trailing_var_arg = true,
            allow_hyphen_values = true,
            value_name = "FLAG"
        )]
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
