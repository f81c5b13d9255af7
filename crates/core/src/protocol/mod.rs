//! The wire protocol: commands out, replies in, and which reply may answer which command.

mod command;
mod decoder;
mod reply;
mod verdict;

pub use command::Command;
pub use decoder::{DecodeError, Decoder};
pub use reply::Reply;

/// Longest command or reply line in bytes, line end included (protocol, section "Overview";
/// `beanstalkd` 1.11 and later).
pub const MAX_LINE: usize = 224;

/// Largest `max-job-size` a server can be started with: 1 GiB.
pub const MAX_BODY: usize = 1 << 30;
