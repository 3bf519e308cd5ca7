//! Adaptation in the pixels: a generator redraws source images as the target domain would have them, a discriminator
//! compares them with the target's, and a classifier learns from both the drawn and the source images, whose labels are
//! known.
//!
//! With G(x, z) for a source image x and noise z, discriminator d and classifier t, by least squares:
//!
//! - d descends `mean (d(x_target) − 1)² + mean d(G(x, z))²`,
//! - G descends `mean (d(G(x, z)) − 1)² + γ·L_t`, t descends `L_t`,
//! - `L_t = CE(t(G(x, z)), y) + CE(t(x), y)`: the source images themselves keep the classes in their places.
//!
//! Bousmalis, Silberman, Dohan, Erhan, Krishnan: Unsupervised Pixel-Level Domain Adaptation with Generative Adversarial
//! Networks, 2016, <https://arxiv.org/abs/1612.05424>: residual generator with noise as a further channel, classifier of
//! DANN. The least squares, the weight γ = 0.1 and Adam of 2·10⁻⁴ are ours, as is the narrower generator, for a processor;
//! the paper has 6 residual blocks of 64 channels.

use super::networks::{Features, label_head};
use super::targets::{Labelled, Targets, accuracy};
use crate::config::Ranges;
use crate::networks::{Normalisation, dcgan_trunk};
use crate::registry::{ImageSet, Recipe};
use crate::{Dataset, Losses, Model, Result, Training};
use serde::{Deserialize, Serialize};
use wengert_data::Batch;
use wengert_nn::{Adam, BatchNorm2d, Conv2d, Layer, Linear, Module, Optimizer, Sequential, module};
use wengert_tensor::autograd::gradient_reversal;
use wengert_tensor::{DType, Generator, Reduction, Tensor, no_grad};

/// The section `[pixel-da]` of a configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Options {
    /// Numbers of noise that a drawn image hears.
    pub noise: usize,
    /// Channels of the generator.
    pub width: usize,
    /// Residual blocks of the generator.
    pub blocks: usize,
    /// Channels of the discriminator's first layer.
    pub discriminator_width: usize,
    /// γ, the weight of the classification in what the generator descends.
    pub task_weight: f64,
    /// Adam's learning rate, of all three.
    pub learning_rate: f64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            noise: 10,
            width: 32,
            blocks: 3,
            discriminator_width: 32,
            task_weight: 0.1,
            learning_rate: 2e-4,
        }
    }
}

impl Recipe for Options {
    const NAME: &'static str = "pixel-da";
    const DESCRIPTION: &'static str = "source images redrawn as the target's, and a classifier on them";
    const PAPER: &'static str = "Bousmalis et al. 2016, arXiv:1612.05424";
    const TARGET: &'static str = "mnist-m";

    fn check(&self, ranges: &Ranges) -> Result<()> {
        ranges.within("noise", self.noise, 1..=1024)?;
        ranges.within("width", self.width, 1..=512)?;
        ranges.within("blocks", self.blocks, 0..=32)?;
        ranges.within("discriminator_width", self.discriminator_width, 1..=512)?;
        ranges.within("task_weight", self.task_weight, 0.0..=1e3)?;
        ranges.learning_rate("learning_rate", self.learning_rate)
    }

    fn build(self, images: &ImageSet, rng: &Generator) -> Result<Box<dyn Training>> {
        Ok(Box::new(PixelDaTraining::new(&self, images, rng)?))
    }
}

/// x + BN(conv(ReLU(BN(conv(x))))), 3×3.
#[derive(Debug)]
struct Residual {
    first: Conv2d,
    first_norm: BatchNorm2d,
    second: Conv2d,
    second_norm: BatchNorm2d,
}

module!(Residual { modules: first, first_norm, second, second_norm });

impl Residual {
    fn new(width: usize, rng: &Generator) -> Residual {
        let conv = || Conv2d::builder(width, width, 3).padding(1).bias(false).build(rng);
        Residual {
            first: conv(),
            first_norm: BatchNorm2d::new(width),
            second: conv(),
            second_norm: BatchNorm2d::new(width),
        }
    }

