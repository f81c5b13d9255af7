//! The terminal while the dashboard has it, and keys from it.

use std::io;

use ratatui::DefaultTerminal;
use ratatui::crossterm::event::EventStream;

/// The terminal in its other screen, without echo. It is as before once this is dropped; a panic does
/// the same before it is told.
pub(crate) struct Session {
    pub(crate) terminal: DefaultTerminal,
    pub(crate) events: EventStream,
    _restore: Restore,
}

struct Restore;

impl Drop for Restore {
    fn drop(&mut self) {
        // Where it cannot be restored, there is nobody to tell.
        let _ = ratatui::try_restore();
    }
}

impl Session {
    pub(crate) fn open() -> io::Result<Self> {
        // First: what is half done is undone as well.
        let restore = Restore;
        let terminal = ratatui::try_init()?;
        Ok(Self { terminal, events: EventStream::new(), _restore: restore })
    }
}
