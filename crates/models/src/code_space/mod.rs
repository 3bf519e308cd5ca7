//! What lies between, beside and around the codes of a trained model.
//!
//! - [`interpolation`]: the way from one code to another.
//! - [`arithmetic`]: what sets two classes apart, added to codes.
//! - [`directions`]: the ways that change an image most, out of the weights.
//! - [`plane`]: a sheet of codes, to be decoded as a map.
//! - [`saved`]: a code as a file or an address, and what a code from outside must be.
//! - [`t_sne`]: a map that keeps neighbours together.
//! - [`truncation`]: codes from the middle of the prior.

pub mod arithmetic;
pub mod directions;
pub mod interpolation;
pub mod plane;
pub mod saved;
pub mod t_sne;
pub mod truncation;
