//! The single-node cases of ONNX's own backend test suite, an oracle that nobody here wrote.
//!
//! `scripts/onnx_cases.py` dumps them to `target/onnx-cases`, or to the folder that `WENGERT_ONNX_CASES` names; without
//! the dump the test says so and passes. Each case is translated to tensor calls by the file of its family and must
//! agree within ONNX's own tolerance, or stand in `skipped.txt` with a reason. That list may only shrink: a listed case
//! that passes fails the test.

mod binary;
mod conv;
mod index;
mod loss;
mod matmul;
mod node;
mod norm;
mod pool;
mod recurrent;
mod reduce;
mod resize;
mod shape;
mod unary;
mod windows;

use std::collections::BTreeMap;
use std::env;
use std::path::{Path, PathBuf};

use node::{Node, Outputs};
use wengert_testkit::modes::attempt;
use wengert_testkit::{compare, notice};

/// Relative and absolute tolerance of ONNX's backend tests.
const TOLERANCE: (f64, f64) = (1e-3, 1e-5);

/// Fewer passing cases than this mean that something was lost.
const FEWEST_PASSING: usize = 762;

/// Each translates the operators of its family and answers `None` to others.
const FAMILIES: &[fn(&Node) -> Outputs] = &[
    unary::run,
    binary::run,
    reduce::run,
    shape::run,
    index::run,
    matmul::run,
    conv::run,
    pool::run,
    resize::run,
    norm::run,
    loss::run,
    recurrent::run,
];

#[test]
fn onnx_node_cases() {
    let folder =
        env::var_os("WENGERT_ONNX_CASES").map_or_else(|| PathBuf::from("target/onnx-cases"), PathBuf::from);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    if !folder.join("cases.json").exists() {
        notice(&format!("skipped: {} has no ONNX cases; scripts/onnx_cases.py makes them", folder.display()));
        return;
    }
    let nodes = node::load(&folder).unwrap_or_else(|error| panic!("{error}"));
    let mut skipped = skipped();
    let (mut passed, mut complaints) = (0, Vec::new());
    for node in &nodes {
        match (attempt(|| check(node)), skipped.remove(node.name.as_str())) {
            (Ok(()), None) => passed += 1,
            (Err(_), Some(_)) => {}
            (Ok(()), Some(_)) => {
                complaints.push(format!("{} passes: take it off tests/onnx/skipped.txt", node.name))
            }
            (Err(error), None) => complaints.push(format!("{}: {error}", node.name)),
        }
    }
    complaints.extend(skipped.keys().map(|name| format!("{name} in tests/onnx/skipped.txt is not a case")));
    notice(&format!("{passed} of {} ONNX node cases pass", nodes.len()));
    assert!(complaints.is_empty(), "{} complaints:\n{}", complaints.len(), complaints.join("\n"));
    assert!(passed >= FEWEST_PASSING, "only {passed} cases pass, {FEWEST_PASSING} are wanted");
}

/// Computes a node and holds its outputs against the expected ones.
fn check(node: &Node) -> Result<(), String> {
    node.check_types()?;
    let outputs = FAMILIES.iter().find_map(|family| family(node).transpose());
    let outputs = outputs.ok_or_else(|| format!("no translation of {}", node.op))??;
    for (index, found) in outputs.iter().enumerate() {
        let Some(expected) = node.expected(index) else { continue };
        compare::matches(found, &expected.shape, &expected.elements, TOLERANCE)
            .map_err(|difference| format!("output {index}: {difference}"))?;
    }
    if outputs.len() < node.output_count() {
        return Err(format!("{} of {} outputs were computed", outputs.len(), node.output_count()));
    }
    Ok(())
}

/// The lines `name: reason` of the list of cases that do not pass.
fn skipped() -> BTreeMap<&'static str, &'static str> {
    let lines = include_str!("skipped.txt").lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| line.split_once(": ").expect("skipped.txt holds lines `case: reason`")).collect()
}
