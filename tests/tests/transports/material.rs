//! Certificates, keys and names that cannot be used.

use beanwire::{
    ClientCertificate, Config, Connection, Consumer, Error, ErrorKind, Outcome, Producer, Roots,
    TlsConfig,
};
use beanwire_tests::Certificates;

use crate::{config, trusting, within};

/// Looks like a key, and is found in a text if any piece of it is.
const KEY: &str = "-----BEGIN EC PRIVATE KEY-----\n\
    SECRETSECRETSECRETSECRETSECRETSECRETSECRETSECRETSECRETSECRETSECRET\n\
    -----END EC PRIVATE KEY-----\n";

/// A PEM text of this kind whose content is none.
fn hollow(kind: &str) -> String {
    format!("-----BEGIN {kind}-----\nSECRETSECRET\n-----END {kind}-----\n")
}

fn with_client(chain_pem: &str, key_pem: &str) -> TlsConfig {
    let (chain_pem, key_pem) = (chain_pem.to_owned(), key_pem.to_owned());
    let tls = trusting(Certificates::new().ca_pem());
    tls.with_client_certificate(ClientCertificate { chain_pem, key_pem })
}

/// What every kind of client says to it, all of it: texts and causes.
async fn refusals(tls: TlsConfig) -> Vec<Error> {
    let config: Config = config(tls);
    let uri = "beanstalks://localhost:1";
    let producer = within(Producer::open(uri, config.clone())).await.map(drop);
    let consumer = within(Consumer::open(uri, ["mail"], config.clone())).await.map(drop);
    let connection = within(Connection::open(uri, config)).await.map(drop);
    [producer, consumer, connection].into_iter().map(Result::unwrap_err).collect()
}

fn whole_text(error: &Error) -> String {
    format!("{error}\n{error:?}\n{:?}", std::error::Error::source(error).map(ToString::to_string))
}

async fn assert_refused(field: &str, tls: TlsConfig) {
    for error in refusals(tls.clone()).await {
        let found = (error.kind(), error.outcome());
        assert_eq!(found, (ErrorKind::InvalidArgument, Outcome::NotSent), "{error}");
        assert!(error.to_string().starts_with(&format!("{field}: ")), "{field}: {error}");
        assert!(!whole_text(&error).contains("SECRET"), "{}", whole_text(&error));
    }
}

#[tokio::test]
async fn authorities_that_cannot_be_read_are_refused() {
    for pem in ["", "no PEM at all", "-----BEGIN CERTIFICATE-----\n", &hollow("CERTIFICATE")] {
        let tls = TlsConfig::default().with_roots(Roots::Pem(pem.to_owned()));
        assert_refused("tls.roots", tls).await;
    }
}

#[tokio::test]
async fn a_chain_that_cannot_be_read_is_refused() {
    let certificates = Certificates::new();
    let key = &certificates.client().key_pem;
    for pem in ["", "no PEM at all", "-----BEGIN CERTIFICATE-----\n"] {
        assert_refused("tls.client_certificate.chain_pem", with_client(pem, key)).await;
    }
    let tls = with_client(&hollow("CERTIFICATE"), key);
    assert_refused("tls.client_certificate", tls).await;
}

#[tokio::test]
async fn a_key_that_cannot_be_read_is_refused_and_not_shown() {
    let certificates = Certificates::new();
    let chain = &certificates.client().cert_pem;
    let cut = "-----BEGIN PRIVATE KEY-----\nSECRET";
    for pem in ["", "SECRET", cut, chain, "-----BEGIN PRIVATE KEY-----\nSECRET*\n"] {
        assert_refused("tls.client_certificate.key_pem", with_client(chain, pem)).await;
    }
    for pem in [KEY, &hollow("PRIVATE KEY"), &hollow("RSA PRIVATE KEY")] {
        assert_refused("tls.client_certificate", with_client(chain, pem)).await;
    }
}

#[tokio::test]
async fn a_key_in_the_wrong_place_is_refused_and_not_shown() {
    let certificates = Certificates::new();
    let chain = &certificates.client().cert_pem;
    assert_refused("tls.client_certificate.chain_pem", with_client(KEY, chain)).await;
    let tls = TlsConfig::default().with_roots(Roots::Pem(KEY.to_owned()));
    assert_refused("tls.roots", tls).await;
}

#[tokio::test]
async fn a_key_of_another_certificate_is_refused_and_not_shown() {
    let certificates = Certificates::new();
    let (client, other) = (certificates.client(), certificates.unknown_client());
    let tls = with_client(&client.cert_pem, &other.key_pem);
    assert_refused("tls.client_certificate", tls.clone()).await;
    let secret = other.key_pem.lines().nth(1).unwrap();
    for error in refusals(tls).await {
        assert!(!whole_text(&error).contains(secret), "{}", whole_text(&error));
    }
}

#[tokio::test]
async fn a_server_name_that_is_none_is_refused() {
    for name in ["", "no name", "a..b", "x\r\ny", &"x".repeat(300)] {
        let tls = trusting(Certificates::new().ca_pem()).with_server_name(name);
        assert_refused("tls.server_name", tls).await;
    }
}

#[test]
fn a_key_is_not_shown_with_the_settings() {
    let tls = with_client("chain", KEY);
    let shown = format!("{tls:?} {:?}", Config::builder().tls(tls.clone()).build().unwrap());
    assert!(shown.contains("chain") && !shown.contains("SECRET"), "{shown}");
}
