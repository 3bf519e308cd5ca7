//! What the codes of images hold of their classes.

use super::distance::nearest;
use super::inception::{agreement, predictions};
use crate::networks::{Nonlinearity, mlp};
use crate::{CodePart, Error, Result};
use wengert_nn::{Adam, Layer, Module, Optimizer, Schedule};
use wengert_tensor::{DType, Generator, Reduction, Tensor, no_grad};

/// Codes `[N, D]` with the class of each.
#[derive(Debug, Clone, Copy)]
pub struct Labelled<'a> {
    /// f32 `[N, D]`.
    pub codes: &'a Tensor,
    /// N classes from 0.
    pub labels: &'a [i64],
}

/// The share of test codes whose nearest training code, by Euclidean distance, is of the same class.
pub fn nearest_neighbour_accuracy(train: Labelled, test: Labelled) -> f64 {
    let neighbours = nearest(test.codes, train.codes);
    let found: Vec<i64> = neighbours.indices.into_iter().map(|index| train.labels[index]).collect();
    agreement(&found, test.labels)
}

/// Steps and batch of a probe.
const STEPS: u64 = 2000;
const BATCH: usize = 256;

/// What is trained afresh on codes to find what they hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Probe {
    /// Softmax regression: what lies open in the codes.
    Linear,
    /// One hidden layer of so many rectified units: what is folded into them too.
    Hidden(usize),
}

/// The accuracy on test codes of a classifier trained on training codes: 2000 steps of Adam on batches of 256, on codes
/// shifted and scaled to mean 0 and variance 1 by the training codes' moments.
///
/// # Errors
/// When training diverges.
pub fn probe_accuracy(
    probe: Probe,
    train: Labelled,
    test: Labelled,
    classes: usize,
    seed: u64,
) -> Result<f64> {
    let [mean, deviation] = no_grad(|| {
        let mean = train.codes.mean(&[0], true);
        // A number that never changes stays 0 instead of being divided by 0.
        let deviation = (train.codes - &mean).square().mean(&[0], true).sqrt().clamp(Some(1e-6), None);
        [mean, deviation]
    });
    let scaled = |codes: &Tensor| no_grad(|| (codes - &mean) / &deviation);
    let (inputs, rng) = (scaled(train.codes), Generator::new(seed));
    let [count, size] = inputs.dims()[..] else { panic!("codes are the rows of a matrix") };
    let labels = Tensor::from_slice(train.labels, count);
    let (sizes, rate) = match probe {
        Probe::Linear => (vec![size, classes], 1e-2),
        Probe::Hidden(width) => (vec![size, width, classes], 1e-3),
    };
    let network = mlp(&sizes, Nonlinearity::ReLU, &rng.stream(0));
    let mut adam = Adam::new(network.parameters(), rate);
    let (order, batch) = (rng.stream(1), BATCH.min(count));
    let schedule = Schedule::Cosine { steps: STEPS, minimum: 0.0 };
    for step in 0..STEPS {
        // Batches with replacement: as good as an order where each image comes many times.
        let indices = order.randint(0, count as i64, [batch]);
        let logits = network.forward(&inputs.index_select(0, &indices));
        let loss = logits.cross_entropy(&labels.index_select(0, &indices), Reduction::Mean);
        if !loss.item().is_finite() {
            return Err(Error::NonFinite(format!("the loss of a probe is {}", loss.item())));
        }
        adam.scale_learning_rate(schedule.factor(step));
        adam.zero_grad();
        loss.backward()?;
        adam.step()?;
    }
    let logits = no_grad(|| network.forward(&scaled(test.codes)));
    Ok(agreement(&predictions(&logits), test.labels))
}

/// The columns of the parts of a code that are numbers, of `codes` `[N, D]`; `None` where there are none.
pub fn numbers(codes: &Tensor, parts: &[CodePart]) -> Option<Tensor> {
    let is_number = parts.iter().flat_map(|part| vec![*part == CodePart::Number; part.width()]);
    let columns: Vec<i64> =
        (0..).zip(is_number).filter(|(_, number)| *number).map(|(column, _)| column).collect();
    let count = columns.len();
    (count > 0).then(|| no_grad(|| codes.index_select(1, &Tensor::from_vec(columns, [count]))))
}

