//! A request on its way through the runtime: what travels with it, and what it comes to.

use std::sync::Arc;
use std::time::Duration;

use ops_contracts::wire::command::Command;
use ops_contracts::wire::command::session::Grant;
use ops_contracts::wire::ids::RequestId;
use ops_contracts::wire::routing::LegacyLane;
use ops_contracts::{ErrorCode, Fault, Outcome};
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::time::Instant;

use crate::meter::Meter;

/// What travels with a call from its arrival to its end.
#[derive(Debug, Clone)]
pub(crate) struct CallContext {
    /// The request that the call answers.
    pub(crate) request: RequestId,
    /// When it has to have ended.
    pub(crate) deadline: Instant,
    /// Where its time goes.
    pub(crate) meter: Arc<Meter>,
    /// Whether its caller could have a new session of the legacy lane; nothing where there is no such lane.
    pub(crate) legacy: Option<LegacyLane>,
}

impl CallContext {
    /// The context of a call that may take `timeout` from now on.
    pub(crate) fn new(request: RequestId, timeout: Duration, meter: Arc<Meter>) -> Self {
        Self {
            request,
            deadline: Instant::now() + timeout,
            meter,
            legacy: None,
        }
    }

    /// The same for a caller to whom the legacy lane is open or closed.
    pub(crate) fn beside(self, legacy: Option<LegacyLane>) -> Self {
        Self { legacy, ..self }
    }
}

/// What a command returned.
#[derive(Debug, Clone)]
pub(crate) struct Answered {
    /// Its result's JSON.
    pub(crate) result: Arc<RawValue>,
    /// The session that its caller may act on from now on.
    pub(crate) granted: Option<Grant>,
}

/// What a call came to.
pub(crate) type Answer = Outcome<Answered>;

impl Answered {
    /// The result of the command `C`, written as JSON.
    ///
    /// # Errors
    /// `ops_internal` for a result that JSON can't express.
    pub(crate) fn of<C: Command>(result: &C::Result) -> Answer {
        Ok(Self {
            result: encode(result)?,
            granted: C::granted(result),
        })
    }
}

/// A value's JSON.
///
/// # Errors
/// `ops_internal` for what JSON can't express.
pub(crate) fn encode(value: &impl Serialize) -> Outcome<Arc<RawValue>> {
    serde_json::value::to_raw_value(value)
        .map(Arc::from)
        .map_err(|_| Fault::plain(ErrorCode::OpsInternal))
}

/// The refusal of what no adapter of a session can do, for a caller that has a legacy lane beside `/ops`: it says whether a new
/// session there is open to that caller. It stays a refusal either way. What was lacking, and what helps on `/ops`, stays in it.
pub(crate) fn beside_legacy(mut fault: Fault, legacy: Option<LegacyLane>) -> Fault {
    let Some(lane) = legacy.filter(|_| fault.code == ErrorCode::OpsNotSupported) else {
        return fault;
    };
    let why = match lane {
        LegacyLane::Open => {
            fault.code = ErrorCode::OpsNewLegacySessionRequired;
            "a new session of /cdp, which is open to this client, speaks the raw protocol"
        }
        LegacyLane::Closed(cause) => {
            fault.code = ErrorCode::RelayLegacyCdpOptInRequired;
            if cause != fault.code {
                fault = fault.with("cause", cause);
            }
            "this client is not routed to /cdp"
        }
    };
    fault.message = format!("{}: /ops can't do this here, and {why}", fault.message);
    let lacking = ["primitive", "capability", "field", "adapter"];
    let lacking = lacking.iter().find_map(|key| fault.details.get(key));
    match lacking.cloned() {
        Some(operation) => fault.with("operation", operation),
        None => fault,
    }
}
