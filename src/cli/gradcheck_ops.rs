//! The ops that `wengert gradcheck` knows, with small inputs away from their kinks.

use wengert_tensor::{
    Conv1dOptions, Conv2dOptions, ConvTranspose1dOptions, ConvTranspose2dOptions, DType, Generator, PadMode,
    Pool2dOptions, Reduction, Resize, Tensor, UnfoldOptions,
};

/// Where the elements of an input lie.
#[derive(Debug, Clone, Copy)]
enum Range {
    /// Standard normal.
    Normal,
    /// From 0.5 to 2: for logarithms, roots and divisors.
    Positive,
    /// From 0.1 to 0.9: for probabilities, and well within a clamp.
    Fraction,
}
use Range::{Fraction, Normal, Positive};

/// An op with inputs to check it on.
pub struct OpCase {
    /// The op's name.
    pub op: &'static str,
    inputs: &'static [(Range, &'static [usize])],
    /// The op, as a function of the inputs.
    pub run: fn(&[Tensor]) -> Tensor,
    /// Whether it has a second gradient worth checking.
    pub smooth: bool,
}

impl OpCase {
    /// The inputs: f64 leaves that ask for gradients.
    pub fn inputs(&self, rng: &Generator) -> Vec<Tensor> {
        self.inputs
            .iter()
            .map(|&(range, shape)| {
                let tensor = match range {
                    Normal => rng.normal(shape, 0.0, 1.0, DType::F64),
                    Positive => rng.uniform(shape, 0.5, 2.0, DType::F64),
                    Fraction => rng.uniform(shape, 0.1, 0.9, DType::F64),
                };
                tensor.requires_grad_(true)
            })
            .collect()
    }
}

type Inputs = &'static [(Range, &'static [usize])];

const fn smooth(op: &'static str, inputs: Inputs, run: fn(&[Tensor]) -> Tensor) -> OpCase {
    OpCase { op, inputs, run, smooth: true }
}

const fn kinked(op: &'static str, inputs: Inputs, run: fn(&[Tensor]) -> Tensor) -> OpCase {
    OpCase { op, inputs, run, smooth: false }
}

const MATRIX: Inputs = &[(Normal, &[3, 4])];
const MATRIX_POSITIVE: Inputs = &[(Positive, &[3, 4])];
const TWO: Inputs = &[(Normal, &[3, 4]), (Normal, &[4])];
const IMAGE: Inputs = &[(Normal, &[2, 4, 4, 4])];
const NORMALISED: Inputs = &[(Normal, &[2, 4, 3, 3]), (Normal, &[4]), (Normal, &[4])];
const CLASSES: [i64; 3] = [2, 0, 3];
const EPSILON: f64 = 1e-5;

