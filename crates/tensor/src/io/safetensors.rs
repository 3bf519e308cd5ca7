//! States of models as [safetensors](https://github.com/huggingface/safetensors) files.

use super::{atomic, read_file};
use crate::{DType, Element, Error, Result, Shape, Tensor, Value};
use byteorder::{ByteOrder, LittleEndian};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde_json::{Map, json};
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;

/// Key of the header under which metadata stands instead of a tensor.
const METADATA: &str = "__metadata__";
/// Elements that are made bytes at a time.
const CHUNK: usize = 1 << 14;

/// What a safetensors file holds.
#[derive(Clone, Debug, Default)]
pub struct Contents {
    /// The tensors by name.
    pub tensors: BTreeMap<String, Tensor>,
    /// Free text by name.
    pub metadata: BTreeMap<String, String>,
}

/// Reads a safetensors file.
///
/// # Errors
/// When the file cannot be read, is not a valid safetensors file, or holds a tensor of another type than f32, f64, i64,
/// u8 and bool.
pub fn load(path: impl AsRef<Path>) -> Result<Contents> {
    let path = path.as_ref();
    parse(&read_file(path)?).map_err(|detail| Error::file(path, detail))
}

/// Writes tensors and metadata as a safetensors file, replacing an old one whole or not at all. The same contents give
/// the same bytes.
///
/// # Errors
/// When a name occurs twice, or the file cannot be written.
pub fn save<'a, S: AsRef<str>>(
    path: impl AsRef<Path>,
    tensors: impl IntoIterator<Item = (S, &'a Tensor)>,
    metadata: &BTreeMap<String, String>,
) -> Result<()> {
    let path = path.as_ref();
    let (header, tensors) = layout(tensors, metadata).map_err(|detail| Error::file(path, detail))?;
    atomic::write_with(path, |file| {
        file.write_all(&(header.len() as u64).to_le_bytes())?;
        file.write_all(&header)?;
        tensors.iter().try_for_each(|tensor| write_elements(tensor.value(), file))
    })
}

/// Header of a file, and the tensors in the order of their bytes.
fn layout<'a, S: AsRef<str>>(
    tensors: impl IntoIterator<Item = (S, &'a Tensor)>,
    metadata: &BTreeMap<String, String>,
) -> std::result::Result<(Vec<u8>, Vec<&'a Tensor>), String> {
    let mut tensors: Vec<(S, &Tensor)> = tensors.into_iter().collect();
    // Wide elements first keeps all of them aligned.
    tensors
        .sort_by(|(a, x), (b, y)| (y.dtype().size_of(), a.as_ref()).cmp(&(x.dtype().size_of(), b.as_ref())));
    let mut entries = BTreeMap::new();
    let mut offset = 0;
    for (name, tensor) in &tensors {
        let end = offset + tensor.numel() * tensor.dtype().size_of();
        let entry = json!({
            "dtype": format!("{:?}", dtype_in_file(tensor.dtype())),
            "shape": tensor.dims(),
            "data_offsets": [offset, end],
        });
        offset = end;
        let name = name.as_ref();
        if name == METADATA || entries.insert(name.to_string(), entry).is_some() {
            return Err(format!("{name:?} cannot be the name of a tensor, or of two"));
        }
    }
    if !metadata.is_empty() {
        entries.insert(METADATA.to_string(), json!(metadata));
    }
    let mut header =
        serde_json::Value::Object(entries.into_iter().collect::<Map<_, _>>()).to_string().into_bytes();
    header.resize(header.len().next_multiple_of(8), b' ');
    Ok((header, tensors.into_iter().map(|(_, tensor)| tensor).collect()))
}

fn dtype_in_file(dtype: DType) -> Dtype {
    match dtype {
        DType::F32 => Dtype::F32,
        DType::F64 => Dtype::F64,
        DType::I64 => Dtype::I64,
        DType::U8 => Dtype::U8,
        DType::Bool => Dtype::BOOL,
    }
}

/// Elements as the bytes of a file, little-endian. Both sides have the same number of elements.
trait FileBytes: Element {
    fn read(bytes: &[u8], elements: &mut [Self]);
    fn write(elements: &[Self], bytes: &mut [u8]);
}

macro_rules! file_bytes {
    ($($t:ty: $read:ident, $write:ident;)*) => {$(
        impl FileBytes for $t {
            fn read(bytes: &[u8], elements: &mut [Self]) {
                LittleEndian::$read(bytes, elements);
            }
            fn write(elements: &[Self], bytes: &mut [u8]) {
                LittleEndian::$write(elements, bytes);
            }
        }
    )*};
}
file_bytes! {
    f32: read_f32_into, write_f32_into;
    f64: read_f64_into, write_f64_into;
    i64: read_i64_into, write_i64_into;
}

impl FileBytes for u8 {
    fn read(bytes: &[u8], elements: &mut [Self]) {
        elements.copy_from_slice(bytes);
    }
    fn write(elements: &[Self], bytes: &mut [u8]) {
        bytes.copy_from_slice(elements);
    }
}

impl FileBytes for bool {
    fn read(bytes: &[u8], elements: &mut [Self]) {
        elements.iter_mut().zip(bytes).for_each(|(element, byte)| *element = *byte != 0);
    }
    fn write(elements: &[Self], bytes: &mut [u8]) {
        bytes.iter_mut().zip(elements).for_each(|(byte, element)| *byte = u8::from(*element));
    }
}

