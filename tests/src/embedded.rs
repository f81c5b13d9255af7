//! The embedded server, for tests that block their thread.

use std::net::SocketAddr;
use std::ops::Deref;

use beanwire_server::{Builder, Server};
use tokio::runtime::{self, Runtime};

use crate::raw::RawClient;

/// A [`Server`] on a runtime of its own, so that a test may block. It ends when dropped.
#[derive(Debug)]
pub struct Embedded {
    server: Server,
    // Behind the server, which stops first.
    _runtime: Runtime,
}

impl Embedded {
    /// A server with its own defaults on a free port.
    ///
    /// # Panics
    /// If it cannot listen.
    #[must_use]
    pub fn start() -> Self {
        Self::with(Server::builder())
    }

    /// A server with other settings.
    ///
    /// # Panics
    /// If it cannot listen.
    #[must_use]
    pub fn with(builder: Builder) -> Self {
        let runtime = runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a runtime");
        let server = runtime.block_on(builder.start()).expect("a free port");
        Self { server, _runtime: runtime }
    }

    /// The address it listens on.
    ///
    /// # Panics
    /// If that is a unix socket.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.server.addr().expect("a server on TCP")
    }

    /// A new connection that shares no code with the client under test.
    #[must_use]
    pub fn raw(&self) -> RawClient {
        RawClient::connect(self.addr())
    }
}

impl Deref for Embedded {
    type Target = Server;

    fn deref(&self) -> &Server {
        &self.server
    }
}
