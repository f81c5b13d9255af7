//! Encrypted connections. Only the connection's own task writes to them.

use std::io;
use std::sync::Arc;

use beanwire_core::engine::Server;
use beanwire_core::error::Error;
use beanwire_core::tls::broken;
use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use super::Driver;
use super::plain::{make_room, others_first};
use super::wire::Wire;

/// Carries bytes until the connection ends; an error says why, if it was not the peer's wish.
pub(super) async fn serve(
    driver: &Arc<Driver>,
    wire: &Wire,
    stream: TlsStream<TcpStream>,
    server: &Server,
) -> Result<(), Error> {
    let (reader, writer) = tokio::io::split(stream);
    driver.drive(|inner, now| inner.engine.handle_connected(now, wire.link()));
    let reading = read(driver, wire, reader);
    tokio::pin!(reading);
    let outcome = tokio::select! {
        outcome = &mut reading => outcome,
        error = write(driver, wire, writer) => {
            // What the server had answered by then is still worth reading.
            let _ = reading.await;
            Err(error)
        }
    };
    outcome.map_err(|error| broken(server, error))
}

async fn read(
    driver: &Arc<Driver>,
    wire: &Wire,
    mut reader: ReadHalf<TlsStream<TcpStream>>,
) -> io::Result<()> {
    let mut input = BytesMut::new();
    loop {
        make_room(&mut input);
        match reader.read_buf(&mut input).await {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            // Many servers leave without the closing words of TLS; every reply frames itself.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
            Err(error) => return Err(error),
        }
        driver.drive_and_yield(|inner, now| inner.engine.handle_data(now, wire.link(), &mut input));
    }
}

/// Ends only when nothing more can be written.
async fn write(
    driver: &Driver,
    wire: &Wire,
    mut writer: WriteHalf<TlsStream<TcpStream>>,
) -> io::Error {
    loop {
        wire.kicked().await;
        others_first().await;
        if let Err(error) = write_all(driver, wire, &mut writer).await {
            return error;
        }
    }
}

async fn write_all(
    driver: &Driver,
    wire: &Wire,
    writer: &mut WriteHalf<TlsStream<TcpStream>>,
) -> io::Result<()> {
    while let Some(piece) = {
        let mut out = wire.out();
        if out.refill(driver, wire.link()) { out.next_piece() } else { None }
    } {
        // Before an error, some of the piece may have left: how much is not told.
        let result = writer.write(&piece).await;
        let written = *result.as_ref().unwrap_or(&piece.len());
        wire.out().advance(written);
        result?;
        if written < piece.len() {
            driver.progress(wire.link());
        }
    }
    writer.flush().await?;
    if wire.is_ending() {
        writer.shutdown().await?;
    }
    Ok(())
}
