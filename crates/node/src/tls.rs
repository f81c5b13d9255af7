//! TLS between a connection and its bytes.

use std::io::{self, Read as _, Write as _};
use std::sync::OnceLock;

use beanwire_core::error::{Error, ErrorKind};
use beanwire_core::tls::{self, TlsClient};
use beanwire_core::uri::Host;
use bytes::{Buf as _, BytesMut};
use rustls::{ClientConnection, RootCertStore};

/// Most plain bytes that are decrypted in one go.
const CHUNK: usize = 16 * 1024;

/// An encrypted connection.
#[derive(Debug)]
pub(crate) struct Tls {
    session: ClientConnection,
    /// Encrypted bytes that rustls has not read.
    incoming: BytesMut,
    said_goodbye: bool,
    /// Whether the server has said goodbye.
    pub(crate) has_ended: bool,
}

impl Tls {
    pub(crate) fn new(client: &TlsClient, host: &Host) -> Result<Self, Error> {
        let session = ClientConnection::new(client.config(), client.name_of(host)?)
            .map_err(|error| Error::not_sent(ErrorKind::Tls, error.to_string()))?;
        let incoming = BytesMut::new();
        Ok(Self { session, incoming, said_goodbye: false, has_ended: false })
    }

    pub(crate) fn is_handshaking(&self) -> bool {
        self.session.is_handshaking()
    }

    /// Decrypts what came in.
    pub(crate) fn read(&mut self, bytes: &[u8], into: &mut BytesMut) -> io::Result<()> {
        self.incoming.extend_from_slice(bytes);
        let mut plain = [0; CHUNK];
        while !self.incoming.is_empty() && !self.has_ended {
            let mut rest = &self.incoming[..];
            let read = self.session.read_tls(&mut rest)?;
            self.incoming.advance(read);
            self.session
                .process_new_packets()
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
            // An error is that there is nothing more for now.
            while let Ok(length) = self.session.reader().read(&mut plain) {
                into.extend_from_slice(plain.get(..length).unwrap_or_default());
                if length == 0 {
                    // Behind its goodbye a server has nothing to say.
                    self.has_ended = true;
                    break;
                }
            }
        }
        Ok(())
    }

    /// Encrypts some of `bytes`.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> usize {
        // It is written to memory, and refuses nothing.
        self.session.writer().write(bytes).unwrap_or_default()
    }

    pub(crate) fn say_goodbye(&mut self) {
        if !std::mem::replace(&mut self.said_goodbye, true) {
            self.session.send_close_notify();
        }
    }

    /// Moves encrypted bytes to `out` and tells how many.
    pub(crate) fn flush(&mut self, out: &mut [u8]) -> usize {
        let all = out.len();
        let mut left = out;
        while self.session.wants_write() && !left.is_empty() {
            if self.session.write_tls(&mut left).is_err() {
                break;
            }
        }
        all - left.len()
    }

    /// Whether encrypted bytes are left.
    pub(crate) fn has_output(&self) -> bool {
        self.session.wants_write()
    }
}

/// Whom the system trusts. Read once, for that takes long.
pub(crate) fn system_roots() -> Result<RootCertStore, Error> {
    static ROOTS: OnceLock<RootCertStore> = OnceLock::new();
    if let Some(roots) = ROOTS.get() {
        return Ok(roots.clone());
    }
    let roots = tls::system_roots()?;
    Ok(ROOTS.get_or_init(|| roots).clone())
}
