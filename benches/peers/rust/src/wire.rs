//! A blocking connection, and as little work per reply as may be.

use std::io::{Read, Write};
use std::net::TcpStream;

use beanwire_bench_program::{Options, Result};

/// Room for replies. More than the kernel hands out at once gains nothing.
const ROOM: usize = 128 << 10;

/// A connection, and what was read from it and not yet looked at.
pub(crate) struct Wire {
    stream: TcpStream,
    room: Vec<u8>,
    start: usize,
    end: usize,
}

/// A reply, as far as it matters here.
pub(crate) enum Reply {
    Inserted,
    Deleted,
    Reserved { id: u64, size: usize },
}

impl Wire {
    /// A connection that uses and watches the tube and nothing else.
    pub(crate) fn open(options: &Options) -> Result<Self> {
        let stream = TcpStream::connect(&options.uri)?;
        stream.set_nodelay(true)?;
        let room = vec![0; ROOM + options.size];
        let mut wire = Self { stream, room, start: 0, end: 0 };
        let tube = &options.tube;
        wire.tell(&format!("use {tube}\r\n"), &format!("USING {tube}"))?;
        if tube != "default" {
            wire.tell(&format!("watch {tube}\r\n"), "WATCHING 2")?;
            wire.tell("ignore default\r\n", "WATCHING 1")?;
        }
        Ok(wire)
    }

    fn tell(&mut self, command: &str, expected: &str) -> Result<()> {
        self.write(command.as_bytes())?;
        loop {
            if let Some((line, next)) = self.line() {
                let told = line == expected.as_bytes();
                let error = format!("{expected} expected: {}", String::from_utf8_lossy(line));
                self.start = next;
                return if told { Ok(()) } else { Err(error.into()) };
            }
            self.read()?;
        }
    }

    pub(crate) fn write(&mut self, commands: &[u8]) -> Result<()> {
        Ok(self.stream.write_all(commands)?)
    }

    /// Waits until there is more to look at.
    pub(crate) fn read(&mut self) -> Result<()> {
        self.room.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        match self.stream.read(&mut self.room[self.end..])? {
            0 => Err("the server closed the connection".into()),
            count => {
                self.end += count;
                Ok(())
            }
        }
    }

    /// The next reply if all of it is there.
    pub(crate) fn reply(&mut self) -> Result<Option<Reply>> {
        let Some((line, mut next)) = self.line() else { return Ok(None) };
        let reply = if line.starts_with(b"INSERTED ") {
            Reply::Inserted
        } else if line == b"DELETED" {
            Reply::Deleted
        } else if let Some(numbers) = line.strip_prefix(b"RESERVED ") {
            let (id, rest) = number(numbers);
            let (size, _) = number(rest.get(1..).unwrap_or_default());
            let size = usize::try_from(size)?;
            next += size + 2;
            Reply::Reserved { id, size }
        } else {
            return Err(String::from_utf8_lossy(line).into());
        };
        if next > self.end {
            return Ok(None);
        }
        self.start = next;
        Ok(Some(reply))
    }

    /// The next reply.
    pub(crate) fn wait(&mut self) -> Result<Reply> {
        loop {
            if let Some(reply) = self.reply()? {
                return Ok(reply);
            }
            self.read()?;
        }
    }

    /// A line without its end, and where the next one starts.
    fn line(&self) -> Option<(&[u8], usize)> {
        let there = &self.room[self.start..self.end];
        let end = memchr::memchr(b'\n', there)?;
        Some((there[..end].strip_suffix(b"\r")?, self.start + end + 1))
    }
}

/// The number at the start, and what stands behind it.
fn number(text: &[u8]) -> (u64, &[u8]) {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (number, rest) = text.split_at(digits);
    (number.iter().fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0')), rest)
}
