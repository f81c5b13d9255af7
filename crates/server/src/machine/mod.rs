//! The server without sockets: bytes and time in, bytes out.
//!
//! # How to drive it
//!
//! A driver owns the sockets and the clock. Whatever happens, it tells the machine:
//!
//! - a client connected: [`Machine::connect`];
//! - bytes came in: [`Machine::receive`], and only while [`Machine::wants_input`] says so: a client
//!   that does not read its replies is not read either;
//! - the client ended its sending direction: [`Machine::end_input`], behind its last bytes;
//! - the connection is gone: [`Machine::disconnect`];
//! - the time of [`Machine::next_tick`] has come: [`Machine::tick`].
//!
//! After every such call it does what [`Machine::poll_output`] says until that gives nothing: on
//! [`Output::Transmit`] it calls [`Machine::take`] and writes what it gets; on [`Output::Close`] it
//! takes and writes what is left and closes the connection. It then asks for
//! [`Machine::next_tick`] again. The same inputs give the same outputs.
//!
//! `now` never goes back: an earlier time counts as the latest one told.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::fmt;

use beanwire_core::protocol::MAX_BODY;
use beanwire_core::types::{Instant, JobId, TubeName};
use bytes::Bytes;

mod client;
mod execute;
mod jobs;
mod parse;
mod report;
mod tube;
mod waiting;

use client::Client;
use jobs::Job;
use report::Counters;
use tube::Tube;

/// The `max-job-size` of a server that was not told another, in bytes.
pub const DEFAULT_MAX_JOB_SIZE: usize = 65_535;

/// One connection of a client. Never used twice by a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId(u64);

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A tube, for as long as it exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct TubeId(u64);

/// What the server says about itself in its statistics, and its one limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Largest body it takes, in bytes, at most 1 GiB. Default 65,535.
    pub max_job_size: usize,
    /// `pid`.
    pub pid: u32,
    /// `id`: a random text in beanstalkd.
    pub id: String,
    /// `hostname`.
    pub hostname: String,
}

impl Default for Settings {
    fn default() -> Self {
        let hostname = "localhost".to_owned();
        Self { max_job_size: DEFAULT_MAX_JOB_SIZE, pid: 0, id: "0".repeat(16), hostname }
    }
}

/// What the server has no memory for, as a fault to test clients with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Shortage {
    /// There is enough of it.
    #[default]
    None,
    /// No new job: a put answers `OUT_OF_MEMORY`.
    Jobs,
    /// No place in a queue: a put answers `BURIED id`, and a release `BURIED`.
    Queues,
}

/// What the driver has to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// There are bytes for this client: see [`Machine::take`].
    Transmit(ClientId),
    /// Write what is left for this client and close its connection.
    Close(ClientId),
}

/// Something that happens at a set time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Alarm {
    /// A delayed job is due, or a reservation ends.
    Job(JobId),
    /// A pause ends.
    Tube(TubeId),
    /// A wait ends.
    Client(ClientId),
}

/// One server; see the module's page for how to drive it.
#[derive(Debug)]
pub struct Machine {
    settings: Settings,
    now: Instant,
    started_at: Instant,
    draining: bool,
    shortage: Shortage,
    clients: BTreeMap<ClientId, Client>,
    // In the order in which they came to be.
    tubes: BTreeMap<TubeId, Tube>,
    tube_ids: HashMap<TubeName, TubeId>,
    // Boxed, for a map of a million grows by doubling. Nothing depends on its order.
    jobs: HashMap<JobId, Box<Job>>,
    alarms: BTreeSet<(Instant, Alarm)>,
    /// Clients whose input may be worked on.
    runnable: VecDeque<ClientId>,
    outputs: VecDeque<Output>,
    counters: Counters,
    next_client: u64,
    next_tube: u64,
    next_job: u64,
    /// Places in the queues of buried jobs, and of reservations.
    next_place: u64,
}

