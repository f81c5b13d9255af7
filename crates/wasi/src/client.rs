//! One client: the engine with its connections, results and news.

use std::cell::{RefCell, RefMut};
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use beanwire_core::engine::{
    CloseReport, Engine, Event, LeaseId, LinkId, OpId, Output, Request, ServerId, Success,
};
use beanwire_core::error::Error;
use beanwire_core::protocol::{Command, Reply};
use beanwire_core::sorted::{SortedMap, SortedSet};
use beanwire_core::types::Instant;
use wasip2::io::poll::Pollable;

use crate::bindings::exports::beanwire::client::types;
use crate::convert;
use crate::instance;
use crate::link::{Link, Progress};
use crate::open::Dialer;

/// Most events that wait for somebody to ask for them.
const MAX_EVENTS: usize = 1024;

/// One client. Its connections are closed with the last handle.
#[derive(Debug)]
pub(crate) struct Client {
    state: RefCell<State>,
}

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) engine: Engine,
    dialer: Dialer,
    links: SortedMap<LinkId, Link>,
    results: SortedMap<OpId, Result<Success, Error>>,
    /// Reservations that are gone while somebody still has the job.
    lost: SortedSet<LeaseId>,
    news: News,
    /// Servers to which an attempt to connect has failed.
    pub(crate) failed: SortedSet<ServerId>,
    /// What is wrong with the first name that does not lead anywhere.
    pub(crate) bad_name: Option<Error>,
    report: Option<CloseReport>,
    last_read: Option<LinkId>,
}

/// What nobody has asked for yet.
#[derive(Debug, Default)]
struct News {
    events: VecDeque<Event>,
    missed: u64,
}

impl Client {
    pub(crate) fn new(engine: Engine, dialer: Dialer) -> Rc<Self> {
        let state = State {
            engine,
            dialer,
            links: SortedMap::new(),
            results: SortedMap::new(),
            lost: SortedSet::new(),
            news: News::default(),
            failed: SortedSet::new(),
            bad_name: None,
            report: None,
            last_read: None,
        };
        let client = Rc::new(Self { state: RefCell::new(state) });
        instance::add(&client);
        client
    }

    /// The state as it was left by the last call.
    pub(crate) fn state(&self) -> RefMut<'_, State> {
        self.state.borrow_mut()
    }

    /// The state with all that has happened since the last call.
    pub(crate) fn current(&self) -> RefMut<'_, State> {
        instance::catch_up();
        self.state.borrow_mut()
    }

    /// Does one thing and waits for its result.
    pub(crate) fn ask(
        &self,
        request: Request,
        deadline: Option<Instant>,
    ) -> Result<Success, Error> {
        let op = self.current().submit(request, deadline);
        self.wait_for(op)
    }

    pub(crate) fn wait_for(&self, op: OpId) -> Result<Success, Error> {
        instance::run(self, |state| state.results.remove(&op))
    }

    /// Runs a command on one server.
    pub(crate) fn command(&self, server: ServerId, command: Command) -> Result<Reply, Error> {
        match self.ask(Request::Command { server, command }, None)? {
            Success::Reply(reply) => Ok(reply),
            _ => Err(convert::surprise()),
        }
    }

    /// The server at a place of the list.
    pub(crate) fn server_at(&self, place: u32) -> Result<ServerId, Error> {
        let state = self.state();
        let found = usize::try_from(place).ok().and_then(|at| state.engine.servers().nth(at));
        let count = state.engine.servers().count();
        found.map(beanwire_core::engine::Server::id).ok_or_else(|| {
            let limit = format!("the place of one of its {count} servers, from 0");
            Error::invalid_argument("server", &place.to_string(), &limit)
        })
    }

    /// The URIs of the servers.
    pub(crate) fn servers(&self) -> Vec<String> {
        convert::servers(&self.state().engine)
    }

    pub(crate) fn health(&self) -> types::Health {
        convert::health(&self.current().engine, instance::now())
    }

    /// What is new since somebody asked the last time.
    pub(crate) fn events(&self) -> Vec<types::Event> {
        let News { events, missed } = std::mem::take(&mut self.current().news);
        let missed = Some(missed).filter(|missed| *missed > 0).map(types::Event::Missed);
        missed.into_iter().chain(events.into_iter().map(convert::event)).collect()
    }

    pub(crate) fn ready(&self, timeout: Duration) -> Result<(), Error> {
        let deadline = instance::now() + timeout;
        self.ask(Request::Ready, Some(deadline)).map(drop)
    }

    /// Waits until nothing is under way any more, but not for ever.
    pub(crate) fn come_to_rest(&self) {
        let patience = self.state().engine.config().command_timeout;
        let limit = instance::now() + patience;
        instance::run_until(self, limit, |state| state.engine.is_at_rest().then_some(()));
    }

    /// Jobs that are held are not waited for: nobody can finish them during this call.
    pub(crate) fn close(&self, timeout: Duration) -> CloseReport {
        let now = instance::now();
        let limit = now + timeout;
        self.current().engine.close(now, limit);
        instance::run_until(self, limit, |state| state.engine.is_at_rest().then_some(()));
        let now = instance::now();
        self.state().engine.close(now, now);
        instance::run(self, |state| state.report)
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let now = instance::now();
        let state = self.state.get_mut();
        state.engine.close(now, now);
        // Says goodbye where nothing is under way; the connections end with the links.
        state.step(now);
    }
}

