use std::time::Duration;

use beanwire::ErrorKind;
use beanwire_tests::{Beanstalkd, wait_until};

use crate::{MINUTE, SECOND, assert_rejected, open, reserve_now, within};

#[tokio::test]
async fn a_job_is_deleted_in_every_state() {
    let server = Beanstalkd::start();
    let connection = open(&server).await;
    let mut raw = server.raw();
    let buried = raw.put("mail", "buried");
    assert!(raw.reserve("mail").is_some());
    assert_eq!(raw.command(&format!("bury {buried} 0")), "BURIED");
    let ready = raw.put("mail", "ready");
    let delayed = raw.put_with("mail", "delayed", 0, 60, 60);
    let reserved = raw.put("default", "reserved");
    let job = reserve_now(&connection).await;
    assert_eq!(job.id().0, reserved);
    for id in [buried, ready, delayed, reserved] {
        within(connection.delete(id)).await.unwrap();
        assert!(raw.stats_job(id).is_empty());
        assert_rejected(within(connection.delete(id)).await, ErrorKind::NotFound);
    }
}

#[tokio::test]
async fn a_job_that_another_connection_holds_is_out_of_reach() {
    let server = Beanstalkd::start();
    let connection = open(&server).await;
    let mut raw = server.raw();
    let id = raw.put("mail", "hello");
    assert!(raw.reserve("mail").is_some());
    let not_found = ErrorKind::NotFound;
    assert_rejected(within(connection.delete(id)).await, not_found);
    assert_rejected(within(connection.release(id, 0, Duration::ZERO)).await, not_found);
    assert_rejected(within(connection.bury(id, 0)).await, not_found);
    assert_rejected(within(connection.touch(id)).await, not_found);
    assert_rejected(within(connection.kick_job(id)).await, not_found);
    assert_eq!(raw.stats_job(id)["state"], "reserved");
}

#[tokio::test]
async fn a_job_that_nobody_holds_cannot_be_released_buried_or_touched() {
    let server = Beanstalkd::start();
    let connection = open(&server).await;
    let id = server.raw().put("mail", "hello");
    let not_found = ErrorKind::NotFound;
    assert_rejected(within(connection.release(id, 0, Duration::ZERO)).await, not_found);
    assert_rejected(within(connection.bury(id, 0)).await, not_found);
    assert_rejected(within(connection.touch(id)).await, not_found);
    assert_eq!(server.raw().stats_job(id)["state"], "ready");
}

#[tokio::test]
async fn a_job_is_released_with_a_priority_and_a_delay() {
    let server = Beanstalkd::start();
    let connection = open(&server).await;
    let mut raw = server.raw();
    let id = raw.put("default", "hello");
    let _held = reserve_now(&connection).await;
    within(connection.release(id, 7, MINUTE + SECOND / 10)).await.unwrap();
    let stats = raw.stats_job(id);
    let told = ["state", "pri", "delay", "releases"].map(|key| stats[key].as_str());
    assert_eq!(told, ["delayed", "7", "61", "1"]);
}

#[tokio::test]
async fn a_job_is_released_without_a_delay_and_ready_at_once() {
    let server = Beanstalkd::start();
    let connection = open(&server).await;
    let mut raw = server.raw();
    let id = raw.put("default", "hello");
    let held = reserve_now(&connection).await;
    within(connection.release(held.id(), u32::MAX, Duration::ZERO)).await.unwrap();
    let stats = raw.stats_job(id);
    assert_eq!((stats["state"].as_str(), stats["pri"].as_str()), ("ready", "4294967295"));
    assert_eq!(raw.reserve("default"), Some((id, b"hello".to_vec())));
}

#[tokio::test]
async fn a_job_is_buried_with_a_priority() {
    let server = Beanstalkd::start();
    let connection = open(&server).await;
    let mut raw = server.raw();
    let id = raw.put("default", "hello");
    let _held = reserve_now(&connection).await;
    within(connection.bury(id, 7)).await.unwrap();
    let stats = raw.stats_job(id);
    let told = ["state", "pri", "buries"].map(|key| stats[key].as_str());
    assert_eq!(told, ["buried", "7", "1"]);
    assert_rejected(within(connection.bury(id, 7)).await, ErrorKind::NotFound);
}

