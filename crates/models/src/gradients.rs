//! A look at the gradients of a model in training. It reads and changes nothing.

use crate::Model;
use crate::run::{GradientRecord, ParameterRecord};
use wengert_tensor::{DType, Tensor, no_grad};

/// Steps from one look to the next.
const INTERVAL: u64 = 100;

/// Values of a gradient that its histogram is made of at most.
const LOOKED_AT: usize = 4096;

/// Parts of a histogram.
const PARTS: usize = 40;

/// Whether the gradients of a step, counted from 1, are recorded.
pub fn is_due(step: u64) -> bool {
    step == 1 || step.is_multiple_of(INTERVAL)
}

/// The gradients as the last step left them.
pub fn look_at(model: &dyn Model, step: u64) -> GradientRecord {
    let parameters = model.named_parameters().into_iter().filter_map(|(name, parameter)| {
        let gradient = parameter.grad().filter(|gradient| gradient.dtype() == DType::F32)?;
        let (least, greatest, histogram) = histogram(&gradient.to_vec::<f32>());
        let [norm, weight_norm] = [&gradient, &parameter].map(norm);
        Some(ParameterRecord { name, norm, weight_norm, least, greatest, histogram })
    });
    GradientRecord { step, parameters: parameters.collect() }
}

fn norm(tensor: &Tensor) -> f64 {
    no_grad(|| tensor.detach().square().sum_all().item().sqrt())
}

/// The least and the greatest of some values, evenly chosen, and how they lie between.
fn histogram(values: &[f32]) -> (f64, f64, Vec<u32>) {
    let stride = values.len().div_ceil(LOOKED_AT).max(1);
    let looked_at =
        || values.iter().step_by(stride).map(|value| f64::from(*value)).filter(|value| value.is_finite());
    let (least, greatest) = looked_at()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(least, greatest), value| {
            (least.min(value), greatest.max(value))
        });
    let mut parts = vec![0; PARTS];
    if least > greatest {
        return (0.0, 0.0, parts);
    }
    let width = (greatest - least) / PARTS as f64;
    for value in looked_at() {
        // Where all are alike the quotient is no number, which is cast to 0.
        parts[(((value - least) / width) as usize).min(PARTS - 1)] += 1;
    }
    (least, greatest, parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn histograms_count_what_they_looked_at() {
        let (least, greatest, parts) = histogram(&[0.0, 1.0, 2.0, 4.0, f32::NAN]);
        assert_eq!((least, greatest, parts.iter().sum::<u32>()), (0.0, 4.0, 4));
        assert_eq!((parts[0], parts[10], parts[20], parts[39]), (1, 1, 1, 1));
        assert_eq!(histogram(&[2.5; 3]).2[0], 3);
        assert_eq!(histogram(&[]).2, [0; PARTS]);
        let many: Vec<f32> = (0..100_000).map(|index| index as f32).collect();
        let count: u32 = histogram(&many).2.iter().sum();
        assert!((LOOKED_AT as u32 / 2..=LOOKED_AT as u32).contains(&count), "{count}");
    }
}
