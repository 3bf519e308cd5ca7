//! Cases of convolution, transposed convolution and their gradients.

use crate::case::*;
use wengert_tensor::autograd::{GradOptions, grad};
use wengert_tensor::{Conv1dOptions, Conv2dOptions, ConvTranspose1dOptions, ConvTranspose2dOptions, Tensor};

/// The cases of this family.
pub fn cases() -> Vec<Case> {
    [convolutions(), signals(), transposed(), transposed_signals(), gradients()].concat()
}

/// A convolution of images of shape `x` with a weight of shape `w`, with a bias where `with_bias`.
fn conv2d(
    name: &str,
    x: [usize; 4],
    w: [usize; 4],
    with_bias: bool,
    options: Conv2dOptions,
    torch: &str,
) -> Case {
    let case = Case::new("conv2d", format!("conv2d/{name}")).inputs([normal(x), normal(w)]).torch(torch);
    if with_bias {
        case.input(normal([w[0]])).run(move |x| x[0].conv2d(&x[1], Some(&x[2]), options))
    } else {
        case.run(move |x| x[0].conv2d(&x[1], None, options))
    }
}

fn convolutions() -> Vec<Case> {
    let plain = Conv2dOptions::default();
    let uneven = Conv2dOptions { stride: [1, 2], padding: [(2, 2), (1, 1)], dilation: [2, 1], groups: 1 };
    let asymmetric = Conv2dOptions { padding: [(0, 2), (3, 1)], ..plain };
    vec![
        conv2d("basic", [2, 3, 6, 5], [4, 3, 3, 3], false, plain, "F.conv2d(x0, x1)"),
        conv2d("bias", [2, 3, 5, 5], [4, 3, 3, 3], true, plain, "F.conv2d(x0, x1, x2)"),
        conv2d(
            "padding",
            [2, 2, 4, 5],
            [3, 2, 3, 3],
            true,
            plain.padding(1),
            "F.conv2d(x0, x1, x2, padding=1)",
        ),
        conv2d("stride", [2, 2, 7, 7], [3, 2, 3, 3], false, plain.stride(2), "F.conv2d(x0, x1, stride=2)"),
        conv2d(
            "halving",
            [2, 1, 8, 8],
            [4, 1, 4, 4],
            true,
            plain.stride(2).padding(1),
            "F.conv2d(x0, x1, x2, stride=2, padding=1)",
        ),
        // The last row and column are never read.
        conv2d(
            "stride_leaves_a_rest",
            [1, 2, 6, 6],
            [2, 2, 2, 2],
            false,
            plain.stride(4),
            "F.conv2d(x0, x1, stride=4)",
        ),
        conv2d(
            "dilation",
            [1, 2, 7, 8],
            [3, 2, 3, 3],
            false,
            plain.dilation(2),
            "F.conv2d(x0, x1, dilation=2)",
        ),
        conv2d(
            "uneven",
            [2, 2, 5, 8],
            [3, 2, 3, 4],
            true,
            uneven,
            "F.conv2d(x0, x1, x2, stride=(1, 2), padding=(2, 1), dilation=(2, 1))",
        ),
        conv2d(
            "asymmetric_padding",
            [2, 2, 4, 4],
            [3, 2, 3, 3],
            true,
            asymmetric,
            "F.conv2d(F.pad(x0, (3, 1, 0, 2)), x1, x2)",
        ),
        conv2d("groups", [2, 4, 5, 5], [6, 2, 3, 3], true, plain.groups(2), "F.conv2d(x0, x1, x2, groups=2)"),
        conv2d(
            "depthwise",
            [2, 3, 5, 5],
            [3, 1, 3, 3],
            true,
            plain.groups(3).padding(1),
            "F.conv2d(x0, x1, x2, groups=3, padding=1)",
        ),
        conv2d(
            "depthwise_multiplier",
            [1, 2, 5, 5],
            [4, 1, 3, 3],
            false,
            plain.groups(2).stride(2),
            "F.conv2d(x0, x1, groups=2, stride=2)",
        ),
        conv2d("pointwise", [2, 5, 3, 4], [3, 5, 1, 1], true, plain, "F.conv2d(x0, x1, x2)"),
        conv2d(
            "pointwise_stride",
            [2, 3, 5, 5],
            [2, 3, 1, 1],
            false,
            plain.stride(2),
            "F.conv2d(x0, x1, stride=2)",
        ),
        conv2d(
            "pointwise_padding",
            [1, 2, 2, 2],
            [2, 2, 1, 1],
            true,
            plain.padding(1),
            "F.conv2d(x0, x1, x2, padding=1)",
        ),
        conv2d("single_channel", [1, 1, 5, 6], [1, 1, 3, 2], false, plain, "F.conv2d(x0, x1)"),
        conv2d("whole_image", [2, 3, 4, 4], [5, 3, 4, 4], true, plain, "F.conv2d(x0, x1, x2)"),
        conv2d(
            "more_padding_than_image",
            [1, 1, 2, 2],
            [2, 1, 3, 3],
            true,
            plain.padding(4),
            "F.conv2d(x0, x1, x2, padding=4)",
        ),
        conv2d("many_images", [19, 1, 3, 3], [2, 1, 2, 2], false, plain, "F.conv2d(x0, x1)"),
        conv2d("empty_batch", [0, 2, 4, 4], [3, 2, 3, 3], true, plain, "F.conv2d(x0, x1, x2)"),
    ]
}

