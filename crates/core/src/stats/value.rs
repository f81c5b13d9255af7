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
    // The parser of floats would also take "nan" and "1e9".
    let number = text.strip_prefix('-').unwrap_or(text);
    if !number.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        return None;
    }
    let seconds: f64 = text.parse().ok()?;
    Duration::try_from_secs_f64(seconds.max(0.0)).ok()
}
