//! Connections: opening, setting up, losing, and ending them.
//!
//! A connection goes one way: dialing, handshake, up, and then half-closed, quitting or closing.
//! It is a new one, with a new id, every time.

use std::time::Duration;

use bytes::BytesMut;

use super::{Engine, Event, LeaseId, LinkId, Output, Sabotage, ServerId, Tag, disconnected};
use crate::conn::Conn;
use crate::error::{Error, ErrorKind, Outcome};
use crate::protocol::{Command, Reply};
use crate::sorted::{SortedMap, SortedSet};
use crate::stats::ServerStats;
use crate::types::{Instant, JobId, TubeName};

/// How long the end of a connection that was asked to end may take.
const FAREWELL: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Link {
    pub(super) server: ServerId,
    pub(super) conn: Conn<Tag>,
    pub(super) state: State,
    /// Jobs whose holders have not finished them.
    pub(super) held: SortedSet<LeaseId>,
    /// Jobs whose last command is on its way.
    pub(super) leaving: SortedSet<LeaseId>,
    pub(super) by_job: SortedMap<JobId, LeaseId>,
    /// Whether the driver knows that there are bytes to send.
    pub(super) announced: bool,
    pub(super) idle_since: Instant,
    /// When bytes last came in, and whether that was soon after those before.
    pub(super) read_at: Instant,
    pub(super) reads_fast: bool,
    /// When it came up.
    pub(super) up_since: Instant,
    /// The caller of the reserve that waits on it has given up.
    pub(super) deserted: bool,
    /// When what stands behind that reserve has waited long enough.
    stuck_due: Option<Instant>,
}

#[derive(Debug)]
pub(super) enum State {
    /// The driver opens it; both this and the handshake end by `due`.
    Dialing { due: Instant },
    /// Commands of its set-up await replies.
    Handshake { due: Instant, left: usize },
    /// In use.
    Up,
    /// Nothing more is sent; the server closes it once its last reply is out.
    HalfClosed { due: Instant },
    /// `quit` was sent.
    Quitting { due: Instant },
    /// The driver was told to close it: for a fault, or as planned.
    Closing { fault: Option<Error> },
}

impl Link {
    pub(super) const fn is_up(&self) -> bool {
        matches!(self.state, State::Up)
    }

    /// When it came up, if it is.
    fn up_since(&self) -> Option<Instant> {
        self.is_up().then_some(self.up_since)
    }

    pub(super) const fn may_send(&self) -> bool {
        matches!(self.state, State::Handshake { .. } | State::Up | State::Quitting { .. })
    }

    pub(super) fn is_empty_handed(&self) -> bool {
        self.held.is_empty() && self.leaving.is_empty()
    }

    /// Whether nothing is held, asked or owed.
    pub(super) fn is_idle(&self) -> bool {
        self.is_up() && self.is_empty_handed() && self.conn.pending() == 0
    }

    /// Notes that something waits behind a deserted reserve, if so: until when it may.
    pub(super) fn note_stuck(&mut self, due: Instant) -> Option<Instant> {
        // The engine's own questions can wait.
        let waited_for = |tag: &Tag| matches!(tag, Tag::Op(_) | Tag::Finish(_));
        if !self.deserted || !self.conn.holds_up(waited_for) {
            return None;
        }
        Some(*self.stuck_due.get_or_insert(due))
    }

    /// The server has answered a reserve, so nothing is held up any more.
    pub(super) fn note_unstuck(&mut self) {
        self.deserted = false;
        self.stuck_due = None;
    }

    /// When this state has lasted too long.
    pub(super) fn due(&self, patience: Duration) -> Option<Instant> {
        match self.state {
            State::Dialing { due }
            | State::Handshake { due, .. }
            | State::HalfClosed { due }
            | State::Quitting { due } => Some(due),
            State::Up => self.conn.answer_due(patience).into_iter().chain(self.stuck_due).min(),
            State::Closing { .. } => None,
        }
    }
}

impl Engine {
    /// Opens what every server lacks.
    pub(super) fn open_links(&mut self) {
        // Work that was under way when the client was closed may still need a connection.
        if !self.phase.is_open() && self.waiting.is_empty() {
            return;
        }
        for server in (0..self.servers.len()).map(ServerId) {
            let width = self.server(server).width;
            while self.count_links(server) < width && self.may_dial(server) {
                self.open_link(server);
            }
        }
    }

