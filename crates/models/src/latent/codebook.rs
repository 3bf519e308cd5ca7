//! Vector quantisation: a codebook that follows the vectors it stands for.
//!
//! van den Oord, Vinyals, Kavukcuoglu 2017, <https://arxiv.org/abs/1711.00937>, appendix A.1 for the moving averages;
//! entries that die are put back among the vectors as Dhariwal et al. 2020, <https://arxiv.org/abs/2005.00341>, do.

use crate::Result;
use wengert_nn::module;
use wengert_tensor::{DType, Generator, Tensor};

/// K entries of D numbers, each the mean of the vectors that were nearest to it lately.
#[derive(Debug)]
pub struct Codebook {
    /// `[K, D]`.
    pub entries: Tensor,
    /// Vectors a batch of each entry, as a moving average, `[K]`.
    counts: Tensor,
    /// Sums of those vectors, as a moving average, `[K, D]`.
    sums: Tensor,
    decay: f64,
}

module!(Codebook { buffers: entries, counts, sums });

/// Keeps the mean of an entry that nothing falls to finite.
const SMOOTHING: f64 = 1e-5;

/// An entry is dead when it gets less than this share of what an even use of all would give it.
const DEAD: f32 = 0.03;

impl Codebook {
    /// A codebook whose entries are all dead: the first batch that it follows puts them among its vectors.
    pub fn new(entries: usize, size: usize, decay: f64) -> Codebook {
        let zeros = |shape: &[usize]| Tensor::zeros(shape, DType::F32);
        Codebook {
            entries: zeros(&[entries, size]),
            counts: zeros(&[entries]),
            sums: zeros(&[entries, size]),
            decay,
        }
    }

    /// The nearest entry of each vector: i64 `[n]` of `[n, D]`.
    pub fn nearest(&self, vectors: &Tensor) -> Tensor {
        // ‖v − e‖² without ‖v‖², which is the same for every entry.
        let lengths = self.entries.square().sum(&[1], false);
        (lengths - vectors.detach().matmul(&self.entries.t()) * 2.0).argmin(1, false)
    }

    /// The entries of these numbers, `[n, D]` of i64 `[n]`.
    pub fn look_up(&self, numbers: &Tensor) -> Tensor {
        self.entries.index_select(0, numbers)
    }

    /// Moves the entries towards the vectors `[n, D]` that fell to them:
    ///
    /// `Nᵢ ← γNᵢ + (1 − γ)nᵢ`, `mᵢ ← γmᵢ + (1 − γ)Σv`, `eᵢ = mᵢ / Nᵢ`
    ///
    /// and puts each dead entry on one of the vectors, drawn at random.
    ///
    /// # Errors
    /// When the vectors have another size than the entries.
    pub fn follow(&self, vectors: &Tensor, numbers: &Tensor, rng: &Generator) -> Result<()> {
        let entries = self.counts.numel();
        let vectors = vectors.detach();
        let members = numbers.one_hot(entries).to_dtype(DType::F32);
        let average = |old: &Tensor, new: Tensor| old * self.decay + new * (1.0 - self.decay);
        let counts = average(&self.counts, members.sum(&[0], false));
        let sums = average(&self.sums, members.t().matmul(&vectors));

        let share = counts.sum_all() / entries as f64;
        let dead = counts.le(&(&share * f64::from(DEAD)));
        let drawn = vectors.index_select(0, &rng.randint(0, vectors.dims()[0] as i64, entries));
        // A revived entry starts with an even share, so that it has time to be found.
        let counts = dead.where_(&share, &counts);
        let sums = dead.unsqueeze(1).where_(&(drawn * &share), &sums);

        let total = counts.sum_all().to_dtype(DType::F64);
        let shrink = &total / (&total + entries as f64 * SMOOTHING);
        let smoothed = (&counts + SMOOTHING) * shrink.to_dtype(DType::F32);
        self.entries.assign(&(&sums / &smoothed.unsqueeze(1)))?;
        self.counts.assign(&counts)?;
        self.sums.assign(&sums)?;
        Ok(())
    }

