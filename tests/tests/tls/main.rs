//! TLS under stress: large bodies, many jobs, servers that restart or fall silent, cut connections.
//!
//! Each behaviour is tried with a `stunnel` in front of a `beanstalkd` and with the embedded
//! server, which end and buffer differently.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail the way tests do"
)]

mod cuts;
mod halves;
mod load;
mod restart;
mod silent;

use std::future::IntoFuture;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use beanwire::{Config, ConfigBuilder, Roots, TlsConfig};
use beanwire_server::Server;
use beanwire_tests::{Beanstalkd, Certificates, RawClient, ServerIdentity, Stunnel};

/// The largest body that the servers take: far more than TLS and the system buffer.
const MAX_JOB_SIZE: usize = 16 << 20;

const fn ms(span: u64) -> Duration {
    Duration::from_millis(span)
}

/// The result of what must end by itself, long before this limit.
async fn ended<F: IntoFuture>(work: F) -> F::Output {
    let limit = Duration::from_secs(60);
    tokio::time::timeout(limit, work.into_future()).await.expect("it ends by itself")
}

/// Bytes in which every shift or loss shows.
fn pattern(size: usize) -> Vec<u8> {
    (0_u32..).flat_map(u32::to_be_bytes).take(size).collect()
}

/// A server behind TLS.
struct Secured {
    certificates: Certificates,
    kind: Kind,
}

enum Kind {
    Stunnel { stunnel: Stunnel, server: Beanstalkd },
    // None only while it is started anew.
    Embedded(Option<Server>),
}

impl Secured {
    async fn both() -> [Self; 2] {
        [Self::stunnel(), Self::embedded().await]
    }

    fn stunnel() -> Self {
        let certificates = Certificates::new();
        let server = Beanstalkd::builder().max_job_size(MAX_JOB_SIZE as u64).start();
        let stunnel = Stunnel::start(&certificates, server.port(), ServerIdentity::Good, false);
        Self { certificates, kind: Kind::Stunnel { stunnel, server } }
    }

    async fn embedded() -> Self {
        let certificates = Certificates::new();
        let server = start_embedded(&certificates, (Ipv4Addr::LOCALHOST, 0).into()).await;
        Self { certificates, kind: Kind::Embedded(Some(server)) }
    }

    /// Where TLS is spoken.
    fn addr(&self) -> SocketAddr {
        match &self.kind {
            Kind::Stunnel { stunnel, .. } => (Ipv4Addr::LOCALHOST, stunnel.port()).into(),
            Kind::Embedded(server) => server.as_ref().and_then(Server::addr).unwrap(),
        }
    }

    fn uri(&self) -> String {
        format!("beanstalks://{}", self.addr())
    }

    /// Settings that trust it, and under which a lost connection comes back at once.
    fn config(&self) -> ConfigBuilder {
        let roots = Roots::Pem(self.certificates.ca_pem().to_owned());
        let tls = TlsConfig::default().with_roots(roots);
        Config::builder().reconnect_min(ms(1)).reconnect_max(ms(20)).tls(tls)
    }

    /// A view of the jobs that shares no code with the client under test.
    fn raw(&self) -> RawClient {
        match &self.kind {
            Kind::Stunnel { server, .. } => server.raw(),
            Kind::Embedded(_) => RawClient::connect_tls(self.addr(), self.certificates.ca_pem()),
        }
    }

    /// Ends what speaks TLS and starts it anew on the same port. Jobs may be gone.
    async fn restart(&mut self) {
        let addr = self.addr();
        match &mut self.kind {
            Kind::Stunnel { stunnel, .. } => stunnel.restart(),
            Kind::Embedded(server) => {
                server.take().unwrap().stop().await;
                *server = Some(start_embedded(&self.certificates, addr).await);
            }
        }
    }

    /// Nothing comes from it any more, though connections stay open.
    fn fall_silent(&self) {
        match &self.kind {
            Kind::Stunnel { stunnel, .. } => stunnel.stop_reading(),
            Kind::Embedded(server) => server.as_ref().unwrap().delay_replies(Duration::MAX),
        }
    }

    fn go_on(&self) {
        match &self.kind {
            Kind::Stunnel { stunnel, .. } => stunnel.resume(),
            Kind::Embedded(server) => server.as_ref().unwrap().clear_faults(),
        }
    }
}

async fn start_embedded(certificates: &Certificates, addr: SocketAddr) -> Server {
    let identity = certificates.server(ServerIdentity::Good);
    let builder = Server::builder().tcp(addr).max_job_size(MAX_JOB_SIZE).unwrap();
    let builder = builder.tls(&identity.cert_pem, &identity.key_pem).unwrap();
    builder.start().await.unwrap()
}
