//! The driver of the simulated clients: does what their engines want done.

use beanwire_core::engine::{LinkId, Output};
use beanwire_core::error::Error;
use beanwire_core::types::Instant;
use bytes::BytesMut;
use rand::RngExt as _;

use crate::client::Client;
use crate::network::{Pipe, Side, Wire, WireId};
use crate::observer::Observer;
use crate::world::{Event, World, broken};

/// More alarms than this at one instant are a loop without end.
const MAX_RINGS: u32 = 1000;

impl World {
    /// Calls an engine and does what it wants done.
    pub(crate) fn drive<R>(
        &mut self,
        client: usize,
        call: impl FnOnce(&mut Client, Instant) -> R,
    ) -> R {
        let state = &mut self.clients[client];
        let clock = state.clock(self.now);
        let result = call(state, clock);
        while let Some(output) = self.clients[client].engine.poll_output() {
            match output {
                Output::Connect { link, server } => {
                    let server = self.clients[client].server(&server);
                    self.connect(client, link, server);
                }
                Output::Transmit(link) => self.transmit(client, link),
                Output::HalfClose(link) => {
                    self.transmit(client, link);
                    let wire = self.clients[client].wires[&link];
                    self.wires[wire.0].ending = true;
                    self.wires[wire.0].flush();
                    self.arrive(wire, Side::Server);
                }
                Output::Close(link) => {
                    let wire = self.clients[client].wires[&link];
                    self.wires[wire.0].to_server.ended = true;
                    self.arrive(wire, Side::Server);
                    let after = self.latency();
                    self.schedule(after, Event::Closed(wire));
                }
                Output::Complete(op, result) => self.completed(client, op, result),
                Output::Event(event) => self.told(client, event),
                Output::Closed(report) => {
                    if self.clients[client].report.replace(report).is_some() {
                        self.fail(format!("client {client} closed twice"));
                    }
                }
            }
        }
        self.set_alarm(client);
        result
    }

    pub(crate) fn set_alarm(&mut self, client: usize) {
        let state = &mut self.clients[client];
        let Some(at) = state.engine.poll_timeout() else { return };
        let at = state.world(at).max(self.now);
        if state.alarm.is_none_or(|alarm| at < alarm) {
            state.alarm = Some(at);
            self.schedule_at(at, Event::Alarm(client));
        }
    }

    pub(crate) fn ring(&mut self, client: usize) {
        let now = self.now;
        let state = &mut self.clients[client];
        state.alarm = None;
        let due = state.engine.poll_timeout().is_some_and(|at| at <= state.clock(now));
        if !due {
            return self.set_alarm(client);
        }
        let (at, rings) = state.rings;
        state.rings = if at == now { (now, rings + 1) } else { (now, 1) };
        if rings > MAX_RINGS {
            self.fail(format!("the alarm of client {client} rings for ever"));
        }
        self.drive(client, |client, clock| client.engine.handle_timer(clock));
    }

    fn connect(&mut self, client: usize, link: LinkId, server: usize) {
        let id = WireId(self.wires.len());
        let consumer = self.clients[client].is_consumer();
        let epoch = self.servers[server].epoch;
        let wire = Wire {
            client,
            link,
            server,
            accepted: None,
            open: true,
            to_server: Pipe::default(),
            to_client: Pipe::default(),
            unsent: BytesMut::new(),
            ending: false,
            input: BytesMut::new(),
            capacity: self.rng.random_range(64..100_000),
            observer: Observer::new(id, server, epoch, consumer),
        };
        self.wires.push(wire);
        self.clients[client].wires.insert(link, id);
        let after = self.latency();
        self.schedule(after, Event::Connected(id));
    }

    pub(crate) fn connected(&mut self, id: WireId) {
        let wire = &self.wires[id.0];
        let (client, link, server) = (wire.client, wire.link, wire.server);
        if !wire.open || wire.to_server.ended {
            return;
        }
        if self.servers[server].refuses_until > self.now {
            return self.close_wire(id, Some(broken("refused")));
        }
        // It may have been replaced since the dial.
        let consumer = self.clients[client].is_consumer();
        let epoch = self.servers[server].epoch;
        self.wires[id.0].observer = Observer::new(id, server, epoch, consumer);
        let now = self.now;
        let accepted = self.servers[server].machine.connect(now);
        self.servers[server].accepted.insert(accepted, id);
        self.wires[id.0].accepted = Some(accepted);
        self.note(|| format!("{id:?} of client {client} is up at server {server}"));
        self.drive(client, |client, clock| client.engine.handle_connected(clock, link));
    }

    pub(crate) fn transmit(&mut self, client: usize, link: LinkId) {
        let Some(&id) = self.clients[client].wires.get(&link) else { return };
        let clock = self.clients[client].clock(self.now);
        while self.wires[id.0].unsent.is_empty() {
            let mut out = Vec::new();
            self.clients[client].engine.take(clock, link, &mut out);
            if out.is_empty() {
                break;
            }
            let wire = &mut self.wires[id.0];
            out.iter().for_each(|bytes| wire.unsent.extend_from_slice(bytes));
            wire.flush();
            self.note(|| {
                let bytes = out.concat();
                format!("{id:?} > {:?}", String::from_utf8_lossy(&bytes[..bytes.len().min(90)]))
            });
        }
        self.arrive(id, Side::Server);
    }

    /// The end of a connection reaches its client, or was what the client wanted.
    pub(crate) fn close_wire(&mut self, id: WireId, error: Option<Error>) {
        let wire = &mut self.wires[id.0];
        if !std::mem::replace(&mut wire.open, false) {
            return;
        }
        let (client, link) = (wire.client, wire.link);
        let unwritten = wire.unsent.len() as u64;
        wire.unsent.clear();
        wire.to_server.ended = true;
        self.arrive(id, Side::Server);
        self.note(|| format!("{id:?} of client {client} is closed"));
        self.drive(client, |client, clock| {
            client.wires.remove(&link);
            client.engine.handle_closed(clock, link, unwritten, error);
        });
        self.check_told(client, id);
    }
}
