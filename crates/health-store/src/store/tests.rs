use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use ops_contracts::ErrorCode;
use ops_contracts::control::health::{CircuitState, HealthFigures};
use tempfile::TempDir;

use super::*;
use crate::format::Header;
use crate::journal;
use crate::writer::SegmentFile;

const WITHIN: Duration = Duration::from_secs(20);

/// 2023-11-14T22:13:20Z.
const START: u64 = 1_700_000_000_000;

/// A clock that a test sets.
struct Hand {
    wall: AtomicU64,
    monotonic: AtomicU64,
}

impl Hand {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            wall: AtomicU64::new(START),
            monotonic: AtomicU64::new(1_000),
        })
    }

    fn advance(&self, seconds: u64) {
        self.wall.fetch_add(seconds * 1_000, Ordering::SeqCst);
        self.monotonic.fetch_add(seconds * 1_000, Ordering::SeqCst);
    }
}

impl Ticks for Hand {
    fn now(&self) -> Moment {
        Moment {
            wall: Timestamp::from_unix_millis(self.wall.load(Ordering::SeqCst)),
            monotonic: Duration::from_millis(self.monotonic.load(Ordering::SeqCst)),
        }
    }
}

fn home() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn root(home: &TempDir) -> PathBuf {
    home.path().join("artifacts/ops-health")
}

fn config(home: &TempDir) -> JournalConfig {
    dir::ensure_below(home.path(), &["artifacts", "ops-health"]).unwrap();
    JournalConfig::new(root(home))
}

