//! Whether two contenders compute the same: a fast wrong step is not a result.

use std::collections::BTreeMap;
use thiserror::Error;
use wengert_tensor::{DType, Tensor};

/// What is allowed before any update: the weights are the same bits, and only the order of additions differs. Rounding
/// alone leaves some 1e-6 of a gradient's norm; a compiler that computes a normalised activation anew in its backward
/// pass, and finds a few of them on the other side of LeakyReLU's kink, 5e-4.
const FIRST: Difference = Difference { loss: 1e-5, gradient: 1e-3 };

/// What is allowed after an update. Adam's first updates turn the sign of a gradient into a whole step, so where one is
/// almost zero, its rounding moves a weight; a unit that lands on the other side of a ReLU's kink then changes a
/// gradient far more than rounding could. The losses still have four digits to agree on.
const LATER: Difference = Difference { loss: 1e-4, gradient: 0.2 };

/// The part of the norm of all gradients below which a gradient is rounding: that of a bias in front of batch
/// normalisation is zero, and what either side finds there is noise.
const ROUNDING: f64 = 1e-3;

/// Two contenders do not compute the same.
#[derive(Debug, Error, PartialEq)]
#[error("{workload}: {contender} disagrees with wengert, so nothing was timed: {difference}")]
pub struct Disagreement {
    pub workload: String,
    pub contender: String,
    pub difference: String,
}

/// What a contender found in the first steps.
#[derive(Debug, Clone, Default)]
pub struct Trial {
    /// The loss of each step.
    pub losses: Vec<f64>,
    /// `grad.STEP.NAME`.
    pub gradients: BTreeMap<String, Tensor>,
}

/// How far apart two are.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Difference {
    /// Of a loss, in proportion to it.
    pub loss: f64,
    /// Of a gradient, in proportion to its norm.
    pub gradient: f64,
}

/// The largest differences between two that agree.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Agreement {
    /// Before any update.
    pub first: Difference,
    /// After one.
    pub later: Difference,
}

impl Agreement {
    /// The differences seen so far and those allowed, before or after an update.
    fn at(&mut self, updated: bool, slack: f64) -> (&mut Difference, Difference) {
        let (seen, Difference { loss, gradient }) =
            if updated { (&mut self.later, LATER) } else { (&mut self.first, FIRST) };
        (seen, Difference { loss: loss * slack, gradient: gradient * slack })
    }
}

/// Compares two trials, one of which may be `slack` times further away than rounding in f32 explains; an error tells the
/// first difference that is too large.
pub fn compare(ours: &Trial, theirs: &Trial, slack: f64) -> Result<Agreement, String> {
    let mut agreement = Agreement::default();
    if ours.losses.len() != theirs.losses.len() {
        return Err(format!("{} losses against {}", theirs.losses.len(), ours.losses.len()));
    }
    for (step, (a, b)) in ours.losses.iter().zip(&theirs.losses).enumerate() {
        let (seen, allowed) = agreement.at(step > 0, slack);
        let difference = (a - b).abs() / a.abs().max(f64::MIN_POSITIVE);
        if difference.is_nan() || difference > allowed.loss {
            let (step, allowed) = (step + 1, allowed.loss);
            return Err(format!(
                "the loss of step {step} is {b}, not {a} ({difference:.1e} apart; {allowed:.0e} is allowed)"
            ));
        }
        seen.loss = seen.loss.max(difference);
    }
    if let Some(name) = ours.gradients.keys().find(|name| !theirs.gradients.contains_key(*name)) {
        return Err(format!("{name} is missing"));
    }
    if let Some(name) = theirs.gradients.keys().find(|name| !ours.gradients.contains_key(*name)) {
        return Err(format!("{name} is not known here"));
    }
    let mut squares: BTreeMap<&str, f64> = BTreeMap::new();
    for (name, gradient) in &ours.gradients {
        *squares.entry(network(name)).or_default() += norm(gradient).powi(2);
    }
    for (name, a) in &ours.gradients {
        let b = &theirs.gradients[name];
        if a.dims() != b.dims() {
            return Err(format!("{name} has shape {}, not {}", b.shape(), a.shape()));
        }
        let network = network(name);
        let (seen, allowed) = agreement.at(!FIRST_NETWORKS.contains(&network), slack);
        let scale = norm(a).max(ROUNDING * squares[network].sqrt()).max(f64::MIN_POSITIVE);
        let difference = norm(&(a - b)) / scale;
        if difference.is_nan() || difference > allowed.gradient {
            let allowed = allowed.gradient;
            return Err(format!("{name} is {difference:.1e} of its norm away; {allowed:.0e} is allowed"));
        }
        seen.gradient = seen.gradient.max(difference);
    }
    Ok(agreement)
}

