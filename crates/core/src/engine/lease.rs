//! Reservations: who holds which job on which connection, for how long, and whether it is lost.
//!
//! `RESERVED` does not tell the TTR. A job that is finished soon needs none of it; for any other
//! one the statistics are asked for a while after it came. They give the TTR, from which the end of
//! the reservation and the time of an automatic touch follow.

use std::time::Duration;

use bytes::Bytes;

use super::finish::Finishing;
use super::{Engine, Event, LeaseId, LinkId, LostReason, Output, ReservedJob, Role, ServerId, Tag};
use crate::config::Exhausted;
use crate::error::{Error, ErrorKind, Outcome};
use crate::protocol::{Command, Reply};
use crate::stats::{JobState, JobStats};
use crate::types::{Instant, JobId};

/// How long a job may be held before its TTR is asked for: below half of the shortest TTR.
const PROBE_AFTER: Duration = Duration::from_millis(400);

/// The server tells the time left in whole seconds, cut.
const STATS_GRAIN: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Lease {
    pub(super) id: JobId,
    pub(super) link: LinkId,
    pub(super) server: ServerId,
    pub(super) reserved_at: Instant,
    /// Kept until the job is handed over, and beyond that only for a dead-letter tube.
    pub(super) body: Bytes,
    /// Boxed: few jobs are held for so long.
    pub(super) stats: Option<Box<JobStats>>,
    /// When its TTR last started, no earlier than at the server.
    renewed_at: Instant,
    /// When the reservation ends, as far as is known.
    expires_at: Option<Instant>,
    pub(super) lost: Option<LostReason>,
    /// Whether somebody outside has the job.
    pub(super) handed_over: bool,
    pub(super) finishing: Option<Finishing>,
    check_at: Option<Instant>,
    /// Its statistics are on their way.
    probing: bool,
    /// An automatic touch is.
    touching: bool,
}

impl Lease {
    /// Whether the server surely takes no command about it from this connection any more.
    pub(super) fn is_gone(&self) -> bool {
        self.lost.is_some_and(|reason| reason != LostReason::Expired)
    }
}

impl Engine {
    pub(super) fn add_lease(&mut self, link_id: LinkId, id: JobId, body: Bytes) -> LeaseId {
        let lease_id = LeaseId(self.fresh_id());
        let mut server = ServerId(0);
        let mut before = None;
        if let Some(link) = self.links.get_mut(&link_id) {
            server = link.server;
            link.held.insert(lease_id);
            before = link.by_job.insert(id, lease_id);
        }
        // It ran out unnoticed: the old handle must not act on the new reservation.
        if let Some(before) = before {
            self.lose(before, LostReason::Superseded);
        }
        let lease = Lease {
            id,
            link: link_id,
            server,
            reserved_at: self.now,
            renewed_at: self.now,
            body,
            stats: None,
            expires_at: None,
            lost: None,
            handed_over: false,
            finishing: None,
            check_at: None,
            probing: false,
            touching: false,
        };
        self.leases.insert(lease_id, lease);
        self.check_lease_at(lease_id, self.now + PROBE_AFTER);
        lease_id
    }

    /// What the caller gets of a reserved job.
    pub(super) fn hand_over(&mut self, lease_id: LeaseId) -> Option<ReservedJob> {
        let keep = matches!(self.config.failure.exhausted, Exhausted::DeadLetter(_));
        let lease = self.leases.get_mut(&lease_id)?;
        lease.handed_over = true;
        let body = if keep { lease.body.clone() } else { std::mem::take(&mut lease.body) };
        let (id, link, reserved_at) = (lease.id, lease.link, lease.reserved_at);
        let server = lease.server;
        let server = self.server(server).server.clone();
        Some(ReservedJob { lease: lease_id, link, id, server, body, reserved_at })
    }

