//! Putting jobs through a pool of connections.

use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use beanwire_core::engine::{InsertedJob, NewJob, OpId, Request, Role};
use beanwire_core::error::Error;
use beanwire_core::protocol::Command;
use beanwire_core::types::{Instant, JobId};

use crate::bindings::exports::beanwire::client::producer::{self as api, GuestProducer};
use crate::bindings::exports::beanwire::client::types;
use crate::client::Client;
use crate::{convert, instance, open};

/// Most puts that are under way at once.
const MAX_BATCH: usize = 4096;

/// With so many of them the server begins while the others are read.
const HEAD_STARTS: [usize; 2] = [32, 256];

pub(crate) struct Producer {
    client: Rc<Client>,
}

impl GuestProducer for Producer {
    fn open(
        uris: Vec<String>,
        config: Option<types::Config>,
    ) -> Result<api::Producer, types::Error> {
        let client = open::pool(Role::Producer, &uris, config).map_err(convert::error)?;
        Ok(api::Producer::new(Self { client }))
    }

    fn put(
        &self,
        tube: String,
        body: Vec<u8>,
        options: Option<types::PutOptions>,
        timeout_ms: Option<u64>,
    ) -> Result<types::InsertedJob, types::Error> {
        let job = convert::new_job(tube, body, options);
        put(&self.client, job, timeout_ms).map(convert::inserted_job).map_err(convert::error)
    }

    fn put_many(
        &self,
        jobs: Vec<types::NewJob>,
        timeout_ms: Option<u64>,
    ) -> Vec<Result<types::InsertedJob, types::Error>> {
        let jobs = jobs.into_iter().map(|job| convert::new_job(job.tube, job.body, job.options));
        let mut batch = Batch::new(&self.client, jobs.len(), timeout_ms);
        batch.put_all(jobs);
        let results = batch.results.into_iter().flatten();
        results.map(|put| put.map(convert::inserted_job).map_err(convert::error)).collect()
    }

    fn delete(&self, server: u32, id: u64) -> Result<(), types::Error> {
        let server = self.client.server_at(server).map_err(convert::error)?;
        let reply = self.client.command(server, Command::Delete(JobId(id)));
        reply.map(drop).map_err(convert::error)
    }

    fn ready(&self, timeout_ms: u64) -> Result<(), types::Error> {
        self.client.ready(Duration::from_millis(timeout_ms)).map_err(convert::error)
    }

    fn is_connected(&self) -> bool {
        self.client.current().engine.is_connected()
    }

    fn servers(&self) -> Vec<String> {
        self.client.servers()
    }

    fn health(&self) -> types::Health {
        self.client.health()
    }

    fn events(&self) -> Vec<types::Event> {
        self.client.events()
    }

    fn close(&self, timeout_ms: u64) -> types::CloseReport {
        convert::close_report(self.client.close(Duration::from_millis(timeout_ms)))
    }
}

/// Puts one job.
pub(crate) fn put(
    client: &Client,
    job: Result<NewJob, Error>,
    timeout_ms: Option<u64>,
) -> Result<InsertedJob, Error> {
    let job = job?;
    let deadline = deadline(client, timeout_ms);
    convert::inserted(client.ask(Request::Put(job), deadline)?)
}

fn deadline(client: &Client, timeout_ms: Option<u64>) -> Option<Instant> {
    convert::put_deadline(&client.current().engine, instance::now(), timeout_ms)
}

/// Many puts, of which as many are under way as there is room for.
struct Batch<'a> {
    client: &'a Client,
    deadline: Option<Instant>,
    /// What waiting puts may count at most.
    room: usize,
    results: Vec<Option<Result<InsertedJob, Error>>>,
    /// Those under way, by their place among the results, with the room that they take.
    pending: VecDeque<(OpId, usize, usize)>,
}

impl<'a> Batch<'a> {
    fn new(client: &'a Client, count: usize, timeout_ms: Option<u64>) -> Self {
        let deadline = deadline(client, timeout_ms);
        let room = client.current().engine.config().max_pending_bytes;
        let results = Vec::with_capacity(count);
        Self { client, deadline, room, results, pending: VecDeque::new() }
    }

    fn put_all(&mut self, jobs: impl Iterator<Item = Result<NewJob, Error>>) {
        for job in jobs {
            let place = self.results.len();
            match job {
                Err(error) => self.results.push(Some(Err(error))),
                Ok(job) => {
                    let cost = NewJob::cost(job.body.len());
                    self.make_room(cost);
                    let taken = cost.min(self.room);
                    self.room -= taken;
                    let op = self.client.state().submit(Request::Put(job), self.deadline);
                    self.pending.push_back((op, place, taken));
                    self.results.push(None);
                    if HEAD_STARTS.contains(&self.pending.len()) {
                        self.client.state().step(instance::now());
                    }
                }
            }
        }
        while !self.pending.is_empty() {
            self.await_oldest();
        }
    }

    /// A job that is larger than all the room goes alone.
    fn make_room(&mut self, cost: usize) {
        while !self.pending.is_empty() && (cost > self.room || self.pending.len() >= MAX_BATCH) {
            self.await_oldest();
        }
    }

    /// Waits for the oldest put, and takes what else has ended with it.
    fn await_oldest(&mut self) {
        let Some(&(oldest, ..)) = self.pending.front() else { return };
        let mut result = Some(self.client.wait_for(oldest));
        while let Some(won) = result.take() {
            if let Some((_, place, taken)) = self.pending.pop_front() {
                self.room += taken;
                if let Some(slot) = self.results.get_mut(place) {
                    *slot = Some(won.and_then(convert::inserted));
                }
            }
            let next = self.pending.front().map(|(op, ..)| *op);
            result = next.and_then(|op| self.client.state().take_result(op));
        }
    }
}
