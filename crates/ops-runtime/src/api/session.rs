//! Sessions of a browser.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use ops_contracts::seam::port::OpsService;
use ops_contracts::wire::command::session::{BrowserIdentity, CreateResult, Grant};
use ops_contracts::wire::command::targets::{ListResult, NewParams, NewResult, TargetInfo};
use ops_contracts::wire::command::{
    Command, Empty, LoadState, SessionClose, SessionRenew, TargetsList, TargetsNew,
};
use ops_contracts::{ErrorCode, Fault};
use serde_json::Value;

use super::event::Listener;
use super::{Event, Page, Program, Result};
use crate::session::DEFAULT_TTL;

/// A session. Cheap to clone; it stays as long as a handle of it or of a page of it, and is kept from expiring.
///
/// ```
/// # use conformance::fake::{FakeAdapter, site_double};
/// # use ops_runtime::api::{Browser, BrowserOptions, Result, SessionOptions};
/// use ops_contracts::wire::command::{DomFind, dom::FindParams};
/// # #[tokio::main]
/// # async fn main() -> Result<()> {
/// # let browser = Browser::launch(FakeAdapter::new(site_double()), BrowserOptions::default()).await?;
/// let session = browser.session(SessionOptions::default()).await?;
/// // Every command of the contract can be called by its type.
/// let title = session.call::<ops_contracts::wire::command::DomTitle>(Default::default()).await?;
/// assert_eq!(title.value, session.page().title().await?);
/// session.close().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Session {
    inner: Arc<Inner>,
}

struct Inner {
    program: Arc<Program>,
    granted: Grant,
    made: CreateResult,
    closed: AtomicBool,
}

impl Session {
    pub(super) fn new(program: Arc<Program>, made: CreateResult, ttl_ms: Option<u64>) -> Self {
        let inner = Arc::new(Inner {
            program,
            granted: made.grant(),
            made,
            closed: AtomicBool::new(false),
        });
        let ttl = ttl_ms.map_or(DEFAULT_TTL, Duration::from_millis);
        tokio::spawn(keep(Arc::downgrade(&inner), ttl / 3));
        Self { inner }
    }

    /// The page that the session began with.
    #[must_use]
    pub fn page(&self) -> Page {
        Page::new(self.clone(), self.inner.made.target_id.clone())
    }

    /// Opens a further page, navigates it to `url` and makes it the current one.
    ///
    /// # Errors
    /// Those of a navigation; see [`Page::goto`].
    pub async fn new_page(&self, url: &str) -> Result<Page> {
        let params = NewParams {
            url: Some(url.to_owned()),
            wait_until: LoadState::default(),
            make_current: true,
        };
        let NewResult { target, .. } = self.call::<TargetsNew>(params).await?;
        Ok(Page::new(self.clone(), target.target_id))
    }

    /// The session's pages, popups included, oldest first.
    ///
    /// # Errors
    /// `ops_session_lost`, `ops_session_closed`.
    pub async fn pages(&self) -> Result<Vec<Page>> {
        let ListResult { targets } = self.call::<TargetsList>(Empty::default()).await?;
        let page = |info: TargetInfo| Page::new(self.clone(), info.target_id);
        Ok(targets.into_iter().map(page).collect())
    }

    /// Product and version of the browser that it runs in.
    #[must_use]
    pub fn browser(&self) -> &BrowserIdentity {
        &self.inner.made.browser
    }

    /// The session's id and lease, for requests that are sent to the runtime by hand.
    #[must_use]
    pub fn granted(&self) -> &Grant {
        &self.inner.granted
    }

    /// Runs the command `C`, within its own default time. Where the future is dropped, the command is cancelled.
    ///
    /// # Errors
    /// The command's.
    pub async fn call<C: Command>(&self, params: C::Params) -> Result<C::Result> {
        let (program, granted) = (&self.inner.program, &self.inner.granted);
        program.call::<C>(Some(granted), &params, None).await
    }

    /// The same within `timeout`.
    ///
    /// # Errors
    /// The command's; `ops_timeout` says what was waited for.
    pub async fn call_within<C: Command>(
        &self,
        timeout: Duration,
        params: C::Params,
    ) -> Result<C::Result> {
        let (program, granted) = (&self.inner.program, &self.inner.granted);
        let result = program.call::<C>(Some(granted), &params, Some(timeout));
        result.await
    }

    /// Runs a command by its name, with parameters and result as JSON.
    ///
    /// # Errors
    /// `ops_command_unknown`, `ops_invalid_request` naming the field; the command's.
    pub async fn execute(&self, command: &str, params: &Value) -> Result<Value> {
        let internal = |error: serde_json::Error| {
            Fault::new(ErrorCode::OpsInternal, format!("{command}: {error}"))
        };
        let params = serde_json::value::to_raw_value(params).map_err(internal)?;
        let (program, granted) = (&self.inner.program, &self.inner.granted);
        let result = program
            .execute(command.into(), Some(granted), params, None)
            .await?;
        serde_json::from_str(result.get()).map_err(internal)
    }

    /// Hands every event of the session to `handler` from now on. It is called where the session runs and must return at once: what
    /// takes time goes into a task or a channel.
    pub fn on(&self, handler: impl Fn(Event) + Send + Sync + 'static) {
        let Grant {
            session_id,
            lease_id,
        } = &self.inner.granted;
        // False for a session that has ended: it has no events any more.
        self.inner
            .program
            .runtime
            .subscribe(session_id, lease_id, Arc::new(Listener(handler)));
    }

    /// Closes the session with its pages.
    ///
    /// # Errors
    /// `ops_timeout` where the browser still closes.
    pub async fn close(self) -> Result<()> {
        self.inner.closed.store(true, Ordering::Relaxed);
        let closed = self.call::<SessionClose>(Empty::default()).await;
        closed.map(drop)
    }
}

/// Extends the lease of a session that may be idle for longer than it lasts.
async fn keep(session: Weak<Inner>, every: Duration) {
    loop {
        tokio::time::sleep(every).await;
        let Some(inner) = session.upgrade() else {
            return;
        };
        let (program, granted, none) = (&inner.program, &inner.granted, Empty::default());
        let renewed = program.call::<SessionRenew>(Some(granted), &none, None);
        if renewed.await.is_err() {
            return;
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if *self.closed.get_mut() {
            return;
        }
        // Without a tokio runtime the program is ending, and the browser with it.
        if let Ok(tokio) = tokio::runtime::Handle::try_current() {
            let (program, granted) = (self.program.clone(), self.granted.clone());
            tokio.spawn(async move {
                let closed = program
                    .call::<SessionClose>(Some(&granted), &Empty::default(), None)
                    .await;
                if let Err(fault) = closed {
                    tracing::debug!(code = %fault.code, "a session was not closed");
                }
            });
        }
    }
}
