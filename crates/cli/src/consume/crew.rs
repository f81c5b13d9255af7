//! The workers, and what becomes of each job.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock};

use beanwire::{Consumer, Error, ErrorKind, Job};
use tokio::io::AsyncWriteExt as _;
use tokio_util::sync::CancellationToken;

use super::Args;
use super::child::{self, Verdict};
use super::idle::Idle;
use crate::context::Context;
use crate::failure::{Failure, note, warn};
use crate::text;

/// What the workers share.
#[derive(Debug)]
pub(super) struct Crew {
    args: Args,
    consumer: Consumer,
    terminal: bool,
    colour: bool,
    /// Jobs that may still be taken.
    tickets: AtomicU64,
    idle: Idle,
    /// No new jobs.
    stop: CancellationToken,
    /// What runs is killed.
    pub(super) kill: CancellationToken,
    /// Held while a body is printed, so that bodies do not mix.
    stdout: tokio::sync::Mutex<tokio::io::Stdout>,
    tally: Mutex<Tally>,
    fault: OnceLock<Failure>,
}

/// What became of jobs.
#[derive(Debug, Default)]
struct Tally {
    done: u64,
    failed: u64,
    buried: u64,
    deferred: u64,
    lost: u64,
}

impl Crew {
    pub(super) fn new(args: Args, context: &Context, consumer: Consumer) -> Self {
        Self {
            tickets: AtomicU64::new(args.count.unwrap_or(u64::MAX)),
            idle: Idle::new(args.idle),
            args,
            consumer,
            terminal: context.stdout_terminal,
            colour: context.stderr_colour,
            stop: context.stop.soon.child_token(),
            kill: CancellationToken::new(),
            stdout: tokio::sync::Mutex::new(tokio::io::stdout()),
            tally: Mutex::default(),
            fault: OnceLock::new(),
        }
    }

    /// Takes jobs until there is a reason not to.
    pub(super) async fn work(self: std::sync::Arc<Self>) {
        while self.take_ticket() {
            let job = tokio::select! {
                biased;
                () = self.stop.cancelled() => return,
                job = self.consumer.next_job() => job,
                () = self.idle.too_long() => return self.stop.cancel(),
            };
            self.idle.job_came();
            match job {
                Ok(job) if self.args.command.is_empty() => self.print(job).await,
                Ok(job) => self.run(job).await,
                Err(error) => return self.end(error.into()),
            }
        }
    }

    fn take_ticket(&self) -> bool {
        let less = |tickets: u64| tickets.checked_sub(1);
        self.tickets.try_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok()
    }

    /// Stops everybody because of a fault that is not a job's.
    fn end(&self, failure: Failure) {
        let _ = self.fault.set(failure);
        self.stop.cancel();
    }

    /// The fault that stopped everybody, if there was one.
    pub(super) fn fault(&self) -> Option<Failure> {
        self.fault.get().cloned()
    }

    /// Prints a body, and only then deletes its job.
    async fn print(&self, job: Job) {
        let end = if self.args.null { b'\0' } else { b'\n' };
        let mut body = match self.terminal {
            true => text::lines(job.body()).into_bytes(),
            false => job.body().to_vec(),
        };
        body.push(end);
        let printed = async {
            let mut stdout = self.stdout.lock().await;
            stdout.write_all(&body).await?;
            stdout.flush().await
        };
        let printed = tokio::select! {
            printed = printed => printed,
            () = self.kill.cancelled() => return job.give_back(),
        };
        match printed {
            Ok(()) => self.finished(job.id(), job.delete().await, |tally| tally.done += 1),
            Err(error) => {
                job.give_back();
                self.end(error.into());
            }
        }
    }

    /// Runs the command, whose exit code decides.
    async fn run(&self, job: Job) {
        let id = job.id();
        let stats = match job.stats().await {
            Ok(stats) => stats,
            Err(error) => return self.finished(id, Err(error), |_| {}),
        };
        let verdict = tokio::select! {
            biased;
            () = self.kill.cancelled() => return job.give_back(),
            () = job.lost() => {
                self.warn(&format!("job {id}: its reservation was lost; its command was killed"));
                return self.count(|tally| tally.lost += 1);
            }
            verdict = child::run(&self.args.command, &job, &stats) => verdict,
        };
        match verdict {
            Ok(Verdict::Delete) => {
                self.finished(id, job.delete().await, |tally| tally.done += 1);
            }
            Ok(Verdict::Bury) => {
                self.warn(&format!("job {id}: the command wants it buried"));
                self.finished(id, job.bury().await, |tally| tally.buried += 1);
            }
            Ok(Verdict::Defer) => {
                let released = job.release_with(None, self.args.retry_delay).await;
                self.finished(id, released, |tally| tally.deferred += 1);
            }
            Ok(Verdict::Fail(why)) => {
                self.warn(&format!("job {id}: the command ended with {why}"));
                self.finished(id, job.fail().await, |tally| tally.failed += 1);
            }
            Err(error) => {
                job.give_back();
                let command = self.args.command.first().map(|command| command.to_string_lossy());
                let message = format!("cannot run {}: {error}", command.unwrap_or_default());
                self.end(match error.kind() {
                    io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied => {
                        Failure::usage(message)
                    }
                    _ => Failure::refused(message),
                });
            }
        }
    }

    fn finished(&self, id: beanwire::JobId, result: Result<(), Error>, count: fn(&mut Tally)) {
        match result {
            Ok(()) => self.count(count),
            Err(error) => {
                let why = match error.kind() {
                    ErrorKind::NotFound | ErrorKind::JobLost => {
                        "its reservation was gone, so it may be done again; see --auto-touch".into()
                    }
                    _ => error.to_string(),
                };
                self.warn(&format!("job {id}: {why}"));
                self.count(|tally| tally.lost += 1);
            }
        }
    }

    fn count(&self, count: fn(&mut Tally)) {
        count(&mut self.tally.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
    }

    fn warn(&self, message: &str) {
        warn(message, self.colour);
    }

    /// Tells what became of the jobs.
    pub(super) fn summary(&self) {
        let tally = self.tally.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let Tally { done, failed, buried, deferred, lost } = &*tally;
        note(&format!(
            "{done} done, {failed} failed, {buried} buried, {deferred} deferred, {lost} lost"
        ));
    }
}
