//! Parameters that share a learning rate.

use wengert_tensor::Tensor;

/// Parameters with a learning rate, and perhaps a weight decay, of their own.
#[derive(Clone, Debug)]
pub struct ParameterGroup {
    pub(crate) parameters: Vec<Tensor>,
    pub(crate) learning_rate: f64,
    pub(crate) weight_decay: Option<f64>,
}

impl ParameterGroup {
    /// Parameters with a learning rate, and the optimiser's weight decay.
    pub fn new(parameters: Vec<Tensor>, learning_rate: f64) -> Self {
        Self { parameters, learning_rate, weight_decay: None }
    }

    /// Another weight decay than the optimiser's, such as 0 for biases.
    pub fn weight_decay(self, weight_decay: f64) -> Self {
        Self { weight_decay: Some(weight_decay), ..self }
    }
}
