//! The directory of a browser's temporary files, which goes with the browser.
//!
//! Chromium keeps a socket among them, in a directory that its profile links to. One that ends by itself removes the link first and
//! the directory a good while later: where it is killed in between, nothing leads to what is left. So each browser gets a directory
//! of its own, and that is removed as a whole.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use super::ProcessId;

/// The variable by which programs learn where temporary files belong.
pub(super) const VARIABLE: &str = "TMPDIR";

/// How the name of each such directory begins: nothing else is ever removed.
const PREFIX: &str = "odb-";

/// The longest path that a socket's address takes; macOS takes less than Linux.
const LONGEST_ADDRESS: usize = 103;

/// The longest path below a root: our directory with the longest number of a process, and what Chromium makes in it.
const LONGEST_BELOW: usize =
    "/odb-4194304-1234567890-0/org.chromium.Chromium.XXXXXX/SingletonSocket".len();

/// Where temporary files are on every system.
const SHORT: &str = "/tmp";

/// Where a directory can be whose sockets can be reached, `given` wherever that is short enough.
fn root(given: PathBuf) -> PathBuf {
    let fits = given.as_os_str().len() + LONGEST_BELOW <= LONGEST_ADDRESS;
    if fits { given } else { PathBuf::from(SHORT) }
}

/// Makes a directory that only this user can read.
pub(super) fn create() -> io::Result<PathBuf> {
    let given = std::path::absolute(std::env::temp_dir()).map(root);
    given
        .and_then(|root| create_below(&root))
        .or_else(|_| create_below(Path::new(SHORT)))
}

fn create_below(root: &Path) -> io::Result<PathBuf> {
    // Numbers of processes are given out again. With the start no name is: what a marker names is its own browser's, or gone.
    let ProcessId { pid, start } = ProcessId::own();
    for attempt in 0..100 {
        let path = root.join(format!("{PREFIX}{pid}-{start}-{attempt}"));
        match DirBuilder::new().mode(0o700).create(&path) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other("no free name"))
}

/// Removes such a directory with all that is in it.
pub(super) fn remove(directory: &Path) {
    let name = directory.file_name().unwrap_or_default();
    if name.to_string_lossy().starts_with(PREFIX) {
        super::insist(directory, || std::fs::remove_dir_all(directory));
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn each_directory_is_fresh_private_and_removed_with_its_contents() {
        let root = tempfile::tempdir().unwrap();
        let (one, two) = (
            create_below(root.path()).unwrap(),
            create_below(root.path()).unwrap(),
        );
        assert_ne!(one, two);
        assert_eq!(
            std::fs::metadata(&one).unwrap().permissions().mode() & 0o777,
            0o700
        );
        std::fs::create_dir(one.join("org.chromium.Chromium.x1Y2z3")).unwrap();
        std::fs::write(one.join("org.chromium.Chromium.x1Y2z3/SingletonSocket"), "").unwrap();
        remove(&one);
        assert!(!one.exists() && two.exists());
        remove(&one);
    }

    #[test]
    fn nothing_else_is_removed() {
        let root = tempfile::tempdir().unwrap();
        let (other, linked) = (
            root.path().join("somebody-elses"),
            root.path().join("odb-1-0"),
        );
        std::fs::create_dir(&other).unwrap();
        std::os::unix::fs::symlink(&other, &linked).unwrap();
        remove(&other);
        remove(&linked);
        assert!(other.exists());
    }

    #[test]
    fn a_root_whose_sockets_could_not_be_reached_is_not_taken() {
        let (short, long) = (
            PathBuf::from("/var/tmp"),
            PathBuf::from(format!("/{}", "deep/".repeat(9))),
        );
        assert_eq!(root(short.clone()), short);
        assert_eq!(root(long), Path::new("/tmp"));
    }
}
