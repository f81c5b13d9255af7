//! A `beanstalkd` for the time of the demo.

use std::io::{self, ErrorKind};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tokio::net::TcpStream;

/// How often it is looked whether the server is up, and how long to wait between.
const LOOKS: u32 = 500;
const GLANCE: Duration = Duration::from_millis(10);

#[derive(Debug)]
pub(crate) struct Server {
    process: Child,
    port: u16,
}

impl Server {
    pub(crate) async fn start() -> Result<Self, String> {
        let port = free_port().map_err(|error| format!("no free loopback port: {error}"))?;
        let mut command = Command::new("beanstalkd");
        command.args(["-l", "127.0.0.1", "-p", &port.to_string()]).stdin(Stdio::null());
        // Ctrl-C in a terminal goes to a whole process group; the server is to outlive the drain.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let process = command.spawn().map_err(|error| match error.kind() {
            ErrorKind::NotFound => "beanstalkd is missing: apt-get install beanstalkd".to_owned(),
            _ => format!("beanstalkd: {error}"),
        })?;
        let mut server = Self { process, port };
        for _ in 0..LOOKS {
            if TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
                return Ok(server);
            }
            if let Ok(Some(status)) = server.process.try_wait() {
                return Err(format!("beanstalkd ended at once: {status}"));
            }
            tokio::time::sleep(GLANCE).await;
        }
        Err("beanstalkd does not answer".to_owned())
    }

    pub(crate) fn uri(&self) -> String {
        format!("beanstalk://127.0.0.1:{}", self.port)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Nothing can be done about a server that is gone already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}
