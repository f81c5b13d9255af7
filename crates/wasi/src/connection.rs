//! One connection, and every command of the protocol.

use std::rc::Rc;
use std::time::Duration;

use beanwire_core::engine::{Request, ServerId};
use beanwire_core::error::Error;
use beanwire_core::protocol::{Command, Reply};
use beanwire_core::stats::{self, JobStats, ServerStats, TubeStats};
use beanwire_core::types::{JobId, Priority, Seconds, TubeName};
use bytes::Bytes;

use crate::bindings::exports::beanwire::client::connection::{
    self as api, GuestConnection, Job as JobHandle, PeekedJob,
};
use crate::bindings::exports::beanwire::client::types;
use crate::client::Client;
use crate::consumer::Job;
use crate::{convert, open, producer};

pub(crate) struct Connection {
    client: Rc<Client>,
    server: ServerId,
}

impl Connection {
    fn run(&self, command: Command) -> Result<Reply, Error> {
        self.client.command(self.server, command)
    }

    fn done(&self, command: Result<Command, Error>) -> Result<(), types::Error> {
        command.and_then(|command| self.run(command)).map(drop).map_err(convert::error)
    }

    fn count(&self, command: Result<Command, Error>) -> Result<u64, types::Error> {
        let reply = command.and_then(|command| self.run(command)).map_err(convert::error)?;
        match reply {
            Reply::Watching(count) | Reply::KickedCount(count) => Ok(count),
            _ => Err(convert::error(convert::surprise())),
        }
    }

    fn text<T>(
        &self,
        command: Result<Command, Error>,
        read: impl FnOnce(&[u8]) -> Result<T, Error>,
    ) -> Result<T, types::Error> {
        let text = command.and_then(|command| match self.run(command)? {
            Reply::Ok(text) => Ok(text),
            _ => Err(convert::surprise()),
        });
        text.and_then(|text: Bytes| read(&text)).map_err(convert::error)
    }

    fn peeked(&self, command: Result<Command, Error>) -> Result<Option<PeekedJob>, types::Error> {
        let reply = command.and_then(|command| self.run(command)).map_err(convert::error)?;
        match reply {
            Reply::Found(id, body) => Ok(Some(PeekedJob { id: id.0, body: body.to_vec() })),
            Reply::NotFound => Ok(None),
            _ => Err(convert::error(convert::surprise())),
        }
    }

    fn reserved(&self, command: Command) -> Result<Option<JobHandle>, types::Error> {
        let request = Request::Command { server: self.server, command };
        let job = self.client.ask(request, None).and_then(|won| match won {
            beanwire_core::engine::Success::Reply(Reply::TimedOut) => Ok(None),
            won => Job::new(&self.client, won).map(Some),
        });
        Ok(job.map_err(convert::error)?.map(JobHandle::new))
    }

    fn one(&self, command: Command) -> Result<JobHandle, types::Error> {
        self.reserved(command)?.ok_or_else(|| convert::error(convert::surprise()))
    }
}

fn tube(name: String) -> Result<TubeName, Error> {
    TubeName::try_from(name)
}

fn seconds(millis: u64) -> Result<Seconds, Error> {
    Seconds::from_duration("delay", Duration::from_millis(millis))
}

impl GuestConnection for Connection {
    fn open(uri: String, config: Option<types::Config>) -> Result<api::Connection, types::Error> {
        let client = open::single(uri, config).map_err(convert::error)?;
        let server = client.server_at(0).map_err(convert::error)?;
        Ok(api::Connection::new(Self { client, server }))
    }

    fn server(&self) -> String {
        self.client.servers().pop().unwrap_or_default()
    }

    fn ready(&self, timeout_ms: u64) -> Result<(), types::Error> {
        self.client.ready(Duration::from_millis(timeout_ms)).map_err(convert::error)
    }

    fn is_connected(&self) -> bool {
        self.client.current().engine.is_connected()
    }

    fn health(&self) -> types::Health {
        self.client.health()
    }

    fn events(&self) -> Vec<types::Event> {
        self.client.events()
    }

    fn put(
        &self,
        tube: String,
        body: Vec<u8>,
        options: Option<types::PutOptions>,
        timeout_ms: Option<u64>,
    ) -> Result<types::InsertedJob, types::Error> {
        let job = convert::new_job(tube, body, options);
        let job = producer::put(&self.client, job, timeout_ms);
        job.map(convert::inserted_job).map_err(convert::error)
    }

