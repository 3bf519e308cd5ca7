//! One step of the classic optimisers over many tensors at once, and the running average of parameters.
//!
//! All tensors of a call make one parallel loop: large ones are cut into pieces, small ones put together until a task is
//! worth its dispatch. Every element is independent of the others: the cuts cannot change a bit of the result.
//!
//! Hyperparameters arrive in f64 and are rounded to the element type once.

use crate::Float;
use crate::par::{self, CHUNK};
use crate::simd::{Kernel, vectorize_for};

/// Elements of one task: a step takes several times the operations of a simple function.
const PIECE: usize = CHUNK / COST;
const COST: usize = 4;

/// A tensor that a step changes: the parameter, its gradient, and `S` arrays that the optimiser keeps for it.
#[derive(Debug)]
pub struct Update<'a, T, const S: usize> {
    /// Values that the step changes.
    pub parameter: &'a mut [T],
    /// Gradient of the loss with respect to them.
    pub gradient: &'a [T],
    /// What the optimiser remembers from step to step.
    pub state: [&'a mut [T]; S],
}

impl<'a, T, const S: usize> Update<'a, T, S> {
    /// Cuts `self` into pieces of [`PIECE`] elements and adds them to `pieces`.
    fn cut(self, pieces: &mut Vec<Update<'a, T, S>>) {
        let len = self.parameter.len();
        assert_eq!(self.gradient.len(), len, "a gradient is as long as its parameter");
        for array in &self.state {
            assert_eq!(array.len(), len, "optimiser state is as long as its parameter");
        }
        let mut rest = self;
        while rest.parameter.len() > PIECE {
            let (parameter, parameter_rest) = rest.parameter.split_at_mut(PIECE);
            let (gradient, gradient_rest) = rest.gradient.split_at(PIECE);
            let mut tails: [&mut [T]; S] = std::array::from_fn(|_| Default::default());
            let mut tail = tails.iter_mut();
            let state = rest.state.map(|array| {
                let (head, rest) = array.split_at_mut(PIECE);
                *tail.next().expect("one tail for each state array") = rest;
                head
            });
            pieces.push(Update { parameter, gradient, state });
            rest = Update { parameter: parameter_rest, gradient: gradient_rest, state: tails };
        }
        pieces.push(rest);
    }
}

/// Runs `body` on pieces of all tensors.
fn each<T: Float, const S: usize>(
    updates: Vec<Update<'_, T, S>>,
    body: impl Fn(&mut [T], &[T], [&mut [T]; S]) + Copy + Send + Sync,
) {
    run(updates, Closure(body));
}

/// Runs `body` on pieces of all tensors.
fn run<T: Float, const S: usize>(updates: Vec<Update<'_, T, S>>, body: impl Body<T, S>) {
    let cuts: usize = updates.iter().map(|update| update.parameter.len() / PIECE).sum();
    let mut pieces = Vec::with_capacity(updates.len() + cuts);
    updates.into_iter().for_each(|update| update.cut(&mut pieces));
    par::groups_mut(
        &mut pieces,
        |piece| COST * piece.parameter.len(),
        |pieces| {
            pieces.iter_mut().for_each(|piece| vectorize_for::<T, _>(Step { piece, body }));
        },
    );
}

/// What is done with a piece. A long loop has to be a method that is always inlined: the compiler leaves a long closure out of
/// the code for wide vectors, and Adam is then slower by half.
trait Body<T, const S: usize>: Copy + Send + Sync {
    fn apply(self, parameter: &mut [T], gradient: &[T], state: [&mut [T]; S]);
}

/// A short loop.
#[derive(Clone, Copy)]
struct Closure<F>(F);

impl<T, F, const S: usize> Body<T, S> for Closure<F>
where
    F: Fn(&mut [T], &[T], [&mut [T]; S]) + Copy + Send + Sync,
{
    #[inline(always)]
    fn apply(self, parameter: &mut [T], gradient: &[T], state: [&mut [T]; S]) {
        (self.0)(parameter, gradient, state);
    }
}

