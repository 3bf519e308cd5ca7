//! Random numbers that can be repeated.

use crate::apply::{apply, must};
use crate::draws::next_draw;
use crate::ops::random::{Bernoulli, Distribution, Dropout, Random, blocks};
use crate::step::{Counter, note_draw};
use crate::{DType, Error, Result, Shape, Spec, Tensor};
use rand::{Rng, TryRng};
use std::convert::Infallible;
use wengert_cpu::rng::{BLOCK, Position, philox4x32_10};

/// A source of random tensors: a seed, one of its streams, and how far that has been read.
///
/// Every element is a pure function of (seed, stream, position), by Philox4x32-10, so the same seed gives the same
/// numbers whatever the number of threads. Methods take `&self`: threads may share a generator, but then the order in
/// which they draw decides who gets what; give each its own [`stream`](Generator::stream) instead.
///
/// ```
/// use wengert_tensor::{DType, Generator};
///
/// let rng = Generator::new(7);
/// let noise = rng.normal([2, 3], 0.0, 1.0, DType::F32);
/// assert_eq!(Generator::new(7).normal([2, 3], 0.0, 1.0, DType::F32).to_vec::<f32>(), noise.to_vec::<f32>());
/// ```
#[derive(Debug)]
pub struct Generator {
    seed: u64,
    stream: u64,
    offset: Counter,
}

/// All there is to a [`Generator`], for checkpoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GeneratorState {
    /// The seed.
    pub seed: u64,
    /// The stream of the seed.
    pub stream: u64,
    /// Philox blocks, of four 32-bit words each, that have been drawn.
    pub offset: u64,
}

impl Generator {
    /// The start of the seed's first stream.
    pub fn new(seed: u64) -> Self {
        Self::from_state(GeneratorState { seed, stream: 0, offset: 0 })
    }

    /// A generator that goes on where the one with this state stopped.
    pub fn from_state(state: GeneratorState) -> Self {
        Self { seed: state.seed, stream: state.stream, offset: Counter::new(state.offset) }
    }

    /// The start of the `n`-th stream below this one, which is independent of it and of its other streams. How far this
    /// generator has been read makes no difference.
    pub fn stream(&self, n: u64) -> Generator {
        // A name of its own for each pair (stream, n). The flipped key keeps names apart from the numbers drawn.
        let counter = [n as u32, (n >> 32) as u32, self.stream as u32, (self.stream >> 32) as u32];
        let [low, high, ..] = philox4x32_10(counter, [!self.seed as u32, (!self.seed >> 32) as u32]);
        let stream = u64::from(low) | u64::from(high) << 32;
        Self::from_state(GeneratorState { seed: self.seed, stream, offset: 0 })
    }

    /// Seed, stream and position.
    pub fn state(&self) -> GeneratorState {
        GeneratorState { seed: self.seed, stream: self.stream, offset: self.offset.get() }
    }

    /// Goes on where the generator with this state stopped.
    pub fn set_state(&mut self, state: GeneratorState) {
        // The counter stays the same one, which a recorded step may know.
        (self.seed, self.stream) = (state.seed, state.stream);
        self.offset.set(state.offset);
    }

    /// Reserves blocks for a draw.
    fn advance(&self, blocks: u64) -> Position {
        next_draw(|| {
            let (seed, stream) = (self.seed, self.stream);
            note_draw(seed, stream, &self.offset);
            Position { seed, stream, offset: self.offset.add(blocks) }
        })
    }

    /// A tensor of random numbers.
    ///
    /// # Errors
    /// When the parameters of the distribution make no sense, or it does not make numbers of this type: floats come as
    /// f32 or f64, integers and permutations as i64.
    #[track_caller]
    pub fn draw(&self, distribution: Distribution, shape: impl Into<Shape>, dtype: DType) -> Result<Tensor> {
        let spec = Spec::new(shape, dtype);
        let count = spec.shape.checked_numel(distribution.name())?;
        let position = self.advance(blocks(count, dtype));
        apply(Random { distribution, position, spec }, &[])
    }

    /// Floats spread evenly over `[low, high)`, on a grid of 2⁻²⁴ (f32) or 2⁻⁵³ (f64) of its width.
    ///
    /// # Panics
    /// When `low` is not below `high` or `dtype` is not a float.
    #[track_caller]
    pub fn uniform(&self, shape: impl Into<Shape>, low: f64, high: f64, dtype: DType) -> Tensor {
        must(self.draw(Distribution::Uniform { low, high }, shape, dtype))
    }

