//! Execution contexts, values, the console and exceptions.

use serde::Deserialize;
use serde_json::value::RawValue;

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
#[serde(rename_all = "camelCase")]
pub(crate) struct BindingCalled {
    pub(crate) payload: String,
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
pub(crate) struct Evaluation<'a> {
    #[serde(borrow)]
    pub(crate) result: RemoteObject<'a>,
    #[serde(borrow)]
    pub(crate) exception_details: Option<ExceptionDetails<'a>>,
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
        let values = self
            .result
            .iter()
            .filter_map(|property| property.value.as_ref());
        values
            .filter(|value| value.subtype == Some("node"))
            .filter_map(|value| value.object_id.as_deref())
    }
}