fn signals() -> Vec<Case> {
    let conv1d = |name: &str, x: [usize; 3], w: [usize; 3], options: Conv1dOptions, torch: &str| {
        Case::new("conv2d", format!("conv1d/{name}"))
            .inputs([normal(x), normal(w), normal([w[0]])])
            .run(move |x| x[0].conv1d(&x[1], Some(&x[2]), options))
            .torch(torch)
    };
    let plain = Conv1dOptions::default();
    vec![
        conv1d("basic", [2, 3, 9], [4, 3, 3], plain, "F.conv1d(x0, x1, x2)"),
        conv1d(
            "stride_padding_dilation",
            [2, 2, 11],
            [3, 2, 3],
            plain.stride(2).padding(3).dilation(2),
            "F.conv1d(x0, x1, x2, stride=2, padding=3, dilation=2)",
        ),
        conv1d("depthwise", [1, 3, 7], [3, 1, 3], plain.groups(3), "F.conv1d(x0, x1, x2, groups=3)"),
        conv1d(
            "causal",
            [2, 2, 9],
            [3, 2, 3],
            Conv1dOptions::causal(3, 2),
            "F.conv1d(F.pad(x0, (4, 0)), x1, x2, dilation=2)",
        ),
        conv1d("pointwise", [2, 3, 4], [2, 3, 1], plain, "F.conv1d(x0, x1, x2)"),
    ]
}

/// A transposed convolution of images of shape `x` with a weight of shape `w`, with a bias.
fn conv_transpose2d(
    name: &str,
    x: [usize; 4],
    w: [usize; 4],
    options: ConvTranspose2dOptions,
    torch: &str,
) -> Case {
    Case::new("conv_transpose2d", format!("conv_transpose2d/{name}"))
        .inputs([normal(x), normal(w), normal([w[1] * options.groups])])
        .run(move |x| x[0].conv_transpose2d(&x[1], Some(&x[2]), options))
        .torch(format!("F.conv_transpose2d(x0, x1, x2{torch})"))
}

