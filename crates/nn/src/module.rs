//! Modules: things with named parameters, buffers and modules inside them.

use crate::entries::{Entries, EntriesMut, Entry, EntryMut, walk, walk_mut};
use crate::error::Result;
use crate::state::{
    Difference, Reader, StateDict, generator_from_tensor, generator_spec, generator_to_tensor,
};
use std::collections::{HashMap, HashSet};
use std::fmt::Debug;
use wengert_tensor::{Activation, DType, Generator, Tensor};

/// A thing with named state: a layer, or a model made of layers.
///
/// [`module!`](crate::module!) writes the required methods from a list of fields. Names are PyTorch's: the fields on the
/// way to a tensor, joined by dots (`encoder.0.weight`), so that a PyTorch model's tensors load by name.
pub trait Module: Debug + Send + Sync {
    /// The name of the type, such as `Linear`.
    fn kind(&self) -> &'static str;

    /// What the module holds, with names.
    fn entries(&self) -> Entries<'_>;

    /// The tensors of the module, replaceable.
    fn entries_mut(&mut self) -> EntriesMut<'_>;

    /// The parameters, each once even where several layers share it, in order of declaration.
    fn parameters(&self) -> Vec<Tensor> {
        self.named_parameters().into_iter().map(|(_, tensor)| tensor).collect()
    }

    /// The parameters with their names, each once, under the first name where several layers share one.
    fn named_parameters(&self) -> Vec<(String, Tensor)> {
        tensors(self.entries(), Part::Parameters)
    }

    /// The tensors that are part of the state but not trained, each once, with their names.
    fn named_buffers(&self) -> Vec<(String, Tensor)> {
        tensors(self.entries(), Part::Buffers)
    }

    /// The streams of random numbers that layers own, with their names.
    fn named_generators(&self) -> Vec<(String, &Generator)> {
        let mut generators = Vec::new();
        walk(self.entries(), "", &mut |path, entry| {
            if let Entry::Generator(generator) = entry {
                generators.push((path.to_owned(), generator));
            }
        });
        generators
    }

    /// Number of elements of all parameters, frozen ones included.
    fn parameter_count(&self) -> usize {
        self.parameters().iter().map(Tensor::numel).sum()
    }

    /// A copy of all parameters and buffers by name. A tensor that two layers share appears under both names, as in
    /// PyTorch. Training on does not change the copy.
    fn state_dict(&self) -> StateDict {
        named_state(self.entries()).into_iter().map(|(name, tensor)| (name, tensor.copy())).collect()
    }

    /// Fills all parameters and buffers from `state`, and returns the names that only one side has: always none when
    /// `strict`. Where layers share a tensor, one of its names is enough. Nothing is changed unless everything fits.
    ///
    /// # Errors
    /// [`Error::State`](crate::Error::State) when a tensor has another shape or element type, or when `strict` and a
    /// name is missing or unknown.
    #[track_caller]
    fn load_state_dict(&self, state: &StateDict, strict: bool) -> Result<Difference> {
        let targets = named_state(self.entries());
        let present = |name: &String| state.contains_key(name);
        let found: HashSet<usize> =
            targets.iter().filter(|(name, _)| present(name)).map(|(_, tensor)| tensor.address()).collect();
        let mut reader = Reader::new(state);
        let sources: Vec<(&Tensor, Option<Tensor>)> = targets
            .iter()
            .filter(|(name, tensor)| present(name) || !found.contains(&tensor.address()))
            .map(|(name, tensor)| (tensor, reader.take(name.clone(), tensor.spec())))
            .collect();
        let difference = if strict {
            reader.finish()?;
            Difference::default()
        } else {
            reader.finish_loosely()?
        };
        for (target, source) in sources {
            if let Some(source) = source {
                target.assign(&source)?;
            }
        }
        Ok(difference)
    }

    /// The positions of all [generators](Module::named_generators) by name, each as its seed, stream and offset: what a
    /// checkpoint must hold besides [`state_dict`](Module::state_dict), so that a resumed run draws the same masks.
    fn generator_state(&self) -> StateDict {
        let generators = self.named_generators().into_iter();
        generators.map(|(name, generator)| (name, generator_to_tensor(generator.state()))).collect()
    }

