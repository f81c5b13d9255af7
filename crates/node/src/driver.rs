//! The engine of one client, and what hangs on it: operations by their numbers in JavaScript, jobs,
//! connections, time.
//!
//! JavaScript tells what has happened, and then takes a *turn*, which does what the engine wants
//! done and writes down what is left for JavaScript to do.

use std::collections::VecDeque;
use std::sync::LazyLock;
use std::thread;
use std::time::Duration;

use beanwire_core::engine::{
    Engine, Event, LeaseId, LinkId, NewJob, OpId, Output, Request, Server, ServerId, Success,
};
use beanwire_core::error::{Error, ErrorKind};
use beanwire_core::sorted::SortedMap;
use beanwire_core::tls::TlsClient;
use beanwire_core::types::{Instant, TubeName};
use napi::Result;
use slab::Slab;

use crate::convert;
use crate::link::Link;
use crate::record::{Completion, Records};
use crate::room::{Room, Waiting};

/// How late an alarm may ring for the thread to count as having been there all the time.
const LATE: Duration = Duration::from_millis(20);

/// Whether the server can go on while this thread looks away.
static HAS_PROCESSORS: LazyLock<bool> =
    LazyLock::new(|| thread::available_parallelism().is_ok_and(|count| count.get() > 1));

#[derive(Debug)]
pub(crate) struct Driver {
    pub(crate) engine: Engine,
    pub(crate) put_timeout: Option<Duration>,
    pub(crate) tls: Option<TlsClient>,
    pub(crate) jobs: Slab<LeaseId>,
    pub(crate) links: Slab<Link>,
    origin: std::time::Instant,
    now: Instant,
    tubes: Vec<TubeName>,
    /// Operations by their numbers, and the other way round.
    waits: Vec<Option<(OpId, Wait)>>,
    numbers: SortedMap<OpId, u32>,
    room: Room,
    /// What has ended before it was started.
    ended: VecDeque<(u32, Completion)>,
    /// Connections that may have something to send.
    dirty: Vec<usize>,
    /// When JavaScript will ring by itself.
    alarm: Option<Instant>,
    /// The connection on which bytes came in last.
    last_read: Option<LinkId>,
}

/// What becomes of the result of an operation.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Wait {
    /// It goes to JavaScript as it is.
    Plain,
    /// So does that of a put, which leaves its room to others.
    Put(usize),
    /// A command's reply is read first.
    Reply(fn(Success) -> core::result::Result<Completion, Error>),
    /// The statistics of a job tell when to touch it.
    TouchAfter(LeaseId),
}

impl Driver {
    pub(crate) fn new(
        engine: Engine,
        put_timeout: Option<Duration>,
        tls: Option<TlsClient>,
    ) -> Self {
        let room = Room::new(engine.config().max_pending_bytes);
        Self {
            engine,
            put_timeout,
            tls,
            jobs: Slab::new(),
            links: Slab::new(),
            origin: std::time::Instant::now(),
            now: Instant::default(),
            tubes: Vec::new(),
            waits: Vec::new(),
            numbers: SortedMap::new(),
            room,
            ended: VecDeque::new(),
            dirty: Vec::new(),
            alarm: None,
            last_read: None,
        }
    }

    /// Looks at the clock. All that follows happens at that moment.
    pub(crate) fn tick(&mut self) {
        self.now = Instant::from_origin(self.origin.elapsed());
    }

    pub(crate) const fn now(&self) -> Instant {
        self.now
    }

    /// Keeps a tube's name, and tells its number.
    pub(crate) fn add_tube(&mut self, name: &str) -> core::result::Result<usize, Error> {
        self.tubes.push(TubeName::new(name)?);
        Ok(self.tubes.len() - 1)
    }

    pub(crate) fn forget_tubes(&mut self) {
        self.tubes.clear();
    }

    pub(crate) fn tube(&self, number: u32) -> core::result::Result<TubeName, Error> {
        let tube = self.tubes.get(number as usize).cloned();
        tube.ok_or_else(|| Error::invalid_argument("tube", &number.to_string(), "a known number"))
    }

    pub(crate) fn server(&self, place: u32) -> core::result::Result<ServerId, Error> {
        let server = self.engine.servers().nth(place as usize);
        let server = server.map(Server::id);
        server.ok_or_else(|| Error::not_sent(ErrorKind::Unsupported, "no such server"))
    }

    /// Starts an operation.
    pub(crate) fn start(
        &mut self,
        number: u32,
        request: Request,
        deadline: Option<Instant>,
        wait: Wait,
    ) {
        let op = self.engine.submit(self.now, request, deadline);
        let at = number as usize;
        if at >= self.waits.len() {
            self.waits.resize_with(at + 1, || None);
        }
        if let Some(place) = self.waits.get_mut(at) {
            *place = Some((op, wait));
        }
        self.numbers.insert(op, number);
    }

