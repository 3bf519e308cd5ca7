use super::float::{cos_sin_turns, cos_sin_wide_turns};
use super::*;
use crate::par;
use crate::simd::{Level, limit};

const HERE: Position = Position { seed: 42, stream: 3, offset: 5 };

/// The three vectors of `philox4x32 10` in the file `kat_vectors` of the authors' library Random123.
#[test]
fn known_answers() {
    assert_eq!(philox4x32_10([0; 4], [0; 2]), [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]);
    assert_eq!(
        philox4x32_10([u32::MAX; 4], [u32::MAX; 2]),
        [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]
    );
    assert_eq!(
        philox4x32_10([0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344], [0xa409_3822, 0x299f_31d0]),
        [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
    );
}

#[test]
fn an_element_depends_on_its_place_alone() {
    let mut all = vec![0.0f32; 3 * par::CHUNK + 7];
    normal(&mut all, HERE, 0.0, 1.0);
    let mut part = vec![0.0f32; 9];
    let skipped = par::CHUNK + 400;
    normal(&mut part, Position { offset: HERE.offset + skipped as u64 / 4, ..HERE }, 0.0, 1.0);
    assert_eq!(part, all[skipped..skipped + 9]);
}

#[test]
fn thread_counts_agree() {
    let draw = |threads: usize| {
        let mut out = vec![0.0f64; 5 * par::CHUNK + 1];
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| exponential(&mut out, HERE, 2.0));
        out
    };
    assert_eq!(draw(1), draw(3));
}

/// Mean and variance of `values`.
fn moments(values: &[f64]) -> (f64, f64) {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    (mean, values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / values.len() as f64)
}

/// Holds a draw of a million against the first two moments of its distribution.
fn check<T: RandomFloat>(mean: f64, variance: f64, draw: impl Fn(&mut [T])) {
    let mut out = vec![T::ZERO; 1_000_000];
    draw(&mut out);
    let (found_mean, found_variance) = moments(&out.iter().map(|v| v.to_f64()).collect::<Vec<_>>());
    // Five standard errors of the mean; the variance of a variance depends on the fourth moment, so 2 % for all.
    assert!((found_mean - mean).abs() < 5.0 * (variance / 1e6).sqrt(), "mean {found_mean}, not {mean}");
    assert!((found_variance / variance - 1.0).abs() < 0.02, "variance {found_variance}, not {variance}");
}

#[test]
fn moments_fit() {
    fn all<T: RandomFloat>() {
        let number = T::from_f64;
        check::<T>(1.0, 4.0 / 12.0 * 4.0, |out| uniform(out, HERE, number(-1.0), number(3.0)));
        check::<T>(0.5, 4.0, |out| normal(out, HERE, number(0.5), number(2.0)));
        check::<T>(0.25, 0.0625, |out| exponential(out, HERE, number(4.0)));
        check::<T>(0.577_215_664_9, std::f64::consts::PI.powi(2) / 6.0, |out| gumbel(out, HERE));
    }
    all::<f32>();
    all::<f64>();
    check::<f64>(2.5, 35.0 / 12.0, |out| {
        let mut drawn = vec![0; out.len()];
        integers(&mut drawn, HERE, 0, 6);
        out.iter_mut().zip(drawn).for_each(|(out, value)| *out = value as f64);
    });
}

#[test]
fn ranges_hold() {
    let mut out = vec![0.0f32; 100_000];
    uniform(&mut out, HERE, 1.0, 1.000_001);
    assert!(out.iter().all(|v| (1.0..1.000_001).contains(v)));
    gumbel(&mut out, HERE);
    assert!(out.iter().all(|v| v.is_finite()));
    let mut whole = vec![0; 1000];
    integers(&mut whole, HERE, i64::MIN, i64::MAX);
    assert!(whole.iter().any(|&v| v < 0) && whole.iter().any(|&v| v > 0));
}

#[test]
fn permutations_are_permutations_and_spread_evenly() {
    let mut out = vec![0; 1001];
    permutation(&mut out, HERE);
    let mut sorted = out.clone();
    sorted.sort_unstable();
    assert!(sorted.iter().enumerate().all(|(i, &v)| v == i as i64) && sorted != out);
    // Each of the 24 orders of four should come up 1,000 times of 24,000, give or take five standard deviations.
    let mut seen = std::collections::BTreeMap::new();
    for offset in 0..24_000 {
        let mut order = [0; 4];
        permutation(&mut order, Position { offset: 10 * offset, ..HERE });
        *seen.entry(order).or_insert(0) += 1;
    }
    assert_eq!(seen.len(), 24);
    assert!(seen.values().all(|&count: &i32| (count - 1000).abs() < 155), "{seen:?}");
}

#[test]
fn cosine_and_sine_of_turns() {
    // Every quarter and its edges, and points all around.
    let edges = (0..8u32).flat_map(|eighth| [0, 1, u32::MAX].map(|step| (eighth << 29).wrapping_add(step)));
    for word in edges.chain((0..1 << 16).map(|i: u32| i.wrapping_mul(0x9E37_79B9))) {
        let (cos, sin) = cos_sin_turns(word);
        let angle = f64::from(word) * (std::f64::consts::TAU / 4_294_967_296.0);
        let error = (f64::from(cos) - angle.cos()).abs().max((f64::from(sin) - angle.sin()).abs());
        assert!(error < 1.2e-7, "{word:#x}: ({cos}, {sin}) is {error} off");
    }
}

#[test]
fn functions_of_f64_are_accurate() {
    let mut words = (0..200_000u64).map(|i| i.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let edges = (0..8u64).flat_map(|eighth| [0, 1, u64::MAX].map(|step| (eighth << 61).wrapping_add(step)));
    for word in edges.chain(words.by_ref()) {
        let (cos, sin) = cos_sin_wide_turns(word);
        // The angle from the nearest half turn is small enough for its own rounding not to matter.
        let half = word.wrapping_add(1 << 62) >> 63;
        let angle = (word << 1) as i64 as f64 / 2.0 * (std::f64::consts::TAU / (1u128 << 64) as f64);
        let sign = if half == 0 { 1.0 } else { -1.0 };
        let error = (cos - sign * angle.cos()).abs().max((sin - sign * angle.sin()).abs());
        assert!(error < 4e-16, "{word:#x}: ({cos}, {sin}) is {error} off");
        let unit = (word | 1) as f64 * (1.0 / (1u128 << 64) as f64);
        for x in [unit, -unit.ln().min(-1e-17)] {
            let (found, expected) = (x.logarithm(), x.ln());
            let error = (found - expected).abs();
            assert!(error <= 2.0 * f64::EPSILON * expected.abs(), "ln {x} is {expected}, not {found}");
        }
    }
}

#[test]
fn every_instruction_set_draws_the_same() {
    let draws = [Level::Baseline, Level::Avx2, Level::Avx512].map(|level| {
        limit(level);
        let mut out = vec![0.0f32; 4014];
        let (numbers, coins) = out.split_at_mut(2007);
        normal(numbers, HERE, 0.5, 2.0);
        with_units(numbers, coins, HERE, |unit, value| if unit < value { value } else { unit });
        out
    });
    limit(Level::Avx512);
    assert!(draws[0] == draws[1] && draws[1] == draws[2]);
}
