//! The commands as cases use them most: short forms for parameters, and what is asked of a page again and again.

use ops_contracts::wire::command::dom::{
    EvalParams, FindParams, PageParams, ReadParams, SnapshotMode, SnapshotParams,
};
use ops_contracts::wire::command::interact::{
    ClickParams, FillParams, PressParams, SelectParams, TypeParams,
};
use ops_contracts::wire::command::nav::{GotoParams, NavResult, WaitParams};
use ops_contracts::wire::command::{
    DomCount, DomEval, DomFind, DomSnapshot, DomText, DomTitle, DomUrl, DomValue, Empty,
    InteractClick, InteractFill, LoadState, NavGoto, NavWait, SessionStatus, dom, interact, nav,
    session,
};
use ops_contracts::wire::locator::Locator;

use super::fixture::{Failure, Refused, Session};

/// A locator in its command-line form.
///
/// # Panics
/// When a case's own text is none.
#[must_use]
pub fn at(text: &str) -> Locator {
    text.parse().unwrap_or_else(|error| panic!("{error}"))
}

/// The button with exactly this name.
#[must_use]
pub fn button(name: &str) -> Locator {
    at(&format!("role=button[name=\"{name}\"]"))
}

/// An element to read.
#[must_use]
pub fn read(element: &str) -> dom::ElementParams {
    dom::ElementParams {
        element: at(element),
        target_id: None,
    }
}

/// An element to act on.
#[must_use]
pub fn element(element: &str) -> interact::ElementParams {
    interact::ElementParams {
        element: at(element),
        target_id: None,
    }
}

/// A plain click.
#[must_use]
pub fn click(element: Locator) -> ClickParams {
    ClickParams {
        element,
        button: ops_contracts::seam::adapter::MouseButton::Left,
        count: 1,
        modifiers: Vec::new(),
        position: None,
        target_id: None,
    }
}

/// A value for a control.
#[must_use]
pub fn fill(element: &str, value: &str) -> FillParams {
    FillParams {
        element: at(element),
        value: value.into(),
        target_id: None,
    }
}

/// A text to type.
#[must_use]
pub fn keys(element: Option<&str>, text: &str) -> TypeParams {
    TypeParams {
        element: element.map(at),
        text: text.into(),
        delay_ms: 0,
        target_id: None,
    }
}

/// A key to press.
#[must_use]
pub fn press(key: &str) -> PressParams {
    PressParams {
        key: key.to_owned(),
        element: None,
        target_id: None,
    }
}

/// Options to select.
#[must_use]
pub fn select(element: &str, options: Vec<interact::OptionChoice>) -> SelectParams {
    SelectParams {
        element: at(element),
        options,
        target_id: None,
    }
}

/// An expression to evaluate.
#[must_use]
pub fn eval(expression: &str) -> EvalParams {
    EvalParams {
        expression: expression.to_owned(),
        await_promise: true,
        frame: None,
        target_id: None,
    }
}

/// A URL to go to, until it is loaded.
#[must_use]
pub fn url(url: &str) -> GotoParams {
    url_until(url, LoadState::Load)
}

/// A URL to go to.
#[must_use]
pub fn url_until(url: &str, wait_until: LoadState) -> GotoParams {
    GotoParams {
        url: url.to_owned(),
        wait_until,
        target_id: None,
    }
}

/// A wait for an element's state.
#[must_use]
pub fn until(element: &str, state: nav::ElementState) -> WaitParams {
    WaitParams {
        element: Some(at(element)),
        state: Some(state),
        ..WaitParams::default()
    }
}

/// A wait for a time.
#[must_use]
pub fn time(millis: u64) -> WaitParams {
    WaitParams {
        time_ms: Some(millis),
        ..WaitParams::default()
    }
}

/// A snapshot of everything, without a budget to speak of.
#[must_use]
pub fn whole() -> SnapshotParams {
    SnapshotParams {
        max_chars: 5_000_000,
        ..SnapshotParams::default()
    }
}

/// A snapshot in a mode, without a budget to speak of.
#[must_use]
pub fn in_mode(mode: SnapshotMode) -> SnapshotParams {
    SnapshotParams { mode, ..whole() }
}

