//! The load: jobs put, then consumed, and how long each took.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use beanwire::{
    Config, Consumer, Delivery, InsertedJob, JobId, NewJob, Priority, Producer, ServerUri, TubeName,
};
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use hdrhistogram::Histogram;
use tokio::task::JoinSet;

use super::Args;
use crate::context::Context;
use crate::failure::Failure;
use crate::progress::Progress;
use crate::stop::Stop;

/// Jobs of others that are held at once, at most.
const HELD: usize = 1000;

/// How long clients may take to close.
const CLOSE: Duration = Duration::from_secs(5);

/// How one phase went.
#[derive(Debug, Clone)]
pub(crate) struct Phase {
    pub(crate) time: Duration,
    /// Latencies in nanoseconds.
    pub(crate) latency: Histogram<u64>,
}

/// Ids of jobs that were put and not deleted, by server.
#[derive(Debug, Clone, Default)]
pub(crate) struct Left {
    ids: HashMap<ServerUri, HashSet<u64>>,
    /// Whether a put had no answer: there may be jobs without a known id.
    doubt: bool,
}

impl Left {
    pub(crate) fn is_clean(&self) -> bool {
        !self.doubt && self.ids.values().all(HashSet::is_empty)
    }

    pub(crate) fn ids_on(&self, server: &ServerUri) -> HashSet<u64> {
        self.ids.get(server).cloned().unwrap_or_default()
    }

    fn add(&mut self, job: &InsertedJob) {
        self.ids.entry(job.server.uri().clone()).or_default().insert(job.id.0);
    }

    fn has(&self, server: &ServerUri, id: JobId) -> bool {
        self.ids.get(server).is_some_and(|ids| ids.contains(&id.0))
    }

    fn remove(&mut self, server: &ServerUri, id: JobId) {
        if let Some(ids) = self.ids.get_mut(server) {
            ids.remove(&id.0);
        }
    }
}

/// What is to be done, and what came of it so far.
pub(crate) struct Load {
    uris: Vec<String>,
    config: Config,
    stop: Stop,
    tube: TubeName,
    jobs: u64,
    in_flight: usize,
    body: Bytes,
    left: Mutex<Left>,
}

impl Load {
    pub(crate) fn new(context: &Context, tube: TubeName, args: &Args) -> Arc<Self> {
        let mut config = context.config.clone();
        config.multiply = args.connections.into();
        config.max_connections = Some(args.connections.into());
        config.concurrency = args.in_flight.into();
        // A job that exists twice would be consumed by nobody.
        config.delivery = Delivery::AtMostOnce;
        Arc::new(Self {
            uris: context.uris(),
            config,
            stop: context.stop.clone(),
            tube,
            jobs: args.jobs,
            in_flight: args.in_flight.into(),
            body: Bytes::from(vec![b'x'; usize::try_from(args.size).unwrap_or(usize::MAX)]),
            left: Mutex::default(),
        })
    }

    /// Puts and consumes, until all is done or the program is asked to stop.
    pub(crate) async fn run(
        self: &Arc<Self>,
        context: &Context,
    ) -> Result<(Phase, Phase), Failure> {
        let producer = Producer::open(&self.uris, self.config.clone()).await?;
        let put = self.put(&producer, context).await;
        producer.close(CLOSE).await;
        let put = put?;
        let consumer = Consumer::open(&self.uris, [&self.tube], self.config.clone()).await?;
        let consume = self.consume(&consumer, context).await;
        consumer.close(CLOSE).await;
        Ok((put, consume?))
    }

    /// What is left to be deleted.
    pub(crate) fn left(&self) -> Left {
        self.with_left(|left| left.clone())
    }

