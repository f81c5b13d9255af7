//! What is not granted is refused, and what cannot be is unsupported.

use beanwire_component_tests::Grants;
use beanwire_tests::{Beanstalkd, free_port};

use crate::bindings::exports::beanwire::client::types::{ErrorCode, Outcome, Retry};
use crate::host::Host;
use crate::{LONG, TUBE};

/// Fails the test unless both ways to open are refused, for good, with this error.
fn assert_refused(host: &mut Host, uri: &str, code: ErrorCode) {
    let errors = host.run(async |guest| {
        let producer = guest.producer(&[uri]).await.unwrap_err();
        [producer, guest.consumer(&[uri], &[TUBE]).await.unwrap_err()]
    });
    for error in errors {
        let found = (error.code, error.outcome, error.retry);
        assert_eq!(found, (code, Outcome::NotSent, Retry::Never), "{uri}: {error:?}");
    }
}

fn assert_usable(host: &mut Host, uri: &str) {
    host.run(async |guest| {
        let producer = guest.producer(&[uri]).await.unwrap();
        let put = guest.put(producer, TUBE, "x").await.unwrap();
        let consumer = guest.consumer(&[uri], &[TUBE]).await.unwrap();
        let job = guest.receive(consumer, LONG).await.unwrap().unwrap();
        assert_eq!(guest.id(job).await, put.id);
        guest.delete(job).await.unwrap();
    });
}

#[test]
fn an_address_that_is_not_granted_is_denied() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    let before = raw.stats()["total-connections"].clone();
    assert_refused(&mut Host::start(Grants::none()), &server.uri(), ErrorCode::AccessDenied);
    let other = Grants::connect(([127, 0, 0, 1], free_port()).into()).and_names();
    assert_refused(&mut Host::start(other), &server.uri(), ErrorCode::AccessDenied);
    assert_eq!(raw.stats()["total-connections"], before);
}

#[test]
fn an_instance_lives_on_after_a_denial() {
    let (server, denied) = (Beanstalkd::start(), Beanstalkd::start());
    let mut host = Host::start(Grants::connect(server.addr()));
    assert_refused(&mut host, &denied.uri(), ErrorCode::AccessDenied);
    assert_usable(&mut host, &server.uri());
}

#[test]
fn a_name_needs_the_grant_to_look_it_up() {
    let server = Beanstalkd::start();
    let uri = format!("beanstalk://localhost:{}", server.port());
    let grants = Grants::connect(server.addr());
    assert_refused(&mut Host::start(grants.clone()), &uri, ErrorCode::AccessDenied);
    assert_usable(&mut Host::start(grants.and_names()), &uri);
}

#[test]
fn a_name_that_nobody_knows_is_refused() {
    let mut host = Host::start(Grants::none().and_names());
    // One letter more than a part of a name may have: nobody has to be asked.
    let uri = format!("beanstalk://{}.invalid:11300", "x".repeat(64));
    assert_refused(&mut host, &uri, ErrorCode::InvalidUri);
}

#[test]
fn ipv6_works_and_is_denied_like_ipv4() {
    let server = Beanstalkd::builder().ipv6().start();
    assert_usable(&mut Host::start(Grants::connect(server.addr())), &server.uri());
    let ipv4 = Grants::connect(([127, 0, 0, 1], server.port()).into());
    assert_refused(&mut Host::start(ipv4), &server.uri(), ErrorCode::AccessDenied);
}

#[test]
fn tls_and_unix_sockets_are_unsupported() {
    let mut host = Host::start(Grants::none());
    for uri in ["beanstalks://127.0.0.1:11400", "tls://127.0.0.1", "unix:///run/beanstalkd.sock"] {
        assert_refused(&mut host, uri, ErrorCode::Unsupported);
    }
}

#[test]
fn one_server_denied_of_two_leaves_the_other_usable() {
    let (granted, denied) = (Beanstalkd::start(), Beanstalkd::start());
    let mut host = Host::start(Grants::connect(granted.addr()));
    host.run(async |guest| {
        let uris = [&*denied.uri(), &granted.uri()];
        let producer = guest.producer(&uris).await.unwrap();
        assert_eq!(guest.put(producer, TUBE, "x").await.unwrap().server, 1);
        let consumer = guest.consumer(&uris, &[TUBE]).await.unwrap();
        let job = guest.receive(consumer, LONG).await.unwrap().unwrap();
        assert_eq!(guest.server(job).await, granted.uri());
        guest.delete(job).await.unwrap();
    });
}
