//! Random tensors as ops, so that graphs and traces show where noise came from.
//!
//! An op holds the place of its draw in the generator's sequence: it prints, and replays, with the very same numbers.
//! The interface is [`Generator`](crate::Generator).

use crate::autograd::Saved;
use crate::op::{Gradients, Op, Spec, Values};
use crate::ops::elementwise::take;
use crate::step::with_place;
use crate::{DType, Element, Error, Result, Shape, Tensor, Value};
use smallvec::smallvec;
use wengert_cpu::Number;
use wengert_cpu::rng::{self, Position};
use wengert_cuda::{Device, random};

pub(crate) const OPS: &[&str] =
    &["uniform", "normal", "exponential", "gumbel", "randint", "randperm", "bernoulli", "dropout"];

/// What random numbers are drawn from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Distribution {
    /// Floats spread evenly over `[low, high)`.
    Uniform {
        /// Smallest value.
        low: f64,
        /// What every value lies below.
        high: f64,
    },
    /// Normal floats.
    Normal {
        /// The mean.
        mean: f64,
        /// The standard deviation, not negative.
        standard_deviation: f64,
    },
    /// Floats with density λ e^(−λx).
    Exponential {
        /// λ, positive.
        rate: f64,
    },
    /// Standard Gumbel floats.
    Gumbel,
    /// i64 spread evenly over `low..high`.
    Integers {
        /// Smallest value.
        low: i64,
        /// What every value lies below.
        high: i64,
    },
    /// A random order of 0, 1, …, i64.
    Permutation,
}

/// Philox blocks that a draw of `count` elements takes.
pub(crate) fn blocks(count: usize, dtype: DType) -> u64 {
    rng::blocks(count, if dtype == DType::F32 { 4 } else { 2 })
}

/// A tensor of random numbers. No inputs.
#[derive(Clone, Debug, PartialEq)]
pub struct Random {
    /// What the numbers are drawn from.
    pub distribution: Distribution,
    /// Where the draw begins.
    pub position: Position,
    /// Shape and type of the result.
    pub spec: Spec,
}

impl Distribution {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Distribution::Uniform { .. } => "uniform",
            Distribution::Normal { .. } => "normal",
            Distribution::Exponential { .. } => "exponential",
            Distribution::Gumbel => "gumbel",
            Distribution::Integers { .. } => "randint",
            Distribution::Permutation => "randperm",
        }
    }

    /// What is wrong with the parameters.
    fn check(&self, shape: &Shape) -> std::result::Result<(), String> {
        match *self {
            Distribution::Uniform { low, high } if !(low < high && (high - low).is_finite()) => {
                Err(format!("low {low} must lie below high {high}, both finite"))
            }
            Distribution::Normal { mean, standard_deviation }
                if !(mean.is_finite() && standard_deviation.is_finite() && standard_deviation >= 0.0) =>
            {
                Err(format!(
                    "mean {mean} must be finite, standard deviation {standard_deviation} finite and ≥ 0"
                ))
            }
            Distribution::Exponential { rate } if !(rate > 0.0 && rate.is_finite()) => {
                Err(format!("the rate must be positive and finite, got {rate}"))
            }
            Distribution::Integers { low, high } if low >= high => {
                Err(format!("low {low} must lie below high {high}"))
            }
            Distribution::Permutation if shape.rank() != 1 => {
                Err(format!("makes a vector, not shape {shape}"))
            }
            _ => Ok(()),
        }
    }
}

impl Op for Random {
    fn name(&self) -> &'static str {
        self.distribution.name()
    }

    fn infer(&self, inputs: &[Spec]) -> Result<Spec> {
        let [] = take(self.name(), inputs)?;
        let Spec { shape, dtype } = &self.spec;
        self.distribution.check(shape).map_err(|detail| Error::argument(self.name(), detail))?;
        let fits = match self.distribution {
            Distribution::Integers { .. } | Distribution::Permutation => *dtype == DType::I64,
            _ => dtype.is_float(),
        };
        if !fits {
            return Err(Error::dtype(
                self.name(),
                format!("cannot make {dtype}; draw another type and convert it"),
            ));
        }
        Ok(self.spec.clone())
    }

    fn forward(&self, _inputs: Values, output: &Spec) -> Result<Value> {
        let (shape, at) = (&output.shape, self.position);
        match self.distribution {
            Distribution::Integers { low, high } => {
                Ok(Value::build(shape, |out| rng::integers(out, at, low, high)))
            }
            Distribution::Permutation => Ok(Value::build(shape, |out| rng::permutation(out, at))),
            Distribution::Gumbel => for_float!(output.dtype, self.name(), T => {
                Ok(Value::build(shape, |out: &mut [T]| rng::gumbel(out, at)))
            }),
            Distribution::Exponential { rate } => for_float!(output.dtype, self.name(), T => {
                Ok(Value::build(shape, |out| rng::exponential(out, at, T::from_f64(rate))))
            }),
            Distribution::Uniform { low, high } => for_float!(output.dtype, self.name(), T => {
                Ok(Value::build(shape, |out| rng::uniform(out, at, T::from_f64(low), T::from_f64(high))))
            }),
            Distribution::Normal { mean, standard_deviation } => for_float!(output.dtype, self.name(), T => {
                Ok(Value::build(shape, |out| {
                    rng::normal(out, at, T::from_f64(mean), T::from_f64(standard_deviation));
                }))
            }),
        }
    }

    /// The bits of [`forward`](Op::forward). A permutation is shuffled by the CPU, since each of its steps depends on the
    /// one before, and copied to the device: not for captures.
    fn forward_cuda(&self, inputs: Values, output: &Spec, device: &Device) -> Result<Value> {
        let distribution = match self.distribution {
            Distribution::Permutation => {
                return self.forward(inputs, output)?.to_device(crate::Device::Cuda(device.ordinal()));
            }
            Distribution::Integers { low, high } => {
                let out = Value::on_cuda(device, output)?;
                let (count, memory) = (output.shape.numel(), out.device_memory()?);
                with_place(self.position, |place| random::integers(place, low, high, count, memory))??;
                return Ok(out);
            }
            Distribution::Uniform { low, high } => random::Distribution::Uniform { low, high },
            Distribution::Normal { mean, standard_deviation } => {
                random::Distribution::Normal { mean, standard_deviation }
            }
            Distribution::Exponential { rate } => random::Distribution::Exponential { rate },
            Distribution::Gumbel => random::Distribution::Gumbel,
        };
        let (kind, count) = (output.dtype.kind(), output.shape.numel());
        let out = Value::on_cuda(device, output)?;
        let memory = out.device_memory()?;
        with_place(self.position, |place| random::draw(distribution, place, kind, count, memory))??;
        Ok(out)
    }
}

