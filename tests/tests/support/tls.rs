use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use beanwire_tests::{Beanstalkd, Certificates, Identity, ServerIdentity, Stunnel};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{CertificateError, ClientConfig, ClientConnection, RootCertStore};

/// Says `use mail` through TLS and returns the answer.
fn through_tls(
    stunnel: &Stunnel,
    certificates: &Certificates,
    client: Option<&Identity>,
) -> io::Result<String> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(certificates.ca_pem().as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let config = match client {
        Some(client) => {
            let cert = CertificateDer::from_pem_slice(client.cert_pem.as_bytes()).unwrap();
            let key = PrivateKeyDer::from_pem_slice(client.key_pem.as_bytes()).unwrap();
            config.with_client_auth_cert(vec![cert], key).unwrap()
        }
        None => config.with_no_client_auth(),
    };
    let name = "localhost".try_into().unwrap();
    let mut tls = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut tcp = TcpStream::connect((Ipv4Addr::LOCALHOST, stunnel.port()))?;
    tcp.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut stream = rustls::Stream::new(&mut tls, &mut tcp);
    stream.write_all(b"use mail\r\n")?;
    let mut answer = [0; 12];
    stream.read_exact(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

#[test]
fn a_terminator_shows_each_identity() {
    let server = Beanstalkd::start();
    let certificates = Certificates::new();
    let answer = |identity| {
        let stunnel = Stunnel::start(&certificates, server.port(), identity, false);
        assert_eq!(stunnel.uri(), format!("beanstalks://localhost:{}", stunnel.port()));
        through_tls(&stunnel, &certificates, None)
    };
    let refusal = |identity| {
        let error = answer(identity).unwrap_err();
        match error.get_ref().and_then(|error| error.downcast_ref()) {
            Some(rustls::Error::InvalidCertificate(reason)) => reason.clone(),
            _ => panic!("{error}"),
        }
    };
    assert_eq!(answer(ServerIdentity::Good).unwrap(), "USING mail\r\n");
    let wrong_name = refusal(ServerIdentity::WrongName);
    assert!(matches!(wrong_name, CertificateError::NotValidForNameContext { .. }), "{wrong_name}");
    let expired = refusal(ServerIdentity::Expired);
    assert!(matches!(expired, CertificateError::ExpiredContext { .. }), "{expired}");
    assert_eq!(refusal(ServerIdentity::UnknownCa), CertificateError::UnknownIssuer);
}

#[test]
fn a_terminator_asks_clients_who_they_are() {
    let server = Beanstalkd::start();
    let certificates = Certificates::new();
    let stunnel = Stunnel::start(&certificates, server.port(), ServerIdentity::Good, true);
    let answer = |client| through_tls(&stunnel, &certificates, client);
    assert_eq!(answer(Some(certificates.client())).unwrap(), "USING mail\r\n");
    assert!(answer(Some(certificates.unknown_client())).is_err());
    assert!(answer(None).is_err());
}
