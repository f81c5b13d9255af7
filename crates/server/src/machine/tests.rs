//! What depends on time, memory and bounds. What every command answers is checked beside the real
//! server, in the conformance tests.

use std::time::Duration;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

/// The shortest span.
const INSTANT: Duration = Duration::from_nanos(1);

/// A machine and a clock that stands until it is moved.
struct Rig {
    machine: Machine,
    now: Duration,
}

impl Rig {
    fn new() -> Self {
        Self::with(Settings::default())
    }

    fn with(settings: Settings) -> Self {
        let machine = Machine::new(Instant::from_origin(Duration::ZERO), settings);
        Self { machine, now: Duration::ZERO }
    }

    fn instant(&self) -> Instant {
        Instant::from_origin(self.now)
    }

    fn connect(&mut self) -> ClientId {
        self.machine.connect(self.instant())
    }

    fn send(&mut self, client: ClientId, bytes: impl AsRef<[u8]>) {
        self.machine.receive(self.instant(), client, bytes.as_ref());
    }

    /// What a client gets.
    fn take(&mut self, client: ClientId) -> String {
        let mut out = Vec::new();
        self.machine.take(self.instant(), client, &mut out);
        String::from_utf8(out.concat()).unwrap()
    }

    /// Sends bytes and returns what the client gets by then.
    fn ask(&mut self, client: ClientId, bytes: impl AsRef<[u8]>) -> String {
        self.send(client, bytes);
        self.take(client)
    }

    fn put(&mut self, client: ClientId, numbers: &str) {
        let reply = self.ask(client, format!("put {numbers} 1\r\nx\r\n"));
        assert!(reply.starts_with("INSERTED "), "{reply:?}");
    }

    fn tick_at(&mut self, now: Duration) {
        self.now = now;
        self.machine.tick(self.instant());
    }

    fn next_tick(&self) -> Option<Duration> {
        self.machine.next_tick().map(Instant::since_origin)
    }

    fn outputs(&mut self) -> Vec<Output> {
        std::iter::from_fn(|| self.machine.poll_output()).collect()
    }
}

#[test]
fn a_reservation_ends_at_its_time_and_not_before() {
    let mut rig = Rig::new();
    let (holder, other) = (rig.connect(), rig.connect());
    rig.put(holder, "0 0 10");
    rig.tick_at(SECOND);
    rig.ask(holder, "reserve\r\n");
    assert_eq!(rig.next_tick(), Some(11 * SECOND));
    rig.tick_at(11 * SECOND - INSTANT);
    assert_eq!(rig.ask(other, "reserve-with-timeout 0\r\n"), "TIMED_OUT\r\n");
    rig.tick_at(11 * SECOND);
    assert_eq!(rig.ask(other, "reserve-with-timeout 0\r\n"), "RESERVED 1 1\r\nx\r\n");
}

#[test]
fn a_touch_moves_the_end_of_a_reservation() {
    let mut rig = Rig::new();
    let client = rig.connect();
    rig.put(client, "0 0 10");
    rig.ask(client, "reserve\r\n");
    rig.tick_at(9 * SECOND);
    assert_eq!(rig.ask(client, "touch 1\r\n"), "TOUCHED\r\n");
    assert_eq!(rig.next_tick(), Some(19 * SECOND));
}

#[test]
fn jobs_expire_in_the_order_of_their_ends() {
    let mut rig = Rig::new();
    let (holder, first, second) = (rig.connect(), rig.connect(), rig.connect());
    rig.put(holder, "0 0 15");
    rig.put(holder, "0 0 10");
    rig.ask(holder, "reserve\r\nreserve\r\n");
    // The one reserve that did not wait has moved the turn.
    rig.send(second, "reserve\r\n");
    rig.send(first, "reserve\r\n");
    rig.tick_at(19 * SECOND);
    assert_eq!(rig.take(first), "RESERVED 2 1\r\nx\r\n");
    assert_eq!(rig.take(second), "RESERVED 1 1\r\nx\r\n");
}

