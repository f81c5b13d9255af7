//! An engine between a caller and a server that both do no more than they must.
//!
//! The server says yes to everything, and its replies lie ready. How many commands it was sent
//! follows from the number of bytes, since those of a phase are of one length: reading them would
//! cost as much as what is to be measured.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a benchmark of a broken engine means nothing"
)]

use std::collections::VecDeque;
use std::time::Duration;

use beanwire_core::config::Config;
use beanwire_core::engine::{
    Engine, Finish, LeaseId, LinkId, NewJob, Output, Request, ReservedJob, Role, Success,
};
use beanwire_core::types::Instant;
use beanwire_core::uri::ServerUri;
use bytes::{Bytes, BytesMut};

/// The bytes of a put of [`job`], of a reserve that does not wait, and of a delete.
const PUT: usize = "put 1024 0 60 100\r\n\r\n".len() + BODY;
const RESERVE: usize = "reserve-with-timeout 0\r\n".len();
const DELETE: usize = "delete 1000000\r\n".len();

/// The bytes of a body.
const BODY: usize = 100;

/// What a job costs at least by the clock of the engine. However many are in flight, each is
/// answered long before it would be asked after.
const STEP: Duration = Duration::from_micros(1);

/// Ids have as many digits as this first one, however many jobs there are.
const FIRST_ID: usize = 1_000_000;

/// An engine whose connections are up.
#[derive(Debug)]
pub struct Rig {
    engine: Engine,
    now: Instant,
    /// Replies to commands that await them, oldest first, per connection.
    owed: VecDeque<(LinkId, usize)>,
    reserved: Vec<Bytes>,
    /// The next of them.
    at: usize,
    /// Jobs that were received, oldest first.
    held: VecDeque<LeaseId>,
    template: NewJob,
    completed: usize,
    out: Vec<Bytes>,
    input: BytesMut,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Put,
    Reserve,
    Delete,
}

/// A job of 100 bytes, for the tube that is in use from the start: a `use` is for once.
#[must_use]
pub fn job() -> NewJob {
    NewJob::new("default", vec![b'x'; BODY]).expect("a valid tube")
}

impl Rig {
    /// A producer with that many connections to each of the servers.
    #[must_use]
    pub fn producer(servers: usize, connections: usize) -> Self {
        Self::new(Role::Producer, servers, connections, 0)
    }

    /// A consumer, which holds no more jobs than `most` at any time.
    #[must_use]
    pub fn consumer(servers: usize, connections: usize, most: usize) -> Self {
        Self::new(Role::Consumer(Vec::new()), servers, connections, most)
    }

    fn new(role: Role, servers: usize, connections: usize, most: usize) -> Self {
        let mut config = Config::default();
        config.multiply = connections;
        config.max_pending_bytes = usize::MAX;
        let uris: Vec<_> = (1..=servers)
            .map(|port| ServerUri::parse(&format!("127.0.0.1:{port}")).expect("a valid URI"))
            .collect();
        let body = "x".repeat(BODY);
        // One that is still held must not come again.
        let ids = FIRST_ID..FIRST_ID + 2 * most;
        let reserved = ids.map(|id| format!("RESERVED {id} {BODY}\r\n{body}\r\n").into()).collect();
        let mut rig = Self {
            engine: Engine::new(role, &uris, config, 7).expect("valid settings"),
            now: Instant::default(),
            owed: VecDeque::new(),
            reserved,
            at: 0,
            held: VecDeque::new(),
            template: job(),
            completed: 0,
            out: Vec::new(),
            input: BytesMut::new(),
        };
        rig.connect();
        rig
    }

    fn connect(&mut self) {
        self.engine.handle_timer(self.now);
        while let Some(output) = self.engine.poll_output() {
            match output {
                Output::Connect { link, .. } => self.engine.handle_connected(self.now, link),
                Output::Transmit(link) => {
                    self.take(link);
                    let stats = "---\nmax-job-size: 65535\nversion: \"1.12\"\n";
                    let reply = format!("OK {}\r\n{stats}\r\n", stats.len());
                    self.input.extend_from_slice(reply.as_bytes());
                    self.engine.handle_data(self.now, link, &mut self.input);
                }
                _ => {}
            }
        }
        assert!(self.engine.is_connected(), "the handshake is done");
    }

    /// Submits that many puts at once, and has them sent as far as the engine sends them.
    pub fn put(&mut self, jobs: usize) {
        for _ in 0..jobs {
            self.now = self.now + STEP;
            let put = Request::Put(self.template.clone());
            self.engine.submit(self.now, put, None);
        }
        self.run(Phase::Put);
    }

