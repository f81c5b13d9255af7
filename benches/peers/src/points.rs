//! What is measured: settings, and the points at which each client gets those that suit it.

use std::collections::BTreeSet;
use std::fmt;

use crate::clients::{Client, Program, Way};

/// The size of a body unless sizes are compared.
pub(crate) const SIZE: usize = 100;

/// The commands under way unless they are compared.
pub(crate) const IN_FLIGHT: usize = 100;

/// The connections of clients that need several to be fast; more than that gain nothing.
const MANY: usize = 16;

pub(crate) const SIZES: [usize; 5] = [10, SIZE, 1_000, 16_000, 60_000];
pub(crate) const CONNECTIONS: [usize; 4] = [1, 4, 16, 64];
pub(crate) const IN_FLIGHTS: [usize; 4] = [1, 10, IN_FLIGHT, 1_000];

/// In flight in the comparison of clients for Node.js.
const NODE_IN_FLIGHT: usize = 200;

/// The settings of one measurement of puts or consuming.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Settings {
    pub size: usize,
    pub connections: usize,
    pub in_flight: usize,
}

impl Settings {
    pub(crate) const fn new(size: usize, connections: usize, in_flight: usize) -> Self {
        Self { size, connections, in_flight }
    }

    /// How many jobs: enough for a third of a second of a fast client, and the same for everybody.
    pub(crate) fn jobs(&self) -> usize {
        let jobs = match self.in_flight {
            1 => 4_000,
            2..=16 => 20_000,
            _ => 50_000,
        };
        let most = match self.size {
            ..1_000 => usize::MAX,
            1_000..16_000 => 40_000,
            16_000..60_000 => 10_000,
            60_000.. => 5_000,
        };
        jobs.min(most)
    }
}

impl fmt::Display for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} × {}", self.connections, self.in_flight)
    }
}

/// Where clients are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Point {
    /// Each call waits for its answer.
    Sequential,
    /// Bodies of that size, and the settings that are good for the client; [`BASE`] is one of them.
    Size(usize),
    /// So many connections, with ten commands under way on each if the client can.
    Connections(usize),
    /// So many commands under way on one connection.
    InFlight(usize),
    /// As many puts under way as a busy program in Node.js may have.
    Node,
}

/// Where everybody is compared first.
pub(crate) const BASE: Point = Point::Size(SIZE);

impl Point {
    /// The settings for clients of that way, if it can be compared here.
    pub(crate) fn settings(self, way: Way) -> Option<Settings> {
        let (size, connections, in_flight) = match (self, way) {
            (Self::Sequential | Self::InFlight(1), _) => (SIZE, 1, 1),
            (_, Way::Single) => return None,
            (Self::Size(size), Way::Pipelined) => (size, 1, IN_FLIGHT),
            (Self::Size(size), Way::Blocking) => (size, MANY, MANY),
            (Self::Size(size), Way::Pool) => (size, MANY, 10 * MANY),
            (Self::Connections(n), Way::Blocking) => (SIZE, n, n),
            (Self::Connections(n), _) => (SIZE, n, 10 * n),
            (Self::InFlight(_), Way::Blocking) => return None,
            (Self::InFlight(n), _) => (SIZE, 1, n),
            (Self::Node, Way::Blocking) => (SIZE, MANY, MANY),
            (Self::Node, _) => (SIZE, 1, NODE_IN_FLIGHT),
        };
        Some(Settings::new(size, connections, in_flight))
    }

    /// Whether that client is measured here.
    pub(crate) fn takes(self, client: &Client) -> bool {
        // What puts many at once has nothing to vary.
        let many = client.consume.is_none();
        match self {
            BASE => true,
            Self::Sequential => !many,
            Self::Node => client.program == Program::Node && !many,
            Self::Size(_) | Self::Connections(_) | Self::InFlight(_) => client.sweeps,
        }
    }

    /// Whether consuming is measured here, too.
    pub(crate) fn consumes(self) -> bool {
        self != Self::Node
    }
}

/// All points in their order. What belongs together is measured one after the other.
pub(crate) fn points() -> Vec<Point> {
    let mut points = vec![BASE, Point::Sequential];
    points.extend(IN_FLIGHTS.map(Point::InFlight));
    points.extend(CONNECTIONS.map(Point::Connections));
    points.extend(SIZES.map(Point::Size));
    points.push(Point::Node);
    points
}

/// Every setting that bodies of the usual size are consumed or put with in that way.
pub(crate) fn all_settings(way: Way) -> BTreeSet<Settings> {
    let settings = points().into_iter().filter_map(|point| point.settings(way));
    settings.filter(|settings| settings.size == SIZE).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clients::{CLIENTS, client};

    #[test]
    fn each_way_gets_the_settings_it_can_use() {
        let at = |point: Point, way| point.settings(way).map(|settings| settings.to_string());
        assert_eq!(at(BASE, Way::Pipelined).as_deref(), Some("1 × 100"));
        assert_eq!(at(BASE, Way::Blocking).as_deref(), Some("16 × 16"));
        assert_eq!(at(BASE, Way::Pool).as_deref(), Some("16 × 160"));
        assert_eq!(at(BASE, Way::Single), None);
        assert_eq!(at(Point::Connections(64), Way::Pipelined).as_deref(), Some("64 × 640"));
        assert_eq!(at(Point::InFlight(1_000), Way::Pool).as_deref(), Some("1 × 1000"));
        for way in [Way::Pipelined, Way::Blocking, Way::Pool, Way::Single] {
            assert_eq!(at(Point::Sequential, way).as_deref(), Some("1 × 1"));
        }
        for point in points() {
            if let Some(settings) = point.settings(Way::Blocking) {
                assert_eq!(settings.connections, settings.in_flight, "{point:?}");
            }
        }
    }

    #[test]
    fn some_points_are_for_all_and_some_for_few() {
        let names = |point: Point| {
            let clients = CLIENTS.iter().filter(|client| point.takes(client));
            clients.map(|client| client.name).collect::<Vec<_>>()
        };
        assert_eq!(names(BASE).len(), CLIENTS.len());
        assert!(!names(Point::Sequential).contains(&"beanwire-put-many"));
        assert!(names(Point::Sequential).contains(&"greenstalk"));
        assert!(names(Point::Node).contains(&"node-beanstalk"));
        assert!(!names(Point::Node).contains(&"beanwire"));
        assert!(!names(Point::Size(10)).contains(&"greenstalk"));
        assert!(client("prep").is_some_and(|prep| Point::InFlight(1).takes(prep)));
    }

    #[test]
    fn the_settings_of_different_points_are_told_once() {
        assert_eq!(all_settings(Way::Pipelined).len(), 8);
        assert_eq!(all_settings(Way::Blocking).len(), 4);
    }

    #[test]
    fn slower_settings_get_fewer_jobs() {
        assert_eq!(Settings::new(SIZE, 1, 100).jobs(), 50_000);
        assert_eq!(Settings::new(SIZE, 1, 1).jobs(), 4_000);
        assert_eq!(Settings::new(60_000, 16, 160).jobs(), 5_000);
        assert_eq!(Settings::new(16_000, 1, 1).jobs(), 4_000);
    }
}
