//! What a relay's certificate is checked against.
//!
//! No file is read here but the system's own list of authorities, and no check can be turned off.

use std::fmt;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::client::{WebPkiServerVerifier, verify_server_name};
use tokio_rustls::rustls::crypto::{
    CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature,
};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::server::ParsedCertificate;
use tokio_rustls::rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};

/// Why nothing can be checked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTrust {
    /// The text holds no certificate.
    #[error("there is no certificate in PEM form")]
    NoCertificate,
    /// A certificate of the text can't be an authority.
    #[error("a certificate can't be used: {0}")]
    Certificate(String),
    /// The system has no authorities.
    #[error("the system has no list of certificate authorities: name one by --ca-file")]
    NoAuthorities,
    /// A fingerprint is 64 lower-case hex digits.
    #[error("a fingerprint is 64 lower-case hex digits")]
    Fingerprint,
}

/// What a relay's certificate is checked against.
#[derive(Clone)]
pub struct Trust(pub(crate) Arc<ClientConfig>);

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Trust(…)")
    }
}

impl Trust {
    /// The system's authorities.
    ///
    /// # Errors
    /// When there are none.
    pub fn system() -> Result<Self, InvalidTrust> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if roots.is_empty() {
            Err(InvalidTrust::NoAuthorities)
        } else {
            Self::roots(roots, Vec::new())
        }
    }

    /// The authorities of a PEM text, and no other. A certificate that signs itself is its own.
    ///
    /// # Errors
    /// When the text holds none, or one that can't be used.
    pub fn authorities(pem: &[u8]) -> Result<Self, InvalidTrust> {
        let (mut roots, mut listed) = (RootCertStore::empty(), Vec::new());
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate =
                certificate.map_err(|error| InvalidTrust::Certificate(error.to_string()))?;
            roots
                .add(certificate.clone())
                .map_err(|error| InvalidTrust::Certificate(error.to_string()))?;
            listed.push(certificate);
        }
        if roots.is_empty() {
            Err(InvalidTrust::NoCertificate)
        } else {
            Self::roots(roots, listed)
        }
    }

    /// One certificate by its SHA-256, whatever names it bears: for those who know the relay's home.
    ///
    /// # Errors
    /// When the text is no fingerprint.
    pub fn fingerprint(sha256: &str) -> Result<Self, InvalidTrust> {
        let digits = sha256.len() == 64
            && sha256
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if !digits {
            return Err(InvalidTrust::Fingerprint);
        }
        Self::of(
            Whom::One {
                sha256: sha256.to_owned(),
            },
            Arc::new(ring::default_provider()),
        )
    }

    fn roots(
        roots: RootCertStore,
        listed: Vec<CertificateDer<'static>>,
    ) -> Result<Self, InvalidTrust> {
        let provider = Arc::new(ring::default_provider());
        let authorities =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone()).build();
        let authorities =
            authorities.map_err(|error| InvalidTrust::Certificate(error.to_string()))?;
        Self::of(
            Whom::Authorities {
                authorities,
                listed,
            },
            provider,
        )
    }

    fn of(whom: Whom, provider: Arc<CryptoProvider>) -> Result<Self, InvalidTrust> {
        let builder = ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions();
        let builder = builder.map_err(|error| InvalidTrust::Certificate(error.to_string()))?;
        let verifier = Arc::new(Verifier { whom, provider });
        let mut config = builder
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self(Arc::new(config)))
    }
}

/// Whose certificates are taken.
#[derive(Debug)]
enum Whom {
    /// What the authorities vouch for, and the listed certificates themselves: one that signs itself as an authority, as
    /// `openssl req -x509` makes them, may vouch for others and not for itself.
    Authorities {
        authorities: Arc<WebPkiServerVerifier>,
        listed: Vec<CertificateDer<'static>>,
    },
    /// One certificate alone, whatever names it bears.
    One { sha256: String },
}

/// Judges a certificate by whom it is of; its key has to sign the handshake, whoever that is.
#[derive(Debug)]
struct Verifier {
    whom: Whom,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        own: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match &self.whom {
            Whom::Authorities {
                authorities,
                listed,
            } => match authorities.verify_server_cert(own, chain, name, ocsp, now) {
                // Neither its time nor its name, but what it is for.
                Err(Error::InvalidCertificate(CertificateError::Other(_)))
                    if listed.contains(own) =>
                {
                    verify_server_name(&ParsedCertificate::try_from(own)?, name)?;
                    Ok(ServerCertVerified::assertion())
                }
                verified => verified,
            },
            Whom::One { sha256 } => {
                let seen: String = Sha256::digest(own)
                    .iter()
                    .map(|byte| format!("{byte:02x}"))
                    .collect();
                if seen == *sha256 {
                    Ok(ServerCertVerified::assertion())
                } else {
                    Err(Error::InvalidCertificate(CertificateError::UnknownIssuer))
                }
            }
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        own: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(
            message,
            own,
            signed,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        own: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(
            message,
            own,
            signed,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
