//! Measuring: rounds, and in them every case in its turn.

use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::Duration;

use beanwire_tests::{Beanstalkd, RawClient};

use crate::clients::{CLIENTS, Client, Program};
use crate::points::{Point, points};
use crate::program::{Line, PATIENCE, Running};
use crate::results::{BUSY, Case, Quantity, Results, Sample, Work};

/// How a program is started: itself, and words that come before its flags.
pub(crate) type Start = (PathBuf, Vec<PathBuf>);

/// What is measured, and how thoroughly.
#[derive(Debug)]
pub(crate) struct Plan {
    pub rounds: usize,
    /// What the usual numbers of jobs are divided by.
    pub divisor: usize,
    /// The clients, all if there are none here.
    pub only: Vec<String>,
    /// The works, all if there are none here.
    pub works: Vec<Work>,
    /// For how many seconds the reserves of idle consumers are counted.
    pub idle: u64,
    /// How programs are started. Clients of others are left out.
    pub programs: Vec<(Program, Start)>,
}

/// Jobs for the latency of most clients, and of those that need a second for each.
const LATENCIES: usize = 300;
const POLLED: usize = 10;

/// Jobs before those that are measured, where that many do not take long.
const WARM_UP: usize = 5_000;
const LARGE: usize = 16_000;

/// When the reserves of an idle consumer begin to be counted: all have opened their connections long
/// since. It stays idle for a second longer than they are counted.
const SETTLED: Duration = Duration::from_millis(1_500);

/// Jobs that are put or deleted at once by hand.
const CHUNK: usize = 500;

impl Plan {
    fn does(&self, work: Work) -> bool {
        self.works.is_empty() || self.works.contains(&work)
    }

    fn start(&self, program: Program) -> Option<&Start> {
        self.programs.iter().find(|(name, _)| *name == program).map(|(_, start)| start)
    }

    /// The clients that are measured. Another one begins in each round: what changes on the machine
    /// meanwhile is shared by all.
    pub(crate) fn clients(&self, round: usize) -> Vec<&'static Client> {
        let all = CLIENTS.iter().filter(|client| {
            let named = self.only.is_empty() || self.only.iter().any(|name| name == client.name);
            named && self.start(client.program).is_some()
        });
        let mut clients: Vec<_> = all.collect();
        let begin = round % clients.len().max(1);
        clients.rotate_left(begin);
        clients
    }

    /// The jobs that are measured in a case, and those before them.
    fn jobs(&self, case: &Case, client: &Client) -> (usize, usize) {
        let all = match case.work {
            Work::Put | Work::Consume => case.settings.jobs(),
            Work::Latency if client.polls => return ((POLLED / self.divisor).max(1), 1),
            Work::Latency | Work::Instantiate => LATENCIES,
            Work::Idle => return (0, 0),
            Work::Startup => return (1, 0),
        };
        let jobs = (all / self.divisor).max(10);
        // Compilers that work while a program runs need some thousand jobs, however many follow.
        let throughput = matches!(case.work, Work::Put | Work::Consume);
        let warm_up = match throughput && case.settings.size < LARGE {
            true => jobs.min(WARM_UP / self.divisor),
            false => jobs / 10,
        };
        (jobs, warm_up)
    }
}

/// Measures all that is planned.
pub(crate) fn run(plan: &Plan) -> Results {
    let mut bench =
        Bench { plan, server: Beanstalkd::start(), results: Results::default(), tubes: 0 };
    for round in 0..plan.rounds {
        for point in points() {
            for client in plan.clients(round) {
                bench.throughput(round, client, point);
            }
        }
        for busy in BUSY {
            // One round is enough for those that take a second a job.
            for client in plan.clients(round).into_iter().filter(|c| round == 0 || !c.polls) {
                bench.consumer(round, client, Work::Latency, busy);
            }
        }
        for client in plan.clients(round) {
            bench.consumer(round, client, Work::Startup, 0);
            bench.consumer(round, client, Work::Instantiate, 0);
            // Nothing else on the machine changes what an idle consumer does.
            if round == 0 {
                bench.consumer(round, client, Work::Idle, 0);
            }
        }
    }
    bench.results
}

struct Bench<'a> {
    plan: &'a Plan,
    server: Beanstalkd,
    results: Results,
    tubes: usize,
}

