//! Facts of pages that commands, receipts and the adapter interface share: buttons, pictures, dialogs, requests.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A file that an input holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GivenFile {
    /// Its name.
    pub name: String,
    /// Its size.
    pub bytes: u64,
}

/// A mouse button.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MouseButton {
    /// The main button.
    #[default]
    Left,
    /// The wheel.
    Middle,
    /// The button that opens context menus.
    Right,
}

/// A picture's format.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ImageFormat {
    /// PNG.
    #[default]
    Png,
    /// JPEG.
    Jpeg,
    /// WebP.
    Webp,
}

/// A rectangle in CSS pixels.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Clip {
    /// From the left.
    pub x: f64,
    /// From the top.
    pub y: f64,
    /// Width, above 0.
    pub width: f64,
    /// Height, above 0.
    pub height: f64,
}

/// A kind of dialog.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DialogKind {
    /// `alert()`
    Alert,
    /// `confirm()`
    Confirm,
    /// `prompt()`
    Prompt,
    /// The question whether to leave the page.
    Beforeunload,
}

/// A level of a console message.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum ConsoleLevel {
    /// `console.debug`
    Debug,
    /// `console.log` and its kin
    Log,
    /// `console.info`
    Info,
    /// `console.warn`
    Warn,
    /// `console.error`
    Error,
}

/// What a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ResourceKind {
    /// A document of a frame.
    Document,
    /// A style sheet.
    Stylesheet,
    /// A script.
    Script,
    /// An image.
    Image,
    /// A font.
    Font,
    /// Sound or video.
    Media,
    /// XMLHttpRequest or fetch.
    Fetch,
    /// A WebSocket.
    Websocket,
    /// An event source.
    Eventsource,
    /// Anything else.
    Other,
}

/// What made a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Initiator {
    /// `parser`, `script`, `preload`, … or `other`.
    pub kind: String,
    /// The document or script.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The line in it, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
}

/// How long the parts of a request took, in milliseconds; -1 for a part that it had not.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RequestTiming {
    /// Until it could be sent at all.
    pub blocked_ms: f64,
    /// Resolving the name.
    pub dns_ms: f64,
    /// Connecting, TLS included.
    pub connect_ms: f64,
    /// The handshake of TLS.
    pub tls_ms: f64,
    /// Sending the request.
    pub send_ms: f64,
    /// From the request's end to the response's first byte.
    pub wait_ms: f64,
}

/// How a request fails.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum AbortReason {
    /// Failed without a further reason.
    #[default]
    Failed,
    /// Aborted.
    Aborted,
    /// Took too long.
    TimedOut,
    /// Refused.
    AccessDenied,
    /// Blocked by the client.
    BlockedByClient,
    /// The server refuses the connection.
    ConnectionRefused,
    /// The name can't be resolved.
    NameNotResolved,
    /// There is no network.
    InternetDisconnected,
}
