use std::time::Duration;

use beanwire::{NewJob, Priority};
use beanwire_tests::Beanstalkd;

use crate::{SECOND, assert_invalid, commands, connection, producer, within};

const NANO: Duration = Duration::from_nanos(1);

/// The longest span that the wire carries.
const LONGEST: Duration = Duration::from_secs(u32::MAX as u64);

#[test]
fn a_priority_is_a_number_of_32_bits() {
    assert_eq!(Priority::new(u64::from(u32::MAX)).unwrap(), Priority(u32::MAX));
    assert_invalid(Priority::new(1 << 32), "priority", &["4294967296", "0 to 4294967295"]);
    assert_invalid(Priority::new(u64::MAX), "priority", &["18446744073709551615"]);
}

#[tokio::test]
async fn a_delay_that_is_too_long_is_refused_by_every_call() {
    let server = Beanstalkd::start();
    let (connection, producer) = (connection(&server).await, producer(&server).await);
    let mut raw = server.raw();
    let before = commands(&mut raw);
    for (delay, value) in [(LONGEST + NANO, "4294967295.000000001s"), (Duration::MAX, "1844674")] {
        let parts = [value, "at most 4294967295 s"];
        let job = || NewJob::new("mail", "hello").unwrap();
        assert_invalid(job().delay(delay), "delay", &parts);
        assert_invalid(within(producer.put("mail", "hello").delay(delay)).await, "delay", &parts);
        assert_invalid(within(connection.put("mail", "hello").delay(delay)).await, "delay", &parts);
        assert_invalid(within(connection.release(1, 0, delay)).await, "delay", &parts);
        assert_invalid(within(connection.pause_tube("default", delay)).await, "delay", &parts);
    }
    assert_eq!(commands(&mut raw), before);
    let job = within(connection.put("mail", "hello").delay(LONGEST)).await.unwrap();
    assert_eq!(raw.stats_job(job.id.0)["delay"], "4294967295");
}

#[tokio::test]
async fn a_ttr_of_zero_or_too_long_is_refused_by_every_call() {
    let server = Beanstalkd::start();
    let (connection, producer) = (connection(&server).await, producer(&server).await);
    let mut raw = server.raw();
    let before = commands(&mut raw);
    for (ttr, parts) in [
        (Duration::ZERO, ["\"0\"", "at least 1 s"]),
        (LONGEST + NANO, ["4294967295.000000001s", "at most 4294967295 s"]),
        (Duration::MAX, ["1844674", "at most 4294967295 s"]),
    ] {
        assert_invalid(NewJob::new("mail", "hello").unwrap().ttr(ttr), "ttr", &parts);
        assert_invalid(within(producer.put("mail", "hello").ttr(ttr)).await, "ttr", &parts);
        assert_invalid(within(connection.put("mail", "hello").ttr(ttr)).await, "ttr", &parts);
    }
    assert_eq!(commands(&mut raw), before);
    for (ttr, told) in [(NANO, "1"), (SECOND, "1"), (LONGEST, "4294967295")] {
        let job = within(producer.put("mail", "hello").ttr(ttr)).await.unwrap();
        assert_eq!(raw.stats_job(job.id.0)["ttr"], told);
    }
}

#[tokio::test]
async fn the_first_bad_parameter_of_a_put_is_the_one_that_is_named() {
    let server = Beanstalkd::start();
    let producer = producer(&server).await;
    let put = producer.put("mail", "hello").delay(Duration::MAX).ttr(Duration::ZERO).priority(1);
    assert_invalid(within(put).await, "delay", &[]);
    let put = producer.put("-", "hello").delay(Duration::MAX);
    assert_invalid(within(put).await, "tube", &[]);
}

#[tokio::test]
async fn a_reserve_that_would_wait_too_long_is_refused() {
    let server = Beanstalkd::start();
    let connection = connection(&server).await;
    let mut raw = server.raw();
    let before = commands(&mut raw);
    let longest = Duration::from_secs(u64::from(i32::MAX.unsigned_abs()));
    for (timeout, value) in [
        (longest + NANO, "2147483647.000000001s"),
        (longest + SECOND, "2147483648s"),
        (Duration::MAX, "1844674"),
    ] {
        let result = within(connection.reserve_with_timeout(timeout)).await;
        assert_invalid(result, "timeout", &[value, "at most 2147483647 s"]);
    }
    assert_eq!(commands(&mut raw), before);
    raw.put("default", "hello");
    let job = within(connection.reserve_with_timeout(longest)).await.unwrap();
    within(job.unwrap().delete()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_is_released_with_a_bad_delay_counts_as_failed() {
    let server = Beanstalkd::start();
    let connection = connection(&server).await;
    let mut raw = server.raw();
    let id = raw.put("default", "hello");
    let job = within(connection.reserve()).await.unwrap();
    let result = within(job.release_with(None, LONGEST + NANO)).await;
    assert_invalid(result, "delay", &["4294967295.000000001s", "at most 4294967295 s"]);
    // The default policy releases it with a delay of a second.
    beanwire_tests::wait_until("the job is given back", || {
        let stats = raw.stats_job(id);
        (stats["releases"].as_str(), stats["delay"].as_str()) == ("1", "1")
    });
    within(connection.stats()).await.unwrap();
}
