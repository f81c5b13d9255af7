//! The charts: drawings of some of the report's tables.

use plotters::coord::ranged1d::{Ranged, ValueFormatter};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::clients::{CLIENTS, Client, Side};
use crate::points::{BASE, IN_FLIGHTS, Point, SIZES};
use crate::results::{Case, Quantity, Results, Work};
use crate::units::{grouped, time};

const WIDTH: u32 = 900;

/// The space around everything.
const MARGIN: i32 = 16;
const TITLE: i32 = 20;
const TEXT: i32 = 14;

const INK: RGBColor = RGBColor(31, 35, 40);
const GRID: RGBColor = RGBColor(222, 226, 230);
const LIMIT: RGBColor = RGBColor(110, 119, 129);
const OURS: RGBColor = RGBColor(9, 105, 218);
const THEIRS: RGBColor = RGBColor(255, 166, 87);

/// Those of lines: the limit first, then clients in their order.
const LINES: [RGBColor; 6] = [
    LIMIT,
    OURS,
    RGBColor(26, 152, 131),
    RGBColor(225, 111, 36),
    RGBColor(130, 80, 223),
    RGBColor(191, 57, 137),
];

type Drawn<T> = Result<T, Box<dyn std::error::Error>>;

/// The charts, each with the name of its file. One without figures is left out.
pub(crate) fn charts(results: &Results) -> Drawn<Vec<(&'static str, String)>> {
    let mut charts = Vec::new();
    for (file, title, work) in [
        ("put.svg", "Puts per second, 100 bytes", Work::Put),
        ("consume.svg", "Consumed jobs per second, 100 bytes", Work::Consume),
    ] {
        let rows = rows(results, Quantity::Rate, |client| Case::at(client, work, BASE));
        let told = |row: &Row| format!("{} ({})", grouped(row.figure), row.case.settings);
        charts.push((file, bars(title, &rows, false, told)?));
    }
    let latencies =
        rows(results, Quantity::Latency(50), |client| Case::consumer(client, Work::Latency, 0));
    let title = "From put to handler on an idle tube, p50 (logarithmic)";
    charts.push(("latency.svg", bars(title, &latencies, true, |row| time(row.figure))?));
    let (in_flight, sizes) =
        (IN_FLIGHTS.map(|n| (n, Point::InFlight(n))), SIZES.map(|n| (n, Point::Size(n))));
    let title = "Jobs per second by commands under way on one connection, 100 bytes";
    charts.push(("in-flight.svg", lines(title, results, &in_flight)?));
    charts.push((
        "size.svg",
        lines("Jobs per second by size of the body in bytes", results, &sizes)?,
    ));
    charts.retain(|(_, chart)| !chart.is_empty());
    Ok(charts)
}

/// One bar.
struct Row {
    client: &'static Client,
    case: Case,
    figure: f64,
}

/// The clients that have a figure.
fn rows(results: &Results, quantity: Quantity, case: impl Fn(&Client) -> Option<Case>) -> Vec<Row> {
    let rows = CLIENTS.iter().filter_map(|client| {
        let case = case(client)?;
        Some(Row { client, case, figure: results.spread(&case, quantity)?.median })
    });
    rows.collect()
}