    /// Normal floats, by Box and Muller's transform.
    ///
    /// # Panics
    /// When `standard_deviation` is negative or `dtype` is not a float.
    #[track_caller]
    pub fn normal(
        &self,
        shape: impl Into<Shape>,
        mean: f64,
        standard_deviation: f64,
        dtype: DType,
    ) -> Tensor {
        must(self.draw(Distribution::Normal { mean, standard_deviation }, shape, dtype))
    }

    /// Standard normal floats of the shape and type of `like`.
    ///
    /// # Panics
    /// When `like` does not hold floats.
    #[track_caller]
    pub fn normal_like(&self, like: &Tensor) -> Tensor {
        self.normal(like.shape(), 0.0, 1.0, like.dtype())
    }

    /// Floats with density λ e^(−λx), where λ is `rate`.
    ///
    /// # Panics
    /// When `rate` is not positive or `dtype` is not a float.
    #[track_caller]
    pub fn exponential(&self, shape: impl Into<Shape>, rate: f64, dtype: DType) -> Tensor {
        must(self.draw(Distribution::Exponential { rate }, shape, dtype))
    }

    /// Standard Gumbel floats −ln(−ln u): logits plus these are largest at a sample of their softmax.
    ///
    /// # Panics
    /// When `dtype` is not a float.
    #[track_caller]
    pub fn gumbel(&self, shape: impl Into<Shape>, dtype: DType) -> Tensor {
        must(self.draw(Distribution::Gumbel, shape, dtype))
    }

    /// i64 spread evenly over `low..high`.
    ///
    /// # Panics
    /// When the range is empty.
    #[track_caller]
    pub fn randint(&self, low: i64, high: i64, shape: impl Into<Shape>) -> Tensor {
        must(self.draw(Distribution::Integers { low, high }, shape, DType::I64))
    }

    /// 0, 1, …, n − 1 in random order, i64.
    #[track_caller]
    pub fn randperm(&self, n: usize) -> Tensor {
        must(self.draw(Distribution::Permutation, n, DType::I64))
    }

    /// 1 with the probability that each element of `probability` gives, 0 otherwise, in its shape and float type. A
    /// sample has no gradient: backward through it is an error that says so.
    ///
    /// # Panics
    /// When an element lies outside 0..=1 or is not a float.
    #[track_caller]
    pub fn bernoulli(&self, probability: &Tensor) -> Tensor {
        let position = self.advance(blocks(probability.numel(), probability.dtype()));
        must(apply(Bernoulli { position }, &[probability]))
    }

    /// Samples of any distribution of the `rand_distr` crate, rounded to `dtype` (f32 or f64).
    ///
    /// They repeat for the same seed on the same machine and version of that crate, but nothing is promised across
    /// devices and versions, and no op is recorded. Sequential; the other methods are parallel.
    ///
    /// ```
    /// use wengert_tensor::{DType, Generator};
    ///
    /// let gamma = rand_distr::Gamma::new(2.0, 1.0).unwrap();
    /// assert_eq!(Generator::new(7).sample(&gamma, [4, 5], DType::F32).dims(), [4, 5]);
    /// ```
    ///
    /// # Panics
    /// When `dtype` is not a float.
    #[track_caller]
    pub fn sample(
        &self,
        distribution: &impl rand_distr::Distribution<f64>,
        shape: impl Into<Shape>,
        dtype: DType,
    ) -> Tensor {
        if !dtype.is_float() {
            must::<()>(Err(Error::dtype("sample", format!("makes f32 or f64, not {dtype}"))));
        }
        let shape = shape.into();
        let mut words = self.words();
        let samples = (0..shape.numel()).map(|_| distribution.sample(&mut words)).collect();
        Tensor::from_vec::<f64>(samples, shape).to_dtype(dtype)
    }

    /// A source of words for the `rand` crates, on a stream of its own that depends on this generator's position, which
    /// moves on by one block.
    pub fn words(&self) -> impl Rng + use<> {
        let position = self.advance(1);
        let [name, _] = Position { seed: !self.seed, ..position }.wide_block(0);
        Words { position: Position { seed: self.seed, stream: name, offset: 0 }, block: [0; BLOCK], drawn: 0 }
    }
}

/// The words of a Philox stream, one after the other.
struct Words {
    position: Position,
    block: [u32; BLOCK],
    drawn: u64,
}

impl TryRng for Words {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> std::result::Result<u32, Infallible> {
        let place = (self.drawn % BLOCK as u64) as usize;
        if place == 0 {
            self.block = self.position.block(self.drawn / BLOCK as u64);
        }
        self.drawn += 1;
        Ok(self.block[place])
    }

