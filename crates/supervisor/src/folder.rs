//! Folders of contexts, below a directory that the browser sees too.

use std::io::{self, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ops_contracts::seam::adapter::{AdapterError, AdapterResult, BoxFuture, Effect, FileToGive};
use ops_contracts::seam::files::{Folder, Folders};
use tokio::io::{AsyncReadExt, AsyncSeekExt};

use crate::directory::private;

/// How long writing or reading a part of a file may take.
const DISK_DEADLINE: Duration = Duration::from_secs(30);

/// Makes folders below a directory, for a browser that has no process of ours. The directory has to be one that the browser
/// can read and write.
#[derive(Debug, Clone)]
pub struct FoldersBelow(pub PathBuf);

impl Folders for FoldersBelow {
    fn folder(&self, name: &str) -> AdapterResult<Arc<dyn Folder>> {
        match OwnFolder::make(&self.0, name) {
            Ok(folder) => Ok(Arc::new(folder)),
            Err(error) => Err(AdapterError::AttachFailed {
                reason: format!("no folder for its files: {error}"),
            }),
        }
    }
}

#[derive(Debug)]
struct OwnFolder {
    path: PathBuf,
    downloads: PathBuf,
    given: AtomicU64,
}

impl OwnFolder {
    /// Makes a folder below the browser's directory, which a start-up sweep deletes should this process be killed.
    fn make(directory: &Path, name: &str) -> io::Result<Self> {
        let parent = directory.join("odb-files");
        private(&parent, true)?;
        // What a browser before this one has left there belongs to nobody.
        let path = parent.join(name);
        let _ = std::fs::remove_dir_all(&path);
        let downloads = path.join("downloads");
        private(&path, true)?;
        private(&downloads, true)?;
        Ok(Self {
            path,
            downloads,
            given: AtomicU64::new(0),
        })
    }

    /// Writes one file into a folder of its own, so that it keeps its name.
    async fn put(&self, file: &FileToGive) -> io::Result<String> {
        let number = self.given.fetch_add(1, Ordering::Relaxed);
        let place = self.path.join(format!("given-{number}"));
        private(&place, true)?;
        // A name is one part of a path, whatever was sent.
        let name = Path::new(&file.name)
            .file_name()
            .ok_or_else(|| io::Error::other("the name is no file name"))?;
        let path = place.join(name);
        tokio::fs::write(&path, &*file.content).await?;
        Ok(path.to_string_lossy().into_owned())
    }
}

impl Drop for OwnFolder {
    fn drop(&mut self) {
        // A file that the browser still writes goes with its directory.
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

impl Folder for OwnFolder {
    fn downloads(&self) -> &Path {
        &self.downloads
    }

    fn read(&self, file: PathBuf, offset: u64, max: u64) -> BoxFuture<'_, AdapterResult<Effect>> {
        let path = self.downloads.join(file);
        Box::pin(in_time("reading a download", async move {
            let Ok(mut file) = tokio::fs::File::open(&path).await else {
                return Ok(Err(AdapterError::BodyGone));
            };
            let size = file.metadata().await?.len();
            file.seek(SeekFrom::Start(offset)).await?;
            let mut bytes = Vec::new();
            file.take(max).read_to_end(&mut bytes).await?;
            let end = offset.saturating_add(bytes.len() as u64) >= size;
            Ok(Ok(Effect::Bytes { bytes, end }))
        }))
    }

    fn write(&self, files: Vec<FileToGive>) -> BoxFuture<'_, AdapterResult<Vec<String>>> {
        Box::pin(in_time("writing a file", async move {
            let mut paths = Vec::with_capacity(files.len());
            for file in &files {
                paths.push(self.put(file).await?);
            }
            Ok(Ok(paths))
        }))
    }
}

/// Bounds what a disk does, and names it where it failed.
async fn in_time<T>(
    call: &str,
    work: impl Future<Output = io::Result<AdapterResult<T>>>,
) -> AdapterResult<T> {
    let failed = |error: io::Error| AdapterError::Protocol {
        call: call.to_owned(),
        reason: error.to_string(),
    };
    match tokio::time::timeout(DISK_DEADLINE, work).await {
        Ok(done) => done.map_err(failed).flatten(),
        Err(_) => Err(AdapterError::Unresponsive),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn files_keep_their_names_and_go_with_their_folder() {
        let root = tempfile::tempdir().unwrap();
        let folders = FoldersBelow(root.path().to_owned());
        let folder = folders.folder("one").unwrap();
        let given = |name: &str| FileToGive {
            name: name.to_owned(),
            content: Arc::new(b"text".to_vec()),
        };
        let names = vec![given("a.txt"), given("../../a.txt")];
        let paths = folder.write(names).await.unwrap();
        assert!(paths.iter().all(|path| path.ends_with("/a.txt")));
        assert!(paths[0] != paths[1]);
        let nameless = folder.write(vec![given("..")]).await;
        assert!(matches!(nameless, Err(AdapterError::Protocol { .. })));
        drop(folder);
        assert!(!Path::new(&paths[0]).exists());
    }

    #[tokio::test]
    async fn a_download_is_read_in_parts_and_one_that_is_gone_is_an_error() {
        let root = tempfile::tempdir().unwrap();
        let folder = FoldersBelow(root.path().to_owned()).folder("one").unwrap();
        std::fs::write(folder.downloads().join("got"), "abcdef").unwrap();
        let part = |offset, max| folder.read("got".into(), offset, max);
        let Ok(Effect::Bytes { bytes, end }) = part(2, 3).await else {
            panic!("no bytes");
        };
        assert_eq!((&bytes[..], end), (&b"cde"[..], false));
        assert!(matches!(
            part(5, 9).await,
            Ok(Effect::Bytes { end: true, .. })
        ));
        let gone = folder.read("not".into(), 0, 1).await;
        assert!(matches!(gone, Err(AdapterError::BodyGone)));
    }
}
