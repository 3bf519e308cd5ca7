//! What layers are made of.

use super::Tensor;
use crate::arguments::{self, PerAxis, both_sides};
use crate::errors::refused;
use crate::generator::Generator;
use pyo3::prelude::*;
use wengert_tensor::{
    Conv1dOptions, Conv2dOptions, ConvTranspose1dOptions, ConvTranspose2dOptions, Pool1dOptions,
    Pool2dOptions, Resize, UnfoldOptions,
};

const ONE: PerAxis = PerAxis::Same(1);
const ZERO: PerAxis = PerAxis::Same(0);

#[pymethods]
impl Tensor {
    /// x Wᵀ + b, with `weight` `[out, in]`.
    #[pyo3(signature = (weight, bias=None))]
    fn linear(&self, py: Python<'_>, weight: Tensor, bias: Option<Tensor>) -> PyResult<Tensor> {
        self.map(py, |x| x.linear(&weight.0, inner(&bias)))
    }

    /// Convolution of signals `[N, C, length]`.
    #[pyo3(signature = (weight, bias=None, stride=ONE, padding=ZERO, dilation=ONE, groups=1))]
    #[allow(clippy::too_many_arguments)]
    fn conv1d(
        &self,
        py: Python<'_>,
        weight: Tensor,
        bias: Option<Tensor>,
        stride: PerAxis,
        padding: PerAxis,
        dilation: PerAxis,
        #[pyo3(from_py_with = arguments::count)] groups: usize,
    ) -> PyResult<Tensor> {
        let options = Conv1dOptions {
            stride: stride.per_axis("stride")?,
            padding: both_sides(padding)?,
            dilation: dilation.per_axis("dilation")?,
            groups,
        };
        self.map(py, |x| x.conv1d(&weight.0, inner(&bias), options))
    }

    /// Convolution of images `[N, C, height, width]`.
    #[pyo3(signature = (weight, bias=None, stride=ONE, padding=ZERO, dilation=ONE, groups=1))]
    #[allow(clippy::too_many_arguments)]
    fn conv2d(
        &self,
        py: Python<'_>,
        weight: Tensor,
        bias: Option<Tensor>,
        stride: PerAxis,
        padding: PerAxis,
        dilation: PerAxis,
        #[pyo3(from_py_with = arguments::count)] groups: usize,
    ) -> PyResult<Tensor> {
        let options = Conv2dOptions {
            stride: stride.per_axis("stride")?,
            padding: both_sides(padding)?,
            dilation: dilation.per_axis("dilation")?,
            groups,
        };
        self.map(py, |x| x.conv2d(&weight.0, inner(&bias), options))
    }

    /// Transposed convolution of signals `[N, C, length]`.
    #[pyo3(signature = (weight, bias=None, stride=ONE, padding=ZERO, output_padding=ZERO, groups=1, dilation=ONE))]
    #[allow(clippy::too_many_arguments)]
    fn conv_transpose1d(
        &self,
        py: Python<'_>,
        weight: Tensor,
        bias: Option<Tensor>,
        stride: PerAxis,
        padding: PerAxis,
        output_padding: PerAxis,
        #[pyo3(from_py_with = arguments::count)] groups: usize,
        dilation: PerAxis,
    ) -> PyResult<Tensor> {
        let options = ConvTranspose1dOptions {
            stride: stride.per_axis("stride")?,
            padding: both_sides(padding)?,
            output_padding: output_padding.per_axis("output_padding")?,
            dilation: dilation.per_axis("dilation")?,
            groups,
        };
        self.map(py, |x| x.conv_transpose1d(&weight.0, inner(&bias), options))
    }

    /// Transposed convolution of images `[N, C, height, width]`.
    #[pyo3(signature = (weight, bias=None, stride=ONE, padding=ZERO, output_padding=ZERO, groups=1, dilation=ONE))]
    #[allow(clippy::too_many_arguments)]
    fn conv_transpose2d(
        &self,
        py: Python<'_>,
        weight: Tensor,
        bias: Option<Tensor>,
        stride: PerAxis,
        padding: PerAxis,
        output_padding: PerAxis,
        #[pyo3(from_py_with = arguments::count)] groups: usize,
        dilation: PerAxis,
    ) -> PyResult<Tensor> {
        let options = ConvTranspose2dOptions {
            stride: stride.per_axis("stride")?,
            padding: both_sides(padding)?,
            output_padding: output_padding.per_axis("output_padding")?,
            dilation: dilation.per_axis("dilation")?,
            groups,
        };
        self.map(py, |x| x.conv_transpose2d(&weight.0, inner(&bias), options))
    }

