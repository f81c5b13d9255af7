//! Any body is read as statistics or refused with a short error that blames the server.

#![no_main]

use beanwire_core::error::{Error, ErrorKind};
use beanwire_core::stats::{JobStats, ServerStats, TubeStats, parse_list};
use libfuzzer_sys::fuzz_target;

fn check<T>(read: Result<T, Error>) {
    if let Err(error) = read {
        assert_eq!(error.kind(), ErrorKind::UnexpectedReply);
        assert!(error.to_string().len() < 1024, "{error}");
    }
}

fuzz_target!(|body: &[u8]| {
    check(ServerStats::parse(body));
    check(TubeStats::parse(body));
    check(JobStats::parse(body));
    check(parse_list(body));
});
