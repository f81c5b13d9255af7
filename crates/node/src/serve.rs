//! The embedded server.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use beanwire::{Error, ErrorKind};
use beanwire_server::{Server, Shortage};
use napi_derive::napi;

use crate::convert::{millis, span};
use crate::runtime::Shared;

/// Where the server listens and what it takes.
#[napi(object)]
pub struct ServeOptions {
    /// An IP address; default `127.0.0.1`.
    pub host: Option<String>,
    /// Default a free one.
    pub port: Option<u16>,
    /// A unix socket instead.
    pub path: Option<String>,
    /// Largest body, in bytes.
    pub max_job_size: Option<u32>,
    /// Certificates as PEM; with them connections are encrypted.
    pub cert: Option<String>,
    /// Their key as PEM.
    pub key: Option<String>,
}

/// A running server, and the runtime it runs on.
#[derive(Debug)]
pub(crate) struct Embedded {
    server: Server,
    _runtime: Arc<Shared>,
}

impl Embedded {
    pub(crate) async fn start(options: ServeOptions, runtime: Arc<Shared>) -> Result<Self, Error> {
        let mut builder = Server::builder();
        if let Some(path) = options.path {
            builder = builder.unix(path);
        } else {
            let host = match options.host {
                Some(host) => host.parse::<IpAddr>().map_err(|error| {
                    Error::invalid_argument("host", &host, "an IP address").with_source(error)
                })?,
                None => Ipv4Addr::LOCALHOST.into(),
            };
            builder = builder.tcp(SocketAddr::from((host, options.port.unwrap_or(0))));
        }
        if let Some(size) = options.max_job_size {
            builder = builder.max_job_size(size as usize).map_err(failed)?;
        }
        if options.cert.is_some() || options.key.is_some() {
            let (cert, key) = (options.cert.unwrap_or_default(), options.key.unwrap_or_default());
            builder = builder.tls(&cert, &key).map_err(failed)?;
        }
        let server = builder.start().await.map_err(failed)?;
        Ok(Self { server, _runtime: runtime })
    }

    pub(crate) fn uri(&self) -> &str {
        self.server.uri()
    }

    pub(crate) async fn stop(self) {
        self.server.stop().await;
    }

    /// Does what a test wants done; false if there is no such thing.
    pub(crate) fn run(&self, what: &str, number: f64, flag: bool, text: &str) -> bool {
        let server = &self.server;
        match what {
            "drain" => server.drain(),
            "advance" => server.advance(span(number)),
            "freeze" => server.freeze(),
            "resume" => server.resume(),
            "refuseConnections" => server.refuse_connections(flag),
            "cutAfterReceived" => server.cut_after_received(bytes(number)),
            "cutAfterSent" => server.cut_after_sent(bytes(number)),
            "delayReplies" => server.delay_replies(millis(number)),
            "setShortage" => server.set_shortage(match text {
                "none" => Shortage::None,
                "jobs" => Shortage::Jobs,
                "queues" => Shortage::Queues,
                _ => return false,
            }),
            "clearFaults" => server.clear_faults(),
            _ => return false,
        }
        true
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates")]
const fn bytes(number: f64) -> u64 {
    number as u64
}

fn failed(error: std::io::Error) -> Error {
    let kind = match error.kind() {
        std::io::ErrorKind::InvalidInput => ErrorKind::InvalidArgument,
        _ => ErrorKind::Unsupported,
    };
    Error::not_sent(kind, error.to_string()).with_source(error)
}
