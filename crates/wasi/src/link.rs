//! One connection, from name lookup to its end.

use std::collections::VecDeque;
use std::time::Duration;

use beanwire_core::engine::{Engine, LinkId, Server};
use beanwire_core::error::{Error, ErrorKind, Outcome};
use beanwire_core::types::Instant;
#[cfg(feature = "tls")]
use beanwire_core::uri::Transport;
use beanwire_core::uri::{Host, ServerUri};
use bytes::{Buf, Bytes, BytesMut};
use wasip2::io::poll::Pollable;
use wasip2::sockets::instance_network::instance_network;
use wasip2::sockets::ip_name_lookup::{ResolveAddressStream, resolve_addresses};
use wasip2::sockets::network::{
    ErrorCode, IpAddress, IpAddressFamily, IpSocketAddress, Ipv4SocketAddress, Ipv6SocketAddress,
    Network,
};
use wasip2::sockets::tcp::TcpSocket;
use wasip2::sockets::tcp_create_socket::create_tcp_socket;

use crate::open::Dialer;
use crate::stream::{Fault, Read, Stream};
#[cfg(feature = "tls")]
use crate::tls::TlsStream;

/// How long a silent connection is left alone before the host asks whether the peer is there.
const KEEPALIVE: Duration = Duration::from_secs(60);

/// A larger read buffer is let go once it is empty: a large job has passed.
const MAX_KEPT: usize = 256 * 1024;

/// One connection.
#[derive(Debug)]
pub(crate) struct Link {
    id: LinkId,
    server: Server,
    phase: Phase,
    /// Addresses that are still to be tried.
    addresses: VecDeque<IpAddress>,
    /// Why the name of the server leads nowhere.
    bad_name: Option<(ErrorKind, String)>,
    /// When all attempts to connect have to be over.
    due: Instant,
    input: BytesMut,
    output: VecDeque<Bytes>,
    /// The host takes no more output for now.
    blocked: bool,
    /// Nothing comes behind what there is to write.
    ending: bool,
    /// Why nothing can be written any more. What the server had answered by then is still worth reading.
    broken: Option<Fault>,
}

#[derive(Debug)]
enum Phase {
    Resolving { pollable: Pollable, names: ResolveAddressStream },
    Connecting { pollable: Pollable, socket: TcpSocket, until: Instant },
    Open(Carrier),
    Failed(Option<Fault>),
}

/// What carries the bytes.
#[derive(Debug)]
enum Carrier {
    Plain(Stream),
    #[cfg(feature = "tls")]
    Tls(Box<TlsStream>),
}

/// What became of a look at a connection.
#[derive(Debug)]
pub(crate) enum Progress {
    Nothing,
    /// It is open, and whoever has something to say may say it.
    Opened,
    /// Bytes came in.
    Input,
    /// The host takes output again.
    Writable,
    /// It has ended, or could not be opened.
    Ended(Option<Error>),
}

impl Link {
    pub(crate) fn dial(id: LinkId, server: Server, now: Instant, timeout: Duration) -> Self {
        let mut link = Self {
            id,
            server,
            phase: Phase::Failed(None),
            addresses: VecDeque::new(),
            bad_name: None,
            due: now + timeout,
            input: BytesMut::new(),
            output: VecDeque::new(),
            blocked: false,
            ending: false,
            broken: None,
        };
        let network = instance_network();
        match link.server.uri().host() {
            Some(Host::Domain(name)) => match resolve_addresses(&network, name) {
                Ok(names) => {
                    link.phase = Phase::Resolving { pollable: names.subscribe(), names };
                }
                Err(error) => link.fail_lookup(error),
            },
            Some(Host::Ipv4(ip)) => {
                let [a, b, c, d] = ip.octets();
                link.addresses.push_back(IpAddress::Ipv4((a, b, c, d)));
                link.try_next(&network, now);
            }
            Some(Host::Ipv6(ip)) => {
                let [a, b, c, d, e, f, g, h] = ip.segments();
                link.addresses.push_back(IpAddress::Ipv6((a, b, c, d, e, f, g, h)));
                link.try_next(&network, now);
            }
            None => {
                link.phase = Phase::Failed(Some(Fault::new(ErrorKind::Unsupported, "no host")));
            }
        }
        link
    }

