//! Parameters and results of `storage.*`.
//!
//! Cookies and states have the fields of the storage-state files that other tools write, so that one can be used for the other.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{InvalidField, Params};
use crate::wire::ids::{BlobId, FrameId, TargetId};
use crate::wire::secret::Secret;

/// The most cookies or items of one request.
const MAX_ENTRIES: usize = 1_000;
/// What browsers take of a cookie's name and value together, in bytes.
const MAX_COOKIE: usize = 4_096;

/// Which cross-site requests carry a cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum SameSite {
    /// None.
    Strict,
    /// Navigations of the top frame by a safe method.
    Lax,
    /// All; such a cookie must be secure.
    None,
}

/// A cookie as the browser holds it.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Cookie {
    /// Its name.
    pub name: String,
    /// Its value: often a secret.
    pub value: Secret,
    /// Its host, or its domain with a leading dot.
    pub domain: String,
    /// Its path.
    #[serde(default = "root")]
    pub path: String,
    /// When it expires, in seconds since the Unix epoch; -1 when it ends with the browser.
    #[serde(default = "session_end")]
    pub expires: f64,
    /// Whether scripts can't see it.
    #[serde(default)]
    pub http_only: bool,
    /// Whether it is sent over secure connections alone.
    #[serde(default)]
    pub secure: bool,
    /// Which cross-site requests carry it; the browser's default when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub same_site: Option<SameSite>,
    /// The top-level site that it is bound to, where it is partitioned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partition_key: Option<String>,
    /// Whether a partitioned cookie was set below a cross-site ancestor.
    #[serde(
        default,
        alias = "_crHasCrossSiteAncestor",
        skip_serializing_if = "Option::is_none"
    )]
    pub cross_site_ancestor: Option<bool>,
}

impl std::fmt::Debug for Cookie {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Cookie({} of {}{})", self.name, self.domain, self.path)
    }
}

fn root() -> String {
    "/".to_owned()
}

fn session_end() -> f64 {
    -1.0
}

impl Cookie {
    /// Checks what browsers would refuse without saying why.
    fn validate(&self, field: &str) -> Result<(), InvalidField> {
        check_pair(&self.name, &self.value, field)?;
        if self.domain.is_empty()
            || self
                .domain
                .bytes()
                .any(|b| b <= b' ' || b"/;,@?#".contains(&b))
        {
            return Err(InvalidField::new(
                format!("{field}.domain"),
                "a host, or a domain with a leading dot",
            ));
        }
        check_rest(&self.path, self.expires, field)?;
        if self.same_site == Some(SameSite::None) && !self.secure {
            return Err(InvalidField::new(
                format!("{field}.sameSite"),
                "None only beside secure: browsers refuse it otherwise",
            ));
        }
        Ok(())
    }
}

fn check_pair(name: &str, value: &str, field: &str) -> Result<(), InvalidField> {
    let bad = |text: &str, more: &[u8]| {
        text.bytes()
            .any(|b| b < b' ' || b == 0x7f || b == b';' || more.contains(&b))
    };
    if bad(name, b"=") || (name.is_empty() && value.is_empty()) {
        return Err(InvalidField::new(
            format!("{field}.name"),
            "a name without control characters, ; and =",
        ));
    }
    if bad(value, b"") {
        return Err(InvalidField::new(
            format!("{field}.value"),
            "a value without control characters and ;",
        ));
    }
    if name.len() + value.len() > MAX_COOKIE {
        return Err(InvalidField::new(
            format!("{field}.value"),
            format!("with the name at most {MAX_COOKIE} bytes"),
        ));
    }
    Ok(())
}

fn check_rest(path: &str, expires: f64, field: &str) -> Result<(), InvalidField> {
    if !path.starts_with('/')
        || path.len() > 1_024
        || path.bytes().any(|b| b < b' ' || b == b';' || b == 0x7f)
    {
        return Err(InvalidField::new(
            format!("{field}.path"),
            "a path that begins with / and has at most 1024 bytes",
        ));
    }
    if !expires.is_finite() || (expires < 0.0 && (expires + 1.0).abs() > f64::EPSILON) {
        return Err(InvalidField::new(
            format!("{field}.expires"),
            "seconds since the Unix epoch, or -1 for a session cookie",
        ));
    }
    Ok(())
}

/// Parameters of `storage.cookies.get`; without any, all cookies of the session.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CookiesGetParams {
    /// Only those that a request to this URL would carry, as far as domain, path and security decide.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Only those of this name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Only those of this domain and its subdomains.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
}

