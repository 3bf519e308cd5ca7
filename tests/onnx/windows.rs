//! How ONNX describes sliding windows.

use crate::node::Node;
use wengert_tensor::Tensor;

/// Kernel, stride, dilation and padding of each spatial axis.
pub struct Windows {
    pub kernel: Vec<usize>,
    pub stride: Vec<usize>,
    pub dilation: Vec<usize>,
    pub padding: Vec<(usize, usize)>,
}

impl Windows {
    /// The windows of a node with kernels of these sizes over images `x`.
    pub fn of(node: &Node, x: &Tensor, kernel: &[usize]) -> Self {
        let axes = kernel.len();
        let sizes = |name| match node.ints(name) {
            Some(sizes) => sizes.into_iter().map(|size| size as usize).collect(),
            None => vec![1; axes],
        };
        let (stride, dilation) = (sizes("strides"), sizes("dilations"));
        let pads = node.ints("pads").unwrap_or_else(|| vec![0; 2 * axes]);
        let same = |axis: usize, more_after: bool| {
            let size = x.dims()[axis + 2];
            let reach =
                (size.div_ceil(stride[axis]) - 1) * stride[axis] + (kernel[axis] - 1) * dilation[axis] + 1;
            let (less, more) = (reach.saturating_sub(size) / 2, reach.saturating_sub(size).div_ceil(2));
            if more_after { (less, more) } else { (more, less) }
        };
        let padding = |axis: usize| match node.text("auto_pad", "NOTSET") {
            "SAME_UPPER" => same(axis, true),
            "SAME_LOWER" => same(axis, false),
            _ => (pads[axis] as usize, pads[axis + axes] as usize),
        };
        let padding = (0..axes).map(padding).collect();
        Self { kernel: kernel.to_vec(), stride, dilation, padding }
    }
}

/// The sizes in a list attribute.
pub fn sizes(node: &Node, name: &str) -> Option<Vec<usize>> {
    Some(node.ints(name)?.into_iter().map(|size| size as usize).collect())
}

/// The values of `D` axes.
///
/// # Errors
/// When there is another number of axes.
pub fn axes<T: Copy, const D: usize>(values: &[T]) -> Result<[T; D], String> {
    values.try_into().map_err(|_| format!("no windows over {} axes", values.len()))
}
