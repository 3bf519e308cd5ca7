//! How each kind of layer is made.

use super::core::{Core, Kind};
use crate::arguments::{self, PerAxis};
use crate::errors::{refused, run};
use crate::generator::Generator;
use pyo3::prelude::*;
use wengert_nn::{self as nn, Layer};
use wengert_tensor::{Pool2dOptions, Shape};

fn layer<L: Layer + 'static>(py: Python<'_>, make: impl FnOnce() -> L + Send) -> PyResult<Core> {
    run(py, make).map(|layer| Core(Kind::Layer(Box::new(layer))))
}

#[pymethods]
impl Core {
    #[staticmethod]
    fn linear(
        py: Python<'_>,
        #[pyo3(from_py_with = arguments::count)] in_features: usize,
        #[pyo3(from_py_with = arguments::count)] out_features: usize,
        bias: bool,
        generator: &Generator,
    ) -> PyResult<Core> {
        layer(py, || nn::Linear::builder(in_features, out_features).bias(bias).build(&generator.0))
    }

    #[staticmethod]
    #[allow(clippy::too_many_arguments)]
    fn conv(
        py: Python<'_>,
        #[pyo3(from_py_with = arguments::count)] axes: usize,
        #[pyo3(from_py_with = arguments::count)] in_channels: usize,
        #[pyo3(from_py_with = arguments::count)] out_channels: usize,
        kernel_size: PerAxis,
        stride: PerAxis,
        padding: PerAxis,
        dilation: PerAxis,
        #[pyo3(from_py_with = arguments::count)] groups: usize,
        bias: bool,
        generator: &Generator,
    ) -> PyResult<Core> {
        macro_rules! made {
            ($layer:ident, $axes:literal) => {{
                let kernel: [usize; $axes] = kernel_size.per_axis("kernel_size")?;
                let builder = nn::$layer::builder(in_channels, out_channels, kernel)
                    .stride(stride.per_axis::<$axes>("stride")?)
                    .padding(padding.per_axis::<$axes>("padding")?)
                    .dilation(dilation.per_axis::<$axes>("dilation")?);
                layer(py, || builder.groups(groups).bias(bias).build(&generator.0))
            }};
        }
        match axes {
            1 => made!(Conv1d, 1),
            2 => made!(Conv2d, 2),
            _ => Err(refused("convolutions go over one axis or two")),
        }
    }

    #[staticmethod]
    #[allow(clippy::too_many_arguments)]
    fn conv_transpose(
        py: Python<'_>,
        #[pyo3(from_py_with = arguments::count)] axes: usize,
        #[pyo3(from_py_with = arguments::count)] in_channels: usize,
        #[pyo3(from_py_with = arguments::count)] out_channels: usize,
        kernel_size: PerAxis,
        stride: PerAxis,
        padding: PerAxis,
        output_padding: PerAxis,
        dilation: PerAxis,
        #[pyo3(from_py_with = arguments::count)] groups: usize,
        bias: bool,
        generator: &Generator,
    ) -> PyResult<Core> {
        macro_rules! made {
            ($layer:ident, $axes:literal) => {{
                let kernel: [usize; $axes] = kernel_size.per_axis("kernel_size")?;
                let builder = nn::$layer::builder(in_channels, out_channels, kernel)
                    .stride(stride.per_axis::<$axes>("stride")?)
                    .padding(padding.per_axis::<$axes>("padding")?)
                    .output_padding(output_padding.per_axis::<$axes>("output_padding")?)
                    .dilation(dilation.per_axis::<$axes>("dilation")?);
                layer(py, || builder.groups(groups).bias(bias).build(&generator.0))
            }};
        }
        match axes {
            1 => made!(ConvTranspose1d, 1),
            2 => made!(ConvTranspose2d, 2),
            _ => Err(refused("convolutions go over one axis or two")),
        }
    }

    #[staticmethod]
    #[allow(clippy::too_many_arguments)]
    fn batch_norm(
        py: Python<'_>,
        #[pyo3(from_py_with = arguments::count)] axes: usize,
        #[pyo3(from_py_with = arguments::count)] num_features: usize,
        eps: f64,
        momentum: Option<f64>,
        affine: bool,
        track_running_stats: bool,
    ) -> PyResult<Core> {
        macro_rules! made {
            ($layer:ident) => {
                layer(py, || {
                    let layer = nn::$layer::new(num_features).eps(eps).affine(affine);
                    let layer = layer.track_running_stats(track_running_stats);
                    match momentum {
                        Some(momentum) => layer.momentum(momentum),
                        None => layer.cumulative(),
                    }
                })
            };
        }
        match axes {
            1 => made!(BatchNorm1d),
            _ => made!(BatchNorm2d),
        }
    }