#[test]
fn jobs_mature_in_the_order_of_their_due_times() {
    let mut rig = Rig::new();
    let (producer, waiting) = (rig.connect(), rig.connect());
    for delay in [30, 10, 20] {
        rig.put(producer, &format!("0 {delay} 1000"));
    }
    assert_eq!(rig.next_tick(), Some(10 * SECOND));
    rig.send(waiting, "reserve\r\nreserve\r\nreserve\r\n");
    rig.tick_at(60 * SECOND);
    let expected = "RESERVED 2 1\r\nx\r\nRESERVED 3 1\r\nx\r\nRESERVED 1 1\r\nx\r\n";
    assert_eq!(rig.take(waiting), expected);
}

#[test]
fn one_late_tick_does_all_that_was_due_at_its_own_time() {
    let mut rig = Rig::new();
    let (producer, waiting) = (rig.connect(), rig.connect());
    rig.put(producer, "0 10 5");
    rig.send(waiting, "reserve\r\n");
    rig.tick_at(100 * SECOND);
    assert_eq!(rig.take(waiting), "RESERVED 1 1\r\nx\r\n");
    // Given out at 10 s, it came back at 15 s.
    let report = rig.ask(producer, "stats-job 1\r\n");
    for line in ["state: ready", "age: 100", "reserves: 1", "timeouts: 1"] {
        assert!(report.lines().any(|known| known == line), "no {line} in {report}");
    }
}

#[test]
fn a_wait_ends_at_its_timeout() {
    let mut rig = Rig::new();
    let client = rig.connect();
    assert_eq!(rig.ask(client, "reserve-with-timeout 7\r\nuse a\r\n"), "");
    assert_eq!(rig.next_tick(), Some(7 * SECOND));
    rig.tick_at(7 * SECOND - INSTANT);
    assert_eq!(rig.take(client), "");
    rig.tick_at(7 * SECOND);
    assert_eq!(rig.take(client), "TIMED_OUT\r\nUSING a\r\n");
    assert_eq!(rig.next_tick(), None);
}

#[test]
fn a_wait_ends_with_a_warning_a_second_before_a_held_job_does() {
    let mut rig = Rig::new();
    let client = rig.connect();
    rig.put(client, "0 0 10");
    rig.ask(client, "reserve\r\n");
    assert_eq!(rig.ask(client, "reserve-with-timeout 60\r\n"), "");
    assert_eq!(rig.next_tick(), Some(9 * SECOND));
    rig.tick_at(9 * SECOND - INSTANT);
    assert_eq!(rig.take(client), "");
    rig.tick_at(9 * SECOND);
    assert_eq!(rig.take(client), "DEADLINE_SOON\r\n");
    assert_eq!(rig.next_tick(), Some(10 * SECOND));
}

#[test]
fn a_reserve_is_warned_from_one_second_before_the_end_on() {
    let mut rig = Rig::new();
    let client = rig.connect();
    rig.put(client, "0 0 10");
    rig.ask(client, "reserve\r\n");
    rig.tick_at(9 * SECOND - INSTANT);
    assert_eq!(rig.ask(client, "reserve-with-timeout 0\r\n"), "TIMED_OUT\r\n");
    rig.tick_at(9 * SECOND);
    assert_eq!(rig.ask(client, "reserve-with-timeout 0\r\n"), "DEADLINE_SOON\r\n");
    rig.tick_at(10 * SECOND);
    assert_eq!(rig.ask(client, "reserve-with-timeout 0\r\n"), "RESERVED 1 1\r\nx\r\n");
}

#[test]
fn a_timeout_before_the_warning_comes_first() {
    let mut rig = Rig::new();
    let client = rig.connect();
    rig.put(client, "0 0 10");
    rig.ask(client, "reserve\r\nreserve-with-timeout 8\r\n");
    assert_eq!(rig.next_tick(), Some(8 * SECOND));
    rig.tick_at(8 * SECOND);
    assert_eq!(rig.take(client), "TIMED_OUT\r\n");
}

#[test]
fn a_pause_ends_at_its_time() {
    let mut rig = Rig::new();
    let (client, waiting) = (rig.connect(), rig.connect());
    rig.put(client, "0 0 60");
    rig.ask(client, "pause-tube default 5\r\n");
    assert_eq!(rig.ask(waiting, "reserve\r\n"), "");
    assert_eq!(rig.next_tick(), Some(5 * SECOND));
    rig.tick_at(5 * SECOND - INSTANT);
    assert_eq!(rig.take(waiting), "");
    rig.tick_at(5 * SECOND);
    assert_eq!(rig.take(waiting), "RESERVED 1 1\r\nx\r\n");
}

