//! Tiles of bf16 parts of f32 numbers, and the unit that multiplies them: what products and convolutions from parts are
//! made of.

pub mod parts;
pub mod unit;
