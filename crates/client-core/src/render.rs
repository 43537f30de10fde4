//! Results as text: compact, for people and agents. Nothing is written here.

use ops_contracts::wire::command::session::{CloseResult, RenewResult};
use ops_contracts::wire::command::trace::TraceResult;
use ops_contracts::wire::command::{
    CommandName, dialog, dom, downloads, export, interact, nav, network, storage, targets,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

mod action;
pub mod error;
pub mod keep;
mod page;
pub mod session;
pub mod status;
mod traffic;

/// A result as text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rendered {
    /// For stdout.
    pub text: String,
    /// For stderr.
    pub notes: Vec<String>,
}

impl Rendered {
    /// Text with nothing beside it.
    pub fn text(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            notes: Vec::new(),
        }
    }

    fn with(mut self, note: Option<String>) -> Self {
        self.notes.extend(note);
        self
    }
}

/// The result of a command as text. What this version can't read is shown as JSON.
#[must_use]
pub fn result(command: CommandName, json: &str) -> Rendered {
    known(command, json).unwrap_or_else(|| Rendered::text(pretty(json)))
}

fn known(command: CommandName, json: &str) -> Option<Rendered> {
    page_result(command, json)
        .or_else(|| action_result(command, json))
        .or_else(|| session_result(command, json))
        .or_else(|| traffic_result(command, json))
}

/// What a page shows, and where it is.
fn page_result(command: CommandName, json: &str) -> Option<Rendered> {
    use CommandName as C;
    Some(match command {
        C::NavGoto | C::NavBack | C::NavForward | C::NavReload => {
            Rendered::text(page::navigation(&read::<nav::NavResult>(json)?))
        }
        C::NavWait => Rendered::text(page::waited(&read::<nav::WaitResult>(json)?)),
        C::DomSnapshot => page::snapshot(&read::<dom::SnapshotResult>(json)?),
        C::DomFind => page::found(&read::<dom::FindResult>(json)?),
        C::DomTitle | C::DomUrl | C::DomText | C::DomHtml => text(read(json)?),
        C::DomAttr => attribute(read(json)?),
        C::DomValue => value(read(json)?),
        C::DomCount => Rendered::text(read::<dom::CountResult>(json)?.value.to_string()),
        C::DomBox => Rendered::text(json),
        C::DomEval => Rendered::text(evaluated(&read::<dom::EvalResult>(json)?)),
        C::TargetsList => Rendered::text(page::tabs(&read::<targets::ListResult>(json)?.targets)),
        C::TargetsNamed => Rendered::text(page::named_tab(&read(json)?)),
        C::TargetsNew => Rendered::text(page::new_tab(&read(json)?)),
        C::TargetsUse => Rendered::text(page::tabs(&[read(json)?])),
        C::TargetsClose => Rendered::text(page::closed_tab(&read(json)?)),
        _ => return None,
    })
}

/// What was done to a page.
fn action_result(command: CommandName, json: &str) -> Option<Rendered> {
    use CommandName as C;
    Some(match command {
        C::InteractClick => action(json, "clicked")?,
        C::InteractHover => action(json, "hovered over")?,
        C::InteractType => action(json, "typed into")?,
        C::InteractPress => action(json, "pressed on")?,
        C::InteractFocus => action(json, "focused")?,
        C::InteractFill | C::InteractClear => {
            let filled = read::<interact::FillResult>(json)?;
            Rendered::text(action::line(
                &format!("value {:?} in", filled.value),
                &filled.receipt,
            ))
        }
        C::InteractCheck | C::InteractUncheck => {
            let checked = read::<interact::CheckResult>(json)?;
            let done = match checked.checked {
                Some(true) => "checked",
                Some(false) => "unchecked",
                None => "left in the mixed state",
            };
            Rendered::text(action::line(done, &checked.receipt))
        }
        C::InteractSelect => Rendered::text(action::selected(&read(json)?)),
        C::InteractScroll | C::InteractScrollIntoView => {
            Rendered::text(action::scrolled(&read(json)?))
        }
        C::InteractUpload => Rendered::text(traffic::uploaded(&read(json)?)),
        C::InteractTap => action(json, "tapped")?,
        C::InteractDrag => Rendered::text(action::dragged(&read(json)?)),
        C::PointerMove => pointer(json, "mouse at")?,
        C::PointerDown => pointer(json, "pressed at")?,
        C::PointerUp => pointer(json, "released at")?,
        C::PointerWheel => pointer(json, "wheel turned at")?,
        C::PointerDrag => Rendered::text(action::dragged_between(&read(json)?)),
        C::ExportScreenshot => {
            let picture = read::<export::ScreenshotResult>(json)?;
            Rendered::text(
                format!("picture ({:?}, {} bytes)", picture.format, picture.bytes).to_lowercase(),
            )
        }
        C::DialogStatus => {
            let status = read::<dialog::StatusResult>(json)?;
            Rendered::text(status.dialog.map_or_else(
                || "no dialog is open".to_owned(),
                |dialog| action::dialog(&dialog),
            ))
        }
        C::DialogPolicy => Rendered::text(action::policy(&read(json)?)),
        C::DialogAccept | C::DialogDismiss => Rendered::text(action::answered(&read(json)?)),
        _ => return None,
    })
}

