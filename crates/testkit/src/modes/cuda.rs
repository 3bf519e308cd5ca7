//! CUDA against the CPU.

use std::sync::OnceLock;

use wengert_tensor::{DType, Device, Tensor, on_device};

use crate::case::Case;
use crate::derivative::{Derivatives, Order, derivatives, highest_order};
use crate::golden::Goldens;

/// How far the same formula may stray in another order and with another library of functions.
const TOLERANCE: (f64, f64) = (1e-9, 1e-11);

/// Value, gradient and second gradient in f64 are the CPU's, on contiguous operands and on ones stored column-major.
pub fn cuda(case: &Case, _: &Goldens) -> Result<(), String> {
    let device = cuda_device()?;
    let inputs = case.tensors(DType::F64);
    let order = highest_order(case);
    let expected = derivatives(case, &inputs, order)?;
    let inputs = moved(&inputs, device)?;
    run(case, &inputs, order)?.matches(&expected, TOLERANCE)?;
    if !case.layouts {
        return Ok(());
    }
    let columns: Vec<Tensor> = on_device(device, || inputs.iter().map(column_major).collect());
    let found = run(case, &columns, order).map_err(|error| format!("column-major: {error}"))?;
    found.matches(&expected, TOLERANCE).map_err(|difference| format!("column-major: {difference}"))
}

/// Value and gradient in f32 are the CPU's.
pub fn cuda_single(case: &Case, _: &Goldens) -> Result<(), String> {
    if !case.single {
        return Ok(());
    }
    let device = cuda_device()?;
    let inputs = case.tensors(DType::F32);
    let order = highest_order(case).min(Order::First);
    let expected = derivatives(case, &inputs, order)?;
    run(case, &moved(&inputs, device)?, order)?.matches(&expected, case.single_tolerance)
}

fn run(case: &Case, inputs: &[Tensor], order: Order) -> Result<Derivatives, String> {
    on_device(inputs.first().map_or(Device::Cuda(0), Tensor::device), || derivatives(case, inputs, order))
}

fn moved(inputs: &[Tensor], device: Device) -> Result<Vec<Tensor>, String> {
    inputs.iter().map(|input| input.to_device(device).map_err(|error| error.to_string())).collect()
}

/// The elements stored in the opposite order of axes.
fn column_major(tensor: &Tensor) -> Tensor {
    let backwards: Vec<isize> = (0..tensor.rank() as isize).rev().collect();
    tensor.permute(&backwards).copy().permute(&backwards)
}

/// The machine's GPU, else the emulated one; where `WENGERT_EMULATOR` is set the emulated one in any case.
///
/// # Errors
/// When there is neither.
pub fn cuda_device() -> Result<Device, String> {
    static DEVICE: OnceLock<Result<Device, String>> = OnceLock::new();
    DEVICE
        .get_or_init(|| {
            if std::env::var_os("WENGERT_EMULATOR").is_some() || wengert_cuda::survey().driver.is_err() {
                wengert_emulator::load().map_err(|error| error.to_string())?;
            }
            Ok(Device::Cuda(0))
        })
        .clone()
}