    /// The largest element of each window of signals; the first where several are.
    #[pyo3(signature = (kernel_size, stride=None, padding=ZERO, dilation=ONE, ceil_mode=false))]
    fn max_pool1d(
        &self,
        py: Python<'_>,
        kernel_size: PerAxis,
        stride: Option<PerAxis>,
        padding: PerAxis,
        dilation: PerAxis,
        ceil_mode: bool,
    ) -> PyResult<Tensor> {
        let kernel = kernel_size.per_axis("kernel_size")?;
        let options = Pool1dOptions {
            stride: stride.map_or(Ok(kernel), |stride| stride.per_axis("stride"))?,
            padding: both_sides(padding)?,
            dilation: dilation.per_axis("dilation")?,
            ..Pool1dOptions::new(kernel)
        };
        self.map(py, |x| x.max_pool1d(options.ceil_mode(ceil_mode)))
    }

    /// The largest element of each window of images; the first where several are.
    #[pyo3(signature = (kernel_size, stride=None, padding=ZERO, dilation=ONE, ceil_mode=false))]
    fn max_pool2d(
        &self,
        py: Python<'_>,
        kernel_size: PerAxis,
        stride: Option<PerAxis>,
        padding: PerAxis,
        dilation: PerAxis,
        ceil_mode: bool,
    ) -> PyResult<Tensor> {
        let kernel = kernel_size.per_axis("kernel_size")?;
        let options = Pool2dOptions {
            stride: stride.map_or(Ok(kernel), |stride| stride.per_axis("stride"))?,
            padding: both_sides(padding)?,
            dilation: dilation.per_axis("dilation")?,
            ..Pool2dOptions::new(kernel)
        };
        self.map(py, |x| x.max_pool2d(options.ceil_mode(ceil_mode)))
    }

    /// The mean of each window of images.
    #[pyo3(signature = (kernel_size, stride=None, padding=ZERO, ceil_mode=false, count_include_pad=true))]
    fn avg_pool2d(
        &self,
        py: Python<'_>,
        kernel_size: PerAxis,
        stride: Option<PerAxis>,
        padding: PerAxis,
        ceil_mode: bool,
        count_include_pad: bool,
    ) -> PyResult<Tensor> {
        let kernel = kernel_size.per_axis("kernel_size")?;
        let options = Pool2dOptions {
            stride: stride.map_or(Ok(kernel), |stride| stride.per_axis("stride"))?,
            padding: both_sides(padding)?,
            ..Pool2dOptions::new(kernel)
        };
        self.map(py, |x| x.avg_pool2d(options.ceil_mode(ceil_mode).count_include_pad(count_include_pad)))
    }

    /// The means of windows that divide any image into `output_size` cells.
    fn adaptive_avg_pool2d(&self, py: Python<'_>, output_size: PerAxis) -> PyResult<Tensor> {
        let size = output_size.per_axis("output_size")?;
        self.map(py, |x| x.adaptive_avg_pool2d(size))
    }

    /// Normalises each channel of `[N, C, …]` over the batch, or with given statistics.
    #[pyo3(signature = (running_mean=None, running_var=None, weight=None, bias=None, training=false, eps=1e-5))]
    #[allow(clippy::too_many_arguments)]
    fn batch_norm(
        &self,
        py: Python<'_>,
        running_mean: Option<Tensor>,
        running_var: Option<Tensor>,
        weight: Option<Tensor>,
        bias: Option<Tensor>,
        training: bool,
        eps: f64,
    ) -> PyResult<Tensor> {
        match (running_mean, running_var) {
            (Some(mean), Some(var)) if !training => {
                self.map(py, |x| x.batch_norm_eval(&mean.0, &var.0, inner(&weight), inner(&bias), eps))
            }
            (None, None) => self.map(py, |x| x.batch_norm(inner(&weight), inner(&bias), eps)),
            _ => Err(refused(
                "batch_norm takes running statistics for evaluation, and none for training; nn.BatchNorm2d keeps them",
            )),
        }
    }

    /// Normalises over the last axes, whose sizes are `normalized_shape`.
    #[pyo3(signature = (normalized_shape, weight=None, bias=None, eps=1e-5))]
    fn layer_norm(
        &self,
        py: Python<'_>,
        #[pyo3(from_py_with = arguments::counts)] normalized_shape: Vec<usize>,
        weight: Option<Tensor>,
        bias: Option<Tensor>,
        eps: f64,
    ) -> PyResult<Tensor> {
        self.map(py, |x| x.layer_norm(&normalized_shape, inner(&weight), inner(&bias), eps))
    }

