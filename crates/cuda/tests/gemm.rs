//! Matrix products on a device, emulated where there is none, against f64 on the host.

mod common;

use common::{Matrix, fractions, read};
use wengert_cuda::gemm::{Activation, Epilogue, Precision, matmul};
use wengert_cuda::{Device, Kind, Memory, View};

fn device() -> Device {
    if wengert_cuda::survey().driver.is_err() {
        wengert_emulator::load().unwrap();
    }
    Device::get(0).unwrap()
}

/// The largest error of a product against f64, in units of the sum of absolute terms.
fn error([m, k, n]: [usize; 3], transposed: [bool; 2], precision: Precision) -> f64 {
    let device = device();
    let a = Matrix::new(&device, [m, k], transposed[0], 1);
    let b = Matrix::new(&device, [k, n], transposed[1], 2);
    let out = Memory::unspecified(&device, m * n * 4).unwrap();
    matmul(a.view(), b.view(), &out, Epilogue::NONE, precision).unwrap();
    let found = read(&out, m * n);
    let mut worst = 0.0f64;
    for (i, j) in (0..m).flat_map(|i| (0..n).map(move |j| (i, j))) {
        let terms = (0..k).map(|l| a.at(i, l) * b.at(l, j));
        let (exact, size) = terms.fold((0.0, f64::MIN_POSITIVE), |(sum, size), x| (sum + x, size + x.abs()));
        let error = (f64::from(found[i * n + j]) - exact).abs() / size;
        worst = if error.is_nan() { f64::INFINITY } else { worst.max(error) };
    }
    worst
}

const WAYS: [[bool; 2]; 4] = [[false, false], [false, true], [true, false], [true, true]];

#[test]
fn products_of_all_sizes_are_right_however_the_operands_lie() {
    let sizes = [
        [1, 1, 1],
        [1, 784, 1],
        [1, 10, 37],
        [7, 1, 10],
        [10, 37, 7],
        [37, 128, 10],
        [128, 10, 400],
        [128, 400, 10],
        [10, 128, 784],
        [128, 784, 37],
        [400, 128, 7],
    ];
    for (sizes, way) in sizes.into_iter().flat_map(|sizes| WAYS.map(|way| (sizes, way))) {
        let error = error(sizes, way, Precision::F32);
        assert!(error < 3e-7, "{sizes:?}, {way:?}: {error:e}");
    }
}

#[test]
fn layers_of_a_small_network_are_right() {
    for (sizes, way) in [
        ([128, 784, 400], [false, true]),
        ([128, 400, 784], [false, false]),
        ([400, 128, 784], [true, false]),
    ] {
        let error = error(sizes, way, Precision::F32);
        assert!(error < 3e-7, "{sizes:?}: {error:e}");
    }
}

#[test]
fn each_precision_has_its_own() {
    let worst =
        |precision| WAYS.map(|way| error([37, 400, 37], way, precision)).into_iter().fold(0.0, f64::max);
    assert!(worst(Precision::F32) < 2e-7 && worst(Precision::Fma) < 2e-7);
    let rounded = worst(Precision::Tf32);
    assert!((1e-6..6e-4).contains(&rounded), "{rounded:e}");
}

#[test]
fn the_same_product_has_the_same_bits() {
    let device = device();
    // One tile, whose depth several blocks share.
    let (a, b) = (Matrix::new(&device, [10, 3000], false, 1), Matrix::new(&device, [3000, 10], false, 2));
    let product = || {
        let out = Memory::unspecified(&device, 400).unwrap();
        matmul(a.view(), b.view(), &out, Epilogue::NONE, Precision::F32).unwrap();
        read(&out, 100).into_iter().map(f32::to_bits).collect::<Vec<_>>()
    };
    let first = product();
    assert!((0..3).all(|_| product() == first));
}

