//! Figures of the chapters on generative models.

use crate::svg::{Curve, Plot};
use wengert_models::metrics::{Gaussian, kernel_distance};
use wengert_tensor::{DType, Generator};

/// The evidence lower bound of a model that is known in closed form, against the mean of q.
pub fn elbo() -> String {
    let (w, s2, x) = (1.5_f64, 0.5_f64, 2.0_f64);
    let turn = 2.0 * std::f64::consts::PI;
    let places = || (0..=60).map(|step| 0.2 + f64::from(step) / 40.0);
    let evidence = -0.5 * ((turn * (w * w + s2)).ln() + x * x / (w * w + s2));
    let mut curves =
        vec![Curve { name: "ln p(x)".to_owned(), points: places().map(|m| (m, evidence)).collect() }];
    let posterior = s2 / (w * w + s2);
    for (name, v) in [
        ("variance of the posterior", posterior),
        ("a quarter", posterior / 4.0),
        ("four times", posterior * 4.0),
    ] {
        let bound = |m: f64| {
            let reconstruction = -0.5 * (turn * s2).ln() - ((x - w * m).powi(2) + w * w * v) / (2.0 * s2);
            reconstruction - 0.5 * (m * m + v - 1.0 - v.ln())
        };
        curves.push(Curve { name: name.to_owned(), points: places().map(|m| (m, bound(m))).collect() });
    }
    Plot { x: "mean of q", y: "bound", logarithmic: [false; 2], curves }.draw()
}

/// Paths of a generator of one point and a discriminator of one slope, whose equilibrium is (0, 0).
pub fn game() -> String {
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    let curve = |name: &str, in_turn: bool, penalty: f64, rounds: usize| {
        let (mut theta, mut psi, mut points) = (1.0, 0.0, Vec::new());
        for _ in 0..rounds {
            points.push((theta, psi));
            let moved = psi - 0.2 * (sigmoid(psi * theta) * theta + penalty * psi);
            let seen = if in_turn { moved } else { psi };
            theta += 0.2 * sigmoid(seen * theta) * seen;
            psi = moved;
        }
        Curve { name: name.to_owned(), points }
    };
    let curves = vec![
        curve("at once", false, 0.0, 240),
        curve("in turn", true, 0.0, 64),
        curve("with a penalty", true, 0.3, 240),
    ];
    Plot { x: "made point", y: "slope of the discriminator", logarithmic: [false; 2], curves }.draw()
}

/// Jensen–Shannon divergence and earth mover's distance of two normal distributions against their shift.
pub fn distances() -> String {
    const DEVIATION: f64 = 0.5;
    let density =
        |x: f64| (-0.5 * (x / DEVIATION).powi(2)).exp() / (DEVIATION * std::f64::consts::TAU.sqrt());
    let jensen_shannon = |shift: f64| {
        let part = |a: f64, b: f64| if a > 1e-300 { 0.5 * a * (2.0 * a / (a + b)).ln() } else { 0.0 };
        let places = (0..4000).map(|i| -4.0 + f64::from(i) * 0.003);
        places.map(|x| (density(x), density(x - shift))).map(|(p, q)| part(p, q) + part(q, p)).sum::<f64>()
            * 0.003
    };
    let shifts = || (0..=80).map(|step| f64::from(step) / 20.0);
    let curves = vec![
        Curve {
            name: "Jensen–Shannon".to_owned(),
            points: shifts().map(|s| (s, jensen_shannon(s))).collect(),
        },
        Curve { name: "Wasserstein".to_owned(), points: shifts().map(|s| (s, s)).collect() },
    ];
    Plot { x: "shift", y: "distance", logarithmic: [false; 2], curves }.draw()
}

/// Distance of a bump in 64 pixels from the same bump moved, as a share of the largest.
pub fn likeness() -> String {
    let bump = |place: f64, width: f64| -> Vec<f64> {
        (0..64).map(|pixel| (-0.5 * ((f64::from(pixel) - place) / width).powi(2)).exp()).collect()
    };
    let curve = |name: &str, width: f64| {
        let distance = |shift: f64| {
            let (a, b) = (bump(16.0, width), bump(16.0 + shift, width));
            a.iter().zip(&b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
        };
        let points = (0..=64).map(|step| f64::from(step) / 2.0).map(|s| (s, distance(s) / distance(32.0)));
        Curve { name: name.to_owned(), points: points.collect() }
    };
    let curves = vec![curve("pixels", 1.0), curve("blurred", 8.0)];
    Plot { x: "moved by", y: "distance", logarithmic: [false; 2], curves }.draw()
}

/// Fréchet and kernel distance of two samples of one distribution against their size.
pub fn floor() -> String {
    let rng = Generator::new(0);
    let (mut frechet, mut kernel) = (Vec::new(), Vec::new());
    for count in [25, 50, 100, 200, 400, 800, 1600, 3200] {
        let samples = || [0, 1].map(|_| rng.normal([count, 16], 0.0, 1.0, DType::F64));
        let repeats = 3200 / count;
        let mean = |of: &dyn Fn() -> f64| (0..repeats).map(|_| of()).sum::<f64>() / repeats as f64;
        let by_moments = mean(&|| {
            let [a, b] = samples().map(|rows| Gaussian::fit(&rows));
            a.frechet_distance(&b)
        });
        let by_kernel = mean(&|| {
            let [a, b] = samples();
            // One block: its order is of no account.
            kernel_distance(&a, &b, count, &Generator::new(0)).mean
        });
        frechet.push((count as f64, by_moments));
        kernel.push((count as f64, by_kernel));
    }
    let curves = vec![
        Curve { name: "Fréchet".to_owned(), points: frechet },
        Curve { name: "kernel".to_owned(), points: kernel },
    ];
    Plot { x: "samples of each", y: "distance of two samples", logarithmic: [true, false], curves }.draw()
}
