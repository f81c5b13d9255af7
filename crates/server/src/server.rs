//! A running server, and how it is set up.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use beanwire_core::protocol::MAX_BODY;
use tokio_util::task::TaskTracker;

use crate::faults::Direction;
use crate::hub::Hub;
use crate::listen::{Listener, Place, Wrapping};
use crate::machine::{Settings, Shortage};

/// How a server is set up.
#[derive(Clone)]
#[must_use]
pub struct Builder {
    place: Place,
    max_job_size: usize,
    wrapping: Wrapping,
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut fields = f.debug_struct("Builder");
        fields.field("place", &self.place).field("max_job_size", &self.max_job_size);
        fields.finish_non_exhaustive()
    }
}

impl Builder {
    /// Listens on this address. Default: `127.0.0.1` and a free port, which is what port 0 means.
    pub fn tcp(self, addr: impl Into<SocketAddr>) -> Self {
        Self { place: Place::Tcp(addr.into()), ..self }
    }

    /// Listens on a unix socket. A file that a dead server left there is replaced; the server's own
    /// is removed when it stops.
    pub fn unix(self, path: impl Into<PathBuf>) -> Self {
        Self { place: Place::Unix(path.into()), ..self }
    }

    /// Sets the largest body the server takes, in bytes. Default 65,535, 0 to 1 GiB.
    ///
    /// # Errors
    /// `InvalidInput` above 1 GiB.
    pub fn max_job_size(self, bytes: usize) -> io::Result<Self> {
        if bytes > MAX_BODY {
            let message = format!("max_job_size: {bytes} bytes, the limit is {MAX_BODY}");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        Ok(Self { max_job_size: bytes, ..self })
    }

    /// Encrypts TCP connections, with this certificate and those that lead to its authority, and
    /// its key, all as PEM text. A unix socket stays plain.
    ///
    /// # Errors
    /// `InvalidInput` naming what cannot be used.
    #[cfg(feature = "tls")]
    pub fn tls(self, chain_pem: &str, key_pem: &str) -> io::Result<Self> {
        let wrapping = Wrapping::Tls(crate::tls::acceptor(chain_pem, key_pem)?);
        Ok(Self { wrapping, ..self })
    }

    /// Starts the server on the current tokio runtime.
    ///
    /// # Errors
    /// What the system says if it cannot listen there; the message names the place.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    ///
    /// # Cancel safety
    /// Nothing is left behind.
    pub async fn start(self) -> io::Result<Server> {
        let listener = Listener::bind(&self.place).await?;
        let place = listener.place()?;
        let settings = Settings {
            max_job_size: self.max_job_size,
            pid: std::process::id(),
            id: format!("{:016x}", RandomState::new().hash_one(self.max_job_size)),
            ..Settings::default()
        };
        let uri = self.uri(&place);
        let hub = Arc::new(Hub::new(settings));
        let tasks = TaskTracker::new();
        tasks.spawn(Arc::clone(&hub).keep_time());
        tasks.spawn(listener.accept_all(Arc::clone(&hub), self.wrapping, tasks.clone()));
        Ok(Server { hub, tasks, place, uri })
    }

    fn uri(&self, place: &Place) -> String {
        match (place, &self.wrapping) {
            (Place::Unix(path), _) => format!("unix://{}", path.display()),
            (Place::Tcp(addr), Wrapping::Plain) => format!("beanstalk://{addr}"),
            #[cfg(feature = "tls")]
            (Place::Tcp(addr), Wrapping::Tls(_)) => format!("beanstalks://{addr}"),
        }
    }
}

/// A running server. It stops when this is dropped, and all its jobs are gone.
#[derive(Debug)]
pub struct Server {
    hub: Arc<Hub>,
    tasks: TaskTracker,
    place: Place,
    uri: String,
}

impl Server {
    /// Starts a server on a free port of `127.0.0.1`.
    ///
    /// # Errors
    /// What the system says if it cannot listen.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    ///
    /// # Cancel safety
    /// Nothing is left behind.
    pub async fn start() -> io::Result<Self> {
        Self::builder().start().await
    }

    /// Sets a server up that differs from the defaults.
    pub fn builder() -> Builder {
        Builder {
            place: Place::Tcp(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))),
            max_job_size: crate::machine::DEFAULT_MAX_JOB_SIZE,
            wrapping: Wrapping::Plain,
        }
    }

    /// What a client connects to.
    #[must_use]
    pub fn uri(&self) -> &str {
        &self.uri
    }

    /// The address it listens on; none for a unix socket.
    #[must_use]
    pub fn addr(&self) -> Option<SocketAddr> {
        match self.place {
            Place::Tcp(addr) => Some(addr),
            Place::Unix(_) => None,
        }
    }

    /// Stops the server and waits until all connections are closed.
    ///
    /// # Cancel safety
    /// Stopping goes on.
    pub async fn stop(self) {
        self.hub.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// Takes no more jobs, for good: every put answers `DRAINING`. Everything else goes on.
    pub fn drain(&self) {
        self.hub.change(|inner| inner.machine.drain());
    }

    /// Pushes the server's clock forward: delays, TTRs and pauses that end within `span` end now,
    /// each in its turn.
    pub fn advance(&self, span: Duration) {
        self.hub.change(|inner| inner.clock.advance(span));
    }

    /// Stops the server's clock: no delay, TTR, timeout or pause ends any more but by
    /// [`advance`](Self::advance).
    pub fn freeze(&self) {
        self.hub.change(|inner| inner.clock.freeze());
    }

    /// Sets a stopped clock going again, from where it stands.
    pub fn resume(&self) {
        self.hub.change(|inner| inner.clock.resume());
    }

    /// Closes every new connection at once, for as long as this is on.
    pub fn refuse_connections(&self, refuse: bool) {
        self.hub.change(|inner| inner.faults.refuse = refuse);
    }

    /// Closes one connection behind the first `bytes` that it brings from now on: whichever
    /// connection gets there first. What it brought by then is worked on.
    ///
    /// Only the latest order to cut holds.
    pub fn cut_after_received(&self, bytes: u64) {
        self.hub.change(|inner| inner.faults.cut_after(Direction::Received, bytes));
    }

    /// Closes one connection behind the first `bytes` that it is sent from now on: whichever
    /// connection gets there first. With 0 the next command that a client sends is done, and its
    /// reply is lost.
    ///
    /// Only the latest order to cut holds.
    pub fn cut_after_sent(&self, bytes: u64) {
        self.hub.change(|inner| inner.faults.cut_after(Direction::Sent, bytes));
    }

    /// Holds every reply back for `span`; [`Duration::MAX`] is a server that has fallen silent.
    /// Replies that are held back already go by the new span, too.
    pub fn delay_replies(&self, span: Duration) {
        self.hub.change(|inner| inner.faults.delay = span);
    }

    /// Sets what the server has no memory for.
    pub fn set_shortage(&self, shortage: Shortage) {
        self.hub.change(|inner| inner.machine.set_shortage(shortage));
    }

    /// Ends all faults but a drain and a stopped clock.
    pub fn clear_faults(&self) {
        self.hub.change(|inner| {
            inner.faults.clear();
            inner.machine.set_shortage(Shortage::None);
        });
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.hub.stop.cancel();
    }
}