#[tokio::test]
async fn a_touch_starts_the_ttr_anew() {
    let server = Beanstalkd::start();
    let connection = open(&server).await;
    let mut raw = server.raw();
    let id = raw.put_with("default", "hello", 0, 0, 10);
    let _held = reserve_now(&connection).await;
    let mut left = || raw.stats_job(id)["time-left"].parse::<u32>().unwrap();
    wait_until("two seconds of the TTR have run", || left() <= 7);
    within(connection.touch(id)).await.unwrap();
    assert!(left() >= 8);
}

#[tokio::test]
async fn the_handle_of_a_job_does_what_the_commands_do() {
    let server = Beanstalkd::start();
    let connection = open(&server).await;
    let mut raw = server.raw();
    let id = raw.put_with("default", "hello", 5, 0, 60);
    within(reserve_now(&connection).await.release()).await.unwrap();
    assert_eq!(raw.stats_job(id)["pri"], "5");
    within(reserve_now(&connection).await.release_with(None, MINUTE)).await.unwrap();
    let stats = raw.stats_job(id);
    assert_eq!((stats["state"].as_str(), stats["pri"].as_str()), ("delayed", "5"));
    within(within(connection.reserve_job(id)).await.unwrap().bury()).await.unwrap();
    let stats = raw.stats_job(id);
    assert_eq!((stats["state"].as_str(), stats["pri"].as_str()), ("buried", "5"));
    within(within(connection.reserve_job(id)).await.unwrap().bury_with(9)).await.unwrap();
    assert_eq!(raw.stats_job(id)["pri"], "9");
    let job = within(connection.reserve_job(id)).await.unwrap();
    within(job.touch()).await.unwrap();
    within(job.delete()).await.unwrap();
    assert!(raw.stats_job(id).is_empty());
}

#[tokio::test]
async fn kick_takes_buried_jobs_before_delayed_ones_and_tells_how_many() {
    let server = Beanstalkd::start();
    let connection = open(&server).await;
    let mut raw = server.raw();
    for body in ["1", "2", "3"] {
        let id = raw.put("mail", body);
        assert!(raw.reserve("mail").is_some());
        assert_eq!(raw.command(&format!("bury {id} 0")), "BURIED");
    }
    raw.put_with("mail", "4", 0, 60, 60);
    let counts = |raw: &mut beanwire_tests::RawClient| {
        let stats = raw.stats_tube("mail");
        ["ready", "buried", "delayed"]
            .map(|state| stats[&format!("current-jobs-{state}")].parse::<u32>().unwrap())
    };
    for (bound, kicked, left) in
        [(0, 0, [0, 3, 1]), (2, 2, [2, 1, 1]), (9, 1, [3, 0, 1]), (9, 1, [4, 0, 0])]
    {
        assert_eq!(within(connection.kick("mail", bound)).await.unwrap(), kicked);
        assert_eq!(counts(&mut raw), left);
    }
    assert_eq!(within(connection.kick("mail", u32::MAX)).await.unwrap(), 0);
}

#[tokio::test]
async fn one_job_is_kicked_if_it_is_buried_or_delayed() {
    let server = Beanstalkd::start();
    let connection = open(&server).await;
    let mut raw = server.raw();
    let buried = raw.put("mail", "buried");
    assert!(raw.reserve("mail").is_some());
    assert_eq!(raw.command(&format!("bury {buried} 0")), "BURIED");
    let delayed = raw.put_with("mail", "delayed", 0, 60, 60);
    for id in [buried, delayed] {
        within(connection.kick_job(id)).await.unwrap();
        let stats = raw.stats_job(id);
        assert_eq!((stats["state"].as_str(), stats["kicks"].as_str()), ("ready", "1"));
        assert_rejected(within(connection.kick_job(id)).await, ErrorKind::NotFound);
    }
    assert_rejected(within(connection.kick_job(999)).await, ErrorKind::NotFound);
}
