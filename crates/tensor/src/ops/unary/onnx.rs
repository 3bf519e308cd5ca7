//! Functions of one number in ONNX's operators.

use super::{Gelu, Unary};
use crate::onnx::{Attribute, Call};

impl Unary {
    /// Adds this function of operand 0 and returns the name of what it makes.
    pub(super) fn write(&self, call: &mut Call) -> String {
        let x = call.input(0);
        let alpha = |value: f64| vec![("alpha", Attribute::Float(value as f32))];
        match *self {
            Unary::Neg => call.over_inputs("Neg", Vec::new()),
            Unary::Abs => call.over_inputs("Abs", Vec::new()),
            Unary::Exp => call.over_inputs("Exp", Vec::new()),
            Unary::Expm1 => {
                let (exponential, one) = (call.over_inputs("Exp", Vec::new()), call.number(1.0));
                call.node("Sub", &[&exponential, &one], Vec::new())
            }
            Unary::Log => call.over_inputs("Log", Vec::new()),
            Unary::Log1p => {
                let one = call.number(1.0);
                let sum = call.node("Add", &[&x, &one], Vec::new());
                call.node("Log", &[&sum], Vec::new())
            }
            Unary::Sqrt => call.over_inputs("Sqrt", Vec::new()),
            Unary::Rsqrt => {
                let root = call.over_inputs("Sqrt", Vec::new());
                call.node("Reciprocal", &[&root], Vec::new())
            }
            Unary::Square => call.node("Mul", &[&x, &x], Vec::new()),
            Unary::Reciprocal => call.over_inputs("Reciprocal", Vec::new()),
            Unary::Sin => call.over_inputs("Sin", Vec::new()),
            Unary::Cos => call.over_inputs("Cos", Vec::new()),
            Unary::Tanh => call.over_inputs("Tanh", Vec::new()),
            Unary::Sigmoid => call.over_inputs("Sigmoid", Vec::new()),
            Unary::LogSigmoid => {
                let negative = call.over_inputs("Neg", Vec::new());
                let softplus = call.node("Softplus", &[&negative], Vec::new());
                call.node("Neg", &[&softplus], Vec::new())
            }
            // Beyond the threshold the function is the identity but for rounding.
            Unary::Softplus { beta, .. } => {
                let beta = call.number(beta);
                let scaled = call.node("Mul", &[&x, &beta], Vec::new());
                let softplus = call.node("Softplus", &[&scaled], Vec::new());
                call.node("Div", &[&softplus, &beta], Vec::new())
            }
            Unary::Relu => call.over_inputs("Relu", Vec::new()),
            Unary::LeakyRelu { negative_slope } => call.over_inputs("LeakyRelu", alpha(negative_slope)),
            Unary::Elu { alpha: scale } => call.over_inputs("Elu", alpha(scale)),
            Unary::Selu => call.over_inputs("Selu", Vec::new()),
            Unary::Gelu { approximation } => {
                let approximate = if approximation == Gelu::Tanh { "tanh" } else { "none" };
                call.over_inputs("Gelu", vec![("approximate", Attribute::Text(approximate))])
            }
            Unary::Silu => {
                let gate = call.over_inputs("Sigmoid", Vec::new());
                call.node("Mul", &[&x, &gate], Vec::new())
            }
            Unary::Hardtanh { min, max } => clip(call, Some(min), Some(max)),
            Unary::Clamp { min, max } => clip(call, min, max),
            Unary::Erf => call.over_inputs("Erf", Vec::new()),
            Unary::Sign => call.over_inputs("Sign", Vec::new()),
            Unary::Floor | Unary::Ceil | Unary::Round if !call.spec(0).dtype.is_float() => x,
            Unary::Floor => call.over_inputs("Floor", Vec::new()),
            Unary::Ceil => call.over_inputs("Ceil", Vec::new()),
            Unary::Round => call.over_inputs("Round", Vec::new()),
            Unary::AddScalar(number) => with_number(call, "Add", number),
            Unary::MulScalar(number) => with_number(call, "Mul", number),
            Unary::DivScalar(number) => with_number(call, "Div", number),
            Unary::PowScalar(number) => with_number(call, "Pow", number),
        }
    }
}

fn with_number(call: &mut Call, operator: &'static str, number: f64) -> String {
    let (x, number) = (call.input(0), call.number(number));
    call.node(operator, &[&x, &number], Vec::new())
}

fn clip(call: &mut Call, min: Option<f64>, max: Option<f64>) -> String {
    // An operand that is left out has an empty name.
    let mut bound = |bound: Option<f64>| bound.map_or_else(String::new, |number| call.number(number));
    let (min, max) = (bound(min), bound(max));
    let x = call.input(0);
    call.node("Clip", &[&x, &min, &max], Vec::new())
}
