//! What is read of the protocol's events and replies: small structs with exactly the fields that are used, so that
//! unknown and new ones never matter. Strings that Chromium may escape are owned, ids are borrowed.

use ops_contracts::command::storage::{Cookie, SameSite};
use serde::Deserialize;
use serde_json::value::RawValue;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Version {
    pub(crate) product: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BrowserContextCreated {
    pub(crate) browser_context_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TargetCreated {
    pub(crate) target_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AttachedToTarget<'a> {
    pub(crate) session_id: &'a str,
    #[serde(borrow)]
    pub(crate) target_info: TargetInfo<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TargetInfo<'a> {
    pub(crate) target_id: &'a str,
    pub(crate) r#type: &'a str,
    pub(crate) url: String,
    pub(crate) opener_id: Option<&'a str>,
    pub(crate) browser_context_id: Option<&'a str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DetachedFromTarget<'a> {
    pub(crate) session_id: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FrameAttached<'a> {
    pub(crate) frame_id: &'a str,
    pub(crate) parent_frame_id: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FrameDetached<'a> {
    pub(crate) frame_id: &'a str,
    pub(crate) reason: Option<&'a str>,
}

#[derive(Deserialize)]
pub(crate) struct FrameNavigated<'a> {
    #[serde(borrow)]
    pub(crate) frame: FrameInfo<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FrameInfo<'a> {
    pub(crate) id: &'a str,
    pub(crate) parent_id: Option<&'a str>,
    pub(crate) loader_id: &'a str,
    pub(crate) url: String,
    pub(crate) url_fragment: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FrameRequestedNavigation<'a> {
    pub(crate) frame_id: &'a str,
    pub(crate) disposition: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FrameStartedNavigating<'a> {
    pub(crate) frame_id: &'a str,
    pub(crate) url: String,
    pub(crate) loader_id: &'a str,
    pub(crate) navigation_type: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NavigatedWithinDocument<'a> {
    pub(crate) frame_id: &'a str,
    pub(crate) url: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LifecycleEvent<'a> {
    pub(crate) frame_id: &'a str,
    pub(crate) loader_id: &'a str,
    pub(crate) name: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DialogOpening<'a> {
    pub(crate) message: String,
    pub(crate) r#type: &'a str,
    pub(crate) default_prompt: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct DialogClosed {
    pub(crate) result: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DownloadProgress<'a> {
    pub(crate) guid: &'a str,
    pub(crate) total_bytes: f64,
    pub(crate) received_bytes: f64,
    pub(crate) state: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FileChooserOpened<'a> {
    pub(crate) frame_id: &'a str,
    pub(crate) mode: &'a str,
    pub(crate) backend_node_id: Option<i64>,
}

#[derive(Deserialize)]
pub(crate) struct DragIntercepted<'a> {
    #[serde(borrow)]
    pub(crate) data: &'a RawValue,
}

#[derive(Deserialize)]
pub(crate) struct HeldFile {
    pub(crate) name: String,
    pub(crate) size: u64,
}

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
            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<HeaderMap, A::Error> {
                let mut headers = Vec::with_capacity(map.size_hint().unwrap_or(16));
                while let Some((name, value)) = map.next_entry::<String, String>()? {
                    // Several of one name come as lines of one value.
                    headers.extend(value.split('\n').map(|line| (name.clone(), line.to_owned())));
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
pub(crate) struct DownloadWillBegin<'a> {
    pub(crate) frame_id: &'a str,
    pub(crate) guid: &'a str,
    pub(crate) url: String,
    pub(crate) suggested_filename: String,
}

#[derive(Deserialize)]
pub(crate) struct ContextCreated<'a> {
    #[serde(borrow)]
    pub(crate) context: ExecutionContext<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ExecutionContext<'a> {
    pub(crate) id: i64,
    pub(crate) unique_id: &'a str,
    pub(crate) name: String,
    #[serde(borrow)]
    pub(crate) aux_data: Option<AuxData<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AuxData<'a> {
    #[serde(default)]
    pub(crate) is_default: bool,
    pub(crate) frame_id: Option<&'a str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ContextDestroyed {
    pub(crate) execution_context_id: i64,
}

#[derive(Deserialize)]
pub(crate) struct ConsoleApiCalled<'a> {
    pub(crate) r#type: &'a str,
    #[serde(borrow)]
    pub(crate) args: Vec<RemoteObject<'a>>,
    pub(crate) timestamp: f64,
    #[serde(rename = "stackTrace")]
    pub(crate) stack_trace: Option<StackTrace>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StackTrace {
    pub(crate) call_frames: Vec<CallFrame>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CallFrame {
    pub(crate) function_name: String,
    pub(crate) url: String,
    pub(crate) line_number: i64,
    pub(crate) column_number: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RemoteObject<'a> {
    pub(crate) r#type: &'a str,
    pub(crate) subtype: Option<&'a str>,
    #[serde(borrow)]
    pub(crate) value: Option<&'a RawValue>,
    pub(crate) unserializable_value: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) object_id: Option<String>,
    pub(crate) preview: Option<Preview>,
}

#[derive(Deserialize)]
pub(crate) struct Preview {
    pub(crate) subtype: Option<String>,
    #[serde(default)]
    pub(crate) overflow: bool,
    #[serde(default)]
    pub(crate) properties: Vec<PreviewProperty>,
}

#[derive(Deserialize)]
pub(crate) struct PreviewProperty {
    pub(crate) name: String,
    pub(crate) r#type: String,
    pub(crate) value: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct ExceptionThrown<'a> {
    pub(crate) timestamp: f64,
    #[serde(rename = "exceptionDetails", borrow)]
    pub(crate) details: ExceptionDetails<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ExceptionDetails<'a> {
    pub(crate) text: String,
    pub(crate) line_number: i64,
    pub(crate) column_number: i64,
    pub(crate) url: Option<String>,
    #[serde(borrow)]
    pub(crate) exception: Option<RemoteObject<'a>>,
    pub(crate) stack_trace: Option<StackTrace>,
}

#[derive(Deserialize)]
pub(crate) struct LogEntryAdded<'a> {
    #[serde(borrow)]
    pub(crate) entry: LogEntry<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LogEntry<'a> {
    pub(crate) level: &'a str,
    pub(crate) text: String,
    pub(crate) timestamp: f64,
    pub(crate) url: Option<String>,
    pub(crate) line_number: Option<i64>,
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

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Navigated {
    pub(crate) loader_id: Option<String>,
    pub(crate) error_text: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Evaluation<'a> {
    #[serde(borrow)]
    pub(crate) result: RemoteObject<'a>,
    #[serde(borrow)]
    pub(crate) exception_details: Option<ExceptionDetails<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FrameOwner {
    pub(crate) backend_node_id: i64,
}

#[derive(Deserialize)]
pub(crate) struct ResolvedNode<'a> {
    #[serde(borrow)]
    pub(crate) object: RemoteObject<'a>,
}

/// The own properties of an object.
#[derive(Deserialize)]
pub(crate) struct Properties<'a> {
    #[serde(borrow)]
    result: Vec<Property<'a>>,
}

#[derive(Deserialize)]
struct Property<'a> {
    #[serde(borrow)]
    value: Option<RemoteObject<'a>>,
}

