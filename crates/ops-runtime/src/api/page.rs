//! Pages of a session.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ops_contracts::seam::adapter::MouseButton;
use ops_contracts::wire::command::dom::{
    ElementParams as Read, EvalParams, PageParams, ReadParams, SnapshotParams, SnapshotResult,
};
use ops_contracts::wire::command::export::ScreenshotParams;
use ops_contracts::wire::command::interact::{
    ActionResult, CheckResult, ClickParams, ElementParams, FillParams, FillResult, HoverParams,
    OptionChoice, PressParams, SelectParams, SelectResult, TypeParams,
};
use ops_contracts::wire::command::nav::{
    ElementState, GotoParams, NavResult, ReloadParams, TraverseParams, WaitParams, WaitResult,
};
use ops_contracts::wire::command::{
    self as commands, DomSnapshot, DomText, DomTitle, DomUrl, ExportScreenshot, LoadState, targets,
};
use ops_contracts::wire::ids::TargetId;
use ops_contracts::{ErrorCode, Fault};
use serde::de::DeserializeOwned;

use super::{Event, IntoLocator, Result, Session};

/// A page of a session. Cheap to clone.
///
/// An action returns what was observed of it: a click that did nothing says so. An element is named in one of the ways of [`IntoLocator`], and has
/// to be exactly one; an action waits until its element can take it.
///
/// ```
/// # use conformance::fake::{FakeAdapter, site_double};
/// # use ops_runtime::api::{Browser, BrowserOptions, Result};
/// # #[tokio::main]
/// # async fn main() -> Result<()> {
/// # let browser = Browser::launch(FakeAdapter::new(site_double()), BrowserOptions::default()).await?;
/// # let url = "http://site.test/plain";
/// let page = browser.open(url).await?;
/// page.on(|event| println!("{event:?}"));
/// page.fill("role=textbox[name='An input']", "ada@example.com").await?;
/// let clicked = page.click("role=button[name='A button']").await?;
/// assert_eq!(clicked.receipt.clicks, Some(1));
/// println!("{}", page.snapshot().await?.text);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Page {
    session: Session,
    id: TargetId,
}

impl Page {
    pub(super) const fn new(session: Session, id: TargetId) -> Self {
        Self { session, id }
    }

    /// The page's id, as in results and events.
    #[must_use]
    pub const fn id(&self) -> &TargetId {
        &self.id
    }

    /// The session that it belongs to.
    #[must_use]
    pub const fn session(&self) -> &Session {
        &self.session
    }

    fn target(&self) -> Option<TargetId> {
        Some(self.id.clone())
    }

    /// Hands every event of the page to `handler` from now on; see [`Session::on`].
    pub fn on(&self, handler: impl Fn(Event) + Send + Sync + 'static) {
        let id = self.id.clone();
        self.session.on(move |event| {
            if event.page() == Some(&id) {
                handler(event);
            }
        });
    }

    /// Navigates to a URL and waits until the page has loaded. An HTTP error status is a result.
    ///
    /// # Errors
    /// `ops_nav_failed` with the browser's reason, `ops_timeout`.
    pub async fn goto(&self, url: &str) -> Result<NavResult> {
        let params = GotoParams {
            url: url.to_owned(),
            wait_until: LoadState::default(),
            target_id: self.target(),
        };
        self.session.call::<commands::NavGoto>(params).await
    }

    /// Goes back in the history.
    ///
    /// # Errors
    /// `ops_history_edge` where there is nothing to go back to; those of a navigation.
    pub async fn back(&self) -> Result<NavResult> {
        let params = TraverseParams {
            target_id: self.target(),
            ..TraverseParams::default()
        };
        self.session.call::<commands::NavBack>(params).await
    }

    /// Goes forward in the history.
    ///
    /// # Errors
    /// `ops_history_edge` where there is nothing to go forward to; those of a navigation.
    pub async fn forward(&self) -> Result<NavResult> {
        let params = TraverseParams {
            target_id: self.target(),
            ..TraverseParams::default()
        };
        self.session.call::<commands::NavForward>(params).await
    }

