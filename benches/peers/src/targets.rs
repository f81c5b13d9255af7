//! What is wanted of Beanwire, and whether it was met.

use crate::clients::{Side, client, npm};
use crate::points::{BASE, IN_FLIGHT, Point, all_settings};
use crate::results::{BUSY, Case, Quantity, Results, Work};
use crate::units::grouped;

/// What a figure has to be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Wanted {
    AtLeast(f64),
    AtMost(f64),
}

impl Wanted {
    fn met(self, figure: f64) -> bool {
        match self {
            Self::AtLeast(least) => figure >= least,
            Self::AtMost(most) => figure <= most,
        }
    }
}

/// One target.
#[derive(Debug, PartialEq)]
pub(crate) struct Target {
    pub what: String,
    /// The two figures that are compared, each with whose it is.
    pub ours: String,
    pub other: String,
    pub ratio: String,
    pub wanted: String,
    /// Nothing if it was not measured.
    pub met: Option<bool>,
}

/// The file of a component, the most bytes it may have, and what it has.
pub(crate) type Size = (&'static str, u64, Option<u64>);

/// All targets.
pub(crate) fn targets(results: &Results, sizes: &[Size]) -> Vec<Target> {
    let judge = Judge(results);
    let mut targets = judge.rust();
    targets.extend(judge.latency());
    targets.extend(judge.processor());
    targets.extend(judge.node());
    targets.extend(judge.component());
    targets.extend(judge.idle());
    targets.extend(sizes.iter().map(size));
    targets
}

struct Judge<'a>(&'a Results);

type Maybe = Option<Case>;

fn put(client: &str, point: Point) -> Maybe {
    Case::of(client, Work::Put, point)
}

fn consume(client: &str, point: Point) -> Maybe {
    Case::of(client, Work::Consume, point)
}

/// As many commands under way on the one connection as at [`BASE`], for clients that are measured
/// with other settings there.
const SAME: Point = Point::InFlight(IN_FLIGHT);