/// The table.
pub const OPS: &[OpCase] = &[
    // Element by element.
    smooth("neg", MATRIX, |x| x[0].neg()),
    kinked("abs", MATRIX, |x| x[0].abs()),
    smooth("exp", MATRIX, |x| x[0].exp()),
    smooth("expm1", MATRIX, |x| x[0].expm1()),
    smooth("log", MATRIX_POSITIVE, |x| x[0].log()),
    smooth("log1p", MATRIX_POSITIVE, |x| x[0].log1p()),
    smooth("sqrt", MATRIX_POSITIVE, |x| x[0].sqrt()),
    smooth("rsqrt", MATRIX_POSITIVE, |x| x[0].rsqrt()),
    smooth("square", MATRIX, |x| x[0].square()),
    smooth("reciprocal", MATRIX_POSITIVE, |x| x[0].reciprocal()),
    smooth("sin", MATRIX, |x| x[0].sin()),
    smooth("cos", MATRIX, |x| x[0].cos()),
    smooth("tanh", MATRIX, |x| x[0].tanh()),
    smooth("sigmoid", MATRIX, |x| x[0].sigmoid()),
    smooth("log_sigmoid", MATRIX, |x| x[0].log_sigmoid()),
    smooth("softplus", MATRIX, |x| x[0].softplus()),
    smooth("silu", MATRIX, |x| x[0].silu()),
    smooth("gelu", MATRIX, |x| x[0].gelu()),
    smooth("erf", MATRIX, |x| x[0].erf()),
    kinked("relu", MATRIX, |x| x[0].relu()),
    kinked("leaky_relu", MATRIX, |x| x[0].leaky_relu(0.2)),
    kinked("elu", MATRIX, |x| x[0].elu(1.0)),
    kinked("selu", MATRIX, |x| x[0].selu()),
    kinked("hardtanh", MATRIX, |x| x[0].hardtanh(-1.0, 1.0)),
    kinked("clamp", MATRIX, |x| x[0].clamp(Some(-0.5), Some(0.5))),
    smooth("add", TWO, |x| x[0].add(&x[1])),
    smooth("sub", TWO, |x| x[0].sub(&x[1])),
    smooth("mul", TWO, |x| x[0].mul(&x[1])),
    smooth("div", &[(Normal, &[3, 4]), (Positive, &[4])], |x| x[0].div(&x[1])),
    smooth("pow", &[(Positive, &[3, 4]), (Normal, &[4])], |x| x[0].pow(&x[1])),
    kinked("maximum", TWO, |x| x[0].maximum(&x[1])),
    kinked("minimum", TWO, |x| x[0].minimum(&x[1])),
    // Reductions and scans.
    smooth("sum", MATRIX, |x| x[0].sum(&[1], false)),
    smooth("mean", MATRIX, |x| x[0].mean(&[0], false)),
    smooth("var", MATRIX, |x| x[0].var(&[1], 1.0, false)),
    smooth("std", MATRIX, |x| x[0].std(&[1], 1.0, false)),
    smooth("prod", MATRIX_POSITIVE, |x| x[0].prod(&[1], false)),
    smooth("logsumexp", MATRIX, |x| x[0].logsumexp(&[1], false)),
    smooth("norm", MATRIX, |x| x[0].norm(2.0, &[1], false)),
    smooth("cumsum", MATRIX, |x| x[0].cumsum(1)),
    kinked("amax", MATRIX, |x| x[0].amax(&[1], false)),
    kinked("amin", MATRIX, |x| x[0].amin(&[1], false)),
    smooth("softmax", MATRIX, |x| x[0].softmax(-1)),
    smooth("log_softmax", MATRIX, |x| x[0].log_softmax(-1)),
    // Shapes and indices.
    smooth("permute", IMAGE, |x| x[0].permute(&[0, 2, 3, 1])),
    smooth("slice", MATRIX, |x| x[0].slice(1, 0, 4, 2)),
    smooth("cat", &[(Normal, &[2, 3]), (Normal, &[1, 3])], |x| Tensor::cat(&[&x[0], &x[1]], 0)),
    smooth("pad", MATRIX, |x| x[0].pad(&[(1, 0), (2, 1)], PadMode::Reflect)),
    smooth("index_select", MATRIX, |x| x[0].index_select(0, &Tensor::from_slice(&CLASSES[..2], 2))),
    smooth("embedding", &[(Normal, &[4, 3])], |x| x[0].embedding(&Tensor::from_slice(&CLASSES, 3), None)),
    // Products and convolutions.
    smooth("matmul", &[(Normal, &[2, 3, 4]), (Normal, &[4, 2])], |x| x[0].matmul(&x[1])),
    smooth("einsum", &[(Normal, &[2, 3]), (Normal, &[3, 4])], |x| {
        Tensor::einsum("ij,jk->ki", &[&x[0], &x[1]])
    }),
    smooth("linear", &[(Normal, &[3, 4]), (Normal, &[2, 4]), (Normal, &[2])], |x| {
        x[0].linear(&x[1], Some(&x[2]))
    }),
    smooth("conv1d", &[(Normal, &[2, 2, 7]), (Normal, &[3, 2, 3]), (Normal, &[3])], |x| {
        x[0].conv1d(&x[1], Some(&x[2]), Conv1dOptions::causal(3, 2))
    }),
    smooth("conv2d", &[(Normal, &[1, 2, 5, 5]), (Normal, &[2, 2, 3, 3]), (Normal, &[2])], |x| {
        x[0].conv2d(&x[1], Some(&x[2]), Conv2dOptions::default().stride(2).padding(1))
    }),
    smooth("conv_transpose1d", &[(Normal, &[2, 2, 4]), (Normal, &[2, 3, 3]), (Normal, &[3])], |x| {
        x[0].conv_transpose1d(&x[1], Some(&x[2]), ConvTranspose1dOptions::default().stride(2))
    }),
    smooth("conv_transpose2d", &[(Normal, &[1, 2, 3, 3]), (Normal, &[2, 2, 3, 3]), (Normal, &[2])], |x| {
        let options = ConvTranspose2dOptions::default().stride(2).padding(1).output_padding(1);
        x[0].conv_transpose2d(&x[1], Some(&x[2]), options)
    }),
    kinked("max_pool2d", IMAGE, |x| x[0].max_pool2d(Pool2dOptions::new([2, 2]))),
    smooth("avg_pool2d", IMAGE, |x| x[0].avg_pool2d(Pool2dOptions::new([2, 2]))),
    smooth("adaptive_avg_pool2d", IMAGE, |x| x[0].adaptive_avg_pool2d([3, 3])),
    smooth("upsample_nearest2d", IMAGE, |x| x[0].upsample_nearest2d(Resize::Size([6, 6]))),
    smooth("upsample_bilinear2d", IMAGE, |x| x[0].upsample_bilinear2d(Resize::Size([6, 6]), false)),
    smooth("pixel_shuffle", IMAGE, |x| x[0].pixel_shuffle(2)),
    smooth("unfold", IMAGE, |x| x[0].unfold(UnfoldOptions::new([2, 2]))),
    // Normalisation.
    smooth("batch_norm", NORMALISED, |x| x[0].batch_norm(Some(&x[1]), Some(&x[2]), EPSILON)),
    smooth("group_norm", NORMALISED, |x| x[0].group_norm(2, Some(&x[1]), Some(&x[2]), EPSILON)),
    smooth("instance_norm", NORMALISED, |x| x[0].instance_norm(Some(&x[1]), Some(&x[2]), EPSILON)),
    smooth("layer_norm", &[(Normal, &[3, 4]), (Normal, &[4]), (Normal, &[4])], |x| {
        x[0].layer_norm(&[4], Some(&x[1]), Some(&x[2]), EPSILON)
    }),
    // Losses.
    smooth("mse_loss", &[(Normal, &[3, 4]), (Normal, &[3, 4])], |x| x[0].mse_loss(&x[1], Reduction::Mean)),
    kinked("l1_loss", &[(Normal, &[3, 4]), (Normal, &[3, 4])], |x| x[0].l1_loss(&x[1], Reduction::Mean)),
    kinked("smooth_l1_loss", &[(Normal, &[3, 4]), (Normal, &[3, 4])], |x| {
        x[0].smooth_l1_loss(&x[1], 1.0, Reduction::Mean)
    }),
    smooth("binary_cross_entropy", &[(Fraction, &[3, 4]), (Fraction, &[3, 4])], |x| {
        x[0].binary_cross_entropy(&x[1], Reduction::Mean)
    }),
    smooth("binary_cross_entropy_with_logits", &[(Normal, &[3, 4]), (Fraction, &[3, 4])], |x| {
        x[0].binary_cross_entropy_with_logits(&x[1], Reduction::Mean)
    }),
    smooth("cross_entropy", &[(Normal, &[3, 4])], |x| {
        x[0].cross_entropy(&Tensor::from_slice(&CLASSES, 3), Reduction::Mean)
    }),
    smooth("gaussian_kl", &[(Normal, &[3, 4]), (Normal, &[3, 4])], |x| {
        x[0].gaussian_kl(&x[1], Reduction::Sum)
    }),
    smooth("reparameterise", &[(Normal, &[3, 4]), (Normal, &[3, 4]), (Normal, &[3, 4])], |x| {
        x[0].reparameterise(&x[1], &x[2])
    }),
];
