use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::mpsc;

use beanwire_tests::{Beanstalkd, CuttingProxy, RawClient, ScriptedPeer};

#[test]
fn a_proxy_cuts_what_goes_to_the_client() {
    let server = Beanstalkd::start();
    let proxy = CuttingProxy::start(server.addr());
    let mut up = TcpStream::connect(proxy.addr()).unwrap();
    up.write_all(b"use up\r\n").unwrap();
    let mut answer = [0; 10];
    up.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"USING up\r\n");
    proxy.cut_after_to_client(4);
    for mut stream in [up, TcpStream::connect(proxy.addr()).unwrap()] {
        stream.write_all(b"use mail\r\n").unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        assert_eq!(bytes, b"USIN");
    }
    proxy.forward_all();
    assert_eq!(RawClient::connect(proxy.addr()).command("use mail"), "USING mail");
    assert_eq!(proxy.connections(), 3);
}

#[test]
fn a_proxy_cuts_what_goes_to_the_server() {
    let (received, bytes) = mpsc::channel();
    let peer = ScriptedPeer::start(move |_, conn| received.send(conn.read_exact(100)).unwrap());
    let proxy = CuttingProxy::start(peer.addr());
    for (limit, expected) in [(7, &b"abc\r\nde"[..]), (0, &b""[..])] {
        proxy.cut_after_to_server(limit);
        let mut raw = RawClient::connect(proxy.addr());
        raw.send("abc\r\ndef\r\n");
        assert!(raw.at_end());
        assert_eq!(bytes.recv().unwrap(), expected);
    }
}

#[test]
fn a_proxy_cuts_on_demand_and_outlives_its_server() {
    let mut server = Beanstalkd::start();
    let proxy = CuttingProxy::start(server.addr());
    let mut raw = RawClient::connect(proxy.addr());
    raw.stats();
    proxy.cut_now();
    assert!(raw.at_end());
    server.kill();
    assert!(RawClient::connect(proxy.addr()).at_end());
    server.restart();
    assert_eq!(RawClient::connect(proxy.addr()).command("use mail"), "USING mail");
}