    /// Moves a connection to another state.
    fn enter(&mut self, id: LinkId, state: State) {
        let Some(link) = self.links.get_mut(&id) else { return };
        let (server, before) = (link.server, std::mem::replace(&mut link.state, state));
        let is_up = link.is_up();
        let known = self.server_mut(server);
        known.leave(id, &before);
        if is_up {
            known.up.push(id);
        }
    }

    pub(super) fn links_of(&self, server: ServerId) -> impl Iterator<Item = (LinkId, &Link)> {
        self.links.iter().filter(move |(_, l)| l.server == server).map(|(id, link)| (*id, link))
    }

    pub(super) fn open_link(&mut self, server: ServerId) {
        let id = LinkId(self.fresh_id());
        let due = self.now + self.config.connect_timeout;
        self.arm(due);
        let mut conn = Conn::new(self.config.max_body_size);
        conn.forgets_use = self.is_sabotaged(Sabotage::ForgetUse);
        let link = Link {
            server,
            conn,
            state: State::Dialing { due },
            held: SortedSet::new(),
            leaving: SortedSet::new(),
            by_job: SortedMap::new(),
            announced: false,
            idle_since: self.now,
            read_at: Instant::default(),
            reads_fast: false,
            up_since: self.now,
            deserted: false,
            stuck_due: None,
        };
        self.links.insert(id, link);
        self.server_mut(server).coming += 1;
        let server = self.server(server).server.clone();
        self.emit(Output::Connect { link: id, server });
    }

    pub(super) fn start_handshake(&mut self, id: LinkId) {
        let commands = self.handshake();
        let Some(link) = self.links.get_mut(&id) else { return };
        let State::Dialing { due } = link.state else { return };
        // It is on its way up as before.
        link.state = State::Handshake { due, left: commands.len() };
        for command in commands {
            link.conn.push(command, Tag::Handshake);
        }
        self.announce(id);
    }

    /// What makes a new connection like the one it replaces.
    fn handshake(&self) -> Vec<Command> {
        let default = TubeName::default_tube();
        let mut commands = vec![Command::Stats];
        let others = self.watched.iter().filter(|tube| **tube != default);
        commands.extend(others.cloned().map(Command::Watch));
        if !self.watched.contains(&default) {
            commands.push(Command::Ignore(default.clone()));
        }
        if self.used != default {
            commands.push(Command::Use(self.used.clone()));
        }
        commands
    }

    pub(super) fn handshake_reply(
        &mut self,
        id: LinkId,
        command: &Command,
        reply: Reply,
    ) -> Result<(), Error> {
        let reply = command.verdict(reply)?;
        let Some(link) = self.links.get_mut(&id) else { return Ok(()) };
        let State::Handshake { left, .. } = &mut link.state else { return Ok(()) };
        *left -= 1;
        let done = *left == 0;
        let server = link.server;
        if let (Command::Stats, Reply::Ok(body)) = (command, &reply) {
            let stats = ServerStats::parse(body)?;
            let known = self.server_mut(server);
            known.max_job_size = Some(stats.max_job_size).filter(|size| *size > 0);
            known.version = stats.version;
            known.draining = stats.draining;
        }
        if done {
            self.link_up(id, server);
        }
        Ok(())
    }

    fn link_up(&mut self, id: LinkId, server: ServerId) {
        self.enter(id, State::Up);
        if let Some(link) = self.links.get_mut(&id) {
            link.idle_since = self.now;
            link.up_since = self.now;
        }
        let known = self.server_mut(server);
        known.was_up = true;
        known.on_trial = false;
        known.retry_at = None;
        known.error = None;
        let server = known.server.clone();
        self.emit(Output::Event(Event::Connected(server)));
        self.complete_ready(&Ok(()));
        self.route_again(Vec::new());
    }

    pub(super) fn read_replies(&mut self, id: LinkId, input: &mut BytesMut) {
        let patience = self.config.command_timeout;
        while let Some(link) = self.links.get_mut(&id) {
            if matches!(link.state, State::Dialing { .. } | State::Closing { .. }) {
                input.clear();
                return;
            }
            let outcome = match link.conn.decode(self.now, input) {
                Ok(Some(answer)) => self.answered(id, answer),
                Ok(None) => break,
                Err(error) => Err(error),
            };
            if let Err(fault) = outcome {
                self.close_link(id, Some(fault));
            }
        }
        if let Some(due) = self.links.get(&id).and_then(|link| link.due(patience)) {
            self.arm(due);
        }
        self.announce(id);
    }

