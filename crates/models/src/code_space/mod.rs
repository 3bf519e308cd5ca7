//! What lies between, beside and around the codes of a trained model.
//!
//! - [`interpolation`]: the way from one code to another.
//! - [`arithmetic`]: what sets two classes apart, added to codes.
//! - [`plane`]: a sheet of codes, to be decoded as a map.

pub mod arithmetic;
pub mod interpolation;
pub mod plane;
