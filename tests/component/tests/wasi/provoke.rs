//! One way to each error.

use std::time::Duration;

use beanwire_component_tests::types::Delivery;
use beanwire_component_tests::{
    Component, Config, Connection, Error, Grants, Host, Job, OPTIONS, PutOptions, QUICK, TLS,
};
use beanwire_server::Shortage;
use beanwire_tests::{
    Beanstalkd, Certificates, CuttingProxy, Embedded, ScriptedPeer, ServerIdentity, Stunnel,
    free_port, handshake, wait_until,
};

use crate::{LONG, TUBE, host, host_of_embedded, host_of_peer};

fn connection(server: &Beanstalkd) -> Connection {
    host(server).connection(&server.uri(), &QUICK).unwrap()
}

/// What becomes of a put or a delete that a peer answers with these words.
fn answered(words: &'static str) -> Error {
    let peer = ScriptedPeer::start(move |_, conn| {
        if handshake(conn) {
            let line = conn.read_line().unwrap();
            if line.starts_with("put") {
                conn.read_line();
            }
            conn.send(format!("{words}\r\n"));
            conn.until_eof();
        }
    });
    let connection = host_of_peer(&peer).connection(&peer.uri(), &QUICK).unwrap();
    match words {
        "EXPECTED_CRLF" => connection.put("default", b"x", None, None).unwrap_err(),
        _ => connection.delete(1).unwrap_err(),
    }
}

/// A reserved job on the embedded server.
fn reserved(server: &Embedded) -> Job {
    server.raw().put(TUBE, "x");
    let consumer = host_of_embedded(server).consumer(&[server.uri()], &[TUBE], &QUICK).unwrap();
    consumer.receive(LONG).unwrap().unwrap()
}

pub(crate) fn invalid_argument() -> Error {
    let server = Beanstalkd::start();
    connection(&server).use_tube("not a tube").unwrap_err()
}

pub(crate) fn invalid_uri() -> Error {
    let host = Host::start(Component::Plain, Grants::none());
    host.producer(&["http://127.0.0.1"], &QUICK).unwrap_err()
}

pub(crate) fn job_too_big() -> Error {
    let server = Beanstalkd::builder().max_job_size(3).start();
    let producer = host(&server).producer(&[&server.uri()], &QUICK).unwrap();
    producer.put(TUBE, b"four", None, None).unwrap_err()
}

pub(crate) fn disconnected() -> Error {
    let addr = ([127, 0, 0, 1], free_port()).into();
    let host = Host::start(Component::Plain, Grants::connect(addr));
    host.connection(&format!("beanstalk://{addr}"), &QUICK).unwrap_err()
}

pub(crate) fn tls() -> Error {
    let (server, certificates) = (Beanstalkd::start(), Certificates::new());
    let stunnel = Stunnel::start(&certificates, server.port(), ServerIdentity::UnknownCa, false);
    let addr = ([127, 0, 0, 1], stunnel.port()).into();
    let host = Host::start(Component::Tls, Grants::connect(addr).and_names());
    let roots_pem = Some(certificates.ca_pem().to_owned());
    let config = Config {
        tls: Some(beanwire_component_tests::types::TlsConfig { roots_pem, ..TLS }),
        ..QUICK
    };
    host.connection(&stunnel.uri(), &config).unwrap_err()
}

pub(crate) fn access_denied() -> Error {
    let server = Beanstalkd::start();
    Host::start(Component::Plain, Grants::none()).connection(&server.uri(), &QUICK).unwrap_err()
}

pub(crate) fn timeout() -> Error {
    let server = Embedded::start();
    let config = Config { command_timeout_ms: Some(100), ..QUICK };
    let connection = host_of_embedded(&server).connection(server.uri(), &config).unwrap();
    server.delay_replies(Duration::MAX);
    connection.stats().unwrap_err()
}

pub(crate) fn closed() -> Error {
    let server = Beanstalkd::start();
    let producer = host(&server).producer(&[&server.uri()], &QUICK).unwrap();
    producer.close(LONG);
    producer.put(TUBE, b"x", None, None).unwrap_err()
}

pub(crate) fn draining() -> Error {
    let server = Beanstalkd::start();
    let connection = connection(&server);
    server.drain();
    connection.put(TUBE, b"x", None, None).unwrap_err()
}

pub(crate) fn out_of_memory() -> Error {
    let server = Embedded::start();
    server.set_shortage(Shortage::Jobs);
    let connection = host_of_embedded(&server).connection(server.uri(), &QUICK).unwrap();
    connection.put(TUBE, b"x", None, None).unwrap_err()
}

pub(crate) fn internal_error() -> Error {
    answered("INTERNAL_ERROR")
}

pub(crate) fn bad_format() -> Error {
    answered("BAD_FORMAT")
}

pub(crate) fn unknown_command() -> Error {
    answered("UNKNOWN_COMMAND")
}

pub(crate) fn expected_crlf() -> Error {
    answered("EXPECTED_CRLF")
}

pub(crate) fn not_found() -> Error {
    let server = Beanstalkd::start();
    connection(&server).peek(1).unwrap_err()
}

pub(crate) fn not_ignored() -> Error {
    let server = Beanstalkd::start();
    connection(&server).ignore("default").unwrap_err()
}

pub(crate) fn deadline_soon() -> Error {
    let server = Beanstalkd::start();
    let connection = connection(&server);
    let options = PutOptions { ttr_ms: Some(1000), ..OPTIONS };
    connection.put("default", b"x", Some(options), None).unwrap();
    let _held = connection.reserve().unwrap();
    connection.reserve_with_timeout(LONG).unwrap_err()
}

pub(crate) fn buried() -> Error {
    let server = Embedded::start();
    let job = reserved(&server);
    server.set_shortage(Shortage::Queues);
    job.release(None, None).unwrap_err()
}

pub(crate) fn job_finished() -> Error {
    let server = Embedded::start();
    let job = reserved(&server);
    job.delete().unwrap();
    job.delete().unwrap_err()
}

pub(crate) fn job_lost() -> Error {
    let server = Beanstalkd::start();
    server.raw().put(TUBE, "x");
    let proxy = CuttingProxy::start(server.addr());
    let host = Host::start(Component::Plain, Grants::connect(proxy.addr()));
    let config = Config { delivery: Some(Delivery::AtLeastOnce), ..QUICK };
    let consumer = host.consumer(&[&proxy.uri()], &[TUBE], &config).unwrap();
    let job = consumer.receive(LONG).unwrap().unwrap();
    proxy.cut_now();
    wait_until("it is lost", || job.is_lost());
    job.delete().unwrap_err()
}

pub(crate) fn unexpected_reply() -> Error {
    answered("INSERTED 1")
}

pub(crate) fn unsupported() -> Error {
    let host = Host::start(Component::Plain, Grants::none());
    host.connection("unix:///run/beanstalkd.sock", &QUICK).unwrap_err()
}
