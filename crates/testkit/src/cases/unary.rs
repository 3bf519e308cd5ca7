//! Cases of the functions of one number, and of the fused gradients of activations.

use crate::case::*;
use wengert_tensor::ops::unary_grad::UnaryGrad;
use wengert_tensor::{Gelu, Op, Tensor, apply};

/// The cases of this family.
pub fn cases() -> Vec<Case> {
    [elementary(), rounding(), activations(), scalars(), kinks(), integer_elements(), gradients()].concat()
}

type Function = fn(&Tensor) -> Tensor;

fn case(op: &str, input: Input, function: Function, torch: &str) -> Case {
    named(op, "basic", input, function, torch)
}

fn named(op: &str, name: &str, input: Input, function: Function, torch: &str) -> Case {
    Case::new(op, format!("{op}/{name}"))
        .input(input)
        .run(move |x| function(&x[0]))
        .torch(torch)
        .elementwise()
}

fn elementary() -> Vec<Case> {
    let ordinary = || normal([3, 4]);
    let above_zero = || positive([2, 5]);
    vec![
        case("neg", ordinary(), Tensor::neg, "-x0"),
        case("abs", away_from([3, 4], &[0.0], 0.05), Tensor::abs, "torch.abs(x0)").not_smooth(),
        case("exp", ordinary(), Tensor::exp, "torch.exp(x0)"),
        case("expm1", ordinary(), Tensor::expm1, "torch.expm1(x0)"),
        case("log", above_zero(), Tensor::log, "torch.log(x0)"),
        case("log1p", uniform([3, 4], -0.5, 3.0), Tensor::log1p, "torch.log1p(x0)"),
        case("sqrt", above_zero(), Tensor::sqrt, "torch.sqrt(x0)"),
        case("rsqrt", above_zero(), Tensor::rsqrt, "torch.rsqrt(x0)"),
        case("square", ordinary(), Tensor::square, "torch.square(x0)"),
        case("reciprocal", away_from([3, 4], &[0.0], 0.4), Tensor::reciprocal, "torch.reciprocal(x0)"),
        case("sin", ordinary(), Tensor::sin, "torch.sin(x0)"),
        case("cos", ordinary(), Tensor::cos, "torch.cos(x0)"),
        case("erf", ordinary(), Tensor::erf, "torch.erf(x0)"),
        named("exp", "scalar", normal([]), Tensor::exp, "torch.exp(x0)"),
        named("exp", "many_axes", normal([2, 1, 3, 1, 2]), Tensor::exp, "torch.exp(x0)"),
        // Near 0, where exp(x) − 1 and log(1 + x) would lose all digits.
        named("expm1", "tiny", uniform([4], -1e-10, 1e-10), Tensor::expm1, "torch.expm1(x0)")
            .tolerance(1e-13, 0.0),
        named("log1p", "tiny", uniform([4], -1e-10, 1e-10), Tensor::log1p, "torch.log1p(x0)")
            .tolerance(1e-13, 0.0),
    ]
}

fn rounding() -> Vec<Case> {
    let off_the_jumps = || away_from([3, 4], &[-2.0, -1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0], 0.01);
    let halves = || floats([8], [-2.5, -1.5, -0.5, 0.0, 0.5, 1.5, 2.5, 3.0]);
    let constant = |case: Case| case.not_smooth();
    vec![
        constant(case("sign", off_the_jumps(), Tensor::sign, "torch.sign(x0)")),
        constant(case("floor", off_the_jumps(), Tensor::floor, "torch.floor(x0)")),
        constant(case("ceil", off_the_jumps(), Tensor::ceil, "torch.ceil(x0)")),
        constant(case("round", off_the_jumps(), Tensor::round, "torch.round(x0)")),
        named("round", "halves", halves(), Tensor::round, "torch.round(x0)").at_kink(),
        named("floor", "halves", halves(), Tensor::floor, "torch.floor(x0)").at_kink(),
        named("ceil", "halves", halves(), Tensor::ceil, "torch.ceil(x0)").at_kink(),
        named("sign", "halves", halves(), Tensor::sign, "torch.sign(x0)").at_kink(),
    ]
}