impl Params for CookiesGetParams {
    fn validate(&self) -> Result<(), InvalidField> {
        if self.url.as_deref().is_some_and(|url| !is_web(url)) {
            return Err(InvalidField::new(
                "url",
                "an absolute URL of the scheme http or https",
            ));
        }
        Ok(())
    }
}

fn is_web(url: &str) -> bool {
    let rest = url
        .strip_prefix("http://")
        .or_else(|| url.strip_prefix("https://"));
    rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['/', '?', '#']))
        && !url.bytes().any(|b| b <= b' ')
}

/// Result of `storage.cookies.get` and `storage.cookies.set`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CookiesResult {
    /// The cookies, by domain, path and name.
    pub cookies: Vec<Cookie>,
}

/// A cookie to be set: for a URL's host, or for a domain; for the current page's host when neither is given.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewCookie {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: Secret,
    /// A URL whose host it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// A host, or a domain with a leading dot, which includes the subdomains.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// Its path; `/` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// When it expires, in seconds since the Unix epoch; with the browser when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<f64>,
    /// Whether scripts can't see it.
    #[serde(default)]
    pub http_only: bool,
    /// Whether it is sent over secure connections alone; as the URL's scheme when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secure: Option<bool>,
    /// Which cross-site requests carry it; the browser's default when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub same_site: Option<SameSite>,
}

impl std::fmt::Debug for NewCookie {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "NewCookie({})", self.name)
    }
}

/// Parameters of `storage.cookies.set`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CookiesSetParams {
    /// The cookies, 1 to 1,000.
    pub cookies: Vec<NewCookie>,
}

impl Params for CookiesSetParams {
    fn validate(&self) -> Result<(), InvalidField> {
        within("cookies", self.cookies.len())?;
        for (at, cookie) in self.cookies.iter().enumerate() {
            let field = format!("cookies[{at}]");
            if cookie.url.is_some() && cookie.domain.is_some() {
                return Err(InvalidField::new(field, "at most one of url and domain"));
            }
            if cookie.url.as_deref().is_some_and(|url| !is_web(url)) {
                return Err(InvalidField::new(
                    format!("{field}.url"),
                    "an absolute URL of the scheme http or https",
                ));
            }
            // The host is the page's own business where none is named.
            let whole = Cookie {
                name: cookie.name.clone(),
                value: cookie.value.clone(),
                domain: cookie.domain.clone().unwrap_or_else(|| "host".to_owned()),
                path: cookie.path.clone().unwrap_or_else(root),
                expires: cookie.expires.unwrap_or(-1.0),
                http_only: cookie.http_only,
                secure: cookie.secure.unwrap_or(
                    cookie.url.is_none()
                        || cookie
                            .url
                            .as_deref()
                            .is_some_and(|url| url.starts_with("https:")),
                ),
                same_site: cookie.same_site,
                partition_key: None,
                cross_site_ancestor: None,
            };
            whole.validate(&field)?;
        }
        Ok(())
    }
}

fn within(field: &str, count: usize) -> Result<(), InvalidField> {
    if (1..=MAX_ENTRIES).contains(&count) {
        Ok(())
    } else {
        Err(InvalidField::new(
            field,
            format!("1 to {MAX_ENTRIES} entries"),
        ))
    }
}

/// Parameters of `storage.cookies.clear`; without any, all cookies of the session.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CookiesClearParams {
    /// Only those of this name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Only those of this domain and its subdomains.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// Only those of exactly this path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
}

impl Params for CookiesClearParams {}

/// Result of `storage.*.clear`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClearedResult {
    /// How many entries are gone.
    pub cleared: u32,
}

/// An entry of a web storage.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StorageItem {
    /// Its key.
    pub name: String,
    /// Its value: often a secret.
    pub value: Secret,
}

impl std::fmt::Debug for StorageItem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "StorageItem({})", self.name)
    }
}

/// Parameters of `storage.local.get`, `storage.session.get` and their `clear`: the storage of a frame's origin.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WebStorageParams {
    /// Only the entry under this key; all when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The frame; the main frame when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frame: Option<FrameId>,
    /// The page; the current one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_id: Option<TargetId>,
}

impl Params for WebStorageParams {}

/// Result of `storage.local.get` and `storage.session.get`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WebStorageResult {
    /// The origin whose storage it is.
    pub origin: String,
    /// The entries, by key.
    pub items: Vec<StorageItem>,
}

