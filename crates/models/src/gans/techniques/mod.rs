//! Techniques that steady a game whatever its loss is.

mod average;
mod minibatch;

pub use average::Average;
pub use minibatch::MinibatchDiscrimination;