fn activations() -> Vec<Case> {
    let ordinary = || normal([3, 4]);
    let off_zero = || away_from([3, 4], &[0.0], 0.05);
    let wide = || floats([6], [-700.0, -30.0, -0.5, 0.5, 30.0, 700.0]);
    vec![
        case("tanh", ordinary(), Tensor::tanh, "torch.tanh(x0)"),
        case("sigmoid", ordinary(), Tensor::sigmoid, "torch.sigmoid(x0)"),
        named("sigmoid", "wide", wide(), Tensor::sigmoid, "torch.sigmoid(x0)").single(false),
        case("log_sigmoid", ordinary(), Tensor::log_sigmoid, "F.logsigmoid(x0)"),
        named("log_sigmoid", "wide", wide(), Tensor::log_sigmoid, "F.logsigmoid(x0)"),
        case("softplus", ordinary(), Tensor::softplus, "F.softplus(x0)"),
        named("softplus", "wide", wide(), Tensor::softplus, "F.softplus(x0)"),
        named(
            "softplus",
            "beta",
            away_from([3, 4], &[0.5], 0.05),
            |x| x.softplus_with(2.0, 1.0),
            "F.softplus(x0, beta=2.0, threshold=1.0)",
        ),
        case("relu", off_zero(), Tensor::relu, "F.relu(x0)").not_smooth(),
        case("leaky_relu", off_zero(), |x| x.leaky_relu(0.2), "F.leaky_relu(x0, 0.2)").not_smooth(),
        named("leaky_relu", "rising_left", off_zero(), |x| x.leaky_relu(-0.5), "F.leaky_relu(x0, -0.5)")
            .not_smooth(),
        case("elu", off_zero(), |x| x.elu(1.0), "F.elu(x0)"),
        named("elu", "alpha", off_zero(), |x| x.elu(0.7), "F.elu(x0, alpha=0.7)"),
        named("elu", "wide", wide(), |x| x.elu(1.0), "F.elu(x0)"),
        case("selu", off_zero(), Tensor::selu, "F.selu(x0)"),
        case("gelu", ordinary(), Tensor::gelu, "F.gelu(x0)"),
        named("gelu", "tanh", ordinary(), |x| x.gelu_with(Gelu::Tanh), "F.gelu(x0, approximate='tanh')"),
        case("silu", ordinary(), Tensor::silu, "F.silu(x0)"),
        case("hardtanh", away_from([3, 4], &[-1.0, 1.0], 0.05), |x| x.hardtanh(-1.0, 1.0), "F.hardtanh(x0)")
            .not_smooth(),
    ]
}

fn scalars() -> Vec<Case> {
    vec![
        case(
            "clamp",
            away_from([3, 4], &[-0.5, 0.8], 0.05),
            |x| x.clamp(Some(-0.5), Some(0.8)),
            "x0.clamp(-0.5, 0.8)",
        )
        .not_smooth(),
        named(
            "clamp",
            "below",
            away_from([3, 4], &[0.1], 0.05),
            |x| x.clamp(Some(0.1), None),
            "x0.clamp(min=0.1)",
        )
        .not_smooth(),
        named(
            "clamp",
            "above",
            away_from([3, 4], &[0.1], 0.05),
            |x| x.clamp(None, Some(0.1)),
            "x0.clamp(max=0.1)",
        )
        .not_smooth(),
        named("clamp", "crossed", normal([4]), |x| x.clamp(Some(1.0), Some(-1.0)), "x0.clamp(1.0, -1.0)")
            .at_kink(),
        case("add_scalar", normal([3, 4]), |x| x.add_scalar(1.5), "x0 + 1.5"),
        named("add_scalar", "sub_scalar", normal([3]), |x| x.sub_scalar(1.5), "x0 - 1.5"),
        named("add_scalar", "reversed_difference", normal([3]), |x| 1.5 - x, "1.5 - x0"),
        case("mul_scalar", normal([3, 4]), |x| x.mul_scalar(-2.5), "x0 * -2.5"),
        case("div_scalar", normal([3]), |x| x.div_scalar(3.0), "x0 / 3.0"),
        named("mul_scalar", "reversed_quotient", positive([3]), |x| 2.0 / x, "2.0 / x0"),
        case("pow_scalar", positive([3, 4]), |x| x.pow_scalar(1.7), "x0 ** 1.7"),
        named("pow_scalar", "square", normal([4]), |x| x.pow_scalar(2.0), "x0 ** 2"),
        named("pow_scalar", "cube", normal([4]), |x| x.pow_scalar(3.0), "x0 ** 3"),
        named("pow_scalar", "inverse_square", positive([4]), |x| x.pow_scalar(-2.0), "x0 ** -2"),
        named("pow_scalar", "one", normal([4]), |x| x.pow_scalar(1.0), "x0 ** 1"),
        named("pow_scalar", "zero", floats([3], [0.0, 1.0, -2.0]), |x| x.pow_scalar(0.0), "x0 ** 0")
            .at_kink(),
    ]
}