fn text(session: u32, seq: u64, event: &str, circuit: &str) -> String {
    let (until, reason, faults) = if circuit == "open" {
        (r#""2023-11-14T22:15:20.000Z""#, "fault_threshold", 5)
    } else {
        ("null", "unknown", 0)
    };
    format!(
        r#"{{"type":"ops.adapter.health.v1","event":"{event}","emittedAt":"2023-11-14T22:13:20.000Z","sessionId":"{session:032x}","adapter":"cdp","route":"ops","circuitState":"{circuit}","faultCountWindow":{faults},"windowSeconds":60,"cooldownUntil":{until},"disableReason":"{reason}","scope":"session","consecutiveSuccesses":0,"sessionEpoch":"0","seq":"{seq}"}}"#
    )
}

fn emit(store: &HealthStore, session: u32, seq: u64, event: &str, circuit: &str) {
    store.emit(HealthEnvelope::parse(&text(session, seq, event, circuit)).unwrap());
}

fn figures(store: &HealthStore) -> HealthFigures {
    assert!(store.settle(WITHIN));
    store.report().figures
}

fn mode(path: &Path) -> u32 {
    std::fs::symlink_metadata(path)
        .unwrap()
        .permissions()
        .mode()
        & 0o777
}

fn active(home: &TempDir) -> PathBuf {
    root(home).join("20231114/adapter-health.jsonl")
}

#[test]
fn adapter_health_envelope_v1_is_validated_and_deduplicated() {
    let store = HealthStore::in_memory(Hand::new());
    let client: ClientId = "extension-1".parse().unwrap();
    let one = text(1, 0, "snapshot", "closed");
    assert_eq!(store.ingest(&one, &client).unwrap(), Ingested::Accepted);
    assert_eq!(store.ingest(&one, &client).unwrap(), Ingested::Duplicate);
    assert_eq!(
        store
            .ingest(&text(1, 5, "snapshot", "closed"), &client)
            .unwrap(),
        Ingested::Accepted
    );
    assert_eq!(
        store
            .ingest(&text(1, 4, "fault", "closed"), &client)
            .unwrap(),
        Ingested::Outdated
    );
    let fault = store
        .ingest(&one.replace("\"ops\"", "\"cdp\""), &client)
        .unwrap_err();
    assert_eq!(
        (fault.code, fault.details.get("field").unwrap().as_str()),
        (ErrorCode::RelayHealthInvalid, Some("route"))
    );
    emit(&store, 2, 0, "snapshot", "closed");
    emit(&store, 2, 0, "snapshot", "closed");
    let counted = store.report().figures.envelopes;
    assert_eq!(
        (
            counted.accepted,
            counted.duplicate,
            counted.outdated,
            counted.rejected
        ),
        (3, 2, 1, 1)
    );
    let provenance: Vec<_> = store
        .sessions()
        .iter()
        .map(|session| session.provenance.as_str())
        .collect();
    assert_eq!(provenance, ["channel", "process"]);
}

#[test]
fn adapter_health_journal_replay_restores_per_session_circuit_state() {
    let (home, hand) = (home(), Hand::new());
    let store = HealthStore::open(home.path(), hand.clone()).unwrap();
    emit(&store, 1, 0, "snapshot", "closed");
    emit(&store, 1, 1, "transition", "open");
    emit(&store, 2, 0, "snapshot", "closed");
    emit(&store, 3, 0, "snapshot", "half_open");
    store.session_closed(&format!("{:032x}", 3).parse().unwrap());
    drop(store);
    for restart in 0..4 {
        hand.advance(60);
        let store = HealthStore::open(home.path(), hand.clone()).unwrap();
        let told: Vec<_> = store
            .sessions()
            .iter()
            .map(|session| {
                (
                    session.adapter_circuit_state.as_str(),
                    session.adapter_health_stale,
                    session.seq.0,
                )
            })
            .collect();
        assert_eq!(
            told,
            [
                ("open", true, 1),
                ("closed", true, 0),
                ("half_open", false, 0)
            ],
            "restart {restart}"
        );
        let worst = store.report().worst;
        assert_eq!(
            (worst.adapter_circuit_state, worst.adapter_health_stale),
            (CircuitState::Open, true)
        );
        assert_eq!(
            worst
                .adapter_health_last_seen_at
                .map(Timestamp::unix_millis),
            Some(START)
        );
        assert!(figures(&store).journal.replayed_records >= 5);
    }
    hand.advance(15 * 60);
    let store = HealthStore::open(home.path(), hand).unwrap();
    assert_eq!(
        store.sessions(),
        [],
        "a quarter of an hour after the end was noticed"
    );
    assert!(!store.report().worst.adapter_health_stale);
}

#[test]
fn adapter_health_journal_retention_permissions_and_disk_guardrails() {
    let (home, hand) = (home(), Hand::new());
    let small = JournalConfig {
        segment_bytes: 4_096,
        ..config(&home)
    };
    let store = HealthStore::with(small.clone(), hand.clone()).unwrap();
    for seq in 0..30 {
        emit(&store, 1, seq, "snapshot", "closed");
        assert!(store.settle(WITHIN));
    }
    let day = root(&home).join("20231114");
    assert_eq!(
        (mode(&root(&home)), mode(&day), mode(&active(&home))),
        (0o700, 0o700, 0o600)
    );
    let first = day.join("adapter-health-0001.jsonl");
    assert_eq!(mode(&first), 0o600);
    let segments = dir::segments(&root(&home)).unwrap();
    assert!(segments.len() > 3);
    assert!(
        segments
            .iter()
            .all(|segment| std::fs::metadata(segment.path(&root(&home))).unwrap().len() <= 4_096)
    );
    let disk = figures(&store).disk.unwrap();
    assert_eq!(
        (
            disk.artifact_set.as_str(),
            disk.limit_bytes,
            disk.limit_ratio
        ),
        ("ops-health", 2_147_483_648, 0.8)
    );
    assert!(disk.usage_bytes > 0 || disk.breached_since.is_none());
    hand.advance(30 * 24 * 60 * 60);
    emit(&store, 1, 100, "snapshot", "closed");
    assert!(store.settle(WITHIN));
    drop(store);
    let pruned = maintain::run(&root(&home), small.limits(), hand.now().wall).unwrap();
    assert_eq!(
        pruned.expired_segments, 0,
        "at thirty days they are within the retention"
    );
    hand.advance(2 * 24 * 60 * 60);
    let store = HealthStore::with(small, hand).unwrap();
    emit(&store, 1, 101, "snapshot", "closed");
    assert!(store.settle(WITHIN));
    drop(store);
    assert!(!day.exists(), "pruned at the start");
    assert_eq!(dir::segments(&root(&home)).unwrap().len(), 2);
}

#[test]
fn torn_tails_are_cut_and_damaged_lines_passed_over_and_both_counted() {
    let (home, hand) = (home(), Hand::new());
    let store = HealthStore::open(home.path(), hand.clone()).unwrap();
    for seq in 0..5 {
        emit(&store, 1, seq, "snapshot", "closed");
    }
    drop(store);
    let whole = std::fs::read(active(&home)).unwrap();
    let mut lines: Vec<Vec<u8>> = whole
        .split_inclusive(|byte| *byte == b'\n')
        .map(<[u8]>::to_vec)
        .collect();
    let at = lines[2].len() / 2;
    lines[2][at] ^= 1;
    lines.insert(4, vec![0; 5_000]);
    lines[4].push(b'\n');
    let torn = lines[1][..40].to_vec();
    lines.push(torn);
    std::fs::write(active(&home), lines.concat()).unwrap();
    let verified = journal::verify(home.path()).unwrap();
    assert_eq!(
        (
            verified.records,
            verified.damaged_lines,
            verified.torn_tails,
            verified.is_sound()
        ),
        (4, 2, 1, false)
    );
    assert_eq!(
        verified.segments[0]
            .damage
            .iter()
            .map(|damage| damage.line)
            .collect::<Vec<_>>(),
        [3, 5]
    );
    let store = HealthStore::open(home.path(), hand.clone()).unwrap();
    emit(&store, 2, 0, "fault", "closed");
    let told = figures(&store).journal;
    assert_eq!(
        (told.replayed_records, told.damaged_lines, told.torn_tails),
        (4, 2, 1)
    );
    drop(store);
    let verified = journal::verify(home.path()).unwrap();
    assert_eq!(
        (verified.records, verified.torn_tails),
        (6, 0),
        "cut off, and the end and the fault stand behind whole lines"
    );
}

#[test]
fn every_prefix_of_a_journal_can_be_opened_and_written() {
    let (home, hand) = (home(), Hand::new());
    let store = HealthStore::open(home.path(), hand.clone()).unwrap();
    emit(&store, 1, 0, "snapshot", "closed");
    drop(store);
    let whole = std::fs::read(active(&home)).unwrap();
    for length in (0..whole.len()).step_by(23) {
        std::fs::write(active(&home), &whole[..length]).unwrap();
        let store = HealthStore::open(home.path(), hand.clone()).unwrap();
        emit(&store, 7, 0, "snapshot", "closed");
        drop(store);
        let verified = journal::verify(home.path()).unwrap();
        assert!(verified.is_sound(), "cut to {length} bytes");
    }
}

#[test]
fn a_newer_format_is_read_and_never_changed() {
    let (home, hand) = (home(), Hand::new());
    let store = HealthStore::open(home.path(), hand.clone()).unwrap();
    emit(&store, 1, 0, "transition", "open");
    drop(store);
    let text = std::fs::read_to_string(active(&home)).unwrap().replacen(
        "\"version\":1",
        "\"version\":2",
        1,
    );
    std::fs::write(active(&home), &text).unwrap();
    let store = HealthStore::open(home.path(), hand.clone()).unwrap();
    assert_eq!(
        store.sessions()[0].adapter_circuit_state,
        CircuitState::Open
    );
    emit(&store, 2, 0, "snapshot", "closed");
    let told = figures(&store).journal;
    assert_eq!(told.state, JournalState::ReadOnly);
    assert!(told.lost_records >= 1 && told.reason.unwrap().contains("newer"));
    assert_eq!(store.sessions().len(), 2, "memory goes on");
    drop(store);
    hand.advance(90 * 24 * 60 * 60);
    assert_eq!(
        journal::prune(home.path(), hand.now().wall)
            .unwrap_err()
            .code(),
        ErrorCode::CliJournalNewer
    );
    assert_eq!(std::fs::read_to_string(active(&home)).unwrap(), text);
}

#[test]
fn links_open_modes_and_foreign_things_are_refused() {
    let refused = |home: &TempDir| {
        HealthStore::open(home.path(), Hand::new())
            .err()
            .map(|error| error.code())
    };
    let elsewhere = tempfile::tempdir().unwrap();
    let linked = home();
    std::os::unix::fs::symlink(elsewhere.path(), linked.path().join("artifacts")).unwrap();
    assert_eq!(refused(&linked), Some(ErrorCode::CliStateInvalid));
    let open = home();
    config(&open);
    std::fs::set_permissions(root(&open), PermissionsExt::from_mode(0o755)).unwrap();
    assert_eq!(refused(&open), Some(ErrorCode::CliStateInvalid));
    for wrong in ["link", "mode", "directory", "day"] {
        let home = home();
        drop(HealthStore::open(home.path(), Hand::new()).unwrap());
        let day = root(&home).join("20231114");
        std::fs::create_dir(&day).unwrap();
        std::fs::set_permissions(
            &day,
            PermissionsExt::from_mode(if wrong == "day" { 0o750 } else { 0o700 }),
        )
        .unwrap();
        match wrong {
            "link" => symlink("/etc/passwd", active(&home)).unwrap(),
            "directory" => std::fs::create_dir(active(&home)).unwrap(),
            _ => std::fs::write(active(&home), "").unwrap(),
        }
        assert_eq!(refused(&home), Some(ErrorCode::CliStateInvalid), "{wrong}");
        assert_eq!(
            journal::verify(home.path()).unwrap_err().code(),
            ErrorCode::CliStateInvalid,
            "{wrong}"
        );
    }
}

#[test]
fn a_second_writer_only_reads() {
    let (home, hand) = (home(), Hand::new());
    let first = HealthStore::open(home.path(), hand.clone()).unwrap();
    emit(&first, 1, 0, "transition", "open");
    assert!(first.settle(WITHIN));
    let second = HealthStore::open(home.path(), hand).unwrap();
    assert_eq!(second.sessions().len(), 1);
    emit(&second, 2, 0, "snapshot", "closed");
    assert_eq!(figures(&second).journal.state, JournalState::ReadOnly);
}

/// Fails the write or sync with this number.
struct Failing {
    file: File,
    left: Arc<AtomicU32>,
}

impl Failing {
    fn step(&self) -> io::Result<()> {
        match self
            .left
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
                left.checked_sub(1)
            }) {
            Ok(1) => Err(io::ErrorKind::StorageFull.into()),
            _ => Ok(()),
        }
    }
}

