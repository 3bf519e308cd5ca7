//! Cases of pooling.

use crate::case::*;
use wengert_tensor::autograd::{GradOptions, grad};
use wengert_tensor::{Pool1dOptions, Pool2dOptions, Tensor};

/// The cases of this family.
pub fn cases() -> Vec<Case> {
    [largest(), means(), adaptive(), gradients()].concat()
}

fn max_pool2d(name: &str, x: [usize; 4], options: Pool2dOptions, torch: &str) -> [Case; 2] {
    let values = Case::new("max_pool2d", format!("max_pool2d/{name}"))
        .input(distinct(x))
        .run(move |x| x[0].max_pool2d(options))
        .torch(format!("F.max_pool2d(x0, {torch})"));
    let indices = Case::new("max_pool2d_indices", format!("max_pool2d_indices/{name}"))
        .input(distinct(x))
        .run(move |x| x[0].max_pool2d_with_indices(options).1)
        .torch(format!("F.max_pool2d(x0, {torch}, return_indices=True)[1]"))
        .no_gradient();
    [values, indices]
}

fn largest() -> Vec<Case> {
    let two = Pool2dOptions::new([2, 2]);
    let three = Pool2dOptions::new([3, 3]);
    let uneven = Pool2dOptions { stride: [1, 2], padding: [(1, 1), (0, 0)], ..Pool2dOptions::new([3, 2]) };
    let mut cases = [
        max_pool2d("halving", [2, 3, 4, 6], two, "2"),
        max_pool2d("overlapping", [2, 2, 6, 7], three.stride(2), "3, stride=2"),
        max_pool2d("padding", [1, 2, 5, 5], three.stride(2).padding(1), "3, stride=2, padding=1"),
        max_pool2d("dilation", [1, 2, 7, 7], two.stride(1).dilation(3), "2, stride=1, dilation=3"),
        max_pool2d("ceil_mode", [1, 2, 6, 5], three.stride(2).ceil_mode(true), "3, stride=2, ceil_mode=True"),
        max_pool2d(
            "ceil_mode_padding",
            [1, 1, 4, 7],
            two.stride(3).padding(1).ceil_mode(true),
            "2, stride=3, padding=1, ceil_mode=True",
        ),
        max_pool2d("uneven", [2, 1, 4, 7], uneven, "(3, 2), stride=(1, 2), padding=(1, 0)"),
        max_pool2d("whole_image", [1, 2, 3, 3], three, "3"),
        max_pool2d("empty_batch", [0, 2, 4, 4], two, "2"),
    ]
    .concat();
    let ties = [1.0, 1.0, 0.0, 2.0, 1.0, 1.0, 2.0, 2.0];
    cases.extend([
        Case::new("max_pool2d", "max_pool2d/the_first_of_equals")
            .input(floats([1, 1, 2, 4], ties))
            .run(move |x| x[0].max_pool2d(two))
            .torch("F.max_pool2d(x0, 2)")
            .at_kink(),
        Case::new("max_pool2d", "max_pool1d/all_options")
            .input(distinct([2, 3, 10]))
            .run(|x| {
                x[0].max_pool1d(Pool1dOptions::new([3]).stride(2).padding(1).dilation(2).ceil_mode(true))
            })
            .torch("F.max_pool1d(x0, 3, stride=2, padding=1, dilation=2, ceil_mode=True)"),
        Case::new("max_pool2d", "global_max_pool2d/basic")
            .input(distinct([2, 3, 4, 5]))
            .run(|x| x[0].global_max_pool2d())
            .torch("F.adaptive_max_pool2d(x0, 1)"),
    ]);
    cases
}

fn avg_pool2d(name: &str, x: [usize; 4], options: Pool2dOptions, torch: &str) -> Case {
    Case::new("avg_pool2d", format!("avg_pool2d/{name}"))
        .input(normal(x))
        .run(move |x| x[0].avg_pool2d(options))
        .torch(format!("F.avg_pool2d(x0, {torch})"))
}

