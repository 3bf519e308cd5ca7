//! Cases of the reduce ops.

use crate::case::*;
use wengert_tensor::Shape;

/// The cases of this family.
pub fn cases() -> Vec<Case> {
    [sums(), products(), extremes(), positions(), moments(), norms(), logsumexp(), counts()].concat()
}

fn sums() -> Vec<Case> {
    vec![
        Case::new("sum", "sum/all").input(normal([3, 4])).run(|x| x[0].sum_all()).torch("x0.sum()"),
        Case::new("sum", "sum/inner")
            .input(normal([3, 4]))
            .run(|x| x[0].sum(&[-1], false))
            .torch("x0.sum(-1)"),
        Case::new("sum", "sum/outer_keepdim")
            .input(normal([3, 4]))
            .run(|x| x[0].sum(&[0], true))
            .torch("x0.sum(0, keepdim=True)"),
        Case::new("sum", "sum/channels")
            .input(normal([2, 3, 2, 4]))
            .run(|x| x[0].sum(&[0, 2, 3], false))
            .torch("x0.sum((0, 2, 3))"),
        Case::new("sum", "sum/middle")
            .input(normal([2, 3, 4]))
            .run(|x| x[0].sum(&[-2], false))
            .torch("x0.sum(1)"),
        Case::new("sum", "sum/long")
            .input(normal([1300, 2]))
            .run(|x| x[0].sum(&[0], false) * 0.01)
            .torch("x0.sum(0) * 0.01"),
        Case::new("sum", "sum/scalar").input(normal([])).run(|x| x[0].sum_all()).torch("x0.sum()"),
        Case::new("sum", "sum/empty")
            .input(normal([0, 3]))
            .run(|x| x[0].sum(&[0], false))
            .torch("x0.sum(0)")
            .no_gradient(),
        Case::new("sum", "sum/integers")
            .input(integers([3, 5], -9, 9))
            .run(|x| x[0].sum(&[1], false))
            .torch("x0.sum(1)")
            .no_gradient(),
        Case::new("sum", "sum/booleans")
            .input(booleans([3, 5]))
            .run(|x| x[0].sum(&[0], false))
            .torch("x0.sum(0)")
            .no_gradient(),
        Case::new("sum", "sum_to/leading_and_stretched")
            .input(normal([2, 3, 4]))
            .run(|x| x[0].sum_to(&Shape::from([3, 1])))
            .torch("x0.sum_to_size(3, 1)"),
        Case::new("mean", "mean/all").input(normal([3, 4])).run(|x| x[0].mean_all()).torch("x0.mean()"),
        Case::new("mean", "mean/dims_keepdim")
            .input(normal([2, 3, 4]))
            .run(|x| x[0].mean(&[0, -1], true))
            .torch("x0.mean((0, -1), keepdim=True)"),
    ]
}

fn products() -> Vec<Case> {
    let with_zeros = |zeros: &[usize]| {
        let mut values: Vec<f64> = (1..=5).map(|i| 0.5 * f64::from(i) - 1.75).collect();
        zeros.iter().for_each(|&zero| values[zero] = 0.0);
        floats([5], values)
    };
    let zeros = |id: &str, zeros: &[usize]| {
        Case::new("prod", id).input(with_zeros(zeros)).run(|x| x[0].prod_all()).torch("x0.prod()")
    };
    vec![
        Case::new("prod", "prod/inner")
            .input(normal([3, 4]))
            .run(|x| x[0].prod(&[1], false))
            .torch("x0.prod(1)"),
        Case::new("prod", "prod/outer_odd_keepdim")
            .input(normal([7, 2]))
            .run(|x| x[0].prod(&[0], true))
            .torch("x0.prod(0, keepdim=True)"),
        Case::new("prod", "prod/two_axes")
            .input(normal([2, 3, 3]))
            .run(|x| x[0].prod(&[0, 2], false))
            .torch("x0.prod(2).prod(0)"),
        zeros("prod/one_zero", &[2]),
        zeros("prod/two_zeros", &[1, 4]),
        zeros("prod/three_zeros", &[0, 1, 4]),
        Case::new("prod", "prod/integers")
            .input(integers([2, 4], 1, 6))
            .run(|x| x[0].prod(&[1], false))
            .torch("x0.prod(1)")
            .no_gradient(),
        Case::new("prod", "prod/empty")
            .input(normal([2, 0]))
            .run(|x| x[0].prod(&[1], false))
            .torch("x0.prod(1)")
            .no_gradient(),
    ]
}

