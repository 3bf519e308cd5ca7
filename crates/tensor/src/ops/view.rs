//! Ops that look at the same elements through another layout: nothing is copied unless a reshape cannot do without.
//!
//! Five ops do all of it: `reshape`, `permute`, `expand`, `slice` and `flip`. The other methods (transpose, squeeze,
//! narrow, select, flatten, …) are these five by their usual names, and a graph shows which one ran.

mod expand;
mod flip;
mod permute;
mod reshape;
mod sizes;
mod slice;

pub use sizes::Sizes;

pub(crate) const OPS: &[&str] =
    &["reshape", "contiguous", "permute", "expand", "slice", "slice_grad", "flip"];