impl Judge<'_> {
    fn rust(&self) -> Vec<Target> {
        use Wanted::AtLeast;
        let rate =
            |what, ours, other, wanted| self.ratio(what, Quantity::Rate, ours, other, wanted);
        let [puts, consumes] = [put("beanwire", BASE), consume("beanwire", BASE)];
        let best = client("prep").and_then(|prep| prep.consume).and_then(|way| {
            let case = |settings| Case::new("prep", Work::Consume, settings);
            self.0.best(all_settings(way).into_iter().map(case), Quantity::Rate, true)
        });
        let sequential = Point::Sequential;
        vec![
            rate("Rust: put", puts, put("limit", BASE), AtLeast(0.9)),
            rate("Rust: put", puts, put("prep", Point::InFlight(10)), AtLeast(3.0)),
            rate("Rust: put", puts, put("prep", BASE), AtLeast(1.0)),
            rate("Rust: consume", consumes, consume("limit", BASE), AtLeast(0.8)),
            rate("Rust: consume", consumes, consume("prep", SAME), AtLeast(5.0)),
            rate("Rust: consume, the other at its best", consumes, best, AtLeast(2.0)),
            rate(
                "Rust: sequential put",
                put("beanwire", sequential),
                put("limit", sequential),
                AtLeast(0.9),
            ),
        ]
    }

    fn latency(&self) -> Vec<Target> {
        let mut targets = Vec::new();
        for busy in BUSY {
            let of = |name| Case::consumer(client(name)?, Work::Latency, busy);
            let (ours, limit) = (of("beanwire"), of("limit"));
            let what = format!("Rust: put to handler, {busy} of 4 handlers busy");
            targets.push(self.ratio(
                &format!("{what}, p50"),
                Quantity::Latency(50),
                ours,
                limit,
                Wanted::AtMost(1.5),
            ));
            let p99 = Quantity::Latency(99);
            targets.push(self.value(&format!("{what}, p99"), p99, ours, 0.005));
        }
        targets
    }

    fn processor(&self) -> Vec<Target> {
        let half = Wanted::AtMost(0.5);
        let cpu = |what, ours, other| self.ratio(what, Quantity::Cpu, ours, other, half);
        let (puts, consumes) = (put("beanwire", BASE), consume("beanwire", BASE));
        vec![
            cpu("Rust: processor time per put", puts, put("prep", BASE)),
            cpu("Rust: processor time per put", puts, put("prep", SAME)),
            cpu("Rust: processor time per consumed job", consumes, consume("prep", BASE)),
            cpu("Rust: processor time per consumed job", consumes, consume("prep", SAME)),
        ]
    }

    fn node(&self) -> Vec<Target> {
        use Wanted::{AtLeast, AtMost};
        let (sequential, node) = (Point::Sequential, Point::Node);
        let rate =
            |what, work, point, wanted| self.best_of_npm(what, Quantity::Rate, work, point, wanted);
        let cpu =
            |what, work, point| self.best_of_npm(what, Quantity::Cpu, work, point, AtMost(1.0));
        vec![
            rate("Node.js: sequential put", Work::Put, sequential, AtLeast(1.0)),
            rate("Node.js: 200 puts in flight", Work::Put, node, AtLeast(1.3)),
            self.ratio(
                "Node.js: putMany",
                Quantity::Rate,
                put("beanwire-node-put-many", BASE),
                put("limit", BASE),
                AtLeast(0.9),
            ),
            rate("Node.js: consume", Work::Consume, BASE, AtLeast(3.0)),
            cpu("Node.js: processor time per put, 200 in flight", Work::Put, node),
            cpu("Node.js: processor time per consumed job", Work::Consume, BASE),
        ]
    }

    fn component(&self) -> Vec<Target> {
        let sequential = Point::Sequential;
        let rate = |what, ours, other, least| {
            self.ratio(what, Quantity::Rate, ours, other, Wanted::AtLeast(least))
        };
        let (ours, native) = (put("component", sequential), put("beanwire", sequential));
        let (many, limit) = (put("component-put-many", BASE), put("limit", BASE));
        vec![
            rate("Component: sequential put", ours, native, 0.7),
            rate("Component: put-many", many, limit, 0.8),
        ]
    }

    fn idle(&self) -> Vec<Target> {
        let mut targets = Vec::new();
        for (name, label) in [("beanwire", "Rust"), ("beanwire-node", "Node.js")] {
            let case = client(name).and_then(|client| Case::consumer(client, Work::Idle, 0));
            let reserves = format!("{label}: reserves of an idle consumer");
            targets.push(self.value(&reserves, Quantity::Reserves, case, 1.0));
            let share = format!("{label}: processor share of an idle consumer");
            targets.push(self.value(&share, Quantity::Share, case, 0.001));
        }
        targets
    }

    /// Our client for Node.js at a point, beside the one of npm that is best there.
    fn best_of_npm(
        &self,
        what: &str,
        quantity: Quantity,
        work: Work,
        point: Point,
        wanted: Wanted,
    ) -> Target {
        let cases = npm().filter_map(|client| Case::at(client, work, point));
        let best = self.0.best(cases, quantity, matches!(wanted, Wanted::AtLeast(_)));
        self.ratio(what, quantity, Case::of("beanwire-node", work, point), best, wanted)
    }

    /// The median of the ratios of the rounds.
    fn ratio(
        &self,
        what: &str,
        quantity: Quantity,
        ours: Maybe,
        other: Maybe,
        wanted: Wanted,
    ) -> Target {
        let ratio = ours.zip(other).and_then(|(a, b)| self.0.ratio(&a, &b, quantity));
        Target {
            what: what.to_owned(),
            ours: self.figure(ours, quantity),
            other: self.figure(other, quantity),
            ratio: ratio.map_or_else(|| "–".into(), |ratio| format!("{:.2}", ratio.median)),
            wanted: match wanted {
                Wanted::AtLeast(least) => format!("≥ {least}"),
                Wanted::AtMost(most) => format!("≤ {most}"),
            },
            met: ratio.map(|ratio| wanted.met(ratio.median)),
        }
    }

    /// A figure that is not to be above another.
    fn value(&self, what: &str, quantity: Quantity, ours: Maybe, most: f64) -> Target {
        let found = ours.and_then(|case| self.0.spread(&case, quantity));
        Target {
            what: what.to_owned(),
            ours: self.figure(ours, quantity),
            other: "–".into(),
            ratio: "–".into(),
            wanted: format!("≤ {}", quantity.shown(most)),
            met: found.map(|found| Wanted::AtMost(most).met(found.median)),
        }
    }

    fn figure(&self, case: Maybe, quantity: Quantity) -> String {
        let Some(case) = case else { return "not measured".into() };
        let figure = match self.0.spread(&case, quantity) {
            Some(spread) => quantity.shown(spread.median),
            None => "not measured".into(),
        };
        let settings = match case.work {
            Work::Put | Work::Consume => format!(" {}", case.settings),
            _ => String::new(),
        };
        let ours = client(case.client).is_some_and(|client| client.side == Side::Ours);
        match ours && settings.is_empty() {
            true => figure,
            false => format!("{figure} ({}{settings})", case.client),
        }
    }
}