    /// Reloads the page.
    ///
    /// # Errors
    /// Those of a navigation.
    pub async fn reload(&self) -> Result<NavResult> {
        let params = ReloadParams {
            target_id: self.target(),
            ..ReloadParams::default()
        };
        self.session.call::<commands::NavReload>(params).await
    }

    /// Waits until an element is visible.
    ///
    /// # Errors
    /// `ops_timeout` after thirty seconds.
    pub async fn wait_for(&self, element: impl IntoLocator) -> Result<WaitResult> {
        let params = WaitParams {
            element: Some(element.into_locator()?),
            state: Some(ElementState::Visible),
            target_id: self.target(),
            ..WaitParams::default()
        };
        self.session.call::<commands::NavWait>(params).await
    }

    /// Describes the page as a tree of roles, names and refs; refs name elements to the methods of this page.
    ///
    /// # Errors
    /// Why the page can't be read: a dialog is open, it crashed or went away.
    pub async fn snapshot(&self) -> Result<SnapshotResult> {
        let params = SnapshotParams {
            target_id: self.target(),
            ..SnapshotParams::default()
        };
        self.session.call::<DomSnapshot>(params).await
    }

    /// Takes a picture of the viewport, as the bytes of a PNG file.
    ///
    /// # Errors
    /// Why there is none: a dialog is open, the page crashed or went away.
    pub async fn screenshot(&self) -> Result<Vec<u8>> {
        let params = ScreenshotParams {
            target_id: self.target(),
            ..ScreenshotParams::default()
        };
        let picture = self.session.call::<ExportScreenshot>(params).await?;
        let invalid = |_| Fault::new(ErrorCode::OpsInternal, "the picture is not base64");
        STANDARD.decode(picture.data).map_err(invalid)
    }

    /// Evaluates an expression in the page, promises awaited, and reads its value.
    ///
    /// # Errors
    /// `ops_script_failed` with what the page threw; `ops_invalid_request` for a value that is no `T`.
    pub async fn evaluate<T: DeserializeOwned>(&self, expression: &str) -> Result<T> {
        let params = EvalParams {
            expression: expression.to_owned(),
            await_promise: true,
            frame: None,
            target_id: self.target(),
        };
        let result = self.session.call::<commands::DomEval>(params).await?;
        serde_json::from_str(result.value.get()).map_err(|error| {
            let message = format!("the value is not of the type that was asked for: {error}");
            Fault::new(ErrorCode::OpsInvalidRequest, message)
        })
    }

    /// The page's URL.
    ///
    /// # Errors
    /// `ops_target_unknown` for a page that is closed.
    pub async fn url(&self) -> Result<String> {
        let target_id = self.target();
        let url = self.session.call::<DomUrl>(PageParams { target_id });
        Ok(url.await?.value)
    }

    /// The page's title.
    ///
    /// # Errors
    /// Why the page can't be read.
    pub async fn title(&self) -> Result<String> {
        let target_id = self.target();
        let title = self.session.call::<DomTitle>(PageParams { target_id });
        Ok(title.await?.value)
    }

    /// The rendered text of an element.
    ///
    /// # Errors
    /// `ops_element_not_found`, `ops_element_ambiguous` with the candidates.
    pub async fn text(&self, element: impl IntoLocator) -> Result<String> {
        let params = ReadParams {
            element: Some(element.into_locator()?),
            target_id: self.target(),
            ..ReadParams::default()
        };
        Ok(self.session.call::<DomText>(params).await?.value)
    }

    /// How many elements match.
    ///
    /// # Errors
    /// Why the page can't be read.
    pub async fn count(&self, element: impl IntoLocator) -> Result<u32> {
        let params = Read {
            element: element.into_locator()?,
            target_id: self.target(),
        };
        let counted = self.session.call::<commands::DomCount>(params).await?;
        Ok(counted.value)
    }

