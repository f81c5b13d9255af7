//! The settings of a client: meaning, unit, default, range and hazard of each.

use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use crate::error::Error;

#[cfg(feature = "serde")]
mod encoding;
mod failure;
mod tls;

#[cfg(feature = "serde")]
pub(crate) use encoding::millis;
pub use failure::{Exhausted, FailurePolicy, Next};
pub use tls::{ClientCertificate, Roots, TlsConfig};

const GIB: usize = 1 << 30;
const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

/// Longest span that a delay on the wire can carry.
const MAX_WIRE_SPAN: Duration = Duration::from_secs(u32::MAX as u64);

/// The connections that a consumer opens to a server unless told otherwise.
const DEFAULT_MAX_CONNECTIONS: usize = 16;

/// The settings of a client.
///
/// Made by [`Config::builder`], or from the default by changing fields. Every client checks its
/// settings with [`Config::validate`] when it is made, so a deserialised value, too, may be handed
/// over unchecked. Serialised spans are whole milliseconds in fields that end in `_ms`.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
#[non_exhaustive]
pub struct Config {
    /// Connections per URI: those of a producer, and those a consumer keeps open while idle.
    /// Default 1, 1 to 1024.
    pub multiply: usize,
    /// Handlers that one call of a consumer's `receive` runs at once. Default 10, 1 to 65536.
    pub concurrency: usize,
    /// Most connections a consumer opens to one server, 1 to 1024 and at least `multiply`.
    /// Default none: as many as `concurrency`, but at most 16.
    ///
    /// Hazard: once each of them holds a job, free handlers get new jobs by asking every 2 ms to
    /// 100 ms, for a connection that holds a job must not wait at the server.
    pub max_connections: Option<usize>,
    /// Jobs a consumer reserves ahead of a free handler. Default 0, 0 to 65536.
    ///
    /// Hazard: their TTR runs while they wait.
    pub prefetch: usize,
    /// Longest time from the name lookup over dial and TLS handshake to the first reply.
    /// Default 5 s, 1 ms to 1 h.
    #[cfg_attr(feature = "serde", serde(rename = "connect_timeout_ms", with = "millis"))]
    pub connect_timeout: Duration,
    /// Longest silence of a server while an answer is due; then the connection is closed.
    /// Default 5 s, 1 ms to 1 h.
    ///
    /// Hazard: what had no answer by then may have been done, and jobs held by the connection
    /// go back to their queue.
    #[cfg_attr(feature = "serde", serde(rename = "command_timeout_ms", with = "millis"))]
    pub command_timeout: Duration,
    /// Longest time for a whole put, waiting for a connection and retries included.
    /// Default 15 s, 0 to 1 day.
    ///
    /// 0 fails at once when no connection is up; `command_timeout` then bounds the answer.
    #[cfg_attr(feature = "serde", serde(rename = "put_timeout_ms", with = "millis"))]
    pub put_timeout: Duration,
    /// How long a waiting reserve stays with the server before it is renewed. Default 30 s, 1 s to
    /// 1 h.
    ///
    /// A server that dies silently while idle is noticed this late, plus `command_timeout`.
    #[cfg_attr(feature = "serde", serde(rename = "reserve_timeout_ms", with = "millis"))]
    pub reserve_timeout: Duration,
    /// First wait before a lost connection is dialled again; doubled, with jitter, up to
    /// `reconnect_max`. Default 100 ms, 1 ms to 1 h.
    #[cfg_attr(feature = "serde", serde(rename = "reconnect_min_ms", with = "millis"))]
    pub reconnect_min: Duration,
    /// Longest such wait, at least `reconnect_min`. Default 3 s, 1 ms to 1 h.
    #[cfg_attr(feature = "serde", serde(rename = "reconnect_max_ms", with = "millis"))]
    pub reconnect_max: Duration,
    /// Whether a put that may have been done is done again. Default: it is.
    pub delivery: Delivery,
    /// Whether a consumer touches a job for as long as its handler runs. Default false.
    ///
    /// Hazard: a handler that never ends then keeps its job for ever.
    pub auto_touch: bool,
    /// What becomes of a job whose handler failed.
    pub failure: FailurePolicy,
    /// Largest job body accepted from a server, in bytes; the connection that brings a larger one
    /// is closed. Default and most 1 GiB, the server's own limit; at least 1.
    pub max_body_size: usize,
    /// Bound on the memory of all waiting puts, in bytes: their bodies and a fixed overhead each.
    /// Callers beyond it wait. Default 64 MiB, at least 4096.
    pub max_pending_bytes: usize,
    /// How TLS connections are set up.
    pub tls: TlsConfig,
    /// Whether host names are resolved when the client is made, so that a wrong one fails there.
    /// Default true; turn it off where names may come up later than the client.
    pub validate_uris: bool,
}