#[test]
fn an_empty_depth_gives_the_epilogue_of_zeros() {
    let device = device();
    let (a, b) = (Matrix::new(&device, [3, 0], false, 1), Matrix::new(&device, [0, 5], false, 2));
    let bias = Memory::upload(&device, &[0.0f32, 1.0, -2.0, 3.0, -4.0]).unwrap();
    let out = Memory::unspecified(&device, 60).unwrap();
    let column_bias = Some(View::new(&bias, Kind::F32, &[5], &[1], 0).unwrap());
    let epilogue = Epilogue { column_bias, activation: Some(Activation::Relu), ..Epilogue::NONE };
    matmul(a.view(), b.view(), &out, epilogue, Precision::F32).unwrap();
    assert_eq!(read(&out, 15), [0.0, 1.0, 0.0, 3.0, 0.0].repeat(3));
}

#[test]
fn epilogues_come_in_their_order() {
    let device = device();
    let activations = [
        None,
        Some(Activation::Relu),
        Some(Activation::LeakyRelu { negative_slope: 0.25 }),
        Some(Activation::Tanh),
        Some(Activation::Sigmoid),
    ];
    let function = |activation, x: f64| match activation {
        None => x,
        Some(Activation::Relu) => x.max(0.0),
        Some(Activation::LeakyRelu { negative_slope }) => {
            if x > 0.0 {
                x
            } else {
                x * negative_slope
            }
        }
        Some(Activation::Tanh) => x.tanh(),
        Some(Activation::Sigmoid) => 1.0 / (1.0 + (-x).exp()),
    };
    // Of one block and of several, with rows that are aligned and that are not.
    for [m, k, n] in [[5, 6, 8], [9, 800, 7]] {
        let (bias, old) = (fractions(n, 3), fractions(m * n, 4));
        let bias_memory = Memory::upload(&device, &bias).unwrap();
        for (activation, way) in
            activations.into_iter().flat_map(|activation| WAYS.map(|way| (activation, way)))
        {
            let (a, b) = (Matrix::new(&device, [m, k], way[0], 1), Matrix::new(&device, [k, n], way[1], 2));
            for (accumulate, with_bias) in [(false, true), (true, false), (true, true)] {
                let out = Memory::upload(&device, &old).unwrap();
                let sizes = [n];
                let column_bias =
                    with_bias.then(|| View::new(&bias_memory, Kind::F32, &sizes, &[1], 0).unwrap());
                let epilogue = Epilogue { accumulate, column_bias, activation };
                matmul(a.view(), b.view(), &out, epilogue, Precision::F32).unwrap();
                for (place, &found) in read(&out, m * n).iter().enumerate() {
                    let (i, j) = (place / n, place % n);
                    let mut sum: f64 = (0..k).map(|l| a.at(i, l) * b.at(l, j)).sum();
                    sum += if with_bias { f64::from(bias[j]) } else { 0.0 };
                    sum += if accumulate { f64::from(old[place]) } else { 0.0 };
                    let wanted = function(activation, sum);
                    let case = format!("{activation:?}, {way:?}, accumulate {accumulate}, bias {with_bias}");
                    assert!((f64::from(found) - wanted).abs() < 2e-5, "{case}: {found} is not {wanted}");
                }
            }
        }
    }
}

#[test]
fn stacks_are_multiplied_matrix_by_matrix() {
    let device = device();
    // [2, 3, 5, 8] by [2, 3, 8, 4]: the first operand repeated along the second axis, the other one with its rows backwards.
    let (a, b) = (fractions(2 * 5 * 8, 1), fractions(2 * 3 * 8 * 4, 2));
    let (a_memory, b_memory) = (Memory::upload(&device, &a).unwrap(), Memory::upload(&device, &b).unwrap());
    let left = View::new(&a_memory, Kind::F32, &[2, 3, 5, 8], &[40, 0, 8, 1], 0).unwrap();
    let right = View::new(&b_memory, Kind::F32, &[2, 3, 8, 4], &[96, 32, -4, 1], 28).unwrap();
    let out = Memory::unspecified(&device, 6 * 20 * 4).unwrap();
    matmul(left, right, &out, Epilogue::NONE, Precision::F32).unwrap();
    for (place, &found) in read(&out, 120).iter().enumerate() {
        let (stack, i, j) = (place / 20, place / 4 % 5, place % 4);
        let terms = (0..8)
            .map(|l| f64::from(a[stack / 3 * 40 + i * 8 + l]) * f64::from(b[stack * 32 + (7 - l) * 4 + j]));
        assert!((f64::from(found) - terms.sum::<f64>()).abs() < 1e-6);
    }
}

