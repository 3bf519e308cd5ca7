//! Layers that change the resolution of `[N, C, height, width]`.

use super::PerAxis;
use crate::{Layer, Scope, module};
use wengert_tensor::Tensor;
use wengert_tensor::ops::resample::Resize;

#[derive(Clone, Copy, Debug)]
enum Interpolation {
    Nearest,
    Bilinear { align_corners: bool },
}

/// Enlarges images by a whole factor.
#[derive(Debug)]
pub struct Upsample {
    factor: [usize; 2],
    interpolation: Interpolation,
    scope: Scope,
}

module!(Upsample { scope: scope });

impl Upsample {
    /// Repeats each pixel.
    pub fn nearest(factor: impl PerAxis<2>) -> Self {
        Self { factor: factor.per_axis(), interpolation: Interpolation::Nearest, scope: Scope::new() }
    }

    /// Interpolates between the centres of pixels.
    pub fn bilinear(factor: impl PerAxis<2>) -> Self {
        let interpolation = Interpolation::Bilinear { align_corners: false };
        Self { factor: factor.per_axis(), interpolation, scope: Scope::new() }
    }

    /// Interpolates so that the corner pixels of input and output lie on each other.
    pub fn bilinear_aligned(factor: impl PerAxis<2>) -> Self {
        let interpolation = Interpolation::Bilinear { align_corners: true };
        Self { factor: factor.per_axis(), interpolation, scope: Scope::new() }
    }
}

impl Layer for Upsample {
    fn forward(&self, input: &Tensor) -> Tensor {
        let _scope = self.scope.enter();
        let resize = Resize::Scale(self.factor.map(|factor| factor as f64));
        match self.interpolation {
            Interpolation::Nearest => input.upsample_nearest2d(resize),
            Interpolation::Bilinear { align_corners } => input.upsample_bilinear2d(resize, align_corners),
        }
    }
}

/// Rearranges `[N, C·r², h, w]` into `[N, C, h·r, w·r]` (Shi et al., 2016, arXiv:1609.05158).
#[derive(Debug)]
pub struct PixelShuffle {
    factor: usize,
    scope: Scope,
}

module!(PixelShuffle { scope: scope });

impl PixelShuffle {
    /// An enlargement by r = `factor`.
    pub fn new(factor: usize) -> Self {
        Self { factor, scope: Scope::new() }
    }
}

impl Layer for PixelShuffle {
    fn forward(&self, input: &Tensor) -> Tensor {
        let _scope = self.scope.enter();
        input.pixel_shuffle(self.factor)
    }
}

/// The inverse of [`PixelShuffle`].
#[derive(Debug)]
pub struct PixelUnshuffle {
    factor: usize,
    scope: Scope,
}

module!(PixelUnshuffle { scope: scope });

impl PixelUnshuffle {
    /// A reduction by r = `factor`.
    pub fn new(factor: usize) -> Self {
        Self { factor, scope: Scope::new() }
    }
}

impl Layer for PixelUnshuffle {
    fn forward(&self, input: &Tensor) -> Tensor {
        let _scope = self.scope.enter();
        input.pixel_unshuffle(self.factor)
    }
}
