//! A job that was looked at and not reserved.

use std::fmt;

use beanwire_core::error::Error;
use beanwire_core::stats::JobStats;
use beanwire_core::types::JobId;
use bytes::Bytes;

use crate::connection::Connection;

/// A job as it was when it was looked at. Nobody holds it, so all may have changed since.
///
/// Its calls fail as those of [`Connection`] do.
#[derive(Clone)]
pub struct PeekedJob {
    connection: Connection,
    id: JobId,
    body: Bytes,
}

impl fmt::Debug for PeekedJob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PeekedJob")
            .field("id", &self.id)
            .field("body_len", &self.body.len())
            .finish_non_exhaustive()
    }
}

impl PeekedJob {
    pub(crate) const fn new(connection: Connection, id: JobId, body: Bytes) -> Self {
        Self { connection, id, body }
    }

    /// Its id, unique on its server.
    #[must_use]
    pub const fn id(&self) -> JobId {
        self.id
    }

    /// Its content.
    #[must_use]
    pub const fn body(&self) -> &Bytes {
        &self.body
    }

    /// Its statistics, asked for anew with each call.
    ///
    /// # Errors
    /// Those of [`Connection::stats_job`].
    pub async fn stats(&self) -> Result<JobStats, Error> {
        self.connection.stats_job(self.id).await
    }

    /// Makes it ready, if it is buried or delayed.
    ///
    /// # Errors
    /// Those of [`Connection::kick_job`].
    pub async fn kick(&self) -> Result<(), Error> {
        self.connection.kick_job(self.id).await
    }

    /// Removes it, unless somebody has reserved it.
    ///
    /// # Errors
    /// Those of [`Connection::delete`].
    pub async fn delete(&self) -> Result<(), Error> {
        self.connection.delete(self.id).await
    }
}
