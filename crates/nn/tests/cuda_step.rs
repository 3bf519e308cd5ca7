//! Steps that are replayed as graphs have the bits of steps that run, and what cannot be replayed is refused.

use std::collections::BTreeMap;
use wengert_nn::{
    Adagrad, Adam, AdamW, BatchNorm1d, Ema, Layer, Linear, Module, Optimizer, RmsProp, Schedule, Sgd,
    clip_grad_norm_,
};
use wengert_tensor::autograd::{GradOptions, grad};
use wengert_tensor::step::{Selection, Step, Work};
use wengert_tensor::{DType, Device, Error, Generator, Reduction, Tensor, on_device};
use wengert_testkit::modes::cuda_device;

const EXAMPLES: usize = 40;
const BATCH: usize = 8;

/// Runs `body` on the device of the tests.
fn on_cuda<R>(body: impl FnOnce(Device) -> R) -> R {
    let device = cuda_device().unwrap();
    on_device(device, || body(device))
}

/// A classifier in training, with everything in its step that moves from step to step.
struct Classifier {
    hidden: Linear,
    norm: BatchNorm1d,
    output: Linear,
    optimizer: Box<dyn Optimizer>,
    average: Ema,
    schedule: Schedule,
    noise: Generator,
    examples: Tensor,
    classes: Tensor,
    batch: Selection,
}

impl Classifier {
    fn new(optimizer: fn(Vec<Tensor>) -> Box<dyn Optimizer>) -> Classifier {
        let rng = Generator::new(3);
        let (hidden, output) = (Linear::new(6, 10, &rng), Linear::new(10, 3, &rng));
        let norm = BatchNorm1d::new(10);
        let parameters = [hidden.parameters(), norm.parameters(), output.parameters()].concat();
        Classifier {
            optimizer: optimizer(parameters.clone()),
            average: Ema::new(parameters, 0.9).warm_up(true),
            schedule: Schedule::Cosine { steps: 80, minimum: 0.1 }.warm_up(10, 0.0),
            noise: rng.stream(1),
            examples: rng.normal([EXAMPLES, 6], 0.0, 1.0, DType::F32),
            classes: rng.randint(0, 3, [EXAMPLES]),
            batch: Selection::new(),
            hidden,
            norm,
            output,
        }
    }

    /// All that training has changed, as bits.
    fn state(&self) -> Vec<Vec<u64>> {
        let bits = |tensor: &Tensor| {
            let numbers = tensor.to_dtype(DType::F64).to_vec::<f64>();
            numbers.into_iter().map(f64::to_bits).collect::<Vec<_>>()
        };
        let modules: [&dyn Module; 3] = [&self.hidden, &self.norm, &self.output];
        let tensors = modules.iter().flat_map(|module| {
            let named: Vec<_> = module.named_parameters().into_iter().chain(module.named_buffers()).collect();
            named.into_iter().map(|(_, tensor)| tensor)
        });
        let kept = self.optimizer.state_dict().into_iter().chain(self.average.state_dict());
        let mut state: Vec<_> = tensors.chain(kept.map(|(_, tensor)| tensor)).map(|t| bits(&t)).collect();
        state.push(vec![self.noise.state().offset]);
        state
    }
}

impl Work for Classifier {
    type Error = Error;

    fn prepare(&mut self, step: u64) -> Result<(), Error> {
        self.optimizer.scale_learning_rate(self.schedule.factor(step));
        self.batch.choose((0..BATCH).map(|i| (step as usize * 5 + i * i) % EXAMPLES));
        Ok(())
    }

    fn run(&mut self, _step: u64) -> Result<Vec<Tensor>, Error> {
        let rows = self.batch.indices();
        let (x, classes) = (self.examples.index_select(0, &rows), self.classes.index_select(0, &rows));
        let x = &x + self.noise.normal_like(&x) * 0.1;
        let hidden = self.norm.forward(&self.hidden.forward(&x)).relu().dropout(0.2, &self.noise);
        let logits = self.output.forward(&hidden);
        let loss = logits.cross_entropy(&classes, Reduction::Mean);
        self.optimizer.zero_grad();
        loss.backward()?;
        let norm = clip_grad_norm_(&self.optimizer.parameters(), 0.5);
        self.optimizer.step().unwrap();
        self.average.update().unwrap();
        Ok(vec![loss, norm])
    }
}

