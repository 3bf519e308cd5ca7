//! A node case: operator, attributes, inputs and expected outputs.

use std::fs;
use std::path::Path;

use serde_json::Value;
use wengert_tensor::{DType, Tensor};
use wengert_testkit::archive::{Archive, Array};
use wengert_testkit::case::Elements;

/// Outputs of a node; `None` when the operator is another family's, an error says what has no counterpart here.
pub type Outputs = Result<Option<Vec<Tensor>>, String>;

/// The only output of a node.
pub fn one(output: Tensor) -> Outputs {
    Ok(Some(vec![output]))
}

/// One single-node case.
pub struct Node {
    /// The case's name, such as `test_conv_with_strides_padding`.
    pub name: String,
    /// The operator, such as `Conv`.
    pub op: String,
    attributes: Value,
    types: [Vec<Option<String>>; 2],
    inputs: Vec<Option<Tensor>>,
    outputs: Vec<Option<Array>>,
    tensors: Vec<(String, Array)>,
}

/// Reads all cases of a dump.
///
/// # Errors
/// When a file is missing or not as scripts/onnx_cases.py writes it.
pub fn load(folder: &Path) -> Result<Vec<Node>, String> {
    let archive = Archive::open(folder.join("cases.safetensors"))?;
    let index = fs::read(folder.join("cases.json")).map_err(|error| error.to_string())?;
    let index: Vec<Value> = serde_json::from_slice(&index).map_err(|error| error.to_string())?;
    Ok(index.into_iter().map(|entry| Node::new(entry, &archive)).collect())
}

impl Node {
    fn new(entry: Value, archive: &Archive) -> Self {
        let text = |key: &str| entry[key].as_str().expect("a string").to_owned();
        let types = |key: &str| -> Vec<Option<String>> {
            entry[key]
                .as_array()
                .expect("a list")
                .iter()
                .map(|kind| kind.as_str().map(str::to_owned))
                .collect()
        };
        let (name, inputs, outputs) = (text("name"), types("inputs"), types("outputs"));
        let array = |kind: &str, index: usize| archive.get(&format!("{name}/{kind}/{index}")).cloned();
        let input =
            |(index, kind): (usize, &Option<String>)| Some(tensor(&array("input", index)?, kind.as_deref()?));
        let prefix = format!("{name}/attribute/");
        let attribute =
            |(key, array): (&str, &Array)| Some((key.strip_prefix(&prefix)?.to_owned(), array.clone()));
        Self {
            op: text("op"),
            attributes: entry["attributes"].clone(),
            inputs: inputs.iter().enumerate().map(input).collect(),
            outputs: (0..outputs.len()).map(|index| array("output", index)).collect(),
            tensors: archive.iter().filter_map(attribute).collect(),
            types: [inputs, outputs],
            name,
        }
    }

    /// # Errors
    /// When an input or output has an element type that has no counterpart here.
    pub fn check_types(&self) -> Result<(), String> {
        let known = [
            "FLOAT", "DOUBLE", "BOOL", "INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32",
            "UINT64",
        ];
        match self.types.iter().flatten().flatten().find(|kind| !known.contains(&kind.as_str())) {
            Some(kind) => Err(format!("no element type {}", kind.to_lowercase())),
            None => Ok(()),
        }
    }

    /// Input `index`, which must be there.
    pub fn input(&self, index: usize) -> Tensor {
        self.optional(index).unwrap_or_else(|| panic!("{} needs input {index}", self.op))
    }

    /// Input `index`, which may be left out.
    pub fn optional(&self, index: usize) -> Option<Tensor> {
        self.inputs.get(index)?.clone()
    }

    /// All inputs.
    pub fn inputs(&self) -> Vec<Tensor> {
        self.inputs.iter().flatten().cloned().collect()
    }

    /// The integers in input `index`.
    pub fn integers(&self, index: usize) -> Option<Vec<isize>> {
        let tensor = self.optional(index)?.to_dtype(DType::I64);
        Some(tensor.to_vec::<i64>().into_iter().map(|value| value as isize).collect())
    }

    /// Number of outputs.
    pub fn output_count(&self) -> usize {
        self.outputs.len()
    }

    /// What output `index` should be, where the case says.
    pub fn expected(&self, index: usize) -> Option<&Array> {
        self.outputs.get(index)?.as_ref()
    }

    /// The element type here of output `index`.
    pub fn output_dtype(&self, index: usize) -> DType {
        dtype(self.types[1][index].as_deref().expect("an output has a type"))
    }

    /// Whether there is such an attribute.
    pub fn has(&self, name: &str) -> bool {
        !self.attributes[name].is_null()
    }

    /// A number attribute.
    pub fn float(&self, name: &str, default: f64) -> f64 {
        self.attributes[name].as_f64().unwrap_or(default)
    }

    /// An integer attribute.
    pub fn int(&self, name: &str, default: isize) -> isize {
        self.attributes[name].as_i64().map_or(default, |value| value as isize)
    }

    /// A yes-or-no attribute.
    pub fn flag(&self, name: &str, default: bool) -> bool {
        self.int(name, default.into()) != 0
    }

    /// A list of integers.
    pub fn ints(&self, name: &str) -> Option<Vec<isize>> {
        Some(
            self.attributes[name]
                .as_array()?
                .iter()
                .filter_map(Value::as_i64)
                .map(|value| value as isize)
                .collect(),
        )
    }

    /// A text attribute.
    pub fn text(&self, name: &str, default: &'static str) -> &str {
        self.attributes[name].as_str().unwrap_or(default)
    }

    /// A tensor attribute.
    pub fn tensor(&self, name: &str) -> Option<Tensor> {
        let kind = self.attributes[name]["tensor"].as_str()?;
        let (_, array) = self.tensors.iter().find(|(key, _)| key == name)?;
        Some(tensor(array, kind))
    }
}

/// The element type that stands in for an ONNX one: i64 for every integer but bytes.
fn dtype(kind: &str) -> DType {
    match kind {
        "FLOAT" => DType::F32,
        "DOUBLE" => DType::F64,
        "BOOL" => DType::Bool,
        "UINT8" => DType::U8,
        _ => DType::I64,
    }
}

fn tensor(array: &Array, kind: &str) -> Tensor {
    match (&array.elements, dtype(kind)) {
        (Elements::Integers(values), DType::U8) => {
            Tensor::from_vec(values.iter().map(|&value| value as u8).collect(), &array.shape[..])
        }
        (_, float) => array.tensor(float),
    }
}