    /// What is wrong with the name of its server, if it ended there.
    pub(crate) fn bad_name(&self) -> Option<Error> {
        let uri = self.server.uri();
        match (&self.phase, &self.bad_name) {
            (_, Some((ErrorKind::AccessDenied, message))) => {
                Some(Error::not_sent(ErrorKind::AccessDenied, format!("{uri}: {message}")))
            }
            (_, Some((_, message))) => Some(Error::invalid_uri(&uri.to_string(), message)),
            (Phase::Resolving { .. }, None) => {
                let what = format!("{uri}: the name lookup took longer than connect_timeout");
                Some(Error::not_sent(ErrorKind::Timeout, what))
            }
            _ => None,
        }
    }

    /// Whether the name of its server is still looked up.
    pub(crate) const fn is_resolving(&self) -> bool {
        matches!(self.phase, Phase::Resolving { .. })
    }

    /// Whether looking at it again is of use although the host has not said so.
    pub(crate) fn is_due(&self, now: Instant) -> bool {
        match &self.phase {
            Phase::Failed(_) => true,
            Phase::Connecting { until, .. } => *until <= now,
            Phase::Open(carrier) => carrier.has_ended(),
            Phase::Resolving { .. } => false,
        }
    }

    /// When that will be, if at all.
    pub(crate) const fn alarm(&self) -> Option<Instant> {
        match &self.phase {
            Phase::Connecting { until, .. } => Some(*until),
            _ => None,
        }
    }

    pub(crate) fn pollables(&self) -> impl Iterator<Item = &Pollable> {
        let (first, second) = match &self.phase {
            Phase::Resolving { pollable, .. } | Phase::Connecting { pollable, .. } => {
                (Some(pollable), None)
            }
            Phase::Open(carrier) => {
                let stream = carrier.stream();
                (Some(&stream.readable), self.blocked.then_some(&stream.writable))
            }
            Phase::Failed(_) => (None, None),
        };
        first.into_iter().chain(second)
    }

    /// Looks what has happened.
    pub(crate) fn look(&mut self, dialer: &Dialer, now: Instant) -> Progress {
        match &mut self.phase {
            Phase::Resolving { .. } => self.resolve(now),
            Phase::Connecting { .. } => self.connect(dialer, now),
            Phase::Open(_) => self.read(),
            Phase::Failed(fault) => {
                let fault = fault.take();
                Progress::Ended(fault.map(|fault| self.error(fault, Outcome::NotSent)))
            }
        }
    }

    fn resolve(&mut self, now: Instant) -> Progress {
        while let Phase::Resolving { names, .. } = &self.phase {
            match names.resolve_next_address() {
                Ok(Some(address)) => self.addresses.push_back(address),
                Ok(None) => self.try_next(&instance_network(), now),
                Err(ErrorCode::WouldBlock) => return Progress::Nothing,
                Err(error) => self.fail_lookup(error),
            }
        }
        Progress::Nothing
    }

    fn fail_lookup(&mut self, error: ErrorCode) {
        let fault = lookup_fault(error);
        self.bad_name = Some((fault.kind, fault.message.clone()));
        self.phase = Phase::Failed(Some(fault));
    }

    /// Starts with the next address; each gets its share of what is left of the time.
    fn try_next(&mut self, network: &Network, now: Instant) {
        let mut fault = Fault::new(ErrorKind::Disconnected, "the name has no address");
        while let Some(address) = self.addresses.pop_front() {
            let left = u32::try_from(self.addresses.len()).unwrap_or(u32::MAX).saturating_add(1);
            match start(network, address, self.server.uri().port().unwrap_or_default()) {
                Ok(socket) => {
                    let until = now + self.due.saturating_since(now) / left;
                    let pollable = socket.subscribe();
                    self.phase = Phase::Connecting { pollable, socket, until };
                    return;
                }
                Err(error) => fault = connect_fault(error),
            }
        }
        self.phase = Phase::Failed(Some(fault));
    }

