//! Compares arrays and says where they differ.

use wengert_tensor::{DType, Tensor};

use crate::case::Elements;

/// The elements of a tensor, widened to f64, i64 or bool.
pub fn elements(tensor: &Tensor) -> Elements {
    match tensor.dtype() {
        DType::F32 => Elements::Floats(tensor.to_vec::<f32>().into_iter().map(f64::from).collect()),
        DType::F64 => Elements::Floats(tensor.to_vec()),
        DType::I64 => Elements::Integers(tensor.to_vec()),
        DType::U8 => Elements::Integers(tensor.to_vec::<u8>().into_iter().map(i64::from).collect()),
        DType::Bool => Elements::Booleans(tensor.to_vec()),
    }
}

/// The elements of a float tensor as f64.
///
/// # Panics
/// When the tensor holds no floats.
pub fn floats_of(tensor: &Tensor) -> Vec<f64> {
    match elements(tensor) {
        Elements::Floats(values) => values,
        _ => panic!("floats expected, got {}", tensor.dtype()),
    }
}

/// Whether `found` is within `relative · |expected| + absolute` of `expected`; NaN is close to NaN, and an infinity to
/// itself.
pub fn is_close(found: f64, expected: f64, (relative, absolute): (f64, f64)) -> bool {
    found == expected
        || (found.is_nan() && expected.is_nan())
        || (found - expected).abs() <= relative * expected.abs() + absolute && expected.is_finite()
}

/// Holds floats `found` against `expected`, both of `shape`.
///
/// # Errors
/// How many elements differ, and where the worst one is.
pub fn close(shape: &[usize], found: &[f64], expected: &[f64], tolerance: (f64, f64)) -> Result<(), String> {
    let differing = (0..expected.len()).filter(|&i| !is_close(found[i], expected[i], tolerance));
    let differing: Vec<usize> = differing.collect();
    let error = |&i: &usize| {
        let difference = (found[i] - expected[i]).abs();
        if difference.is_nan() { f64::INFINITY } else { difference }
    };
    let Some(worst) = differing.iter().max_by(|a, b| error(a).total_cmp(&error(b))) else { return Ok(()) };
    Err(format!(
        "{} of {} elements differ; at {:?} found {:e}, expected {:e}",
        differing.len(),
        expected.len(),
        index_of(shape, *worst),
        found[*worst],
        expected[*worst]
    ))
}

/// Holds a tensor against elements of `shape`: kind of number, shape and every element.
///
/// # Errors
/// What differs.
pub fn matches(
    found: &Tensor,
    shape: &[usize],
    expected: &Elements,
    tolerance: (f64, f64),
) -> Result<(), String> {
    if found.dims() != shape {
        return Err(format!("found shape {:?}, expected {shape:?}", found.dims()));
    }
    match (elements(found), expected) {
        (Elements::Floats(found), Elements::Floats(expected)) => close(shape, &found, expected, tolerance),
        (found, expected) if found == *expected => Ok(()),
        (found, expected) => Err(format!("found {found:?}, expected {expected:?}")),
    }
}

/// The index of the element at row-major `position`.
fn index_of(shape: &[usize], mut position: usize) -> Vec<usize> {
    let mut index = vec![0; shape.len()];
    for axis in (0..shape.len()).rev() {
        index[axis] = position % shape[axis];
        position /= shape[axis];
    }
    index
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closeness() {
        assert!(is_close(f64::NAN, f64::NAN, (0.0, 0.0)));
        assert!(is_close(f64::INFINITY, f64::INFINITY, (0.0, 0.0)));
        assert!(!is_close(1.0, f64::INFINITY, (1.0, 1.0)));
        assert!(!is_close(f64::NAN, 0.0, (1.0, 1.0)));
        assert!(is_close(1.01, 1.0, (0.02, 0.0)) && !is_close(1.01, 1.0, (0.001, 0.001)));
    }

    #[test]
    fn names_the_worst_element() {
        let message = close(&[2, 2], &[0.0, 1.5, 2.0, 9.0], &[0.0, 1.0, 2.0, 3.0], (0.0, 0.1)).unwrap_err();
        assert_eq!(message, "2 of 4 elements differ; at [1, 1] found 9e0, expected 3e0");
    }
}