/// The results of steps that just run.
fn eagerly<W: Work<Error = Error>>(work: &mut W, steps: u64) -> Vec<Vec<f64>> {
    let mut step = |step| {
        work.prepare(step).unwrap();
        work.run(step).unwrap().iter().map(Tensor::item).collect()
    };
    (0..steps).map(&mut step).collect()
}

fn replays_have_the_bits_of(optimizer: fn(Vec<Tensor>) -> Box<dyn Optimizer>) {
    on_cuda(|device| {
        let (mut eager, mut replayed) = (Classifier::new(optimizer), Classifier::new(optimizer));
        let expected = eagerly(&mut eager, 100);
        let mut step = Step::new(device);
        let mut found = step.run(&mut replayed, 0, 30).unwrap();
        // Something else that draws in between, as an evaluation might.
        for classifier in [&eager, &replayed] {
            classifier.noise.stream(9).uniform([5], 0.0, 1.0, DType::F32);
        }
        found.extend(step.run(&mut replayed, 30, 70).unwrap());
        assert!(step.is_captured(0));
        assert_eq!(found, expected);
        assert!(expected.iter().flatten().all(|x| x.is_finite()));
        for (i, (found, expected)) in replayed.state().into_iter().zip(eager.state()).enumerate() {
            assert_eq!(found, expected, "array {i}");
        }
    });
}

#[test]
fn adam() {
    replays_have_the_bits_of(|parameters| Box::new(Adam::new(parameters, 0.01)));
}

#[test]
fn adam_with_amsgrad() {
    replays_have_the_bits_of(|parameters| Box::new(Adam::new(parameters, 0.01).amsgrad(true)));
}

#[test]
fn adam_w() {
    replays_have_the_bits_of(|parameters| Box::new(AdamW::new(parameters, 0.01)));
}

#[test]
fn sgd() {
    replays_have_the_bits_of(|parameters| Box::new(Sgd::new(parameters, 0.1).weight_decay(0.01)));
}

#[test]
fn sgd_with_damped_momentum() {
    replays_have_the_bits_of(|parameters| {
        Box::new(Sgd::new(parameters, 0.1).momentum(0.9).dampening(0.3))
    });
}

#[test]
fn rmsprop() {
    replays_have_the_bits_of(|parameters| {
        Box::new(RmsProp::new(parameters, 0.01).momentum(0.5).centered(true))
    });
}

#[test]
fn adagrad() {
    replays_have_the_bits_of(|parameters| {
        Box::new(Adagrad::new(parameters, 0.1).learning_rate_decay(0.05))
    });
}

/// A game in one dimension: a critic that moves in each step, several times over, and a generator in every third.
struct Game {
    generator: Linear,
    critic: Linear,
    moves_generator: Adam,
    moves_critic: Adam,
    noise: Generator,
}

impl Game {
    const CRITIC_STEPS: u64 = 3;

    fn new() -> Game {
        let rng = Generator::new(5);
        let (generator, critic) = (Linear::new(2, 2, &rng), Linear::new(2, 1, &rng));
        Game {
            moves_generator: Adam::new(generator.parameters(), 1e-2).betas(0.5, 0.9),
            moves_critic: Adam::new(critic.parameters(), 2e-2).betas(0.5, 0.9),
            noise: rng.stream(1),
            generator,
            critic,
        }
    }
}

impl Work for Game {
    type Error = Error;

    fn phase(&self, step: u64) -> u64 {
        u64::from((step + 1).is_multiple_of(Self::CRITIC_STEPS))
    }

