//! Pooling.

use crate::node::{Node, Outputs, one};
use crate::windows::{Windows, axes, sizes};
use wengert_tensor::{Pool1dOptions, Pool2dOptions, Tensor};

pub fn run(node: &Node) -> Outputs {
    let x = || node.input(0);
    one(match node.op.as_str() {
        "AveragePool" => average(node, &x(), node.flag("count_include_pad", false))?,
        "GlobalAveragePool" => x().global_avg_pool2d(),
        "GlobalMaxPool" => x().global_max_pool2d(),
        "LpPool" => {
            // The sum over a window is its mean, padding included, times its size.
            let p = node.float("p", 2.0);
            let size: isize = node.ints("kernel_shape").unwrap_or_default().iter().product();
            (average(node, &x().abs().pow_scalar(p), true)? * size as f64).pow_scalar(1.0 / p)
        }
        "MaxPool" => return max(node, &x()),
        _ => return Ok(None),
    })
}

fn windows(node: &Node, x: &Tensor) -> Windows {
    Windows::of(node, x, &sizes(node, "kernel_shape").unwrap_or_default())
}

fn average(node: &Node, x: &Tensor, count_include_pad: bool) -> Result<Tensor, String> {
    let Windows { kernel, stride, dilation, padding } = windows(node, x);
    let ceil_mode = node.flag("ceil_mode", false);
    if kernel.len() == 1 {
        return Ok(x.avg_pool1d(Pool1dOptions {
            kernel: axes(&kernel)?,
            stride: axes(&stride)?,
            padding: axes(&padding)?,
            dilation: axes(&dilation)?,
            ceil_mode,
            count_include_pad,
        }));
    }
    Ok(x.avg_pool2d(Pool2dOptions {
        kernel: axes(&kernel)?,
        stride: axes(&stride)?,
        padding: axes(&padding)?,
        dilation: axes(&dilation)?,
        ceil_mode,
        count_include_pad,
    }))
}

fn max(node: &Node, x: &Tensor) -> Outputs {
    let Windows { kernel, stride, dilation, padding } = windows(node, x);
    let ceil_mode = node.flag("ceil_mode", false);
    if kernel.len() == 1 {
        return one(x.max_pool1d(Pool1dOptions {
            kernel: axes(&kernel)?,
            stride: axes(&stride)?,
            padding: axes(&padding)?,
            dilation: axes(&dilation)?,
            ceil_mode,
            count_include_pad: true,
        }));
    }
    let options = Pool2dOptions {
        kernel: axes(&kernel)?,
        stride: axes(&stride)?,
        padding: axes(&padding)?,
        dilation: axes(&dilation)?,
        ceil_mode,
        count_include_pad: true,
    };
    if node.output_count() == 1 {
        return one(x.max_pool2d(options));
    }
    // Indices count within a plane here, and through the whole tensor there.
    let (values, indices) = x.max_pool2d_with_indices(options);
    let &[batch, channels, height, width] = x.dims() else { panic!("images expected, got {}", x.shape()) };
    let planes = Tensor::arange(0, (batch * channels) as i64, 1).reshape([batch, channels, 1, 1]);
    let mut indices = indices;
    if node.flag("storage_order", false) {
        let columns = width as f64;
        let row = (indices.to_dtype(wengert_tensor::DType::F64) / columns).floor().to_dtype(indices.dtype());
        let column = &indices - &row * columns;
        indices = column * height as f64 + row;
    }
    Ok(Some(vec![values, indices + planes * (height * width) as f64]))
}
