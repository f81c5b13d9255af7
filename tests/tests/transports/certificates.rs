//! Which servers are trusted.

use beanwire::{Config, Roots, TlsConfig};
use beanwire_tests::{Beanstalkd, Certificates, ScriptedPeer, ServerIdentity, Stunnel};

use crate::{assert_tls_error, assert_usable, config, trusting};

/// A server behind TLS.
struct Setup {
    _server: Beanstalkd,
    certificates: Certificates,
    stunnel: Stunnel,
}

impl Setup {
    fn start(identity: ServerIdentity) -> Self {
        let server = Beanstalkd::start();
        let certificates = Certificates::new();
        let stunnel = Stunnel::start(&certificates, server.port(), identity, false);
        Self { _server: server, certificates, stunnel }
    }

    fn trusting(&self) -> TlsConfig {
        trusting(self.certificates.ca_pem())
    }
}

#[tokio::test]
async fn a_server_with_a_good_certificate_is_used() {
    let setup = Setup::start(ServerIdentity::Good);
    let (config, port) = (config(setup.trusting()), setup.stunnel.port());
    assert_usable(&setup.stunnel.uri(), &config).await;
    assert_usable(&format!("TLS://127.0.0.1:{port}"), &config).await;
}

#[tokio::test]
async fn one_of_several_authorities_is_enough() {
    let setup = Setup::start(ServerIdentity::Good);
    let other = Certificates::new();
    let both = format!("{}{}", other.ca_pem(), setup.certificates.ca_pem());
    assert_usable(&setup.stunnel.uri(), &config(trusting(&both))).await;
}

#[tokio::test]
async fn a_certificate_for_another_name_is_refused() {
    let setup = Setup::start(ServerIdentity::WrongName);
    assert_tls_error(&setup.stunnel.uri(), setup.trusting(), "not valid for name").await;
}

#[tokio::test]
async fn the_name_to_expect_can_be_given() {
    let setup = Setup::start(ServerIdentity::WrongName);
    let tls = setup.trusting().with_server_name("elsewhere.example");
    assert_usable(&setup.stunnel.uri(), &config(tls)).await;
    let tls = setup.trusting().with_server_name("nowhere.example");
    assert_tls_error(&setup.stunnel.uri(), tls, "not valid for name").await;
}

#[tokio::test]
async fn the_name_to_expect_counts_in_place_of_the_host() {
    let setup = Setup::start(ServerIdentity::Good);
    for name in ["localhost", "127.0.0.1", "::1", "[::1]"] {
        let tls = setup.trusting().with_server_name(name);
        assert_usable(&setup.stunnel.uri(), &config(tls)).await;
    }
    let tls = setup.trusting().with_server_name("elsewhere.example");
    assert_tls_error(&setup.stunnel.uri(), tls, "not valid for name").await;
}

#[tokio::test]
async fn a_certificate_of_an_unknown_authority_is_refused() {
    let setup = Setup::start(ServerIdentity::UnknownCa);
    assert_tls_error(&setup.stunnel.uri(), setup.trusting(), "UnknownIssuer").await;
}

#[tokio::test]
async fn an_authority_that_only_has_the_right_name_is_refused() {
    let setup = Setup::start(ServerIdentity::Good);
    let namesake = trusting(Certificates::new().ca_pem());
    assert_tls_error(&setup.stunnel.uri(), namesake, "BadSignature").await;
}

#[tokio::test]
async fn a_certificate_whose_time_is_over_is_refused() {
    let setup = Setup::start(ServerIdentity::Expired);
    assert_tls_error(&setup.stunnel.uri(), setup.trusting(), "expired").await;
}

#[tokio::test]
async fn the_systems_authorities_are_the_default_and_do_not_know_ours() {
    let setup = Setup::start(ServerIdentity::Good);
    assert_eq!(Config::default().tls.roots, Roots::System);
    let tls = TlsConfig::default().with_roots(Roots::System);
    assert_tls_error(&setup.stunnel.uri(), tls, "UnknownIssuer").await;
}

#[tokio::test]
async fn a_server_that_speaks_no_tls_is_refused() {
    let peer = ScriptedPeer::start(|_, conn| {
        conn.send("UNKNOWN_COMMAND\r\n");
        conn.hang();
    });
    let uri = format!("beanstalks://{}", peer.addr());
    let ca = Certificates::new();
    assert_tls_error(&uri, trusting(ca.ca_pem()), "corrupt message").await;
}
