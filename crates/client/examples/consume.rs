//! Handles jobs from the tube `mail` until Ctrl-C or SIGTERM, then stops without losing any.

use std::time::Duration;

use beanwire::{Config, Consumer, Error, Job};
use tokio::signal::ctrl_c;
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let uri = std::env::args().nth(1).unwrap_or("127.0.0.1:11300".into());
    let consumer = Consumer::open(uri, ["mail"], Config::default()).await?;
    let mut terminate = signal(SignalKind::terminate())?;
    let stop = async move {
        tokio::select! { _ = ctrl_c() => {}, _ = terminate.recv() => {} }
    };
    let report = consumer.receive(send).shutdown(stop).await?;
    consumer.close(Duration::from_secs(5)).await;
    println!("{} jobs handled, {} failed", report.handled, report.failed);
    Ok(())
}

/// A job that is not finished when this returns is released, later each time.
async fn send(job: Job) -> Result<(), Error> {
    println!("job {}: {}", job.id(), String::from_utf8_lossy(job.body()));
    job.delete().await
}
