//! The certificate that TLS is served with: its two files, read at the start and again with every reload.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ops_contracts::{ErrorCode, Fault};
use relay::Tls;

use crate::failure::Failure;
use crate::files::{self, Terms};
use crate::home::Home;

/// Where certificate and key are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Files {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

impl Files {
    /// The files that are named; none where neither is.
    ///
    /// # Errors
    /// `relay_config_invalid` where only one is.
    pub(crate) fn of(
        certificate: Option<PathBuf>,
        key: Option<PathBuf>,
    ) -> Result<Option<Self>, Failure> {
        match (certificate, key) {
            (Some(certificate), Some(key)) => Ok(Some(Self { certificate, key })),
            (None, None) => Ok(None),
            (Some(_), None) => Err(invalid(
                "tlsKeyFile",
                "TLS takes a key with its certificate: --tls-key, or tlsKeyFile",
            )),
            (None, Some(_)) => Err(invalid(
                "tlsCertFile",
                "TLS takes a certificate with its key: --tls-cert, or tlsCertFile",
            )),
        }
    }

    /// Reads both.
    ///
    /// # Errors
    /// `relay_config_invalid` for a file that can't be read, a key that others can read, and what is no certificate or key.
    pub(crate) fn load(&self) -> Result<Tls, Failure> {
        let (certificate, key) = self.texts()?;
        Tls::new(&certificate, &key).map_err(|error| self.unusable(&error))
    }

    fn texts(&self) -> Result<(Vec<u8>, Vec<u8>), Failure> {
        Ok((
            read(&self.certificate, "tlsCertFile", false)?,
            read(&self.key, "tlsKeyFile", true)?,
        ))
    }

    fn unusable(&self, error: &relay::TlsError) -> Failure {
        let (key, path) = match error {
            relay::TlsError::Key(_) => ("tlsKeyFile", &self.key),
            _ => ("tlsCertFile", &self.certificate),
        };
        invalid(key, format!("{}: {error}", path.display()))
    }
}

/// Symbolic links are followed: tools that renew certificates put them there.
fn read(path: &Path, key: &str, private: bool) -> Result<Vec<u8>, Failure> {
    let terms = Terms {
        readable: !private,
        linked: true,
    };
    files::read(path, terms).map_err(|why| invalid(key, format!("{}: {why}", path.display())))
}

fn invalid(key: &str, message: impl Into<String>) -> Failure {
    Failure::Coded(Fault::new(ErrorCode::RelayConfigInvalid, message.into()).with("key", key))
}

/// The certificate in force, and where another one comes from.
#[derive(Clone)]
pub(crate) struct Served {
    files: Files,
    tls: Tls,
    home: Arc<Home>,
}

impl Served {
    pub(crate) fn new(files: Files, tls: Tls, home: Arc<Home>) -> Self {
        Self { files, tls, home }
    }

    /// Reads the files anew and serves what is in them to new connections.
    ///
    /// # Errors
    /// As [`Files::load`]; the old certificate stays.
    pub(crate) fn refresh(&self) -> Result<(), Failure> {
        let (certificate, key) = self.files.texts()?;
        if self
            .tls
            .replace(&certificate, &key)
            .map_err(|error| self.files.unusable(&error))?
        {
            tracing::info!(
                sha256 = self.tls.fingerprint(),
                "another certificate is served"
            );
            self.home.announce_certificate(&self.tls.fingerprint())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[track_caller]
    fn refused(result: Result<impl Sized, Failure>, expected: &str) {
        let Err(Failure::Coded(fault)) = result else {
            panic!("it is not refused")
        };
        assert_eq!(fault.code, ErrorCode::RelayConfigInvalid);
        assert!(fault.message.contains(expected), "{}", fault.message);
    }

    #[test]
    fn a_key_that_others_can_read_or_that_is_none_is_refused() {
        let scratch = tempfile::tempdir().unwrap();
        let files = Files {
            certificate: scratch.path().join("cert.pem"),
            key: scratch.path().join("key.pem"),
        };
        refused(files.load(), "cert.pem");
        std::fs::write(&files.certificate, "no certificate").unwrap();
        std::fs::write(&files.key, "no key").unwrap();
        for mode in [0o644, 0o640, 0o604, 0o660] {
            std::fs::set_permissions(&files.key, PermissionsExt::from_mode(mode)).unwrap();
            refused(files.load(), "chmod 600");
        }
        std::fs::set_permissions(&files.key, PermissionsExt::from_mode(0o600)).unwrap();
        refused(files.load(), "no certificate in PEM form");
        refused(
            Files {
                key: scratch.path().to_path_buf(),
                ..files
            }
            .load(),
            "no plain file",
        );
    }

    #[test]
    fn certificate_and_key_go_together() {
        let path = || Some(PathBuf::from("/x"));
        assert_eq!(Files::of(None, None).ok(), Some(None));
        refused(Files::of(path(), None), "--tls-key");
        refused(Files::of(None, path()), "--tls-cert");
    }
}