/// 1 with the probability given by each element, 0 otherwise. A sample has no gradient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bernoulli {
    /// Where the draw begins.
    pub position: Position,
}

impl Op for Bernoulli {
    fn name(&self) -> &'static str {
        "bernoulli"
    }

    fn infer(&self, inputs: &[Spec]) -> Result<Spec> {
        let [probability] = take("bernoulli", inputs)?;
        for_float!(probability.dtype, "bernoulli", T => Ok(Spec::new(&probability.shape, T::DTYPE)))
    }

    fn forward(&self, inputs: Values, output: &Spec) -> Result<Value> {
        let probability = inputs[0].contiguous();
        let probability = probability.read();
        for_float!(output.dtype, "bernoulli", T => {
            let values = probability.slice::<T>();
            let is_probability = |p: &T| (T::ZERO..=T::ONE).contains(p);
            // Looking at all of them vectorises; stopping at the first wrong one does not.
            if !values.iter().fold(true, |valid, p| valid & is_probability(p)) {
                let wrong = values.iter().find(|p| !is_probability(p)).expect("one of them is wrong");
                return Err(improbable(*wrong));
            }
            Ok(Value::build(&output.shape, |out| {
                rng::with_units(values, out, self.position, |unit, p| if unit < p { T::ONE } else { T::ZERO });
            }))
        })
    }

    /// Looking for wrong probabilities waits for the device.
    fn forward_cuda(&self, inputs: Values, output: &Spec, device: &Device) -> Result<Value> {
        let probability = inputs[0].contiguous();
        let view = probability.on_device()?;
        if let Some(wrong) = wengert_cuda::check::first_improbable(view)? {
            return Err(improbable(wrong));
        }
        let out = Value::on_cuda(device, output)?;
        let memory = out.device_memory()?;
        with_place(self.position, |place| random::bernoulli(place, view, memory))??;
        Ok(out)
    }
}

fn improbable(wrong: impl std::fmt::Display) -> Error {
    Error::argument("bernoulli", format!("{wrong} is not a probability; it must lie in 0..=1"))
}

/// x/(1 − p) with probability 1 − p, 0 otherwise. The mask is not stored: backward draws it again.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dropout {
    /// Probability of 0.
    pub probability: f64,
    /// Where the draw of the mask begins.
    pub position: Position,
}

impl Op for Dropout {
    fn name(&self) -> &'static str {
        "dropout"
    }

    fn infer(&self, inputs: &[Spec]) -> Result<Spec> {
        let [input] = take("dropout", inputs)?;
        if !(0.0..=1.0).contains(&self.probability) {
            return Err(Error::argument("dropout", format!("p must lie in 0..=1, got {}", self.probability)));
        }
        for_float!(input.dtype, "dropout", T => Ok(Spec::new(&input.shape, T::DTYPE)))
    }

    fn forward(&self, inputs: Values, output: &Spec) -> Result<Value> {
        let input = inputs[0].contiguous();
        let input = input.read();
        for_float!(output.dtype, "dropout", T => {
            let (dropped, scale) = (T::from_f64(self.probability), T::from_f64(1.0 / (1.0 - self.probability)));
            Ok(Value::build(&output.shape, |out| {
                let kept = move |unit, x| if unit < dropped { T::ZERO } else { x * scale };
                rng::with_units(input.slice(), out, self.position, kept);
            }))
        })
    }

    fn forward_cuda(&self, inputs: Values, output: &Spec, device: &Device) -> Result<Value> {
        let input = inputs[0].contiguous();
        let out = Value::on_cuda(device, output)?;
        let (p, scale) = (self.probability, 1.0 / (1.0 - self.probability));
        let (view, memory) = (input.on_device()?, out.device_memory()?);
        with_place(self.position, |place| random::dropout(place, view, p, scale, memory))??;
        Ok(out)
    }

    /// Linear in x: the same op, with the same mask, on the cotangent.
    fn vjp(&self, _saved: &Saved, cotangent: &Tensor) -> Result<Gradients> {
        Ok(smallvec![Some(crate::apply(*self, &[cotangent])?)])
    }
}