/// A piece of the work. It holds the constants of `body` by value: behind a reference they might lie in what the step
/// changes, for all that the compiler knows, and the loop would read them again for every element.
struct Step<'p, 'a, T, B, const S: usize> {
    piece: &'p mut Update<'a, T, S>,
    body: B,
}

impl<T: Float, B: Body<T, S>, const S: usize> Kernel for Step<'_, '_, T, B, S> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Update { parameter, gradient, state } = self.piece;
        self.body.apply(parameter, gradient, state.each_mut().map(|array| &mut **array));
    }
}

/// Constants of one step of stochastic gradient descent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sgd {
    /// Step length γ.
    pub learning_rate: f64,
    /// L2 penalty λ, added to the gradient as λθ.
    pub weight_decay: f64,
    /// Momentum μ.
    pub momentum: f64,
    /// Damping τ of what a gradient adds to the momentum buffer.
    pub dampening: f64,
    /// Whether the step looks ahead along the momentum.
    pub nesterov: bool,
}

/// θ ← θ − γ(g + λθ).
pub fn sgd<T: Float>(updates: Vec<Update<'_, T, 0>>, step: &Sgd) {
    let rate = T::from_f64(step.learning_rate);
    let decay = T::from_f64(step.weight_decay);
    each(updates, move |parameter, gradient, []| {
        for (p, &g) in parameter.iter_mut().zip(gradient) {
            *p -= rate * (g + decay * *p);
        }
    });
}

/// b ← μb + (1 − τ)g, then θ ← θ − γb, or θ ← θ − γ(g + μb) with Nesterov; g includes λθ. State: b.
pub fn sgd_momentum<T: Float>(updates: Vec<Update<'_, T, 1>>, step: &Sgd) {
    let rate = T::from_f64(step.learning_rate);
    let decay = T::from_f64(step.weight_decay);
    let momentum = T::from_f64(step.momentum);
    let share = T::from_f64(1.0 - step.dampening);
    let nesterov = step.nesterov;
    each(updates, move |parameter, gradient, [buffer]| {
        for ((p, &g), b) in parameter.iter_mut().zip(gradient).zip(buffer) {
            let g = g + decay * *p;
            *b = momentum * *b + share * g;
            let direction = if nesterov { g + momentum * *b } else { *b };
            *p -= rate * direction;
        }
    });
}

/// Constants of one step of Adam or AdamW.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adam {
    /// Step length γ.
    pub learning_rate: f64,
    /// Decay rates β₁ and β₂ of the two moments.
    pub betas: (f64, f64),
    /// Added to the denominator.
    pub eps: f64,
    /// Weight decay λ.
    pub weight_decay: f64,
    /// Whether λ shrinks the parameter itself (AdamW) instead of entering the gradient (Adam).
    pub decoupled: bool,
    /// Number t of this step, from 1 on.
    pub step: u64,
}

/// The constants of [`Adam`] in the element type, ready for use.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamFactors<T> {
    /// 1 − γλ where weight decay is decoupled, else 1.
    pub shrink: T,
    /// λ where it enters the gradient, else 0.
    pub decay: T,
    /// β₁.
    pub beta1: T,
    /// β₂.
    pub beta2: T,
    /// 1 − β₁.
    pub share1: T,
    /// 1 − β₂.
    pub share2: T,
    /// γ √(1 − β₂ᵗ) / (1 − β₁ᵗ).
    pub rate: T,
    /// ε √(1 − β₂ᵗ).
    pub eps: T,
}

impl Adam {
    /// What every element of this step is computed with.
    pub fn factors<T: Float>(&self) -> AdamFactors<T> {
        let (beta1, beta2) = self.betas;
        let exponent = self.step as f64;
        let (coupled, shrink) = match self.decoupled {
            true => (0.0, 1.0 - self.learning_rate * self.weight_decay),
            false => (self.weight_decay, 1.0),
        };
        // γ m̂ / (√v̂ + ε), with numerator and denominator multiplied by this: a division less for every element.
        let root_correction = (1.0 - beta2.powf(exponent)).sqrt();
        AdamFactors {
            shrink: T::from_f64(shrink),
            decay: T::from_f64(coupled),
            beta1: T::from_f64(beta1),
            beta2: T::from_f64(beta2),
            share1: T::from_f64(1.0 - beta1),
            share2: T::from_f64(1.0 - beta2),
            rate: T::from_f64(self.learning_rate * root_correction / (1.0 - beta1.powf(exponent))),
            eps: T::from_f64(self.eps * root_correction),
        }
    }
}