impl Bench<'_> {
    /// Puts, and consuming the same jobs.
    fn throughput(&mut self, round: usize, client: &Client, point: Point) {
        let put = Case::at(client, Work::Put, point);
        let put = put.filter(|put| self.due(put, round));
        let consume = Case::at(client, Work::Consume, point).filter(|_| point.consumes());
        let consume = consume.filter(|consume| self.due(consume, round));
        if put.is_none() && consume.is_none() {
            return;
        }
        let tube = self.tube();
        if let Some(case) = put {
            self.measure(round, case, client, &tube);
        }
        if let Some(case) = consume {
            let (jobs, warm_up) = self.plan.jobs(&case, client);
            let filled = put.is_some_and(|put| {
                self.plan.jobs(&put, client) == (jobs, warm_up) && self.results.has(&put, round)
            });
            let mut raw = self.server.raw();
            if !filled {
                drain(&mut raw, &tube);
                fill(&mut raw, &tube, case.settings.size, jobs + warm_up);
            }
            self.measure(round, case, client, &tube);
        }
        drain(&mut self.server.raw(), &tube);
    }

    fn consumer(&mut self, round: usize, client: &Client, work: Work, busy: usize) {
        let case = Case::consumer(client, work, busy).filter(|case| self.due(case, round));
        if let Some(case) = case {
            let tube = self.tube();
            if work == Work::Startup {
                fill(&mut self.server.raw(), &tube, case.settings.size, 1);
            }
            self.measure(round, case, client, &tube);
        }
    }

    /// Whether it is to be measured now. What failed once fails again, and may take long for it.
    fn due(&self, case: &Case, round: usize) -> bool {
        self.plan.does(case.work) && !self.results.has(case, round) && !self.results.failed(case)
    }

    fn tube(&mut self) -> String {
        self.tubes += 1;
        format!("bench-{}", self.tubes)
    }

    fn measure(&mut self, round: usize, case: Case, client: &Client, tube: &str) {
        let result = self.sample(&case, client, tube);
        let told = match &result {
            Ok(sample) => told(&case, sample),
            Err(error) => format!("FAILED: {error}"),
        };
        eprintln!(
            "round {}/{}  {:<11} {:>9}  {:>5} B  {:<22} {told}",
            round + 1,
            self.plan.rounds,
            case.work.name(),
            case.settings.to_string(),
            case.settings.size,
            case.client,
        );
        if result.is_err() {
            // Whatever it left behind is nobody else's business.
            self.server = Beanstalkd::start();
        }
        self.results.add(case, round, result);
    }

    fn sample(&mut self, case: &Case, client: &Client, tube: &str) -> Result<Sample, String> {
        let start = self.plan.start(client.program).ok_or("there is no program for it")?;
        let (jobs, warm_up) = self.plan.jobs(case, client);
        let mut command = Command::new(&start.0);
        command.args(&start.1).args(["--client", client.name, "--work", case.work.name()]);
        command.args(["--uri", &self.server.addr().to_string(), "--tube", tube]);
        let numbers = [
            ("--size", case.settings.size),
            ("--connections", case.settings.connections),
            ("--in-flight", case.settings.in_flight),
            ("--jobs", jobs),
            ("--warm-up", warm_up),
            ("--busy", case.busy),
        ];
        for (flag, number) in numbers {
            command.arg(flag).arg(number.to_string());
        }
        command.arg("--seconds").arg((self.plan.idle + 1).to_string());
        let mut raw = self.server.raw();
        let running = Running::start(&mut command)?;
        let reserves = match case.work {
            Work::Idle => reserves_within(self.plan.idle, &mut raw),
            _ => 0,
        };
        let (line, ready) = running.finish(PATIENCE)?;
        let line = Line::parse(&line, if case.work == Work::Startup { 1 } else { jobs })?;
        if [Work::Latency, Work::Instantiate].contains(&case.work) && line.latencies.len() != jobs {
            return Err(format!("{} latencies of {jobs} jobs", line.latencies.len()));
        }
        let left = if case.work == Work::Put { jobs + warm_up } else { 0 };
        check(&mut raw, tube, left)?;
        Ok(Sample { line, ready: ready.as_secs_f64(), reserves })
    }
}

/// What is shown of a sample while all runs.
fn told(case: &Case, sample: &Sample) -> String {
    let of = |quantity: Quantity| quantity.of(sample).unwrap_or_default();
    match case.work {
        Work::Put | Work::Consume => {
            format!("{:>8.0}/s  {:>6.2} µs", of(Quantity::Rate), of(Quantity::Cpu) * 1e6)
        }
        Work::Latency | Work::Instantiate => {
            let [p50, p99] = [50, 99].map(|percent| of(Quantity::Latency(percent)) * 1e6);
            let busy = if case.busy > 0 { format!(", {} busy", case.busy) } else { String::new() };
            format!("p50 {p50:>6.0} µs  p99 {p99:>6.0} µs{busy}")
        }
        Work::Idle => format!("{} reserves, {:.3} %", sample.reserves, of(Quantity::Share) * 1e2),
        Work::Startup => format!("{:>6.1} ms", of(Quantity::Ready) * 1e3),
    }
}

/// Fails unless the tube holds so many jobs, all of them ready.
fn check(raw: &mut RawClient, tube: &str, jobs: usize) -> Result<(), String> {
    let stats = raw.stats_tube(tube);
    for state in ["ready", "reserved", "delayed", "buried"] {
        let found = stats.get(&format!("current-jobs-{state}")).map_or("0", String::as_str);
        let wanted = if state == "ready" { jobs } else { 0 };
        if found.parse() != Ok(wanted) {
            return Err(format!("left {found} jobs {state} in the tube in place of {wanted}"));
        }
    }
    Ok(())
}