impl SegmentFile for Failing {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Err(error) = self.step() {
            self.file.append(&bytes[..bytes.len() / 2])?;
            return Err(error);
        }
        self.file.append(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.step()?;
        self.file.sync()
    }

    fn truncate(&mut self, bytes: u64) -> io::Result<()> {
        self.file.truncate(bytes)
    }
}

#[test]
fn whichever_write_or_sync_fails_memory_goes_on_and_the_journal_stays_whole() {
    for failing in 1..8 {
        let (home, hand, left) = (home(), Hand::new(), Arc::new(AtomicU32::new(failing)));
        let wrap: Wrap = {
            let left = left.clone();
            Box::new(move |file| {
                Box::new(Failing {
                    file,
                    left: left.clone(),
                })
            })
        };
        let store = HealthStore::wrapped(config(&home), hand.clone(), wrap).unwrap();
        for seq in 0..4 {
            emit(&store, 1, seq, "fault", "closed");
            assert!(store.settle(WITHIN));
        }
        hand.advance(6);
        emit(&store, 1, 4, "transition", "open");
        let told = figures(&store);
        assert_eq!(
            (told.journal.state, told.open_circuits),
            (JournalState::Writing, 1),
            "step {failing}"
        );
        let (written, lost) = (told.journal.written_records, told.journal.lost_records);
        assert!(
            written + lost == 5 && written >= 1,
            "step {failing}: {written} written, {lost} lost"
        );
        drop(store);
        let verified = journal::verify(home.path()).unwrap();
        assert!(
            verified.is_sound() && verified.records >= written,
            "step {failing}: {verified:?}"
        );
    }
}