    fn forward(&self, input: &Tensor) -> Tensor {
        let inner = self.first_norm.forward(&self.first.forward(input)).relu();
        input + self.second_norm.forward(&self.second.forward(&inner))
    }
}

/// Redraws images in the style of the target domain.
#[derive(Debug)]
struct Redraw {
    /// Noise to a further channel of the image.
    noise: Linear,
    enter: Conv2d,
    blocks: Vec<Residual>,
    leave: Conv2d,
}

module!(Redraw { modules: noise, enter, blocks, leave });

impl Redraw {
    fn new(options: &Options, [channels, height, width]: [usize; 3], rng: &Generator) -> Redraw {
        let conv = |inputs, outputs| Conv2d::builder(inputs, outputs, 3).padding(1).build(rng);
        Redraw {
            noise: Linear::new(options.noise, height * width, rng),
            enter: conv(channels + 1, options.width),
            blocks: (0..options.blocks).map(|_| Residual::new(options.width, rng)).collect(),
            leave: conv(options.width, channels),
        }
    }

    /// Images in 0..1 to images in 0..1.
    fn forward(&self, images: &Tensor, noise: &Tensor) -> Tensor {
        let dims = images.dims();
        let plane = self.noise.forward(noise).reshape([dims[0], 1, dims[2], dims[3]]);
        let mut features = self.enter.forward(&Tensor::cat(&[&(images * 2.0 - 1.0), &plane], 1)).relu();
        for block in &self.blocks {
            features = block.forward(&features);
        }
        self.leave.forward(&features).sigmoid()
    }
}

/// The three networks.
#[derive(Debug)]
pub struct PixelDa {
    image_shape: [usize; 3],
    noise: usize,
    generator: Redraw,
    discriminator: Sequential,
    features: Features,
    label: Sequential,
}

module!(PixelDa { modules: generator, discriminator, features, label });

impl PixelDa {
    fn judge(&self, images: &Tensor) -> Tensor {
        self.discriminator.forward(&(images * 2.0 - 1.0)).squeeze(1)
    }

    fn classes(&self, images: &Tensor) -> Tensor {
        self.label.forward(&self.features.forward(images))
    }
}

impl Model for PixelDa {
    fn image_shape(&self) -> [usize; 3] {
        self.image_shape
    }

    /// It makes images of images, not of codes.
    fn code_size(&self) -> usize {
        0
    }

    /// Images as the target domain would have them, without noise.
    fn reconstruct(&self, images: &Tensor, _labels: Option<&Tensor>) -> Option<Tensor> {
        let noise = Tensor::zeros([images.dims()[0], self.noise], DType::F32);
        Some(self.generator.forward(images, &noise))
    }

    fn classify(&self, images: &Tensor) -> Option<Tensor> {
        Some(self.classes(images))
    }

    fn score(&self, images: &Tensor, _labels: Option<&Tensor>) -> Option<Tensor> {
        Some(self.judge(images))
    }
}

/// What the discriminator descends: mean (d_real − 1)² + mean d_fake².
pub fn discriminator_loss(real: &Tensor, fake: &Tensor) -> Tensor {
    (real - 1.0).square().mean_all() + fake.square().mean_all()
}

/// What the generator descends of it: mean (d_fake − 1)².
pub fn generator_loss(fake: &Tensor) -> Tensor {
    (fake - 1.0).square().mean_all()
}

/// The networks with their optimisers.
#[derive(Debug)]
pub struct PixelDaTraining {
    model: PixelDa,
    task_weight: f64,
    discriminator: Adam,
    generator: Adam,
    task: Adam,
    /// Known once the data was shown.
    targets: Option<Targets>,
}

