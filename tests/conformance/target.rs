//! The two servers, and a client that tells on failure what was said on its connection.

use std::thread;

use beanwire_server::Server;
use beanwire_tests::{Beanstalkd, Embedded, RawClient, wait_until};

/// A server of its own, on a free port, that ends when dropped. Its first job gets the id 1.
pub(crate) enum Target {
    Beanstalkd(Beanstalkd),
    Embedded(Embedded),
}

impl Target {
    pub(crate) fn beanstalkd() -> Self {
        Self::Beanstalkd(Beanstalkd::start())
    }

    pub(crate) fn embedded() -> Self {
        Self::Embedded(Embedded::start())
    }

    /// Another server of the same kind, with this limit for bodies.
    pub(crate) fn with_max_job_size(&self, bytes: u32) -> Self {
        match self {
            Self::Beanstalkd(_) => {
                Self::Beanstalkd(Beanstalkd::builder().max_job_size(bytes.into()).start())
            }
            Self::Embedded(_) => {
                let builder = Server::builder().max_job_size(bytes.try_into().unwrap());
                Self::Embedded(Embedded::with(builder.unwrap()))
            }
        }
    }

    pub(crate) fn connect(&self) -> Client {
        let raw = match self {
            Self::Beanstalkd(server) => server.raw(),
            Self::Embedded(server) => server.raw(),
        };
        Client { raw, said: Vec::new() }
    }

    /// All answers to these bytes, up to the end of the connection.
    pub(crate) fn answers(&self, bytes: impl AsRef<[u8]>) -> String {
        let mut client = self.connect();
        client.send(bytes);
        client.half_close();
        client.rest()
    }

    pub(crate) fn drain(&self) {
        match self {
            Self::Beanstalkd(server) => server.drain(),
            Self::Embedded(server) => server.drain(),
        }
    }

    /// Waits until so many connections wait for a job.
    pub(crate) fn until_waiting(&self, count: usize) {
        self.until("stats", &format!("current-waiting: {count}"));
    }

    /// Waits until this line is in the answer to a command.
    pub(crate) fn until(&self, command: &str, line: &str) {
        self.connect().until(command, line);
    }
}

/// One connection.
pub(crate) struct Client {
    raw: RawClient,
    /// What was sent and received, for the report of a failure.
    said: Vec<String>,
}

impl Client {
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let bytes = bytes.as_ref();
        self.said.push(format!("sent     {}", shorten(&String::from_utf8_lossy(bytes))));
        self.raw.send(bytes);
    }

    /// The next reply, with its body if it has one: `FOUND 1 2\r\nab`.
    pub(crate) fn reply(&mut self) -> String {
        let reply = self.raw.reply();
        self.said.push(format!("received {}", shorten(&reply)));
        reply
    }

    /// Sends a command, with its body if it has one, and returns the reply.
    pub(crate) fn ask(&mut self, command: &str) -> String {
        self.send(format!("{command}\r\n"));
        self.reply()
    }

    #[track_caller]
    pub(crate) fn expect(&mut self, reply: &str) {
        assert_eq!(self.reply(), reply);
    }

    #[track_caller]
    pub(crate) fn expect_all<'a>(&mut self, replies: impl IntoIterator<Item = &'a str>) {
        for reply in replies {
            self.expect(reply);
        }
    }

    /// Sends a command and checks the reply.
    #[track_caller]
    pub(crate) fn check(&mut self, command: &str, reply: &str) {
        let answer = self.ask(command);
        assert_eq!(answer, reply, "the answer to {:?}", shorten(command));
    }

    /// Sends each command when the reply to the one before has come.
    #[track_caller]
    pub(crate) fn talk(&mut self, talk: &[(&str, &str)]) {
        for (command, reply) in talk {
            self.check(command, reply);
        }
    }

    /// The connection is in step: the next reply is the one to this command.
    #[track_caller]
    pub(crate) fn check_step(&mut self) {
        self.check("use in-step", "USING in-step");
        self.check("use default", "USING default");
    }

    /// Puts a job, given priority, delay and TTR, and returns its id.
    #[track_caller]
    pub(crate) fn put(&mut self, numbers: &str, body: &str) -> u64 {
        let reply = self.ask(&format!("put {numbers} {}\r\n{body}", body.len()));
        let id = reply.strip_prefix("INSERTED ").expect(&reply);
        id.parse().expect(&reply)
    }

    /// These lines are in the body of the answer to a command for statistics.
    #[track_caller]
    pub(crate) fn shows(&mut self, command: &str, lines: &[&str]) {
        let answer = self.ask(command);
        for line in lines {
            assert!(
                answer.lines().any(|known| known == *line),
                "no line {line:?} in the answer to {command:?}: {answer}"
            );
        }
    }

    /// Waits until this line is in the answer to a command on this connection.
    pub(crate) fn until(&mut self, command: &str, line: &str) {
        self.said.push(format!("asks {command:?} until {line:?}"));
        let mut last = String::new();
        wait_until(&format!("{command}: {line}"), || {
            last = self.raw.ask(command);
            last.lines().any(|known| known == line)
        });
        self.said.push(format!("received {}", shorten(&last)));
    }

    /// Waits until a job that this connection holds has expired.
    ///
    /// `beanstalkd` may miss that moment, by chance, and then sees it with the next command of the
    /// holder: so it is the holder that asks.
    pub(crate) fn until_expired(&mut self, id: u64) {
        self.until(&format!("stats-job {id}"), "timeouts: 1");
    }

    /// What stands behind a key in the answer to a command for statistics.
    #[track_caller]
    pub(crate) fn value(&mut self, command: &str, key: &str) -> String {
        let answer = self.ask(command);
        let mut pairs = answer.lines().filter_map(|line| line.split_once(": "));
        let value = pairs.find(|(known, _)| *known == key).map(|(_, value)| value.to_owned());
        value.unwrap_or_else(|| panic!("no {key} in the answer to {command:?}: {answer}"))
    }

    /// Ends the sending direction; answers still come.
    pub(crate) fn half_close(&mut self) {
        self.said.push("half-closed".into());
        self.raw.half_close();
    }

    /// All that comes until the server closes the connection.
    pub(crate) fn rest(&mut self) -> String {
        let rest = self.raw.rest();
        self.said.push(format!("received {} and the end", shorten(&rest)));
        rest
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("one connection:\n  {}", self.said.join("\n  "));
        }
    }
}

/// A text without what would fill the screen.
pub(crate) fn shorten(text: &str) -> String {
    const MOST: usize = 300;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{:?} and {} bytes more", &text[..end], text.len() - end),
        None => format!("{text:?}"),
    }
}
