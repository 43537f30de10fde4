//! The state directory as a relay uses it: its lock, its token, and the file by which clients find it. Everything is
//! private to the user, written at once or not at all, and never reached through a symbolic link.

use std::fs::{DirBuilder, File, Metadata, OpenOptions};
use std::io::{ErrorKind, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use ops_contracts::wire::http::{RelayFile, home};
use ops_contracts::{ErrorCode, Fault};
use rustix::fs::{FlockOperation, OFlags, flock};
use rustix::io::Errno;

use crate::failure::Failure;

/// The largest file that is read; each of ours is far smaller.
const MAX_FILE: u64 = 1 << 20;

/// Bytes of the token.
const TOKEN_BYTES: usize = 32;

/// How often, and after what pause, the lock is tried again.
const LOCK_TRIES: u32 = 10;
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// A state directory that this process alone serves, for as long as the value lives.
#[derive(Debug)]
pub(crate) struct Home {
    dir: PathBuf,
    /// Hold the locks: the system releases them when the process ends, however it ends.
    _locks: [File; 2],
}

impl Home {
    /// Makes the directory where it is missing, and takes its lock.
    ///
    /// # Errors
    /// `relay_home_busy` when another relay serves it, `cli_state_invalid` when it is foreign or open to others.
    pub(crate) fn take(dir: PathBuf) -> Result<Self, Failure> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&dir)
            .map_err(|error| Failure::state(&dir, error))?;
        let meta = std::fs::symlink_metadata(&dir).map_err(|error| Failure::state(&dir, error))?;
        if !meta.is_dir() {
            return Err(Failure::state(
                &dir,
                "it is no directory, or a symbolic link to one",
            ));
        }
        check_private(&meta, &dir, "700")?;
        let directory = lock_directory(&dir)?;
        // What a relay that died has left would name a port that is not ours. Before the lock that clients look at: whoever
        // finds that held finds no older announcement.
        withdraw(&dir);
        let lock = lock(&dir)?;
        Ok(Self {
            dir,
            _locks: [directory, lock],
        })
    }

    /// The directory of the browsers' profiles.
    pub(crate) fn profiles(&self) -> PathBuf {
        self.dir.join("profiles")
    }

    /// The directory of what is kept for operators.
    pub(crate) fn artifacts(&self) -> PathBuf {
        self.dir.join("artifacts")
    }

    /// The file with the token.
    pub(crate) fn token_path(&self) -> PathBuf {
        self.dir.join(home::TOKEN)
    }

    /// The token of this start: the operator's, or a new one, so that one that got into wrong hands opens no later relay. Clients
    /// of this home find it in its file either way.
    ///
    /// # Errors
    /// `cli_state_invalid` when the file is foreign or open to others.
    pub(crate) fn token(&self, supplied: Option<String>) -> Result<String, Failure> {
        // Somebody put it there: nothing of theirs is overwritten unseen.
        open_private(&self.token_path())?;
        let token = supplied.map_or_else(|| random_hex(TOKEN_BYTES), Ok)?;
        self.write(home::TOKEN, &format!("{token}\n"))?;
        Ok(token)
    }

    /// Tells clients where the relay is.
    pub(crate) fn announce(&self, file: &RelayFile) -> Result<(), Failure> {
        let text =
            serde_json::to_string(file).map_err(|error| Failure::start(error.to_string()))?;
        self.write(home::RELAY, &(text + "\n"))
    }

    /// Tells clients the fingerprint of another certificate. Does nothing before the relay was announced.
    pub(crate) fn announce_certificate(&self, sha256: &str) -> Result<(), Failure> {
        let Some(text) = self.read(home::RELAY)? else {
            return Ok(());
        };
        let invalid = |error| Failure::state(&self.path(home::RELAY), error);
        let mut told: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(&text).map_err(invalid)?;
        told.insert("certificateSha256".to_owned(), sha256.into());
        let text = serde_json::to_string(&told).map_err(invalid)?;
        self.write(home::RELAY, &(text + "\n"))
    }

    /// Takes that back.
    pub(crate) fn withdraw(&self) {
        withdraw(&self.dir);
    }

    /// The path of a file.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// The text of a small file that is private to the user; `None` where there is none.
    ///
    /// # Errors
    /// `cli_state_invalid` when it is foreign, open to others, or can't be read.
    pub(crate) fn read(&self, name: &str) -> Result<Option<String>, Failure> {
        let path = self.path(name);
        let Some(file) = open_private(&path)? else {
            return Ok(None);
        };
        let mut text = String::new();
        file.take(MAX_FILE)
            .read_to_string(&mut text)
            .map_err(|error| Failure::state(&path, error))?;
        Ok(Some(text))
    }

    /// Removes a file, if it is there.
    pub(crate) fn remove(&self, name: &str) {
        let _ = std::fs::remove_file(self.path(name));
    }

    /// Writes a file, whole or not at all.
    pub(crate) fn write(&self, name: &str, text: &str) -> Result<(), Failure> {
        let path = self.dir.join(name);
        let temporary = self.dir.join(format!("{name}.tmp"));
        // Under the lock a leftover can only be that of a relay that died.
        let _ = std::fs::remove_file(&temporary);
        let written = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&temporary)
            .and_then(|mut file| file.write_all(text.as_bytes()))
            .and_then(|()| std::fs::rename(&temporary, &path));
        written.map_err(|error| Failure::state(&path, format!("it can't be written: {error}")))
    }
}