/// The gradients that come before any update: those of the first step, but for a generator's, whose discriminator has
/// taken its step by then.
const FIRST_NETWORKS: [&str; 2] = ["grad.0", "grad.0.d"];

fn norm(tensor: &Tensor) -> f64 {
    tensor.to_dtype(DType::F64).square().sum_all().item().sqrt()
}

/// The part of a gradient's name that tells its step, and its network where the model has two: `grad.0` or `grad.0.d`.
fn network(name: &str) -> &str {
    let mut dots = name.match_indices('.').map(|(place, _)| place);
    let (step, module) = (dots.nth(1).unwrap_or(name.len()), dots.next().unwrap_or(name.len()));
    match name.get(step..module) {
        Some(".g" | ".d") => &name[..module],
        _ => &name[..step],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trial(losses: &[f64], gradients: &[(&str, &[f32])]) -> Trial {
        let tensors =
            gradients.iter().map(|(name, values)| (*name, Tensor::from_slice(values, values.len())));
        Trial {
            losses: losses.to_vec(),
            gradients: tensors.map(|(name, tensor)| (name.to_string(), tensor)).collect(),
        }
    }

    #[test]
    fn rounding_passes_and_is_told() {
        let ours = trial(&[2.0], &[("grad.0.d.w", &[3.0, 4.0]), ("grad.0.d.b", &[1e-9])]);
        let theirs = trial(&[2.000002], &[("grad.0.d.w", &[3.0, 4.0001]), ("grad.0.d.b", &[-1e-9])]);
        let agreement = compare(&ours, &theirs, 1.0).unwrap();
        assert!((agreement.first.loss - 1e-6).abs() < 1e-9, "{agreement:?}");
        assert!((agreement.first.gradient - 2e-5).abs() < 1e-7, "{agreement:?}");
        assert_eq!(agreement.later, Difference::default());
    }

    #[test]
    fn a_difference_names_where_it_is() {
        let ours = trial(&[2.0, 3.0], &[("grad.0.fc1.weight", &[3.0, 4.0]), ("grad.0.fc1.bias", &[1.0])]);
        let difference = |theirs: Trial| compare(&ours, &theirs, 1.0).unwrap_err();
        let mut theirs = ours.clone();
        theirs.losses[1] = f64::NAN;
        assert!(difference(theirs).starts_with("the loss of step 2 is NaN, not 3"));
        for wrong in [&[3.0, 4.01][..], &[3.0, f32::NAN]] {
            let mut theirs = ours.clone();
            theirs.gradients.insert("grad.0.fc1.weight".into(), Tensor::from_slice(wrong, 2));
            assert!(difference(theirs).starts_with("grad.0.fc1.weight is "));
        }
        let mut theirs = ours.clone();
        theirs.gradients.remove("grad.0.fc1.bias");
        assert_eq!(difference(theirs), "grad.0.fc1.bias is missing");
        let mut theirs = ours.clone();
        theirs.gradients.insert("grad.0.fc1.bias".into(), Tensor::from_slice(&[1f32, 1.0], 2));
        assert_eq!(difference(theirs), "grad.0.fc1.bias has shape [2], not [1]");
    }

    #[test]
    fn an_update_may_move_a_unit_over_a_kink() {
        let ours = trial(&[2.0, 2.0], &[("grad.0.g.w", &[1.0]), ("grad.1.w", &[1.0])]);
        let theirs = trial(&[2.0, 2.0001], &[("grad.0.g.w", &[1.1]), ("grad.1.w", &[1.1])]);
        let agreement = compare(&ours, &theirs, 1.0).unwrap();
        assert_eq!(agreement.first, Difference::default());
        assert!((agreement.later.gradient - 0.1).abs() < 1e-6, "{agreement:?}");
        let theirs = Trial { losses: vec![2.0001, 2.0], ..theirs };
        assert!(compare(&ours, &theirs, 1.0).unwrap_err().contains("step 1"));
        assert!(compare(&ours, &theirs, 100.0).is_ok(), "arithmetic of fewer bits");
    }

    #[test]
    fn a_small_gradient_is_held_against_its_own_network() {
        // Noise in one network does not hide behind large gradients of the other.
        let ours = trial(&[], &[("grad.1.d.w", &[1e6]), ("grad.1.g.w", &[1.0])]);
        let theirs = trial(&[], &[("grad.1.d.w", &[1e6]), ("grad.1.g.w", &[1.5])]);
        assert!(compare(&ours, &theirs, 1.0).unwrap_err().starts_with("grad.1.g.w"));
        assert_eq!(network("grad.2.g.fc1.weight"), "grad.2.g");
        assert_eq!(network("grad.2.gru.weight_ih_l0"), "grad.2");
    }
}
