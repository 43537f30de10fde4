//! Commands that wait for a confirmation. An approval is good for one execution of the very request that was asked about.

use std::collections::HashMap;
use std::time::Duration;

use ops_contracts::control::access::{Confirmation, ConfirmationDecision};
use ops_contracts::{ErrorCode, Fault, Outcome};
use parking_lot::{Mutex, MutexGuard};
use serde_json::Value;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use tokio::sync::watch;
use tokio::time::Instant;

/// The most commands that wait at a time, and the most of one client.
const MAX_WAITING: usize = 256;
const MAX_OF_CLIENT: usize = 32;

struct Asked {
    told: Confirmation,
    expires: Instant,
    decision: watch::Sender<Option<ConfirmationDecision>>,
}

/// What waits, by what was asked.
#[derive(Default)]
pub(super) struct Waiting(Mutex<HashMap<[u8; 32], Asked>>);

impl Waiting {
    fn lock(&self) -> MutexGuard<'_, HashMap<[u8; 32], Asked>> {
        self.0.lock()
    }

    /// Waits for the decision about a request, asking for it where nobody has; an approval is spent by it.
    pub(super) async fn decided(
        &self,
        told: Confirmation,
        params: &RawValue,
        within: Duration,
        deadline: Instant,
    ) -> Outcome<()> {
        let key = fingerprint(&told, params);
        let (mut decision, id, expires) = self.enter(key, told, within)?;
        let until = deadline.min(expires);
        // The sender ends when another execution has spent the decision, or at its time: nobody has decided about this one then.
        let ended = tokio::time::timeout_at(until, decision.wait_for(Option::is_some)).await;
        let decided = ended.ok().and_then(Result::ok).and_then(|decided| *decided);
        let spent = decided.is_some() && self.spend(&key, &id);
        match decided {
            Some(ConfirmationDecision::Approve) if spent => Ok(()),
            Some(ConfirmationDecision::Deny) => Err(Fault::new(
                ErrorCode::RelayConfirmationDenied,
                "the command was not approved",
            )
            .with("confirmationId", id)),
            _ => {
                let left = u64::try_from(
                    expires
                        .saturating_duration_since(Instant::now())
                        .as_millis(),
                )
                .unwrap_or(u64::MAX);
                let message = format!(
                    "nobody has decided in time: odb-cli confirm approve {id} with another credential lets it run"
                );
                let fault = Fault::new(ErrorCode::RelayConfirmationTimeout, message)
                    .with("confirmationId", id);
                Err(fault.with("expiresInMs", left).retry_after(0))
            }
        }
    }

    fn enter(
        &self,
        key: [u8; 32],
        told: Confirmation,
        within: Duration,
    ) -> Outcome<(
        watch::Receiver<Option<ConfirmationDecision>>,
        String,
        Instant,
    )> {
        let now = Instant::now();
        let mut waiting = self.lock();
        waiting.retain(|_, asked| asked.expires > now);
        if let Some(asked) = waiting.get(&key) {
            return Ok((
                asked.decision.subscribe(),
                asked.told.id.clone(),
                asked.expires,
            ));
        }
        let of_client = waiting
            .values()
            .filter(|asked| asked.told.client_id == told.client_id)
            .count();
        if waiting.len() >= MAX_WAITING || of_client >= MAX_OF_CLIENT {
            let fault = Fault::plain(ErrorCode::RelayConfirmationLimit)
                .with("depth", of_client)
                .with("limit", MAX_OF_CLIENT);
            return Err(fault.retry_after(1_000));
        }
        let (sender, receiver) = watch::channel(None);
        let (id, expires) = (told.id.clone(), now + within);
        tracing::info!(
            target: "ops",
            requestId = %told.request_id,
            sessionId = told.session_id.as_ref().map(tracing::field::display),
            confirmation = %id,
            command = %told.command,
            client = %told.client_id,
            "a command waits for a confirmation"
        );
        waiting.insert(
            key,
            Asked {
                told,
                expires,
                decision: sender,
            },
        );
        Ok((receiver, id, expires))
    }

    /// Takes a decision away; whether it was still there. Of two that wait for one approval, one gets it.
    fn spend(&self, key: &[u8; 32], id: &str) -> bool {
        let mut waiting = self.lock();
        if waiting.get(key).is_none_or(|asked| asked.told.id != id) {
            return false;
        }
        waiting.remove(key);
        true
    }

    /// Decides, where `may` lets it.
    pub(super) fn decide(
        &self,
        id: &str,
        decision: ConfirmationDecision,
        may: impl FnOnce(&Confirmation) -> Outcome<()>,
    ) -> Outcome<Confirmation> {
        let now = Instant::now();
        let waiting = self.lock();
        // What has been decided is no longer open, though whoever asked may not have come for it.
        let open = |asked: &&Asked| {
            asked.told.id == id && asked.expires > now && asked.decision.borrow().is_none()
        };
        let asked = waiting
            .values()
            .find(open)
            .ok_or_else(|| Fault::plain(ErrorCode::RelayConfirmationUnknown))?;
        may(&asked.told)?;
        asked.decision.send_replace(Some(decision));
        Ok(asked.told.clone())
    }

    /// What is open, the oldest first.
    pub(super) fn list(&self) -> Vec<Confirmation> {
        let now = Instant::now();
        let waiting = self.lock();
        let open = waiting
            .values()
            .filter(|asked| asked.expires > now && asked.decision.borrow().is_none());
        let mut list: Vec<_> = open.map(|asked| asked.told.clone()).collect();
        list.sort_by(|a, b| (a.asked_at, &a.id).cmp(&(b.asked_at, &b.id)));
        list
    }
}

