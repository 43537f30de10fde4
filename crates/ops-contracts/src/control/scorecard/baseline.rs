//! The baseline: what the raw protocol takes for the work of each command, measured once and frozen when a phase starts.
//!
//! Measuring is the bench's. The reference holds a hash of what was measured, so that a baseline can't be mended by hand unseen.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::control::telemetry::{LATENCY_BOUNDS, LATENCY_BOUNDS_MS, LatencyCounts};
use crate::wire::clock::Timestamp;

/// The raw sequence of one command.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BaselineCommand {
    /// The command.
    pub command: String,
    /// Where the browser came from.
    pub mode: String,
    /// The samples by latency bucket.
    pub latency: LatencyCounts,
}

/// A measured baseline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Baseline {
    /// Version, date (`YYYYMMDD`) and the first twelve hex digits of the SHA-256 of what was measured, with dashes between them.
    pub baseline_ref: String,
    /// When it was measured.
    pub measured_at: Timestamp,
    /// How it was measured, in a sentence.
    pub method: String,
    /// The bounds that the samples were counted by, in milliseconds: counts by other bounds can't be compared.
    pub bounds_ms: [f64; LATENCY_BOUNDS],
    /// By command.
    pub commands: Vec<BaselineCommand>,
}

/// Why a baseline is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BaselineError {
    /// Its samples were counted by other bounds.
    #[error(
        "boundsMs: its samples were counted by other bounds than this version's; measure it anew"
    )]
    Bounds,
    /// It has no sample.
    #[error("commands: no command of it has a sample; measure it anew")]
    Empty,
    /// What it holds is not what its reference says.
    #[error(
        "baselineRef: it is {stands}, and what was measured gives one that ends with {should}; measure it anew"
    )]
    Reference {
        /// What stands there.
        stands: String,
        /// What its content gives.
        should: String,
    },
}

impl Baseline {
    /// The baseline of these samples, counted by the bounds of this version.
    #[must_use]
    pub fn new(
        version: &str,
        measured_at: Timestamp,
        method: String,
        commands: Vec<BaselineCommand>,
    ) -> Self {
        let (baseline_ref, bounds_ms) = (String::new(), LATENCY_BOUNDS_MS);
        let mut baseline = Self {
            baseline_ref,
            measured_at,
            method,
            bounds_ms,
            commands,
        };
        baseline.baseline_ref = format!("{version}{}", baseline.suffix());
        baseline
    }

    /// Whether it can be compared with, and is what its reference says.
    ///
    /// # Errors
    /// The field that is wrong, and what to do.
    pub fn check(&self) -> Result<(), BaselineError> {
        if self.bounds_ms != LATENCY_BOUNDS_MS {
            return Err(BaselineError::Bounds);
        }
        if self.commands.iter().all(|row| row.latency.total() == 0) {
            return Err(BaselineError::Empty);
        }
        let should = self.suffix();
        let version = self.baseline_ref.strip_suffix(&should).unwrap_or_default();
        if version.is_empty() {
            let (stands, should) = (
                self.baseline_ref.chars().take(128).collect(),
                should[1..].to_owned(),
            );
            return Err(BaselineError::Reference { stands, should });
        }
        Ok(())
    }

    /// Date and hash, each behind a dash.
    fn suffix(&self) -> String {
        let date: String = self
            .measured_at
            .to_string()
            .chars()
            .take(10)
            .filter(char::is_ascii_digit)
            .collect();
        let unnamed = Self {
            baseline_ref: String::new(),
            ..self.clone()
        };
        let text = serde_json::to_vec(&unnamed).expect("a baseline consists of texts and numbers");
        let hash: String = Sha256::digest(&text)
            .iter()
            .take(6)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        format!("-{date}-{hash}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured() -> Baseline {
        let mut latency = LatencyCounts::default();
        latency.record(4.0);
        let commands = vec![BaselineCommand {
            command: "dom.title".to_owned(),
            mode: "managed".to_owned(),
            latency,
        }];
        Baseline::new(
            "0.2.0",
            Timestamp::from_unix_millis(1_700_000_000_000),
            "by hand".to_owned(),
            commands,
        )
    }

    #[test]
    fn a_reference_is_version_date_and_twelve_digits_of_what_was_measured() {
        let baseline = measured();
        let (rest, hash) = baseline.baseline_ref.rsplit_once('-').unwrap();
        assert_eq!(rest, "0.2.0-20231114");
        assert!(hash.len() == 12 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()));
        assert_eq!(baseline.check(), Ok(()));
        let text = serde_json::to_string(&baseline).unwrap();
        assert_eq!(
            serde_json::from_str::<Baseline>(&text).unwrap().check(),
            Ok(()),
            "it survives its text"
        );
    }

    #[test]
    fn a_baseline_that_was_changed_or_counts_otherwise_is_none() {
        let mut mended = measured();
        mended.commands[0].latency.record(60.0);
        assert!(matches!(
            mended.check(),
            Err(BaselineError::Reference { .. })
        ));
        let unnamed = Baseline {
            baseline_ref: String::new(),
            ..measured()
        };
        assert!(matches!(
            unnamed.check(),
            Err(BaselineError::Reference { .. })
        ));
        let mut foreign = measured();
        foreign.bounds_ms[0] = 0.25;
        assert_eq!(foreign.check(), Err(BaselineError::Bounds));
        let empty = Baseline::new("0.2.0", measured().measured_at, String::new(), Vec::new());
        assert_eq!(empty.check(), Err(BaselineError::Empty));
    }
}