/// A bar for each row, to the right, from the top down.
fn bars(title: &str, rows: &[Row], log: bool, told: impl Fn(&Row) -> String) -> Drawn<String> {
    const ROW: i32 = 26;
    const LABELS: i32 = 240;
    const VALUES: i32 = 170;
    let figures = || rows.iter().map(|row| row.figure);
    let (Some(least), Some(most)) =
        (figures().min_by(f64::total_cmp), figures().max_by(f64::total_cmp))
    else {
        return Ok(String::new());
    };
    // A logarithmic bar begins at the power of ten below the shortest.
    let length = |figure: f64| match log {
        true => {
            let from = least.log10().floor();
            (figure.log10() - from) / (most.log10() - from).max(1.0)
        }
        false => figure / most,
    };
    let (mut svg, top) = (String::new(), 2 * MARGIN + TITLE);
    let height = top + i32::try_from(rows.len())? * ROW + MARGIN;
    let width = i32::try_from(WIDTH)?;
    {
        let root = page(&mut svg, height)?;
        text(&root, title, (MARGIN, MARGIN), TITLE, INK, HPos::Left)?;
        for (row, y) in rows.iter().zip((top..).step_by(26)) {
            let middle = y + (ROW - TEXT) / 2;
            text(&root, row.client.label, (LABELS, middle), TEXT, INK, HPos::Right)?;
            let from = LABELS + 10;
            let space = f64::from(width - from - VALUES);
            let to = from + pixels(space * length(row.figure)).max(1);
            let color = match row.client.side {
                Side::Limit => LIMIT,
                Side::Ours => OURS,
                Side::Theirs => THEIRS,
            };
            root.draw(&Rectangle::new([(from, y + 3), (to, y + ROW - 3)], color.filled()))?;
            text(&root, &told(row), (to + 6, middle), TEXT, INK, HPos::Left)?;
        }
        root.present()?;
    }
    Ok(svg)
}

/// Puts on the left and consuming on the right, with a line for each client; both axes are
/// logarithmic.
fn lines(title: &str, results: &Results, points: &[(usize, Point)]) -> Drawn<String> {
    const HEIGHT: i32 = 420;
    const LEGEND: i32 = 30;
    let clients: Vec<_> = CLIENTS.iter().filter(|client| client.sweeps).zip(LINES).collect();
    let line = |client: &Client, work| -> Vec<(f64, f64)> {
        let figure = |(x, point): &(usize, Point)| {
            let case = Case::at(client, work, *point)?;
            Some((*x as f64, results.spread(&case, Quantity::Rate)?.median))
        };
        points.iter().filter_map(figure).collect()
    };
    let works = [("Put", Work::Put), ("Consume", Work::Consume)];
    let all = works.map(|(_, work)| {
        clients.iter().flat_map(|(client, _)| line(client, work)).collect::<Vec<_>>()
    });
    let Some(y) = range(all.concat().iter().map(|point| point.1)) else { return Ok(String::new()) };
    let (Some((first, _)), Some((last, _))) = (points.first(), points.last()) else {
        return Ok(String::new());
    };
    let x = *first as f64..*last as f64;
    let ticks: Vec<f64> = points.iter().map(|(x, _)| *x as f64).collect();
    let mut svg = String::new();
    {
        let root = page(&mut svg, HEIGHT)?;
        text(&root, title, (MARGIN, MARGIN), TITLE, INK, HPos::Left)?;
        let mut left = MARGIN;
        for (client, color) in &clients {
            let at = (left, 2 * MARGIN + TITLE);
            let mark = [(at.0, at.1 + TEXT / 2 - 1), (at.0 + 18, at.1 + TEXT / 2 + 2)];
            root.draw(&Rectangle::new(mark, color.filled()))?;
            text(&root, client.name, (at.0 + 24, at.1), TEXT, INK, HPos::Left)?;
            left += 24 + 9 * i32::try_from(client.name.len())? + 20;
        }
        let (_, below) = root.split_vertically(2 * MARGIN + TITLE + LEGEND);
        for (area, (name, work)) in below.split_evenly((1, 2)).into_iter().zip(works) {
            let mut chart = ChartBuilder::on(&area)
                .caption(name, ("sans-serif", 16).into_font().color(&INK))
                .margin(MARGIN)
                .margin_right(2 * MARGIN)
                .x_label_area_size(30)
                .y_label_area_size(60)
                .build_cartesian_2d(
                    Ticks(x.clone(), ticks.clone()),
                    Ticks(y.clone(), ticks_of(&y)),
                )?;
            chart
                .configure_mesh()
                .light_line_style(TRANSPARENT)
                .bold_line_style(GRID)
                .axis_style(INK)
                .label_style(("sans-serif", 13).into_font().color(&INK))
                .draw()?;
            for (client, color) in &clients {
                let line = line(client, work);
                chart.draw_series(LineSeries::new(line.clone(), color.stroke_width(2)))?;
                chart.draw_series(
                    line.into_iter().map(|point| Circle::new(point, 3, color.filled())),
                )?;
            }
        }
        root.present()?;
    }
    Ok(svg)
}

