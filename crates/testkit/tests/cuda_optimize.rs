//! Steps of the optimisers on CUDA have the bits of the CPU's.

use wengert_tensor::ops::optimize::{
    Adagrad, Adam, RmsProp, Sgd, Update, adagrad_step, adam_amsgrad_step, adam_step, rmsprop_step,
    running_average_step, sgd_momentum_step, sgd_step,
};
use wengert_tensor::{DType, Device, Generator, Result, Tensor, on_device};
use wengert_testkit::modes::cuda_device;

/// More tensors than one launch takes, with empty ones, odd ones, and one of several blocks.
fn sizes() -> Vec<usize> {
    (0..60).map(|i| [3000, 0, 1, 1024, 257, 64][i % 6] / (1 + i / 12)).collect()
}

/// Five steps with new gradients each time; returns the bits of parameters and state, each as f64.
fn trained<const S: usize>(
    device: Device,
    dtype: DType,
    step: &impl Fn(&[Update<'_, S>], u64) -> Result<()>,
) -> Vec<Vec<f64>> {
    on_device(device, || {
        let rng = Generator::new(3);
        // The last elements of a longer array: not aligned for wide loads in every other tensor.
        let tensor = |i: usize, size: usize| {
            let longer = rng.normal(size + i % 2, 0.0, 1.0, dtype);
            longer.narrow(0, i % 2, size)
        };
        let arrays = || sizes().iter().enumerate().map(|(i, &size)| tensor(i, size)).collect::<Vec<_>>();
        let parameters = arrays();
        // Second moments are not negative, and start at zero as all state does.
        let state: [Vec<Tensor>; S] =
            std::array::from_fn(|_| parameters.iter().map(Tensor::zeros_like).collect());
        for number in 1..=5 {
            let gradients = arrays();
            let updates: Vec<Update<'_, S>> = (0..parameters.len())
                .map(|i| Update {
                    parameter: &parameters[i],
                    gradient: &gradients[i],
                    state: std::array::from_fn(|s| &state[s][i]),
                })
                .collect();
            step(&updates, number).unwrap();
        }
        let all = parameters.iter().chain(state.iter().flatten());
        all.map(|tensor| tensor.to_dtype(DType::F64).to_vec::<f64>()).collect()
    })
}

fn check<const S: usize>(step: impl Fn(&[Update<'_, S>], u64) -> Result<()>) {
    for dtype in [DType::F32, DType::F64] {
        let found = trained(cuda_device().unwrap(), dtype, &step);
        let expected = trained(Device::Cpu, dtype, &step);
        for (i, (found, expected)) in found.iter().zip(&expected).enumerate() {
            assert!(expected.iter().all(|x| x.is_finite()));
            assert!(found == expected, "{dtype}: array {i} differs");
        }
    }
}

const SGD: Sgd =
    Sgd { learning_rate: 0.1, weight_decay: 0.01, momentum: 0.9, dampening: 0.2, nesterov: false };

#[test]
fn sgd() {
    check::<0>(|updates, _| sgd_step(updates, SGD));
    check::<1>(|updates, _| sgd_momentum_step(updates, SGD));
    check::<1>(|updates, _| sgd_momentum_step(updates, Sgd { nesterov: true, dampening: 0.0, ..SGD }));
}

#[test]
fn adam() {
    for decoupled in [false, true] {
        let step = |step| Adam {
            learning_rate: 0.01,
            betas: (0.9, 0.999),
            eps: 1e-8,
            weight_decay: 0.05,
            decoupled,
            step,
        };
        check::<2>(|updates, number| adam_step(updates, step(number)));
        check::<3>(|updates, number| adam_amsgrad_step(updates, step(number)));
    }
}

#[test]
fn rmsprop() {
    for centered in [false, true] {
        let step = RmsProp {
            learning_rate: 0.01,
            alpha: 0.9,
            eps: 1e-8,
            weight_decay: 0.1,
            momentum: 0.5,
            centered,
        };
        check::<3>(|updates, _| rmsprop_step(updates, step));
    }
}

#[test]
fn adagrad() {
    check::<1>(|updates, _| {
        adagrad_step(updates, Adagrad { learning_rate: 0.1, eps: 1e-10, weight_decay: 0.1 })
    });
}

#[test]
fn running_average() {
    check::<0>(|updates, _| running_average_step(updates, 0.99));
}

#[test]
fn devices_do_not_mix() {
    let device = cuda_device().unwrap();
    let (here, there) = (Tensor::zeros(3, DType::F32), on_device(device, || Tensor::ones(3, DType::F32)));
    let update = Update { parameter: &here, gradient: &there, state: [] };
    let error = sgd_step(&[update], SGD).unwrap_err().to_string();
    assert!(error.contains("cuda:0 in one batch"), "{error}");
}
