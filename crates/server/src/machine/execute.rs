//! What every command does and answers.

use beanwire_core::types::JobId;
use bytes::Bytes;

use super::client::State as ClientState;
use super::jobs::State;
use super::parse::{Command, Put};
use super::{ClientId, Machine, Shortage, TubeId};

const NOT_FOUND: &str = "NOT_FOUND";

impl Machine {
    pub(super) fn execute(&mut self, id: ClientId, command: Command) {
        use Command as C;
        let Some(client) = self.clients.get_mut(&id) else { return };
        let used = client.used;
        self.counters.count(&command);
        match command {
            C::Put(put) => self.begin_put(id, put),
            C::Use(name) => {
                let tube = self.find_or_make_tube(&name);
                self.use_tube(id, tube);
                self.reply(id, format!("USING {name}"));
            }
            C::Watch(name) => {
                let tube = self.find_or_make_tube(&name);
                self.watch(id, tube);
            }
            C::Ignore(name) => self.ignore(id, self.find_tube(&name)),
            C::Reserve { timeout } => {
                client.is_worker = true;
                self.ask_for_job(id, timeout);
            }
            C::ReserveJob(job) => self.reserve_by_id(id, job),
            C::Delete(job) => {
                let free = self.state(job).is_some_and(|s| !matches!(s, State::Reserved { .. }));
                let found = free || self.holds(id, job);
                self.on_job(id, found, "DELETED", |machine| machine.delete(job));
            }
            C::Release { id: job, priority, delay } => {
                if !self.holds(id, job) {
                    return self.reply(id, NOT_FOUND);
                }
                let released = self.release(job, priority, delay);
                self.reply(id, if released { "RELEASED" } else { "BURIED" });
            }
            C::Bury { id: job, priority } => {
                let found = self.holds(id, job);
                self.on_job(id, found, "BURIED", |machine| machine.bury_held(job, priority));
            }
            C::Touch(job) => {
                let found = self.holds(id, job);
                self.on_job(id, found, "TOUCHED", |machine| machine.touch(job));
            }
            C::Peek(job) => self.peek(id, Some(job)),
            C::PeekReady => self.peek(id, self.tube(used).ready.first().map(|(_, job)| *job)),
            C::PeekDelayed => self.peek(id, self.tube(used).delayed.first().map(|(_, job)| *job)),
            C::PeekBuried => self.peek(id, self.tube(used).buried.values().next().copied()),
            C::Kick(bound) => {
                let count = self.kick_some(used, bound);
                self.reply(id, format!("KICKED {count}"));
            }
            C::KickJob(job) => {
                let state = self.state(job);
                let found = matches!(state, Some(State::Buried { .. } | State::Delayed { .. }));
                self.on_job(id, found, "KICKED", |machine| machine.kick(job));
            }
            C::Stats => self.reply_text(id, self.server_report()),
            C::StatsJob(job) => match self.job_report(job) {
                Some(report) => self.reply_text(id, report),
                None => self.reply(id, NOT_FOUND),
            },
            C::StatsTube(name) => match self.find_tube(&name) {
                Some(tube) => self.reply_text(id, self.tube_report(tube)),
                None => self.reply(id, NOT_FOUND),
            },
            C::ListTubes => self.reply_text(id, self.list(self.tubes.keys())),
            C::ListTubeUsed => self.reply(id, format!("USING {}", self.tube(used).name)),
            C::ListTubesWatched => {
                let watched = client.watched.clone();
                self.reply_text(id, self.list(watched.iter()));
            }
            C::PauseTube { tube, delay } => match self.find_tube(&tube) {
                Some(tube) => {
                    self.pause(tube, delay);
                    self.reply(id, "PAUSED");
                }
                None => self.reply(id, NOT_FOUND),
            },
            C::Quit => self.close(id),
        }
    }

    fn begin_put(&mut self, id: ClientId, put: Put) {
        let max = self.settings.max_job_size;
        let left = u64::from(put.size) + 2;
        let shortage = self.shortage == Shortage::Jobs;
        let Some(client) = self.clients.get_mut(&id) else { return };
        if put.size as usize > max {
            client.state = ClientState::Skip { left, reply: "JOB_TOO_BIG" };
            return;
        }
        if put.garbage {
            return self.reply(id, "BAD_FORMAT");
        }
        client.is_producer = true;
        if shortage {
            client.state = ClientState::Skip { left, reply: "OUT_OF_MEMORY" };
            return;
        }
        let job = JobId(self.next_job);
        self.next_job += 1;
        client.state = ClientState::Body { put, id: job };
    }

    fn use_tube(&mut self, id: ClientId, tube: TubeId) {
        let Some(client) = self.clients.get_mut(&id) else { return };
        let before = std::mem::replace(&mut client.used, tube);
        self.tube_mut(tube).using += 1;
        self.tube_mut(before).using -= 1;
        self.drop_idle_tube(before);
    }

    fn watch(&mut self, id: ClientId, tube: TubeId) {
        let Some(client) = self.clients.get_mut(&id) else { return };
        let is_new = !client.watched.contains(&tube);
        if is_new {
            client.watched.push(tube);
        }
        let count = client.watched.len();
        self.tube_mut(tube).watching += usize::from(is_new);
        self.reply(id, format!("WATCHING {count}"));
    }

    fn ignore(&mut self, id: ClientId, tube: Option<TubeId>) {
        let Some(client) = self.clients.get_mut(&id) else { return };
        let at = client.watched.iter().position(|watched| Some(*watched) == tube);
        if at.is_some() && client.watched.len() == 1 {
            return self.reply(id, "NOT_IGNORED");
        }
        let ignored = at.map(|at| client.watched.swap_remove(at));
        let count = client.watched.len();
        if let Some(tube) = ignored {
            self.tube_mut(tube).watching -= 1;
            self.drop_idle_tube(tube);
        }
        self.reply(id, format!("WATCHING {count}"));
    }

    fn reserve_by_id(&mut self, id: ClientId, job: JobId) {
        if self.state(job).is_none_or(|state| matches!(state, State::Reserved { .. })) {
            return self.reply(id, NOT_FOUND);
        }
        if let Some(client) = self.clients.get_mut(&id) {
            client.is_worker = true;
        }
        self.reserve(id, job);
    }

    fn kick_some(&mut self, tube: TubeId, bound: u32) -> usize {
        let bound = usize::try_from(bound).unwrap_or(usize::MAX);
        let tube = self.tube(tube);
        let jobs: Vec<_> = match tube.buried.is_empty() {
            false => tube.buried.values().take(bound).copied().collect(),
            true => tube.delayed.iter().take(bound).map(|(_, job)| *job).collect(),
        };
        jobs.iter().for_each(|job| self.kick(*job));
        jobs.len()
    }

    fn peek(&mut self, id: ClientId, job: Option<JobId>) {
        match job.and_then(|job| Some((job, self.jobs.get(&job)?.body.clone()))) {
            Some((job, body)) => self.reply_with(id, &format!("FOUND {job}"), &body),
            None => self.reply(id, NOT_FOUND),
        }
    }

    fn state(&self, job: JobId) -> Option<State> {
        self.jobs.get(&job).map(|job| job.state)
    }

    fn on_job(&mut self, id: ClientId, found: bool, word: &str, change: impl FnOnce(&mut Self)) {
        if found {
            change(self);
        }
        self.reply(id, if found { word } else { NOT_FOUND });
    }

    fn reply_text(&mut self, id: ClientId, text: String) {
        self.reply_with(id, "OK", &Bytes::from(text));
    }
}
