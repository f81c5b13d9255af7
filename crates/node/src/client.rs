//! The calls of JavaScript on one client.

use std::hint;
use std::time::{Duration, Instant};

use beanwire_core::engine::{Finish, Request, Success};
use beanwire_core::protocol::Command;
use beanwire_core::types::JobId;
use bytes::Bytes;
use napi::bindgen_prelude::{Array, BigInt, BufferSlice, Uint8ArraySlice, Unknown};
use napi::{Env, Result, Status};
use napi_derive::napi;

use crate::commands::{self, Arguments};
use crate::convert;
use crate::driver::{Driver, Wait};
use crate::fault;
use crate::memory::{Memory, write};
use crate::open;
use crate::record::{Completion, Records};
use crate::submit::{PutNumbers, no_job};
use crate::value::{Value, statistics};

/// In the header: there is no new alarm.
const NO_ALARM: u32 = u32::MAX;

/// The longest alarm, in ms: below what timers of JavaScript take.
const MAX_ALARM: u32 = 1 << 30;

/// One client. Operations are known by numbers of JavaScript's choice; a record of a later turn
/// tells how each has ended.
#[napi]
#[derive(Default)]
pub struct Client {
    driver: Option<Driver>,
}

#[napi]
impl Client {
    /// A client that is to be opened.
    #[napi(constructor)]
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Opens a producer (0), a consumer (1) or a connection (2), which dials nobody until the first
    /// ring. Gives what there is to know of it, or an error.
    #[napi(catch_unwind)]
    pub fn open<'env>(
        &mut self,
        env: &'env Env,
        role: u32,
        uris: Vec<String>,
        tubes: Vec<String>,
        config: String,
    ) -> Result<Unknown<'env>> {
        match open::open(role, &uris, &tubes, &config) {
            Ok((driver, told)) => {
                self.driver = Some(driver);
                told.to_js(env)
            }
            Err(error) => convert::error(&error).to_js(env),
        }
    }

    /// The error for a name that was looked up in vain, or, without a reason, for too long.
    #[napi]
    pub fn bad_name<'env>(
        &mut self,
        env: &'env Env,
        server: u32,
        reason: Option<String>,
    ) -> Result<Unknown<'env>> {
        convert::error(&open::bad_name(self.driver()?, server, reason)).to_js(env)
    }

    /// Keeps the name of a tube. Gives its number, or an error.
    #[napi]
    pub fn add_tube<'env>(&mut self, env: &'env Env, name: String) -> Result<Unknown<'env>> {
        match self.driver()?.add_tube(&name) {
            Ok(number) => Value::number(number).to_js(env),
            Err(error) => convert::error(&error).to_js(env),
        }
    }

    /// Forgets the names of all tubes.
    #[napi]
    pub fn forget_tubes(&mut self) -> Result<()> {
        self.driver().map(Driver::forget_tubes)
    }

    /// Starts what was submitted.
    #[napi(catch_unwind)]
    pub fn submit(&mut self, mut memory: BufferSlice<'_>, submitted: u32) -> Result<()> {
        let driver = self.driver()?;
        let memory = Memory::new(&mut memory).ok_or_else(|| bug("too little memory"))?;
        driver.submit(&memory, submitted);
        Ok(())
    }

    /// Takes the first `length` bytes of `input` for what came in on `link`, starts what was
    /// submitted, does what is due, and writes records of what is left to do. Their bodies go to
    /// `bodies`, what is to be sent to `wire`, and other payloads to `payloads`.
    ///
    /// The header tells the next alarm in ms, whether another turn is to follow at once, and for how
    /// many microseconds it is worthwhile to look away when all is sent.
    #[napi(catch_unwind)]
    #[allow(clippy::too_many_arguments, reason = "a call for each would cost more")]
    pub fn turn(
        &mut self,
        env: &Env,
        mut memory: BufferSlice<'_>,
        submitted: u32,
        mut bodies: BufferSlice<'_>,
        bodies_at: u32,
        mut wire: BufferSlice<'_>,
        payloads: Array<'_>,
        input: BufferSlice<'_>,
        link: u32,
        length: u32,
    ) -> Result<u32> {
        let driver = self.driver()?;
        let memory = Memory::new(&mut memory).ok_or_else(|| bug("too little memory"))?;
        driver.submit(&memory, submitted);
        if length > 0 {
            driver.receive(link as usize, input.get(..length as usize).unwrap_or_default());
        }
        let Memory { header, records, .. } = memory;
        let bodies = bodies.get_mut(bodies_at as usize..).unwrap_or_default();
        let mut records = Records::new(env, records, bodies, payloads);
        driver.turn(&mut records, &mut wire)?;
        let alarm = driver.new_alarm().map_or(NO_ALARM, |span| {
            // Rounded up: what rings too early rings again.
            u32::try_from(span.as_micros().div_ceil(1000)).unwrap_or(MAX_ALARM).min(MAX_ALARM)
        });
        let gather = driver.gather().map_or(0, |span| span.subsec_micros());
        write(header, 0, &[alarm, u32::from(records.is_more), gather, 0, 0, 0, 0, 0]);
        Ok(u32::try_from(records.written).unwrap_or(u32::MAX))
    }

    /// Looks away for so many microseconds, few enough for the event loop not to notice.
    #[napi]
    pub fn look_away(&self, micros: u32) {
        let (start, span) = (Instant::now(), Duration::from_micros(micros.into()));
        while start.elapsed() < span {
            hint::spin_loop();
        }
    }

    /// The time of an alarm has come; the first one starts the client.
    #[napi(catch_unwind)]
    pub fn ring(&mut self) -> Result<()> {
        self.driver().map(Driver::ring)
    }

    /// The socket of a connection is open.
    #[napi(catch_unwind)]
    pub fn connected(&mut self, link: u32) -> Result<()> {
        self.driver()?.connected(link as usize);
        Ok(())
    }

    /// The socket has not taken all that it was given: it is given nothing more until it is drained.
    #[napi]
    pub fn blocked(&mut self, link: u32) -> Result<()> {
        if let Some(link) = self.driver()?.links.get_mut(link as usize) {
            link.is_blocked = true;
        }
        Ok(())
    }

    /// The socket has taken the rest.
    #[napi(catch_unwind)]
    pub fn drained(&mut self, link: u32) -> Result<()> {
        self.driver()?.drained(link as usize);
        Ok(())
    }

    /// The socket has ended, by the peer's wish, or with a number of the system's and a message.
    #[napi(catch_unwind)]
    pub fn closed(&mut self, link: u32, number: i32, message: Option<String>) -> Result<()> {
        let driver = self.driver()?;
        let found = driver.links.get(link as usize);
        let error =
            found.zip(message).map(|(link, message)| link.error(fault::failure(number, message)));
        driver.closed(link as usize, error);
        Ok(())
    }

    /// Gives an operation up: there will be no record of it.
    #[napi(catch_unwind)]
    pub fn cancel(&mut self, number: u32) -> Result<()> {
        self.driver()?.cancel(number);
        Ok(())
    }

    /// Puts a job whose body is too long for the memory that both sides see.
    #[napi(catch_unwind)]
    #[allow(clippy::too_many_arguments, reason = "an object would cost more than the call")]
    pub fn put(
        &mut self,
        number: u32,
        tube: u32,
        body: Uint8ArraySlice<'_>,
        priority: u32,
        delay: u32,
        ttr: u32,
        timeout: u32,
    ) -> Result<()> {
        let numbers = PutNumbers { number, tube, priority, delay, ttr, timeout };
        self.driver()?.put(numbers, Bytes::copy_from_slice(&body));
        Ok(())
    }

    /// Deletes a job on the server with this place in the list.
    #[napi(catch_unwind)]
    pub fn delete_job(&mut self, number: u32, server: u32, id: BigInt) -> Result<()> {
        let driver = self.driver()?;
        let request = driver.server(server).and_then(|server| {
            let command = Command::Delete(JobId(convert::id(&id)?));
            Ok(Request::Command { server, command })
        });
        match request {
            Ok(request) => driver.start(number, request, None, Wait::Reply(commands::done)),
            Err(error) => driver.fail(number, error),
        }
        Ok(())
    }

    /// Runs a command on a connection.
    #[napi(catch_unwind)]
    pub fn command(
        &mut self,
        number: u32,
        name: String,
        tube: String,
        id: BigInt,
        first: f64,
        second: f64,
    ) -> Result<()> {
        let driver = self.driver()?;
        let found = convert::id(&id).and_then(|id| {
            let command = commands::command(&name, &Arguments { tube, id, first, second })?;
            Ok((driver.server(0)?, command))
        });
        match found {
            Ok((server, (command, read))) => {
                let request = Request::Command { server, command };
                driver.start(number, request, None, Wait::Reply(read));
            }
            Err(error) => driver.fail(number, error),
        }
        Ok(())
    }

    /// Waits until a connection is up, at most `timeout` milliseconds.
    #[napi(catch_unwind)]
    pub fn ready(&mut self, number: u32, timeout: f64) -> Result<()> {
        let driver = self.driver()?;
        let deadline = driver.now() + convert::millis(timeout);
        driver.start(number, Request::Ready, Some(deadline), Wait::Plain);
        Ok(())
    }

    /// Has a consumer let go of what it reserved ahead, unless somebody waits for a job.
    #[napi(catch_unwind)]
    pub fn pause(&mut self) -> Result<()> {
        let driver = self.driver()?;
        driver.engine.pause_if_unused(driver.now());
        Ok(())
    }

    /// Starts a job's TTR anew.
    #[napi(catch_unwind)]
    pub fn touch(&mut self, number: u32, job: u32) -> Result<()> {
        let driver = self.driver()?;
        match driver.jobs.get(job as usize) {
            Some(lease) => driver.start(
                number,
                Request::Touch(*lease),
                None,
                Wait::Reply(|_| Ok(Completion::Done)),
            ),
            None => driver.fail(number, no_job()),
        }
        Ok(())
    }

    /// Milliseconds until a job should be touched.
    #[napi(catch_unwind)]
    pub fn touch_after(&mut self, number: u32, job: u32) -> Result<()> {
        let driver = self.driver()?;
        let Some(&lease) = driver.jobs.get(job as usize) else {
            driver.fail(number, no_job());
            return Ok(());
        };
        match driver.touch_after(lease) {
            Some(span) => driver.end(number, span.into()),
            None => {
                let request = Request::JobStats(lease);
                driver.start(number, request, None, Wait::TouchAfter(lease));
            }
        }
        Ok(())
    }

    /// A job's statistics.
    #[napi(catch_unwind)]
    pub fn job_stats(&mut self, number: u32, job: u32) -> Result<()> {
        let driver = self.driver()?;
        match driver.jobs.get(job as usize) {
            Some(lease) => {
                let read = Wait::Reply(|won| match won {
                    Success::JobStats(stats) => Ok(statistics(&*stats).into()),
                    other => Err(commands::surprise(&other)),
                });
                driver.start(number, Request::JobStats(*lease), None, read);
            }
            None => driver.fail(number, no_job()),
        }
        Ok(())
    }

    /// Gives a job back unharmed, and forgets it.
    #[napi(catch_unwind)]
    pub fn give_back(&mut self, job: u32) -> Result<()> {
        let driver = self.driver()?;
        if let Some(lease) = driver.jobs.try_remove(job as usize) {
            driver.engine.give_back(driver.now(), lease);
        }
        Ok(())
    }

    /// Forgets a job, which counts as failed.
    #[napi(catch_unwind)]
    pub fn drop_job(&mut self, job: u32) -> Result<()> {
        let driver = self.driver()?;
        if let Some(lease) = driver.jobs.try_remove(job as usize) {
            let request = Request::Finish { lease, how: Finish::Fail };
            driver.engine.submit(driver.now(), request, None);
        }
        Ok(())
    }

    /// Closes the client, within `patience` milliseconds.
    #[napi(catch_unwind)]
    pub fn close(&mut self, patience: f64) -> Result<()> {
        let driver = self.driver()?;
        let now = driver.now();
        driver.engine.close(now, now + convert::millis(patience));
        Ok(())
    }

    /// Whether any connection is up.
    #[napi]
    pub fn is_connected(&self) -> bool {
        self.driver.as_ref().is_some_and(|driver| driver.engine.is_connected())
    }

    /// A snapshot of every server and connection.
    #[napi]
    pub fn health<'env>(&mut self, env: &'env Env) -> Result<Unknown<'env>> {
        let driver = self.driver()?;
        convert::health(&driver.engine.health(driver.now())).to_js(env)
    }

    /// The driver, with the clock's present time.
    fn driver(&mut self) -> Result<&mut Driver> {
        let driver = self.driver.as_mut().ok_or_else(|| bug("the client is not open"))?;
        driver.tick();
        Ok(driver)
    }
}

/// What only a mistake in the package itself can cause.
fn bug(what: &str) -> napi::Error {
    napi::Error::new(Status::InvalidArg, format!("beanwire: {what}"))
}
