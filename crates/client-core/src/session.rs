//! Sessions on `/ops` that are kept under names: made, called, handed over and closed.

use std::time::Duration;

use ops_client::{RawCall, Reply, patience, post};
use ops_contracts::wire::command::session::{
    CreateParams, ListResult, ObserveParams, ObserveResult, ReclaimResult,
};
use ops_contracts::wire::command::{CommandName, Empty, Params, nav, parse_json};
use ops_contracts::wire::ids::{LeaseId, SessionId};
use ops_contracts::{ErrorCode, Fault};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::client::Client;
use crate::failure::{Failure, Outcome};
use crate::home::{Home, StoredSession, is_session_name};
use crate::relay::Relay;
use crate::request::Request;
use crate::transfer::parsed;

/// The file of the home that names the session of callers that name none.
const DEFAULT_SESSION_FILE: &str = "default-session";

/// What a timed wait is allowed beyond its time.
const WAIT_SLACK: Duration = Duration::from_secs(5);

/// How the commands of one caller are sent.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sending {
    /// Their deadline; the command's default when absent.
    pub timeout: Option<Duration>,
    /// Marks page text in the answers.
    pub boundary: bool,
}

/// A session of this home, and the relay that it belongs to.
#[derive(Debug)]
pub struct OpenSession {
    /// The name that it is kept under.
    pub name: String,
    /// What is kept.
    pub stored: StoredSession,
    /// Its relay, which runs.
    pub relay: Relay,
    /// How its commands are sent.
    pub sending: Sending,
}

/// What became of a session that was to be closed.
#[derive(Debug)]
pub enum Closed {
    /// The relay's answer, be it a refusal.
    Answered(Reply),
    /// It is somebody else's, who lets it be read here: only its name was forgotten.
    Forgotten,
}

impl OpenSession {
    /// The session and its lease.
    #[must_use]
    pub fn ids(&self) -> (&SessionId, &LeaseId) {
        (&self.stored.session_id, &self.stored.lease_id)
    }

    /// Sends a command and waits for its answer; a wait goes on over several requests where it takes longer than one may.
    ///
    /// # Errors
    /// No connection; no answer in time; a malformed answer. A refusal is an answer.
    pub async fn send(&self, request: &Request) -> Outcome<Reply> {
        let Sending { timeout, boundary } = self.sending;
        if request.command == CommandName::NavWait {
            let parsed = parse_json::<nav::WaitParams>(request.params.get());
            let params = parsed.map_err(|error| Failure::usage(error.to_string()))?;
            let time = params
                .time_ms
                .map(|time| Duration::from_millis(time) + WAIT_SLACK);
            let total = timeout.or(time).unwrap_or(patience::TIMEOUT_CAP);
            let (endpoint, cap) = (&self.relay.endpoint, patience::TIMEOUT_CAP);
            return Ok(patience::wait(endpoint, self.ids(), &params, total, cap).await?);
        }
        let call = RawCall {
            timeout,
            boundary,
            ..RawCall::new(request.command.as_str(), &request.params)
        };
        self.call(call).await
    }

