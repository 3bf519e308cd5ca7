//! Normalisation: by the statistics of a channel over a batch, or of a row.

mod batch;
mod channels;
mod layer;

pub use batch::{BatchNorm, batch_norm_statistics};
pub use layer::{layer_norm, layer_norm_input_grad, layer_norm_weight_grad};
