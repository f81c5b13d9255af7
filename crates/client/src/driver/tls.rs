//! Encrypted connections. Only the connection's own task writes to them.

use std::io;
use std::sync::Arc;

use beanwire_core::engine::Server;
use beanwire_core::error::Error;
use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use super::plain::make_room;
use super::wire::Wire;
use super::{Driver, dial};

/// Carries bytes until the connection ends; an error says why, if it was not the peer's wish.
pub(super) async fn serve(
    driver: &Arc<Driver>,
    wire: &Wire,
    stream: TlsStream<TcpStream>,
    server: &Server,
) -> Result<(), Error> {
    let (reader, writer) = tokio::io::split(stream);
    driver.drive(|inner, now| inner.engine.handle_connected(now, wire.link()));
    let outcome = tokio::select! {
        outcome = read(driver, wire, reader) => outcome,
        outcome = write(driver, wire, writer) => outcome,
    };
    outcome.map_err(|error| dial::io_error(server, error))
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
        driver.drive(|inner, now| inner.engine.handle_data(now, wire.link(), &mut input));
    }
}

async fn write(
    driver: &Driver,
    wire: &Wire,
    mut writer: WriteHalf<TlsStream<TcpStream>>,
) -> io::Result<()> {
    loop {
        wire.kick.notified().await;
        while let Some(piece) = {
            let mut out = wire.out();
            if out.refill(driver, wire.link()) { out.next_piece() } else { None }
        } {
            let written = writer.write(&piece).await?;
            wire.out().advance(written);
            if written < piece.len() {
                driver.progress(wire.link());
            }
        }
        writer.flush().await?;
        if wire.is_ending() {
            writer.shutdown().await?;
        }
    }
}
