//! The built program on a terminal of its own, whose screen can be looked at.

use std::io::{Read as _, Write as _};
use std::num::NonZeroU16;
use std::process::Child;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use beanwire_tests::wait_until;
use pty_process::Size;
use pty_process::blocking::{Command, Pty, open};
use rustix::process::{Pid, Signal, kill_process};

/// A program on a terminal. It ends when dropped.
pub(crate) struct Terminal {
    pty: Arc<Pty>,
    parser: Arc<Mutex<vt100::Parser>>,
    child: Child,
    reader: Option<JoinHandle<()>>,
}

impl Terminal {
    /// Starts the program on a terminal of so many columns and rows.
    pub(crate) fn start(args: &[&str], columns: u16, rows: u16) -> Self {
        Self::start_with(args, columns, rows, &[])
    }

    /// The same with variables in its environment.
    pub(crate) fn start_with(args: &[&str], columns: u16, rows: u16, env: &[(&str, &str)]) -> Self {
        let (pty, pts) = open().unwrap();
        pty.resize(Size::new(rows, columns)).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_beanwire")).args(args);
        command = command.env("TERM", "xterm-256color");
        for name in ["BEANWIRE_URI", "NO_COLOR"] {
            command = command.env_remove(name);
        }
        for (name, value) in env {
            command = command.env(name, value);
        }
        let child = command.spawn(pts).unwrap();
        let (pty, parser) =
            (Arc::new(pty), Arc::new(Mutex::new(vt100::Parser::new(size(rows), size(columns), 0))));
        let (from, into) = (Arc::clone(&pty), Arc::clone(&parser));
        let reader = thread::spawn(move || {
            let mut bytes = [0; 4096];
            // The other side is gone at an error as well as at an end.
            while let Ok(count @ 1..) = (&*from).read(&mut bytes) {
                into.lock().unwrap().process(&bytes[..count]);
            }
        });
        Self { pty, parser, child, reader: Some(reader) }
    }

    /// What is on the screen, a line each, without spaces at the ends of lines.
    pub(crate) fn screen(&self) -> String {
        self.parser.lock().unwrap().screen().contents()
    }

    /// Waits until the screen is as it should be, and gives it.
    pub(crate) fn wait(&self, what: &str, mut condition: impl FnMut(&str) -> bool) -> String {
        let mut screen = String::new();
        let found = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            wait_until(what, || {
                screen = self.screen();
                condition(&screen)
            });
        }));
        assert!(found.is_ok(), "{what}; the screen is\n{screen}");
        screen
    }

    /// Waits until the screen has this text, and gives it.
    pub(crate) fn wait_for(&self, text: &str) -> String {
        self.wait(text, |screen| screen.contains(text))
    }

    pub(crate) fn press(&self, keys: &str) {
        (&*self.pty).write_all(keys.as_bytes()).unwrap();
    }

    pub(crate) fn resize(&self, columns: u16, rows: u16) {
        self.parser.lock().unwrap().set_size(size(rows), size(columns));
        self.pty.resize(Size::new(rows, columns)).unwrap();
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Waits for the end of the program, and tells its exit code.
    pub(crate) fn end(&mut self) -> Option<i32> {
        wait_until("the program ends", || self.child.try_wait().unwrap().is_some());
        self.reader.take().unwrap().join().unwrap();
        self.child.wait().unwrap().code()
    }

    /// Whether the terminal is as it was before: its first screen, and a cursor.
    pub(crate) fn is_restored(&self) -> bool {
        let parser = self.parser.lock().unwrap();
        !parser.screen().alternate_screen() && !parser.screen().hide_cursor()
    }

    /// Whether anything on the screen has a colour.
    pub(crate) fn has_colour(&self) -> bool {
        let parser = self.parser.lock().unwrap();
        let (rows, columns) = parser.screen().size();
        let cells =
            (0..rows.get()).flat_map(|row| (0..columns.get()).map(move |column| (row, column)));
        let coloured = |(row, column)| {
            let cell = parser.screen().cell(row, column)?;
            Some(cell.fgcolor() != vt100::Color::Default || cell.bgcolor() != vt100::Color::Default)
        };
        cells.into_iter().any(|at| coloured(at) == Some(true))
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn size(cells: u16) -> NonZeroU16 {
    NonZeroU16::new(cells).unwrap()
}
