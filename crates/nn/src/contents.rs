//! What the methods of [`Module`](crate::Module) do, from a module's entries alone: compiled once, where the bodies of a
//! trait's methods would be compiled again for every type that has them.

use crate::entries::{Entries, EntriesMut, Entry, EntryMut, walk, walk_mut};
use crate::error::Result;
use crate::state::{
    Difference, Reader, StateDict, generator_from_tensor, generator_spec, generator_to_tensor,
};
use std::collections::{HashMap, HashSet};
use wengert_tensor::{DType, Generator, Tensor};

/// Which tensors of a module.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Part {
    Parameters,
    Buffers,
}

/// The parameters or the buffers, each once, with their names.
pub(crate) fn tensors(entries: Entries<'_>, part: Part) -> Vec<(String, Tensor)> {
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

/// The parameters, each once.
pub(crate) fn parameters(entries: Entries<'_>) -> Vec<Tensor> {
    tensors(entries, Part::Parameters).into_iter().map(|(_, tensor)| tensor).collect()
}

/// Number of elements of all parameters.
pub(crate) fn parameter_count(entries: Entries<'_>) -> usize {
    parameters(entries).iter().map(Tensor::numel).sum()
}

/// The streams of random numbers, with their names.
pub(crate) fn generators(entries: Entries<'_>) -> Vec<(String, &Generator)> {
    let mut generators = Vec::new();
    walk(entries, "", &mut |path, entry| {
        if let Entry::Generator(generator) = entry {
            generators.push((path.to_owned(), generator));
        }
    });
    generators
}

/// All parameters and buffers under all their names.
fn named_state(entries: Entries<'_>) -> Vec<(String, Tensor)> {
    let mut state = Vec::new();
    walk(entries, "", &mut |path, entry| {
        if let Entry::Parameter(tensor) | Entry::Buffer(tensor) = entry {
            state.push((path.to_owned(), tensor.clone()));
        }
    });
    state
}

/// Copies of all parameters and buffers under all their names.
pub(crate) fn state_dict(entries: Entries<'_>) -> StateDict {
    named_state(entries).into_iter().map(|(name, tensor)| (name, tensor.copy())).collect()
}

/// See [`Module::load_state_dict`](crate::Module::load_state_dict).
#[track_caller]
pub(crate) fn load_state_dict(entries: Entries<'_>, state: &StateDict, strict: bool) -> Result<Difference> {
    let targets = named_state(entries);
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

/// The positions of all generators by name.
pub(crate) fn generator_state(entries: Entries<'_>) -> StateDict {
    let generators = generators(entries).into_iter();
    generators.map(|(name, generator)| (name, generator_to_tensor(generator.state()))).collect()
}

/// Fails unless `state` has the position of each generator, and nothing else.
pub(crate) fn check_generator_state(entries: Entries<'_>, state: &StateDict) -> Result<()> {
    let mut reader = Reader::new(state);
    for (name, _) in generators(entries) {
        reader.take(name, generator_spec());
    }
    reader.finish()
}

/// Puts all generators where they were, according to a state that was [checked](check_generator_state).
pub(crate) fn set_generators(entries: EntriesMut<'_>, state: &StateDict) {
    walk_mut(entries, "", &mut |path, entry| {
        if let EntryMut::Generator(generator) = entry
            && let Some(position) = generator_from_tensor(&state[path])
        {
            generator.set_state(position);
        }
    });
}

/// Sets all training flags.
pub(crate) fn set_training(entries: Entries<'_>, training: bool) {
    walk(entries, "", &mut |_, entry| {
        if let Entry::Training(flag) = entry {
            flag.set(training);
        }
    });
}

/// Freezes all parameters (`false`) or lets them be trained.
pub(crate) fn set_requires_grad(entries: Entries<'_>, requires_grad: bool) {
    parameters(entries).iter().for_each(|parameter| parameter.set_requires_grad(requires_grad));
}

/// Forgets the gradients of all parameters.
pub(crate) fn zero_grad(entries: Entries<'_>) {
    parameters(entries).iter().for_each(Tensor::zero_grad);
}

/// Converts all float tensors; shared ones stay shared.
pub(crate) fn to_dtype(entries: EntriesMut<'_>, dtype: DType) {
    assert!(dtype.is_float(), "to_dtype: the parameters of a module are floats, not {dtype}");
    // The old tensors are kept to the end: a freed one's address could be given to a new one.
    let mut converted: HashMap<usize, (Tensor, Tensor)> = HashMap::new();
    walk_mut(entries, "", &mut |_, entry| {
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

/// Tells every layer and tensor its name.
pub(crate) fn assign_names(entries: Entries<'_>) {
    let mut named = HashSet::new();
    walk(entries, "", &mut |path, entry| match entry {
        Entry::Scope(scope) => scope.set(path),
        Entry::Parameter(tensor) | Entry::Buffer(tensor) if named.insert(tensor.address()) => {
            tensor.set_name(path);
        }
        _ => {}
    });
}