    fn run(&mut self, step: u64) -> Result<Vec<Tensor>, Error> {
        let draw = |mean| self.noise.normal([BATCH, 2], mean, 1.0, DType::F32);
        let mut losses = Vec::new();
        // Two moves in one step, so that a counter moves by more than one.
        for _ in 0..2 {
            let (real, fake) = (draw(2.0), self.generator.forward(&draw(0.0)).detach());
            let between = ((&real + &fake) * 0.5).detach().requires_grad_(true);
            let scores = self.critic.forward(&between).tanh().sum_all();
            let slope = grad(&[&scores], &[&between], GradOptions { create_graph: true, ..GradOptions::default() })?.remove(0);
            let penalty = ((slope.square().sum(&[1], false) + 1e-6).sqrt() - 1.0).square().mean_all();
            let loss = self.critic.forward(&fake).mean_all() - self.critic.forward(&real).mean_all() + penalty;
            self.moves_critic.zero_grad();
            loss.backward()?;
            self.moves_critic.step().unwrap();
            losses.push(loss);
        }
        if self.phase(step) == 1 {
            let loss = -self.critic.forward(&self.generator.forward(&draw(0.0))).mean_all();
            self.moves_generator.zero_grad();
            loss.backward()?;
            self.moves_generator.step().unwrap();
            losses.push(loss);
        }
        Ok(losses)
    }
}

#[test]
fn a_game_with_several_optimisers_and_critic_steps() {
    on_cuda(|device| {
        let (mut eager, mut replayed) = (Game::new(), Game::new());
        let expected = eagerly(&mut eager, 100);
        let mut step = Step::new(device);
        let found = step.run(&mut replayed, 0, 100).unwrap();
        assert!(step.is_captured(0) && step.is_captured(1));
        assert!(step.launches(1) > step.launches(0));
        assert_eq!(found, expected);
        assert!(expected.iter().flatten().all(|x| x.is_finite()));
        for (one, other) in [(&eager.generator, &replayed.generator), (&eager.critic, &replayed.critic)] {
            assert_eq!(one.weight.to_vec::<f32>(), other.weight.to_vec::<f32>());
        }
        assert_eq!(eager.noise.state(), replayed.noise.state());
    });
}

