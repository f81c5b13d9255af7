//! What goes wrong when a test asks for it.

use std::time::Duration;

/// Which bytes count before a connection is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    Received,
    Sent,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Cut {
    direction: Direction,
    after: u64,
    /// Which order to cut this is; connections count from when it was given.
    number: u64,
}

/// The orders in force.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    pub(crate) refuse: bool,
    pub(crate) delay: Duration,
    cut: Option<Cut>,
    cuts: u64,
}

impl Faults {
    pub(crate) fn cut_after(&mut self, direction: Direction, after: u64) {
        self.cuts += 1;
        self.cut = Some(Cut { direction, after, number: self.cuts });
    }

    pub(crate) fn clear(&mut self) {
        *self = Self { cuts: self.cuts, ..Self::default() };
    }
}

/// What one connection has carried since the order to cut that it knows of.
#[derive(Debug, Default)]
pub(crate) struct Carried {
    number: u64,
    bytes: u64,
}

impl Carried {
    /// How many of these `bytes` may pass before the connection is cut; none if all may.
    ///
    /// The connection that reaches the limit uses the order up.
    pub(crate) fn pass(
        &mut self,
        faults: &mut Faults,
        direction: Direction,
        bytes: usize,
    ) -> Option<usize> {
        let cut = faults.cut.filter(|cut| cut.direction == direction)?;
        if self.number != cut.number {
            *self = Self { number: cut.number, bytes: 0 };
        }
        let left = cut.after - self.bytes;
        self.bytes += bytes as u64;
        // The last byte that may pass is followed by the cut, not by a wait for the next one.
        if self.bytes < cut.after {
            return None;
        }
        faults.cut = None;
        Some(usize::try_from(left).unwrap_or(usize::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_connection_is_cut_and_counts_from_the_order() {
        let mut faults = Faults::default();
        let (mut first, mut second) = (Carried::default(), Carried::default());
        assert_eq!(first.pass(&mut faults, Direction::Sent, 100), None);
        faults.cut_after(Direction::Sent, 10);
        assert_eq!(first.pass(&mut faults, Direction::Received, 100), None);
        assert_eq!(first.pass(&mut faults, Direction::Sent, 6), None);
        assert_eq!(second.pass(&mut faults, Direction::Sent, 6), None);
        assert_eq!(first.pass(&mut faults, Direction::Sent, 6), Some(4));
        assert_eq!(second.pass(&mut faults, Direction::Sent, 6), None);
    }

    #[test]
    fn zero_bytes_cut_what_comes_next() {
        let mut faults = Faults::default();
        faults.cut_after(Direction::Received, 0);
        let mut carried = Carried::default();
        assert_eq!(carried.pass(&mut faults, Direction::Received, 3), Some(0));
    }

    #[test]
    fn a_cleared_order_cuts_nobody() {
        let mut faults = Faults::default();
        faults.cut_after(Direction::Sent, 1);
        faults.clear();
        assert_eq!(Carried::default().pass(&mut faults, Direction::Sent, 9), None);
    }
}
