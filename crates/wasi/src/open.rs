//! Making clients: from texts and settings to connections.

use std::rc::Rc;

use beanwire_core::engine::{Engine, Request, Role};
use beanwire_core::error::Error;
use beanwire_core::uri;
#[cfg(feature = "tls")]
use beanwire_core::uri::ServerUri;
use wasip2::random::random::get_random_u64;

use crate::bindings::exports::beanwire::client::types;
use crate::client::Client;
use crate::convert;
use crate::instance;

/// Why this build has no TLS, if it has none.
const NO_TLS: Option<&str> = if cfg!(feature = "tls") {
    None
} else {
    Some("this component was built without TLS; there is a build with it")
};

/// What it takes to open a connection, beyond the address.
#[derive(Debug)]
pub(crate) struct Dialer {
    #[cfg(feature = "tls")]
    pub(crate) tls: Option<beanwire_core::tls::TlsClient>,
}

/// Makes a pool. It comes back once a connection is up, or every server has failed once; then the
/// pool goes on trying in later calls.
pub(crate) fn pool(
    role: Role,
    uris: &[String],
    config: Option<types::Config>,
) -> Result<Rc<Client>, Error> {
    let client = new(role, uris, config)?;
    let ready = client.state().submit(Request::Ready, None);
    let validate = client.state().engine.config().validate_uris;
    instance::run(&client, |state| {
        if validate && let Some(error) = &state.bad_name {
            return Some(Err(error.clone()));
        }
        if let Some(Err(error)) = state.take_result(ready) {
            return Some(Err(error));
        }
        let up = state.engine.is_connected() && !(validate && state.is_resolving());
        let tried = state.engine.servers().all(|server| state.failed.contains(&server.id()));
        (up || tried).then_some(Ok(()))
    })?;
    client.state().cancel(ready);
    Ok(client)
}

/// Makes a single connection, which is up then.
pub(crate) fn single(uri: String, config: Option<types::Config>) -> Result<Rc<Client>, Error> {
    let client = new(Role::Connection, &[uri], config)?;
    let validate = client.state().engine.config().validate_uris;
    // The engine has its own limit and tells more when it is over.
    let won = client.ask(Request::Ready, None);
    let bad_name = client.state().bad_name.take().filter(|_| validate);
    won.map_err(|error| bad_name.unwrap_or(error))?;
    Ok(client)
}

fn new(role: Role, uris: &[String], config: Option<types::Config>) -> Result<Rc<Client>, Error> {
    let uris = uri::parse_list(uris)?;
    uris.iter().try_for_each(|uri| convert::check_uri(uri, NO_TLS))?;
    let config = convert::config(config)?;
    config.validate()?;
    #[cfg(feature = "tls")]
    let tls = {
        use beanwire_core::tls::TlsClient;
        let wanted = uris.iter().any(ServerUri::is_tls);
        wanted.then(|| TlsClient::new(&config.tls, crate::tls::built_in_roots)).transpose()?
    };
    let dialer = Dialer {
        #[cfg(feature = "tls")]
        tls,
    };
    let engine = Engine::new(role, &uris, config, get_random_u64())?;
    Ok(Client::new(engine, dialer))
}
