//! What the golden tests share.

use wengert_nn::{StateDict, state};
use wengert_tensor::{DType, Tensor, io};

/// The tensors of one case.
pub fn golden(case: &str) -> StateDict {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/goldens/nn.safetensors");
    let found = state::strip_prefix(&io::safetensors::load(path).unwrap().tensors, &format!("{case}/"));
    assert!(!found.is_empty(), "there is no golden '{case}'; write it with scripts/nn_goldens.py");
    found
}

/// Fails unless both are equal to 1e-9, absolute or relative.
#[track_caller]
pub fn assert_close(what: &str, found: &Tensor, expected: &Tensor) {
    assert_eq!(found.dims(), expected.dims(), "{what}");
    let numbers = |tensor: &Tensor| tensor.to_dtype(DType::F64).to_vec::<f64>();
    for (i, (found, expected)) in numbers(found).into_iter().zip(numbers(expected)).enumerate() {
        let error = (found - expected).abs();
        assert!(
            error <= 1e-9 * expected.abs().max(1.0),
            "{what}: element {i} is {found}, PyTorch has {expected}"
        );
    }
}
