//! Ten training steps of three small models, held against PyTorch's: every loss and every final weight.
//!
//! scripts/trajectories.py wrote the goldens, with initial weights, data and noise, and says what each model is.

use std::path::Path;

use wengert_nn::state::strip_prefix;
use wengert_nn::{
    Adam, BatchNorm2d, Conv2d, ConvTranspose2d, Flatten, Layer, LayerNorm, LeakyReLU, Linear, Module,
    Optimizer, ReLU, Sequential, StateDict, Tanh, module,
};
use wengert_tensor::autograd::{GradOptions, grad};
use wengert_tensor::ops::loss::Reduction;
use wengert_tensor::{Activation, DType, Generator, Tensor, io};
use wengert_testkit::compare;

/// Relative and absolute tolerance of a loss, a weight or a gradient in f64.
const TOLERANCE: (f64, f64) = (1e-8, 1e-11);

const STEPS: usize = 10;

/// What PyTorch computed.
struct Golden(StateDict);

impl Golden {
    fn open(name: &str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join(format!("tests/goldens/trajectory_{name}.safetensors"));
        Self(io::safetensors::load(path).expect("run scripts/trajectories.py").tensors)
    }

    /// The entries under `prefix`.
    fn part(&self, prefix: &str) -> StateDict {
        let part = strip_prefix(&self.0, prefix);
        assert!(!part.is_empty(), "the golden has nothing under {prefix}");
        part
    }

    /// Entry `name` of a step.
    fn step(&self, name: &str, step: usize) -> Tensor {
        self.0[name].select(0, step as isize)
    }

    /// Holds tensors against the entries under `prefix`, name by name.
    fn holds(&self, prefix: &str, found: &StateDict) {
        let expected = self.part(prefix);
        assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
        for (name, expected) in &expected {
            close(&format!("{prefix}{name}"), &found[name], expected);
        }
    }

    /// Holds the losses of all steps against entry `name`.
    fn holds_losses(&self, name: &str, found: &[f64]) {
        close(name, &Tensor::from_slice(found, found.len()), &self.0[name]);
    }
}

fn close(what: &str, found: &Tensor, expected: &Tensor) {
    let result = compare::matches(found, expected.dims(), &compare::elements(expected), TOLERANCE);
    result.unwrap_or_else(|difference| panic!("{what}: {difference}"));
}

/// Makes a model f64 and gives it the weights under `prefix`.
fn prepare(model: &mut impl Module, golden: &Golden, prefix: &str) {
    model.to_dtype(DType::F64);
    model.load_state_dict(&golden.part(prefix), true).expect("PyTorch's names and shapes");
}

#[derive(Debug)]
struct Vae {
    fc1: Linear,
    fc21: Linear,
    fc22: Linear,
    fc3: Linear,
    fc4: Linear,
}
module!(Vae { modules: fc1, fc21, fc22, fc3, fc4 });

#[test]
fn vae() {
    let golden = Golden::open("vae");
    let rng = Generator::new(0);
    let linear = |inputs, outputs| Linear::new(inputs, outputs, &rng);
    let mut model = Vae {
        fc1: linear(36, 24),
        fc21: linear(24, 4),
        fc22: linear(24, 4),
        fc3: linear(4, 24),
        fc4: linear(24, 36),
    };
    prepare(&mut model, &golden, "initial/");
    let mut adam = Adam::new(model.parameters(), 1e-3);
    let (mut reconstructions, mut kls) = (Vec::new(), Vec::new());
    for step in 0..STEPS {
        let x = golden.step("data/x", step);
        let hidden = model.fc1.forward_activated(&x, Activation::Relu);
        let (mu, logvar) = (model.fc21.forward(&hidden), model.fc22.forward(&hidden));
        let z = mu.reparameterise(&logvar, &golden.step("noise/z", step));
        let logits = model.fc4.forward(&model.fc3.forward_activated(&z, Activation::Relu));
        let reconstruction = logits.binary_cross_entropy_with_logits(&x, Reduction::Sum);
        let kl = mu.gaussian_kl(&logvar, Reduction::Sum);
        reconstructions.push(reconstruction.item());
        kls.push(kl.item());
        adam.zero_grad();
        (reconstruction + kl).backward().unwrap();
        adam.step().unwrap();
    }
    golden.holds_losses("losses/reconstruction", &reconstructions);
    golden.holds_losses("losses/kl", &kls);
    golden.holds("final/", &model.state_dict());
}

