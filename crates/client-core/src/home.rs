//! The files of the state directory: private, written at once or not at all, never through a symbolic link.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use ops_contracts::wire::clock::Timestamp;
use ops_contracts::wire::command::parse_json;
use ops_contracts::wire::command::session::CreateParams;
use ops_contracts::wire::http::home;
use ops_contracts::wire::ids::{CdpLeaseId, ClientId, LeaseId, SessionId};
use ops_contracts::wire::routing::Route;
use ops_contracts::{ErrorCode, Fault};
use rustix::fs::{FlockOperation, OFlags, flock};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::client::Surroundings;
use crate::failure::{Failure, Outcome};

/// The largest file that is read; each of ours is far smaller.
const MAX_FILE: u64 = 1 << 20;

/// Where the state directory may be, the first before the second.
#[derive(Debug, Clone, Copy, Default)]
pub struct Places<'a> {
    /// As the user named it for this call.
    pub flag: Option<&'a Path>,
    /// `ODB_HOME`.
    pub odb_home: Option<&'a Path>,
    /// `XDG_STATE_HOME`; it is in `odb` below.
    pub xdg_state_home: Option<&'a Path>,
    /// `HOME`; it is in `.local/state/odb` below.
    pub user: Option<&'a Path>,
}

/// The state directory.
#[derive(Debug, Clone)]
pub struct Home {
    dir: PathBuf,
}

/// A session under a name, as `sessions/NAME.json` holds it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoredSession {
    /// The session.
    pub session_id: SessionId,
    /// Its lease.
    pub lease_id: LeaseId,
    /// The relay that has it.
    pub relay_url: String,
    /// The run of that relay; the session ended with it.
    pub instance_id: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// What it was made with.
    #[serde(default)]
    pub params: CreateParams,
}

/// The lane that a stored session is on; `/ops` where its file does not say.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(transparent)]
struct Lane(Option<Route>);

/// A legacy session under a name.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoredLegacy {
    /// Always `legacy-cdp`: it tells the file from that of a session on `/ops`.
    pub route: Route,
    /// The session.
    pub session_id: SessionId,
    /// Its lease.
    pub cdp_lease_id: CdpLeaseId,
    /// When the lease ends.
    pub lease_expires_at: Timestamp,
    /// The relay that has it.
    pub relay_url: String,
    /// When it was made.
    pub created_at: Timestamp,
}

/// What a verb of `/ops` is told about a legacy session.
fn unavailable(name: &str) -> Fault {
    let message = format!(
        "session {name:?} is on the legacy lane, where odb-cli cdp send, cdp proxy and cdp close are all that works: \
         cdp close it, or use another --session"
    );
    Fault::new(ErrorCode::CliVerbUnavailableOnLegacy, message).with("session", name)
}

impl Home {
    /// The first of the places that is named.
    ///
    /// # Errors
    /// `cli_usage_invalid` where none is; `cli_state_invalid` where the current directory is needed and can't be read.
    pub fn locate(places: &Places<'_>) -> Outcome<Self> {
        let xdg = places.xdg_state_home.filter(|dir| dir.is_absolute());
        let dir = places
            .flag
            .or(places.odb_home)
            .map(Path::to_path_buf)
            .or_else(|| xdg.map(|dir| dir.join("odb")))
            .or_else(|| places.user.map(|dir| dir.join(".local/state/odb")))
            .ok_or_else(|| {
                Failure::usage("there is no state directory: give --home, or set ODB_HOME or HOME")
            })?;
        let dir = std::path::absolute(&dir).map_err(|error| invalid(&dir, &error.to_string()))?;
        Ok(Self { dir })
    }

    /// The directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The path of a file in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// The text of a file; none where it doesn't exist.
    pub fn read(&self, name: &str) -> Outcome<Option<String>> {
        let path = self.path(name);
        self.open_private(&path)?
            .map(|file| read_private(file, &path))
            .transpose()
    }