/// The text of the configuration document; `None` where there is none. Touches nothing.
///
/// # Errors
/// `cli_state_invalid` when the file is foreign, open to others, or can't be read.
pub(crate) fn read_config(dir: &Path) -> Result<Option<String>, Failure> {
    let path = dir.join(home::CONFIG);
    let Some(file) = open_private(&path)? else {
        return Ok(None);
    };
    let mut text = String::new();
    // One byte more than is taken, so that what is too large is refused as such.
    let limit = u64::try_from(ops_contracts::control::config::MAX_BYTES)
        .unwrap_or(u64::MAX)
        .saturating_add(1);
    file.take(limit)
        .read_to_string(&mut text)
        .map_err(|error| Failure::state(&path, error))?;
    Ok(Some(text))
}

/// `bytes` random bytes of the operating system, as lower-case hex.
pub(crate) fn random_hex(bytes: usize) -> Result<String, Failure> {
    let mut random = vec![0_u8; bytes];
    getrandom::fill(&mut random)
        .map_err(|error| Failure::start(format!("the system has no randomness: {error}")))?;
    Ok(random.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn no_follow() -> i32 {
    // Without NONBLOCK a FIFO in the file's place would hang the start.
    (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed()
}

fn withdraw(dir: &Path) {
    // It may never have been written.
    let _ = std::fs::remove_file(dir.join(home::RELAY));
}

/// Locks the directory itself: unlike a file in it, it can't be deleted and made again beside the relay that serves it.
fn lock_directory(dir: &Path) -> Result<File, Failure> {
    let directory = File::open(dir).map_err(|error| Failure::state(dir, error))?;
    match flock(&directory, FlockOperation::NonBlockingLockExclusive) {
        Err(Errno::WOULDBLOCK) => Err(match open_private(&dir.join(home::LOCK))? {
            Some(lock) => busy(lock, dir),
            None => home_busy("another relay", None, dir),
        }),
        // File systems that lock no directories lock the file.
        Ok(()) | Err(_) => Ok(directory),
    }
}

/// Takes the lock and leaves our process id in its file. A relay that died has released it. A client that looks whether it is
/// held holds it itself for that moment.
fn lock(dir: &Path) -> Result<File, Failure> {
    let path = dir.join(home::LOCK);
    let opened = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(no_follow())
        .open(&path);
    let mut file = opened.map_err(|error| unusable(&path, &error))?;
    check_file(&file, &path)?;
    let mut tries = 0;
    loop {
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => break,
            Err(Errno::WOULDBLOCK) if tries < LOCK_TRIES => {
                tries += 1;
                std::thread::sleep(LOCK_PAUSE);
            }
            Err(Errno::WOULDBLOCK) => return Err(busy(file, dir)),
            Err(error) => return Err(Failure::state(&path, error)),
        }
    }
    let written = file
        .set_len(0)
        .and_then(|()| file.rewind())
        .and_then(|()| writeln!(file, "{}", std::process::id()));
    written.map_err(|error| Failure::state(&path, error))?;
    Ok(file)
}

fn busy(file: File, dir: &Path) -> Failure {
    let mut text = String::new();
    // The holder may not have written its number yet.
    let _ = file.take(32).read_to_string(&mut text);
    let pid: Option<u32> = text.trim().parse().ok();
    let who = pid.map_or_else(
        || "another relay".to_owned(),
        |pid| format!("another relay (pid {pid})"),
    );
    home_busy(&who, pid, dir)
}

fn home_busy(who: &str, pid: Option<u32>, dir: &Path) -> Failure {
    Failure::Coded(
        Fault::new(
            ErrorCode::RelayHomeBusy,
            format!("{who} serves {}", dir.display()),
        )
        .with("pid", pid),
    )
}

/// Opens a file that nobody else can read or write; `None` where it doesn't exist.
fn open_private(path: &Path) -> Result<Option<File>, Failure> {
    match OpenOptions::new()
        .read(true)
        .custom_flags(no_follow())
        .open(path)
    {
        Ok(file) => check_file(&file, path).map(|()| Some(file)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unusable(path, &error)),
    }
}

fn unusable(path: &Path, error: &std::io::Error) -> Failure {
    if error.raw_os_error() == Some(Errno::LOOP.raw_os_error()) {
        return Failure::state(path, "it is a symbolic link");
    }
    Failure::state(path, error)
}

fn check_file(file: &File, path: &Path) -> Result<(), Failure> {
    let meta = file
        .metadata()
        .map_err(|error| Failure::state(path, error))?;
    if !meta.is_file() {
        return Err(Failure::state(path, "it is no plain file"));
    }
    check_private(&meta, path, "600")
}

fn check_private(meta: &Metadata, path: &Path, expected: &str) -> Result<(), Failure> {
    if meta.uid() != rustix::process::geteuid().as_raw() {
        return Err(Failure::state(path, "it belongs to another user"));
    }
    let mode = meta.mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(Failure::state(
            path,
            format!("its mode is {mode:03o}; chmod {expected} it once you trust what is in it"),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use ops_contracts::wire::clock::Timestamp;

    use super::*;

    fn scratch() -> (tempfile::TempDir, PathBuf) {
        let scratch = tempfile::tempdir().unwrap();
        let dir = scratch.path().join("state/odb");
        (scratch, dir)
    }

    #[track_caller]
    fn code(failed: Result<impl std::fmt::Debug, Failure>) -> ErrorCode {
        match failed {
            Err(Failure::Coded(fault)) => fault.code,
            other => panic!("{other:?}"),
        }
    }

    fn mode(path: &Path) -> u32 {
        std::fs::symlink_metadata(path).unwrap().mode() & 0o777
    }

    #[test]
    fn a_home_is_made_private_and_served_by_one_relay_at_a_time() {
        let (_scratch, dir) = scratch();
        let home = Home::take(dir.clone()).unwrap();
        assert_eq!((mode(&dir), mode(&dir.join(home::LOCK))), (0o700, 0o600));
        assert_eq!(code(Home::take(dir.clone())), ErrorCode::RelayHomeBusy);
        drop(home);
        std::fs::write(dir.join(home::RELAY), "{}").unwrap();
        Home::take(dir.clone()).unwrap();
        assert!(
            !dir.join(home::RELAY).exists(),
            "what a dead relay left is gone"
        );
    }

    #[test]
    fn each_start_has_a_token_of_its_own_unless_one_is_supplied() {
        let (_scratch, dir) = scratch();
        let home = Home::take(dir.clone()).unwrap();
        let told = || std::fs::read_to_string(home.token_path()).unwrap();
        let token = home.token(None).unwrap();
        assert_eq!(told(), format!("{token}\n"));
        assert_eq!((mode(&home.token_path()), token.len()), (0o600, 64));
        let next = home.token(None).unwrap();
        assert_ne!(next, token);
        assert_eq!(told(), format!("{next}\n"));
        let supplied = "supplied".repeat(5);
        assert_eq!(home.token(Some(supplied.clone())).unwrap(), supplied);
        assert_eq!(told(), format!("{supplied}\n"));
    }

    #[test]
    fn a_token_file_that_others_can_read_is_refused() {
        let (_scratch, dir) = scratch();
        let home = Home::take(dir).unwrap();
        home.token(None).unwrap();
        std::fs::set_permissions(home.token_path(), PermissionsExt::from_mode(0o640)).unwrap();
        assert_eq!(code(home.token(None)), ErrorCode::CliStateInvalid);
    }

    #[test]
    fn a_home_whose_lock_file_was_deleted_is_still_served_by_one_relay() {
        let (_scratch, dir) = scratch();
        let home = Home::take(dir.clone()).unwrap();
        std::fs::remove_file(dir.join(home::LOCK)).unwrap();
        assert_eq!(code(Home::take(dir.clone())), ErrorCode::RelayHomeBusy);
        drop(home);
        Home::take(dir).unwrap();
    }

    #[test]
    fn symbolic_links_and_open_directories_are_refused() {
        let (scratch, dir) = scratch();
        let home = Home::take(dir.clone()).unwrap();
        let elsewhere = scratch.path().join("elsewhere");
        std::fs::write(&elsewhere, "a".repeat(64)).unwrap();
        symlink(&elsewhere, home.token_path()).unwrap();
        assert_eq!(code(home.token(None)), ErrorCode::CliStateInvalid);
        drop(home);
        symlink(&dir, scratch.path().join("link")).unwrap();
        assert_eq!(
            code(Home::take(scratch.path().join("link"))),
            ErrorCode::CliStateInvalid
        );
        std::fs::set_permissions(&dir, PermissionsExt::from_mode(0o755)).unwrap();
        assert_eq!(code(Home::take(dir)), ErrorCode::CliStateInvalid);
    }

    #[test]
    fn the_relay_file_replaces_an_older_one_whole() {
        let (_scratch, dir) = scratch();
        let home = Home::take(dir.clone()).unwrap();
        let file = |url: &str| RelayFile {
            relay_url: url.to_owned(),
            pid: 7,
            instance_id: "i".to_owned(),
            started_at: Some(Timestamp::from_unix_millis(0)),
            relay_version: Some("0.2.0".to_owned()),
            ops_contract_version: Some("1.1.0".to_owned()),
            ops_min_contract_version: Some("1.0.0".to_owned()),
            limits_profile: Some("local".to_owned()),
            certificate_sha256: None,
        };
        home.announce(&file("http://127.0.0.1:1")).unwrap();
        home.announce(&file("http://127.0.0.1:2")).unwrap();
        let text = std::fs::read_to_string(dir.join(home::RELAY)).unwrap();
        let expected = r#"{"relayUrl":"http://127.0.0.1:2","pid":7,"instanceId":"i","startedAt":"1970-01-01T00:00:00.000Z","relayVersion":"0.2.0","opsContractVersion":"1.1.0","opsMinContractVersion":"1.0.0","limitsProfile":"local"}"#;
        assert_eq!(
            (text.trim_end(), mode(&dir.join(home::RELAY))),
            (expected, 0o600)
        );
    }
}
