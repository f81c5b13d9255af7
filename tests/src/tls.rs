//! Certificates made for one test run, and a TLS terminator that shows them.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType, date_time_ymd,
};
use rustix::process::Signal;

use crate::util::{Process, TempDir, free_port};

/// How often a start is tried on another port when somebody else was faster to take it.
const STARTS: usize = 5;

/// Which certificate a server shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerIdentity {
    /// One from the CA for `localhost`, `127.0.0.1` and `::1`.
    Good,
    /// One from the CA for `elsewhere.example`.
    WrongName,
    /// As the good one, but its time is over.
    Expired,
    /// As the good one, but from a CA that nobody trusts.
    UnknownCa,
}

/// A certificate and its key, both as PEM.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The certificate.
    pub cert_pem: String,
    /// The private key (PKCS #8).
    pub key_pem: String,
}

/// A CA and what it signed, and one certificate that another CA signed.
#[derive(Debug, Clone)]
pub struct Certificates {
    ca_pem: String,
    good: Identity,
    wrong_name: Identity,
    expired: Identity,
    unknown_ca: Identity,
    client: Identity,
    unknown_client: Identity,
}

impl Certificates {
    /// Makes all of them anew.
    ///
    /// # Panics
    /// If there is no randomness.
    #[must_use]
    pub fn new() -> Self {
        let (ca_pem, ca) = authority("Beanwire test CA");
        let (_, other) = authority("Another test CA");
        let mut expired = loopback();
        expired.not_before = date_time_ymd(2001, 1, 1);
        expired.not_after = date_time_ymd(2002, 1, 1);
        let mut wrong_name = loopback();
        wrong_name.subject_alt_names =
            vec![SanType::DnsName("elsewhere.example".try_into().expect("a DNS name"))];
        Self {
            ca_pem,
            good: sign(loopback(), &ca),
            wrong_name: sign(wrong_name, &ca),
            expired: sign(expired, &ca),
            unknown_ca: sign(loopback(), &other),
            client: sign(client(), &ca),
            unknown_client: sign(client(), &other),
        }
    }

    /// The certificate of the CA that clients are to trust.
    #[must_use]
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// What a server shows.
    #[must_use]
    pub fn server(&self, identity: ServerIdentity) -> &Identity {
        match identity {
            ServerIdentity::Good => &self.good,
            ServerIdentity::WrongName => &self.wrong_name,
            ServerIdentity::Expired => &self.expired,
            ServerIdentity::UnknownCa => &self.unknown_ca,
        }
    }

    /// What a client shows to be let in.
    #[must_use]
    pub fn client(&self) -> &Identity {
        &self.client
    }

    /// What a client shows to be sent away: the other CA signed it.
    #[must_use]
    pub fn unknown_client(&self) -> &Identity {
        &self.unknown_client
    }
}

impl Default for Certificates {
    fn default() -> Self {
        Self::new()
    }
}

fn authority(name: &str) -> (String, Issuer<'static, KeyPair>) {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let key = KeyPair::generate().expect("a key");
    let cert = params.self_signed(&key).expect("a certificate");
    (cert.pem(), Issuer::new(params, key))
}

fn loopback() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "Beanwire test server");
    params.subject_alt_names = vec![
        SanType::DnsName("localhost".try_into().expect("a DNS name")),
        SanType::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        SanType::IpAddress(IpAddr::V6(Ipv6Addr::LOCALHOST)),
    ];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params
}

fn client() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "Beanwire test client");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params
}

fn sign(params: CertificateParams, issuer: &Issuer<'_, KeyPair>) -> Identity {
    let key = KeyPair::generate().expect("a key");
    let cert = params.signed_by(&key, issuer).expect("a certificate");
    Identity { cert_pem: cert.pem(), key_pem: key.serialize_pem() }
}

/// A running `stunnel` that takes TLS and hands plain bytes to a server; it ends when dropped.
#[derive(Debug)]
pub struct Stunnel {
    process: Process,
    port: u16,
    dir: TempDir,
}

impl Stunnel {
    /// Starts a terminator in front of the IPv4 loopback port `backend_port`. With
    /// `require_client_ca`, only clients with a certificate from the CA get in.
    ///
    /// # Panics
    /// If `stunnel` is missing or does not come up.
    #[must_use]
    pub fn start(
        certificates: &Certificates,
        backend_port: u16,
        identity: ServerIdentity,
        require_client_ca: bool,
    ) -> Self {
        let dir = TempDir::new();
        let path = dir.path();
        let server = certificates.server(identity);
        write(path, "cert.pem", &server.cert_pem);
        write(path, "key.pem", &server.key_pem);
        write(path, "ca.pem", certificates.ca_pem());
        for _ in 0..STARTS {
            let port = free_port();
            write(path, "config", &config(path, port, backend_port, require_client_ca));
            if let Some(process) = Self::spawn(path, port) {
                return Self { process, port, dir };
            }
        }
        panic!("stunnel did not stay up, {STARTS} times in a row");
    }

    fn spawn(dir: &Path, port: u16) -> Option<Process> {
        let mut command = Command::new("stunnel");
        command.arg(dir.join("config")).stdout(Stdio::null()).stderr(Stdio::null());
        let missing = "stunnel is missing: apt-get install stunnel4";
        let mut process = Process::spawn(&mut command, missing);
        let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let up = process.wait_ready("stunnel accepts", || TcpStream::connect(addr).is_ok());
        up.then_some(process)
    }

    /// Ends the terminator and all its connections, and starts it anew on the same port.
    ///
    /// # Panics
    /// If it does not come up.
    pub fn restart(&mut self) {
        self.process.kill();
        for _ in 0..STARTS {
            if let Some(process) = Self::spawn(self.dir.path(), self.port) {
                self.process = process;
                return;
            }
        }
        panic!("stunnel did not come up again on {}", self.uri());
    }

    /// Stops the process: the kernel still accepts connections and bytes, and nobody reads them.
    pub fn stop_reading(&self) {
        self.process.stop();
    }

    /// Lets a stopped terminator go on.
    pub fn resume(&self) {
        self.process.signal(Signal::CONT);
    }

    /// The port it listens on, on `127.0.0.1`.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The URI a client connects to, by name.
    #[must_use]
    pub fn uri(&self) -> String {
        format!("beanstalks://localhost:{}", self.port)
    }
}

fn write(dir: &Path, name: &str, text: &str) {
    std::fs::write(dir.join(name), text).expect("a file in the temporary directory");
}

fn config(dir: &Path, port: u16, backend_port: u16, require_client_ca: bool) -> String {
    let dir = dir.display();
    let mut config = format!(
        "foreground = yes\npid =\nsyslog = no\n[beanstalkd]\n\
         accept = 127.0.0.1:{port}\nconnect = 127.0.0.1:{backend_port}\n\
         cert = {dir}/cert.pem\nkey = {dir}/key.pem\n"
    );
    if require_client_ca {
        let _ = writeln!(config, "CAfile = {dir}/ca.pem\nverifyChain = yes\nrequireCert = yes");
    }
    config
}
