//! What each op computes and how its backward step goes, as formulas.
//!
//! y is the output and dy = ∂loss/∂y its cotangent; the operands have names of their own, and their cotangents are dx, dw
//! …. `*` and `/` are element by element, `·` is a matrix product, `∗` a convolution, ᵀ swaps the last two axes, [c] is 1
//! where c holds and 0 elsewhere, I is the projection of normalisations: I(g) = (g − mean g − x̂ * mean(g * x̂)) / σ.

/// The formulas of an op.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Formula {
    /// Names of the operands in their order, separated by spaces; further ones may be missing.
    pub operands: &'static str,
    /// What the op computes.
    pub value: &'static str,
    /// What its backward step computes.
    pub backward: &'static str,
}

impl Formula {
    /// The name of an operand.
    pub fn operand(&self, position: usize) -> Option<&'static str> {
        self.operands.split(' ').filter(|name| !name.is_empty()).nth(position)
    }
}

/// The formulas of the op with this name; none for ops that are not the crate's.
pub fn formula(op: &str) -> Option<Formula> {
    let (_, operands, value, backward) = *TABLE.iter().find(|(name, ..)| *name == op)?;
    Some(Formula { operands, value, backward })
}

/// For ops whose output is no float, or does not depend on its operands smoothly.
const NONE: &str = "no gradient";

