//! Accepting connections.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
#[cfg(unix)]
use tokio::net::UnixListener;
use tokio_util::task::TaskTracker;

use crate::hub::Hub;
use crate::serve::serve;

/// How long to wait when the system has no more file descriptors.
const RESPITE: Duration = Duration::from_millis(50);

/// Where a server listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

#[derive(Debug)]
pub(crate) enum Listener {
    Tcp(TcpListener),
    #[cfg(unix)]
    Unix(UnixListener, OwnedPath),
}

/// What the connections are wrapped in.
#[derive(Clone)]
pub(crate) enum Wrapping {
    Plain,
    #[cfg(feature = "tls")]
    Tls(tokio_rustls::TlsAcceptor),
}

/// A socket's file, removed together with its listener.
#[derive(Debug)]
pub(crate) struct OwnedPath(PathBuf);

impl Drop for OwnedPath {
    fn drop(&mut self) {
        // Somebody may have removed it already.
        let _ = std::fs::remove_file(&self.0);
    }
}

impl Listener {
    pub(crate) async fn bind(place: &Place) -> io::Result<Self> {
        match place {
            Place::Tcp(addr) => TcpListener::bind(addr).await.map(Self::Tcp),
            Place::Unix(path) => Self::bind_unix(path).await,
        }
        .map_err(|error| {
            let place = match place {
                Place::Tcp(addr) => addr.to_string(),
                Place::Unix(path) => path.display().to_string(),
            };
            io::Error::new(error.kind(), format!("cannot listen on {place}: {error}"))
        })
    }

    #[cfg(unix)]
    async fn bind_unix(path: &Path) -> io::Result<Self> {
        let bound = match UnixListener::bind(path) {
            // A file that nobody listens on was left behind by a server that was killed.
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && is_abandoned(path).await => {
                std::fs::remove_file(path)?;
                UnixListener::bind(path)
            }
            bound => bound,
        };
        bound.map(|listener| Self::Unix(listener, OwnedPath(path.to_owned())))
    }

    #[cfg(not(unix))]
    async fn bind_unix(_: &Path) -> io::Result<Self> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "this system has no unix sockets"))
    }

    pub(crate) fn place(&self) -> io::Result<Place> {
        match self {
            Self::Tcp(listener) => listener.local_addr().map(Place::Tcp),
            #[cfg(unix)]
            Self::Unix(_, path) => Ok(Place::Unix(path.0.clone())),
        }
    }

    /// Accepts connections until the server stops, each in a task of its own.
    pub(crate) async fn accept_all(self, hub: Arc<Hub>, wrapping: Wrapping, tasks: TaskTracker) {
        loop {
            let accepted = tokio::select! {
                accepted = self.accept_one(&hub, &wrapping, &tasks) => accepted,
                () = hub.stop.cancelled() => return,
            };
            if accepted.is_err() {
                tokio::time::sleep(RESPITE).await;
            }
        }
    }

    async fn accept_one(
        &self,
        hub: &Arc<Hub>,
        wrapping: &Wrapping,
        tasks: &TaskTracker,
    ) -> io::Result<()> {
        let hub = Arc::clone(hub);
        match self {
            Self::Tcp(listener) => {
                let (stream, _) = listener.accept().await?;
                stream.set_nodelay(true)?;
                match wrapping.clone() {
                    Wrapping::Plain => drop(tasks.spawn(serve(hub, stream))),
                    #[cfg(feature = "tls")]
                    Wrapping::Tls(acceptor) => {
                        drop(tasks.spawn(crate::tls::serve(hub, acceptor, stream)));
                    }
                }
            }
            #[cfg(unix)]
            Self::Unix(listener, _) => {
                let (stream, _) = listener.accept().await?;
                tasks.spawn(serve(hub, stream));
            }
        }
        Ok(())
    }
}

#[cfg(unix)]
async fn is_abandoned(path: &Path) -> bool {
    use std::os::unix::fs::FileTypeExt;
    let is_socket = std::fs::metadata(path).is_ok_and(|file| file.file_type().is_socket());
    is_socket
        && tokio::net::UnixStream::connect(path)
            .await
            .is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
}
