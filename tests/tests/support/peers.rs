use std::io::{Read, Write};
use std::net::TcpStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;

use beanwire_tests::{RawClient, ScriptedPeer, handshake, wait_until};

#[test]
fn a_peer_runs_its_script_and_records_lines() {
    let peer = ScriptedPeer::start(|number, conn| {
        if !handshake(conn) {
            return;
        }
        assert_eq!(conn.read_line().unwrap(), "put 0 0 1 5");
        assert_eq!(conn.read_exact(7), b"hello\r\n");
        match number {
            0 => conn.send_slowly("INSERTED 1\r\n"),
            _ => conn.send("BURIED 2\r\n"),
        }
        conn.until_eof();
    });
    for (number, answer) in ["INSERTED 1", "BURIED 2"].into_iter().enumerate() {
        let mut raw = RawClient::connect(peer.addr());
        let stats = raw.stats();
        assert_eq!(
            (stats["max-job-size"].as_str(), stats["draining"].as_str()),
            ("65535", "false")
        );
        raw.send("put 0 0 1 5\r\nhello\r\n");
        assert_eq!(raw.line(), answer);
        raw.send("quit\r\n");
        assert_eq!(peer.connections(), number + 1);
        let lines = ["stats", "put 0 0 1 5", "quit"].map(|line| (number, line.to_owned()));
        wait_until("the peer has read it all", || peer.lines().ends_with(&lines));
    }
    assert_eq!(peer.lines().len(), 6);
    assert_eq!(peer.uri(), format!("beanstalk://{}", peer.addr()));
}

#[test]
fn a_peer_closes_when_its_script_ends() {
    let peer = ScriptedPeer::start(|_, conn| conn.send("half a li"));
    let mut stream = TcpStream::connect(peer.addr()).unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    assert_eq!(bytes, b"half a li");
}

#[test]
fn a_peer_that_hangs_ends_with_its_client_or_its_test() {
    let (ended, ends) = mpsc::channel();
    let peer = ScriptedPeer::start(move |number, conn| {
        conn.hang();
        ended.send(number).unwrap();
    });
    drop(TcpStream::connect(peer.addr()).unwrap());
    assert_eq!(ends.recv(), Ok(0));
    let mut raw = RawClient::connect(peer.addr());
    raw.send("stats\r\n");
    wait_until("the peer has accepted", || peer.connections() == 2);
    drop(peer);
    assert_eq!(ends.recv(), Ok(1));
}

#[test]
fn a_script_that_fails_fails_its_test() {
    let peer = ScriptedPeer::start(|_, conn| {
        handshake(conn);
    });
    let mut stream = TcpStream::connect(peer.addr()).unwrap();
    stream.write_all(b"quit\r\n").unwrap();
    assert_eq!(stream.read(&mut [0]).unwrap(), 0);
    assert!(catch_unwind(AssertUnwindSafe(|| drop(peer))).is_err());
}
