//! Cases of the softmax ops.

use crate::case::*;

/// The cases of this family.
pub fn cases() -> Vec<Case> {
    let masked = || floats([2, 3], [f64::NEG_INFINITY, 1.0, 2.0, 0.5, f64::NEG_INFINITY, f64::NEG_INFINITY]);
    let mut cases = vec![
        Case::new("softmax", "softmax/masked")
            .input(masked())
            .run(|x| x[0].softmax(1))
            .torch("x0.softmax(1)")
            .at_kink(),
        Case::new("softmax", "softmax/far_apart")
            .input(uniform([3, 4], -1000.0, 1000.0))
            .run(|x| x[0].softmax(1))
            .torch("x0.softmax(1)")
            .at_kink(),
        Case::new("log_softmax", "log_softmax/far_apart")
            .input(uniform([3, 4], -1000.0, 1000.0))
            .run(|x| x[0].log_softmax(1))
            .torch("x0.log_softmax(1)")
            .at_kink(),
    ];
    let shapes: [(&str, &[usize], isize); 5] = [
        ("inner", &[3, 5], -1),
        ("outer", &[5, 3], 0),
        ("middle", &[2, 3, 4], 1),
        ("single", &[3, 1], 1),
        ("empty", &[0, 3], 1),
    ];
    for (id, shape, dim) in shapes {
        let softmax = Case::new("softmax", format!("softmax/{id}"))
            .input(normal(shape))
            .run(move |x| x[0].softmax(dim))
            .torch(format!("x0.softmax({dim})"));
        let log_softmax = Case::new("log_softmax", format!("log_softmax/{id}"))
            .input(normal(shape))
            .run(move |x| x[0].log_softmax(dim))
            .torch(format!("x0.log_softmax({dim})"));
        cases.extend([softmax, log_softmax]);
    }
    cases
}
