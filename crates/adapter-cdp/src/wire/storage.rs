//! Cookies.

use ops_contracts::wire::command::storage::{Cookie, SameSite};
use serde::Deserialize;

#[derive(Deserialize)]
pub(crate) struct Cookies {
    pub(crate) cookies: Vec<HeldCookie>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct HeldCookie {
    name: String,
    value: String,
    domain: String,
    path: String,
    expires: f64,
    #[serde(default)]
    http_only: bool,
    #[serde(default)]
    secure: bool,
    same_site: Option<String>,
    partition_key: Option<PartitionKey>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PartitionKey {
    top_level_site: String,
    #[serde(default)]
    has_cross_site_ancestor: bool,
}

impl From<HeldCookie> for Cookie {
    fn from(held: HeldCookie) -> Self {
        let same_site = match held.same_site.as_deref() {
            Some("Strict") => Some(SameSite::Strict),
            Some("Lax") => Some(SameSite::Lax),
            Some("None") => Some(SameSite::None),
            _ => None,
        };
        let (partition_key, cross_site_ancestor) = match held.partition_key {
            Some(key) => (Some(key.top_level_site), Some(key.has_cross_site_ancestor)),
            None => (None, None),
        };
        let HeldCookie {
            name,
            value,
            domain,
            path,
            http_only,
            secure,
            ..
        } = held;
        let expires = if held.expires < 0.0 {
            -1.0
        } else {
            held.expires
        };
        Self {
            name,
            value: value.into(),
            domain,
            path,
            expires,
            http_only,
            secure,
            same_site,
            partition_key,
            cross_site_ancestor,
        }
    }
}
