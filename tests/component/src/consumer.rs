//! The interface `consumer`.

use wasmtime::component::ResourceAny;

use crate::bindings::exports::beanwire::client::types::{
    CloseReport, Config, Error, Event, Health, JobStats,
};
use crate::handle::{Handle, methods};
use crate::host::Host;

/// The resource `job`.
#[derive(Debug)]
pub struct Job(Handle);

/// The resource `consumer`.
#[derive(Debug)]
pub struct Consumer(Handle);

impl Host {
    /// Makes a consumer: see `consumer.open`.
    ///
    /// # Errors
    /// Those of `consumer.open`.
    pub fn consumer<'a>(
        &self,
        uris: &[&str],
        tubes: &[&str],
        config: impl Into<Option<&'a Config>>,
    ) -> Result<Consumer, Error> {
        let uris: Vec<String> = uris.iter().map(ToString::to_string).collect();
        let tubes: Vec<String> = tubes.iter().map(ToString::to_string).collect();
        let config = config.into();
        let opened = self.call(async |client, store| {
            let guest = client.beanwire_client_consumer().consumer();
            guest.call_open(store, &uris, &tubes, config).await
        });
        opened.map(|resource| Consumer(Handle { host: self.clone(), resource }))
    }

    /// Deletes jobs of this instance: see `consumer.delete-many`.
    pub fn delete_many(&self, jobs: &[&Job]) -> Vec<Result<(), Error>> {
        let jobs: Vec<ResourceAny> = jobs.iter().map(|job| job.0.resource).collect();
        self.call(async |client, store| {
            let guest = client.beanwire_client_consumer().consumer();
            guest.call_delete_many(store, &jobs).await
        })
    }

    pub(crate) fn job(&self, resource: ResourceAny) -> Job {
        Job(Handle { host: self.clone(), resource })
    }
}

impl Consumer {
    /// See `consumer.receive`.
    ///
    /// # Errors
    /// Those of `consumer.receive`.
    pub fn receive(&self, timeout_ms: u64) -> Result<Option<Job>, Error> {
        let host = &self.0.host;
        let received = host.call(async |client, store| {
            let guest = client.beanwire_client_consumer().consumer();
            guest.call_receive(store, self.0.resource, timeout_ms).await
        });
        received.map(|job| job.map(|resource| host.job(resource)))
    }

    /// See `consumer.receive-many`.
    ///
    /// # Errors
    /// Those of `consumer.receive-many`.
    pub fn receive_many(&self, max: u32, timeout_ms: u64) -> Result<Vec<Job>, Error> {
        let host = &self.0.host;
        let received = host.call(async |client, store| {
            let guest = client.beanwire_client_consumer().consumer();
            guest.call_receive_many(store, self.0.resource, max, timeout_ms).await
        });
        received.map(|jobs| jobs.into_iter().map(|resource| host.job(resource)).collect())
    }
}

methods! {
    Consumer is beanwire_client_consumer.consumer {
        ready = call_ready(timeout_ms: u64) -> Result<(), Error>;
        is_connected = call_is_connected() -> bool;
        servers = call_servers() -> Vec<String>;
        health = call_health() -> Health;
        events = call_events() -> Vec<Event>;
        close = call_close(timeout_ms: u64) -> CloseReport;
    }
}

methods! {
    Job is beanwire_client_consumer.job {
        id = call_id() -> u64;
        server = call_server() -> String;
        body = call_body() -> Vec<u8>;
        held_ms = call_held_ms() -> u64;
        is_lost = call_is_lost() -> bool;
        stats = call_stats() -> Result<JobStats, Error>;
        touch = call_touch() -> Result<(), Error>;
        touch_after_ms = call_touch_after_ms() -> Result<u64, Error>;
        delete = call_delete() -> Result<(), Error>;
        release = call_release(priority: Option<u32>, delay_ms: Option<u64>) -> Result<(), Error>;
        bury = call_bury(priority: Option<u32>) -> Result<(), Error>;
        fail = call_fail() -> Result<(), Error>;
        give_back = call_give_back() -> ();
    }
}