/// Where a function has no derivative its gradient is PyTorch's.
fn kinks() -> Vec<Case> {
    let at = |op: &str, kinks: &[f64], function: Function, torch: &str| {
        named(op, "kink", floats([kinks.len()], kinks), function, torch).at_kink()
    };
    vec![
        at("abs", &[0.0, 1.0], Tensor::abs, "torch.abs(x0)"),
        at("relu", &[0.0, 1.0], Tensor::relu, "F.relu(x0)"),
        at("leaky_relu", &[0.0, 1.0], |x| x.leaky_relu(0.2), "F.leaky_relu(x0, 0.2)"),
        at("elu", &[0.0, 1.0], |x| x.elu(0.7), "F.elu(x0, alpha=0.7)"),
        at("hardtanh", &[-1.0, 0.0, 1.0], |x| x.hardtanh(-1.0, 1.0), "F.hardtanh(x0)"),
        // PyTorch itself passed the gradient at the bounds of clamp until lately; 2.15 stops it there.
        at(
            "clamp",
            &[-1.5, -1.0, 0.0, 1.0],
            |x| x.clamp(Some(-1.0), Some(1.0)),
            "torch.where((x0 >= -1) & (x0 <= 1), x0, x0.detach().sign())",
        ),
    ]
}

fn integer_elements() -> Vec<Case> {
    let of = |op: &str, function: Function, torch: &str| {
        named(op, "integers", integers([3, 4], -5, 6), function, torch).no_gradient()
    };
    vec![
        of("neg", Tensor::neg, "-x0"),
        of("abs", Tensor::abs, "torch.abs(x0)"),
        of("square", Tensor::square, "x0 * x0"),
        of("sign", Tensor::sign, "torch.sign(x0)"),
        of("relu", Tensor::relu, "F.relu(x0)"),
        of("floor", Tensor::floor, "torch.floor(x0)"),
        of("clamp", |x| x.clamp(Some(-2.0), Some(3.0)), "x0.clamp(-2, 3)"),
        of("add_scalar", |x| x.sub_scalar(7.0), "x0 - 7"),
        of("mul_scalar", |x| x.mul_scalar(-3.0), "x0 * -3"),
    ]
}

/// The fused gradients by themselves, as functions of g and of what tells the slope.
fn gradients() -> Vec<Case> {
    let of = |op: UnaryGrad, id: &str, told: Input, torch: &str| {
        Case::new(op.name(), id)
            .inputs([normal([3, 4]), told])
            .run(move |x| apply(op, &[&x[0], &x[1]]).expect("shapes and types are equal"))
            .torch(torch)
            .elementwise()
    };
    let ordinary = || normal([3, 4]);
    let off_zero = || away_from([3, 4], &[0.0], 0.05);
    let gelu = |approximation| UnaryGrad::Gelu { approximation };
    vec![
        of(UnaryGrad::Tanh, "tanh_grad/basic", uniform([3, 4], -0.9, 0.9), "x0 * (1 - x1 * x1)"),
        of(UnaryGrad::Sigmoid, "sigmoid_grad/basic", uniform([3, 4], 0.1, 0.9), "x0 * x1 * (1 - x1)"),
        of(
            UnaryGrad::LeakyRelu { negative_slope: 0.2 },
            "leaky_relu_grad/basic",
            off_zero(),
            "torch.where(x1 > 0, x0, 0.2 * x0)",
        )
        .fixed(1),
        of(UnaryGrad::LogSigmoid, "log_sigmoid_grad/basic", ordinary(), "x0 * torch.sigmoid(-x1)"),
        of(
            UnaryGrad::Softplus { beta: 2.0, threshold: 1.0 },
            "softplus_grad/basic",
            away_from([3, 4], &[0.5], 0.05),
            "torch.where(2 * x1 > 1, x0, x0 * torch.sigmoid(2 * x1))",
        ),
        of(
            UnaryGrad::Elu { alpha: 0.7, scale: 1.1 },
            "elu_grad/basic",
            off_zero(),
            "1.1 * torch.where(x1 > 0, x0, x0 * 0.7 * torch.exp(x1))",
        ),
        of(
            gelu(Gelu::Erf),
            "gelu_grad/basic",
            ordinary(),
            "x0 * (torch.special.ndtr(x1) + x1 * torch.exp(-x1 * x1 / 2) / (2 * torch.pi) ** 0.5)",
        ),
        of(
            gelu(Gelu::Tanh),
            "gelu_grad/tanh",
            ordinary(),
            "x0 * ((1 + (t := torch.tanh((2 / torch.pi) ** 0.5 * (x1 + 0.044715 * x1**3)))) / 2 \
             + x1 / 2 * (1 - t * t) * (2 / torch.pi) ** 0.5 * (1 + 3 * 0.044715 * x1**2))",
        ),
        of(
            UnaryGrad::Silu,
            "silu_grad/basic",
            ordinary(),
            "x0 * torch.sigmoid(x1) * (1 + x1 * (1 - torch.sigmoid(x1)))",
        ),
    ]
}
