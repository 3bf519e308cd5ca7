//! `wengert models`.

use super::output::print;
use anyhow::Result;
use wengert_models::MODELS;

/// Lists the models with their papers.
pub fn run() -> Result<()> {
    let width = MODELS.iter().map(|entry| entry.name.len()).max().unwrap_or(0);
    let list: String = MODELS
        .iter()
        .map(|entry| {
            format!("{:width$}  {}\n{:width$}  {}\n", entry.name, entry.description, "", entry.paper)
        })
        .collect();
    print(&list)
}
