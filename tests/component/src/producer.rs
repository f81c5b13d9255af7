//! The interface `producer`.

use crate::bindings::exports::beanwire::client::types::{
    CloseReport, Config, Error, Event, Health, InsertedJob, NewJob, PutOptions,
};
use crate::handle::{Handle, methods};
use crate::host::Host;

/// The resource `producer`.
#[derive(Debug)]
pub struct Producer(Handle);

impl Host {
    /// Makes a producer: see `producer.open`.
    ///
    /// # Errors
    /// Those of `producer.open`.
    pub fn producer<'a>(
        &self,
        uris: &[&str],
        config: impl Into<Option<&'a Config>>,
    ) -> Result<Producer, Error> {
        let uris: Vec<String> = uris.iter().map(ToString::to_string).collect();
        let config = config.into();
        let opened = self.call(async |client, store| {
            let guest = client.beanwire_client_producer().producer();
            guest.call_open(store, &uris, config).await
        });
        opened.map(|resource| Producer(Handle { host: self.clone(), resource }))
    }
}

methods! {
    Producer is beanwire_client_producer.producer {
        put = call_put(
            tube: &str,
            body: &[u8],
            options: Option<PutOptions>,
            timeout_ms: Option<u64>
        ) -> Result<InsertedJob, Error>;
        put_many = call_put_many(jobs: &[NewJob], timeout_ms: Option<u64>)
            -> Vec<Result<InsertedJob, Error>>;
        delete = call_delete(server: u32, id: u64) -> Result<(), Error>;
        ready = call_ready(timeout_ms: u64) -> Result<(), Error>;
        is_connected = call_is_connected() -> bool;
        servers = call_servers() -> Vec<String>;
        health = call_health() -> Health;
        events = call_events() -> Vec<Event>;
        close = call_close(timeout_ms: u64) -> CloseReport;
    }
}
