//! `session.*`

use serde::{Deserialize, Serialize};

use super::{Empty, command};

/// `session.new`
#[derive(Serialize)]
pub(crate) struct New {
    pub(crate) capabilities: Capabilities,
}
command!(New "session.new" -> NewResult);

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Capabilities {
    pub(crate) always_match: Capability,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Capability {
    pub(crate) accept_insecure_certs: bool,
    pub(crate) unhandled_prompt_behavior: PromptBehavior,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) proxy: Option<Proxy>,
    #[serde(skip_serializing_if = "Option::is_none", rename = "goog:chromeOptions")]
    pub(crate) chrome_options: Option<ChromeOptions>,
}

/// What chromedriver starts, and how.
#[derive(Serialize)]
pub(crate) struct ChromeOptions {
    pub(crate) binary: String,
    pub(crate) args: Vec<String>,
}

/// A proxy by the kind of traffic, as `host:port`.
#[derive(Serialize, Default)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Proxy {
    pub(crate) proxy_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) http_proxy: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ssl_proxy: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) socks_proxy: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) socks_version: Option<u8>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) no_proxy: Vec<String>,
}

#[derive(Serialize)]
pub(crate) struct PromptBehavior {
    pub(crate) default: &'static str,
}

#[derive(Deserialize)]
pub(crate) struct NewResult {
    pub(crate) capabilities: Granted,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Granted {
    pub(crate) browser_name: String,
    pub(crate) browser_version: String,
    /// The browser's process, where a driver is between it and us.
    #[serde(rename = "goog:processID")]
    pub(crate) process: Option<u32>,
}

/// `session.subscribe`
#[derive(Serialize)]
pub(crate) struct Subscribe<'a> {
    pub(crate) events: &'a [&'a str],
}
command!(Subscribe<'a> "session.subscribe" -> Empty);
