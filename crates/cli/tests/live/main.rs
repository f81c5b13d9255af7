//! The commands that go on until they are stopped, or show how far they are: `top`, `serve`, `bench`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed preparation is a failed test and should say so on the spot"
)]

mod bench;
mod serve;
mod terminal;
mod top;

use std::process::{Child, Command};

use beanwire_tests::wait_until;
use rustix::process::{Pid, Signal, kill_process};

/// The built program.
fn beanwire(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_beanwire"));
    command.args(args).env_remove("BEANWIRE_URI");
    command
}

/// Runs the program: its exit code, and what it says on standard output and standard error.
fn output(args: &[&str]) -> (Option<i32>, String, String) {
    let output = beanwire(args).output().unwrap();
    let [stdout, stderr] =
        [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    (output.status.code(), stdout, stderr)
}

/// A running program that is ended when dropped.
struct Running(Child);

impl Running {
    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.0), signal).unwrap();
    }

    /// Waits for its end, and tells its exit code.
    fn end(&mut self) -> Option<i32> {
        wait_until("the program ends", || self.0.try_wait().unwrap().is_some());
        self.0.wait().unwrap().code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
