//! The networks that the models are built of.
//!
//! Two families, each as a trunk that reads images, as an image maker, and with a head of the caller's choice: fully
//! connected ones, and the convolutional ones of DCGAN (Radford et al., 2015, arXiv:1511.06434) with one body for
//! 28 × 28 and 32 × 32. Makers end in logits or whatever their last layer gives: the squashing function is the model's
//! business, because a likelihood wants logits and a game of two players tanh.

use crate::{Error, Result};
use wengert_nn::{
    BatchNorm1d, BatchNorm2d, Conv2d, ConvTranspose2d, Flatten, Layer, LayerNorm, LeakyReLU, Linear,
    MaxPool2d, Module, ReLU, Sequential, SpectralNorm, Unflatten, init,
};
use wengert_tensor::Generator;

/// Slope of LeakyReLU below 0, after Radford et al.
pub const SLOPE: f64 = 0.2;
/// Standard deviation of the first weights of DCGAN.
const DEVIATION: f64 = 0.02;

/// The function between the layers of a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nonlinearity {
    /// max(x, 0).
    ReLU,
    /// x above 0, 0.2·x below.
    LeakyReLU,
    /// The hyperbolic tangent.
    Tanh,
}

impl Nonlinearity {
    fn layer(self) -> Box<dyn Layer> {
        match self {
            Nonlinearity::ReLU => Box::new(ReLU::new()),
            Nonlinearity::LeakyReLU => Box::new(LeakyReLU::new(SLOPE)),
            Nonlinearity::Tanh => Box::new(wengert_nn::Tanh::new()),
        }
    }
}

/// What normalises the layers of a network that judges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Normalisation {
    /// Nothing: what a gradient penalty needs, which is one image's affair.
    None,
    /// Batch normalisation of all layers but the first.
    Batch,
    /// Layer normalisation of all layers but the first.
    Layer,
    /// Spectral normalisation of every weight (Miyato et al., 2018, arXiv:1802.05957).
    Spectral,
}

/// Fully connected layers of these widths, the first being the input's, with `between` after each but the last.
pub fn mlp(widths: &[usize], between: Nonlinearity, rng: &Generator) -> Sequential {
    let mut network = Sequential::new();
    for (index, pair) in widths.windows(2).enumerate() {
        if index > 0 {
            network = network.add_boxed(between.layer());
        }
        network = network.add(Linear::new(pair[0], pair[1], rng));
    }
    network
}

/// Images `[N, C, H, W]` to features `[N, widths.last()]` by fully connected layers of these widths, each followed by
/// `between`.
pub fn mlp_trunk(
    image_shape: [usize; 3],
    widths: &[usize],
    between: Nonlinearity,
    normalisation: Normalisation,
    rng: &Generator,
) -> Trunk {
    let mut network = Sequential::new().add(Flatten::new());
    let mut inputs = image_shape.iter().product();
    for (index, &width) in widths.iter().enumerate() {
        let linear = Linear::new(inputs, width, rng);
        network = match normalisation {
            Normalisation::Spectral => network.add(SpectralNorm::new(linear, rng)),
            _ => network.add(linear),
        };
        network = match normalisation {
            Normalisation::Batch if index > 0 => network.add(BatchNorm1d::new(width)),
            Normalisation::Layer if index > 0 => network.add(LayerNorm::new([width])),
            _ => network,
        };
        network = network.add_boxed(between.layer());
        inputs = width;
    }
    Trunk { network, features: inputs }
}

/// Makes the layer that normalises so many channels, or none.
pub type MakerNormalisation<'a> = &'a dyn Fn(usize) -> Option<Box<dyn Layer>>;

