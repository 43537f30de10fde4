//! The policy about commands at the edge: every request is judged by it before anything is queued, and what is to be confirmed waits
//! here for a decision of another credential than the requester's.
//!
//! It decides nothing by itself: rules are the contract's. Nothing is ever approved by time.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use ops_contracts::control::access::{
    Access, AccessPolicy, Confirmation, ConfirmationDecision, ConfirmationList, DecideConfirmation,
    LEGACY_SESSION, Requester, Ruling,
};
use ops_contracts::wire::clock::Timestamp;
use ops_contracts::wire::frame::OpsRequest;
use ops_contracts::{ErrorCode, Fault, Outcome};
use parking_lot::RwLock;
use serde_json::value::RawValue;
use tokio::time::{Instant, timeout};

use crate::gate::{Admission, Permit};
use crate::http::respond::Reply;
use crate::http::{self, Exchange};

mod shown;
mod waiting;

use shown::Shown;
use waiting::Waiting;

/// How long a confirmation may be given unless the policy says otherwise.
const CONFIRM_WITHIN: Duration = Duration::from_secs(300);

/// How long a reload waits for the policy's file: one on a disk that does not answer is one that can't be read.
const READ_WITHIN: Duration = Duration::from_secs(5);

/// Reads the policy's file; the error says what is wrong with it. It may block.
pub type ReadAccess = Arc<dyn Fn() -> Result<AccessPolicy, String> + Send + Sync>;

/// What is in force.
#[derive(Debug, Clone, Default)]
enum Loaded {
    /// No policy: every command is allowed.
    #[default]
    None,
    Policy(Arc<AccessPolicy>),
    /// One that can't be read: nothing is allowed.
    Unreadable(Arc<str>),
}

/// The policy about commands, and what waits for a confirmation.
#[derive(Default)]
pub(crate) struct AccessControl {
    read: OnceLock<ReadAccess>,
    loaded: RwLock<Loaded>,
    waiting: Waiting,
}

impl fmt::Debug for AccessControl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessControl")
    }
}

/// That a request may run once it has been confirmed.
#[derive(Debug, Clone)]
pub(crate) struct ToConfirm {
    rule: Option<String>,
    requester: Requester,
    within: Duration,
}

/// Who asks.
fn requester(permit: &Permit) -> Requester {
    Requester {
        client: permit.client().clone(),
        kind: permit.kind(),
        pairing: permit.pairing().map(str::to_owned),
        admin: permit.is_admin(),
    }
}

/// What a requester presented beside the relay token.
fn credentials(requester: &Requester) -> Vec<String> {
    let pairing = requester.pairing.as_ref().map(|id| format!("pairing:{id}"));
    requester
        .admin
        .then(|| "admin".to_owned())
        .into_iter()
        .chain(pairing)
        .collect()
}

impl AccessControl {
    /// Puts the policy that `read` gives in force, now and at every reload. Only the first call counts.
    pub(crate) fn equip(&self, read: ReadAccess) {
        let first = read();
        if self.read.set(read).is_ok() {
            self.put_in_force(first);
        }
    }

    /// Reads the policy again. One that can't be read, or not in time, allows nothing from now on.
    pub(crate) async fn reload(&self) {
        let Some(read) = self.read.get().cloned() else {
            return;
        };
        let reading = tokio::task::spawn_blocking(move || read());
        // What is read after that time goes nowhere: a later reload may have put a newer policy in force.
        let read = match timeout(READ_WITHIN, reading).await {
            Ok(read) => read.unwrap_or_else(|_| Err("reading it panicked".to_owned())),
            Err(_) => Err(format!("it was not read within {READ_WITHIN:?}")),
        };
        self.put_in_force(read);
    }

    fn put_in_force(&self, read: Result<AccessPolicy, String>) {
        let loaded = match read {
            Ok(policy) => Loaded::Policy(Arc::new(policy)),
            Err(why) => {
                tracing::error!(code = %ErrorCode::RelayPolicyUnreadable, "the command policy can't be read, nothing is allowed: {why}");
                Loaded::Unreadable(why.into())
            }
        };
        *self.loaded.write() = loaded;
    }

    fn loaded(&self) -> Loaded {
        self.loaded.read().clone()
    }

    /// Judges a request; what it has to be confirmed by, where it has to be.
    ///
    /// # Errors
    /// `relay_policy_denied` naming the rule, `relay_policy_unreadable`.
    pub(crate) fn judge(
        &self,
        permit: &Permit,
        request: &OpsRequest,
    ) -> Outcome<Option<ToConfirm>> {
        self.judged(permit, request.command.as_str(), &request.params)
    }

    /// Judges the opening of a session of the legacy lane. What would have to be confirmed is refused there.
    ///
    /// # Errors
    /// As `judge`.
    pub(crate) fn judge_legacy(&self, permit: &Permit) -> Outcome<()> {
        match self.judged(permit, LEGACY_SESSION, RawValue::NULL)? {
            None => Ok(()),
            Some(confirm) => Err(denied(LEGACY_SESSION, confirm.rule.as_deref())),
        }
    }

