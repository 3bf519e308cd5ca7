//! Cases of the functions of two numbers.

use crate::case::*;
use wengert_tensor::Tensor;

/// The cases of this family.
pub fn cases() -> Vec<Case> {
    [same_shapes(), broadcasts(), special_values(), integer_elements()].concat()
}

type Function = fn(&Tensor, &Tensor) -> Tensor;

fn case(op: &str, name: &str, inputs: [Input; 2], function: Function, torch: &str) -> Case {
    Case::new(op, format!("{op}/{name}")).inputs(inputs).run(move |x| function(&x[0], &x[1])).torch(torch)
}

fn same_shapes() -> Vec<Case> {
    let two = || [normal([3, 4]), normal([3, 4])];
    vec![
        case("add", "basic", two(), |a, b| a + b, "x0 + x1").elementwise(),
        case("sub", "basic", two(), |a, b| a - b, "x0 - x1").elementwise(),
        case("mul", "basic", two(), |a, b| a * b, "x0 * x1").elementwise(),
        case("div", "basic", [normal([3, 4]), positive([3, 4])], |a, b| a / b, "x0 / x1").elementwise(),
        case("pow", "basic", [positive([3, 4]), normal([3, 4])], Tensor::pow, "x0 ** x1").elementwise(),
        case("maximum", "basic", two(), Tensor::maximum, "torch.maximum(x0, x1)").not_smooth(),
        case("minimum", "basic", two(), Tensor::minimum, "torch.minimum(x0, x1)").not_smooth(),
        Case::new("mul", "mul/with_itself").input(normal([3, 4])).run(|x| &x[0] * &x[0]).torch("x0 * x0"),
        // Owned intermediate results lend their memory, on either side.
        Case::new("sub", "sub/donated")
            .inputs([normal([3, 4]), normal([3, 4])])
            .run(|x| (&x[0] * 2.0 - &x[1]) * (&x[1] - &x[0] * 3.0) / (x[0].square() + 1.0))
            .torch("(x0 * 2 - x1) * (x1 - x0 * 3) / (x0 ** 2 + 1)"),
    ]
}

fn broadcasts() -> Vec<Case> {
    let shapes: [(&str, &[usize], &[usize]); 6] = [
        ("row", &[3, 4], &[4]),
        ("column", &[3, 4], &[3, 1]),
        ("channel", &[2, 3, 2, 2], &[1, 3, 1, 1]),
        ("outer_product", &[3, 1], &[1, 4]),
        ("scalar", &[2, 3], &[]),
        ("stretched_left", &[1], &[2, 3]),
    ];
    let functions: [(&str, Function, &str); 4] = [
        ("add", |a, b| a + b, "x0 + x1"),
        ("sub", |a, b| a - b, "x0 - x1"),
        ("mul", |a, b| a * b, "x0 * x1"),
        ("div", |a, b| a / b, "x0 / x1"),
    ];
    let mut cases = Vec::new();
    for (name, left, right) in shapes {
        for (op, function, torch) in functions {
            cases.push(case(op, name, [normal(left), positive(right)], function, torch));
        }
    }
    cases.push(case("pow", "row", [positive([3, 4]), normal([4])], Tensor::pow, "x0 ** x1"));
    let apart = || [distinct([3, 4]), floats([4], [-0.21, -0.01, 0.07, 0.22])];
    cases.push(case("maximum", "row", apart(), Tensor::maximum, "torch.maximum(x0, x1)").at_kink());
    cases.push(case("minimum", "row", apart(), Tensor::minimum, "torch.minimum(x0, x1)").at_kink());
    cases
}

/// Ties and zeros, where the gradient is PyTorch's.
fn special_values() -> Vec<Case> {
    let ties = || [floats([4], [1.0, 2.0, -1.0, 0.0]), floats([4], [1.0, 1.0, 0.0, 0.0])];
    vec![
        case("maximum", "ties", ties(), Tensor::maximum, "torch.maximum(x0, x1)").at_kink(),
        case("minimum", "ties", ties(), Tensor::minimum, "torch.minimum(x0, x1)").at_kink(),
        case(
            "pow",
            "zeros",
            [floats([4], [0.0, 0.0, 2.0, -2.0]), floats([4], [0.0, 3.0, 0.0, 2.0])],
            Tensor::pow,
            "x0 ** x1",
        )
        .fixed(1)
        .at_kink(),
        case("pow", "zero_base", [floats([2], [0.0, 2.0]), floats([2], [1.5, 0.5])], Tensor::pow, "x0 ** x1")
            .at_kink(),
    ]
}

fn integer_elements() -> Vec<Case> {
    let of = |op: &str, function: Function, torch: &str| {
        case(op, "integers", [integers([3, 4], -5, 6), integers([4], -5, 6)], function, torch).no_gradient()
    };
    vec![
        of("add", |a, b| a + b, "x0 + x1"),
        of("sub", |a, b| a - b, "x0 - x1"),
        of("mul", |a, b| a * b, "x0 * x1"),
        of("maximum", Tensor::maximum, "torch.maximum(x0, x1)"),
        of("minimum", Tensor::minimum, "torch.minimum(x0, x1)"),
    ]
}