/// A volume of `kib` KiB; gone with the value.
struct Small(TempDir);

impl Small {
    fn new(kib: u32) -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let options = format!("size={kib}k,mode=0700");
        let mounted = std::process::Command::new("mount")
            .args(["-t", "tmpfs", "-o", &options, "tmpfs"])
            .arg(dir.path())
            .status();
        mounted
            .is_ok_and(|status| status.success())
            .then(|| Self(dir))
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount")
            .arg(self.0.path())
            .status();
    }
}

#[test]
fn a_full_disk_never_stops_the_store_and_it_writes_again_when_there_is_room() {
    let Some(volume) = Small::new(256) else {
        // Only root mounts; the failing file above tells the same without a volume.
        assert!(!rustix::process::geteuid().is_root(), "root can mount");
        return;
    };
    let hand = Hand::new();
    let ballast = volume.0.path().join("ballast");
    let store = HealthStore::open(volume.0.path(), hand.clone()).unwrap();
    emit(&store, 1, 0, "snapshot", "closed");
    assert!(store.settle(WITHIN));
    assert!(
        std::fs::write(&ballast, vec![0; 512 * 1024]).is_err(),
        "the volume is full"
    );
    for seq in 1..400 {
        emit(&store, 1, seq, "snapshot", "closed");
        assert!(store.settle(WITHIN));
    }
    let told = figures(&store);
    assert_eq!(
        (told.journal.state, told.sessions),
        (JournalState::Failing, 1)
    );
    assert!(told.journal.lost_records > 300);
    assert_eq!(store.sessions()[0].seq.0, 399);
    std::fs::remove_file(&ballast).unwrap();
    hand.advance(10);
    emit(&store, 1, 400, "transition", "open");
    assert_eq!(figures(&store).journal.state, JournalState::Writing);
    drop(store);
    assert!(journal::verify(volume.0.path()).unwrap().is_sound());
    let store = HealthStore::open(volume.0.path(), hand).unwrap();
    assert_eq!(
        store.sessions()[0].adapter_circuit_state,
        CircuitState::Open
    );
}