/// What a session keeps, and sessions themselves.
fn session_result(command: CommandName, json: &str) -> Option<Rendered> {
    use CommandName as C;
    Some(match command {
        C::StorageCookiesGet | C::StorageCookiesSet => Rendered::text(keep::cookies(&read(json)?)),
        C::StorageCookiesClear | C::StorageLocalClear | C::StorageSessionClear => {
            let cleared = read::<storage::ClearedResult>(json)?.cleared;
            Rendered::text(format!("{cleared} removed"))
        }
        C::StorageLocalGet | C::StorageSessionGet => keep::entries(&read(json)?),
        C::StorageLocalSet | C::StorageSessionSet => Rendered::text(keep::stored(&read(json)?)),
        C::StorageStateImport => Rendered::text(keep::imported(&read(json)?)),
        C::EmulationViewport
        | C::EmulationDevice
        | C::EmulationGeolocation
        | C::EmulationLocale
        | C::EmulationTimezone
        | C::EmulationMedia
        | C::EmulationUserAgent => Rendered::text(keep::seen(&read(json)?)),
        C::EmulationPermissions => Rendered::text(keep::permissions(&read(json)?)),
        C::SessionCreate => Rendered::text(session::created(&read(json)?)),
        C::SessionStatus => Rendered::text(session::status(&read(json)?)),
        C::SessionRenew => Rendered::text(format!(
            "lease until {}",
            read::<RenewResult>(json)?.lease_expires_at
        )),
        C::SessionObserve => Rendered::text(session::observer(&read(json)?)),
        C::SessionReclaim => Rendered::text(session::reclaimed(&read(json)?)),
        C::SessionClose => Rendered::text(format!(
            "session closed with {}",
            session::pages(read::<CloseResult>(json)?.targets_closed)
        )),
        _ => return None,
    })
}

/// Requests, downloads and what pages log.
fn traffic_result(command: CommandName, json: &str) -> Option<Rendered> {
    use CommandName as C;
    Some(match command {
        C::DiagnosticsNetwork => traffic::requests(&read(json)?),
        C::NetworkWait => Rendered::text(traffic::request(
            &read::<network::WaitResult>(json)?.request,
        )),
        C::NetworkRoute => Rendered::text(traffic::routed(&read(json)?)),
        C::NetworkUnroute => Rendered::text(traffic::unrouted(&read(json)?)),
        C::NetworkSetHeaders => Rendered::text(traffic::headers(&read(json)?)),
        C::NetworkOffline => Rendered::text(traffic::offline(&read(json)?)),
        C::NetworkCredentials => Rendered::text(traffic::credentials(&read(json)?)),
        C::DownloadsList => Rendered::text(traffic::downloads(&read(json)?)),
        C::DownloadsWait => Rendered::text(traffic::download(
            &read::<downloads::WaitResult>(json)?.download,
        )),
        C::DiagnosticsPerformance => Rendered::text(keep::performance(&read(json)?)),
        C::DiagnosticsConsole => page::console(&read(json)?),
        C::DiagnosticsErrors => page::errors(&read(json)?),
        C::DiagnosticsTrace if read::<TraceResult>(json)?.recording => {
            Rendered::text("the browser is being recorded: odb-cli trace stop PATH writes it")
        }
        _ => return None,
    })
}