    fn with_left<T>(&self, work: impl FnOnce(&mut Left) -> T) -> T {
        work(&mut self.left.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn put(&self, producer: &Producer, context: &Context) -> Result<Phase, Failure> {
        producer.ready(self.config.connect_timeout).await?;
        let clock = Clock::new(context, "put", self.jobs)?;
        let job = NewJob::new(&self.tube, self.body.clone())?.priority(Priority(0));
        let puts = stream::iter(0..self.jobs)
            .take_until(self.stop.soon.cancelled())
            .map(|_| async {
                let start = Instant::now();
                let done = producer.put_job(job.clone()).await;
                (start.elapsed(), done)
            })
            .buffer_unordered(self.in_flight);
        let mut puts = std::pin::pin!(puts);
        let mut failed = None;
        while let Some((time, done)) = puts.next().await {
            match done {
                Ok(job) => {
                    clock.record(time);
                    self.with_left(|left| left.add(&job));
                }
                // The others that are under way may be lost as well, and none of them is known.
                Err(error) => {
                    self.with_left(|left| left.doubt = true);
                    failed = Some(error);
                    break;
                }
            }
        }
        match failed {
            None => Ok(clock.stop()),
            Some(error) => Err(Failure::from(error).about("put")),
        }
    }

    async fn consume(
        self: &Arc<Self>,
        consumer: &Consumer,
        context: &Context,
    ) -> Result<Phase, Failure> {
        let jobs = self.with_left(|left| left.ids.values().map(HashSet::len).sum::<usize>()) as u64;
        consumer.ready(self.config.connect_timeout).await?;
        let clock = Arc::new(Clock::new(context, "consumed", jobs)?);
        let tickets = Arc::new(AtomicU64::new(jobs));
        let held = Arc::new(Mutex::new(Vec::new()));
        let mut workers = JoinSet::new();
        for _ in 0..self.in_flight {
            let (load, consumer, clock) = (Arc::clone(self), consumer.clone(), Arc::clone(&clock));
            let (tickets, held) = (Arc::clone(&tickets), Arc::clone(&held));
            workers.spawn(async move {
                let take = |left: u64| left.checked_sub(1);
                while tickets.try_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok() {
                    if !load.consume_one(&consumer, &clock, &held).await? {
                        break;
                    }
                }
                Ok(())
            });
        }
        let mut result = Ok(());
        while let Some(ended) = workers.join_next().await {
            let ended = ended.map_err(|error| Failure::refused(format!("a worker: {error}")));
            let failed: Result<(), Failure> = ended.and_then(|ended| ended);
            if failed.is_err() && result.is_ok() {
                result = failed;
                workers.abort_all();
            }
        }
        let held: Vec<beanwire::Job> =
            std::mem::take(&mut *held.lock().unwrap_or_else(PoisonError::into_inner));
        held.iter().for_each(beanwire::Job::give_back);
        drop(held);
        result.map_err(|failure| failure.about("consume"))?;
        Ok(clock.stop())
    }

    /// Reserves and deletes a job of this load; false if there is to be no other.
    async fn consume_one(
        &self,
        consumer: &Consumer,
        clock: &Clock,
        held: &Mutex<Vec<beanwire::Job>>,
    ) -> Result<bool, Failure> {
        let patience = self.config.connect_timeout + self.config.command_timeout;
        let start = Instant::now();
        loop {
            let job = tokio::select! {
                job = tokio::time::timeout(patience, consumer.next_job()) => job,
                () = self.stop.soon.cancelled() => return Ok(false),
            };
            let job = job.map_err(|_| missing(patience))??;
            let (server, id) = (job.server().uri().clone(), job.id());
            if self.with_left(|left| left.has(&server, id)) {
                job.delete().await?;
                clock.record(start.elapsed());
                self.with_left(|left| left.remove(&server, id));
                return Ok(true);
            }
            let mut held = held.lock().unwrap_or_else(PoisonError::into_inner);
            if held.len() == HELD {
                return Err(Failure::refused("too many jobs of others with priority 0 come first"));
            }
            held.push(job);
        }
    }
}

fn missing(patience: Duration) -> Failure {
    let message = format!("no job came for {} s", patience.as_secs());
    let hint = "the server is gone, or somebody else consumes from the tube";
    Failure::refused(message).hint(hint)
}

/// Measures a phase and shows how far it is.
struct Clock {
    start: Instant,
    seen: Mutex<(Histogram<u64>, Progress)>,
}

impl Clock {
    fn new(context: &Context, verb: &'static str, jobs: u64) -> Result<Self, Failure> {
        let mut progress = Progress::new(context, verb);
        progress.expect(jobs);
        // Three digits are kept of each.
        let latency = Histogram::new(3).map_err(|error| Failure::refused(error.to_string()))?;
        Ok(Self { start: Instant::now(), seen: Mutex::new((latency, progress)) })
    }

    fn record(&self, time: Duration) {
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let (latency, progress) = &mut *self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        // It grows for as long as the number of nanoseconds can be counted.
        if latency.record(nanos).is_err() {
            latency.saturating_record(nanos);
        }
        progress.add(1);
    }

    fn stop(&self) -> Phase {
        let time = self.start.elapsed();
        let (latency, _) = &*self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        Phase { time, latency: latency.clone() }
    }
}
