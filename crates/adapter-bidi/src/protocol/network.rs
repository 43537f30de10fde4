//! `network.*`

use std::borrow::Cow;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use super::{Empty, command, open_enum};

/// `network.addDataCollector`: keeps bodies up to a size, for all pages of a user context.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AddDataCollector<'a> {
    pub(crate) data_types: &'static [DataType],
    pub(crate) max_encoded_data_size: u32,
    pub(crate) user_contexts: [&'a str; 1],
}
command!(AddDataCollector<'a> "network.addDataCollector" -> Collector);

#[derive(Deserialize)]
pub(crate) struct Collector {
    pub(crate) collector: String,
}

/// `network.removeDataCollector`
#[derive(Serialize)]
pub(crate) struct RemoveDataCollector<'a> {
    pub(crate) collector: &'a str,
}
command!(RemoveDataCollector<'a> "network.removeDataCollector" -> Empty);

/// Whose body.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum DataType {
    Request,
    Response,
}

/// `network.getData`
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GetData<'a> {
    pub(crate) request: &'a str,
    pub(crate) data_type: DataType,
}
command!(GetData<'a> "network.getData" -> Data);

#[derive(Deserialize)]
pub(crate) struct Data {
    pub(crate) bytes: BytesValue,
}

open_enum! {
    /// How bytes are written.
    BytesType {
        String = "string",
        Base64 = "base64",
    }
}

/// Bytes, as text or as base64.
#[derive(Deserialize)]
pub(crate) struct BytesValue {
    pub(crate) r#type: BytesType,
    pub(crate) value: String,
}

impl BytesValue {
    /// The bytes; `None` when they are not what they say.
    pub(crate) fn decode(self) -> Option<Vec<u8>> {
        match self.r#type {
            BytesType::String => Some(self.value.into_bytes()),
            BytesType::Base64 => BASE64_STANDARD.decode(self.value).ok(),
            BytesType::Unknown => None,
        }
    }
}

/// The same the other way.
#[derive(Serialize)]
pub(crate) struct GivenBytes {
    r#type: &'static str,
    value: String,
}

impl GivenBytes {
    pub(crate) fn text(value: String) -> Self {
        Self {
            r#type: "string",
            value,
        }
    }

    pub(crate) fn bytes(bytes: &[u8]) -> Self {
        Self {
            r#type: "base64",
            value: BASE64_STANDARD.encode(bytes),
        }
    }
}

/// A header as commands take it.
#[derive(Serialize)]
pub(crate) struct GivenHeader {
    name: String,
    value: GivenBytes,
}

impl GivenHeader {
    pub(crate) fn list(headers: impl IntoIterator<Item = (String, String)>) -> Vec<Self> {
        headers
            .into_iter()
            .map(|(name, value)| Self {
                name,
                value: GivenBytes::text(value),
            })
            .collect()
    }
}

