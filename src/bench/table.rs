//! Results as a table: in columns for a terminal, or in Markdown.

use super::agreement::Agreement;
use super::record::{Measurement, Outcome};
use std::collections::BTreeSet;
use std::fmt::Write;

/// Titles of the columns, and their widths in a terminal; the first is as wide as the longest name.
const COLUMNS: [(&str, usize); 9] = [
    ("workload", 0),
    ("contender", 13),
    ("ms a step", 9),
    ("p10", 9),
    ("p90", 9),
    ("rate", 18),
    ("of limit", 8),
    ("peak MiB", 8),
    ("peer/wengert", 0),
];

/// Columns of text, which start at the left; numbers end at the right.
const TEXT: [usize; 3] = [0, 1, 8];

/// A table that is printed row by row.
pub struct Table {
    /// Width of the first column.
    width: usize,
    /// What has been said of contenders; once is enough.
    told: BTreeSet<String>,
}

impl Table {
    /// For workloads of these names.
    pub fn new<'a>(names: impl IntoIterator<Item = &'a str>) -> Table {
        let widths = names.into_iter().chain([COLUMNS[0].0]).map(str::len);
        Table { width: widths.max().unwrap_or(0), told: BTreeSet::new() }
    }

    /// The titles.
    pub fn head(&self) -> String {
        self.line(&COLUMNS.map(|(title, _)| title.to_string()))
    }

    /// The rows of a workload, and what there is to say about it.
    pub fn rows(&mut self, outcome: &Outcome) -> String {
        let mut text: String = cells(outcome).iter().map(|cells| self.line(cells)).collect();
        let new = notes(outcome).filter(|note| self.told.insert(note.clone()));
        for remark in new.chain(left_out(outcome)) {
            let _ = writeln!(text, "{:width$}  {remark}", "", width = self.width);
        }
        text
    }

    fn line(&self, cells: &[String; 9]) -> String {
        let mut line = String::new();
        for (column, (cell, (_, width))) in cells.iter().zip(COLUMNS).enumerate() {
            let width = if column == 0 { self.width } else { width };
            let _ = match TEXT.contains(&column) {
                true => write!(line, "{cell:width$}  "),
                false => write!(line, "{cell:>width$}  "),
            };
        }
        format!("{}\n", line.trim_end())
    }
}

/// What stands above the table of agreements.
const AGREEMENT: &str = "
Three steps from the same state, compared with wengert's before anything was timed: the largest difference of a loss,
and of a gradient in proportion to its norm, before the first update and after it.

| workload | contender | first loss | first gradients | later losses | later gradients |
| --- | --- | --: | --: | --: | --: |
";

/// The whole table in Markdown, with remarks and the agreement of losses and gradients below it.
pub fn markdown(outcomes: &[Outcome]) -> String {
    let row = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let mut text = row(&COLUMNS.map(|(title, _)| title.to_string()));
    let rule: Vec<_> =
        (0..COLUMNS.len()).map(|i| if TEXT.contains(&i) { "---" } else { "--:" }.to_string()).collect();
    text.push_str(&row(&rule));
    outcomes.iter().flat_map(cells).for_each(|cells| text.push_str(&row(&cells)));
    let notes: BTreeSet<String> = outcomes.iter().flat_map(notes).collect();
    let left_out = outcomes
        .iter()
        .flat_map(|outcome| left_out(outcome).map(move |remark| format!("{}: {remark}", outcome.workload)));
    let remarks: String = notes.into_iter().chain(left_out).map(|remark| format!("- {remark}\n")).collect();
    if !remarks.is_empty() {
        let _ = write!(text, "\n{remarks}");
    }
    let agreements: Vec<String> = outcomes.iter().flat_map(agreements).collect();
    if !agreements.is_empty() {
        text.push_str(AGREEMENT);
        text.push_str(&agreements.concat());
    }
    text
}

fn agreements(outcome: &Outcome) -> Vec<String> {
    let line = |measurement: &Measurement| {
        let (workload, name) = (&outcome.workload, measurement.implementation.name());
        let Agreement { first, later } = measurement.agreement?;
        let differences = [first.loss, first.gradient, later.loss, later.gradient];
        let differences: String =
            differences.iter().map(|difference| format!(" {difference:.0e} |")).collect();
        Some(format!("| {workload} | {name} |{differences}\n"))
    };
    outcome.measurements.iter().filter_map(line).collect()
}

/// What contenders could not do as they were asked.
fn notes(outcome: &Outcome) -> impl Iterator<Item = String> {
    let note = |measurement: &Measurement| {
        Some(format!("{}: {}", measurement.implementation.name(), measurement.note.as_ref()?))
    };
    outcome.measurements.iter().filter_map(note)
}

