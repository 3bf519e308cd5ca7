//! Reads the arrays of a safetensors file that a script wrote.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use wengert_tensor::{DType, Tensor};

use crate::case::Elements;

/// An array of a file, its elements widened to f64, i64 or bool.
#[derive(Clone, Debug)]
pub struct Array {
    /// Sizes of the axes.
    pub shape: Vec<usize>,
    /// The elements, row-major.
    pub elements: Elements,
}

impl Array {
    /// The array as a tensor, floats in `float`.
    pub fn tensor(&self, float: DType) -> Tensor {
        self.elements.clone().tensor(&self.shape, float)
    }
}

/// The arrays and the metadata of a file.
#[derive(Debug, Default)]
pub struct Archive {
    arrays: BTreeMap<String, Array>,
    metadata: BTreeMap<String, String>,
}

impl Archive {
    /// Reads a whole file.
    ///
    /// # Errors
    /// A message that names the file and what is wrong with it.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, String> {
        let path = path.as_ref();
        let named = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
        let bytes = fs::read(path).map_err(|error| named(&error))?;
        let file = SafeTensors::deserialize(&bytes).map_err(|error| named(&error))?;
        let (_, header) = SafeTensors::read_metadata(&bytes).map_err(|error| named(&error))?;
        let mut arrays = BTreeMap::new();
        for (name, view) in file.iter() {
            if let Some(elements) = widen(&view) {
                arrays.insert(name.to_owned(), Array { shape: view.shape().to_vec(), elements });
            }
        }
        Ok(Self { arrays, metadata: header.metadata().clone().unwrap_or_default().into_iter().collect() })
    }

    /// The array of that name; an absent one, or one of half precision, is `None`.
    pub fn get(&self, name: &str) -> Option<&Array> {
        self.arrays.get(name)
    }

    /// The metadata entry of that name.
    pub fn metadata(&self, name: &str) -> Option<&str> {
        self.metadata.get(name).map(String::as_str)
    }

    /// Names and arrays, in alphabetical order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Array)> {
        self.arrays.iter().map(|(name, array)| (name.as_str(), array))
    }
}

fn widen(view: &TensorView) -> Option<Elements> {
    /// Decodes little-endian numbers of `N` bytes each.
    fn decode<const N: usize, T>(data: &[u8], number: impl Fn([u8; N]) -> T) -> Vec<T> {
        data.as_chunks::<N>().0.iter().map(|&bytes| number(bytes)).collect()
    }
    let data = view.data();
    Some(match view.dtype() {
        Dtype::F64 => Elements::Floats(decode(data, f64::from_le_bytes)),
        Dtype::F32 => Elements::Floats(decode(data, |bytes| f32::from_le_bytes(bytes).into())),
        Dtype::I64 => Elements::Integers(decode(data, i64::from_le_bytes)),
        Dtype::I32 => Elements::Integers(decode(data, |bytes| i32::from_le_bytes(bytes).into())),
        Dtype::I16 => Elements::Integers(decode(data, |bytes| i16::from_le_bytes(bytes).into())),
        Dtype::I8 => Elements::Integers(decode(data, |bytes| i8::from_le_bytes(bytes).into())),
        Dtype::U64 => Elements::Integers(decode(data, |bytes| u64::from_le_bytes(bytes) as i64)),
        Dtype::U32 => Elements::Integers(decode(data, |bytes| u32::from_le_bytes(bytes).into())),
        Dtype::U16 => Elements::Integers(decode(data, |bytes| u16::from_le_bytes(bytes).into())),
        Dtype::U8 => Elements::Integers(decode(data, |bytes| u8::from_le_bytes(bytes).into())),
        Dtype::BOOL => Elements::Booleans(data.iter().map(|&byte| byte != 0).collect()),
        _ => return None,
    })
}
