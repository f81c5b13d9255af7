//! Servers that ask clients who they are.

use std::time::Duration;

use beanwire::{
    ClientCertificate, CloseReport, Connection, Consumer, ErrorKind, NewJob, Outcome, Producer,
    TlsConfig,
};
use beanwire_tests::{Beanstalkd, Certificates, Identity, ServerIdentity, Stunnel};

use crate::{MINUTE, assert_usable, config, trusting, within};

fn showing(tls: TlsConfig, identity: &Identity) -> TlsConfig {
    let (chain_pem, key_pem) = (identity.cert_pem.clone(), identity.key_pem.clone());
    tls.with_client_certificate(ClientCertificate { chain_pem, key_pem })
}

#[tokio::test]
async fn a_client_with_a_good_certificate_gets_in() {
    let server = Beanstalkd::start();
    let certificates = Certificates::new();
    let stunnel = Stunnel::start(&certificates, server.port(), ServerIdentity::Good, true);
    let tls = showing(trusting(certificates.ca_pem()), certificates.client());
    assert_usable(&stunnel.uri(), &config(tls)).await;
}

#[tokio::test]
async fn a_client_that_shows_a_certificate_nobody_asks_for_gets_in() {
    let server = Beanstalkd::start();
    let certificates = Certificates::new();
    let stunnel = Stunnel::start(&certificates, server.port(), ServerIdentity::Good, false);
    let tls = showing(trusting(certificates.ca_pem()), certificates.unknown_client());
    assert_usable(&stunnel.uri(), &config(tls)).await;
}

#[tokio::test]
async fn a_client_without_a_good_certificate_stays_outside() {
    let server = Beanstalkd::start();
    let certificates = Certificates::new();
    let stunnel = Stunnel::start(&certificates, server.port(), ServerIdentity::Good, true);
    let none = trusting(certificates.ca_pem());
    let unknown = showing(none.clone(), certificates.unknown_client());
    for tls in [none, unknown] {
        let config = config(tls);
        // The server tells why after the client's part of the handshake is over; a write that it
        // resets may come before its words. A producer tries again until it has heard them.
        let error = within(Connection::open(stunnel.uri(), config.clone())).await.unwrap_err();
        let kinds = [ErrorKind::Tls, ErrorKind::Disconnected];
        assert!(kinds.contains(&error.kind()), "{error}");
        assert_eq!(error.outcome(), Outcome::NotSent);
        let producer = within(Producer::open(stunnel.uri(), config)).await.unwrap();
        let error = within(producer.ready(MINUTE)).await.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (ErrorKind::Tls, Outcome::NotSent), "{error}");
        assert!(error.to_string().contains("alert"), "{error}");
    }
    assert_eq!(server.raw().stats()["cmd-put"], "0");
}

#[tokio::test]
async fn no_call_of_a_client_without_a_certificate_hangs() {
    let server = Beanstalkd::start();
    let certificates = Certificates::new();
    let stunnel = Stunnel::start(&certificates, server.port(), ServerIdentity::Good, true);
    let mut config = config(trusting(certificates.ca_pem()));
    config.reconnect_max = Duration::from_millis(100);
    config.put_timeout = Duration::from_secs(2);
    let producer = within(Producer::open(stunnel.uri(), config.clone())).await.unwrap();
    let consumer = within(Consumer::open(stunnel.uri(), ["mail"], config)).await.unwrap();
    let many = [NewJob::new("mail", "x").unwrap(), NewJob::new("mail", "y").unwrap()];
    let mut errors = vec![within(producer.put("mail", "x")).await.unwrap_err()];
    errors.extend(within(producer.put_many(many)).await.into_iter().map(Result::unwrap_err));
    errors.push(within(producer.ready(MINUTE)).await.unwrap_err());
    errors.push(within(consumer.ready(MINUTE)).await.unwrap_err());
    for error in errors {
        let kinds = [ErrorKind::Tls, ErrorKind::Disconnected];
        assert!(kinds.contains(&error.kind()), "{error}");
        assert_eq!(error.outcome(), Outcome::NotSent, "{error}");
    }
    assert_eq!(within(producer.close(MINUTE)).await, CloseReport::default());
    assert_eq!(within(consumer.close(MINUTE)).await, CloseReport::default());
    assert_eq!(server.raw().stats()["cmd-put"], "0");
}