fn means() -> Vec<Case> {
    let two = Pool2dOptions::new([2, 2]);
    let three = Pool2dOptions::new([3, 3]);
    let padded = three.stride(2).padding(1);
    let uneven = Pool2dOptions { stride: [2, 1], padding: [(0, 0), (1, 1)], ..Pool2dOptions::new([1, 3]) };
    vec![
        avg_pool2d("halving", [2, 3, 4, 6], two, "2"),
        avg_pool2d("overlapping", [2, 2, 6, 7], three.stride(1), "3, stride=1"),
        avg_pool2d("padding", [1, 2, 5, 5], padded, "3, stride=2, padding=1"),
        avg_pool2d(
            "padding_not_counted",
            [1, 2, 5, 5],
            padded.count_include_pad(false),
            "3, stride=2, padding=1, count_include_pad=False",
        ),
        avg_pool2d(
            "ceil_mode",
            [1, 2, 6, 4],
            padded.ceil_mode(true),
            "3, stride=2, padding=1, ceil_mode=True",
        ),
        avg_pool2d(
            "ceil_mode_padding_not_counted",
            [1, 2, 6, 4],
            padded.ceil_mode(true).count_include_pad(false),
            "3, stride=2, padding=1, ceil_mode=True, count_include_pad=False",
        ),
        avg_pool2d("uneven", [2, 1, 4, 5], uneven, "(1, 3), stride=(2, 1), padding=(0, 1)"),
        avg_pool2d("empty_batch", [0, 2, 4, 4], two, "2"),
        Case::new("avg_pool2d", "avg_pool1d/all_options")
            .input(normal([2, 3, 10]))
            .run(|x| x[0].avg_pool1d(Pool1dOptions::new([4]).stride(3).padding(1).ceil_mode(true)))
            .torch("F.avg_pool1d(x0, 4, stride=3, padding=1, ceil_mode=True)"),
    ]
}

fn adaptive_avg_pool2d(name: &str, x: [usize; 4], size: [usize; 2]) -> Case {
    Case::new("adaptive_avg_pool2d", format!("adaptive_avg_pool2d/{name}"))
        .input(normal(x))
        .run(move |x| x[0].adaptive_avg_pool2d(size))
        .torch(format!("F.adaptive_avg_pool2d(x0, ({}, {}))", size[0], size[1]))
}

fn adaptive() -> Vec<Case> {
    vec![
        adaptive_avg_pool2d("dividing", [2, 2, 6, 4], [3, 2]),
        adaptive_avg_pool2d("not_dividing", [2, 2, 7, 5], [3, 4]),
        adaptive_avg_pool2d("enlarging", [1, 2, 2, 3], [5, 4]),
        adaptive_avg_pool2d("empty_batch", [0, 2, 3, 3], [2, 2]),
        Case::new("adaptive_avg_pool2d", "adaptive_avg_pool1d/basic")
            .input(normal([2, 3, 7]))
            .run(|x| x[0].adaptive_avg_pool1d(3))
            .torch("F.adaptive_avg_pool1d(x0, 3)"),
        Case::new("adaptive_avg_pool2d", "global_avg_pool2d/basic")
            .input(normal([2, 3, 4, 5]))
            .run(|x| x[0].global_avg_pool2d())
            .torch("F.adaptive_avg_pool2d(x0, 1)"),
    ]
}

/// The gradient ops as functions of the cotangent `x1`; `x0` is only where the windows lie.
fn gradients() -> Vec<Case> {
    let case = |op: &str, size: [usize; 2], pool: fn(&Tensor) -> Tensor, torch: &str| {
        Case::new(op, format!("{op}/basic"))
            .inputs([distinct([2, 2, 5, 6]), normal([2, 2, size[0], size[1]])])
            .fixed(0)
            .run(move |x| {
                let image = x[0].detach().requires_grad_(true);
                let product = (pool(&image) * &x[1]).sum_all();
                let create_graph = GradOptions { create_graph: true, ..Default::default() };
                grad(&[&product], &[&image], create_graph).expect("pooling has a gradient").remove(0)
            })
            .torch(format!("torch.func.vjp(lambda x: {torch}, x0.detach())[1](x1)[0]"))
    };
    vec![
        case(
            "max_pool2d_grad",
            [2, 3],
            |x| x.max_pool2d(Pool2dOptions::new([3, 2]).stride(2)),
            "F.max_pool2d(x, (3, 2), stride=2)",
        ),
        case(
            "avg_pool2d_grad",
            [3, 3],
            |x| x.avg_pool2d(Pool2dOptions::new([2, 3]).stride(2).ceil_mode(true)),
            "F.avg_pool2d(x, (2, 3), stride=2, ceil_mode=True)",
        ),
        case(
            "adaptive_avg_pool2d_grad",
            [3, 4],
            |x| x.adaptive_avg_pool2d([3, 4]),
            "F.adaptive_avg_pool2d(x, (3, 4))",
        ),
    ]
}