impl Session<'_> {
    /// Goes to a page of the site, until it is loaded.
    ///
    /// # Errors
    /// What `nav.goto` was refused with.
    pub async fn goto(&self, path: &str) -> Result<NavResult, Refused> {
        self.call::<NavGoto>(&url(&self.fixture.site.url(path)))
            .await
    }

    /// Clicks.
    ///
    /// # Errors
    /// What `interact.click` was refused with.
    pub async fn click(&self, element: Locator) -> Result<interact::ActionResult, Refused> {
        self.call::<InteractClick>(&click(element)).await
    }

    /// Fills a control.
    ///
    /// # Errors
    /// What `interact.fill` was refused with.
    pub async fn fill(&self, element: &str, value: &str) -> Result<interact::FillResult, Refused> {
        self.call::<InteractFill>(&fill(element, value)).await
    }

    /// A control's value.
    ///
    /// # Errors
    /// What `dom.value` was refused with.
    pub async fn value(&self, element: &str) -> Result<String, Refused> {
        Ok(self.call::<DomValue>(&read(element)).await?.value)
    }

    /// The rendered text of an element.
    ///
    /// # Errors
    /// What `dom.text` was refused with.
    pub async fn text(&self, element: &str) -> Result<String, Refused> {
        let params = ReadParams {
            element: Some(at(element)),
            max_chars: 100_000,
            target_id: None,
        };
        Ok(self.call::<DomText>(&params).await?.value)
    }

    /// The page's title.
    ///
    /// # Errors
    /// What `dom.title` was refused with.
    pub async fn title(&self) -> Result<String, Refused> {
        Ok(self.call::<DomTitle>(&PageParams::default()).await?.value)
    }

    /// The page's URL.
    ///
    /// # Errors
    /// What `dom.url` was refused with.
    pub async fn url(&self) -> Result<String, Refused> {
        Ok(self.call::<DomUrl>(&PageParams::default()).await?.value)
    }

    /// How many elements match.
    ///
    /// # Errors
    /// What `dom.count` was refused with.
    pub async fn count(&self, element: &str) -> Result<u32, Refused> {
        Ok(self.call::<DomCount>(&read(element)).await?.value)
    }

    /// The elements that match.
    ///
    /// # Errors
    /// What `dom.find` was refused with.
    pub async fn find(&self, element: Locator) -> Result<dom::FindResult, Refused> {
        self.call::<DomFind>(&FindParams {
            element,
            limit: 20,
            target_id: None,
        })
        .await
    }

    /// The JSON text of an expression's value.
    ///
    /// # Errors
    /// What `dom.eval` was refused with.
    pub async fn eval(&self, expression: &str) -> Result<String, Refused> {
        Ok(self
            .call::<DomEval>(&eval(expression))
            .await?
            .value
            .get()
            .to_owned())
    }

    /// Everything that a screen reader would meet.
    ///
    /// # Errors
    /// What `dom.snapshot` was refused with.
    pub async fn snapshot(&self) -> Result<dom::SnapshotResult, Refused> {
        self.call::<DomSnapshot>(&whole()).await
    }

    /// Waits.
    ///
    /// # Errors
    /// What `nav.wait` was refused with.
    pub async fn wait(&self, params: WaitParams) -> Result<nav::WaitResult, Refused> {
        self.call::<NavWait>(&params).await
    }

    /// The session's state.
    ///
    /// # Errors
    /// What `session.status` was refused with.
    pub async fn status(&self) -> Result<session::StatusResult, Refused> {
        self.call::<SessionStatus>(&Empty {}).await
    }

    /// Waits until the owner runs this command, by asking for the status again and again.
    ///
    /// # Errors
    /// When it does not within a thousand answers.
    pub async fn until_running(&self, command: &str) -> Result<(), Failure> {
        for _ in 0..1_000 {
            if self.status().await?.running.as_deref() == Some(command) {
                return Ok(());
            }
            tokio::task::yield_now().await;
        }
        Err(Failure::new(format!("{command} never runs")))
    }

    /// The ref that a snapshot line with this text carries.
    ///
    /// # Errors
    /// When there is no such line.
    pub fn ref_in(&self, snapshot: &str, text: &str) -> Result<Locator, Failure> {
        let line = snapshot.lines().find(|line| line.contains(text));
        let reference = line
            .and_then(|line| line.split("[ref=").nth(1))
            .and_then(|rest| rest.split(']').next());
        match reference {
            Some(reference) => Ok(at(&format!("@{reference}"))),
            None => Err(Failure::new(format!(
                "no line with {text:?} and a ref in:\n{snapshot}"
            ))),
        }
    }
}
