//! What living tensors hold. One test in a binary of its own: the counters are the process's.

use wengert_tensor::{DType, Tensor, memory};

#[test]
fn live_bytes_are_the_same_after_step_100_and_step_1000() {
    let weight = Tensor::full([64, 64], 0.01, DType::F32).requires_grad_(true);
    let input = Tensor::full([32, 64], 0.5, DType::F32);
    let mut live = Vec::new();
    for step in 1..=1000 {
        weight.zero_grad();
        input.matmul(&weight).tanh().sum_all().backward().unwrap();
        if step == 100 || step == 1000 {
            live.push(memory::live_bytes());
        }
    }
    assert_eq!(live[0], live[1]);
    assert!(memory::peak_bytes() >= live[0]);

    // Two weights' worth of bytes: the weight and its gradient, and the input.
    let expected = (2 * 64 * 64 + 32 * 64) * 4;
    assert_eq!(live[1], expected);
    drop((weight, input));
    assert_eq!(memory::live_bytes(), 0, "dropping every tensor frees every byte");
    memory::release_cache();
}
