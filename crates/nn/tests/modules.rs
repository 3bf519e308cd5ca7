//! Modules as wholes: state, ties, freezing, conversion, names in errors, default initialisation, dropout's streams.

use std::cell::RefCell;
use std::rc::Rc;
use wengert_nn::*;
use wengert_tensor::autograd::{GradOptions, grad};
use wengert_tensor::{DType, Generator, Tensor, inspect};

fn model(rng: &Generator) -> Sequential {
    let body =
        Sequential::new().add(Linear::new(6, 4, rng)).add(BatchNorm1d::new(4)).add(Dropout::new(0.5, rng));
    Sequential::new().add_named("body", body).add_named("head", Linear::new(4, 2, rng))
}

fn largest(tensor: &Tensor) -> f64 {
    tensor.to_dtype(DType::F64).to_vec::<f64>().into_iter().fold(0.0, |most: f64, x| most.max(x.abs()))
}

#[test]
fn state_travels_by_name() {
    let source = model(&Generator::new(1));
    source.forward(&Generator::new(5).normal([8, 6], 0.0, 1.0, DType::F32));
    let target = model(&Generator::new(2));
    let state = source.state_dict();
    let names: Vec<&str> = state.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "body.0.bias",
            "body.0.weight",
            "body.1.bias",
            "body.1.num_batches_tracked",
            "body.1.running_mean",
            "body.1.running_var",
            "body.1.weight",
            "head.bias",
            "head.weight",
        ]
    );
    target.load_state_dict(&state, true).unwrap();
    for (name, tensor) in target.state_dict() {
        assert_eq!(format!("{tensor:?}"), format!("{:?}", state[&name]), "{name}");
    }
    assert_eq!(target.parameter_count(), 6 * 4 + 4 + 4 + 4 + 4 * 2 + 2);
}

#[test]
fn a_misfit_is_refused_whole_or_reported() {
    let model = model(&Generator::new(1));
    let before = model.state_dict();
    let mut state: StateDict =
        before.iter().map(|(name, tensor)| (name.clone(), tensor.ones_like())).collect();
    let bias = state.remove("head.bias").unwrap();
    state.insert("tail.bias".to_owned(), bias);
    let error = model.load_state_dict(&state, true).unwrap_err().to_string();
    assert!(error.contains("missing: head.bias") && error.contains("unexpected: tail.bias"), "{error}");
    assert_eq!(
        model.state_dict()["head.weight"].to_vec::<f32>(),
        before["head.weight"].to_vec::<f32>(),
        "a refused state changes nothing"
    );
    let difference = model.load_state_dict(&state, false).unwrap();
    assert_eq!(
        (difference.missing, difference.unexpected),
        (vec!["head.bias".into()], vec!["tail.bias".into()])
    );
    assert_eq!(model.state_dict()["head.weight"].to_vec::<f32>(), [1.0; 8]);

    state.insert("head.weight".to_owned(), Tensor::ones([2, 4], DType::F64));
    let error = model.load_state_dict(&state, false).unwrap_err().to_string();
    assert!(error.contains("head.weight (needs f32[2, 4], the file has f64[2, 4])"), "{error}");
}

#[derive(Debug)]
struct Tied {
    encoder: Linear,
    decoder: Linear,
}
module!(Tied { modules: encoder, decoder });

#[test]
fn tied_weights_are_one_parameter_under_two_names() {
    let rng = Generator::new(1);
    let mut tied = Tied { encoder: Linear::new(3, 3, &rng), decoder: Linear::new(3, 3, &rng) };
    tied.decoder.weight = tied.encoder.weight.clone();
    assert_eq!(tied.parameters().len(), 3);
    tied.to_dtype(DType::F64);
    assert_eq!(tied.encoder.weight.address(), tied.decoder.weight.address(), "conversion keeps ties");
    assert!(tied.decoder.weight.requires_grad());

    let mut state = tied.state_dict();
    assert_eq!(state.len(), 4);
    let weight = Tensor::full([3, 3], 7.0, DType::F64);
    state.remove("decoder.weight");
    state.insert("encoder.weight".to_owned(), weight);
    tied.load_state_dict(&state, true).expect("one name of a tied weight is enough");
    assert_eq!(largest(&tied.decoder.weight), 7.0);

    let x = Tensor::ones([2, 3], DType::F64);
    let loss = tied.decoder.forward(&tied.encoder.forward(&x)).sum_all();
    loss.backward().unwrap();
    Sgd::new(tied.parameters(), 0.1).step().unwrap();
    assert_ne!(largest(&tied.encoder.weight), 7.0);
}

#[test]
fn frozen_parameters_get_no_gradient_and_are_skipped() {
    let rng = Generator::new(1);
    let tied = Tied { encoder: Linear::new(3, 3, &rng), decoder: Linear::new(3, 3, &rng) };
    tied.encoder.set_requires_grad(false);
    let before = tied.encoder.state_dict();
    let mut adam = Adam::new(tied.parameters(), 0.1);
    tied.decoder
        .forward(&tied.encoder.forward(&Tensor::ones([2, 3], DType::F32)))
        .sum_all()
        .backward()
        .unwrap();
    adam.step().unwrap();
    assert!(tied.encoder.weight.grad().is_none());
    assert_eq!(tied.encoder.weight.to_vec::<f32>(), before["weight"].to_vec::<f32>());
    assert!(tied.decoder.weight.grad().is_some());
    adam.zero_grad();
    assert!(tied.decoder.weight.grad().is_none());
}

#[test]
#[should_panic(expected = "body.0")]
fn an_error_names_the_layer() {
    let model = model(&Generator::new(1));
    model.assign_names();
    assert_eq!(model.parameters()[0].name().as_deref(), Some("body.0.weight"));
    model.forward(&Tensor::zeros([2, 5], DType::F32));
}

