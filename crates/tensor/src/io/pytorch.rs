//! State dictionaries as PyTorch saves them: zip archives of a pickle, which describes tensors, and their storages.
//!
//! Reading executes nothing: a reader of its own (`pickle.rs`) knows the few instructions and names that a
//! state dictionary needs and refuses all others. Storages are stored without compression, so that no more memory is
//! asked for than the file is long; what tensors make of them is bounded by a multiple of that.

use super::pickle::{self, Id, Object, Pickle};
use super::read_file;
use crate::{DType, Error, Layout, MAX_RANK, Result, Shape, Strides, Tensor, Value};
use std::collections::{BTreeMap, HashMap};
use std::io::{Cursor, Read};
use std::path::Path;
use zip::{CompressionMethod, ZipArchive};

const REBUILD_TENSOR: &str = "torch._utils._rebuild_tensor_v2";
const REBUILD_PARAMETER: &str = "torch._utils._rebuild_parameter";

/// The types of storages, and how their elements are read.
const STORAGES: [(&str, Stored); 7] = [
    ("torch.FloatStorage", Stored::Plain(DType::F32)),
    ("torch.DoubleStorage", Stored::Plain(DType::F64)),
    ("torch.HalfStorage", Stored::Half),
    ("torch.BFloat16Storage", Stored::BFloat16),
    ("torch.LongStorage", Stored::Plain(DType::I64)),
    ("torch.ByteStorage", Stored::Plain(DType::U8)),
    ("torch.BoolStorage", Stored::Plain(DType::Bool)),
];

/// Tensors may share storages and widen their elements, and so be larger than the file; but not more often than this.
const LARGEST_EXPANSION: usize = 16;

/// Elements in a file. Short floats become f32, which holds all their values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stored {
    Plain(DType),
    Half,
    BFloat16,
}

impl Stored {
    fn size_of(self) -> usize {
        match self {
            Stored::Plain(dtype) => dtype.size_of(),
            Stored::Half | Stored::BFloat16 => 2,
        }
    }

    fn read(self, bytes: &[u8]) -> Value {
        fn build<T: crate::Element, const N: usize>(bytes: &[u8], read: impl Fn([u8; N]) -> T) -> Value {
            let (elements, _) = bytes.as_chunks::<N>();
            Value::build(elements.len(), |out: &mut [T]| {
                out.iter_mut().zip(elements).for_each(|(out, element)| *out = read(*element));
            })
        }
        match self {
            Stored::Plain(DType::F32) => build(bytes, f32::from_le_bytes),
            Stored::Plain(DType::F64) => build(bytes, f64::from_le_bytes),
            Stored::Plain(DType::I64) => build(bytes, i64::from_le_bytes),
            Stored::Plain(DType::U8) => build(bytes, u8::from_le_bytes),
            Stored::Plain(DType::Bool) => build(bytes, |[byte]| byte != 0),
            Stored::Half => build(bytes, |half| widen_half(u16::from_le_bytes(half))),
            // The upper half of an f32.
            Stored::BFloat16 => build(bytes, |[low, high]| f32::from_le_bytes([0, 0, low, high])),
        }
    }
}

/// The f32 of an IEEE 754 half: a sign, 5 bits of exponent and 10 of fraction.
fn widen_half(half: u16) -> f32 {
    let sign = if half >> 15 == 1 { -1.0 } else { 1.0 };
    let (exponent, fraction) = (i32::from(half >> 10 & 0x1f), f32::from(half & 0x3ff));
    let magnitude = match exponent {
        0 => fraction * 2f32.powi(-24),
        31 if fraction == 0.0 => f32::INFINITY,
        31 => f32::NAN,
        _ => (1.0 + fraction / 1024.0) * 2f32.powi(exponent - 15),
    };
    sign * magnitude
}

/// Reads the tensors of a state dictionary by name. f16 and bf16 become f32.
///
/// # Errors
/// When the file cannot be read, is not a zip archive of `torch.save`, or its pickle holds anything but a dictionary of
/// dense tensors of f32, f64, f16, bf16, i64, u8 and bool.
pub fn load(path: impl AsRef<Path>) -> Result<BTreeMap<String, Tensor>> {
    let path = path.as_ref();
    parse(&read_file(path)?).map_err(|detail| Error::file(path, detail))
}

