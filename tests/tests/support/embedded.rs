use std::time::Duration;

use beanwire_server::Server;
use beanwire_tests::Embedded;

/// More than the server writes at once.
const LARGE: usize = 500_000;

fn large() -> Embedded {
    Embedded::with(Server::builder().max_job_size(LARGE).unwrap())
}

#[test]
fn replies_behind_a_large_one_come_without_another_command() {
    let server = large();
    let mut raw = server.raw();
    let id = raw.put("default", vec![b'x'; LARGE]);
    raw.send("reserve\r\nuse mail\r\nlist-tube-used\r\n");
    assert_eq!(raw.reply().len(), format!("RESERVED {id} {LARGE}\r\n").len() + LARGE);
    assert_eq!(raw.line(), "USING mail");
    assert_eq!(raw.line(), "USING mail");
}

#[test]
fn commands_behind_replies_that_were_held_back_are_answered_in_the_end() {
    let server = large();
    let mut raw = server.raw();
    let id = raw.put("default", vec![b'x'; LARGE]);
    server.delay_replies(Duration::MAX);
    // More replies than the server holds itself.
    raw.send(format!("peek {id}\r\n").repeat(10));
    raw.send("use mail\r\n");
    server.clear_faults();
    for _ in 0..10 {
        assert!(raw.reply().starts_with(&format!("FOUND {id} {LARGE}\r\n")));
    }
    assert_eq!(raw.line(), "USING mail");
}
