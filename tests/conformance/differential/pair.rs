//! Both servers, and what was sent to both and not answered yet.

use std::time::Instant;

use beanwire_tests::{Beanstalkd, Embedded};

use super::generate::{Command, View};
use super::normal::{Before, normal, normal_list};
use super::wire::{PATIENCE, Reply, Wire};

const WAITING: &str = "current-waiting";

/// What of one command is still to come.
#[derive(Debug, Clone, Copy)]
struct Due {
    is_list: bool,
}

/// What both servers answered.
pub(super) struct Answer {
    pub(super) connection: usize,
    pub(super) reply: Reply,
}

/// One server and its connections.
struct Side {
    wires: Vec<Wire>,
    /// Asks for statistics only.
    control: Wire,
    before: Before,
}

pub(super) struct Pair {
    beanstalkd: Side,
    embedded: Side,
    /// Replies that each connection has still to get.
    due: Vec<Vec<Due>>,
    servers: (Beanstalkd, Embedded),
}

impl Side {
    fn start(addr: std::net::SocketAddr) -> Self {
        let mut control = Wire::connect(addr);
        control.send(b"stats\r\n");
        let stats = control.reply().expect("statistics");
        let before = Before {
            stats: number(&stats, "cmd-stats"),
            connections: number(&stats, "total-connections"),
        };
        Self { wires: Vec::new(), control, before }
    }

    fn stats(&mut self) -> Result<Reply, String> {
        self.look("stats")
    }

    fn look(&mut self, command: &str) -> Result<Reply, String> {
        self.control.send(format!("{command}\r\n").as_bytes());
        self.control.reply()
    }

    /// The statistics when so many connections wait. A reserve that is not answered may not have
    /// been read yet.
    fn stats_with_waiting(&mut self, count: u64) -> Result<Reply, String> {
        let end = Instant::now() + PATIENCE;
        loop {
            let stats = self.stats()?;
            if number(&stats, WAITING) == count || Instant::now() > end {
                return Ok(stats);
            }
            self.before.stats += 1;
        }
    }
}

impl Pair {
    pub(super) fn start(connections: usize) -> Self {
        let servers = (Beanstalkd::start(), Embedded::start());
        let (beanstalkd, embedded) = (Side::start(servers.0.addr()), Side::start(servers.1.addr()));
        let mut pair = Self { beanstalkd, embedded, due: Vec::new(), servers };
        for _ in 0..connections {
            pair.connect(pair.due.len());
        }
        pair
    }

    pub(super) fn view(&self) -> View {
        View { due: self.due.iter().map(Vec::len).collect() }
    }

    /// Sends commands in one write and returns all that is answered, by whichever connection.
    pub(super) fn send(
        &mut self,
        connection: usize,
        commands: &[Command],
    ) -> Result<Vec<Answer>, String> {
        let bytes: Vec<u8> = commands.iter().flat_map(|command| command.bytes.clone()).collect();
        for command in commands {
            let due = Due { is_list: command.bytes.starts_with(b"list-tubes\r") };
            self.due[connection].extend((0..command.replies).map(|_| due));
        }
        self.beanstalkd.wires[connection].send(&bytes);
        self.embedded.wires[connection].send(&bytes);
        self.settle()
    }

    /// Compares the answers to a command that changes nothing.
    pub(super) fn look(&mut self, command: &str) -> Result<(), String> {
        let (expected, found) = (self.beanstalkd.look(command)?, self.embedded.look(command)?);
        self.compare(command, &expected, &found, false)
    }

    /// Ends one connection on both servers, compares what still comes, and opens another one.
    pub(super) fn leave(&mut self, connection: usize, quits: bool) -> Result<Vec<Answer>, String> {
        let mut rests = Vec::new();
        for side in [&mut self.beanstalkd, &mut self.embedded] {
            let wire = &mut side.wires[connection];
            if quits {
                wire.send(b"quit\r\n");
            } else {
                wire.half_close();
            }
            rests.push(wire.rest()?);
        }
        let due = std::mem::take(&mut self.due[connection]);
        let (expected, found) = (&rests[0], &rests[1]);
        if expected.len() != found.len() {
            return Err(format!("connection {connection}: {}", different(expected, found)));
        }
        for (at, (expected, found)) in expected.iter().zip(found).enumerate() {
            let is_list = due.get(at).is_some_and(|due| due.is_list);
            self.compare(&format!("connection {connection}"), expected, found, is_list)?;
        }
        let answer = |reply: &Reply| Answer { connection, reply: reply.clone() };
        let mut replies: Vec<_> = expected.iter().map(answer).collect();
        replies.extend(self.settle()?);
        self.connect(connection);
        Ok(replies)
    }