impl<T: Float> AdamFactors<T> {
    /// Weight decay and both moments; returns the parameter before the step proper.
    #[inline(always)]
    fn moments(&self, p: T, g: T, m: &mut T, v: &mut T) -> T {
        let p = p * self.shrink;
        let g = g + self.decay * p;
        *m = self.beta1 * *m + self.share1 * g;
        *v = self.beta2 * *v + self.share2 * g * g;
        p
    }

    #[inline(always)]
    fn step(&self, p: T, m: T, v: T) -> T {
        p - self.rate * m / (v.sqrt() + self.eps)
    }
}

/// m ← β₁m + (1 − β₁)g, v ← β₂v + (1 − β₂)g², θ ← θ − γ m̂ / (√v̂ + ε). State: m, v.
pub fn adam<T: Float>(updates: Vec<Update<'_, T, 2>>, step: &Adam) {
    run(updates, step.factors::<T>());
}

impl<T: Float> Body<T, 2> for AdamFactors<T> {
    #[inline(always)]
    fn apply(self, parameter: &mut [T], gradient: &[T], [first, second]: [&mut [T]; 2]) {
        for (((p, &g), m), v) in parameter.iter_mut().zip(gradient).zip(first).zip(second) {
            let decayed = self.moments(*p, g, m, v);
            *p = self.step(decayed, *m, *v);
        }
    }
}

/// [`adam`] with the largest v so far in the denominator. State: m, v, max v.
pub fn adam_amsgrad<T: Float>(updates: Vec<Update<'_, T, 3>>, step: &Adam) {
    run(updates, AmsGrad(step.factors::<T>()));
}

/// Adam's constants for AMSGrad.
#[derive(Clone, Copy)]
struct AmsGrad<T>(AdamFactors<T>);

impl<T: Float> Body<T, 3> for AmsGrad<T> {
    #[inline(always)]
    fn apply(self, parameter: &mut [T], gradient: &[T], [first, second, largest]: [&mut [T]; 3]) {
        let AmsGrad(factors) = self;
        for ((((p, &g), m), v), top) in parameter.iter_mut().zip(gradient).zip(first).zip(second).zip(largest)
        {
            let decayed = factors.moments(*p, g, m, v);
            // Written so that a NaN stays one, as torch.maximum does.
            *top = if *top > *v { *top } else { *v };
            *p = factors.step(decayed, *m, *top);
        }
    }
}

/// Constants of one step of RMSProp.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RmsProp {
    /// Step length γ.
    pub learning_rate: f64,
    /// Smoothing α of the squared gradients.
    pub alpha: f64,
    /// Added to the denominator.
    pub eps: f64,
    /// L2 penalty λ, added to the gradient as λθ.
    pub weight_decay: f64,
    /// Momentum μ; 0 leaves the buffer equal to the last step.
    pub momentum: f64,
    /// Whether the mean gradient is subtracted from the second moment.
    pub centered: bool,
}

/// v ← αv + (1 − α)g², a ← αa + (1 − α)g, b ← μb + g / (√(v − a²) + ε), θ ← θ − γb, with a = 0 unless centered.
/// State: v, b, a.
pub fn rmsprop<T: Float>(updates: Vec<Update<'_, T, 3>>, step: &RmsProp) {
    let rate = T::from_f64(step.learning_rate);
    let alpha = T::from_f64(step.alpha);
    let share = T::from_f64(1.0 - step.alpha);
    let eps = T::from_f64(step.eps);
    let decay = T::from_f64(step.weight_decay);
    let momentum = T::from_f64(step.momentum);
    let centered = step.centered;
    each(updates, move |parameter, gradient, [square, buffer, mean]| {
        for ((((p, &g), v), b), a) in parameter.iter_mut().zip(gradient).zip(square).zip(buffer).zip(mean) {
            let g = g + decay * *p;
            *v = alpha * *v + share * g * g;
            let variance = if centered {
                *a = alpha * *a + share * g;
                *v - *a * *a
            } else {
                *v
            };
            *b = momentum * *b + g / (variance.sqrt() + eps);
            *p -= rate * *b;
        }
    });
}

