//! The latest codes of a training, for a discriminator that learns from more of them than a batch has.

use crate::Result;
use wengert_nn::module;
use wengert_tensor::{DType, Generator, Tensor};

/// Codes, newest first, and the group of each.
#[derive(Debug)]
pub struct LatestCodes {
    /// `[length, size]`.
    codes: Tensor,
    /// i64 `[length]`.
    groups: Tensor,
    /// i64 `[1]`, how many have come in.
    count: Tensor,
}

module!(LatestCodes { buffers: codes, groups, count });

impl LatestCodes {
    /// Room for `length` codes of `size` numbers.
    pub fn new(length: usize, size: usize) -> LatestCodes {
        LatestCodes {
            codes: Tensor::zeros([length, size], DType::F32),
            groups: Tensor::zeros([length], DType::I64),
            count: Tensor::zeros([1], DType::I64),
        }
    }

    /// Takes in the codes `[N, size]` of groups `[N]`, in the place of the oldest.
    ///
    /// # Errors
    /// When the codes are of another size.
    pub fn add(&self, codes: &Tensor, groups: &Tensor) -> Result<()> {
        let length = self.groups.numel();
        self.codes.assign(&Tensor::cat(&[codes, &self.codes], 0).narrow(0, 0, length))?;
        self.groups.assign(&Tensor::cat(&[groups, &self.groups], 0).narrow(0, 0, length))?;
        Ok(self.count.assign(&(&self.count + groups.numel() as f64))?)
    }

    /// Codes `[count, size]`, drawn from all there are, and their groups, i64 `[count]`; zeros before the first have come in.
    pub fn draw(&self, count: usize, rng: &Generator) -> (Tensor, Tensor) {
        let known = self.count.to_vec::<i64>()[0].clamp(1, self.groups.numel() as i64);
        let chosen = rng.randint(0, known, [count]);
        (self.codes.index_select(0, &chosen), self.groups.index_select(0, &chosen))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_codes_are_remembered() {
        let latest = LatestCodes::new(4, 1);
        let add = |codes: [f32; 3]| {
            let groups = Tensor::from_slice(&codes.map(|code| code as i64), 3);
            latest.add(&Tensor::from_slice(&codes, [3, 1]), &groups).unwrap();
        };
        add([1.0, 2.0, 3.0]);
        let (codes, groups) = latest.draw(200, &Generator::new(0));
        assert!(
            codes.to_vec::<f32>().iter().all(|code| (1.0..=3.0).contains(code)),
            "nothing that never came in"
        );
        assert_eq!(codes.squeeze(1).to_dtype(DType::I64).to_vec::<i64>(), groups.to_vec::<i64>());
        add([4.0, 5.0, 6.0]);
        assert_eq!(latest.codes.to_vec::<f32>(), [4.0, 5.0, 6.0, 1.0]);
        assert_eq!(latest.groups.to_vec::<i64>(), [4, 5, 6, 1]);
    }
}