#[test]
fn a_second_pause_takes_the_place_of_the_first() {
    let mut rig = Rig::new();
    let client = rig.connect();
    rig.ask(client, "pause-tube default 5\r\npause-tube default 50\r\n");
    assert_eq!(rig.next_tick(), Some(50 * SECOND));
    rig.ask(client, "pause-tube default 0\r\n");
    assert_eq!(rig.next_tick(), None);
}

#[test]
fn every_call_does_first_what_is_due_by_then() {
    let mut rig = Rig::new();
    let client = rig.connect();
    rig.put(client, "0 10 60");
    rig.now = 10 * SECOND;
    assert_eq!(rig.ask(client, "reserve-with-timeout 0\r\n"), "RESERVED 1 1\r\nx\r\n");
}

#[test]
fn an_earlier_time_counts_as_the_latest() {
    let mut rig = Rig::new();
    let client = rig.connect();
    rig.tick_at(10 * SECOND);
    rig.now = SECOND;
    rig.put(client, "0 5 60");
    assert_eq!(rig.next_tick(), Some(15 * SECOND));
}

#[test]
fn a_client_that_is_gone_leaves_no_alarm() {
    let mut rig = Rig::new();
    let client = rig.connect();
    rig.put(client, "0 0 60");
    rig.ask(client, "reserve\r\nwatch a\r\npause-tube a 100\r\nreserve-with-timeout 5\r\n");
    assert_eq!(rig.next_tick(), Some(5 * SECOND));
    rig.machine.disconnect(rig.instant(), client);
    assert_eq!(rig.next_tick(), None, "neither of the wait nor of the job nor of the tube");
    let other = rig.connect();
    assert_eq!(rig.ask(other, "reserve\r\n"), "RESERVED 1 1\r\nx\r\n");
}

#[test]
fn a_deleted_job_leaves_no_alarm() {
    let mut rig = Rig::new();
    let client = rig.connect();
    rig.put(client, "0 100 60");
    rig.put(client, "0 0 60");
    rig.ask(client, "reserve\r\n");
    rig.ask(client, "delete 1\r\ndelete 2\r\n");
    assert_eq!(rig.next_tick(), None);
}

#[test]
fn without_memory_for_jobs_a_put_is_refused_and_its_body_swallowed() {
    let mut rig = Rig::new();
    let client = rig.connect();
    rig.machine.set_shortage(Shortage::Jobs);
    let replies = rig.ask(client, "put 0 0 60 8\r\ndelete 1\r\nuse a\r\n");
    assert_eq!(replies, "OUT_OF_MEMORY\r\nUSING a\r\n");
    rig.machine.set_shortage(Shortage::None);
    rig.put(client, "0 0 60");
}

#[test]
fn without_memory_for_queues_jobs_are_buried() {
    let mut rig = Rig::new();
    let client = rig.connect();
    rig.put(client, "0 0 60");
    rig.ask(client, "reserve\r\n");
    rig.machine.set_shortage(Shortage::Queues);
    let replies = rig.ask(client, "put 0 0 60 1\r\nx\r\nrelease 1 5 0\r\npeek-buried\r\n");
    assert_eq!(replies, "BURIED 2\r\nBURIED\r\nFOUND 2 1\r\nx\r\n");
    rig.machine.set_shortage(Shortage::None);
    assert_eq!(rig.ask(client, "kick 10\r\n"), "KICKED 2\r\n");
}

#[test]
fn a_client_that_does_not_read_is_not_worked_for() {
    const COUNT: usize = 100;
    let mut rig = Rig::new();
    let client = rig.connect();
    let body = "b".repeat(60_000);
    rig.ask(client, format!("put 0 0 60 60000\r\n{body}\r\n"));
    rig.send(client, "peek 1\r\n".repeat(COUNT));
    rig.send(client, "use a\r\n");
    assert!(!rig.machine.wants_input(client));
    // Each take makes room, which is filled again.
    let mut total = String::new();
    let mut takes = 0;
    loop {
        let taken = rig.take(client);
        if taken.is_empty() {
            break;
        }
        assert!(taken.len() < 400_000, "{} bytes at once", taken.len());
        total.push_str(&taken);
        takes += 1;
    }
    assert!(takes > 10, "{takes} takes");
    assert_eq!(total.matches("FOUND 1 60000\r\n").count(), COUNT);
    assert!(total.ends_with("USING a\r\n") && rig.machine.wants_input(client));
}