fn size(&(name, most, found): &Size) -> Target {
    let bytes = |bytes: u64| format!("{} bytes", grouped(bytes as f64));
    Target {
        what: format!("Component: size of `{name}`"),
        ours: found.map_or_else(|| "not measured".into(), bytes),
        other: "–".into(),
        ratio: "–".into(),
        wanted: format!("≤ {}", bytes(most)),
        met: found.map(|found| found <= most),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::tests::sample;

    fn results(seconds: &[(Maybe, f64)]) -> Results {
        let mut results = Results::default();
        for (case, seconds) in seconds {
            results.add(case.unwrap(), 0, Ok(sample(*seconds)));
        }
        results
    }

    fn find(targets: &[Target], what: &str, other: &str) -> (String, Option<bool>) {
        let mut found = targets.iter().filter(|t| t.what == what && t.other.contains(other));
        let target = found.next().unwrap();
        assert!(found.next().is_none(), "{what} is told once");
        (target.ratio.clone(), target.met)
    }

    #[test]
    fn nothing_is_met_that_was_not_measured() {
        let targets = targets(&Results::default(), &[("client.wasm", 5, None)]);
        assert!(targets.iter().all(|target| target.met.is_none()));
        assert!(targets.len() > 20);
    }

    #[test]
    fn rates_are_compared_with_the_limit_and_with_others_at_their_settings() {
        let results = results(&[
            (put("beanwire", BASE), 1.0),
            (put("limit", BASE), 0.95),
            (put("prep", Point::InFlight(10)), 2.9),
            (put("prep", BASE), 1.0),
            (consume("beanwire", BASE), 1.0),
            (consume("prep", SAME), 5.0),
            (consume("prep", Point::Connections(64)), 1.5),
        ]);
        let targets = targets(&results, &[]);
        assert_eq!(find(&targets, "Rust: put", "limit"), ("0.95".into(), Some(true)));
        assert_eq!(find(&targets, "Rust: put", "1 × 10)"), ("2.90".into(), Some(false)));
        assert_eq!(find(&targets, "Rust: put", "16 × 160"), ("1.00".into(), Some(true)));
        assert_eq!(find(&targets, "Rust: consume", "prep 1 × 100"), ("5.00".into(), Some(true)));
        let best = find(&targets, "Rust: consume, the other at its best", "64 × 640");
        assert_eq!(best, ("1.50".into(), Some(false)));
        let cpu = find(&targets, "Rust: processor time per consumed job", "prep 1 × 100");
        assert_eq!(cpu, ("0.20".into(), Some(true)));
    }

    #[test]
    fn the_best_of_npm_is_the_fastest_or_the_thriftiest() {
        let results = results(&[
            (put("beanwire-node", Point::Node), 1.0),
            (put("jackd", Point::Node), 1.2),
            (put("node-beanstalk", Point::Node), 1.4),
        ]);
        let targets = targets(&results, &[]);
        let rate = find(&targets, "Node.js: 200 puts in flight", "jackd 1 × 200");
        assert_eq!(rate, ("1.20".into(), Some(false)));
        let cpu = find(&targets, "Node.js: processor time per put, 200 in flight", "jackd");
        assert_eq!(cpu, ("0.83".into(), Some(true)));
    }

    #[test]
    fn some_figures_are_held_against_a_number() {
        let consumer = |work| Case::consumer(client("beanwire").unwrap(), work, 0);
        let results = results(&[(consumer(Work::Latency), 1.0), (consumer(Work::Idle), 1_000.0)]);
        let targets = targets(&results, &[("client.wasm", 5, Some(6))]);
        let of = |what: &str| find(&targets, what, "–").1;
        assert_eq!(of("Rust: put to handler, 0 of 4 handlers busy, p99"), Some(true));
        assert_eq!(of("Rust: reserves of an idle consumer"), Some(false));
        assert_eq!(of("Rust: processor share of an idle consumer"), Some(false));
        assert_eq!(of("Component: size of `client.wasm`"), Some(false));
    }
}