/// `network.addIntercept`: for pages, or for everything.
#[derive(Serialize)]
pub(crate) struct AddIntercept<'a> {
    pub(crate) phases: [&'static str; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) contexts: Option<[&'a str; 1]>,
}
command!(AddIntercept<'a> "network.addIntercept" -> Intercept);

#[derive(Deserialize)]
pub(crate) struct Intercept {
    pub(crate) intercept: String,
}

/// `network.removeIntercept`
#[derive(Serialize)]
pub(crate) struct RemoveIntercept<'a> {
    pub(crate) intercept: &'a str,
}
command!(RemoveIntercept<'a> "network.removeIntercept" -> Empty);

/// `network.continueRequest`
#[derive(Serialize, Default)]
pub(crate) struct ContinueRequest<'a> {
    pub(crate) request: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) method: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) headers: Option<Vec<GivenHeader>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) body: Option<GivenBytes>,
}
command!(ContinueRequest<'a> "network.continueRequest" -> Empty);

/// `network.provideResponse`
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ProvideResponse<'a> {
    pub(crate) request: &'a str,
    pub(crate) status_code: u16,
    pub(crate) headers: Vec<GivenHeader>,
    pub(crate) body: GivenBytes,
}
command!(ProvideResponse<'a> "network.provideResponse" -> Empty);

/// `network.failRequest`
#[derive(Serialize)]
pub(crate) struct FailRequest<'a> {
    pub(crate) request: &'a str,
}
command!(FailRequest<'a> "network.failRequest" -> Empty);

/// `network.continueWithAuth`
#[derive(Serialize)]
pub(crate) struct ContinueWithAuth<'a> {
    pub(crate) request: &'a str,
    /// `default`, `cancel` or `provideCredentials`.
    pub(crate) action: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) credentials: Option<Credentials>,
}
command!(ContinueWithAuth<'a> "network.continueWithAuth" -> Empty);

#[derive(Serialize)]
pub(crate) struct Credentials {
    pub(crate) r#type: &'static str,
    pub(crate) username: String,
    pub(crate) password: String,
}

/// `network.setCacheBehavior`
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SetCacheBehavior<'a> {
    pub(crate) cache_behavior: &'static str,
    pub(crate) contexts: [&'a str; 1],
}
command!(SetCacheBehavior<'a> "network.setCacheBehavior" -> Empty);

/// `network.setExtraHeaders`
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SetExtraHeaders<'a> {
    pub(crate) headers: Vec<GivenHeader>,
    pub(crate) user_contexts: [&'a str; 1],
}
command!(SetExtraHeaders<'a> "network.setExtraHeaders" -> Empty);

/// Of every network event, with what only some of them have.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Exchange<'a> {
    pub(crate) context: Option<&'a str>,
    /// It waits for a command.
    #[serde(default)]
    pub(crate) is_blocked: bool,
    pub(crate) navigation: Option<&'a str>,
    #[serde(default)]
    pub(crate) redirect_count: u32,
    #[serde(borrow)]
    pub(crate) request: RequestData<'a>,
    #[serde(borrow)]
    pub(crate) response: Option<ResponseData<'a>>,
    pub(crate) error_text: Option<String>,
    /// Unix milliseconds.
    #[serde(default)]
    pub(crate) timestamp: f64,
}

/// What is needed to let a request pass of which nothing else is understood.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Blocked<'a> {
    #[serde(default)]
    pub(crate) is_blocked: bool,
    #[serde(borrow)]
    pub(crate) request: RequestId<'a>,
}

#[derive(Deserialize)]
pub(crate) struct RequestId<'a> {
    pub(crate) request: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RequestData<'a> {
    pub(crate) request: &'a str,
    pub(crate) url: String,
    pub(crate) method: String,
    /// Of its body, in bytes.
    pub(crate) body_size: Option<f64>,
    #[serde(default)]
    pub(crate) destination: Option<&'a str>,
    #[serde(default)]
    pub(crate) initiator_type: Option<&'a str>,
    #[serde(borrow)]
    pub(crate) headers: Option<&'a RawValue>,
    #[serde(default)]
    pub(crate) timings: Timings,
}

/// Points in time in Unix milliseconds; 0 for what has not been.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Timings {
    pub(crate) request_time: f64,
    pub(crate) dns_start: f64,
    pub(crate) dns_end: f64,
    pub(crate) connect_start: f64,
    pub(crate) connect_end: f64,
    pub(crate) tls_start: f64,
    pub(crate) tls_end: f64,
    pub(crate) request_start: f64,
    pub(crate) response_start: f64,
    pub(crate) response_end: f64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ResponseData<'a> {
    pub(crate) url: String,
    #[serde(deserialize_with = "status")]
    pub(crate) status: u16,
    #[serde(default)]
    pub(crate) status_text: String,
    #[serde(default)]
    pub(crate) mime_type: String,
    #[serde(default)]
    pub(crate) protocol: Option<String>,
    #[serde(default)]
    pub(crate) from_cache: bool,
    #[serde(default)]
    pub(crate) bytes_received: Option<f64>,
    #[serde(borrow)]
    pub(crate) headers: Option<&'a RawValue>,
}

/// Chromedriver tells -1 of a response that asks for credentials: 0 then.
fn status<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u16, D::Error> {
    Ok(u16::try_from(i64::deserialize(deserializer)?).unwrap_or_default())
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
    let headers =
        headers.and_then(|headers| serde_json::from_str::<Vec<Header<'_>>>(headers.get()).ok());
    headers.into_iter().flatten().any(|header| {
        header.name.eq_ignore_ascii_case(name)
            && header
                .value
                .value
                .is_some_and(|value| value.get().contains(part))
    })
}

#[derive(Deserialize)]
struct WholeHeader {
    name: String,
    value: BytesValue,
}

/// All headers, in their order. Bytes that are no text are shown as such.
pub(crate) fn all_headers(headers: Option<&RawValue>) -> Vec<(String, String)> {
    let headers = headers
        .and_then(|headers| serde_json::from_str::<Vec<WholeHeader>>(headers.get()).ok())
        .unwrap_or_default();
    let text = |value: BytesValue| {
        String::from_utf8_lossy(&value.decode().unwrap_or_default()).into_owned()
    };
    headers
        .into_iter()
        .map(|header| (header.name, text(header.value)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_whatever_their_values_are_written_as() {
        let json = r#"[{"name":"A","value":{"type":"string","value":"b"}},{"name":"C","value":{"type":"base64","value":"ZA=="}}]"#;
        let raw = RawValue::from_string(json.to_owned()).unwrap();
        assert_eq!(
            all_headers(Some(&raw)),
            [
                ("A".to_owned(), "b".to_owned()),
                ("C".to_owned(), "d".to_owned())
            ]
        );
        assert!(has_header(Some(&raw), "a", "b") && !has_header(Some(&raw), "a", "x"));
        assert!(all_headers(None).is_empty());
    }
}
