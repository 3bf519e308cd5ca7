//! Writes the inputs of every case, and what scripts/goldens.py has to know about it, to a folder.
//!
//! ```text
//! cargo run -p wengert-testkit --example export_cases -- target/cases
//! ```

use std::collections::BTreeMap;
use std::path::Path;
use std::{env, fs};

use safetensors::tensor::{Dtype, TensorView, serialize_to_file};
use serde_json::json;
use wengert_testkit::case::{Case, Elements};
use wengert_testkit::cases;

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let folder = env::args().nth(1).ok_or("usage: export_cases FOLDER")?;
    let folder = Path::new(&folder);
    fs::create_dir_all(folder)?;
    let mut index = serde_json::Map::new();
    for (family, cases) in cases::families() {
        write_inputs(&folder.join(format!("{family}.safetensors")), &cases)?;
        index.insert(family.to_owned(), cases.iter().map(describe).collect());
    }
    fs::write(folder.join("cases.json"), serde_json::to_string_pretty(&index)?)?;
    Ok(())
}

fn describe(case: &Case) -> serde_json::Value {
    json!({
        "id": case.id,
        "torch": case.torch,
        "inputs": case.inputs.len(),
        "differentiated": case.differentiated(),
        "smooth": case.smooth,
        "fingerprint": case.fingerprint(),
    })
}

fn write_inputs(path: &Path, cases: &[Case]) -> Result<(), Failure> {
    let mut arrays: BTreeMap<String, (Dtype, Vec<usize>, Vec<u8>)> = BTreeMap::new();
    for case in cases {
        for (index, input) in case.inputs.iter().enumerate() {
            let (dtype, bytes) = match case.elements(index) {
                Elements::Floats(values) => {
                    (Dtype::F64, values.iter().flat_map(|v| v.to_le_bytes()).collect())
                }
                Elements::Integers(values) => {
                    (Dtype::I64, values.iter().flat_map(|v| v.to_le_bytes()).collect())
                }
                Elements::Booleans(values) => (Dtype::BOOL, values.iter().map(|&v| u8::from(v)).collect()),
            };
            let name = format!("{}/x{index}", case.id);
            if arrays.insert(name.clone(), (dtype, input.shape().to_vec(), bytes)).is_some() {
                return Err(format!("{name} occurs twice: every case needs an id of its own").into());
            }
        }
    }
    let views = arrays
        .iter()
        .map(|(name, (dtype, shape, bytes))| Ok((name, TensorView::new(*dtype, shape.clone(), bytes)?)));
    serialize_to_file(views.collect::<Result<Vec<_>, Failure>>()?, None, path)?;
    Ok(())
}
