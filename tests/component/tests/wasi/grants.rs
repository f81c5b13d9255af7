//! What is not granted is refused, quickly and by its name; what is granted works.

use beanwire_component_tests::types::{ErrorCode, Outcome, Retry};
use beanwire_component_tests::{Component, Config, DEFAULTS, Error, Grants, Host, QUICK};
use beanwire_tests::{Beanstalkd, free_port};

use crate::{LONG, TUBE};

/// What all three ways to open say.
fn opened(host: &Host, uri: &str, config: &Config) -> [Result<(), Error>; 3] {
    [
        host.producer(&[uri], config).map(drop),
        host.consumer(&[uri], &[TUBE], config).map(drop),
        host.connection(uri, config).map(drop),
    ]
}

/// Fails the test unless all three are refused, for good, with this error.
fn assert_refused(host: &Host, uri: &str, code: ErrorCode) {
    for result in opened(host, uri, &QUICK) {
        let error = result.unwrap_err();
        assert_eq!(error.code, code, "{uri}: {error:?}");
        assert_eq!((error.outcome, error.retry), (Outcome::NotSent, Retry::Never), "{error:?}");
    }
}

fn assert_usable(host: &Host, uri: &str) {
    let producer = host.producer(&[uri], &QUICK).unwrap();
    let put = producer.put(TUBE, b"x", None, None).unwrap();
    let consumer = host.consumer(&[uri], &[TUBE], &QUICK).unwrap();
    let job = consumer.receive(LONG).unwrap().unwrap();
    assert_eq!(job.id(), put.id);
    job.delete().unwrap();
    let connection = host.connection(uri, &QUICK).unwrap();
    connection.stats().unwrap();
}

#[test]
fn an_address_that_is_not_granted_is_denied() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    let before = raw.stats()["total-connections"].clone();
    let none = Host::start(Component::Plain, Grants::none());
    assert_refused(&none, &server.uri(), ErrorCode::AccessDenied);
    let other = Grants::connect(([127, 0, 0, 1], free_port()).into()).and_names();
    let other = Host::start(Component::Plain, other);
    assert_refused(&other, &server.uri(), ErrorCode::AccessDenied);
    assert_eq!(raw.stats()["total-connections"], before);
}

#[test]
fn names_are_looked_up_if_they_are_ascii_and_refused_otherwise() {
    let none = Host::start(Component::Plain, Grants::none());
    for name in ["xn--bcher-kva.invalid", "Some_HOST-1.invalid.", "%61.invalid"] {
        assert_refused(&none, name, ErrorCode::AccessDenied);
    }
    for name in ["b\u{fc}cher.invalid", "a%2Fb", "a|b", "a%00b", "%ff", "256.1.1.1", "1.2.3.0x100"]
    {
        assert_refused(&none, name, ErrorCode::InvalidUri);
    }
}

#[test]
fn a_denial_is_told_at_once_whether_or_not_names_are_checked_first() {
    let server = Beanstalkd::start();
    let host = Host::start(Component::Plain, Grants::none());
    let config = Config { validate_uris: Some(false), ..DEFAULTS };
    for result in opened(&host, &server.uri(), &config) {
        assert_eq!(result.unwrap_err().code, ErrorCode::AccessDenied);
    }
}

#[test]
fn an_instance_lives_on_after_a_denial() {
    let (server, denied) = (Beanstalkd::start(), Beanstalkd::start());
    let host = Host::start(Component::Plain, Grants::connect(server.addr()));
    assert_refused(&host, &denied.uri(), ErrorCode::AccessDenied);
    assert_usable(&host, &server.uri());
    assert_refused(&host, &denied.uri(), ErrorCode::AccessDenied);
}

#[test]
fn a_name_needs_the_grant_to_look_it_up() {
    let server = Beanstalkd::start();
    let uri = format!("beanstalk://localhost:{}", server.port());
    let without = Host::start(Component::Plain, Grants::connect(server.addr()));
    assert_refused(&without, &uri, ErrorCode::AccessDenied);
    let with = Host::start(Component::Plain, Grants::connect(server.addr()).and_names());
    assert_usable(&with, &uri);
}