    /// e to the entropy of how often each entry occurs among these numbers: how many are in use.
    pub fn perplexity(&self, numbers: &Tensor) -> Tensor {
        let members = numbers.flatten(0, -1).one_hot(self.counts.numel()).to_dtype(DType::F32);
        let shares = members.mean(&[0], false);
        // 0 · log 0 is 0.
        (-(&shares * &(&shares + f64::from(f32::MIN_POSITIVE)).log()).sum_all()).exp()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn book(entries: &[f32], counts: &[f32]) -> Codebook {
        let book = Codebook::new(counts.len(), 2, 0.75);
        book.entries.assign(&Tensor::from_slice(entries, [counts.len(), 2])).unwrap();
        book.counts.assign(&Tensor::from_slice(counts, counts.len())).unwrap();
        let sums = &book.entries * &book.counts.unsqueeze(1);
        book.sums.assign(&sums).unwrap();
        book
    }

    #[test]
    fn vectors_fall_to_the_nearest_entry() {
        let book = book(&[0.0, 0.0, 4.0, 0.0, 0.0, 3.0], &[1.0; 3]);
        let vectors = Tensor::from_slice(&[1.0f32, 1.0, 3.0, 1.0, 0.0, 1.6, -5.0, 0.0], [4, 2]);
        let numbers = book.nearest(&vectors);
        assert_eq!(numbers.to_vec::<i64>(), [0, 1, 2, 0]);
        assert_eq!(book.look_up(&numbers).to_vec::<f32>(), [0.0, 0.0, 4.0, 0.0, 0.0, 3.0, 0.0, 0.0]);
    }

    #[test]
    fn entries_move_to_the_mean_of_their_vectors() {
        let book = book(&[0.0, 0.0, 4.0, 0.0], &[2.0, 2.0]);
        let vectors = Tensor::from_slice(&[1.0f32, 1.0, 3.0, 1.0, 5.0, -1.0, 4.0, 6.0], [4, 2]);
        book.follow(&vectors, &Tensor::from_slice(&[0i64, 1, 1, 1], 4), &Generator::new(0)).unwrap();
        // N: ¾·2 + ¼·1 and ¾·2 + ¼·3; sums: ¼·(1, 1), and ¾·(8, 0) + ¼·(12, 6).
        let expected = [0.25 / 1.75, 0.25 / 1.75, 9.0 / 2.25, 1.5 / 2.25];
        for (found, expected) in book.entries.to_vec::<f32>().iter().zip(expected) {
            assert!((found - expected).abs() < 1e-4, "{found} {expected}");
        }
        assert_eq!(book.counts.to_vec::<f32>(), [1.75, 2.25]);
    }

    #[test]
    fn dead_entries_are_put_on_vectors() {
        let rng = Generator::new(1);
        let vectors = rng.normal([50, 2], 3.0, 0.1, DType::F32);
        let book = Codebook::new(8, 2, 0.9);
        book.follow(&vectors, &book.nearest(&vectors), &rng).unwrap();
        let entries = book.entries.to_vec::<f32>();
        assert!(entries.iter().all(|value| (value - 3.0).abs() < 0.5), "{entries:?}");
        assert!(book.perplexity(&book.nearest(&vectors)).item() > 3.0);
    }

    #[test]
    fn following_a_sample_spreads_the_entries_over_it() {
        let rng = Generator::new(1);
        let book = Codebook::new(4, 2, 0.9);
        // Four heaps; whatever the first batch gives, each must end with an entry of its own.
        for _ in 0..200 {
            let heap = rng.bernoulli(&Tensor::full([64, 2], 0.5, DType::F32)) * 10.0;
            let vectors = heap + rng.normal([64, 2], 0.0, 0.3, DType::F32);
            book.follow(&vectors, &book.nearest(&vectors), &rng).unwrap();
        }
        let mut corners: Vec<[i64; 2]> = book
            .entries
            .to_vec::<f32>()
            .chunks(2)
            .map(|entry| [entry[0], entry[1]].map(|value| (value / 10.0).round() as i64))
            .collect();
        corners.sort();
        assert_eq!(corners, [[0, 0], [0, 1], [1, 0], [1, 1]]);
    }

    #[test]
    fn perplexity_counts_the_entries_in_use() {
        let book = Codebook::new(4, 2, 0.9);
        let perplexity =
            |numbers: &[i64]| book.perplexity(&Tensor::from_slice(numbers, numbers.len())).item();
        assert!((perplexity(&[0, 1, 2, 3]) - 4.0).abs() < 1e-5);
        assert!((perplexity(&[2, 2, 2]) - 1.0).abs() < 1e-5);
        let expected = (-(0.75f64 * 0.75f64.ln() + 0.25 * 0.25f64.ln())).exp();
        assert!((perplexity(&[0, 0, 1, 0]) - expected).abs() < 1e-5);
    }
}
