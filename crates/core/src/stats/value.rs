//! How one value of the statistics reads, and what its absence means.

use std::time::Duration;

use super::JobState;
use crate::types::{JobId, Priority, TubeName};

pub(super) trait Value: Sized {
    /// Whether its key must not be missing: a made-up value would mislead.
    const REQUIRED: bool;

    fn read(text: &str) -> Option<Self>;

    /// What a missing key means.
    fn absent() -> Self;
}

macro_rules! values {
    ($($type:ty: $read:expr, $absent:expr, $required:expr;)*) => {
        $(impl Value for $type {
            const REQUIRED: bool = $required;

            fn read(text: &str) -> Option<Self> {
                let read: fn(&str) -> Option<Self> = $read;
                read(text)
            }

            fn absent() -> Self {
                $absent
            }
        })*
    };
}

values! {
    u64: |text| text.parse().ok(), 0, false;
    i64: |text| text.parse().ok(), 0, false;
    bool: |text| text.parse().ok(), false, false;
    String: |text| Some(text.to_owned()), String::new(), false;
    Duration: seconds, Duration::ZERO, false;
    Priority: |text| text.parse().ok().map(Priority), Priority(0), true;
    JobId: |text| text.parse().ok().map(JobId), JobId(0), true;
    TubeName: |text| TubeName::new(text).ok(), TubeName::default(), true;
    JobState: state, JobState::Ready, true;
}

fn state(text: &str) -> Option<JobState> {
    match text {
        "ready" => Some(JobState::Ready),
        "delayed" => Some(JobState::Delayed),
        "reserved" => Some(JobState::Reserved),
        "buried" => Some(JobState::Buried),
        _ => None,
    }
}

fn seconds(text: &str) -> Option<Duration> {
    let (negative, number) = match text.strip_prefix('-') {
        Some(number) => (true, number),
        None => (false, text),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(fraction) {
        return None;
    }
    // Without the tables that the parser of floats brings along.
    let nanos = fraction.bytes().chain(std::iter::repeat(b'0')).take(9);
    let nanos = nanos.fold(0, |sum, digit| sum * 10 + u32::from(digit - b'0'));
    let span = Duration::new(whole.parse().ok()?, nanos);
    Some(if negative { Duration::ZERO } else { span })
}