/// How many numbers of the codes say anything of the image: those whose variance over images exceeds 0.01, after Burda
/// et al., 2016, section 5. `codes` `[N, D]` are the means of q(z | x).
pub fn active_units(codes: &Tensor) -> usize {
    variances(codes).into_iter().filter(|&variance| variance > 0.01).count()
}

fn variances(codes: &Tensor) -> Vec<f64> {
    no_grad(|| {
        let codes = codes.to_dtype(DType::F64);
        let mean = codes.mean(&[0], true);
        (&codes - &mean).square().mean(&[0], false).to_vec::<f64>()
    })
}

/// The mutual information gap with the class as the one known factor: how much more, as a share of the classes' entropy,
/// the part of the code that knows most of the class knows than the next, `(I(z₁; y) − I(z₂; y)) / H(y)`.
///
/// After Chen et al., 2018, <https://arxiv.org/abs/1802.04942>, with the mutual information of the codes' means in `bins`
/// equal intervals each, as in Locatello et al., 2019, <https://arxiv.org/abs/1811.12359> (who take 20). A category is one
/// variable, its likeliest value: of the columns of its one-hot vector, each knows about as much as the next.
///
/// # Panics
/// When the parts are not as wide as the codes.
pub fn mutual_information_gap(codes: Labelled, parts: &[CodePart], bins: usize) -> f64 {
    let width: usize = parts.iter().map(|part| part.width()).sum();
    assert_eq!(width, codes.codes.dims()[1], "parts of another code");
    let mut first = 0;
    let mut known: Vec<f64> = parts
        .iter()
        .map(|part| {
            let columns = no_grad(|| codes.codes.narrow(1, first, part.width()));
            first += part.width();
            let values = match part {
                CodePart::Number => intervals(&columns.to_dtype(DType::F64).to_vec::<f64>(), bins),
                CodePart::Category(_) => predictions(&columns),
            };
            mutual_information(&values, codes.labels)
        })
        .collect();
    known.sort_by(|a, b| b.total_cmp(a));
    let second = known.get(1).copied().unwrap_or(0.0);
    let entropy = mutual_information(codes.labels, codes.labels);
    if entropy > 0.0 { (known.first().copied().unwrap_or(0.0) - second) / entropy } else { 0.0 }
}

/// The interval of each value, of `bins` equal ones between the lowest and the highest.
fn intervals(values: &[f64], bins: usize) -> Vec<i64> {
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let width = (high - low) / bins as f64;
    // Where all values are equal the division gives NaN, which is interval 0.
    values.iter().map(|value| (((value - low) / width) as i64).min(bins as i64 - 1)).collect()
}

