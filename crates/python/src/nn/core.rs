//! A layer of the engine, which the layers of the package hold.

use crate::arguments::DType;
use crate::errors::{refused, run, try_run};
use crate::files::{Named, unwrapped, wrapped};
use crate::tensor::Tensor;
use pyo3::prelude::*;
use wengert_nn::{Entries, EntriesMut, GRU, GRUCell, LSTM, LSTMCell, Layer, Module};
use wengert_tensor as engine;

/// A layer with its parameters. `wengert.nn` has a class for each kind.
#[pyclass(module = "wengert")]
pub struct Core(pub(super) Kind);

/// What a layer takes and gives.
pub(super) enum Kind {
    /// One tensor for one.
    Layer(Box<dyn Layer>),
    Gru(GRU),
    Lstm(LSTM),
    GruCell(GRUCell),
    LstmCell(LSTMCell),
}

impl Core {
    fn module(&self) -> &dyn Module {
        match &self.0 {
            Kind::Layer(layer) => layer,
            Kind::Gru(layer) => layer,
            Kind::Lstm(layer) => layer,
            Kind::GruCell(layer) => layer,
            Kind::LstmCell(layer) => layer,
        }
    }

    fn module_mut(&mut self) -> &mut dyn Module {
        match &mut self.0 {
            Kind::Layer(layer) => layer,
            Kind::Gru(layer) => layer,
            Kind::Lstm(layer) => layer,
            Kind::GruCell(layer) => layer,
            Kind::LstmCell(layer) => layer,
        }
    }

    fn layer(&self) -> PyResult<&dyn Layer> {
        match &self.0 {
            Kind::Layer(layer) => Ok(layer),
            _ => Err(refused(format!("{} gives its state beside its output", self.module().kind()))),
        }
    }
}

#[pymethods]
impl Core {
    /// The layer's output.
    fn forward(&self, py: Python<'_>, input: Tensor) -> PyResult<Tensor> {
        let layer = self.layer()?;
        run(py, || layer.forward(&input.0)).map(Tensor)
    }

    /// The output of this layer and an activation after it as one op, or `None` where there is no such op.
    fn forward_activated(&self, py: Python<'_>, input: Tensor, next: &Core) -> PyResult<Option<Tensor>> {
        let (layer, next) = (self.layer()?, next.layer()?);
        let fused = run(py, || layer.forward_fused(&input.0, next.as_activation()?))?;
        Ok(fused.map(Tensor))
    }

    /// The outputs of a recurrent layer and its last states.
    #[pyo3(signature = (input, states=None))]
    fn recur(
        &self,
        py: Python<'_>,
        input: Tensor,
        states: Option<Vec<Tensor>>,
    ) -> PyResult<(Tensor, Vec<Tensor>)> {
        let states: Option<Vec<engine::Tensor>> =
            states.map(|states| states.into_iter().map(|state| state.0).collect());
        let wanted = if let Kind::Lstm(_) | Kind::LstmCell(_) = self.0 { 2 } else { 1 };
        if let Some(given) = states.as_ref().map(Vec::len).filter(|&given| given != wanted) {
            return Err(refused(format!("{} takes {wanted} states, got {given}", self.module().kind())));
        }
        let states = states.as_deref();
        let first = states.map(|states| &states[0]);
        let pair = || states.map(|states| (&states[0], &states[1]));
        let (output, states) = run(py, || match &self.0 {
            Kind::Layer(_) => None,
            Kind::Gru(layer) => {
                let (output, hidden) = layer.forward(&input.0, first);
                Some((output, vec![hidden]))
            }
            Kind::Lstm(layer) => {
                let (output, (hidden, cell)) = layer.forward(&input.0, pair());
                Some((output, vec![hidden, cell]))
            }
            Kind::GruCell(layer) => {
                let hidden = layer.forward(&input.0, first);
                Some((hidden.clone(), vec![hidden]))
            }
            Kind::LstmCell(layer) => {
                let (hidden, cell) = layer.forward(&input.0, pair());
                Some((hidden.clone(), vec![hidden, cell]))
            }
        })?
        .ok_or_else(|| refused(format!("{} has no states", self.module().kind())))?;
        Ok((Tensor(output), states.into_iter().map(Tensor).collect()))
    }

    /// The parameters with their names within the layer.
    fn named_parameters(&self) -> Vec<(String, Tensor)> {
        self.module().named_parameters().into_iter().map(|(name, tensor)| (name, Tensor(tensor))).collect()
    }

    /// What belongs to the state but is not trained.
    fn named_buffers(&self) -> Vec<(String, Tensor)> {
        self.module().named_buffers().into_iter().map(|(name, tensor)| (name, Tensor(tensor))).collect()
    }

    /// Whether the layer behaves as in training.
    fn set_training(&self, training: bool) {
        self.module().set_training(training);
    }

    /// Tells the layer and its tensors their names in a model.
    fn assign_names(&self, path: &str) {
        Below { path, module: self.module() }.assign_names();
    }

    /// Positions of the streams of random numbers that the layer owns.
    fn generator_state(&self) -> Named {
        wrapped(self.module().generator_state())
    }

    /// Puts the streams where they were.
    fn load_generator_state(&mut self, py: Python<'_>, state: Named) -> PyResult<()> {
        let state = unwrapped(state);
        let module = self.module_mut();
        try_run(py, || module.load_generator_state(&state))
    }

    /// Converts the parameters, which become new tensors.
    #[allow(clippy::wrong_self_convention)]
    fn to_dtype(&mut self, py: Python<'_>, dtype: DType) -> PyResult<()> {
        let module = self.module_mut();
        run(py, || module.to_dtype(dtype.0))
    }
}

/// A module under a name.
struct Below<'a> {
    path: &'a str,
    module: &'a dyn Module,
}

impl std::fmt::Debug for Below<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {:?}", self.path, self.module)
    }
}

impl Module for Below<'_> {
    fn kind(&self) -> &'static str {
        self.module.kind()
    }

    fn entries(&self) -> Entries<'_> {
        let mut entries = Entries::default();
        entries.modules(self.path, self.module);
        entries
    }

    fn entries_mut(&mut self) -> EntriesMut<'_> {
        EntriesMut::default()
    }
}