    fn connect(&mut self, connection: usize) {
        let addrs = (self.servers.0.addr(), self.servers.1.addr());
        for (side, addr) in [(&mut self.beanstalkd, addrs.0), (&mut self.embedded, addrs.1)] {
            let mut wire = Wire::connect(addr);
            // An answer means that the server has accepted it.
            wire.send(b"list-tube-used\r\n");
            wire.reply().expect("a tube");
            match side.wires.get_mut(connection) {
                Some(before) => *before = wire,
                None => side.wires.push(wire),
            }
        }
        self.due.resize_with(self.due.len().max(connection + 1), Vec::new);
    }

    /// Waits until everything is answered or waits for a job, and compares it all.
    fn settle(&mut self) -> Result<Vec<Answer>, String> {
        let answered = self.settle_beanstalkd()?;
        let mut replies = Vec::new();
        for (connection, expected) in answered.into_iter().enumerate() {
            let due: Vec<_> = self.due[connection].drain(..expected.len()).collect();
            for (expected, due) in expected.iter().zip(due) {
                let found = self.embedded.wires[connection].reply().map_err(|error| {
                    format!("connection {connection}\n  beanstalkd: {expected}\n  here: {error}")
                })?;
                self.compare(&format!("connection {connection}"), expected, &found, due.is_list)?;
                replies.push(Answer { connection, reply: expected.clone() });
            }
        }
        let expected = self.beanstalkd.stats()?;
        let found = self.embedded.stats_with_waiting(number(&expected, WAITING))?;
        self.compare("stats", &expected, &found, false)?;
        Ok(replies)
    }

    fn settle_beanstalkd(&mut self) -> Result<Vec<Vec<Reply>>, String> {
        let side = &mut self.beanstalkd;
        let mut answered: Vec<Vec<Reply>> = vec![Vec::new(); side.wires.len()];
        let end = Instant::now() + PATIENCE;
        loop {
            if Instant::now() > end {
                return Err("beanstalkd neither answers nor waits".into());
            }
            let mut open = 0;
            for (connection, wire) in side.wires.iter_mut().enumerate() {
                let due = self.due[connection].len();
                while answered[connection].len() < due {
                    let Some(reply) = wire.reply_if_here() else { break };
                    answered[connection].push(reply);
                }
                open += u64::from(answered[connection].len() < due);
            }
            if open == 0 {
                return Ok(answered);
            }
            // If all that is open waits, no other reply comes. One that came before the answer
            // to this question is here by now: it is written first.
            let stats = side.stats()?;
            side.before.stats += 1;
            let waits = number(&stats, WAITING) == open;
            let none_is_here = side.wires.iter_mut().enumerate().all(|(connection, wire)| {
                let due = self.due[connection].len();
                answered[connection].len() == due
                    || wire.reply_if_here().map(|reply| answered[connection].push(reply)).is_none()
            });
            if waits && none_is_here {
                return Ok(answered);
            }
        }
    }

    fn compare(
        &self,
        what: &str,
        expected: &Reply,
        found: &Reply,
        is_list: bool,
    ) -> Result<(), String> {
        let (left, right) = match is_list {
            true => (normal_list(expected), normal_list(found)),
            false => {
                (normal(expected, self.beanstalkd.before), normal(found, self.embedded.before))
            }
        };
        if left == right {
            return Ok(());
        }
        Err(format!("{what}: {}", lines_that_differ(&left, &right)))
    }
}

fn number(stats: &Reply, key: &str) -> u64 {
    let mut pairs = stats.0.lines().filter_map(|line| line.split_once(": "));
    let value = pairs.find(|(known, _)| *known == key).map(|(_, value)| value);
    value.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("no {key} in {stats}"))
}

fn different(expected: &[Reply], found: &[Reply]) -> String {
    let text = |replies: &[Reply]| {
        replies.iter().map(|reply| format!("\n    {reply}")).collect::<String>()
    };
    format!("\n  beanstalkd:{}\n  here:{}", text(expected), text(found))
}

/// Of statistics, only the lines that differ.
fn lines_that_differ(expected: &str, found: &str) -> String {
    let only = |text: &str, other: &str| {
        let lines = text.lines().filter(|line| !other.lines().any(|known| known == *line));
        lines.map(|line| format!("\n    {line:?}")).collect::<String>()
    };
    format!("\n  beanstalkd:{}\n  here:{}", only(expected, found), only(found, expected))
}
