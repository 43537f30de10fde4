//! Requests and sessions by the hour: in memory, and one file an hour below `ops-rollups/YYYYMMDD/HH.json`.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use ops_contracts::control::ledger::RequestSample;
use ops_contracts::control::scorecard::{CommandCounts, HourCounts, SessionCounts, Window};
use ops_contracts::control::telemetry::{LatencyCounts, RouteLabel};
use ops_contracts::wire::clock::Timestamp;
use serde::{Deserialize, Serialize};

use super::{KEPT_HOURS, LedgerError, MAX_FILE, private};

const HOUR_MS: u64 = 3_600_000;

/// Version of the files. A newer one is passed over.
const FORMAT: u32 = 1;

/// One hour as it stands in a file.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct HourFile {
    format_version: u32,
    pub(super) hour: Timestamp,
    commands: Vec<CommandCounts>,
    sessions: SessionCounts,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Key {
    route: RouteLabel,
    command: Cow<'static, str>,
    adapter: Cow<'static, str>,
    mode: Cow<'static, str>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    requests: u64,
    faults: u64,
    latency: LatencyCounts,
}

#[derive(Debug, Default)]
struct Hour {
    commands: HashMap<Key, Counts>,
    sessions: SessionCounts,
}

/// Every hour that is kept, by its number since 1970.
#[derive(Debug, Default)]
pub(super) struct Hours {
    hours: BTreeMap<u64, Hour>,
    changed: BTreeSet<u64>,
}

fn number(at: Timestamp) -> u64 {
    at.unix_millis() / HOUR_MS
}

fn start(number: u64) -> Timestamp {
    Timestamp::from_unix_millis(number.saturating_mul(HOUR_MS))
}

impl Hours {
    /// Records begin now: an hour without a request is known to have been without one.
    pub(super) fn starting(now: Timestamp) -> Self {
        let mut hours = Self::default();
        hours.at(now);
        hours
    }

    fn at(&mut self, at: Timestamp) -> &mut Hour {
        let number = number(at);
        self.changed.insert(number);
        self.hours.entry(number).or_default()
    }

    pub(super) fn request(&mut self, sample: &RequestSample, at: Timestamp) {
        let borrowed = Cow::Borrowed;
        let (command, adapter, mode) = (
            borrowed(sample.command),
            borrowed(sample.adapter),
            borrowed(sample.mode),
        );
        let key = Key {
            route: sample.route,
            command,
            adapter,
            mode,
        };
        let counts = self.at(at).commands.entry(key).or_default();
        counts.requests += 1;
        counts.faults += u64::from(sample.fault);
        counts.latency.record(sample.total_ms);
    }

    pub(super) fn session_ended(&mut self, crashed: bool, at: Timestamp) {
        let sessions = &mut self.at(at).sessions;
        sessions.ended += 1;
        sessions.crashed += u64::from(crashed);
    }

    /// When the first hour that is kept began.
    pub(super) fn since(&self) -> Option<Timestamp> {
        self.hours.keys().next().map(|number| start(*number))
    }

    /// The hours of a window: the current one and those before it. A clock that was set back leaves hours ahead, which don't count.
    fn within(&self, window: Window, now: Timestamp) -> impl Iterator<Item = &Hour> {
        let last = number(now);
        self.hours
            .range(last.saturating_sub(window.hours())..=last)
            .map(|(_, hour)| hour)
    }

    pub(super) fn commands(&self, window: Window, now: Timestamp) -> Vec<CommandCounts> {
        let mut sums: BTreeMap<&Key, Counts> = BTreeMap::new();
        for (key, counts) in self.within(window, now).flat_map(|hour| &hour.commands) {
            let sum = sums.entry(key).or_default();
            sum.requests += counts.requests;
            sum.faults += counts.faults;
            sum.latency.add(&counts.latency);
        }
        sums.into_iter()
            .map(|(key, counts)| told(key, &counts))
            .collect()
    }

    pub(super) fn sessions(&self, window: Window, now: Timestamp) -> SessionCounts {
        self.within(window, now)
            .fold(SessionCounts::default(), |sum, hour| SessionCounts {
                ended: sum.ended + hour.sessions.ended,
                crashed: sum.crashed + hour.sessions.crashed,
            })
    }

    /// The last `count` hours that are over, the newest first, as far as there are any.
    pub(super) fn full(&self, count: usize, now: Timestamp) -> Vec<HourCounts> {
        let current = number(now);
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        let range = self
            .hours
            .range(current.saturating_sub(count)..current)
            .rev();
        range
            .map(|(number, hour)| HourCounts {
                hour: start(*number),
                commands: hour.told(),
            })
            .collect()
    }

