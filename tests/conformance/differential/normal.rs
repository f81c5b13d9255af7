//! Replies without what no two servers have in common.

use super::wire::Reply;

/// What is counted before a sequence begins, by whoever waits for the server to come up.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Before {
    pub(super) stats: u64,
    pub(super) connections: u64,
}

/// Keys whose values a server has for itself.
const OWN: [&str; 9] = [
    "pid",
    "version",
    "rusage-utime",
    "rusage-stime",
    "uptime",
    "id",
    "hostname",
    "os",
    "platform",
];

/// Keys whose values change with time: only whether they are zero is compared.
const TIMES: [&str; 2] = ["time-left", "pause-time-left"];

/// The reply as it is compared.
pub(super) fn normal(reply: &Reply, before: Before) -> String {
    let Some((head, body)) = reply.0.split_once("\r\n---\n") else { return reply.0.clone() };
    if !head.starts_with("OK ") {
        return reply.0.clone();
    }
    let is_stats = body.starts_with("current-jobs-urgent: ");
    let lines = body.lines().map(|line| match line.split_once(": ") {
        Some((key, value)) => pair(key, value, is_stats, before),
        None => line.to_owned(),
    });
    let lines: Vec<_> = lines.collect();
    // The size of the body counts the digits of what was replaced.
    format!("OK\n{}", lines.join("\n"))
}

/// The reply to `list-tubes`, whose order means nothing.
pub(super) fn normal_list(reply: &Reply) -> String {
    let mut lines: Vec<_> = reply.0.lines().collect();
    lines.sort_unstable();
    lines.join("\n")
}

fn pair(key: &str, value: &str, is_stats: bool, before: Before) -> String {
    // An id of a job is compared.
    if (is_stats && OWN.contains(&key)) || key == "age" {
        return format!("{key}: *");
    }
    let count = value.parse().unwrap_or(0_u64);
    match key {
        "cmd-stats" => format!("{key}: {}", count - before.stats),
        "total-connections" => format!("{key}: {}", count - before.connections),
        _ if TIMES.contains(&key) && count > 0 => format!("{key}: *"),
        _ => format!("{key}: {value}"),
    }
}
