//! Optimisers, averages of weights, and bounds on gradients.

use crate::arguments::handles;
use crate::errors::{run, try_run};
use crate::files::{Named, unwrapped, wrapped};
use crate::tensor::Tensor;
use pyo3::prelude::*;
use std::sync::{Mutex, MutexGuard, PoisonError};
use wengert_nn as nn;
use wengert_nn::ParameterGroup;

/// Something that moves parameters against their gradients. `wengert.optim` has a class for each kind.
#[pyclass(frozen, module = "wengert")]
pub struct Optimizer(Mutex<Box<dyn nn::Optimizer>>);

impl Optimizer {
    fn make<O: nn::Optimizer + 'static>(
        py: Python<'_>,
        make: impl FnOnce() -> O + Send,
    ) -> PyResult<Optimizer> {
        run(py, make).map(|optimizer| Optimizer(Mutex::new(Box::new(optimizer))))
    }

    fn lock(&self) -> MutexGuard<'_, Box<dyn nn::Optimizer>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[pymethods]
impl Optimizer {
    #[staticmethod]
    fn sgd(
        py: Python<'_>,
        parameters: Vec<Tensor>,
        learning_rate: f64,
        momentum: f64,
        dampening: f64,
        weight_decay: f64,
        nesterov: bool,
    ) -> PyResult<Optimizer> {
        Self::make(py, || {
            let sgd = nn::Sgd::new(handles(parameters), learning_rate).momentum(momentum);
            sgd.dampening(dampening).weight_decay(weight_decay).nesterov(nesterov)
        })
    }

    #[staticmethod]
    #[allow(clippy::too_many_arguments)]
    fn adam(
        py: Python<'_>,
        parameters: Vec<Tensor>,
        learning_rate: f64,
        betas: (f64, f64),
        eps: f64,
        weight_decay: f64,
        amsgrad: bool,
        decoupled: bool,
    ) -> PyResult<Optimizer> {
        macro_rules! made {
            ($kind:ident) => {
                Self::make(py, || {
                    let adam = nn::$kind::new(handles(parameters), learning_rate).betas(betas.0, betas.1);
                    adam.eps(eps).weight_decay(weight_decay).amsgrad(amsgrad)
                })
            };
        }
        if decoupled { made!(AdamW) } else { made!(Adam) }
    }

    #[staticmethod]
    #[allow(clippy::too_many_arguments)]
    fn rmsprop(
        py: Python<'_>,
        parameters: Vec<Tensor>,
        learning_rate: f64,
        alpha: f64,
        eps: f64,
        weight_decay: f64,
        momentum: f64,
        centered: bool,
    ) -> PyResult<Optimizer> {
        Self::make(py, || {
            let rmsprop = nn::RmsProp::new(handles(parameters), learning_rate).alpha(alpha).eps(eps);
            rmsprop.weight_decay(weight_decay).momentum(momentum).centered(centered)
        })
    }

    #[staticmethod]
    fn adagrad(
        py: Python<'_>,
        parameters: Vec<Tensor>,
        learning_rate: f64,
        lr_decay: f64,
        weight_decay: f64,
        initial_accumulator_value: f64,
        eps: f64,
    ) -> PyResult<Optimizer> {
        Self::make(py, || {
            let adagrad = nn::Adagrad::new(handles(parameters), learning_rate).learning_rate_decay(lr_decay);
            adagrad.weight_decay(weight_decay).initial_accumulator(initial_accumulator_value).eps(eps)
        })
    }

    /// Changes every parameter that has a gradient.
    fn step(&self, py: Python<'_>) -> PyResult<()> {
        try_run(py, || self.lock().step())
    }

    /// Forgets the gradients of all parameters.
    fn zero_grad(&self, py: Python<'_>) -> PyResult<()> {
        run(py, || self.lock().zero_grad())
    }

