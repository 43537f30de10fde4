//! What can be asked of a context: a closed set of primitives and their effects.

use std::sync::Arc;

use serde::Serialize;
use serde_json::value::RawValue;

use super::network::{Decision, NetworkPolicy};
use super::{
    ChooserKey, DocumentKey, DownloadKey, Emulation, FrameKey, NavigationFailure, PausedKey,
    RequestKey, TargetKey,
};
use crate::wire::command::Viewport;
use crate::wire::command::export::PdfParams;
use crate::wire::command::storage::Cookie;
use crate::wire::page::{Clip, GivenFile, ImageFormat, MouseButton};

/// Something to do in a context.
#[derive(Debug, Clone)]
pub enum Primitive {
    /// Opens a page; on a navigable URL if one is given, else blank. Effect: `Target`, after its `TargetOpened` event.
    CreateTarget {
        /// Where to.
        url: Option<String>,
    },
    /// Closes a page without asking it. Effect: `Done`, when it is closed.
    CloseTarget {
        /// The page.
        target: TargetKey,
    },
    /// Brings a page to the front of its window. Effect: `Done`.
    ActivateTarget {
        /// The page.
        target: TargetKey,
    },
    /// Sends a page's main frame to a URL. Effect: `Navigation`, when the document is committed or the attempt failed.
    Navigate {
        /// The page.
        target: TargetKey,
        /// Where to.
        url: String,
    },
    /// Reloads a page. Effect: `Done`, when the reload has begun.
    Reload {
        /// The page.
        target: TargetKey,
        /// Past the cache.
        ignore_cache: bool,
    },
    /// Goes back (negative) or forward in a page's history. Effect: `Moved`.
    TraverseHistory {
        /// The page.
        target: TargetKey,
        /// By how many entries.
        delta: i32,
    },
    /// Calls a function of the bridge in a frame's isolated world. Effect: `Text`, the JSON that the bridge returned.
    CallBridge {
        /// The page.
        target: TargetKey,
        /// The frame.
        frame: FrameKey,
        /// The call.
        call: BridgeCall,
    },
    /// Hands the bridge the closed shadow roots of the elements that `__odb.hosts()` names, through `__odb.reveal(roots)`.
    /// Effect: `Revealed`. Adapters whose worlds see closed roots are never asked.
    RevealShadowRoots {
        /// The page.
        target: TargetKey,
        /// The frame.
        frame: FrameKey,
    },
    /// Evaluates an expression of the user's in a frame's own world. Effect: `Evaluated`.
    Evaluate {
        /// The page.
        target: TargetKey,
        /// The frame.
        frame: FrameKey,
        /// The expression.
        expression: String,
        /// Whether to wait for a promise.
        await_promise: bool,
    },
    /// Dispatches a list of input actions, in order, as one batch. Effect: `Done`, when all have been handled.
    Input {
        /// The page.
        target: TargetKey,
        /// The actions.
        actions: Vec<InputAction>,
    },
    /// The same for input that is meant for one frame, whose bridge may tell of its end. A text is entered in that frame or nowhere, by
    /// what `__odb.enters()` says there, where it is the adapter that enters it. Effect: `Text`, what the bridge in `frame` has given `__odbTell`, as
    /// soon as it has or once the input has been handled; `Done` when it has given nothing by then. Adapters that can put a function
    /// `__odbTell(text)` into the bridge's world, which sends before it returns; for the others it is `Input`.
    InputTold {
        /// The page.
        target: TargetKey,
        /// The frame whose bridge may tell.
        frame: FrameKey,
        /// The actions.
        actions: Vec<InputAction>,
    },
    /// Takes a picture. Effect: `Image`.
    Screenshot {
        /// The page.
        target: TargetKey,
        /// The format.
        format: ImageFormat,
        /// 0 to 100, for lossy formats.
        quality: Option<u8>,
        /// The part of the page, in CSS pixels from the document's origin; the viewport when absent.
        clip: Option<Clip>,
        /// The whole scrollable page.
        full_page: bool,
    },
    /// Prints a page as a PDF document. Effect: `Image`.
    Print {
        /// The page.
        target: TargetKey,
        /// How.
        options: Box<PdfParams>,
    },
    /// Begins to record what the browser does. Effect: `Done`, once it records.
    StartTrace {
        /// Categories of its events; those of a performance profile when there are none.
        categories: Vec<String>,
        /// The most bytes that it keeps.
        max_bytes: u64,
    },
    /// Ends recording. Effect: `Bytes`, JSON in the Trace Event Format; not at its end where it is larger.
    StopTrace {
        /// The most bytes.
        max_bytes: u64,
    },
    /// Answers the open dialog. Effect: `Done`.
    AnswerDialog {
        /// The page.
        target: TargetKey,
        /// Accept or dismiss.
        accept: bool,
        /// What to enter into a prompt.
        text: Option<String>,
    },
    /// Reads all cookies of the context. Effect: `Cookies`.
    ReadCookies,
    /// Sets cookies. Effect: `Refused`, with those that the browser did not take.
    WriteCookies {
        /// The cookies.
        cookies: Vec<Cookie>,
    },
    /// Removes the cookies with these names, domains, paths and partitions; all of the context when absent. Effect: `Done`.
    RemoveCookies {
        /// The cookies.
        cookies: Option<Vec<Cookie>>,
    },
    /// Sends a page to an empty document at a URL, for which nothing is fetched: its origin's storage can be reached there.
    /// From then on the page fetches nothing any more. Effect: `Navigation`.
    VisitEmpty {
        /// The page.
        target: TargetKey,
        /// Where to.
        url: String,
    },
    /// Makes the context look otherwise to all its pages, now and later. Effect: `Done`, when every page has been told.
    Emulate {
        /// How.
        setting: Emulation,
    },
    /// Makes a policy hold for all requests of the context, those of pages, frames and workers to come included. Effect:
    /// `Done`, once it holds.
    SetNetworkPolicy {
        /// The policy; it replaces the one before.
        policy: NetworkPolicy,
    },
    /// Decides on a request that waits. Whatever comes of it, the request waits no longer. Effect: `Done`.
    Decide {
        /// The request.
        paused: PausedKey,
        /// The decision.
        decision: Decision,
    },
    /// Reads the body of a response. Effect: `Bytes`.
    ResponseBody {
        /// Its page.
        target: TargetKey,
        /// The request.
        request: RequestKey,
    },
    /// Reads a part of a completed download. Effect: `Bytes`.
    ReadDownload {
        /// The download.
        download: DownloadKey,
        /// The first byte.
        offset: u64,
        /// The most bytes.
        max: u64,
    },
    /// Ends a download. Effect: `Done`.
    CancelDownload {
        /// The download.
        download: DownloadKey,
    },
    /// Gives files to an input, as a person does who chooses them. Effect: `Files`, those that the input holds now.
    SetFiles {
        /// The page.
        target: TargetKey,
        /// Who takes them.
        to: FilesTo,
        /// The files; none to take back what was given.
        files: Vec<FileToGive>,
    },
    /// Sets the size of a page's viewport. Effect: `Done`.
    SetViewport {
        /// The page.
        target: TargetKey,
        /// The size.
        viewport: Viewport,
    },
}

