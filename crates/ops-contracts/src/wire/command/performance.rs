//! Parameters and result of `diagnostics.performance`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Params;
use crate::wire::ids::TargetId;

/// Parameters of `diagnostics.performance`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PerformanceParams {
    /// The page; the current one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_id: Option<TargetId>,
}

impl Params for PerformanceParams {}

/// Web vitals. What the browser does not measure, or the page has not had, is absent.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Vitals {
    /// Time to the first byte, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttfb_ms: Option<f64>,
    /// First contentful paint, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fcp_ms: Option<f64>,
    /// Largest contentful paint so far, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lcp_ms: Option<f64>,
    /// What the largest contentful paint was of: tag, id and class, or a URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lcp_element: Option<String>,
    /// Cumulative layout shift so far: the worst window of shifts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cls: Option<f64>,
    /// Interaction to next paint so far, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inp_ms: Option<f64>,
}

/// How the document was loaded, in milliseconds from the navigation's start; absent for what has not happened.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NavigationTiming {
    /// `navigate`, `reload`, `back_forward` or `prerender`.
    pub kind: String,
    /// The name is resolved.
    pub dns_ms: f64,
    /// The connection is there.
    pub connect_ms: f64,
    /// The first byte of the response.
    pub response_start_ms: f64,
    /// The last byte of the response.
    pub response_end_ms: f64,
    /// The document is parsed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dom_content_loaded_ms: Option<f64>,
    /// The document is loaded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load_ms: Option<f64>,
    /// Bytes of the document over the network.
    pub transfer_bytes: f64,
}

/// Resources of a kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResourceGroup {
    /// What asked for them: `script`, `img`, `css`, `fetch`, …
    pub kind: String,
    /// How many.
    pub count: u32,
    /// Bytes over the network.
    pub transfer_bytes: f64,
    /// The slowest, in milliseconds.
    pub slowest_ms: f64,
}

/// Result of `diagnostics.performance`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PerformanceResult {
    /// The document.
    pub url: String,
    /// Its web vitals so far.
    pub vitals: Vitals,
    /// How it was loaded; absent for a document that no navigation brought.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub navigation: Option<NavigationTiming>,
    /// Its resources, by what asked for them.
    pub resources: Vec<ResourceGroup>,
    /// Long tasks (above 50 ms) so far, where the browser tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub long_tasks: Option<u32>,
    /// Elements in the document.
    pub dom_nodes: u32,
    /// Bytes of the script heap in use, where the browser tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heap_bytes: Option<f64>,
}
