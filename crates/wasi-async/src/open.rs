//! Making clients: from texts and settings to connections.

use std::pin::pin;
use std::rc::Rc;

use beanwire_core::engine::{Engine, Request, Role};
use beanwire_core::error::Error;
use beanwire_core::uri;
use futures::future::{Either, select, try_join_all};
use wasip3::random::random::get_random_u64;

use crate::bindings::exports::beanwire::client::types;
use crate::convert;
use crate::dial::check_name;
use crate::driver::{Client, State};

/// Why this build has no TLS.
const NO_TLS: &str = "this component has no TLS; the one for WASI 0.2 has a build with it";

/// Makes a pool. It comes back once a connection is up, or every server has failed once; then the
/// pool goes on trying.
pub(crate) async fn pool(
    role: Role,
    uris: &[String],
    config: Option<types::Config>,
) -> Result<Rc<Client>, Error> {
    let uris = uri::parse_list(uris)?;
    uris.iter().try_for_each(|uri| convert::check_uri(uri, Some(NO_TLS)))?;
    let config = convert::config(config)?;
    let engine = Engine::new(role, &uris, config, get_random_u64())?;
    let config = engine.config();
    if config.validate_uris {
        let timeout = config.connect_timeout;
        try_join_all(uris.iter().map(|uri| check_name(uri, timeout))).await?;
    }
    let client = Client::start(engine);
    let ready = client.submit(Request::Ready, None);
    let tried = client.until(|state| has_tried_all(state).then_some(()));
    if let Either::Left((Err(error), _)) = select(ready, pin!(tried)).await {
        return Err(error);
    }
    Ok(client)
}

fn has_tried_all(state: &State) -> bool {
    state.engine.servers().all(|server| state.failed.contains(&server.id()))
}
