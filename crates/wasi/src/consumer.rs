//! Reserving jobs through a pool of connections.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use beanwire_core::engine::{Finish, Request, ReservedJob, Role, Success};
use beanwire_core::error::{Error, ErrorKind};
use beanwire_core::types::{Instant, Priority, Seconds};

use crate::bindings::exports::beanwire::client::consumer::{self as api, GuestConsumer, GuestJob};
use crate::bindings::exports::beanwire::client::types;
use crate::client::Client;
use crate::{convert, instance, open};

/// Most jobs of one call.
const MAX_JOBS: u32 = 65536;

pub(crate) struct Consumer {
    client: Rc<Client>,
}

/// A reserved job.
pub(crate) struct Job {
    client: Rc<Client>,
    job: ReservedJob,
    finished: Cell<bool>,
}

impl GuestConsumer for Consumer {
    fn open(
        uris: Vec<String>,
        tubes: Vec<String>,
        config: Option<types::Config>,
    ) -> Result<api::Consumer, types::Error> {
        let role = convert::tubes(tubes).map(Role::Consumer).map_err(convert::error)?;
        let client = open::pool(role, &uris, config).map_err(convert::error)?;
        Ok(api::Consumer::new(Self { client }))
    }

    fn receive(&self, timeout_ms: u64) -> Result<Option<api::Job>, types::Error> {
        let jobs = self.receive_up_to(1, timeout_ms).map_err(convert::error)?;
        Ok(jobs.into_iter().next().map(api::Job::new))
    }

    fn receive_many(&self, max: u32, timeout_ms: u64) -> Result<Vec<api::Job>, types::Error> {
        if !(1..=MAX_JOBS).contains(&max) {
            let limit = format!("1 to {MAX_JOBS}");
            let error = Error::invalid_argument("max", &max.to_string(), &limit);
            return Err(convert::error(error));
        }
        let jobs = self.receive_up_to(max, timeout_ms).map_err(convert::error)?;
        Ok(jobs.into_iter().map(api::Job::new).collect())
    }