/// Codes `[N, code]` to images `[N, C, H, W]` by fully connected layers of these widths, each followed by batch
/// normalisation, where it is wanted and not the first, and LeakyReLU. The last layer is linear.
pub fn mlp_maker(
    code: usize,
    image_shape: [usize; 3],
    widths: &[usize],
    normalise: bool,
    rng: &Generator,
) -> Sequential {
    let batch = |width| normalise.then(|| Box::new(BatchNorm1d::new(width)) as Box<dyn Layer>);
    mlp_maker_with(code, image_shape, widths, &batch, rng)
}

/// [`mlp_maker`] with another normalisation.
pub fn mlp_maker_with(
    code: usize,
    image_shape: [usize; 3],
    widths: &[usize],
    normalisation: MakerNormalisation<'_>,
    rng: &Generator,
) -> Sequential {
    let (mut network, mut inputs) = (Sequential::new(), code);
    for (index, &width) in widths.iter().enumerate() {
        network = network.add(Linear::new(inputs, width, rng));
        if let Some(layer) = normalisation(width).filter(|_| index > 0) {
            network = network.add_boxed(layer);
        }
        network = network.add(LeakyReLU::new(SLOPE));
        inputs = width;
    }
    let pixels: usize = image_shape.iter().product();
    network.add(Linear::new(inputs, pixels, rng)).add(Unflatten::new(1, image_shape))
}

/// A network that turns images into features, with their number.
#[derive(Debug)]
pub struct Trunk {
    /// Images `[N, C, H, W]` to `[N, features]`.
    pub network: Sequential,
    /// Features of an image.
    pub features: usize,
}

impl Trunk {
    /// The trunk followed by a linear layer of so many outputs.
    pub fn with_head(self, outputs: usize, normalisation: Normalisation, rng: &Generator) -> Sequential {
        let head = head(self.features, outputs, normalisation, rng);
        self.network.add_boxed(head)
    }
}

/// A linear layer on a trunk's features.
pub fn head(
    features: usize,
    outputs: usize,
    normalisation: Normalisation,
    rng: &Generator,
) -> Box<dyn Layer> {
    let linear = Linear::new(features, outputs, rng);
    match normalisation {
        Normalisation::Spectral => Box::new(SpectralNorm::new(linear, rng)),
        _ => Box::new(linear),
    }
}

/// The convolutions of DCGAN for images whose sides are a multiple of 4: two that halve the sides, of `width` and
/// 2·`width` channels, and for sides that are a multiple of 8 a third of 4·`width`.
///
/// # Errors
/// When the sides of the images are not a multiple of 4.
pub fn dcgan_trunk(
    image_shape: [usize; 3],
    width: usize,
    normalisation: Normalisation,
    rng: &Generator,
) -> Result<Trunk> {
    let plan = Plan::new(image_shape, width)?;
    let mut network = Sequential::new();
    for (index, pair) in plan.channels.windows(2).enumerate() {
        let normalised = index > 0 && normalisation == Normalisation::Batch;
        let conv = Conv2d::builder(pair[0], pair[1], 4).stride(2).padding(1).bias(!normalised).build(rng);
        network = match normalisation {
            Normalisation::Spectral => network.add(SpectralNorm::new(conv, rng)),
            _ => network.add(conv),
        };
        network = match normalisation {
            Normalisation::Batch if index > 0 => network.add(BatchNorm2d::new(pair[1])),
            Normalisation::Layer if index > 0 => {
                let [height, width] = plan.sides(index + 1);
                network.add(LayerNorm::new([pair[1], height, width]))
            }
            _ => network,
        };
        network = network.add(LeakyReLU::new(SLOPE));
    }
    Ok(Trunk { network: network.add(Flatten::new()), features: plan.features() })
}

/// Codes `[N, code]` to images by the transposed convolutions of DCGAN, the mirror of [`dcgan_trunk`]: a linear layer to
/// the smallest planes, then layers that double the sides, with batch normalisation and ReLU between. The last layer is
/// linear.
///
/// # Errors
/// When the sides of the images are not a multiple of 4.
pub fn dcgan_maker(
    code: usize,
    image_shape: [usize; 3],
    width: usize,
    rng: &Generator,
) -> Result<Sequential> {
    let batch = |channels| Some(Box::new(BatchNorm2d::new(channels)) as Box<dyn Layer>);
    dcgan_maker_with(code, image_shape, width, None, &batch, rng)
}