    /// Puts all generators where they were when [`generator_state`](Module::generator_state) was taken.
    ///
    /// # Errors
    /// When a name is missing or unknown, or a tensor is not the state of a generator.
    fn load_generator_state(&mut self, state: &StateDict) -> Result<()> {
        let mut reader = Reader::new(state);
        for (name, _) in self.named_generators() {
            reader.take(name, generator_spec());
        }
        reader.finish()?;
        walk_mut(self.entries_mut(), "", &mut |path, entry| {
            if let EntryMut::Generator(generator) = entry
                && let Some(position) = generator_from_tensor(&state[path])
            {
                generator.set_state(position);
            }
        });
        Ok(())
    }

    /// Tells all layers to behave as in training: dropout drops, batch normalisation uses and records the batch.
    fn train(&self) {
        self.set_training(true);
    }

    /// Tells all layers to behave as in use: dropout passes, batch normalisation uses its running statistics.
    fn eval(&self) {
        self.set_training(false);
    }

    /// [`train`](Module::train) or [`eval`](Module::eval).
    fn set_training(&self, training: bool) {
        walk(self.entries(), "", &mut |_, entry| {
            if let Entry::Training(flag) = entry {
                flag.set(training);
            }
        });
    }

    /// Freezes all parameters (`false`) or lets them be trained.
    fn set_requires_grad(&self, requires_grad: bool) {
        self.parameters().iter().for_each(|parameter| parameter.set_requires_grad(requires_grad));
    }

    /// Forgets the gradients of all parameters.
    fn zero_grad(&self) {
        self.parameters().iter().for_each(Tensor::zero_grad);
    }

    /// Converts all float tensors to `dtype`; shared ones stay shared. The parameters become new tensors: make
    /// optimisers afterwards.
    ///
    /// # Panics
    /// When `dtype` is not a float.
    fn to_dtype(&mut self, dtype: DType) {
        assert!(dtype.is_float(), "to_dtype: the parameters of a module are floats, not {dtype}");
        // The old tensors are kept to the end: a freed one's address could be given to a new one.
        let mut converted: HashMap<usize, (Tensor, Tensor)> = HashMap::new();
        walk_mut(self.entries_mut(), "", &mut |_, entry| {
            let EntryMut::Tensor(tensor) = entry else { return };
            if !tensor.dtype().is_float() || tensor.dtype() == dtype {
                return;
            }
            let (_, new) = converted.entry(tensor.address()).or_insert_with(|| {
                let new = tensor.detach().to_dtype(dtype).requires_grad_(tensor.requires_grad());
                if let Some(name) = tensor.name() {
                    new.set_name(&name);
                }
                (tensor.clone(), new)
            });
            *tensor = new.clone();
        });
    }

    /// Tells every layer and tensor its name in this model, so that graphs, errors and anomalies can say
    /// `encoder.fc1` and `encoder.fc1.weight`. Call it once on the whole model, after it is built.
    fn assign_names(&self) {
        let mut named = HashSet::new();
        walk(self.entries(), "", &mut |path, entry| match entry {
            Entry::Scope(scope) => scope.set(path),
            Entry::Parameter(tensor) | Entry::Buffer(tensor) if named.insert(tensor.address()) => {
                tensor.set_name(path);
            }
            _ => {}
        });
    }
}

/// A module that maps one tensor to one tensor.
pub trait Layer: Module {
    /// The layer's output.
    ///
    /// # Panics
    /// When the input's shape or type does not fit the layer; the message names the layer, the shapes and what would fit.
    fn forward(&self, input: &Tensor) -> Tensor;

    /// The activation that this layer is, where the op of a layer before it may apply it instead.
    fn as_activation(&self) -> Option<Activation> {
        None
    }