/// Contenders that could not do it at all.
fn left_out(outcome: &Outcome) -> impl Iterator<Item = String> {
    outcome
        .left_out
        .iter()
        .map(|(implementation, why)| format!("{} is left out: {why}", implementation.name()))
}

/// A row for each contender. The name of the workload stands in the first, and beside it the fastest of the others.
fn cells(outcome: &Outcome) -> Vec<[String; 9]> {
    let cells = |(place, measurement): (usize, &Measurement)| {
        let times = measurement.times;
        let rate = outcome.work.rate(times.median);
        let against = match (place, outcome.fastest_peer()) {
            (0, Some(fastest)) => format!("{:.2} {}", outcome.ratio(fastest), fastest.implementation.name()),
            (0, None) => String::new(),
            _ => format!("{:.2}", outcome.ratio(measurement)),
        };
        [
            if place == 0 { outcome.workload.clone() } else { String::new() },
            measurement.implementation.name().to_string(),
            significant(times.median),
            significant(times.p10),
            significant(times.p90),
            rate.map_or_else(String::new, |(rate, unit)| format!("{} {unit}", significant(rate))),
            outcome
                .share_of_limit(measurement)
                .map_or_else(String::new, |share| format!("{:.0} %", share * 100.0)),
            measurement.peak_rss_mb.map_or_else(String::new, |peak| format!("{peak:.0}")),
            against,
        ]
    };
    outcome.measurements.iter().enumerate().map(cells).collect()
}

/// A number with four digits that count: no measurement here is good for more.
fn significant(number: f64) -> String {
    let magnitude = if number > 0.0 { number.log10().floor() } else { 0.0 };
    format!("{number:.*}", (3.0 - magnitude).clamp(0.0, 9.0) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::agreement::Difference;
    use crate::bench::micro::Work;
    use crate::bench::statistics::Summary;
    use crate::bench::{Implementation, Place};
    use wengert_tensor::Device;

    fn outcome() -> Outcome {
        let measure = |implementation, ms: f64| {
            let times = Summary { median: ms, p10: 0.9 * ms, p90: 1.1 * ms };
            Measurement { peak_rss_mb: Some(21.4), ..Measurement::new(implementation, times) }
        };
        let torch = Measurement {
            agreement: Some(Agreement {
                first: Difference { loss: 2e-7, gradient: 3e-6 },
                ..Agreement::default()
            }),
            note: Some("a note".into()),
            ..measure(Implementation::Torch, 3.0)
        };
        Outcome {
            workload: "mlp".into(),
            batch: Some(128),
            place: Place { threads: 2, device: Device::Cpu },
            work: Work::Images(128),
            measurements: vec![
                measure(Implementation::Wengert, 2.0),
                torch,
                measure(Implementation::Jax, 2.5),
            ],
            limit: None,
            left_out: vec![(Implementation::TorchCompile, "no compiler".into())],
        }
    }

    #[test]
    fn rows_line_up_and_tell_the_fastest_peer() {
        let mut table = Table::new(["mlp", "elementwise"]);
        let text = table.head() + &table.rows(&outcome());
        let expected = "\
workload     contender      ms a step        p10        p90                rate  of limit  peak MiB  peer/wengert
mlp          wengert            2.000      1.800      2.200      64000 images/s                  21  1.25 jax
             torch              3.000      2.700      3.300      42667 images/s                  21  1.50
             jax                2.500      2.250      2.750      51200 images/s                  21  1.25
             torch: a note
             torch-compile is left out: no compiler
";
        assert_eq!(text, expected);
    }

    #[test]
    fn the_share_of_the_limit_is_told_where_one_was_measured() {
        let gemm =
            Outcome { work: Work::Flops(1_000_000_000), limit: Some(1000.0), batch: None, ..outcome() };
        let cells = cells(&gemm);
        assert_eq!((cells[0][5].as_str(), cells[0][6].as_str()), ("500.0 GFLOP/s", "50 %"));
        assert_eq!(gemm.json("f32")[0]["images_per_s"], serde_json::Value::Null);
    }

    #[test]
    fn markdown_has_the_agreement_below_the_table() {
        let text = markdown(&[outcome()]);
        for line in [
            "| --- | --- | --: |",
            "| mlp | wengert | 2.000 | 1.800 | 2.200 | 64000 images/s |  | 21 | 1.25 jax |",
            "- mlp: torch-compile is left out: no compiler",
            "| mlp | torch | 2e-7 | 3e-6 | 0e0 | 0e0 |",
        ] {
            assert!(text.contains(line), "{line} in\n{text}");
        }
    }

    #[test]
    fn four_digits_count() {
        let numbers = [1234.56, 12.3456, 0.000123456, 0.0, 9.9996];
        assert_eq!(numbers.map(significant), ["1235", "12.35", "0.0001235", "0.000", "10.000"]);
    }
}
