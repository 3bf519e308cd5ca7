//! `gru`: a recurrent classifier that reads an image row by row.

use super::classifier::Classifier;
use super::weight_rng;
use wengert_nn::{GRU, Layer, Linear, module};
use wengert_tensor::Tensor;

const ROWS: usize = 28;
const COLUMNS: usize = 28;
const HIDDEN: usize = 128;

/// A GRU whose last state a linear layer reads.
#[derive(Debug)]
pub struct RowReader {
    gru: GRU,
    fc: Linear,
}

module!(RowReader { modules: gru, fc });

impl Layer for RowReader {
    fn forward(&self, rows: &Tensor) -> Tensor {
        let (_, last) = self.gru.forward(rows, None);
        self.fc.forward(&last.squeeze(0))
    }
}

/// 28 steps of 28 features, one layer of 128.
pub fn training(batch: usize) -> Classifier<RowReader> {
    let rng = weight_rng();
    let gru = GRU::builder(COLUMNS, HIDDEN).batch_first(true).build(&rng);
    Classifier::new(RowReader { gru, fc: Linear::new(HIDDEN, 10, &rng) }, &[batch, ROWS, COLUMNS])
}
