//! Where a server is: `beanstalk://`, `beanstalks://` and `unix://` addresses.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

pub use url::Host;

use crate::error::Error;

/// Port of a plaintext server when the URI names none.
pub const DEFAULT_PORT: u16 = 11300;

/// Port of a TLS server when the URI names none.
pub const DEFAULT_TLS_PORT: u16 = 11400;

/// Longest path of a unix socket in bytes: what the smallest common `sun_path` holds.
pub const MAX_UNIX_PATH: usize = 107;

const SCHEMES: &str = "the scheme must be beanstalk, beanstalks, tls or unix";

/// The address of one server, checked and normalised.
///
/// | Text | Meaning |
/// |---|---|
/// | `host`, `host:port`, `[::1]:port`, `beanstalk://host:port` | plaintext TCP, port 11300 by default |
/// | `beanstalks://host:port`, `tls://host:port` | TLS, port 11400 by default |
/// | `unix:///abs/path`, `unix://rel/path`, `unix:rel/path` | a unix socket; the path is taken as it stands |
///
/// Schemes are case-insensitive. `beanstalkd` has no authentication, so a user or password is
/// refused; error messages never show it. `Display` gives the normalised text, which parses to the
/// same value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ServerUri(Transport);

/// How a server is reached.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    /// Plaintext TCP.
    Tcp {
        /// Name or address of the server.
        host: Host,
        /// Port, never 0.
        port: u16,
    },
    /// TLS over TCP.
    Tls {
        /// Name or address of the server; the certificate must match it unless the configuration
        /// names another.
        host: Host,
        /// Port, never 0.
        port: u16,
    },
    /// A unix socket.
    Unix {
        /// Path of the socket, 1 to 107 bytes, relative to the working directory unless absolute.
        path: PathBuf,
    },
}

impl ServerUri {
    /// Checks `uri` and keeps its normalised form.
    ///
    /// # Errors
    /// `INVALID_URI` quoting `uri`, without its user and password, and naming the rule it breaks.
    pub fn parse(uri: &str) -> Result<Self, Error> {
        transport(uri).map(Self).map_err(|reason| Error::invalid_uri(&redact(uri), reason))
    }

    /// How the server is reached.
    #[must_use]
    pub fn transport(&self) -> &Transport {
        &self.0
    }

    /// Name or address of the server; none for a unix socket.
    #[must_use]
    pub fn host(&self) -> Option<&Host> {
        match &self.0 {
            Transport::Tcp { host, .. } | Transport::Tls { host, .. } => Some(host),
            Transport::Unix { .. } => None,
        }
    }

    /// Port of the server; none for a unix socket.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        match self.0 {
            Transport::Tcp { port, .. } | Transport::Tls { port, .. } => Some(port),
            Transport::Unix { .. } => None,
        }
    }

    /// Whether the connection is encrypted.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        matches!(self.0, Transport::Tls { .. })
    }
}

impl fmt::Display for ServerUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Transport::Tcp { host, port } => write!(f, "beanstalk://{host}:{port}"),
            Transport::Tls { host, port } => write!(f, "beanstalks://{host}:{port}"),
            Transport::Unix { path } => write!(f, "unix://{}", path.display()),
        }
    }
}

impl FromStr for ServerUri {
    type Err = Error;

    fn from_str(uri: &str) -> Result<Self, Error> {
        Self::parse(uri)
    }
}

/// Parses every one of `uris`, keeping order and repetitions.
///
/// # Errors
/// `INVALID_ARGUMENT` for an empty list, and the first error of [`ServerUri::parse`].
pub fn parse_list(uris: &[impl AsRef<str>]) -> Result<Vec<ServerUri>, Error> {
    if uris.is_empty() {
        return Err(Error::invalid_argument("uris", "[]", "at least one URI"));
    }
    uris.iter().map(|uri| ServerUri::parse(uri.as_ref())).collect()
}

fn transport(uri: &str) -> Result<Transport, String> {
    if uri.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err("spaces and control characters are not allowed".into());
    }
    let Some((scheme, rest)) = uri.split_once(':') else {
        return tcp(uri);
    };
    let scheme = scheme.to_ascii_lowercase();
    match (scheme.as_str(), rest.strip_prefix("//")) {
        ("unix", path) => unix(path.unwrap_or(rest)),
        ("beanstalk", Some(authority)) => tcp(authority),
        ("beanstalks" | "tls", Some(authority)) => {
            let (host, port) = host_port(authority, DEFAULT_TLS_PORT)?;
            Ok(Transport::Tls { host, port })
        }
        (_, Some(_)) => Err(SCHEMES.into()),
        // `beanstalk:11300` is a host of that name: container networks are full of them.
        (_, None) => tcp(uri),
    }
}

fn tcp(authority: &str) -> Result<Transport, String> {
    let (host, port) = host_port(authority, DEFAULT_PORT)?;
    Ok(Transport::Tcp { host, port })
}

fn unix(path: &str) -> Result<Transport, String> {
    match path.len() {
        0 => Err("the path is missing".into()),
        1..=MAX_UNIX_PATH => Ok(Transport::Unix { path: path.into() }),
        length => Err(format!("the path has {length} bytes, the limit is {MAX_UNIX_PATH}")),
    }
}

fn host_port(authority: &str, default_port: u16) -> Result<(Host, u16), String> {
    if authority.contains('@') {
        return Err("a user or password is not allowed, beanstalkd has no authentication".into());
    }
    if authority.contains(['/', '?', '#']) {
        return Err("a path, query or fragment is not allowed".into());
    }
    // The colons of an IPv6 address stand inside its brackets.
    let tail = authority.rsplit(']').next().unwrap_or_default();
    let (host, port) = match tail.split_once(':') {
        Some((_, port)) => (authority.strip_suffix(port).unwrap_or_default(), parse_port(port)?),
        None => (authority, default_port),
    };
    let host = host.strip_suffix(':').unwrap_or(host);
    if host.is_empty() {
        return Err("the host is missing".into());
    }
    let host = Host::parse(host).map_err(|reason| format!("the host is invalid: {reason}"))?;
    Ok((host, port))
}

fn parse_port(port: &str) -> Result<u16, String> {
    if port.contains(':') {
        return Err("an IPv6 address must stand in brackets".into());
    }
    // `u16::from_str` would take a leading plus.
    match port.parse() {
        Ok(number) if number != 0 && !port.starts_with('+') => Ok(number),
        _ => Err("the port must be a number from 1 to 65535".into()),
    }
}

/// Hides what may be a user and password; a password may hold any character.
fn redact(uri: &str) -> String {
    let Some((userinfo, host)) = uri.rsplit_once('@') else {
        return uri.into();
    };
    match userinfo.split_once(':') {
        Some((scheme, rest)) if rest.starts_with("//") => format!("{scheme}://***@{host}"),
        _ => format!("***@{host}"),
    }
}

#[cfg(test)]
mod tests;
