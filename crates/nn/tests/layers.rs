//! Layers against PyTorch: values, gradients, buffers, evaluation and the names of the state, from
//! `tests/goldens/nn.safetensors`, which `scripts/nn_goldens.py` writes.

mod common;

use common::{assert_close, golden};
use wengert_nn::*;
use wengert_tensor::autograd::{BackwardOptions, GradOptions, grad};
use wengert_tensor::{DType, Generator, Tensor, attempt};

fn rng() -> Generator {
    Generator::new(0)
}

/// Loads the golden state, which must fit by name, runs `forward` and compares all there is.
fn check<M: Module>(case: &str, mut module: M, forward: impl Fn(&M, &Tensor, &[Tensor]) -> Vec<Tensor>) {
    let golden = golden(case);
    module.to_dtype(DType::F64);
    module.load_state_dict(&state::strip_prefix(&golden, "state/"), true).unwrap();
    let input = match golden["input"].dtype() {
        DType::F64 => golden["input"].copy().requires_grad_(true),
        _ => golden["input"].clone(),
    };
    let initial: Vec<Tensor> = (0..).map_while(|i| golden.get(&format!("initial{i}")).cloned()).collect();

    let outputs = forward(&module, &input, &initial);
    for (i, output) in outputs.iter().enumerate() {
        assert_close(&format!("{case}: output {i}"), output, &golden[&format!("output{i}")]);
    }
    assert!(!golden.contains_key(&format!("output{}", outputs.len())), "{case}: PyTorch returns more");

    outputs[0].backward_from(&golden["cotangent"], BackwardOptions::default()).unwrap();
    for (name, parameter) in module.named_parameters() {
        let gradient = parameter.grad().unwrap_or_else(|| panic!("{case}: {name} has no gradient"));
        assert_close(&format!("{case}: gradient of {name}"), &gradient, &golden[&format!("gradient/{name}")]);
    }
    if let Some(expected) = golden.get("input_gradient") {
        assert_close(&format!("{case}: gradient of the input"), &input.grad().unwrap(), expected);
    }
    for (name, buffer) in module.named_buffers() {
        assert_close(&format!("{case}: {name} after"), &buffer, &golden[&format!("after/{name}")]);
    }
    module.eval();
    assert_close(&format!("{case}: evaluated"), &forward(&module, &input, &initial)[0], &golden["evaluated"]);
}

fn check_layer(case: &str, layer: impl Layer) {
    check(case, layer, |layer, input, _| vec![layer.forward(input)]);
}

#[test]
fn linear_and_sequential() {
    check_layer("linear", Linear::new(5, 3, &rng()));
    check_layer("linear_no_bias", Linear::builder(5, 3).bias(false).build(&rng()));
    let inner = Sequential::new().add(Linear::new(6, 3, &rng())).add(LogSoftmax::new(-1));
    check_layer("sequential", Sequential::new().add(Linear::new(4, 6, &rng())).add(GELU::new()).add(inner));
}

#[test]
fn convolutions() {
    let conv1d = Conv1d::builder(4, 6, 3).stride(2).padding(2).dilation(2).groups(2);
    check_layer("conv1d", conv1d.build(&rng()));
    let conv2d = Conv2d::builder(2, 3, [3, 2]).stride([2, 1]).padding(1).bias(false);
    check_layer("conv2d", conv2d.build(&rng()));
    check_layer("conv_transpose1d", ConvTranspose1d::builder(4, 6, 3).stride(2).groups(2).build(&rng()));
    let transposed = ConvTranspose2d::builder(3, 2, 3).stride(2).padding(1).output_padding(1);
    check_layer("conv_transpose2d", transposed.build(&rng()));
}