    /// The layer's output, activated, as one op; `None` where this layer has no such op for this activation.
    ///
    /// # Panics
    /// As [`forward`](Layer::forward).
    fn forward_fused(&self, input: &Tensor, activation: Activation) -> Option<Tensor> {
        let _ = (input, activation);
        None
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Part {
    Parameters,
    Buffers,
}

/// The parameters or the buffers below `entries`, each once.
fn tensors(entries: Entries<'_>, part: Part) -> Vec<(String, Tensor)> {
    let mut seen = HashSet::new();
    let mut tensors = Vec::new();
    walk(entries, "", &mut |path, entry| {
        let (found, tensor) = match entry {
            Entry::Parameter(tensor) => (Part::Parameters, tensor),
            Entry::Buffer(tensor) => (Part::Buffers, tensor),
            _ => return,
        };
        if found == part && seen.insert(tensor.address()) {
            tensors.push((path.to_owned(), tensor.clone()));
        }
    });
    tensors
}

/// All parameters and buffers below `entries` under all their names.
fn named_state(entries: Entries<'_>) -> Vec<(String, Tensor)> {
    let mut state = Vec::new();
    walk(entries, "", &mut |path, entry| {
        if let Entry::Parameter(tensor) | Entry::Buffer(tensor) = entry {
            state.push((path.to_owned(), tensor.clone()));
        }
    });
    state
}

/// Makes a value a parameter: a leaf that asks for a gradient.
///
/// # Panics
/// When the tensor does not hold floats.
#[track_caller]
pub fn parameter(value: Tensor) -> Tensor {
    value.detach().requires_grad_(true)
}

/// Implements [`Module`] from a list of fields, by what they are:
///
/// ```
/// use wengert_nn::{Layer, Linear, Scope, module};
/// use wengert_tensor::{Generator, Tensor};
///
/// #[derive(Debug)]
/// struct Scaled {
///     gain: Tensor,
///     linear: Linear,
///     scope: Scope,
/// }
/// module!(Scaled { parameters: gain; modules: linear; scope: scope });
///
/// impl Layer for Scaled {
///     fn forward(&self, input: &Tensor) -> Tensor {
///         let _scope = self.scope.enter();
///         &self.linear.forward(input) * &self.gain
///     }
/// }
/// # use wengert_nn::{Module, parameter};
/// # let rng = Generator::new(0);
/// # let gain = parameter(Tensor::scalar(2f32));
/// # let scaled = Scaled { gain, linear: Linear::new(3, 2, &rng), scope: Scope::new() };
/// let names: Vec<String> = scaled.named_parameters().into_iter().map(|(name, _)| name).collect();
/// assert_eq!(names, ["gain", "linear.weight", "linear.bias"]);
/// ```
///
/// `parameters` and `buffers` are fields of type `Tensor` or `Option<Tensor>`; `modules` any module, `Option`, `Vec` or
/// `Box` of one; `generators` are [`Generator`](wengert_tensor::Generator)s; `training` is a [`Training`](crate::Training)
/// and `scope` a [`Scope`](crate::Scope).
#[macro_export]
macro_rules! module {
    ($type:ident { $($role:ident: $($field:ident),+ $(,)?);* $(;)? }) => {
        impl $crate::Module for $type {
            fn kind(&self) -> &'static str {
                stringify!($type)
            }

            fn entries(&self) -> $crate::Entries<'_> {
                #[allow(unused_mut)]
                let mut entries = $crate::Entries::default();
                $($(entries.$role(stringify!($field), &self.$field);)+)*
                entries
            }

            fn entries_mut(&mut self) -> $crate::EntriesMut<'_> {
                #[allow(unused_mut)]
                let mut entries = $crate::EntriesMut::default();
                $($(entries.$role(stringify!($field), &mut self.$field);)+)*
                entries
            }
        }
    };
}

impl<M: Module + ?Sized> Module for Box<M> {
    fn kind(&self) -> &'static str {
        (**self).kind()
    }

    fn entries(&self) -> Entries<'_> {
        (**self).entries()
    }

    fn entries_mut(&mut self) -> EntriesMut<'_> {
        (**self).entries_mut()
    }
}

impl<L: Layer + ?Sized> Layer for Box<L> {
    fn forward(&self, input: &Tensor) -> Tensor {
        (**self).forward(input)
    }

    fn as_activation(&self) -> Option<Activation> {
        (**self).as_activation()
    }

    fn forward_fused(&self, input: &Tensor, activation: Activation) -> Option<Tensor> {
        (**self).forward_fused(input, activation)
    }
}

/// A module that may be left out: then it holds nothing.
impl<M: Module> Module for Option<M> {
    fn kind(&self) -> &'static str {
        self.as_ref().map_or("None", Module::kind)
    }

    fn entries(&self) -> Entries<'_> {
        self.as_ref().map(Module::entries).unwrap_or_default()
    }

    fn entries_mut(&mut self) -> EntriesMut<'_> {
        self.as_mut().map(Module::entries_mut).unwrap_or_default()
    }
}

/// Modules that are named by their positions, as in PyTorch's `ModuleList`.
impl<M: Module> Module for Vec<M> {
    fn kind(&self) -> &'static str {
        "ModuleList"
    }

    fn entries(&self) -> Entries<'_> {
        let mut entries = Entries::default();
        for (i, module) in self.iter().enumerate() {
            entries.modules(i.to_string(), module);
        }
        entries
    }

    fn entries_mut(&mut self) -> EntriesMut<'_> {
        let mut entries = EntriesMut::default();
        for (i, module) in self.iter_mut().enumerate() {
            entries.modules(i.to_string(), module);
        }
        entries
    }
}
