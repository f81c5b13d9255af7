//! What the sockets of Node.js fail with.

use std::io;

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
