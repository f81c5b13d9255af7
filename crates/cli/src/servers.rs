//! The same work on each of several servers, one of which may be down.

use beanwire::{Connection, ServerUri};
use futures_util::future::join_all;

use crate::context::Context;
use crate::failure::{Code, Failure};

/// What came of the work on each server.
#[derive(Debug)]
pub(crate) struct Gathered<T> {
    /// The servers where it was done, with the results.
    pub(crate) results: Vec<(ServerUri, T)>,
    failures: Vec<Failure>,
}

impl<T> Gathered<T> {
    /// Whether all went well, once the results are shown: the failures are told then.
    pub(crate) fn verdict(&self, context: &Context) -> Result<(), Failure> {
        match self.failures.as_slice() {
            [] => Ok(()),
            [only] if self.results.is_empty() => Err(only.clone()),
            failures => {
                failures.iter().for_each(|failure| failure.tell(context.stderr_colour));
                let worst = failures.iter().map(Failure::code).max().unwrap_or(Code::Unreachable);
                // One that was ended by a signal is that and nothing else.
                let partial = !self.results.is_empty() && !matches!(worst, Code::Interrupted(_));
                Err(Failure::told(if partial { Code::Partial } else { worst }))
            }
        }
    }
}

impl Context {
    /// Opens a connection.
    pub(crate) async fn connect(&self, server: &ServerUri) -> Result<Connection, Failure> {
        let opened = Connection::open(server.to_string(), self.config.clone()).await;
        opened.map_err(|error| Failure::from(error).about(server))
    }

    /// Does the work on one server after the other; they are all connected to at once, before.
    /// Output that nobody reads any more ends it.
    pub(crate) async fn on_each<T>(
        &self,
        mut work: impl AsyncFnMut(&Connection) -> Result<T, Failure>,
    ) -> Result<Gathered<T>, Failure> {
        let connections = join_all(self.servers.iter().map(|server| self.connect(server))).await;
        let mut gathered = Gathered { results: Vec::new(), failures: Vec::new() };
        for (server, connection) in self.servers.iter().zip(connections) {
            let result = match connection {
                Ok(connection) => work(&connection).await,
                Err(failure) => Err(failure),
            };
            match result {
                Ok(result) => gathered.results.push((server.clone(), result)),
                Err(failure) if failure.code() == Code::Quiet => return Err(failure),
                Err(failure) => gathered.failures.push(failure),
            }
        }
        Ok(gathered)
    }
}
