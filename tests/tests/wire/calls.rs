//! Every call of a connection that sends a command, and a peer that answers them all.

use std::time::Duration;

use beanwire::{Connection, Error};
use beanwire_tests::{PeerConn, stats_reply};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

pub(crate) type Call = fn(Connection) -> BoxFuture<'static, Result<(), Error>>;

macro_rules! calls {
    ($($verb:literal: |$c:ident| $call:expr,)*) => {
        &[$(($verb, |$c| async move { $call.await.map(drop) }.boxed()),)*]
    };
}

/// The verb that each sends, and the call.
pub(crate) const CALLS: &[(&str, Call)] = calls! {
    "put": |c| c.put("default", "hello"),
    "use": |c| c.use_tube("mail"),
    "watch": |c| c.watch("mail"),
    "ignore": |c| c.ignore("mail"),
    "reserve": |c| c.reserve(),
    "reserve-with-timeout": |c| c.reserve_with_timeout(Duration::from_secs(9)),
    "reserve-job": |c| c.reserve_job(7),
    "delete": |c| c.delete(7),
    "release": |c| c.release(7, 8, Duration::from_secs(9)),
    "bury": |c| c.bury(7, 8),
    "touch": |c| c.touch(7),
    "peek": |c| c.peek(7),
    "peek-ready": |c| c.peek_ready("default"),
    "peek-delayed": |c| c.peek_delayed("default"),
    "peek-buried": |c| c.peek_buried("default"),
    "kick": |c| c.kick("default", 9),
    "kick-job": |c| c.kick_job(7),
    "stats": |c| c.stats(),
    "stats-job": |c| c.stats_job(7),
    "stats-tube": |c| c.stats_tube("mail"),
    "list-tubes": |c| c.list_tubes(),
    "list-tubes-watched": |c| c.list_tubes_watched(),
    "list-tube-used": |c| c.list_tube_used(),
    "pause-tube": |c| c.pause_tube("mail", Duration::from_secs(9)),
};

/// The line that each of `CALLS` sends, in their order.
pub(crate) const LINES: &[&str] = &[
    "put 1024 0 60 5",
    "use mail",
    "watch mail",
    "ignore mail",
    "reserve",
    "reserve-with-timeout 9",
    "reserve-job 7",
    "delete 7",
    "release 7 8 9",
    "bury 7 8",
    "touch 7",
    "peek 7",
    "peek-ready",
    "peek-delayed",
    "peek-buried",
    "kick 9",
    "kick-job 7",
    "stats",
    "stats-job 7",
    "stats-tube mail",
    "list-tubes",
    "list-tubes-watched",
    "list-tube-used",
    "pause-tube mail 9",
];

/// Answers every line with what `answer` says, or else as a server would that has what is asked
/// for, until `quit` or the end.
pub(crate) fn serve(conn: &mut PeerConn, answer: impl Fn(&str) -> Option<String>) {
    while let Some(line) = conn.read_line() {
        if line == "quit" {
            return;
        }
        if let Some(size) = line.strip_prefix("put ").and_then(|rest| rest.rsplit(' ').next()) {
            let body = conn.read_exact(size.parse::<usize>().unwrap() + 2);
            assert!(body.ends_with(b"\r\n"), "the end of a body: {body:?}");
        }
        conn.send(answer(&line).unwrap_or_else(|| success(&line)));
    }
}

pub(crate) fn success(line: &str) -> String {
    let words: Vec<_> = line.split(' ').collect();
    match words[..] {
        ["put", ..] => "INSERTED 7\r\n".into(),
        ["use", tube] => format!("USING {tube}\r\n"),
        ["watch", _] => "WATCHING 2\r\n".into(),
        ["ignore", _] => "WATCHING 1\r\n".into(),
        ["reserve"] | ["reserve-with-timeout", _] => "RESERVED 7 5\r\nhello\r\n".into(),
        ["reserve-job", id] => format!("RESERVED {id} 5\r\nhello\r\n"),
        ["delete", _] => "DELETED\r\n".into(),
        ["release", ..] => "RELEASED\r\n".into(),
        ["bury", ..] => "BURIED\r\n".into(),
        ["touch", _] => "TOUCHED\r\n".into(),
        ["peek", id] => format!("FOUND {id} 5\r\nhello\r\n"),
        ["peek-ready" | "peek-delayed" | "peek-buried"] => "FOUND 7 5\r\nhello\r\n".into(),
        ["kick", _] => "KICKED 3\r\n".into(),
        ["kick-job", _] => "KICKED\r\n".into(),
        ["stats"] => stats_reply(65_535, false),
        ["stats-job", id] => {
            ok(&format!("id: {id}\ntube: default\nstate: reserved\npri: 8\nttr: 60\ntime-left: 59"))
        }
        ["stats-tube", tube] => ok(&format!("name: {tube}")),
        ["list-tubes" | "list-tubes-watched"] => ok("- default\n- mail"),
        ["list-tube-used"] => "USING default\r\n".into(),
        ["pause-tube", ..] => "PAUSED\r\n".into(),
        _ => panic!("not a command: {line:?}"),
    }
}

fn ok(yaml: &str) -> String {
    let yaml = format!("---\n{yaml}\n");
    format!("OK {}\r\n{yaml}\r\n", yaml.len())
}

pub(crate) fn verb(line: &str) -> &str {
    line.split(' ').next().unwrap_or_default()
}
