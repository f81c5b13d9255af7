use std::net::{Ipv4Addr, TcpStream};

use beanwire_tests::{Beanstalkd, free_port};

fn put_and_reserve(server: &Beanstalkd) {
    let id = server.raw().put("mail", "hello");
    let mut raw = server.raw();
    assert_eq!(raw.reserve("other"), None);
    assert_eq!(raw.reserve("mail"), Some((id, b"hello".to_vec())));
    assert_eq!(raw.stats_job(id)["state"], "reserved");
    assert_eq!(raw.stats_tube("mail")["current-jobs-reserved"], "1");
}

#[test]
fn a_server_listens_on_ipv4() {
    let server = Beanstalkd::start();
    assert_eq!(server.uri(), format!("beanstalk://127.0.0.1:{}", server.port()));
    put_and_reserve(&server);
    assert!(server.raw().stats_job(999).is_empty());
    assert!(server.raw().stats_tube("nowhere").is_empty());
}

#[test]
fn a_server_listens_on_ipv6() {
    let server = Beanstalkd::builder().ipv6().start();
    assert_eq!(server.uri(), format!("beanstalk://[::1]:{}", server.port()));
    put_and_reserve(&server);
}

#[test]
fn a_server_listens_on_a_unix_socket() {
    let mut server = Beanstalkd::builder().unix().start();
    assert_eq!(server.uri(), format!("unix://{}", server.socket().display()));
    put_and_reserve(&server);
    server.restart();
    put_and_reserve(&server);
}

#[test]
fn a_server_takes_bodies_up_to_its_limit() {
    let server = Beanstalkd::builder().max_job_size(10).start();
    let mut raw = server.raw();
    assert_eq!(raw.stats()["max-job-size"], "10");
    raw.put("mail", [b'x'; 10]);
    raw.send("put 0 0 60 11\r\nxxxxxxxxxxx\r\n");
    assert_eq!(raw.line(), "JOB_TOO_BIG");
}

#[test]
fn a_binlog_keeps_a_buried_job_through_a_restart() {
    let mut server = Beanstalkd::builder().binlog().start();
    let (port, mut raw) = (server.port(), server.raw());
    let id = raw.put("mail", "hello");
    assert!(raw.reserve("mail").is_some());
    assert_eq!(raw.command(&format!("bury {id} 7")), "BURIED");
    server.restart();
    assert!(raw.at_end());
    assert_eq!(server.port(), port);
    let stats = server.raw().stats_job(id);
    assert_eq!((stats["state"].as_str(), stats["pri"].as_str()), ("buried", "7"));
}

#[test]
fn a_restart_without_a_binlog_forgets() {
    let mut server = Beanstalkd::start();
    let id = server.raw().put("mail", "hello");
    server.restart();
    assert!(server.raw().stats_job(id).is_empty());
}

#[test]
fn a_killed_server_is_gone_until_its_restart() {
    let mut server = Beanstalkd::start();
    let mut raw = server.raw();
    raw.stats();
    server.kill();
    assert!(raw.at_end());
    assert!(TcpStream::connect(server.addr()).is_err());
    server.restart();
    put_and_reserve(&server);
}

/// The letter Linux has for the state of a process.
fn state(pid: &str) -> String {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let (_, behind_name) = stat.rsplit_once(") ").unwrap();
    behind_name[..1].to_owned()
}

#[test]
fn a_stopped_server_accepts_and_answers_later() {
    let server = Beanstalkd::start();
    let pid = server.raw().stats().remove("pid").unwrap();
    for _ in 0..2 {
        server.stop_reading();
        assert_eq!(state(&pid), "T");
        server.stop_reading();
        let mut raw = server.raw();
        raw.send("use mail\r\n");
        assert_eq!(state(&pid), "T");
        server.resume();
        assert_eq!(raw.line(), "USING mail");
    }
}

#[test]
fn a_draining_server_says_so() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    let id = raw.put("mail", "hello");
    server.drain();
    raw.send("put 0 0 60 1\r\nx\r\n");
    assert_eq!(raw.line(), "DRAINING");
    assert_eq!(raw.reserve("mail"), Some((id, b"hello".to_vec())));
}

#[test]
fn nobody_listens_on_a_free_port() {
    assert!(TcpStream::connect((Ipv4Addr::LOCALHOST, free_port())).is_err());
}
