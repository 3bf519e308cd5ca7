//! The micro workloads: single ops on operands that are made beforehand.

mod convolution;
mod elementwise;
mod limit;
mod normalisation;
mod optimizer;
mod overhead;
mod product;
mod random;
mod reduction;

pub use limit::{FMA, STREAM};
use std::fmt;
use std::sync::Arc;
use wengert_models::wording::counted;
use wengert_tensor::{DType, Generator, Shape, Tensor};

/// One call of an op.
pub type Call = Box<dyn FnMut() + Send>;

/// A micro workload.
#[derive(Clone)]
pub struct Micro {
    /// The name on the command line; other implementations read the shapes out of it.
    pub name: String,
    /// What one call does.
    pub work: Work,
    /// Calls in one step.
    pub repeat: usize,
    prepare: Arc<dyn Fn() -> Call + Send + Sync>,
}

impl Micro {
    fn new(name: impl Into<String>, work: Work, prepare: impl Fn() -> Call + Send + Sync + 'static) -> Micro {
        Micro { name: name.into(), work, repeat: 1, prepare: Arc::new(prepare) }
    }

    /// The micro workload that measures what this one can reach at most, where there is one.
    pub fn limit(&self) -> Option<&'static str> {
        match self.work {
            _ if self.is_limit() => None,
            Work::Flops(_) => Some(limit::FMA),
            Work::Bytes(_) => Some(limit::STREAM),
            _ => None,
        }
    }

    /// Whether it measures what the processor can reach at most.
    pub fn is_limit(&self) -> bool {
        self.name.starts_with("limit")
    }

    /// Makes the operands and returns what is to be timed.
    pub fn prepare(&self) -> Call {
        (self.prepare)()
    }
}

impl fmt::Debug for Micro {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Micro").field("name", &self.name).field("work", &self.work).finish()
    }
}

/// What one call or step does, which says how its speed is best told.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Work {
    /// Training images.
    Images(usize),
    /// Floating-point operations.
    Flops(usize),
    /// Bytes read from and written to memory.
    Bytes(usize),
    /// Elements, where the caches hold them all or arithmetic decides.
    Elements(usize),
    /// Ops so small that only their overhead counts.
    Ops(usize),
    /// Nothing that could be counted.
    Once,
}

impl Work {
    /// The speed of work that took `ms` milliseconds, and its unit. Only the first three are better when larger.
    pub fn rate(self, ms: f64) -> Option<(f64, &'static str)> {
        match self {
            Self::Images(count) => Some((count as f64 / ms * 1e3, "images/s")),
            Self::Flops(count) => Some((count as f64 / ms * 1e-6, "GFLOP/s")),
            Self::Bytes(count) => Some((count as f64 / ms * 1e-6, "GB/s")),
            Self::Elements(count) => Some((ms * 1e6 / count as f64, "ns/element")),
            Self::Ops(count) => Some((ms * 1e6 / count as f64, "ns/op")),
            Self::Once => None,
        }
    }
}

impl fmt::Display for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Images(count) => f.write_str(&counted(count, "image")),
            Self::Flops(count) => write!(f, "{:.4} GFLOP", count as f64 * 1e-9),
            Self::Bytes(count) => write!(f, "{:.1} MB", count as f64 * 1e-6),
            Self::Elements(count) => write!(f, "{count} elements"),
            Self::Ops(count) => write!(f, "{count} ops"),
            Self::Once => Ok(()),
        }
    }
}

/// All of them.
pub fn all() -> Vec<Micro> {
    let families = [
        product::all(),
        convolution::all(),
        elementwise::all(),
        reduction::all(),
        normalisation::all(),
        random::all(),
        optimizer::all(),
        overhead::all(),
        limit::all(),
    ];
    families.concat()
}

/// The micro workload of a name.
pub fn find(name: &str) -> Option<Micro> {
    all().into_iter().find(|micro| micro.name == name)
}

/// Two sizes of operands, by what holds them: 64 K f32 fit the second cache, 16 M only memory.
const SIZES: [(&str, usize); 2] = [("64K", 1 << 16), ("16M", 1 << 24)];

/// Calls in a step over `elements` elements: enough that the look at the clock does not count.
fn repeat(elements: usize) -> usize {
    ((1 << 20) / elements).max(1)
}

/// The work of passing over `count` elements `passes` times: bytes, where only memory holds them.
fn streamed(count: usize, passes: usize) -> Work {
    if count >= SIZES[1].1 { Work::Bytes(count * passes * size_of::<f32>()) } else { Work::Elements(count) }
}

/// Operands away from zero and from special numbers.
fn operand(shape: impl Into<Shape>) -> Tensor {
    Generator::new(0).uniform(shape, 0.1, 1.0, DType::F32)
}
