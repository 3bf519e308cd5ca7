//! Contents that an op refuses: `check.cu`.
//!
//! Each function waits for the device, as the host has to know. In a recorded step nothing is found at once; what would have
//! been is told after the step, or after some replays of it.

use crate::capture::puts_off;
use crate::launch::{Arguments, Grid, arguments};
use crate::{Kind, Memory, Result, View};

const OUTSIDE: &str = "an index is not one of the axis";
pub(crate) const IMPROBABLE: &str = "a number is not a probability; it must lie in 0..=1";

/// The first of `indices`, contiguous i64, that does not lie in `0..size`.
///
/// # Errors
/// When they are not contiguous i64.
pub fn first_outside(indices: View<'_>, size: usize) -> Result<Option<i64>> {
    let pointer = indices.dense_of(Kind::I64)?;
    let first =
        first(indices, "first_outside_i64", arguments![pointer, indices.count() as u32, size as i64], OUTSIDE)?;
    first.map(|first| element(indices, first, 0i64)).transpose()
}

/// The first of `probabilities`, contiguous floats, that does not lie in 0..=1.
///
/// # Errors
/// When they are not contiguous floats.
pub fn first_improbable(probabilities: View<'_>) -> Result<Option<f64>> {
    let name = format!("first_improbable_{}", probabilities.kind().suffix());
    let first =
        first(probabilities, &name, arguments![probabilities.dense()?, probabilities.count() as u32], IMPROBABLE)?;
    let Some(first) = first else { return Ok(None) };
    let value = match probabilities.kind() {
        Kind::F32 => f64::from(element(probabilities, first, 0f32)?),
        _ => element(probabilities, first, 0f64)?,
    };
    Ok(Some(value))
}

/// The number of the element that the kernel finds. It takes, after `arguments`, where to put it.
fn first(
    view: View<'_>,
    name: &str,
    mut arguments: Arguments,
    refusal: &'static str,
) -> Result<Option<usize>> {
    if view.count() == 0 {
        return Ok(None);
    }
    let device = view.memory().device();
    let found = Memory::unspecified(device, 4)?;
    found.fill(0xff)?;
    arguments.add(found.pointer());
    // SAFETY: the view is contiguous and has the kernel's type, by name; the kernel reads its elements and writes one
    // number, with any grid.
    unsafe { device.launch("check.cu", name, Grid::cover(device, view.count(), 4), arguments)? };
    if puts_off(refusal, &found, 0, (1, 4), u32::MAX.into())? {
        return Ok(None);
    }
    let mut number = [0u8; 4];
    found.read(0, &mut number)?;
    let number = u32::from_ne_bytes(number);
    Ok((number != u32::MAX).then_some(number as usize))
}

/// Element `number` of a contiguous view of type `T`.
fn element<T: crate::memory::Element>(view: View<'_>, number: usize, zero: T) -> Result<T> {
    let mut element = [zero];
    view.memory().read((view.offset() + number) * view.kind().size(), &mut element)?;
    Ok(element[0])
}
