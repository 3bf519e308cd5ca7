//! Cases of the norm ops.

use crate::case::*;
use wengert_tensor::autograd::{GradOptions, grad, with_grad};
use wengert_tensor::{Activation, Tensor, no_grad};

const EPSILON: f64 = 1e-5;

/// The cases of this family.
pub fn cases() -> Vec<Case> {
    [batch_norm(), layer_norm(), group_norm(), instance_norm(), gradients()].concat()
}

fn batch_norm() -> Vec<Case> {
    let train = "F.batch_norm(x0, None, None, x1, x2, training=True)";
    let affine = |id: &str, shape: &[usize]| {
        Case::new("batch_norm", id)
            .inputs([normal(shape), normal([shape[1]]), normal([shape[1]])])
            .run(|x| x[0].batch_norm(Some(&x[1]), Some(&x[2]), EPSILON))
            .torch(train)
    };
    let rectified = |name: &str, activation: Activation, shape: &[usize], torch: &str| {
        let op = format!("batch_norm_{name}");
        let id = format!("{op}/{}d", shape.len());
        Case::new(op, id)
            .inputs([normal(shape), normal([shape[1]]), normal([shape[1]])])
            .run(move |x| {
                let statistics = no_grad(|| x[0].batch_norm_statistics());
                x[0].batch_norm_activated(&statistics, &x[1], &x[2], EPSILON, activation)
            })
            .torch(torch.replace('_', train))
    };
    let leaky = Activation::LeakyRelu { negative_slope: 0.2 };
    vec![
        rectified("relu", Activation::Relu, &[3, 2, 2, 3], "torch.relu(_)"),
        rectified("relu", Activation::Relu, &[6, 3], "torch.relu(_)"),
        rectified("leaky_relu", leaky, &[4, 3, 5], "torch.where(_ > 0, _, 0.2 * _)"),
        rectified("leaky_relu", leaky, &[7, 2], "torch.where(_ > 0, _, 0.2 * _)"),
        affine("batch_norm/2d", &[3, 2, 2, 3]),
        affine("batch_norm/1d", &[4, 3, 5]),
        affine("batch_norm/vectors", &[6, 3]),
        affine("batch_norm/one_channel", &[5, 1, 2]),
        Case::new("batch_norm", "batch_norm/plain")
            .input(normal([4, 3, 2]))
            .run(|x| x[0].batch_norm(None, None, EPSILON))
            .torch("F.batch_norm(x0, None, None, training=True)"),
        Case::new("batch_norm", "batch_norm/bias_only")
            .inputs([normal([4, 3]), normal([3])])
            .run(|x| x[0].batch_norm(None, Some(&x[1]), EPSILON))
            .torch("F.batch_norm(x0, None, None, torch.ones_like(x1), x1, training=True)"),
        Case::new("batch_norm", "batch_norm/large_epsilon")
            .inputs([normal([5, 2]), normal([2]), normal([2])])
            .run(|x| x[0].batch_norm(Some(&x[1]), Some(&x[2]), 0.5))
            .torch("F.batch_norm(x0, None, None, x1, x2, training=True, eps=0.5)"),
        Case::new("mul", "batch_norm/eval")
            .inputs([normal([3, 2, 4]), normal([2]), positive([2]), normal([2]), normal([2])])
            .run(|x| x[0].batch_norm_eval(&x[1], &x[2], Some(&x[3]), Some(&x[4]), EPSILON))
            .torch("(x0 - x1[:, None]) / (x2[:, None] + 1e-5).sqrt() * x3[:, None] + x4[:, None]"),
        Case::new("mul", "batch_norm/eval_pytorch")
            .inputs([normal([3, 2, 4]), normal([2]), positive([2]), normal([2]), normal([2])])
            .run(|x| x[0].batch_norm_eval(&x[1], &x[2], Some(&x[3]), Some(&x[4]), EPSILON))
            .torch("F.batch_norm(x0, x1, x2, x3, x4, training=False)")
            .fixed(1)
            .fixed(2),
        Case::new("batch_norm_statistics", "batch_norm_statistics/basic")
            .input(normal([3, 2, 4]))
            .run(|x| x[0].batch_norm_statistics())
            .torch("torch.stack([x0.mean((0, 2)), x0.var((0, 2), correction=0)])"),
    ]
}

fn layer_norm() -> Vec<Case> {
    vec![
        Case::new("layer_norm", "layer_norm/affine")
            .inputs([normal([4, 5]), normal([5]), normal([5])])
            .run(|x| x[0].layer_norm(&[5], Some(&x[1]), Some(&x[2]), EPSILON))
            .torch("F.layer_norm(x0, (5,), x1, x2)"),
        Case::new("layer_norm", "layer_norm/two_axes")
            .inputs([normal([3, 2, 3]), normal([2, 3]), normal([2, 3])])
            .run(|x| x[0].layer_norm(&[2, 3], Some(&x[1]), Some(&x[2]), EPSILON))
            .torch("F.layer_norm(x0, (2, 3), x1, x2)"),
        Case::new("layer_norm", "layer_norm/plain")
            .input(normal([3, 4]))
            .run(|x| x[0].layer_norm(&[4], None, None, EPSILON))
            .torch("F.layer_norm(x0, (4,))"),
        Case::new("layer_norm", "layer_norm/weight_only")
            .inputs([normal([3, 4]), normal([4])])
            .run(|x| x[0].layer_norm(&[4], Some(&x[1]), None, EPSILON))
            .torch("F.layer_norm(x0, (4,), x1)"),
        Case::new("layer_norm", "layer_norm/bias_only")
            .inputs([normal([3, 4]), normal([4])])
            .run(|x| x[0].layer_norm(&[4], None, Some(&x[1]), EPSILON))
            .torch("F.layer_norm(x0, (4,), torch.ones_like(x1), x1)"),
        Case::new("layer_norm", "layer_norm/whole")
            .inputs([normal([6]), normal([6]), normal([6])])
            .run(|x| x[0].layer_norm(&[6], Some(&x[1]), Some(&x[2]), EPSILON))
            .torch("F.layer_norm(x0, (6,), x1, x2)"),
        Case::new("layer_norm", "layer_norm/many_rows")
            .inputs([normal([70, 3]), normal([3]), normal([3])])
            .run(|x| x[0].layer_norm(&[3], Some(&x[1]), Some(&x[2]), 0.1))
            .torch("F.layer_norm(x0, (3,), x1, x2, eps=0.1)"),
    ]
}