#[test]
fn normalisations() {
    check_layer("batch_norm1d", BatchNorm1d::new(3));
    check_layer("batch_norm1d_length", BatchNorm1d::new(3).cumulative());
    check_layer("batch_norm2d", BatchNorm2d::new(3).eps(1e-3).momentum(0.2));
    check_layer("batch_norm2d_bare", BatchNorm2d::new(3).affine(false).track_running_stats(false));
    check_layer("layer_norm", LayerNorm::new([4, 3]));
    check_layer("group_norm", GroupNorm::new(2, 6).eps(1e-3));
    check_layer("instance_norm1d", InstanceNorm1d::new(3).affine(true).track_running_stats(true));
    check_layer("instance_norm2d", InstanceNorm2d::new(3));
}

#[test]
fn embedding() {
    check_layer("embedding", Embedding::builder(6, 4).padding_index(2).build(&rng()));
}

#[test]
fn spectral_norm() {
    check_layer("spectral_norm_linear", SpectralNorm::new(Linear::new(5, 4, &rng()), &rng()));
    let conv = SpectralNorm::new(Conv2d::new(2, 4, 3, &rng()), &rng()).power_iterations(2);
    check_layer("spectral_norm_conv2d", conv);
    let transposed = ConvTranspose2d::new(2, 3, 2, &rng());
    check_layer("spectral_norm_conv_transpose2d", SpectralNorm::new(transposed, &rng()));
}

#[test]
fn recurrent() {
    fn gru(gru: &GRU, input: &Tensor, initial: &[Tensor]) -> Vec<Tensor> {
        let (output, hidden) = gru.forward(input, initial.first());
        vec![output, hidden]
    }
    fn lstm(lstm: &LSTM, input: &Tensor, initial: &[Tensor]) -> Vec<Tensor> {
        let (output, (hidden, memory)) = lstm.forward(input, initial.first().zip(initial.get(1)));
        vec![output, hidden, memory]
    }
    check("gru", GRU::new(3, 4, &rng()), gru);
    let both = GRU::builder(3, 4).num_layers(2).batch_first(true).bidirectional(true);
    check("gru_bidirectional", both.build(&rng()), gru);
    check("lstm", LSTM::builder(3, 4).num_layers(2).build(&rng()), lstm);
    let both = LSTM::builder(3, 2).batch_first(true).bidirectional(true).bias(false);
    check("lstm_bidirectional", both.build(&rng()), lstm);
    check("gru_cell", GRUCell::new(3, 4, &rng()), |cell, input, initial| {
        vec![cell.forward(input, initial.first())]
    });
    check("lstm_cell", LSTMCell::new(3, 4, &rng()), |cell, input, initial| {
        let (hidden, memory) = cell.forward(input, initial.first().zip(initial.get(1)));
        vec![hidden, memory]
    });
}

#[test]
fn activations() {
    check_layer("relu", ReLU::new());
    check_layer("leaky_relu", LeakyReLU::new(0.2));
    check_layer("elu", ELU::new(0.7));
    check_layer("selu", SELU::new());
    check_layer("silu", SiLU::new());
    check_layer("gelu", GELU::new());
    check_layer("gelu_tanh", GELU::tanh());
    check_layer("tanh", Tanh::new());
    check_layer("sigmoid", Sigmoid::new());
    check_layer("softplus", Softplus::new());
    check_layer("softmax", Softmax::new(1));
    check_layer("log_softmax", LogSoftmax::new(1));
    check_layer("hardtanh", Hardtanh::new(-0.5, 0.8));
    let x = rng().normal([2, 3], 0.0, 1.0, DType::F64);
    assert_close("log_sigmoid", &LogSigmoid::new().forward(&x), &Sigmoid::new().forward(&x).log());
}

#[test]
fn shapes_pools_and_resolutions() {
    check_layer("flatten", Flatten::new());
    check_layer("unflatten", Unflatten::new(1, [2, 2]));
    check_layer("max_pool2d", MaxPool2d::new(2).stride(1).padding(1));
    check_layer("avg_pool2d", AvgPool2d::new([2, 3]).stride(2).padding(1));
    check_layer("adaptive_avg_pool2d", AdaptiveAvgPool2d::new([2, 3]));
    check_layer("upsample_nearest", Upsample::nearest(2));
    check_layer("upsample_bilinear", Upsample::bilinear([2, 3]));
    check_layer("upsample_bilinear_aligned", Upsample::bilinear_aligned(2));
    check_layer("pixel_shuffle", PixelShuffle::new(2));
    check_layer("pixel_unshuffle", PixelUnshuffle::new(2));
}

