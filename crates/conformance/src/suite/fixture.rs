//! What a case works with: the service under test, a site of its own, and sessions that are called with typed parameters.
//!
//! Every call goes through the public seam as JSON text and comes back as JSON text, as it would for a client.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ops_contracts::seam::adapter::BoxFuture;
use ops_contracts::seam::port::{Caller, OpsService, Reply, SessionEvents};
use ops_contracts::wire::command::session::CreateParams;
use ops_contracts::wire::command::{Command, CommandName, SessionClose, SessionCreate};
use ops_contracts::wire::frame::{EventName, OpsCancel, OpsRequest};
use ops_contracts::wire::ids::{ClientId, LeaseId, RequestId, SessionId, TargetId};
use ops_contracts::wire::routing::LegacyLane;
use ops_contracts::{ErrorCode, Fault};
use parking_lot::Mutex;
use serde_json::value::RawValue;
use tokio::sync::watch;

use super::Subject;
use crate::site::Site;

/// How long a case waits for something that must come: an event, a report.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// Why a case failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What was expected and what was found instead.
    pub message: String,
    /// The code of the refusal that ended the case, where one did.
    pub code: Option<ErrorCode>,
}

impl Failure {
    /// A failure that no refusal caused.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            code: None,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        Self {
            message: refused.to_string(),
            code: Some(refused.fault.code),
        }
    }
}

/// A command that was refused.
#[derive(Debug, Clone)]
pub struct Refused {
    /// The command.
    pub command: String,
    /// Why.
    pub fault: Fault,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let details = serde_json::to_string(&self.fault.details).unwrap_or_default();
        write!(
            f,
            "{} was refused with {} {details}",
            self.command, self.fault
        )
    }
}

/// What a case gets.
pub struct Fixture {
    /// What is tested.
    pub subject: Subject,
    /// The case's own site.
    pub site: Site,
    called: Mutex<BTreeSet<CommandName>>,
    made: Mutex<Vec<(SessionId, LeaseId)>>,
    requests: AtomicU64,
    client: ClientId,
    /// What its requests say of the legacy lane, as a relay would; nothing by default, as where there is none.
    pub legacy: Option<LegacyLane>,
}

impl Fixture {
    /// A fixture for the case `name`.
    ///
    /// # Errors
    /// When the site cannot be started.
    pub fn new(subject: Subject, name: &str) -> std::io::Result<Self> {
        let client = name
            .parse()
            .unwrap_or_else(|_| "conformance".parse().expect("a valid client id"));
        Ok(Self {
            subject,
            site: Site::start()?,
            called: Mutex::default(),
            made: Mutex::default(),
            requests: AtomicU64::new(0),
            client,
            legacy: None,
        })
    }

    /// The service under test.
    pub fn service(&self) -> &Arc<dyn OpsService> {
        &self.subject.service
    }

    /// The commands that were called so far, those inside of batches not included.
    pub fn called(&self) -> BTreeSet<CommandName> {
        self.called.lock().clone()
    }

    /// A request id that was not used before.
    pub fn request_id(&self) -> RequestId {
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        format!("r{number}").parse().expect("a valid request id")
    }

    /// Makes a session as most callers do.
    ///
    /// # Errors
    /// What `session.create` was refused with.
    pub async fn session(&self) -> Result<Session<'_>, Refused> {
        self.session_with(self.create_params()).await
    }

    /// What most sessions are made with: the subject's browser, and defaults.
    #[must_use]
    pub fn create_params(&self) -> CreateParams {
        CreateParams {
            browser: self.subject.browser,
            ..CreateParams::default()
        }
    }

    /// Makes a session in the subject's browser; it is closed when the case has ended.
    ///
    /// # Errors
    /// What `session.create` was refused with.
    pub async fn session_with(&self, params: CreateParams) -> Result<Session<'_>, Refused> {
        let params = CreateParams {
            browser: self.subject.browser,
            ..params
        };
        let made = self
            .service_call::<SessionCreate>(&params, self.request_id())
            .await?;
        self.made
            .lock()
            .push((made.session_id.clone(), made.lease_id.clone()));
        Ok(Session {
            fixture: self,
            id: made.session_id,
            lease: made.lease_id,
            target: made.target_id,
        })
    }

    /// Calls a command that is bound to no session.
    ///
    /// # Errors
    /// What it was refused with.
    pub async fn service_call<C: Command>(
        &self,
        params: &C::Params,
        id: RequestId,
    ) -> Result<C::Result, Refused> {
        self.exchange::<C>(
            Envelope {
                id,
                holder: None,
                timeout_ms: None,
            },
            params,
        )
        .await
    }

    /// Sends a request as it stands, valid or not.
    pub async fn raw(
        &self,
        command: &str,
        params: &str,
        holder: Option<(&SessionId, &LeaseId)>,
    ) -> Reply {
        let params = RawValue::from_string(params.to_owned()).unwrap_or_default();
        let envelope = Envelope {
            id: self.request_id(),
            holder,
            timeout_ms: None,
        };
        self.execute(command, params, envelope).await
    }

    fn execute(
        &self,
        command: &str,
        params: Box<RawValue>,
        envelope: Envelope<'_>,
    ) -> BoxFuture<'static, Reply> {
        let request = OpsRequest {
            request_id: envelope.id,
            session_id: envelope.holder.map(|(id, _)| id.clone()),
            lease_id: envelope.holder.map(|(_, lease)| lease.clone()),
            command: command.into(),
            params,
            timeout_ms: envelope.timeout_ms,
            boundary: false,
        };
        let caller = Caller {
            client_id: self.client.clone(),
            admin: false,
            legacy: self.legacy,
        };
        self.service().execute(request, caller, Instant::now())
    }

    async fn exchange<C: Command>(
        &self,
        envelope: Envelope<'_>,
        params: &C::Params,
    ) -> Result<C::Result, Refused> {
        self.called.lock().insert(C::NAME);
        let refused = |fault| Refused {
            command: C::NAME.to_string(),
            fault,
        };
        let broken = |error: serde_json::Error| {
            refused(Fault::new(ErrorCode::OpsInternal, error.to_string()))
        };
        let params = serde_json::value::to_raw_value(params).map_err(broken)?;
        let reply = self.execute(C::NAME.as_str(), params, envelope).await;
        let result = reply.outcome.map_err(refused)?;
        serde_json::from_str(result.get()).map_err(|error| {
            let text: String = result.get().chars().take(300).collect();
            refused(Fault::new(
                ErrorCode::OpsInternal,
                format!("the result is not of its type: {error}: {text}"),
            ))
        })
    }

    /// Closes the sessions that the case made.
    pub async fn close(&self) {
        let made = std::mem::take(&mut *self.made.lock());
        for (id, lease) in made {
            let params = RawValue::from_string("{}".to_owned()).unwrap_or_default();
            let envelope = Envelope {
                id: self.request_id(),
                holder: Some((&id, &lease)),
                timeout_ms: None,
            };
            // A case may have closed it itself.
            drop(
                self.execute(SessionClose::NAME.as_str(), params, envelope)
                    .await,
            );
        }
    }
}

