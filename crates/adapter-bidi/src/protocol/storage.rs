//! `storage.*`

use serde::{Deserialize, Serialize};

use super::{Empty, command, open_enum};

/// Whose cookies: those of a user context, or of one top-level site in it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Partition<'a> {
    pub(crate) r#type: &'static str,
    pub(crate) user_context: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) source_origin: Option<&'a str>,
}

impl<'a> Partition<'a> {
    pub(crate) fn of(user_context: &'a str, source_origin: Option<&'a str>) -> Self {
        Self {
            r#type: "storageKey",
            user_context,
            source_origin,
        }
    }
}

/// `storage.getCookies`
#[derive(Serialize)]
pub(crate) struct GetCookies<'a> {
    pub(crate) partition: Partition<'a>,
}
command!(GetCookies<'a> "storage.getCookies" -> Cookies);

#[derive(Deserialize)]
pub(crate) struct Cookies {
    pub(crate) cookies: Vec<Cookie>,
}

/// A cookie as the browser tells it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Cookie {
    pub(crate) name: String,
    pub(crate) value: OwnedBytes,
    pub(crate) domain: String,
    pub(crate) path: String,
    pub(crate) http_only: bool,
    pub(crate) secure: bool,
    pub(crate) same_site: SameSite,
    /// Seconds since the Unix epoch; absent where it ends with the browser.
    pub(crate) expiry: Option<u64>,
}

/// A value that is text, or base64 of bytes that are none.
#[derive(Deserialize)]
pub(crate) struct OwnedBytes {
    pub(crate) r#type: BytesType,
    pub(crate) value: String,
}

open_enum! {
    /// How bytes are written.
    BytesType {
        String = "string",
        Base64 = "base64",
    }
}

open_enum! {
    /// Which cross-site requests carry a cookie.
    SameSite {
        Strict = "strict",
        Lax = "lax",
        None = "none",
    }
}

/// `storage.setCookie`
#[derive(Serialize)]
pub(crate) struct SetCookie<'a> {
    pub(crate) cookie: PartialCookie<'a>,
    pub(crate) partition: Partition<'a>,
}
command!(SetCookie<'a> "storage.setCookie" -> Empty);

/// A cookie as it is to be.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PartialCookie<'a> {
    pub(crate) name: &'a str,
    pub(crate) value: Text<'a>,
    pub(crate) domain: &'a str,
    pub(crate) path: &'a str,
    pub(crate) http_only: bool,
    pub(crate) secure: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) same_site: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) expiry: Option<u64>,
}

#[derive(Serialize)]
pub(crate) struct Text<'a> {
    pub(crate) r#type: &'static str,
    pub(crate) value: &'a str,
}

/// `storage.deleteCookies`
#[derive(Serialize)]
pub(crate) struct DeleteCookies<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) filter: Option<CookieFilter<'a>>,
    pub(crate) partition: Partition<'a>,
}
command!(DeleteCookies<'a> "storage.deleteCookies" -> Empty);

#[derive(Serialize)]
pub(crate) struct CookieFilter<'a> {
    pub(crate) name: &'a str,
    pub(crate) domain: &'a str,
    pub(crate) path: &'a str,
}