impl Primitive {
    /// The primitive's name, for diagnostics.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::CreateTarget { .. } => "create target",
            Self::CloseTarget { .. } => "close target",
            Self::ActivateTarget { .. } => "activate target",
            Self::Navigate { .. } => "navigate",
            Self::Reload { .. } => "reload",
            Self::TraverseHistory { .. } => "traverse history",
            Self::CallBridge { .. } => "call bridge",
            Self::RevealShadowRoots { .. } => "reveal shadow roots",
            Self::Evaluate { .. } => "evaluate",
            Self::Input { .. } | Self::InputTold { .. } => "input",
            Self::Screenshot { .. } => "screenshot",
            Self::Print { .. } => "print",
            Self::StartTrace { .. } => "start a trace",
            Self::StopTrace { .. } => "stop a trace",
            Self::AnswerDialog { .. } => "answer dialog",
            Self::ReadCookies => "read cookies",
            Self::WriteCookies { .. } => "write cookies",
            Self::RemoveCookies { .. } => "remove cookies",
            Self::VisitEmpty { .. } => "visit empty",
            Self::Emulate { .. } => "emulate",
            Self::SetNetworkPolicy { .. } => "set network policy",
            Self::Decide { .. } => "decide on a request",
            Self::ResponseBody { .. } => "read a response's body",
            Self::ReadDownload { .. } => "read a download",
            Self::CancelDownload { .. } => "cancel a download",
            Self::SetFiles { .. } => "set files",
            Self::SetViewport { .. } => "set viewport",
        }
    }
}

/// What came of a primitive.
#[derive(Debug)]
pub enum Effect {
    /// It is done.
    Done,
    /// A page was opened.
    Target {
        /// The page.
        target: TargetKey,
        /// Its main frame.
        frame: FrameKey,
    },
    /// A navigation was committed or has failed.
    Navigation {
        /// The new document; none when it failed or stayed within the document.
        document: Option<DocumentKey>,
        /// Why it failed.
        failure: Option<NavigationFailure>,
    },
    /// Whether the history had such an entry.
    Moved(bool),
    /// Text, as it came.
    Text(String),
    /// What an expression came to.
    Evaluated(Evaluated),
    /// How many shadow roots were handed over.
    Revealed(u32),
    /// Bytes, and whether nothing follows them.
    Bytes {
        /// The bytes.
        bytes: Vec<u8>,
        /// Whether nothing follows them.
        end: bool,
    },
    /// The files that an input holds.
    Files(Vec<GivenFile>),
    /// A picture or a document, as base64 of its file.
    Image(String),
    /// Cookies.
    Cookies(Vec<Cookie>),
    /// The places in the list of what was refused, with the browser's reasons.
    Refused(Vec<(usize, String)>),
}

