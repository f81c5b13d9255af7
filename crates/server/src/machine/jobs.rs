//! Jobs and how they go from one state to another.
//!
//! Every move takes a job out of where it is ([`Machine::take_out`]) and into where it goes. Only
//! `settle_ready` gives ready jobs to those who wait, so no move leaves a job ready while somebody
//! waits for it.

use std::collections::BTreeSet;
use std::time::Duration;

use beanwire_core::types::{Instant, JobId};
use bytes::Bytes;

use super::parse::Put;
use super::tube::{Pause, URGENT};
use super::{Alarm, ClientId, Machine, Shortage, TubeId};

#[derive(Debug)]
pub(super) struct Job {
    pub(super) tube: TubeId,
    pub(super) priority: u32,
    pub(super) delay: u32,
    pub(super) ttr: u32,
    pub(super) created_at: Instant,
    pub(super) state: State,
    pub(super) reserves: u32,
    pub(super) timeouts: u32,
    pub(super) releases: u32,
    pub(super) buries: u32,
    pub(super) kicks: u32,
    pub(super) body: Bytes,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Ready,
    Delayed { until: Instant },
    Reserved { by: ClientId, until: Instant, place: u64 },
    Buried { place: u64 },
}

impl Machine {
    #[expect(clippy::expect_used, reason = "callers have just found it")]
    fn job_mut(&mut self, id: JobId) -> &mut Job {
        self.jobs.get_mut(&id).expect("a job that exists")
    }

    /// Whether this client holds the job.
    pub(super) fn holds(&self, client: ClientId, id: JobId) -> bool {
        let state = self.jobs.get(&id).map(|job| job.state);
        matches!(state, Some(State::Reserved { by, .. }) if by == client)
    }

    fn place(&mut self) -> u64 {
        self.next_place += 1;
        self.next_place
    }

    /// A put whose body is complete.
    pub(super) fn insert(&mut self, client: ClientId, put: Put, id: JobId, body: Bytes) {
        if self.draining {
            return self.reply(client, "DRAINING");
        }
        let Some(tube) = self.clients.get(&client).map(|client| client.used) else { return };
        let job = Job {
            tube,
            priority: put.priority,
            delay: put.delay,
            // A job with a TTR of zero would never be held by anybody.
            ttr: put.ttr.max(1),
            created_at: self.now,
            state: State::Ready,
            reserves: 0,
            timeouts: 0,
            releases: 0,
            buries: 0,
            kicks: 0,
            body,
        };
        self.jobs.insert(id, Box::new(job));
        self.tube_mut(tube).total_jobs += 1;
        self.counters.total_jobs += 1;
        if self.shortage == Shortage::Queues {
            self.bury(id);
            self.reply(client, format!("BURIED {id}"));
        } else {
            self.queue(id, put.delay);
            self.reply(client, format!("INSERTED {id}"));
        }
    }

    /// Takes a job out of its queue, or from its holder.
    pub(super) fn take_out(&mut self, id: JobId) {
        let Some(job) = self.jobs.get(&id) else { return };
        let (state, priority, tube) = (job.state, job.priority, job.tube);
        let tube = self.tube_mut(tube);
        match state {
            State::Ready => {
                tube.ready.remove(&(priority, id));
                tube.urgent -= usize::from(priority < URGENT);
            }
            State::Delayed { until } => {
                tube.delayed.remove(&(until, id));
                self.alarms.remove(&(until, Alarm::Job(id)));
            }
            State::Buried { place } => {
                tube.buried.remove(&place);
            }
            State::Reserved { by, until, .. } => {
                tube.reserved -= 1;
                self.alarms.remove(&(until, Alarm::Job(id)));
                if let Some(client) = self.clients.get_mut(&by) {
                    client.held.remove(&(until, id));
                }
            }
        }
    }

    /// Makes a job that was taken out ready, at once or after a delay in seconds.
    fn queue(&mut self, id: JobId, delay: u32) {
        if delay > 0 {
            let until = self.now + Duration::from_secs(delay.into());
            let job = self.job_mut(id);
            job.state = State::Delayed { until };
            let tube = job.tube;
            self.tube_mut(tube).delayed.insert((until, id));
            self.alarms.insert((until, Alarm::Job(id)));
        } else {
            let job = self.job_mut(id);
            job.state = State::Ready;
            let (tube_id, priority) = (job.tube, job.priority);
            let tube = self.tube_mut(tube_id);
            tube.ready.insert((priority, id));
            tube.urgent += usize::from(priority < URGENT);
            self.settle_ready(tube_id);
        }
    }

