//! Requests and their answers.

use serde::Deserialize;

use super::StackTrace;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ResponseBody {
    pub(crate) body: String,
    pub(crate) base64_encoded: bool,
}

/// Headers, which the protocol has as an object: their order is kept.
#[derive(Default)]
pub(crate) struct HeaderMap(pub(crate) Vec<(String, String)>);

impl<'de> Deserialize<'de> for HeaderMap {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> serde::de::Visitor<'de> for Entries {
            type Value = HeaderMap;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object of texts")
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                mut map: A,
            ) -> Result<HeaderMap, A::Error> {
                let mut headers = Vec::with_capacity(map.size_hint().unwrap_or(16));
                while let Some((name, value)) = map.next_entry::<String, String>()? {
                    // Several of one name come as lines of one value.
                    headers.extend(
                        value
                            .split('\n')
                            .map(|line| (name.clone(), line.to_owned())),
                    );
                }
                Ok(HeaderMap(headers))
            }
        }
        deserializer.deserialize_map(Entries)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ExtraInfo<'a> {
    pub(crate) request_id: &'a str,
    pub(crate) headers: HeaderMap,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RequestPaused<'a> {
    pub(crate) request_id: &'a str,
    pub(crate) request: RequestInfo,
    pub(crate) frame_id: Option<&'a str>,
    pub(crate) resource_type: Option<&'a str>,
    pub(crate) response_status_code: Option<i64>,
    pub(crate) response_error_reason: Option<&'a str>,
    pub(crate) network_id: Option<&'a str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PausedId<'a> {
    pub(crate) request_id: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AuthRequired<'a> {
    pub(crate) request_id: &'a str,
    pub(crate) request: RequestInfo,
    #[serde(borrow)]
    pub(crate) auth_challenge: AuthChallenge<'a>,
}

#[derive(Deserialize)]
pub(crate) struct AuthChallenge<'a> {
    pub(crate) source: Option<&'a str>,
    pub(crate) origin: String,
}

#[derive(Deserialize)]
pub(crate) struct InitiatorInfo<'a> {
    pub(crate) r#type: &'a str,
    pub(crate) url: Option<String>,
    #[serde(rename = "lineNumber")]
    pub(crate) line_number: Option<f64>,
    pub(crate) stack: Option<StackTrace>,
}

/// Points in time, in milliseconds after the request's; -1 where there was none.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ResourceTiming {
    pub(crate) dns_start: f64,
    pub(crate) dns_end: f64,
    pub(crate) connect_start: f64,
    pub(crate) connect_end: f64,
    pub(crate) ssl_start: f64,
    pub(crate) ssl_end: f64,
    pub(crate) send_start: f64,
    pub(crate) send_end: f64,
    pub(crate) receive_headers_end: f64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RequestWillBeSent<'a> {
    pub(crate) request_id: &'a str,
    pub(crate) loader_id: &'a str,
    pub(crate) request: RequestInfo,
    pub(crate) redirect_response: Option<RedirectResponse>,
    pub(crate) r#type: Option<&'a str>,
    pub(crate) frame_id: Option<&'a str>,
    #[serde(default)]
    pub(crate) timestamp: f64,
    #[serde(default)]
    pub(crate) wall_time: f64,
    #[serde(borrow)]
    pub(crate) initiator: Option<InitiatorInfo<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RequestInfo {
    pub(crate) url: String,
    pub(crate) url_fragment: Option<String>,
    pub(crate) method: String,
    #[serde(default)]
    pub(crate) headers: HeaderMap,
    pub(crate) post_data: Option<String>,
    #[serde(default)]
    pub(crate) has_post_data: bool,
}

#[derive(Deserialize)]
pub(crate) struct RedirectResponse {
    pub(crate) status: u16,
    pub(crate) url: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ResponseReceived<'a> {
    pub(crate) request_id: &'a str,
    pub(crate) response: ResponseInfo,
    #[serde(default)]
    pub(crate) timestamp: f64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ResponseInfo {
    pub(crate) status: u16,
    pub(crate) url: String,
    pub(crate) mime_type: String,
    #[serde(default)]
    pub(crate) status_text: String,
    #[serde(default)]
    pub(crate) headers: HeaderMap,
    pub(crate) protocol: Option<String>,
    #[serde(rename = "remoteIPAddress")]
    pub(crate) remote_ip_address: Option<String>,
    pub(crate) remote_port: Option<u32>,
    #[serde(default)]
    pub(crate) from_disk_cache: bool,
    #[serde(default)]
    pub(crate) from_prefetch_cache: bool,
    #[serde(default)]
    pub(crate) from_service_worker: bool,
    pub(crate) timing: Option<ResourceTiming>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LoadingFinished<'a> {
    pub(crate) request_id: &'a str,
    #[serde(default)]
    pub(crate) timestamp: f64,
    #[serde(default)]
    pub(crate) encoded_data_length: f64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LoadingFailed<'a> {
    pub(crate) request_id: &'a str,
    pub(crate) error_text: String,
    #[serde(default)]
    pub(crate) timestamp: f64,
    #[serde(default)]
    pub(crate) canceled: bool,
}
