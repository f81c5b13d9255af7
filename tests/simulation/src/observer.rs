//! Reads along on one connection, at its server: every command, and the reply that answers it.

use std::collections::{BTreeSet, VecDeque};

use beanwire_core::protocol::{Decoder, Reply};
use beanwire_core::types::{Instant, JobId};
use bytes::BytesMut;

use crate::ledger::{Key, Ledger};
use crate::network::WireId;

const LIMIT: usize = 1 << 30;

#[derive(Debug)]
pub(crate) struct Observer {
    wire: WireId,
    server: usize,
    epoch: u32,
    /// Whether its client is a consumer, which parks with empty hands only.
    consumer: bool,
    /// Its client's clock has jumped, so that jobs seem to have run out there.
    jumped: bool,
    input: BytesMut,
    output: BytesMut,
    decoder: Decoder,
    asked: VecDeque<Asked>,
    /// Commands with their replies that were not looked at yet.
    answered: VecDeque<(Asked, Reply)>,
    /// The tube that is in use once all commands so far have run.
    used: String,
    /// Jobs that were reserved here and not finished.
    held: BTreeSet<JobId>,
    /// Jobs that were ever reserved here.
    ever: BTreeSet<JobId>,
}

#[derive(Debug)]
struct Asked {
    line: String,
    body: Vec<u8>,
    tube: String,
}

impl Observer {
    pub(crate) fn new(wire: WireId, server: usize, epoch: u32, consumer: bool) -> Self {
        Self {
            wire,
            server,
            epoch,
            consumer,
            jumped: false,
            input: BytesMut::new(),
            output: BytesMut::new(),
            decoder: Decoder::new(LIMIT),
            asked: VecDeque::new(),
            answered: VecDeque::new(),
            used: "default".to_owned(),
            held: BTreeSet::new(),
            ever: BTreeSet::new(),
        }
    }

    pub(crate) const fn epoch(&self) -> u32 {
        self.epoch
    }

    pub(crate) const fn note_jump(&mut self) {
        self.jumped = true;
    }

    /// Bytes that the server read.
    pub(crate) fn commands(&mut self, bytes: &[u8]) {
        self.input.extend_from_slice(bytes);
        while let Some(end) = self.input.windows(2).position(|pair| pair == b"\r\n") {
            let line = String::from_utf8_lossy(&self.input[..end]).into_owned();
            let size = match line.strip_prefix("put ").and_then(|rest| rest.rsplit(' ').next()) {
                Some(size) => size.parse::<usize>().map_or(0, |size| size + 2),
                None => 0,
            };
            if self.input.len() < end + 2 + size {
                return;
            }
            let whole = self.input.split_to(end + 2 + size);
            let body = whole[end + 2..].strip_suffix(b"\r\n").unwrap_or_default().to_vec();
            if let Some(tube) = line.strip_prefix("use ") {
                self.used = tube.to_owned();
            }
            let tube = self.used.clone();
            self.asked.push_back(Asked { line, body, tube });
        }
    }

    /// Bytes that the server wrote.
    pub(crate) fn replies(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.output.extend_from_slice(bytes);
        loop {
            let reply = self.decoder.decode(&mut self.output);
            match reply.map_err(|error| format!("the server wrote rubbish: {error}"))? {
                None => return Ok(()),
                Some(reply) => {
                    let asked = self.asked.pop_front();
                    let asked = asked.ok_or_else(|| format!("{reply:?} answers nothing"))?;
                    self.answered.push_back((asked, reply));
                }
            }
        }
    }

    /// Looks at what was answered. A job may reach one client before another is told that it was
    /// put: then it waits for that, and this is false.
    pub(crate) fn judge_all(&mut self, now: Instant, ledger: &mut Ledger) -> Result<bool, String> {
        while let Some((asked, reply)) = self.answered.pop_front() {
            if let Reply::Reserved(id, _) = reply
                && !ledger.jobs.contains_key(&self.key(id))
            {
                self.answered.push_front((asked, reply));
                return Ok(false);
            }
            self.judge(now, &asked, reply, ledger)
                .map_err(|what| format!("{what} ({:?} on {:?})", asked.line, self.wire))?;
        }
        Ok(true)
    }

    fn judge(
        &mut self,
        now: Instant,
        asked: &Asked,
        reply: Reply,
        ledger: &mut Ledger,
    ) -> Result<(), String> {
        if matches!(reply, Reply::BadFormat | Reply::UnknownCommand | Reply::ExpectedCrlf) {
            return Err(format!("the server does not understand: {}", reply.word()));
        }
        let mut words = asked.line.split(' ');
        let verb = words.next().unwrap_or_default();
        let numbers: Vec<u64> = words.filter_map(|word| word.parse().ok()).collect();
        let number = |at: usize| numbers.get(at).copied().unwrap_or_default();
        let about = JobId(number(0));
        let own = ["delete", "release", "bury", "touch"].contains(&verb);
        if self.consumer && own && !self.ever.contains(&about) {
            return Err("a job that this connection never had".to_owned());
        }
        match (verb, reply) {
            ("put", Reply::Inserted(id) | Reply::InsertedBuried(id)) => {
                let priority = u32::try_from(number(0)).unwrap_or(u32::MAX);
                ledger.insert(now, self.key(id), &asked.tube, &asked.body, priority)
            }
            (_, Reply::Reserved(id, body)) => {
                self.may_wait(now, verb, number(0), ledger)?;
                let token = Ledger::read(&body)?;
                let wire = self.wire;
                let entry = ledger.entry(self.key(id))?;
                if entry.token != token {
                    return Err(format!("job {id} has the body of another one"));
                }
                entry.renewed_at = now;
                entry.holder = Some(wire);
                self.held.insert(id);
                self.ever.insert(id);
                Ok(())
            }
            ("reserve-with-timeout", _) => self.may_wait(now, verb, number(0), ledger),
            ("delete", Reply::Deleted) => {
                self.held.remove(&about);
                ledger.delete(self.key(about))
            }
            ("release", Reply::Released | Reply::Buried) | ("bury", Reply::Buried) => {
                self.held.remove(&about);
                let key = self.key(about);
                let entry = ledger.entry(key)?;
                entry.holder = None;
                let fits = |priority: &u32| u64::from(*priority) == number(1);
                if entry.priorities.iter().any(fits) {
                    return Ok(());
                }
                Err(format!("{key:?} should keep one of the priorities {:?}", entry.priorities))
            }
            ("touch", Reply::Touched) => {
                ledger.entry(self.key(about))?.renewed_at = now;
                Ok(())
            }
            (_, Reply::NotFound) => {
                self.held.remove(&about);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// A reserve that waits holds up everything behind it, so nothing may be held there.
    fn may_wait(
        &self,
        now: Instant,
        verb: &str,
        timeout: u64,
        ledger: &Ledger,
    ) -> Result<(), String> {
        if !self.consumer || self.jumped || verb != "reserve-with-timeout" || timeout == 0 {
            return Ok(());
        }
        let held = self.held.iter().find(|id| ledger.is_held(now, self.key(**id), self.wire));
        match held {
            Some(id) => Err(format!("a reserve waits on a connection that holds {id}")),
            None => Ok(()),
        }
    }

    fn key(&self, id: JobId) -> Key {
        Key { server: self.server, epoch: self.epoch, id }
    }
}
