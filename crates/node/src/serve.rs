//! The embedded server.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use beanwire_core::error::{Error, ErrorKind};
use beanwire_server::{Server, Shortage};
use napi::bindgen_prelude::{AsyncTask, Either, Either3, Unknown};
use napi::{Env, Result, ScopedTask, Status, Task};
use napi_derive::napi;

use crate::convert::{self, millis, span};
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
pub struct Running {
    server: Server,
    runtime: Arc<Shared>,
}

/// An embedded server.
#[napi]
pub struct EmbeddedServer {
    running: Option<Running>,
}

#[napi]
impl EmbeddedServer {
    /// Starts a server. Gives it, or an error.
    #[napi]
    #[must_use]
    pub fn start(options: ServeOptions) -> AsyncTask<Start> {
        AsyncTask::new(Start(Some(options)))
    }

    /// Where it listens.
    #[napi(getter)]
    #[must_use]
    pub fn uri(&self) -> &str {
        self.running.as_ref().map_or("", |running| running.server.uri())
    }

    /// Has it do something: see its methods in Rust.
    ///
    /// # Errors
    /// If there is no such thing.
    #[napi(js_name = "do")]
    pub fn act(&self, what: String, value: Option<Either3<f64, bool, String>>) -> Result<()> {
        let (number, flag, text) = match value {
            Some(Either3::A(number)) => (number, false, String::new()),
            Some(Either3::B(flag)) => (0.0, flag, String::new()),
            Some(Either3::C(text)) => (0.0, false, text),
            None => (0.0, false, String::new()),
        };
        match &self.running {
            Some(running) if !run(&running.server, &what, number, flag, &text) => {
                let message = format!("beanwire: a server cannot {what} {text}");
                Err(napi::Error::new(Status::InvalidArg, message))
            }
            _ => Ok(()),
        }
    }

    /// Stops it.
    #[napi]
    pub fn stop(&mut self) -> AsyncTask<Stop> {
        AsyncTask::new(Stop(self.running.take()))
    }
}

/// A server on its way up.
pub struct Start(Option<ServeOptions>);

impl<'task> ScopedTask<'task> for Start {
    type Output = core::result::Result<Running, Error>;
    type JsValue = Either<EmbeddedServer, Unknown<'task>>;

    fn compute(&mut self) -> Result<Self::Output> {
        Ok(self.0.take().ok_or_else(no_runtime).and_then(start))
    }

    fn resolve(&mut self, env: &'task Env, output: Self::Output) -> Result<Self::JsValue> {
        Ok(match output {
            Ok(running) => Either::A(EmbeddedServer { running: Some(running) }),
            Err(error) => Either::B(convert::error(&error).to_js(env)?),
        })
    }
}

/// A server on its way down.
pub struct Stop(Option<Running>);

impl Task for Stop {
    type Output = ();
    type JsValue = ();

    fn compute(&mut self) -> Result<()> {
        if let Some(Running { server, runtime }) = self.0.take() {
            runtime.run(server.stop());
        }
        Ok(())
    }

    fn resolve(&mut self, _: Env, (): ()) -> Result<()> {
        Ok(())
    }
}

fn start(options: ServeOptions) -> core::result::Result<Running, Error> {
    let runtime = Shared::get().map_err(|error| no_runtime().with_source(error))?;
    let server = runtime.run(listen(options)).ok_or_else(no_runtime)??;
    Ok(Running { server, runtime })
}

fn no_runtime() -> Error {
    Error::not_sent(ErrorKind::Unsupported, "no thread to serve")
}

async fn listen(options: ServeOptions) -> core::result::Result<Server, Error> {
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
    builder.start().await.map_err(failed)
}

/// Does what a test wants done; false if there is no such thing.
fn run(server: &Server, what: &str, number: f64, flag: bool, text: &str) -> bool {
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
