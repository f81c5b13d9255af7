use super::*;

/// What callers in every language rely on. A line that changes breaks them.
const TABLE: [(ErrorKind, &str, Retry); 23] = [
    (ErrorKind::InvalidArgument, "INVALID_ARGUMENT", Retry::Never),
    (ErrorKind::InvalidUri, "INVALID_URI", Retry::Never),
    (ErrorKind::JobTooBig, "JOB_TOO_BIG", Retry::Never),
    (ErrorKind::Disconnected, "DISCONNECTED", Retry::Later),
    (ErrorKind::Tls, "TLS", Retry::Never),
    (ErrorKind::AccessDenied, "ACCESS_DENIED", Retry::Never),
    (ErrorKind::Timeout, "TIMEOUT", Retry::Later),
    (ErrorKind::Closed, "CLOSED", Retry::Never),
    (ErrorKind::QueueFull, "QUEUE_FULL", Retry::Later),
    (ErrorKind::Draining, "DRAINING", Retry::Elsewhere),
    (ErrorKind::OutOfMemory, "OUT_OF_MEMORY", Retry::Elsewhere),
    (ErrorKind::InternalError, "INTERNAL_ERROR", Retry::Later),
    (ErrorKind::BadFormat, "BAD_FORMAT", Retry::Never),
    (ErrorKind::UnknownCommand, "UNKNOWN_COMMAND", Retry::Never),
    (ErrorKind::ExpectedCrlf, "EXPECTED_CRLF", Retry::Never),
    (ErrorKind::NotFound, "NOT_FOUND", Retry::Never),
    (ErrorKind::NotIgnored, "NOT_IGNORED", Retry::Never),
    (ErrorKind::DeadlineSoon, "DEADLINE_SOON", Retry::Later),
    (ErrorKind::Buried, "BURIED", Retry::Never),
    (ErrorKind::JobFinished, "JOB_FINISHED", Retry::Never),
    (ErrorKind::JobLost, "JOB_LOST", Retry::Never),
    (ErrorKind::UnexpectedReply, "UNEXPECTED_REPLY", Retry::Later),
    (ErrorKind::Unsupported, "UNSUPPORTED", Retry::Never),
];

#[test]
fn every_kind_keeps_its_code_and_its_advice() {
    for (kind, code, retry) in TABLE {
        let error = Error::not_sent(kind, "text");
        assert_eq!((kind.code(), kind.retry()), (code, retry), "{kind:?}");
        assert_eq!((error.code(), error.retry()), (code, retry), "{kind:?}");
    }
}

#[test]
fn no_kind_is_missing_from_the_table() {
    assert_eq!(TABLE.map(|(kind, _, _)| kind), *ErrorKind::ALL);
}

#[test]
fn every_outcome_keeps_its_code() {
    let codes = [Outcome::NotSent, Outcome::Rejected, Outcome::Unknown].map(Outcome::code);
    assert_eq!(codes, ["not-sent", "rejected", "unknown"]);
}

#[test]
fn codes_are_unique_and_in_capitals() {
    let mut codes: Vec<_> = ErrorKind::ALL.iter().map(|kind| kind.code()).collect();
    assert!(codes.iter().all(|c| c.bytes().all(|b| b.is_ascii_uppercase() || b == b'_')));
    let count = codes.len();
    codes.sort_unstable();
    codes.dedup();
    assert_eq!(codes.len(), count);
}

#[test]
fn a_long_value_is_cut_and_control_characters_are_escaped() {
    let error = Error::invalid_argument("tube", &"é\r\n".repeat(99), "1 to 200 bytes");
    let text = error.to_string();
    assert!(text.contains("(396 bytes)") && text.contains("\\r\\n"), "{text}");
    assert!(text.len() < 300 && !text.contains('\n'), "{text}");
}

#[test]
fn the_source_is_kept() {
    let cause = std::io::Error::other("refused");
    let error = Error::not_sent(ErrorKind::Disconnected, "connect").with_source(cause);
    let source = std::error::Error::source(&error).unwrap();
    assert_eq!(source.to_string(), "refused");
}
