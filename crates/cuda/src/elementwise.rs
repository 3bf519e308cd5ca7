//! Kernels that take the elements at the same place of one, two or three arrays: `unary.cu`, `binary.cu`, `compare.cu`,
//! `copy.cu`, and in part `loss.cu`.

use crate::launch::{Grid, arguments};
use crate::strides::Strides;
use crate::{Error, Memory, Result, View};

/// A family of such kernels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Functions of one number.
    Unary,
    /// Functions of two numbers and gradients of activations.
    Binary,
    /// Comparisons, logic and choices.
    Compare,
    /// Copies and conversions.
    Copy,
    /// Losses of two numbers, and samples made of three.
    Loss,
}

impl Family {
    fn file(self) -> &'static str {
        match self {
            Family::Unary => "unary.cu",
            Family::Binary => "binary.cu",
            Family::Compare => "compare.cu",
            Family::Copy => "copy.cu",
            Family::Loss => "loss.cu",
        }
    }
}

/// out = function(x…), element by element, row-major.
///
/// The operands have one shape; one that is repeated has strides of 0. The kernel is called `function` with the element
/// type behind it: that of the second operand for `where`, which has three, and of the first otherwise. `numbers` are
/// the function's parameters. `out` may be the memory of a contiguous operand.
///
/// # Errors
/// When there is no such kernel, the shapes differ, or `out` is too small for the results, of `size` bytes each.
pub fn map<const N: usize>(
    family: Family,
    function: &str,
    numbers: [f64; 2],
    operands: [View<'_>; N],
    out: &Memory,
    size: usize,
) -> Result<()> {
    let first = operands[0];
    let count = first.count();
    if operands.iter().any(|operand| operand.sizes() != first.sizes()) || count * size > out.bytes() {
        let sizes = operands.map(|operand| operand.sizes());
        return Err(Error::Argument(format!("{function}: {sizes:?} into {} bytes", out.bytes())));
    }
    if count == 0 {
        return Ok(());
    }
    let typed = operands[usize::from(N == 3)].kind().suffix();
    let places = Strides::merged(first.sizes(), &operands.map(|operand| operand.strides()))?;
    let device = out.device();
    let mut arguments = arguments![];
    for operand in operands {
        arguments.add(operand.pointer());
    }
    arguments.add(out.pointer());
    arguments.add(count as u32);
    let (name, each) = if places.are_contiguous() {
        (format!("{function}_{typed}"), 4)
    } else {
        arguments.add(places);
        (format!("{function}_{typed}_strided"), 1)
    };
    for number in numbers {
        arguments.add(number);
    }
    // SAFETY: each operand's view lies in its memory, `out` has room for `count` results, and the kernels of these files
    // take operands, result, count, places and numbers. They go through the elements with any grid.
    unsafe { device.launch(family.file(), &name, Grid::cover(device, count, each), arguments) }
}

/// Sets the first `count` elements of `out`. The type of `value` is theirs.
///
/// # Errors
/// When there are not so many.
pub fn fill(out: &Memory, count: usize, value: Number) -> Result<()> {
    let (name, size) = match value {
        Number::F32(_) => ("fill_f32", 4),
        Number::F64(_) => ("fill_f64", 8),
        Number::I64(_) => ("fill_i64", 8),
        Number::U8(_) => ("fill_u8", 1),
    };
    if count * size > out.bytes() {
        return Err(Error::Argument(format!("fill: {count} elements into {} bytes", out.bytes())));
    }
    if count == 0 {
        return Ok(());
    }
    let mut arguments = arguments![out.pointer(), count as u32];
    match value {
        Number::F32(value) => arguments.add(value),
        Number::F64(value) => arguments.add(value),
        Number::I64(value) => arguments.add(value),
        Number::U8(value) => arguments.add(value),
    }
    // SAFETY: `out` has room for `count` elements, and the kernel takes memory, count and value, with any grid.
    unsafe { out.device().launch("copy.cu", name, Grid::cover(out.device(), count, 1), arguments) }
}

/// An element of any type; truth values are bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// A 32-bit float.
    F32(f32),
    /// A 64-bit float.
    F64(f64),
    /// A 64-bit integer.
    I64(i64),
    /// A byte, or a truth value as 0 or 1.
    U8(u8),
}
