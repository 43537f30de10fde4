//! Parameters and result of `export.har`: the log of requests in the HTTP Archive format 1.2.
//!
//! Names are those of the format (<http://www.softwareishard.com/blog/har-12-spec/>), so that any viewer reads it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{InvalidField, Params};
use crate::wire::clock::Timestamp;
use crate::wire::ids::TargetId;

/// Parameters of `export.har`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HarParams {
    /// The first entry of the log wanted.
    #[serde(default)]
    pub since_seq: u64,
    /// The most entries, 1 to 1,000; the latest are taken.
    #[serde(default = "all")]
    pub max_entries: u32,
    /// With the bodies of responses, up to 64 KiB each and 4 MiB together; what is left out is counted.
    #[serde(default)]
    pub bodies: bool,
    /// Shows the values of cookies, tokens and other secrets in headers and bodies of requests.
    #[serde(default)]
    pub secrets: bool,
    /// Only requests of this page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_id: Option<TargetId>,
}

fn all() -> u32 {
    1_000
}

impl Default for HarParams {
    fn default() -> Self {
        Self {
            since_seq: 0,
            max_entries: all(),
            bodies: false,
            secrets: false,
            target_id: None,
        }
    }
}

impl Params for HarParams {
    fn validate(&self) -> Result<(), InvalidField> {
        if (1..=1_000).contains(&self.max_entries) {
            Ok(())
        } else {
            Err(InvalidField::new("maxEntries", "1 to 1000"))
        }
    }
}

/// Result of `export.har`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HarResult {
    /// The archive, as it is written to a file.
    pub har: Har,
    /// Entries of the log that were wanted and are not in it: lost, or beyond `maxEntries`.
    pub left_out: u64,
    /// Bodies that were wanted and are not in it: gone, or beyond a cap.
    pub bodies_left_out: u64,
}

/// An archive.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Har {
    /// Its one field.
    pub log: HarLog,
}

/// What an archive holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HarLog {
    /// `1.2`
    pub version: String,
    /// What wrote it.
    pub creator: HarProgram,
    /// What was driven.
    pub browser: HarProgram,
    /// The pages.
    pub pages: Vec<HarPage>,
    /// The requests, oldest first.
    pub entries: Vec<HarEntry>,
}

/// A program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HarProgram {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// A page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HarPage {
    /// When its first request was sent.
    pub started_date_time: Timestamp,
    /// Its id, which is the page's in the session.
    pub id: String,
    /// Its title, or its URL where there is none.
    pub title: String,
    /// When it was loaded; nothing is told.
    pub page_timings: HarPageTimings,
}

/// When a page was loaded.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HarPageTimings {}

/// A request with its response.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HarEntry {
    /// The page.
    pub pageref: String,
    /// When it was sent.
    pub started_date_time: Timestamp,
    /// Milliseconds that it took in all.
    pub time: f64,
    /// The request.
    pub request: HarRequest,
    /// The response; status 0 where there is none.
    pub response: HarResponse,
    /// Nothing is told of caches.
    pub cache: HarCache,
    /// What it took.
    pub timings: HarTimings,
    /// The server's address.
    #[serde(
        default,
        rename = "serverIPAddress",
        skip_serializing_if = "Option::is_none"
    )]
    pub server_ip_address: Option<String>,
    /// Why there is no response.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

/// What is told of caches.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HarCache {}

/// A name with a value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HarPair {
    /// The name.
    pub name: String,
    /// The value.
    pub value: String,
}

/// A request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HarRequest {
    /// Its method.
    pub method: String,
    /// Its URL, without the fragment.
    pub url: String,
    /// The protocol.
    pub http_version: String,
    /// Its cookies.
    pub cookies: Vec<HarPair>,
    /// Its headers.
    pub headers: Vec<HarPair>,
    /// Its query.
    pub query_string: Vec<HarPair>,
    /// Its body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub post_data: Option<HarPostData>,
    /// Unknown: -1.
    pub headers_size: i64,
    /// The body's size; -1 where it is unknown.
    pub body_size: i64,
}

/// The body of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HarPostData {
    /// Its media type.
    pub mime_type: String,
    /// Its text.
    pub text: String,
}

/// A response.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HarResponse {
    /// Its status; 0 where there is none.
    pub status: u16,
    /// The text beside it.
    pub status_text: String,
    /// The protocol.
    pub http_version: String,
    /// The cookies that it sets; their names and values, or nothing where they are hidden.
    pub cookies: Vec<HarPair>,
    /// Its headers.
    pub headers: Vec<HarPair>,
    /// Its body.
    pub content: HarContent,
    /// Where it redirects to; empty where it does not.
    #[serde(rename = "redirectURL")]
    pub redirect_url: String,
    /// Unknown: -1.
    pub headers_size: i64,
    /// Bytes that came over the network; -1 where they are unknown.
    pub body_size: i64,
}

/// The body of a response.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HarContent {
    /// Its size, as far as it is known.
    pub size: u64,
    /// Its media type.
    pub mime_type: String,
    /// Its text, or its bytes as base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// `base64` where the text is that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<String>,
}

/// What a request took, in milliseconds; -1 for a part that it had not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HarTimings {
    /// Until it could be sent at all.
    pub blocked: f64,
    /// Resolving the name.
    pub dns: f64,
    /// Connecting, TLS included.
    pub connect: f64,
    /// The handshake of TLS.
    pub ssl: f64,
    /// Sending it.
    pub send: f64,
    /// Waiting for the first byte.
    pub wait: f64,
    /// Reading the response.
    pub receive: f64,
}
