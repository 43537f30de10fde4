//! `goog:cdp.*`: chromedriver's way through to the browser's own protocol.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::command;

/// `goog:cdp.getSession`: the driver's own session with a page.
#[derive(Serialize)]
pub(crate) struct GetSession<'a> {
    pub(crate) context: &'a str,
}
command!(GetSession<'a> "goog:cdp.getSession" -> Session);

#[derive(Deserialize)]
pub(crate) struct Session {
    pub(crate) session: String,
}

/// `goog:cdp.sendCommand`
#[derive(Serialize)]
pub(crate) struct SendCommand<'a> {
    pub(crate) method: &'a str,
    pub(crate) params: &'a RawValue,
    pub(crate) session: &'a str,
}
command!(SendCommand<'a> "goog:cdp.sendCommand" -> Sent);

#[derive(Deserialize)]
pub(crate) struct Sent {
    pub(crate) result: Box<RawValue>,
}

/// `goog:cdp.Inspector.targetCrashed`: the event names the driver's own session alone.
#[derive(Deserialize)]
pub(crate) struct TargetCrashed<'a> {
    pub(crate) session: &'a str,
}
