//! Average pooling.

use super::{Pool1dOptions, Pool2dOptions};
use crate::apply::must;
use crate::onnx::{Attribute, Call, ints};
use crate::ops::plane_map::{PlaneMap, map_images};
use crate::ops::slide::{AXES, as_images, on_device};
use crate::{Error, Result, Tensor};
use wengert_cpu::axis_map::AxisMap;
use wengert_cpu::pool::{adaptive_average, window_average};
use wengert_cuda::plane_map;

#[derive(Clone, Copy, Debug)]
struct AvgPool2d(Pool2dOptions);

impl PlaneMap for AvgPool2d {
    const NAMES: [&'static str; 2] = ["avg_pool2d", "avg_pool2d_grad"];

    fn output_size(&self, size: [usize; 2]) -> Result<[usize; 2]> {
        Ok(self.0.windows(Self::NAMES[0], size)?.map(|window| window.output))
    }

    fn axis_maps(&self, size: [usize; 2]) -> Result<[AxisMap; 2]> {
        let [rows, columns] = self.0.windows(Self::NAMES[0], size)?;
        let count = |axis: usize| self.0.count_include_pad.then_some(self.0.padding[axis].1);
        Ok([window_average(&rows, count(0)), window_average(&columns, count(1))])
    }

    fn axis_maps_on_device(&self, size: [usize; 2]) -> Result<[plane_map::AxisMap; 2]> {
        let windows = self.0.windows(Self::NAMES[0], size)?;
        Ok([0, 1].map(|axis| {
            let window = on_device(windows[axis]);
            let padded = || (window.padding + window.input).saturating_add(self.0.padding[axis].1);
            plane_map::AxisMap::Average { window, padded: self.0.count_include_pad.then(padded) }
        }))
    }

    fn onnx(&self, call: &mut Call) -> Option<String> {
        let mut attributes = self.0.onnx()?;
        attributes.push(("count_include_pad", Attribute::Int(i64::from(self.0.count_include_pad))));
        Some(call.over_inputs("AveragePool", attributes))
    }

    fn terms(&self, _size: [usize; 2]) -> usize {
        self.0.kernel[0].saturating_mul(self.0.kernel[1])
    }
}

/// The height and width of the output.
#[derive(Clone, Copy, Debug)]
struct AdaptiveAvgPool2d([usize; 2]);

impl PlaneMap for AdaptiveAvgPool2d {
    const NAMES: [&'static str; 2] = ["adaptive_avg_pool2d", "adaptive_avg_pool2d_grad"];

    fn output_size(&self, size: [usize; 2]) -> Result<[usize; 2]> {
        for axis in 0..2 {
            if size[axis] == 0 || self.0[axis] == 0 {
                let detail = format!(
                    "needs {} of at least 1, got {} to be pooled to {}",
                    AXES[axis], size[axis], self.0[axis]
                );
                return Err(Error::shape(Self::NAMES[0], detail));
            }
        }
        Ok(self.0)
    }

    fn axis_maps(&self, size: [usize; 2]) -> Result<[AxisMap; 2]> {
        Ok([adaptive_average(size[0], self.0[0]), adaptive_average(size[1], self.0[1])])
    }

    fn axis_maps_on_device(&self, size: [usize; 2]) -> Result<[plane_map::AxisMap; 2]> {
        Ok([0, 1].map(|axis| plane_map::AxisMap::Adaptive { inputs: size[axis], outputs: self.0[axis] }))
    }

    /// Windows side by side, where the parts are of one size.
    fn onnx(&self, call: &mut Call) -> Option<String> {
        let shape = &call.spec(0).shape;
        let size = [shape[2], shape[3]];
        let are_equal = (0..2).all(|axis| size[axis].is_multiple_of(self.0[axis]));
        let window = ints([0, 1].map(|axis| size[axis] / self.0[axis].max(1)));
        let attributes = vec![("kernel_shape", window.clone()), ("strides", window)];
        are_equal.then(|| call.over_inputs("AveragePool", attributes))
    }

    fn terms(&self, size: [usize; 2]) -> usize {
        size[0].div_ceil(self.0[0]) * size[1].div_ceil(self.0[1])
    }
}

impl Tensor {
    /// The mean of each window of images `[batch, channels, height, width]`. Padding counts as zeros, or not
    /// at all where `count_include_pad` is off; what `ceil_mode` adds beyond the padding never counts.
    ///
    /// # Panics
    /// When the tensor does not have four axes, the window does not fit the padded image, some window holds
    /// padding only, or the dtype is not a float.
    #[track_caller]
    pub fn avg_pool2d(&self, options: Pool2dOptions) -> Tensor {
        must(map_images(AvgPool2d(options), self))
    }

    /// The mean of each window of signals `[batch, channels, length]`, see
    /// [`avg_pool2d`](Tensor::avg_pool2d).
    ///
    /// # Panics
    /// As [`avg_pool2d`](Tensor::avg_pool2d).
    #[track_caller]
    pub fn avg_pool1d(&self, options: Pool1dOptions) -> Tensor {
        let op = "avg_pool1d";
        let images = must(as_images(op, "input", self));
        must(map_images(AvgPool2d(options.into()), &images).map_err(|error| error.of(op))).squeeze(2)
    }

    /// Images `[batch, channels, height, width]` pooled to height and width `size`: output row i is the mean
    /// of the rows from ⌊i·height/size⌋ up to but not including ⌈(i + 1)·height/size⌉, and columns likewise.
    ///
    /// # Panics
    /// When the tensor does not have four axes, a size is zero, or the dtype is not a float.
    #[track_caller]
    pub fn adaptive_avg_pool2d(&self, size: [usize; 2]) -> Tensor {
        must(map_images(AdaptiveAvgPool2d(size), self))
    }

    /// Signals `[batch, channels, length]` pooled to length `size`, see
    /// [`adaptive_avg_pool2d`](Tensor::adaptive_avg_pool2d).
    ///
    /// # Panics
    /// As [`adaptive_avg_pool2d`](Tensor::adaptive_avg_pool2d).
    #[track_caller]
    pub fn adaptive_avg_pool1d(&self, size: usize) -> Tensor {
        let op = "adaptive_avg_pool1d";
        let images = must(as_images(op, "input", self));
        must(map_images(AdaptiveAvgPool2d([1, size]), &images).map_err(|error| error.of(op))).squeeze(2)
    }

    /// The mean of each plane of images `[batch, channels, height, width]`, as `[batch, channels, 1, 1]`.
    ///
    /// # Panics
    /// As [`adaptive_avg_pool2d`](Tensor::adaptive_avg_pool2d).
    #[track_caller]
    pub fn global_avg_pool2d(&self) -> Tensor {
        must(map_images(AdaptiveAvgPool2d([1, 1]), self).map_err(|error| error.of("global_avg_pool2d")))
    }
}
