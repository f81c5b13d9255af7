//! The memory that both sides see: a header, submissions, bodies of puts, records.

use napi_derive::napi;

/// Numbers of 32 bits in a submission or record.
#[napi]
pub const ENTRY_WORDS: u32 = 8;

/// Most submissions at once.
#[napi]
pub const SUBMISSIONS: u32 = 512;

/// Bytes for the bodies of puts that are submitted together.
#[napi]
pub const BODIES: u32 = 64 * 1024;

/// Most records of one turn.
#[napi]
pub const RECORDS: u32 = 1024;

const ENTRY: usize = ENTRY_WORDS as usize * size_of::<u32>();

/// One submission or record.
pub(crate) type Entry = [u32; ENTRY_WORDS as usize];

/// The parts of the memory.
#[derive(Debug)]
pub(crate) struct Memory<'a> {
    pub(crate) header: &'a mut [u8],
    pub(crate) submissions: &'a [u8],
    pub(crate) bodies: &'a [u8],
    pub(crate) records: &'a mut [u8],
}

impl<'a> Memory<'a> {
    /// None if there is too little of it.
    pub(crate) fn new(memory: &'a mut [u8]) -> Option<Self> {
        let (header, rest) = memory.split_at_mut_checked(ENTRY)?;
        let (submissions, rest) = rest.split_at_mut_checked(SUBMISSIONS as usize * ENTRY)?;
        let (records, rest) = rest.split_at_mut_checked(RECORDS as usize * ENTRY)?;
        let bodies = rest.get(..BODIES as usize)?;
        Some(Self { header, submissions, bodies, records })
    }
}

/// The entries of a part of the memory.
pub(crate) fn entries(part: &[u8]) -> impl Iterator<Item = Entry> {
    part.chunks_exact(ENTRY).map(|chunk| {
        let mut entry = Entry::default();
        for (word, bytes) in entry.iter_mut().zip(chunk.as_chunks().0) {
            *word = u32::from_ne_bytes(*bytes);
        }
        entry
    })
}

/// Writes an entry to its place; nowhere if there is none.
pub(crate) fn write(part: &mut [u8], at: usize, entry: &Entry) {
    let start = at * ENTRY;
    let place = part.get_mut(start..start + ENTRY).unwrap_or_default();
    for (bytes, word) in place.as_chunks_mut().0.iter_mut().zip(entry) {
        *bytes = word.to_ne_bytes();
    }
}
