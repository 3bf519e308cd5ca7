//! A running average of parameters, which often does better than the parameters themselves.

use crate::error::Result;
use crate::state::{Reader, StateDict};
use wengert_tensor::ops::optimize::{Update, running_average_step};
use wengert_tensor::step::{Counter, Pace};
use wengert_tensor::{DType, Tensor};

/// Exponential moving average of parameters: a ← d·a + (1 − d)·θ after each step (Polyak and Juditsky, 1992).
///
/// With warm-up the decay of update t is min(d, (1 + t) / (10 + t)), so that the average forgets the random start.
///
/// ```
/// use wengert_nn::Ema;
/// use wengert_tensor::Tensor;
///
/// let weight = Tensor::from_slice(&[1.0, 1.0], 2).requires_grad_(true);
/// let mut ema = Ema::new(vec![weight.clone()], 0.75);
/// weight.assign(&Tensor::from_slice(&[5.0, 1.0], 2))?;
/// ema.update()?;
/// ema.swap()?; // The model now holds the average: evaluate it,
/// assert_eq!(weight.to_vec::<f64>(), [2.0, 1.0]);
/// ema.swap()?; // and go on training.
/// assert_eq!(weight.to_vec::<f64>(), [5.0, 1.0]);
/// # Ok::<(), wengert_nn::Error>(())
/// ```
#[derive(Debug)]
pub struct Ema {
    parameters: Vec<Tensor>,
    averages: Vec<Tensor>,
    decay: f64,
    warm_up: bool,
    updates: Counter,
}

impl Ema {
    /// An average that starts at the parameters' present values.
    pub fn new(parameters: Vec<Tensor>, decay: f64) -> Self {
        let averages = parameters.iter().map(Tensor::copy).collect();
        Self { parameters, averages, decay, warm_up: false, updates: Counter::new(0) }
    }

    /// Whether the decay grows from 0.1 to its full value over the first updates; false at first.
    pub fn warm_up(self, warm_up: bool) -> Self {
        Self { warm_up, ..self }
    }

    /// Takes in the parameters' present values.
    ///
    /// # Errors
    /// When a parameter is not a float.
    pub fn update(&mut self) -> Result<()> {
        let (decay, warm_up) = (self.decay, self.warm_up);
        let decay = Pace::moving(self.updates.clone(), move |updates| {
            let count = updates as f64;
            if warm_up { decay.min((1.0 + count) / (10.0 + count)) } else { decay }
        });
        for dtype in [DType::F32, DType::F64] {
            let updates: Vec<Update<'_, 0>> = self
                .averages
                .iter()
                .zip(&self.parameters)
                .filter(|(average, _)| average.dtype() == dtype)
                .map(|(average, parameter)| Update { parameter: average, gradient: parameter, state: [] })
                .collect();
            running_average_step(&updates, decay.clone())?;
        }
        self.updates.add(1);
        Ok(())
    }

    /// Exchanges the parameters' values and the averages. Call it again to undo it.
    ///
    /// # Errors
    /// When a parameter cannot be changed in place.
    #[track_caller]
    pub fn swap(&mut self) -> Result<()> {
        for (average, parameter) in self.averages.iter().zip(&self.parameters) {
            let present = parameter.copy();
            parameter.assign(average)?;
            average.assign(&present)?;
        }
        Ok(())
    }

    /// The averages, in the order of the parameters.
    pub fn averages(&self) -> &[Tensor] {
        &self.averages
    }

    /// The averages and the number of updates: `average.0`, …, `updates`.
    pub fn state_dict(&self) -> StateDict {
        let mut state: StateDict = self
            .averages
            .iter()
            .enumerate()
            .map(|(i, average)| (format!("average.{i}"), average.copy()))
            .collect();
        state.insert("updates".to_owned(), Tensor::scalar(self.updates.get().cast_signed()));
        state
    }

    /// Restores what [`state_dict`](Ema::state_dict) gave. Nothing is changed unless everything fits.
    ///
    /// # Errors
    /// When names are missing or unknown, or shapes, types or numbers do not fit.
    pub fn load_state_dict(&mut self, state: &StateDict) -> Result<()> {
        let mut reader = Reader::new(state);
        let updates = reader.count("updates".to_owned());
        let saved: Vec<Option<Tensor>> = self
            .averages
            .iter()
            .enumerate()
            .map(|(i, average)| reader.take(format!("average.{i}"), average.spec()))
            .collect();
        reader.finish()?;
        self.updates.set(updates);
        for (average, saved) in self.averages.iter().zip(saved.into_iter().flatten()) {
            average.assign(&saved)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warm_up_follows_its_formula_and_state_returns() {
        let weight = Tensor::from_slice(&[0.0], 1).requires_grad_(true);
        let mut ema = Ema::new(vec![weight.clone()], 0.15).warm_up(true);
        weight.assign(&Tensor::from_slice(&[1.0], 1)).unwrap();
        ema.update().unwrap();
        assert!((ema.averages()[0].item() - 0.9).abs() < 1e-12, "the first decay is 1/10");
        ema.update().unwrap();
        assert!(
            (ema.averages()[0].item() - (1.0 - 0.1 * 0.15)).abs() < 1e-12,
            "2/11 is above the full decay"
        );

        let state = ema.state_dict();
        let mut other = Ema::new(vec![weight], 0.15).warm_up(true);
        other.load_state_dict(&state).unwrap();
        assert_eq!(other.averages()[0].to_vec::<f64>(), ema.averages()[0].to_vec::<f64>());
        assert_eq!(other.updates.get(), 2);
        let error = other.load_state_dict(&StateDict::new()).unwrap_err().to_string();
        assert!(error.contains("missing: updates, average.0"), "{error}");
    }
}