/// Mutual information of two discrete variables, by their frequencies, in nats.
fn mutual_information(a: &[i64], b: &[i64]) -> f64 {
    let size = |values: &[i64]| values.iter().max().map_or(0, |&highest| highest as usize + 1);
    let (rows, columns) = (size(a), size(b));
    let mut joint = vec![0.0; rows * columns];
    let share = 1.0 / a.len() as f64;
    a.iter().zip(b).for_each(|(&a, &b)| joint[a as usize * columns + b as usize] += share);
    let of_a: Vec<f64> = joint.chunks(columns.max(1)).map(|row| row.iter().sum()).collect();
    let of_b: Vec<f64> =
        (0..columns).map(|column| joint.iter().skip(column).step_by(columns).sum()).collect();
    let terms = joint.iter().enumerate().filter(|(_, p)| **p > 0.0);
    terms.map(|(index, p)| p * (p / (of_a[index / columns] * of_b[index % columns])).ln()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Codes whose first number follows the label with noise, whose second is noise, whose third never changes.
    fn codes(count: usize, seed: u64) -> (Tensor, Vec<i64>) {
        let rng = Generator::new(seed);
        let labels = rng.randint(0, 3, [count]);
        let first =
            labels.to_dtype(DType::F32).unsqueeze(1) * 4.0 + rng.normal([count, 1], 0.0, 0.3, DType::F32);
        let rest = [rng.normal([count, 1], 0.0, 1.0, DType::F32), Tensor::full([count, 1], 7.0, DType::F32)];
        (Tensor::cat(&[&first, &rest[0], &rest[1]], 1), labels.to_vec::<i64>())
    }

    #[test]
    fn classes_that_lie_apart_are_found() {
        let ((train, train_labels), (test, test_labels)) = (codes(3000, 1), codes(500, 2));
        let train = Labelled { codes: &train, labels: &train_labels };
        let test = Labelled { codes: &test, labels: &test_labels };
        assert!(nearest_neighbour_accuracy(train, test) > 0.99);
        assert!(probe_accuracy(Probe::Linear, train, test, 3, 0).unwrap() > 0.97);
        // Labels that have nothing to do with the codes are guessed.
        let shuffled: Vec<i64> = (0..3000).map(|index| (index / 7 % 3) as i64).collect();
        let guessed = nearest_neighbour_accuracy(Labelled { labels: &shuffled, ..train }, test);
        assert!((guessed - 1.0 / 3.0).abs() < 0.1, "{guessed}");
    }

    #[test]
    fn a_hidden_layer_finds_what_no_line_parts() {
        // The class is whether two numbers have the same sign.
        let codes = |seed| {
            let codes = Generator::new(seed).normal([2000, 2], 0.0, 1.0, DType::F32);
            let labels = codes.to_vec::<f32>().chunks(2).map(|z| i64::from(z[0] * z[1] > 0.0)).collect();
            (codes, labels)
        };
        let ((train, train_labels), (test, test_labels)): ((_, Vec<i64>), (_, Vec<i64>)) =
            (codes(1), codes(2));
        let train = Labelled { codes: &train, labels: &train_labels };
        let test = Labelled { codes: &test, labels: &test_labels };
        let accuracy = |probe| probe_accuracy(probe, train, test, 2, 0).unwrap();
        assert!(accuracy(Probe::Hidden(32)) > 0.95);
        assert!(accuracy(Probe::Linear) < 0.6);
    }

    #[test]
    fn units_that_stand_still_are_not_active() {
        assert_eq!(active_units(&codes(500, 1).0), 2);
        // Variance just below and just above 0.01.
        let values = Tensor::from_slice(&[0.09f64, 0.11, -0.09, -0.11], [2, 2]);
        assert_eq!(active_units(&values), 1);
    }

    #[test]
    fn information_is_counted() {
        // Equal variables know each other's entropy, ln 2 here; independent ones nothing.
        assert!((mutual_information(&[0, 1, 0, 1], &[1, 0, 1, 0]) - 2f64.ln()).abs() < 1e-12);
        assert!(mutual_information(&[0, 0, 1, 1], &[0, 1, 0, 1]).abs() < 1e-12);
        // p(0,0) = 1/2, p(1,0) = p(1,1) = 1/4: H(a) + H(b) − H(a, b).
        let known = mutual_information(&[0, 0, 1, 1], &[0, 0, 0, 1]);
        let entropy = |shares: &[f64]| -shares.iter().map(|p| p * p.ln()).sum::<f64>();
        let expected = entropy(&[0.5, 0.5]) + entropy(&[0.75, 0.25]) - entropy(&[0.5, 0.25, 0.25]);
        assert!((known - expected).abs() < 1e-12);
        assert_eq!(intervals(&[0.0, 0.24, 0.26, 1.0], 4), [0, 0, 1, 3]);
        assert_eq!(intervals(&[5.0, 5.0], 4), [0, 0]);
    }

    #[test]
    fn the_gap_is_wide_where_one_number_knows_the_class() {
        let (values, labels) = codes(4000, 3);
        let gap = |codes: &Tensor, parts: &[CodePart]| {
            mutual_information_gap(Labelled { codes, labels: &labels }, parts, 20)
        };
        let found = gap(&values, &[CodePart::Number; 3]);
        assert!(found > 0.9 && found <= 1.0, "{found}");
        // A second number that knows as much leaves no gap.
        let twice = Tensor::cat(&[&values.narrow(1, 0, 1), &values], 1);
        assert!(gap(&twice, &[CodePart::Number; 4]).abs() < 1e-12);
        // A category that is the class knows all of it, as one variable, beside a number that knows nothing.
        let classes = Tensor::from_slice(&labels, [labels.len()]).one_hot(3).to_dtype(DType::F32);
        let grouped = Tensor::cat(&[&classes, &values.narrow(1, 1, 1)], 1);
        let parts = [CodePart::Category(3), CodePart::Number];
        assert!(gap(&grouped, &parts) > 0.9);
        assert_eq!(
            numbers(&grouped, &parts).unwrap().to_vec::<f32>(),
            values.narrow(1, 1, 1).to_vec::<f32>()
        );
        assert!(numbers(&classes, &parts[..1]).is_none());
    }
}