impl State {
    pub(crate) fn submit(&mut self, request: Request, deadline: Option<Instant>) -> OpId {
        self.engine.submit(instance::now(), request, deadline)
    }

    /// Gives an operation up.
    pub(crate) fn cancel(&mut self, op: OpId) {
        self.engine.cancel(instance::now(), op);
        self.results.remove(&op);
    }

    pub(crate) fn take_result(&mut self, op: OpId) -> Option<Result<Success, Error>> {
        self.results.remove(&op)
    }

    pub(crate) fn is_lost(&self, lease: LeaseId) -> bool {
        self.lost.contains(&lease)
    }

    /// Nobody has the job any more.
    pub(crate) fn forget(&mut self, lease: LeaseId) {
        self.lost.remove(&lease);
    }

    /// Whether the name of some server is still looked up.
    pub(crate) fn is_resolving(&self) -> bool {
        self.links.values().any(Link::is_resolving)
    }

    /// Does what is due and what the engine wants done.
    pub(crate) fn step(&mut self, now: Instant) {
        if self.engine.poll_timeout().is_some_and(|at| at <= now) {
            self.engine.handle_timer(now);
        }
        self.perform(now);
        // Some hosts refuse a connection as soon as it is asked for.
        while let Some(id) = self.due(now) {
            self.link_ready(id, now);
        }
    }

    /// A connection that is to be looked at although the host has not said so.
    fn due(&self, now: Instant) -> Option<LinkId> {
        self.links.iter().find(|(_, link)| link.is_due(now)).map(|(id, _)| *id)
    }

    /// Nothing was done for so long.
    pub(crate) fn rested(&mut self, span: Duration) {
        self.engine.handle_rest(span);
        self.links.values_mut().for_each(|link| link.rested(span));
    }

    /// When to come back although nothing else happens.
    pub(crate) fn alarm(&self) -> Option<Instant> {
        let links = self.links.values().filter_map(Link::alarm);
        links.chain(self.engine.poll_timeout()).min()
    }

    /// For how long to look away before the connections are waited for.
    pub(crate) fn gather(&self, now: Instant) -> Option<Duration> {
        self.engine.gather(now, self.last_read?)
    }

    pub(crate) fn pollables(&self) -> impl Iterator<Item = (LinkId, &Pollable)> {
        self.links.iter().flat_map(|(id, link)| link.pollables().map(|pollable| (*id, pollable)))
    }

    /// Something has happened at a connection.
    pub(crate) fn link_ready(&mut self, id: LinkId, now: Instant) {
        let Some(link) = self.links.get_mut(&id) else { return };
        match link.look(&self.dialer, now) {
            Progress::Nothing => {}
            Progress::Opened => self.engine.handle_connected(now, id),
            Progress::Input => {
                self.engine.handle_data(now, id, link.input());
                self.last_read = Some(id);
            }
            Progress::Writable => {
                if link.write(&mut self.engine, now) {
                    self.engine.handle_progress(now, id);
                }
            }
            Progress::Ended(error) => {
                let (unwritten, bad_name) = (link.unwritten(), link.bad_name());
                self.links.remove(&id);
                self.bad_name = self.bad_name.take().or(bad_name);
                self.engine.handle_closed(now, id, unwritten, error);
            }
        }
        self.perform(now);
    }

    fn perform(&mut self, now: Instant) {
        while let Some(output) = self.engine.poll_output() {
            match output {
                Output::Connect { link, server } => {
                    let timeout = self.engine.config().connect_timeout;
                    let dialed = Link::dial(link, server, now, timeout);
                    self.links.insert(link, dialed);
                }
                Output::Transmit(link) => {
                    if let Some(link) = self.links.get_mut(&link) {
                        link.write(&mut self.engine, now);
                    }
                }
                Output::HalfClose(id) => {
                    if let Some(link) = self.links.get_mut(&id) {
                        link.end_output();
                        link.write(&mut self.engine, now);
                    }
                    // Some hosts end both directions then, and wake nobody.
                    self.link_ready(id, now);
                }
                Output::Close(id) => {
                    let link = self.links.remove(&id);
                    let unwritten = link.as_ref().map_or(0, Link::unwritten);
                    let bad_name = link.and_then(|link| link.bad_name());
                    self.bad_name = self.bad_name.take().or(bad_name);
                    self.engine.handle_closed(now, id, unwritten, None);
                }
                Output::Complete(op, result) => drop(self.results.insert(op, result)),
                Output::Event(event) => self.note(event),
                Output::Closed(report) => self.report = Some(report),
            }
        }
    }

    fn note(&mut self, event: Event) {
        match &event {
            Event::JobLost { lease, .. } => drop(self.lost.insert(*lease)),
            Event::ConnectFailed { server, .. } => drop(self.failed.insert(server.id())),
            _ => {}
        }
        if self.news.events.len() == MAX_EVENTS {
            self.news.events.pop_front();
            self.news.missed += 1;
        }
        self.news.events.push_back(event);
    }
}