#[test]
fn a_read_only_disk_is_served_from_memory() {
    let Some(volume) = Small::new(256) else {
        assert!(!rustix::process::geteuid().is_root(), "root can mount");
        return;
    };
    let remounted = std::process::Command::new("mount")
        .args(["-o", "remount,ro"])
        .arg(volume.0.path())
        .status();
    assert!(remounted.is_ok_and(|status| status.success()));
    let store = HealthStore::open(volume.0.path(), Hand::new()).unwrap();
    emit(&store, 1, 0, "transition", "open");
    let told = figures(&store);
    assert_eq!(
        (
            told.journal.state,
            told.open_circuits,
            told.journal.lost_records
        ),
        (JournalState::Failing, 1, 1)
    );
}

#[test]
fn old_segments_keep_faults_transitions_and_one_snapshot_an_hour() {
    let (home, hand) = (home(), Hand::new());
    let config = config(&home);
    let store = HealthStore::with(config.clone(), hand.clone()).unwrap();
    // 22:13:20 to 22:43:20, and 23:03:20.
    for seq in 0..180 {
        emit(&store, 1, seq, "snapshot", "closed");
        hand.advance(10);
    }
    hand.advance(20 * 60);
    emit(&store, 1, 200, "fault", "closed");
    emit(&store, 1, 201, "transition", "open");
    emit(&store, 1, 202, "snapshot", "open");
    emit(&store, 2, 0, "snapshot", "closed");
    drop(store);
    hand.advance(24 * 60 * 60);
    let store = HealthStore::with(config.clone(), hand.clone()).unwrap();
    emit(&store, 9, 0, "snapshot", "closed");
    assert!(store.settle(WITHIN));
    drop(store);
    // By the age of its file, which a test can't wait for.
    let later = crate::SystemTicks::new(Arc::new(Later)).now().wall;
    let pruned = maintain::run(
        &root(&home),
        Limits {
            retention: Duration::MAX,
            ..config.limits()
        },
        later,
    )
    .unwrap();
    assert_eq!(
        (pruned.compacted_segments, pruned.compacted_records),
        (1, 179)
    );
    let old = active(&home);
    let mut kept = Vec::new();
    let report = replay::read(&old, |_, record, _| {
        kept.extend(record.event.map(|event| event.seq.0))
    })
    .unwrap();
    assert_eq!(
        (kept, report.compacted, report.is_sound(), mode(&old)),
        (vec![179, 200, 201, 202, 0], true, true, 0o600)
    );
    let again = maintain::run(
        &root(&home),
        Limits {
            retention: Duration::MAX,
            ..config.limits()
        },
        later,
    )
    .unwrap();
    assert_eq!(again.compacted_segments, 0);
}

