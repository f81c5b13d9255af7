//! Looks after a tube with the plain protocol: what is in it, and buried jobs back to work.

use std::time::Duration;

use beanwire::{Config, Connection, Error, ErrorKind};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let mut arguments = std::env::args().skip(1);
    let uri = arguments.next().unwrap_or("127.0.0.1:11300".into());
    let tube = arguments.next().unwrap_or("mail".into());
    let connection = Connection::open(uri, Config::default()).await?;
    match connection.stats_tube(&tube).await {
        Ok(stats) => {
            println!("{} ready, {} buried", stats.current_jobs_ready, stats.current_jobs_buried);
            if let Some(job) = connection.peek_buried(&tube).await? {
                println!("buried first: {}: {:?}", job.id(), job.body());
            }
            println!("{} kicked", connection.kick(&tube, 100).await?);
        }
        Err(error) if error.kind() == ErrorKind::NotFound => println!("there is no tube {tube}"),
        Err(error) => return Err(error),
    }
    connection.close(Duration::from_secs(5)).await;
    Ok(())
}
