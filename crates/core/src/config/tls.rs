//! How TLS connections are set up.

use std::fmt;

/// How a server of a `beanstalks://` URI proves itself, and the client to it.
///
/// The texts are read when the client is made; what cannot be used is refused there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
#[non_exhaustive]
pub struct TlsConfig {
    /// Whom to trust. Default: the system's certificates.
    pub roots: Roots,
    /// How the client proves itself. Default: not at all.
    pub client_certificate: Option<ClientCertificate>,
    /// The name the server's certificate must carry. Default: the host of the URI.
    pub server_name: Option<String>,
}

/// The authorities whose certificates are trusted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum Roots {
    /// Those the operating system trusts.
    #[default]
    System,
    /// Only those in this PEM text, one or more.
    Pem(String),
}

/// A certificate with its key. `Debug` does not show the key.
///
/// Hazard: serialising writes the key in the clear.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct ClientCertificate {
    /// The certificate and those that lead to its authority, as PEM text.
    pub chain_pem: String,
    /// The private key, as PEM text.
    pub key_pem: String,
}

impl fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientCertificate")
            .field("chain_pem", &self.chain_pem)
            .finish_non_exhaustive()
    }
}

impl TlsConfig {
    /// Sets [`roots`](Self::roots).
    #[must_use]
    pub fn with_roots(self, roots: Roots) -> Self {
        Self { roots, ..self }
    }

    /// Sets [`client_certificate`](Self::client_certificate).
    #[must_use]
    pub fn with_client_certificate(self, certificate: ClientCertificate) -> Self {
        Self { client_certificate: Some(certificate), ..self }
    }

    /// Sets [`server_name`](Self::server_name).
    #[must_use]
    pub fn with_server_name(self, name: impl Into<String>) -> Self {
        Self { server_name: Some(name.into()), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_not_shown() {
        let certificate = ClientCertificate { chain_pem: "chain".into(), key_pem: "secret".into() };
        let text = format!("{:?}", TlsConfig::default().with_client_certificate(certificate));
        assert!(text.contains("chain") && !text.contains("secret"), "{text}");
    }
}