/// Two days from now.
struct Later;

impl ops_contracts::wire::clock::Clock for Later {
    #[expect(
        clippy::disallowed_methods,
        reason = "the age of files is by the system's clock"
    )]
    fn now(&self) -> Timestamp {
        Timestamp::from(std::time::SystemTime::now()).plus(Duration::from_secs(48 * 60 * 60))
    }
}

#[test]
fn above_its_bound_the_oldest_segments_go_and_never_the_one_that_is_written() {
    let (home, hand) = (home(), Hand::new());
    let config = JournalConfig {
        segment_bytes: 4_096,
        ..config(&home)
    };
    let store = HealthStore::with(config.clone(), hand.clone()).unwrap();
    for seq in 0..100 {
        emit(&store, 1, seq, "fault", "closed");
        assert!(store.settle(WITHIN));
    }
    let pruned = maintain::run(
        &root(&home),
        Limits {
            bytes: 10_000,
            ..config.limits()
        },
        hand.now().wall,
    )
    .unwrap();
    assert!(pruned.oversize_segments > 3 && pruned.bytes_after <= 10_000);
    let left = dir::segments(&root(&home)).unwrap();
    assert_eq!(left.last().unwrap().number, None);
    let pruned = maintain::run(
        &root(&home),
        Limits {
            bytes: 0,
            ..config.limits()
        },
        hand.now().wall,
    )
    .unwrap();
    assert!(pruned.bytes_after > 0);
    emit(&store, 1, 100, "fault", "closed");
    assert_eq!(figures(&store).journal.state, JournalState::Writing);
}

#[test]
fn a_clock_that_jumps_ahead_prunes_nothing_and_one_that_goes_back_keeps_the_order() {
    let (home, hand) = (home(), Hand::new());
    let store = HealthStore::open(home.path(), hand.clone()).unwrap();
    emit(&store, 1, 0, "fault", "closed");
    assert!(store.settle(WITHIN));
    hand.wall
        .fetch_add(365 * 24 * 60 * 60 * 1_000, Ordering::SeqCst);
    emit(&store, 1, 1, "fault", "closed");
    assert!(store.settle(WITHIN));
    hand.monotonic
        .fetch_add(25 * 60 * 60 * 1_000, Ordering::SeqCst);
    emit(&store, 1, 2, "fault", "closed");
    assert!(store.settle(WITHIN));
    assert!(active(&home).exists());
    hand.wall.store(1_000, Ordering::SeqCst);
    emit(&store, 1, 3, "transition", "open");
    drop(store);
    assert!(active(&home).exists());
    let days: Vec<_> = dir::segments(&root(&home))
        .unwrap()
        .into_iter()
        .map(|segment| segment.day)
        .collect();
    assert_eq!(days, ["20231114", "20241113"]);
    let store = HealthStore::open(home.path(), hand).unwrap();
    assert_eq!(
        (
            store.sessions()[0].seq.0,
            store.sessions()[0].adapter_circuit_state
        ),
        (3, CircuitState::Open)
    );
}

#[test]
fn a_header_is_the_first_line_and_records_say_who_told_them() {
    let (home, hand) = (home(), Hand::new());
    let store = HealthStore::open(home.path(), hand).unwrap();
    store
        .ingest(&text(1, 0, "snapshot", "closed"), &"c".parse().unwrap())
        .unwrap();
    drop(store);
    let text = std::fs::read_to_string(active(&home)).unwrap();
    let mut lines = text.lines();
    assert_eq!(
        Header::parse(lines.next().unwrap().as_bytes())
            .unwrap()
            .version,
        1
    );
    let record = lines.next().unwrap();
    assert!(
        record.starts_with("{\"crc\":\"")
            && record.contains(
                "\"provenance\":\"channel\",\"event\":{\"type\":\"ops.adapter.health.v1\""
            )
    );
    assert!(
        serde_json::from_str::<serde_json::Value>(record).is_ok(),
        "a line is JSON for whoever reads it"
    );
}