    /// Starts a put if there is room; otherwise it waits for room until its deadline.
    pub(crate) fn put_job(&mut self, number: u32, job: NewJob, deadline: Option<Instant>) {
        let units = self.room.units(&job);
        if self.room.take(units) {
            return self.start(number, Request::Put(job), deadline, Wait::Put(units));
        }
        match deadline {
            Some(deadline) => self.room.wait(Waiting { number, job, deadline }),
            None => self.fail(number, self.room.full()),
        }
    }

    /// Ends an operation that was not started.
    pub(crate) fn fail(&mut self, number: u32, error: Error) {
        self.end(number, Completion::Error(error));
    }

    pub(crate) fn end(&mut self, number: u32, completion: Completion) {
        self.ended.push_back((number, completion));
    }

    /// Gives an operation up: there will be no record of it.
    pub(crate) fn cancel(&mut self, number: u32) {
        self.ended.retain(|(ended, _)| *ended != number);
        match self.waits.get_mut(number as usize).and_then(Option::take) {
            Some((op, wait)) => {
                self.numbers.remove(&op);
                self.engine.cancel(self.now, op);
                self.leave(wait);
            }
            None => {
                self.room.cancel(number);
                self.refill();
            }
        }
    }

    fn leave(&mut self, wait: Wait) {
        let Wait::Put(units) = wait else { return };
        self.room.give(units);
        self.refill();
    }

    /// Starts the puts that wait, as long as there is room for the first of them.
    fn refill(&mut self) {
        while let Some((Waiting { number, job, deadline }, units)) = self.room.next() {
            self.start(number, Request::Put(job), Some(deadline), Wait::Put(units));
        }
    }

    /// The time that JavaScript was told of has come.
    pub(crate) fn ring(&mut self) {
        let alarm = self.alarm.take().unwrap_or(self.now);
        let late = self.now.saturating_since(alarm);
        if late > LATE {
            self.engine.handle_rest(late);
        }
        for number in self.room.expire(self.now) {
            self.fail(number, self.room.full());
        }
        self.refill();
        self.engine.handle_timer(self.now);
    }

    /// The socket of a connection is open.
    pub(crate) fn connected(&mut self, key: usize) {
        let Some(link) = self.links.get_mut(key) else { return };
        match link.connected(self.tls.as_ref()) {
            Ok(true) => self.engine.handle_connected(self.now, link.id),
            Ok(false) => {}
            Err(error) => return self.close(key, Some(error)),
        }
        self.dirty.push(key);
    }

    /// Bytes came in.
    pub(crate) fn receive(&mut self, key: usize, bytes: &[u8]) {
        let Some(link) = self.links.get_mut(key) else { return };
        self.last_read = Some(link.id);
        match link.receive(bytes) {
            Ok(is_new) => {
                if is_new {
                    self.engine.handle_connected(self.now, link.id);
                }
                link.deliver(&mut self.engine, self.now);
                if link.is_encrypted() {
                    self.dirty.push(key);
                }
                if link.was_ended() {
                    self.close(key, None);
                }
            }
            Err(error) => self.close(key, Some(error)),
        }
    }

    /// The socket has taken what it did not take at first.
    pub(crate) fn drained(&mut self, key: usize) {
        let Some(link) = self.links.get_mut(key) else { return };
        link.is_blocked = false;
        self.engine.handle_progress(self.now, link.id);
        self.dirty.push(key);
    }

    /// The socket has closed.
    pub(crate) fn closed(&mut self, key: usize, error: Option<Error>) {
        if let Some(link) = self.links.try_remove(key)
            && !link.is_over
        {
            let error = error.or_else(|| link.hung_up());
            self.engine.handle_closed(self.now, link.id, link.unwritten(), error);
        }
    }

    /// Lets go of a connection. What TLS has to say to that still goes out.
    fn close(&mut self, key: usize, error: Option<Error>) {
        let Some(link) = self.links.get_mut(key) else { return };
        if !std::mem::replace(&mut link.is_over, true) {
            self.engine.handle_closed(self.now, link.id, link.unwritten(), error);
        }
        self.dirty.push(key);
    }

