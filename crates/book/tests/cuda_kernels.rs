//! Every numbered kernel of a GPU computes what the first of its family does, and what the processor does: on the machine's
//! own device where it has one, else on the emulated one.

use std::path::Path;
use std::rc::Rc;
use std::time::Duration;
use wengert_book::kernels::device::{Function, Gpu, Problem};
use wengert_book::kernels::{Family, convolution, deviation, gemm, softmax};

fn gpu() -> Rc<Gpu> {
    if std::env::var_os("WENGERT_EMULATOR").is_some() || wengert_cuda::survey().driver.is_err() {
        let kernels = Path::new(env!("CARGO_MANIFEST_DIR")).join("kernels");
        wengert_emulator::load_with(&kernels).expect("the emulated device");
    }
    Gpu::open(0).unwrap()
}

fn holds(family: &Family, on_processor: &Family) {
    let deviations = family.deviations().unwrap();
    assert_eq!(deviations[0], 0.0, "{}", family.title);
    for (kernel, deviation) in family.kernels.iter().zip(deviations) {
        assert!(deviation < 1e-5, "{}, {}: {deviation}", family.title, kernel.name);
    }
    let [found, expected] = [family, on_processor].map(|family| family.result(&family.kernels[0]).unwrap());
    let apart = deviation(&found, &expected);
    assert!(apart < 1e-5, "{}: {apart} from the processor", family.title);
}

#[test]
fn products_of_any_size() {
    let gpu = gpu();
    // One element, less than a tile, whole tiles, rows that begin at multiples of 16 bytes and others.
    for (m, k, n) in [(1, 1, 1), (3, 5, 7), (64, 32, 128), (33, 40, 65), (131, 19, 136), (70, 75, 139)] {
        let size = gemm::Size { m, k, n };
        holds(&gemm::on_device(size, &gpu).unwrap(), &gemm::family(size));
    }
}

#[test]
fn softmax_of_rows_of_any_length() {
    let gpu = gpu();
    // The last rows do not fit into the registers of a warp.
    for (rows, columns) in [(1, 1), (3, 15), (9, 64), (130, 17), (2, 1000), (9, 1024), (3, 1027), (2, 1300)] {
        holds(&softmax::on_device(rows, columns, &gpu).unwrap(), &softmax::family(rows, columns));
    }
}

#[test]
fn convolutions_of_any_size() {
    let gpu = gpu();
    for (batch, channels, units, height, width) in
        [(1, 1, 1, 3, 3), (2, 3, 5, 4, 9), (3, 5, 66, 12, 7), (2, 6, 9, 13, 17), (2, 65, 9, 11, 37)]
    {
        let size = convolution::Size { batch, channels, units, height, width };
        holds(&convolution::on_device(size, &gpu).unwrap(), &convolution::family(size));
    }
}

#[test]
fn scores_of_minus_infinity_have_no_share() {
    // Whole reads of a thread hold nothing else.
    let (rows, columns) = (2, 300);
    let score = |place: usize| if place % columns < 200 { f32::NEG_INFINITY } else { (place % 7) as f32 };
    let x: Vec<f32> = (0..rows * columns).map(score).collect();
    let problem = Problem::new(&gpu(), Function::Softmax { rows, columns }, &[&x]).unwrap();
    let result = |name| problem.kernel(name, [rows, 1, 1]).unwrap().result().unwrap();
    let first = result("by definition");
    assert!(first[..200].iter().all(|share| *share == 0.0) && first[200] > 0.0);
    for name in ["by blocks", "by warps", "online", "in registers"] {
        assert!(deviation(&result(name), &first) < 1e-6, "{name}");
    }
}

#[test]
fn every_kernel_is_timed() {
    let family = softmax::on_device(8, 32, &gpu()).unwrap();
    let medians = family.medians(Duration::ZERO).unwrap();
    assert_eq!(medians.len(), family.kernels.len());
    assert!(medians.iter().all(|median| *median > Duration::ZERO), "{medians:?}");
}

#[test]
fn what_kernels_cannot_take_is_refused() {
    let gpu = gpu();
    let refusal = |function, operands: &[&[f32]]| {
        Problem::new(&gpu, function, operands).err().expect("a refusal").to_string()
    };
    let size = gemm::Size { m: 2, k: 3, n: 1 };
    let short = refusal(Function::Gemm(size), &[&[0.0; 6], &[0.0; 2]]);
    assert!(short.ends_with("takes [6, 3] numbers, got [6, 2]"), "{short}");
    let one = refusal(Function::Gemm(size), &[&[0.0; 6]]);
    assert!(one.ends_with("takes [6, 3] numbers, got [6]"), "{one}");
    let flat = convolution::Size { batch: 1, channels: 1, units: 1, height: 2, width: 9 };
    let flat = refusal(Function::Convolution(flat), &[&[0.0; 18], &[0.0; 9]]);
    assert!(flat.ends_with("has no result; sizes must be larger"), "{flat}");
    let large = refusal(Function::Softmax { rows: usize::MAX, columns: 2 }, &[&[]]);
    assert!(large.contains("kernels count to 2147482623"), "{large}");

    let problem = Problem::new(&gpu, Function::Gemm(size), &[&[0.0; 6], &[0.0; 3]]).unwrap();
    let refusal = |name, blocks| problem.kernel(name, blocks).err().expect("a refusal").to_string();
    assert!(refusal("tiles", [1, 65536, 1]).contains("cannot be started with [1, 65536, 1] blocks"));
    assert!(refusal("by magic", [1, 1, 1]).contains("looking for book_gemm_by_magic"));
}

#[test]
fn more_blocks_than_needed_do_no_harm_and_fewer_are_seen() {
    let gpu = gpu();
    let (a, b) = ([1.0; 40 * 3], [2.0; 3 * 40]);
    let problem = Problem::new(&gpu, Function::Gemm(gemm::Size { m: 40, k: 3, n: 40 }), &[&a, &b]).unwrap();
    let result = |blocks| problem.kernel("tiles", blocks).unwrap().result().unwrap();
    assert_eq!(result([3, 5, 2]), [6.0; 40 * 40]);
    assert!(result([1, 2, 1]).iter().any(|number| number.is_nan()));
}
