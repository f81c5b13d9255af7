//! What every command works with: the servers, the settings, and how to talk.

use std::io::IsTerminal as _;
use std::path::Path;

use beanwire::{ClientCertificate, Config, Error, Roots, ServerUri, TlsConfig};

use crate::args::Global;
use crate::failure::{Failure, warn};
use crate::stop::Stop;

/// Where a server is unless told otherwise.
const DEFAULT_URI: &str = "beanstalk://127.0.0.1:11300";

/// What every command works with.
#[derive(Debug)]
pub(crate) struct Context {
    /// The servers, each once, at least one.
    pub(crate) servers: Vec<ServerUri>,
    /// The settings of clients, with the TLS and time limits that were asked for.
    pub(crate) config: Config,
    /// Whether standard output and standard error are terminals.
    pub(crate) stdout_terminal: bool,
    pub(crate) stderr_terminal: bool,
    /// Whether to use colour there.
    pub(crate) stdout_colour: bool,
    pub(crate) stderr_colour: bool,
    /// Whether the program was asked to end.
    pub(crate) stop: Stop,
}

impl Context {
    /// Checks what was given, and listens for signals from now on.
    pub(crate) fn new(global: Global) -> Result<Self, Failure> {
        let stdout_colour = global.color.stdout();
        let stderr_colour = global.color.stderr();
        Ok(Self {
            servers: servers(&global.uri)?,
            config: config(global)?,
            stdout_terminal: std::io::stdout().is_terminal(),
            stderr_terminal: std::io::stderr().is_terminal(),
            stdout_colour,
            stderr_colour,
            stop: Stop::listen()?,
        })
    }

    /// Refuses flags for TLS where no server is to be talked to in that way: somebody relies on it.
    pub(crate) fn check_tls(&self) -> Result<(), Failure> {
        if self.config.tls == TlsConfig::default() || self.servers.iter().any(ServerUri::is_tls) {
            return Ok(());
        }
        let message = format!("there are flags for TLS, and {} is plain", self.uris().join(", "));
        Err(Failure::usage(message).hint("beanstalks://host:port is a server behind TLS"))
    }

    /// The servers as texts, for clients of many.
    pub(crate) fn uris(&self) -> Vec<String> {
        self.servers.iter().map(ToString::to_string).collect()
    }

    /// The one server, where ids are given: they mean something on their own server only.
    pub(crate) fn only_server(&self) -> Result<&ServerUri, Failure> {
        match self.servers.as_slice() {
            [server] => Ok(server),
            servers => {
                let message = format!("ids belong to one server, and {} were given", servers.len());
                Err(Failure::usage(message).hint("name the one server with --uri"))
            }
        }
    }

    /// Whether output has to say which server it is about.
    pub(crate) fn several_servers(&self) -> bool {
        self.servers.len() > 1
    }

    /// How output names a tube.
    pub(crate) fn place(&self, server: &str, tube: &str) -> String {
        match self.several_servers() {
            true => format!("{server} {tube}"),
            false => tube.to_owned(),
        }
    }

    /// That all was done, unless a signal ended it before.
    pub(crate) fn finished(&self) -> Result<(), Failure> {
        match self.stop.is_asked() {
            true => Err(self.stop.failure()),
            false => Ok(()),
        }
    }

    /// Tells something that is no failure of the command.
    pub(crate) fn warn(&self, message: &str) {
        warn(message, self.stderr_colour);
    }

    /// Waits until a client of all servers is connected to one.
    pub(crate) async fn until_ready(
        &self,
        ready: impl Future<Output = Result<(), Error>>,
    ) -> Result<(), Failure> {
        let told = |error| Failure::from(error).about(self.uris().join(", "));
        self.unless_stopped(async { ready.await.map_err(told) }).await
    }

    /// Does work that may be cut off anywhere, until a signal comes.
    pub(crate) async fn unless_stopped<T>(
        &self,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        tokio::select! {
            result = work => result,
            () = self.stop.soon.cancelled() => Err(self.stop.failure()),
        }
    }

    /// Does work that ends cleanly by itself at the first signal, until a second comes.
    pub(crate) async fn unless_forced<T>(
        &self,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        tokio::select! {
            result = work => result,
            () = self.stop.now.cancelled() => Err(self.stop.failure()),
        }
    }
}

fn servers(uris: &[String]) -> Result<Vec<ServerUri>, Failure> {
    let mut servers = Vec::new();
    let parts = uris.iter().flat_map(|uri| uri.split([',', ' ', '\t', '\n']));
    for uri in parts.filter(|uri| !uri.is_empty()) {
        let server = ServerUri::parse(uri).map_err(|error| {
            Failure::usage(error.to_string()).hint(
                "a server is host:port, beanstalk://host:port, beanstalks://host:port or unix://path",
            )
        })?;
        if !servers.contains(&server) {
            servers.push(server);
        }
    }
    if servers.is_empty() {
        servers.push(ServerUri::parse(DEFAULT_URI)?);
    }
    Ok(servers)
}

fn config(global: Global) -> Result<Config, Failure> {
    let mut tls = TlsConfig::default();
    if let Some(path) = &global.tls_ca {
        tls = tls.with_roots(Roots::Pem(read("--tls-ca", path)?));
    }
    tls = match (&global.tls_cert, &global.tls_key) {
        (None, None) => tls,
        (Some(cert), Some(key)) => tls.with_client_certificate(ClientCertificate {
            chain_pem: read("--tls-cert", cert)?,
            key_pem: read("--tls-key", key)?,
        }),
        _ => return Err(Failure::usage("--tls-cert and --tls-key are needed both")),
    };
    if let Some(name) = global.tls_server_name {
        tls = tls.with_server_name(name);
    }
    let config = Config::builder()
        .connect_timeout(global.timeout)
        .command_timeout(global.timeout)
        .put_timeout(global.timeout * 3)
        .tls(tls);
    Ok(config.build()?)
}

fn read(flag: &str, path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path)
        .map_err(|error| Failure::usage(format!("{flag} {}: {error}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(uris: &[&str]) -> Vec<String> {
        let uris: Vec<String> = uris.iter().map(ToString::to_string).collect();
        servers(&uris).unwrap().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn servers_may_be_repeated_or_separated() {
        assert_eq!(list(&[]), [DEFAULT_URI]);
        assert_eq!(list(&["", " , "]), [DEFAULT_URI]);
        let both = ["beanstalk://a:1", "beanstalk://b:11300"];
        assert_eq!(list(&["a:1,b"]), both);
        assert_eq!(list(&["a:1 b", "beanstalk://a:1"]), both);
    }

    #[test]
    fn a_wrong_uri_is_quoted() {
        let error = servers(&["http://x".to_owned()]).unwrap_err();
        assert!(format!("{error:?}").contains("http://x"), "{error:?}");
    }
}
