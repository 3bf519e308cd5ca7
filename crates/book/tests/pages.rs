//! The pages agree with each other and with the sources that they name.

use std::fs::{read_dir, read_to_string};
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn page(name: &str) -> String {
    read_to_string(root().join("docs/book/src").join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Targets of links and pictures.
fn links(text: &str) -> Vec<String> {
    let target = |part: &str| part.split(')').next().unwrap_or("").to_owned();
    text.split("](").skip(1).map(target).collect()
}

fn chapters() -> Vec<String> {
    links(&page("SUMMARY.md"))
}

/// Texts between backquotes.
fn quoted(line: &str) -> Vec<&str> {
    line.split('`').skip(1).step_by(2).collect()
}

#[test]
fn the_table_of_contents_lists_every_page_and_the_crate_runs_them() {
    let listed = chapters();
    let library = read_to_string(root().join("crates/book/src/lib.rs")).unwrap();
    for entry in read_dir(root().join("docs/book/src")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if name.ends_with(".md") && name != "SUMMARY.md" {
            assert!(listed.contains(&name), "{name} is not in SUMMARY.md");
            assert!(library.contains(&format!("docs/book/src/{name}\"")), "{name} is not in lib.rs");
        }
    }
}

#[test]
fn links_and_pictures_lead_somewhere() {
    let figures: Vec<&str> =
        wengert_book::figures::all().unwrap().into_iter().map(|(name, _)| name).collect();
    let mut shown = Vec::new();
    for chapter in chapters() {
        for link in links(&page(&chapter)).iter().filter(|link| !link.starts_with("https://")) {
            let file = link.split('#').next().unwrap();
            assert!(root().join("docs/book/src").join(file).exists(), "{chapter}: {link}");
            shown.extend(file.strip_prefix("figures/").map(str::to_owned));
        }
    }
    for figure in figures {
        assert!(shown.iter().any(|name| name == figure), "{figure} is shown nowhere");
    }
}

#[test]
fn every_chapter_has_exercises_with_solutions() {
    for chapter in chapters().iter().filter(|name| *name != "introduction.md") {
        let text = page(chapter);
        let starts = text.matches("```rust,should_panic").count();
        let solutions = text.matches("<summary>Solution</summary>").count();
        assert!(
            (2..=4).contains(&starts) && starts == solutions,
            "{chapter}: {starts} starts, {solutions} solutions"
        );
    }
}

#[test]
fn files_and_functions_exist() {
    for chapter in chapters().iter().filter(|name| *name != "introduction.md") {
        let text = page(chapter);
        let (_, places) =
            text.split_once("## Where this lives").unwrap_or_else(|| panic!("{chapter} says not where"));
        let mut count = 0;
        for line in places.lines().filter(|line| line.starts_with("- ")) {
            let [file, names @ ..] = &quoted(line)[..] else { panic!("{chapter}: {line}") };
            let source = read_to_string(root().join(file))
                .unwrap_or_else(|error| panic!("{chapter}: {file}: {error}"));
            let words: Vec<&str> =
                source.split(|letter: char| !letter.is_alphanumeric() && letter != '_').collect();
            for name in names {
                assert!(words.contains(name), "{chapter}: {file} has no {name}");
            }
            count += 1 + names.len();
        }
        assert!(count > 1, "{chapter} names nothing");
    }
}
