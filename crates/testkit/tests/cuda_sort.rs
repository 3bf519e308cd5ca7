//! Sorting, running totals and additions by index on CUDA, on lines longer than the case table has.

use wengert_tensor::{DType, Device, Generator, Tensor, on_device};
use wengert_testkit::modes::cuda_device;

/// Runs `body` on both devices; the results are the same.
fn same(body: impl Fn() -> Tensor) {
    let run = |device| on_device(device, || body().to_dtype(DType::F64).to_vec::<f64>());
    let (found, expected) = (run(cuda_device().unwrap()), run(Device::Cpu));
    assert_eq!(found.len(), expected.len());
    let differs =
        found.iter().zip(&expected).position(|(found, expected)| found.to_bits() != expected.to_bits());
    assert_eq!(differs, None);
}

/// Numbers with many ties, NaN, infinities and zeros of both signs.
fn awkward(shape: [usize; 2]) -> Tensor {
    let numbers = Generator::new(1).randint(-40, 40, shape).to_dtype(DType::F32);
    let numbers = numbers.masked_fill(&numbers.eq_scalar(7.0), f64::NAN);
    let numbers = numbers.masked_fill(&numbers.eq_scalar(-9.0), f64::NEG_INFINITY);
    numbers.masked_fill(&numbers.eq_scalar(3.0), -0.0)
}

#[test]
fn long_lines_are_sorted() {
    for descending in [false, true] {
        for shape in [[1, 1025], [3, 2048], [2, 5000], [1, 1024]] {
            same(|| awkward(shape).argsort(1, descending));
        }
        same(|| awkward([3100, 2]).argsort(0, descending));
        same(|| awkward([3000, 1]).to_dtype(DType::F64).neg().argsort(0, descending));
        same(|| Generator::new(2).randint(i64::MIN, i64::MAX, [2, 1500]).argsort(1, descending));
    }
}

#[test]
fn running_totals_of_long_lines() {
    same(|| Generator::new(1).randint(i64::MIN, i64::MAX, [3, 1000]).cumsum(1));
    same(|| Generator::new(1).randint(0, 9, [700, 3]).cumsum(0));
    // Sums of small integers are exact in any order.
    same(|| Generator::new(1).randint(-9, 9, [2, 3000]).to_dtype(DType::F32).cumsum(1));
}

#[test]
fn additions_keep_the_order_of_the_indices() {
    // Fewer places than indices and the other way round.
    for (places, length) in [(5, 700), (900, 300), (1, 33)] {
        let index = || Generator::new(4).randint(0, places as i64, length);
        let rows = |inner: usize| Generator::new(5).normal([length, inner], 0.0, 1.0, DType::F32);
        for inner in [1, 3, 130] {
            same(|| Tensor::ones([places, inner], DType::F32).index_add(0, &index(), &rows(inner)));
            same(|| {
                let index = index().unsqueeze(1).broadcast_to([length, inner]);
                Tensor::ones([places, inner], DType::F32).scatter_add(0, &index, &rows(inner))
            });
            same(|| {
                let index = index().unsqueeze(1).broadcast_to([length, inner]);
                Tensor::ones([places, inner], DType::F32).scatter(0, &index, &rows(inner))
            });
        }
    }
}

#[test]
fn many_tensors_are_joined() {
    same(|| {
        let parts: Vec<Tensor> =
            (0..70).map(|i| Generator::new(i).normal([3, i as usize % 9], 0.0, 1.0, DType::F32)).collect();
        Tensor::cat(&parts.iter().collect::<Vec<_>>(), 1)
    });
    same(|| {
        let parts: Vec<Tensor> =
            (0..5).map(|i| Generator::new(i).normal([6, 8], 0.0, 1.0, DType::F32)).collect();
        Tensor::cat(&parts.iter().collect::<Vec<_>>(), 1)
    });
}

#[test]
fn an_index_out_of_range_is_an_error() {
    let message = |body: fn(&Tensor, &Tensor) -> Tensor| {
        on_device(cuda_device().unwrap(), || {
            let x = Tensor::from_slice(&[1.0, 2.0, 3.0, 4.0], [2, 2]);
            let bad = Tensor::from_slice(&[0i64, 1, 2, -7], 4);
            let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| body(&x, &bad)));
            panic.unwrap_err().downcast_ref::<String>().unwrap().clone()
        })
    };
    let range = "index 2 is out of range: it must lie in 0..=1";
    assert_eq!(message(|x, bad| x.index_select(0, bad)), format!("index_select: {range}"));
    assert_eq!(message(|x, bad| x.gather(1, &bad.reshape([2, 2]))), format!("gather: {range}"));
    assert_eq!(message(|x, bad| x.embedding(bad, None)), format!("embedding: {range}"));
    assert_eq!(message(|_, bad| bad.one_hot(2)), format!("one_hot: {range}"));
}
