//! Layers that only change the shape.

use crate::{Layer, Scope, module};
use wengert_tensor::ops::view::Sizes;
use wengert_tensor::{Shape, Tensor};

/// Joins neighbouring axes into one.
#[derive(Debug)]
pub struct Flatten {
    start: isize,
    end: isize,
    scope: Scope,
}

module!(Flatten { scope: scope });

impl Flatten {
    /// Joins all axes but the first.
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        Self::axes(1, -1)
    }

    /// Joins the axes from `start` to `end`, both included.
    pub fn axes(start: isize, end: isize) -> Self {
        Self { start, end, scope: Scope::new() }
    }
}

impl Layer for Flatten {
    fn forward(&self, input: &Tensor) -> Tensor {
        let _scope = self.scope.enter();
        input.flatten(self.start, self.end)
    }
}

/// Splits one axis into several.
#[derive(Debug)]
pub struct Unflatten {
    dim: isize,
    sizes: Sizes,
    scope: Scope,
}

module!(Unflatten { scope: scope });

impl Unflatten {
    /// Splits axis `dim` into axes of these sizes, one of which may be −1: whatever is left.
    pub fn new(dim: isize, sizes: impl Into<Sizes>) -> Self {
        Self { dim, sizes: sizes.into(), scope: Scope::new() }
    }
}

impl Layer for Unflatten {
    fn forward(&self, input: &Tensor) -> Tensor {
        let _scope = self.scope.enter();
        input.unflatten(self.dim, self.sizes.clone())
    }
}

/// Gives each example of a batch another shape.
#[derive(Debug)]
pub struct Reshape {
    shape: Shape,
    scope: Scope,
}

module!(Reshape { scope: scope });

impl Reshape {
    /// `[N, …]` to `[N, …shape]`.
    pub fn new(shape: impl Into<Shape>) -> Self {
        Self { shape: shape.into(), scope: Scope::new() }
    }
}

impl Layer for Reshape {
    fn forward(&self, input: &Tensor) -> Tensor {
        let _scope = self.scope.enter();
        let batch = input.dim(0);
        input.reshape([&[batch], &self.shape[..]].concat())
    }
}
