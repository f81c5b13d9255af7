//! Random commands that are likely to meet each other.

use std::fmt;

use crate::target::shorten;

pub(super) const CONNECTIONS: usize = 4;

const TUBES: [&str; 5] = ["default", "a", "b", "c", "a-name_that.is/longer+than;the$(others)"];
const PRIORITIES: [u32; 7] = [0, 1, 1023, 1024, 1024, 5_000, u32::MAX];
const SPANS: [u32; 3] = [100_000, 200_000, u32::MAX];

/// Most commands that are sent behind a reserve that waits.
const MOST_BEHIND: usize = 4;

/// Most bytes of one of them.
const MOST_BYTES_BEHIND: usize = 6_000;

#[derive(Debug, Clone)]
pub(super) struct Command {
    pub(super) bytes: Vec<u8>,
    /// How many lines of it are answered.
    pub(super) replies: usize,
}

/// What is done next, on one connection.
#[derive(Debug)]
pub(super) enum Step {
    /// One write.
    Send { connection: usize, commands: Vec<Command> },
    /// The end of the connection; another one takes its place.
    Leave { connection: usize, quits: bool },
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Send { connection, commands } => {
                write!(f, "{connection} sends")?;
                for command in commands {
                    write!(f, " {}", shorten(&String::from_utf8_lossy(&command.bytes)))?;
                }
                Ok(())
            }
            Self::Leave { connection, quits: true } => write!(f, "{connection} quits"),
            Self::Leave { connection, quits: false } => write!(f, "{connection} half-closes"),
        }
    }
}

/// What the generator has to know of the connections.
#[derive(Debug)]
pub(super) struct View {
    /// Replies that are still to come: there are some only where a reserve waits.
    pub(super) due: Vec<usize>,
}

/// Numbers that the seed decides (SplitMix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit as u64).unwrap()
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }
}

pub(super) struct Generator {
    random: Random,
    last_id: usize,
    /// What each connection got. It may have lost it again.
    reserved: [Vec<usize>; CONNECTIONS],
    delays: u32,
}

impl Generator {
    pub(super) fn new(seed: u64) -> Self {
        Self { random: Random(seed), last_id: 0, reserved: Default::default(), delays: 0 }
    }

    /// Takes note of new jobs, and of who got which.
    pub(super) fn learn(&mut self, connection: usize, reply: &str) {
        let mut words = reply.split_whitespace();
        let (word, id) = (words.next(), words.next().and_then(|id| id.parse().ok()));
        match (word, id) {
            (Some("INSERTED"), Some(id)) => self.last_id = self.last_id.max(id),
            (Some("RESERVED"), Some(id)) => self.reserved[connection].push(id),
            _ => {}
        }
    }

    /// Commands that change nothing, for a look at what a step has done.
    pub(super) fn looks(&mut self) -> [String; 2] {
        let (id, tube) = (self.id(), self.random.pick(&TUBES));
        [format!("stats-job {id}"), format!("stats-tube {tube}")]
    }

    pub(super) fn step(&mut self, view: &View) -> Step {
        let connection = self.random.below(view.due.len());
        let waiting = view.due.iter().filter(|due| **due > 0).count();
        let waits = view.due[connection] > 0;
        // What stands behind a wait runs while others may run, so only one may have that, and
        // nobody else sends more than a command.
        let others_behind =
            view.due.iter().enumerate().any(|(at, due)| at != connection && *due > 1);
        let is_last = waiting + 1 >= view.due.len();
        match self.random.below(100) {
            0 | 1 => return self.leave(connection, !waits),
            2 | 3 => return self.leave(connection, false),
            _ => {}
        }
        if waits && (others_behind || view.due[connection] > MOST_BEHIND) {
            return self.leave(connection, false);
        }
        if waits && !self.random.one_in(4) {
            // Somebody has to put the job that it waits for.
            let free = view.due.iter().position(|due| *due == 0).expect("one that does not wait");
            return Step::Send { connection: free, commands: vec![self.put()] };
        }
        let may_wait = !waits && !is_last && self.random.one_in(12);
        let count = match !waits && !others_behind && !may_wait && self.random.one_in(6) {
            true => 2 + self.random.below(5),
            false => 1,
        };
        let commands = match may_wait {
            true => vec![line(self.random.pick(&["reserve", "reserve-with-timeout 1000000"]))],
            false => (0..count).map(|_| self.command(connection)).collect(),
        };
        // The embedded server does not read on without a limit while a client waits.
        let is_large = commands.iter().any(|command| command.bytes.len() > MOST_BYTES_BEHIND);
        let commands = if waits && is_large { vec![line("list-tube-used")] } else { commands };
        Step::Send { connection, commands }
    }

    fn leave(&mut self, connection: usize, quits: bool) -> Step {
        self.reserved[connection].clear();
        Step::Leave { connection, quits }
    }

