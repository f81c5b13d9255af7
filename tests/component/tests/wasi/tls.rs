//! TLS and mutual TLS, with a terminator before a real server: bad certificates are refused at open.

use beanwire_component_tests::types::{ClientCertificate, ErrorCode, Outcome, Retry, TlsConfig};
use beanwire_component_tests::{Component, Config, Error, Grants, Host, QUICK, TLS, job};
use beanwire_tests::{Beanstalkd, Certificates, Identity, ServerIdentity, Stunnel, wait_until};

use crate::{LONG, TUBE};

/// A server behind a terminator, and an instance that may connect to the terminator alone.
struct Scene {
    server: Beanstalkd,
    stunnel: Stunnel,
    certificates: Certificates,
    host: Host,
}

impl Scene {
    fn new(identity: ServerIdentity, asks: bool) -> Self {
        let (server, certificates) = (Beanstalkd::start(), Certificates::new());
        let stunnel = Stunnel::start(&certificates, server.port(), identity, asks);
        let addr = ([127, 0, 0, 1], stunnel.port()).into();
        let host = Host::start(Component::Tls, Grants::connect(addr).and_names());
        Self { server, stunnel, certificates, host }
    }

    fn trusting(&self) -> TlsConfig {
        TlsConfig { roots_pem: Some(self.certificates.ca_pem().to_owned()), ..TLS }
    }

    /// What all three ways to open say.
    fn opened(&self, tls: TlsConfig) -> [Result<(), Error>; 3] {
        let (uri, config) = (self.stunnel.uri(), config(tls));
        [
            self.host.producer(&[&uri], &config).map(drop),
            self.host.consumer(&[&uri], &[TUBE], &config).map(drop),
            self.host.connection(&uri, &config).map(drop),
        ]
    }

    /// Fails the test unless all three are refused, and nobody has come through to the server.
    fn assert_refused(&self, tls: &TlsConfig) {
        for result in self.opened(tls.clone()) {
            let error = result.unwrap_err();
            let found = (error.code, error.outcome, error.retry);
            assert_eq!(found, (ErrorCode::Tls, Outcome::NotSent, Retry::Never), "{error:?}");
        }
        assert_eq!(self.server.raw().stats()["cmd-put"], "0");
    }

    fn assert_usable(&self, uri: &str, tls: TlsConfig) {
        let config = config(tls);
        let producer = self.host.producer(&[uri], &config).unwrap();
        assert!(producer.is_connected());
        let put = producer.put(TUBE, b"x", None, None).unwrap();
        let consumer = self.host.consumer(&[uri], &[TUBE], &config).unwrap();
        let job = consumer.receive(LONG).unwrap().unwrap();
        assert_eq!(job.id(), put.id);
        job.delete().unwrap();
        let connection = self.host.connection(uri, &config).unwrap();
        assert_eq!(connection.stats().unwrap().pid, u64::from(self.pid()));
        let reports = [producer.close(LONG), consumer.close(LONG), connection.close(LONG)];
        for report in reports {
            assert_eq!((report.abandoned_operations, report.abandoned_jobs), (0, 0));
        }
    }

    fn pid(&self) -> u32 {
        self.server.raw().stats()["pid"].parse().unwrap()
    }
}

fn config(tls: TlsConfig) -> Config {
    Config { tls: Some(tls), ..QUICK }
}

fn showing(tls: TlsConfig, identity: &Identity) -> TlsConfig {
    let (chain_pem, key_pem) = (identity.cert_pem.clone(), identity.key_pem.clone());
    TlsConfig { client_certificate: Some(ClientCertificate { chain_pem, key_pem }), ..tls }
}

#[test]
fn a_server_with_a_good_certificate_is_used_by_name_and_by_address() {
    let scene = Scene::new(ServerIdentity::Good, false);
    let port = scene.stunnel.port();
    scene.assert_usable(&scene.stunnel.uri(), scene.trusting());
    scene.assert_usable(&format!("tls://127.0.0.1:{port}"), scene.trusting());
    let named = TlsConfig { server_name: Some("localhost".to_owned()), ..scene.trusting() };
    scene.assert_usable(&format!("beanstalks://127.0.0.1:{port}"), named);
}

#[test]
fn an_authority_that_is_not_trusted_is_refused_at_open() {
    let scene = Scene::new(ServerIdentity::UnknownCa, false);
    scene.assert_refused(&scene.trusting());
}

#[test]
fn a_certificate_for_another_name_is_refused_at_open() {
    let scene = Scene::new(ServerIdentity::WrongName, false);
    scene.assert_refused(&scene.trusting());
    let named = TlsConfig { server_name: Some("elsewhere.example".to_owned()), ..scene.trusting() };
    scene.assert_usable(&scene.stunnel.uri(), named);
}

#[test]
fn a_certificate_that_has_expired_is_refused_at_open() {
    let scene = Scene::new(ServerIdentity::Expired, false);
    scene.assert_refused(&scene.trusting());
}

#[test]
fn the_authorities_that_are_built_in_do_not_trust_the_tests() {
    let scene = Scene::new(ServerIdentity::Good, false);
    scene.assert_refused(&TLS);
}

#[test]
fn a_client_with_a_good_certificate_gets_in() {
    let scene = Scene::new(ServerIdentity::Good, true);
    let tls = showing(scene.trusting(), scene.certificates.client());
    scene.assert_usable(&scene.stunnel.uri(), tls);
}