/// Parameters of `storage.local.set` and `storage.session.set`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WebStorageSetParams {
    /// The entries, 1 to 1,000; others stay as they are.
    pub items: Vec<StorageItem>,
    /// The frame; the main frame when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frame: Option<FrameId>,
    /// The page; the current one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_id: Option<TargetId>,
}

impl Params for WebStorageSetParams {
    fn validate(&self) -> Result<(), InvalidField> {
        within("items", self.items.len())
    }
}

/// Result of `storage.local.set` and `storage.session.set`, after the entries were read back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StoredResult {
    /// The origin whose storage it is.
    pub origin: String,
    /// How many entries were stored.
    pub stored: u32,
}

/// The local storage of an origin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OriginState {
    /// The origin, as `https://example.com`.
    pub origin: String,
    /// Its entries.
    #[serde(default)]
    pub local_storage: Vec<StorageItem>,
}

/// What logs a user in: cookies, and the local storage of origins.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StorageState {
    /// The cookies.
    #[serde(default)]
    pub cookies: Vec<Cookie>,
    /// The local storage, by origin.
    #[serde(default)]
    pub origins: Vec<OriginState>,
}

impl StorageState {
    /// Reads a state out of the JSON text of a file.
    ///
    /// # Errors
    /// The first field that is wrong.
    pub fn parse(text: &str) -> Result<Self, InvalidField> {
        // Serde reads a struct from an array as well, by position.
        if !text.trim_start().starts_with('{') {
            return Err(InvalidField::new(
                "state",
                "an object with cookies and origins",
            ));
        }
        let state: Self = super::parse_json(text)?;
        state.validate().map(|()| state)
    }

    /// Checks what types can't say.
    ///
    /// # Errors
    /// The first field that is wrong.
    pub fn validate(&self) -> Result<(), InvalidField> {
        for (at, cookie) in self.cookies.iter().enumerate() {
            cookie.validate(&format!("state.cookies[{at}]"))?;
        }
        for (at, origin) in self.origins.iter().enumerate() {
            if !is_origin(&origin.origin) {
                let field = format!("state.origins[{at}].origin");
                return Err(InvalidField::new(
                    field,
                    "scheme and host alone, as https://example.com",
                ));
            }
        }
        Ok(())
    }
}

fn is_origin(text: &str) -> bool {
    let host = text
        .strip_prefix("http://")
        .or_else(|| text.strip_prefix("https://"));
    host.is_some_and(|host| {
        !host.is_empty() && !host.bytes().any(|b| b <= b' ' || b"/?#@\\".contains(&b))
    })
}

/// Parameters of `storage.state.export`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StateExportParams {
    /// Origins to look at beside those that the session has visited, as those of a profile's earlier sessions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub origins: Vec<String>,
}

impl Params for StateExportParams {
    fn validate(&self) -> Result<(), InvalidField> {
        match self.origins.iter().position(|origin| !is_origin(origin)) {
            Some(at) => Err(InvalidField::new(
                format!("origins[{at}]"),
                "scheme and host alone, as https://example.com",
            )),
            None => Ok(()),
        }
    }
}

/// An origin whose storage could not be reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SkippedOrigin {
    /// The origin.
    pub origin: String,
    /// Why.
    pub reason: String,
}

/// Result of `storage.state.export`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StateExportResult {
    /// All cookies of the session, and the local storage of every origin that has any.
    pub state: StorageState,
    /// Origins whose storage could not be read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skipped: Vec<SkippedOrigin>,
}

/// Parameters of `storage.state.import`; exactly one of `state` and `blobId`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StateImportParams {
    /// The state itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<StorageState>,
    /// A blob that holds the state as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blob_id: Option<BlobId>,
    /// Clears all cookies and the named origins' local storage first.
    #[serde(default)]
    pub replace: bool,
}

impl Params for StateImportParams {
    fn validate(&self) -> Result<(), InvalidField> {
        match (&self.state, &self.blob_id) {
            (Some(state), None) => state.validate(),
            (None, Some(_)) => Ok(()),
            _ => Err(InvalidField::new(
                "params",
                "exactly one of state and blobId",
            )),
        }
    }
}

/// Result of `storage.state.import`, after everything was read back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StateImportResult {
    /// Cookies that were set.
    pub cookies: u32,
    /// Origins whose local storage was written.
    pub origins: u32,
    /// Entries that were written there.
    pub items: u32,
}
