//! Ops that map the rows and the columns of every plane linearly: average pooling and resampling.
//!
//! Such an op is two sparse matrices R and C a plane, Y = R·X·Cᵀ. Its gradient is Rᵀ·Ȳ·C, the same with both
//! transposed, whose own gradient is the first map again.

use super::slide::{IMAGES, four_axes};
use crate::apply::apply;
use crate::autograd::Saved;
use crate::onnx::Call;
use crate::op::{Gradients, Op, Spec, Values};
use crate::{Error, Result, Tensor, Value};
use smallvec::smallvec;
use std::fmt::Debug;
use wengert_cpu::axis_map::{AxisMap, map_planes};
use wengert_cuda::{Device, plane_map};

/// One family of such maps.
pub(super) trait PlaneMap: Copy + Debug + Send + Sync + 'static {
    /// Name of the op and of its gradient.
    const NAMES: [&'static str; 2];

    /// Height and width that this map gives from `size`, or why it cannot take it.
    fn output_size(&self, size: [usize; 2]) -> Result<[usize; 2]>;

    /// The maps of the rows and of the columns, for a size that [`output_size`](PlaneMap::output_size)
    /// accepts.
    fn axis_maps(&self, size: [usize; 2]) -> Result<[AxisMap; 2]>;

    /// The same maps as CUDA kernels take them.
    fn axis_maps_on_device(&self, size: [usize; 2]) -> Result<[plane_map::AxisMap; 2]>;

    /// The map in ONNX's operators, where it has a form there.
    fn onnx(&self, _call: &mut Call) -> Option<String> {
        None
    }

    /// Inputs that an output is made of, for counting operations.
    fn terms(&self, size: [usize; 2]) -> usize;
}

/// Input: images. Output: the mapped images.
#[derive(Clone, Copy, Debug)]
struct Map<M>(M);

/// Input: the cotangent of the mapped images. Output: that of images of `size`.
#[derive(Clone, Copy, Debug)]
struct MapGrad<M> {
    map: M,
    size: [usize; 2],
}

/// Maps images [batch, channels, height, width].
#[track_caller]
pub(super) fn map_images<M: PlaneMap>(map: M, images: &Tensor) -> Result<Tensor> {
    apply(Map(map), &[images])
}

impl<M: PlaneMap> Op for Map<M> {
    fn name(&self) -> &'static str {
        M::NAMES[0]
    }

    fn infer(&self, inputs: &[Spec]) -> Result<Spec> {
        let [batch, channels, height, width] = four_axes(self.name(), "input", IMAGES, &inputs[0])?;
        let size = self.0.output_size([height, width])?;
        float_images(self.name(), [batch, channels, size[0], size[1]], &inputs[0])
    }

    fn forward(&self, inputs: Values, output: &Spec) -> Result<Value> {
        let size = plane_size(inputs[0].shape());
        run(self.name(), &inputs[0], output, || self.0.axis_maps(size))
    }

    fn forward_cuda(&self, inputs: Values, output: &Spec, device: &Device) -> Result<Value> {
        let maps = self.0.axis_maps_on_device(plane_size(inputs[0].shape()))?;
        run_on_device(&inputs[0], output, maps, false, device)
    }

    fn onnx(&self, call: &mut Call) -> Option<String> {
        self.0.onnx(call)
    }

    fn vjp(&self, saved: &Saved, cotangent: &Tensor) -> Result<Gradients> {
        let size = plane_size(&saved.spec(0).shape);
        Ok(smallvec![Some(apply(MapGrad { map: self.0, size }, &[cotangent])?)])
    }

    fn flops(&self, inputs: &[Spec], output: &Spec) -> u64 {
        (output.shape.numel() as u64).saturating_mul(self.0.terms(plane_size(&inputs[0].shape)) as u64)
    }
}

impl<M: PlaneMap> Op for MapGrad<M> {
    fn name(&self) -> &'static str {
        M::NAMES[1]
    }

    fn infer(&self, inputs: &[Spec]) -> Result<Spec> {
        let [batch, channels, height, width] = four_axes(self.name(), "cotangent", IMAGES, &inputs[0])?;
        let expected = self.map.output_size(self.size)?;
        if [height, width] != expected {
            let detail = format!(
                "{:?} is mapped to {expected:?}, but the cotangent has {height} × {width}",
                self.size
            );
            return Err(Error::shape(self.name(), detail));
        }
        float_images(self.name(), [batch, channels, self.size[0], self.size[1]], &inputs[0])
    }

    fn forward(&self, inputs: Values, output: &Spec) -> Result<Value> {
        run(self.name(), &inputs[0], output, || Ok(self.map.axis_maps(self.size)?.map(|map| map.transpose())))
    }

    fn forward_cuda(&self, inputs: Values, output: &Spec, device: &Device) -> Result<Value> {
        run_on_device(&inputs[0], output, self.map.axis_maps_on_device(self.size)?, true, device)
    }

    fn vjp(&self, _saved: &Saved, cotangent: &Tensor) -> Result<Gradients> {
        Ok(smallvec![Some(map_images(self.map, cotangent)?)])
    }

    fn flops(&self, inputs: &[Spec], _output: &Spec) -> u64 {
        (inputs[0].shape.numel() as u64).saturating_mul(self.map.terms(self.size) as u64)
    }
}

fn float_images(op: &'static str, axes: [usize; 4], input: &Spec) -> Result<Spec> {
    for_float!(input.dtype, op, _T => Ok(Spec::new(axes, input.dtype)))
}

/// The last two axes of images.
fn plane_size(axes: &[usize]) -> [usize; 2] {
    [axes[2], axes[3]]
}

fn run(
    op: &'static str,
    input: &Value,
    output: &Spec,
    maps: impl FnOnce() -> Result<[AxisMap; 2]>,
) -> Result<Value> {
    let input = input.contiguous();
    let input = input.read();
    for_float!(output.dtype, op, T => Ok(Value::build(&output.shape, |out: &mut [T]| {
        // Only once there is memory for the output, which bounds theirs; an empty batch needs no maps at all.
        if !out.is_empty() {
            let [rows, columns] = maps().expect("infer has accepted this size");
            map_planes(&rows, &columns, input.slice(), out);
        }
    })))
}

fn run_on_device(
    input: &Value,
    output: &Spec,
    [rows, columns]: [plane_map::AxisMap; 2],
    transposed: bool,
    device: &Device,
) -> Result<Value> {
    let (input, out) = (input.contiguous(), Value::on_cuda(device, output)?);
    plane_map::map(rows, columns, transposed, input.on_device()?, out.device_memory()?)?;
    Ok(out)
}
