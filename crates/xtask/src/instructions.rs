//! Counts the instructions that a job costs the client, and holds them against a baseline.
//!
//! Callgrind counts a run of so many rounds and one of twice as many; their difference is the cost
//! of the rounds alone. It is the same on every run, so small losses show that no clock would.
//!
//! Gungraun does this and more, but its baselines are whole profiles that are not made to be
//! committed, and its runner is a second program to install, in just the version of the library.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use crate::run::{command, installed, output, root, run, shown, target_dir};

const ROUNDS: u64 = 100;

/// By how many percent a count may differ from its baseline.
const LIMIT: u64 = 3;

const BASELINE: &str = "benches/instructions/baseline.txt";

/// What a count depends on beside the code.
const MADE_WITH: &str = "made with ";

/// The instructions per job of each scenario.
type Counts = Vec<(String, u64)>;

/// How counts compare with their baseline.
#[derive(Debug, Default, PartialEq, Eq)]
struct Comparison {
    table: String,
    /// What went wrong, one line each.
    failures: Vec<String>,
    /// Some scenario costs so much less that the baseline would hide a loss.
    better: bool,
}

/// Counts, prints a table, and fails if a scenario costs too much more than in the baseline.
pub(crate) fn check() -> Result<(), String> {
    let text = fs::read_to_string(root().join(BASELINE))
        .map_err(|error| format!("{BASELINE}: {error}; `--write` makes it"))?;
    let (before, baseline) = parse(&text)?;
    let here = made_with()?;
    let comparison = compare(&baseline, &count()?);
    print!("{}", comparison.table);
    if before != here {
        println!("the baseline was {MADE_WITH}{before}, this {MADE_WITH}{here}:");
        println!("where all counts differ, that may be why");
    }
    if comparison.better {
        println!("more than {LIMIT} % better: keep it with cargo xtask instructions --write");
    }
    match comparison.failures.is_empty() {
        true => Ok(()),
        false => Err(format!(
            "{}\n  if that is as it should be: cargo xtask instructions --write",
            comparison.failures.join("\n  ")
        )),
    }
}

/// Counts, and makes the counts the baseline.
pub(crate) fn write() -> Result<(), String> {
    let text = written(&made_with()?, &count()?);
    print!("{text}");
    fs::write(root().join(BASELINE), text).map_err(|error| format!("{BASELINE}: {error}"))
}

fn made_with() -> Result<String, String> {
    let text = output(&mut command("rustc", &["-vV"])).ok_or("rustc does not tell its version")?;
    let host = text.lines().find_map(|line| line.strip_prefix("host: ")).unwrap_or_default();
    Ok(format!("{}, {host}", text.lines().next().unwrap_or_default()))
}

fn count() -> Result<Counts, String> {
    if !installed("valgrind") {
        return Err("valgrind is missing; run\n  sudo apt-get install -y valgrind".to_owned());
    }
    let build =
        ["build", "--quiet", "--release", "-p", "beanwire-benches", "--bin", "instructions"];
    run(&mut command("cargo", &build))?;
    let program = target_dir().join("release").join("instructions");
    let program = program.to_string_lossy();
    let list = output(&mut command(&program, &[])).ok_or("the scenarios are not listed")?;
    let profiles = target_dir().join("instructions");
    fs::create_dir_all(&profiles).map_err(|error| error.to_string())?;
    let mut counts = Counts::new();
    for (name, jobs) in pairs(&list)? {
        let fewer = start(&program, &profiles, &name, ROUNDS)?;
        let more = start(&program, &profiles, &name, 2 * ROUNDS)?;
        let (fewer, more) = (total(fewer), total(more));
        counts.push((name, per_job(fewer?, more?, jobs)));
    }
    Ok(counts)
}

/// Starts a run under callgrind, and tells where its profile will be.
fn start(
    program: &str,
    profiles: &Path,
    name: &str,
    rounds: u64,
) -> Result<(Child, String, PathBuf), String> {
    let profile = profiles.join(format!("{name}-{rounds}"));
    let file = format!("--callgrind-out-file={}", profile.display());
    let rounds = rounds.to_string();
    let mut valgrind =
        command("valgrind", &["--quiet", "--tool=callgrind", &file, program, name, &rounds]);
    let shown = shown(&valgrind);
    let child = valgrind.stdin(Stdio::null()).spawn();
    child.map_err(|error| format!("{error} from\n  {shown}")).map(|child| (child, shown, profile))
}

fn total((mut child, shown, profile): (Child, String, PathBuf)) -> Result<u64, String> {
    let status = child.wait().map_err(|error| error.to_string())?;
    if !status.success() {
        return Err(format!("{status} from\n  {shown}"));
    }
    let text = fs::read_to_string(&profile).unwrap_or_default();
    totals(&text).ok_or_else(|| format!("no total in {}", profile.display()))
}

/// The instructions that a profile counts in all.
fn totals(profile: &str) -> Option<u64> {
    profile.lines().find_map(|line| line.strip_prefix("totals: "))?.trim().parse().ok()
}