fn transposed() -> Vec<Case> {
    let plain = ConvTranspose2dOptions::default();
    let uneven = ConvTranspose2dOptions {
        stride: [3, 2],
        padding: [(0, 0), (1, 1)],
        output_padding: [2, 1],
        dilation: [1, 2],
        groups: 1,
    };
    vec![
        conv_transpose2d("basic", [2, 3, 4, 3], [3, 2, 3, 3], plain, ""),
        conv_transpose2d("from_one_pixel", [2, 5, 1, 1], [5, 2, 4, 4], plain, ""),
        conv_transpose2d(
            "doubling",
            [2, 3, 3, 3],
            [3, 2, 4, 4],
            plain.stride(2).padding(1),
            ", stride=2, padding=1",
        ),
        conv_transpose2d(
            "output_padding",
            [1, 2, 3, 3],
            [2, 2, 3, 3],
            plain.stride(2).padding(1).output_padding(1),
            ", stride=2, padding=1, output_padding=1",
        ),
        // More output padding than padding and than stride: the last rows and columns are the bias alone.
        conv_transpose2d(
            "output_padding_beyond_stride",
            [1, 2, 2, 3],
            [2, 1, 2, 2],
            plain.dilation(3).output_padding(2),
            ", dilation=3, output_padding=2",
        ),
        conv_transpose2d(
            "uneven",
            [2, 2, 3, 4],
            [2, 3, 2, 3],
            uneven,
            ", stride=(3, 2), padding=(0, 1), output_padding=(2, 1), dilation=(1, 2)",
        ),
        conv_transpose2d("dilation", [1, 2, 3, 3], [2, 2, 3, 2], plain.dilation(2), ", dilation=2"),
        conv_transpose2d(
            "groups",
            [2, 4, 3, 3],
            [4, 3, 2, 2],
            plain.groups(2).stride(2),
            ", groups=2, stride=2",
        ),
        conv_transpose2d("depthwise", [1, 3, 3, 3], [3, 1, 3, 3], plain.groups(3), ", groups=3"),
        conv_transpose2d("pointwise", [2, 3, 2, 2], [3, 4, 1, 1], plain, ""),
        conv_transpose2d("single_channel", [1, 1, 3, 2], [1, 1, 2, 2], plain.stride(2), ", stride=2"),
        conv_transpose2d("empty_batch", [0, 2, 3, 3], [2, 3, 2, 2], plain, ""),
        Case::new("conv_transpose2d", "conv_transpose2d/no_bias")
            .inputs([normal([2, 2, 3, 3]), normal([2, 3, 3, 3])])
            .run(move |x| x[0].conv_transpose2d(&x[1], None, plain.padding(1)))
            .torch("F.conv_transpose2d(x0, x1, padding=1)"),
    ]
}

fn transposed_signals() -> Vec<Case> {
    let plain = ConvTranspose1dOptions::default();
    let case = |name: &str, options: ConvTranspose1dOptions, torch: &str| {
        Case::new("conv_transpose2d", format!("conv_transpose1d/{name}"))
            .inputs([normal([2, 4, 5]), normal([4, 3, 4]), normal([3 * options.groups])])
            .run(move |x| x[0].conv_transpose1d(&x[1], Some(&x[2]), options))
            .torch(format!("F.conv_transpose1d(x0, x1, x2{torch})"))
    };
    vec![
        case("basic", plain, ""),
        case(
            "all_options",
            plain.stride(3).padding(2).output_padding(1).dilation(2).groups(2),
            ", stride=3, padding=2, output_padding=1, dilation=2, groups=2",
        ),
    ]
}

/// The gradient ops by themselves, as functions of all that they depend on.
fn gradients() -> Vec<Case> {
    let options = Conv2dOptions { stride: [2, 1], padding: [(1, 1), (0, 0)], dilation: [1, 2], groups: 2 };
    let torch = "stride=(2, 1), padding=(1, 0), dilation=(1, 2), groups=2";
    // Gradient of ⟨conv2d(x0, x1), x2⟩ in input `of`, as a function of the other two.
    let gradient = move |x: &[Tensor], of: usize| {
        let mut operands = [x[0].clone(), x[1].clone()];
        operands[of] = x[of].detach().requires_grad_(true);
        let product = (operands[0].conv2d(&operands[1], None, options) * &x[2]).sum_all();
        let create_graph = GradOptions { create_graph: true, ..Default::default() };
        grad(&[&product], &[&operands[of]], create_graph).expect("conv2d has a gradient").remove(0)
    };
    let case = |op: &str, of: usize| {
        Case::new(op, format!("{op}/all_options"))
            .inputs([normal([2, 4, 5, 6]), normal([4, 2, 3, 2]), normal([2, 4, 3, 4])])
            .run(move |x| gradient(x, of))
    };
    vec![
        case("conv2d_input_grad", 0)
            .fixed(0)
            .torch(format!("torch.nn.grad.conv2d_input((2, 4, 5, 6), x1, x2, {torch})")),
        case("conv2d_weight_grad", 1)
            .fixed(1)
            .torch(format!("torch.nn.grad.conv2d_weight(x0, (4, 2, 3, 2), x2, {torch})")),
    ]
}