    /// Opens a file that nobody else can read or write; none where it doesn't exist.
    fn open_private(&self, path: &Path) -> Outcome<Option<File>> {
        if !self.check_dirs_of(path)? {
            return Ok(None);
        }
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let opened = OpenOptions::new()
            .read(true)
            .custom_flags(flags.bits().cast_signed())
            .open(path);
        match opened {
            Ok(file) => check_private(&file, path).map(|_| Some(file)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) => {
                Err(invalid(path, "it is a symbolic link"))
            }
            Err(error) => Err(invalid(path, &error.to_string())),
        }
    }

    /// Whether a relay serves this home: it holds the lock of `relay.lock` for as long as it lives, however it ends.
    ///
    /// # Errors
    /// `cli_state_invalid` when the lock's file is foreign or open to others.
    pub(crate) fn is_served(&self) -> Outcome<bool> {
        let path = self.path(home::LOCK);
        let Some(file) = self.open_private(&path)? else {
            return Ok(false);
        };
        // Taken for a moment, and shared, so that two clients that look do not see each other.
        match flock(&file, FlockOperation::NonBlockingLockShared) {
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(true),
            Ok(()) | Err(_) => Ok(false),
        }
    }

    /// A file's JSON; none where it doesn't exist.
    pub fn read_json<T: DeserializeOwned>(&self, name: &str) -> Outcome<Option<T>> {
        let Some(text) = self.read(name)? else {
            return Ok(None);
        };
        parse_json(&text)
            .map(Some)
            .map_err(|error| invalid(&self.path(name), &error.to_string()))
    }

