//! Sessions on the legacy lane that are kept under names. Raw messages pass as they are; what they mean is not known here.

use std::time::Duration;

use ops_client::{ClientError, Endpoint, legacy};
use ops_contracts::control::legacy::{LEASE_TTL_MS, LegacyClosed, LegacyGrant, LegacySelection};
use ops_contracts::wire::routing::{Route, RoutingMode};
use ops_contracts::{ErrorCode, Fault};

use crate::client::Client;
use crate::failure::{Failure, Outcome};
use crate::home::StoredLegacy;
use crate::relay::Relay;
use crate::session::missing;

/// A legacy session of this home, with its relay.
#[derive(Debug)]
pub struct LegacySession {
    /// The name that it is kept under.
    pub name: String,
    /// What is kept.
    pub stored: StoredLegacy,
    /// Its relay, which runs.
    pub relay: Relay,
}

impl Client {
    /// The relay as it is called for the lane: who names the lane has opted in, unless flags or a kill switch say where to go.
    ///
    /// # Errors
    /// `cli_usage_invalid` where the caller's routing contradicts the lane.
    pub fn opted_in(&self, endpoint: &Endpoint) -> Outcome<Endpoint> {
        let mut endpoint = endpoint.clone();
        let cli = &mut endpoint.routing.cli;
        match cli.routing_mode {
            Some(RoutingMode::Ops) => {
                return Err(Failure::usage(
                    "--ops-routing=ops and cdp contradict each other",
                ));
            }
            None if cli.rollout_percent.is_none()
                && cli.rollout_allowlist.is_none()
                && !self.routing.kill_switch =>
            {
                cli.routing_mode = Some(RoutingMode::LegacyCdp);
            }
            _ => {}
        }
        Ok(endpoint)
    }

    /// Opens a legacy session under a name that is free.
    ///
    /// # Errors
    /// `cli_usage_invalid` for a name that is taken; the relay's refusal; no answer.
    pub async fn open_legacy(&self, name: &str, relay: &Relay) -> Outcome<LegacyGrant> {
        let taken = self.home.legacy_session(name)?.is_none() && self.home.session(name)?.is_some();
        let now = (self.surroundings.now)();
        if taken
            || (self.usable_legacy(name, relay)?)
                .is_some_and(|stored| stored.lease_expires_at > now)
        {
            return Err(Failure::usage(format!(
                "session {name:?} is open: close it first, or use another --session"
            )));
        }
        let endpoint = self.opted_in(&relay.endpoint)?;
        let grant = legacy::open(&endpoint, LegacySelection::Explicit).await?;
        self.store_legacy(name, relay, &grant)?;
        Ok(grant)
    }

    /// Opens a legacy session for a caller that routing sent here, and the failure that says why it can't go on.
    pub(crate) async fn open_routed(&self, name: &str, relay: &Relay) -> Outcome<Failure> {
        let grant = legacy::open(&relay.endpoint, LegacySelection::Routing).await?;
        self.store_legacy(name, relay, &grant)?;
        let message = format!(
            "routing sent session {name:?} to the legacy lane: it is open there, and nothing was navigated; \
             odb-cli cdp send, cdp proxy and cdp close are what works on it"
        );
        let fault = Fault::new(ErrorCode::CliVerbUnavailableOnLegacy, message);
        Ok(fault
            .with("session", name)
            .with("sessionId", &grant.session_id)
            .with("opened", true)
            .into())
    }

    /// The legacy session that is kept under a name, its lease renewed where half of its time has passed.
    ///
    /// # Errors
    /// `cli_session_missing`; `cli_daemon_unavailable`; the relay's refusal, after which a session that is over is forgotten.
    pub async fn legacy_session(&self, name: String) -> Outcome<LegacySession> {
        let relay = self.running()?;
        let mut stored = self.usable_legacy(&name, &relay)?.ok_or_else(|| {
            let why = format!("no legacy session {name:?} is open: odb-cli cdp open makes one");
            missing(&name, &why)
        })?;
        let half = Duration::from_millis(LEASE_TTL_MS / 2);
        if stored.lease_expires_at < (self.surroundings.now)().plus(half) {
            let renewed =
                legacy::renew(&relay.endpoint, &stored.session_id, &stored.cdp_lease_id).await;
            stored.lease_expires_at = renewed
                .map_err(|error| self.forget_if_over(&name, error))?
                .lease_expires_at;
            self.home.store_legacy(&name, &stored)?;
        }
        Ok(LegacySession {
            name,
            stored,
            relay,
        })
    }

    /// Closes the legacy session that is kept under a name, and forgets it.
    ///
    /// # Errors
    /// As [`legacy_session`](Self::legacy_session).
    pub async fn close_legacy(&self, name: &str) -> Outcome<LegacyClosed> {
        let relay = self.running()?;
        let stored = self.usable_legacy(name, &relay)?;
        let stored =
            stored.ok_or_else(|| missing(name, &format!("no legacy session {name:?} is open")))?;
        let closed = legacy::close(&relay.endpoint, &stored.session_id, &stored.cdp_lease_id).await;
        let closed = closed.map_err(|error| self.forget_if_over(name, error))?;
        self.home.forget_session(name)?;
        Ok(closed)
    }

    /// The stored legacy session, unless it ended with another relay.
    fn usable_legacy(&self, name: &str, relay: &Relay) -> Outcome<Option<StoredLegacy>> {
        let stored = self.home.legacy_session(name)?;
        Ok(stored.filter(|session| session.relay_url == relay.endpoint.url.to_string()))
    }

    fn store_legacy(&self, name: &str, relay: &Relay, grant: &LegacyGrant) -> Outcome<()> {
        let stored = StoredLegacy {
            route: Route::LegacyCdp,
            session_id: grant.session_id.clone(),
            cdp_lease_id: grant.cdp_lease_id.clone(),
            lease_expires_at: grant.lease_expires_at,
            relay_url: relay.endpoint.url.to_string(),
            created_at: (self.surroundings.now)(),
        };
        self.home.store_legacy(name, &stored)
    }

    /// A session that is over is forgotten; its code is handed on.
    #[must_use]
    pub fn forget_if_over(&self, name: &str, error: ClientError) -> Failure {
        if is_over(&error) {
            // The refusal is what the user has to know.
            let _ = self.home.forget_session(name);
        }
        error.into()
    }
}

/// Whether an error says that the legacy session is no more.
#[must_use]
pub fn is_over(error: &ClientError) -> bool {
    use ErrorCode::{
        AdapterBrowserLost, RelayCdpLeaseExpired, RelayCdpNotOwner, RelayOpsTerminated,
    };
    matches!(
        error.code(),
        Some(AdapterBrowserLost | RelayCdpLeaseExpired | RelayCdpNotOwner | RelayOpsTerminated)
    )
}