#[test]
fn a_client_that_waits_is_read_up_to_a_bound() {
    let mut rig = Rig::new();
    let (waiting, other) = (rig.connect(), rig.connect());
    rig.send(waiting, "reserve\r\n");
    assert!(rig.machine.wants_input(waiting), "the end of its input would be seen");
    rig.send(waiting, "use a\r\n".repeat(10_000));
    assert!(!rig.machine.wants_input(waiting));
    rig.put(other, "0 0 60");
    let replies = rig.take(waiting);
    assert_eq!(replies.matches("USING a\r\n").count(), 10_000);
    assert!(rig.machine.wants_input(waiting));
}

#[test]
fn a_limit_of_zero_allows_an_empty_body() {
    let mut rig = Rig::with(Settings { max_job_size: 0, ..Settings::default() });
    let client = rig.connect();
    let replies = rig.ask(client, "put 0 0 60 1\r\nx\r\nput 0 0 60 0\r\n\r\n");
    assert_eq!(replies, "JOB_TOO_BIG\r\nINSERTED 1\r\n");
}

#[test]
fn no_limit_exceeds_1_gib() {
    let mut rig = Rig::with(Settings { max_job_size: usize::MAX, ..Settings::default() });
    let client = rig.connect();
    let report = rig.ask(client, "stats\r\n");
    assert!(report.contains("max-job-size: 1073741824\n"), "{report}");
}

#[test]
fn the_driver_is_told_once_of_replies_and_last_of_the_end() {
    let mut rig = Rig::new();
    let (client, other) = (rig.connect(), rig.connect());
    assert_eq!(rig.outputs(), []);
    rig.send(client, "use a\r\nuse b\r\nquit\r\nuse c\r\n");
    assert_eq!(rig.outputs(), [Output::Transmit(client), Output::Close(client)]);
    assert_eq!(rig.take(client), "USING a\r\nUSING b\r\n");
    rig.send(other, "reserve\r\n");
    assert_eq!(rig.outputs(), []);
    rig.machine.end_input(rig.instant(), other);
    assert_eq!(rig.outputs(), [Output::Transmit(other), Output::Close(other)]);
    assert_eq!(rig.take(other), "TIMED_OUT\r\n");
}

#[test]
fn a_client_that_is_gone_is_ignored() {
    let mut rig = Rig::new();
    let client = rig.connect();
    rig.machine.disconnect(rig.instant(), client);
    rig.machine.disconnect(rig.instant(), client);
    rig.machine.end_input(rig.instant(), client);
    assert_eq!(rig.ask(client, "use a\r\n"), "");
    assert!(!rig.machine.wants_input(client));
    assert_eq!(rig.outputs(), []);
}

#[test]
fn the_same_inputs_give_the_same_outputs() {
    let run = || {
        let mut rig = Rig::new();
        let clients: Vec<_> = (0..4).map(|_| rig.connect()).collect();
        let mut log = String::new();
        for step in 0..200_u32 {
            let client = clients[step as usize % 3];
            let line = match step % 7 {
                0..3 => format!("put {} {} {} 1\r\nx\r\n", step % 5, step % 3, 1 + step % 4),
                3 => "reserve-with-timeout 0\r\n".into(),
                4 => format!("bury {} 1\r\n", step / 3),
                5 => "kick 1\r\nstats\r\n".into(),
                _ => format!("use t{step}\r\nlist-tubes\r\nuse default\r\n"),
            };
            log.push_str(&rig.ask(client, line));
            rig.send(clients[3], "reserve\r\n");
            rig.tick_at(rig.now + SECOND / 3);
            log.push_str(&rig.take(clients[3]));
            log.push_str(&format!("{:?} {:?}\n", rig.outputs(), rig.next_tick()));
        }
        log
    };
    let (first, second) = (run(), run());
    assert!(first.contains("RESERVED") && first.contains("DEADLINE_SOON"), "{first}");
    assert_eq!(first, second);
}