    /// The connection and the id of a job that can still be acted on.
    pub(super) fn held(&self, lease: LeaseId) -> Result<(LinkId, JobId), Error> {
        match self.leases.get(&lease) {
            None => Err(finished()),
            Some(lease) if lease.finishing.is_some() => Err(finished()),
            Some(lease) if lease.is_gone() => Err(lost(lease.id, lease.lost)),
            Some(lease) => Ok((lease.link, lease.id)),
        }
    }

    /// How long until the job should be touched; none while its TTR is not known, zero if it is
    /// late.
    #[must_use]
    pub fn touch_after(&self, now: Instant, lease: LeaseId) -> Option<Duration> {
        self.leases.get(&lease)?.touch_at().map(|at| at.saturating_since(now))
    }

    /// Forgets a reservation.
    pub(super) fn remove_lease(&mut self, id: LeaseId) -> Option<Lease> {
        let lease = self.leases.remove(&id)?;
        if let Some(at) = lease.check_at {
            self.lease_checks.remove(at, id);
        }
        self.detach(id, &lease);
        Some(lease)
    }

    /// The connection does not hold it any more.
    fn detach(&mut self, id: LeaseId, lease: &Lease) {
        let now = self.now;
        let Some(link) = self.links.get_mut(&lease.link) else { return };
        link.held.remove(&id);
        link.leaving.remove(&id);
        if link.by_job.get(&lease.id) == Some(&id) {
            link.by_job.remove(&lease.id);
        }
        link.idle_since = now;
    }

    /// Tells the holder, once, that its reservation is gone.
    pub(super) fn lose(&mut self, id: LeaseId, reason: LostReason) {
        let Some(lease) = self.leases.get_mut(&id).filter(|lease| !lease.is_gone()) else { return };
        let told = lease.lost.replace(reason).is_some();
        let told = told || lease.finishing.is_some();
        if !lease.handed_over {
            self.ready.remove(&id);
            if lease.finishing.is_none() {
                self.remove_lease(id);
            }
            return;
        }
        let (job, server) = (lease.id, lease.server);
        if lease.is_gone() {
            if lease.finishing.is_none() {
                self.forget_check(id);
            }
            if let Some(lease) = self.leases.remove(&id) {
                self.detach(id, &lease);
                self.leases.insert(id, lease);
            }
        }
        if !told {
            let server = self.server(server).server.clone();
            self.emit(Output::Event(Event::JobLost { lease: id, id: job, server, reason }));
        }
    }