    /// Gives the ready jobs of a tube to those who wait for them.
    fn settle_ready(&mut self, tube: TubeId) {
        while let Some((_, job)) = self.tube(tube).next()
            && let Some(client) = self.tube_mut(tube).waiting.take()
        {
            self.stop_waiting(client);
            self.reserve(client, job);
        }
    }

    /// Gives a job to a client.
    pub(super) fn reserve(&mut self, client: ClientId, id: JobId) {
        self.take_out(id);
        let (now, place) = (self.now, self.place());
        let job = self.job_mut(id);
        let until = now + Duration::from_secs(job.ttr.into());
        job.state = State::Reserved { by: client, until, place };
        job.reserves += 1;
        let (tube, body) = (job.tube, job.body.clone());
        self.tube_mut(tube).reserved += 1;
        self.alarms.insert((until, Alarm::Job(id)));
        if let Some(holder) = self.clients.get_mut(&client) {
            holder.held.insert((until, id));
        }
        self.reply_with(client, &format!("RESERVED {id}"), &body);
    }

    /// Starts the TTR of a held job anew.
    pub(super) fn touch(&mut self, id: JobId) {
        let now = self.now;
        let job = self.job_mut(id);
        let State::Reserved { by, until: before, place } = job.state else { return };
        let until = now + Duration::from_secs(job.ttr.into());
        job.state = State::Reserved { by, until, place };
        self.alarms.remove(&(before, Alarm::Job(id)));
        self.alarms.insert((until, Alarm::Job(id)));
        if let Some(holder) = self.clients.get_mut(&by) {
            holder.held.remove(&(before, id));
            holder.held.insert((until, id));
        }
    }

    /// Gives a held job back; false if there was no memory for it, and it was buried.
    pub(super) fn release(&mut self, id: JobId, priority: u32, delay: u32) -> bool {
        self.take_out(id);
        let job = self.job_mut(id);
        job.priority = priority;
        job.delay = delay;
        job.releases += 1;
        if self.shortage == Shortage::Queues {
            self.bury(id);
            return false;
        }
        self.queue(id, delay);
        true
    }

    /// Sets a job that was taken out aside.
    pub(super) fn bury(&mut self, id: JobId) {
        let place = self.place();
        let job = self.job_mut(id);
        job.state = State::Buried { place };
        job.buries += 1;
        let tube = job.tube;
        self.tube_mut(tube).buried.insert(place, id);
    }

    pub(super) fn bury_held(&mut self, id: JobId, priority: u32) {
        self.take_out(id);
        self.job_mut(id).priority = priority;
        self.bury(id);
    }

    /// Makes a buried or delayed job ready.
    pub(super) fn kick(&mut self, id: JobId) {
        self.take_out(id);
        self.job_mut(id).kicks += 1;
        self.queue(id, 0);
    }

    pub(super) fn delete(&mut self, id: JobId) {
        self.take_out(id);
        if let Some(job) = self.jobs.remove(&id) {
            self.tube_mut(job.tube).deletes += 1;
            self.drop_idle_tube(job.tube);
        }
    }

    /// A delay has passed, or a reservation has ended.
    pub(super) fn job_is_due(&mut self, id: JobId) {
        let Some(job) = self.jobs.get_mut(&id) else { return };
        if matches!(job.state, State::Reserved { .. }) {
            job.timeouts += 1;
            self.counters.timeouts += 1;
        }
        self.take_out(id);
        self.queue(id, 0);
    }

    /// The holder of these is gone.
    pub(super) fn give_back_all(&mut self, held: BTreeSet<(Instant, JobId)>) {
        let place = |id: JobId| match self.jobs.get(&id).map(|job| job.state) {
            Some(State::Reserved { place, .. }) => place,
            _ => u64::MAX,
        };
        let mut held: Vec<_> = held.into_iter().map(|(_, id)| (place(id), id)).collect();
        held.sort_unstable();
        for (_, id) in held {
            self.take_out(id);
            self.queue(id, 0);
        }
    }

    /// Stops reservations from a tube; zero resumes.
    pub(super) fn pause(&mut self, id: TubeId, seconds: u32) {
        let until = self.now + Duration::from_secs(seconds.into());
        let tube = self.tube_mut(id);
        tube.pauses += 1;
        let before = tube.pause.replace(Pause { seconds, until });
        if let Some(before) = before {
            self.alarms.remove(&(before.until, Alarm::Tube(id)));
        }
        if seconds == 0 {
            self.end_pause(id);
        } else {
            self.alarms.insert((until, Alarm::Tube(id)));
        }
    }

    pub(super) fn end_pause(&mut self, id: TubeId) {
        self.tube_mut(id).pause = None;
        self.settle_ready(id);
    }
}
