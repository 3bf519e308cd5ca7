//! Modules: things with named parameters, buffers and modules inside them.

use crate::contents::{self, Part};
use crate::entries::{Entries, EntriesMut};
use crate::error::Result;
use crate::state::{Difference, StateDict};
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
        contents::parameters(self.entries())
    }

    /// The parameters with their names, each once, under the first name where several layers share one.
    fn named_parameters(&self) -> Vec<(String, Tensor)> {
        contents::tensors(self.entries(), Part::Parameters)
    }

    /// The tensors that are part of the state but not trained, each once, with their names.
    fn named_buffers(&self) -> Vec<(String, Tensor)> {
        contents::tensors(self.entries(), Part::Buffers)
    }

    /// The streams of random numbers that layers own, with their names.
    fn named_generators(&self) -> Vec<(String, &Generator)> {
        contents::generators(self.entries())
    }

    /// Number of elements of all parameters, frozen ones included.
    fn parameter_count(&self) -> usize {
        contents::parameter_count(self.entries())
    }

    /// A copy of all parameters and buffers by name. A tensor that two layers share appears under both names, as in
    /// PyTorch. Training on does not change the copy.
    fn state_dict(&self) -> StateDict {
        contents::state_dict(self.entries())
    }

    /// Fills all parameters and buffers from `state`, and returns the names that only one side has: always none when
    /// `strict`. Where layers share a tensor, one of its names is enough. Nothing is changed unless everything fits.
    ///
    /// # Errors
    /// [`Error::State`](crate::Error::State) when a tensor has another shape or element type, or when `strict` and a
    /// name is missing or unknown.
    #[track_caller]
    fn load_state_dict(&self, state: &StateDict, strict: bool) -> Result<Difference> {
        contents::load_state_dict(self.entries(), state, strict)
    }

    /// The positions of all [generators](Module::named_generators) by name, each as its seed, stream and offset: what a
    /// checkpoint must hold besides [`state_dict`](Module::state_dict), so that a resumed run draws the same masks.
    fn generator_state(&self) -> StateDict {
        contents::generator_state(self.entries())
    }

    /// Puts all generators where they were when [`generator_state`](Module::generator_state) was taken.
    ///
    /// # Errors
    /// When a name is missing or unknown, or a tensor is not the state of a generator.
    fn load_generator_state(&mut self, state: &StateDict) -> Result<()> {
        contents::check_generator_state(self.entries(), state)?;
        contents::set_generators(self.entries_mut(), state);
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
        contents::set_training(self.entries(), training);
    }

    /// Freezes all parameters (`false`) or lets them be trained.
    fn set_requires_grad(&self, requires_grad: bool) {
        contents::set_requires_grad(self.entries(), requires_grad);
    }

    /// Forgets the gradients of all parameters.
    fn zero_grad(&self) {
        contents::zero_grad(self.entries());
    }

    /// Converts all float tensors to `dtype`; shared ones stay shared. The parameters become new tensors: make
    /// optimisers afterwards.
    ///
    /// # Panics
    /// When `dtype` is not a float.
    fn to_dtype(&mut self, dtype: DType) {
        contents::to_dtype(self.entries_mut(), dtype);
    }

    /// Tells every layer and tensor its name in this model, so that graphs, errors and anomalies can say
    /// `encoder.fc1` and `encoder.fc1.weight`. Call it once on the whole model, after it is built.
    fn assign_names(&self) {
        contents::assign_names(self.entries());
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