fn parse(bytes: &[u8]) -> std::result::Result<BTreeMap<String, Tensor>, String> {
    let mut archive = Archive::open(bytes)?;
    let allowed: Vec<&str> = STORAGES
        .iter()
        .map(|(name, _)| *name)
        .chain([REBUILD_TENSOR, REBUILD_PARAMETER, "collections.OrderedDict"])
        .collect();
    let pickle = pickle::parse(&archive.entry("data.pkl")?, &allowed)?;
    let Object::Dict(items) = pickle.root() else {
        return Err(
            "does not hold a state dictionary; save one by torch.save(model.state_dict(), path)".into()
        );
    };
    let mut reader =
        Reader { pickle: &pickle, archive, storages: HashMap::new(), tensors: HashMap::new(), bytes: 0 };
    let mut tensors = BTreeMap::new();
    for &(key, value) in items {
        let Object::Text(name) = pickle.get(key) else {
            return Err("has a key that is no text; save a state dictionary, model.state_dict()".into());
        };
        let tensor = reader.tensor(value).map_err(|what| format!("entry {name:?} {what}"))?;
        if tensors.insert(name.clone(), tensor).is_some() {
            return Err(format!("holds {name:?} twice"));
        }
    }
    Ok(tensors)
}

/// The entries of a zip archive, read once and never more bytes of them than the archive has.
struct Archive<'a> {
    zip: ZipArchive<Cursor<&'a [u8]>>,
    /// The folder that all entries lie in.
    prefix: String,
    size: usize,
    left: u64,
}

impl<'a> Archive<'a> {
    fn open(bytes: &'a [u8]) -> std::result::Result<Self, String> {
        let older = "is not a zip archive of torch.save; files from before PyTorch 1.6 must be saved again";
        let zip = ZipArchive::new(Cursor::new(bytes)).map_err(|error| format!("{older} ({error})"))?;
        let prefix = zip.file_names().find_map(|name| name.strip_suffix("data.pkl"));
        let prefix =
            prefix.ok_or("is a zip archive without data.pkl, so torch.save did not write it")?.to_owned();
        let mut archive = Archive { zip, prefix, size: bytes.len(), left: bytes.len() as u64 };
        if archive.entry("byteorder").is_ok_and(|order| order == b"big") {
            return Err("was saved on a big-endian machine; little-endian files can be read".into());
        }
        Ok(archive)
    }

    fn entry(&mut self, name: &str) -> std::result::Result<Vec<u8>, String> {
        let path = format!("{}{name}", self.prefix);
        let entry =
            self.zip.by_name(&path).map_err(|error| format!("has no readable entry {path}: {error}"))?;
        if entry.compression() != CompressionMethod::Stored {
            return Err(format!("has a compressed entry {path}; torch.save compresses nothing"));
        }
        let size = entry.size();
        self.left = self.left.checked_sub(size).ok_or_else(|| {
            format!("has entries that claim more bytes than the file has; {path} claims {size}")
        })?;
        let mut contents = Vec::with_capacity(size as usize);
        // One byte more makes the reader reach the end, where it compares the checksum.
        entry.take(size + 1).read_to_end(&mut contents).map_err(|error| format!("entry {path}: {error}"))?;
        Ok(contents)
    }
}

/// What tells tensors apart: a storage by its key, and how a tensor lies there.
type Identity = (String, usize, Vec<usize>, Vec<usize>);

struct Reader<'a> {
    pickle: &'a Pickle,
    archive: Archive<'a>,
    storages: HashMap<String, (Stored, Value)>,
    /// Tensors read, so that one under two names is one.
    tensors: HashMap<Identity, Tensor>,
    /// Bytes of tensors made.
    bytes: usize,
}

impl<'a> Reader<'a> {
    /// A tensor, or a parameter, which is one.
    fn tensor(&mut self, id: Id) -> std::result::Result<Tensor, String> {
        match self.call(id)? {
            (REBUILD_PARAMETER, [data, ..]) => match self.call(*data)? {
                (REBUILD_TENSOR, arguments) => self.rebuild(arguments),
                _ => Err("is a parameter of what is no tensor".into()),
            },
            (REBUILD_TENSOR, arguments) => self.rebuild(arguments),
            (other, _) => Err(format!("calls {other} for a tensor")),
        }
    }

    /// The function and arguments of a call.
    fn call(&self, id: Id) -> std::result::Result<(&'static str, &'a [Id]), String> {
        let pickle = self.pickle;
        let not_a_tensor =
            || "is no dense tensor; a state dictionary, model.state_dict(), holds nothing else".to_owned();
        let Object::Call(function, arguments) = pickle.get(id) else { return Err(not_a_tensor()) };
        match (pickle.get(*function), pickle.get(*arguments)) {
            (Object::Global(name), Object::Tuple(items)) if name == REBUILD_TENSOR => {
                Ok((REBUILD_TENSOR, items))
            }
            (Object::Global(name), Object::Tuple(items)) if name == REBUILD_PARAMETER => {
                Ok((REBUILD_PARAMETER, items))
            }
            _ => Err(not_a_tensor()),
        }
    }

