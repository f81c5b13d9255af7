//! A test as a user may write it; the README shows it.

use std::time::Duration;

use beanwire::{Config, Consumer, Producer};
use beanwire_server::Server;

#[tokio::test]
async fn a_mail_is_sent_again_when_its_worker_dies() -> Result<(), Box<dyn std::error::Error>> {
    let server = Server::start().await?;
    let producer = Producer::open(server.uri(), Config::default()).await?;
    let consumer = Consumer::open(server.uri(), ["mail"], Config::default()).await?;
    producer.put("mail", "hello").ttr(Duration::from_secs(60)).await?;

    let job = consumer.next_job().await?;
    server.advance(Duration::from_secs(60));
    let again = consumer.next_job().await?;
    assert_eq!(again.body(), "hello");
    assert_eq!(again.stats().await?.timeouts, 1);
    drop(job);
    again.delete().await?;
    Ok(())
}
