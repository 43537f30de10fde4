//! TLS on the relay's sockets: the certificate in force, which may be replaced while the relay serves.
//!
//! No file is read here, and no certificate is asked of clients: who they are their tokens say.

use std::fmt;
use std::io;
use std::sync::Arc;

use parking_lot::RwLock;
use sha2::{Digest, Sha256};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::{self, ServerConfig};
use tokio_rustls::server::TlsStream;

/// The first byte of a TLS handshake.
const HANDSHAKE: u8 = 0x16;

/// Why a certificate can't be served.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The text holds no certificate.
    #[error("there is no certificate in PEM form: {0}")]
    Certificate(String),
    /// The text holds no private key.
    #[error("there is no private key in PEM form: {0}")]
    Key(String),
    /// The two do not belong together, or are of a kind that is not supported.
    #[error("certificate and key can't be used: {0}")]
    Unusable(rustls::Error),
}

/// A certificate with its key. Clones share it.
#[derive(Clone)]
pub struct Tls {
    config: Arc<ServerConfig>,
    served: Arc<Served>,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("fingerprint", &self.fingerprint())
            .finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct Served {
    provider: Arc<CryptoProvider>,
    key: RwLock<Arc<CertifiedKey>>,
}

impl Served {
    fn key(&self) -> Arc<CertifiedKey> {
        self.key.read().clone()
    }
}

impl ResolvesServerCert for Served {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.key())
    }
}

impl Tls {
    /// The certificate chain, the relay's own certificate first, and its key, both as PEM text.
    ///
    /// # Errors
    /// When either is none, or they do not belong together.
    pub fn new(certificates: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        let provider = Arc::new(ring::default_provider());
        let key = read(certificates, key, &provider)?;
        let served = Arc::new(Served {
            provider: provider.clone(),
            key: RwLock::new(Arc::new(key)),
        });
        let builder =
            ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let mut config = builder
            .map_err(TlsError::Unusable)?
            .with_no_client_auth()
            .with_cert_resolver(served.clone());
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self {
            config: Arc::new(config),
            served,
        })
    }

    /// Serves another certificate from now on; connections that are open keep theirs. Whether it differs.
    ///
    /// # Errors
    /// As [`Tls::new`]; the old one stays.
    pub fn replace(&self, certificates: &[u8], key: &[u8]) -> Result<bool, TlsError> {
        let key = Arc::new(read(certificates, key, &self.served.provider)?);
        let differs = key.cert != self.served.key().cert;
        *self.served.key.write() = key;
        Ok(differs)
    }

    /// SHA-256 of the relay's own certificate, as 64 lower-case hex digits: by it a client that trusts the home knows the relay.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let key = self.served.key();
        let digest = Sha256::digest(key.cert.first().map_or(&[][..], |own| own.as_ref()));
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Shakes hands. The caller bounds the time that it takes.
    ///
    /// # Errors
    /// Whatever breaks the handshake.
    pub(crate) async fn accept(&self, socket: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        TlsAcceptor::from(self.config.clone()).accept(socket).await
    }
}

fn read(
    certificates: &[u8],
    key: &[u8],
    provider: &CryptoProvider,
) -> Result<CertifiedKey, TlsError> {
    let certificate =
        |error: rustls::pki_types::pem::Error| TlsError::Certificate(error.to_string());
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(certificates).collect();
    let chain = chain.map_err(certificate)?;
    if chain.is_empty() {
        return Err(TlsError::Certificate("no section CERTIFICATE".to_owned()));
    }
    let key =
        PrivateKeyDer::from_pem_slice(key).map_err(|error| TlsError::Key(error.to_string()))?;
    CertifiedKey::from_der(chain, key, provider).map_err(TlsError::Unusable)
}

/// Whether what a peer sends first is a TLS handshake; `None` where it ends before it says a word.
pub(crate) async fn begins_handshake(socket: &TcpStream) -> Option<bool> {
    let mut first = [0_u8; 1];
    match socket.peek(&mut first).await {
        Ok(1) => Some(first[0] == HANDSHAKE),
        _ => None,
    }
}
