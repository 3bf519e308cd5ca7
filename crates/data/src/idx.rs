//! The IDX format of MNIST: a typed, many-dimensional array behind a big-endian header.
//!
//! Two zero bytes, one byte for the element type, one for the number of dimensions, each dimension as a big-endian
//! `u32`, then the elements in row-major order, big-endian. Described by Y. LeCun on the page of the MNIST database.

use crate::error::{Error, Result};
use crate::source::Source;
use byteorder::{BigEndian, ByteOrder};
use std::path::Path;

/// More axes than this no data set has, and their product would hardly be one that fits.
const MOST_DIMENSIONS: u8 = 8;

/// The elements of an IDX file, in row-major order.
#[derive(Clone, Debug, PartialEq)]
pub enum IdxElements {
    /// Type code 0x08.
    U8(Vec<u8>),
    /// Type code 0x09.
    I8(Vec<i8>),
    /// Type code 0x0B.
    I16(Vec<i16>),
    /// Type code 0x0C.
    I32(Vec<i32>),
    /// Type code 0x0D.
    F32(Vec<f32>),
    /// Type code 0x0E.
    F64(Vec<f64>),
}

/// What an IDX file holds.
#[derive(Clone, Debug, PartialEq)]
pub struct IdxArray {
    /// Sizes of the axes; at least one axis, none of size 0.
    pub shape: Vec<usize>,
    /// The elements; their number is the product of `shape`.
    pub elements: IdxElements,
}

/// Reads an IDX file, raw or packed with gzip.
///
/// # Errors
/// When the file cannot be read, is not IDX, is cut short, goes on after its last element, holds no element, or more
/// than 4 GiB. Nothing is allocated before the header is known to fit the length of the file.
pub fn read_idx(path: impl AsRef<Path>) -> Result<IdxArray> {
    let mut source = Source::open(path.as_ref(), "IDX")?;
    let magic: [u8; 4] = source.array("header")?;
    let [zero_0, zero_1, code, dimensions] = magic;
    if (zero_0, zero_1) != (0, 0) {
        return Err(source.wrong(
            format!("the first bytes {magic:02x?}"),
            "00 00, an element type and a number of dimensions, such as 00 00 08 03 for images",
        ));
    }
    let size = element_size(code).ok_or_else(|| {
        source.wrong(
            format!("the element type 0x{code:02x}"),
            "0x08 (u8), 0x09 (i8), 0x0b (i16), 0x0c (i32), 0x0d (f32) or 0x0e (f64)",
        )
    })?;
    if dimensions == 0 || dimensions > MOST_DIMENSIONS {
        return Err(source.wrong(format!("{dimensions} dimensions"), format!("1 to {MOST_DIMENSIONS}")));
    }
    let mut shape = Vec::with_capacity(dimensions.into());
    for _ in 0..dimensions {
        shape.push(BigEndian::read_u32(&source.array::<4>("dimensions")?) as usize);
    }
    let length = shape.iter().try_fold(size, |product: u64, &dim| product.checked_mul(dim as u64));
    let length =
        length.ok_or_else(|| source.wrong(format!("the shape {shape:?}"), "one that fits in memory"))?;
    if length == 0 {
        return Err(source.wrong(format!("the shape {shape:?}"), "at least one element"));
    }
    let bytes = source.body(length, &format!("elements for the shape {shape:?}"))?;
    source.finish()?;
    Ok(IdxArray { shape, elements: decode(code, bytes) })
}

/// Reads an IDX file of bytes with `dimensions` axes: its shape and elements. Wider integers are taken as well where
/// every one of them lies in 0..=255.
///
/// # Errors
/// As [`read_idx`], and for another number of axes or elements that are not bytes.
pub fn read_idx_bytes(path: impl AsRef<Path>, dimensions: usize) -> Result<(Vec<usize>, Vec<u8>)> {
    let path = path.as_ref();
    let array = read_idx(path)?;
    if array.shape.len() != dimensions {
        return Err(Error::format(
            path,
            "IDX",
            format!("{} dimensions, the shape {:?}", array.shape.len(), array.shape),
            format!("{dimensions} dimensions; images have 3 (or 4 with colours), labels have 1"),
        ));
    }
    let bytes = match array.elements {
        IdxElements::U8(bytes) => Some(bytes),
        IdxElements::I8(values) => narrow(&values),
        IdxElements::I16(values) => narrow(&values),
        IdxElements::I32(values) => narrow(&values),
        IdxElements::F32(_) | IdxElements::F64(_) => None,
    };
    let bytes = bytes.ok_or_else(|| {
        Error::format(path, "IDX", "elements that are not bytes", "whole numbers from 0 to 255")
    })?;
    Ok((array.shape, bytes))
}

fn element_size(code: u8) -> Option<u64> {
    match code {
        0x08 | 0x09 => Some(1),
        0x0b => Some(2),
        0x0c | 0x0d => Some(4),
        0x0e => Some(8),
        _ => None,
    }
}

fn decode(code: u8, bytes: Vec<u8>) -> IdxElements {
    match code {
        0x08 => IdxElements::U8(bytes),
        0x09 => IdxElements::I8(bytes.into_iter().map(|byte| byte as i8).collect()),
        0x0b => IdxElements::I16(bytes.chunks_exact(2).map(BigEndian::read_i16).collect()),
        0x0c => IdxElements::I32(bytes.chunks_exact(4).map(BigEndian::read_i32).collect()),
        0x0d => IdxElements::F32(bytes.chunks_exact(4).map(BigEndian::read_f32).collect()),
        _ => IdxElements::F64(bytes.chunks_exact(8).map(BigEndian::read_f64).collect()),
    }
}

fn narrow<T: Copy + TryInto<u8>>(values: &[T]) -> Option<Vec<u8>> {
    values.iter().map(|&value| value.try_into().ok()).collect()
}
