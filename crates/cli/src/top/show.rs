//! Numbers, spans and bodies as short texts.

use std::time::Duration;

use indicatif::HumanCount;
use ratatui::text::Span;

use crate::text;

/// The eighths of a cell.
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// A number in at most nine cells, as long as anybody could have counted that far.
pub(crate) fn count(number: u64) -> String {
    const MILLION: u64 = 1_000_000;
    match number {
        0..10_000_000 => HumanCount(number).to_string(),
        10_000_000..10_000_000_000 => format!("{}M", HumanCount(number / MILLION)),
        10_000_000_000..10_000_000_000_000 => format!("{}G", HumanCount(number / (1000 * MILLION))),
        _ => format!("{}T", HumanCount(number / (MILLION * MILLION))),
    }
}

/// A rate per second; unknown ones are a dash.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rate is never below zero, and a cast does not go beyond the largest number"
)]
pub(crate) fn rate(rate: Option<f64>) -> String {
    match rate {
        None => "-".into(),
        Some(rate) if rate < 99.95 => format!("{rate:.1}"),
        Some(rate) => count(rate.round() as u64),
    }
}

/// A span in its two largest units.
pub(crate) fn span(span: Duration) -> String {
    let seconds = span.as_secs();
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86400);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds}s"),
        (0, 0, _) => format!("{minutes}m {:02}s", seconds % 60),
        (0, _, _) => format!("{hours}h {:02}m", minutes % 60),
        _ => format!("{days}d {:02}h", hours % 24),
    }
}

/// Points as bars, at most `width` of them. The largest is a full cell; what is not known is blank.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share of the largest, times seven"
)]
pub(crate) fn spark(points: impl Iterator<Item = Option<f64>>, width: usize) -> String {
    let points: Vec<_> = points.collect();
    let points = points.get(points.len().saturating_sub(width)..).unwrap_or_default();
    let largest = points.iter().flatten().copied().fold(0.0, f64::max);
    let bar = |point: &Option<f64>| match point {
        None => ' ',
        Some(rate) if *rate <= 0.0 => BARS[0],
        Some(rate) => {
            let step = (rate / largest * 7.0).ceil() as usize;
            BARS.get(step).copied().unwrap_or('█')
        }
    };
    points.iter().map(bar).collect()
}

/// Bytes of others as lines of at most so many cells.
pub(crate) fn body(bytes: &[u8], width: usize) -> Vec<String> {
    // A tab is as wide as the terminal likes, and so does not stay.
    wrapped(&text::lines(bytes).replace('\t', "    "), width)
}

/// A text cut into lines of at most so many cells.
pub(crate) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for source in text.lines() {
        let (mut line, mut used) = (String::new(), 0);
        for letter in source.chars() {
            let cells = Span::raw(&*letter.encode_utf8(&mut [0; 4])).width();
            if used > 0 && used + cells > width {
                lines.push(std::mem::take(&mut line));
                used = 0;
            }
            line.push(letter);
            used += cells;
        }
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_does_nothing_to_the_terminal() {
        assert_eq!(body(b"a\tb\n\x1b[31mc\xff", 40), ["a    b", r"\u{1b}[31mc\xff"]);
    }

    #[test]
    fn lines_are_cut_by_cells() {
        assert_eq!(wrapped("abcdef\n\ngh", 4), ["abcd", "ef", "", "gh"]);
        assert_eq!(wrapped("日本語", 4), ["日本", "語"]);
        assert_eq!(wrapped("日", 1), ["日"]);
        assert_eq!(wrapped("ab", 0), ["a", "b"]);
    }

    #[test]
    fn numbers_stay_short() {
        let shown = |number| count(number);
        assert_eq!(shown(0), "0");
        assert_eq!(shown(999), "999");
        assert_eq!(shown(1000), "1,000");
        assert_eq!(shown(9_999_999), "9,999,999");
        assert_eq!(shown(10_000_000), "10M");
        assert_eq!(shown(12_345_678_901), "12G");
        assert_eq!(shown(u64::MAX), "18,446,744T");
    }

    #[test]
    fn rates_have_a_decimal_where_it_matters() {
        let shown =
            [None, Some(0.0), Some(0.25), Some(99.9), Some(99.99), Some(12_345.6)].map(rate);
        assert_eq!(shown, ["-", "0.0", "0.2", "99.9", "100", "12,346"]);
    }

    #[test]
    fn spans_have_two_units() {
        let shown = [0, 59, 60, 3599, 3600, 86_399, 86_400, 9_999_999];
        let shown = shown.map(|seconds| span(Duration::from_secs(seconds)));
        let expected =
            ["0s", "59s", "1m 00s", "59m 59s", "1h 00m", "23h 59m", "1d 00h", "115d 17h"];
        assert_eq!(shown, expected);
    }

    #[test]
    fn bars_are_shares_of_the_largest() {
        let points = [Some(0.0), Some(0.1), Some(50.0), None, Some(100.0)];
        assert_eq!(spark(points.into_iter(), 9), "▁▂▅ █");
        assert_eq!(spark(points.into_iter(), 2), " █");
        assert_eq!(spark([Some(0.0); 3].into_iter(), 9), "▁▁▁");
        assert_eq!(spark(std::iter::empty(), 9), "");
    }
}
