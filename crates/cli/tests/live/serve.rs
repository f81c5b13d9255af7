//! `serve`: a server that is there until it is told to go.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::Stdio;

use beanwire_tests::{Beanstalkd, Certificates, RawClient, ServerIdentity, TempDir};
use rustix::process::Signal;

use crate::{Running, beanwire, output};

/// Starts a server; the URI is the first line that it prints.
fn serve(args: &[&str]) -> (Running, String) {
    let mut command = beanwire(&[&["serve"], args].concat());
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut server = Running(child);
    let mut uri = String::new();
    BufReader::new(server.0.stdout.as_mut().unwrap()).read_line(&mut uri).unwrap();
    let uri = uri.strip_suffix('\n').expect("a URI").to_owned();
    (server, uri)
}

fn raw(uri: &str) -> RawClient {
    RawClient::connect(uri.strip_prefix("beanstalk://").expect(uri))
}

fn stderr(server: &mut Running) -> String {
    let mut text = String::new();
    server.0.stderr.take().unwrap().read_to_string(&mut text).unwrap();
    text
}

#[test]
fn it_serves_at_the_uri_that_it_prints_until_a_signal_comes() {
    for signal in [Signal::INT, Signal::TERM] {
        let (mut server, uri) = serve(&["--listen", "127.0.0.1:0"]);
        let mut raw = raw(&uri);
        raw.put("mail", "hello");
        assert_eq!(raw.reserve("mail").unwrap().1, b"hello");
        server.signal(signal);
        assert_eq!(server.end(), Some(0));
        assert!(raw.at_end());
        assert_eq!(stderr(&mut server), "in memory: all jobs are gone when this ends\n");
    }
}

#[test]
fn sigusr1_drains_it() {
    let (mut server, uri) = serve(&["--listen", "localhost:0"]);
    let mut raw = raw(&uri);
    raw.put("mail", "hello");
    server.signal(Signal::USR1);
    beanwire_tests::wait_until("it drains", || raw.stats()["draining"] == "true");
    raw.send("put 0 0 60 1\r\nx\r\n");
    assert_eq!(raw.line(), "DRAINING");
    assert!(raw.reserve("mail").is_some());
    server.signal(Signal::TERM);
    assert_eq!(server.end(), Some(0));
    assert!(stderr(&mut server).contains("draining"));
}

#[test]
fn the_size_of_jobs_has_a_limit_that_can_be_set() {
    let (_server, uri) = serve(&["--listen", "127.0.0.1:0", "--max-job-size", "10"]);
    let mut raw = raw(&uri);
    raw.put("mail", "0123456789");
    raw.send("put 0 0 60 11\r\n01234567890\r\n");
    assert_eq!(raw.line(), "JOB_TOO_BIG");
}

#[test]
fn it_listens_on_ipv6() {
    let (_server, uri) = serve(&["--listen", "[::1]:0"]);
    assert!(uri.starts_with("beanstalk://[::1]:"), "{uri}");
    raw(&uri).put("mail", "hello");
}

#[test]
fn it_listens_on_a_unix_socket_whose_file_goes_with_it() {
    let dir = TempDir::new();
    let path = dir.path().join("socket");
    let (mut server, uri) = serve(&["--listen", &format!("unix:{}", path.display())]);
    assert_eq!(uri, format!("unix://{}", path.display()));
    RawClient::connect_unix(&path).put("mail", "hello");
    server.signal(Signal::TERM);
    assert_eq!(server.end(), Some(0));
    assert!(!path.exists());
}

#[test]
fn it_speaks_tls_with_a_certificate() {
    let dir = TempDir::new();
    let certificates = Certificates::new();
    let identity = certificates.server(ServerIdentity::Good);
    let (cert, key, ca) =
        (dir.path().join("cert.pem"), dir.path().join("key.pem"), dir.path().join("ca.pem"));
    std::fs::write(&cert, &identity.cert_pem).unwrap();
    std::fs::write(&key, &identity.key_pem).unwrap();
    std::fs::write(&ca, certificates.ca_pem()).unwrap();
    let [cert, key, ca] = [&cert, &key, &ca].map(|path| path.to_str().unwrap());
    let (_server, uri) = serve(&["--listen", "127.0.0.1:0", "--tls-cert", cert, "--tls-key", key]);
    assert!(uri.starts_with("beanstalks://127.0.0.1:"), "{uri}");
    let (code, _, stderr) =
        output(&["put", "--tube", "mail", "hello", "--uri", &uri, "--tls-ca", ca]);
    assert_eq!(code, Some(0), "{stderr}");
}

#[test]
fn places_where_it_cannot_listen_are_told() {
    let taken = Beanstalkd::start();
    let (code, stdout, stderr) = output(&["serve", "--listen", &taken.addr().to_string()]);
    assert_eq!((code, &*stdout), (Some(2), ""));
    assert!(stderr.contains(&format!("error: cannot listen on {}", taken.addr())), "{stderr}");
    assert!(stderr.contains("hint: another server listens there"), "{stderr}");
    for (args, about) in [
        (["--listen", "127.0.0.1:x"], "the port must be a number"),
        (["--listen", "no such host:1"], "it must be host:port"),
        (["--max-job-size", "2000000000"], "max_job_size"),
    ] {
        let (code, _, stderr) = output(&[&["serve"], &args[..]].concat());
        assert_eq!(code, Some(2), "{stderr}");
        assert!(stderr.contains(about), "{stderr}");
    }
}
