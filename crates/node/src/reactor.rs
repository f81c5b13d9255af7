//! The calls of JavaScript.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;

use beanwire::{Config, Error, ErrorKind, Finish, NewJob, Priority, Seconds};
use bytes::Bytes;
use futures_util::StreamExt as _;
use napi::bindgen_prelude::{
    Array, ArrayBuffer, BigInt, Either, Uint8ArraySlice, Uint32Array, Uint32ArraySlice, Unknown,
};
use napi::{Env, Result, Status};
use napi_derive::napi;
use slab::Slab;
use tokio::sync::Mutex;

use crate::commands::{self, Arguments};
use crate::convert;
use crate::kept::{Client, Face, Kept, Role};
use crate::record::{Completion, RECORD, Records};
use crate::runtime::Shared;
use crate::serve::{Embedded, ServeOptions};
use crate::tasks::{Alarm, Tasks};
use crate::value::statistics;

/// All clients of one JavaScript thread, and what they have under way.
///
/// A call that gives a number only notes an operation: the next `turn` starts it, and a record of a
/// later turn tells how it ended.
#[napi]
pub struct Reactor {
    tasks: Tasks,
    kept: Kept,
    records: Uint32Array,
}

#[napi]
impl Reactor {
    /// `wake` is called when operations may have ended; `buffer` is where `turn` writes records.
    #[napi(constructor)]
    pub fn new(env: &Env, wake: Alarm, buffer: ArrayBuffer<'_>) -> Result<Self> {
        let numbers = buffer.len() / size_of::<u32>();
        let records = Uint32ArraySlice::from_arraybuffer(&buffer, 0, numbers)?;
        let records = records.into_typed_array(env)?;
        Ok(Self { tasks: Tasks::new(wake), kept: Kept::default(), records })
    }

    /// Runs what is due, writes records of what has ended, appends their payloads, and tells how
    /// many records there are. If the buffer is full there may be more.
    #[napi(catch_unwind)]
    pub fn turn(&mut self, env: &Env, payloads: Array<'_>) -> Result<u32> {
        let Self { tasks, kept, records } = self;
        // SAFETY: JavaScript reads it on this thread, and not while this runs.
        let numbers = unsafe { records.as_mut() };
        let most = numbers.len() / RECORD;
        let mut records = Records::new(env, numbers, payloads);
        let mut failed = Ok(());
        let ended = beanwire::corked(|| {
            tasks.run(most, |operation, completion| {
                if let Err(error) = records.write(operation, completion, kept) {
                    failed = Err(error);
                }
            })
        });
        failed.map(|()| u32::try_from(ended).unwrap_or(u32::MAX))
    }

    /// Gives an operation up: there will be no record of it.
    #[napi]
    pub fn cancel(&mut self, operation: u32) {
        self.tasks.cancel(operation);
    }

    /// Opens a producer (0), a consumer (1) or a connection (2).
    #[napi]
    pub fn open(
        &mut self,
        role: u32,
        uris: Vec<String>,
        tubes: Vec<String>,
        config: String,
    ) -> u32 {
        let role = match role {
            0 => Role::Producer,
            1 => Role::Consumer(tubes),
            _ => Role::Connection,
        };
        self.start(async move |runtime| {
            let config: Config = serde_json::from_str(&config).map_err(|error| {
                let limit = "the settings of a client";
                Error::invalid_argument("options", &error.to_string(), limit).with_source(error)
            })?;
            let client = Client::open(role, uris, config, runtime).await?;
            let events = client.events();
            Ok(Completion::Opened(Box::new((client, events))))
        })
    }

    /// Forgets a client; it ends in the background.
    #[napi]
    pub fn drop_client(&mut self, client: u32) {
        if let Some(client) = self.kept.clients.try_remove(client as usize) {
            client.abandon();
        }
    }

