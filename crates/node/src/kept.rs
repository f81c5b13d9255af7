//! What is kept on this side and known by a number on the other.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use beanwire::{
    CloseReport, Config, Connection, Consumer, Error, Events, Health, Job, Jobs, Producer, Server,
};
use slab::Slab;
use tokio::sync::Mutex;

use crate::convert;
use crate::runtime::Shared;
use crate::serve::Embedded;
use crate::value::Value;

/// How long a client that JavaScript has forgotten may take for what is under way.
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Debug, Default)]
pub(crate) struct Kept {
    pub(crate) clients: Slab<Client>,
    pub(crate) jobs: Slab<Rc<Job>>,
    pub(crate) job_streams: Slab<Rc<Mutex<Jobs>>>,
    pub(crate) event_streams: Slab<Rc<Mutex<EventStream>>>,
    pub(crate) servers: Slab<Embedded>,
}

impl Kept {
    pub(crate) fn add_events(&mut self, events: Events) -> usize {
        let stream = EventStream { events, missed: 0, held: None };
        self.event_streams.insert(Rc::new(Mutex::new(stream)))
    }
}

/// Events as JavaScript is told of them.
#[derive(Debug)]
pub(crate) struct EventStream {
    events: Events,
    /// How many missed ones were told of.
    missed: u64,
    /// What came behind missed ones.
    held: Option<Value>,
}

impl EventStream {
    pub(crate) async fn next(&mut self) -> Option<Value> {
        loop {
            if let Some(held) = self.held.take() {
                return Some(held);
            }
            let event = convert::event(&self.events.next().await?);
            let missed = self.events.missed() - self.missed;
            if missed == 0 {
                if event.is_some() {
                    return event;
                }
                continue;
            }
            self.missed += missed;
            self.held = event;
            return Some(convert::missed(missed));
        }
    }
}

/// A client, and the runtime that moves its bytes.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    pub(crate) face: Face,
    runtime: Arc<Shared>,
}

#[derive(Debug, Clone)]
pub(crate) enum Face {
    Producer(Producer),
    Consumer(Consumer),
    Connection(Connection),
}

/// The same call on whichever it is.
macro_rules! on_each {
    ($self:ident, $face:ident => $call:expr) => {
        match &$self.face {
            Face::Producer($face) => $call,
            Face::Consumer($face) => $call,
            Face::Connection($face) => $call,
        }
    };
}

/// What a client is for.
#[derive(Debug, Clone)]
pub(crate) enum Role {
    Producer,
    Consumer(Vec<String>),
    Connection,
}

impl Client {
    pub(crate) async fn open(
        role: Role,
        uris: Vec<String>,
        config: Config,
        runtime: Arc<Shared>,
    ) -> Result<Self, Error> {
        let face = match role {
            Role::Producer => Face::Producer(Producer::open(uris, config).await?),
            Role::Consumer(tubes) => {
                let tubes = tubes.iter().map(String::as_str);
                Face::Consumer(Consumer::open(uris, tubes, config).await?)
            }
            Role::Connection => {
                let uri = uris.into_iter().next().unwrap_or_default();
                Face::Connection(Connection::open(uri, config).await?)
            }
        };
        Ok(Self { face, runtime })
    }

    pub(crate) fn servers(&self) -> Vec<Server> {
        match &self.face {
            Face::Producer(producer) => producer.servers(),
            Face::Consumer(consumer) => consumer.servers(),
            Face::Connection(connection) => vec![connection.server().clone()],
        }
    }

    pub(crate) fn is_connected(&self) -> bool {
        on_each!(self, face => face.is_connected())
    }

    pub(crate) fn health(&self) -> Health {
        on_each!(self, face => face.health())
    }

    pub(crate) fn events(&self) -> Events {
        on_each!(self, face => face.events())
    }

    pub(crate) async fn close(&self, patience: Duration) -> CloseReport {
        on_each!(self, face => face.close(patience).await)
    }

    /// Ends it in the background.
    pub(crate) fn abandon(self) {
        let runtime = Arc::clone(&self.runtime);
        runtime.spawn(async move {
            self.close(PATIENCE).await;
        });
    }
}
