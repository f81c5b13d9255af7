//! Opening connections: names, addresses, sockets, TLS.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use beanwire_core::config::Config;
use beanwire_core::error::{Error, ErrorKind};
use beanwire_core::tls::{TlsClient, refused, system_roots};
use beanwire_core::uri::{Host, ServerUri, Transport};
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::Instant;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::plain::Socket;

/// How long a silent connection is left alone before the system asks whether the peer is there.
const KEEPALIVE: Duration = Duration::from_secs(60);

/// How long the system waits between such questions.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(15);

pub(super) enum Stream {
    Plain(Socket),
    Tls(Box<TlsStream<TcpStream>>),
}

#[derive(Clone)]
pub(super) struct Dialer {
    connect_timeout: Duration,
    tls: Option<TlsClient>,
}

impl std::fmt::Debug for Dialer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dialer").field("tls", &self.tls.is_some()).finish_non_exhaustive()
    }
}

impl Dialer {
    /// Reads certificates and keys, if any server needs them.
    pub(super) fn new(uris: &[ServerUri], config: &Config) -> Result<Self, Error> {
        let wanted = uris.iter().any(ServerUri::is_tls);
        let tls = wanted.then(|| TlsClient::new(&config.tls, system_roots)).transpose()?;
        Ok(Self { connect_timeout: config.connect_timeout, tls })
    }

    /// Looks every name up once, so that a wrong one fails at once.
    pub(super) async fn resolve_all(&self, uris: &[ServerUri]) -> Result<(), Error> {
        for uri in uris {
            if let (Some(host), Some(port)) = (uri.host(), uri.port()) {
                let lookup = tokio::time::timeout(self.connect_timeout, addresses(host, port));
                let Ok(found) = lookup.await else {
                    let limit = self.connect_timeout;
                    let what = format!("{uri}: the name lookup took longer than {limit:?}");
                    return Err(Error::not_sent(ErrorKind::Timeout, what));
                };
                let Err(reason) = found else { continue };
                let what = format!("the host cannot be resolved: {reason}");
                return Err(Error::invalid_uri(&uri.to_string(), what).with_source(reason));
            }
        }
        Ok(())
    }

    /// Opens a connection. The engine limits the time.
    pub(super) async fn dial(&self, uri: &ServerUri) -> Result<Stream, Error> {
        match uri.transport() {
            Transport::Tcp { host, port } => {
                let stream = self.tcp(uri, host, *port).await?;
                Ok(Stream::Plain(Socket::Tcp(stream)))
            }
            Transport::Tls { host, port } => {
                let stream = self.tcp(uri, host, *port).await?;
                let Some(tls) = &self.tls else {
                    return Err(Error::not_sent(ErrorKind::Tls, "TLS is not set up"));
                };
                let name = tls.name_of(host)?;
                let stream = TlsConnector::from(tls.config()).connect(name, stream).await;
                Ok(Stream::Tls(Box::new(stream.map_err(|error| refused(uri, error))?)))
            }
            #[cfg(unix)]
            Transport::Unix { path } => {
                let stream = tokio::net::UnixStream::connect(path).await;
                Ok(Stream::Plain(Socket::Unix(stream.map_err(|error| refused(uri, error))?)))
            }
            #[cfg(not(unix))]
            Transport::Unix { .. } => {
                let message = format!("{uri}: this system has no unix sockets");
                Err(Error::not_sent(ErrorKind::Unsupported, message))
            }
        }
    }

    /// Tries every address of the name in turn, each for its share of the time.
    async fn tcp(&self, uri: &ServerUri, host: &Host, port: u16) -> Result<TcpStream, Error> {
        let end = Instant::now() + self.connect_timeout;
        let addresses = addresses(host, port).await.map_err(|error| refused(uri, error))?;
        let stream =
            first_to_connect(&addresses, end).await.map_err(|error| refused(uri, error))?;
        set_options(&stream).map_err(|error| refused(uri, error))?;
        Ok(stream)
    }
}

/// Each address gets its share of what is left of the time.
async fn first_to_connect(addresses: &[SocketAddr], end: Instant) -> io::Result<TcpStream> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for (at, address) in addresses.iter().enumerate() {
        let left = u32::try_from(addresses.len() - at).unwrap_or(u32::MAX);
        let share = end.saturating_duration_since(Instant::now()) / left;
        match tokio::time::timeout(share, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => last = error,
            Err(elapsed) => last = io::Error::new(io::ErrorKind::TimedOut, elapsed),
        }
    }
    Err(last)
}

async fn addresses(host: &Host, port: u16) -> io::Result<Vec<SocketAddr>> {
    Ok(match host {
        Host::Ipv4(ip) => vec![SocketAddr::from((*ip, port))],
        Host::Ipv6(ip) => vec![SocketAddr::from((*ip, port))],
        Host::Domain(name) => lookup_host((name.as_str(), port)).await?.collect(),
    })
}

fn set_options(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE).with_interval(KEEPALIVE_INTERVAL);
    SockRef::from(stream).set_tcp_keepalive(&keepalive)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn listener() -> tokio::net::TcpListener {
        tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap()
    }

    #[tokio::test]
    async fn every_address_of_a_name_is_tried() {
        let (gone, listening) = (listener().await, listener().await);
        let addresses = [gone.local_addr().unwrap(), listening.local_addr().unwrap()];
        drop(gone);
        let end = Instant::now() + Duration::from_secs(30);
        let stream = first_to_connect(&addresses, end).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), addresses[1]);
        drop(listening);
        let error = first_to_connect(&addresses, end).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    }

    #[tokio::test]
    async fn a_name_without_an_address_is_an_error() {
        let error = first_to_connect(&[], Instant::now()).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }
}
