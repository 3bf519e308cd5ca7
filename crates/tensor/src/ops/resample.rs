//! Resampling of images: nearest and linear interpolation, and the exchange of channels for resolution.

use super::plane_map::{PlaneMap, map_images};
use super::slide::{AXES, IMAGES, as_images, four_axes};
use crate::apply::must;
use crate::onnx::{Attribute, Call, ints};
use crate::{Error, Result, Tensor};
use wengert_cpu::axis_map::AxisMap;
use wengert_cpu::resample::{linear, nearest};
use wengert_cuda::plane_map;

pub(crate) const OPS: &[&str] =
    &["upsample_nearest2d", "upsample_nearest2d_grad", "upsample_bilinear2d", "upsample_bilinear2d_grad"];

/// How large to resample `D` axes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Resize<const D: usize> {
    /// To these sizes.
    Size([usize; D]),
    /// To ⌊size·factor⌋, with neighbouring outputs 1/factor input elements apart, as PyTorch's `scale_factor`; an axis
    /// whose size that leaves alone stays as it is.
    Scale([f64; D]),
}

impl From<Resize<1>> for Resize<2> {
    /// The same for images of height 1.
    fn from(resize: Resize<1>) -> Self {
        match resize {
            Resize::Size([length]) => Resize::Size([1, length]),
            Resize::Scale([factor]) => Resize::Scale([1.0, factor]),
        }
    }
}

impl Resize<2> {
    fn output_size(&self, op: &'static str, size: [usize; 2]) -> Result<[usize; 2]> {
        let mut output = [0; 2];
        for axis in 0..2 {
            output[axis] = match self {
                Resize::Size(sizes) => sizes[axis],
                Resize::Scale(factors) if !(factors[axis].is_finite() && factors[axis] > 0.0) => {
                    let detail = format!("the scale must be finite and above 0, got {}", factors[axis]);
                    return Err(Error::argument(op, detail));
                }
                Resize::Scale(factors) => (size[axis] as f64 * factors[axis]).floor() as usize,
            };
            if size[axis] == 0 || output[axis] == 0 {
                let (name, from, to) = (AXES[axis], size[axis], output[axis]);
                return Err(Error::shape(
                    op,
                    format!("needs {name} of at least 1, got {from} to be resampled to {to}"),
                ));
            }
        }
        Ok(output)
    }

    /// ONNX's operator, with outputs placed among the inputs as `places` says. It takes sizes, which tell the distance
    /// between outputs: `None` for a factor that gives another distance.
    fn onnx(
        &self,
        call: &mut Call,
        places: &'static str,
        mode: &[(&'static str, &'static str)],
    ) -> Option<String> {
        let (from, to) = (call.spec(0).shape.clone(), call.output().shape.clone());
        let is_even = |axis: usize| self.step(axis, from[axis + 2], to[axis + 2]) == from[axis + 2] as f64 / to[axis + 2] as f64;
        if !(0..2).all(is_even) {
            return None;
        }
        let mut attributes = vec![("axes", ints([2, 3])), ("coordinate_transformation_mode", Attribute::Text(places))];
        attributes.extend(mode.iter().map(|&(name, text)| (name, Attribute::Text(text))));
        let (x, sizes) = (call.input(0), call.sizes([to[2] as i64, to[3] as i64]));
        Some(call.node("Resize", &[&x, "", "", &sizes], attributes))
    }

