//! Tubes: the queues of a name, and who uses and watches it.

use std::collections::{BTreeMap, BTreeSet};

use beanwire_core::types::{Instant, JobId, TubeName};

use super::waiting::Waiting;
use super::{Alarm, Machine, TubeId};

/// Jobs with a priority below this count as urgent.
pub(super) const URGENT: u32 = 1024;

#[derive(Debug)]
pub(super) struct Tube {
    pub(super) name: TubeName,
    /// In the order in which they are reserved.
    pub(super) ready: BTreeSet<(u32, JobId)>,
    /// In the order in which they are due.
    pub(super) delayed: BTreeSet<(Instant, JobId)>,
    /// In the order in which they were buried.
    pub(super) buried: BTreeMap<u64, JobId>,
    pub(super) reserved: usize,
    pub(super) urgent: usize,
    pub(super) using: usize,
    pub(super) watching: usize,
    pub(super) waiting: Waiting,
    pub(super) pause: Option<Pause>,
    pub(super) total_jobs: u64,
    pub(super) deletes: u64,
    pub(super) pauses: u64,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Pause {
    pub(super) seconds: u32,
    pub(super) until: Instant,
}

impl Tube {
    fn new(name: TubeName) -> Self {
        Self {
            name,
            ready: BTreeSet::new(),
            delayed: BTreeSet::new(),
            buried: BTreeMap::new(),
            reserved: 0,
            urgent: 0,
            using: 0,
            watching: 0,
            waiting: Waiting::default(),
            pause: None,
            total_jobs: 0,
            deletes: 0,
            pauses: 0,
        }
    }

    fn is_idle(&self) -> bool {
        let jobs = self.ready.len() + self.delayed.len() + self.buried.len() + self.reserved;
        jobs == 0 && self.using == 0 && self.watching == 0
    }

    /// The job that is reserved next, unless the tube is paused.
    pub(super) fn next(&self) -> Option<(u32, JobId)> {
        if self.pause.is_some() { None } else { self.ready.first().copied() }
    }
}

impl Machine {
    /// The tube that every connection starts with, and that always exists.
    pub(super) const DEFAULT_TUBE: TubeId = TubeId(0);

    /// A tube that a job, user or watcher keeps alive.
    #[expect(clippy::expect_used, reason = "what holds the id keeps the tube alive")]
    pub(super) fn tube(&self, id: TubeId) -> &Tube {
        self.tubes.get(&id).expect("a tube in use")
    }

    #[expect(clippy::expect_used, reason = "what holds the id keeps the tube alive")]
    pub(super) fn tube_mut(&mut self, id: TubeId) -> &mut Tube {
        self.tubes.get_mut(&id).expect("a tube in use")
    }

    pub(super) fn find_tube(&self, name: &TubeName) -> Option<TubeId> {
        self.tube_ids.get(name).copied()
    }

    pub(super) fn find_or_make_tube(&mut self, name: &TubeName) -> TubeId {
        if let Some(id) = self.find_tube(name) {
            return id;
        }
        let id = TubeId(self.next_tube);
        self.next_tube += 1;
        self.tubes.insert(id, Tube::new(name.clone()));
        self.tube_ids.insert(name.clone(), id);
        id
    }

    /// Forgets a tube, with all it counted, once nothing is in it and nobody cares about it.
    pub(super) fn drop_idle_tube(&mut self, id: TubeId) {
        if id == Self::DEFAULT_TUBE || !self.tube(id).is_idle() {
            return;
        }
        if let Some(tube) = self.tubes.remove(&id) {
            self.tube_ids.remove(&tube.name);
            if let Some(pause) = tube.pause {
                self.alarms.remove(&(pause.until, Alarm::Tube(id)));
            }
        }
    }
}