    fn connect(&mut self, dialer: &Dialer, now: Instant) -> Progress {
        let Phase::Connecting { socket, until, .. } = &self.phase else { return Progress::Nothing };
        let error = match socket.finish_connect() {
            Ok((input, output)) => return self.open(dialer, input, output),
            // The engine ends the last attempt, which has all the time that is left.
            Err(ErrorCode::WouldBlock) if *until > now || self.addresses.is_empty() => {
                return Progress::Nothing;
            }
            Err(ErrorCode::WouldBlock) => ErrorCode::Timeout,
            Err(error) => error,
        };
        match self.addresses.is_empty() {
            true => self.phase = Phase::Failed(Some(connect_fault(error))),
            false => self.try_next(&instance_network(), now),
        }
        Progress::Nothing
    }

    fn open(
        &mut self,
        dialer: &Dialer,
        input: wasip2::io::streams::InputStream,
        output: wasip2::io::streams::OutputStream,
    ) -> Progress {
        let phase = std::mem::replace(&mut self.phase, Phase::Failed(None));
        let Phase::Connecting { socket, pollable, .. } = phase else { return Progress::Nothing };
        drop(pollable);
        let stream = Stream::new(socket, input, output);
        match Carrier::new(stream, self.server.uri(), dialer) {
            Ok(carrier) => {
                let open = carrier.is_open();
                self.phase = Phase::Open(carrier);
                if open { Progress::Opened } else { self.read() }
            }
            Err(fault) => Progress::Ended(Some(self.error(fault, Outcome::NotSent))),
        }
    }

    /// Makes room, and reads what there is.
    fn read(&mut self) -> Progress {
        if self.input.is_empty() && self.input.capacity() > MAX_KEPT {
            self.input = BytesMut::new();
        }
        let Phase::Open(carrier) = &mut self.phase else { return Progress::Nothing };
        let outcome = match carrier {
            Carrier::Plain(stream) => stream.read(&mut self.input),
            #[cfg(feature = "tls")]
            Carrier::Tls(stream) => {
                let outcome = stream.read(&mut self.input);
                self.blocked = self.broken.is_none() && (self.blocked || stream.is_clogged());
                if outcome.is_ok() && stream.has_just_opened() {
                    return Progress::Opened;
                }
                outcome
            }
        };
        let fault = match outcome {
            Ok(Read::Some) => return Progress::Input,
            Ok(Read::Nothing) if self.blocked => return Progress::Writable,
            Ok(Read::Nothing) => return Progress::Nothing,
            Ok(Read::End) => self.broken.take(),
            Err(fault) => Some(self.broken.take().unwrap_or(fault)),
        };
        Progress::Ended(fault.map(|fault| self.error(fault, Outcome::Unknown)))
    }

    pub(crate) const fn input(&mut self) -> &mut BytesMut {
        &mut self.input
    }

    /// Writes what the engine gives, as far as the host takes it now. Says whether it took anything.
    pub(crate) fn write(&mut self, engine: &mut Engine, now: Instant) -> bool {
        let Phase::Open(carrier) = &mut self.phase else { return false };
        if self.broken.is_some() {
            return false;
        }
        self.blocked = false;
        let mut taken = false;
        loop {
            if self.output.is_empty() {
                let mut pieces = Vec::new();
                engine.take(now, self.id, &mut pieces);
                self.output.extend(pieces);
            }
            let Some(piece) = self.output.front_mut() else { break };
            match carrier.write(piece) {
                Ok(0) => {
                    self.blocked = true;
                    return taken;
                }
                Ok(written) => {
                    piece.advance(written);
                    taken = true;
                }
                Err(fault) => {
                    self.broken = Some(fault);
                    return taken;
                }
            }
            if piece.is_empty() {
                self.output.pop_front();
            }
        }
        match carrier.flush(self.ending) {
            Ok(true) => self.ending = false,
            Ok(false) => self.blocked = true,
            Err(fault) => self.broken = Some(fault),
        }
        taken
    }