/// Constants of one step of Adagrad.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adagrad {
    /// Step length γ of this step, its own decay included.
    pub learning_rate: f64,
    /// Added to the denominator.
    pub eps: f64,
    /// L2 penalty λ, added to the gradient as λθ.
    pub weight_decay: f64,
}

/// s ← s + g², θ ← θ − γg / (√s + ε). State: s.
pub fn adagrad<T: Float>(updates: Vec<Update<'_, T, 1>>, step: &Adagrad) {
    let rate = T::from_f64(step.learning_rate);
    let eps = T::from_f64(step.eps);
    let decay = T::from_f64(step.weight_decay);
    each(updates, move |parameter, gradient, [sum]| {
        for ((p, &g), s) in parameter.iter_mut().zip(gradient).zip(sum) {
            let g = g + decay * *p;
            *s += g * g;
            *p -= rate * g / (s.sqrt() + eps);
        }
    });
}

/// a ← decay·a + (1 − decay)·x for every pair: `parameter` is the average a, `gradient` the new value x.
pub fn running_average<T: Float>(updates: Vec<Update<'_, T, 0>>, decay: f64) {
    let share = T::from_f64(1.0 - decay);
    each(updates, move |average, values, []| {
        for (a, &x) in average.iter_mut().zip(values) {
            *a += share * (x - *a);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_cover_every_element_once() {
        let sizes = [1, PIECE - 1, PIECE, 0, PIECE + 1, 3 * PIECE + 5, 7, 100, 2];
        let mut parameters: Vec<Vec<f64>> =
            sizes.iter().map(|&n| (0..n).map(|i| i as f64).collect()).collect();
        let mut momenta: Vec<Vec<f64>> = sizes.iter().map(|&n| vec![0.0; n]).collect();
        let gradients: Vec<Vec<f64>> =
            sizes.iter().map(|&n| (0..n).map(|i| 2.0 * i as f64).collect()).collect();
        let updates = parameters
            .iter_mut()
            .zip(&gradients)
            .zip(&mut momenta)
            .map(|((parameter, gradient), b)| Update { parameter, gradient, state: [b] })
            .collect();
        let step =
            Sgd { learning_rate: 0.25, weight_decay: 0.0, momentum: 0.5, dampening: 0.0, nesterov: false };
        sgd_momentum(updates, &step);
        for (parameter, momentum) in parameters.iter().zip(&momenta) {
            assert!(parameter.iter().enumerate().all(|(i, &p)| p == 0.5 * i as f64));
            assert!(momentum.iter().enumerate().all(|(i, &b)| b == 2.0 * i as f64));
        }
    }

    #[test]
    fn the_first_step_of_adam_is_the_sign_of_the_gradient() {
        let (mut p, g) = ([1.0f64, 1.0, 1.0], [3.0, -0.01, 0.0]);
        let (mut m, mut v) = ([0.0; 3], [0.0; 3]);
        let step = Adam {
            learning_rate: 0.1,
            betas: (0.9, 0.999),
            eps: 1e-12,
            weight_decay: 0.0,
            decoupled: false,
            step: 1,
        };
        adam(vec![Update { parameter: &mut p, gradient: &g, state: [&mut m, &mut v] }], &step);
        for (got, want) in p.iter().zip([0.9, 1.1, 1.0]) {
            assert!((got - want).abs() < 1e-9, "{got} is not {want}");
        }
    }

    #[test]
    fn a_running_average_with_no_decay_is_the_value() {
        let mut average = [5.0f32, -1.0];
        running_average(vec![Update { parameter: &mut average, gradient: &[2.0, 3.0], state: [] }], 0.0);
        assert_eq!(average, [2.0, 3.0]);
    }
}