    /// Does what the engine wants done, as long as there is room for records.
    pub(crate) fn turn(&mut self, records: &mut Records<'_, '_>, wire: &mut [u8]) -> Result<()> {
        loop {
            if !records.has_room() {
                records.is_more = true;
                break;
            }
            if let Some((number, completion)) = self.ended.pop_front() {
                records.completed(number, completion, self)?;
            } else if let Some(output) = self.engine.poll_output() {
                self.perform(output, records)?;
            } else {
                break;
            }
        }
        self.send(records, wire);
        Ok(())
    }

    fn perform(&mut self, output: Output, records: &mut Records<'_, '_>) -> Result<()> {
        match output {
            Output::Complete(op, result) => self.complete(op, result, records)?,
            Output::Transmit(link) => self.dirty.extend(self.key(link)),
            Output::Connect { link, server } if !can_reach(&server) => {
                let message = format!("{server}: this system has no unix sockets");
                let error = Error::not_sent(ErrorKind::Unsupported, message);
                self.engine.handle_closed(self.now, link, 0, Some(error));
            }
            Output::Connect { link, server } => {
                let place = server.id().index();
                let key = self.links.insert(Link::new(link, server));
                records.connect(key, place);
            }
            Output::HalfClose(id) => {
                if let Some((key, link)) = self.links.iter_mut().find(|(_, link)| link.id == id) {
                    link.is_ending = true;
                    self.dirty.push(key);
                }
            }
            Output::Close(id) => {
                if let Some(key) = self.key(id) {
                    self.close(key, None);
                }
            }
            Output::Event(event) => {
                if let Event::JobLost { lease, .. } = &event
                    && let Some((key, _)) = self.jobs.iter().find(|(_, held)| *held == lease)
                {
                    records.lost(key);
                }
                if let Some(event) = convert::event(&event) {
                    records.event(&event)?;
                }
            }
            Output::Closed(report) => records.closed(&report),
        }
        Ok(())
    }

    fn complete(
        &mut self,
        op: OpId,
        result: core::result::Result<Success, Error>,
        records: &mut Records<'_, '_>,
    ) -> Result<()> {
        let number = self.numbers.remove(&op);
        let place = number.and_then(|number| self.waits.get_mut(number as usize));
        let (Some(number), Some((_, wait))) = (number, place.and_then(Option::take)) else {
            // It came at the last moment, and nobody will handle it.
            if let Ok(Success::Reserved(job)) = result {
                self.engine.give_back(self.now, job.lease);
            }
            return Ok(());
        };
        self.leave(wait);
        let completion = result.and_then(|success| match wait {
            Wait::Plain | Wait::Put(_) => convert::completion(success),
            Wait::Reply(read) => read(success),
            Wait::TouchAfter(lease) => Ok(self.touch_after(lease).unwrap_or_default().into()),
        });
        records.completed(number, completion.unwrap_or_else(Completion::Error), self)
    }

    /// How long until a job should be touched, if that is known.
    pub(crate) fn touch_after(&self, lease: LeaseId) -> Option<convert::Millis> {
        self.engine.touch_after(self.now, lease).map(convert::Millis)
    }

    fn key(&self, id: LinkId) -> Option<usize> {
        self.links.iter().find(|(_, link)| link.id == id).map(|(key, _)| key)
    }

    /// Gives what is to be sent to JavaScript.
    fn send(&mut self, records: &mut Records<'_, '_>, mut wire: &mut [u8]) {
        while let Some(&key) = self.dirty.last() {
            if !records.has_room() {
                records.is_more = true;
                return;
            }
            let Some(link) = self.links.get_mut(key) else {
                self.dirty.pop();
                continue;
            };
            let sending = link.send(&mut self.engine, self.now, wire);
            if sending.length > 0 || sending.is_last {
                records.send(key, sending.length, sending.is_last);
            }
            wire = wire.split_at_mut_checked(sending.length).unwrap_or_default().1;
            if sending.is_cut {
                records.is_more = true;
                return;
            }
            self.dirty.pop();
            if link.is_over {
                self.links.remove(key);
                records.close(key);
            }
        }
    }

    /// For how long JavaScript is to look away once it has sent all.
    pub(crate) fn gather(&self) -> Option<Duration> {
        self.engine.gather(self.now, self.last_read.filter(|_| *HAS_PROCESSORS)?)
    }

    /// When JavaScript has to ring earlier than it would by itself.
    pub(crate) fn new_alarm(&mut self) -> Option<Duration> {
        let next = [self.engine.poll_timeout(), self.room.alarm()].into_iter().flatten().min()?;
        if self.alarm.is_some_and(|alarm| alarm <= next) {
            return None;
        }
        self.alarm = Some(next);
        Some(next.saturating_since(self.now))
    }
}

fn can_reach(server: &Server) -> bool {
    cfg!(unix) || server.uri().host().is_some()
}
