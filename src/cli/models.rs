//! `wengert models`.

use super::output::print;
use anyhow::Result;
use std::fmt::Write;
use wengert_models::{FAMILIES, models};

/// Lists the models with their papers, family by family.
pub fn run() -> Result<()> {
    let width = models().map(|entry| entry.name.len()).max().unwrap_or(0);
    let mut list = String::new();
    for family in FAMILIES {
        let _ = writeln!(list, "{}{}", if list.is_empty() { "" } else { "\n" }, family.title);
        for entry in family.models {
            let _ = writeln!(list, "  {:width$}  {}", entry.name, entry.description);
            let _ = writeln!(list, "  {:width$}  {}", "", entry.paper);
        }
    }
    print(&list)
}