    /// Arguments: storage, offset, sizes, strides, and what is of no use here.
    fn rebuild(&mut self, arguments: &[Id]) -> std::result::Result<Tensor, String> {
        let [storage, offset, sizes, strides, ..] = *arguments else {
            return Err(format!("has {} of the 4 arguments of a tensor", arguments.len()));
        };
        let (offset, sizes, strides) = (self.count(offset)?, self.counts(sizes)?, self.counts(strides)?);
        let Object::Persistent(described) = *self.pickle.get(storage) else {
            return Err("has no storage".into());
        };
        let (key, stored, count) = self.describe(described)?;
        let identity = (key, offset, sizes, strides);
        if let Some(tensor) = self.tensors.get(&identity) {
            return Ok(tensor.clone());
        }
        let (key, offset, sizes, strides) = &identity;
        let value = self.storage(key, stored, count)?;
        let layout = self.layout(*offset, sizes, strides, &value)?;
        let tensor = Tensor::from_value(value.with_layout(layout).contiguous());
        self.tensors.insert(identity, tensor.clone());
        Ok(tensor)
    }

    fn layout(
        &mut self,
        offset: usize,
        sizes: &[usize],
        strides: &[usize],
        storage: &Value,
    ) -> std::result::Result<Layout, String> {
        if sizes.len() != strides.len() || sizes.len() > MAX_RANK {
            return Err(format!(
                "has sizes {sizes:?} and strides {strides:?}; as many of each, up to {MAX_RANK}, are right"
            ));
        }
        let shape = Shape::from(sizes);
        let numel = shape.checked_numel("pytorch").map_err(|error| error.to_string())?;
        let reach = |last: usize, (size, stride): (&usize, &usize)| {
            last.checked_add((size - 1).checked_mul(*stride)?)
        };
        let last = if numel == 0 { Some(0) } else { sizes.iter().zip(strides).try_fold(offset, reach) };
        if last.is_none_or(|last| last >= storage.numel() && numel > 0) {
            return Err(format!(
                "of sizes {sizes:?} reaches beyond its storage of {} elements",
                storage.numel()
            ));
        }
        self.bytes = self.bytes.saturating_add(numel.saturating_mul(storage.dtype().size_of()));
        if self.bytes / LARGEST_EXPANSION > self.archive.size {
            return Err(format!(
                "makes the tensors more than {LARGEST_EXPANSION} times as large as the file; save them contiguous"
            ));
        }
        // An empty tensor lies nowhere.
        let offset = if numel == 0 { 0 } else { offset };
        let strides: Strides =
            strides.iter().map(|&stride| if numel == 0 { 0 } else { stride as isize }).collect();
        Ok(Layout::new(shape, strides, offset))
    }

    /// The key, type and length of a storage: `('storage', type, key, device, length)`.
    fn describe(&self, described: Id) -> std::result::Result<(String, Stored, usize), String> {
        let wrong = || "has a storage that is not described as torch.save does it".to_owned();
        let Object::Tuple(parts) = self.pickle.get(described) else { return Err(wrong()) };
        let [kind, class, key, _device, count] = parts[..] else { return Err(wrong()) };
        let (Object::Text(kind), Object::Global(class), Object::Text(key)) =
            (self.pickle.get(kind), self.pickle.get(class), self.pickle.get(key))
        else {
            return Err(wrong());
        };
        let stored = STORAGES.iter().find(|(name, _)| name == class).map(|(_, stored)| *stored);
        match stored {
            Some(stored) if kind == "storage" => Ok((key.clone(), stored, self.count(count)?)),
            _ => Err(wrong()),
        }
    }

    /// The elements of a storage.
    fn storage(&mut self, key: &str, stored: Stored, count: usize) -> std::result::Result<Value, String> {
        if let Some((before, value)) = self.storages.get(key) {
            return match *before == stored && value.numel() == count {
                true => Ok(value.clone()),
                false => Err(format!("describes storage {key} in another way than a tensor before it")),
            };
        }
        let bytes = self.archive.entry(&format!("data/{key}"))?;
        if count.checked_mul(stored.size_of()) != Some(bytes.len()) {
            let found = bytes.len();
            return Err(format!("has a storage of {found} bytes for {count} elements of {stored:?}"));
        }
        let value = stored.read(&bytes);
        self.storages.insert(key.to_owned(), (stored, value.clone()));
        Ok(value)
    }

    fn count(&self, id: Id) -> std::result::Result<usize, String> {
        match self.pickle.get(id) {
            Object::Int(count) if (0..=isize::MAX as i64).contains(count) => Ok(*count as usize),
            other => Err(format!("has {other:?} for a number of elements")),
        }
    }

    fn counts(&self, id: Id) -> std::result::Result<Vec<usize>, String> {
        match self.pickle.get(id) {
            Object::Tuple(items) => items.iter().map(|&item| self.count(item)).collect(),
            other => Err(format!("has {other:?} for sizes or strides")),
        }
    }
}

#[cfg(test)]
mod tests;