/// What becomes of a put whose connection is lost before the answer: it may have been done or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum Delivery {
    /// It is done again. Hazard: the job may then exist twice.
    #[default]
    AtLeastOnce,
    /// It fails with the outcome "unknown". Hazard: the job may not exist. A put that certainly
    /// did not reach a server is still done again.
    AtMostOnce,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            multiply: 1,
            concurrency: 10,
            max_connections: None,
            prefetch: 0,
            connect_timeout: 5 * SECOND,
            command_timeout: 5 * SECOND,
            put_timeout: 15 * SECOND,
            reserve_timeout: 30 * SECOND,
            reconnect_min: 100 * MS,
            reconnect_max: 3 * SECOND,
            delivery: Delivery::default(),
            auto_touch: false,
            failure: FailurePolicy::default(),
            max_body_size: GIB,
            max_pending_bytes: 64 << 20,
            tls: TlsConfig::default(),
            validate_uris: true,
        }
    }
}

impl Config {
    /// Starts from the defaults.
    pub fn builder() -> ConfigBuilder {
        ConfigBuilder::default()
    }

    /// Checks every range.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` naming the first field that is out of range, its value and the range.
    pub fn validate(&self) -> Result<(), Error> {
        within("multiply", self.multiply, 1..=1024)?;
        within("concurrency", self.concurrency, 1..=65536)?;
        if let Some(most) = self.max_connections {
            within("max_connections", most, self.multiply..=1024)?;
        }
        within("prefetch", self.prefetch, 0..=65536)?;
        within("connect_timeout", self.connect_timeout, MS..=HOUR)?;
        within("command_timeout", self.command_timeout, MS..=HOUR)?;
        within("put_timeout", self.put_timeout, Duration::ZERO..=DAY)?;
        within("reserve_timeout", self.reserve_timeout, SECOND..=HOUR)?;
        within("reconnect_min", self.reconnect_min, MS..=HOUR)?;
        within("reconnect_max", self.reconnect_max, self.reconnect_min..=HOUR)?;
        within("max_body_size", self.max_body_size, 1..=GIB)?;
        within("max_pending_bytes", self.max_pending_bytes, 4096..=usize::MAX)?;
        self.failure.validate()
    }

    /// Most connections a consumer opens to one server: `max_connections` or its default, and at
    /// least `multiply`.
    #[must_use]
    pub fn effective_max_connections(&self) -> usize {
        let default = self.concurrency.min(DEFAULT_MAX_CONNECTIONS);
        self.max_connections.unwrap_or(default).max(self.multiply)
    }
}

/// Builds a [`Config`] from the defaults.
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct ConfigBuilder(Config);

macro_rules! setters {
    ($($field:ident: $type:ty,)*) => {$(
        #[doc = concat!("Sets [`Config::", stringify!($field), "`].")]
        pub fn $field(mut self, value: $type) -> Self {
            self.0.$field = value;
            self
        }
    )*};
}

impl ConfigBuilder {
    setters! {
        multiply: usize,
        concurrency: usize,
        prefetch: usize,
        connect_timeout: Duration,
        command_timeout: Duration,
        put_timeout: Duration,
        reserve_timeout: Duration,
        reconnect_min: Duration,
        reconnect_max: Duration,
        delivery: Delivery,
        auto_touch: bool,
        failure: FailurePolicy,
        max_body_size: usize,
        max_pending_bytes: usize,
        tls: TlsConfig,
        validate_uris: bool,
    }

    /// Sets [`Config::max_connections`].
    pub fn max_connections(mut self, value: usize) -> Self {
        self.0.max_connections = Some(value);
        self
    }

    /// Checks the settings and hands them out.
    ///
    /// # Errors
    /// Those of [`Config::validate`].
    pub fn build(self) -> Result<Config, Error> {
        self.0.validate()?;
        Ok(self.0)
    }
}

fn within<T>(field: &str, value: T, range: RangeInclusive<T>) -> Result<(), Error>
where
    T: PartialOrd + fmt::Debug,
{
    if range.contains(&value) {
        return Ok(());
    }
    let limit = format!("{:?} to {:?}", range.start(), range.end());
    Err(Error::invalid_argument(field, &format!("{value:?}"), &limit))
}

#[cfg(test)]
mod tests;
