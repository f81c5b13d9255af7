//! Replies read the same however the network splits them, and nothing is allocated beyond what
//! was fed.

#![no_main]

use beanwire_core::protocol::{DecodeError, Decoder, Reply};
use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;

/// Small enough that a length above it is soon found, and larger than the bodies that are copied.
const MAX_BODY: usize = 4096;

/// The first byte of a file decides on the sizes of the pieces, the rest is what is fed.
#[derive(Debug, arbitrary::Arbitrary)]
struct Input<'a> {
    seed: u8,
    bytes: &'a [u8],
}

/// The replies, then what is left or why it cannot be read.
type Decoded = (Vec<Reply>, Result<BytesMut, DecodeError>);

fn decode<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Decoded {
    let (mut decoder, mut buffer, mut replies) =
        (Decoder::new(MAX_BODY), BytesMut::new(), Vec::new());
    for piece in pieces {
        buffer.extend_from_slice(piece);
        let capacity = buffer.capacity();
        loop {
            match decoder.decode(&mut buffer) {
                Ok(Some(reply)) => replies.push(reply),
                Ok(None) => break,
                Err(error) => {
                    assert_eq!(decoder.decode(&mut buffer), Err(error.clone()));
                    return (replies, Err(error));
                }
            }
        }
        assert!(buffer.capacity() <= capacity, "the decoder made the buffer grow");
    }
    (replies, Ok(buffer))
}

/// Cuts `bytes` into pieces of 1 to 64 bytes; `seed` decides on the sizes.
fn pieces(seed: u8, mut bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut state = seed;
    std::iter::from_fn(move || {
        // A generator that goes through all 256 states.
        state = state.wrapping_mul(5).wrapping_add(3);
        let size = bytes.len().min(usize::from(state / 4) + 1);
        let (piece, rest) = bytes.split_at_checked(size)?;
        bytes = rest;
        (!piece.is_empty()).then_some(piece)
    })
}

fuzz_target!(|input: Input| {
    let whole = decode(std::iter::once(input.bytes));
    let split = decode(pieces(input.seed, input.bytes));
    assert_eq!(split, whole);
    let single = decode(input.bytes.chunks(1));
    assert_eq!(single, whole);
});
