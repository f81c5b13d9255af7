//! Encrypted connections.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use crate::hub::Hub;
use crate::serve;

/// How long a client may take for its handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Reads a certificate, those that lead to its authority, and its key, all as PEM text.
pub(crate) fn acceptor(chain_pem: &str, key_pem: &str) -> io::Result<TlsAcceptor> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(chain_pem.as_bytes()).collect();
    let chain = chain.map_err(|error| invalid("chain_pem", error))?;
    let key = PrivateKeyDer::from_pem_slice(key_pem.as_bytes())
        .map_err(|error| invalid("key_pem", error))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| invalid("tls", error))?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|error| invalid("chain_pem", error))?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// The text itself, which may be a key, is not shown.
fn invalid(field: &str, error: impl std::fmt::Display) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, format!("{field}: {error}"))
}

pub(crate) async fn serve(hub: Arc<Hub>, acceptor: TlsAcceptor, stream: TcpStream) {
    let handshake = tokio::time::timeout(HANDSHAKE, acceptor.accept(stream));
    tokio::select! {
        accepted = handshake => {
            // A client that cannot agree on the terms is told so by TLS itself.
            if let Ok(Ok(stream)) = accepted {
                serve::serve(hub, stream).await;
            }
        }
        () = hub.stop.cancelled() => {}
    }
}