fn group_norm() -> Vec<Case> {
    let affine = |id: &str, groups: usize, shape: &[usize]| {
        Case::new("layer_norm", id)
            .inputs([normal(shape), normal([shape[1]]), normal([shape[1]])])
            .run(move |x| x[0].group_norm(groups, Some(&x[1]), Some(&x[2]), EPSILON))
            .torch(format!("F.group_norm(x0, {groups}, x1, x2)"))
    };
    vec![
        affine("group_norm/2d", 2, &[2, 4, 2, 2]),
        affine("group_norm/vectors", 3, &[3, 6]),
        affine("group_norm/one_group", 1, &[2, 3, 4]),
        Case::new("layer_norm", "group_norm/plain")
            .input(normal([2, 4, 3]))
            .run(|x| x[0].group_norm(2, None, None, EPSILON))
            .torch("F.group_norm(x0, 2)"),
    ]
}

fn instance_norm() -> Vec<Case> {
    vec![
        Case::new("layer_norm", "instance_norm/2d")
            .inputs([normal([2, 3, 2, 3]), normal([3]), normal([3])])
            .run(|x| x[0].instance_norm(Some(&x[1]), Some(&x[2]), EPSILON))
            .torch("F.instance_norm(x0, weight=x1, bias=x2)"),
        Case::new("layer_norm", "instance_norm/1d_plain")
            .input(normal([2, 3, 4]))
            .run(|x| x[0].instance_norm(None, None, EPSILON))
            .torch("F.instance_norm(x0)"),
    ]
}

/// Cases whose value is a gradient, so that the gradient ops are held against PyTorch and differentiated twice.
fn gradients() -> Vec<Case> {
    // Input 3 is the cotangent of the output.
    let case = |op: &str, id: &str, forward: Forward, of: usize, torch_forward: &str| {
        let (shape, affine): (&[usize], usize) =
            if op.starts_with("batch") { (&[4, 2, 3], 2) } else { (&[4, 3], 3) };
        Case::new(op, id)
            .inputs([normal(shape), normal([affine]), normal([affine]), normal(shape)])
            .run(move |x| gradient_of(forward, x, of))
            .torch(format!("torch.autograd.grad({torch_forward}, x{of}, x3, create_graph=True)[0]"))
            .fixed(2)
    };
    let batch: Forward = |x| x[0].batch_norm(Some(&x[1]), Some(&x[2]), EPSILON);
    let layer: Forward = |x| x[0].layer_norm(&[3], Some(&x[1]), Some(&x[2]), EPSILON);
    // Written out, since the second gradient of a gradient is a third derivative: PyTorch's batch norm has none, and that
    // of its layer norm disagrees with central differences.
    let torch_batch = "((x0 - x0.mean((0, 2), keepdim=True)) * (x0.var((0, 2), correction=0, keepdim=True) + 1e-5).rsqrt() \
                       * x1[:, None] + x2[:, None])";
    let torch_layer = "((x0 - x0.mean(1, keepdim=True)) * (x0.var(1, correction=0, keepdim=True) + 1e-5).rsqrt() * x1 + x2)";
    let relu: Forward = |x| {
        let statistics = no_grad(|| x[0].batch_norm_statistics());
        x[0].batch_norm_activated(&statistics, &x[1], &x[2], EPSILON, Activation::Relu)
    };
    let torch_relu = format!("torch.relu{torch_batch}");
    vec![
        case("batch_norm_input_grad", "batch_norm_input_grad/basic", batch, 0, torch_batch),
        case("batch_norm_input_grad", "batch_norm_input_grad/relu", relu, 0, &torch_relu),
        case("batch_norm_affine_grad", "batch_norm_affine_grad/relu", relu, 1, &torch_relu),
        case("batch_norm_affine_grad", "batch_norm_affine_grad/weight", batch, 1, torch_batch),
        case("layer_norm_input_grad", "layer_norm_input_grad/basic", layer, 0, torch_layer),
        case("layer_norm_weight_grad", "layer_norm_weight_grad/basic", layer, 1, torch_layer),
    ]
}

type Forward = fn(&[Tensor]) -> Tensor;

/// The gradient of ⟨forward(x), x₃⟩ by input `of`, itself on the tape.
fn gradient_of(forward: Forward, x: &[Tensor], of: usize) -> Tensor {
    with_grad(true, || {
        // An input that is not differentiated further becomes a leaf of its own.
        let mut x = x.to_vec();
        if !x[of].requires_grad() {
            x[of] = x[of].copy().requires_grad_(true);
        }
        let product = (forward(&x) * &x[3]).sum_all();
        let options = GradOptions { create_graph: true, ..GradOptions::default() };
        let gradients = grad(&[&product], &[&x[of]], options).expect("normalisation has a gradient");
        gradients[0].clone()
    })
}
