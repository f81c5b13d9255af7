//! TLS as far as no socket is needed: certificates, keys and names from the settings, and what the
//! errors of sockets mean that may be encrypted.

use std::fmt::Display;
use std::io;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};

use crate::config::{ClientCertificate, Roots, TlsConfig};
use crate::error::{Error, ErrorKind, Outcome};
use crate::uri::Host;

/// What every TLS connection of a client shares.
#[derive(Debug, Clone)]
pub struct TlsClient {
    config: Arc<ClientConfig>,
    /// Instead of the host of the URI.
    name: Option<ServerName<'static>>,
}

impl TlsClient {
    /// Reads the settings. `system_roots` gives whom to trust if they name nobody.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` naming the field that cannot be used, without its text, which may be a
    /// key; the error of `system_roots`.
    pub fn new(
        settings: &TlsConfig,
        system_roots: impl FnOnce() -> Result<RootCertStore, Error>,
    ) -> Result<Self, Error> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let roots = match &settings.roots {
            Roots::Pem(pem) => only(pem)?,
            Roots::System => system_roots()?,
        };
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| unusable("tls", error))?
            .with_root_certificates(roots);
        let config = match &settings.client_certificate {
            None => builder.with_no_client_auth(),
            Some(certificate) => {
                let (chain, key) = identity(certificate)?;
                builder
                    .with_client_auth_cert(chain, key)
                    .map_err(|error| unusable("tls.client_certificate", error))?
            }
        };
        let name = settings.server_name.as_deref().map(server_name).transpose()?;
        Ok(Self { config: Arc::new(config), name })
    }

    /// The settings as rustls takes them.
    #[must_use]
    pub fn config(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.config)
    }

    /// The name that the certificate of this server must carry.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for a host that cannot stand in a certificate.
    pub fn name_of(&self, host: &Host) -> Result<ServerName<'static>, Error> {
        self.name.clone().map_or_else(|| server_name(&host.to_string()), Ok)
    }
}

/// Whom the operating system trusts.
///
/// # Errors
/// `TLS` if it trusts nobody.
#[cfg(feature = "system-roots")]
pub fn system_roots() -> Result<RootCertStore, Error> {
    let mut store = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    store.add_parsable_certificates(found.certs);
    if store.is_empty() {
        let error =
            Error::not_sent(ErrorKind::Tls, "tls.roots: the system has no certificates to trust");
        let cause = found.errors.into_iter().next();
        return Err(cause.map_or(error.clone(), |cause| error.with_source(cause)));
    }
    Ok(store)
}

/// An error before the connection to `peer` was open.
#[must_use]
pub fn refused(peer: impl Display, error: io::Error) -> Error {
    Error::not_sent(kind_of(&error), format!("{peer}: {error}")).with_source(error)
}

/// An error of an open connection to `peer`.
#[must_use]
pub fn broken(peer: impl Display, error: io::Error) -> Error {
    let message = format!("{peer}: {error}");
    Error::new(kind_of(&error), Outcome::Unknown, message).with_source(error)
}

/// What rustls has to say comes as an error of the socket, too.
fn kind_of(error: &io::Error) -> ErrorKind {
    let inner = error.get_ref();
    match inner.and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(_) => ErrorKind::Tls,
        None if error.kind() == io::ErrorKind::PermissionDenied => ErrorKind::AccessDenied,
        None => ErrorKind::Disconnected,
    }
}

fn only(pem: &str) -> Result<RootCertStore, Error> {
    let mut store = RootCertStore::empty();
    for certificate in certificates("tls.roots", pem)? {
        store.add(certificate).map_err(|error| unusable("tls.roots", error))?;
    }
    Ok(store)
}

fn identity(
    certificate: &ClientCertificate,
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), Error> {
    let chain = certificates("tls.client_certificate.chain_pem", &certificate.chain_pem)?;
    let key = PrivateKeyDer::from_pem_slice(certificate.key_pem.as_bytes())
        .map_err(|error| unusable("tls.client_certificate.key_pem", error))?;
    Ok((chain, key))
}

fn certificates(field: &str, pem: &str) -> Result<Vec<CertificateDer<'static>>, Error> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    let found = found.map_err(|error| unusable(field, error))?;
    if found.is_empty() {
        // What stands there instead may be a key, and is not shown.
        let message = format!("{field}: no certificate in {} bytes of PEM", pem.len());
        return Err(Error::not_sent(ErrorKind::InvalidArgument, message));
    }
    Ok(found)
}

fn server_name(name: &str) -> Result<ServerName<'static>, Error> {
    // An IPv6 address stands in brackets in a URI and without them in a certificate.
    let bare = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(name);
    ServerName::try_from(bare.to_owned())
        .map_err(|_| Error::invalid_argument("tls.server_name", name, "a DNS name or IP address"))
}

/// What was given cannot be used; the text itself, which may be a key, is not shown.
fn unusable(field: &str, error: impl std::error::Error + Send + Sync + 'static) -> Error {
    let message = format!("{field}: {error}");
    Error::not_sent(ErrorKind::InvalidArgument, message).with_source(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_forbids_and_what_rustls_says_are_told_apart() {
        let kind = |error: io::Error| refused("server", error).kind();
        assert_eq!(kind(io::ErrorKind::PermissionDenied.into()), ErrorKind::AccessDenied);
        assert_eq!(kind(io::ErrorKind::ConnectionRefused.into()), ErrorKind::Disconnected);
        assert_eq!(kind(io::Error::other(rustls::Error::DecryptError)), ErrorKind::Tls);
        assert_eq!(kind(io::Error::other("a proxy")), ErrorKind::Disconnected);
    }

    #[test]
    fn only_an_open_connection_leaves_it_unknown_whether_something_was_done() {
        let error = || io::Error::other("it broke");
        let (early, late) = (refused("server", error()), broken("server", error()));
        assert_eq!((early.outcome(), late.outcome()), (Outcome::NotSent, Outcome::Unknown));
        assert!(early.to_string().contains("server: it broke"), "{early}");
        assert!(late.to_string().contains("server: it broke"), "{late}");
    }
}
