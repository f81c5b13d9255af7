//! A driver and a hand-played server for one engine.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::BytesMut;

use crate::config::Config;
use crate::engine::{
    CloseReport, Engine, Event, Finish, LeaseId, LinkId, NewJob, OpId, Output, Request,
    ReservedJob, Role, Server, Success,
};
use crate::error::{Error, ErrorKind, Outcome};
use crate::protocol::Command;
use crate::types::{Instant, Seconds, TubeName};
use crate::uri::ServerUri;

/// Longer than anything that a test waits for.
pub(super) const LONG_AGO: Duration = Duration::from_hours(10);

/// More alarms at one instant than any test has reason for.
const SPIN: usize = 50;

pub(super) const fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

pub(super) const fn secs(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// The reply to `stats-job` for a job that is reserved.
pub(super) fn job_stats(id: u64, ttr: u64, left: i64, releases: u64) -> String {
    job_stats_in("reserved", id, ttr, left, releases)
}

pub(super) fn job_stats_in(state: &str, id: u64, ttr: u64, left: i64, releases: u64) -> String {
    let text = format!(
        "---\nid: {id}\ntube: jobs\nstate: {state}\npri: 7\nttr: {ttr}\ntime-left: {left}\n\
         releases: {releases}\ntimeouts: 0\n"
    );
    ok(&text)
}

pub(super) fn ok(text: &str) -> String {
    format!("OK {}\r\n{text}\r\n", text.len())
}

/// One connection as the driver sees it.
#[derive(Default)]
struct Wire {
    sent: Vec<u8>,
    input: BytesMut,
    connected: bool,
    half_closed: bool,
}

pub(super) struct Rig {
    pub(super) engine: Engine,
    pub(super) now: Instant,
    /// Every connection that the engine ever asked for, in order.
    made: Vec<LinkId>,
    /// Their servers.
    servers: BTreeMap<LinkId, usize>,
    wires: BTreeMap<LinkId, Wire>,
    done: BTreeMap<OpId, Result<Success, Error>>,
    events: Vec<Event>,
    pub(super) report: Option<CloseReport>,
    /// How often the alarm rang.
    pub(super) alarms: usize,
    pub(super) max_job_size: u64,
    /// The network takes no bytes for now.
    stalled: bool,
}

impl Rig {
    pub(super) fn new(role: Role, servers: usize, config: Config) -> Self {
        let uri = |i: usize| ServerUri::parse(&format!("10.0.0.{i}:11300")).unwrap();
        let uris: Vec<_> = (0..servers).map(uri).collect();
        let now = Instant::from_origin(LONG_AGO);
        let mut rig = Self {
            engine: Engine::new(role, &uris, config, 7).unwrap(),
            now,
            made: Vec::new(),
            servers: BTreeMap::new(),
            wires: BTreeMap::new(),
            done: BTreeMap::new(),
            events: Vec::new(),
            report: None,
            alarms: 0,
            max_job_size: 65535,
            stalled: false,
        };
        rig.engine.handle_timer(now);
        rig.drive();
        rig
    }

    /// A producer with every connection up and no event left to read.
    pub(super) fn producer(servers: usize, config: Config) -> Self {
        Self::new(Role::Producer, servers, config).all_up()
    }

    /// A consumer of `default` likewise.
    pub(super) fn consumer(servers: usize, config: Config) -> Self {
        Self::new(Role::Consumer(Vec::new()), servers, config).all_up()
    }

    /// A single connection likewise.
    pub(super) fn connection(config: Config) -> Self {
        Self::new(Role::Connection, 1, config).all_up()
    }

    fn all_up(mut self) -> Self {
        self.connect_all();
        self.events.clear();
        self
    }

    /// Does what the engine says until it says nothing more.
    fn drive(&mut self) {
        while let Some(output) = self.engine.poll_output() {
            match output {
                Output::Connect { link, server } => {
                    self.made.push(link);
                    self.servers.insert(link, server.id().0);
                    self.wires.insert(link, Wire::default());
                }
                Output::Transmit(link) => self.transmit(link),
                Output::HalfClose(link) => {
                    self.transmit(link);
                    self.wires.get_mut(&link).unwrap().half_closed = true;
                }
                Output::Close(link) => {
                    assert!(self.wires.remove(&link).is_some(), "closed twice");
                    self.engine.handle_closed(self.now, link, 0, None);
                }
                Output::Complete(op, result) => {
                    assert!(self.done.insert(op, result).is_none(), "completed twice");
                }
                Output::Event(event) => self.events.push(event),
                Output::Closed(report) => {
                    assert!(self.wires.is_empty(), "closed before its connections");
                    assert!(self.report.replace(report).is_none(), "closed twice");
                }
            }
        }
    }

    fn transmit(&mut self, link: LinkId) {
        while !self.stalled {
            let mut out = Vec::new();
            self.engine.take(self.now, link, &mut out);
            if out.is_empty() {
                return;
            }
            let wire = self.wires.get_mut(&link).expect("bytes for a connection that is gone");
            assert!(!wire.half_closed, "bytes behind the end");
            out.iter().for_each(|bytes| wire.sent.extend_from_slice(bytes));
        }
    }

    /// The connections that are being opened or open, in the order of their making.
    pub(super) fn open(&self) -> Vec<LinkId> {
        self.wires.keys().copied().collect()
    }

    /// The connection that was made as number `n`.
    pub(super) fn link(&self, n: usize) -> LinkId {
        self.made[n]
    }

    pub(super) fn made(&self) -> usize {
        self.made.len()
    }

    pub(super) fn server_of(&self, link: LinkId) -> usize {
        self.servers[&link]
    }

    pub(super) fn is_half_closed(&self, link: LinkId) -> bool {
        self.wires[&link].half_closed
    }

    /// Opens a connection and answers its handshake, which is returned.
    pub(super) fn up(&mut self, link: LinkId) -> String {
        self.wires.get_mut(&link).unwrap().connected = true;
        self.engine.handle_connected(self.now, link);
        self.drive();
        let asked = self.sent(link);
        let stats = ok(&format!("---\nmax-job-size: {}\nversion: 1.13\n", self.max_job_size));
        for line in asked.lines() {
            let reply = match line.split_once(' ') {
                None => stats.clone(),
                Some(("use", tube)) => format!("USING {tube}\r\n"),
                Some(_) => "WATCHING 1\r\n".into(),
            };
            self.reply(link, &reply);
        }
        asked
    }

    /// Opens all connections that are being opened.
    pub(super) fn connect_all(&mut self) {
        while let Some((&link, _)) = self.wires.iter().find(|(_, wire)| !wire.connected) {
            self.up(link);
        }
    }

    /// What was sent since the last look.
    pub(super) fn sent(&mut self, link: LinkId) -> String {
        let wire = self.wires.get_mut(&link).expect("the connection is open");
        String::from_utf8(std::mem::take(&mut wire.sent)).unwrap()
    }

    #[track_caller]
    pub(super) fn expect_sent(&mut self, link: LinkId, expected: &str) {
        assert_eq!(self.sent(link), expected);
    }

    /// Bytes from the server, in two pieces.
    pub(super) fn reply(&mut self, link: LinkId, text: &str) {
        let (first, second) = text.split_at(text.len() / 2);
        self.reply_at_once(link, first);
        self.reply_at_once(link, second);
    }

    /// The same in one piece.
    pub(super) fn reply_at_once(&mut self, link: LinkId, text: &str) {
        let Some(wire) = self.wires.get_mut(&link) else { return };
        wire.input.extend_from_slice(text.as_bytes());
        self.engine.handle_data(self.now, link, &mut wire.input);
        self.drive();
    }

    /// The server hangs up, or never was there; the last `unwritten` bytes did not leave.
    pub(super) fn cut(&mut self, link: LinkId, unwritten: u64) {
        let error = Error::new(ErrorKind::Disconnected, Outcome::Unknown, "cut");
        self.fail(link, unwritten, error);
    }

    pub(super) fn fail(&mut self, link: LinkId, unwritten: u64, error: Error) {
        assert!(self.wires.remove(&link).is_some(), "the connection is open");
        self.engine.handle_closed(self.now, link, unwritten, Some(error));
        self.drive();
    }

    /// Lets time pass and the alarm ring when it is due.
    pub(super) fn advance(&mut self, span: Duration) {
        let target = self.now + span;
        let mut rings = 0;
        while let Some(at) = self.engine.poll_timeout().filter(|at| *at <= target) {
            rings = if at > self.now { 0 } else { rings + 1 };
            assert!(rings < SPIN, "the alarm rings for ever at {at:?}");
            self.now = self.now.max(at);
            self.alarms += 1;
            self.engine.handle_timer(self.now);
            self.drive();
        }
        self.now = target;
    }

    /// The alarm rings although nothing is due.
    pub(super) fn ring(&mut self) {
        self.engine.handle_timer(self.now);
        self.drive();
    }

    /// From now on nothing can be written, or all that waits for it.
    pub(super) fn stall(&mut self, stalled: bool) {
        self.stalled = stalled;
        self.open().into_iter().for_each(|link| self.transmit(link));
    }

    pub(super) fn submit(&mut self, request: Request) -> OpId {
        let op = self.engine.submit(self.now, request, None);
        self.drive();
        op
    }

    pub(super) fn submit_within(&mut self, request: Request, span: Duration) -> OpId {
        let op = self.engine.submit(self.now, request, Some(self.now + span));
        self.drive();
        op
    }

    pub(super) fn put(&mut self, tube: &str, body: &'static str) -> OpId {
        self.submit(Request::Put(NewJob::new(tube, body).unwrap()))
    }

    pub(super) fn command(&mut self, command: Command) -> OpId {
        let server = self.engine.servers().next().map(Server::id).unwrap();
        self.submit(Request::Command { server, command })
    }

    pub(super) fn receive(&mut self) -> OpId {
        self.submit(Request::Receive)
    }

    pub(super) fn finish(&mut self, lease: LeaseId, how: Finish) -> OpId {
        self.submit(Request::Finish { lease, how })
    }

    /// Finishes with a release that keeps the job's priority.
    pub(super) fn release(&mut self, lease: LeaseId) -> OpId {
        self.finish(lease, Finish::Release { priority: None, delay: Seconds::ZERO })
    }

    pub(super) fn cancel(&mut self, op: OpId) {
        self.engine.cancel(self.now, op);
        self.drive();
    }

    pub(super) fn give_back(&mut self, lease: LeaseId) {
        self.engine.give_back(self.now, lease);
        self.drive();
    }

    pub(super) fn pause(&mut self) {
        self.engine.pause_if_unused(self.now);
        self.drive();
    }

    pub(super) fn close(&mut self, span: Duration) {
        self.engine.close(self.now, self.now + span);
        self.drive();
    }

    pub(super) fn is_done(&self, op: OpId) -> bool {
        self.done.contains_key(&op)
    }

    #[track_caller]
    pub(super) fn success(&self, op: OpId) -> &Success {
        let result = self.done.get(&op).expect("it is done");
        result.as_ref().expect("it went well")
    }

    #[track_caller]
    pub(super) fn failure(&self, op: OpId) -> (ErrorKind, Outcome) {
        let error = self.done.get(&op).expect("it is done").as_ref().expect_err("it failed");
        (error.kind(), error.outcome())
    }

    #[track_caller]
    pub(super) fn job(&self, op: OpId) -> ReservedJob {
        match self.success(op) {
            Success::Reserved(job) => job.clone(),
            other => panic!("{other:?} is no job"),
        }
    }

    /// Asks for a job and gives it one through the first connection, which is parked before.
    pub(super) fn receive_job(&mut self, link: LinkId, id: u64) -> LeaseId {
        let op = self.receive();
        self.sent(link);
        self.reply(link, &format!("RESERVED {id} 1\r\nx\r\n"));
        self.job(op).lease
    }

    /// What happened since the last look.
    pub(super) fn events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    pub(super) fn tube(name: &str) -> TubeName {
        TubeName::new(name).unwrap()
    }
}
