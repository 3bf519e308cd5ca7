//! Margins and angles.

use super::{Reduction, check_pair, guarded};
use crate::apply::must;
use crate::shape::broadcast;
use crate::{Error, Result, Tensor};

impl Tensor {
    /// max(0, 1 − t x) of scores x and targets t of −1 or 1. The gradient at the kink is 0.
    ///
    /// # Panics
    /// When shapes or types differ, or the type is not a float.
    #[track_caller]
    pub fn hinge_loss(&self, target: &Tensor, reduction: Reduction) -> Tensor {
        must(check_pair("hinge_loss", self, target));
        reduction.apply((1.0 - target * self).relu())
    }

    /// x where the target is 1, max(0, margin − x) where it is −1: for distances x of pairs that belong together or not.
    ///
    /// # Panics
    /// When shapes or types differ, or the type is not a float.
    #[track_caller]
    pub fn hinge_embedding_loss(&self, target: &Tensor, margin: f64, reduction: Reduction) -> Tensor {
        must(check_pair("hinge_embedding_loss", self, target));
        let apart = (margin - self).clamp(Some(0.0), None);
        reduction.apply(choose(target, self, &apart))
    }

    /// Cosine of the angle between vectors along `dim`: x·y / (|x| |y|), with norms of at least `epsilon` (PyTorch's
    /// default is 10⁻⁸). The shapes broadcast; the result has them without `dim`.
    ///
    /// # Panics
    /// When the shapes do not broadcast, `dim` is out of range, types differ or are not floats.
    #[track_caller]
    pub fn cosine_similarity(&self, other: &Tensor, dim: isize, epsilon: f64) -> Tensor {
        let shape = must(broadcast("cosine_similarity", self.shape(), other.shape()));
        // A vector that is repeated along `dim` is as long as its repetition.
        let direction = |x: &Tensor| {
            let whole = x.broadcast_to(shape.clone());
            &whole / guarded(&whole.norm(2.0, &[dim], true), epsilon)
        };
        (direction(self) * direction(other)).sum(&[dim], false)
    }

    /// 1 − cos where the target is 1, max(0, cos − margin) where it is −1, for the angles between the rows of `self` and
    /// `other`, both of shape `[batch, features]` or `[features]`. `target` has the shape `[batch]` or none.
    ///
    /// # Panics
    /// When a shape or type is not as described.
    #[track_caller]
    pub fn cosine_embedding_loss(
        &self,
        other: &Tensor,
        target: &Tensor,
        margin: f64,
        reduction: Reduction,
    ) -> Tensor {
        must(check_rows(self, other, target));
        // PyTorch adds this constant here, where its cosine_similarity has a lower bound.
        let squared = |x: &Tensor| x.square().sum(&[-1], false) + 1e-12;
        let cosine = (self * other).sum(&[-1], false) / (squared(self) * squared(other)).sqrt();
        let apart = (&cosine - margin).clamp(Some(0.0), None);
        reduction.apply(choose(target, &(1.0 - cosine), &apart))
    }
}

/// `together` where the target is 1, `apart` where it is −1, their sum for any other target, as in PyTorch.
fn choose(target: &Tensor, together: &Tensor, apart: &Tensor) -> Tensor {
    together.masked_fill(&target.eq_scalar(-1.0), 0.0) + apart.masked_fill(&target.eq_scalar(1.0), 0.0)
}

fn check_rows(a: &Tensor, b: &Tensor, target: &Tensor) -> Result<()> {
    const OP: &str = "cosine_embedding_loss";
    check_pair(OP, a, b)?;
    if !(1..=2).contains(&a.rank()) {
        return Err(Error::shape(OP, format!("needs [batch, features] or [features], got {}", a.shape())));
    }
    let wanted = &a.dims()[..a.rank() - 1];
    if target.dims() != wanted {
        return Err(Error::shape(
            OP,
            format!("the target must have the shape {wanted:?}, got {}", target.shape()),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DType;

    /// A vector that is repeated along the axis in question is as long as its repetition.
    #[test]
    fn cosines_of_broadcast_vectors_are_at_most_1() {
        let (many, one) = (Tensor::ones([4, 5], DType::F64), Tensor::ones([1, 5], DType::F64));
        for cosine in [many.cosine_similarity(&one, 0, 1e-8), one.cosine_similarity(&many, 0, 1e-8)] {
            assert_eq!(cosine.dims(), [5]);
            assert!(cosine.to_vec::<f64>().iter().all(|cosine| (cosine - 1.0).abs() < 1e-12), "{cosine}");
        }
    }
}