impl PixelDaTraining {
    /// Fresh networks.
    ///
    /// # Errors
    /// When the images are too small or their sides no multiple of 4.
    pub fn new(options: &Options, images: &ImageSet, rng: &Generator) -> Result<PixelDaTraining> {
        let features = Features::new(images.shape, rng)?;
        let trunk = dcgan_trunk(images.shape, options.discriminator_width, Normalisation::Batch, rng)?;
        let model = PixelDa {
            image_shape: images.shape,
            noise: options.noise,
            generator: Redraw::new(options, images.shape, rng),
            discriminator: trunk.with_head(1, Normalisation::None, rng),
            label: label_head(features.count, images.classes, rng),
            features,
        };
        model.assign_names();
        let adam = |parts: &[&dyn Module]| {
            let parameters = parts.iter().flat_map(|part| part.parameters()).collect();
            Adam::new(parameters, options.learning_rate).betas(0.5, 0.999)
        };
        let (discriminator, generator) = (adam(&[&model.discriminator]), adam(&[&model.generator]));
        let task = adam(&[&model.features, &model.label]);
        Ok(PixelDaTraining {
            model,
            task_weight: options.task_weight,
            discriminator,
            generator,
            task,
            targets: None,
        })
    }

    fn redraw(&self, images: &Tensor, rng: &Generator) -> Tensor {
        let noise = rng.uniform([images.dims()[0], self.model.noise], -1.0, 1.0, DType::F32);
        self.model.generator.forward(images, &noise)
    }

    /// Loss of the discriminator, with the shares that it sorts rightly at one half.
    fn judge(&self, target: &Labelled, drawn: &Tensor) -> (Tensor, [Tensor; 2]) {
        let (real, fake) = (self.model.judge(&target.images), self.model.judge(&drawn.detach()));
        let share = |right: Tensor| right.to_dtype(DType::F32).mean_all();
        let shares = [share(real.detach().gt_scalar(0.5)), share(fake.detach().lt_scalar(0.5))];
        (discriminator_loss(&real, &fake), shares)
    }

    /// Loss of the classifier on drawn and source images, with its accuracies on source and target.
    fn classify(&self, batch: &Batch, target: &Labelled, drawn: &Tensor) -> (Tensor, [Tensor; 2]) {
        let source = self.model.classes(&batch.images);
        // The classifier descends the loss as it is; through the drawn images the generator feels γ of it.
        let felt = gradient_reversal(drawn, -self.task_weight);
        let loss = self.model.classes(&felt).cross_entropy(&batch.labels, Reduction::Mean)
            + source.cross_entropy(&batch.labels, Reduction::Mean);
        let on_target = no_grad(|| self.model.classes(&target.images));
        (loss, [accuracy(&source, &batch.labels), accuracy(&on_target, &target.labels)])
    }
}

/// The losses under their names.
fn named(
    task: Tensor,
    generator: Tensor,
    discriminator: Tensor,
    [real, fake]: [Tensor; 2],
    [source, target]: [Tensor; 2],
) -> Losses {
    let terms = vec![
        ("task", task.clone()),
        ("generator", generator.clone()),
        ("discriminator", discriminator.clone()),
        ("accuracy_real", real),
        ("accuracy_fake", fake),
        ("accuracy_source", source),
        ("accuracy_target", target),
    ];
    Losses { total: task.detach() + generator.detach() + discriminator.detach(), terms }
}

impl Training for PixelDaTraining {
    fn model(&self) -> &dyn Model {
        &self.model
    }

    fn model_mut(&mut self) -> &mut dyn Model {
        &mut self.model
    }

    fn prepare(&mut self, data: &Dataset) -> Result<()> {
        self.targets = Some(Targets::new(data)?);
        Ok(())
    }

    /// On test images of both domains. Before the data was shown, as when the graph is printed, the source stands for the
    /// target.
    fn losses(&self, batch: &Batch, rng: &Generator) -> Result<Losses> {
        let target = match &self.targets {
            Some(targets) => targets.beside(&batch.indices),
            None => Labelled { images: batch.images.clone(), labels: batch.labels.clone() },
        };
        let drawn = self.redraw(&batch.images, rng);
        let (discriminator, shares) = self.judge(&target, &drawn);
        let (task, accuracies) = self.classify(batch, &target, &drawn);
        let generator = generator_loss(&self.model.judge(&drawn));
        let losses = named(task.clone(), generator.clone(), discriminator.clone(), shares, accuracies);
        Ok(Losses { total: task + generator + discriminator, ..losses })
    }

