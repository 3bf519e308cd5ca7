//! Techniques that steady a game whatever its loss is.

mod average;
mod minibatch;
mod virtual_batch_norm;

pub use average::Average;
pub use minibatch::MinibatchDiscrimination;
pub use virtual_batch_norm::VirtualBatchNorm;
