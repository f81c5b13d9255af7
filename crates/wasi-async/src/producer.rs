//! Putting jobs through a pool of connections.

use std::rc::Rc;
use std::time::Duration;

use beanwire_core::engine::{NewJob, Request, Role, Success};
use beanwire_core::error::Error;
use beanwire_core::types::Instant;
use futures::future::join_all;

use crate::bindings::exports::beanwire::client::types;
use crate::bindings::exports::beanwire::client_async::producer::{self as api, GuestProducer};
use crate::call::Call;
use crate::driver::Client;
use crate::{convert, open, time};

/// Most puts of one call that are under way at once.
const MAX_BATCH: usize = 4096;

pub(crate) struct Producer {
    client: Rc<Client>,
}

impl GuestProducer for Producer {
    async fn open(
        uris: Vec<String>,
        config: Option<types::Config>,
    ) -> Result<api::Producer, types::Error> {
        let client = open::pool(Role::Producer, &uris, config).await.map_err(convert::error)?;
        Ok(api::Producer::new(Self { client }))
    }

    fn servers(&self) -> Vec<String> {
        convert::servers(&self.client.state().engine)
    }

    async fn put(
        &self,
        tube: String,
        body: Vec<u8>,
        options: Option<types::PutOptions>,
        timeout_ms: Option<u64>,
    ) -> Result<types::InsertedJob, types::Error> {
        let job = convert::new_job(tube, body, options).map_err(convert::error)?;
        told(self.client.submit(Request::Put(job), self.deadline(timeout_ms)).await)
    }

    async fn put_many(
        &self,
        jobs: Vec<types::NewJob>,
        timeout_ms: Option<u64>,
    ) -> Vec<Result<types::InsertedJob, types::Error>> {
        let deadline = self.deadline(timeout_ms);
        let mut jobs = jobs
            .into_iter()
            .map(|job| convert::new_job(job.tube, job.body, job.options))
            .peekable();
        let mut results = Vec::with_capacity(jobs.len());
        while jobs.peek().is_some() {
            let mut room = self.client.state().engine.config().max_pending_bytes;
            let mut batch = Vec::new();
            // A job that is larger than all the room goes alone.
            while batch.len() < MAX_BATCH
                && let Some(job) = jobs.next_if(|job| batch.is_empty() || cost(job) <= room)
            {
                room = room.saturating_sub(cost(&job));
                batch.push(job.map(|job| self.client.submit(Request::Put(job), deadline)));
            }
            results.extend(join_all(batch.into_iter().map(put)).await);
        }
        results
    }

    async fn close(&self, timeout_ms: u64) -> types::CloseReport {
        convert::close_report(self.client.close(Duration::from_millis(timeout_ms)).await)
    }
}

impl Producer {
    fn deadline(&self, timeout_ms: Option<u64>) -> Option<Instant> {
        convert::put_deadline(&self.client.state().engine, time::now(), timeout_ms)
    }
}

/// What the job counts while it waits.
fn cost(job: &Result<NewJob, Error>) -> usize {
    job.as_ref().map_or(0, |job| NewJob::cost(job.body.len()))
}

async fn put(call: Result<Call, Error>) -> Result<types::InsertedJob, types::Error> {
    told(match call {
        Ok(call) => call.await,
        Err(error) => Err(error),
    })
}

fn told(won: Result<Success, Error>) -> Result<types::InsertedJob, types::Error> {
    won.and_then(convert::inserted).map(convert::inserted_job).map_err(convert::error)
}
