//! A beanstalkd in memory, for tests, demos and a first try: nothing needs to be installed.
//!
//! It speaks the protocol of beanstalkd 1.12 to the byte, with all commands, limits, orders and
//! times, and can be told to fail in the ways that a client must survive.
//!
//! **It is not for production.** Nothing is stored: all jobs are gone when it ends. Use
//! [beanstalkd](https://beanstalkd.github.io) there.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> std::io::Result<()> {
//! use beanwire_server::Server;
//!
//! let server = Server::start().await?;
//! println!("clients connect to {}", server.uri());
//! server.stop().await;
//! # Ok(())
//! # }
//! ```
//!
//! # Time
//! A test need not wait for a delay or a TTR: [`Server::advance`] pushes the server's clock forward,
//! [`Server::freeze`] stops it.
//!
//! # Faults
//! [`Server::refuse_connections`], [`Server::cut_after_received`], [`Server::cut_after_sent`],
//! [`Server::delay_replies`], [`Server::drain`], [`Server::set_shortage`].
//!
//! # Without sockets
//! The [`machine`] is the server alone: bytes and time in, bytes out.

mod clock;
mod faults;
mod hub;
mod listen;
pub mod machine;
mod serve;
mod server;
#[cfg(feature = "tls")]
mod tls;

pub use machine::Shortage;
pub use server::{Builder, Server};
