//! `browser.*`

use serde::{Deserialize, Serialize};

use super::session::Proxy;
use super::{Empty, command};

/// `browser.close`
#[derive(Serialize)]
pub(crate) struct Close {}
command!(Close "browser.close" -> Empty);

/// `browser.createUserContext`
#[derive(Serialize)]
pub(crate) struct CreateUserContext {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) proxy: Option<Proxy>,
}
command!(CreateUserContext "browser.createUserContext" -> UserContext);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UserContext {
    pub(crate) user_context: String,
}

/// `browser.getUserContexts`
#[derive(Serialize)]
pub(crate) struct GetUserContexts {}
command!(GetUserContexts "browser.getUserContexts" -> Empty);

/// `browser.removeUserContext`
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RemoveUserContext<'a> {
    pub(crate) user_context: &'a str,
}
command!(RemoveUserContext<'a> "browser.removeUserContext" -> Empty);

/// `browser.setDownloadBehavior`
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SetDownloadBehavior<'a> {
    pub(crate) download_behavior: DownloadBehavior<'a>,
    pub(crate) user_contexts: [&'a str; 1],
}
command!(SetDownloadBehavior<'a> "browser.setDownloadBehavior" -> Empty);

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DownloadBehavior<'a> {
    pub(crate) r#type: &'static str,
    pub(crate) destination_folder: &'a str,
}

/// `browser.setClientWindowState`, for a window of a size of its own.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SetClientWindowState<'a> {
    pub(crate) client_window: &'a str,
    pub(crate) state: &'static str,
    pub(crate) width: u32,
    pub(crate) height: u32,
}
command!(SetClientWindowState<'a> "browser.setClientWindowState" -> Empty);
