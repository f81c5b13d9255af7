//! The report: one file of Markdown, written by this program alone.

use std::fmt::Write as _;
use std::time::Duration;

use crate::clients::{CLIENTS, Client, client};
use crate::points::{BASE, CONNECTIONS, IN_FLIGHTS, Point, SIZES};
use crate::results::{BUSY, Case, HANDLERS, Quantity, Results, Work};
use crate::stats::Spread;
use crate::targets::Target;
use crate::units::{grouped, mebibytes};

/// What the report tells besides the figures.
pub(crate) struct About {
    pub rounds: usize,
    pub took: Duration,
    /// Whether there were fewer jobs than usual.
    pub quick: bool,
    pub idle: u64,
    pub machine: Vec<(&'static str, String)>,
    pub versions: Vec<(&'static str, String)>,
}

const NONE: &str = "–";

/// Writes the report.
pub(crate) fn report(results: &Results, targets: &[Target], about: &About) -> String {
    let mut text = head(about);
    text += &goals(targets);
    for (title, work) in [("Put", Work::Put), ("Consume", Work::Consume)] {
        text += &format!("## {title}\n\n");
        text += &full(results, work, BASE, "Each client with the settings that suit it, 100 bytes");
        text += &full(results, work, Point::Sequential, "One after the other, 100 bytes");
        if work == Work::Put {
            text += &full(
                results,
                work,
                Point::Node,
                "Node.js with 200 puts under way, the limit with 100; 100 bytes",
            );
        }
        let sweeps: [(&str, Vec<(String, Point)>); 3] = [
            ("Commands under way on one connection", columns(IN_FLIGHTS, Point::InFlight, "")),
            (
                "Connections, with ten commands under way on each (one, for those who wait)",
                columns(CONNECTIONS, Point::Connections, ""),
            ),
            ("Size of the bodies", columns(SIZES, Point::Size, " bytes")),
        ];
        for (title, columns) in sweeps {
            text += &sweep(results, work, title, &columns);
        }
    }
    text += &latency(results);
    text += &idle(results, about.idle);
    text + &failures(results)
}

fn columns<const N: usize>(
    values: [usize; N],
    point: fn(usize) -> Point,
    unit: &str,
) -> Vec<(String, Point)> {
    values.map(|value| (format!("{}{unit}", grouped(value as f64)), point(value))).into()
}

fn head(about: &About) -> String {
    let mut text = "# Results\n\nWritten by `cargo xtask bench`.\n\n".to_owned();
    if about.quick {
        text += "**A quick run, with few jobs: its figures say that all works, and no more.**\n\n";
    }
    let rows = about.machine.iter().chain(&about.versions);
    let rows: Vec<_> = rows.map(|(name, value)| vec![(*name).to_owned(), value.clone()]).collect();
    text += &table(&["", ""], &rows);
    let minutes = about.took.as_secs_f64() / 60.0;
    let (rounds, idle) = (about.rounds, about.idle);
    let plural = if rounds == 1 { "" } else { "s" };
    let _ = writeln!(
        text,
        "\nOne beanstalkd on loopback, without a binlog; a fresh process and a fresh tube for every \
         measurement. {rounds} round{plural} in {minutes:.1} minutes; in each, all settings in turn, \
         and at each setting all clients, another one first every time. A figure is the median of the \
         rounds, with the lowest and the highest behind it; a ratio is the median of the ratios \
         within a round. *Of limit* compares with bare sockets at the same place in the table: the \
         least that the machine and the server allow.\n\n\
         Settings are `connections × commands under way` over all of them. A client that waits for \
         each answer has one under way on a connection, so it gets 16 connections where others have \
         100 commands under way on one; prep/beanstalk gets 16 connections and 160 goroutines. A put \
         counts once it is confirmed, a consumed job once its delete is; a tenth more jobs go before \
         those that count. After each put the tube held every job, and after consuming none. Jobs \
         are consumed one by one, by handlers or a loop of reserve and delete; the component takes \
         and deletes as many in a call as are under way. Processor time is that of the whole process, \
         memory its peak.\n\n\
         A consumer whose latency, idling or start is measured has {HANDLERS} handlers and as many \
         connections at most. It was watched for {idle} s while idle, in one round; clients that look \
         for jobs once a second had their latency measured in one round, with few jobs.\n"
    );
    text
}

fn goals(targets: &[Target]) -> String {
    let rows: Vec<_> = targets
        .iter()
        .map(|target| {
            let met = match target.met {
                Some(true) => "yes",
                Some(false) => "**no**",
                None => "not measured",
            };
            let cells = [&target.what, &target.ours, &target.other, &target.ratio, &target.wanted];
            cells.into_iter().cloned().chain([met.to_owned()]).collect()
        })
        .collect();
    let head = ["What", "Beanwire", "Beside", "Ratio", "Wanted", "Met"];
    format!("## Targets\n\n{}\n", table(&head, &rows))
}

/// All figures of a point, a row for each client.
fn full(results: &Results, work: Work, point: Point, title: &str) -> String {
    let rows = CLIENTS.iter().filter_map(|client| {
        let case = Case::at(client, work, point)?;
        let rate = results.spread(&case, Quantity::Rate);
        if rate.is_none() && !results.failed(&case) {
            return None;
        }
        let of_limit = of_limit(results, client, &case, point);
        let cpu = results.spread(&case, Quantity::Cpu);
        let memory = results.spread(&case, Quantity::Memory);
        Some(vec![
            client.label.to_owned(),
            case.settings.to_string(),
            rate.map_or_else(|| "failed".into(), |rate| grouped(rate.median)),
            range(rate, grouped),
            of_limit.unwrap_or_else(|| NONE.into()),
            cpu.map_or_else(|| NONE.into(), |cpu| microseconds(cpu.median)),
            range(cpu, microseconds),
            memory.map_or_else(|| NONE.into(), |memory| mebibytes(memory.median)),
        ])
    });
    let head =
        ["Client", "Settings", "Jobs/s", "Range", "Of limit", "CPU µs/job", "Range", "Peak MiB"];
    section(title, &head, &rows.collect::<Vec<_>>())
}

fn microseconds(seconds: f64) -> String {
    format!("{:.2}", seconds * 1e6)
}

fn range(spread: Option<Spread>, shown: impl Fn(f64) -> String) -> String {
    spread.map_or_else(|| NONE.into(), |s| format!("{} – {}", shown(s.min), shown(s.max)))
}

fn of_limit(results: &Results, client: &Client, case: &Case, point: Point) -> Option<String> {
    // Clients for Node.js have a setting of their own, which the limit has not.
    let point = if point == Point::Node { BASE } else { point };
    let limit = Case::of("limit", case.work, point)?;
    let ratio = results.ratio(case, &limit, Quantity::Rate)?;
    (client.name != "limit").then(|| format!("{:.2}", ratio.median))
}

/// The rates of several points, a row for each client.
fn sweep(results: &Results, work: Work, title: &str, columns: &[(String, Point)]) -> String {
    let clients = CLIENTS.iter().filter(|client| client.sweeps);
    let rows = clients.filter_map(|client| {
        let cells = columns.iter().map(|(_, point)| {
            let case = Case::at(client, work, *point)?;
            let Some(rate) = results.spread(&case, Quantity::Rate) else {
                return results.failed(&case).then(|| "failed".to_owned());
            };
            let [median, min, max] = [rate.median, rate.min, rate.max].map(|rate| rate / 1e3);
            let mut cell = format!("{median:.1} ({min:.1} – {max:.1})");
            if let Some(ratio) = of_limit(results, client, &case, *point) {
                let _ = write!(cell, ", {ratio}");
            }
            Some(cell)
        });
        let cells: Vec<_> = cells.collect();
        cells.iter().any(Option::is_some).then(|| {
            let cells = cells.into_iter().map(|cell| cell.unwrap_or_else(|| NONE.into()));
            [client.label.to_owned()].into_iter().chain(cells).collect()
        })
    });
    let names = columns.iter().map(|(name, _)| name.as_str());
    let head: Vec<_> = ["Client"].into_iter().chain(names).collect();
    let title = format!("{title}: thousands of jobs per second, range, ratio to the limit");
    section(&title, &head, &rows.collect::<Vec<_>>())
}

fn latency(results: &Results) -> String {
    let mut text = String::new();
    for busy in BUSY {
        let rows = CLIENTS.iter().filter_map(|client| {
            let case = Case::consumer(client, Work::Latency, busy)?;
            let figure = |percent| {
                let quantity = Quantity::Latency(percent);
                results.spread(&case, quantity).map(|spread| quantity.spread(spread))
            };
            let row = match (figure(50), figure(99), figure(100)) {
                (Some(p50), Some(p99), Some(max)) => [p50, p99, max],
                _ if results.failed(&case) => ["failed", NONE, NONE].map(str::to_owned),
                _ => return None,
            };
            Some([client.label.to_owned()].into_iter().chain(row).collect())
        });
        let title = format!("{busy} of {HANDLERS} handlers busy");
        text += &section(&title, &["Client", "p50", "p99", "Max"], &rows.collect::<Vec<_>>());
    }
    match text.is_empty() {
        true => text,
        false => format!("## From the call of a put to its handler, idle tube\n\n{text}"),
    }
}

fn idle(results: &Results, seconds: u64) -> String {
    let rows = CLIENTS.iter().filter_map(|client| {
        let figure = |work, quantity: Quantity| {
            let case = Case::consumer(client, work, 0)?;
            let spread = results.spread(&case, quantity);
            let failed = || results.failed(&case).then(|| "failed".to_owned());
            spread.map(|spread| quantity.spread(spread)).or_else(failed)
        };
        let cells = [
            figure(Work::Idle, Quantity::Reserves),
            figure(Work::Idle, Quantity::Share),
            figure(Work::Startup, Quantity::Ready),
        ];
        cells.iter().any(Option::is_some).then(|| {
            let cells = cells.into_iter().map(|cell| cell.unwrap_or_else(|| NONE.into()));
            [client.label.to_owned()].into_iter().chain(cells).collect()
        })
    });
    let reserves = format!("Reserves in {seconds} s idle");
    let head = ["Client", reserves.as_str(), "Processor share idle", "Start to first job deleted"];
    let rows: Vec<_> = rows.collect();
    let text = section("Idle consumers, and the start", &head, &rows).replace("###", "##");
    text + &instances(results).unwrap_or_default()
}

/// How long it takes to make an instance of the component.
fn instances(results: &Results) -> Option<String> {
    let case = Case::consumer(client("component")?, Work::Instantiate, 0)?;
    let figure = |percent| {
        let quantity = Quantity::Latency(percent);
        Some(quantity.spread(results.spread(&case, quantity)?))
    };
    let (p50, p99) = (figure(50)?, figure(99)?);
    Some(format!(
        "Loading the component, compiled before, and making an instance: p50 {p50}, p99 {p99}.\n\n"
    ))
}

fn failures(results: &Results) -> String {
    let mut text = String::new();
    for (case, errors) in results.failures() {
        for error in errors {
            let (work, settings) = (case.work.name(), case.settings);
            let error = brief(error);
            let busy = if case.busy > 0 { format!(", {} busy", case.busy) } else { String::new() };
            let _ = writeln!(
                text,
                "- {}, {work}, {settings}, {} bytes{busy}: {error}",
                case.client, settings.size
            );
        }
    }
    match text.is_empty() {
        true => text,
        false => format!(
            "## Failures\n\nWhat failed was not tried again, and counts with the rounds before.\n\n{text}\n"
        ),
    }
}

/// The ends of a message of many lines: one of them says what it is.
fn brief(error: &str) -> String {
    let mut lines = error.lines().map(str::trim).filter(|line| !line.is_empty());
    match (lines.next(), lines.next_back()) {
        (Some(first), Some(last)) => format!("{first} … {last}"),
        (first, _) => first.unwrap_or_default().to_owned(),
    }
}

fn section(title: &str, head: &[&str], rows: &[Vec<String>]) -> String {
    match rows.is_empty() {
        true => String::new(),
        false => format!("### {title}\n\n{}\n", table(head, rows)),
    }
}

/// A table, with all columns but the first to the right.
fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let rule = (0..head.len()).map(|column| if column == 0 { "---" } else { "---:" });
    let rule = rule.collect::<Vec<_>>().join("|");
    let mut text = format!("| {} |\n|{rule}|\n", head.join(" | "));
    for row in rows {
        let _ = writeln!(text, "| {} |", row.join(" | "));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::tests::sample;

    fn about() -> About {
        let machine = vec![("Kernel", "Linux 1".to_owned())];
        let took = Duration::from_secs(90);
        About { rounds: 2, took, quick: false, idle: 5, machine, versions: Vec::new() }
    }

    #[test]
    fn a_row_has_the_median_the_range_and_the_ratio_to_the_limit() {
        let mut results = Results::default();
        for (round, seconds) in [0.5, 1.0].into_iter().enumerate() {
            let [limit, ours] =
                ["limit", "beanwire"].map(|name| Case::of(name, Work::Put, BASE).unwrap());
            results.add(limit, round, Ok(sample(seconds)));
            results.add(ours, round, Ok(sample(2.0 * seconds)));
        }
        let report = report(&results, &[], &about());
        let row = "| beanwire (Rust) | 1 × 100 | 750 | 500 – 1,000 | 0.50 | 750.00 | \
                   500.00 – 1000.00 | 1.0 |";
        assert!(report.contains(row), "{report}");
        assert!(report.contains("| beanwire (Rust) | – | – | 0.8 (0.5 – 1.0), 0.50 | – |"));
        assert!(
            report.contains("| Kernel | Linux 1 |") && report.contains("2 rounds in 1.5 minutes")
        );
        assert!(!report.contains("jackd (Node.js)"), "{report}");
    }

    #[test]
    fn failures_are_told_in_the_table_and_at_the_end() {
        let mut results = Results::default();
        let case = Case::of("prep", Work::Put, BASE).unwrap();
        results.add(case, 0, Err("exit status: 1: lost\n  at 5\n\nthe end\n".into()));
        let report = report(&results, &[], &about());
        assert!(report.contains("| prep/beanstalk (Go) | 16 × 160 | failed |"));
        let line = "- prep, put, 16 × 160, 100 bytes: exit status: 1: lost … the end\n";
        assert!(report.contains(line), "{report}");
    }

    #[test]
    fn targets_say_whether_they_are_met() {
        let target = |met| Target {
            what: "Put".into(),
            ours: "2/s".into(),
            other: "1/s".into(),
            ratio: "2.00".into(),
            wanted: "≥ 1".into(),
            met,
        };
        let targets = [Some(true), Some(false), None].map(target);
        let report = report(&Results::default(), &targets, &about());
        for met in ["yes", "**no**", "not measured"] {
            assert!(report.contains(&format!("| Put | 2/s | 1/s | 2.00 | ≥ 1 | {met} |")));
        }
    }
}