    /// Clicks an element.
    ///
    /// # Errors
    /// `ops_element_not_found`, `ops_element_ambiguous`, or why it takes no click: hidden, disabled, covered.
    pub async fn click(&self, element: impl IntoLocator) -> Result<ActionResult> {
        let params = ClickParams {
            element: element.into_locator()?,
            button: MouseButton::default(),
            count: 1,
            modifiers: Vec::new(),
            position: None,
            target_id: self.target(),
        };
        self.session.call::<commands::InteractClick>(params).await
    }

    /// Moves the mouse over an element.
    ///
    /// # Errors
    /// As [`Page::click`].
    pub async fn hover(&self, element: impl IntoLocator) -> Result<ActionResult> {
        let params = HoverParams {
            element: element.into_locator()?,
            modifiers: Vec::new(),
            position: None,
            target_id: self.target(),
        };
        self.session.call::<commands::InteractHover>(params).await
    }

    /// Replaces the value of a form control and reads it back.
    ///
    /// # Errors
    /// As [`Page::click`]; `ops_value_rejected` where the control has another value then.
    pub async fn fill(&self, element: impl IntoLocator, value: &str) -> Result<FillResult> {
        let params = FillParams {
            element: element.into_locator()?,
            value: value.into(),
            target_id: self.target(),
        };
        self.session.call::<commands::InteractFill>(params).await
    }

    /// Types a text into an element, key by key.
    ///
    /// # Errors
    /// As [`Page::click`].
    pub async fn type_text(&self, element: impl IntoLocator, text: &str) -> Result<ActionResult> {
        let params = TypeParams {
            element: Some(element.into_locator()?),
            text: text.into(),
            delay_ms: 0,
            target_id: self.target(),
        };
        self.session.call::<commands::InteractType>(params).await
    }

    /// Presses a key or chord where the focus is: `Enter`, `Control+a`.
    ///
    /// # Errors
    /// `ops_invalid_request` for a key that there is none of.
    pub async fn press(&self, key: &str) -> Result<ActionResult> {
        let params = PressParams {
            key: key.to_owned(),
            element: None,
            target_id: self.target(),
        };
        self.session.call::<commands::InteractPress>(params).await
    }

    /// Checks a checkbox, radio button or switch; nothing is done where it is checked.
    ///
    /// # Errors
    /// As [`Page::click`].
    pub async fn check(&self, element: impl IntoLocator) -> Result<CheckResult> {
        let params = ElementParams {
            element: element.into_locator()?,
            target_id: self.target(),
        };
        self.session.call::<commands::InteractCheck>(params).await
    }

    /// Unchecks a checkbox or switch; nothing is done where it is not checked.
    ///
    /// # Errors
    /// As [`Page::click`].
    pub async fn uncheck(&self, element: impl IntoLocator) -> Result<CheckResult> {
        let params = ElementParams {
            element: element.into_locator()?,
            target_id: self.target(),
        };
        self.session.call::<commands::InteractUncheck>(params).await
    }

    /// Selects the option of a select element that has this value or shows this text, and deselects the others.
    ///
    /// # Errors
    /// As [`Page::click`]; `ops_option_not_found` with the options that there are.
    pub async fn select(&self, element: impl IntoLocator, option: &str) -> Result<SelectResult> {
        let params = SelectParams {
            element: element.into_locator()?,
            options: vec![OptionChoice::Any(option.to_owned())],
            target_id: self.target(),
        };
        self.session.call::<commands::InteractSelect>(params).await
    }

    /// Closes the page.
    ///
    /// # Errors
    /// `ops_target_unknown` for one that is closed, `ops_dialog_open` where the page asks whether it may be left.
    pub async fn close(self) -> Result<()> {
        let target_id = self.target();
        let params = targets::CloseParams { target_id };
        self.session.call::<commands::TargetsClose>(params).await?;
        Ok(())
    }
}
