//! Layers of recurrent cells over a sequence.

use super::cell::{Cell, Weights};
use crate::layers::dropout::{check_probability, own_stream};
use crate::layers::{check_axis, check_rank};
use crate::{Entries, EntriesMut, Scope, Training};
use std::marker::PhantomData;
use wengert_tensor::{Error, Generator, Tensor};

/// Options of a [`GRU`](crate::GRU) or an [`LSTM`](crate::LSTM).
#[derive(Clone, Debug)]
pub struct RecurrentBuilder<L> {
    pub(super) options: Options,
    layer: PhantomData<fn() -> L>,
}

#[derive(Clone, Debug)]
pub(super) struct Options {
    input_size: usize,
    hidden_size: usize,
    layers: usize,
    bias: bool,
    batch_first: bool,
    bidirectional: bool,
    dropout: f64,
}

impl<L> RecurrentBuilder<L> {
    pub(super) fn new(input_size: usize, hidden_size: usize) -> Self {
        let options = Options {
            input_size,
            hidden_size,
            layers: 1,
            bias: true,
            batch_first: false,
            bidirectional: false,
            dropout: 0.0,
        };
        Self { options, layer: PhantomData }
    }

    /// Layers on top of each other; 1 at first.
    pub fn num_layers(mut self, layers: usize) -> Self {
        self.options.layers = layers;
        self
    }

    /// Whether to add biases; true at first.
    pub fn bias(mut self, bias: bool) -> Self {
        self.options.bias = bias;
        self
    }

    /// Whether sequences are `[N, T, …]` instead of `[T, N, …]`; false at first.
    pub fn batch_first(mut self, batch_first: bool) -> Self {
        self.options.batch_first = batch_first;
        self
    }

    /// Whether a second set of cells reads the sequence backwards; false at first. Outputs are then twice as wide.
    pub fn bidirectional(mut self, bidirectional: bool) -> Self {
        self.options.bidirectional = bidirectional;
        self
    }

    /// Probability of dropping an output of each layer but the last, in training; 0 at first.
    ///
    /// # Panics
    /// When it is not within 0..=1.
    pub fn dropout(mut self, probability: f64) -> Self {
        check_probability(probability);
        self.options.dropout = probability;
        self
    }
}

/// Several layers, in one or both directions.
#[derive(Debug)]
pub(super) struct Stack<C> {
    options: Options,
    /// One for each direction of each layer, directions innermost.
    weights: Vec<Weights>,
    generator: Generator,
    training: Training,
    scope: Scope,
    cell: PhantomData<fn() -> C>,
}

impl<C: Cell> Stack<C> {
    pub fn new(options: Options, rng: &Generator) -> Self {
        assert!(options.layers > 0, "{}: needs at least one layer", C::NAME);
        let directions = options.directions();
        let mut weights = Vec::with_capacity(options.layers * directions.len());
        for layer in 0..options.layers {
            let input = if layer == 0 { options.input_size } else { directions.len() * options.hidden_size };
            for (_, suffix) in directions {
                let suffix = format!("_l{layer}{suffix}");
                weights.push(Weights::new::<C>(input, options.hidden_size, options.bias, suffix, rng));
            }
        }
        Self {
            options,
            weights,
            generator: own_stream(rng),
            training: Training::new(),
            scope: Scope::new(),
            cell: PhantomData,
        }
    }

    /// The outputs of the last layer, and the last states of all layers and directions, stacked.
    pub fn forward(&self, input: &Tensor, states: Option<Vec<Tensor>>) -> (Tensor, Vec<Tensor>) {
        let _scope = self.scope.enter();
        let axes = if self.options.batch_first { "[N, T, input]" } else { "[T, N, input]" };
        check_rank(C::NAME, input, &[3], axes);
        check_axis(C::NAME, "features", input, 2, self.options.input_size);
        let time_first = if self.options.batch_first { input.transpose(0, 1) } else { input.clone() };
        if time_first.dim(0) == 0 {
            panic!(
                "{}",
                Error::shape(C::NAME, format!("needs at least one step, got {axes} = {}", input.shape()))
            );
        }
        for state in states.iter().flatten() {
            check_rank(C::NAME, state, &[3], "state [layers · directions, N, hidden]");
            check_axis(C::NAME, "layers · directions", state, 0, self.weights.len());
        }

        let directions = self.options.directions();
        let mut sequence = time_first;
        let mut last_states: Vec<Vec<Tensor>> = Vec::with_capacity(self.weights.len());
        for (layer, both) in self.weights.chunks(directions.len()).enumerate() {
            if layer > 0 && self.training.get() && self.options.dropout > 0.0 {
                sequence = sequence.dropout(self.options.dropout, &self.generator);
            }
            let mut outputs = Vec::with_capacity(directions.len());
            for (weights, &(reversed, _)) in both.iter().zip(directions) {
                let index = last_states.len() as isize;
                let given =
                    states.as_ref().map(|states| states.iter().map(|state| state.select(0, index)).collect());
                let (output, last) = run::<C>(weights, &sequence, given, reversed);
                outputs.push(output);
                last_states.push(last);
            }
            sequence = match &outputs[..] {
                [single] => single.clone(),
                several => Tensor::cat(&several.iter().collect::<Vec<_>>(), -1),
            };
        }

        let output = if self.options.batch_first { sequence.transpose(0, 1) } else { sequence };
        let stacked = (0..C::STATES)
            .map(|part| Tensor::stack(&last_states.iter().map(|state| &state[part]).collect::<Vec<_>>(), 0))
            .collect();
        (output, stacked)
    }

    pub fn entries(&self) -> Entries<'_> {
        let mut entries = Entries::default();
        self.weights.iter().for_each(|weights| weights.add_entries(&mut entries));
        if self.options.dropout > 0.0 {
            entries.generators("generator", &self.generator);
        }
        entries.training("training", &self.training);
        entries.scope("scope", &self.scope);
        entries
    }

    pub fn entries_mut(&mut self) -> EntriesMut<'_> {
        let mut entries = EntriesMut::default();
        self.weights.iter_mut().for_each(|weights| weights.add_entries_mut(&mut entries));
        if self.options.dropout > 0.0 {
            entries.generators("generator", &mut self.generator);
        }
        entries
    }
}

impl Options {
    /// For each direction, whether it reads the sequence backwards, and what ends the names of its weights.
    fn directions(&self) -> &'static [(bool, &'static str)] {
        if self.bidirectional { &[(false, ""), (true, "_reverse")] } else { &[(false, "")] }
    }
}

/// One layer in one direction: the outputs `[T, N, hidden]` and the last state.
fn run<C: Cell>(
    weights: &Weights,
    sequence: &Tensor,
    given: Option<Vec<Tensor>>,
    reversed: bool,
) -> (Tensor, Vec<Tensor>) {
    let state = weights.initial_state::<C>(sequence, given);
    let turned = |tensor: Tensor| if reversed { tensor.flip(&[0]) } else { tensor };
    let (outputs, last) = C::run(weights, &turned(weights.project_input(sequence)), &state);
    (turned(outputs), last)
}
