//! Signs that a run has gone wrong although its losses are finite, each with what to try.

use crate::means::Means;
use wengert_tensor::Tensor;

/// A sign that training has collapsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alarm {
    /// What was seen and what to try, one sentence each.
    pub message: String,
}

/// A discriminator that sorts this share of both kinds of images rightly has won.
const WON: f64 = 0.995;
/// Samples whose variance is below this share of the images' variance are nearly one picture.
const SAME: f64 = 0.1;
/// A code that carries less than so many nats carries nothing.
const EMPTY: f64 = 0.1;
/// A class with less than this share of what it would have among equals is missing.
const MISSING: f64 = 0.1;

/// What the mean losses of an epoch say: a discriminator that is never wrong, a code that the decoder ignores.
pub fn of_losses(means: &Means) -> Vec<Alarm> {
    let mut alarms = Vec::new();
    if let (Some(real), Some(fake)) = (means.get("accuracy_real"), means.get("accuracy_fake"))
        && real.min(fake) > WON
    {
        alarms.push(Alarm {
            message: format!(
                "the discriminator tells real from generated images nearly every time ({:.1} % and {:.1} %), and a \
                 generator learns little from that; try a lower discriminator learning rate, label smoothing, instance \
                 noise, or a loss with a gradient penalty such as `wgan-gp`",
                100.0 * real,
                100.0 * fake
            ),
        });
    }
    if let Some(kl) = means.get("kl").filter(|kl| (0.0..EMPTY).contains(kl)) {
        alarms.push(Alarm {
            message: format!(
                "the codes carry {kl:.3} nats an image, so the decoder ignores them; try a lower weight of the KL term \
                 (--beta), a weaker decoder, or a lower learning rate"
            ),
        });
    }
    alarms
}

/// What samples say beside images of the data, both `[N, C, H, W]`: whether they differ from one another. What to try is another
/// thing where the model is a game of players.
pub fn of_samples(samples: &Tensor, images: &Tensor, is_game: bool) -> Option<Alarm> {
    let share = variance(samples) / variance(images);
    let advice = match is_game {
        true => {
            "as when a generator collapses; try `normalise_units`, minibatch discrimination, more critic steps, a lower \
             generator learning rate, or `wgan-gp`"
        }
        false => {
            "as early in training, or when a decoder ignores its codes; try more steps, or less weight on the codes' prior"
        }
    };
    (share < SAME).then(|| Alarm {
        message: format!(
            "the samples are nearly one picture (their variance is {:.1} % of the images'), {advice}",
            100.0 * share
        ),
    })
}

/// What the classes of samples say, by the share of each: whether some hardly ever come.
pub fn of_classes(shares: &[f64]) -> Option<Alarm> {
    let fair = 1.0 / shares.len() as f64;
    let missing: Vec<String> = (0..shares.len())
        .filter(|&class| shares[class] < MISSING * fair)
        .map(|class| class.to_string())
        .collect();
    (!missing.is_empty()).then(|| Alarm {
        message: format!(
            "hardly any sample is of class {}: the generator has dropped modes of the data; try minibatch \
             discrimination, feature matching, or a smaller learning rate",
            missing.join(", ")
        ),
    })
}

/// The variance of a pixel among images, as a mean over pixels.
fn variance(images: &Tensor) -> f64 {
    let centred = images - &images.mean(&[0], true);
    centred.square().mean_all().item()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Losses;
    use wengert_tensor::{DType, Generator};

    fn means(terms: &[(&'static str, f64)]) -> Means {
        let scalar = |value: f64| Tensor::full((), value, DType::F32);
        let terms = terms.iter().map(|(name, value)| (*name, scalar(*value))).collect();
        let mut means = Means::default();
        means.add(&Losses { total: scalar(1.0), terms }, 10);
        means
    }

    #[test]
    fn losses_tell_a_won_game_and_an_empty_code() {
        assert_eq!(of_losses(&means(&[("accuracy_real", 0.9), ("accuracy_fake", 1.0), ("kl", 20.0)])), []);
        let won = of_losses(&means(&[("accuracy_real", 0.999), ("accuracy_fake", 1.0)]));
        assert!(won[0].message.contains("(99.9 % and 100.0 %)"));
        let empty = of_losses(&means(&[("kl", 0.01)]));
        assert!(empty[0].message.contains("0.010 nats"));
    }

    #[test]
    fn samples_tell_one_picture_from_many() {
        let images = Generator::new(0).uniform([16, 1, 4, 4], 0.0, 1.0, DType::F32);
        assert_eq!(of_samples(&images, &images, true), None);
        // The same picture 16 times, but for a little noise.
        let alike = images.narrow(0, 0, 1).broadcast_to([16, 1, 4, 4]) + &images * 0.1;
        for (is_game, advice) in [(true, "critic steps"), (false, "more steps")] {
            let Alarm { message } = of_samples(&alike, &images, is_game).unwrap();
            assert!(message.contains("(their variance is 1.0 %") && message.contains(advice), "{message}");
        }
    }

    #[test]
    fn classes_tell_what_is_missing() {
        assert_eq!(of_classes(&[0.1, 0.5, 0.4]), None);
        assert!(of_classes(&[0.45, 0.01, 0.54, 0.0]).unwrap().message.contains("class 1, 3:"));
    }
}
