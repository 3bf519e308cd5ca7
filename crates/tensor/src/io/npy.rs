//! Single arrays as NumPy's NPY files.

use super::{atomic, read_file};
use crate::{DType, Element, Error, Result, Shape, Tensor};
use npyz::{AutoSerialize, NpyFile, Order, TypeChar, WriterBuilder};
use std::io::{self, Write};
use std::path::Path;

/// Reads an array from an NPY file. Signed integers of any width and u16 and u32 become i64; big-endian files and
/// Fortran order are understood.
///
/// # Errors
/// When the file cannot be read or is not a valid NPY file, its length is not what its header says, or the type has no
/// counterpart here.
pub fn load(path: impl AsRef<Path>) -> Result<Tensor> {
    let path = path.as_ref();
    parse(&read_file(path)?).map_err(|detail| Error::file(path, detail))
}

/// Writes an array as an NPY file, replacing an old one whole or not at all.
///
/// # Errors
/// When the file cannot be written.
pub fn save(path: impl AsRef<Path>, tensor: &Tensor) -> Result<()> {
    atomic::write_with(path, |file| write(tensor, file))
}

/// Writes header and elements.
pub(super) fn write(tensor: &Tensor, writer: &mut impl Write) -> io::Result<()> {
    fn elements<T: Element + AutoSerialize>(tensor: &Tensor, writer: &mut impl Write) -> io::Result<()> {
        let shape: Vec<u64> = tensor.dims().iter().map(|&size| size as u64).collect();
        let options = npyz::WriteOptions::new().default_dtype().shape(&shape).writer(writer);
        let mut writer = options.begin_nd()?;
        writer.extend(tensor.to_vec::<T>())?;
        writer.finish()
    }
    for_any!(tensor.dtype(), T => elements::<T>(tensor, writer))
}

/// Reads a whole NPY file, or says what is wrong with it.
pub(super) fn parse(bytes: &[u8]) -> std::result::Result<Tensor, String> {
    check_header(bytes)?;
    let mut rest = bytes;
    let file = NpyFile::new(&mut rest).map_err(|error| format!("is not a valid NPY file: {error}"))?;
    let npyz::DType::Plain(kind) = file.dtype() else {
        return Err("holds records; arrays of numbers or truth values can be read".into());
    };
    let (order, count) = (file.order(), file.len());
    let sizes = file.shape().iter().map(|&size| usize::try_from(size).unwrap_or(usize::MAX));
    let shape: Shape = sizes.collect();
    shape.checked_numel("npy").map_err(|error| error.to_string())?;
    let rest: &[u8] = file.into_inner();
    let expected = kind.num_bytes().and_then(|size| size.checked_mul(count as usize));
    if expected != Some(rest.len()) {
        let detail = format!("{kind} {shape} needs {} bytes", expected.unwrap_or(usize::MAX));
        return Err(format!("{detail} behind the header, the file has {}", rest.len()));
    }

    let file = NpyFile::new(bytes).map_err(|error| error.to_string())?;
    let read = |error: io::Error| error.to_string();
    let stored: Shape = if order == Order::Fortran { shape.iter().rev().copied().collect() } else { shape };
    let tensor = match (kind.type_char(), kind.size_field()) {
        (TypeChar::Float, 4) => Tensor::from_vec(file.into_vec::<f32>().map_err(read)?, stored),
        (TypeChar::Float, 8) => Tensor::from_vec(file.into_vec::<f64>().map_err(read)?, stored),
        (TypeChar::Bool, 1) => Tensor::from_vec(file.into_vec::<bool>().map_err(read)?, stored),
        (TypeChar::Uint, 1) => Tensor::from_vec(file.into_vec::<u8>().map_err(read)?, stored),
        (TypeChar::Int, 8) => Tensor::from_vec(file.into_vec::<i64>().map_err(read)?, stored),
        (TypeChar::Int, 1) => widen(file.into_vec::<i8>().map_err(read)?, stored),
        (TypeChar::Int, 2) => widen(file.into_vec::<i16>().map_err(read)?, stored),
        (TypeChar::Int, 4) => widen(file.into_vec::<i32>().map_err(read)?, stored),
        (TypeChar::Uint, 2) => widen(file.into_vec::<u16>().map_err(read)?, stored),
        (TypeChar::Uint, 4) => widen(file.into_vec::<u32>().map_err(read)?, stored),
        _ => {
            let known: Vec<&str> = DType::ALL.iter().map(|dtype| dtype.name()).collect();
            return Err(format!("holds {kind}, which has no counterpart among {}", known.join(", ")));
        }
    };
    // Column-major elements are the row-major ones of the transposed array.
    let reversed: Vec<isize> = (0..tensor.rank() as isize).rev().collect();
    Ok(if order == Order::Fortran { tensor.permute(&reversed).contiguous() } else { tensor })
}

fn widen<T: Into<i64>>(elements: Vec<T>, shape: Shape) -> Tensor {
    Tensor::from_vec(elements.into_iter().map(Into::into).collect::<Vec<i64>>(), shape)
}

/// Longest header that is read: that of an array with the most axes is some hundred bytes long.
const LONGEST_HEADER: usize = 1 << 14;
/// A shape within a dictionary is two deep.
const DEEPEST_HEADER: usize = 4;