    /// Has that many puts answered, in the order in which they were sent.
    pub fn answer_puts(&mut self, jobs: usize) {
        self.answer(jobs, Phase::Put);
    }

    /// Receives that many jobs.
    pub fn receive(&mut self, jobs: usize) {
        let held = self.held.len();
        for _ in 0..jobs {
            self.now = self.now + STEP;
            self.engine.submit(self.now, Request::Receive, None);
        }
        self.exchange(Phase::Reserve);
        assert_eq!(self.held.len(), held + jobs, "every caller has a job");
    }

    /// Deletes that many jobs, of those that are held the oldest.
    pub fn delete(&mut self, jobs: usize) {
        let before = self.completed;
        for _ in 0..jobs {
            let lease = self.held.pop_front().expect("a job is held");
            let delete = Request::Finish { lease, how: Finish::Delete };
            self.engine.submit(self.now, delete, None);
        }
        self.exchange(Phase::Delete);
        assert_eq!(self.completed, before + jobs, "every job is deleted");
    }

    /// Operations that have ended so far.
    #[must_use]
    pub const fn completed(&self) -> usize {
        self.completed
    }

    /// Has everything answered that is sent, and what is sent on that.
    fn exchange(&mut self, phase: Phase) {
        self.run(phase);
        while let Some((_, owed)) = self.owed.front() {
            self.answer(*owed, phase);
        }
    }

    fn answer(&mut self, mut replies: usize, phase: Phase) {
        while replies > 0 {
            let (link, owed) = self.owed.front_mut().expect("commands that await replies");
            let (link, count) = (*link, replies.min(*owed));
            *owed -= count;
            if *owed == 0 {
                self.owed.pop_front();
            }
            replies -= count;
            for _ in 0..count {
                let reply = match phase {
                    Phase::Put => b"INSERTED 1000000\r\n",
                    Phase::Reserve => {
                        self.at = if self.at + 1 < self.reserved.len() { self.at + 1 } else { 0 };
                        self.reserved.get(self.at).map_or(&[][..], |reply| &reply[..])
                    }
                    Phase::Delete => b"DELETED\r\n",
                };
                self.input.extend_from_slice(reply);
            }
            self.engine.handle_data(self.now, link, &mut self.input);
            self.run(phase);
        }
    }

    /// Does what the engine wants done.
    fn run(&mut self, phase: Phase) {
        while self.engine.poll_timeout().is_some_and(|at| at <= self.now) {
            self.engine.handle_timer(self.now);
        }
        while let Some(output) = self.engine.poll_output() {
            match output {
                Output::Transmit(link) => {
                    let bytes = self.take(link);
                    let unit = match phase {
                        Phase::Put => PUT,
                        Phase::Reserve => RESERVE,
                        Phase::Delete => DELETE,
                    };
                    // What is left over is the longer time of a reserve that waits.
                    self.owe(link, bytes / unit);
                }
                Output::Complete(_, Ok(result)) => {
                    self.completed += 1;
                    if let Success::Reserved(ReservedJob { lease, .. }) = result {
                        self.held.push_back(lease);
                    }
                }
                other => panic!("nothing but work was to be done: {other:?}"),
            }
        }
    }

    fn owe(&mut self, link: LinkId, replies: usize) {
        match self.owed.back_mut() {
            Some((last, owed)) if *last == link => *owed += replies,
            _ => self.owed.push_back((link, replies)),
        }
    }

    fn take(&mut self, link: LinkId) -> usize {
        let mut bytes = 0;
        loop {
            self.engine.take(self.now, link, &mut self.out);
            if self.out.is_empty() {
                return bytes;
            }
            bytes += self.out.drain(..).map(|piece| piece.len()).sum::<usize>();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn puts_are_answered_in_any_portion() {
        let mut rig = Rig::producer(2, 3);
        rig.put(5000);
        assert_eq!(rig.completed(), 0);
        rig.answer_puts(1);
        assert_eq!(rig.completed(), 1);
        rig.answer_puts(4999);
        assert_eq!(rig.completed(), 5000);
    }

    #[test]
    fn jobs_are_held_until_they_are_deleted() {
        for (servers, connections) in [(1, 1), (1, 3), (2, 2)] {
            let mut rig = Rig::consumer(servers, connections, 2000);
            rig.receive(2000);
            rig.delete(10);
            rig.receive(10);
            rig.delete(2000);
            assert_eq!(rig.completed(), 4020);
        }
    }
}
