//! Opening connections: names, addresses, sockets.

use std::time::Duration;

use beanwire_core::error::{Error, ErrorKind};
use beanwire_core::types::Instant;
use beanwire_core::uri::{Host, ServerUri};
use wasip3::sockets::ip_name_lookup::{self, resolve_addresses};
use wasip3::sockets::types::{
    ErrorCode, IpAddress, IpAddressFamily, IpSocketAddress, Ipv4SocketAddress, Ipv6SocketAddress,
    TcpSocket,
};

use crate::time::{now, within};

/// How long a silent connection is left alone before the host asks whether the peer is there.
const KEEPALIVE: Duration = Duration::from_secs(60);

/// Why a connection is of no use any more.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) kind: ErrorKind,
    pub(crate) message: String,
}

impl Fault {
    fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    fn is_denial(&self) -> bool {
        self.kind == ErrorKind::AccessDenied
    }
}

impl From<ErrorCode> for Fault {
    fn from(error: ErrorCode) -> Self {
        match error {
            ErrorCode::AccessDenied => Self::new(
                ErrorKind::AccessDenied,
                "the host does not let this component connect there",
            ),
            error => Self::new(ErrorKind::Disconnected, text(&error)),
        }
    }
}

/// Looks the name of a server up, so that a wrong one is told at once.
pub(crate) async fn check_name(uri: &ServerUri, timeout: Duration) -> Result<(), Error> {
    let Some(host @ Host::Domain(_)) = uri.host() else { return Ok(()) };
    let refused = |kind, message: &str| Error::not_sent(kind, format!("{uri}: {message}"));
    match within(now() + timeout, addresses(host)).await {
        Some(Ok(_)) => Ok(()),
        Some(Err(Fault { kind: ErrorKind::AccessDenied, message })) => {
            Err(refused(ErrorKind::AccessDenied, &message))
        }
        Some(Err(fault)) => Err(Error::invalid_uri(&uri.to_string(), fault.message)),
        None => {
            let message = "the name lookup took longer than connect_timeout";
            Err(refused(ErrorKind::Timeout, message))
        }
    }
}

/// Tries every address of the server in turn, each for its share of the time. The engine ends the last
/// attempt, which has all that is left.
pub(crate) async fn dial(uri: &ServerUri, end: Instant) -> Result<TcpSocket, Fault> {
    let (Some(host), Some(port)) = (uri.host(), uri.port()) else {
        return Err(Fault::new(ErrorKind::Unsupported, "no host"));
    };
    let mut fault: Option<Fault> = None;
    let addresses = addresses(host).await?;
    for (at, address) in addresses.iter().enumerate() {
        let left = u32::try_from(addresses.len() - at).unwrap_or(u32::MAX);
        let attempt = connect(*address, port);
        let outcome = if left > 1 {
            let start = now();
            within(start + end.saturating_since(start) / left, attempt).await
        } else {
            Some(attempt.await)
        };
        match outcome.unwrap_or(Err(ErrorCode::Timeout)) {
            Ok(socket) => return Ok(socket),
            // What may pass by itself counts for more than that the host forbids another address.
            Err(error) if fault.as_ref().is_none_or(Fault::is_denial) => fault = Some(error.into()),
            Err(_) => {}
        }
    }
    let none = || Fault::new(ErrorKind::Disconnected, "the name has no address");
    Err(fault.unwrap_or_else(none))
}

async fn addresses(host: &Host) -> Result<Vec<IpAddress>, Fault> {
    match host {
        Host::Ipv4(ip) => {
            let [a, b, c, d] = ip.octets();
            Ok(vec![IpAddress::Ipv4((a, b, c, d))])
        }
        Host::Ipv6(ip) => {
            let [a, b, c, d, e, f, g, h] = ip.segments();
            Ok(vec![IpAddress::Ipv6((a, b, c, d, e, f, g, h))])
        }
        Host::Domain(name) => resolve_addresses(name.clone()).await.map_err(lookup_fault),
    }
}

async fn connect(address: IpAddress, port: u16) -> Result<TcpSocket, ErrorCode> {
    let (family, address) = match address {
        IpAddress::Ipv4(address) => {
            (IpAddressFamily::Ipv4, IpSocketAddress::Ipv4(Ipv4SocketAddress { port, address }))
        }
        IpAddress::Ipv6(address) => {
            let (flow_info, scope_id) = (0, 0);
            let address = Ipv6SocketAddress { port, flow_info, address, scope_id };
            (IpAddressFamily::Ipv6, IpSocketAddress::Ipv6(address))
        }
    };
    let socket = TcpSocket::create(family)?;
    let nanos = |span: Duration| u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
    // Not every host can, and the client gets by without.
    let _ = socket
        .set_keep_alive_enabled(true)
        .and_then(|()| socket.set_keep_alive_idle_time(nanos(KEEPALIVE)));
    socket.connect(address).await?;
    Ok(socket)
}

fn lookup_fault(error: ip_name_lookup::ErrorCode) -> Fault {
    use ip_name_lookup::ErrorCode as E;
    match error {
        // Some hosts say the latter when they forbid it.
        E::AccessDenied | E::PermanentResolverFailure => Fault::new(
            ErrorKind::AccessDenied,
            "the host does not look the name up for this component",
        ),
        E::InvalidArgument => lookup_failed("not a name"),
        E::NameUnresolvable => lookup_failed("nobody knows it"),
        E::TemporaryResolverFailure => lookup_failed("no answer for now"),
        E::Other(reason) => lookup_failed(reason.as_deref().unwrap_or("no reason given")),
    }
}

fn lookup_failed(reason: &str) -> Fault {
    Fault::new(ErrorKind::Disconnected, format!("the name lookup failed: {reason}"))
}

fn text(error: &ErrorCode) -> String {
    match error {
        ErrorCode::ConnectionRefused => "connection refused".to_owned(),
        ErrorCode::ConnectionReset => "connection reset".to_owned(),
        ErrorCode::ConnectionAborted => "connection aborted".to_owned(),
        ErrorCode::ConnectionBroken => "connection broken".to_owned(),
        ErrorCode::RemoteUnreachable => "remote unreachable".to_owned(),
        ErrorCode::Timeout => "timeout".to_owned(),
        ErrorCode::Other(Some(reason)) => reason.clone(),
        error => format!("{error:?}"),
    }
}