/// Writes the elements of an array, row-major and little-endian.
pub(crate) fn write_elements(value: &Value, file: &mut impl Write) -> io::Result<()> {
    let value = value.contiguous();
    let read = value.read();
    for_any!(value.dtype(), T => {
        let mut bytes = vec![0; CHUNK.min(value.numel()) * size_of::<T>()];
        read.slice::<T>().chunks(CHUNK).try_for_each(|chunk| {
            let bytes = &mut bytes[..size_of_val(chunk)];
            T::write(chunk, bytes);
            file.write_all(bytes)
        })
    })
}

fn parse(bytes: &[u8]) -> std::result::Result<Contents, String> {
    let invalid = |error| format!("is not a valid safetensors file: {error}");
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(invalid)?;
    let metadata =
        header.metadata().iter().flatten().map(|(key, text)| (key.clone(), text.clone())).collect();
    let file = SafeTensors::deserialize(bytes).map_err(invalid)?;
    let tensors = file.tensors().into_iter().map(|(name, view)| {
        let tensor = read_tensor(&view).map_err(|detail| format!("tensor {name:?} {detail}"))?;
        Ok((name, tensor))
    });
    Ok(Contents { tensors: tensors.collect::<std::result::Result<_, String>>()?, metadata })
}

fn read_tensor(view: &TensorView) -> std::result::Result<Tensor, String> {
    let dtype = match view.dtype() {
        Dtype::F32 => DType::F32,
        Dtype::F64 => DType::F64,
        Dtype::I64 => DType::I64,
        Dtype::U8 => DType::U8,
        Dtype::BOOL => DType::Bool,
        other => return Err(format!("has type {other:?}; f32, f64, i64, u8 and bool can be read")),
    };
    let shape = Shape::from(view.shape());
    shape.checked_numel("safetensors").map_err(|error| error.to_string())?;
    let value = for_any!(dtype, T => Value::build(&shape, |out: &mut [T]| T::read(view.data(), out)));
    Ok(Tensor::from_value(value))
}

#[cfg(test)]
mod tests {
    use super::super::tests::survives_corruption;
    use super::*;

    fn contents() -> Contents {
        let tensors = [
            ("fc1.weight", Tensor::from_slice(&[1.5f32, -2.0, f32::NAN, 0.0, 3.0, 4.0], [2, 3])),
            ("fc1.bias", Tensor::from_slice(&[0.1, 0.2], 2)),
            ("count", Tensor::scalar(i64::MAX)),
            ("pixels", Tensor::from_slice(&[1u8, 2, 255], 3)),
            ("mask", Tensor::from_slice(&[true, false], [1, 2])),
            ("empty", Tensor::from_slice(&[0f32; 0], [0, 3])),
        ];
        let metadata = [("epoch", "3"), ("model", "vae \"quoted\""), ("a", ""), ("b", "")];
        Contents {
            tensors: tensors.map(|(name, tensor)| (name.to_string(), tensor)).into(),
            metadata: metadata.map(|(key, text)| (key.to_string(), text.to_string())).into(),
        }
    }

    #[test]
    fn comes_back_with_the_same_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let (path, again) = (folder.path().join("a"), folder.path().join("b"));
        let saved = contents();
        save(&path, &saved.tensors, &saved.metadata).unwrap();
        let loaded = load(&path).unwrap();
        assert_eq!(loaded.metadata, saved.metadata);
        assert_eq!(loaded.tensors.len(), 6);
        for (name, tensor) in &saved.tensors {
            let (a, b) = (tensor.to_string(), loaded.tensors[name].to_string());
            assert_eq!(a, b, "{name}");
        }
        save(&again, &loaded.tensors, &loaded.metadata).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), std::fs::read(&again).unwrap());
    }

    #[test]
    fn a_view_is_saved_by_its_elements() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let matrix = Tensor::from_slice(&[1i64, 2, 3, 4, 5, 6], [2, 3]);
        save(&path, [("t", &matrix.t())], &BTreeMap::new()).unwrap();
        assert_eq!(load(&path).unwrap().tensors["t"].to_vec::<i64>(), [1, 4, 2, 5, 3, 6]);
    }

    #[test]
    fn wrong_files_and_names_are_errors() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        assert!(load(&path).unwrap_err().to_string().contains(path.to_str().unwrap()));
        assert!(load(folder.path()).unwrap_err().to_string().contains("not a regular file"));
        let one = Tensor::scalar(1.0);
        assert!(save(&path, [("x", &one), ("x", &one)], &BTreeMap::new()).is_err());
        assert!(save(&path, [(METADATA, &one)], &BTreeMap::new()).is_err());

        let header = br#"{"x":{"dtype":"BF16","shape":[1],"data_offsets":[0,2]}} "#;
        let file = [&(header.len() as u64).to_le_bytes()[..], header, &[0, 0]].concat();
        assert_eq!(
            parse(&file).unwrap_err(),
            "tensor \"x\" has type BF16; f32, f64, i64, u8 and bool can be read"
        );
    }

    #[test]
    fn corrupt_files_are_errors() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let saved = contents();
        save(&path, &saved.tensors, &saved.metadata).unwrap();
        survives_corruption(&std::fs::read(&path).unwrap(), |bytes| drop(parse(bytes)));
        // A header that claims to be longer than any memory.
        assert!(parse(&[0xff; 64]).is_err());
    }
}
