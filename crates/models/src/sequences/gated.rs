//! The layers of the gated PixelCNN: convolutions that see only what lies before a pixel in reading order.
//!
//! Masked convolutions would multiply half their weights by 0; these are cut to the part of the kernel that is left,
//! which is the same function at half the cost. Type A leaves out the pixel itself, type B has it.

use wengert_nn::{Conv2d, Layer, module};
use wengert_tensor::ops::conv::Conv2dOptions;
use wengert_tensor::{Generator, Tensor};

/// The gate of van den Oord et al. (2016): tanh(a) ∘ σ(b), of the two halves a and b of the channels.
pub fn gate(features: &Tensor) -> Tensor {
    let halves = features.chunk(2, 1);
    halves[0].tanh() * halves[1].sigmoid()
}

/// Which way a stack looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stack {
    /// At whole rows above.
    Vertical,
    /// At pixels to the left in the same row.
    Horizontal,
}

/// A convolution over what lies before.
#[derive(Debug)]
pub struct Before {
    conv: Conv2d,
    stack: Stack,
    radius: usize,
    /// Whether a pixel, or a row in the vertical stack, sees itself: type B.
    itself: bool,
}

module!(Before { modules: conv });

impl Before {
    /// From `inputs` to `outputs` channels, looking `radius` rows or pixels back (at least 1), the vertical stack as far
    /// to both sides.
    pub fn new(
        [inputs, outputs]: [usize; 2],
        stack: Stack,
        radius: usize,
        itself: bool,
        rng: &Generator,
    ) -> Before {
        let back = radius + usize::from(itself);
        let kernel = match stack {
            Stack::Vertical => [back, 2 * radius + 1],
            Stack::Horizontal => [1, back],
        };
        Before { conv: Conv2d::builder(inputs, outputs, kernel).build(rng), stack, radius, itself }
    }

    /// How many rows or pixels one output is made of.
    pub fn reach(&self) -> usize {
        self.radius + usize::from(self.itself)
    }

    /// All positions at once: `[N, in, H, W]` to `[N, out, H, W]`.
    pub fn forward(&self, input: &Tensor) -> Tensor {
        let (axis, padding) = match self.stack {
            Stack::Vertical => (2, [(self.radius, 0), (self.radius, self.radius)]),
            Stack::Horizontal => (3, [(0, 0), (self.radius, 0)]),
        };
        // Without the pixel itself the kernel ends one before it, and there is an output too many at the end.
        self.convolve(input, padding).narrow(axis, 0, input.dims()[axis as usize])
    }

    /// One row or pixel from the [`reach`](Self::reach) last ones that it is made of.
    pub fn step(&self, last: &[Tensor]) -> Tensor {
        let last: Vec<&Tensor> = last.iter().collect();
        match self.stack {
            Stack::Vertical => self.convolve(&Tensor::cat(&last, 2), [(0, 0), (self.radius, self.radius)]),
            Stack::Horizontal => self.convolve(&Tensor::cat(&last, 3), [(0, 0); 2]),
        }
    }

    fn convolve(&self, input: &Tensor, padding: [(usize, usize); 2]) -> Tensor {
        let options = Conv2dOptions { padding, ..Conv2dOptions::default() };
        input.conv2d(&self.conv.weight, self.conv.bias.as_ref(), options)
    }
}

/// A gated layer of both stacks (figure 2 of the paper). The horizontal stack hears the vertical one and is added to what
/// came in, but in the first layer, whose input is the image.
#[derive(Debug)]
pub struct GatedLayer {
    vertical: Before,
    horizontal: Before,
    /// From the vertical stack to the horizontal one.
    across: Conv2d,
    out: Conv2d,
    first: bool,
}

module!(GatedLayer { modules: vertical, horizontal, across, out });

impl GatedLayer {
    /// A layer of `width` channels; the first one reads an image of one channel.
    pub fn new(width: usize, radius: usize, first: bool, rng: &Generator) -> GatedLayer {
        let channels = [if first { 1 } else { width }, 2 * width];
        GatedLayer {
            vertical: Before::new(channels, Stack::Vertical, radius, !first, rng),
            horizontal: Before::new(channels, Stack::Horizontal, radius, !first, rng),
            across: Conv2d::new(2 * width, 2 * width, 1, rng),
            out: Conv2d::new(width, width, 1, rng),
            first,
        }
    }

    /// Both stacks, `[N, in, H, W]` each, to both of the next layer.
    pub fn forward(&self, vertical: &Tensor, horizontal: &Tensor) -> (Tensor, Tensor) {
        let above = self.vertical.forward(vertical);
        let before = self.horizontal.forward(horizontal) + self.across.forward(&above);
        (gate(&above), self.finish(&before, horizontal))
    }

    fn finish(&self, before: &Tensor, input: &Tensor) -> Tensor {
        let out = self.out.forward(&gate(before));
        if self.first { out } else { out + input }
    }
}

