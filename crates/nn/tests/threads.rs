//! The number of threads makes no difference to any bit of training.

use wengert_nn::*;
use wengert_tensor::{DType, Generator, Reduction, Tensor};

/// Names and bits of the losses, gradients, parameters and buffers of two training steps. The arrays are large enough
/// to be cut into many tasks.
fn train() -> Vec<(String, Vec<u32>)> {
    let rng = Generator::new(3);
    let features = 12 * 9 * 9;
    let seeing = Sequential::new()
        .add(Conv2d::new(2, 12, 3, &rng))
        .add(BatchNorm2d::new(12))
        .add(ReLU::new())
        .add(Dropout::new(0.3, &rng))
        .add(MaxPool2d::new(2))
        .add(Flatten::new());
    let reading = Embedding::new(50, features, &rng);
    let judging =
        Sequential::new().add(LayerNorm::new(features)).add(GELU::new()).add(Linear::new(features, 10, &rng));
    let parts: [(&str, &dyn Module); 3] = [("seeing", &seeing), ("reading", &reading), ("judging", &judging)];

    let data = rng.stream(1);
    let images = data.normal([16, 2, 20, 20], 0.0, 1.0, DType::F32).requires_grad_(true);
    let (words, labels) = (data.randint(0, 50, [16, 9]), data.randint(0, 10, 16));

    let mut optimizer = Adam::new(parts.iter().flat_map(|(_, part)| part.parameters()).collect(), 1e-2);
    let mut bits = Vec::new();
    let mut record = |name: String, tensor: &Tensor| {
        let elements = tensor.to_dtype(DType::F32).to_vec::<f32>();
        bits.push((name, elements.into_iter().map(f32::to_bits).collect()));
    };
    for step in 0..2 {
        images.zero_grad();
        optimizer.zero_grad();
        let seen = seeing.forward(&images) + reading.forward(&words).mean(&[1], false);
        let loss = judging.forward(&seen).cross_entropy(&labels, Reduction::Mean);
        loss.backward().unwrap();
        record(format!("loss {step}"), &loss);
        record(format!("gradient {step} of the images"), &images.grad().unwrap());
        for (name, parameter) in parts.iter().flat_map(|(_, part)| part.named_parameters()) {
            record(format!("gradient {step} of {name}"), &parameter.grad().unwrap());
        }
        optimizer.step().unwrap();
    }
    for (part, module) in parts {
        for (name, tensor) in module.state_dict() {
            record(format!("{part}.{name}"), &tensor);
        }
    }
    bits
}

#[test]
fn training_has_the_same_bits_with_any_number_of_threads() {
    let with_threads = |count| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(count).build().unwrap();
        pool.install(train)
    };
    let alone = with_threads(1);
    assert!(alone.iter().all(|(_, bits)| bits.iter().all(|&bits| f32::from_bits(bits).is_finite())));
    for count in [2, 3] {
        for ((name, bits), (_, expected)) in with_threads(count).iter().zip(&alone) {
            assert!(bits == expected, "{name} differs between 1 and {count} threads");
        }
    }
}
