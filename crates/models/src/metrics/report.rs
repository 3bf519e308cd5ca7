//! Scores by name, in the order in which they were found.

use serde_json::{Map, Value};
use std::fmt::Write;

/// Scores by name.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Report {
    scores: Vec<(String, f64)>,
}

impl Report {
    /// Adds a score. A name that is there already gets the new value.
    pub fn add(&mut self, name: &str, value: f64) {
        match self.scores.iter_mut().find(|(known, _)| known == name) {
            Some((_, old)) => *old = value,
            None => self.scores.push((name.to_owned(), value)),
        }
    }

    /// Adds the scores of another report.
    pub fn extend(&mut self, other: Report) {
        other.scores.into_iter().for_each(|(name, value)| self.add(&name, value));
    }

    /// A score.
    pub fn get(&self, name: &str) -> Option<f64> {
        self.scores.iter().find(|(known, _)| known == name).map(|(_, value)| *value)
    }

    /// All scores.
    pub fn iter(&self) -> impl Iterator<Item = (&str, f64)> {
        self.scores.iter().map(|(name, value)| (name.as_str(), *value))
    }

    /// The shares of classes, as [`Judge::quick`](super::Judge::quick) adds them; empty where it did not.
    pub fn class_shares(&self) -> Vec<f64> {
        (0..).map_while(|class| self.get(&class_name(class))).collect()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.scores.is_empty()
    }

    /// The scores as one JSON object; a number that is not finite becomes null.
    pub fn to_json(&self) -> Map<String, Value> {
        self.iter().map(|(name, value)| (name.to_owned(), Value::from(value))).collect()
    }

    /// The scores as lines of a name and a number each.
    pub fn to_table(&self) -> String {
        let width = self.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        let mut table = String::new();
        for (name, value) in self.iter() {
            let _ = writeln!(table, "  {name:width$}  {}", number(value));
        }
        table
    }
}

/// The name of the share of a class among samples.
pub(super) fn class_name(class: usize) -> String {
    format!("class_{class}")
}

/// A score with four digits that count, and whole numbers whole.
pub fn number(value: f64) -> String {
    if value == value.trunc() && value.abs() < 1e6 {
        return format!("{value}");
    }
    match value.abs() {
        size if size >= 100.0 => format!("{value:.1}"),
        size if size >= 10.0 => format!("{value:.2}"),
        size if size >= 1.0 => format!("{value:.3}"),
        size if size >= 1e-3 => format!("{value:.4}"),
        _ => format!("{value:.2e}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_keep_their_order_and_the_last_value() {
        let mut report = Report::default();
        report.add("fid", 12.345);
        report.add("kid", f64::NAN);
        let mut other = Report::default();
        other.add("units", 20.0);
        other.add("fid", 0.01234);
        report.extend(other);
        assert_eq!(report.get("fid"), Some(0.01234));
        assert_eq!(report.to_table(), "  fid    0.0123\n  kid    NaN\n  units  20\n");
        assert_eq!(Value::from(report.to_json()).to_string(), r#"{"fid":0.01234,"kid":null,"units":20.0}"#);
    }

    #[test]
    fn numbers_have_four_digits() {
        let cases =
            [(1234.56, "1234.6"), (-56.789, "-56.79"), (9.8765, "9.877"), (4.2e-5, "4.20e-5"), (0.0, "0")];
        for (value, text) in cases {
            assert_eq!(number(value), text);
        }
    }
}
