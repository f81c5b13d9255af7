//! Values that are valid because they exist: nothing behind these types checks them again.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use crate::error::Error;

/// Longest tube name in bytes (`beanstalkd` protocol, section "Tubes").
pub const MAX_TUBE_NAME: usize = 200;

/// Largest number a priority, delay, TTR or body size can carry on the wire.
pub const MAX_WIRE_INTEGER: u64 = u32::MAX as u64;

/// The name of a tube: 1 to 200 bytes of `A-Z a-z 0-9 - + / ; . $ _ ( )`, not starting with `-`
/// (protocol, section "Overview").
///
/// Cloning is cheap: the text is shared.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TubeName(Arc<str>);

impl TubeName {
    /// Checks `name` and keeps a copy of it.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` naming the rule that `name` breaks.
    pub fn new(name: &str) -> Result<Self, Error> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-+/;.$_()".contains(&b);
        let limit = if name.is_empty() || name.len() > MAX_TUBE_NAME {
            "1 to 200 bytes"
        } else if name.starts_with('-') {
            "not to start with '-'"
        } else if !name.bytes().all(allowed) {
            "only A-Z a-z 0-9 - + / ; . $ _ ( )"
        } else {
            return Ok(Self(name.into()));
        };
        Err(Error::invalid_argument("tube", name, limit))
    }

    /// The tube every connection uses and watches at first.
    #[must_use]
    pub fn default_tube() -> Self {
        Self("default".into())
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for TubeName {
    fn default() -> Self {
        Self::default_tube()
    }
}

impl fmt::Display for TubeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for TubeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.as_str())
    }
}

impl AsRef<str> for TubeName {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl Borrow<str> for TubeName {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

impl FromStr for TubeName {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        Self::new(name)
    }
}

impl TryFrom<&str> for TubeName {
    type Error = Error;

    fn try_from(name: &str) -> Result<Self, Error> {
        Self::new(name)
    }
}

impl TryFrom<String> for TubeName {
    type Error = Error;

    fn try_from(name: String) -> Result<Self, Error> {
        Self::new(&name)
    }
}

impl TryFrom<&String> for TubeName {
    type Error = Error;

    fn try_from(name: &String) -> Result<Self, Error> {
        Self::new(name)
    }
}

impl From<&TubeName> for TubeName {
    fn from(name: &TubeName) -> Self {
        name.clone()
    }
}

/// A job's identity on one server: 0 to 2^64-1, unique for the life of that server's queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct JobId(pub u64);

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<u64> for JobId {
    fn from(id: u64) -> Self {
        Self(id)
    }
}

/// A job's priority: 0 is the most urgent, 2^32-1 the least; below 1024 counts as urgent in the
/// statistics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Priority(pub u32);

impl Priority {
    /// Checks a number from a wider type.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` above 2^32-1.
    pub fn new(value: u64) -> Result<Self, Error> {
        u32::try_from(value)
            .map(Self)
            .map_err(|_| Error::invalid_argument("priority", &value.to_string(), "0 to 4294967295"))
    }
}

impl Default for Priority {
    /// 1024: the first priority that is not urgent.
    fn default() -> Self {
        Self(1024)
    }
}

impl From<u32> for Priority {
    fn from(value: u32) -> Self {
        Self(value)
    }
}

/// A whole number of seconds as the protocol carries them.
///
/// Fractions are rounded up, so that a wait of 300 ms is a wait of one second and never none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Seconds(u32);

impl Seconds {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// Rounds `value` up to whole seconds.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` naming `field` above 2^32-1 seconds.
    pub fn from_duration(field: &'static str, value: Duration) -> Result<Self, Error> {
        Self::bounded(field, value, u32::MAX, "at most 4294967295 s")
    }

    /// Rounds up as [`Seconds::from_duration`] does, with the smaller limit of
    /// `reserve-with-timeout`: 2^31-1 seconds.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` above that.
    pub fn reserve_timeout(value: Duration) -> Result<Self, Error> {
        Self::bounded("timeout", value, i32::MAX.unsigned_abs(), "at most 2147483647 s")
    }

    /// A TTR: as [`Seconds::from_duration`], and at least one second.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for zero, which the server would silently turn into one second.
    pub fn ttr(value: Duration) -> Result<Self, Error> {
        if value.is_zero() {
            return Err(Error::invalid_argument("ttr", "0", "at least 1 s"));
        }
        Self::from_duration("ttr", value)
    }

    fn bounded(
        field: &'static str,
        value: Duration,
        limit: u32,
        rule: &'static str,
    ) -> Result<Self, Error> {
        let whole = value.as_secs().saturating_add(u64::from(value.subsec_nanos() > 0));
        match u32::try_from(whole) {
            Ok(seconds) if seconds <= limit => Ok(Self(seconds)),
            _ => Err(Error::invalid_argument(field, &format!("{value:?}"), rule)),
        }
    }

    /// The number that goes on the wire.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }

    /// The same span as a `Duration`.
    #[must_use]
    pub const fn as_duration(self) -> Duration {
        Duration::from_secs(self.0 as u64)
    }
}

/// A point in time: the span since an origin of the driver's choice.
///
/// The engine has no clock of its own; whoever drives it says what time it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Instant(Duration);

impl Instant {
    /// The point `elapsed` after the driver's origin.
    #[must_use]
    pub const fn from_origin(elapsed: Duration) -> Self {
        Self(elapsed)
    }

    /// The span since the driver's origin.
    #[must_use]
    pub const fn since_origin(self) -> Duration {
        self.0
    }

    /// The span from `earlier` to this point, zero if `earlier` is later.
    #[must_use]
    pub const fn saturating_since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl std::ops::Add<Duration> for Instant {
    type Output = Self;

    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(span))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tube_names_outside_the_grammar_are_refused_with_the_rule() {
        for (name, rule) in [
            ("", "1 to 200 bytes"),
            (&"x".repeat(201) as &str, "1 to 200 bytes"),
            ("-x", "not to start with '-'"),
            ("a b", "only A-Z"),
            ("a\r\ndelete 1", "only A-Z"),
            ("é", "only A-Z"),
        ] {
            let error = TubeName::new(name).unwrap_err().to_string();
            assert!(error.contains("tube") && error.contains(rule), "{name:?}: {error}");
        }
    }

    #[test]
    fn every_allowed_byte_makes_a_tube_name() {
        let all = "AZaz09-+/;.$_()";
        assert_eq!(TubeName::new(all).unwrap().as_str(), all);
        assert!(TubeName::new(&"x".repeat(200)).is_ok());
    }

    #[test]
    fn fractions_of_a_second_round_up_and_never_to_zero() {
        let seconds =
            |ms| Seconds::from_duration("delay", Duration::from_millis(ms)).unwrap().get();
        assert_eq!([seconds(0), seconds(1), seconds(1000), seconds(1001)], [0, 1, 1, 2]);
    }

    #[test]
    fn spans_beyond_the_wire_are_refused() {
        let limit = Duration::from_secs(MAX_WIRE_INTEGER);
        assert!(Seconds::from_duration("delay", limit).is_ok());
        let error = Seconds::from_duration("delay", limit + Duration::from_nanos(1)).unwrap_err();
        assert!(error.to_string().contains("delay"), "{error}");
        assert!(Seconds::reserve_timeout(Duration::from_secs(1 << 31)).is_err());
        assert!(Seconds::ttr(Duration::ZERO).is_err());
        assert!(Priority::new(1 << 32).is_err());
    }
}
