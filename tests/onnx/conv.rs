//! Convolutions.

use crate::node::{Node, Outputs, one};
use crate::windows::{Windows, axes, sizes};
use wengert_tensor::{
    Conv1dOptions, Conv2dOptions, ConvTranspose1dOptions, ConvTranspose2dOptions, Tensor, UnfoldOptions,
};

pub fn run(node: &Node) -> Outputs {
    one(match node.op.as_str() {
        "Col2Im" => columns_to_images(node)?,
        "Conv" => conv(node)?,
        "ConvTranspose" => conv_transpose(node)?,
        _ => return Ok(None),
    })
}

fn conv(node: &Node) -> Result<Tensor, String> {
    let (x, weight, bias) = (node.input(0), node.input(1), node.optional(2));
    let Windows { stride, dilation, padding, .. } = Windows::of(node, &x, &weight.dims()[2..]);
    let groups = node.int("group", 1) as usize;
    if stride.len() == 1 {
        let options = Conv1dOptions {
            stride: axes(&stride)?,
            padding: axes(&padding)?,
            dilation: axes(&dilation)?,
            groups,
        };
        return Ok(x.conv1d(&weight, bias.as_ref(), options));
    }
    let options = Conv2dOptions {
        stride: axes(&stride)?,
        padding: axes(&padding)?,
        dilation: axes(&dilation)?,
        groups,
    };
    Ok(x.conv2d(&weight, bias.as_ref(), options))
}

fn conv_transpose(node: &Node) -> Result<Tensor, String> {
    let (x, weight, bias) = (node.input(0), node.input(1), node.optional(2));
    let Windows { kernel, stride, dilation, mut padding } = Windows::of(node, &x, &weight.dims()[2..]);
    let groups = node.int("group", 1) as usize;
    let mut output_padding = sizes(node, "output_padding").unwrap_or_else(|| vec![0; stride.len()]);
    let auto_pad = node.text("auto_pad", "NOTSET");
    let same = |axis: usize| x.dims()[axis + 2] * stride[axis];
    let wanted = match sizes(node, "output_shape") {
        None if auto_pad.starts_with("SAME") => Some((0..stride.len()).map(same).collect()),
        wanted => wanted,
    };
    // A wanted size fixes the padding, or more output padding where there is nothing to cut off.
    for (axis, &size) in wanted.iter().flatten().enumerate() {
        let reach = (kernel[axis] - 1) * dilation[axis] + 1;
        let full = (x.dims()[axis + 2] - 1) * stride[axis] + output_padding[axis] + reach;
        output_padding[axis] += size.saturating_sub(full);
        let cut = full.saturating_sub(size);
        let (less, more) = (cut / 2, cut.div_ceil(2));
        padding[axis] = if auto_pad == "SAME_UPPER" { (less, more) } else { (more, less) };
    }
    if stride.len() == 1 {
        let options = ConvTranspose1dOptions {
            stride: axes(&stride)?,
            padding: axes(&padding)?,
            output_padding: axes(&output_padding)?,
            dilation: axes(&dilation)?,
            groups,
        };
        return Ok(x.conv_transpose1d(&weight, bias.as_ref(), options));
    }
    let options = ConvTranspose2dOptions {
        stride: axes(&stride)?,
        padding: axes(&padding)?,
        output_padding: axes(&output_padding)?,
        dilation: axes(&dilation)?,
        groups,
    };
    Ok(x.conv_transpose2d(&weight, bias.as_ref(), options))
}

fn columns_to_images(node: &Node) -> Result<Tensor, String> {
    let list = |index| {
        node.integers(index).unwrap_or_default().iter().map(|&size| size as usize).collect::<Vec<_>>()
    };
    let (image, kernel) = (list(1), list(2));
    let x = node.input(0);
    let pads = sizes(node, "pads").unwrap_or_else(|| vec![0; 2 * kernel.len()]);
    let ones = || vec![1; kernel.len()];
    let options = UnfoldOptions {
        kernel: axes(&kernel)?,
        stride: axes(&sizes(node, "strides").unwrap_or_else(ones))?,
        padding: axes(
            &(0..kernel.len()).map(|axis| (pads[axis], pads[axis + kernel.len()])).collect::<Vec<_>>(),
        )?,
        dilation: axes(&sizes(node, "dilations").unwrap_or_else(ones))?,
    };
    Ok(x.fold(axes(&image)?, options))
}