fn extremes() -> Vec<Case> {
    let tied = || floats([2, 4], [1.0, 3.0, 3.0, -2.0, 5.0, 5.0, 5.0, 0.0]);
    vec![
        Case::new("amax", "amax/inner")
            .input(distinct([3, 4]))
            .run(|x| x[0].amax(&[1], false))
            .torch("x0.amax(1)"),
        Case::new("amax", "amax/dims_keepdim")
            .input(distinct([2, 3, 4]))
            .run(|x| x[0].amax(&[0, 2], true))
            .torch("x0.amax((0, 2), keepdim=True)"),
        Case::new("amax", "amax/all").input(distinct([3, 4])).run(|x| x[0].max_all()).torch("x0.amax()"),
        Case::new("amax", "amax/ties")
            .input(tied())
            .run(|x| x[0].amax(&[1], false))
            .torch("x0.amax(1)")
            .at_kink(),
        Case::new("amin", "amin/outer")
            .input(distinct([3, 4]))
            .run(|x| x[0].amin(&[0], false))
            .torch("x0.amin(0)"),
        Case::new("amin", "amin/all").input(distinct([3, 4])).run(|x| x[0].min_all()).torch("x0.amin()"),
        Case::new("amin", "amin/ties")
            .input(tied())
            .run(|x| (-&x[0]).amin(&[1], true))
            .torch("(-x0).amin(1, keepdim=True)")
            .at_kink(),
        Case::new("amax", "amax/integers")
            .input(integers([3, 4], -9, 9))
            .run(|x| x[0].amax(&[0], false))
            .torch("x0.amax(0)")
            .no_gradient(),
    ]
}

fn positions() -> Vec<Case> {
    let tied = || indices([2, 4], [1, 3, 3, -2, 5, 5, 5, 0]);
    let cases = vec![
        Case::new("argmax", "argmax/inner")
            .input(distinct([3, 4]))
            .run(|x| x[0].argmax(-1, false))
            .torch("x0.argmax(-1)"),
        Case::new("argmax", "argmax/outer_keepdim")
            .input(distinct([3, 4]))
            .run(|x| x[0].argmax(0, true))
            .torch("x0.argmax(0, keepdim=True)"),
        Case::new("argmax", "argmax/all")
            .input(distinct([3, 4]))
            .run(|x| x[0].argmax_all())
            .torch("x0.argmax()"),
        Case::new("argmax", "argmax/ties").input(tied()).run(|x| x[0].argmax(1, false)).torch("x0.argmax(1)"),
        Case::new("argmin", "argmin/middle")
            .input(distinct([2, 3, 4]))
            .run(|x| x[0].argmin(1, false))
            .torch("x0.argmin(1)"),
        Case::new("argmin", "argmin/all")
            .input(distinct([3, 4]))
            .run(|x| x[0].argmin_all())
            .torch("x0.argmin()"),
    ];
    cases.into_iter().map(Case::no_gradient).collect()
}

fn moments() -> Vec<Case> {
    vec![
        Case::new("sum", "var/unbiased")
            .input(normal([3, 5]))
            .run(|x| x[0].var(&[1], 1.0, false))
            .torch("x0.var(1, correction=1)"),
        Case::new("sum", "var/biased_dims_keepdim")
            .input(normal([2, 3, 4]))
            .run(|x| x[0].var(&[0, 2], 0.0, true))
            .torch("x0.var((0, 2), correction=0, keepdim=True)"),
        Case::new("sum", "std/unbiased")
            .input(normal([3, 5]))
            .run(|x| x[0].std(&[1], 1.0, false))
            .torch("x0.std(1)"),
        Case::new("sum", "std/constant")
            .input(floats([2, 3], [2.0, 2.0, 2.0, 1.0, 2.0, 4.0]))
            .run(|x| x[0].std(&[1], 1.0, false))
            .torch("x0.std(1)")
            .at_kink(),
    ]
}

