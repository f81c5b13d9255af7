//! Deliberate faults of the engine, for tests that must prove that they would notice one.

use super::Engine;

/// One deliberate fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sabotage {
    /// `use` is taken for sent and is not.
    ForgetUse,
    /// A put that may have been done is done again whatever the delivery.
    DoubleUnknownPut,
    /// A long reserve waits on a connection that holds jobs.
    ParkOnBusyConnection,
    /// A job that comes for a caller who gave up is kept.
    KeepAbandonedJob,
    /// A release takes the default priority in place of the job's own.
    ReleaseWithDefaultPriority,
}

impl Sabotage {
    /// Every fault.
    pub const ALL: [Self; 5] = [
        Self::ForgetUse,
        Self::DoubleUnknownPut,
        Self::ParkOnBusyConnection,
        Self::KeepAbandonedJob,
        Self::ReleaseWithDefaultPriority,
    ];
}

impl Engine {
    /// Makes this engine faulty from now on.
    #[cfg(feature = "sabotage")]
    pub fn sabotage(&mut self, fault: Sabotage) {
        self.sabotage = Some(fault);
    }

    /// Whether this engine has that fault.
    #[cfg(feature = "sabotage")]
    pub(super) fn is_sabotaged(&self, fault: Sabotage) -> bool {
        self.sabotage == Some(fault)
    }

    #[cfg(not(feature = "sabotage"))]
    #[expect(clippy::unused_self, reason = "with the feature it is used")]
    pub(super) const fn is_sabotaged(&self, _: Sabotage) -> bool {
        false
    }
}
