//! A small autoregressive prior over grids of numbers, such as the codebook entries of an image.

use wengert_nn::{Embedding, GRU, Layer, Linear, module, parameter};
use wengert_tensor::ops::loss::Reduction;
use wengert_tensor::{DType, Generator, Tensor};

/// A recurrent network that reads a grid row by row and says of each number how likely it is, given those before. At each
/// place it sees the number before and the one above, which a plain reading would put a whole row away.
#[derive(Debug)]
pub struct GridPrior {
    sides: [usize; 2],
    entries: usize,
    before: Embedding,
    above: Embedding,
    /// What is known of a place itself, `[places, 1, hidden]`.
    places: Tensor,
    recurrent: GRU,
    head: Linear,
}

module!(GridPrior { parameters: places; modules: before, above, recurrent, head });

impl GridPrior {
    /// For grids of these sides, of numbers below `entries`.
    pub fn new(sides: [usize; 2], entries: usize, hidden: usize, rng: &Generator) -> GridPrior {
        let places = rng.normal([sides[0] * sides[1], 1, hidden], 0.0, 1.0, DType::F32);
        GridPrior {
            sides,
            entries,
            // The last number stands for what lies outside the grid.
            before: Embedding::new(entries + 1, hidden, rng),
            above: Embedding::new(entries + 1, hidden, rng),
            places: parameter(places),
            recurrent: GRU::new(hidden, hidden, rng),
            head: Linear::new(hidden, entries, rng),
        }
    }

    fn count(&self) -> usize {
        self.sides[0] * self.sides[1]
    }

    /// The numbers `distance` places before each, in the order of reading: `[places, batch]` of the same.
    fn shifted(&self, numbers: &Tensor, distance: usize) -> Tensor {
        let [places, batch] = [numbers.dims()[0], numbers.dims()[1]];
        let distance = distance.min(places);
        let outside = Tensor::full([distance, batch], self.entries as f64, DType::I64);
        Tensor::cat(&[&outside, &numbers.narrow(0, 0, places - distance)], 0)
    }

    /// Logits of each number, `[places, batch, entries]`, of grids in the order of reading, i64 `[places, batch]`.
    pub fn logits(&self, numbers: &Tensor) -> Tensor {
        let before = self.before.forward(&self.shifted(numbers, 1));
        let above = self.above.forward(&self.shifted(numbers, self.sides[1]));
        let (states, _) = self.recurrent.forward(&(before + above + &self.places), None);
        self.head.forward(&states)
    }

    /// −ln p of each grid, `[batch]`, of i64 `[batch, places]`.
    pub fn negative_log_likelihood(&self, numbers: &Tensor) -> Tensor {
        let numbers = numbers.t().contiguous();
        let logits = self.logits(&numbers).flatten(0, 1);
        let losses = logits.cross_entropy(&numbers.flatten(0, 1), Reduction::None);
        losses.reshape(numbers.shape()).sum(&[0], false)
    }

    /// Grids drawn number by number, i64 `[count, places]`.
    pub fn draw(&self, count: usize, rng: &Generator) -> Tensor {
        let outside = Tensor::full([1, count], self.entries as f64, DType::I64);
        let mut drawn: Vec<Tensor> = Vec::new();
        let mut state: Option<Tensor> = None;
        for place in 0..self.count() {
            let at = |distance: usize| place.checked_sub(distance).map_or(&outside, |place| &drawn[place]);
            let input = self.before.forward(at(1))
                + self.above.forward(at(self.sides[1]))
                + self.places.narrow(0, place, 1);
            let (output, next) = self.recurrent.forward(&input, state.as_ref());
            let logits = self.head.forward(&output);
            drawn.push((&logits + &rng.gumbel(logits.shape(), DType::F32)).argmax(-1, false));
            state = Some(next);
        }
        Tensor::cat(&drawn.iter().collect::<Vec<_>>(), 0).t().contiguous()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wengert_nn::{Adam, Module, Optimizer};

    /// Grids of 2 × 3 whose number is, with even odds, 0 everywhere or counts up from 0.
    fn grids(count: usize, rng: &Generator) -> Tensor {
        let coins = rng.bernoulli(&Tensor::full([count, 1], 0.5, DType::F32)).to_dtype(DType::I64);
        coins * Tensor::arange(0, 6, 1)
    }

    #[test]
    fn a_number_depends_on_those_before_it_only() {
        let rng = Generator::new(1);
        let prior = GridPrior::new([2, 3], 6, 8, &rng);
        let numbers = rng.randint(0, 6, [6, 1]);
        let logits = prior.logits(&numbers);
        for place in 0..6 {
            let other = numbers.to_vec::<i64>();
            let changed: Vec<i64> =
                (0..6).map(|p| if p < place { other[p] } else { (other[p] + 1) % 6 }).collect();
            let after = prior.logits(&Tensor::from_slice(&changed, [6, 1]));
            let apart = (&after - &logits).abs().amax(&[1, 2], false).to_vec::<f32>();
            assert!(apart[..=place].iter().all(|&apart| apart == 0.0), "{place}: {apart:?}");
            assert!(apart[place + 1..].iter().all(|&apart| apart > 0.0), "{place}: {apart:?}");
        }
    }

    #[test]
    fn it_learns_a_distribution_and_draws_from_it() {
        let rng = Generator::new(1);
        let prior = GridPrior::new([2, 3], 6, 16, &rng);
        let mut adam = Adam::new(prior.parameters(), 0.02);
        let mut last = f64::INFINITY;
        for _ in 0..120 {
            let loss = prior.negative_log_likelihood(&grids(32, &rng)).mean_all();
            adam.zero_grad();
            loss.backward().unwrap();
            adam.step().unwrap();
            last = loss.item();
        }
        // Only the choice between the two grids cannot be foreseen.
        assert!((last - 2f64.ln()).abs() < 0.1, "{last}");
        let drawn = prior.draw(40, &rng).to_vec::<i64>();
        let known = drawn.chunks(6).filter(|g| *g == [0; 6] || *g == [0, 1, 2, 3, 4, 5]).count();
        assert!(known >= 36, "{known} of 40");
        let counting = drawn.chunks(6).filter(|grid| grid[5] == 5).count();
        assert!((8..=32).contains(&counting), "{counting} of 40");
    }
}