    #[staticmethod]
    #[allow(clippy::too_many_arguments)]
    fn instance_norm(
        py: Python<'_>,
        #[pyo3(from_py_with = arguments::count)] axes: usize,
        #[pyo3(from_py_with = arguments::count)] num_features: usize,
        eps: f64,
        momentum: f64,
        affine: bool,
        track_running_stats: bool,
    ) -> PyResult<Core> {
        macro_rules! made {
            ($layer:ident) => {
                layer(py, || {
                    let layer = nn::$layer::new(num_features).eps(eps).momentum(momentum);
                    layer.affine(affine).track_running_stats(track_running_stats)
                })
            };
        }
        match axes {
            1 => made!(InstanceNorm1d),
            _ => made!(InstanceNorm2d),
        }
    }

    #[staticmethod]
    fn layer_norm(
        py: Python<'_>,
        #[pyo3(from_py_with = arguments::counts)] normalized_shape: Vec<usize>,
        eps: f64,
        affine: bool,
    ) -> PyResult<Core> {
        layer(py, || nn::LayerNorm::new(Shape::from(normalized_shape)).eps(eps).affine(affine))
    }

    #[staticmethod]
    fn group_norm(
        py: Python<'_>,
        #[pyo3(from_py_with = arguments::count)] num_groups: usize,
        #[pyo3(from_py_with = arguments::count)] num_channels: usize,
        eps: f64,
        affine: bool,
    ) -> PyResult<Core> {
        layer(py, || nn::GroupNorm::new(num_groups, num_channels).eps(eps).affine(affine))
    }

    #[staticmethod]
    fn dropout(py: Python<'_>, p: f64, generator: &Generator) -> PyResult<Core> {
        layer(py, || nn::Dropout::new(p, &generator.0))
    }

    #[staticmethod]
    fn embedding(
        py: Python<'_>,
        #[pyo3(from_py_with = arguments::count)] num_embeddings: usize,
        #[pyo3(from_py_with = arguments::count)] embedding_dim: usize,
        padding_idx: Option<isize>,
        generator: &Generator,
    ) -> PyResult<Core> {
        let padding = padding_idx.map(|index| arguments::padding_entry(index, num_embeddings)).transpose()?;
        layer(py, || {
            let builder = nn::Embedding::builder(num_embeddings, embedding_dim);
            let builder = match padding {
                Some(entry) => builder.padding_index(entry),
                None => builder,
            };
            builder.build(&generator.0)
        })
    }

    #[staticmethod]
    fn max_pool2d(
        py: Python<'_>,
        kernel_size: PerAxis,
        stride: Option<PerAxis>,
        padding: PerAxis,
    ) -> PyResult<Core> {
        let options = pooling(kernel_size, stride, padding)?;
        layer(py, || nn::MaxPool2d::with(options))
    }

    #[staticmethod]
    fn avg_pool2d(
        py: Python<'_>,
        kernel_size: PerAxis,
        stride: Option<PerAxis>,
        padding: PerAxis,
    ) -> PyResult<Core> {
        let options = pooling(kernel_size, stride, padding)?;
        layer(py, || nn::AvgPool2d::with(options))
    }

    #[staticmethod]
    fn adaptive_avg_pool2d(py: Python<'_>, output_size: PerAxis) -> PyResult<Core> {
        let size: [usize; 2] = output_size.per_axis("output_size")?;
        layer(py, || nn::AdaptiveAvgPool2d::new(size))
    }

    #[staticmethod]
    fn upsample(py: Python<'_>, scale_factor: PerAxis, mode: &str, align_corners: bool) -> PyResult<Core> {
        let factor: [usize; 2] = scale_factor.per_axis("scale_factor")?;
        match (mode, align_corners) {
            ("nearest", false) => layer(py, || nn::Upsample::nearest(factor)),
            ("bilinear", false) => layer(py, || nn::Upsample::bilinear(factor)),
            ("bilinear", true) => layer(py, || nn::Upsample::bilinear_aligned(factor)),
            _ => Err(refused(format!(
                "mode is '{mode}'; it must be 'nearest' or 'bilinear', the latter with align_corners or without"
            ))),
        }
    }

