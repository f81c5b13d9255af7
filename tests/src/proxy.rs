//! A TCP proxy that cuts connections where the test says.

use std::fmt;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;

use crate::util::shut;

/// Where a direction is cut. The generation tells connections that are up to count from zero again.
#[derive(Debug, Clone, Copy, Default)]
struct Limit {
    bytes: Option<usize>,
    generation: u64,
}

impl Limit {
    fn set(&mut self, bytes: Option<usize>) {
        self.bytes = bytes;
        self.generation += 1;
    }
}

#[derive(Default)]
struct State {
    stopping: bool,
    connections: usize,
    to_client: Limit,
    to_server: Limit,
    links: Vec<Arc<Link>>,
}

/// The two sockets of one proxied connection.
struct Link {
    client: TcpStream,
    server: TcpStream,
    cut: AtomicBool,
}

impl Link {
    /// Both ends see the end of the stream behind what was forwarded. The sockets are still read:
    /// closing them with unread bytes would reset the connection and could take back forwarded ones.
    fn cut(&self) {
        self.cut.store(true, Ordering::SeqCst);
        let _ = self.client.shutdown(Shutdown::Write);
        let _ = self.server.shutdown(Shutdown::Write);
    }
}

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<State>>);

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no panic under the lock")
    }
}

/// A proxy on a free loopback port in front of one server. Without limits it forwards everything.
pub struct CuttingProxy {
    addr: SocketAddr,
    shared: Shared,
}

impl CuttingProxy {
    /// Starts a proxy in front of `server`. While the server is down, connections are accepted and
    /// closed at once.
    ///
    /// # Panics
    /// If there is no free port.
    #[must_use]
    pub fn start(server: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let addr = listener.local_addr().expect("a bound socket");
        let shared = Shared::default();
        let state = shared.clone();
        thread::spawn(move || accept(&listener, server, &state));
        Self { addr, shared }
    }

    /// The URI a client connects to.
    #[must_use]
    pub fn uri(&self) -> String {
        format!("beanstalk://{}", self.addr)
    }

    /// The address it listens on.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// How many connections were accepted so far.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.shared.lock().connections
    }

    /// From now on cuts every connection when `bytes` have gone to the client: bytes from now on
    /// for connections that are up, from their start for later ones. With 0 the first byte cuts.
    pub fn cut_after_to_client(&self, bytes: usize) {
        self.shared.lock().to_client.set(Some(bytes));
    }

    /// As [`CuttingProxy::cut_after_to_client`], for bytes to the server.
    pub fn cut_after_to_server(&self, bytes: usize) {
        self.shared.lock().to_server.set(Some(bytes));
    }

    /// Takes both limits back.
    pub fn forward_all(&self) {
        let mut state = self.shared.lock();
        state.to_client.set(None);
        state.to_server.set(None);
    }

    /// Cuts every connection that is up.
    pub fn cut_now(&self) {
        self.shared.lock().links.iter().for_each(|link| link.cut());
    }
}

impl fmt::Debug for CuttingProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CuttingProxy").field("addr", &self.addr).finish_non_exhaustive()
    }
}

impl Drop for CuttingProxy {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.stopping = true;
        for link in state.links.drain(..) {
            shut(&link.client);
            shut(&link.server);
        }
        drop(state);
        // Wakes the listener, which then sees that it is to stop.
        let _ = TcpStream::connect(self.addr);
    }
}

#[derive(Clone, Copy)]
enum Direction {
    ToClient,
    ToServer,
}

fn accept(listener: &TcpListener, server: SocketAddr, shared: &Shared) {
    for client in listener.incoming() {
        if shared.lock().stopping {
            return;
        }
        let Ok(client) = client else { continue };
        shared.lock().connections += 1;
        let Ok(server) = TcpStream::connect(server) else { continue };
        client.set_nodelay(true).expect("TCP_NODELAY");
        server.set_nodelay(true).expect("TCP_NODELAY");
        let link = Arc::new(Link { client, server, cut: AtomicBool::new(false) });
        let mut state = shared.lock();
        if state.stopping {
            return;
        }
        for direction in [Direction::ToClient, Direction::ToServer] {
            // Read before the test can change it, so that a change finds the connection up.
            let limit = state.limit(direction);
            let (link, shared) = (Arc::clone(&link), shared.clone());
            thread::spawn(move || pump(&link, direction, limit, &shared));
        }
        state.links.push(link);
    }
}

impl State {
    fn limit(&self, direction: Direction) -> Limit {
        match direction {
            Direction::ToClient => self.to_client,
            Direction::ToServer => self.to_server,
        }
    }
}

fn pump(link: &Link, direction: Direction, mut limit: Limit, shared: &Shared) {
    let (mut from, mut to) = match direction {
        Direction::ToClient => (&link.server, &link.client),
        Direction::ToServer => (&link.client, &link.server),
    };
    let mut passed = 0;
    let mut buffer = vec![0; 65_536];
    while let Ok(n @ 1..) = from.read(&mut buffer) {
        let current = shared.lock().limit(direction);
        if current.generation != limit.generation {
            (limit, passed) = (current, 0);
        }
        let left = limit.bytes.map_or(usize::MAX, |bytes| bytes.saturating_sub(passed));
        passed += n;
        if link.cut.load(Ordering::SeqCst) {
            continue;
        }
        let ends = n >= left;
        // Before the last bytes leave: what answers them must not pass any more.
        link.cut.fetch_or(ends, Ordering::SeqCst);
        if to.write_all(&buffer[..n.min(left)]).is_err() || ends {
            link.cut();
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}
