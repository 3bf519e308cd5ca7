//! The weights of one recurrent layer, and what it does with them.

use crate::layers::{check_axis, check_rank, uniform_parameter};
use crate::{Entries, EntriesMut, Scope};
use wengert_tensor::{Error, Generator, Tensor};

/// A kind of recurrent layer.
pub(super) trait Cell {
    /// Name, for messages.
    const NAME: &'static str;
    /// Blocks of `hidden` rows in the weights.
    const GATES: usize;
    /// Tensors of the state, each `[N, hidden]`. The first is the output.
    const STATES: usize;

    /// The outputs `[T, N, hidden]` and the last state, from the projected input `[T, N, gates · hidden]` and the first.
    fn run(weights: &Weights, projected: &Tensor, state: &[Tensor]) -> (Tensor, Vec<Tensor>);
}

/// The weights of one direction of one layer.
#[derive(Debug)]
pub(super) struct Weights {
    /// Input to gates, `[gates · hidden, input]`.
    input: Tensor,
    /// Hidden state to gates, `[gates · hidden, hidden]`.
    hidden: Tensor,
    /// Added to either product, `[gates · hidden]`.
    biases: Option<[Tensor; 2]>,
    /// What follows `weight_ih` and the like in the names.
    suffix: String,
}

impl Weights {
    /// All uniform within ±1/√hidden, as in PyTorch.
    pub fn new<C: Cell>(input: usize, hidden: usize, bias: bool, suffix: String, rng: &Generator) -> Self {
        let bound = 1.0 / (hidden as f64).sqrt();
        let rows = C::GATES * hidden;
        Self {
            input: uniform_parameter(&[rows, input], bound, rng),
            hidden: uniform_parameter(&[rows, hidden], bound, rng),
            biases: bias.then(|| [(); 2].map(|()| uniform_parameter(&[rows], bound, rng))),
            suffix,
        }
    }

    pub fn input_size(&self) -> usize {
        self.input.dim(1)
    }

    pub fn hidden_size(&self) -> usize {
        self.hidden.dim(1)
    }

    /// The input's share of all gates: x W_iᵀ + b_i, for one step `[N, input]` or all of them `[T, N, input]`.
    pub fn project_input(&self, input: &Tensor) -> Tensor {
        input.linear(&self.input, self.biases.as_ref().map(|[bias, _]| bias))
    }

    /// The weight and the bias of the hidden state's share of all gates.
    pub fn hidden(&self) -> (&Tensor, Option<&Tensor>) {
        (&self.hidden, self.biases.as_ref().map(|[_, bias]| bias))
    }

    /// The state given, checked, or zeros.
    pub fn initial_state<C: Cell>(&self, input: &Tensor, given: Option<Vec<Tensor>>) -> Vec<Tensor> {
        let shape = [input.dim(-2), self.hidden_size()];
        let Some(state) = given else {
            return vec![Tensor::zeros(shape, input.dtype()); C::STATES];
        };
        for tensor in &state {
            if tensor.dims() != shape {
                panic!(
                    "{}",
                    Error::shape(C::NAME, format!("a state must be {shape:?}, got {}", tensor.shape()))
                );
            }
        }
        state
    }

    pub fn add_entries<'a>(&'a self, entries: &mut Entries<'a>) {
        let mut add =
            |name: &str, tensor: &'a Tensor| entries.parameter(format!("{name}{}", self.suffix), tensor);
        add("weight_ih", &self.input);
        add("weight_hh", &self.hidden);
        if let Some([input, hidden]) = &self.biases {
            add("bias_ih", input);
            add("bias_hh", hidden);
        }
    }

    pub fn add_entries_mut<'a>(&'a mut self, entries: &mut EntriesMut<'a>) {
        entries.parameters("weight_ih", &mut self.input);
        entries.parameters("weight_hh", &mut self.hidden);
        if let Some([input, hidden]) = &mut self.biases {
            entries.parameters("bias_ih", input);
            entries.parameters("bias_hh", hidden);
        }
    }
}

/// A cell that is stepped by hand.
#[derive(Debug)]
pub(super) struct CellWeights {
    weights: Weights,
    scope: Scope,
}

impl CellWeights {
    pub fn new<C: Cell>(input: usize, hidden: usize, rng: &Generator) -> Self {
        Self { weights: Weights::new::<C>(input, hidden, true, String::new(), rng), scope: Scope::new() }
    }

    pub fn step<C: Cell>(&self, input: &Tensor, state: Option<Vec<Tensor>>) -> Vec<Tensor> {
        let _scope = self.scope.enter();
        check_rank(C::NAME, input, &[2], "[N, input]");
        check_axis(C::NAME, "features", input, 1, self.weights.input_size());
        let state = self.weights.initial_state::<C>(input, state);
        C::run(&self.weights, &self.weights.project_input(input).unsqueeze(0), &state).1
    }

    pub fn entries(&self) -> Entries<'_> {
        let mut entries = Entries::default();
        self.weights.add_entries(&mut entries);
        entries.scope("scope", &self.scope);
        entries
    }

    pub fn entries_mut(&mut self) -> EntriesMut<'_> {
        let mut entries = EntriesMut::default();
        self.weights.add_entries_mut(&mut entries);
        entries
    }
}
