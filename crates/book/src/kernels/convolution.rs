//! Convolution of images `[batch, channels, height, width]` with weights `[units, channels, 3, 3]`, stride 1, no padding.

use super::device::{Function, Gpu, Problem};
use super::gemm::{self, multiply};
use super::{Family, numbers};
use std::rc::Rc;
use wengert_tensor::{Conv2dOptions, Result, Tensor};

/// Height and width of a kernel.
const TAPS: usize = 3;

/// Sizes of a convolution.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Images.
    pub batch: usize,
    /// Channels of an image.
    pub channels: usize,
    /// Channels of the result.
    pub units: usize,
    /// Height of an image, at least 3.
    pub height: usize,
    /// Width of an image, at least 3.
    pub width: usize,
}

impl Size {
    /// Height and width of a result.
    fn result(self) -> [usize; 2] {
        [self.height - (TAPS - 1), self.width - (TAPS - 1)]
    }

    /// The product that the convolution of one image is.
    fn product(self) -> gemm::Size {
        let [height, width] = self.result();
        gemm::Size { m: self.units, k: self.channels * TAPS * TAPS, n: height * width }
    }

    /// Where the image's number for tap `p` of a patch lies: the place in its first row and column.
    fn origin(self, p: usize) -> usize {
        let (channel, down, right) = (p / (TAPS * TAPS), p / TAPS % TAPS, p % TAPS);
        (channel * self.height + down) * self.width + right
    }
}

/// All kernels for one size.
pub fn family(size: Size) -> Family {
    let [(images, x), (weights, w)] = operands(size);
    let operands = Rc::new((x, w));
    let product = size.product();
    let (image, result) = (size.channels * size.height * size.width, product.m * product.n);
    let by = |run: fn(&[f32], &[f32], &mut [f32], Size)| {
        let operands = operands.clone();
        move |y: &mut [f32]| {
            for (x, y) in operands.0.chunks_exact(image).zip(y.chunks_exact_mut(result)) {
                run(x, &operands.1, y, size);
            }
        }
    };
    empty(size)
        .kernel("by definition", by(by_definition))
        .kernel("along rows", by(along_rows))
        .kernel("patches as a matrix", by(patches_as_matrix))
        .kernel("patches into panels", by(patches_into_panels))
        .engine("the engine", move || images.conv2d(&weights, None, Conv2dOptions::default()))
}

/// All kernels for one size on a GPU; those of the book are in `crates/book/kernels/convolution.cu`.
///
/// # Errors
/// A kernel does not compile, or the device has no memory for the images.
pub fn on_device(size: Size, gpu: &Rc<Gpu>) -> Result<Family> {
    let [(images, x), (weights, w)] = operands(size);
    let problem = Problem::new(gpu, Function::Convolution(size), &[&x, &w])?;
    let (images, weights) = (images.to_device(gpu.device())?, weights.to_device(gpu.device())?);
    let Size { batch, units, .. } = size;
    let [height, width] = size.result();
    let places = height * width;
    let kernels = [
        ("by definition", [(batch * units * places).div_ceil(256), 1, 1]),
        ("along rows", [places.div_ceil(256), units, batch]),
        ("tiles", [height.div_ceil(8) * width.div_ceil(32), units.div_ceil(8), batch]),
        ("product", [(batch * places).div_ceil(128), units.div_ceil(64), 1]),
    ];
    let engine = move || images.conv2d(&weights, None, Conv2dOptions::default());
    Ok(empty(size).launches(&problem, &kernels)?.engine("the engine", engine))
}

/// The family without a kernel.
fn empty(size: Size) -> Family {
    let Size { batch, channels, units, height, width } = size;
    let gemm::Size { m, k, n } = size.product();
    let title =
        format!("convolution of [{batch}, {channels}, {height}, {width}] to {units} channels by 3 × 3");
    Family::new(title, batch * m * n, 2e-9 * (batch * m * k * n) as f64, "Gflop")
}

/// Images and weights.
fn operands(Size { batch, channels, units, height, width }: Size) -> [(Tensor, Vec<f32>); 2] {
    [numbers(&[batch, channels, height, width], 3), numbers(&[units, channels, TAPS, TAPS], 4)]
}

/// 1: for each result the sum over all taps.
pub fn by_definition(x: &[f32], w: &[f32], y: &mut [f32], size: Size) {
    let [height, width] = size.result();
    for unit in 0..size.units {
        for i in 0..height {
            for j in 0..width {
                let mut sum = 0.0;
                for channel in 0..size.channels {
                    for down in 0..TAPS {
                        for right in 0..TAPS {
                            let weight = w[((unit * size.channels + channel) * TAPS + down) * TAPS + right];
                            sum += weight * x[(channel * size.height + i + down) * size.width + j + right];
                        }
                    }
                }
                y[(unit * height + i) * width + j] = sum;
            }
        }
    }
}

/// 2: the taps outside, the positions inside. A tap adds a multiple of a row of the image to a row of the result.
pub fn along_rows(x: &[f32], w: &[f32], y: &mut [f32], size: Size) {
    let ([height, width], taps) = (size.result(), size.product().k);
    y.fill(0.0);
    for (unit, y) in y.chunks_exact_mut(height * width).enumerate() {
        for p in 0..taps {
            let (weight, origin) = (w[unit * taps + p], size.origin(p));
            for (i, row) in y.chunks_exact_mut(width).enumerate() {
                for (sum, x) in row.iter_mut().zip(&x[origin + i * size.width..]) {
                    *sum += weight * x;
                }
            }
        }
    }
}

/// 3: all patches are copied into a matrix, nine times as large as the image, and the rest is a product.
pub fn patches_as_matrix(x: &[f32], w: &[f32], y: &mut [f32], size: Size) {
    let ([height, width], product) = (size.result(), size.product());
    let mut patches = Vec::with_capacity(product.k * product.n);
    for p in 0..product.k {
        for i in 0..height {
            patches.extend_from_slice(&x[size.origin(p) + i * size.width..][..width]);
        }
    }
    gemm::wide(w, &patches, y, product);
}

/// 4: the same product, whose panels are filled from the image. The matrix of patches exists nowhere.
pub fn patches_into_panels(x: &[f32], w: &[f32], y: &mut [f32], size: Size) {
    let ([_, width], product) = (size.result(), size.product());
    let fill = |p: usize, first: usize, panel: &mut [f32]| {
        let (mut place, mut rest) = (first, panel);
        while place < product.n && !rest.is_empty() {
            let (i, j) = (place / width, place % width);
            let count = rest.len().min(width - j);
            let (row, beyond) = rest.split_at_mut(count);
            row.copy_from_slice(&x[size.origin(p) + i * size.width + j..][..count]);
            (place, rest) = (place + count, beyond);
        }
        rest.fill(0.0);
    };
    multiply(w, fill, y, product);
}