/// A yes-or-no state of an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Question {
    /// Whether it is shown.
    Visible,
    /// Whether it takes input.
    Enabled,
    /// Whether it is checked.
    Checked,
    /// Whether its text can be changed.
    Editable,
    /// Whether it has the focus.
    Focused,
}

/// The answer to a question about an element.
pub fn answer(question: Question, json: &str) -> Rendered {
    let Some(state) = read::<dom::StateResult>(json) else {
        return Rendered::text(pretty(json));
    };
    let known = match question {
        Question::Visible => Some(state.visible),
        Question::Enabled => Some(state.enabled),
        Question::Checked => state.checked,
        Question::Editable => Some(state.editable),
        Question::Focused => Some(state.focused),
    };
    let note = known.is_none().then(|| {
        "the element is neither checked nor unchecked: mixed, or without such a state".to_owned()
    });
    Rendered::text(known.unwrap_or(false).to_string()).with(note)
}

/// JSON on several lines; the text itself where it is none.
pub fn pretty(json: &str) -> String {
    let value: Result<serde_json::Value, _> = serde_json::from_str(json);
    value
        .and_then(|value| serde_json::to_string_pretty(&value))
        .unwrap_or_else(|_| json.to_owned())
}

fn read<T: DeserializeOwned>(json: &str) -> Option<T> {
    serde_json::from_str(json).ok()
}

fn action(json: &str, done: &str) -> Option<Rendered> {
    Some(Rendered::text(action::line(
        done,
        &read::<interact::ActionResult>(json)?.receipt,
    )))
}

fn pointer(json: &str, done: &str) -> Option<Rendered> {
    Some(Rendered::text(action::pointed(done, &read(json)?)))
}

fn text(text: dom::TextResult) -> Rendered {
    let note = text
        .truncated
        .then(|| "the text was cut: --max-chars takes more".to_owned());
    Rendered::text(text.value).with(note)
}

fn attribute(attribute: dom::AttrResult) -> Rendered {
    let note = attribute
        .value
        .is_none()
        .then(|| "the element has no such attribute".to_owned());
    Rendered::text(attribute.value.unwrap_or_default()).with(note)
}

fn value(value: dom::ValueResult) -> Rendered {
    let note = value
        .masked
        .then(|| "the value is a secret and stands here masked".to_owned());
    Rendered::text(value.values.map_or(value.value, |values| values.join("\n"))).with(note)
}

/// A string bare, anything else as JSON.
fn evaluated(evaluated: &dom::EvalResult) -> String {
    let bare = |json: &RawValue| {
        serde_json::from_str::<String>(json.get()).unwrap_or_else(|_| json.get().to_owned())
    };
    evaluated
        .unserializable
        .clone()
        .unwrap_or_else(|| bare(&evaluated.value))
}

/// A text on one line, of at most so many characters. The marks of a boundary around it stay whole: what they hold is shortened.
pub fn short(text: &str, most: usize) -> String {
    match marked(text) {
        Some((begin, inner, end)) => format!("{begin}{}{end}", cut(inner, most)),
        None => cut(text, most),
    }
}

/// The same in quotation marks, which stand inside the marks of a boundary, so that those can be told as they are.
pub fn quoted(text: &str, most: usize) -> String {
    match marked(text) {
        Some((begin, inner, end)) => format!("{begin}{:?}{end}", cut(inner, most)),
        None => format!("{:?}", cut(text, most)),
    }
}

/// The marks of a boundary and what they hold.
fn marked(text: &str) -> Option<(&str, &str, &str)> {
    let nonce = text
        .strip_prefix("<page-text nonce=\"")?
        .split_once("\">")?
        .0;
    let (begin, end) = (
        nonce.len() + "<page-text nonce=\"\">".len(),
        format!("</page-text nonce=\"{nonce}\">"),
    );
    let inner = text.get(begin..)?.strip_suffix(&end)?;
    Some((&text[..begin], inner, &text[begin + inner.len()..]))
}

fn cut(text: &str, most: usize) -> String {
    let one_line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match one_line.char_indices().nth(most) {
        Some((at, _)) => format!("{}…", &one_line[..at]),
        None => one_line,
    }
}

#[cfg(test)]
mod tests;
