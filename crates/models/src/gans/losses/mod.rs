//! The losses of adversarial games as functions on scores, one idea a file.
//!
//! Scores are f32 `[N]`, one number for each image of a batch, and every loss is a mean per image.

pub mod cross_entropy;
pub mod gradient_penalty;