    fn command(&mut self, connection: usize) -> Command {
        let (id, held) = (self.id(), self.held_id(connection));
        let tube = self.random.pick(&TUBES);
        let (priority, delay) = (self.random.pick(&PRIORITIES), self.delay());
        match self.random.below(100) {
            0..20 => self.put(),
            20..23 => self.wrong_put(),
            23..38 => line("reserve-with-timeout 0"),
            38..42 => line(format!("reserve-job {id}")),
            42..45 => line(format!("delete {id}")),
            45..48 => line(format!("delete {held}")),
            48..53 => line(format!("release {held} {priority} {delay}")),
            53..58 => line(format!("bury {held} {priority}")),
            58..60 => line(format!("touch {held}")),
            60..62 => line(format!("peek {id}")),
            62..65 => line(self.random.pick(&["peek-ready", "peek-delayed", "peek-buried"])),
            65..68 => line(format!("kick {}", self.random.pick(&[0, 1, 2, 3, 1_000]))),
            68..71 => line(format!("kick-job {id}")),
            71..75 => line(format!("use {tube}")),
            75..79 => line(format!("watch {tube}")),
            79..83 => line(format!("ignore {tube}")),
            83..86 => line(format!("stats-job {id}")),
            86..89 => line(format!("stats-tube {tube}")),
            // The server's own statistics are compared after every step.
            89..91 => line(self.random.pick(&["list-tubes", "list-tube-used"])),
            91..93 => line("list-tubes-watched"),
            93..96 => line(format!("pause-tube {tube} {}", self.random.pick(&[0, 0, 1_000_000]))),
            _ => self.wrong_line(),
        }
    }

    /// Mostly of a job that there is or was lately.
    fn id(&mut self) -> usize {
        let newest = self.last_id + 2;
        match self.random.one_in(10) {
            true => self.random.below(newest + 1),
            false => newest - self.random.below(newest.min(25)),
        }
    }

    /// Mostly of a job that the connection holds.
    fn held_id(&mut self, connection: usize) -> usize {
        match self.reserved[connection].len() {
            0 => self.id(),
            _ if self.random.one_in(5) => self.id(),
            count => {
                let at = self.random.below(count);
                self.reserved[connection].swap_remove(at)
            }
        }
    }

    /// No two are alike: equal ones within one write are among the differences.
    fn delay(&mut self) -> u32 {
        if !self.random.one_in(4) {
            return 0;
        }
        self.delays += 1;
        match self.random.below(3) {
            0 => 100_000 + self.delays,
            1 => 200_000 + self.delays,
            _ => u32::MAX - self.delays,
        }
    }

    fn put(&mut self) -> Command {
        let size = match self.random.below(40) {
            0 => 65_535,
            1 => 300,
            2 => 5_000,
            3 => 0,
            _ => self.random.below(12),
        };
        let body = self.body(size);
        let (priority, delay) = (self.random.pick(&PRIORITIES), self.delay());
        let ttr = self.random.pick(&SPANS);
        put(format!("{priority} {delay} {ttr} {size}"), &body, 1)
    }

    fn body(&mut self, size: usize) -> Vec<u8> {
        (0..size).map(|_| self.random.pick(b"abc\r\n\0 \xff")).collect()
    }

    /// Puts that are refused. What is left of them does nothing.
    fn wrong_put(&mut self) -> Command {
        match self.random.below(9) {
            // Too long: the end of the line is a line of its own.
            0 => put("0 0 100000 2", b"abcd", 2),
            1 => put("0 0 100000 0", b"a\r\nnosuch", 2),
            // Too short: a part of the next line is lost.
            2 => put("0 0 100000 4", b"a\r\nnosuch", 2),
            3 => put("0 0 100000 65536", &self.body(65_536), 1),
            4 => put("0 0 100000 70000 ", &self.body(70_000), 1),
            5 => put("0 0 100000 1 ", b"stats-tube nosuch", 2),
            6 => put("-1 0 100000 6", b"nosuch", 2),
            7 => put("0 0 100000 4294967296", b"list-tube-used", 2),
            _ => put("0 4294967296 1", b"peek 0", 2),
        }
    }

    fn wrong_line(&mut self) -> Command {
        let long = 224 + self.random.below(900);
        match self.random.below(10) {
            0 => line(""),
            1 => line("x".repeat(222)),
            // One byte more than a multiple of 224 is among the differences.
            2 if !(long + 1).is_multiple_of(224) => line("y".repeat(long)),
            3 => line("use bad name"),
            4 => line("watch -a"),
            5 => line(format!("delete {}x", self.id())),
            6 => line("peek 18446744073709551616"),
            7 => line("stats-tube \0"),
            8 => line(format!("use {}", "a".repeat(201))),
            _ => line(self.random.pick(&["reserve 1", "peek-ready ", "nosuch", "Use a", "kick"])),
        }
    }
}

fn line(text: impl Into<String>) -> Command {
    let bytes = format!("{}\r\n", text.into()).into_bytes();
    Command { bytes, replies: 1 }
}

fn put(numbers: impl fmt::Display, body: &[u8], replies: usize) -> Command {
    let mut bytes = format!("put {numbers}\r\n").into_bytes();
    bytes.extend_from_slice(body);
    bytes.extend_from_slice(b"\r\n");
    Command { bytes, replies }
}
