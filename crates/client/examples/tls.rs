//! Puts one job over TLS: `tls beanstalks://host:11400 ca.pem [client.pem client-key.pem]`.

use std::time::Duration;

use beanwire::{ClientCertificate, Config, Producer, Roots, TlsConfig};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [uri, roots, identity @ ..] = arguments.as_slice() else {
        return Err("usage: tls URI CA_FILE [CERTIFICATE_FILE KEY_FILE]".into());
    };
    let mut tls = TlsConfig::default().with_roots(Roots::Pem(std::fs::read_to_string(roots)?));
    if let [chain, key] = identity {
        tls = tls.with_client_certificate(ClientCertificate {
            chain_pem: std::fs::read_to_string(chain)?,
            key_pem: std::fs::read_to_string(key)?,
        });
    }
    let producer = Producer::open(uri, Config::builder().tls(tls).build()?).await?;
    // A certificate that does not fit is told here.
    producer.ready(Duration::from_secs(5)).await?;
    let job = producer.put("mail", "hello").await?;
    println!("job {} is {:?} on {}", job.id, job.state, job.server);
    producer.close(Duration::from_secs(5)).await;
    Ok(())
}