/// Layers whose op takes the activation after them in compute what they compute one by one, bit by bit.
#[test]
fn sequences_fuse_activations() {
    let rng = rng();
    let activations: [Box<dyn Layer>; 4] = [
        Box::new(ReLU::new()),
        Box::new(LeakyReLU::new(0.2)),
        Box::new(Tanh::new()),
        Box::new(Sigmoid::new()),
    ];
    for activation in activations {
        let name = activation.kind();
        let layers = Sequential::new().add(Linear::new(7, 40, &rng)).add_boxed(activation);
        let input = rng.normal([9, 7], 0.0, 1.0, DType::F32);
        let fused = layers.forward(&input);
        assert!(fused.grad_fn().unwrap().starts_with("linear_"), "{name} ran on its own");
        assert_eq!(fused.to_vec::<f32>(), layers.forward_all(&input)[1].to_vec::<f32>(), "{name}");
    }
}

#[test]
fn sequences_fuse_rectifiers_into_batch_norm() {
    let rng = rng();
    let input = rng.normal([9, 7, 5, 4], 0.0, 1.0, DType::F32).requires_grad_(true);
    for activation in [Box::new(ReLU::new()) as Box<dyn Layer>, Box::new(LeakyReLU::new(0.2))] {
        let name = activation.kind();
        let layers = Sequential::new().add(BatchNorm2d::new(7)).add_boxed(activation);
        let fused = layers.forward(&input);
        let plain = layers.forward_all(&input)[1].clone();
        assert!(fused.grad_fn().unwrap().starts_with("batch_norm_"), "{name} ran on its own");
        assert_eq!(fused.to_vec::<f32>(), plain.to_vec::<f32>(), "{name}");
        let gradients = [fused, plain].map(|output| {
            let loss = (&output * &output.detach().sin()).sum_all();
            grad(&[&loss], &[&input], GradOptions::default()).unwrap()[0].to_vec::<f32>()
        });
        assert_eq!(gradients[0], gradients[1], "{name}");
        layers.eval();
        assert_eq!(layers.forward(&input).to_vec::<f32>(), layers.forward_all(&input)[1].to_vec::<f32>());
    }
}

/// The slope of a leaky ReLU below 0 that is itself negative cannot be told from the output: such a layer runs alone.
#[test]
fn what_cannot_be_fused_runs_alone() {
    let rng = rng();
    for activation in [Box::new(LeakyReLU::new(-0.5)) as Box<dyn Layer>, Box::new(GELU::new())] {
        let layers = Sequential::new().add(Linear::new(3, 5, &rng)).add_boxed(activation);
        let input = rng.normal([2, 3], 0.0, 1.0, DType::F32);
        let (output, all) = (layers.forward(&input), layers.forward_all(&input));
        assert_eq!(output.grad_fn(), all[1].grad_fn());
        assert_eq!(output.to_vec::<f32>(), all[1].to_vec::<f32>());
    }
}

#[test]
fn layers_of_which_nothing_comes_in_start_at_zero() {
    let rng = Generator::new(1);
    let linear = Linear::new(0, 3, &rng);
    assert_eq!(linear.forward(&Tensor::zeros([2, 0], DType::F32)).to_vec::<f32>(), [0.0; 6]);
}

#[test]
fn an_axis_is_split_into_what_is_left() {
    let x = Tensor::zeros([2, 6], DType::F32);
    assert_eq!(Unflatten::new(1, [2, -1]).forward(&x).dims(), [2, 2, 3]);
    for sizes in [[4, -1], [4, 2]] {
        let error = attempt(|| Unflatten::new(1, sizes).forward(&x)).unwrap_err().to_string();
        assert!(error.starts_with("unflatten: "), "{error}");
    }
}
