//! Two servers with just enough of the protocol, behind every connection of one [`Rig`].

use std::collections::BTreeMap;

use super::*;
use crate::engine::tests::rig::ok;

#[derive(Default)]
struct Job {
    server: usize,
    body: String,
    held_by: Option<LinkId>,
    buried: bool,
}

#[derive(Default)]
pub(super) struct Servers {
    jobs: BTreeMap<u64, Job>,
    last_id: u64,
    /// How often each body was put.
    puts: BTreeMap<String, usize>,
    /// What has arrived on each connection and is not run yet.
    inbox: BTreeMap<LinkId, String>,
    /// Connections that wait in a reserve.
    parked: Vec<LinkId>,
    /// What the next command that may get it is answered with.
    refusal: Option<&'static str>,
}

impl Servers {
    pub(super) fn add(&mut self, server: usize, body: String) -> u64 {
        self.last_id += 1;
        *self.puts.entry(body.clone()).or_default() += 1;
        self.jobs.insert(self.last_id, Job { server, body, ..Job::default() });
        self.last_id
    }

    pub(super) fn times_put(&self, body: &str) -> usize {
        self.puts.get(body).copied().unwrap_or_default()
    }

    pub(super) fn most_times_put(&self) -> usize {
        self.puts.values().copied().max().unwrap_or_default()
    }

    pub(super) fn is_any_ready(&self) -> bool {
        self.jobs.values().any(|job| job.held_by.is_none() && !job.buried)
    }

    pub(super) fn refuse_next(&mut self, which: usize) {
        let words = ["OUT_OF_MEMORY", "INTERNAL_ERROR", "DEADLINE_SOON", "BAD_FORMAT", "DRAINING"];
        self.refusal = words.get(which).copied();
    }

    pub(super) fn behave(&mut self) {
        self.refusal = None;
    }

    /// Collects what was sent, and ends what the client has closed: that is run to its end, for it
    /// was written, and nobody reads the replies.
    pub(super) fn notice(&mut self, rig: &mut Rig) {
        let open = rig.open();
        let gone: Vec<_> = self.inbox.keys().copied().filter(|link| !open.contains(link)).collect();
        for link in gone {
            self.end(rig, link);
        }
        for link in open {
            let sent = rig.sent(link);
            self.inbox.entry(link).or_default().push_str(&sent);
        }
    }

    fn end(&mut self, rig: &Rig, link: LinkId) {
        while self.next_reply(rig, link).is_some() {}
        self.inbox.remove(&link);
        self.parked.retain(|parked| *parked != link);
        for job in self.jobs.values_mut().filter(|job| job.held_by == Some(link)) {
            job.held_by = None;
        }
    }

    /// Loses a connection before some of what was sent has left.
    pub(super) fn cut(&mut self, rig: &mut Rig, link: LinkId, unwritten: usize) {
        let Some(inbox) = self.inbox.get_mut(&link) else { return };
        let unwritten = unwritten.min(inbox.len());
        inbox.truncate(inbox.len() - unwritten);
        self.end(rig, link);
        rig.cut(link, unwritten as u64);
    }

    /// Runs up to `count` commands of a connection.
    pub(super) fn run(&mut self, rig: &mut Rig, link: LinkId, count: usize) {
        for _ in 0..count {
            self.notice(rig);
            let Some(reply) = self.next_reply(rig, link) else { break };
            if reply == "quit" {
                return self.cut(rig, link, 0);
            }
            rig.reply(link, &reply);
        }
        self.notice(rig);
        let ends = rig.open().contains(&link) && rig.is_half_closed(link);
        if ends && self.inbox.get(&link).is_some_and(String::is_empty) {
            if self.parked.contains(&link) {
                self.parked.retain(|parked| *parked != link);
                rig.reply(link, "TIMED_OUT\r\n");
            }
            if rig.open().contains(&link) {
                self.cut(rig, link, 0);
            }
        }
    }

    fn next_reply(&mut self, rig: &Rig, link: LinkId) -> Option<String> {
        let server = rig.server_of(link);
        if self.parked.contains(&link) {
            let reply = self.reserve(server, link)?;
            self.parked.retain(|parked| *parked != link);
            return Some(reply);
        }
        let inbox = self.inbox.get_mut(&link)?;
        let end = inbox.find("\r\n")?;
        let line = inbox[..end].to_owned();
        let mut words = line.split(' ');
        let verb = words.next()?;
        let number = words.clone().next_back().and_then(|word| word.parse().ok()).unwrap_or(0);
        let id = words.next().and_then(|word| word.parse::<u64>().ok()).unwrap_or(0);
        let mut body = String::new();
        let mut size = end + 2;
        if verb == "put" {
            let length = usize::try_from(number).unwrap();
            body = inbox.get(size..size + length)?.to_owned();
            size += length + 2;
            inbox.get(..size)?;
        }
        *inbox = inbox.split_off(size);
        if let Some(refusal) = self.refusal.take_if(|word| takes(verb, word)) {
            return Some(format!("{refusal}\r\n"));
        }
        let mine = |job: &&mut Job| job.held_by == Some(link);
        Some(match verb {
            "put" => format!("INSERTED {}\r\n", self.add(server, body)),
            "reserve-with-timeout" => match self.reserve(server, link) {
                Some(reply) => reply,
                None if id == 0 => "TIMED_OUT\r\n".into(),
                None => {
                    self.parked.push(link);
                    return None;
                }
            },
            "delete" => match self.jobs.get_mut(&id).filter(mine) {
                Some(_) => {
                    self.jobs.remove(&id);
                    "DELETED\r\n".into()
                }
                None => "NOT_FOUND\r\n".into(),
            },
            "release" | "bury" | "touch" => match self.jobs.get_mut(&id).filter(mine) {
                Some(_) if verb == "touch" => "TOUCHED\r\n".into(),
                Some(job) => {
                    (job.held_by, job.buried) = (None, verb == "bury");
                    if job.buried { "BURIED\r\n" } else { "RELEASED\r\n" }.into()
                }
                None => "NOT_FOUND\r\n".into(),
            },
            "stats-job" => job_stats(id, 100_000, 99_999, 0),
            "stats" => ok("---\nmax-job-size: 65535\n"),
            "list-tubes" => ok("---\n- default\n"),
            "use" => format!("USING {}\r\n", line.split(' ').next_back()?),
            "quit" => "quit".into(),
            _ => panic!("{line}"),
        })
    }

    fn reserve(&mut self, server: usize, link: LinkId) -> Option<String> {
        let ready = |job: &Job| job.server == server && job.held_by.is_none() && !job.buried;
        let (id, job) = self.jobs.iter_mut().find(|(_, job)| ready(job))?;
        job.held_by = Some(link);
        Some(format!("RESERVED {id} {}\r\n{}\r\n", job.body.len(), job.body))
    }
}

/// Whether a server may answer this command so.
fn takes(verb: &str, refusal: &str) -> bool {
    match refusal {
        "DEADLINE_SOON" => verb.starts_with("reserve"),
        "BAD_FORMAT" | "DRAINING" => verb == "put",
        _ => !matches!(verb, "quit"),
    }
}
