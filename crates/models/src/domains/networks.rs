//! The digit classifier that the models of this family share, figure 4a of Ganin et al. (2016): 5×5 convolutions of 32
//! and 48 channels with maxima of 2×2, then layers of 100 and 100.

use crate::networks::{Nonlinearity, mlp};
use crate::{Error, Result};
use wengert_nn::{Conv2d, Flatten, Layer, MaxPool2d, ReLU, Sequential, module};
use wengert_tensor::{Generator, Tensor};

/// Width of the fully connected layers.
pub const WIDTH: usize = 100;

/// Images to features.
#[derive(Debug)]
pub struct Features {
    network: Sequential,
    /// Features of an image.
    pub count: usize,
}

module!(Features { modules: network });

impl Features {
    /// For images of `[channels, height, width]`.
    ///
    /// # Errors
    /// When a side is less than 16.
    pub fn new([channels, height, width]: [usize; 3], rng: &Generator) -> Result<Features> {
        // 5×5 takes 4 off a side and the maxima halve it, twice.
        let after = |side: usize| ((side - 4) / 2 - 4) / 2;
        if height < 16 || width < 16 {
            return Err(Error::setting(format!(
                "the images are {channels} × {height} × {width}, and this network needs sides of at least 16"
            )));
        }
        let network = Sequential::new()
            .add(Conv2d::new(channels, 32, 5, rng))
            .add(ReLU::new())
            .add(MaxPool2d::new(2))
            .add(Conv2d::new(32, 48, 5, rng))
            .add(ReLU::new())
            .add(MaxPool2d::new(2))
            .add(Flatten::new());
        Ok(Features { network, count: 48 * after(height) * after(width) })
    }
}

impl Layer for Features {
    /// Images in 0..1, `[N, C, H, W]`, to `[N, count]`.
    fn forward(&self, images: &Tensor) -> Tensor {
        self.network.forward(&(images * 2.0 - 1.0))
    }
}

/// Features to the logits of the classes.
pub fn label_head(features: usize, classes: usize, rng: &Generator) -> Sequential {
    mlp(&[features, WIDTH, WIDTH, classes], Nonlinearity::ReLU, rng)
}