    /// The connection of these is gone.
    pub(super) fn lose_leases<'a>(
        &mut self,
        leases: impl Iterator<Item = &'a LeaseId>,
        fault: &Error,
    ) {
        for &lease in leases {
            if self.leases.get(&lease).is_some_and(|lease| lease.finishing.is_some()) {
                self.finish_orphaned(lease, false, fault);
            } else {
                self.lose(lease, LostReason::Disconnected);
            }
        }
    }

    pub(super) fn check_lease_at(&mut self, id: LeaseId, at: Instant) {
        self.forget_check(id);
        let Some(lease) = self.leases.get_mut(&id) else { return };
        lease.check_at = Some(at);
        self.lease_checks.insert(at, id);
        self.arm(at);
    }

    fn forget_check(&mut self, id: LeaseId) {
        let Some(lease) = self.leases.get_mut(&id) else { return };
        if let Some(at) = lease.check_at.take() {
            self.lease_checks.remove(at, id);
        }
    }

    /// Looks after every reservation whose time has come.
    pub(super) fn check_leases(&mut self) {
        while let Some((at, id)) = self.lease_checks.first() {
            if at > self.now {
                break;
            }
            self.forget_check(id);
            self.check_lease(id);
        }
    }

    fn check_lease(&mut self, id: LeaseId) {
        let touches = self.config.auto_touch && matches!(self.role, Role::Consumer(_));
        let Some(lease) = self.leases.get(&id) else { return };
        if lease.finishing.is_some() {
            return self.repeat_refused(id);
        }
        let (link, job) = (lease.link, lease.id);
        let (Some(touch_at), Some(expires_at)) = (lease.touch_at(), lease.expires_at) else {
            if !lease.probing {
                self.push(link, Command::StatsJob(job), Tag::Probe(id));
                if let Some(lease) = self.leases.get_mut(&id) {
                    lease.probing = true;
                }
            }
            return;
        };
        if self.now >= expires_at {
            // While nobody works on it, the answer to the touch is early enough.
            if lease.handed_over || !lease.touching {
                self.lose(id, LostReason::Expired);
            }
        } else if !touches {
            self.check_lease_at(id, expires_at);
        } else if self.now < touch_at {
            self.check_lease_at(id, touch_at);
        } else {
            // Should the touch not be answered in time, the end is noticed all the same.
            self.check_lease_at(id, expires_at);
            self.push(link, Command::Touch(job), Tag::AutoTouch(id));
            if let Some(lease) = self.leases.get_mut(&id) {
                lease.touching = true;
            }
        }
    }

    /// The statistics of a job that somebody may still hold.
    pub(super) fn probe_reply(&mut self, id: LeaseId, reply: &Reply) {
        if let Some(lease) = self.leases.get_mut(&id) {
            lease.probing = false;
        }
        let stats = match reply {
            Reply::Ok(body) => JobStats::parse(body).ok(),
            _ => None,
        };
        match (reply, stats) {
            (_, Some(stats)) => self.learn(id, stats),
            (Reply::NotFound, None) => self.lose(id, LostReason::NotFound),
            _ => self.check_lease_at(id, self.now + STATS_GRAIN),
        }
    }

    /// Keeps a job's statistics and what follows from them.
    pub(super) fn learn(&mut self, id: LeaseId, stats: JobStats) {
        let now = self.now;
        let Some(lease) = self.leases.get_mut(&id) else { return };
        if stats.state != JobState::Reserved {
            return self.lose(id, LostReason::Expired);
        }
        let left = Duration::from_secs(u64::try_from(stats.time_left).unwrap_or_default());
        lease.expires_at = Some((now + left + STATS_GRAIN).min(lease.renewed_at + stats.ttr));
        lease.stats = Some(Box::new(stats));
        if lease.finishing.is_none() && lease.lost.is_none() {
            self.check_lease_at(id, now);
            self.check_leases();
        }
    }

    /// What a touch says about a job that somebody may still hold.
    pub(super) fn touch_reply(&mut self, id: LeaseId, reply: &Reply) {
        let now = self.now;
        if let Some(lease) = self.leases.get_mut(&id) {
            lease.touching = false;
        }
        match reply {
            Reply::Touched => {
                let Some(lease) = self.leases.get_mut(&id) else { return };
                lease.renewed_at = now;
                let Some(stats) = &lease.stats else { return };
                lease.expires_at = Some(now + stats.ttr);
                if lease.finishing.is_none() && lease.lost.is_none() {
                    self.check_lease_at(id, now);
                    self.check_leases();
                }
            }
            Reply::NotFound => self.lose(id, LostReason::NotFound),
            _ => self.check_lease_at(id, now + STATS_GRAIN),
        }
    }
}

impl Lease {
    /// When a touch keeps the reservation with a margin to spare.
    fn touch_at(&self) -> Option<Instant> {
        let ttr = self.stats.as_ref()?.ttr;
        let margin = (ttr / 2).clamp(Duration::from_millis(500), Duration::from_secs(5));
        let since_origin = self.expires_at?.since_origin();
        Some(Instant::from_origin(since_origin.saturating_sub(margin)))
    }
}

pub(super) fn finished() -> Error {
    Error::not_sent(ErrorKind::JobFinished, "the job was deleted, released or buried before")
}

pub(super) fn lost(job: JobId, reason: Option<LostReason>) -> Error {
    let why = reason.map_or("disconnected", LostReason::code);
    let message = format!("the reservation of job {job} is gone: {why}");
    Error::new(ErrorKind::JobLost, Outcome::NotSent, message)
}
