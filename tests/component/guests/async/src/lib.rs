//! A guest of the client for WASI 0.3. It does what a host cannot: it gives calls up.

// The bindings are generated, and have to speak of pointers.
#[allow(missing_docs, unreachable_pub, unused_qualifications, clippy::all)]
mod bindings {
    wit_bindgen::generate!({
        path: ["../../../../wit", "../../../../wit/async", "wit"],
        world: "test:guest/guest",
        generate_all,
    });
}

use std::future::Future;
use std::pin::pin;

use bindings::beanwire::client_async::consumer::{Consumer, Job};
use bindings::{give_up, go_on};
use futures::future::{Either, select};

/// How long a receive may wait that is to end earlier, in milliseconds.
const LONG: u64 = 30_000;

struct Guest;

impl bindings::Guest for Guest {
    async fn receive(uri: String, tube: String) -> u64 {
        id_of(receive(uri, tube).await)
    }

    async fn read(uri: String, tube: String) -> u64 {
        id_of(read(uri, tube).await)
    }

    async fn read_many(uri: String, tube: String, count: u32) -> Vec<u64> {
        read_many(uri, tube, count).await.unwrap_or_default()
    }
}

fn id_of(id: Option<u64>) -> u64 {
    id.unwrap_or_default()
}

async fn receive(uri: String, tube: String) -> Option<u64> {
    let consumer = open(uri, tube).await?;
    abandon(consumer.receive(LONG)).await?;
    go_on().await;
    delete(consumer.receive(LONG).await.ok()??).await
}

async fn read(uri: String, tube: String) -> Option<u64> {
    let consumer = open(uri, tube).await?;
    let mut jobs = consumer.jobs();
    abandon(jobs.next()).await?;
    go_on().await;
    delete(jobs.next().await?).await
}

async fn read_many(uri: String, tube: String, count: u32) -> Option<Vec<u64>> {
    let consumer = open(uri, tube).await?;
    let mut stream = consumer.jobs();
    let mut jobs = Vec::new();
    for _ in 0..count {
        jobs.push(stream.next().await?);
    }
    drop(stream);
    let mut ids = Vec::new();
    for job in jobs {
        ids.push(delete(job).await?);
    }
    go_on().await;
    Some(ids)
}

async fn open(uri: String, tube: String) -> Option<Consumer> {
    Consumer::open(vec![uri], vec![tube], None).await.ok()
}

/// Waits for it until it is to be given up; none if it ends before.
async fn abandon<T>(work: impl Future<Output = T>) -> Option<()> {
    match select(pin!(work), pin!(give_up())).await {
        Either::Left(_) => None,
        Either::Right(_) => Some(()),
    }
}

async fn delete(job: Job) -> Option<u64> {
    let id = job.id();
    job.delete().await.ok()?;
    Some(id)
}

bindings::export!(Guest with_types_in bindings);
