//! Errors of sockets, told as the client in Rust tells them.

use std::io;

use beanwire_core::engine::Server;
use beanwire_core::error::{Error, ErrorKind, Outcome};

/// What a socket of Node.js has failed with: the system's number, below zero, or else its message.
pub(crate) fn failure(number: i32, message: String) -> io::Error {
    // On other systems the numbers are those of libuv alone.
    if cfg!(unix) && number < 0 && number > LIBUV {
        io::Error::from_raw_os_error(number.saturating_neg())
    } else {
        io::Error::other(message)
    }
}

/// From here down errors are libuv's own: those of the name lookup, for example.
const LIBUV: i32 = -3000;

/// An error before the connection was open.
pub(crate) fn refused(server: &Server, error: io::Error) -> Error {
    Error::not_sent(kind_of(&error), format!("{server}: {error}")).with_source(error)
}

/// An error of an open connection.
pub(crate) fn broken(server: &Server, error: io::Error) -> Error {
    let message = format!("{server}: {error}");
    Error::new(kind_of(&error), Outcome::Unknown, message).with_source(error)
}

fn kind_of(error: &io::Error) -> ErrorKind {
    let inner = error.get_ref();
    match inner.and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(_) => ErrorKind::Tls,
        None if error.kind() == io::ErrorKind::PermissionDenied => ErrorKind::AccessDenied,
        None => ErrorKind::Disconnected,
    }
}