/// Name, operands, value, backward.
const TABLE: &[(&str, &str, &str, &str)] = &[
    // Two operands.
    ("add", "a b", "y = a + b", "da = dy, db = dy"),
    ("sub", "a b", "y = a − b", "da = dy, db = −dy"),
    ("mul", "a b", "y = a * b", "da = dy * b, db = dy * a"),
    ("div", "a b", "y = a / b", "da = dy / b, db = −dy * a / b²"),
    ("pow", "a b", "y = aᵇ", "da = dy * b * aᵇ⁻¹, db = dy * y * ln a"),
    ("maximum", "a b", "y = max(a, b)", "da = dy * [a > b], db = dy * [b > a]; equal ones share"),
    ("minimum", "a b", "y = min(a, b)", "da = dy * [a < b], db = dy * [b < a]; equal ones share"),
    // Comparisons.
    ("eq", "a b", "y = [a = b]", NONE),
    ("ne", "a b", "y = [a ≠ b]", NONE),
    ("lt", "a b", "y = [a < b]", NONE),
    ("le", "a b", "y = [a ≤ b]", NONE),
    ("gt", "a b", "y = [a > b]", NONE),
    ("ge", "a b", "y = [a ≥ b]", NONE),
    ("logical_and", "a b", "y = a and b", NONE),
    ("logical_or", "a b", "y = a or b", NONE),
    ("logical_xor", "a b", "y = a or b, not both", NONE),
    ("logical_not", "a", "y = not a", NONE),
    ("isnan", "x", "y = [x is NaN]", NONE),
    ("isinf", "x", "y = [x is infinite]", NONE),
    ("isfinite", "x", "y = [x is finite]", NONE),
    // One operand.
    ("neg", "x", "y = −x", "dx = −dy"),
    ("abs", "x", "y = |x|", "dx = dy * sign x"),
    ("exp", "x", "y = eˣ", "dx = dy * y"),
    ("expm1", "x", "y = eˣ − 1", "dx = dy * (y + 1)"),
    ("log", "x", "y = ln x", "dx = dy / x"),
    ("log1p", "x", "y = ln(1 + x)", "dx = dy / (1 + x)"),
    ("sqrt", "x", "y = √x", "dx = dy / 2y"),
    ("rsqrt", "x", "y = 1/√x", "dx = −½ dy * y³"),
    ("square", "x", "y = x²", "dx = dy * 2x"),
    ("reciprocal", "x", "y = 1/x", "dx = −dy * y²"),
    ("sin", "x", "y = sin x", "dx = dy * cos x"),
    ("cos", "x", "y = cos x", "dx = −dy * sin x"),
    ("tanh", "x", "y = tanh x", "dx = dy * (1 − y²)"),
    ("sigmoid", "x", "y = σ(x) = 1 / (1 + e⁻ˣ)", "dx = dy * y * (1 − y)"),
    ("log_sigmoid", "x", "y = ln σ(x)", "dx = dy * σ(−x)"),
    ("softplus", "x", "y = ln(1 + e^βx) / β", "dx = dy * σ(βx)"),
    ("relu", "x", "y = max(x, 0)", "dx = dy * [y > 0]"),
    ("leaky_relu", "x", "y = x where x > 0, slope * x elsewhere", "dx = dy * ([y > 0] + slope * [y ≤ 0])"),
    ("elu", "x", "y = x where x > 0, α(eˣ − 1) elsewhere", "dx = dy * ([x > 0] + αeˣ * [x ≤ 0])"),
    ("selu", "x", "y = s * elu(x)", "dx = dy * s * ([x > 0] + αeˣ * [x ≤ 0])"),
    ("gelu", "x", "y = x * Φ(x)", "dx = dy * (Φ(x) + x * φ(x))"),
    ("silu", "x", "y = x * σ(x)", "dx = dy * σ(x) * (1 + x * (1 − σ(x)))"),
    ("hardtanh", "x", "y = min(max(x, low), high)", "dx = dy * [low < x < high]"),
    ("erf", "x", "y = erf x", "dx = dy * 2/√π * e^(−x²)"),
    ("sign", "x", "y = sign x", "dx = 0, a step has no slope"),
    ("floor", "x", "y = ⌊x⌋", "dx = 0, a step has no slope"),
    ("ceil", "x", "y = ⌈x⌉", "dx = 0, a step has no slope"),
    ("round", "x", "y = x rounded, halves to even", "dx = 0, a step has no slope"),
    ("clamp", "x", "y = min(max(x, low), high)", "dx = dy * [low ≤ x ≤ high]"),
    ("add_scalar", "x", "y = x + c", "dx = dy"),
    ("mul_scalar", "x", "y = c * x", "dx = c * dy"),
    ("div_scalar", "x", "y = x / c", "dx = dy / c"),
    ("pow_scalar", "x", "y = xᶜ", "dx = dy * c * xᶜ⁻¹"),
    ("to_dtype", "x", "y = x in another type", "dx = dy in the type of x"),
    // Slopes of activations.
    (
        "leaky_relu_grad",
        "g t",
        "y = g * ([t > 0] + slope * [t ≤ 0])",
        "dg = dy * ([t > 0] + slope * [t ≤ 0])",
    ),
    ("sigmoid_grad", "g s", "y = g * s * (1 − s)", "dg = dy * s * (1 − s), ds = dy * g * (1 − 2s)"),
    ("tanh_grad", "g t", "y = g * (1 − t²)", "dg = dy * (1 − t²), dt = −2 dy * g * t"),
    ("log_sigmoid_grad", "g x", "y = g * σ(−x)", "dg = dy * σ(−x), dx = −dy * g * σ(x) * σ(−x)"),
    ("softplus_grad", "g x", "y = g * σ(βx)", "dg = dy * σ(βx), dx = dy * g * β * σ(βx) * σ(−βx)"),
    (
        "elu_grad",
        "g x",
        "y = g * s * ([x > 0] + αeˣ * [x ≤ 0])",
        "dg = dy * slope, dx = dy * g * s * αeˣ * [x ≤ 0]",
    ),
    ("gelu_grad", "g x", "y = g * (Φ(x) + x * φ(x))", "dg = dy * gelu′(x), dx = dy * g * φ(x) * (2 − x²)"),
    ("silu_grad", "g x", "y = g * silu′(x)", "dg = dy * silu′(x), dx = dy * g * silu″(x)"),
    // Choosing.
    ("where", "c a b", "y = a where c, b elsewhere", "da = dy * [c], db = dy * [not c]"),
    ("masked_fill", "x m", "y = x, but a constant where m", "dx = dy * [not m]"),
    // Random numbers.
    ("uniform", "", "y uniform in low … high", NONE),
    ("normal", "", "y normal", NONE),
    ("exponential", "", "y of density λe^(−λy)", NONE),
    ("gumbel", "", "y = −ln(−ln u), u uniform", NONE),
    ("randint", "", "y whole, uniform in low … high", NONE),
    ("randperm", "", "y = 0, 1, … in a random order", NONE),
    ("bernoulli", "p", "y = 1 with probability p", NONE),
    ("dropout", "x", "y = x * keep / (1 − p), keep drawn", "dx = dy * keep / (1 − p)"),
    // Losses; s is 1, or one over the number of losses for a mean.
    ("binary_cross_entropy", "p t", "y = −(t ln p + (1 − t) ln(1 − p))", "dp = s dy * (p − t) / (p(1 − p))"),
    (
        "binary_cross_entropy_with_logits",
        "x t",
        "y = max(x, 0) − x * t + ln(1 + e^−|x|)",
        "dx = s dy * (σ(x) − t), dt = −s dy * x",
    ),
    (
        "binary_cross_entropy_with_logits_grad",
        "x t g",
        "y = s g * (σ(x) − t), or −s g * x",
        "dg = s dy * (σ(x) − t), dx = s dy * g * σ(x)(1 − σ(x)), dt = −s dy * g",
    ),
    ("cross_entropy", "x t", "y = −Σ q * ln softmax(x), q the wanted shares", "dx = s dy * (softmax(x) − q)"),
    (
        "cross_entropy_grad",
        "x t g",
        "y = s g * (softmax(x) − q)",
        "dg = s Σ dy * (softmax(x) − q), dx = s g * p * (dy − Σ dy * p), p = softmax(x)",
    ),
    ("gaussian_kl", "m l", "y = ½(m² + eˡ − 1 − l)", "dm = s dy * m, dl = s dy * ½(eˡ − 1)"),
    (
        "gaussian_kl_grad",
        "m l g",
        "y = s g * m, or s g * ½(eˡ − 1)",
        "dg = s dy * slope, dm = s dy * g, dl = s dy * g * ½eˡ",
    ),
    ("mse_loss", "x t", "y = (x − t)²", "dx = s dy * 2(x − t), dt = −dx"),
    ("mse_loss_grad", "x t g", "y = ±s g * 2(x − t)", "dg = ±s dy * 2(x − t), dx = ±2s dy * g, dt = −dx"),
    (
        "reparameterise",
        "m l e",
        "y = m + e^(l/2) * e, e drawn",
        "dm = dy, dl = ½ dy * e * e^(l/2), de = dy * e^(l/2)",
    ),
    (
        "reparameterise_grad",
        "l e g",
        "y = ½ g * e * e^(l/2)",
        "dg = ½ dy * e * e^(l/2), dl = ½ dy * y, de = ½ dy * g * e^(l/2)",
    ),
    // Views and what moves elements.
    ("reshape", "x", "y = x in another shape", "dx = dy in the shape of x"),
    ("contiguous", "x", "y = x in row-major order", "dx = dy"),
    ("permute", "x", "y = x with its axes in another order", "dx = dy with its axes back in order"),
    ("expand", "x", "y = x repeated along axes of size 1", "dx = dy summed over the repeats"),
    ("slice", "x", "y = a part of x", "dx = zeros with dy in that part"),
    ("slice_grad", "x", "y = zeros with x in a part", "dx = that part of dy"),
    ("flip", "x", "y = x backwards along axes", "dx = dy backwards along the same axes"),
    ("cat", "a b c d e f g h", "y = the operands one after another", "each operand gets its part of dy"),
    ("pad", "x", "y = x with more around it", "dx = dy, what was repeated summed, what was made up cut off"),
    ("pad_grad", "x", "y = x with what padding repeats summed", "dx = dy padded again"),
    ("gather", "x i", "y = x at the positions i along an axis", "dx = zeros with dy added at i"),
    ("scatter", "x i s", "y = x with s at the positions i", "dx = dy with zeros at i, ds = dy at i"),
    ("scatter_add", "x i s", "y = x with s added at the positions i", "dx = dy, ds = dy at i"),
    ("index_select", "x i", "y = the slices i of x", "dx = zeros with the slices of dy added at i"),
    ("index_add", "x i s", "y = x with the slices of s added at i", "dx = dy, ds = the slices i of dy"),
    ("embedding", "w i", "y = the rows i of w", "dw = zeros with the rows of dy added at i"),
    ("one_hot", "i", "y = [j = i] for all classes j", NONE),
    ("index_pixels", "x i l", "y = the levels l of the bytes in the pictures i of x", NONE),
    ("tril", "x", "y = x on and below a diagonal", "dx = dy on and below the diagonal"),
    ("triu", "x", "y = x on and above a diagonal", "dx = dy on and above the diagonal"),
    ("unfold", "x", "y = the windows of x as columns", "dx = the columns of dy added where they came from"),
    ("fold", "x", "y = columns added where their windows lie", "dx = the windows of dy as columns"),
    // Products.
    ("matmul", "a b", "y = a·b", "da = dy·bᵀ, db = aᵀ·dy"),
    ("linear", "x w b", "y = x·wᵀ + b", "dx = dy·w, dw = dyᵀ·x, db = Σ dy"),
    ("linear_relu", "x w b", "y = max(x·wᵀ + b, 0)", "g = dy * [y > 0]; dx = g·w, dw = gᵀ·x, db = Σ g"),
    (
        "linear_leaky_relu",
        "x w b",
        "y = leaky_relu(x·wᵀ + b)",
        "g = dy * ([y > 0] + slope * [y ≤ 0]); dx = g·w, dw = gᵀ·x, db = Σ g",
    ),
    ("linear_tanh", "x w b", "y = tanh(x·wᵀ + b)", "g = dy * (1 − y²); dx = g·w, dw = gᵀ·x, db = Σ g"),
    ("linear_sigmoid", "x w b", "y = σ(x·wᵀ + b)", "g = dy * y * (1 − y); dx = g·w, dw = gᵀ·x, db = Σ g"),
    (
        "conv2d",
        "x w b",
        "y = x ∗ w + b",
        "dx = the adjoint of ∗ w at dy, dw = x correlated with dy, db = Σ dy",
    ),
    ("conv2d_input_grad", "g w", "y = the adjoint of ∗ w at g", "dg = dy ∗ w, dw = dy correlated with g"),
    ("conv2d_weight_grad", "x g", "y = x correlated with g", "dx = the adjoint of ∗ dy at g, dg = x ∗ dy"),
    (
        "conv_transpose2d",
        "x w b",
        "y = the adjoint of ∗ w at x, + b",
        "dx = dy ∗ w, dw = dy correlated with x, db = Σ dy",
    ),
    // Reductions.
    ("sum", "x", "y = Σ x", "dx = dy repeated"),
    ("mean", "x", "y = Σ x / n", "dx = dy / n repeated"),
    ("prod", "x", "y = Π x", "dx = dy * the product of the others"),
    ("amax", "x", "y = max x", "dx = dy where x = y, ties share"),
    ("amin", "x", "y = min x", "dx = dy where x = y, ties share"),
    ("logsumexp", "x", "y = ln Σ eˣ", "dx = dy * e^(x − y)"),
    ("count_nonzero", "x", "y = Σ [x ≠ 0]", NONE),
    ("argmax", "x", "y = where x is largest", NONE),
    ("argmin", "x", "y = where x is smallest", NONE),
    ("cumsum", "x", "y = sums of x up to each place", "dx = sums of dy from each place on"),
    ("argsort", "x", "y = the places of x in order", NONE),
    ("softmax", "x", "y = eˣ / Σ eˣ", "dx = y * (dy − Σ dy * y)"),
    ("log_softmax", "x", "y = x − ln Σ eˣ", "dx = dy − eʸ * Σ dy"),
    // Normalisation; x̂ = (x − mean) / σ, s = its statistics.
    ("batch_norm_statistics", "x", "y = mean and variance of each channel", NONE),
    ("batch_norm", "x s w b", "y = x̂ * w + b", "dx = w * I(dy), dw = Σ dy * x̂, db = Σ dy"),
    (
        "batch_norm_relu",
        "x s w b",
        "y = max(x̂ * w + b, 0)",
        "g = dy * [y > 0]; dx = w * I(g), dw = Σ g * x̂, db = Σ g",
    ),
    (
        "batch_norm_leaky_relu",
        "x s w b",
        "y = leaky_relu(x̂ * w + b)",
        "g = dy * ([y > 0] + slope * [y ≤ 0]); dx = w * I(g), dw = Σ g * x̂, db = Σ g",
    ),
    ("batch_norm_affine_grad", "g x s w b", "y = (Σ g, Σ g * x̂)", "dg = dy₁ + dy₂ * x̂, dx = I(dy₂ * g)"),
    (
        "batch_norm_input_grad",
        "g x s u w b",
        "y = w * I(g)",
        "dg = I(w * dy), dw = Σ dy * I(g), dx by the slope of I",
    ),
    ("layer_norm", "x w b", "y = x̂ * w + b", "dx = I(dy * w), dw = Σ dy * x̂, db = Σ dy"),
    (
        "layer_norm_input_grad",
        "g x w",
        "y = I(g * w)",
        "dg = w * I(dy), dw = Σ g * I(dy), dx by the slope of I",
    ),
    ("layer_norm_weight_grad", "g x", "y = Σ g * x̂", "dg = dy * x̂, dx = I(g * dy)"),
    // Images.
    ("max_pool2d_indices", "x", "y = where each window of x is largest", NONE),
    ("max_pool2d", "x i", "y = the largest of each window", "dx = dy at the places i, zeros elsewhere"),
    ("max_pool2d_grad", "g i", "y = g at the places i, zeros elsewhere", "dg = dy at the places i"),
    ("avg_pool2d", "x", "y = the mean of each window", "dx = dy spread evenly over the windows"),
    ("avg_pool2d_grad", "g", "y = g spread evenly over the windows", "dg = the mean of each window of dy"),
    (
        "adaptive_avg_pool2d",
        "x",
        "y = the mean of each of so many parts",
        "dx = dy spread evenly over the parts",
    ),
    (
        "adaptive_avg_pool2d_grad",
        "g",
        "y = g spread evenly over the parts",
        "dg = the mean of each part of dy",
    ),
    ("upsample_nearest2d", "x", "y = x, elements repeated", "dx = dy summed over the repeats"),
    ("upsample_nearest2d_grad", "g", "y = g summed over the repeats", "dg = dy, elements repeated"),
    (
        "upsample_bilinear2d",
        "x",
        "y = weighted means of neighbours in x",
        "dx = dy shared out by the same weights",
    ),
    (
        "upsample_bilinear2d_grad",
        "g",
        "y = g shared out by weights",
        "dg = weighted means of neighbours in dy",
    ),
    // Sequences: all steps at once.
    ("gru_record", "x w h b", "y = gates and states of all steps", NONE),
    (
        "gru",
        "x w r h b",
        "hₜ = (1 − z) * n + z * hₜ₋₁, all steps",
        "from the last step to the first, dhₜ into the gates and hₜ₋₁",
    ),
    ("gru_grad", "g w r", "y = the gradients of all gates", NONE),
    ("lstm_record", "x w h c b", "y = gates and states of all steps", NONE),
    (
        "lstm",
        "x w r h c b",
        "cₜ = f * cₜ₋₁ + i * g, hₜ = o * tanh cₜ, all steps",
        "from the last step to the first, dhₜ and dcₜ into the gates and the step before",
    ),
    ("lstm_grad", "g w r", "y = the gradients of all gates", NONE),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::REGISTRY;
    use std::collections::HashSet;

    #[test]
    fn every_op_has_its_formulas_once() {
        let names = || REGISTRY.iter().flat_map(|(_, names)| names.iter().copied());
        for name in names() {
            let formula = formula(name).unwrap_or_else(|| panic!("{name} has no formula"));
            assert!(!formula.value.is_empty() && !formula.backward.is_empty(), "{name}");
        }
        let registered: HashSet<&str> = names().collect();
        let listed: HashSet<&str> = TABLE.iter().map(|(name, ..)| *name).collect();
        assert_eq!(listed.len(), TABLE.len(), "an op is listed twice");
        assert!(listed.is_subset(&registered), "{:?}", listed.difference(&registered));
    }

    #[test]
    fn a_backward_step_speaks_of_operands_that_exist() {
        for (name, operands, _, backward) in TABLE {
            for part in backward.split(['=', ';']).rev().skip(1) {
                let cotangent = part.rsplit([' ', ',']).find(|word| !word.is_empty()).unwrap_or("");
                if let Some(operand) = cotangent.strip_prefix('d') {
                    let named = operands.split(' ').any(|name| name == operand);
                    assert!(named || operand == "y", "{name}: {cotangent} and operands {operands}");
                }
            }
        }
    }
}
