//! One job per line, many at a time.

use beanwire::{Error, InsertedJob, NewJob};
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncRead, BufReader};

use super::{Sink, json, too_big, unreadable};
use crate::failure::Failure;

/// How much longer than the largest body a line of JSON may be: escapes, base64 and options.
const JSON_FACTOR: usize = 6;
const JSON_EXTRA: usize = 64 * 1024;

/// Most lines put at once. Their number and the size of the reader's buffer bound the memory.
const BATCH: usize = 1000;

/// Puts what the reader brings: as many lines at once as are there, without waiting for more.
///
/// At the first line that cannot be put, nothing behind it is put, but all before it.
pub(super) async fn put(
    sink: &Sink<'_>,
    input: BufReader<impl AsyncRead + Unpin>,
    limit: usize,
) -> Result<(), Failure> {
    let longest = match sink.args.json_lines {
        true => limit.saturating_mul(JSON_FACTOR).saturating_add(JSON_EXTRA),
        false => limit,
    };
    let mut lines = Lines { input, number: 0, longest };
    let mut done = 0;
    loop {
        let (jobs, failure) = tokio::select! {
            biased;
            () = sink.context.stop.soon.cancelled() => return Err(sink.context.stop.failure()),
            batch = batch(sink, &mut lines, limit) => batch,
        };
        if jobs.is_empty() && failure.is_none() {
            return Ok(());
        }
        let (numbers, jobs): (Vec<_>, Vec<_>) = jobs.into_iter().unzip();
        let results = sink.producer.put_many(jobs).await;
        done += results.iter().flatten().count() as u64;
        sink.tell(&results)?;
        refused(sink, &numbers, results).map_err(|failure| failure.after(done))?;
        if let Some(failure) = failure {
            return Err(failure.after(done));
        }
    }
}

/// The next jobs with the numbers of their lines, and what is wrong with the line behind them.
async fn batch<R: AsyncRead + Unpin>(
    sink: &Sink<'_>,
    lines: &mut Lines<BufReader<R>>,
    limit: usize,
) -> (Vec<(u64, NewJob)>, Option<Failure>) {
    let mut jobs = Vec::new();
    while jobs.is_empty() || (jobs.len() < BATCH && lines.input.buffer().contains(&b'\n')) {
        let line = match lines.next().await {
            Ok(Some(line)) => line,
            Ok(None) => break,
            Err(failure) => return (jobs, Some(failure.about(lines.place()))),
        };
        let job = match sink.args.json_lines {
            true if line.trim_ascii().is_empty() => continue,
            true => json::job(&line, sink.args),
            false => sink.args.job(line).map_err(|error| error.to_string()),
        };
        match job {
            Ok(job) if job.body.len() > limit => {
                return (jobs, Some(too_big("the body", limit).about(lines.place())));
            }
            Ok(job) => jobs.push((lines.number, job)),
            Err(error) => return (jobs, Some(Failure::refused(error).about(lines.place()))),
        }
    }
    (jobs, None)
}

/// The failure of the first line that was not put. Others were under way with it: if some behind it
/// were put, the ones that were not are named.
fn refused(
    sink: &Sink<'_>,
    numbers: &[u64],
    results: Vec<Result<InsertedJob, Error>>,
) -> Result<(), Failure> {
    let put: Vec<_> = results.iter().map(Result::is_ok).collect();
    let Some(first) = put.iter().position(|put| !put) else { return Ok(()) };
    if put.iter().skip(first).any(|put| *put) {
        let missing = numbers.iter().zip(&put).filter(|(_, put)| !**put);
        let missing: Vec<_> = missing.map(|(number, _)| number.to_string()).collect();
        let last = numbers.last().copied().unwrap_or_default();
        sink.context.warn(&format!(
            "up to line {last} all lines were put but these: {}",
            missing.join(" ")
        ));
    }
    let failed = numbers.iter().zip(results).find_map(|(number, result)| {
        Some(Failure::from(result.err()?).about(format!("line {number}")))
    });
    failed.map_or(Ok(()), Err)
}

struct Lines<R> {
    input: R,
    number: u64,
    longest: usize,
}

impl<R: AsyncBufRead + Unpin> Lines<R> {
    /// The next line without its line end; none at the end of the input.
    async fn next(&mut self) -> Result<Option<Vec<u8>>, Failure> {
        let mut line = Vec::new();
        self.number += 1;
        loop {
            let piece = self.input.fill_buf().await.map_err(unreadable)?;
            if piece.is_empty() {
                return Ok((!line.is_empty()).then_some(line));
            }
            let end = piece.iter().position(|byte| *byte == b'\n');
            let text = piece.get(..end.unwrap_or(piece.len())).unwrap_or_default();
            if line.len() + text.len() > self.longest {
                return Err(too_big("it", self.longest));
            }
            line.extend_from_slice(text);
            let used = text.len() + usize::from(end.is_some());
            self.input.consume(used);
            if end.is_some() {
                return Ok(Some(line));
            }
        }
    }

    fn place(&self) -> String {
        format!("line {}", self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn lines_are_cut_wherever_the_pieces_end() {
        for size in 1..10 {
            let input = BufReader::with_capacity(size, &b"one\n\nthree\r\nlast"[..]);
            let mut lines = Lines { input, number: 0, longest: 6 };
            for expected in [&b"one"[..], b"", b"three\r", b"last"] {
                assert_eq!(lines.next().await.unwrap().unwrap(), expected);
            }
            assert_eq!(lines.next().await.unwrap(), None);
        }
    }

    #[tokio::test]
    async fn a_line_without_end_does_not_fill_the_memory() {
        let input = BufReader::with_capacity(16, tokio::io::repeat(b'x'));
        let mut lines = Lines { input, number: 0, longest: 100 };
        let failure = lines.next().await.unwrap_err();
        assert!(format!("{failure:?}").contains("larger than 100 bytes"), "{failure:?}");
    }
}