/// Work of one closure, which is given what lasts.
struct Plain<F>(F, BTreeMap<&'static str, Tensor>);

impl<F: FnMut(u64, &mut BTreeMap<&'static str, Tensor>) -> Result<Tensor, Error>> Work for Plain<F> {
    type Error = Error;
    fn run(&mut self, step: u64) -> Result<Vec<Tensor>, Error> {
        Ok(vec![(self.0)(step, &mut self.1)?])
    }
}

/// What the steps fail with.
fn refusal(
    steps: usize,
    body: impl FnMut(u64, &mut BTreeMap<&'static str, Tensor>) -> Result<Tensor, Error>,
) -> String {
    on_cuda(|device| {
        let lasting = BTreeMap::from([("x", Tensor::from_slice(&[0.25f32, 0.5], 2))]);
        let error = Step::new(device).run(&mut Plain(body, lasting), 0, steps).unwrap_err().to_string();
        // The device is as good as before.
        assert_eq!(Tensor::ones([3], DType::F32).sum_all().item(), 3.0);
        error
    })
}

#[test]
fn a_number_of_the_host_that_changes_is_refused() {
    let error = refusal(3, |step, lasting| Ok((&lasting["x"] * (step as f64)).sum_all()));
    assert!(error.contains("not the same each time") && error.contains("has an argument"), "{error}");
}

#[test]
fn another_launch_is_refused() {
    let error = refusal(3, |step, lasting| {
        let x = &lasting["x"];
        Ok(if step < 2 { x.exp().sum_all() } else { x.tanh().sum_all() })
    });
    assert!(error.contains("tanh_f32, launch 1, was exp_f32"), "{error}");
    let error = refusal(3, |step, lasting| {
        let x = &lasting["x"];
        let sum = x.exp().sum_all();
        if step == 2 {
            drop(x.tanh());
        }
        Ok(sum)
    });
    assert!(error.contains("was not there the time before"), "{error}");
}

#[test]
fn other_contents_from_the_host_are_refused() {
    let error = refusal(3, |step, lasting| {
        let other = Tensor::from_slice(&[step as f32, 1.0], 2);
        Ok((&lasting["x"] * &other).sum_all())
    });
    assert!(error.contains("other contents"), "{error}");
    // The same contents each time are part of the graph.
    on_cuda(|device| {
        let lasting = BTreeMap::from([("x", Tensor::from_slice(&[0.25f32, 0.5], 2))]);
        let mut work = Plain(
            |_: u64, lasting: &mut BTreeMap<&'static str, Tensor>| {
                let x = &lasting["x"];
                x.assign(&(x * Tensor::from_slice(&[2.0f32, 4.0], 2)))?;
                Ok(x.sum_all())
            },
            lasting,
        );
        let found = Step::new(device).run(&mut work, 0, 6).unwrap();
        assert_eq!(found[5], [0.25 * 64.0 + 0.5 * 4096.0]);
    });
}

#[test]
fn an_array_that_is_replaced_is_refused() {
    let error = refusal(4, |_, lasting| {
        let next = &lasting["x"] * 2.0;
        lasting.insert("x", next.clone());
        Ok(next.sum_all())
    });
    assert!(error.contains("replaced by another; change it in place"), "{error}");
}

#[test]
#[should_panic(expected = "asking for more device memory is not possible while a step is recorded")]
fn more_memory_is_refused() {
    let mut kept = Vec::new();
    refusal(4, |_, lasting| {
        // Something that each step keeps.
        let next = &lasting["x"] * 2.0;
        kept.push(next.clone());
        Ok(next.sum_all())
    });
}

#[test]
#[should_panic(expected = "reading a tensor's elements is not possible while a step is recorded")]
fn reading_elements_is_refused() {
    refusal(3, |_, lasting| Ok(Tensor::scalar(lasting["x"].sum_all().item())));
}

#[test]
fn contents_are_checked_in_replays() {
    let error = refusal(70, |_, lasting| {
        let x = &lasting["x"];
        // In step 41 the first element has passed 1.
        x.assign(&(x + 0.0185))?;
        Ok(Generator::new(0).bernoulli(x).sum_all())
    });
    assert!(error.contains("not a probability") && error.contains("recorded step"), "{error}");
}

#[test]
fn numbers_of_a_batch_are_checked() {
    on_cuda(|device| {
        struct Batches(Selection, Tensor);
        impl Work for Batches {
            type Error = Error;
            fn prepare(&mut self, step: u64) -> Result<(), Error> {
                self.0.choose(0..if step < 5 { 3 } else { 2 });
                Ok(())
            }
            fn run(&mut self, _step: u64) -> Result<Vec<Tensor>, Error> {
                Ok(vec![self.1.index_select(0, &self.0.indices()).sum_all()])
            }
        }
        let mut work = Batches(Selection::new(), Tensor::ones([4], DType::F32));
        let mut step = Step::new(device);
        assert_eq!(step.run(&mut work, 0, 5).unwrap(), vec![vec![3.0]; 5]);
        let error = step.run(&mut work, 5, 1).unwrap_err().to_string();
        assert!(error.contains("2 rows are chosen, and 3 were"), "{error}");
    });
}

#[test]
fn a_tape_notices_what_a_replay_has_changed() {
    on_cuda(|device| {
        let weight = Tensor::ones([2], DType::F32).requires_grad_(true);
        let mut sgd = Sgd::new(vec![weight.clone()], 0.1);
        let (mut step, shared) = (Step::new(device), weight.clone());
        struct Descend<'a>(&'a mut Sgd, Tensor);
        impl Work for Descend<'_> {
            type Error = Error;
            fn run(&mut self, _step: u64) -> Result<Vec<Tensor>, Error> {
                let loss = self.1.square().sum_all();
                self.0.zero_grad();
                loss.backward()?;
                self.0.step().unwrap();
                Ok(vec![loss])
            }
        }
        let mut work = Descend(&mut sgd, shared);
        step.run(&mut work, 0, 4).unwrap();
        let loss = weight.square().sum_all();
        step.run(&mut work, 4, 1).unwrap();
        assert!(matches!(loss.backward(), Err(Error::ModifiedAfterSave { .. })));
    });
}

#[test]
fn memory_comes_back_with_the_graph() {
    on_cuda(|device| {
        let Device::Cuda(ordinal) = device else { unreachable!() };
        let device_of_cuda = wengert_cuda::Device::get(ordinal).unwrap();
        let run = || {
            let mut work = Game::new();
            Step::new(device).run(&mut work, 0, 20).unwrap();
        };
        run();
        let (live, _) = device_of_cuda.memory_use();
        run();
        assert_eq!(device_of_cuda.memory_use().0, live);
    });
}