impl Machine {
    /// A server without a job or a client.
    #[must_use]
    pub fn new(now: Instant, settings: Settings) -> Self {
        let max_job_size = settings.max_job_size.min(MAX_BODY);
        let mut machine = Self {
            settings: Settings { max_job_size, ..settings },
            now,
            started_at: now,
            draining: false,
            shortage: Shortage::None,
            clients: BTreeMap::new(),
            tubes: BTreeMap::new(),
            tube_ids: HashMap::new(),
            jobs: HashMap::new(),
            alarms: BTreeSet::new(),
            runnable: VecDeque::new(),
            outputs: VecDeque::new(),
            counters: Counters::default(),
            next_client: 1,
            next_tube: 0,
            next_job: 1,
            next_place: 0,
        };
        // The first tube gets the first id.
        machine.find_or_make_tube(&TubeName::default_tube());
        machine
    }

    /// A client connected.
    pub fn connect(&mut self, now: Instant) -> ClientId {
        self.pass_time(now);
        let id = ClientId(self.next_client);
        self.next_client += 1;
        self.clients.insert(id, Client::new());
        let tube = self.tube_mut(Self::DEFAULT_TUBE);
        tube.using += 1;
        tube.watching += 1;
        self.counters.connections += 1;
        id
    }

    /// Bytes came in from a client. One that is gone is ignored.
    pub fn receive(&mut self, now: Instant, client: ClientId, bytes: &[u8]) {
        self.pass_time(now);
        if let Some(state) = self.clients.get_mut(&client) {
            state.input.extend_from_slice(bytes);
            self.runnable.push_back(client);
            self.run();
        }
    }

    /// Whether more bytes of this client can be worked on.
    #[must_use]
    pub fn wants_input(&self, client: ClientId) -> bool {
        self.clients.get(&client).is_some_and(Client::wants_input)
    }

    /// No more bytes will come from a client. A wait for a job ends; what came before is worked on;
    /// then the connection is closed.
    pub fn end_input(&mut self, now: Instant, client: ClientId) {
        self.pass_time(now);
        self.end_client_input(client);
        self.run();
    }

    /// The connection of a client is gone. Its jobs are ready again.
    pub fn disconnect(&mut self, now: Instant, client: ClientId) {
        self.pass_time(now);
        self.remove_client(client);
        self.run();
    }

    /// Appends the bytes that are to be written to a client to `out`, and goes on with its input if
    /// it was held up by them.
    pub fn take(&mut self, now: Instant, client: ClientId, out: &mut Vec<Bytes>) {
        self.pass_time(now);
        if let Some(state) = self.clients.get_mut(&client) {
            state.output.take(out);
            self.runnable.push_back(client);
            self.run();
        }
    }

    /// Does all that is due by `now`, each at its own time and in its order.
    pub fn tick(&mut self, now: Instant) {
        self.pass_time(now);
    }

    /// When to call [`tick`](Self::tick), unless something else happens before.
    #[must_use]
    pub fn next_tick(&self) -> Option<Instant> {
        self.alarms.first().map(|(at, _)| *at)
    }

    /// What to do next.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Takes no more jobs, for good: every put answers `DRAINING`.
    pub fn drain(&mut self) {
        self.draining = true;
    }

    /// Sets what there is no memory for.
    pub fn set_shortage(&mut self, shortage: Shortage) {
        self.shortage = shortage;
    }

    fn pass_time(&mut self, now: Instant) {
        while let Some(&(at, alarm)) = self.alarms.first().filter(|(at, _)| *at <= now) {
            self.alarms.remove(&(at, alarm));
            self.now = self.now.max(at);
            match alarm {
                Alarm::Job(id) => self.job_is_due(id),
                Alarm::Tube(id) => self.end_pause(id),
                Alarm::Client(id) => self.end_wait(id),
            }
            // What stood behind a wait belongs to the time of its end.
            self.run();
        }
        self.now = self.now.max(now);
    }

    fn run(&mut self) {
        while let Some(client) = self.runnable.pop_front() {
            self.run_client(client);
        }
    }
}

#[cfg(test)]
mod tests;