#[test]
fn a_client_without_a_good_certificate_stays_outside() {
    let scene = Scene::new(ServerIdentity::Good, true);
    scene.assert_refused(&scene.trusting());
    scene.assert_refused(&showing(scene.trusting(), scene.certificates.unknown_client()));
}

#[test]
fn settings_that_are_no_pem_are_refused_before_anybody_is_dialled() {
    let scene = Scene::new(ServerIdentity::Good, false);
    let before = scene.server.raw().stats()["total-connections"].clone();
    let bad = Identity { cert_pem: "no PEM".to_owned(), key_pem: "no PEM".to_owned() };
    let mixed = Identity {
        key_pem: scene.certificates.unknown_client().key_pem.clone(),
        ..scene.certificates.client().clone()
    };
    let settings = [
        TlsConfig { roots_pem: Some("no PEM".to_owned()), ..TLS },
        TlsConfig { roots_pem: Some(String::new()), ..TLS },
        showing(scene.trusting(), &bad),
        showing(scene.trusting(), &mixed),
        TlsConfig { server_name: Some("not a name".to_owned()), ..scene.trusting() },
    ];
    for tls in settings {
        for result in scene.opened(tls.clone()) {
            let error = result.unwrap_err();
            let kinds = [ErrorCode::Tls, ErrorCode::InvalidArgument];
            assert!(kinds.contains(&error.code), "{tls:?}: {error:?}");
            assert_eq!(error.outcome, Outcome::NotSent);
        }
    }
    // The connection that asked before, and the one that asks now.
    let before: u64 = before.parse().unwrap();
    assert_eq!(scene.server.raw().stats()["total-connections"], (before + 1).to_string());
}

#[test]
fn a_plain_server_does_not_pass_for_one_with_tls() {
    let server = Beanstalkd::start();
    let host = Host::start(Component::Tls, Grants::connect(server.addr()));
    let uri = format!("beanstalks://{}", server.addr());
    let config = Config { connect_timeout_ms: Some(2000), ..config(TLS) };
    let error = host.connection(&uri, &config).unwrap_err();
    assert!(
        [ErrorCode::Tls, ErrorCode::Disconnected, ErrorCode::Timeout].contains(&error.code),
        "{error:?}"
    );
    assert_eq!(error.outcome, Outcome::NotSent, "{error:?}");
}

#[test]
fn a_terminator_that_restarts_is_used_again() {
    let mut scene = Scene::new(ServerIdentity::Good, false);
    let config = config(scene.trusting());
    let producer = scene.host.producer(&[&scene.stunnel.uri()], &config).unwrap();
    for _ in 0..2 {
        producer.put(TUBE, b"x", None, None).unwrap();
        scene.stunnel.restart();
    }
    producer.put(TUBE, b"x", None, None).unwrap();
}

#[test]
fn the_end_of_the_server_behind_a_terminator_is_noticed() {
    let mut scene = Scene::new(ServerIdentity::Good, false);
    let config = config(scene.trusting());
    let connection = scene.host.connection(&scene.stunnel.uri(), &config).unwrap();
    // The terminator says goodbye, and leaves it to the client to hang up.
    scene.server.kill();
    wait_until("it is noticed", || !connection.is_connected());
    scene.server.restart();
    connection.ready(LONG).unwrap();
    connection.stats().unwrap();
}

#[test]
fn a_silent_terminator_is_given_up_in_time() {
    let scene = Scene::new(ServerIdentity::Good, false);
    let impatient = Config {
        connect_timeout_ms: Some(300),
        command_timeout_ms: Some(300),
        ..config(scene.trusting())
    };
    let connection = scene.host.connection(&scene.stunnel.uri(), &impatient).unwrap();
    scene.stunnel.stop_reading();
    assert_eq!(connection.stats().unwrap_err().code, ErrorCode::Timeout);
    let error = scene.host.connection(&scene.stunnel.uri(), &impatient).unwrap_err();
    assert_eq!(error.code, ErrorCode::Timeout);
    scene.stunnel.resume();
    connection.ready(LONG).unwrap();
    connection.stats().unwrap();
}

#[test]
fn much_goes_through() {
    let scene = Scene::new(ServerIdentity::Good, false);
    let config = config(scene.trusting());
    let producer = scene.host.producer(&[&scene.stunnel.uri()], &config).unwrap();
    let jobs: Vec<_> =
        (0..1000_u32).map(|number| job(TUBE, vec![b'x'; 60 * 16 + number as usize])).collect();
    for put in producer.put_many(&jobs, None) {
        put.unwrap();
    }
    let consumer = scene.host.consumer(&[&scene.stunnel.uri()], &[TUBE], &config).unwrap();
    let mut sizes = Vec::new();
    while sizes.len() < jobs.len() {
        let received = consumer.receive_many(1000, LONG).unwrap();
        assert!(!received.is_empty());
        sizes.extend(received.iter().map(|job| job.body().len()));
        let results = scene.host.delete_many(&received.iter().collect::<Vec<_>>());
        results.into_iter().for_each(Result::unwrap);
    }
    sizes.sort_unstable();
    assert!(sizes.into_iter().eq(60 * 16..60 * 16 + 1000));
}
