//! How one value of the statistics reads, and what its absence means.

use std::time::Duration;

use super::JobState;
use crate::types::{JobId, Priority, TubeName};

pub(super) trait Value: Sized {
    fn read(text: &str) -> Option<Self>;

    /// What a missing key means; none where a made-up value would mislead.
    fn absent() -> Option<Self>;
}

macro_rules! values {
    ($($type:ty: $read:expr, $absent:expr;)*) => {
        $(impl Value for $type {
            fn read(text: &str) -> Option<Self> {
                let read: fn(&str) -> Option<Self> = $read;
                read(text)
            }

            fn absent() -> Option<Self> {
                $absent
            }
        })*
    };
}

values! {
    u64: |text| text.parse().ok(), Some(0);
    i64: |text| text.parse().ok(), Some(0);
    bool: |text| text.parse().ok(), Some(false);
    String: |text| Some(text.to_owned()), Some(String::new());
    Duration: seconds, Some(Duration::ZERO);
    Priority: |text| text.parse().ok().map(Priority), None;
    JobId: |text| text.parse().ok().map(JobId), None;
    TubeName: |text| TubeName::new(text).ok(), None;
    JobState: state, None;
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
