//! What a fake's pages hold and do, as data.

use std::collections::HashMap;

use ops_contracts::seam::adapter::{
    ConsoleLevel, DialogKind, LifecyclePhase, NavigationFailureKind,
};

/// All pages that a fake knows, and what expressions come to.
#[derive(Debug, Clone, Default)]
pub struct Script {
    pages: HashMap<String, Page>,
    expressions: HashMap<String, Scripted>,
}

impl Script {
    /// A script without pages.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a page at a path, or at a path with its query, or at a whole URL.
    #[must_use]
    pub fn page(mut self, at: &str, page: Page) -> Self {
        self.pages.insert(at.to_owned(), page);
        self
    }

    /// Says what an expression comes to.
    #[must_use]
    pub fn expression(mut self, text: &str, value: Scripted) -> Self {
        self.expressions.insert(text.to_owned(), value);
        self
    }

    pub(super) fn find(&self, url: &str) -> Option<&Page> {
        let url = url.split('#').next().unwrap_or(url);
        let local = url
            .split_once("://")
            .and_then(|(_, rest)| rest.find('/').map(|at| &rest[at..]))
            .unwrap_or(url);
        let path = local.split('?').next().unwrap_or(local);
        [url, local, path]
            .iter()
            .find_map(|key| self.pages.get(*key))
    }

    pub(super) fn value(&self, expression: &str) -> Option<&Scripted> {
        self.expressions.get(expression)
    }
}