    /// Puts a job. `delay` and `ttr` are seconds; `timeout` is milliseconds, or below zero for the
    /// configured one.
    #[napi]
    #[allow(clippy::too_many_arguments, reason = "an object would cost more than the call")]
    pub fn put(
        &mut self,
        client: u32,
        tube: String,
        body: Either<Uint8ArraySlice<'_>, String>,
        priority: f64,
        delay: f64,
        ttr: f64,
        timeout: f64,
    ) -> Result<u32> {
        let face = find(&self.kept.clients, client)?.face.clone();
        let body = match body {
            Either::A(bytes) => Bytes::copy_from_slice(&bytes),
            Either::B(text) => Bytes::from(text),
        };
        let job = new_job(tube, body, priority, delay, ttr);
        let timeout = (timeout >= 0.0).then(|| convert::millis(timeout));
        Ok(self.add(async move {
            let job = job?;
            let put = match &face {
                Face::Producer(producer) => producer.put_job(job),
                Face::Connection(connection) => connection.put_job(job),
                Face::Consumer(_) => return Err(no_such("a consumer puts no jobs")),
            };
            let put = match timeout {
                Some(timeout) => put.timeout(timeout),
                None => put,
            };
            put.await.map(Into::into)
        }))
    }

    /// Deletes a job on the server with this place in the producer's list.
    #[napi]
    pub fn delete_job(&mut self, client: u32, server: u32, id: BigInt) -> Result<u32> {
        let client = find(&self.kept.clients, client)?.clone();
        Ok(self.add(async move {
            let Face::Producer(producer) = &client.face else {
                return Err(no_such("only a producer deletes by server and id"));
            };
            let servers = producer.servers();
            let server = servers.get(server as usize).ok_or_else(|| no_such("no such server"))?;
            producer.delete(server, convert::id(&id)?).await.map(Into::into)
        }))
    }

    /// Waits until a connection is up, at most `timeout` milliseconds.
    #[napi]
    pub fn ready(&mut self, client: u32, timeout: f64) -> Result<u32> {
        let client = find(&self.kept.clients, client)?.clone();
        let timeout = convert::millis(timeout);
        Ok(self.add(async move {
            match &client.face {
                Face::Producer(producer) => producer.ready(timeout).await?,
                Face::Consumer(consumer) => consumer.ready(timeout).await?,
                Face::Connection(connection) => connection.ready(timeout).await?,
            }
            Ok(Completion::Done)
        }))
    }

    /// Whether any connection is up.
    #[napi]
    pub fn is_connected(&self, client: u32) -> Result<bool> {
        Ok(find(&self.kept.clients, client)?.is_connected())
    }

