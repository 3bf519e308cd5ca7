//! Softmax of each row of `[rows, columns]`.

use super::device::{Function, Gpu, Problem};
use super::{Family, numbers};
use std::rc::Rc;
use wengert_cpu::functions::exp;
use wengert_cpu::simd::{self, vectorize};
use wengert_tensor::{Result, Tensor};

/// Values that are looked at together.
const LANES: usize = 16;
/// Columns after which a running sum may change its scale.
const BLOCK: usize = 256;

/// All kernels for one size.
pub fn family(rows: usize, columns: usize) -> Family {
    let (tensor, x) = scores(rows, columns);
    let x = Rc::new(x);
    let by = |run: fn(&[f32], &mut [f32])| {
        let x = x.clone();
        move |y: &mut [f32]| {
            for (x, y) in x.chunks_exact(columns).zip(y.chunks_exact_mut(columns)) {
                run(x, y);
            }
        }
    };
    empty(rows, columns)
        .kernel("by definition", by(by_definition))
        .kernel("online", by(online))
        .kernel("in lanes", by(in_lanes))
        .kernel("wide instructions", by(|x, y| vectorize(Wide(x, y))))
        .kernel("online in blocks", by(|x, y| vectorize(Blocks(x, y))))
        .engine("the engine", move || tensor.softmax(1))
}

/// All kernels for one size on a GPU; those of the book are in `crates/book/kernels/softmax.cu`.
///
/// # Errors
/// A kernel does not compile, or the device has no memory for the rows.
pub fn on_device(rows: usize, columns: usize, gpu: &Rc<Gpu>) -> Result<Family> {
    let (tensor, x) = scores(rows, columns);
    let problem = Problem::new(gpu, Function::Softmax { rows, columns }, &[&x])?;
    let tensor = tensor.to_device(gpu.device())?;
    // As many as cover all rows, each with so many of them.
    let blocks = |each| [rows.div_ceil(each), 1, 1];
    let kernels = [
        ("by definition", blocks(128)),
        ("by blocks", blocks(1)),
        ("by warps", blocks(8)),
        ("online", blocks(8)),
        ("in registers", blocks(8)),
    ];
    Ok(empty(rows, columns).launches(&problem, &kernels)?.engine("the engine", move || tensor.softmax(1)))
}

/// The family without a kernel. Work is counted as two passes over memory, one that reads and one that writes.
fn empty(rows: usize, columns: usize) -> Family {
    let len = rows * columns;
    Family::new(format!("softmax of {rows} rows of {columns}"), len, 8e-9 * len as f64, "GB")
}

/// Scores as of a network that has learned something.
fn scores(rows: usize, columns: usize) -> (Tensor, Vec<f32>) {
    let (tensor, x) = numbers(&[rows, columns], 2);
    (tensor * 4.0, x.into_iter().map(|x| x * 4.0).collect())
}

/// 1: the largest, then the exponentials and their sum, then the quotients.
pub fn by_definition(x: &[f32], y: &mut [f32]) {
    let largest = x.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0;
    for (y, x) in y.iter_mut().zip(x) {
        *y = (x - largest).exp();
        sum += *y;
    }
    y.iter_mut().for_each(|y| *y /= sum);
}

/// 2: the largest and the sum in one pass. Whenever a larger score turns up, the sum so far shrinks by e^(old − new).
pub fn online(x: &[f32], y: &mut [f32]) {
    let (mut largest, mut sum) = (f32::NEG_INFINITY, 0.0);
    for &x in x {
        if x > largest {
            sum *= (largest - x).exp();
            largest = x;
        }
        sum += (x - largest).exp();
    }
    for (y, x) in y.iter_mut().zip(x) {
        *y = (x - largest).exp() / sum;
    }
}

/// 3: sixteen running values at a time, an exponential without branches or calls, and one division for each row.
#[inline(always)]
pub fn in_lanes(x: &[f32], y: &mut [f32]) {
    let largest = largest(x);
    let sum = exponentials(x, y, largest);
    let share = 1.0 / sum;
    y.iter_mut().for_each(|y| *y *= share);
}

/// 4: the third, compiled for the widest instructions.
struct Wide<'a>(&'a [f32], &'a mut [f32]);

impl simd::Kernel for Wide<'_> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        in_lanes(self.0, self.1);
    }
}

/// 5: the second with blocks in the place of single scores: one exponential more for each block, not for each score.
struct Blocks<'a>(&'a [f32], &'a mut [f32]);

impl simd::Kernel for Blocks<'_> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let Blocks(x, y) = self;
        let (mut top, mut sum) = (f32::NEG_INFINITY, 0.0);
        for (x, y) in x.chunks(BLOCK).zip(y.chunks_mut(BLOCK)) {
            let next = largest(x).max(top);
            sum = sum * (top - next).exp() + exponentials(x, y, next);
            top = next;
        }
        let share = 1.0 / sum;
        exponentials(x, y, top);
        y.iter_mut().for_each(|y| *y *= share);
    }
}

#[inline(always)]
fn largest(x: &[f32]) -> f32 {
    let mut lanes = [f32::NEG_INFINITY; LANES];
    let (chunks, rest) = x.as_chunks::<LANES>();
    for chunk in chunks {
        for j in 0..LANES {
            lanes[j] = if chunk[j] > lanes[j] { chunk[j] } else { lanes[j] };
        }
    }
    lanes.iter().chain(rest).copied().fold(f32::NEG_INFINITY, f32::max)
}

/// Writes e^(x − largest) and adds up. Each chunk is computed in an array of its own: for all that the compiler knows, x
/// and y may overlap.
#[inline(always)]
fn exponentials(x: &[f32], y: &mut [f32], largest: f32) -> f32 {
    let mut lanes = [0.0; LANES];
    let ((chunks, rest), (results, others)) = (x.as_chunks::<LANES>(), y.as_chunks_mut::<LANES>());
    for (result, chunk) in results.iter_mut().zip(chunks) {
        let mut values = [0.0; LANES];
        for j in 0..LANES {
            values[j] = exp(chunk[j] - largest);
        }
        *result = values;
        for j in 0..LANES {
            lanes[j] += values[j];
        }
    }
    for ((y, &x), lane) in others.iter_mut().zip(rest).zip(&mut lanes) {
        *y = exp(x - largest);
        *lane += *y;
    }
    lanes.iter().sum()
}