    /// Writes a file, whole or not at all, and makes the directories that it needs.
    pub fn write(&self, name: &str, text: &str) -> Outcome<()> {
        let path = self.path(name);
        let parent = path.parent().unwrap_or(&self.dir);
        self.create(parent)?;
        let temporary = path.with_extension(format!("{}.tmp", std::process::id()));
        let written = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&temporary)
            .and_then(|mut file| file.write_all(text.as_bytes()))
            .and_then(|()| std::fs::rename(&temporary, &path));
        written.map_err(|error| {
            let _ = std::fs::remove_file(&temporary);
            invalid(&path, &format!("it can't be written: {error}"))
        })
    }

    /// Removes a file; false where it didn't exist.
    pub fn remove(&self, name: &str) -> Outcome<bool> {
        match std::fs::remove_file(self.path(name)) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(invalid(&self.path(name), &error.to_string())),
        }
    }

    /// Opens the log of a relay that is about to be started, and tells how much of it is old.
    pub(crate) fn open_log(&self) -> Outcome<(File, u64)> {
        self.create(&self.dir)?;
        let path = self.path("relayd.log");
        let long = std::fs::symlink_metadata(&path).is_ok_and(|meta| meta.len() > MAX_FILE);
        let flags = OFlags::NOFOLLOW.bits().cast_signed();
        let opened = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .custom_flags(flags)
            .open(&path);
        let file = opened.map_err(|error| invalid(&path, &error.to_string()))?;
        if long {
            file.set_len(0)
                .map_err(|error| invalid(&path, &error.to_string()))?;
        }
        let old = check_private(&file, &path)?;
        Ok((file, old))
    }

    /// The installation's id, made at first use.
    pub(crate) fn client_id(&self, surroundings: &Surroundings) -> Outcome<ClientId> {
        let name = "client-id";
        let parse = |text: &str| {
            text.trim()
                .parse::<ClientId>()
                .map_err(|error| invalid(&self.path(name), &error.to_string()))
        };
        if let Some(text) = self.read(name)? {
            return parse(&text);
        }
        let random = surroundings.random_bits()?;
        self.write(name, &format!("{random:032x}\n"))?;
        // Of two processes that make one at once, the later wins for both from the next command on.
        parse(&format!("{random:032x}"))
    }

    /// The session that is stored under a name. A legacy one is no session for the verbs that ask here.
    pub fn session(&self, name: &str) -> Outcome<Option<StoredSession>> {
        #[derive(Deserialize)]
        struct Routed {
            #[serde(default)]
            route: Lane,
        }
        let file = session_file(name);
        let Some(text) = self.read(&file)? else {
            return Ok(None);
        };
        let wrong = |error: ops_contracts::wire::command::InvalidField| {
            invalid(&self.path(&file), &error.to_string())
        };
        let routed: Routed = parse_json(&text).map_err(wrong)?;
        if routed.route.0 == Some(Route::LegacyCdp) {
            return Err(unavailable(name).into());
        }
        parse_json(&text).map(Some).map_err(wrong)
    }

    /// The legacy session that is stored under a name; none where there is none, or one of `/ops`.
    pub fn legacy_session(&self, name: &str) -> Outcome<Option<StoredLegacy>> {
        match self.session(name) {
            Err(failure) if failure.code() == Some(ErrorCode::CliVerbUnavailableOnLegacy) => {
                self.read_json(&session_file(name))
            }
            other => other.map(|_| None),
        }
    }

    /// Stores a legacy session under a name.
    pub fn store_legacy(&self, name: &str, session: &StoredLegacy) -> Outcome<()> {
        let text = serde_json::to_string(session)
            .map_err(|error| invalid(&self.path(&session_file(name)), &error.to_string()))?;
        self.write(&session_file(name), &(text + "\n"))
    }

    /// Stores a session under a name.
    pub fn store_session(&self, name: &str, session: &StoredSession) -> Outcome<()> {
        let text = serde_json::to_string(session)
            .map_err(|error| invalid(&self.path(&session_file(name)), &error.to_string()))?;
        self.write(&session_file(name), &(text + "\n"))
    }

    /// Forgets a session; false where there was none.
    pub fn forget_session(&self, name: &str) -> Outcome<bool> {
        self.remove(&session_file(name))
    }

    /// The names of the stored sessions, in order.
    pub fn session_names(&self) -> Outcome<Vec<String>> {
        let Ok(entries) = std::fs::read_dir(self.path("sessions")) else {
            return Ok(Vec::new());
        };
        let names = entries.filter_map(|entry| {
            entry
                .ok()?
                .file_name()
                .into_string()
                .ok()?
                .strip_suffix(".json")
                .map(str::to_owned)
        });
        let mut names: Vec<String> = names.filter(|name| is_session_name(name)).collect();
        names.sort();
        Ok(names)
    }

    fn create(&self, dir: &Path) -> Outcome<()> {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(dir);
        made.map_err(|error| invalid(dir, &format!("it can't be made: {error}")))?;
        self.check_dirs_of(&dir.join("x")).map(|_| ())
    }

    /// Checks the state directory and the one that holds `path`; false where one doesn't exist.
    fn check_dirs_of(&self, path: &Path) -> Outcome<bool> {
        let inner = path.parent().filter(|parent| *parent != self.dir);
        for dir in std::iter::once(self.dir.as_path()).chain(inner) {
            let meta = match std::fs::symlink_metadata(dir) {
                Ok(meta) => meta,
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
                Err(error) => return Err(invalid(dir, &error.to_string())),
            };
            if !meta.is_dir() {
                return Err(invalid(
                    dir,
                    "it is no directory, or a symbolic link to one",
                ));
            }
            check_owner_and_mode(&meta, dir, "700")?;
        }
        Ok(true)
    }
}

/// Whether a text can name a session.
pub fn is_session_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b))
}

fn session_file(name: &str) -> String {
    format!("sessions/{name}.json")
}

fn read_private(file: File, path: &Path) -> Outcome<String> {
    if check_private(&file, path)? > MAX_FILE {
        return Err(invalid(path, "it is too large"));
    }
    let mut text = String::new();
    let read = file.take(MAX_FILE).read_to_string(&mut text);
    read.map_err(|error| invalid(path, &error.to_string()))?;
    Ok(text)
}

/// Refuses what others can read or write; the file's size.
fn check_private(file: &File, path: &Path) -> Outcome<u64> {
    let meta = file
        .metadata()
        .map_err(|error| invalid(path, &error.to_string()))?;
    if !meta.is_file() {
        return Err(invalid(path, "it is no plain file"));
    }
    check_owner_and_mode(&meta, path, "600")?;
    Ok(meta.len())
}

