use std::path::{Component, PathBuf};

use beanwire::{Config, Connection, ErrorKind, Outcome, ServerUri};
use beanwire_tests::{Beanstalkd, Certificates, ServerIdentity, Stunnel, TempDir, free_port};

use crate::{assert_usable, within};

#[tokio::test]
async fn a_server_is_reached_by_address() {
    let server = Beanstalkd::start();
    let port = server.port();
    assert_usable(&format!("beanstalk://127.0.0.1:{port}"), &Config::default()).await;
    assert_usable(&format!("127.0.0.1:{port}"), &Config::default()).await;
}

#[tokio::test]
async fn a_server_is_reached_by_name() {
    // Where the name has an IPv6 address too, nobody listens on that one.
    let server = Beanstalkd::start();
    let port = server.port();
    assert_usable(&format!("beanstalk://localhost:{port}"), &Config::default()).await;
    assert_usable(&format!("LocalHost:{port}"), &Config::default()).await;
}

#[tokio::test]
async fn a_server_is_reached_by_an_ipv6_address() {
    let server = Beanstalkd::builder().ipv6().start();
    let port = server.port();
    assert_usable(&format!("beanstalk://[::1]:{port}"), &Config::default()).await;
    assert_usable(&format!("[0:0::1]:{port}"), &Config::default()).await;
}

#[tokio::test]
async fn a_server_is_reached_through_a_unix_socket_by_its_absolute_path() {
    let server = Beanstalkd::builder().unix().start();
    let path = server.socket();
    assert_usable(&format!("unix://{}", path.display()), &Config::default()).await;
    assert_usable(&format!("UNIX:{}", path.display()), &Config::default()).await;
}

#[tokio::test]
async fn a_server_is_reached_through_a_unix_socket_by_its_relative_path() {
    let server = Beanstalkd::builder().unix().start();
    let here = std::env::current_dir().unwrap().canonicalize().unwrap();
    let mut path = PathBuf::new();
    for part in here.components() {
        if matches!(part, Component::Normal(_)) {
            path.push("..");
        }
    }
    let socket = server.socket().canonicalize().unwrap();
    path.push(socket.strip_prefix("/").unwrap());
    assert!(path.is_relative());
    assert_usable(&format!("unix://{}", path.display()), &Config::default()).await;
    assert_usable(&format!("unix:{}", path.display()), &Config::default()).await;
}

#[tokio::test]
async fn a_result_names_its_server_as_it_was_reached() {
    for server in [Beanstalkd::start(), Beanstalkd::builder().unix().start()] {
        let uri = server.uri();
        let connection = within(Connection::open(&uri, Config::default())).await.unwrap();
        let inserted = within(connection.put("mail", "hello")).await.unwrap();
        assert_eq!(inserted.server.to_string(), uri);
        assert_eq!(inserted.server.uri(), &ServerUri::parse(&uri).unwrap());
    }
}

#[test]
fn a_port_that_is_left_out_is_the_default_of_its_scheme() {
    for (uri, port) in [
        ("localhost", Some(11300)),
        ("beanstalk://localhost", Some(11300)),
        ("[::1]", Some(11300)),
        ("beanstalks://localhost", Some(11400)),
        ("tls://localhost", Some(11400)),
        ("unix:///run/socket", None),
    ] {
        assert_eq!(ServerUri::parse(uri).unwrap().port(), port, "{uri}");
    }
}

#[tokio::test]
async fn nobody_at_the_address_is_an_error_that_names_it() {
    let dir = TempDir::new();
    let port = free_port();
    for uri in [
        format!("beanstalk://127.0.0.1:{port}"),
        format!("beanstalk://localhost:{port}"),
        format!("beanstalks://localhost:{port}"),
        format!("unix://{}", dir.path().join("nobody").display()),
    ] {
        let open = within(Connection::open(&uri, Config::default())).await;
        let error = open.unwrap_err();
        let found = (error.kind(), error.outcome());
        assert_eq!(found, (ErrorKind::Disconnected, Outcome::NotSent), "{error}");
        assert!(error.to_string().contains(&uri), "{uri}: {error}");
    }
}

#[tokio::test]
async fn a_server_that_speaks_tls_is_of_no_use_without_it() {
    let server = Beanstalkd::start();
    let certificates = Certificates::new();
    let stunnel = Stunnel::start(&certificates, server.port(), ServerIdentity::Good, false);
    let uri = format!("beanstalk://localhost:{}", stunnel.port());
    let error = within(Connection::open(&uri, Config::default())).await.unwrap_err();
    // It may hang up, or answer in its own language.
    let kinds = [ErrorKind::Disconnected, ErrorKind::UnexpectedReply];
    assert!(kinds.contains(&error.kind()), "{error}");
}
