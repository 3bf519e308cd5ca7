//! Why training cannot go on.

/// Why training cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// A number that training rests on has become infinite or is none.
    #[error("{what} is {value}: smaller learning rates may hold it; reset to begin anew")]
    NotFinite {
        /// The number.
        what: &'static str,
        /// What it has become.
        value: f64,
    },
    /// What the engine says.
    #[error(transparent)]
    Tensor(#[from] wengert_tensor::Error),
    /// What the optimisers say.
    #[error(transparent)]
    Optimizer(#[from] wengert_nn::Error),
    /// What the losses of the zoo say.
    #[error(transparent)]
    Loss(#[from] wengert_models::Error),
}

/// The value, where it is finite.
pub fn finite(what: &'static str, value: f64) -> Result<f64, Fault> {
    match value.is_finite() {
        true => Ok(value),
        false => Err(Fault::NotFinite { what, value }),
    }
}
