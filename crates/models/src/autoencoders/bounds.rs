//! Lower bounds on the likelihood from importance weights w = p(x, z) / q(z | x).

use wengert_tensor::Tensor;

/// ln of the mean of e^x along the first axis: `[…]` for `[samples, …]`.
///
/// Of the logarithms of importance weights it is a lower bound on ln p(x) in expectation, tighter the more samples there
/// are (Burda, Grosse and Salakhutdinov, 2016, <https://arxiv.org/abs/1509.00519>). Its gradient weighs each logarithm by
/// its sample's share w of all weights, so the best samples count most.
pub fn log_mean_exp(log_weights: &Tensor) -> Tensor {
    log_weights.logsumexp(&[0], false) - (log_weights.dims()[0] as f64).ln()
}

/// −ELBO, a mean per image, of log-weights `[samples, batch]`.
pub fn negative_elbo(log_weights: &Tensor) -> Tensor {
    -log_weights.mean_all()
}

/// −mean ln (1/K Σₖ wₖ), a mean per image, of log-weights `[K, batch]`: the loss of the importance-weighted autoencoder.
pub fn negative_iwae(log_weights: &Tensor) -> Tensor {
    -log_mean_exp(log_weights).mean_all()
}

/// −1/M Σₘ ln (1/K Σₖ wₘₖ), a mean per image, of log-weights `[M · K, batch]` in `groups` M: the average of M bounds of K
/// samples each (Rainforth et al., 2018, <https://arxiv.org/abs/1802.04537>).
pub fn negative_miwae(log_weights: &Tensor, groups: usize) -> Tensor {
    let (all, batch) = (log_weights.dims()[0], log_weights.dims()[1]);
    // K first, so that what is averaged in the logarithm is the first axis.
    let grouped = log_weights.reshape([groups, all / groups, batch]).transpose(0, 1);
    -log_mean_exp(&grouped).mean_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::autoencoders::gaussian::{DiagonalGaussian, standard_log_density};
    use wengert_tensor::{DType, Generator};

    /// Two groups of two samples, of two images.
    fn log_weights() -> Tensor {
        let weights = [1.0f64, 2.0, 3.0, 4.0, 0.5, 8.0, 5.5, 1.0].map(f64::ln);
        Tensor::from_slice(&weights, [4, 2]).requires_grad_(true)
    }

    #[test]
    fn bounds_by_hand() {
        let near = |found: Tensor, expected: f64| {
            assert!((found.item() - expected).abs() < 1e-12, "{} {expected}", found.item());
        };
        let ln = f64::ln;
        // The weights of the first image are 1, 3, ½ and 5½, those of the second 2, 4, 8 and 1.
        near(negative_elbo(&log_weights()), -(ln(8.25) + ln(64.0)) / 8.0);
        near(negative_iwae(&log_weights()), -(ln(2.5) + ln(3.75)) / 2.0);
        near(negative_miwae(&log_weights(), 2), -(ln(2.0) + ln(3.0) + ln(3.0) + ln(4.5)) / 4.0);
        near(negative_miwae(&log_weights(), 1), negative_iwae(&log_weights()).item());
        near(negative_miwae(&log_weights(), 4), negative_elbo(&log_weights()).item());
    }

    #[test]
    fn the_gradient_weighs_a_sample_by_its_share_of_all_weights() {
        let log_weights = log_weights();
        negative_iwae(&log_weights).backward().unwrap();
        let expected =
            [1.0 / 10.0, 2.0 / 15.0, 3.0 / 10.0, 4.0 / 15.0, 0.5 / 10.0, 8.0 / 15.0, 5.5 / 10.0, 1.0 / 15.0];
        for (found, share) in log_weights.grad().unwrap().to_vec::<f64>().iter().zip(expected) {
            assert!((found + share / 2.0).abs() < 1e-12, "{found} {share}");
        }
    }

    /// z ~ N(0, 1) and x ~ N(2 z, 3), so that x ~ N(0, 7) and z given x is N(2 x / 7, 3 / 7).
    fn log_weights_of_the_linear_model(x: f64, posterior: &DiagonalGaussian, samples: usize) -> Tensor {
        let codes = posterior.samples(samples, &Generator::new(6));
        let log_variance = Tensor::full([1, 1], 3f64.ln(), DType::F64);
        let given = DiagonalGaussian { mean: &codes * 2.0, log_variance };
        given.log_density(&Tensor::full([1, 1], x, DType::F64)) + standard_log_density(&codes)
            - posterior.log_density(&codes)
    }

    #[test]
    fn the_likelihood_of_a_linear_model_is_found() {
        let x = 1.7;
        let exact = -0.5 * (x * x / 7.0 + (2.0 * std::f64::consts::PI * 7.0).ln());
        let normal = |mean, variance: f64| DiagonalGaussian {
            mean: Tensor::full([1, 1], mean, DType::F64),
            log_variance: Tensor::full([1, 1], variance.ln(), DType::F64),
        };
        // Under the true posterior every weight is p(x), and every bound is tight.
        let weights = log_weights_of_the_linear_model(x, &normal(2.0 * x / 7.0, 3.0 / 7.0), 8);
        for bound in [negative_elbo(&weights), negative_iwae(&weights), negative_miwae(&weights, 2)] {
            assert!((bound.item() + exact).abs() < 1e-12, "{} {exact}", bound.item());
        }
        // Under the prior as a proposal the ELBO is off by the divergence of the two, and many samples close the gap.
        let weights = log_weights_of_the_linear_model(x, &normal(0.0, 1.0), 100_000);
        let (mean, variance): (f64, f64) = (2.0 * x / 7.0, 3.0 / 7.0);
        let gap = 0.5 * (1.0 / variance + mean * mean / variance - 1.0 + variance.ln());
        assert!(
            (negative_elbo(&weights).item() + exact - gap).abs() < 0.03,
            "{}",
            negative_elbo(&weights).item()
        );
        assert!((negative_iwae(&weights).item() + exact).abs() < 0.01);
        let [elbo, grouped, iwae] =
            [negative_elbo(&weights), negative_miwae(&weights, 10_000), negative_iwae(&weights)]
                .map(|b| b.item());
        assert!(elbo > grouped && grouped > iwae, "{elbo} {grouped} {iwae}");
    }
}