#[test]
fn infinity_is_not_nan() {
    let device = device();
    let product = |left: &[f32], right: &[f32]| {
        let (sizes, depth, strides) = ([1, left.len()], [left.len(), 1], [left.len() as isize, 1]);
        let a = Memory::upload(&device, left).unwrap();
        let b = Memory::upload(&device, right).unwrap();
        let left = View::new(&a, Kind::F32, &sizes, &strides, 0).unwrap();
        let right = View::new(&b, Kind::F32, &depth, &[1, 1], 0).unwrap();
        let out = Memory::unspecified(&device, 4).unwrap();
        matmul(left, right, &out, Epilogue::NONE, Precision::F32).unwrap();
        read(&out, 1)[0]
    };
    let mut large = vec![1.0; 1000];
    large[700] = f32::INFINITY;
    assert_eq!(product(&large, &[-0.3; 1000]), f32::NEG_INFINITY);
    assert_eq!(product(&[f32::INFINITY, 2.0], &[1.0, 3.0]), f32::INFINITY);
    assert!(product(&[f32::INFINITY, 2.0], &[0.0, 3.0]).is_nan());
    assert!(product(&[f32::NAN, 2.0], &[1.0, 3.0]).is_nan());
    assert_eq!(product(&[f32::MAX, 0.0], &[1.0, 1.0]), f32::MAX);
}

#[test]
fn integers_wrap_around() {
    let device = device();
    let a = Memory::upload(&device, &[i64::MAX, 2, 3, 4]).unwrap();
    let left = View::new(&a, Kind::I64, &[2, 2], &[2, 1], 0).unwrap();
    let out = Memory::unspecified(&device, 32).unwrap();
    matmul(left, left, &out, Epilogue::NONE, Precision::F32).unwrap();
    let mut found = [0i64; 4];
    out.read(0, &mut found).unwrap();
    let m = i64::MAX;
    assert_eq!(
        found,
        [
            m.wrapping_mul(m).wrapping_add(6),
            m.wrapping_mul(2).wrapping_add(8),
            m.wrapping_mul(3).wrapping_add(12),
            22
        ]
    );

    let bytes: Vec<u8> = (0..40u32).map(|i| (i * 7) as u8).collect();
    let memory = Memory::upload(&device, &bytes).unwrap();
    let left = View::new(&memory, Kind::U8, &[20, 2], &[2, 1], 0).unwrap();
    let right = View::new(&memory, Kind::U8, &[2, 20], &[1, 2], 0).unwrap();
    let out = Memory::unspecified(&device, 400).unwrap();
    matmul(left, right, &out, Epilogue::NONE, Precision::F32).unwrap();
    let mut found = [0u8; 400];
    out.read(0, &mut found).unwrap();
    for (place, found) in found.into_iter().enumerate() {
        let term = |l: usize| bytes[place / 20 * 2 + l].wrapping_mul(bytes[place % 20 * 2 + l]);
        assert_eq!(found, term(0).wrapping_add(term(1)));
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let device = device();
    let memory = Memory::upload(&device, &[0f32; 12]).unwrap();
    let view = |sizes: &'static [usize; 2]| View::new(&memory, Kind::F32, sizes, &[1, 1], 0).unwrap();
    let refusal = |left, right, out: &Memory, epilogue| {
        matmul(left, right, out, epilogue, Precision::F32).unwrap_err().to_string()
    };
    let (left, right) = (view(&[3, 4]), view(&[4, 3]));
    assert!(refusal(left, left, &memory, Epilogue::NONE).contains("[3, 4] by [3, 4]"));
    let small = Memory::unspecified(&device, 35).unwrap();
    assert!(refusal(left, right, &small, Epilogue::NONE).contains("into 35 bytes"));
    let column_bias = Some(View::new(&memory, Kind::F32, &[4], &[1], 0).unwrap());
    let epilogue = Epilogue { column_bias, ..Epilogue::NONE };
    assert!(refusal(left, right, &memory, epilogue).contains("for 3 columns"));
    let truth = View::new(&memory, Kind::Bool, &[3, 3], &[3, 1], 0).unwrap();
    assert!(refusal(truth, truth, &memory, Epilogue::NONE).contains("no product"));
}