    /// Normalises groups of channels of each example.
    #[pyo3(signature = (num_groups, weight=None, bias=None, eps=1e-5))]
    fn group_norm(
        &self,
        py: Python<'_>,
        #[pyo3(from_py_with = arguments::count)] num_groups: usize,
        weight: Option<Tensor>,
        bias: Option<Tensor>,
        eps: f64,
    ) -> PyResult<Tensor> {
        self.map(py, |x| x.group_norm(num_groups, inner(&weight), inner(&bias), eps))
    }

    /// Zeroes each element with probability `p` and scales the others by 1/(1 − p); nothing outside of training.
    #[pyo3(signature = (p=0.5, training=true, *, generator))]
    fn dropout(&self, py: Python<'_>, p: f64, training: bool, generator: &Generator) -> PyResult<Tensor> {
        match training {
            true => self.map(py, |x| x.dropout(p, &generator.0)),
            false => Ok(Tensor(self.0.clone())),
        }
    }

    /// Images resized by repeating pixels (`nearest`) or between them (`bilinear`).
    #[pyo3(signature = (size=None, scale_factor=None, mode="nearest", align_corners=false))]
    fn interpolate(
        &self,
        py: Python<'_>,
        size: Option<PerAxis>,
        scale_factor: Option<f64>,
        mode: &str,
        align_corners: bool,
    ) -> PyResult<Tensor> {
        let resize = match (size, scale_factor) {
            (Some(size), None) => Resize::Size(size.per_axis("size")?),
            (None, Some(factor)) => Resize::Scale([factor; 2]),
            _ => return Err(refused("interpolate takes either size or scale_factor")),
        };
        match mode {
            "nearest" => self.map(py, |x| x.upsample_nearest2d(resize)),
            "bilinear" => self.map(py, |x| x.upsample_bilinear2d(resize, align_corners)),
            other => Err(refused(format!("mode is '{other}'; it must be 'nearest' or 'bilinear'"))),
        }
    }

    /// `[N, C·r², h, w]` as `[N, C, h·r, w·r]`.
    fn pixel_shuffle(
        &self,
        py: Python<'_>,
        #[pyo3(from_py_with = arguments::count)] upscale_factor: usize,
    ) -> PyResult<Tensor> {
        self.map(py, |x| x.pixel_shuffle(upscale_factor))
    }

    /// `[N, C, h·r, w·r]` as `[N, C·r², h, w]`.
    fn pixel_unshuffle(
        &self,
        py: Python<'_>,
        #[pyo3(from_py_with = arguments::count)] downscale_factor: usize,
    ) -> PyResult<Tensor> {
        self.map(py, |x| x.pixel_unshuffle(downscale_factor))
    }

    /// The patches of images `[N, C, h, w]` as columns `[N, C·kernel, positions]`.
    #[pyo3(signature = (kernel_size, dilation=ONE, padding=ZERO, stride=ONE))]
    fn unfold(
        &self,
        py: Python<'_>,
        kernel_size: PerAxis,
        dilation: PerAxis,
        padding: PerAxis,
        stride: PerAxis,
    ) -> PyResult<Tensor> {
        let options = unfolding(kernel_size, dilation, padding, stride)?;
        self.map(py, |x| x.unfold(options))
    }

    /// The sum of patches where they lay: the adjoint of `unfold`.
    #[pyo3(signature = (output_size, kernel_size, dilation=ONE, padding=ZERO, stride=ONE))]
    fn fold(
        &self,
        py: Python<'_>,
        output_size: PerAxis,
        kernel_size: PerAxis,
        dilation: PerAxis,
        padding: PerAxis,
        stride: PerAxis,
    ) -> PyResult<Tensor> {
        let size = output_size.per_axis("output_size")?;
        let options = unfolding(kernel_size, dilation, padding, stride)?;
        self.map(py, |x| x.fold(size, options))
    }
}

fn inner(tensor: &Option<Tensor>) -> Option<&wengert_tensor::Tensor> {
    tensor.as_ref().map(|tensor| &tensor.0)
}

fn unfolding(
    kernel: PerAxis,
    dilation: PerAxis,
    padding: PerAxis,
    stride: PerAxis,
) -> PyResult<UnfoldOptions> {
    Ok(UnfoldOptions {
        stride: stride.per_axis("stride")?,
        padding: both_sides(padding)?,
        dilation: dilation.per_axis("dilation")?,
        ..UnfoldOptions::new(kernel.per_axis("kernel_size")?)
    })
}