    /// Has the driver close a connection: for a fault, or as planned.
    pub(super) fn close_link(&mut self, id: LinkId, fault: Option<Error>) {
        let Some(link) = self.links.get_mut(&id) else { return };
        if matches!(link.state, State::Closing { .. }) {
            return;
        }
        let (server, up_since) = (link.server, link.up_since());
        self.enter(id, State::Closing { fault: fault.clone() });
        self.emit(Output::Close(id));
        // Now, for the next connection may be opened before this one is gone.
        if let Some(fault) = fault {
            self.note_failure(server, up_since, &fault);
        }
    }

    /// Ends the sending direction, which ends a reserve that waits without losing a job.
    pub(super) fn half_close(&mut self, id: LinkId) {
        let due = self.now + FAREWELL.max(self.config.command_timeout);
        self.enter(id, State::HalfClosed { due });
        let Some(link) = self.links.get_mut(&id) else { return };
        let unsent = link.conn.withdraw_all(|tag| matches!(tag, Tag::Op(_)));
        self.arm(due);
        self.emit(Output::HalfClose(id));
        let op = |(command, tag)| match tag {
            Tag::Op(op) => Some((op, command)),
            _ => None,
        };
        self.route_again(unsent.into_iter().filter_map(op).collect());
    }

    /// Says goodbye on a connection on which nothing is under way.
    pub(super) fn quit(&mut self, id: LinkId) {
        let due = self.now + FAREWELL.min(self.config.command_timeout);
        self.enter(id, State::Quitting { due });
        self.arm(due);
        self.push(id, Command::Quit, Tag::Quit);
    }

    /// Takes note of the end of a connection, whoever ended it.
    pub(super) fn drop_link(&mut self, id: LinkId, unwritten: u64, error: Option<Error>) {
        let Some(mut link) = self.links.remove(&id) else { return };
        let server = link.server;
        self.server_mut(server).leave(id, &link.state);
        let unanswered = link.conn.close(unwritten);
        let up_since = link.up_since();
        let (noted, fault) = match link.state {
            State::Dialing { .. } | State::Handshake { .. } | State::Up => (false, error),
            State::HalfClosed { .. } | State::Quitting { .. } => (true, error),
            State::Closing { fault } => (true, fault.or(error)),
        };
        let uri = &self.server(server).server;
        let fault =
            fault.unwrap_or_else(|| disconnected(Outcome::Unknown, format!("{uri} hung up")));
        if !noted {
            self.note_failure(server, up_since, &fault);
        }
        if self.server(server).up.is_empty() {
            // It may come back as another one.
            let known = self.server_mut(server);
            known.draining = false;
            known.max_job_size = None;
        }
        if self.count_links(server) == 0 {
            let looker = self.last_looker();
            self.server_mut(server).hunt.looked.unreachable(looker);
        }
        self.orphan(server, unanswered, &fault);
        self.lose_leases(link.held.iter().chain(link.leaving.iter()), &fault);
    }

    /// Gives connections on their way the time back in which nobody attended to them.
    pub(super) fn excuse_links(&mut self, span: Duration) {
        for link in self.links.values_mut() {
            if let State::Dialing { due } | State::Handshake { due, .. } = &mut link.state {
                *due = *due + span;
            }
        }
    }

    /// Closes connections that are overdue.
    pub(super) fn expire_links(&mut self) {
        let (now, patience) = (self.now, self.config.command_timeout);
        let late = |link: &Link| link.due(patience).is_some_and(|due| due <= now);
        let ids: Vec<_> = self.links.iter().filter(|(_, l)| late(l)).map(|(id, _)| *id).collect();
        for id in ids {
            let Some(link) = self.links.get(&id) else { continue };
            let uri = &self.server(link.server).server;
            let what = match link.state {
                State::Dialing { .. } | State::Handshake { .. } => "no first reply within",
                State::Up => "no reply within",
                // Nothing is expected of it any more.
                _ => {
                    self.close_link(id, None);
                    continue;
                }
            };
            let span = if link.is_up() { patience } else { self.config.connect_timeout };
            let message = format!("{uri}: {what} {span:?}");
            self.close_link(id, Some(Error::new(ErrorKind::Timeout, Outcome::Unknown, message)));
        }
    }
}