    fn use_tube(&self, name: String) -> Result<(), types::Error> {
        self.done(tube(name).map(Command::Use))
    }

    fn watch(&self, name: String) -> Result<u64, types::Error> {
        self.count(tube(name).map(Command::Watch))
    }

    fn ignore(&self, name: String) -> Result<u64, types::Error> {
        self.count(tube(name).map(Command::Ignore))
    }

    fn reserve(&self) -> Result<JobHandle, types::Error> {
        self.one(Command::Reserve)
    }

    fn reserve_with_timeout(&self, timeout_ms: u64) -> Result<Option<JobHandle>, types::Error> {
        let timeout = Seconds::reserve_timeout(Duration::from_millis(timeout_ms));
        self.reserved(Command::ReserveWithTimeout(timeout.map_err(convert::error)?))
    }

    fn reserve_job(&self, id: u64) -> Result<JobHandle, types::Error> {
        self.one(Command::ReserveJob(JobId(id)))
    }

    fn delete(&self, id: u64) -> Result<(), types::Error> {
        self.done(Ok(Command::Delete(JobId(id))))
    }

    fn release(&self, id: u64, priority: u32, delay_ms: u64) -> Result<(), types::Error> {
        let (id, priority) = (JobId(id), Priority(priority));
        self.done(seconds(delay_ms).map(|delay| Command::Release { id, priority, delay }))
    }

    fn bury(&self, id: u64, priority: u32) -> Result<(), types::Error> {
        self.done(Ok(Command::Bury { id: JobId(id), priority: Priority(priority) }))
    }

    fn touch(&self, id: u64) -> Result<(), types::Error> {
        self.done(Ok(Command::Touch(JobId(id))))
    }

    fn peek(&self, id: u64) -> Result<PeekedJob, types::Error> {
        let job = self.peeked(Ok(Command::Peek(JobId(id))))?;
        job.ok_or_else(|| convert::error(convert::surprise()))
    }

    fn peek_ready(&self, name: String) -> Result<Option<PeekedJob>, types::Error> {
        self.peeked(tube(name).map(Command::PeekReady))
    }

    fn peek_delayed(&self, name: String) -> Result<Option<PeekedJob>, types::Error> {
        self.peeked(tube(name).map(Command::PeekDelayed))
    }

    fn peek_buried(&self, name: String) -> Result<Option<PeekedJob>, types::Error> {
        self.peeked(tube(name).map(Command::PeekBuried))
    }

    fn kick(&self, name: String, bound: u32) -> Result<u64, types::Error> {
        self.count(tube(name).map(|tube| Command::Kick { tube, bound }))
    }

    fn kick_job(&self, id: u64) -> Result<(), types::Error> {
        self.done(Ok(Command::KickJob(JobId(id))))
    }

    fn stats(&self) -> Result<types::ServerStats, types::Error> {
        self.text(Ok(Command::Stats), ServerStats::parse).map(convert::server_stats)
    }

    fn stats_tube(&self, name: String) -> Result<types::TubeStats, types::Error> {
        let command = tube(name).map(Command::StatsTube);
        self.text(command, TubeStats::parse).map(convert::tube_stats)
    }

    fn stats_job(&self, id: u64) -> Result<types::JobStats, types::Error> {
        self.text(Ok(Command::StatsJob(JobId(id))), JobStats::parse).map(convert::job_stats)
    }

    fn list_tubes(&self) -> Result<Vec<String>, types::Error> {
        self.text(Ok(Command::ListTubes), stats::parse_list).map(convert::names)
    }

    fn list_tubes_watched(&self) -> Result<Vec<String>, types::Error> {
        self.text(Ok(Command::ListTubesWatched), stats::parse_list).map(convert::names)
    }

    fn list_tube_used(&self) -> Result<String, types::Error> {
        match self.run(Command::ListTubeUsed).map_err(convert::error)? {
            Reply::Using(tube) => Ok(tube.to_string()),
            _ => Err(convert::error(convert::surprise())),
        }
    }

    fn pause_tube(&self, name: String, delay_ms: u64) -> Result<(), types::Error> {
        let command = tube(name).and_then(|tube| {
            let delay = seconds(delay_ms)?;
            Ok(Command::PauseTube { tube, delay })
        });
        self.done(command)
    }

    fn close(&self, timeout_ms: u64) -> types::CloseReport {
        convert::close_report(self.client.close(Duration::from_millis(timeout_ms)))
    }
}
