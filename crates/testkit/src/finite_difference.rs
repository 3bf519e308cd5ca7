//! Central differences in f64: the oracle that needs no formula.

use wengert_tensor::{DType, Tensor};

use crate::case::{Case, Elements};
use crate::compare;

/// Step of the differences.
pub const STEP: f64 = 1e-6;

/// Relative and absolute tolerance of a gradient against differences.
pub const TOLERANCE: (f64, f64) = (1e-3, 1e-5);

/// Most elements of one input that are moved; of a larger one, evenly spread elements are.
const MOST: usize = 256;

/// Holds `gradients`, one for each differentiated input, against differences of the scalar `function`.
///
/// # Errors
/// Which input disagrees, and where.
pub fn check(
    case: &Case,
    inputs: &[Tensor],
    gradients: &[Tensor],
    function: impl Fn(&[Tensor]) -> Result<f64, String>,
) -> Result<(), String> {
    for (&index, gradient) in case.differentiated().iter().zip(gradients) {
        let shape = inputs[index].dims().to_vec();
        let elements = compare::floats_of(&inputs[index]);
        let gradient = compare::floats_of(gradient);
        let moved_to = |position: usize, value: f64| {
            let mut moved = elements.clone();
            moved[position] = value;
            let mut inputs = inputs.to_vec();
            inputs[index] = Elements::Floats(moved).tensor(&shape, DType::F64);
            function(&inputs)
        };
        for position in (0..elements.len()).step_by(elements.len().div_ceil(MOST).max(1)) {
            let here = elements[position];
            let slope = (moved_to(position, here + STEP)? - moved_to(position, here - STEP)?) / (2.0 * STEP);
            if !compare::is_close(gradient[position], slope, TOLERANCE) {
                return Err(format!(
                    "input {index}, element {position}: gradient {:e}, central difference {slope:e}",
                    gradient[position]
                ));
            }
        }
    }
    Ok(())
}