/// What an expression comes to.
#[derive(Debug, Clone)]
pub enum Scripted {
    /// A JSON text.
    Json(&'static str),
    /// Something that JSON can't hold, as its source text.
    Unserializable(&'static str),
    /// An exception.
    Throws(&'static str),
    /// Nothing, ever.
    Never,
    /// A dialog, and what its answer comes to, as JSON: whether it was accepted, and with which text.
    Asks(Dialog, fn(bool, Option<&str>) -> String),
    /// `null`, once the page has done this.
    Does(Act),
}

/// A page.
#[derive(Debug, Clone)]
pub struct Page {
    pub(super) title: &'static str,
    pub(super) answer: Answer,
    pub(super) loads: Option<LifecyclePhase>,
    pub(super) elements: Vec<Element>,
    pub(super) on_load: Vec<Act>,
}

/// How a server answers for a page.
#[derive(Debug, Clone)]
pub enum Answer {
    /// With a document and this status.
    Document(u16),
    /// With a redirect.
    Redirect(&'static str),
    /// With a file to be saved.
    Download(&'static str),
    /// Not at all, ever.
    Never,
    /// Not at all: the renderer crashes, and the document that was there is the last.
    Crashes,
    /// The navigation fails, with the browser's own reason.
    Fails(NavigationFailureKind, &'static str),
}

impl Page {
    /// A page with a title, that is answered with 200 and loads.
    #[must_use]
    pub fn new(title: &'static str) -> Self {
        Self {
            title,
            answer: Answer::Document(200),
            loads: Some(LifecyclePhase::Load),
            elements: Vec::new(),
            on_load: Vec::new(),
        }
    }

    /// Answers otherwise.
    #[must_use]
    pub fn answer(mut self, answer: Answer) -> Self {
        self.answer = answer;
        self
    }

    /// Gets no further than this.
    #[must_use]
    pub fn loads(mut self, phase: Option<LifecyclePhase>) -> Self {
        self.loads = phase;
        self
    }

    /// Adds an element.
    #[must_use]
    pub fn with(mut self, element: Element) -> Self {
        self.elements.push(element);
        self
    }

    /// Does something when it is loaded.
    #[must_use]
    pub fn on_load(mut self, act: Act) -> Self {
        self.on_load.push(act);
        self
    }
}

/// An element of a page.
#[derive(Debug, Clone)]
pub struct Element {
    pub(super) id: String,
    pub(super) role: &'static str,
    pub(super) name: String,
    pub(super) tag: &'static str,
    pub(super) text: String,
    pub(super) value: Option<String>,
    pub(super) checked: Option<bool>,
    pub(super) options: Vec<(&'static str, &'static str)>,
    pub(super) visible: bool,
    pub(super) disabled: bool,
    pub(super) covered_by: Option<&'static str>,
    pub(super) on_click: Vec<Act>,
}

impl Element {
    /// An element that shows its name as text.
    #[must_use]
    pub fn new(role: &'static str, tag: &'static str, name: impl Into<String>) -> Self {
        let name = name.into();
        Self {
            id: String::new(),
            role,
            text: name.clone(),
            name,
            tag,
            value: None,
            checked: None,
            options: Vec::new(),
            visible: true,
            disabled: false,
            covered_by: None,
            on_click: Vec::new(),
        }
    }

    /// A button.
    #[must_use]
    pub fn button(name: impl Into<String>) -> Self {
        Self::new("button", "button", name)
    }

    /// A text control with a label.
    #[must_use]
    pub fn input(name: impl Into<String>) -> Self {
        Self {
            value: Some(String::new()),
            text: String::new(),
            ..Self::new("textbox", "input", name)
        }
    }

    /// A check box with a label.
    #[must_use]
    pub fn check_box(name: impl Into<String>) -> Self {
        Self {
            checked: Some(false),
            text: String::new(),
            ..Self::new("checkbox", "input", name)
        }
    }

    /// A select element with a label and (value, label) pairs.
    #[must_use]
    pub fn select(name: impl Into<String>, options: Vec<(&'static str, &'static str)>) -> Self {
        let value = options.first().map(|(value, _)| (*value).to_owned());
        Self {
            value,
            options,
            text: String::new(),
            ..Self::new("combobox", "select", name)
        }
    }

    /// A paragraph with an id and a text.
    #[must_use]
    pub fn text(id: &str, text: &str) -> Self {
        Self {
            id: id.to_owned(),
            name: String::new(),
            text: text.to_owned(),
            ..Self::new("paragraph", "p", "")
        }
    }

    /// Its id.
    #[must_use]
    pub fn id(mut self, id: &str) -> Self {
        id.clone_into(&mut self.id);
        self
    }

    /// It is not shown.
    #[must_use]
    pub fn hidden(mut self) -> Self {
        self.visible = false;
        self
    }

    /// It is disabled.
    #[must_use]
    pub fn disabled(mut self) -> Self {
        self.disabled = true;
        self
    }

    /// Another element lies over it.
    #[must_use]
    pub fn covered(mut self, by: &'static str) -> Self {
        self.covered_by = Some(by);
        self
    }

    /// What a click does, one after the other.
    #[must_use]
    pub fn does(mut self, acts: impl IntoIterator<Item = Act>) -> Self {
        self.on_click.extend(acts);
        self
    }
}

/// Something that a page does.
#[derive(Debug, Clone)]
pub enum Act {
    /// Tells the server that it came from (`POST /report?id=…`).
    Report(String),
    /// Writes into `#out`.
    Say(String),
    /// Goes to another page.
    Go(&'static str),
    /// Changes its URL without a new document.
    Route(&'static str),
    /// Opens a popup.
    Open(&'static str),
    /// Opens a dialog; the rest of the list is done when it is answered.
    Ask(Dialog),
    /// Writes to the console.
    Log(ConsoleLevel, String),
    /// Throws.
    Throw(&'static str),
    /// Removes an element by its id.
    Remove(&'static str),
    /// Enables an element by its id.
    Enable(&'static str),
    /// Closes itself.
    Close,
    /// Its renderer crashes.
    Crash,
}

/// A dialog of a page.
#[derive(Debug, Clone)]
pub struct Dialog {
    /// What kind.
    pub kind: DialogKind,
    /// Its text.
    pub message: &'static str,
    /// What a prompt proposes.
    pub default_text: Option<&'static str>,
    /// What the page does with the answer: whether it was accepted, and with which text.
    pub then: fn(bool, Option<&str>) -> Vec<Act>,
}