#[test]
fn default_initialisation_is_pytorchs() {
    let rng = Generator::new(3);
    let within = |tensor: &Tensor, bound: f64| {
        let found = largest(tensor);
        assert!(found <= bound && found > 0.95 * bound, "{found} is not just below {bound}");
    };
    let linear = Linear::new(400, 300, &rng);
    within(&linear.weight, 1.0 / 400f64.sqrt());
    within(linear.bias.as_ref().unwrap(), 1.0 / 400f64.sqrt());
    let conv = Conv2d::builder(16, 64, 3).groups(2).build(&rng);
    assert_eq!(conv.weight.dims(), [64, 8, 3, 3]);
    within(&conv.weight, 1.0 / 72f64.sqrt());
    let transposed = ConvTranspose2d::new(16, 64, 3, &rng);
    assert_eq!(transposed.weight.dims(), [16, 64, 3, 3]);
    within(&transposed.weight, 1.0 / (64.0 * 9f64).sqrt());
    for (name, parameter) in GRU::builder(30, 64).build(&rng).named_parameters() {
        assert!(largest(&parameter) <= 0.125, "{name}");
    }
    let same = Linear::new(400, 300, &Generator::new(3));
    assert_eq!(same.weight.to_vec::<f32>(), linear.weight.to_vec::<f32>(), "a seed gives one model");
}

#[test]
fn a_restored_stream_draws_the_same_masks() {
    let rng = Generator::new(1);
    let mut dropout = Sequential::new().add(Dropout::new(0.5, &rng)).add(Dropout::new(0.5, &rng));
    let x = Tensor::ones(64, DType::F32);
    dropout.forward(&x);
    let state = dropout.generator_state();
    assert_eq!(state.keys().collect::<Vec<_>>(), ["0.generator", "1.generator"]);
    let next = dropout.forward(&x).to_vec::<f32>();
    assert!(next.contains(&0.0) && next.contains(&4.0));
    assert_ne!(dropout.forward(&x).to_vec::<f32>(), next);
    dropout.load_generator_state(&state).unwrap();
    assert_eq!(dropout.forward(&x).to_vec::<f32>(), next);
    dropout.eval();
    assert_eq!(dropout.forward(&x).to_vec::<f32>(), [1.0; 64]);

    let wrong = StateDict::from([("0.generator".to_owned(), Tensor::scalar(1i64))]);
    let error = dropout.load_generator_state(&wrong).unwrap_err().to_string();
    assert!(error.contains("missing: 1.generator") && error.contains("0.generator (needs i64[3]"), "{error}");
}

#[test]
fn spectral_norm_brings_the_largest_singular_value_to_one() {
    let rng = Generator::new(2);
    let layer = SpectralNorm::new(Linear::new(6, 6, &rng), &rng);
    for _ in 0..100 {
        layer.forward(&Tensor::zeros([1, 6], DType::F32));
    }
    let weight = layer.normalised_weight().detach();
    // The largest singular value, by power iteration on WᵀW from a fixed start.
    let mut vector = Tensor::ones([6, 1], DType::F32);
    for _ in 0..200 {
        let next = weight.t().matmul(&weight.matmul(&vector));
        vector = &next * (1.0 / next.square().sum_all().item().sqrt());
    }
    let stretched = weight.matmul(&vector).square().sum_all().item().sqrt();
    assert!((stretched - 1.0).abs() < 1e-3, "{stretched}");
}

/// The backward pass of a gradient penalty goes forwards through the critic once, and nowhere else: the graph in which
/// the slopes were computed gets no cotangent of its own, so nothing, not even zeros, is sent back through it; and slopes
/// by the images cost no gradients of weights.
#[test]
fn a_gradient_penalty_sends_no_zeros_back() {
    let rng = Generator::new(0);
    let critic = Sequential::new()
        .add(Conv2d::builder(1, 3, 4).stride(2).padding(1).build(&rng))
        .add(LeakyReLU::new(0.2))
        .add(Conv2d::builder(3, 4, 4).stride(2).padding(1).build(&rng))
        .add(LeakyReLU::new(0.2))
        .add(Flatten::new())
        .add(Linear::new(16, 1, &rng));
    let images = rng.normal([2, 1, 8, 8], 0.0, 1.0, DType::F32).requires_grad_(true);
    let counted = |body: &dyn Fn() -> Tensor| {
        let names = Rc::new(RefCell::new(Vec::new()));
        let seen = names.clone();
        let result = inspect::observe(move |event| seen.borrow_mut().push(event.op.name()), body);
        let names = names.take();
        (result, move |name: &str| names.iter().filter(|seen| **seen == name).count())
    };
    let scores = critic.forward(&images).sum_all();
    let (slopes, count) = counted(&|| {
        let options = GradOptions { create_graph: true, ..GradOptions::default() };
        grad(&[&scores], &[&images], options).unwrap().remove(0)
    });
    assert_eq!(["conv2d", "conv2d_input_grad", "conv2d_weight_grad"].map(&count), [0, 2, 0]);
    let penalty = (slopes.flatten(1, -1).norm(2.0, &[1], false) - 1.0).square().mean_all();
    let (_, count) = counted(&|| {
        penalty.backward().unwrap();
        penalty.clone()
    });
    assert_eq!(["conv2d", "conv2d_input_grad", "conv2d_weight_grad"].map(&count), [2, 0, 2]);
    let biases = critic.named_parameters().into_iter().filter(|(name, _)| name.ends_with("bias"));
    assert!(biases.into_iter().all(|(_, bias)| bias.grad().is_none()), "the slopes do not depend on biases");
}
