//! Incidents: in memory, and as lines that are only appended to `ops-incidents/incidents.jsonl`.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use ops_contracts::control::incident::{Incident, NewIncident, ResolveIncident, Severity};
use ops_contracts::control::scorecard::{IncidentCounts, Window};
use ops_contracts::control::telemetry::RouteLabel;
use ops_contracts::wire::clock::Timestamp;
use serde::{Deserialize, Serialize};

use super::{LedgerError, MAX_FILE, private};

const FORMAT: u32 = 1;

/// A line: an incident as it stands from then on. Of several the last one counts.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    format_version: u32,
    incident: Incident,
}

#[derive(Default)]
pub(super) struct Incidents {
    all: Vec<Incident>,
    log: Option<(PathBuf, File)>,
    /// A line that can't be understood may have been any incident: then nothing is known of their number.
    damaged: bool,
}

impl Incidents {
    pub(super) fn open(dir: &Path) -> Result<Self, LedgerError> {
        let path = dir.join("incidents.jsonl");
        let text = private::read(&path, MAX_FILE)?.unwrap_or_default();
        let mut incidents = Self::default();
        // A line without an end was being written when its process died, and was never confirmed to anybody.
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        for (number, line) in text[..whole].lines().enumerate() {
            match serde_json::from_str::<Line>(line) {
                Ok(line) if line.format_version <= FORMAT => incidents.take_in(line.incident),
                _ => {
                    tracing::error!(path = %path.display(), line = number + 1, "an incident can't be understood");
                    incidents.damaged = true;
                }
            }
        }
        let file = private::append(&path)?;
        if whole < text.len() {
            tracing::warn!(path = %path.display(), bytes = text.len() - whole, "a torn line was cut off");
            file.set_len(u64::try_from(whole).unwrap_or(u64::MAX))
                .map_err(private::io(&path))?;
        }
        incidents.log = Some((path, file));
        Ok(incidents)
    }

    fn take_in(&mut self, incident: Incident) {
        match self.all.iter_mut().find(|known| known.id == incident.id) {
            Some(known) => *known = incident,
            None => self.all.push(incident),
        }
    }

    /// Records an incident. A confirmed bypass is P0, whatever was told: nothing else pages at once.
    pub(super) fn record(
        &mut self,
        mut told: NewIncident,
        at: Timestamp,
    ) -> Result<Incident, LedgerError> {
        if told.kind.is_bypass() && told.confirmed {
            told.severity = Severity::P0;
        }
        let incident = Incident {
            id: format!("inc-{}", self.all.len() + 1),
            recorded_at: at,
            told,
            resolved_at: None,
            note: None,
        };
        self.keep(incident)
    }

    /// Resolves an incident; `None` where there is none such. One that is resolved already stays as it is.
    pub(super) fn resolve(
        &mut self,
        told: &ResolveIncident,
        at: Timestamp,
    ) -> Result<Option<Incident>, LedgerError> {
        let Some(known) = self
            .all
            .iter()
            .find(|incident| incident.id == told.id)
            .cloned()
        else {
            return Ok(None);
        };
        if known.resolved_at.is_some() {
            return Ok(Some(known));
        }
        self.keep(Incident {
            resolved_at: Some(at),
            note: told.note.clone(),
            ..known
        })
        .map(Some)
    }

    /// On disk first: what was confirmed must not be forgotten.
    fn keep(&mut self, incident: Incident) -> Result<Incident, LedgerError> {
        if let Some((path, file)) = &mut self.log {
            let line = Line {
                format_version: FORMAT,
                incident: incident.clone(),
            };
            let text = serde_json::to_string(&line).map_err(|error| LedgerError::Damaged {
                path: path.clone(),
                why: error.to_string(),
            })?;
            let before = file.metadata().map_err(private::io(path))?.len();
            if let Err(source) = file
                .write_all((text + "\n").as_bytes())
                .and_then(|()| file.sync_data())
            {
                // Half a line would damage the record.
                let _ = file.set_len(before);
                return Err(private::io(path)(source));
            }
        }
        self.take_in(incident.clone());
        Ok(incident)
    }

    /// The newest first.
    pub(super) fn list(&self) -> Vec<Incident> {
        self.all.iter().rev().cloned().collect()
    }

    /// What the gates count; `None` where the record is damaged.
    pub(super) fn counts(&self, window: Window, now: Timestamp) -> Option<IncidentCounts> {
        let start = now.unix_millis().saturating_sub(window.hours() * 3_600_000);
        let on_ops = || {
            self.all
                .iter()
                .filter(|incident| incident.told.route == RouteLabel::Ops)
        };
        let count = |found: usize| u64::try_from(found).unwrap_or(u64::MAX);
        (!self.damaged).then(|| IncidentCounts {
            p0p1: count(
                on_ops()
                    .filter(|incident| {
                        incident.told.severity.is_gated()
                            && incident.recorded_at.unix_millis() >= start
                    })
                    .count(),
            ),
            open_bypasses: count(
                self.all
                    .iter()
                    .filter(|incident| {
                        incident.told.kind.is_bypass()
                            && incident.told.confirmed
                            && incident.resolved_at.is_none()
                    })
                    .count(),
            ),
        })
    }
}
