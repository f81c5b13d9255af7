//! What a host lets its guest do.

use std::net::SocketAddr;

use wasmtime_wasi::WasiCtx;
use wasmtime_wasi::sockets::SocketAddrUse;

/// What an instance may do beyond computing: nothing but this.
#[derive(Debug, Clone, Default)]
pub struct Grants {
    connect: Vec<SocketAddr>,
    names: bool,
}

impl Grants {
    /// Nothing at all.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Connections to this address.
    #[must_use]
    pub fn connect(addr: SocketAddr) -> Self {
        Self::none().and(addr)
    }

    /// Connections to this address as well.
    #[must_use]
    pub fn and(mut self, addr: SocketAddr) -> Self {
        self.connect.push(addr);
        self
    }

    /// Name lookups as well.
    #[must_use]
    pub fn and_names(self) -> Self {
        Self { names: true, ..self }
    }

    pub(crate) fn context(self) -> WasiCtx {
        let Self { connect, names } = self;
        let mut builder = WasiCtx::builder();
        builder.allow_tcp(true).allow_udp(false).allow_ip_name_lookup(names);
        builder.socket_addr_check(move |addr, purpose| {
            let granted = match purpose {
                SocketAddrUse::TcpConnect => connect.contains(&addr),
                // What the system does by itself before it connects.
                SocketAddrUse::TcpBind => addr.ip().is_unspecified() && addr.port() == 0,
                _ => false,
            };
            Box::pin(async move { granted })
        });
        builder.build()
    }
}