    /// Sends any call as one of this session.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn call(&self, call: RawCall<'_>) -> Outcome<Reply> {
        let call = RawCall {
            session: Some(self.ids()),
            ..call
        };
        Ok(patience::call(&self.relay.endpoint, &call).await?)
    }

    /// Runs a command and reads its result; the answer beside it.
    ///
    /// # Errors
    /// The relay's refusal as a failure; no answer; a result of another type.
    pub async fn result<T: DeserializeOwned>(
        &self,
        command: CommandName,
        params: &impl Params,
    ) -> Outcome<(T, Reply)> {
        let reply = self.send(&Request::new(command, params)?).await?;
        let Ok(result) = reply.result() else {
            return Err(Failure::refused(reply));
        };
        Ok((parsed(result)?, reply))
    }

    /// Takes the session over with a new lease, which is kept.
    ///
    /// # Errors
    /// No answer; a home that can't be written. A refusal is an answer.
    pub async fn reclaim(&mut self, home: &Home) -> Outcome<Reply> {
        let request = Request::new(CommandName::SessionReclaim, &Empty {})?;
        let reply = self.send(&request).await?;
        if reply.result().is_ok() {
            let (reclaimed, _) = reply.typed::<ReclaimResult>()?;
            self.stored.lease_id = reclaimed.lease_id;
            home.store_session(&self.name, &self.stored)?;
        }
        Ok(reply)
    }

    /// Gives out a lease that may read the session and not act on it; keeps it as a session of `name`, where one is given.
    /// The observer, where it was kept, and the answer.
    ///
    /// # Errors
    /// No answer; a home that can't be written. A refusal is an answer.
    pub async fn observe(
        &self,
        home: &Home,
        name: Option<&str>,
        ttl_ms: Option<u64>,
    ) -> Outcome<(Option<ObserveResult>, Reply)> {
        let params = ObserveParams { ttl_ms };
        let reply = self
            .send(&Request::new(CommandName::SessionObserve, &params)?)
            .await?;
        let (Some(name), true) = (name, reply.result().is_ok()) else {
            return Ok((None, reply));
        };
        let (observer, _) = reply.typed::<ObserveResult>()?;
        let stored = StoredSession {
            lease_id: observer.observer_lease_id.clone(),
            ..self.stored.clone()
        };
        home.store_session(name, &stored)?;
        Ok((Some(observer), reply))
    }

    /// Closes the session and forgets its name; one that is only read here is forgotten and goes on.
    ///
    /// # Errors
    /// No answer; a home that can't be written. A refusal is an answer.
    pub async fn close(&self, home: &Home) -> Outcome<Closed> {
        let request = Request::new(CommandName::SessionClose, &Empty {})?;
        let reply = self.send(&request).await?;
        let code = reply.code();
        // A lease that is nobody's any more opens nothing: its name is free again.
        let over = is_over(code) || code == Some(ErrorCode::OpsNotOwner);
        let observed = code == Some(ErrorCode::OpsObserverReadOnly);
        if reply.result().is_ok() || over || observed {
            home.forget_session(&self.name)?;
            if home.default_session()?.as_ref() == Some(&self.name) {
                home.remove(DEFAULT_SESSION_FILE)?;
            }
        }
        Ok(if observed {
            Closed::Forgotten
        } else {
            Closed::Answered(reply)
        })
    }
}

/// Whether a refusal says that the session is no more.
#[must_use]
pub fn is_over(code: Option<ErrorCode>) -> bool {
    matches!(
        code,
        Some(
            ErrorCode::OpsSessionUnknown | ErrorCode::OpsLeaseExpired | ErrorCode::OpsSessionClosed
        )
    )
}

impl Home {
    /// The session of callers that name none, as it was chosen.
    ///
    /// # Errors
    /// `cli_state_invalid` for a file that can't be used.
    pub fn default_session(&self) -> Outcome<Option<String>> {
        let name = self.read(DEFAULT_SESSION_FILE)?;
        Ok(name.map(|name| name.trim().to_owned()))
    }

    /// Makes a stored session that of callers that name none.
    ///
    /// # Errors
    /// `cli_session_missing` where no session has the name.
    pub fn choose_session(&self, name: &str) -> Outcome<()> {
        if self.legacy_session(name)?.is_none() && self.session(name)?.is_none() {
            return Err(missing(name, &format!("no session {name:?} is open")));
        }
        self.write(DEFAULT_SESSION_FILE, &format!("{name}\n"))
    }

    /// The names of the sessions on `/ops`. What is on the legacy lane is not in a relay's list.
    ///
    /// # Errors
    /// `cli_state_invalid` for a file that can't be used.
    pub fn named_sessions(&self) -> Outcome<Vec<(SessionId, String)>> {
        let mut named = Vec::new();
        for name in self.session_names()? {
            if self.legacy_session(&name)?.is_some() {
                continue;
            }
            if let Some(session) = self.session(&name)? {
                named.push((session.session_id, name));
            }
        }
        Ok(named)
    }
}

impl Client {
    /// The name of the session in force: the one that the caller names for this call, or for all of its calls, or the one that
    /// was chosen, or `default`.
    ///
    /// # Errors
    /// `cli_usage_invalid` for what is no name.
    pub fn session_name(&self, named: Option<&str>, usual: Option<&str>) -> Outcome<String> {
        if let Some(name) = named {
            return Ok(name.to_owned());
        }
        let name = match usual {
            Some(name) => name.to_owned(),
            None => (self.home.default_session()?).unwrap_or_else(|| "default".to_owned()),
        };
        if is_session_name(&name) {
            return Ok(name);
        }
        Err(Failure::usage(format!(
            "{name:?} is no session name: 1 to 64 characters of a-z 0-9 . _ - are expected"
        )))
    }

