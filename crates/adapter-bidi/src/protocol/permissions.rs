//! `permissions.*`

use serde::Serialize;

use super::{Empty, command};

/// `permissions.setPermission`, for one origin in one user context.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SetPermission<'a> {
    pub(crate) descriptor: Descriptor<'a>,
    pub(crate) state: &'static str,
    pub(crate) origin: &'a str,
    pub(crate) user_context: &'a str,
}
command!(SetPermission<'a> "permissions.setPermission" -> Empty);

#[derive(Serialize)]
pub(crate) struct Descriptor<'a> {
    pub(crate) name: &'a str,
}
