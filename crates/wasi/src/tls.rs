//! TLS between a connection and its bytes.

use std::io::{Read as _, Write as _};

use beanwire_core::error::{Error, ErrorKind};
use beanwire_core::tls::TlsClient;
use beanwire_core::uri::Host;
use bytes::{Buf, BytesMut};
use rustls::{ClientConnection, RootCertStore};

use crate::stream::{Fault, Read, Stream};

/// Most plain bytes that are encrypted at once.
const CHUNK: usize = 16 * 1024;

/// An encrypted connection. It is open once both sides have agreed.
#[derive(Debug)]
pub(crate) struct TlsStream {
    stream: Stream,
    tls: ClientConnection,
    /// Encrypted bytes that rustls has not read.
    incoming: BytesMut,
    /// Encrypted bytes that the host has not taken.
    outgoing: BytesMut,
    /// Whether the owner knows that it is open.
    opened: bool,
    said_goodbye: bool,
    /// Whether the server has said goodbye.
    ended: bool,
}

/// Whom a client trusts that was told nothing: a sandbox has no certificates of a system.
pub(crate) fn built_in_roots() -> Result<RootCertStore, Error> {
    Ok(RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() })
}

impl TlsStream {
    /// Starts the handshake.
    pub(crate) fn new(stream: Stream, settings: &TlsClient, host: &Host) -> Result<Self, Fault> {
        let name = settings.name_of(host).map_err(|e| Fault::new(e.kind(), e.to_string()))?;
        let tls = ClientConnection::new(settings.config(), name).map_err(refused)?;
        let (incoming, outgoing) = (BytesMut::new(), BytesMut::new());
        let (opened, said_goodbye, ended) = (false, false, false);
        let mut this = Self { stream, tls, incoming, outgoing, opened, said_goodbye, ended };
        this.send()?;
        Ok(this)
    }

    pub(crate) const fn stream(&self) -> &Stream {
        &self.stream
    }

    /// Whether the handshake is over; true only once.
    pub(crate) fn has_just_opened(&mut self) -> bool {
        let open = !self.tls.is_handshaking();
        open && !std::mem::replace(&mut self.opened, open)
    }

    /// Whether the server has said goodbye.
    pub(crate) const fn has_ended(&self) -> bool {
        self.ended
    }

    /// Whether the host has to take some of the output before more can follow.
    pub(crate) fn is_clogged(&self) -> bool {
        !self.outgoing.is_empty()
    }

    pub(crate) fn read(&mut self, into: &mut BytesMut) -> Result<Read, Fault> {
        let before = into.len();
        let end = loop {
            match self.stream.read(&mut self.incoming)? {
                Read::Some => self.decrypt(into)?,
                Read::Nothing => break Read::Nothing,
                Read::End => break Read::End,
            }
        };
        // What the handshake has to answer.
        self.send()?;
        if into.len() > before {
            return Ok(Read::Some);
        }
        if end == Read::End && self.tls.is_handshaking() {
            let message = "the server hung up during the TLS handshake";
            return Err(Fault::new(ErrorKind::Disconnected, message));
        }
        Ok(if self.ended { Read::End } else { end })
    }

    fn decrypt(&mut self, into: &mut BytesMut) -> Result<(), Fault> {
        while !self.incoming.is_empty() {
            let mut rest = &self.incoming[..];
            let read = self.tls.read_tls(&mut rest).map_err(refused)?;
            self.incoming.advance(read);
            if let Err(error) = self.tls.process_new_packets() {
                // The server is told why, as far as that is possible.
                let _ = self.send();
                return Err(refused(error));
            }
            let mut plain = [0; CHUNK];
            // An error is that there is nothing more for now.
            while let Ok(length) = self.tls.reader().read(&mut plain) {
                into.extend_from_slice(plain.get(..length).unwrap_or_default());
                if length == 0 {
                    // Behind its goodbye a server has nothing to say.
                    self.ended = true;
                    self.incoming.clear();
                    break;
                }
            }
        }
        Ok(())
    }

    /// Takes some of `bytes` unless earlier ones have not left.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<usize, Fault> {
        if !self.send()? {
            return Ok(0);
        }
        let chunk = bytes.get(..CHUNK).unwrap_or(bytes);
        let taken = self.tls.writer().write(chunk).map_err(refused)?;
        self.send()?;
        Ok(taken)
    }

    /// Sends what is encrypted, and ends the sending direction behind it if so asked. Says whether
    /// all has left.
    pub(crate) fn flush(&mut self, ending: bool) -> Result<bool, Fault> {
        if ending && !std::mem::replace(&mut self.said_goodbye, true) {
            self.tls.send_close_notify();
        }
        let all_left = self.send()?;
        if all_left && ending {
            self.stream.end_output();
        }
        Ok(all_left)
    }

    fn send(&mut self) -> Result<bool, Fault> {
        while self.tls.wants_write() {
            let mut encrypted = Vec::new();
            self.tls.write_tls(&mut encrypted).map_err(refused)?;
            self.outgoing.extend_from_slice(&encrypted);
        }
        while !self.outgoing.is_empty() {
            match self.stream.write(&self.outgoing)? {
                0 => return Ok(false),
                written => self.outgoing.advance(written),
            }
        }
        Ok(true)
    }
}

fn refused(error: impl std::fmt::Display) -> Fault {
    Fault::new(ErrorKind::Tls, error.to_string())
}