    /// The session that is kept under a name, with its relay, which must run.
    ///
    /// # Errors
    /// `cli_session_missing` where there is none, or it ended with another relay; `cli_daemon_unavailable`; the codes of
    /// versions that do not fit.
    pub fn session(&self, name: String, sending: Sending) -> Outcome<OpenSession> {
        let stored = self
            .home
            .session(&name)?
            .ok_or_else(|| missing(&name, &format!("no session {name:?} is open")))?;
        self.correlation.about(&stored.session_id);
        let relay = self
            .running()
            .map_err(|failure| ended_with_relay(&name, failure))?;
        relay.preflight(self)?;
        if stored.relay_url != relay.endpoint.url.to_string() && relay.is_remote() {
            let why = format!(
                "session {name:?} belongs to the relay at {}",
                stored.relay_url
            );
            return Err(missing(&name, &why));
        }
        let instance = relay.instance_id.as_ref();
        if instance.is_some_and(|instance| *instance != stored.instance_id) {
            let why = format!(
                "session {name:?} ended with its relay; another one runs now. odb-cli open URL makes a new session"
            );
            return Err(missing(&name, &why));
        }
        Ok(OpenSession {
            name,
            stored,
            relay,
            sending,
        })
    }

    /// The session that is kept under a name, unless it ended with another relay than this one.
    ///
    /// # Errors
    /// `cli_state_invalid` for a file that can't be used; `cli_verb_unavailable_on_legacy`.
    pub fn usable_session(&self, name: &str, relay: &Relay) -> Outcome<Option<StoredSession>> {
        let stored = self.home.session(name)?;
        Ok(stored.filter(|session| match &relay.instance_id {
            Some(instance) => *instance == session.instance_id,
            None => session.relay_url == relay.endpoint.url.to_string(),
        }))
    }

    /// Makes a session and keeps it under a name; the relay's answer beside it.
    ///
    /// # Errors
    /// The relay's refusal; `cli_verb_unavailable_on_legacy` where routing sent the session to the legacy lane, where it is
    /// open then; no answer; a home that can't be written.
    pub async fn create_session(
        &self,
        name: String,
        relay: Relay,
        params: CreateParams,
        sending: Sending,
    ) -> Outcome<(OpenSession, Reply)> {
        let raw = serde_json::value::to_raw_value(&params)
            .map_err(|error| Failure::usage(error.to_string()))?;
        let call = RawCall::new(CommandName::SessionCreate.as_str(), &raw);
        let reply = patience::call(&relay.endpoint, &call).await?;
        if reply.code() == Some(ErrorCode::RelayOpsRouteDisabled) {
            return Err(self.open_routed(&name, &relay).await?);
        }
        if reply.result().is_err() {
            return Err(Failure::refused(reply));
        }
        let (created, _) = reply.typed::<Created>()?;
        let instance_id = match &relay.instance_id {
            Some(instance) => instance.clone(),
            None => instance_of(&relay).await?,
        };
        let stored = StoredSession {
            session_id: created.session_id,
            lease_id: created.lease_id,
            relay_url: relay.endpoint.url.to_string(),
            instance_id,
            created_at: (self.surroundings.now)(),
            params: params.without_secrets(),
        };
        self.home.store_session(&name, &stored)?;
        let session = OpenSession {
            name,
            stored,
            relay,
            sending,
        };
        Ok((session, reply))
    }

    /// The relay's sessions: its answer, and its result where it could be read.
    ///
    /// # Errors
    /// No relay; no answer. A refusal is an answer.
    pub async fn list_sessions(
        &self,
        timeout: Option<Duration>,
    ) -> Outcome<(Option<ListResult>, Reply)> {
        let request = Request::new(CommandName::SessionList, &Empty {})?;
        let relay = self.running()?;
        let call = RawCall {
            timeout,
            ..RawCall::new(request.command.as_str(), &request.params)
        };
        let reply = patience::call(&relay.endpoint, &call).await?;
        let list = reply.result().is_ok().then(|| reply.typed::<ListResult>());
        let list = list.and_then(Result::ok).map(|(list, _)| list);
        Ok((list, reply))
    }
}

/// What of `session.create`'s result is needed here; a newer relay may say more.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Created {
    session_id: SessionId,
    lease_id: LeaseId,
}

/// The instance of a relay that has no file here.
async fn instance_of(relay: &Relay) -> Outcome<String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Instance {
        instance_id: String,
    }
    let status = post::status(&relay.endpoint).await?;
    Ok(parsed::<Instance>(&status)?.instance_id)
}

/// Without its relay a session is no more: what there is to do is to open another.
fn ended_with_relay(name: &str, failure: Failure) -> Failure {
    match failure {
        Failure::Here(fault) if fault.code == ErrorCode::CliDaemonUnavailable => {
            let message = format!(
                "{}; session {name:?} ended with it, and odb-cli open URL makes a new one",
                fault.message
            );
            Fault { message, ..*fault }.into()
        }
        other => other,
    }
}

pub(crate) fn missing(name: &str, why: &str) -> Failure {
    Fault::new(ErrorCode::CliSessionMissing, why)
        .with("session", name)
        .into()
}
