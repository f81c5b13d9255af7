//! Runs the plugin with a server that it may reach, and shows what it may not.

use std::net::SocketAddr;
use std::path::Path;

use plugin_host::Plugin;
use wasmtime::{Result, error::bail};

#[tokio::main]
async fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [file, server, images @ ..] = args.as_slice() else {
        bail!("usage: plugin-host PLUGIN.WASM ADDRESS:PORT [IMAGE...]");
    };
    let granted: SocketAddr = server.parse()?;
    let plugin = Plugin::load(Path::new(file))?;

    match plugin.run(granted, server, images).await? {
        Ok(summary) => println!("{server}: {summary:?}"),
        Err(error) => println!("{server}: {error}"),
    }
    // The plugin may ask for any other server, and gets to none.
    let port = granted.port();
    for other in [format!("192.0.2.1:{port}"), format!("localhost:{port}")] {
        match plugin.run(granted, &other, images).await? {
            Ok(_) => bail!("the plugin has reached {other}"),
            Err(error) => println!("{other}: {error}"),
        }
    }
    Ok(())
}