    fn judged(
        &self,
        permit: &Permit,
        command: &str,
        params: &RawValue,
    ) -> Outcome<Option<ToConfirm>> {
        let policy = match self.loaded() {
            Loaded::None => return Ok(None),
            Loaded::Policy(policy) => policy,
            Loaded::Unreadable(why) => {
                let message = format!(
                    "the relay's command policy can't be read, so nothing is allowed: {why}"
                );
                return Err(Fault::new(ErrorCode::RelayPolicyUnreadable, message));
            }
        };
        let requester = requester(permit);
        let Ruling { access, rule } = policy.ruling(command, params, &requester);
        match access {
            Access::Allow => Ok(None),
            Access::Deny => Err(denied(command, rule)),
            Access::Confirm => {
                let within = policy
                    .confirm_within_ms
                    .map_or(CONFIRM_WITHIN, Duration::from_millis);
                Ok(Some(ToConfirm {
                    rule: rule.map(str::to_owned),
                    requester,
                    within,
                }))
            }
        }
    }

    /// Waits until a request is confirmed, at most until `deadline`.
    ///
    /// # Errors
    /// `relay_confirmation_denied`; `relay_confirmation_timeout` when nobody has decided: the same request, sent again, goes on
    /// waiting for the same decision; `relay_confirmation_limit`.
    pub(crate) async fn confirmed(
        &self,
        ask: &ToConfirm,
        request: &OpsRequest,
        now: Timestamp,
        deadline: Instant,
    ) -> Outcome<()> {
        let shown = Shown::of(request.command.as_str(), &request.params);
        let asked = Confirmation {
            id: waiting::id()?,
            command: request.command.to_string(),
            params: shown.params,
            params_sha256: shown.sha256,
            complete: shown.complete,
            rule: ask.rule.clone(),
            request_id: request.request_id.clone(),
            session_id: request.session_id.clone(),
            client_id: ask.requester.client.clone(),
            credentials: credentials(&ask.requester),
            asked_at: now,
            expires_at: now.plus(ask.within),
        };
        self.waiting
            .decided(asked, &request.params, ask.within, deadline)
            .await
    }
}

fn denied(command: &str, rule: Option<&str>) -> Fault {
    let by = rule.map_or_else(
        || "the default of the relay's policy".to_owned(),
        |rule| format!("the rule {rule:?}"),
    );
    let fault = Fault::new(
        ErrorCode::RelayPolicyDenied,
        format!("{command} is denied by {by}"),
    )
    .with("command", command);
    match rule {
        Some(rule) => fault.with("rule", rule),
        None => fault.with("rule", "default"),
    }
}

/// `GET /confirmations`: what waits, for those who may decide about something.
///
/// # Errors
/// `relay_confirmation_forbidden` without the admin token and, where clients must pair, a pairing.
pub(crate) async fn list(exchange: Exchange) -> Outcome<Reply> {
    let admission = &exchange.edge().admission;
    decider(admission, &exchange.permit)?;
    http::json(&ConfirmationList {
        confirmations: admission.access.waiting.list(),
    })
}

/// `POST /confirmations`: a decision; answers with what it is about.
///
/// # Errors
/// `relay_frame_invalid` naming the field; `relay_confirmation_unknown`; `relay_confirmation_forbidden` for a credential of the
/// requester's own, and without any beside the relay token, which requesters have as well.
pub(crate) async fn decide(mut exchange: Exchange) -> Outcome<Reply> {
    let DecideConfirmation { id, decision } = exchange.json().await?;
    let admission = &exchange.edge().admission;
    let mine = decider(admission, &exchange.permit)?;
    let waiting = &admission.access.waiting;
    let decided = waiting.decide(&id, decision, |asked| {
        if asked
            .credentials
            .iter()
            .any(|credential| mine.contains(credential))
        {
            let why = "the one who asks can't decide: another credential has to";
            return Err(forbidden(why));
        }
        Ok(())
    })?;
    tracing::info!(
        target: "ops",
        requestId = %decided.request_id,
        sessionId = decided.session_id.as_ref().map(tracing::field::display),
        confirmation = %decided.id,
        command = %decided.command,
        approved = decision == ConfirmationDecision::Approve,
        by = ?mine,
        "confirmation"
    );
    http::json(&decided)
}

fn decider(admission: &Admission, permit: &Permit) -> Outcome<Vec<String>> {
    let mine = credentials(&requester(permit));
    // Where clients need not pair, who asks leaves its pairing out and is nobody in particular: another pairing than the
    // requester's may well be the requester's.
    if !admission.pairing.required && !permit.is_admin() {
        return Err(forbidden(
            "where clients need not pair, the admin token alone decides: present it",
        ));
    }
    if mine.is_empty() {
        return Err(forbidden(
            "the relay token alone decides nothing: present the admin token, or a pairing",
        ));
    }
    Ok(mine)
}

fn forbidden(why: &str) -> Fault {
    Fault::new(ErrorCode::RelayConfirmationForbidden, why)
}