/// All figures, with some space around them.
fn range(figures: impl Iterator<Item = f64> + Clone) -> Option<std::ops::Range<f64>> {
    const SPACE: f64 = 1.5;
    let least = figures.clone().min_by(f64::total_cmp)?;
    let most = figures.max_by(f64::total_cmp)?;
    Some(least / SPACE..most * SPACE)
}

/// Round figures in a range.
fn ticks_of(range: &std::ops::Range<f64>) -> Vec<f64> {
    let powers = (0..9).map(|power| 10_f64.powi(power));
    let ticks = powers.flat_map(|power| [1.0, 2.0, 5.0].map(|digit| digit * power));
    ticks.filter(|tick| range.contains(tick)).collect()
}

/// A logarithmic axis with labels of its own.
struct Ticks(std::ops::Range<f64>, Vec<f64>);

impl Ranged for Ticks {
    type FormatOption = plotters::coord::ranged1d::NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        let (from, to) = (self.0.start.ln(), self.0.end.ln());
        limit.0 + pixels(f64::from(limit.1 - limit.0) * (value.ln() - from) / (to - from))
    }

    fn key_points<Hint: plotters::coord::ranged1d::KeyPointHint>(&self, _: Hint) -> Vec<f64> {
        self.1.clone()
    }

    fn range(&self) -> std::ops::Range<f64> {
        self.0.clone()
    }
}

impl ValueFormatter<f64> for Ticks {
    fn format(value: &f64) -> String {
        grouped(*value)
    }
}

type Page<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

/// A page of its own white, for it is shown on dark pages, too.
fn page(svg: &mut String, height: i32) -> Drawn<Page<'_>> {
    let size = (WIDTH, u32::try_from(height)?);
    let root = SVGBackend::with_string(svg, size).into_drawing_area();
    root.fill(&WHITE)?;
    Ok(root)
}

fn text(
    root: &Page<'_>,
    text: &str,
    at: (i32, i32),
    size: i32,
    color: RGBColor,
    side: HPos,
) -> Drawn<()> {
    let style = ("sans-serif", size).into_font().color(&color).pos(Pos::new(side, VPos::Top));
    root.draw(&Text::new(text, at, style))?;
    Ok(())
}

#[expect(clippy::cast_possible_truncation, reason = "less than the width of a page")]
fn pixels(length: f64) -> i32 {
    length.round() as i32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::tests::sample;

    #[test]
    fn there_is_a_bar_for_each_client_with_a_figure() {
        let mut results = Results::default();
        assert!(charts(&results).unwrap().is_empty());
        for name in ["limit", "beanwire", "prep"] {
            results.add(Case::of(name, Work::Put, BASE).unwrap(), 0, Ok(sample(0.01)));
        }
        let charts = charts(&results).unwrap();
        let (_, chart) = charts.iter().find(|(file, _)| *file == "put.svg").unwrap();
        assert_eq!(chart.matches("100,000 (").count(), 3);
        assert!(chart.contains("prep/beanstalk (Go)") && !chart.contains("jackd"));
        assert!(charts.iter().all(|(file, _)| *file != "consume.svg"));
    }

    #[test]
    fn every_client_of_the_sweeps_has_a_line() {
        let clients = || CLIENTS.iter().filter(|client| client.sweeps);
        assert_eq!(clients().count(), LINES.len());
        let mut results = Results::default();
        for client in clients() {
            let case = Case::at(client, Work::Put, Point::Size(10)).unwrap();
            results.add(case, 0, Ok(sample(0.5)));
        }
        let charts = charts(&results).unwrap();
        let (_, chart) = charts.iter().find(|(file, _)| *file == "size.svg").unwrap();
        assert!(clients().all(|client| chart.contains(client.name)));
    }

    #[test]
    fn an_axis_has_space_at_both_ends() {
        assert_eq!(range([6_000.0, 3_000.0, 120_000.0].into_iter()), Some(2_000.0..180_000.0));
        assert_eq!(ticks_of(&(2_000.0..18_000.0)), [2_000.0, 5_000.0, 10_000.0]);
        assert_eq!(range(std::iter::empty()), None);
    }
}
