//! The functions of snippets, each an op of the engine.

use super::Problem;
use super::interpreter::{Interpreter, Value};
use wengert_models::suggest::did_you_mean;
use wengert_tensor::autograd::{GradOptions, grad};
use wengert_tensor::ops::{binary::Binary, unary::Unary};
use wengert_tensor::{DType, Distribution, Gelu, Generator, Shape, Tensor, axes, axis};

/// What stands between the brackets of a call, each with its place.
#[derive(Default)]
pub struct Arguments {
    pub values: Vec<(Value, usize)>,
    pub named: Vec<(String, Value, usize)>,
}

/// Functions with one operand and no options.
const UNARY: &[(&str, Unary)] = &[
    ("abs", Unary::Abs),
    ("cos", Unary::Cos),
    ("erf", Unary::Erf),
    ("exp", Unary::Exp),
    ("expm1", Unary::Expm1),
    ("gelu", Unary::Gelu { approximation: Gelu::Erf }),
    ("log", Unary::Log),
    ("log1p", Unary::Log1p),
    ("log_sigmoid", Unary::LogSigmoid),
    ("neg", Unary::Neg),
    ("reciprocal", Unary::Reciprocal),
    ("relu", Unary::Relu),
    ("rsqrt", Unary::Rsqrt),
    ("selu", Unary::Selu),
    ("sigmoid", Unary::Sigmoid),
    ("sign", Unary::Sign),
    ("silu", Unary::Silu),
    ("sin", Unary::Sin),
    ("softplus", Unary::Softplus { beta: 1.0, threshold: 20.0 }),
    ("sqrt", Unary::Sqrt),
    ("square", Unary::Square),
    ("tanh", Unary::Tanh),
];

/// All others.
const OTHERS: &[&str] = &[
    "amax",
    "amin",
    "clamp",
    "detach",
    "full",
    "grad",
    "leaky_relu",
    "log_softmax",
    "logsumexp",
    "matmul",
    "maximum",
    "mean",
    "minimum",
    "normal",
    "ones",
    "param",
    "pow",
    "prod",
    "reshape",
    "softmax",
    "sum",
    "transpose",
    "uniform",
    "zeros",
];

/// The names of all functions.
pub fn names() -> impl Iterator<Item = &'static str> {
    UNARY.iter().map(|(name, _)| *name).chain(OTHERS.iter().copied())
}

/// Calls a function.
pub fn call(
    interpreter: &Interpreter,
    name: &str,
    at: usize,
    arguments: Arguments,
) -> Result<Value, Problem> {
    let mut call = Call { interpreter, name, at, arguments };
    let value = call.run()?;
    match call.arguments.named.first() {
        Some((option, _, at)) => Err(Problem::new(*at, format!("{name} has no option {option}"))),
        None => Ok(Value::Tensor(value)),
    }
}

/// A call whose arguments are taken out one after the other.
struct Call<'a> {
    interpreter: &'a Interpreter,
    name: &'a str,
    at: usize,
    arguments: Arguments,
}

