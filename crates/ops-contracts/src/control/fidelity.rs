//! How far what is read can be trusted: told beside every document, never left to be guessed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::wire::words::words;

words! {
    /// How far data can be trusted.
    FidelityLevel "data fidelity" "live, degraded, demo" {
        Live "live" "It is what is.";
        Degraded "degraded" "Part of it is missing, old or not verified; the reasons say which.";
        Demo "demo" "It comes from a demonstration and says nothing about production.";
    }
}

/// How far a document can be trusted, and why no further.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DataFidelity {
    /// The level.
    pub level: FidelityLevel,
    /// Why it is not `live`; empty where it is.
    pub reasons: Vec<String>,
}

impl DataFidelity {
    /// The fidelity with these shortcomings.
    #[must_use]
    pub fn of(demo: bool, mut reasons: Vec<String>) -> Self {
        if demo {
            reasons.insert(0, "the relay runs as a demonstration".to_owned());
        }
        let level = match (demo, reasons.is_empty()) {
            (true, _) => FidelityLevel::Demo,
            (false, true) => FidelityLevel::Live,
            (false, false) => FidelityLevel::Degraded,
        };
        Self { level, reasons }
    }

    /// The same with a further shortcoming.
    #[must_use]
    pub fn and(mut self, shortcoming: Option<String>) -> Self {
        self.reasons.extend(shortcoming);
        if self.level == FidelityLevel::Live && !self.reasons.is_empty() {
            self.level = FidelityLevel::Degraded;
        }
        self
    }
}