    /// A snapshot of every server and connection.
    #[napi]
    pub fn health<'env>(&self, env: &'env Env, client: u32) -> Result<Unknown<'env>> {
        let health = find(&self.kept.clients, client)?.health();
        convert::health(&health).to_js(env)
    }

    /// Closes a client, within `patience` milliseconds.
    #[napi]
    pub fn close(&mut self, client: u32, patience: f64) -> Result<u32> {
        let client = find(&self.kept.clients, client)?.clone();
        let patience = convert::millis(patience);
        Ok(self.add(async move {
            let report = client.close(patience).await;
            Ok(convert::report(report).into())
        }))
    }

    /// Waits for the next event of a stream.
    #[napi]
    pub fn next_event(&mut self, stream: u32) -> Result<u32> {
        let events = Rc::clone(find(&self.kept.event_streams, stream)?);
        Ok(self.add(async move {
            let mut events = events.lock().await;
            Ok(events.next().await.map_or(Completion::Ended, Into::into))
        }))
    }

    /// Ends a stream of events.
    #[napi]
    pub fn close_events(&mut self, stream: u32) {
        drop(self.kept.event_streams.try_remove(stream as usize));
    }

    /// A stream of a consumer's jobs.
    #[napi]
    pub fn jobs(&mut self, client: u32) -> Result<u32> {
        let Face::Consumer(consumer) = &find(&self.kept.clients, client)?.face else {
            return Err(bug("only a consumer has jobs"));
        };
        let jobs = Rc::new(Mutex::new(consumer.jobs()));
        Ok(key(&mut self.kept.job_streams, jobs))
    }

    /// Waits for the next job of a stream.
    #[napi]
    pub fn next_job(&mut self, stream: u32) -> Result<u32> {
        let jobs = Rc::clone(find(&self.kept.job_streams, stream)?);
        Ok(self.add(async move {
            match jobs.lock().await.next().await {
                Some(job) => job.map(Into::into),
                None => Ok(Completion::Ended),
            }
        }))
    }

    /// Ends a stream of jobs; what nobody has goes back.
    #[napi]
    pub fn close_jobs(&mut self, stream: u32) {
        drop(self.kept.job_streams.try_remove(stream as usize));
    }

    /// Deletes (0), releases (1), buries (2) or fails (3) a job, and forgets it, unless an argument is
    /// refused. A priority below zero keeps the job's own; `delay` is seconds.
    #[napi]
    pub fn finish(&mut self, job: u32, how: u32, priority: f64, delay: f64) -> Result<u32> {
        find(&self.kept.jobs, job)?;
        let how = match finish(how, priority, delay) {
            Ok(how) => how,
            Err(error) => return Ok(self.add(async { Err(error) })),
        };
        let job = self.kept.jobs.remove(job as usize);
        Ok(self.add(async move { job.finish_by_ref(how).await.map(Into::into) }))
    }

    /// Starts a job's TTR anew.
    #[napi]
    pub fn touch(&mut self, job: u32) -> Result<u32> {
        let job = Rc::clone(find(&self.kept.jobs, job)?);
        Ok(self.add(async move { job.touch().await.map(Into::into) }))
    }

    /// Milliseconds until a job should be touched.
    #[napi]
    pub fn touch_after(&mut self, job: u32) -> Result<u32> {
        let job = Rc::clone(find(&self.kept.jobs, job)?);
        Ok(self.add(async move { Ok(convert::in_millis(job.touch_after().await?).into()) }))
    }

    /// A job's statistics.
    #[napi]
    pub fn job_stats(&mut self, job: u32) -> Result<u32> {
        let job = Rc::clone(find(&self.kept.jobs, job)?);
        Ok(self.add(async move { Ok(statistics(&job.stats().await?).into()) }))
    }

    /// Waits until a job's reservation is lost.
    #[napi]
    pub fn job_lost(&mut self, job: u32) -> Result<u32> {
        // It must not keep the job: who drops it waits for nothing any more.
        let lost = find(&self.kept.jobs, job)?.lost_token();
        Ok(self.add(async move {
            lost.cancelled().await;
            Ok(Completion::Done)
        }))
    }

    /// Gives a job back unharmed, and forgets it.
    #[napi]
    pub fn give_back(&mut self, job: u32) {
        if let Some(job) = self.kept.jobs.try_remove(job as usize) {
            job.give_back();
        }
    }

    /// Forgets a job; one that is not finished counts as failed.
    #[napi]
    pub fn drop_job(&mut self, job: u32) {
        drop(self.kept.jobs.try_remove(job as usize));
    }

    /// Runs a command on a connection.
    #[napi]
    pub fn command(
        &mut self,
        client: u32,
        name: String,
        tube: String,
        id: BigInt,
        first: f64,
        second: f64,
    ) -> Result<u32> {
        let Face::Connection(connection) = &find(&self.kept.clients, client)?.face else {
            return Err(bug("only a connection runs commands"));
        };
        let connection = connection.clone();
        Ok(self.add(async move {
            let arguments = Arguments { tube, id: convert::id(&id)?, first, second };
            commands::run(connection, &name, arguments).await
        }))
    }

    /// Starts an embedded server.
    #[napi]
    pub fn serve(&mut self, options: ServeOptions) -> u32 {
        self.start(async move |runtime| {
            let server = Embedded::start(options, runtime).await?;
            Ok(Completion::Serving(Box::new(server)))
        })
    }

    /// Has an embedded server do something: see its methods in Rust.
    #[napi]
    pub fn server_do(
        &self,
        server: u32,
        what: String,
        value: Option<napi::bindgen_prelude::Either3<f64, bool, String>>,
    ) -> Result<()> {
        use napi::bindgen_prelude::Either3;
        let server = find(&self.kept.servers, server)?;
        let (number, flag, text) = match value {
            Some(Either3::A(number)) => (number, false, String::new()),
            Some(Either3::B(flag)) => (0.0, flag, String::new()),
            Some(Either3::C(text)) => (0.0, false, text),
            None => (0.0, false, String::new()),
        };
        if server.run(&what, number, flag, &text) {
            return Ok(());
        }
        Err(bug(&format!("a server cannot {what} {text}")))
    }

    /// Stops an embedded server.
    #[napi]
    pub fn stop_server(&mut self, server: u32) -> Result<u32> {
        let server = self.kept.servers.try_remove(server as usize);
        let server = server.ok_or_else(|| bug("no such server"))?;
        Ok(self.add(async move {
            server.stop().await;
            Ok(Completion::Done)
        }))
    }
}