    /// Ends the sending direction behind what there is to write.
    pub(crate) const fn end_output(&mut self) {
        self.ending = true;
    }

    /// Bytes of the engine's that the host never took.
    pub(crate) fn unwritten(&self) -> u64 {
        self.output.iter().map(|piece| piece.len() as u64).sum()
    }

    fn error(&self, fault: Fault, outcome: Outcome) -> Error {
        Error::new(fault.kind, outcome, format!("{}: {}", self.server, fault.message))
    }
}

impl Carrier {
    #[cfg(feature = "tls")]
    fn new(stream: Stream, uri: &ServerUri, dialer: &Dialer) -> Result<Self, Fault> {
        match (uri.transport(), &dialer.tls) {
            (Transport::Tls { host, .. }, Some(settings)) => {
                Ok(Self::Tls(Box::new(TlsStream::new(stream, settings, host)?)))
            }
            _ => Ok(Self::Plain(stream)),
        }
    }

    #[cfg(not(feature = "tls"))]
    const fn new(stream: Stream, _: &ServerUri, _: &Dialer) -> Result<Self, Fault> {
        Ok(Self::Plain(stream))
    }

    /// Whether nothing has to be agreed on before it is of use.
    const fn is_open(&self) -> bool {
        matches!(self, Self::Plain(_))
    }

    /// Whether the peer has said that it is over, on a socket that may stay open.
    const fn has_ended(&self) -> bool {
        match self {
            Self::Plain(_) => false,
            #[cfg(feature = "tls")]
            Self::Tls(stream) => stream.has_ended(),
        }
    }

    fn stream(&self) -> &Stream {
        match self {
            Self::Plain(stream) => stream,
            #[cfg(feature = "tls")]
            Self::Tls(stream) => stream.stream(),
        }
    }

    fn write(&mut self, bytes: &[u8]) -> Result<usize, Fault> {
        match self {
            Self::Plain(stream) => stream.write(bytes),
            #[cfg(feature = "tls")]
            Self::Tls(stream) => stream.write(bytes),
        }
    }

    /// Sends what was held back, and nothing behind it if that is the end. Says whether all has left.
    fn flush(&mut self, ending: bool) -> Result<bool, Fault> {
        match self {
            Self::Plain(stream) => {
                if ending {
                    stream.end_output();
                }
                Ok(true)
            }
            #[cfg(feature = "tls")]
            Self::Tls(stream) => stream.flush(ending),
        }
    }
}

fn start(network: &Network, address: IpAddress, port: u16) -> Result<TcpSocket, ErrorCode> {
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
    let socket = create_tcp_socket(family)?;
    let nanos = |span: Duration| u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
    // Not every host can, and the client gets by without.
    let _ = socket
        .set_keep_alive_enabled(true)
        .and_then(|()| socket.set_keep_alive_idle_time(nanos(KEEPALIVE)));
    socket.start_connect(network, address)?;
    Ok(socket)
}

fn lookup_fault(error: ErrorCode) -> Fault {
    match error {
        // Some hosts say the latter when they forbid it.
        ErrorCode::AccessDenied | ErrorCode::PermanentResolverFailure => Fault::new(
            ErrorKind::AccessDenied,
            "the host does not look the name up for this component",
        ),
        error => {
            Fault::new(ErrorKind::Disconnected, format!("the name lookup failed: {}", error.name()))
        }
    }
}

fn connect_fault(error: ErrorCode) -> Fault {
    match error {
        ErrorCode::AccessDenied => Fault::new(
            ErrorKind::AccessDenied,
            "the host does not let this component connect there",
        ),
        error => Fault::new(ErrorKind::Disconnected, error.name()),
    }
}
