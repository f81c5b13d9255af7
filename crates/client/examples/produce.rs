//! Puts one job into the tube `mail`.

use std::time::Duration;

use beanwire::{Config, Error, Producer};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let uri = std::env::args().nth(1).unwrap_or("127.0.0.1:11300".into());
    let producer = Producer::open(uri, Config::default()).await?;
    let job = producer.put("mail", "hello").ttr(Duration::from_secs(30)).await?;
    println!("job {} is {:?} on {}", job.id, job.state, job.server);
    producer.close(Duration::from_secs(5)).await;
    Ok(())
}