impl Reactor {
    fn add(
        &mut self,
        work: impl Future<Output = std::result::Result<Completion, Error>> + 'static,
    ) -> u32 {
        self.tasks.add(async move { work.await.unwrap_or_else(Completion::Error) })
    }

    /// Notes an operation that needs the runtime around it.
    fn start<F>(&mut self, work: impl FnOnce(Arc<Shared>) -> F + 'static) -> u32
    where
        F: Future<Output = std::result::Result<Completion, Error>> + 'static,
    {
        self.add(async move {
            let runtime = Shared::get().map_err(|error| {
                Error::not_sent(ErrorKind::Unsupported, "no thread to move bytes")
                    .with_source(error)
            })?;
            let mut work = pin!(work(Arc::clone(&runtime)));
            poll_fn(|context| {
                let _inside = runtime.handle().map(tokio::runtime::Handle::enter);
                work.as_mut().poll(context)
            })
            .await
        })
    }
}

fn new_job(
    tube: String,
    body: Bytes,
    priority: f64,
    delay: f64,
    ttr: f64,
) -> std::result::Result<NewJob, Error> {
    let priority = Priority(convert::whole("priority", priority)?);
    let (delay, ttr) = (convert::seconds("delay", delay)?, convert::seconds("ttr", ttr)?);
    NewJob::new(tube.as_str(), body)?.priority(priority).delay(delay)?.ttr(ttr)
}

fn finish(how: u32, priority: f64, delay: f64) -> std::result::Result<Finish, Error> {
    let priority = match priority {
        keep if keep < 0.0 => None,
        priority => Some(Priority(convert::whole("priority", priority)?)),
    };
    Ok(match how {
        0 => Finish::Delete,
        1 => {
            let delay = convert::seconds("delay", delay)?;
            Finish::Release { priority, delay: Seconds::from_duration("delay", delay)? }
        }
        2 => Finish::Bury { priority },
        _ => Finish::Fail,
    })
}

fn find<T>(kept: &Slab<T>, key: u32) -> Result<&T> {
    kept.get(key as usize).ok_or_else(|| bug("no such handle"))
}

fn key<T>(kept: &mut Slab<T>, value: T) -> u32 {
    u32::try_from(kept.insert(value)).unwrap_or(u32::MAX)
}

/// What only a mistake in the package itself can cause.
fn bug(what: &str) -> napi::Error {
    napi::Error::new(Status::InvalidArg, format!("beanwire: {what}"))
}

fn no_such(what: &str) -> Error {
    Error::not_sent(ErrorKind::Unsupported, what)
}