struct Envelope<'a> {
    id: RequestId,
    holder: Option<(&'a SessionId, &'a LeaseId)>,
    timeout_ms: Option<u64>,
}

/// A session of a case, as its holder sees it.
#[derive(Clone)]
pub struct Session<'a> {
    /// Where it belongs.
    pub fixture: &'a Fixture,
    /// Its id.
    pub id: SessionId,
    /// Its lease.
    pub lease: LeaseId,
    /// Its first page.
    pub target: TargetId,
}

impl Session<'_> {
    /// Calls a command under a new request id.
    ///
    /// # Errors
    /// What it was refused with.
    pub async fn call<C: Command>(&self, params: &C::Params) -> Result<C::Result, Refused> {
        self.call_as::<C>(self.fixture.request_id(), params).await
    }

    /// Calls a command under a request id of the caller's choice.
    ///
    /// # Errors
    /// What it was refused with.
    pub async fn call_as<C: Command>(
        &self,
        id: RequestId,
        params: &C::Params,
    ) -> Result<C::Result, Refused> {
        let envelope = Envelope {
            id,
            holder: Some((&self.id, &self.lease)),
            timeout_ms: None,
        };
        self.fixture.exchange::<C>(envelope, params).await
    }

    /// Calls a command with a deadline.
    ///
    /// # Errors
    /// What it was refused with.
    pub async fn call_within<C: Command>(
        &self,
        timeout_ms: u64,
        params: &C::Params,
    ) -> Result<C::Result, Refused> {
        let envelope = Envelope {
            id: self.fixture.request_id(),
            holder: Some((&self.id, &self.lease)),
            timeout_ms: Some(timeout_ms),
        };
        self.fixture.exchange::<C>(envelope, params).await
    }

    /// The same session as somebody with another lease would address it.
    #[must_use]
    pub fn held_with(&self, lease: LeaseId) -> Self {
        Self {
            lease,
            ..self.clone()
        }
    }

    /// Cancels a request; whether it was there to be cancelled.
    #[must_use]
    pub async fn cancel(&self, request: &RequestId) -> bool {
        let cancel = OpsCancel {
            request_id: request.clone(),
            session_id: Some(self.id.clone()),
            lease_id: Some(self.lease.clone()),
        };
        self.fixture.service().cancel(cancel).await
    }

    /// Listens to the session's events from now on.
    ///
    /// # Errors
    /// Where the service refuses.
    pub fn listen(&self) -> Result<Arc<Events>, Failure> {
        let events = Arc::new(Events::default());
        if self
            .fixture
            .service()
            .subscribe(&self.id, &self.lease, events.clone())
        {
            Ok(events)
        } else {
            Err(Failure::new(
                "the service refuses a subscription to a session that we hold",
            ))
        }
    }
}

/// The events of a session, in order of arrival.
#[derive(Debug)]
pub struct Events {
    seen: Mutex<Vec<(u64, EventName)>>,
    count: watch::Sender<usize>,
}

impl Default for Events {
    fn default() -> Self {
        Self {
            seen: Mutex::default(),
            count: watch::Sender::new(0),
        }
    }
}

impl SessionEvents for Events {
    fn event(&self, _: &SessionId, seq: u64, event: EventName, _: Arc<RawValue>) -> bool {
        self.seen.lock().push((seq, event));
        self.count.send_modify(|count| *count += 1);
        true
    }
}

impl Events {
    /// Waits until such an event has arrived.
    ///
    /// # Errors
    /// When none does in time.
    pub async fn wait_for(&self, wanted: EventName) -> Result<(), Failure> {
        let mut count = self.count.subscribe();
        let seen = || self.seen.lock().iter().any(|(_, event)| *event == wanted);
        let arrived = async {
            while !seen() {
                if count.changed().await.is_err() {
                    return;
                }
            }
        };
        let in_time = tokio::time::timeout(PATIENCE, arrived).await.is_ok();
        if in_time && seen() {
            Ok(())
        } else {
            Err(Failure::new(format!(
                "no event {wanted:?}; seen: {:?}",
                self.all()
            )))
        }
    }

    /// All events so far, with their numbers.
    #[must_use]
    pub fn all(&self) -> Vec<(u64, EventName)> {
        self.seen.lock().clone()
    }
}
