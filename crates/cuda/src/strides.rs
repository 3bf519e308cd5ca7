//! Several arrays of one shape, seen through their strides, as kernels take them.

use crate::launch::{Argument, Arguments};
use crate::{Error, Result};
use smallvec::SmallVec;

/// As in `kernels/strides.cuh`.
const MAX_RANK: usize = 12;

/// The strides of operands that a kernel goes through together, in row-major order of their common shape.
#[derive(Debug)]
pub(crate) struct Strides {
    sizes: SmallVec<[usize; MAX_RANK]>,
    /// For each operand.
    strides: SmallVec<[SmallVec<[isize; MAX_RANK]>; 4]>,
}

impl Strides {
    /// The operands' strides along axes of these sizes, with neighbouring axes merged where all operands allow it.
    ///
    /// # Errors
    /// When there are more axes than kernels know.
    pub fn merged(sizes: &[usize], operands: &[&[isize]]) -> Result<Strides> {
        let mut merged =
            Strides { sizes: SmallVec::new(), strides: operands.iter().map(|_| SmallVec::new()).collect() };
        for (axis, &size) in sizes.iter().enumerate().filter(|(_, size)| **size != 1) {
            let follows = |(done, operand): (&SmallVec<[isize; MAX_RANK]>, &&[isize])| {
                done.last().is_some_and(|&outer| outer == operand[axis] * size as isize)
            };
            if merged.strides.iter().zip(operands).all(follows) {
                *merged.sizes.last_mut().expect("an axis that follows has one before it") *= size;
                for (done, operand) in merged.strides.iter_mut().zip(operands) {
                    *done.last_mut().expect("as above") = operand[axis];
                }
            } else {
                merged.sizes.push(size);
                merged.strides.iter_mut().zip(operands).for_each(|(done, operand)| done.push(operand[axis]));
            }
        }
        if merged.sizes.len() > MAX_RANK {
            let rank = merged.sizes.len();
            return Err(Error::Argument(format!("kernels know at most {MAX_RANK} axes, got {rank}")));
        }
        Ok(merged)
    }

    /// Whether every operand lies row-major and without gaps.
    pub fn are_contiguous(&self) -> bool {
        self.sizes.is_empty() || self.sizes.len() == 1 && self.strides.iter().all(|strides| strides[0] == 1)
    }
}

impl Strides {
    /// Exchanges two operands.
    pub fn swap(&mut self, one: usize, other: usize) {
        self.strides.swap(one, other);
    }

    /// As they lie in a kernel's argument, of their own or in a larger one.
    pub fn bytes(&self) -> SmallVec<[u8; 512]> {
        let mut bytes = SmallVec::new();
        for operand in &self.strides {
            let mut strides = [0i64; MAX_RANK];
            strides.iter_mut().zip(operand).for_each(|(slot, &stride)| *slot = stride as i64);
            strides.iter().for_each(|stride| bytes.extend_from_slice(&stride.to_ne_bytes()));
        }
        let mut sizes = [1u32; MAX_RANK];
        sizes.iter_mut().zip(&self.sizes).for_each(|(slot, &size)| *slot = size as u32);
        sizes.iter().for_each(|size| bytes.extend_from_slice(&size.to_ne_bytes()));
        bytes.extend_from_slice(&(self.sizes.len() as u64).to_ne_bytes());
        bytes
    }
}

impl Argument for Strides {
    fn add_to(&self, arguments: &mut Arguments) {
        arguments.push(&self.bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbouring_axes_become_one_where_all_operands_allow_it() {
        let both = Strides::merged(&[4, 1, 3, 2], &[&[6, 9, 2, 1], &[0, 0, 2, 1]]).unwrap();
        assert_eq!(
            (&both.sizes[..], &both.strides[0][..], &both.strides[1][..]),
            (&[4, 6][..], &[6, 1][..], &[0, 1][..])
        );
        assert!(Strides::merged(&[4, 3, 2], &[&[6, 2, 1]]).unwrap().are_contiguous());
        assert!(Strides::merged(&[1], &[&[7]]).unwrap().are_contiguous());
        assert!(!Strides::merged(&[2, 3], &[&[1, 2]]).unwrap().are_contiguous());
    }
}
