//! Cases of the scan ops.

use crate::case::*;

/// The cases of this family.
pub fn cases() -> Vec<Case> {
    let with_zeros = || floats([2, 4], [2.0, 0.0, 3.0, 0.5, -1.0, 0.0, 0.0, 2.0]);
    vec![
        Case::new("cumsum", "cumsum/inner")
            .input(normal([3, 5]))
            .run(|x| x[0].cumsum(-1))
            .torch("x0.cumsum(-1)"),
        Case::new("cumsum", "cumsum/outer")
            .input(normal([5, 3]))
            .run(|x| x[0].cumsum(0))
            .torch("x0.cumsum(0)"),
        Case::new("cumsum", "cumsum/middle")
            .input(normal([2, 4, 3]))
            .run(|x| x[0].cumsum(1))
            .torch("x0.cumsum(1)"),
        Case::new("cumsum", "cumsum/integers")
            .input(integers([3, 5], -9, 9))
            .run(|x| x[0].cumsum(1))
            .torch("x0.cumsum(1)")
            .no_gradient(),
        Case::new("cumsum", "cumsum/booleans")
            .input(booleans([3, 5]))
            .run(|x| x[0].cumsum(0))
            .torch("x0.cumsum(0)")
            .no_gradient(),
        Case::new("cumsum", "cumsum/empty")
            .input(normal([2, 0]))
            .run(|x| x[0].cumsum(1))
            .torch("x0.cumsum(1)"),
        Case::new("mul", "cumprod/inner")
            .input(normal([2, 5]))
            .run(|x| x[0].cumprod(1))
            .torch("x0.cumprod(1)"),
        Case::new("mul", "cumprod/outer")
            .input(normal([4, 2]))
            .run(|x| x[0].cumprod(0))
            .torch("x0.cumprod(0)"),
        Case::new("mul", "cumprod/zeros").input(with_zeros()).run(|x| x[0].cumprod(1)).torch("x0.cumprod(1)"),
    ]
}
