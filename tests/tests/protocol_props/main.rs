//! Whatever the protocol allows comes back from a real server as it went in.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail the way tests do"
)]

use std::time::Duration;

use beanwire::{Config, Connection, JobState};
use beanwire_tests::{Beanstalkd, RawClient};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use tokio::runtime::Runtime;

/// Round trips per property: each is a handful of commands.
const CASES: u32 = 32;

/// A server with a connection to it, for all cases of one property.
struct Setup {
    runtime: Runtime,
    connection: Connection,
    server: Beanstalkd,
}

impl Setup {
    fn start() -> Self {
        let server = Beanstalkd::start();
        let runtime = Runtime::new().unwrap();
        let open = Connection::open(server.uri(), Config::default());
        let connection = runtime.block_on(open).unwrap();
        Self { runtime, connection, server }
    }

    /// Fails the test on what takes so long that it must be hanging.
    fn run<F: Future>(&self, work: F) -> F::Output {
        let work = async { tokio::time::timeout(Duration::from_secs(30), work).await };
        self.runtime.block_on(work).expect("an end within 30 s")
    }

    fn check<S: Strategy>(&self, values: &S, test: impl Fn(&Connection, &mut RawClient, S::Value)) {
        let config = ProptestConfig {
            cases: CASES,
            failure_persistence: None,
            max_shrink_time: 10_000,
            ..ProptestConfig::default()
        };
        let outcome = TestRunner::new(config).run(values, |value| {
            test(&self.connection, &mut self.server.raw(), value);
            Ok(())
        });
        if let Err(failure) = outcome {
            panic!("{failure}");
        }
        // Nothing of it cost the connection.
        assert_eq!(self.connection.health().servers[0].last_error, None);
    }
}

/// Text that a client could take for a reply, or a server for a command.
fn protocol_text() -> impl Strategy<Value = Vec<u8>> {
    let pieces = prop::sample::select(vec![
        "\r\n",
        "\r",
        "\n",
        "\0",
        "DELETED\r\n",
        "INSERTED 1\r\n",
        "RESERVED 1 5\r\nhello\r\n",
        "OK 4\r\n---\n\r\n",
        "TIMED_OUT\r\n",
        "UNKNOWN_COMMAND\r\n",
        "put 0 0 60 3\r\n",
        "delete 1\r\n",
        "quit\r\n",
        "x",
    ]);
    prop::collection::vec(pieces, 0..60).prop_map(|pieces| pieces.concat().into_bytes())
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    let sizes = prop_oneof![Just(0), Just(65_535), 0..=65_535_usize, 4090..4100_usize];
    let of_one_byte = (any::<u8>(), sizes).prop_map(|(byte, size)| vec![byte; size]);
    prop_oneof![
        3 => protocol_text(),
        2 => prop::collection::vec(any::<u8>(), 0..3000),
        1 => prop::collection::vec(any::<u8>(), 0..=65_535),
        1 => of_one_byte,
    ]
}

const TUBE: &str = "[A-Za-z0-9+/;.$_()][-A-Za-z0-9+/;.$_()]{0,199}";

/// Any number, and those at the ends more often than chance would have them.
fn number(least: u32) -> impl Strategy<Value = u32> {
    let ends = prop_oneof![Just(least), Just(least + 1), Just(1023), Just(1024), Just(u32::MAX)];
    prop_oneof![1 => ends, 2 => least..=u32::MAX]
}

/// A span, and the whole seconds that it is on the wire.
fn span(least: u32) -> impl Strategy<Value = (Duration, u32)> {
    let part = prop_oneof![Just(0), Just(1), 0..1_000_000_000_u32];
    (number(least), part).prop_map(|(seconds, part)| match part {
        0 => (Duration::from_secs(u64::from(seconds)), seconds),
        // One less than the whole, and a part of it.
        part => match seconds.checked_sub(1) {
            Some(below) => (Duration::new(u64::from(below), part), seconds),
            None => (Duration::ZERO, 0),
        },
    })
}

