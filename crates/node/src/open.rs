//! Making clients: from texts and settings to an engine.

use std::hash::{BuildHasher as _, RandomState};

use beanwire_core::config::Config;
use beanwire_core::engine::{Engine, Role};
use beanwire_core::error::{Error, ErrorKind};
use beanwire_core::tls::TlsClient;
use beanwire_core::types::TubeName;
use beanwire_core::uri::{Host, ServerUri, Transport, parse_list};

use crate::convert::in_millis;
use crate::driver::Driver;
use crate::tls::system_roots;
use crate::value::Value;

/// Makes a client that dials nobody yet, and tells what JavaScript has to know of it.
pub(crate) fn open(
    role: u32,
    uris: &[String],
    tubes: &[String],
    config: &str,
) -> Result<(Driver, Value), Error> {
    let uris = parse_list(uris)?;
    let config: Config = serde_json::from_str(config).map_err(|error| {
        let limit = "the settings of a client";
        Error::invalid_argument("options", &error.to_string(), limit).with_source(error)
    })?;
    config.validate()?;
    let put_timeout = match role {
        CONNECTION => Some(config.command_timeout),
        _ => Some(config.put_timeout).filter(|timeout| !timeout.is_zero()),
    };
    let role = match role {
        PRODUCER => Role::Producer,
        CONSUMER => {
            let tubes: Result<Vec<_>, _> = tubes.iter().map(|tube| TubeName::new(tube)).collect();
            Role::Consumer(tubes?)
        }
        _ => Role::Connection,
    };
    let wanted = uris.iter().any(ServerUri::is_tls);
    let tls = wanted.then(|| TlsClient::new(&config.tls, system_roots)).transpose()?;
    let (validate, timeout) = (config.validate_uris, config.connect_timeout);
    let engine = Engine::new(role, &uris, config, RandomState::new().hash_one(&uris))?;
    let addresses = engine.servers().map(|server| address(server.uri())).collect();
    let told = Value::object([
        ("addresses", Value::List(addresses)),
        ("connectTimeout", in_millis(timeout)),
        ("servers", Value::List(engine.servers().map(Value::text).collect())),
        ("validateUris", Value::Bool(validate)),
    ]);
    Ok((Driver::new(engine, put_timeout, tls), told))
}

const PRODUCER: u32 = 0;
const CONSUMER: u32 = 1;
const CONNECTION: u32 = 2;

fn address(uri: &ServerUri) -> Value {
    match uri.transport() {
        Transport::Tcp { host, port } | Transport::Tls { host, port } => {
            let (name, is_name) = match host {
                Host::Ipv4(ip) => (ip.to_string(), false),
                Host::Ipv6(ip) => (ip.to_string(), false),
                Host::Domain(name) => (name.clone(), true),
            };
            Value::object([
                ("host", Value::Text(name)),
                ("isName", Value::Bool(is_name)),
                ("port", Value::number(*port)),
            ])
        }
        Transport::Unix { path } => Value::object([("path", Value::text(path.display()))]),
    }
}

/// Why the name of a server leads nowhere: it was looked up in vain, or for too long.
pub(crate) fn bad_name(driver: &Driver, place: u32, reason: Option<String>) -> Error {
    let server = driver.engine.servers().nth(place as usize);
    let uri = server.map(ToString::to_string).unwrap_or_default();
    match reason {
        Some(reason) => Error::invalid_uri(&uri, format!("the host cannot be resolved: {reason}")),
        None => {
            let limit = driver.engine.config().connect_timeout;
            let what = format!("{uri}: the name lookup took longer than {limit:?}");
            Error::not_sent(ErrorKind::Timeout, what)
        }
    }
}