/// Refuses headers that the parser behind would meet with a deep recursion, a large allocation or an overflow.
fn check_header(bytes: &[u8]) -> std::result::Result<(), String> {
    let length = match bytes {
        [0x93, b'N', b'U', b'M', b'P', b'Y', 1, _, low, high, ..] => {
            u32::from(u16::from_le_bytes([*low, *high]))
        }
        [0x93, b'N', b'U', b'M', b'P', b'Y', 2 | 3, _, a, b, c, d, ..] => {
            u32::from_le_bytes([*a, *b, *c, *d])
        }
        [0x93, b'N', b'U', b'M', b'P', b'Y', ..] => {
            return Err("is an NPY file of an unknown version, or cut short".into());
        }
        _ => return Err("is not an NPY file: it does not begin with \\x93NUMPY".into()),
    };
    let start = if bytes[6] == 1 { 10 } else { 12 };
    if length as usize > LONGEST_HEADER {
        return Err(format!("has an NPY header of {length} bytes, at most {LONGEST_HEADER} are read"));
    }
    let Some(header) = bytes.get(start..start + length as usize) else {
        return Err(format!("is cut short: its NPY header should be {length} bytes long"));
    };
    let (mut depth, mut quoted) = (0usize, None);
    for &byte in header {
        match (quoted, byte) {
            (Some(quote), _) if byte == quote => quoted = None,
            (Some(_), _) => {}
            (None, b'\'' | b'"') => quoted = Some(byte),
            (None, b'(' | b'[' | b'{') => depth += 1,
            (None, b')' | b']' | b'}') => depth = depth.saturating_sub(1),
            (None, _) => {}
        }
        if depth > DEEPEST_HEADER {
            return Err("has an NPY header with too many brackets".into());
        }
    }
    // The only numbers outside quotes are sizes of axes.
    let text = String::from_utf8_lossy(header);
    let outside = text.split(['\'', '"']).step_by(2);
    let numbers = outside
        .flat_map(|part| part.split(|c: char| !c.is_ascii_digit()))
        .filter(|digits| !digits.is_empty());
    let volume = numbers.map(|digits| digits.parse::<u64>().ok()).filter(|size| *size != Some(0));
    match volume.into_iter().try_fold(1u64, |product, size| product.checked_mul(size?)) {
        Some(_) => Ok(()),
        None => Err("has an NPY header with a shape that no memory can hold".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::survives_corruption;
    use super::*;

    fn bytes_of(tensor: &Tensor) -> Vec<u8> {
        let mut bytes = Vec::new();
        write(tensor, &mut bytes).unwrap();
        bytes
    }

    fn file(header: &str, data: &[u8]) -> Vec<u8> {
        [b"\x93NUMPY\x01\x00", &(header.len() as u16).to_le_bytes()[..], header.as_bytes(), data].concat()
    }

    #[test]
    fn all_dtypes_come_back() {
        let tensors = [
            Tensor::from_slice(&[1.5f32, f32::INFINITY, -0.0, 4.0, 5.0, 6.0], [2, 3]),
            Tensor::scalar(0.1),
            Tensor::from_slice(&[i64::MIN, 7], 2),
            Tensor::from_slice(&[0u8, 255], [2, 1]),
            Tensor::from_slice(&[true, false, true], 3),
            Tensor::from_slice(&[0f32; 0], [0, 5]),
        ];
        for tensor in tensors {
            let again = parse(&bytes_of(&tensor)).unwrap();
            assert_eq!((again.spec(), again.to_string()), (tensor.spec(), tensor.to_string()));
        }
    }

    #[test]
    fn saves_and_loads_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.npy");
        save(&path, &Tensor::from_slice(&[1i64, 2, 3], 3)).unwrap();
        assert_eq!(load(&path).unwrap().to_vec::<i64>(), [1, 2, 3]);
        std::fs::write(&path, "PK").unwrap();
        assert!(load(&path).unwrap_err().to_string().ends_with("does not begin with \\x93NUMPY"));
    }

    #[test]
    fn other_orders_and_widths() {
        let header = "{'descr': '<i2', 'fortran_order': True, 'shape': (2, 3), }\n";
        let tensor = parse(&file(header, &[1, 0, 4, 0, 2, 0, 5, 0, 3, 0, 6, 0])).unwrap();
        assert_eq!((tensor.dims(), tensor.to_vec::<i64>()), (&[2, 3][..], vec![1, 2, 3, 4, 5, 6]));
        let header = "{'descr': '>f4', 'fortran_order': False, 'shape': (1,), }\n";
        assert_eq!(parse(&file(header, &1.5f32.to_be_bytes())).unwrap().item(), 1.5);
    }

    #[test]
    fn what_is_wrong_is_said() {
        let fails = |header: &str, data: &[u8], expected: &str| {
            let error = parse(&file(header, data)).unwrap_err();
            assert!(error.contains(expected), "{error}");
        };
        let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n";
        fails(header, &[0; 23], "needs 24 bytes behind the header, the file has 23");
        fails(header, &[0; 25], "the file has 25");
        fails("{'descr': '<c8', 'fortran_order': False, 'shape': (1,), }\n", &[0; 8], "no counterpart");
        fails(
            "{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296), }\n",
            &[],
            "no memory",
        );
        fails(
            "{'descr': '<f4', 'fortran_order': False, 'shape': (0, 4611686018427387904), }\n",
            &[],
            "more elements",
        );
        fails(&"[".repeat(9000), &[], "brackets");
        fails("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }\n", &[0; 4], "records");
        assert!(parse(b"\x93NUMPY\x02\x00\xff\xff\xff\xff{}").unwrap_err().contains("at most"));
    }

    #[test]
    fn corrupt_files_are_errors() {
        let bytes = bytes_of(&Tensor::from_slice(&[1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0], [2, 3]));
        survives_corruption(&bytes, |bytes| drop(parse(bytes)));
    }
}