#[test]
fn any_body_comes_back_as_it_went_in() {
    let setup = Setup::start();
    setup.check(&body(), |connection, raw, body| {
        let id = setup.run(connection.put("default", body.clone()).into_future()).unwrap().id;
        let seen = setup.run(connection.peek(id)).unwrap();
        assert!(seen.body() == &body, "peek gives another body");
        let job = setup.run(connection.reserve_with_timeout(Duration::ZERO)).unwrap().unwrap();
        assert_eq!(job.id(), id);
        assert!(job.body() == &body, "reserve gives another body");
        setup.run(job.delete()).unwrap();
        assert_eq!(raw.stats()["current-jobs-reserved"].as_str(), "0");
    });
}

#[test]
fn any_body_that_is_put_through_another_connection_is_read_whole() {
    let setup = Setup::start();
    setup.check(&body(), |connection, raw, body| {
        let id = raw.put("default", &body);
        let reserve = connection.reserve_with_timeout(Duration::from_secs(9));
        let job = setup.run(reserve).unwrap().unwrap();
        assert_eq!(job.id().0, id);
        assert!(job.body() == &body, "reserve gives another body");
        setup.run(job.delete()).unwrap();
    });
}

#[test]
fn any_allowed_name_names_a_tube() {
    let setup = Setup::start();
    setup.check(&TUBE, |connection, raw, tube| {
        let tube = tube.as_str();
        let id = setup.run(connection.put(tube, tube.to_owned()).into_future()).unwrap().id;
        assert_eq!(raw.stats_job(id.0)["tube"].as_str(), tube);
        assert_eq!(setup.run(connection.list_tube_used()).unwrap().as_str(), tube);
        assert_eq!(setup.run(connection.stats_tube(tube)).unwrap().name.as_str(), tube);
        assert_eq!(setup.run(connection.stats_job(id)).unwrap().tube.as_str(), tube);
        let others = if tube == "default" { 0 } else { 1 };
        assert_eq!(setup.run(connection.watch(tube)).unwrap(), 1 + others);
        let watched = setup.run(connection.list_tubes_watched()).unwrap();
        assert!(watched.iter().any(|name| name.as_str() == tube), "{:?}", watched);
        let job = setup.run(connection.reserve_with_timeout(Duration::ZERO)).unwrap().unwrap();
        assert_eq!(&job.body()[..], tube.as_bytes());
        setup.run(job.delete()).unwrap();
        if others > 0 {
            assert_eq!(setup.run(connection.ignore(tube)).unwrap(), 1);
        }
    });
}

#[test]
fn any_parameters_of_a_put_are_those_of_the_job() {
    let setup = Setup::start();
    let parameters = (number(0), span(0), span(1));
    setup.check(&parameters, |connection, raw, (priority, delay, ttr)| {
        let put = connection.put("default", "x").priority(priority).delay(delay.0).ttr(ttr.0);
        let inserted = setup.run(put.into_future()).unwrap();
        let state = if delay.1 == 0 { JobState::Ready } else { JobState::Delayed };
        assert_eq!(inserted.state, state);
        let told = raw.stats_job(inserted.id.0);
        let told = ["pri", "delay", "ttr"].map(|key| told[key].parse::<u32>().unwrap());
        assert_eq!(told, [priority, delay.1, ttr.1]);
        let stats = setup.run(connection.stats_job(inserted.id)).unwrap();
        assert_eq!(stats.priority.0, priority);
        let seconds = |span: Duration| (span.as_secs(), span.subsec_nanos());
        assert_eq!(seconds(stats.delay), (u64::from(delay.1), 0));
        assert_eq!(seconds(stats.ttr), (u64::from(ttr.1), 0));
        setup.run(connection.delete(inserted.id)).unwrap();
    });
}

#[test]
fn any_parameters_of_a_release_are_those_of_the_job() {
    let setup = Setup::start();
    let parameters = (number(0), span(0), number(0));
    setup.check(&parameters, |connection, raw, (priority, delay, buried)| {
        let id = raw.put("default", "x");
        let job = setup.run(connection.reserve_job(id)).unwrap();
        setup.run(connection.release(id, priority, delay.0)).unwrap();
        drop(job);
        let told = raw.stats_job(id);
        let told = ["pri", "delay", "releases"].map(|key| told[key].parse::<u32>().unwrap());
        assert_eq!(told, [priority, delay.1, 1]);
        let job = setup.run(connection.reserve_job(id)).unwrap();
        setup.run(job.bury_with(buried)).unwrap();
        assert_eq!(raw.stats_job(id)["pri"].parse::<u32>().unwrap(), buried);
        setup.run(connection.delete(id)).unwrap();
    });
}
