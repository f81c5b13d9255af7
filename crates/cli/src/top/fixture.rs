//! Samples for tests.

use beanwire::{ServerStats, TubeStats};

use super::sample::Sample;

/// The statistics of a server that shows these counters; all others are zero.
pub(crate) fn server(id: &str, counters: &[(&str, u64)]) -> ServerStats {
    let text = format!("id: {id}\nversion: \"1.13\"\n{}", lines(counters));
    ServerStats::parse(text.as_bytes()).unwrap()
}

/// The statistics of a tube that shows these counters; all others are zero.
pub(crate) fn tube(name: &str, counters: &[(&str, u64)]) -> TubeStats {
    TubeStats::parse(format!("name: {name}\n{}", lines(counters)).as_bytes()).unwrap()
}

/// A sample of a server with these tubes.
pub(crate) fn sample(server: ServerStats, tubes: &[TubeStats]) -> Sample {
    Sample { server, tubes: tubes.to_vec(), left_out: 0 }
}

fn lines(counters: &[(&str, u64)]) -> String {
    counters.iter().map(|(key, value)| format!("{key}: {value}\n")).collect()
}
