//! Dropout.

use crate::{Layer, Scope, Training, module};
use wengert_tensor::{Generator, Tensor};

/// In training, sets each element to zero with probability p and divides the others by 1 − p; passes everything
/// otherwise (Srivastava et al., 2014).
///
/// The masks come from a stream of random numbers of the layer's own, whose position is part of
/// [`generator_state`](crate::Module::generator_state).
#[derive(Debug)]
pub struct Dropout {
    probability: f64,
    generator: Generator,
    training: Training,
    scope: Scope,
}

module!(Dropout { generators: generator; training: training; scope: scope });

impl Dropout {
    /// A layer that drops elements with this probability.
    ///
    /// # Panics
    /// When the probability is not within 0..=1.
    pub fn new(probability: f64, rng: &Generator) -> Self {
        check_probability(probability);
        Self { probability, generator: own_stream(rng), training: Training::new(), scope: Scope::new() }
    }
}

impl Layer for Dropout {
    fn forward(&self, input: &Tensor) -> Tensor {
        let _scope = self.scope.enter();
        if self.training.get() { input.dropout(self.probability, &self.generator) } else { input.clone() }
    }
}

#[track_caller]
pub(super) fn check_probability(probability: f64) {
    assert!(
        (0.0..=1.0).contains(&probability),
        "dropout: the probability must lie in 0..=1, got {probability}"
    );
}

/// A stream that no other layer made from `rng` has: its number is drawn.
pub(super) fn own_stream(rng: &Generator) -> Generator {
    let number = rng.randint(0, i64::MAX, 1).to_vec::<i64>()[0];
    rng.stream(number.cast_unsigned())
}
