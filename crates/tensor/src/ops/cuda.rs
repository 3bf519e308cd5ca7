//! What the ops' CUDA halves share: operands as kernels take them, and elementwise kernels.

use crate::op::Values;
use crate::ops::elementwise::stretched;
use crate::{DType, Result, Spec, Value};
pub(crate) use wengert_cuda::elementwise::Family;
use wengert_cuda::{Device, elementwise};

/// The elementwise kernel `function` of all inputs, broadcast to the output's shape, in the memory of an input that was
/// given away where that has the output's shape and type.
pub(crate) fn map<const N: usize>(
    family: Family,
    function: &str,
    numbers: [f64; 2],
    inputs: Values,
    output: &Spec,
    device: &Device,
) -> Result<Value> {
    let donated = inputs.iter().find(|input| input.is_unique() && input.spec() == *output).cloned();
    // The clone counts as a holder, so that uniqueness was asked before.
    let out = match donated {
        Some(out) => out,
        None => Value::on_cuda(device, output)?,
    };
    let operands: [_; N] = std::array::from_fn(|i| stretched(&inputs[i], &output.shape));
    let mut views = Vec::with_capacity(N);
    for operand in &operands {
        views.push(operand.on_device()?);
    }
    let views: [_; N] = views.try_into().expect("there is one view for each of N operands");
    elementwise::map(family, function, numbers, views, out.device_memory()?, output.dtype.size_of())?;
    Ok(out)
}

/// The same elements as another type.
pub(crate) fn convert(input: Value, to: DType, device: &Device) -> Result<Value> {
    let output = Spec::new(input.shape(), to);
    map::<1>(Family::Copy, &format!("to_{to}"), [0.0; 2], Values::from_iter([input]), &output, device)
}
