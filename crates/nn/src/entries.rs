//! What a module holds, as a list of names: the one thing from which its state, its summary and its copies are made.

use crate::{Module, Scope, Training};
use std::borrow::Cow;
use wengert_tensor::{Generator, Tensor};

/// Something that a module holds.
pub enum Entry<'a> {
    /// A tensor that optimisers change.
    Parameter(&'a Tensor),
    /// A tensor that belongs to the state but is not trained, such as a running mean.
    Buffer(&'a Tensor),
    /// A stream of random numbers, such as dropout's.
    Generator(&'a Generator),
    /// The training flag.
    Training(&'a Training),
    /// Where the module keeps its path.
    Scope(&'a Scope),
    /// A module inside the module.
    Module(&'a dyn Module),
}

/// What a module holds, with names, in order of declaration. [`module!`](crate::module!) writes it.
#[derive(Default)]
pub struct Entries<'a>(pub(crate) Vec<(Cow<'a, str>, Entry<'a>)>);

impl<'a> Entries<'a> {
    /// Adds a parameter, where there is one.
    pub fn parameters(&mut self, name: &'a str, tensor: impl Into<Option<&'a Tensor>>) {
        self.0.extend(tensor.into().map(|tensor| (name.into(), Entry::Parameter(tensor))));
    }

    /// Adds a parameter whose name is made at run time.
    pub fn parameter(&mut self, name: impl Into<Cow<'a, str>>, tensor: &'a Tensor) {
        self.0.push((name.into(), Entry::Parameter(tensor)));
    }

    /// Adds a buffer, where there is one.
    pub fn buffers(&mut self, name: &'a str, tensor: impl Into<Option<&'a Tensor>>) {
        self.0.extend(tensor.into().map(|tensor| (name.into(), Entry::Buffer(tensor))));
    }

    /// Adds a stream of random numbers.
    pub fn generators(&mut self, name: &'a str, generator: &'a Generator) {
        self.0.push((name.into(), Entry::Generator(generator)));
    }

    /// Adds a module.
    pub fn modules(&mut self, name: impl Into<Cow<'a, str>>, module: &'a dyn Module) {
        self.0.push((name.into(), Entry::Module(module)));
    }

    /// Adds the training flag. It has no name of its own in the state.
    pub fn training(&mut self, _field: &'a str, training: &'a Training) {
        self.0.push(("".into(), Entry::Training(training)));
    }

    /// Adds the place where the module keeps its path. It has no name of its own in the state.
    pub fn scope(&mut self, _field: &'a str, scope: &'a Scope) {
        self.0.push(("".into(), Entry::Scope(scope)));
    }
}

/// Something of a module that can be replaced.
pub enum EntryMut<'a> {
    /// A parameter or a buffer.
    Tensor(&'a mut Tensor),
    /// A stream of random numbers.
    Generator(&'a mut Generator),
    /// A module inside the module.
    Module(&'a mut dyn Module),
}

/// What can be replaced in a module, with names. [`module!`](crate::module!) writes it.
#[derive(Default)]
pub struct EntriesMut<'a>(pub(crate) Vec<(Cow<'a, str>, EntryMut<'a>)>);

impl<'a> EntriesMut<'a> {
    /// Adds a parameter, where there is one.
    pub fn parameters(&mut self, name: &'a str, tensor: impl Into<Option<&'a mut Tensor>>) {
        self.0.extend(tensor.into().map(|tensor| (name.into(), EntryMut::Tensor(tensor))));
    }

    /// Adds a buffer, where there is one.
    pub fn buffers(&mut self, name: &'a str, tensor: impl Into<Option<&'a mut Tensor>>) {
        self.parameters(name, tensor);
    }

    /// Adds a stream of random numbers.
    pub fn generators(&mut self, name: &'a str, generator: &'a mut Generator) {
        self.0.push((name.into(), EntryMut::Generator(generator)));
    }

    /// Adds a module.
    pub fn modules(&mut self, name: impl Into<Cow<'a, str>>, module: &'a mut dyn Module) {
        self.0.push((name.into(), EntryMut::Module(module)));
    }

    /// Training flags are not replaced.
    pub fn training(&mut self, _field: &str, _training: &mut Training) {}

    /// Paths are not replaced.
    pub fn scope(&mut self, _field: &str, _scope: &mut Scope) {}
}

/// Calls `visit` with the full name of everything below `entries`; a module comes before what it holds. Training flags
/// and scopes carry the name of their module.
pub(crate) fn walk<'a>(entries: Entries<'a>, path: &str, visit: &mut dyn FnMut(&str, Entry<'a>)) {
    for (name, entry) in entries.0 {
        let path = join(path, &name);
        if let Entry::Module(module) = entry {
            visit(&path, Entry::Module(module));
            walk(module.entries(), &path, visit);
        } else {
            visit(&path, entry);
        }
    }
}

/// Calls `visit` with the full name of everything below `entries` that can be replaced, but for modules.
pub(crate) fn walk_mut<'a>(entries: EntriesMut<'a>, path: &str, visit: &mut dyn FnMut(&str, EntryMut<'a>)) {
    for (name, entry) in entries.0 {
        let path = join(path, &name);
        match entry {
            EntryMut::Module(module) => walk_mut(module.entries_mut(), &path, visit),
            leaf => visit(&path, leaf),
        }
    }
}

fn join(path: &str, name: &str) -> String {
    match (path, name) {
        ("", name) => name.to_owned(),
        (path, "") => path.to_owned(),
        (path, name) => format!("{path}.{name}"),
    }
}
