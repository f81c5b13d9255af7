//! A connection that was lost comes back with the tubes that its caller uses and watches.

use std::time::Duration;

use beanwire::{Config, Connection, TubeName};
use beanwire_tests::{Beanstalkd, CuttingProxy, ScriptedPeer, handshake, wait_until};

use crate::calls::serve;
use crate::within;

fn quick() -> Config {
    let config = Config::builder().reconnect_min(Duration::from_millis(1));
    config.reconnect_max(Duration::from_millis(20)).build().unwrap()
}

async fn watched(connection: &Connection) -> Vec<String> {
    let tubes = within(connection.list_tubes_watched()).await.unwrap();
    let mut tubes: Vec<_> = tubes.iter().map(|tube| tube.as_str().to_owned()).collect();
    tubes.sort();
    tubes
}

async fn used(connection: &Connection) -> TubeName {
    within(connection.list_tube_used()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_that_was_used_and_watched_before_comes_back_time_after_time() {
    let server = Beanstalkd::start();
    let proxy = CuttingProxy::start(server.addr());
    let connection = Connection::open(proxy.uri(), quick()).await.unwrap();
    let lose = || {
        let before = proxy.connections();
        proxy.cut_now();
        wait_until("it comes back", || proxy.connections() > before && connection.is_connected());
    };
    for tube in ["a", "b", "c"] {
        within(connection.watch(tube)).await.unwrap();
        within(connection.use_tube(tube)).await.unwrap();
    }
    lose();
    assert_eq!(watched(&connection).await, ["a", "b", "c", "default"]);
    assert_eq!(used(&connection).await.as_str(), "c");
    // What changes on the second connection has to come back on the third.
    within(connection.ignore("default")).await.unwrap();
    within(connection.ignore("b")).await.unwrap();
    within(connection.watch("d")).await.unwrap();
    within(connection.put("e", "x")).await.unwrap();
    lose();
    assert_eq!(watched(&connection).await, ["a", "c", "d"]);
    assert_eq!(used(&connection).await.as_str(), "e");
    lose();
    assert_eq!(watched(&connection).await, ["a", "c", "d"]);
    assert_eq!(used(&connection).await.as_str(), "e");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_come_from_the_same_tubes_and_go_to_the_same_tube_after_a_restart() {
    let mut server = Beanstalkd::start();
    let connection = Connection::open(server.uri(), quick()).await.unwrap();
    within(connection.watch("a")).await.unwrap();
    within(connection.watch("b")).await.unwrap();
    within(connection.ignore("default")).await.unwrap();
    within(connection.use_tube("used")).await.unwrap();
    for _ in 0..3 {
        server.restart();
        wait_until("it comes back", || {
            server.raw().stats_tube("b").get("current-watching").is_some_and(|n| n == "1")
        });
        let mut raw = server.raw();
        raw.put("default", "not for this one");
        raw.put("used", "not for this one");
        let ids = [raw.put("a", "x"), raw.put("b", "x")];
        for id in ids {
            let job = within(connection.reserve()).await.unwrap();
            assert_eq!(job.id().0, id);
            within(job.delete()).await.unwrap();
        }
        // A tube that is in use already is not selected again.
        let put = within(connection.put("used", "x")).await.unwrap();
        assert_eq!(raw.stats_job(put.id.0)["tube"], "used");
        assert_eq!(raw.stats()["cmd-use"], "5", "four of them are this test's own");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_refused_does_not_come_back() {
    let peer = ScriptedPeer::start(|number, conn| {
        if handshake(conn) {
            let refused = ["watch b", "ignore a", "use b"];
            serve(conn, |line| match line {
                "ignore a" if number == 0 => Some("NOT_IGNORED\r\n".into()),
                line if number == 0 && refused.contains(&line) => Some("OUT_OF_MEMORY\r\n".into()),
                _ => None,
            });
        }
    });
    let connection = Connection::open(peer.uri(), quick()).await.unwrap();
    within(connection.use_tube("a")).await.unwrap();
    within(connection.watch("a")).await.unwrap();
    within(connection.watch("b")).await.unwrap_err();
    within(connection.ignore("a")).await.unwrap_err();
    // It costs the connection, for nobody knows the tube that is in use then.
    within(connection.use_tube("b")).await.unwrap_err();
    wait_until("it comes back", || peer.connections() == 2 && connection.is_connected());
    let lines = peer.lines().into_iter().filter(|(number, _)| *number == 1);
    let lines: Vec<_> = lines.map(|(_, line)| line).collect();
    assert_eq!(lines, ["stats", "watch a", "use a"]);
}