/// [`dcgan_maker`] with another normalisation of its planes, and, where there is one, `of_units`, which normalises every unit
/// of the linear layer by itself in place of its channels. A layer that is not normalised has a bias.
///
/// # Errors
/// When the sides of the images are not a multiple of 4.
pub fn dcgan_maker_with(
    code: usize,
    image_shape: [usize; 3],
    width: usize,
    of_units: Option<MakerNormalisation<'_>>,
    of_planes: MakerNormalisation<'_>,
    rng: &Generator,
) -> Result<Sequential> {
    let plan = Plan::new(image_shape, width)?;
    let layers = plan.channels.len() - 1;
    let ([height, breadth], channels) = (plan.sides(layers), plan.channels[layers]);
    let rectified = |network: Sequential, normalisation: Option<Box<dyn Layer>>| {
        let network = normalisation.into_iter().fold(network, Sequential::add_boxed);
        network.add(ReLU::new())
    };
    let (units, planes) = match of_units {
        Some(of_units) => (of_units(plan.features()), None),
        None => (None, of_planes(channels)),
    };
    let is_normalised = units.is_some() || planes.is_some();
    let start = Linear::builder(code, plan.features()).bias(!is_normalised).build(rng);
    let network = units.into_iter().fold(Sequential::new().add(start), Sequential::add_boxed);
    let mut network = rectified(network.add(Unflatten::new(1, [channels, height, breadth])), planes);
    for index in (0..layers).rev() {
        let (inputs, outputs) = (plan.channels[index + 1], plan.channels[index]);
        let is_last = index == 0;
        let normalised = of_planes(outputs).filter(|_| !is_last);
        let grow = ConvTranspose2d::builder(inputs, outputs, 4)
            .stride(2)
            .padding(1)
            .bias(normalised.is_none())
            .build(rng);
        network = network.add(grow);
        if !is_last {
            network = rectified(network, normalised);
        }
    }
    Ok(network)
}

/// LeNet-5 (LeCun et al., 1998) with rectifiers and maxima: the features of the metrics, `[N, 84]`, are what its last
/// rectifier gives, and a linear layer of `classes` follows.
///
/// # Errors
/// When the sides of the images are too small or not a multiple of 4.
pub fn lenet(image_shape: [usize; 3], width: usize, rng: &Generator) -> Result<Trunk> {
    let (convolutions, shape) = lenet_convolutions(image_shape, width, rng)?;
    let network = convolutions
        .add(Flatten::new())
        .add(Linear::new(shape.iter().product(), 120, rng))
        .add(ReLU::new())
        .add(Linear::new(120, 84, rng))
        .add(ReLU::new());
    Ok(Trunk { network, features: 84 })
}

/// The convolutions of a LeNet, and the shape of what they make of an image.
///
/// # Errors
/// As [`lenet`].
pub fn lenet_convolutions(
    image_shape: [usize; 3],
    width: usize,
    rng: &Generator,
) -> Result<(Sequential, [usize; 3])> {
    let [channels, height, breadth] = image_shape;
    if height < 12 || breadth < 12 || height % 4 != 0 || breadth % 4 != 0 {
        return Err(sides(image_shape, "at least 12 and a multiple of 4"));
    }
    let network = Sequential::new()
        .add(Conv2d::builder(channels, width, 5).padding(2).build(rng))
        .add(ReLU::new())
        .add(MaxPool2d::new(2))
        .add(Conv2d::builder(width, 2 * width, 5).build(rng))
        .add(ReLU::new())
        .add(MaxPool2d::new(2));
    Ok((network, [2 * width, height / 4 - 2, breadth / 4 - 2]))
}