/// The reserves that the server gets within so many seconds.
fn reserves_within(seconds: u64, raw: &mut RawClient) -> u64 {
    let mut reserves = || -> u64 {
        let stats = raw.stats();
        let counts = ["cmd-reserve", "cmd-reserve-with-timeout"].map(|key| stats.get(key));
        counts.into_iter().flatten().filter_map(|count| count.parse::<u64>().ok()).sum()
    };
    thread::sleep(SETTLED);
    let before = reserves();
    thread::sleep(Duration::from_secs(seconds));
    reserves() - before
}

/// Puts jobs into the tube.
fn fill(raw: &mut RawClient, tube: &str, size: usize, jobs: usize) {
    raw.command(&format!("use {tube}"));
    let put = format!("put 1024 0 60 {size}\r\n{}\r\n", "x".repeat(size));
    // No more at once than the socket takes: nobody reads the answers meanwhile.
    let chunk = (1_000_000 / put.len()).clamp(1, CHUNK);
    let mut left = jobs;
    while left > 0 {
        let now = left.min(chunk);
        raw.send(put.repeat(now));
        let inserted = (0..now).filter(|_| raw.line().starts_with("INSERTED ")).count();
        assert_eq!(inserted, now, "every job is put");
        left -= now;
    }
}

/// Deletes all jobs of the tube.
fn drain(raw: &mut RawClient, tube: &str) {
    raw.command(&format!("watch {tube}"));
    raw.command("ignore default");
    loop {
        raw.send("reserve-with-timeout 0\r\n".repeat(CHUNK));
        let replies: Vec<_> = (0..CHUNK).map(|_| raw.reply()).collect();
        let deletes: Vec<_> = replies.iter().filter_map(|reply| delete(reply)).collect();
        raw.send(deletes.concat());
        let deleted = deletes.iter().filter(|_| raw.line() == "DELETED").count();
        assert_eq!(deleted, deletes.len(), "every job is deleted");
        if deleted < CHUNK {
            break;
        }
    }
}

fn delete(reply: &str) -> Option<String> {
    let id = reply.strip_prefix("RESERVED ")?.split(' ').next()?;
    Some(format!("delete {id}\r\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::points::BASE;

    fn plan(only: &[&str]) -> Plan {
        Plan {
            rounds: 1,
            divisor: 20,
            only: only.iter().map(|name| (*name).to_owned()).collect(),
            works: vec![Work::Put],
            idle: 1,
            programs: [Program::Rust, Program::Go].map(|p| (p, Start::default())).into(),
        }
    }

    #[test]
    fn another_client_begins_in_each_round() {
        let plan = plan(&["prep", "limit", "beanwire", "jackd"]);
        let names = |round| plan.clients(round).iter().map(|c| c.name).collect::<Vec<_>>();
        assert_eq!(names(0), ["limit", "beanwire", "prep"]);
        assert_eq!(names(2), ["prep", "limit", "beanwire"]);
        assert_eq!(names(3), names(0));
    }

    #[test]
    fn jobs_are_for_the_work() {
        let plan = plan(&[]);
        let jobs = |name: &str, work| {
            let client = crate::clients::client(name).unwrap();
            plan.jobs(&Case::consumer(client, work, 0).unwrap(), client)
        };
        assert_eq!(jobs("beanwire", Work::Latency), (15, 1));
        assert_eq!(jobs("prep", Work::Latency), (1, 1));
        assert_eq!(jobs("beanwire", Work::Idle), (0, 0));
        let limit = crate::clients::client("limit").unwrap();
        let put = Case::at(limit, Work::Put, BASE).unwrap();
        assert_eq!(plan.jobs(&put, limit), (2_500, 250));
        let sequential = Case::at(limit, Work::Put, Point::Sequential).unwrap();
        assert_eq!(plan.jobs(&sequential, limit), (200, 200));
    }

    #[test]
    fn a_tube_is_filled_checked_and_drained() {
        let server = Beanstalkd::start();
        let mut raw = server.raw();
        fill(&mut raw, "t", 60_000, 20);
        fill(&mut raw, "t", 10, CHUNK);
        assert_eq!(check(&mut raw, "t", CHUNK + 20), Ok(()));
        assert_eq!(
            check(&mut raw, "t", 7).unwrap_err(),
            "left 520 jobs ready in the tube in place of 7"
        );
        drain(&mut server.raw(), "t");
        assert_eq!(check(&mut raw, "t", 0), Ok(()));
    }

    /// A program that does everything right but for the jobs that it should have put.
    #[test]
    fn a_put_that_leaves_no_jobs_is_no_put() {
        let line = r#"{"jobs":2500,"seconds":1,"cpu":1,"peak_memory":1}"#;
        let start = ("/bin/sh".into(), vec!["-c".into(), format!("echo '{line}'").into()]);
        let plan = Plan { programs: vec![(Program::Rust, start)], ..plan(&["limit"]) };
        let results = run(&plan);
        let case = Case::of("limit", Work::Put, BASE).unwrap();
        let failures: Vec<_> = results.failures().filter(|(failed, _)| **failed == case).collect();
        assert_eq!(
            failures,
            [(&case, ["left 0 jobs ready in the tube in place of 2750".to_owned()].as_slice())]
        );
    }
}
