//! Figures as people read them.

use crate::results::Quantity;
use crate::stats::Spread;

impl Quantity {
    /// The figure with its unit.
    pub(crate) fn shown(self, figure: f64) -> String {
        match self {
            Self::Rate => format!("{}/s", grouped(figure)),
            Self::Cpu => format!("{:.2} µs", figure * 1e6),
            Self::Memory => format!("{} MiB", mebibytes(figure)),
            Self::Latency(_) => time(figure),
            Self::Ready => format!("{:.0} ms", figure * 1e3),
            Self::Reserves => format!("{figure:.0}"),
            Self::Share => format!("{:.3} %", figure * 1e2),
        }
    }

    /// The figure and its range, with their unit; less of that if there is but one figure.
    pub(crate) fn spread(self, spread: Spread) -> String {
        let median = self.shown(spread.median);
        let [min, max] = [spread.min, spread.max].map(|figure| self.shown(figure));
        match min == max {
            true => median,
            false => format!("{median} ({min} – {max})"),
        }
    }
}

/// A whole number with its thousands set apart.
pub(crate) fn grouped(figure: f64) -> String {
    let digits = format!("{figure:.0}");
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Seconds, in a unit that suits them.
pub(crate) fn time(seconds: f64) -> String {
    match seconds {
        ..0.001 => format!("{:.0} µs", seconds * 1e6),
        ..0.1 => format!("{:.2} ms", seconds * 1e3),
        _ => format!("{} ms", grouped(seconds * 1e3)),
    }
}

/// Bytes in mebibytes, without their unit.
pub(crate) fn mebibytes(bytes: f64) -> String {
    format!("{:.1}", bytes / f64::from(1 << 20))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        let shown = [0.0, 999.4, 1_000.0, 123_456.7, 1_234_567.0].map(grouped);
        assert_eq!(shown, ["0", "999", "1,000", "123,457", "1,234,567"]);
    }

    #[test]
    fn times_have_a_unit_that_suits_them() {
        assert_eq!([0.000_05, 0.0123, 1.25].map(time), ["50 µs", "12.30 ms", "1,250 ms"]);
    }

    #[test]
    fn a_range_is_told_where_there_is_one() {
        let spread = Spread { median: 2e-6, min: 1e-6, max: 3.5e-6 };
        assert_eq!(Quantity::Cpu.spread(spread), "2.00 µs (1.00 µs – 3.50 µs)");
        let spread = Spread { median: 2e3, min: 2e3, max: 2e3 };
        assert_eq!(Quantity::Rate.spread(spread), "2,000/s");
    }
}