    fn step(&mut self, batch: &Batch, rng: &Generator, step: u64) -> Result<Losses> {
        let target = match &mut self.targets {
            Some(targets) => targets.of_step(step),
            None => Labelled { images: batch.images.clone(), labels: batch.labels.clone() },
        };
        let drawn = self.redraw(&batch.images, rng);
        let (discriminator, shares) = self.judge(&target, &drawn);
        self.model.zero_grad();
        discriminator.backward()?;
        self.discriminator.step()?;

        // Drawn by the generator, judged by the discriminator's new weights, which stay as they are.
        self.model.discriminator.set_requires_grad(false);
        let generator = generator_loss(&self.model.judge(&drawn));
        let (task, accuracies) = self.classify(batch, &target, &drawn);
        let losses = named(task.clone(), generator.clone(), discriminator, shares, accuracies);
        losses.check_finite()?;
        self.model.zero_grad();
        (generator + task).backward()?;
        self.model.discriminator.set_requires_grad(true);
        self.generator.step()?;
        self.task.step()?;
        Ok(losses)
    }

    fn is_ranked_by_loss(&self) -> bool {
        false
    }

    fn optimizers(&mut self) -> Vec<(&'static str, &mut dyn Optimizer)> {
        vec![
            ("discriminator", &mut self.discriminator),
            ("generator", &mut self.generator),
            ("task", &mut self.task),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wengert_data::Position;

    #[test]
    fn least_squares_by_hand() {
        let real = Tensor::from_slice(&[1.0f32, 0.5], 2);
        let fake = Tensor::from_slice(&[0.0f32, -2.0], 2);
        assert!((discriminator_loss(&real, &fake).item() - (0.125 + 2.0)).abs() < 1e-6);
        assert!((generator_loss(&fake).item() - 5.0).abs() < 1e-6);
    }

    #[test]
    fn the_generator_feels_its_share_of_the_task_and_the_classifier_all_of_it() {
        let rng = Generator::new(1);
        let images = ImageSet { shape: [1, 16, 16], classes: 3 };
        let gradients = |task_weight: f64| {
            let options = Options { width: 4, blocks: 1, task_weight, ..Options::default() };
            let training = PixelDaTraining::new(&options, &images, &Generator::new(2)).unwrap();
            let batch = Batch {
                images: Generator::new(3).uniform([4, 1, 16, 16], 0.0, 1.0, DType::F32),
                labels: Tensor::from_slice(&[0i64, 1, 2, 0], 4),
                indices: vec![0, 1, 2, 3],
                position: Position::default(),
            };
            let target = Labelled { images: batch.images.clone(), labels: batch.labels.clone() };
            let drawn = training.redraw(&batch.images, &Generator::new(4));
            training.classify(&batch, &target, &drawn).0.backward().unwrap();
            let of = |parameter: &Tensor| parameter.grad().unwrap().to_vec::<f32>();
            (of(&training.model.generator.leave.weight), of(&training.model.label.parameters()[0]))
        };
        let ((whole, task), (part, same)) = (gradients(1.0), gradients(0.1));
        assert!(whole.iter().zip(&part).all(|(whole, part)| (0.1 * whole - part).abs() < 1e-6));
        assert!(whole.iter().any(|slope| slope.abs() > 1e-6));
        assert_eq!(task, same);
        // A fresh generator's images are images.
        let training = Options::default().build(&images, &rng).unwrap();
        let redrawn = training.model().reconstruct(&Tensor::zeros([2, 1, 16, 16], DType::F32), None).unwrap();
        assert_eq!(redrawn.dims(), [2, 1, 16, 16]);
    }
}