/// Draws weights of two or more axes from N(0, 0.02²), as DCGAN does; biases and normalisations stay.
pub fn start_as_dcgan(network: &dyn Module, rng: &Generator) {
    for (_, parameter) in network.named_parameters() {
        if parameter.rank() > 1 {
            init::normal_(&parameter, 0.0, DEVIATION, rng);
        }
    }
}

/// Channels and sides of the layers of a DCGAN.
struct Plan {
    image: [usize; 2],
    channels: Vec<usize>,
}

impl Plan {
    fn new(image_shape: [usize; 3], width: usize) -> Result<Plan> {
        let [channels, height, breadth] = image_shape;
        if height % 4 != 0 || breadth % 4 != 0 || height * breadth == 0 {
            return Err(sides(image_shape, "a multiple of 4"));
        }
        let mut all = vec![channels, width, 2 * width];
        if height % 8 == 0 && breadth % 8 == 0 {
            all.push(4 * width);
        }
        Ok(Plan { image: [height, breadth], channels: all })
    }

    /// Height and width of the planes after so many layers.
    fn sides(&self, layers: usize) -> [usize; 2] {
        self.image.map(|side| side >> layers)
    }

    fn features(&self) -> usize {
        let layers = self.channels.len() - 1;
        self.sides(layers).iter().product::<usize>() * self.channels[layers]
    }
}

fn sides([channels, height, width]: [usize; 3], wanted: &str) -> Error {
    Error::setting(format!(
        "the images are {channels} × {height} × {width}, and this network needs sides that are {wanted}; choose a fully \
         connected one or other --data"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use wengert_tensor::DType;

    #[test]
    fn trunks_and_makers_fit_images_of_28_and_32() {
        let rng = Generator::new(0);
        for shape in [[1, 28, 28], [3, 32, 32]] {
            let images = rng.uniform([2, shape[0], shape[1], shape[2]], 0.0, 1.0, DType::F32);
            let codes = rng.normal([2, 7], 0.0, 1.0, DType::F32);
            for normalisation in
                [Normalisation::None, Normalisation::Batch, Normalisation::Layer, Normalisation::Spectral]
            {
                let trunk = dcgan_trunk(shape, 8, normalisation, &rng).unwrap();
                assert_eq!(trunk.network.forward(&images).dims(), [2, trunk.features]);
                let trunk = mlp_trunk(shape, &[16, 8], Nonlinearity::LeakyReLU, normalisation, &rng);
                assert_eq!(trunk.with_head(3, normalisation, &rng).forward(&images).dims(), [2, 3]);
            }
            let maker = dcgan_maker(7, shape, 8, &rng).unwrap();
            assert_eq!(maker.forward(&codes).dims(), images.dims());
            let maker = mlp_maker(7, shape, &[16, 32], true, &rng);
            assert_eq!(maker.forward(&codes).dims(), images.dims());
            assert_eq!(lenet(shape, 6, &rng).unwrap().network.forward(&images).dims(), [2, 84]);
        }
        assert!(
            dcgan_trunk([1, 30, 30], 8, Normalisation::None, &rng)
                .unwrap_err()
                .to_string()
                .contains("1 × 30 × 30")
        );
        assert!(lenet([1, 8, 8], 6, &rng).is_err());
    }

    #[test]
    fn first_weights_of_a_dcgan_are_small() {
        let rng = Generator::new(0);
        let maker = dcgan_maker(100, [1, 28, 28], 64, &rng).unwrap();
        start_as_dcgan(&maker, &rng);
        for (name, parameter) in maker.named_parameters().iter().filter(|(_, parameter)| parameter.rank() > 1)
        {
            let deviation = parameter.square().mean_all().sqrt().item();
            assert!((deviation - 0.02).abs() < 2e-3, "{name}: {deviation}");
        }
    }
}