fn check_owner_and_mode(meta: &std::fs::Metadata, path: &Path, expected: &str) -> Outcome<()> {
    if meta.uid() != rustix::process::geteuid().as_raw() {
        return Err(invalid(path, "it belongs to another user"));
    }
    let mode = meta.mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(invalid(
            path,
            &format!("its mode is {mode:03o}; chmod {expected} it once you trust what is in it"),
        ));
    }
    Ok(())
}

/// A file of the state directory that can't be used.
pub(crate) fn invalid(path: &Path, why: &str) -> Failure {
    let shown = path.display();
    Fault::new(ErrorCode::CliStateInvalid, format!("{shown}: {why}"))
        .with("path", shown.to_string())
        .into()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn home() -> (tempfile::TempDir, Home) {
        let dir = tempfile::tempdir().unwrap();
        let home = Home {
            dir: dir.path().join("state"),
        };
        (dir, home)
    }

    fn mode(path: &Path) -> u32 {
        std::fs::symlink_metadata(path)
            .unwrap()
            .permissions()
            .mode()
            & 0o777
    }

    #[track_caller]
    fn refuses(outcome: Outcome<Option<String>>, needle: &str) {
        let Err(Failure::Here(fault)) = outcome else {
            panic!("not refused")
        };
        assert_eq!(fault.code, ErrorCode::CliStateInvalid);
        assert!(fault.message.contains(needle), "{}", fault.message);
    }

    #[test]
    fn files_and_directories_are_private() {
        let (_keep, home) = home();
        assert_eq!(home.read("client-id").unwrap(), None);
        home.write("sessions/a.json", "{}").unwrap();
        assert_eq!(home.read("sessions/a.json").unwrap().as_deref(), Some("{}"));
        assert_eq!(
            (
                mode(home.dir()),
                mode(&home.path("sessions")),
                mode(&home.path("sessions/a.json"))
            ),
            (0o700, 0o700, 0o600)
        );
        assert_eq!(home.session_names().unwrap(), ["a"]);
        assert!(home.forget_session("a").unwrap() && !home.forget_session("a").unwrap());
    }

    #[test]
    fn wrong_modes_symbolic_links_and_strange_files_are_refused() {
        let (_keep, home) = home();
        home.write("sessions/a.json", "{}").unwrap();
        let file = home.path("sessions/a.json");
        std::fs::set_permissions(&file, PermissionsExt::from_mode(0o644)).unwrap();
        refuses(home.read("sessions/a.json"), "mode is 644");
        std::fs::remove_file(&file).unwrap();
        std::os::unix::fs::symlink("/etc/hostname", &file).unwrap();
        refuses(home.read("sessions/a.json"), "symbolic link");
        std::fs::create_dir(home.path("relay.token")).unwrap();
        refuses(home.read("relay.token"), "no plain file");
        std::fs::set_permissions(home.path("sessions"), PermissionsExt::from_mode(0o755)).unwrap();
        refuses(home.read("sessions/b.json"), "mode is 755");
        std::fs::set_permissions(home.dir(), PermissionsExt::from_mode(0o750)).unwrap();
        refuses(home.read("client-id"), "mode is 750");
    }

    #[test]
    fn names_of_sessions_can_not_leave_the_directory() {
        assert!(is_session_name("default") && is_session_name("a.b_c-9"));
        for bad in ["", "A", "a/b", "ä", &"x".repeat(65)] {
            assert!(!is_session_name(bad), "{bad}");
        }
    }

    #[test]
    fn the_state_directory_comes_from_flag_variable_or_xdg() {
        let dir = |places: Places<'_>| Home::locate(&places).unwrap().dir;
        let mut places = Places {
            user: Some(Path::new("/u")),
            xdg_state_home: Some(Path::new("state")),
            ..Places::default()
        };
        assert_eq!(dir(places), Path::new("/u/.local/state/odb"));
        places.xdg_state_home = Some(Path::new("/x/state"));
        assert_eq!(dir(places), Path::new("/x/state/odb"));
        places.odb_home = Some(Path::new("/x/odb"));
        assert_eq!(dir(places), Path::new("/x/odb"));
        places.flag = Some(Path::new("/y"));
        assert_eq!(dir(places), Path::new("/y"));
        assert!(Home::locate(&Places::default()).is_err());
    }
}
