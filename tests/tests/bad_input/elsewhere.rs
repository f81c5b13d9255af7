use beanwire::{Config, ErrorKind, Outcome, Producer};
use beanwire_tests::Beanstalkd;

use crate::{assert_invalid, producer, within};

#[tokio::test]
async fn a_job_of_another_producers_server_is_not_deleted() {
    let (here, there) = (Beanstalkd::start(), Beanstalkd::start());
    let (own, other) = (producer(&here).await, producer(&there).await);
    let mine = within(own.put("mail", "mine")).await.unwrap();
    let theirs = within(other.put("mail", "theirs")).await.unwrap();
    assert_eq!(mine.id, theirs.id, "the same id must mean another job");
    let result = within(own.delete(&theirs.server, theirs.id)).await;
    assert_invalid(result, "server", &[&there.uri(), "one of this client's servers"]);
    assert_eq!(here.raw().stats_job(mine.id.0)["state"], "ready");
    assert_eq!(there.raw().stats_job(theirs.id.0)["state"], "ready");
    within(own.delete(&mine.server, mine.id)).await.unwrap();
    within(other.delete(&theirs.server, theirs.id)).await.unwrap();
}

#[tokio::test]
async fn a_job_is_deleted_on_the_server_that_the_put_named() {
    let servers = [Beanstalkd::start(), Beanstalkd::start()];
    let uris: Vec<_> = servers.iter().map(Beanstalkd::uri).collect();
    let both = within(Producer::open(&uris, Config::default())).await.unwrap();
    for server in &servers {
        // The place in the list differs from that in the producer's own.
        let alone = producer(server).await;
        let inserted = within(alone.put("mail", "hello")).await.unwrap();
        within(both.delete(&inserted.server, inserted.id)).await.unwrap();
        assert!(server.raw().stats_job(inserted.id.0).is_empty());
        let error = within(both.delete(&inserted.server, inserted.id)).await.unwrap_err();
        let found = (error.kind(), error.outcome());
        assert_eq!(found, (ErrorKind::NotFound, Outcome::Rejected), "{error}");
    }
}
