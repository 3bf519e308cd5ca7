//! The leapfrog integrator of Hamiltonian dynamics.

use crate::Result;
use wengert_tensor::Tensor;

/// One step of the particles at `position` with `momentum`, both `[batch, d]`, in a potential U whose gradient at a
/// position is given; `step` broadcasts against them:
///
/// `ρ½ = ρ − step/2·∇U(z)`, `z' = z + step·ρ½`, `ρ' = ρ½ − step/2·∇U(z')`
///
/// It is reversible, preserves volume exactly, and keeps U(z) + ‖ρ‖²/2 up to O(step²) (Neal 2011, MCMC using Hamiltonian
/// dynamics).
///
/// # Errors
/// Those of the gradient.
pub fn leapfrog(
    position: &Tensor,
    momentum: &Tensor,
    step: &Tensor,
    gradient: impl Fn(&Tensor) -> Result<Tensor>,
) -> Result<(Tensor, Tensor)> {
    let half = step * 0.5;
    let between = momentum - &(&half * gradient(position)?);
    let position = position + &(step * &between);
    let momentum = between - half * gradient(&position)?;
    Ok((position, momentum))
}

#[cfg(test)]
mod tests {
    use super::*;
    use wengert_tensor::DType;
    use wengert_tensor::autograd::jacobian;

    /// U(z) = Σ z⁴/4 + z²/2.
    fn gradient(position: &Tensor) -> Result<Tensor> {
        Ok(position * &(position.square() + 1.0))
    }

    fn energy(position: &Tensor, momentum: &Tensor) -> f64 {
        let squares = position.square();
        (squares.square() * 0.25 + squares * 0.5 + momentum.square() * 0.5).sum_all().item()
    }

    fn start() -> (Tensor, Tensor) {
        (Tensor::from_slice(&[0.4, -1.1], [1, 2]), Tensor::from_slice(&[0.7, 0.3], [1, 2]))
    }

    #[test]
    fn turning_the_momentum_round_leads_back() {
        let ((position, momentum), step) = (start(), Tensor::from_slice(&[0.1, 0.2], [1, 2]));
        let (mut there, mut speed) = (position.clone(), momentum.clone());
        for _ in 0..10 {
            (there, speed) = leapfrog(&there, &speed, &step, gradient).unwrap();
        }
        speed = -speed;
        for _ in 0..10 {
            (there, speed) = leapfrog(&there, &speed, &step, gradient).unwrap();
        }
        let apart = (there - position).abs().max_all().item() + (speed + momentum).abs().max_all().item();
        assert!(apart < 1e-12, "{apart}");
    }

    #[test]
    fn energy_is_kept_to_the_second_order() {
        let drift = |step: f64| {
            let ((mut position, mut momentum), before) = (start(), energy(&start().0, &start().1));
            let size = Tensor::full([1, 1], step, DType::F64);
            let mut worst = 0.0f64;
            for _ in 0..(2.0 / step) as usize {
                (position, momentum) = leapfrog(&position, &momentum, &size, gradient).unwrap();
                worst = worst.max((energy(&position, &momentum) - before).abs());
            }
            worst
        };
        let (coarse, fine) = (drift(0.1), drift(0.05));
        assert!(coarse < 0.01 && (coarse / fine - 4.0).abs() < 0.4, "{coarse} {fine}");
    }

    #[test]
    fn volume_is_preserved() {
        let step = Tensor::full([1, 1], 0.3, DType::F64);
        let map = |state: &Tensor| {
            let (z, momentum) =
                leapfrog(&state.narrow(1, 0, 1), &state.narrow(1, 1, 1), &step, gradient).unwrap();
            Tensor::cat(&[&z, &momentum], 1)
        };
        let j = jacobian(map, &Tensor::from_slice(&[0.8, -0.5], [1, 2])).unwrap().to_vec::<f64>();
        assert!((j[0] * j[3] - j[1] * j[2] - 1.0).abs() < 1e-12, "{j:?}");
    }
}