#[test]
fn dcgan() {
    let golden = Golden::open("dcgan");
    let rng = Generator::new(0);
    let grow = |inputs, outputs, stride, padding| {
        ConvTranspose2d::builder(inputs, outputs, 4).stride(stride).padding(padding).bias(false).build(&rng)
    };
    let shrink = |inputs, outputs, stride, padding| {
        Conv2d::builder(inputs, outputs, 4).stride(stride).padding(padding).bias(false).build(&rng)
    };
    let mut generator = Sequential::new()
        .add(grow(6, 8, 1, 0))
        .add(BatchNorm2d::new(8))
        .add(ReLU::new())
        .add(grow(8, 4, 2, 1))
        .add(BatchNorm2d::new(4))
        .add(ReLU::new())
        .add(grow(4, 1, 2, 1))
        .add(Tanh::new());
    let mut discriminator = Sequential::new()
        .add(shrink(1, 4, 2, 1))
        .add(LeakyReLU::new(0.2))
        .add(shrink(4, 8, 2, 1))
        .add(BatchNorm2d::new(8))
        .add(LeakyReLU::new(0.2))
        .add(shrink(8, 1, 1, 0));
    prepare(&mut generator, &golden, "initial/generator/");
    prepare(&mut discriminator, &golden, "initial/discriminator/");
    let mut generator_adam = Adam::new(generator.parameters(), 2e-4).betas(0.5, 0.999);
    let mut discriminator_adam = Adam::new(discriminator.parameters(), 2e-4).betas(0.5, 0.999);
    let judge = |images: &Tensor, label: f64| {
        let logits = discriminator.forward(images).flatten(0, -1);
        logits.binary_cross_entropy_with_logits(&logits.full_like(label), Reduction::Mean)
    };
    let (mut discriminator_losses, mut generator_losses) = (Vec::new(), Vec::new());
    for step in 0..STEPS {
        let fake = generator.forward(&golden.step("noise/z", step));
        let loss = judge(&golden.step("data/real", step), 1.0) + judge(&fake.detach(), 0.0);
        discriminator_losses.push(loss.item());
        discriminator_adam.zero_grad();
        loss.backward().unwrap();
        discriminator_adam.step().unwrap();

        let loss = judge(&fake, 1.0);
        generator_losses.push(loss.item());
        generator_adam.zero_grad();
        loss.backward().unwrap();
        generator_adam.step().unwrap();
    }
    golden.holds_losses("losses/discriminator", &discriminator_losses);
    golden.holds_losses("losses/generator", &generator_losses);
    golden.holds("final/generator/", &generator.state_dict());
    golden.holds("final/discriminator/", &discriminator.state_dict());
}

#[test]
fn wgan_gp() {
    let golden = Golden::open("wgan_gp");
    let rng = Generator::new(0);
    let shrink = |inputs, outputs| Conv2d::builder(inputs, outputs, 3).stride(2).padding(1).build(&rng);
    let mut critic = Sequential::new()
        .add(shrink(1, 4))
        .add(LeakyReLU::new(0.2))
        .add(LayerNorm::new([4, 4, 4]))
        .add(shrink(4, 6))
        .add(LeakyReLU::new(0.2))
        .add(LayerNorm::new([6, 2, 2]))
        .add(Flatten::new())
        .add(Linear::new(24, 1, &rng));
    prepare(&mut critic, &golden, "initial/");
    let mut adam = Adam::new(critic.parameters(), 1e-4).betas(0.0, 0.9);
    let (mut losses, mut penalties) = (Vec::new(), Vec::new());
    for step in 0..STEPS {
        let real = golden.step("data/real", step);
        let fake = golden.step("data/fake", step);
        let mix = golden.step("noise/mix", step);
        let between = (&mix * &real + (1.0 - &mix) * &fake).requires_grad_(true);
        let options = GradOptions { create_graph: true, ..GradOptions::default() };
        let slopes = grad(&[&critic.forward(&between).sum_all()], &[&between], options).unwrap();
        let penalty = (slopes[0].flatten(1, -1).norm(2.0, &[1], false) - 1.0).square().mean_all();
        let loss = critic.forward(&fake).mean_all() - critic.forward(&real).mean_all() + &penalty * 10.0;
        losses.push(loss.item());
        penalties.push(penalty.item());
        adam.zero_grad();
        loss.backward().unwrap();
        if step == 0 {
            let gradient =
                |(name, parameter): (String, Tensor)| (name, parameter.grad().expect("a gradient"));
            golden.holds("gradient/", &critic.named_parameters().into_iter().map(gradient).collect());
        }
        adam.step().unwrap();
    }
    golden.holds_losses("losses/critic", &losses);
    golden.holds_losses("losses/penalty", &penalties);
    golden.holds("final/", &critic.state_dict());
}
