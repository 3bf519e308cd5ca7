//! Cases of the sort ops.

use crate::case::*;

/// The cases of this family.
pub fn cases() -> Vec<Case> {
    let tied = || integers([3, 12], 0, 4);
    vec![
        Case::new("argsort", "argsort/inner")
            .input(distinct([3, 5]))
            .run(|x| x[0].argsort(1, false))
            .torch("x0.argsort(1)")
            .no_gradient(),
        Case::new("argsort", "argsort/outer_descending")
            .input(distinct([5, 3]))
            .run(|x| x[0].argsort(0, true))
            .torch("x0.argsort(0, descending=True)")
            .no_gradient(),
        Case::new("argsort", "argsort/stable")
            .input(tied())
            .run(|x| x[0].argsort(1, false))
            .torch("torch.sort(x0, dim=1, stable=True)[1]")
            .no_gradient(),
        Case::new("argsort", "argsort/stable_descending")
            .input(tied())
            .run(|x| x[0].argsort(1, true))
            .torch("torch.sort(x0, dim=1, descending=True, stable=True)[1]")
            .no_gradient(),
        Case::new("argsort", "argsort/nan_is_largest")
            .input(floats([5], [2.0, f64::NAN, 1.0, f64::INFINITY, f64::NEG_INFINITY]))
            .run(|x| x[0].argsort(0, false))
            .torch("x0.argsort(0)")
            .no_gradient(),
        Case::new("argsort", "sort/middle")
            .input(distinct([2, 5, 3]))
            .run(|x| x[0].sort(1, false).0)
            .torch("x0.sort(1)[0]"),
        Case::new("argsort", "sort/descending")
            .input(distinct([3, 5]))
            .run(|x| x[0].sort(-1, true).0)
            .torch("x0.sort(-1, descending=True)[0]"),
        Case::new("argsort", "topk/largest")
            .input(distinct([3, 7]))
            .run(|x| x[0].topk(3, 1, true).0)
            .torch("x0.topk(3, 1)[0]"),
        Case::new("argsort", "topk/smallest_outer")
            .input(distinct([7, 3]))
            .run(|x| x[0].topk(2, 0, false).0)
            .torch("x0.topk(2, 0, largest=False)[0]"),
        Case::new("argsort", "topk/positions")
            .input(distinct([3, 7]))
            .run(|x| x[0].topk(3, 1, true).1)
            .torch("x0.topk(3, 1)[1]")
            .no_gradient(),
    ]
}