/// Who takes files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FilesTo {
    /// An `input[type=file]`, by its number in the bridge of its frame.
    Element {
        /// The frame.
        frame: FrameKey,
        /// The element.
        number: u32,
    },
    /// The input that a chooser was opened for.
    Chooser(ChooserKey),
}

/// A file that is given to a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileToGive {
    /// Its name, without a folder.
    pub name: String,
    /// Its bytes.
    pub content: Arc<Vec<u8>>,
}

/// A call of a bridge function: `name(args)`, in the form that the bridge takes.
#[derive(Debug, Clone)]
pub struct BridgeCall {
    /// The function.
    pub name: &'static str,
    /// Its arguments, a JSON object.
    pub args: Box<RawValue>,
    /// Passes the element that holds this child frame as a further argument. The child must be a direct child of the frame called.
    pub owner_of: Option<FrameKey>,
}

/// What an expression came to.
#[derive(Debug)]
pub enum Evaluated {
    /// A value that JSON can hold.
    Value(Box<RawValue>),
    /// A value that JSON can't hold (`undefined`, `NaN`, `-0`, a big integer), as its source text.
    Unserializable(String),
    /// It threw, or can't be parsed.
    Threw(ScriptError),
}

/// An exception out of an expression.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ScriptError {
    /// Name and message.
    pub text: String,
    /// Line in the expression, from 1, where known.
    pub line: Option<u32>,
    /// Column in the expression, from 1, where known.
    pub column: Option<u32>,
}

/// One step of input. Coordinates are CSS pixels of the page's viewport.
#[derive(Debug, Clone, PartialEq)]
pub enum InputAction {
    /// Moves the mouse.
    MouseMove {
        /// From the left.
        x: f64,
        /// From the top.
        y: f64,
        /// Keys and buttons held.
        modifiers: Modifiers,
        /// The button held, for a drag.
        held: Option<MouseButton>,
    },
    /// Presses a mouse button.
    MouseDown {
        /// From the left.
        x: f64,
        /// From the top.
        y: f64,
        /// The button.
        button: MouseButton,
        /// 1 for the first press, 2 for the second of a double click, …
        click_count: u8,
        /// Keys held.
        modifiers: Modifiers,
    },
    /// Releases a mouse button.
    MouseUp {
        /// From the left.
        x: f64,
        /// From the top.
        y: f64,
        /// The button.
        button: MouseButton,
        /// As in the press.
        click_count: u8,
        /// Keys held.
        modifiers: Modifiers,
    },
    /// Touches the page with one finger and lifts it.
    Tap {
        /// From the left.
        x: f64,
        /// From the top.
        y: f64,
        /// Keys held.
        modifiers: Modifiers,
    },
    /// Turns the wheel.
    Wheel {
        /// From the left.
        x: f64,
        /// From the top.
        y: f64,
        /// To the right.
        dx: f64,
        /// Down.
        dy: f64,
        /// Keys held.
        modifiers: Modifiers,
    },
    /// Presses a key.
    KeyDown {
        /// The key.
        key: Keystroke,
        /// Keys held.
        modifiers: Modifiers,
    },
    /// Releases a key.
    KeyUp {
        /// The key.
        key: Keystroke,
        /// Keys held.
        modifiers: Modifiers,
    },
    /// Enters text as an input method does, without key events.
    InsertText {
        /// The text.
        text: String,
    },
}

impl InputAction {
    /// A click: the mouse moves there, the button is pressed and released. `count` is 2 for the second click of a double one.
    #[must_use]
    pub fn click(
        (x, y): (f64, f64),
        button: MouseButton,
        count: u8,
        modifiers: Modifiers,
    ) -> [Self; 3] {
        [
            Self::MouseMove {
                x,
                y,
                modifiers,
                held: None,
            },
            Self::MouseDown {
                x,
                y,
                button,
                click_count: count,
                modifiers,
            },
            Self::MouseUp {
                x,
                y,
                button,
                click_count: count,
                modifiers,
            },
        ]
    }
}

/// A key of UI Events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keystroke {
    /// `KeyboardEvent.key` (`a`, `A`, `Enter`).
    pub key: String,
    /// `KeyboardEvent.code` (`KeyA`).
    pub code: String,
    /// The legacy `keyCode`.
    pub key_code: u16,
    /// 0 standard, 1 left, 2 right, 3 numeric pad.
    pub location: u8,
    /// The text that the key enters with the modifiers held, if any.
    pub text: Option<String>,
}

/// Modifier keys held.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Modifiers {
    /// Alt or Option.
    pub alt: bool,
    /// Control.
    pub control: bool,
    /// Meta, Command or Windows.
    pub meta: bool,
    /// Shift.
    pub shift: bool,
}