    fn delete_many(jobs: Vec<api::JobBorrow<'_>>) -> Vec<Result<(), types::Error>> {
        instance::catch_up();
        let jobs: Vec<&Job> = jobs.iter().map(|job| job.get()).collect();
        let started: Vec<_> = jobs.iter().map(|job| job.start(Finish::Delete)).collect();
        let ended = jobs.iter().zip(started).map(|(job, op)| job.client.wait_for(op?));
        ended.map(|result| result.map(drop).map_err(convert::error)).collect()
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

impl Consumer {
    /// What there is, or the first job that comes with what comes along. Afterwards nothing is
    /// reserved any more: it would wait for a caller who may never come.
    fn receive_up_to(&self, max: u32, timeout_ms: u64) -> Result<Vec<Job>, Error> {
        instance::catch_up();
        let timeout = Some(timeout_ms).filter(|timeout| *timeout > 0);
        let deadline = timeout.map(|timeout| instance::now() + Duration::from_millis(timeout));
        let mut jobs = Vec::new();
        let result = self.receive_into(&mut jobs, max, deadline);
        self.client.state().engine.pause_if_unused(instance::now());
        self.client.come_to_rest();
        match result {
            // Whoever has a job has no use for the error that came behind it.
            Err(error) if jobs.is_empty() => Err(error),
            _ => Ok(jobs),
        }
    }

    fn receive_into(
        &self,
        jobs: &mut Vec<Job>,
        max: u32,
        deadline: Option<Instant>,
    ) -> Result<(), Error> {
        // One that may wait need not ask before.
        if max > 1 || deadline.is_none() {
            self.take_ready(jobs, max, deadline)?;
        }
        if let Some(deadline) = deadline
            && jobs.is_empty()
            && self.wait_for_one(jobs, deadline)?
        {
            self.take_ready(jobs, max - 1, Some(deadline))?;
        }
        Ok(())
    }

    /// Takes at most `count` jobs that are ready now.
    fn take_ready(
        &self,
        jobs: &mut Vec<Job>,
        count: u32,
        deadline: Option<Instant>,
    ) -> Result<(), Error> {
        let mut state = self.client.state();
        let ops: Vec<_> = (0..count).map(|_| state.submit(Request::TryReceive, deadline)).collect();
        drop(state);
        let mut outcome = Ok(());
        for op in ops {
            match self.client.wait_for(op) {
                Ok(Success::Done) => {}
                won => match won.and_then(|won| self.job(won)) {
                    Ok(job) => jobs.push(job),
                    Err(error) if error.kind() == ErrorKind::Timeout => {}
                    Err(error) => outcome = Err(error),
                },
            }
        }
        outcome
    }

    /// Waits for a job; false if none came in time.
    fn wait_for_one(&self, jobs: &mut Vec<Job>, deadline: Instant) -> Result<bool, Error> {
        let mut state = self.client.state();
        let receive = state.submit(Request::Receive, Some(deadline));
        // It fails if no server can ever be reached, which the other one waits for.
        let ready = state.submit(Request::Ready, Some(deadline));
        drop(state);
        let won = instance::run(&self.client, |state| {
            if let Some(Err(error)) = state.take_result(ready)
                && error.kind() != ErrorKind::Disconnected
            {
                return Some(Err(error));
            }
            state.take_result(receive)
        });
        let mut state = self.client.state();
        state.cancel(ready);
        state.cancel(receive);
        drop(state);
        match won.and_then(|won| self.job(won)) {
            Ok(job) => jobs.push(job),
            Err(error) if error.kind() == ErrorKind::Timeout => return Ok(false),
            Err(error) => return Err(error),
        }
        Ok(true)
    }

    fn job(&self, won: Success) -> Result<Job, Error> {
        Job::new(&self.client, won)
    }
}

impl Job {
    pub(crate) fn new(client: &Rc<Client>, won: Success) -> Result<Self, Error> {
        match won {
            Success::Reserved(job) => {
                Ok(Self { client: Rc::clone(client), job, finished: Cell::new(false) })
            }
            _ => Err(convert::surprise()),
        }
    }

    /// Starts to finish it, which can be done once.
    fn start(&self, how: Finish) -> Result<beanwire_core::engine::OpId, Error> {
        if self.finished.replace(true) {
            return Err(convert::finished_before(self.job.id));
        }
        let request = Request::Finish { lease: self.job.lease, how };
        Ok(self.client.state().submit(request, None))
    }

    fn finish(&self, how: Finish) -> Result<(), types::Error> {
        instance::catch_up();
        let result = self.start(how).and_then(|op| self.client.wait_for(op));
        result.map(drop).map_err(convert::error)
    }

    fn ask_stats(&self) -> Result<beanwire_core::stats::JobStats, Error> {
        match self.client.ask(Request::JobStats(self.job.lease), None)? {
            Success::JobStats(stats) => Ok(*stats),
            _ => Err(convert::surprise()),
        }
    }

    fn known_touch_after(&self) -> Option<Duration> {
        self.client.current().engine.touch_after(instance::now(), self.job.lease)
    }
}

impl GuestJob for Job {
    fn id(&self) -> u64 {
        self.job.id.0
    }

    fn server(&self) -> String {
        self.job.server.to_string()
    }

    fn body(&self) -> Vec<u8> {
        self.job.body.to_vec()
    }

    fn held_ms(&self) -> u64 {
        convert::millis(instance::now().saturating_since(self.job.reserved_at))
    }

    fn is_lost(&self) -> bool {
        self.client.current().is_lost(self.job.lease)
    }

    fn stats(&self) -> Result<types::JobStats, types::Error> {
        self.ask_stats().map(convert::job_stats).map_err(convert::error)
    }

    fn touch(&self) -> Result<(), types::Error> {
        self.client.ask(Request::Touch(self.job.lease), None).map(drop).map_err(convert::error)
    }

    fn touch_after_ms(&self) -> Result<u64, types::Error> {
        if let Some(span) = self.known_touch_after() {
            return Ok(convert::millis(span));
        }
        self.ask_stats().map_err(convert::error)?;
        Ok(convert::millis(self.known_touch_after().unwrap_or_default()))
    }

    fn delete(&self) -> Result<(), types::Error> {
        self.finish(Finish::Delete)
    }

    fn release(&self, priority: Option<u32>, delay_ms: Option<u64>) -> Result<(), types::Error> {
        let delay = Duration::from_millis(delay_ms.unwrap_or_default());
        let delay = Seconds::from_duration("delay", delay).map_err(convert::error)?;
        self.finish(Finish::Release { priority: priority.map(Priority), delay })
    }

    fn bury(&self, priority: Option<u32>) -> Result<(), types::Error> {
        self.finish(Finish::Bury { priority: priority.map(Priority) })
    }

    fn fail(&self) -> Result<(), types::Error> {
        self.finish(Finish::Fail)
    }

    fn give_back(&self) {
        if !self.finished.replace(true) {
            let now = instance::now();
            self.client.current().engine.give_back(now, self.job.lease);
            self.client.come_to_rest();
        }
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        if !self.finished.get() {
            // Nobody is left to tell.
            let _ = self.finish(Finish::Fail);
        }
        self.client.state().forget(self.job.lease);
    }
}