    /// Distance between neighbouring outputs in input elements.
    fn step(&self, axis: usize, input: usize, output: usize) -> f64 {
        match self {
            Resize::Scale(_) if input == output => 1.0,
            Resize::Size(_) => input as f64 / output as f64,
            Resize::Scale(factors) => 1.0 / factors[axis],
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct UpsampleNearest2d(Resize<2>);

impl PlaneMap for UpsampleNearest2d {
    const NAMES: [&'static str; 2] = ["upsample_nearest2d", "upsample_nearest2d_grad"];

    fn output_size(&self, size: [usize; 2]) -> Result<[usize; 2]> {
        self.0.output_size(Self::NAMES[0], size)
    }

    fn axis_maps(&self, size: [usize; 2]) -> Result<[AxisMap; 2]> {
        let output = self.output_size(size)?;
        let map =
            |axis: usize| nearest(size[axis], output[axis], self.0.step(axis, size[axis], output[axis]));
        Ok([map(0), map(1)])
    }

    fn axis_maps_on_device(&self, size: [usize; 2]) -> Result<[plane_map::AxisMap; 2]> {
        let output = self.output_size(size)?;
        Ok([0, 1].map(|axis| {
            let (inputs, outputs) = (size[axis], output[axis]);
            plane_map::AxisMap::Nearest { inputs, outputs, step: self.0.step(axis, inputs, outputs) }
        }))
    }

    fn onnx(&self, call: &mut Call) -> Option<String> {
        let attributes = [("mode", "nearest"), ("nearest_mode", "floor")];
        self.0.onnx(call, "asymmetric", &attributes)
    }

    fn terms(&self, _size: [usize; 2]) -> usize {
        1
    }
}

#[derive(Clone, Copy, Debug)]
struct UpsampleBilinear2d {
    resize: Resize<2>,
    align_corners: bool,
}

impl UpsampleBilinear2d {
    /// Distance between neighbouring outputs in input elements.
    fn step(&self, axis: usize, input: usize, output: usize) -> f64 {
        match (self.align_corners, output) {
            (false, _) => self.resize.step(axis, input, output),
            // A single output stands on the first input.
            (true, 1) => 0.0,
            (true, _) => (input - 1) as f64 / (output - 1) as f64,
        }
    }
}

impl PlaneMap for UpsampleBilinear2d {
    const NAMES: [&'static str; 2] = ["upsample_bilinear2d", "upsample_bilinear2d_grad"];

    fn output_size(&self, size: [usize; 2]) -> Result<[usize; 2]> {
        self.resize.output_size(Self::NAMES[0], size)
    }

    fn axis_maps(&self, size: [usize; 2]) -> Result<[AxisMap; 2]> {
        let output = self.output_size(size)?;
        let map = |axis: usize| {
            linear(size[axis], output[axis], self.step(axis, size[axis], output[axis]), self.align_corners)
        };
        Ok([map(0), map(1)])
    }

    fn axis_maps_on_device(&self, size: [usize; 2]) -> Result<[plane_map::AxisMap; 2]> {
        let output = self.output_size(size)?;
        Ok([0, 1].map(|axis| {
            let (inputs, outputs) = (size[axis], output[axis]);
            let step = self.step(axis, inputs, outputs);
            plane_map::AxisMap::Linear { inputs, outputs, step, align_corners: self.align_corners }
        }))
    }

    fn onnx(&self, call: &mut Call) -> Option<String> {
        let places = if self.align_corners { "align_corners" } else { "half_pixel" };
        self.resize.onnx(call, places, &[("mode", "linear")])
    }

    fn terms(&self, _size: [usize; 2]) -> usize {
        4
    }
}

impl Tensor {
    /// Resamples images `[batch, channels, height, width]`: output row i is input row ⌊i·step⌋, with step =
    /// input size / output size or 1 / scale factor, and columns likewise.
    ///
    /// # Panics
    /// When the tensor does not have four axes, a size is zero, a scale is not positive, or the dtype is not
    /// a float.
    #[track_caller]
    pub fn upsample_nearest2d(&self, resize: Resize<2>) -> Tensor {
        must(map_images(UpsampleNearest2d(resize), self))
    }

    /// Resamples signals `[batch, channels, length]`, see [`upsample_nearest2d`](Tensor::upsample_nearest2d).
    ///
    /// # Panics
    /// As [`upsample_nearest2d`](Tensor::upsample_nearest2d).
    #[track_caller]
    pub fn upsample_nearest1d(&self, resize: Resize<1>) -> Tensor {
        let op = "upsample_nearest1d";
        let images = must(as_images(op, "input", self));
        must(map_images(UpsampleNearest2d(resize.into()), &images).map_err(|error| error.of(op))).squeeze(2)
    }

    /// Resamples images `[batch, channels, height, width]`, interpolating linearly between rows and between
    /// columns: output row i lies at input row max((i + ½)·step − ½, 0), or at i·(input − 1)/(output − 1)
    /// where `align_corners`.
    ///
    /// # Panics
    /// When the tensor does not have four axes, a size is zero, a scale is not positive, or the dtype is not
    /// a float.
    #[track_caller]
    pub fn upsample_bilinear2d(&self, resize: Resize<2>, align_corners: bool) -> Tensor {
        must(map_images(UpsampleBilinear2d { resize, align_corners }, self))
    }

    /// Resamples signals `[batch, channels, length]`, interpolating linearly, see
    /// [`upsample_bilinear2d`](Tensor::upsample_bilinear2d).
    ///
    /// # Panics
    /// As [`upsample_bilinear2d`](Tensor::upsample_bilinear2d).
    #[track_caller]
    pub fn upsample_linear1d(&self, resize: Resize<1>, align_corners: bool) -> Tensor {
        let op = "upsample_linear1d";
        let images = must(as_images(op, "input", self));
        let map = UpsampleBilinear2d { resize: resize.into(), align_corners };
        must(map_images(map, &images).map_err(|error| error.of(op))).squeeze(2)
    }

    /// Spreads groups of r² channels over r × r pixels, `[batch, channels·r², height, width]` to `[batch,
    /// channels, height·r, width·r]`: `y[n, c, h·r + i, w·r + j] = x[n, c·r² + i·r + j, h, w]`.
    ///
    /// Source: W. Shi et al., "Real-time single image and video super-resolution using an efficient sub-pixel
    /// convolutional neural network" (2016).
    ///
    /// # Panics
    /// When the tensor does not have four axes or r² does not divide its channels.
    #[track_caller]
    pub fn pixel_shuffle(&self, r: usize) -> Tensor {
        let [batch, channels, height, width] =
            must(four_axes("pixel_shuffle", "input", IMAGES, &self.spec()));
        let Some(outputs) =
            r.checked_mul(r).and_then(|area| channels.checked_div(area)).filter(|n| n * r * r == channels)
        else {
            let detail =
                format!("{channels} channels must be a multiple of the square of the upscale factor {r}");
            return must(Err(Error::shape("pixel_shuffle", detail)));
        };
        self.reshape([batch, outputs, r, r, height, width]).permute(&[0, 1, 4, 2, 5, 3]).reshape([
            batch,
            outputs,
            height * r,
            width * r,
        ])
    }

    /// Gathers r × r pixels into r² channels: undoes [`pixel_shuffle`](Tensor::pixel_shuffle), `[batch,
    /// channels, height·r, width·r]` to `[batch, channels·r², height, width]`.
    ///
    /// # Panics
    /// When the tensor does not have four axes or r does not divide its height and width.
    #[track_caller]
    pub fn pixel_unshuffle(&self, r: usize) -> Tensor {
        let [batch, channels, height, width] =
            must(four_axes("pixel_unshuffle", "input", IMAGES, &self.spec()));
        if r == 0 || !height.is_multiple_of(r) || !width.is_multiple_of(r) {
            let detail = format!("{height} × {width} must be multiples of the downscale factor {r}");
            return must(Err(Error::shape("pixel_unshuffle", detail)));
        }
        self.reshape([batch, channels, height / r, r, width / r, r]).permute(&[0, 1, 3, 5, 2, 4]).reshape([
            batch,
            channels * r * r,
            height / r,
            width / r,
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_sizes_that_make_no_sense() {
        let refusal =
            |resize: Resize<2>, size| resize.output_size("upsample_nearest2d", size).unwrap_err().to_string();
        assert!(
            refusal(Resize::Scale([f64::NAN, 1.0]), [2, 2])
                .contains("scale must be finite and above 0, got NaN")
        );
        assert!(refusal(Resize::Scale([1.0, -2.0]), [2, 2]).contains("got -2"));
        assert!(
            refusal(Resize::Scale([0.4, 1.0]), [2, 2])
                .contains("height of at least 1, got 2 to be resampled to 0")
        );
        assert!(refusal(Resize::Size([3, 0]), [2, 2]).contains("width"));
        assert!(refusal(Resize::Size([3, 3]), [0, 2]).contains("height"));
    }

    #[test]
    fn an_axis_that_keeps_its_size_stays_as_it_is() {
        let x = Tensor::arange(0, 36, 1).to_dtype(crate::DType::F64).reshape([1, 1, 6, 6]);
        let resize = Resize::Scale([1.1, 1.1]);
        assert_eq!(x.upsample_nearest2d(resize).to_vec::<f64>(), x.to_vec::<f64>());
        assert_eq!(x.upsample_bilinear2d(resize, false).to_vec::<f64>(), x.to_vec::<f64>());
        // PyTorch's, where the size changes by less than the factor.
        let row = x.narrow(2, 0, 1).squeeze(2).upsample_nearest1d(Resize::Scale([1.4]));
        assert_eq!(row.to_vec::<f64>(), [0.0, 0.0, 1.0, 2.0, 2.0, 3.0, 4.0, 5.0]);
    }

    #[test]
    fn pixel_unshuffle_undoes_pixel_shuffle() {
        let x = Tensor::arange(0, 2 * 12 * 2 * 3, 1).reshape([2, 12, 2, 3]);
        let shuffled = x.pixel_shuffle(2);
        assert_eq!(shuffled.dims(), [2, 3, 4, 6]);
        assert_eq!(shuffled.pixel_unshuffle(2).to_vec::<i64>(), x.to_vec::<i64>());
    }

    #[test]
    #[should_panic(
        expected = "pixel_shuffle: 6 channels must be a multiple of the square of the upscale factor 2"
    )]
    fn pixel_shuffle_needs_enough_channels() {
        Tensor::zeros([1, 6, 2, 2], crate::DType::F32).pixel_shuffle(2);
    }
}