    #[staticmethod]
    fn pixel_shuffle(
        py: Python<'_>,
        #[pyo3(from_py_with = arguments::count)] factor: usize,
        inverse: bool,
    ) -> PyResult<Core> {
        match inverse {
            false => layer(py, || nn::PixelShuffle::new(factor)),
            true => layer(py, || nn::PixelUnshuffle::new(factor)),
        }
    }

    #[staticmethod]
    fn flatten(py: Python<'_>, start_dim: isize, end_dim: isize) -> PyResult<Core> {
        layer(py, || nn::Flatten::axes(start_dim, end_dim))
    }

    #[staticmethod]
    fn unflatten(py: Python<'_>, dim: isize, sizes: Vec<isize>) -> PyResult<Core> {
        layer(py, || nn::Unflatten::new(dim, sizes))
    }

    /// An activation by its name, with its numbers.
    #[staticmethod]
    #[pyo3(signature = (name, numbers=vec![]))]
    fn activation(py: Python<'_>, name: &str, numbers: Vec<f64>) -> PyResult<Core> {
        let whole = |number: f64| number as isize;
        match (name, &numbers[..]) {
            ("ReLU", []) => layer(py, nn::ReLU::new),
            ("LeakyReLU", &[slope]) => layer(py, || nn::LeakyReLU::new(slope)),
            ("ELU", &[alpha]) => layer(py, || nn::ELU::new(alpha)),
            ("SELU", []) => layer(py, nn::SELU::new),
            ("SiLU", []) => layer(py, nn::SiLU::new),
            ("GELU", []) => layer(py, nn::GELU::new),
            ("GELU", [_]) => layer(py, nn::GELU::tanh),
            ("Tanh", []) => layer(py, nn::Tanh::new),
            ("Sigmoid", []) => layer(py, nn::Sigmoid::new),
            ("LogSigmoid", []) => layer(py, nn::LogSigmoid::new),
            ("Softplus", []) => layer(py, nn::Softplus::new),
            ("Softmax", &[dim]) => layer(py, || nn::Softmax::new(whole(dim))),
            ("LogSoftmax", &[dim]) => layer(py, || nn::LogSoftmax::new(whole(dim))),
            ("Hardtanh", &[low, high]) => layer(py, || nn::Hardtanh::new(low, high)),
            ("Identity", []) => layer(py, nn::Identity::new),
            _ => Err(refused(format!("there is no activation {name} of {} numbers", numbers.len()))),
        }
    }

    #[staticmethod]
    #[allow(clippy::too_many_arguments)]
    fn recurrent(
        py: Python<'_>,
        kind: &str,
        #[pyo3(from_py_with = arguments::count)] input_size: usize,
        #[pyo3(from_py_with = arguments::count)] hidden_size: usize,
        #[pyo3(from_py_with = arguments::count)] num_layers: usize,
        bias: bool,
        batch_first: bool,
        dropout: f64,
        bidirectional: bool,
        generator: &Generator,
    ) -> PyResult<Core> {
        macro_rules! made {
            ($layer:ident) => {
                nn::$layer::builder(input_size, hidden_size)
                    .num_layers(num_layers)
                    .bias(bias)
                    .batch_first(batch_first)
                    .dropout(dropout)
                    .bidirectional(bidirectional)
                    .build(&generator.0)
            };
        }
        match kind {
            "GRU" => run(py, || Kind::Gru(made!(GRU))).map(Core),
            "LSTM" => run(py, || Kind::Lstm(made!(LSTM))).map(Core),
            "GRUCell" => {
                run(py, || Kind::GruCell(nn::GRUCell::new(input_size, hidden_size, &generator.0))).map(Core)
            }
            "LSTMCell" => {
                run(py, || Kind::LstmCell(nn::LSTMCell::new(input_size, hidden_size, &generator.0))).map(Core)
            }
            other => Err(refused(format!("there is no recurrent layer {other}"))),
        }
    }
}

fn pooling(kernel: PerAxis, stride: Option<PerAxis>, padding: PerAxis) -> PyResult<Pool2dOptions> {
    let kernel = kernel.per_axis("kernel_size")?;
    Ok(Pool2dOptions {
        stride: stride.map_or(Ok(kernel), |stride| stride.per_axis("stride"))?,
        padding: crate::arguments::both_sides(padding)?,
        ..Pool2dOptions::new(kernel)
    })
}
