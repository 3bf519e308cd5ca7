//! Convolutions on CUDA that are large enough for every tile and for sums in several parts, against the CPU.

use wengert_tensor::autograd::{GradOptions, grad};
use wengert_tensor::{Conv2dOptions, DType, Device, Generator, Tensor, on_device};

/// Output, and gradients in input, weight and bias under a random cotangent.
fn results(operands: &[Tensor], options: Conv2dOptions) -> Vec<Vec<f64>> {
    let leaves: Vec<Tensor> =
        operands[..3].iter().map(|operand| operand.detach().requires_grad_(true)).collect();
    let output = leaves[0].conv2d(&leaves[1], Some(&leaves[2]), options);
    let loss = (&output * &operands[3]).sum_all();
    let leaves: Vec<&Tensor> = leaves.iter().collect();
    let gradients = grad(&[&loss], &leaves, GradOptions::default()).expect("conv2d has a gradient");
    let numbers =
        |tensor: &Tensor| tensor.to_device(Device::Cpu).unwrap().to_dtype(DType::F64).to_vec::<f64>();
    std::iter::once(&output).chain(&gradients).map(numbers).collect()
}

/// Fails unless the device computes what the CPU does on images of shape `x` and a weight of shape `w`.
fn check(x: [usize; 4], w: [usize; 4], options: Conv2dOptions) {
    check_images(x, w, options, |image| image);
}

/// As [`check`], on images that `change` makes of random ones.
fn check_images(x: [usize; 4], w: [usize; 4], options: Conv2dOptions, change: impl Fn(Tensor) -> Tensor) {
    if wengert_cuda::survey().driver.is_err() {
        wengert_emulator::load().expect("the emulated device");
    }
    for (dtype, tolerance) in [(DType::F64, 1e-12), (DType::F32, 1e-5)] {
        let generator = Generator::new(7);
        let normal = |shape: &[usize]| generator.normal(shape, 0.0, 1.0, dtype);
        let (image, weight, bias) = (change(normal(&x)), normal(&w), normal(&w[..1]));
        let output = image.conv2d(&weight, Some(&bias), options);
        let operands = [image, weight, bias, normal(output.dims())];
        let expected = results(&operands, options);
        let moved = operands.map(|operand| operand.to_device(Device::Cuda(0)).unwrap());
        let found = on_device(Device::Cuda(0), || results(&moved, options));
        for (what, (found, expected)) in
            ["output", "input", "weight", "bias"].iter().zip(found.iter().zip(&expected))
        {
            let finite = expected.iter().filter(|value| value.is_finite());
            let size = finite.fold(0.0f64, |size, value| size.max(value.abs()));
            assert_eq!(found.len(), expected.len());
            for (i, (&found, &expected)) in found.iter().zip(expected).enumerate() {
                let close = (found - expected).abs() <= tolerance * size;
                let same = found == expected || found.is_nan() && expected.is_nan();
                assert!(close || same, "{dtype} {what} of {x:?} by {w:?} at {i}: {found}, not {expected}");
            }
        }
    }
}

#[test]
fn a_small_network_on_digits() {
    let halving = Conv2dOptions::default().stride(2).padding(1);
    check([6, 1, 28, 28], [32, 1, 4, 4], halving);
    check([6, 32, 14, 14], [64, 32, 4, 4], halving);
}

#[test]
fn many_channels() {
    check([2, 37, 9, 11], [150, 37, 3, 3], Conv2dOptions::default().padding(1));
    check([40, 70, 17, 18], [70, 70, 1, 1], Conv2dOptions::default());
}

#[test]
fn few_channels_and_many_groups() {
    check([3, 48, 13, 12], [48, 1, 3, 3], Conv2dOptions::default().padding(1).groups(48));
    check([4, 12, 16, 15], [24, 3, 5, 3], Conv2dOptions::default().dilation(2).stride(3).groups(4));
}

#[test]
fn one_position() {
    check([9, 5, 7, 7], [33, 5, 7, 7], Conv2dOptions::default());
    check([9, 5, 4, 4], [33, 5, 3, 4], Conv2dOptions::default().dilation(2).padding(2).stride(3));
}

#[test]
fn long_sums_for_few_elements() {
    check([8, 70, 4, 4], [3, 70, 4, 4], Conv2dOptions::default());
    check([3, 4, 6, 6], [90, 4, 3, 3], Conv2dOptions::default().stride(2).padding(1));
}

#[test]
fn infinities_and_nan_stay_what_they_are() {
    let options = Conv2dOptions::default().padding(1);
    check_images([2, 20, 6, 7], [40, 20, 3, 3], options, |image| {
        let mut elements = image.to_dtype(DType::F64).to_vec::<f64>();
        elements[100] = f64::INFINITY;
        elements[1200] = f64::NAN;
        Tensor::from_slice(&elements, image.dims()).to_dtype(image.dtype())
    });
}