#[test]
fn the_lookup_is_denied_without_validation_as_well() {
    let server = Beanstalkd::start();
    let uri = format!("beanstalk://localhost:{}", server.port());
    let host = Host::start(Component::Plain, Grants::connect(server.addr()));
    let config = Config { validate_uris: Some(false), ..QUICK };
    for result in opened(&host, &uri, &config) {
        assert_eq!(result.unwrap_err().code, ErrorCode::AccessDenied);
    }
}

#[test]
fn a_looked_up_address_needs_a_grant_of_its_own() {
    let server = Beanstalkd::start();
    let uri = format!("beanstalk://localhost:{}", server.port());
    let host = Host::start(Component::Plain, Grants::none().and_names());
    assert_refused(&host, &uri, ErrorCode::AccessDenied);
}

#[test]
fn a_name_that_nobody_knows_is_refused_with_the_uri() {
    let host = Host::start(Component::Plain, Grants::none().and_names());
    // One letter more than a part of a name may have: nobody has to be asked.
    let uri = format!("beanstalk://{}.invalid:11300", "x".repeat(64));
    for result in opened(&host, &uri, &QUICK) {
        let error = result.unwrap_err();
        assert_eq!(error.code, ErrorCode::InvalidUri, "{error:?}");
        assert_eq!(error.outcome, Outcome::NotSent);
    }
}

#[test]
fn every_way_to_write_an_address_works() {
    let server = Beanstalkd::start();
    let host = Host::start(Component::Plain, Grants::connect(server.addr()));
    assert_usable(&host, &server.addr().to_string());
    assert_usable(&host, &server.uri());
    let server = Beanstalkd::builder().ipv6().start();
    let host = Host::start(Component::Plain, Grants::connect(server.addr()));
    assert_usable(&host, &format!("[::1]:{}", server.port()));
    assert_usable(&host, &format!("beanstalk://[::1]:{}", server.port()));
}

#[test]
fn ipv6_is_denied_like_ipv4() {
    let server = Beanstalkd::builder().ipv6().start();
    let ipv4 = Grants::connect(([127, 0, 0, 1], server.port()).into());
    assert_refused(&Host::start(Component::Plain, ipv4), &server.uri(), ErrorCode::AccessDenied);
}

#[test]
fn unix_sockets_are_unsupported_in_both_builds() {
    for component in [Component::Plain, Component::Tls] {
        let host = Host::start(component, Grants::none());
        assert_refused(&host, "unix:///run/beanstalkd.sock", ErrorCode::Unsupported);
    }
}

#[test]
fn tls_is_unsupported_in_the_plain_build() {
    let host = Host::start(Component::Plain, Grants::none());
    for uri in ["beanstalks://127.0.0.1:11400", "tls://127.0.0.1:11400"] {
        assert_refused(&host, uri, ErrorCode::Unsupported);
    }
}

#[test]
fn the_tls_build_does_without_tls_too() {
    let server = Beanstalkd::start();
    let host = Host::start(Component::Tls, Grants::connect(server.addr()));
    assert_usable(&host, &server.uri());
    let denied = Host::start(Component::Tls, Grants::none());
    assert_refused(&denied, &server.uri(), ErrorCode::AccessDenied);
}

#[test]
fn one_server_denied_of_two_leaves_the_other_usable() {
    let (granted, denied) = (Beanstalkd::start(), Beanstalkd::start());
    let host = Host::start(Component::Plain, Grants::connect(granted.addr()));
    let uris = [&*denied.uri(), &granted.uri()];
    let producer = host.producer(&uris, &QUICK).unwrap();
    for _ in 0..3 {
        assert_eq!(producer.put(TUBE, b"x", None, None).unwrap().server, 1);
    }
    let consumer = host.consumer(&uris, &[TUBE], &QUICK).unwrap();
    let job = consumer.receive(LONG).unwrap().unwrap();
    assert_eq!(job.server(), granted.uri());
    job.delete().unwrap();
}
