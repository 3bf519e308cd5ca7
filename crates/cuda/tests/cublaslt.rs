//! Our matrix products against those of cuBLASLt, on a real device.

mod common;

use common::{Pair, device_with_cublaslt, read};
use std::io::{Write, stderr};
use wengert_cuda::gemm::Precision;
use wengert_cuda::gemm::cublaslt::Arithmetic;

/// Writes a line past the capture that hides what passing tests print.
fn notice(text: &str) {
    let _ = writeln!(stderr(), "{text}");
}

/// Rows, depth and columns: layers of the zoo, forward and both gradients; one tile; thin ones; large ones; odd ones.
const SIZES: [[usize; 3]; 14] = [
    [1, 1, 1],
    [1, 784, 1],
    [10, 3000, 10],
    [37, 401, 129],
    [128, 784, 400],
    [128, 400, 784],
    [128, 10, 400],
    [400, 128, 784],
    [512, 64, 4096],
    [4096, 64, 16],
    [255, 257, 511],
    [1024, 1024, 1024],
    [2048, 512, 2048],
    [64, 8192, 64],
];

/// The largest difference in units of the largest element.
fn difference(found: &[f32], wanted: &[f32]) -> f64 {
    let largest = wanted.iter().fold(f64::MIN_POSITIVE, |largest, &x| largest.max(f64::from(x).abs()));
    let pairs = found.iter().zip(wanted).map(|(&x, &y)| (f64::from(x) - f64::from(y)).abs() / largest);
    pairs.fold(0.0, |worst, x| if x.is_nan() { f64::INFINITY } else { worst.max(x) })
}

#[test]
fn ours_agree_with_cublaslt() {
    let device = match device_with_cublaslt() {
        Ok(device) => device,
        Err(reason) => return notice(&format!("products beside cuBLASLt: skipped, {reason}")),
    };
    // Of each kind the worst, and where. Sums of up to 8192 terms in another order differ by that much in f32; of TF32 the
    // two may also round numbers in their own ways.
    let mut worst = [
        ("f32", Precision::F32, Arithmetic::F32, 1e-5, (0.0, String::new())),
        ("f32 without tensor cores", Precision::Fma, Arithmetic::F32, 1e-5, (0.0, String::new())),
        ("tf32", Precision::Tf32, Arithmetic::Tf32, 4e-3, (0.0, String::new())),
    ];
    for sizes in SIZES {
        for transposed in [[false, false], [false, true], [true, false], [true, true]] {
            let pair = Pair::new(&device, sizes, transposed);
            let count = sizes[0] * sizes[2];
            for (name, precision, arithmetic, bound, found) in &mut worst {
                pair.cublaslt(*arithmetic);
                let wanted = read(&pair.out, count);
                pair.out.fill(0xff).unwrap();
                pair.ours(*precision);
                let error = difference(&read(&pair.out, count), &wanted);
                let place = format!("{sizes:?}, stored by columns: {transposed:?}");
                assert!(error < *bound, "{name}, {place}: differs by {error:e} of the largest element");
                if error >= found.0 {
                    *found = (error, place);
                }
            }
        }
    }
    for (name, _, _, _, (error, place)) in worst {
        notice(&format!("products in {name} differ from cuBLASLt's by at most {error:.1e}, at {place}"));
    }
}
