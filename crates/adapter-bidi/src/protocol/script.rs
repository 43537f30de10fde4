//! `script.*`

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{Empty, command, open_enum};

/// `script.addPreloadScript`
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AddPreloadScript<'a> {
    pub(crate) function_declaration: &'a str,
    pub(crate) arguments: &'a [Channel],
    pub(crate) sandbox: &'a str,
    pub(crate) user_contexts: [&'a str; 1],
}
command!(AddPreloadScript<'a> "script.addPreloadScript" -> PreloadScript);

/// An argument that is a function: what it is called with comes as `script.message`.
#[derive(Debug, Serialize)]
pub(crate) struct Channel {
    pub(crate) r#type: &'static str,
    pub(crate) value: ChannelName,
}

#[derive(Debug, Serialize)]
pub(crate) struct ChannelName {
    pub(crate) channel: &'static str,
}

/// Of `script.message`.
#[derive(Deserialize)]
pub(crate) struct Message<'a> {
    pub(crate) channel: &'a str,
    #[serde(borrow)]
    pub(crate) data: RemoteValue<'a>,
    pub(crate) source: Source<'a>,
}

/// Where a message comes from.
#[derive(Deserialize)]
pub(crate) struct Source<'a> {
    pub(crate) realm: &'a str,
}

#[derive(Deserialize)]
pub(crate) struct PreloadScript {
    pub(crate) script: String,
}

/// `script.removePreloadScript`
#[derive(Serialize)]
pub(crate) struct RemovePreloadScript<'a> {
    pub(crate) script: &'a str,
}
command!(RemovePreloadScript<'a> "script.removePreloadScript" -> Empty);

/// The present realm of a context: the page's own, or a sandbox beside it.
#[derive(Serialize)]
pub(crate) struct ContextTarget<'a> {
    pub(crate) context: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sandbox: Option<&'a str>,
}

/// How much of a result is described.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SerializationOptions {
    pub(crate) max_dom_depth: u32,
    /// Whether shadow roots are described: `none`, `open` or `all`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) include_shadow_tree: Option<&'static str>,
}

/// `script.evaluate`. The result is read as [`Evaluation`].
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Evaluate<'a> {
    pub(crate) expression: &'a str,
    pub(crate) target: ContextTarget<'a>,
    pub(crate) await_promise: bool,
    pub(crate) user_activation: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) serialization_options: Option<SerializationOptions>,
}
command!(Evaluate<'a> "script.evaluate" -> Empty);

/// `script.callFunction` with nodes as arguments. The result is read as [`Evaluation`].
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CallFunction<'a> {
    pub(crate) function_declaration: &'a str,
    pub(crate) target: ContextTarget<'a>,
    pub(crate) await_promise: bool,
    pub(crate) arguments: Vec<SharedReference<'a>>,
}
command!(CallFunction<'a> "script.callFunction" -> Empty);

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SharedReference<'a> {
    pub(crate) shared_id: &'a str,
}

/// The result of both.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Evaluation<'a> {
    #[serde(borrow)]
    pub(crate) result: Option<&'a RawValue>,
    pub(crate) exception_details: Option<ExceptionDetails>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ExceptionDetails {
    pub(crate) text: String,
    pub(crate) line_number: i64,
    pub(crate) column_number: i64,
    pub(crate) stack_trace: StackTrace,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StackTrace {
    #[serde(default)]
    pub(crate) call_frames: Vec<CallFrame>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CallFrame {
    #[serde(default)]
    pub(crate) function_name: String,
    pub(crate) url: String,
    pub(crate) line_number: i64,
    pub(crate) column_number: i64,
}

open_enum! {
    /// The kind of a value of the page.
    ValueType {
        Undefined = "undefined",
        Null = "null",
        String = "string",
        Number = "number",
        Boolean = "boolean",
        Bigint = "bigint",
        Symbol = "symbol",
        Array = "array",
        Object = "object",
        Function = "function",
        Promise = "promise",
        Window = "window",
    }
}

/// A value of the page, described.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RemoteValue<'a> {
    pub(crate) r#type: ValueType,
    #[serde(borrow)]
    pub(crate) value: Option<&'a RawValue>,
    /// The same for each occurrence of one object; only the first has its content.
    #[serde(borrow)]
    pub(crate) internal_id: Option<&'a str>,
}

/// A value that is a node: what names it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SharedNode {
    pub(crate) shared_id: Option<String>,
}

/// The value of a [`ValueType::Window`].
#[derive(Deserialize)]
pub(crate) struct WindowValue {
    pub(crate) context: String,
}

/// An element that may have a shadow root.
#[derive(Deserialize)]
pub(crate) struct Host {
    pub(crate) value: HostValue,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct HostValue {
    pub(crate) shadow_root: Option<ShadowRoot>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ShadowRoot {
    pub(crate) shared_id: Option<String>,
    pub(crate) value: ShadowRootValue,
}

#[derive(Deserialize)]
pub(crate) struct ShadowRootValue {
    pub(crate) mode: Option<ShadowMode>,
}

open_enum! {
    /// Whether pages can reach a shadow root through its host.
    ShadowMode {
        Open = "open",
        Closed = "closed",
    }
}

/// Of `script.realmCreated`.
#[derive(Deserialize)]
pub(crate) struct RealmCreated<'a> {
    pub(crate) realm: &'a str,
    /// Absent for workers.
    pub(crate) context: Option<&'a str>,
    pub(crate) sandbox: Option<&'a str>,
}

/// Of `script.realmDestroyed`.
#[derive(Deserialize)]
pub(crate) struct RealmDestroyed<'a> {
    pub(crate) realm: &'a str,
}
