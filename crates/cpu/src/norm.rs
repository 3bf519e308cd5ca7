//! Normalisation: by the statistics of a channel over a batch, or of a row.

mod batch;
mod layer;

pub use batch::{batch_norm, batch_norm_affine_grad, batch_norm_input_grad, batch_norm_statistics};
pub use layer::{layer_norm, layer_norm_input_grad, layer_norm_weight_grad};
