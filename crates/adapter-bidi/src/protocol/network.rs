//! `network.*`

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{Empty, command};

/// `network.setCacheBehavior`
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SetCacheBehavior<'a> {
    pub(crate) cache_behavior: &'static str,
    pub(crate) contexts: [&'a str; 1],
}
command!(SetCacheBehavior<'a> "network.setCacheBehavior" -> Empty);

/// Of every network event, with what only some of them have.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Exchange<'a> {
    pub(crate) context: Option<&'a str>,
    pub(crate) navigation: Option<&'a str>,
    #[serde(default)]
    pub(crate) redirect_count: u32,
    #[serde(borrow)]
    pub(crate) request: RequestData<'a>,
    #[serde(borrow)]
    pub(crate) response: Option<ResponseData<'a>>,
    pub(crate) error_text: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RequestData<'a> {
    pub(crate) request: &'a str,
    pub(crate) url: String,
    pub(crate) method: String,
    #[serde(default)]
    pub(crate) destination: Option<&'a str>,
    #[serde(default)]
    pub(crate) initiator_type: Option<&'a str>,
    #[serde(borrow)]
    pub(crate) headers: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ResponseData<'a> {
    pub(crate) url: String,
    pub(crate) status: u16,
    #[serde(default)]
    pub(crate) mime_type: String,
    #[serde(borrow)]
    pub(crate) headers: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Header<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    value: HeaderValue<'a>,
}

#[derive(Deserialize)]
struct HeaderValue<'a> {
    #[serde(borrow, default)]
    value: Option<&'a RawValue>,
}

/// Whether a list of headers has `name` with a value that contains `part`. Decoded only where it matters.
pub(crate) fn has_header(headers: Option<&RawValue>, name: &str, part: &str) -> bool {
    let headers = headers.and_then(|headers| serde_json::from_str::<Vec<Header<'_>>>(headers.get()).ok());
    headers
        .into_iter()
        .flatten()
        .any(|header| header.name.eq_ignore_ascii_case(name) && header.value.value.is_some_and(|value| value.get().contains(part)))
}
