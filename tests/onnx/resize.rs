//! Resampling of images.

use crate::node::{Node, Outputs, one};
use crate::windows::axes;
use wengert_tensor::{Resize, Tensor};

pub fn run(node: &Node) -> Outputs {
    let x = node.optional(0);
    one(match (node.op.as_str(), x) {
        ("Resize", Some(x)) => resize(node, &x)?,
        ("Upsample", Some(x)) => x.upsample_nearest2d(target(&x, floats(node, 1), None)?),
        _ => return Ok(None),
    })
}

fn floats(node: &Node, index: usize) -> Option<Vec<f64>> {
    let scales = node.optional(index)?.to_dtype(wengert_tensor::DType::F64).to_vec::<f64>();
    (!scales.is_empty()).then_some(scales)
}

fn resize(node: &Node, x: &Tensor) -> Result<Tensor, String> {
    for attribute in ["axes", "antialias", "exclude_outside", "keep_aspect_ratio_policy"] {
        if node.has(attribute) {
            return Err(format!("resampling has no {attribute}"));
        }
    }
    let scales = floats(node, 2);
    let coordinates = node.text("coordinate_transformation_mode", "half_pixel");
    let whole = scales.iter().flatten().all(|scale| scale.fract() == 0.0) && scales.is_some();
    let target = target(x, scales, node.integers(3))?;
    match (node.text("mode", "nearest"), coordinates, node.text("nearest_mode", "round_prefer_floor")) {
        ("nearest", "asymmetric", "floor") => Ok(x.upsample_nearest2d(target)),
        // By a whole factor both roundings pick the same neighbour.
        ("nearest", "half_pixel", "round_prefer_floor") if whole => Ok(x.upsample_nearest2d(target)),
        ("linear", "half_pixel", _) => Ok(x.upsample_bilinear2d(target, false)),
        ("linear", "align_corners", _) => Ok(x.upsample_bilinear2d(target, true)),
        (mode, coordinates, rounding) => {
            Err(format!("no {mode} resampling with {coordinates} and {rounding}"))
        }
    }
}

/// The wanted size of the last two axes.
fn target(x: &Tensor, scales: Option<Vec<f64>>, sizes: Option<Vec<isize>>) -> Result<Resize<2>, String> {
    match (scales, sizes) {
        (Some(scales), _) if scales[..2] == [1.0, 1.0] => Ok(Resize::Scale(axes(&scales[2..])?)),
        (None, Some(sizes)) if sizes[..2] == [x.dim(0) as isize, x.dim(1) as isize] => {
            Ok(Resize::Size(axes(&sizes[2..].iter().map(|&size| size as usize).collect::<Vec<_>>())?))
        }
        _ => Err("resampling is of the last two axes".into()),
    }
}