    /// Adds parameters with a learning rate of their own.
    #[pyo3(signature = (parameters, learning_rate, weight_decay=None))]
    fn add_group(
        &self,
        py: Python<'_>,
        parameters: Vec<Tensor>,
        learning_rate: f64,
        weight_decay: Option<f64>,
    ) -> PyResult<()> {
        run(py, || {
            let group = ParameterGroup::new(handles(parameters), learning_rate);
            self.lock().add_group(match weight_decay {
                Some(weight_decay) => group.weight_decay(weight_decay),
                None => group,
            });
        })
    }

    /// All parameters.
    #[getter]
    fn parameters(&self) -> Vec<Tensor> {
        self.lock().parameters().into_iter().map(Tensor).collect()
    }

    /// The learning rate of each group.
    #[getter]
    fn learning_rates(&self) -> Vec<f64> {
        self.lock().slots().learning_rates()
    }

    /// Gives every group this learning rate.
    fn set_learning_rate(&self, py: Python<'_>, learning_rate: f64) -> PyResult<()> {
        run(py, || self.lock().set_learning_rate(learning_rate))
    }

    /// Sets every group's learning rate to `factor` times the one it started with.
    fn scale_learning_rate(&self, factor: f64) {
        self.lock().scale_learning_rate(factor);
    }

    /// What a resumed run needs.
    fn state_dict(&self, py: Python<'_>) -> PyResult<Named> {
        run(py, || self.lock().state_dict()).map(wrapped)
    }

    /// Restores what `state_dict` gave.
    fn load_state_dict(&self, py: Python<'_>, state: Named) -> PyResult<()> {
        let state = unwrapped(state);
        try_run(py, || self.lock().load_state_dict(&state))
    }
}

/// Exponential moving average of parameters: a ← d·a + (1 − d)·θ.
#[pyclass(frozen, module = "wengert")]
pub struct Ema(Mutex<nn::Ema>);

impl Ema {
    fn lock(&self) -> MutexGuard<'_, nn::Ema> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[pymethods]
impl Ema {
    #[new]
    #[pyo3(signature = (parameters, decay, warm_up=false))]
    fn new(py: Python<'_>, parameters: Vec<Tensor>, decay: f64, warm_up: bool) -> PyResult<Ema> {
        run(py, || Ema(Mutex::new(nn::Ema::new(handles(parameters), decay).warm_up(warm_up))))
    }

    /// Takes in the parameters' present values.
    fn update(&self, py: Python<'_>) -> PyResult<()> {
        try_run(py, || self.lock().update())
    }

    /// Exchanges the parameters' values and the averages; call it again to undo it.
    fn swap(&self, py: Python<'_>) -> PyResult<()> {
        try_run(py, || self.lock().swap())
    }

    /// The averages, in the order of the parameters.
    #[getter]
    fn averages(&self) -> Vec<Tensor> {
        self.lock().averages().iter().cloned().map(Tensor).collect()
    }

    /// The averages and the number of updates.
    fn state_dict(&self, py: Python<'_>) -> PyResult<Named> {
        run(py, || self.lock().state_dict()).map(wrapped)
    }

    /// Restores what `state_dict` gave.
    fn load_state_dict(&self, py: Python<'_>, state: Named) -> PyResult<()> {
        let state = unwrapped(state);
        try_run(py, || self.lock().load_state_dict(&state))
    }
}

/// Scales all gradients by one factor, so that their joint 2-norm is at most `max_norm`; returns the norm before that.
#[pyfunction]
pub fn clip_grad_norm_(py: Python<'_>, parameters: Vec<Tensor>, max_norm: f64) -> PyResult<Tensor> {
    let parameters = handles(parameters);
    run(py, || nn::clip_grad_norm_(&parameters, max_norm)).map(Tensor)
}

/// Moves every element of every gradient into −`clip_value`..=`clip_value`.
#[pyfunction]
pub fn clip_grad_value_(py: Python<'_>, parameters: Vec<Tensor>, clip_value: f64) -> PyResult<()> {
    let parameters = handles(parameters);
    run(py, || nn::clip_grad_value_(&parameters, clip_value))
}