    /// What has to be written, and forgets what is too old.
    pub(super) fn take_changed(&mut self, now: Timestamp) -> Vec<HourFile> {
        self.hours = self
            .hours
            .split_off(&number(now).saturating_sub(KEPT_HOURS));
        let changed = std::mem::take(&mut self.changed);
        let known = changed
            .into_iter()
            .filter_map(|number| Some((number, self.hours.get(&number)?)));
        known
            .map(|(number, hour)| HourFile {
                format_version: FORMAT,
                hour: start(number),
                commands: hour.told(),
                sessions: hour.sessions,
            })
            .collect()
    }

    pub(super) fn mark_changed(&mut self, hour: Timestamp) {
        self.changed.insert(number(hour));
    }

    /// The hours of the directory that are not too old. What can't be understood is reported and passed over.
    pub(super) fn read(dir: &Path, now: Timestamp) -> Result<Self, LedgerError> {
        let mut hours = Self::starting(now);
        let oldest = number(now).saturating_sub(KEPT_HOURS);
        for day in entries(dir)? {
            if !day.is_dir() {
                continue;
            }
            private::directory(&day)?;
            for file in entries(&day)?
                .iter()
                .filter(|file| file.extension().is_some_and(|kind| kind == "json"))
            {
                match read_hour(file) {
                    Ok(hour) if number(hour.hour) >= oldest => hours.take_in(hour),
                    Ok(_) => {}
                    Err(error @ LedgerError::Damaged { .. }) => {
                        tracing::error!(%error, "a rollup is passed over")
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(hours)
    }

    fn take_in(&mut self, file: HourFile) {
        let hour = self.hours.entry(number(file.hour)).or_default();
        hour.sessions = file.sessions;
        for counts in file.commands {
            let key = Key {
                route: counts.route,
                command: counts.command.into(),
                adapter: counts.adapter.into(),
                mode: counts.mode.into(),
            };
            hour.commands.insert(
                key,
                Counts {
                    requests: counts.requests,
                    faults: counts.faults,
                    latency: counts.latency,
                },
            );
        }
    }
}

impl Hour {
    /// By command, in a fixed order.
    fn told(&self) -> Vec<CommandCounts> {
        let ordered: BTreeMap<&Key, &Counts> = self.commands.iter().collect();
        ordered
            .into_iter()
            .map(|(key, counts)| told(key, counts))
            .collect()
    }
}

fn told(key: &Key, counts: &Counts) -> CommandCounts {
    CommandCounts {
        route: key.route,
        command: key.command.clone().into_owned(),
        adapter: key.adapter.clone().into_owned(),
        mode: key.mode.clone().into_owned(),
        requests: counts.requests,
        faults: counts.faults,
        latency: counts.latency,
    }
}

fn entries(dir: &Path) -> Result<Vec<std::path::PathBuf>, LedgerError> {
    let entries = std::fs::read_dir(dir).map_err(private::io(dir))?;
    let mut paths: Vec<_> = entries
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .collect();
    paths.sort();
    Ok(paths)
}

fn read_hour(path: &Path) -> Result<HourFile, LedgerError> {
    let damaged = |why: String| LedgerError::Damaged {
        path: path.to_owned(),
        why,
    };
    let text = private::read(path, MAX_FILE)?.unwrap_or_default();
    let file: HourFile = serde_json::from_str(&text).map_err(|error| damaged(error.to_string()))?;
    if file.format_version > FORMAT {
        return Err(damaged(format!(
            "its format {} is newer than {FORMAT}",
            file.format_version
        )));
    }
    Ok(file)
}

/// `YYYYMMDD` and `HH`.
fn names(at: Timestamp) -> (String, String) {
    let text = at.to_string();
    (text[..10].replace('-', ""), text[11..13].to_owned())
}

pub(super) fn write(dir: &Path, hour: &HourFile) -> Result<(), LedgerError> {
    let (day, name) = names(hour.hour);
    let day = dir.join(day);
    private::directory(&day)?;
    let path = day.join(name + ".json");
    let text = serde_json::to_string(hour).map_err(|error| LedgerError::Damaged {
        path: path.clone(),
        why: error.to_string(),
    })?;
    private::replace(&path, &(text + "\n"))
}

/// Removes the days of which every hour is too old.
pub(super) fn prune(dir: &Path, now: Timestamp) -> Result<(), LedgerError> {
    let (oldest, _) = names(start(number(now).saturating_sub(KEPT_HOURS)));
    for day in entries(dir)? {
        let name = day
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        let is_day = name.len() == 8 && name.bytes().all(|byte| byte.is_ascii_digit());
        if is_day && name < oldest.as_str() {
            std::fs::remove_dir_all(&day).map_err(private::io(&day))?;
        }
    }
    Ok(())
}
