//! Reserving jobs through a pool of connections.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use beanwire_core::engine::{Finish, Request, ReservedJob, Role, Success};
use beanwire_core::error::{Error, ErrorKind};
use beanwire_core::types::{Instant, Priority, Seconds};
use futures::future::{Either, select};
use wit_bindgen::StreamReader;

use crate::bindings::exports::beanwire::client::types;
use crate::bindings::exports::beanwire::client_async::consumer::{
    self as api, GuestConsumer, GuestJob,
};
use crate::bindings::wit_stream;
use crate::driver::Client;
use crate::{convert, open, stream, time};

pub(crate) struct Consumer {
    client: Rc<Client>,
}

/// A reserved job.
pub(crate) struct Job {
    client: Rc<Client>,
    job: ReservedJob,
    finished: Cell<bool>,
    /// Whether it has reached whoever asked for it. Before, nobody can have failed.
    taken: Rc<Cell<bool>>,
}

impl GuestConsumer for Consumer {
    async fn open(
        uris: Vec<String>,
        tubes: Vec<String>,
        config: Option<types::Config>,
    ) -> Result<api::Consumer, types::Error> {
        let role = convert::tubes(tubes).map(Role::Consumer).map_err(convert::error)?;
        let client = open::pool(role, &uris, config).await.map_err(convert::error)?;
        Ok(api::Consumer::new(Self { client }))
    }

    async fn receive(&self, timeout_ms: u64) -> Result<Option<api::Job>, types::Error> {
        let timeout = Some(timeout_ms).filter(|timeout| *timeout > 0);
        let deadline = timeout.map(|timeout| time::now() + Duration::from_millis(timeout));
        let job = match deadline {
            Some(deadline) => receive(&self.client, Some(deadline)).await,
            None => look(&self.client).await,
        };
        let job = match job {
            Err(error) if error.kind() == ErrorKind::Timeout => None,
            job => job.map_err(convert::error)?,
        };
        self.client.come_to_rest().await;
        Ok(job.map(|job| {
            job.taken.set(true);
            api::Job::new(job)
        }))
    }

    fn jobs(&self) -> StreamReader<api::Job> {
        let (writer, reader) = wit_stream::new();
        self.client.begin(stream::feed(Rc::clone(&self.client), writer));
        reader
    }

    async fn close(&self, timeout_ms: u64) -> types::CloseReport {
        convert::close_report(self.client.close(Duration::from_millis(timeout_ms)).await)
    }
}

/// Once it is dropped, nothing is reserved unless another caller still waits.
struct Demand<'a>(&'a Rc<Client>);

impl Drop for Demand<'_> {
    fn drop(&mut self) {
        self.0.pause_if_unused();
    }
}

/// Waits for a job; fails with `TIMEOUT` if none came in time.
pub(crate) async fn receive(
    client: &Rc<Client>,
    deadline: Option<Instant>,
) -> Result<Option<Job>, Error> {
    let _demand = Demand(client);
    let receive = client.submit(Request::Receive, deadline);
    // It fails if no server can ever be reached, which the other one waits for.
    let ready = client.submit(Request::Ready, deadline);
    let won = match select(receive, ready).await {
        Either::Left((won, _)) => won,
        Either::Right((Err(error), _)) if error.kind() != ErrorKind::Disconnected => Err(error),
        Either::Right((_, receive)) => receive.await,
    };
    Job::new(client, won?).map(Some)
}

/// Takes a job that is there now.
async fn look(client: &Rc<Client>) -> Result<Option<Job>, Error> {
    let _demand = Demand(client);
    match client.submit(Request::TryReceive, None).await? {
        Success::Done => Ok(None),
        won => Job::new(client, won).map(Some),
    }
}

impl Job {
    fn new(client: &Rc<Client>, won: Success) -> Result<Self, Error> {
        match won {
            Success::Reserved(job) => {
                let client = Rc::clone(client);
                Ok(Self { client, job, finished: Cell::new(false), taken: Rc::default() })
            }
            _ => Err(convert::surprise()),
        }
    }

    pub(crate) fn taken(&self) -> Rc<Cell<bool>> {
        Rc::clone(&self.taken)
    }

    /// Finishes it, which can be done once.
    async fn finish(&self, how: Finish) -> Result<(), types::Error> {
        if self.finished.replace(true) {
            return Err(convert::error(convert::finished_before(self.job.id)));
        }
        let request = Request::Finish { lease: self.job.lease, how };
        self.client.submit(request, None).await.map(drop).map_err(convert::error)
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

    async fn stats(&self) -> Result<types::JobStats, types::Error> {
        let won = self.client.submit(Request::JobStats(self.job.lease), None).await;
        let stats = won.and_then(|won| match won {
            Success::JobStats(stats) => Ok(*stats),
            _ => Err(convert::surprise()),
        });
        stats.map(convert::job_stats).map_err(convert::error)
    }

    async fn touch(&self) -> Result<(), types::Error> {
        let won = self.client.submit(Request::Touch(self.job.lease), None).await;
        won.map(drop).map_err(convert::error)
    }

    async fn delete(&self) -> Result<(), types::Error> {
        self.finish(Finish::Delete).await
    }

    async fn release(
        &self,
        priority: Option<u32>,
        delay_ms: Option<u64>,
    ) -> Result<(), types::Error> {
        let delay = Duration::from_millis(delay_ms.unwrap_or_default());
        let delay = Seconds::from_duration("delay", delay).map_err(convert::error)?;
        self.finish(Finish::Release { priority: priority.map(Priority), delay }).await
    }

    async fn bury(&self, priority: Option<u32>) -> Result<(), types::Error> {
        self.finish(Finish::Bury { priority: priority.map(Priority) }).await
    }

    async fn fail(&self) -> Result<(), types::Error> {
        self.finish(Finish::Fail).await
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        if self.finished.get() {
            return;
        }
        let lease = self.job.lease;
        if self.taken.get() {
            // It runs to its end in the background, and nobody is left to tell.
            drop(self.client.submit(Request::Finish { lease, how: Finish::Fail }, None));
        } else {
            self.client.drive(|state, now| state.engine.give_back(now, lease));
        }
    }
}
