//! The interface `connection`.

use crate::bindings::exports::beanwire::client::connection::PeekedJob;
use crate::bindings::exports::beanwire::client::types::{
    CloseReport, Config, Error, Event, Health, InsertedJob, JobStats, PutOptions, ServerStats,
    TubeStats,
};
use crate::consumer::Job;
use crate::handle::{Handle, methods};
use crate::host::Host;

/// The resource `connection`.
#[derive(Debug)]
pub struct Connection(Handle);

impl Host {
    /// Opens a connection: see `connection.open`.
    ///
    /// # Errors
    /// Those of `connection.open`.
    pub fn connection<'a>(
        &self,
        uri: &str,
        config: impl Into<Option<&'a Config>>,
    ) -> Result<Connection, Error> {
        let config = config.into();
        let opened = self.call(async |client, store| {
            let guest = client.beanwire_client_connection().connection();
            guest.call_open(store, uri, config).await
        });
        opened.map(|resource| Connection(Handle { host: self.clone(), resource }))
    }
}

impl Connection {
    /// See `connection.reserve`.
    ///
    /// # Errors
    /// Those of `connection.reserve`.
    pub fn reserve(&self) -> Result<Job, Error> {
        let host = &self.0.host;
        let reserved = host.call(async |client, store| {
            let guest = client.beanwire_client_connection().connection();
            guest.call_reserve(store, self.0.resource).await
        });
        reserved.map(|resource| host.job(resource))
    }

    /// See `connection.reserve-with-timeout`.
    ///
    /// # Errors
    /// Those of `connection.reserve-with-timeout`.
    pub fn reserve_with_timeout(&self, timeout_ms: u64) -> Result<Option<Job>, Error> {
        let host = &self.0.host;
        let reserved = host.call(async |client, store| {
            let guest = client.beanwire_client_connection().connection();
            guest.call_reserve_with_timeout(store, self.0.resource, timeout_ms).await
        });
        reserved.map(|job| job.map(|resource| host.job(resource)))
    }

    /// See `connection.reserve-job`.
    ///
    /// # Errors
    /// Those of `connection.reserve-job`.
    pub fn reserve_job(&self, id: u64) -> Result<Job, Error> {
        let host = &self.0.host;
        let reserved = host.call(async |client, store| {
            let guest = client.beanwire_client_connection().connection();
            guest.call_reserve_job(store, self.0.resource, id).await
        });
        reserved.map(|resource| host.job(resource))
    }
}

methods! {
    Connection is beanwire_client_connection.connection {
        server = call_server() -> String;
        ready = call_ready(timeout_ms: u64) -> Result<(), Error>;
        is_connected = call_is_connected() -> bool;
        health = call_health() -> Health;
        events = call_events() -> Vec<Event>;
        put = call_put(
            tube: &str,
            body: &[u8],
            options: Option<PutOptions>,
            timeout_ms: Option<u64>
        ) -> Result<InsertedJob, Error>;
        use_tube = call_use_tube(tube: &str) -> Result<(), Error>;
        watch = call_watch(tube: &str) -> Result<u64, Error>;
        ignore = call_ignore(tube: &str) -> Result<u64, Error>;
        delete = call_delete(id: u64) -> Result<(), Error>;
        release = call_release(id: u64, priority: u32, delay_ms: u64) -> Result<(), Error>;
        bury = call_bury(id: u64, priority: u32) -> Result<(), Error>;
        touch = call_touch(id: u64) -> Result<(), Error>;
        peek = call_peek(id: u64) -> Result<PeekedJob, Error>;
        peek_ready = call_peek_ready(tube: &str) -> Result<Option<PeekedJob>, Error>;
        peek_delayed = call_peek_delayed(tube: &str) -> Result<Option<PeekedJob>, Error>;
        peek_buried = call_peek_buried(tube: &str) -> Result<Option<PeekedJob>, Error>;
        kick = call_kick(tube: &str, bound: u32) -> Result<u64, Error>;
        kick_job = call_kick_job(id: u64) -> Result<(), Error>;
        stats = call_stats() -> Result<ServerStats, Error>;
        stats_tube = call_stats_tube(tube: &str) -> Result<TubeStats, Error>;
        stats_job = call_stats_job(id: u64) -> Result<JobStats, Error>;
        list_tubes = call_list_tubes() -> Result<Vec<String>, Error>;
        list_tubes_watched = call_list_tubes_watched() -> Result<Vec<String>, Error>;
        list_tube_used = call_list_tube_used() -> Result<String, Error>;
        pause_tube = call_pause_tube(tube: &str, delay_ms: u64) -> Result<(), Error>;
        close = call_close(timeout_ms: u64) -> CloseReport;
    }
}
