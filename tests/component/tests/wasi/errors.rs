//! Every error that can happen, with all that it tells.

use std::collections::BTreeSet;

use beanwire_component_tests::Error;
use beanwire_component_tests::types::{ErrorCode, Outcome, Retry};

use crate::{provoke, wit};

/// How an error is brought about, and what it must be.
type Provoked = (fn() -> Error, ErrorCode, Outcome, Retry);

/// All but `other`, which is for versions to come, and `queue-full`: a batch waits for room itself, and
/// nothing else is under way during a call.
const ERRORS: [Provoked; 22] = [
    (provoke::invalid_argument, ErrorCode::InvalidArgument, Outcome::NotSent, Retry::Never),
    (provoke::invalid_uri, ErrorCode::InvalidUri, Outcome::NotSent, Retry::Never),
    (provoke::job_too_big, ErrorCode::JobTooBig, Outcome::NotSent, Retry::Never),
    (provoke::disconnected, ErrorCode::Disconnected, Outcome::NotSent, Retry::Later),
    (provoke::tls, ErrorCode::Tls, Outcome::NotSent, Retry::Never),
    (provoke::access_denied, ErrorCode::AccessDenied, Outcome::NotSent, Retry::Never),
    (provoke::timeout, ErrorCode::Timeout, Outcome::Unknown, Retry::Later),
    (provoke::closed, ErrorCode::Closed, Outcome::NotSent, Retry::Never),
    (provoke::draining, ErrorCode::Draining, Outcome::Rejected, Retry::Elsewhere),
    (provoke::out_of_memory, ErrorCode::OutOfMemory, Outcome::Rejected, Retry::Elsewhere),
    (provoke::internal_error, ErrorCode::InternalError, Outcome::Rejected, Retry::Later),
    (provoke::bad_format, ErrorCode::BadFormat, Outcome::Rejected, Retry::Never),
    (provoke::unknown_command, ErrorCode::UnknownCommand, Outcome::Rejected, Retry::Never),
    (provoke::expected_crlf, ErrorCode::ExpectedCrlf, Outcome::Rejected, Retry::Never),
    (provoke::not_found, ErrorCode::NotFound, Outcome::Rejected, Retry::Never),
    (provoke::not_ignored, ErrorCode::NotIgnored, Outcome::Rejected, Retry::Never),
    (provoke::deadline_soon, ErrorCode::DeadlineSoon, Outcome::Rejected, Retry::Later),
    (provoke::buried, ErrorCode::Buried, Outcome::Rejected, Retry::Never),
    (provoke::job_finished, ErrorCode::JobFinished, Outcome::NotSent, Retry::Never),
    (provoke::job_lost, ErrorCode::JobLost, Outcome::NotSent, Retry::Never),
    (provoke::unexpected_reply, ErrorCode::UnexpectedReply, Outcome::Unknown, Retry::Later),
    (provoke::unsupported, ErrorCode::Unsupported, Outcome::NotSent, Retry::Never),
];

#[test]
fn every_error_tells_its_code_outcome_and_whether_to_try_again() {
    for (provoke, code, outcome, retry) in ERRORS {
        let error = provoke();
        assert_eq!((error.code, error.outcome, error.retry), (code, outcome, retry), "{error:?}");
        assert!(!error.message.is_empty(), "{error:?}");
    }
}

#[test]
fn no_error_is_left_out() {
    let provoked: BTreeSet<String> =
        ERRORS.iter().map(|error| format!("{:?}", error.1).replace("ErrorCode::", "")).collect();
    let written: BTreeSet<String> = wit::error_codes()
        .into_iter()
        .filter(|code| code != "Other" && code != "QueueFull")
        .collect();
    assert_eq!(provoked, written);
}
