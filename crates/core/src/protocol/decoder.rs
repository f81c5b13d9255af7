//! Replies from bytes, however the network splits them.

use std::fmt;

use bytes::{Buf, Bytes, BytesMut};

use super::{MAX_LINE, Reply};
use crate::error::quote;
use crate::types::{JobId, TubeName};

/// Bodies up to this size are copied out of the read buffer, so that a small job kept for long
/// does not keep a whole buffer alive.
const COPIED_BODY: usize = 1024;

/// Longest text of statistics or names that is taken, in bytes: some 300,000 of the longest names.
const MAX_TEXT: usize = 64 << 20;

const CRLF: &[u8] = b"\r\n";

/// Cuts replies out of a read buffer.
///
/// It never asks for memory: the buffer grows only by what really arrives, and a length above the
/// limit is refused before any of the body is awaited.
#[derive(Debug)]
pub struct Decoder {
    max_body: usize,
    /// A reply whose line has been read and whose body has not.
    head: Option<(Head, usize)>,
}

#[derive(Debug, Clone, Copy)]
enum Head {
    Reserved(JobId),
    Found(JobId),
    Ok,
}

/// Bytes that no server of this protocol sends. The connection cannot be used any further.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecodeError {
    /// No line end within [`MAX_LINE`] bytes.
    LineTooLong,
    /// The line is none of the replies; a part of it is quoted.
    Malformed(String),
    /// A body longer than the limit was announced.
    BodyTooLarge {
        /// The announced length in bytes.
        length: u64,
        /// The limit in bytes.
        limit: usize,
    },
    /// The body does not end where its length says.
    UnterminatedBody,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LineTooLong => write!(f, "a reply line exceeds {MAX_LINE} bytes"),
            Self::Malformed(line) => write!(f, "not a reply: {line}"),
            Self::BodyTooLarge { length, limit } => {
                write!(f, "a body of {length} bytes exceeds the limit of {limit} bytes")
            }
            Self::UnterminatedBody => f.write_str("a body does not end where its length says"),
        }
    }
}

impl std::error::Error for DecodeError {}

impl Decoder {
    /// A decoder that refuses jobs above `max_body` bytes.
    #[must_use]
    pub const fn new(max_body: usize) -> Self {
        Self { max_body, head: None }
    }

    /// Takes the next whole reply off the front of `buffer`, or leaves what is incomplete there.
    ///
    /// # Errors
    /// [`DecodeError`]; after one the connection must be closed.
    pub fn decode(&mut self, buffer: &mut BytesMut) -> Result<Option<Reply>, DecodeError> {
        let (head, length) = match self.head {
            Some(head) => head,
            None => {
                let Some((line, size)) = first_line(buffer)? else { return Ok(None) };
                let head = match line {
                    Line::Reply(reply) => {
                        buffer.advance(size);
                        return Ok(Some(reply));
                    }
                    Line::Head(head, length) => (head, self.bounded(head, length)?),
                };
                buffer.advance(size);
                head
            }
        };
        self.head = Some((head, length));
        // A wrong terminator is an error as soon as it is visible, not only when it is whole.
        let end = buffer.get(length..).unwrap_or_default();
        let seen = end.len().min(CRLF.len());
        if end.get(..seen) != CRLF.get(..seen) {
            return Err(DecodeError::UnterminatedBody);
        }
        if seen < CRLF.len() {
            return Ok(None);
        }
        self.head = None;
        let body = if length <= COPIED_BODY {
            let body = Bytes::copy_from_slice(buffer.get(..length).unwrap_or_default());
            buffer.advance(length);
            body
        } else {
            buffer.split_to(length).freeze()
        };
        buffer.advance(CRLF.len());
        Ok(Some(match head {
            Head::Reserved(id) => Reply::Reserved(id, body),
            Head::Found(id) => Reply::Found(id, body),
            Head::Ok => Reply::Ok(body),
        }))
    }

    fn bounded(&self, head: Head, length: u64) -> Result<usize, DecodeError> {
        let limit = match head {
            Head::Ok => MAX_TEXT,
            Head::Reserved(_) | Head::Found(_) => self.max_body,
        };
        match usize::try_from(length) {
            Ok(length) if length <= limit => Ok(length),
            _ => Err(DecodeError::BodyTooLarge { length, limit }),
        }
    }
}