/// The values that the layers keep while an image grows in reading order.
#[derive(Debug)]
pub struct Progress<'a> {
    layers: &'a [GatedLayer],
    /// For each layer, the last rows of its vertical input.
    rows: Vec<Vec<Tensor>>,
    /// For each layer, what its vertical stack says to the horizontal one in this row.
    across: Vec<Tensor>,
    /// For each layer, the last pixels of its horizontal input.
    pixels: Vec<Vec<Tensor>>,
    blank: Blank,
}

/// Zeros of the right sizes, for what lies outside the image.
#[derive(Debug)]
struct Blank {
    images: usize,
    channels: usize,
}

impl Blank {
    fn last(&self, layer: &GatedLayer, before: &Before, width: usize) -> Vec<Tensor> {
        let channels = if layer.first { 1 } else { self.channels };
        let zeros = Tensor::zeros([self.images, channels, 1, width], wengert_tensor::DType::F32);
        vec![zeros; before.reach()]
    }
}

impl<'a> Progress<'a> {
    /// Before the first row of `images` images of `width` pixels a row, in layers of `channels`.
    pub fn new(layers: &'a [GatedLayer], images: usize, channels: usize, width: usize) -> Progress<'a> {
        let blank = Blank { images, channels };
        let rows = layers.iter().map(|layer| blank.last(layer, &layer.vertical, width)).collect();
        Progress { layers, rows, across: Vec::new(), pixels: Vec::new(), blank }
    }

    /// Begins a row, after `above`, `[N, 1, 1, W]`, where there is one.
    pub fn begin_row(&mut self, above: Option<Tensor>) {
        if let Some(above) = above {
            push(&mut self.rows[0], above);
        }
        self.across.clear();
        for (index, layer) in self.layers.iter().enumerate() {
            let seen = layer.vertical.step(&self.rows[index]);
            self.across.push(layer.across.forward(&seen));
            if let Some(next) = self.rows.get_mut(index + 1) {
                push(next, gate(&seen));
            }
        }
        let blank = |layer: &GatedLayer| self.blank.last(layer, &layer.horizontal, 1);
        self.pixels = self.layers.iter().map(blank).collect();
    }

    /// The horizontal features of the last layer at `column`, `[N, channels, 1, 1]`, after the pixel to its left,
    /// `[N, 1, 1, 1]`, where there is one.
    pub fn features(&mut self, column: usize, left: Option<Tensor>) -> Tensor {
        if let Some(left) = left {
            push(&mut self.pixels[0], left);
        }
        let mut input = self.pixels[0][0].clone();
        for (index, layer) in self.layers.iter().enumerate() {
            if index > 0 {
                push(&mut self.pixels[index], input.clone());
            }
            let before = layer.horizontal.step(&self.pixels[index]) + self.across[index].narrow(3, column, 1);
            input = layer.finish(&before, &input);
        }
        input
    }
}

/// Adds the newest at the end and forgets the oldest.
fn push(last: &mut Vec<Tensor>, newest: Tensor) {
    last.remove(0);
    last.push(newest);
}

#[cfg(test)]
mod tests {
    use super::*;
    use wengert_tensor::DType;

    #[test]
    fn a_gate_by_hand() {
        let features = Tensor::from_slice(&[0.5f32, -1.0, 0.0, 2.0], [1, 4, 1, 1]);
        let (tanh, sigmoid) = (f64::tanh, |x: f64| 1.0 / (1.0 + (-x).exp()));
        let expected = [tanh(0.5) * sigmoid(0.0), tanh(-1.0) * sigmoid(2.0)];
        for (value, expected) in gate(&features).to_vec::<f32>().iter().zip(expected) {
            assert!((f64::from(*value) - expected).abs() < 1e-6);
        }
    }

    /// Where the gradient of one output pixel with respect to the input is not 0.
    fn seen(before: &Before, row: usize, column: usize) -> Vec<(usize, usize)> {
        let input = Generator::new(1).normal([1, 1, 5, 5], 0.0, 1.0, DType::F32).requires_grad_(true);
        let output = before.forward(&input).sum(&[1], true);
        output.narrow(2, row, 1).narrow(3, column, 1).sum_all().backward().unwrap();
        let gradient = input.grad().unwrap().to_vec::<f32>();
        (0..25).filter(|&at| gradient[at] != 0.0).map(|at| (at / 5, at % 5)).collect()
    }

    #[test]
    fn a_convolution_sees_what_its_type_says() {
        let rng = Generator::new(0);
        let new = |stack, itself| Before::new([1, 3], stack, 1, itself, &rng);
        let above = [(1, 1), (1, 2), (1, 3)];
        let row = [(2, 1), (2, 2), (2, 3)];
        assert_eq!(seen(&new(Stack::Vertical, false), 2, 2), above);
        assert_eq!(seen(&new(Stack::Vertical, true), 2, 2), [above, row].concat());
        assert_eq!(seen(&new(Stack::Horizontal, false), 2, 2), [(2, 1)]);
        assert_eq!(seen(&new(Stack::Horizontal, true), 2, 2), [(2, 1), (2, 2)]);
    }
}