/// A new confirmation's name.
pub(super) fn id() -> Outcome<String> {
    let mut bytes = [0_u8; 8];
    getrandom::fill(&mut bytes).map_err(|_| Fault::plain(ErrorCode::RelayInternal))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Who asks for what: another parameter, session or credential is another question.
fn fingerprint(told: &Confirmation, params: &RawValue) -> [u8; 32] {
    let canonical = serde_json::from_str::<Value>(params.get()).map(|value| value.to_string());
    let session = told
        .session_id
        .as_ref()
        .map_or("", |session| session.as_str());
    let credentials = told.credentials.join(",");
    let mut hash = Sha256::new();
    for part in [
        told.client_id.as_str(),
        &credentials,
        session,
        &told.command,
        canonical.as_deref().unwrap_or_default(),
    ] {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part.as_bytes());
    }
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use ops_contracts::wire::clock::Timestamp;

    use super::*;

    fn asked(client: &str, credentials: &[&str]) -> Confirmation {
        Confirmation {
            id: id().unwrap(),
            command: "interact.click".to_owned(),
            params: String::new(),
            params_sha256: String::new(),
            complete: true,
            rule: None,
            request_id: "r".parse().unwrap(),
            session_id: None,
            client_id: client.parse().unwrap(),
            credentials: credentials.iter().map(|text| (*text).to_owned()).collect(),
            asked_at: Timestamp::from_unix_millis(0),
            expires_at: Timestamp::from_unix_millis(0),
        }
    }

    fn raw(text: &str) -> Box<RawValue> {
        RawValue::from_string(text.to_owned()).unwrap()
    }

    const LONG: Duration = Duration::from_secs(100);

    #[tokio::test(start_paused = true)]
    async fn an_approval_is_good_once_for_the_request_that_was_asked_about() {
        let waiting = Arc::new(Waiting::default());
        let deadline = Instant::now() + LONG;
        let ask = |params: &str| {
            let (waiting, params) = (waiting.clone(), raw(params));
            tokio::spawn(async move {
                waiting
                    .decided(asked("a", &[]), &params, LONG, deadline)
                    .await
            })
        };
        let (one, other) = (ask(r#"{"a":1}"#), ask(r#"{"a":2}"#));
        while waiting.list().len() < 2 {
            tokio::task::yield_now().await;
        }
        let ids: Vec<_> = waiting
            .list()
            .iter()
            .map(|asked| asked.id.clone())
            .collect();
        let refused = waiting.decide(&ids[0], ConfirmationDecision::Approve, |_| {
            Err(ErrorCode::RelayConfirmationForbidden.into())
        });
        assert_eq!(
            refused.unwrap_err().code,
            ErrorCode::RelayConfirmationForbidden
        );
        assert_eq!(
            waiting.list().len(),
            2,
            "a decision that may not be taken decides nothing"
        );
        waiting
            .decide(&ids[0], ConfirmationDecision::Approve, |_| Ok(()))
            .unwrap();
        waiting
            .decide(&ids[1], ConfirmationDecision::Deny, |_| Ok(()))
            .unwrap();
        let outcomes = [one.await.unwrap(), other.await.unwrap()]
            .map(|outcome| outcome.map_err(|fault| fault.code));
        assert!(
            outcomes.contains(&Ok(()))
                && outcomes.contains(&Err(ErrorCode::RelayConfirmationDenied)),
            "{outcomes:?}"
        );
        let again = waiting.decide(&ids[0], ConfirmationDecision::Approve, |_| Ok(()));
        assert_eq!(again.unwrap_err().code, ErrorCode::RelayConfirmationUnknown);
        // Asked once more, it waits once more, and time approves of nothing.
        let late = waiting
            .decided(
                asked("a", &[]),
                &raw(r#"{"a":1}"#),
                LONG,
                Instant::now() + Duration::from_secs(1),
            )
            .await;
        assert_eq!(late.unwrap_err().code, ErrorCode::RelayConfirmationTimeout);
        assert_eq!(
            waiting.list().len(),
            1,
            "the question stays open for the next attempt"
        );
        let expired = waiting
            .decided(
                asked("a", &[]),
                &raw(r#"{"a":1}"#),
                LONG,
                Instant::now() + LONG * 3,
            )
            .await;
        assert_eq!(
            expired.unwrap_err().code,
            ErrorCode::RelayConfirmationTimeout
        );
        assert!(waiting.list().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn what_waits_is_bounded_by_client() {
        let waiting = Waiting::default();
        let at_once = Instant::now();
        for n in 0..MAX_OF_CLIENT {
            let outcome = waiting
                .decided(asked("a", &[]), &raw(&n.to_string()), LONG, at_once)
                .await;
            assert_eq!(
                outcome.unwrap_err().code,
                ErrorCode::RelayConfirmationTimeout
            );
        }
        let beyond = waiting
            .decided(asked("a", &[]), &raw("-1"), LONG, at_once)
            .await
            .unwrap_err();
        assert_eq!(
            (beyond.code, beyond.retry_after_ms),
            (ErrorCode::RelayConfirmationLimit, Some(1_000))
        );
        assert_eq!(
            waiting
                .decided(asked("b", &[]), &raw("-1"), LONG, at_once)
                .await
                .unwrap_err()
                .code,
            ErrorCode::RelayConfirmationTimeout
        );
    }
}
