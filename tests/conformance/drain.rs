//! A server that takes no more jobs.

use crate::Target;

cases! {
    a_draining_server_takes_no_job,
    a_refused_body_is_not_run,
    all_other_commands_go_on,
    a_refused_put_burns_an_id,
    other_faults_of_a_put_come_first,
    statistics_tell_that_it_drains,
}

fn a_draining_server_takes_no_job(target: &Target) {
    let mut client = target.connect();
    client.put("0 0 60", "x");
    target.drain();
    for _ in 0..3 {
        client.check("put 0 0 60 1\r\ny", "DRAINING");
        client.check("put 0 1000 60 1\r\ny", "DRAINING");
    }
    target.connect().check("put 0 0 60 0\r\n", "DRAINING");
    client.shows("stats", &["total-jobs: 1", "current-jobs-ready: 1", "cmd-put: 8"]);
}

fn a_refused_body_is_not_run(target: &Target) {
    target.drain();
    let mut client = target.connect();
    client.check("put 0 0 60 14\r\nuse a\r\nuse b\r\n", "DRAINING");
    client.check("list-tube-used", "USING default");
}

fn all_other_commands_go_on(target: &Target) {
    let mut client = target.connect();
    for _ in 0..3 {
        client.put("0 0 60", "x");
    }
    client.check("reserve", "RESERVED 1 1\r\nx");
    target.drain();
    client.talk(&[
        ("reserve", "RESERVED 2 1\r\nx"),
        ("release 1 0 1000", "RELEASED"),
        ("kick 1", "KICKED 1"),
        ("bury 2 0", "BURIED"),
        ("kick-job 2", "KICKED"),
        ("reserve-job 3", "RESERVED 3 1\r\nx"),
        ("touch 3", "TOUCHED"),
        ("delete 3", "DELETED"),
        ("peek-ready", "FOUND 1 1\r\nx"),
        ("use a", "USING a"),
        ("watch a", "WATCHING 2"),
        ("pause-tube a 0", "PAUSED"),
        ("reserve", "RESERVED 1 1\r\nx"),
        ("delete 1", "DELETED"),
        ("delete 2", "DELETED"),
        ("reserve-with-timeout 0", "TIMED_OUT"),
    ]);
}

fn a_refused_put_burns_an_id(target: &Target) {
    let mut client = target.connect();
    client.put("0 0 60", "x");
    target.drain();
    client.check("put 0 0 60 1\r\ny", "DRAINING");
    client.talk(&[
        ("peek 2", "NOT_FOUND"),
        ("delete 2", "NOT_FOUND"),
        ("stats-job 2", "NOT_FOUND"),
    ]);
}

fn other_faults_of_a_put_come_first(target: &Target) {
    target.drain();
    let mut client = target.connect();
    client.check("put 0 0 60 x", "BAD_FORMAT");
    client.check("put 0 0 60 1 ", "BAD_FORMAT");
    client.check(&format!("put 0 0 60 65536\r\n{}", "x".repeat(65_536)), "JOB_TOO_BIG");
    client.send("put 0 0 60 1\r\nabc");
    client.expect("EXPECTED_CRLF");
    client.check_step();
}

fn statistics_tell_that_it_drains(target: &Target) {
    let mut client = target.connect();
    client.shows("stats", &["draining: false"]);
    target.drain();
    client.shows("stats", &["draining: true"]);
}