impl<'a> Properties<'a> {
    /// The handles of those that are nodes.
    pub(crate) fn nodes(&self) -> impl Iterator<Item = &str> {
        let values = self.result.iter().filter_map(|property| property.value.as_ref());
        values.filter(|value| value.subtype == Some("node")).filter_map(|value| value.object_id.as_deref())
    }
}

#[derive(Deserialize)]
pub(crate) struct DescribedNode<'a> {
    #[serde(borrow)]
    pub(crate) node: NodeRoots<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NodeRoots<'a> {
    #[serde(borrow, default)]
    pub(crate) shadow_roots: Vec<ShadowRoot<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ShadowRoot<'a> {
    pub(crate) backend_node_id: i64,
    pub(crate) shadow_root_type: Option<&'a str>,
}

#[derive(Deserialize)]
pub(crate) struct Screenshot {
    pub(crate) data: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LayoutMetrics {
    pub(crate) css_content_size: Size,
}

#[derive(Deserialize)]
pub(crate) struct Size {
    pub(crate) width: f64,
    pub(crate) height: f64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NavigationHistory {
    pub(crate) current_index: i64,
    pub(crate) entries: Vec<HistoryEntry>,
}

#[derive(Deserialize)]
pub(crate) struct HistoryEntry {
    pub(crate) id: i64,
}

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
        let HeldCookie { name, value, domain, path, http_only, secure, .. } = held;
        let expires = if held.expires < 0.0 { -1.0 } else { held.expires };
        Self { name, value, domain, path, expires, http_only, secure, same_site, partition_key, cross_site_ancestor }
    }
}