    fn try_next_u64(&mut self) -> std::result::Result<u64, Infallible> {
        rand::rand_core::utils::next_u64_via_u32(self)
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> std::result::Result<(), Infallible> {
        rand::rand_core::utils::fill_bytes_via_next_word(bytes, || self.try_next_u32())
    }
}

impl Tensor {
    /// Sets each float to 0 with probability `p` and scales the others by 1/(1 − p), so that the mean stays (Srivastava
    /// et al., 2014). For training; leave it out in evaluation. The mask is drawn again in backward, not stored.
    ///
    /// # Panics
    /// When `p` lies outside 0..=1 or the elements are not floats.
    #[track_caller]
    pub fn dropout(&self, p: f64, rng: &Generator) -> Tensor {
        if p == 0.0 {
            return self.clone();
        }
        let position = rng.advance(blocks(self.numel(), self.dtype()));
        must(apply(Dropout { probability: p, position }, &[self]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_resumes_the_very_sequence() {
        let rng = Generator::new(1).stream(4);
        rng.uniform(5, 0.0, 1.0, DType::F64);
        let state = rng.state();
        let next = rng.normal(7, 0.0, 1.0, DType::F32).to_vec::<f32>();
        let resumed = Generator::from_state(state);
        assert_eq!(resumed.normal(7, 0.0, 1.0, DType::F32).to_vec::<f32>(), next);
        assert_eq!(resumed.state(), rng.state());
        assert_ne!(resumed.normal(7, 0.0, 1.0, DType::F32).to_vec::<f32>(), next);
    }

    #[test]
    fn streams_differ_from_each_other_and_do_not_depend_on_the_position() {
        let rng = Generator::new(1);
        let draw = |rng: &Generator| rng.randint(0, i64::MAX, 3).to_vec::<i64>();
        let first = draw(&rng.stream(0));
        assert_ne!(draw(&rng), first);
        assert_ne!(draw(&rng.stream(1)), first);
        assert_ne!(draw(&rng.stream(0).stream(0)), first);
        assert_ne!(draw(&Generator::new(2).stream(0)), first);
        assert_eq!(draw(&rng.stream(0)), first);
    }

    #[test]
    fn bernoulli_follows_its_probabilities() {
        let probabilities = Tensor::from_slice(&[0.0f32, 0.25, 1.0], [3, 1]).expand([3, 10_000]);
        let counts = Generator::new(3).bernoulli(&probabilities).sum(&[1], false).to_vec::<f32>();
        // Five standard deviations of 10,000 flips at ¼ are 217.
        assert!(
            counts[0] == 0.0 && (counts[1] - 2500.0).abs() < 217.0 && counts[2] == 10_000.0,
            "{counts:?}"
        );
        let error = apply(Bernoulli { position: Generator::new(3).advance(1) }, &[&Tensor::scalar(1.5f32)]);
        assert!(error.unwrap_err().to_string().contains("1.5 is not a probability"));
    }

    #[test]
    fn a_sample_has_no_gradient_and_says_so() {
        let p = Tensor::full(3, 0.5, DType::F32).requires_grad_(true);
        let error = Generator::new(0).bernoulli(&p).sum_all().backward().unwrap_err();
        assert!(error.to_string().starts_with("bernoulli"), "{error}");
    }

    #[test]
    fn dropout_keeps_the_mean_and_masks_the_gradient_alike() {
        let x = Tensor::ones(40_000, DType::F64).requires_grad_(true);
        let y = x.dropout(0.75, &Generator::new(9));
        let kept = y.to_vec::<f64>();
        assert!(kept.iter().all(|&v| v == 0.0 || v == 4.0));
        // Five standard errors: √(3 / 40,000) each.
        assert!((y.mean_all().item() - 1.0).abs() < 0.0434);
        y.sum_all().backward().unwrap();
        assert_eq!(x.grad().unwrap().to_vec::<f64>(), kept);
        assert_eq!(Tensor::ones(3, DType::F32).dropout(1.0, &Generator::new(0)).to_vec::<f32>(), [0.0; 3]);
    }

    #[test]
    fn foreign_distributions() {
        let gamma = rand_distr::Gamma::new(3.0, 2.0).unwrap();
        let sample = Generator::new(5).sample(&gamma, 40_000, DType::F64);
        // Mean 6, variance 12: five standard errors are 0.087.
        assert!((sample.mean_all().item() - 6.0).abs() < 0.087);
        assert_eq!(
            Generator::new(5).sample(&gamma, 40_000, DType::F64).to_vec::<f64>(),
            sample.to_vec::<f64>()
        );
    }

    #[test]
    #[should_panic(expected = "uniform: low 1 must lie below high 0")]
    fn crossed_bounds() {
        Generator::new(0).uniform(3, 1.0, 0.0, DType::F32);
    }
}
