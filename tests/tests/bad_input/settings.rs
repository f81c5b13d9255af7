use std::time::Duration;

use beanwire::{CloseReport, Config, Connection, Consumer, ErrorKind, FailurePolicy, Producer};
use beanwire_tests::Beanstalkd;

use crate::{assert_invalid, within};

type Change = fn(&mut Config);

/// A setting out of range, as the error must show it: field, value, limit.
const CASES: &[(&str, Change, &str, &str)] = &[
    ("multiply", |c| c.multiply = 0, "\"0\"", "1 to 1024"),
    ("multiply", |c| c.multiply = 1025, "\"1025\"", "1 to 1024"),
    ("concurrency", |c| c.concurrency = 0, "\"0\"", "1 to 65536"),
    ("concurrency", |c| c.concurrency = 65_537, "\"65537\"", "1 to 65536"),
    ("max_connections", |c| c.max_connections = Some(0), "\"0\"", "1 to 1024"),
    ("max_connections", |c| c.max_connections = Some(1025), "\"1025\"", "1 to 1024"),
    ("max_connections", |c| (c.multiply, c.max_connections) = (3, Some(2)), "\"2\"", "3 to 1024"),
    ("prefetch", |c| c.prefetch = 65_537, "\"65537\"", "0 to 65536"),
    ("connect_timeout", |c| c.connect_timeout = Duration::ZERO, "0ns", "1ms to 3600s"),
    ("connect_timeout", |c| c.connect_timeout = Duration::MAX, "1844674", "1ms to 3600s"),
    ("command_timeout", |c| c.command_timeout = Duration::ZERO, "0ns", "1ms to 3600s"),
    ("command_timeout", |c| c.command_timeout = hours(2), "7200s", "1ms to 3600s"),
    ("put_timeout", |c| c.put_timeout = hours(25), "90000s", "0ns to 86400s"),
    ("reserve_timeout", |c| c.reserve_timeout = millis(999), "999ms", "1s to 3600s"),
    ("reserve_timeout", |c| c.reserve_timeout = hours(2), "7200s", "1s to 3600s"),
    ("reconnect_min", |c| c.reconnect_min = Duration::ZERO, "0ns", "1ms to 3600s"),
    ("reconnect_min", |c| c.reconnect_min = hours(2), "7200s", "1ms to 3600s"),
    ("reconnect_max", |c| c.reconnect_max = hours(2), "7200s", "100ms to 3600s"),
    ("reconnect_max", |c| c.reconnect_max = millis(99), "99ms", "100ms to 3600s"),
    ("max_body_size", |c| c.max_body_size = 0, "\"0\"", "1 to 1073741824"),
    ("max_body_size", |c| c.max_body_size = (1 << 30) + 1, "1073741825", "1 to 1073741824"),
    ("max_pending_bytes", |c| c.max_pending_bytes = 4095, "\"4095\"", "4096 to "),
    (
        "failure.delay",
        |c| c.failure = FailurePolicy::default().with_delay(hours(1)),
        "3600s",
        "0ns to 300s",
    ),
    (
        "failure.max_delay",
        |c| c.failure = FailurePolicy::default().with_max_delay(Duration::MAX),
        "1844674",
        "0ns to 4294967295s",
    ),
    (
        "failure.max_attempts",
        |c| c.failure = FailurePolicy::default().with_max_attempts(0),
        "\"0\"",
        "1 to 4294967295",
    ),
];

const fn hours(count: u64) -> Duration {
    Duration::from_secs(3600 * count)
}

const fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

#[tokio::test]
async fn a_setting_out_of_range_is_refused_when_a_client_is_opened() {
    let server = Beanstalkd::start();
    let uri = server.uri();
    let before = server.raw().stats()["total-connections"].parse::<u32>().unwrap();
    for (field, change, value, limit) in CASES {
        let mut config = Config::default();
        change(&mut config);
        let parts = [*value, *limit];
        assert_invalid(config.validate(), field, &parts);
        let producer = within(Producer::open(&uri, config.clone())).await;
        assert_invalid(producer, field, &parts);
        let consumer = within(Consumer::open(&uri, ["mail"], config.clone())).await;
        assert_invalid(consumer, field, &parts);
        let connection = within(Connection::open(&uri, config)).await;
        assert_invalid(connection, field, &parts);
    }
    let after = server.raw().stats()["total-connections"].parse::<u32>().unwrap();
    assert_eq!(after, before + 1, "a refused client has connected");
}

#[tokio::test]
async fn the_builder_refuses_the_same() {
    for field in ["multiply", "concurrency", "max_connections", "max_body_size"] {
        let builder = Config::builder();
        let builder = match field {
            "multiply" => builder.multiply(0),
            "concurrency" => builder.concurrency(0),
            "max_connections" => builder.max_connections(0),
            _ => builder.max_body_size(0),
        };
        assert_invalid(builder.build(), field, &["\"0\""]);
    }
}

/// Puts and handles a job.
async fn assert_usable(config: Config) {
    let server = Beanstalkd::start();
    let producer = within(Producer::open(server.uri(), config.clone())).await.unwrap();
    let consumer = within(Consumer::open(server.uri(), ["mail"], config)).await.unwrap();
    within(producer.ready(hours(1))).await.unwrap();
    within(producer.put("mail", "hello")).await.unwrap();
    let job = within(consumer.next_job()).await.unwrap();
    within(job.delete()).await.unwrap();
    assert_eq!(within(consumer.close(hours(1))).await, CloseReport::default());
}

#[tokio::test]
async fn settings_at_the_upper_ends_of_their_ranges_work() {
    let config = Config::builder().connect_timeout(hours(1)).command_timeout(hours(1));
    let config = config.put_timeout(hours(24)).reserve_timeout(hours(1)).reconnect_max(hours(1));
    let config = config.reconnect_min(hours(1)).concurrency(65_536).max_connections(1024);
    let config = config.prefetch(65_536).max_pending_bytes(usize::MAX).max_body_size(1 << 30);
    assert_usable(config.build().unwrap()).await;
}

#[tokio::test]
async fn settings_at_the_lower_ends_of_their_ranges_work() {
    let config = Config::builder().put_timeout(Duration::ZERO).max_pending_bytes(4096);
    let config = config.concurrency(1).max_connections(1).reserve_timeout(millis(1000));
    let config = config.reconnect_min(millis(1)).reconnect_max(millis(1));
    assert_usable(config.build().unwrap()).await;
}

#[tokio::test]
async fn the_largest_body_that_is_accepted_bounds_jobs_and_nothing_else() {
    let server = Beanstalkd::start();
    let config = Config::builder().max_body_size(5).command_timeout(millis(2000));
    let config = config.build().unwrap();
    let connection = within(Connection::open(server.uri(), config.clone())).await.unwrap();
    within(connection.stats()).await.unwrap();
    within(connection.list_tubes()).await.unwrap();
    let large = server.raw().put("other", "six by");
    let error = within(connection.peek(large)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnexpectedReply, "{error}");
    assert!(error.to_string().contains('6') && error.to_string().contains('5'), "{error}");
    assert_usable(config).await;
}
