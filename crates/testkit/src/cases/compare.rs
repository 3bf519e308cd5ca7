//! Cases of comparisons, logic and tests of floats.

use crate::case::*;
use wengert_tensor::Tensor;

/// The cases of this family.
pub fn cases() -> Vec<Case> {
    [relations(), logic(), float_tests()].concat()
}

fn relations() -> Vec<Case> {
    type WithScalar = fn(&Tensor, f64) -> Tensor;
    type Relation = (&'static str, fn(&Tensor, &Tensor) -> Tensor, WithScalar);
    let relations: [Relation; 6] = [
        ("eq", Tensor::eq, Tensor::eq_scalar),
        ("ne", Tensor::ne, Tensor::ne_scalar),
        ("lt", Tensor::lt, Tensor::lt_scalar),
        ("le", Tensor::le, Tensor::le_scalar),
        ("gt", Tensor::gt, Tensor::gt_scalar),
        ("ge", Tensor::ge, Tensor::ge_scalar),
    ];
    let mut cases = Vec::new();
    for (op, with_tensor, with_scalar) in relations {
        let mut add = |name: &str, inputs: Vec<Input>, with_scalar: Option<(WithScalar, f64)>| {
            let case = Case::new(op, format!("{op}/{name}")).inputs(inputs).no_gradient();
            cases.push(match with_scalar {
                Some((run, value)) => {
                    case.run(move |x| run(&x[0], value)).torch(format!("torch.{op}(x0, {value})"))
                }
                None => case.run(move |x| with_tensor(&x[0], &x[1])).torch(format!("torch.{op}(x0, x1)")),
            });
        };
        let special = [1.0, 2.0, f64::NAN, 0.0, f64::INFINITY, f64::NAN];
        let other = [1.0, 3.0, 1.0, -0.0, f64::INFINITY, f64::NAN];
        add("floats", vec![floats([6], special), floats([6], other)], None);
        add("broadcast", vec![integers([3, 4], 0, 3), integers([3, 1], 0, 3)], None);
        add("booleans", vec![booleans([6]), booleans([6])], None);
        add("scalar", vec![floats([6], special)], Some((with_scalar, 1.0)));
        add("integers_scalar", vec![integers([3, 4], -2, 3)], Some((with_scalar, 0.5)));
    }
    cases
}

fn logic() -> Vec<Case> {
    type Logic = (&'static str, fn(&Tensor, &Tensor) -> Tensor);
    let operators: [Logic; 3] = [
        ("logical_and", Tensor::logical_and),
        ("logical_or", Tensor::logical_or),
        ("logical_xor", Tensor::logical_xor),
    ];
    let mut cases = Vec::new();
    for (op, run) in operators {
        let torch = format!("torch.{op}(x0, x1)");
        for (name, a, b) in [
            ("booleans", booleans([4, 4]), booleans([4, 4])),
            ("broadcast", booleans([4, 4]), booleans([4, 1])),
            ("integers", integers([4, 4], 0, 2), integers([4, 4], 0, 2)),
        ] {
            let case = Case::new(op, format!("{op}/{name}")).inputs([a, b]).no_gradient();
            cases.push(case.run(move |x| run(&x[0], &x[1])).torch(torch.clone()));
        }
    }
    for (name, input) in [("booleans", booleans([7])), ("floats", floats([3], [0.0, -1.5, f64::NAN]))] {
        let case = Case::new("logical_not", format!("logical_not/{name}")).input(input).no_gradient();
        cases.push(case.run(|x| x[0].logical_not()).torch("torch.logical_not(x0)"));
    }
    cases
}

fn float_tests() -> Vec<Case> {
    type Test = (&'static str, fn(&Tensor) -> Tensor);
    let tests: [Test; 3] =
        [("isnan", Tensor::isnan), ("isinf", Tensor::isinf), ("isfinite", Tensor::isfinite)];
    let special = [1.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0];
    let case = |(op, run): Test| {
        let case = Case::new(op, format!("{op}/special_values")).input(floats([5], special)).no_gradient();
        case.run(move |x| run(&x[0])).torch(format!("torch.{op}(x0)"))
    };
    tests.map(case).to_vec()
}