/// Rounded to the nearest.
fn per_job(fewer: u64, more: u64, jobs: u64) -> u64 {
    let jobs = (ROUNDS * jobs).max(1);
    (more.saturating_sub(fewer) + jobs / 2) / jobs
}

/// Lines of a name and a number.
fn pairs(text: &str) -> Result<Counts, String> {
    let pair = |line: &str| {
        let pair = line.split_once(' ');
        let pair = pair.and_then(|(name, number)| Some((name.to_owned(), number.parse().ok()?)));
        pair.ok_or_else(|| format!("not a name and a number: {line}"))
    };
    text.lines().map(pair).collect()
}

fn written(made_with: &str, counts: &Counts) -> String {
    let mut text = format!("{MADE_WITH}{made_with}\n");
    for (name, count) in counts {
        let _ = writeln!(text, "{name} {count}");
    }
    text
}

/// What a baseline was made with, and its counts.
fn parse(text: &str) -> Result<(&str, Counts), String> {
    let (head, counts) = text.split_once('\n').unwrap_or((text, ""));
    let head = head.strip_prefix(MADE_WITH);
    let head = head.ok_or_else(|| format!("{BASELINE} does not say what it was made with"))?;
    Ok((head, pairs(counts)?))
}

fn compare(baseline: &Counts, now: &Counts) -> Comparison {
    let mut result = Comparison::default();
    let _ = writeln!(
        result.table,
        "{:<28}{:>10}{:>10}{:>10}",
        "instructions per job", "baseline", "now", "change"
    );
    for (name, count) in now {
        let Some((_, before)) = baseline.iter().find(|(known, _)| known == name) else {
            result.failures.push(format!("{name} is not in the baseline"));
            continue;
        };
        let change = (*count as f64 / *before as f64 - 1.0) * 100.0;
        let _ = writeln!(result.table, "{name:<28}{before:>10}{count:>10}{change:>+8.2} %");
        if count * 100 > before * (100 + LIMIT) {
            result.failures.push(format!("{name} costs {change:.2} % more, {LIMIT} % are allowed"));
        }
        result.better |= count * 100 < before * (100 - LIMIT);
    }
    let gone = baseline.iter().filter(|(name, _)| now.iter().all(|(known, _)| known != name));
    result.failures.extend(gone.map(|(name, _)| format!("{name} is only in the baseline")));
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(counts: &[(&str, u64)]) -> Counts {
        counts.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
    }

    /// Whether 10,000 instructions in the baseline and so many now fail, and whether they are
    /// better.
    fn against_10_000(now: u64) -> (bool, bool) {
        let result = compare(&counts(&[("put", 10_000)]), &counts(&[("put", now)]));
        (!result.failures.is_empty(), result.better)
    }

    #[test]
    fn three_percent_either_way_are_allowed() {
        assert_eq!(against_10_000(10_000), (false, false));
        assert_eq!(against_10_000(10_300), (false, false));
        assert_eq!(against_10_000(10_301), (true, false));
        assert_eq!(against_10_000(9_700), (false, false));
        assert_eq!(against_10_000(9_699), (false, true));
    }

    #[test]
    fn a_scenario_on_one_side_only_fails() {
        let both = counts(&[("put", 5), ("delete", 7)]);
        let one = counts(&[("delete", 7)]);
        assert_eq!(compare(&both, &one).failures, ["put is only in the baseline"]);
        assert_eq!(compare(&one, &both).failures, ["put is not in the baseline"]);
        assert_eq!(compare(&both, &both).failures, [""; 0]);
    }

    #[test]
    fn the_table_tells_every_change() {
        let result = compare(&counts(&[("put", 1000)]), &counts(&[("put", 1042)]));
        assert_eq!(
            result.table,
            "instructions per job          baseline       now    change\n\
             put                               1000      1042   +4.20 %\n"
        );
        assert_eq!(result.failures, ["put costs 4.20 % more, 3 % are allowed"]);
    }

    #[test]
    fn a_baseline_reads_as_it_was_written() {
        let (made_with, counts) = ("rustc 1.95.0, sparc", counts(&[("put", 5), ("delete", 7)]));
        let text = written(made_with, &counts);
        assert_eq!(text, "made with rustc 1.95.0, sparc\nput 5\ndelete 7\n");
        assert_eq!(parse(&text), Ok((made_with, counts)));
        assert!(parse("put 5\n").is_err());
        assert!(parse("made with rustc\nput\n").is_err());
        assert!(parse("made with rustc\nput -5\n").is_err());
    }

    #[test]
    fn the_total_is_found_in_a_profile() {
        assert_eq!(totals("events: Ir\nfn=(0)\n0 3\ntotals: 4711\n"), Some(4711));
        assert_eq!(totals("events: Ir\n"), None);
    }

    #[test]
    fn what_both_runs_do_counts_for_nothing() {
        assert_eq!(per_job(5_000, 5_000 + ROUNDS * 10 * 42, 10), 42);
        assert_eq!(per_job(0, 149, 1), 1);
        assert_eq!(per_job(0, 150, 1), 2);
    }
}