fn norms() -> Vec<Case> {
    let zeros = || floats([3, 3], [0.0, 0.0, 0.0, 0.0, 3.0, -4.0, 1.0, 0.0, 2.0]);
    let norm = |id: &str, p: f64, torch_p: &str| {
        Case::new("sum", id)
            .input(away_from([3, 4], &[0.0], 0.2))
            .run(move |x| x[0].norm(p, &[1], false))
            .torch(format!("torch.linalg.vector_norm(x0, {torch_p}, 1)"))
    };
    let at_zero = |id: &str, p: f64, torch_p: &str| {
        Case::new("sum", id)
            .input(zeros())
            .run(move |x| x[0].norm(p, &[1], true))
            .torch(format!("torch.linalg.vector_norm(x0, {torch_p}, 1, keepdim=True)"))
            .at_kink()
    };
    vec![
        norm("norm/1", 1.0, "1"),
        norm("norm/2", 2.0, "2"),
        norm("norm/3", 3.0, "3"),
        norm("norm/half", 0.5, "0.5"),
        norm("norm/-2", -2.0, "-2"),
        Case::new("masked_fill", "norm/0")
            .input(floats([3, 2], [0.0, 1.5, -2.0, 0.0, 0.0, 0.0]))
            .run(|x| x[0].norm(0.0, &[1], false))
            .torch("torch.linalg.vector_norm(x0, 0, 1)")
            .no_gradient(),
        at_zero("norm/1_at_zero", 1.0, "1"),
        at_zero("norm/2_at_zero", 2.0, "2"),
        at_zero("norm/3_at_zero", 3.0, "3"),
        at_zero("norm/infinity_ties", f64::INFINITY, "float('inf')"),
        Case::new("amax", "norm/infinity")
            .input(distinct([3, 4]))
            .run(|x| x[0].norm(f64::INFINITY, &[0], false))
            .torch("torch.linalg.vector_norm(x0, float('inf'), 0)")
            .not_smooth(),
        Case::new("amin", "norm/-infinity")
            .input(distinct([3, 3]))
            .run(|x| x[0].norm(f64::NEG_INFINITY, &[0], false))
            .torch("torch.linalg.vector_norm(x0, -float('inf'), 0)")
            .not_smooth(),
        Case::new("sum", "norm/2_all")
            .input(normal([2, 3]))
            .run(|x| x[0].norm(2.0, &[], false))
            .torch("x0.norm()"),
    ]
}

fn logsumexp() -> Vec<Case> {
    const LOWEST: f64 = f64::NEG_INFINITY;
    vec![
        Case::new("logsumexp", "logsumexp/inner")
            .input(normal([3, 5]))
            .run(|x| x[0].logsumexp(&[1], false))
            .torch("x0.logsumexp(1)"),
        Case::new("logsumexp", "logsumexp/dims_keepdim")
            .input(normal([2, 3, 4]))
            .run(|x| x[0].logsumexp(&[0, 2], true))
            .torch("x0.logsumexp((0, 2), keepdim=True)"),
        Case::new("logsumexp", "logsumexp/large")
            .input(uniform([4, 3], 800.0, 810.0))
            .run(|x| x[0].logsumexp(&[0], false))
            .torch("x0.logsumexp(0)"),
        Case::new("logsumexp", "logsumexp/masked")
            .input(floats([3, 2], [LOWEST, -1.0, 1.0, LOWEST, 0.5, 2.0]))
            .run(|x| x[0].logsumexp(&[1], false))
            .torch("x0.logsumexp(1)")
            .at_kink(),
        Case::new("logsumexp", "logsumexp/all_masked")
            .input(floats([2, 2], [LOWEST, LOWEST, 1.0, LOWEST]))
            .run(|x| x[0].logsumexp(&[1], false))
            .torch("x0.logsumexp(1)")
            .no_gradient(),
    ]
}

fn counts() -> Vec<Case> {
    let cases = vec![
        Case::new("count_nonzero", "count_nonzero/floats")
            .input(floats([2, 3], [0.0, -0.0, 1.0, -2.0, 0.5, 0.0]))
            .run(|x| x[0].count_nonzero(&[1], false))
            .torch("torch.count_nonzero(x0, 1)"),
        Case::new("count_nonzero", "count_nonzero/all")
            .input(integers([4, 3], -1, 2))
            .run(|x| x[0].count_nonzero(&[], false))
            .torch("torch.count_nonzero(x0)"),
        Case::new("count_nonzero", "any/booleans")
            .input(booleans([6, 2]))
            .run(|x| x[0].any(&[1], false))
            .torch("x0.any(1)"),
        Case::new("count_nonzero", "all/booleans")
            .input(booleans([6, 2]))
            .run(|x| x[0].all(&[1], true))
            .torch("x0.all(1, keepdim=True)"),
        Case::new("count_nonzero", "all/empty")
            .input(booleans([2, 0]))
            .run(|x| x[0].all(&[1], false))
            .torch("x0.all(1)"),
    ];
    cases.into_iter().map(Case::no_gradient).collect()
}
