//! `serve`: the embedded server as a program.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use beanwire_server::{Builder, Server};

use crate::context::Context;
use crate::failure::{Failure, note};
use crate::output;

/// The ports of beanstalkd and of a TLS terminator before it.
const PORTS: (u16, u16) = (11300, 11400);

const HELP: &str = "\
The server speaks the protocol of beanstalkd 1.12. It is for tests and demos and not for production: \
nothing is stored, and all jobs are gone when it ends.

Its URI is the first line on standard output. SIGINT and SIGTERM stop it; SIGUSR1 drains it, as it \
does beanstalkd: every put is refused from then on. With --tls-cert and --tls-key it speaks TLS, with \
them as its own certificate and key.";

/// Run a beanstalkd in memory, for tests and demos.
#[derive(Debug, clap::Args)]
#[command(after_long_help = HELP)]
pub(crate) struct Args {
    /// Where to listen: host:port, [::1]:port, or unix:PATH; port 0 is a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:11300", value_parser = place)]
    listen: Place,
    /// Largest body of a job, in bytes: 0 to 1 GiB
    #[arg(long, value_name = "BYTES", default_value_t = 65535)]
    max_job_size: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    Tcp(String, Option<u16>),
    Unix(PathBuf),
}

fn place(text: &str) -> Result<Place, String> {
    if let Some(path) = text.strip_prefix("unix:") {
        let path = path.strip_prefix("//").unwrap_or(path);
        return match path {
            "" => Err("the path is missing".into()),
            path => Ok(Place::Unix(path.into())),
        };
    }
    if let Ok(addr) = text.parse::<SocketAddr>() {
        return Ok(Place::Tcp(addr.ip().to_string(), Some(addr.port())));
    }
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    if let Ok(ip) = bare.parse::<IpAddr>() {
        return Ok(Place::Tcp(ip.to_string(), None));
    }
    let (host, port) = match text.rsplit_once(':') {
        None => (text, None),
        Some((host, port)) => {
            let port = port.parse().map_err(|_| "the port must be a number from 0 to 65535")?;
            (host, Some(port))
        }
    };
    let allowed = |c: char| c.is_alphanumeric() || "-._".contains(c);
    match !host.is_empty() && host.chars().all(allowed) {
        true => Ok(Place::Tcp(host.to_owned(), port)),
        false => Err("it must be host:port, [IPv6 address]:port or unix:PATH".into()),
    }
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<(), Failure> {
    // Before anybody can know of the server and send signals to it.
    let mut drain = Drain::listen()?;
    let server = start(builder(&args, context)?, args.listen, context).await?;
    output::line(server.uri())?;
    note("in memory: all jobs are gone when this ends");
    loop {
        tokio::select! {
            () = context.stop.soon.cancelled() => break,
            () = drain.asked() => {
                server.drain();
                note("draining: every put is refused from now on");
            }
        }
    }
    let stop = async {
        server.stop().await;
        Ok(())
    };
    context.unless_forced(stop).await
}

fn builder(args: &Args, context: &Context) -> Result<Builder, Failure> {
    let usage = |error: io::Error| Failure::usage(error.to_string());
    let builder = Server::builder().max_job_size(args.max_job_size).map_err(usage)?;
    match &context.config.tls.client_certificate {
        Some(own) => builder.tls(&own.chain_pem, &own.key_pem).map_err(usage),
        None => Ok(builder),
    }
}

async fn start(builder: Builder, place: Place, context: &Context) -> Result<Server, Failure> {
    let tls = context.config.tls.client_certificate.is_some();
    let builder = match place {
        Place::Unix(_) if tls => {
            return Err(Failure::usage("a unix socket stays plain: it takes no --tls-cert"));
        }
        Place::Unix(path) => builder.unix(path),
        Place::Tcp(host, port) => {
            let port = port.unwrap_or(if tls { PORTS.1 } else { PORTS.0 });
            let addr = resolve(&host, port).await?;
            if !addr.ip().is_loopback() {
                context.warn("whoever reaches this address can read, take and delete all jobs");
            }
            builder.tcp(addr)
        }
    };
    builder.start().await.map_err(|error| {
        let failure = Failure::usage(error.to_string());
        match error.kind() {
            io::ErrorKind::AddrInUse => {
                failure.hint("another server listens there; --listen 127.0.0.1:0 takes a free port")
            }
            _ => failure,
        }
    })
}

async fn resolve(host: &str, port: u16) -> Result<SocketAddr, Failure> {
    let found = tokio::net::lookup_host((host, port)).await;
    let found = found.map_err(|error| Failure::usage(format!("--listen {host}: {error}")))?;
    let mut found = found;
    found.next().ok_or_else(|| Failure::usage(format!("--listen {host}: it has no address")))
}

/// The signal that drains, where there is one.
struct Drain {
    #[cfg(unix)]
    signal: tokio::signal::unix::Signal,
}

impl Drain {
    #[cfg(unix)]
    fn listen() -> Result<Self, Failure> {
        use tokio::signal::unix::{SignalKind, signal};
        let signal = signal(SignalKind::user_defined1());
        let failed = |error| Failure::refused(format!("cannot listen for signals: {error}"));
        Ok(Self { signal: signal.map_err(failed)? })
    }

    #[cfg(not(unix))]
    fn listen() -> Result<Self, Failure> {
        Ok(Self {})
    }

    async fn asked(&mut self) {
        #[cfg(unix)]
        if self.signal.recv().await.is_some() {
            return;
        }
        std::future::pending().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tcp(host: &str, port: Option<u16>) -> Result<Place, String> {
        Ok(Place::Tcp(host.into(), port))
    }

    #[test]
    fn places_are_hosts_addresses_and_paths() {
        assert_eq!(place("127.0.0.1:0"), tcp("127.0.0.1", Some(0)));
        assert_eq!(place("[::1]:11300"), tcp("::1", Some(11300)));
        assert_eq!(place("[::1]"), tcp("::1", None));
        assert_eq!(place("::1"), tcp("::1", None));
        assert_eq!(place("localhost:1"), tcp("localhost", Some(1)));
        assert_eq!(place("localhost"), tcp("localhost", None));
        assert_eq!(place("unix:///run/x"), Ok(Place::Unix("/run/x".into())));
        assert_eq!(place("unix:x"), Ok(Place::Unix("x".into())));
    }

    #[test]
    fn wrong_places_are_told() {
        for wrong in ["", ":1", "a:65536", "a:b", "a:-1", "a b:1", "beanstalk://a:1", "unix:"] {
            assert!(place(wrong).is_err(), "{wrong}");
        }
    }
}