/// Reads the line at the front of `buffer` and tells its size on the wire. Only CRLF ends a line,
/// so a line cut short is never one.
fn first_line(buffer: &[u8]) -> Result<Option<(Line, usize)>, DecodeError> {
    let window = buffer.get(..MAX_LINE).unwrap_or(buffer);
    let Some(end) = window.iter().position(|&byte| byte == b'\n') else {
        return if window.len() < MAX_LINE { Ok(None) } else { Err(DecodeError::LineTooLong) };
    };
    let line = window.get(..=end).unwrap_or_default();
    let parsed = line
        .strip_suffix(CRLF)
        .and_then(Line::parse)
        .ok_or_else(|| DecodeError::Malformed(quote(&String::from_utf8_lossy(line))))?;
    Ok(Some((parsed, line.len())))
}

/// What one line says: all of a reply, or the announcement of a body of so many bytes.
enum Line {
    Reply(Reply),
    Head(Head, u64),
}

impl Line {
    /// Reads a line without its CRLF. A job id, count or length is any `u64`.
    fn parse(text: &[u8]) -> Option<Self> {
        let Some((word, rest)) = split(text) else {
            return bare(text).map(Self::Reply);
        };
        Some(match word {
            b"RESERVED" => {
                let (id, length) = split(rest)?;
                Self::Head(Head::Reserved(JobId(integer(id)?)), integer(length)?)
            }
            b"FOUND" => {
                let (id, length) = split(rest)?;
                Self::Head(Head::Found(JobId(integer(id)?)), integer(length)?)
            }
            b"OK" => Self::Head(Head::Ok, integer(rest)?),
            b"INSERTED" => Self::Reply(Reply::Inserted(JobId(integer(rest)?))),
            b"BURIED" => Self::Reply(Reply::InsertedBuried(JobId(integer(rest)?))),
            b"USING" => Self::Reply(Reply::Using(TubeName::new(str::from_utf8(rest).ok()?).ok()?)),
            b"WATCHING" => Self::Reply(Reply::Watching(integer(rest)?)),
            b"KICKED" => Self::Reply(Reply::KickedCount(integer(rest)?)),
            _ => return None,
        })
    }
}

/// A reply that is one word.
fn bare(word: &[u8]) -> Option<Reply> {
    Some(match word {
        b"BURIED" => Reply::Buried,
        b"DELETED" => Reply::Deleted,
        b"RELEASED" => Reply::Released,
        b"TOUCHED" => Reply::Touched,
        b"KICKED" => Reply::Kicked,
        b"PAUSED" => Reply::Paused,
        b"TIMED_OUT" => Reply::TimedOut,
        b"DEADLINE_SOON" => Reply::DeadlineSoon,
        b"NOT_FOUND" => Reply::NotFound,
        b"NOT_IGNORED" => Reply::NotIgnored,
        b"JOB_TOO_BIG" => Reply::JobTooBig,
        b"DRAINING" => Reply::Draining,
        b"OUT_OF_MEMORY" => Reply::OutOfMemory,
        b"INTERNAL_ERROR" => Reply::InternalError,
        b"BAD_FORMAT" => Reply::BadFormat,
        b"UNKNOWN_COMMAND" => Reply::UnknownCommand,
        b"EXPECTED_CRLF" => Reply::ExpectedCrlf,
        _ => return None,
    })
}

/// What stands in front of the first space, and what behind it.
fn split(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = text.iter().position(|&byte| byte == b' ')?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

/// Digits, and nothing else: `u64::from_str` would take a leading plus.
fn integer(digits: &[u8]) -> Option<u64> {
    let digit = |byte: u8| byte.is_ascii_digit().then(|| u64::from(byte - b'0'));
    let add = |sum: u64, &byte: &u8| sum.checked_mul(10)?.checked_add(digit(byte)?);
    digits.iter().try_fold(0, add).filter(|_| !digits.is_empty())
}

#[cfg(test)]
mod tests;