impl Call<'_> {
    fn run(&mut self) -> Result<Tensor, Problem> {
        if let Some((_, op)) = UNARY.iter().find(|(name, _)| *name == self.name) {
            let [x] = self.tensors()?;
            return self.interpreter.apply(self.at, *op, &[&x]);
        }
        match self.name {
            "normal" | "uniform" => self.random(),
            "zeros" => self.filled(0.0),
            "ones" => self.filled(1.0),
            "full" => {
                let value = self.option("value")?.unwrap_or(0.0);
                self.filled(value)
            }
            "param" => {
                let [x] = self.tensors()?;
                Ok(x.detach().copy().requires_grad_(true))
            }
            "detach" => self.tensors().map(|[x]| x.detach()),
            "grad" => self.gradient(),
            "sum" | "mean" | "prod" | "amax" | "amin" | "logsumexp" => self.reduction(),
            "softmax" | "log_softmax" => {
                let dim = self.whole("dim")?.unwrap_or(-1);
                let [x] = self.tensors()?;
                axis("softmax", dim, x.rank()).map_err(|error| self.problem(error))?;
                Ok(if self.name == "softmax" { x.softmax(dim) } else { x.log_softmax(dim) })
            }
            "matmul" => {
                let [a, b] = self.tensors()?;
                self.interpreter.product(self.at, &a, &b)
            }
            "maximum" => self.pair(Binary::Maximum),
            "minimum" => self.pair(Binary::Minimum),
            "pow" => self.pair(Binary::Pow),
            "clamp" => {
                let op = Unary::Clamp { min: self.option("min")?, max: self.option("max")? };
                let [x] = self.tensors()?;
                self.interpreter.apply(self.at, op, &[&x])
            }
            "leaky_relu" => {
                let op = Unary::LeakyRelu { negative_slope: self.option("slope")?.unwrap_or(0.01) };
                let [x] = self.tensors()?;
                self.interpreter.apply(self.at, op, &[&x])
            }
            "transpose" => {
                let [x] = self.tensors()?;
                match x.rank() {
                    0 | 1 => {
                        Err(self
                            .problem(format!("transpose swaps the last two axes, and this is {}", x.shape())))
                    }
                    _ => Ok(x.transpose(-2, -1)),
                }
            }
            "reshape" => self.reshape(),
            _ => {
                let hint = did_you_mean(self.name, names());
                let all: Vec<&str> = names().collect();
                Err(self.problem(format!(
                    "there is no function {}{hint}; there are {}",
                    self.name,
                    all.join(", ")
                )))
            }
        }
    }

    fn random(&mut self) -> Result<Tensor, Problem> {
        let seed = self.whole("seed")?.unwrap_or(0) as u64;
        let distribution = match self.name {
            "normal" => Distribution::Normal {
                mean: self.option("mean")?.unwrap_or(0.0),
                standard_deviation: self.option("std")?.unwrap_or(1.0),
            },
            _ => Distribution::Uniform {
                low: self.option("low")?.unwrap_or(0.0),
                high: self.option("high")?.unwrap_or(1.0),
            },
        };
        let shape = self.shape()?;
        Generator::new(seed).draw(distribution, shape, DType::F64).map_err(|error| self.problem(error))
    }

    fn filled(&mut self, value: f64) -> Result<Tensor, Problem> {
        Ok(Tensor::full(self.shape()?, value, DType::F64))
    }

    /// ∂y/∂x, recorded, so that it can be differentiated again.
    fn gradient(&mut self) -> Result<Tensor, Problem> {
        let [y, x] = self.tensors()?;
        if y.numel() != 1 {
            return Err(self.problem(format!(
                "grad(y, x) takes a y of one number, and this is {}; take its sum(…)",
                y.shape()
            )));
        }
        if !(y.requires_grad() && x.requires_grad()) {
            return Err(
                self.problem("grad(y, x) takes an x made by param(…), and a y that is computed of it")
            );
        }
        let options = GradOptions { create_graph: true, ..GradOptions::default() };
        let mut gradients = grad(&[&y], &[&x], options).map_err(|error| self.problem(error))?;
        Ok(gradients.remove(0))
    }

    fn reduction(&mut self) -> Result<Tensor, Problem> {
        let dim = self.whole("dim")?;
        let keepdim = self.option("keepdim")?.is_some_and(|keep| keep != 0.0);
        let [x] = self.tensors()?;
        let dims: Vec<isize> = dim.into_iter().collect();
        axes("this", &dims, x.rank()).map_err(|error| self.problem(error))?;
        Ok(match self.name {
            "sum" => x.sum(&dims, keepdim),
            "mean" => x.mean(&dims, keepdim),
            "prod" => x.prod(&dims, keepdim),
            "amax" => x.amax(&dims, keepdim),
            "amin" => x.amin(&dims, keepdim),
            _ => x.logsumexp(&dims, keepdim),
        })
    }

    fn pair(&mut self, op: Binary) -> Result<Tensor, Problem> {
        let [a, b] = self.tensors()?;
        self.interpreter.binary(self.at, op, &a, &b)
    }

    fn reshape(&mut self) -> Result<Tensor, Problem> {
        if self.arguments.values.is_empty() {
            return Err(self.problem("reshape takes a tensor and sizes, as in reshape(x, 2, 3)"));
        }
        let x = self.arguments.values.remove(0).0.tensor();
        let shape = self.shape()?;
        if shape.numel() != x.numel() {
            return Err(self.problem(format!(
                "{} has {} numbers, and {shape} would have {}",
                x.shape(),
                x.numel(),
                shape.numel()
            )));
        }
        Ok(x.reshape(shape))
    }

    /// The operands, exactly so many.
    fn tensors<const N: usize>(&mut self) -> Result<[Tensor; N], Problem> {
        let count = self.arguments.values.len();
        let tensors: Vec<Tensor> = self.arguments.values.drain(..).map(|(value, _)| value.tensor()).collect();
        tensors
            .try_into()
            .map_err(|_| self.problem(format!("{} takes {N} tensors, and here are {count}", self.name)))
    }

    /// All arguments as sizes; none make a tensor of one number without axes.
    fn shape(&mut self) -> Result<Shape, Problem> {
        let mut sizes = Vec::new();
        let mut product = 1usize;
        for (value, at) in std::mem::take(&mut self.arguments.values) {
            let size = match value {
                Value::Number(size)
                    if size >= 1.0 && size.fract() == 0.0 && size <= super::MOST_ELEMENTS as f64 =>
                {
                    size as usize
                }
                _ => {
                    return Err(Problem::new(
                        at,
                        format!("a size is a whole number from 1 to {}", super::MOST_ELEMENTS),
                    ));
                }
            };
            product = product.saturating_mul(size);
            self.interpreter.room(at, product)?;
            sizes.push(size);
        }
        if sizes.len() > MOST_AXES {
            return Err(self.problem(format!("a tensor may have {MOST_AXES} axes")));
        }
        Ok(sizes.into_iter().collect())
    }

    /// A named option, which must be a number.
    fn option(&mut self, name: &str) -> Result<Option<f64>, Problem> {
        let Some(index) = self.arguments.named.iter().position(|(option, ..)| option == name) else {
            return Ok(None);
        };
        match self.arguments.named.remove(index) {
            (_, Value::Number(number), _) => Ok(Some(number)),
            (_, Value::Tensor(_), at) => Err(Problem::new(at, format!("{name} is a plain number"))),
        }
    }

    /// A named option that is a whole number.
    fn whole(&mut self, name: &str) -> Result<Option<isize>, Problem> {
        match self.option(name)? {
            Some(number) if number.fract() == 0.0 && number.abs() < 1e9 => Ok(Some(number as isize)),
            Some(number) => Err(self.problem(format!("{name} is {number}; it must be a whole number"))),
            None => Ok(None),
        }
    }

    fn problem(&self, message: impl std::fmt::Display) -> Problem {
        Problem::new(self.at, message)
    }
}

/// Axes of a tensor.
const MOST_AXES: usize = 6;
