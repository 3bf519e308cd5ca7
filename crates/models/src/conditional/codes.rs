//! Codes of several kinds of numbers: noise, a group, and properties.

use crate::CodePart;
use wengert_tensor::{DType, Generator, Tensor};

/// How a code is laid out: numbers of N(0, deviation²), one group of several, one-hot, and numbers of U(−1, 1).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Layout {
    /// Normally distributed numbers.
    pub noise: usize,
    /// Their standard deviation.
    pub deviation: f64,
    /// Groups, each as likely as the others.
    pub groups: usize,
    /// Uniformly distributed numbers.
    pub properties: usize,
}

impl Layout {
    /// Numbers in a code.
    pub fn size(&self) -> usize {
        self.noise + self.groups + self.properties
    }

    /// What a code is made of, in its order.
    pub fn parts(&self) -> Vec<CodePart> {
        let numbers = |count| vec![CodePart::Number; count];
        [numbers(self.noise), vec![CodePart::Category(self.groups)], numbers(self.properties)].concat()
    }

    /// Codes, `[count, size]`.
    pub fn draw(&self, count: usize, rng: &Generator) -> Tensor {
        let noise = rng.normal([count, self.noise], 0.0, self.deviation, DType::F32);
        let groups = rng.randint(0, self.groups as i64, [count]);
        self.join(&noise, &groups, &rng.uniform([count, self.properties], -1.0, 1.0, DType::F32))
    }

    /// Codes of noise `[N, noise]`, groups, i64 `[N]`, and properties `[N, properties]`.
    pub fn join(&self, noise: &Tensor, groups: &Tensor, properties: &Tensor) -> Tensor {
        Tensor::cat(&[noise, &groups.one_hot(self.groups).to_dtype(DType::F32), properties], 1)
    }

    /// The noise of codes, `[N, noise]`.
    pub fn noise(&self, codes: &Tensor) -> Tensor {
        codes.narrow(1, 0, self.noise)
    }

    /// The groups of codes, i64 `[N]`.
    pub fn groups(&self, codes: &Tensor) -> Tensor {
        codes.narrow(1, self.noise, self.groups).argmax(1, false)
    }

    /// The properties of codes, `[N, properties]`.
    pub fn properties(&self, codes: &Tensor) -> Tensor {
        codes.narrow(1, self.noise + self.groups, self.properties)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_codes_are_distributed_as_they_should() {
        let layout = Layout { noise: 3, deviation: 0.1, groups: 4, properties: 2 };
        let codes = layout.draw(2000, &Generator::new(0));
        assert_eq!(codes.dims(), [2000, layout.size()]);
        let deviation = layout.noise(&codes).square().mean_all().sqrt().item();
        assert!((deviation - 0.1).abs() < 0.005, "{deviation}");
        let groups = layout.groups(&codes).to_vec::<i64>();
        for group in 0..4 {
            let members = groups.iter().filter(|&&other| other == group).count();
            assert!((430..570).contains(&members), "{members}");
        }
        let properties = layout.properties(&codes);
        // The variance of U(−1, 1) is 1/3.
        assert!((properties.square().mean_all().item() - 1.0 / 3.0).abs() < 0.02);
        assert!(properties.abs().max_all().item() <= 1.0);
        let again = layout.join(&layout.noise(&codes), &layout.groups(&codes), &properties);
        assert_eq!(again.to_vec::<f32>(), codes.to_vec::<f32>());
    }
}
