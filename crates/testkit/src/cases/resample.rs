//! Cases of resampling, pixel shuffling, unfolding and folding.

use crate::case::*;
use wengert_tensor::autograd::{GradOptions, grad};
use wengert_tensor::{Resize, Tensor, UnfoldOptions};

/// The cases of this family.
pub fn cases() -> Vec<Case> {
    [nearest(), bilinear(), gradients(), shuffles(), patches()].concat()
}

fn nearest() -> Vec<Case> {
    let case = |name: &str, x: [usize; 4], resize: Resize<2>, torch: &str| {
        Case::new("upsample_nearest2d", format!("upsample_nearest2d/{name}"))
            .input(normal(x))
            .run(move |x| x[0].upsample_nearest2d(resize))
            .torch(format!("F.interpolate(x0, {torch}, mode='nearest')"))
    };
    vec![
        case("doubling", [2, 3, 3, 2], Resize::Scale([2.0, 2.0]), "scale_factor=2"),
        case("size", [1, 2, 3, 4], Resize::Size([7, 6]), "size=(7, 6)"),
        case("smaller", [1, 2, 7, 5], Resize::Size([3, 2]), "size=(3, 2)"),
        case("fractional_scale", [1, 2, 3, 5], Resize::Scale([1.5, 2.5]), "scale_factor=(1.5, 2.5)"),
        case("empty_batch", [0, 2, 3, 3], Resize::Scale([2.0, 2.0]), "scale_factor=2"),
        Case::new("upsample_nearest2d", "upsample_nearest1d/basic")
            .input(normal([2, 3, 4]))
            .run(|x| x[0].upsample_nearest1d(Resize::Scale([3.0])))
            .torch("F.interpolate(x0, scale_factor=3, mode='nearest')"),
    ]
}

fn bilinear() -> Vec<Case> {
    let case = |name: &str, x: [usize; 4], resize: Resize<2>, align_corners: bool, torch: &str| {
        let align = if align_corners { "True" } else { "False" };
        Case::new("upsample_bilinear2d", format!("upsample_bilinear2d/{name}"))
            .input(normal(x))
            .run(move |x| x[0].upsample_bilinear2d(resize, align_corners))
            .torch(format!("F.interpolate(x0, {torch}, mode='bilinear', align_corners={align})"))
    };
    vec![
        case("doubling", [2, 3, 3, 2], Resize::Scale([2.0, 2.0]), false, "scale_factor=2"),
        case("doubling_corners", [2, 3, 3, 2], Resize::Scale([2.0, 2.0]), true, "scale_factor=2"),
        case("size", [1, 2, 3, 4], Resize::Size([7, 6]), false, "size=(7, 6)"),
        case("size_corners", [1, 2, 3, 4], Resize::Size([7, 6]), true, "size=(7, 6)"),
        case("smaller", [1, 2, 7, 5], Resize::Size([3, 2]), false, "size=(3, 2)"),
        case("one_output_corners", [1, 2, 4, 3], Resize::Size([1, 1]), true, "size=(1, 1)"),
        case("from_one_pixel", [2, 2, 1, 1], Resize::Size([3, 2]), false, "size=(3, 2)"),
        case("fractional_scale", [1, 2, 3, 5], Resize::Scale([1.5, 2.5]), false, "scale_factor=(1.5, 2.5)"),
        case("empty_batch", [0, 2, 3, 3], Resize::Scale([2.0, 2.0]), false, "scale_factor=2"),
        Case::new("upsample_bilinear2d", "upsample_linear1d/basic")
            .input(normal([2, 3, 4]))
            .run(|x| x[0].upsample_linear1d(Resize::Scale([3.0]), false))
            .torch("F.interpolate(x0, scale_factor=3, mode='linear', align_corners=False)"),
        Case::new("upsample_bilinear2d", "upsample_linear1d/corners")
            .input(normal([2, 3, 4]))
            .run(|x| x[0].upsample_linear1d(Resize::Size([9]), true))
            .torch("F.interpolate(x0, size=9, mode='linear', align_corners=True)"),
    ]
}

/// The gradient ops as functions of the cotangent `x1`; `x0` only lends its shape.
fn gradients() -> Vec<Case> {
    let case = |op: &str, resample: fn(&Tensor) -> Tensor, torch: &str| {
        Case::new(op, format!("{op}/basic"))
            .inputs([normal([2, 2, 3, 4]), normal([2, 2, 5, 7])])
            .fixed(0)
            .run(move |x| {
                let image = x[0].detach().requires_grad_(true);
                let product = (resample(&image) * &x[1]).sum_all();
                let create_graph = GradOptions { create_graph: true, ..Default::default() };
                grad(&[&product], &[&image], create_graph).expect("resampling has a gradient").remove(0)
            })
            .torch(format!("torch.func.vjp(lambda x: {torch}, x0.detach())[1](x1)[0]"))
    };
    vec![
        case(
            "upsample_nearest2d_grad",
            |x| x.upsample_nearest2d(Resize::Size([5, 7])),
            "F.interpolate(x, size=(5, 7), mode='nearest')",
        ),
        case(
            "upsample_bilinear2d_grad",
            |x| x.upsample_bilinear2d(Resize::Size([5, 7]), false),
            "F.interpolate(x, size=(5, 7), mode='bilinear')",
        ),
    ]
}

fn shuffles() -> Vec<Case> {
    vec![
        Case::new("permute", "pixel_shuffle/basic")
            .input(normal([2, 12, 2, 3]))
            .run(|x| x[0].pixel_shuffle(2))
            .torch("F.pixel_shuffle(x0, 2)"),
        Case::new("permute", "pixel_shuffle/by_three")
            .input(normal([1, 9, 2, 2]))
            .run(|x| x[0].pixel_shuffle(3))
            .torch("F.pixel_shuffle(x0, 3)"),
        Case::new("permute", "pixel_unshuffle/basic")
            .input(normal([2, 3, 4, 6]))
            .run(|x| x[0].pixel_unshuffle(2))
            .torch("F.pixel_unshuffle(x0, 2)"),
    ]
}

fn patches() -> Vec<Case> {
    let two = UnfoldOptions::new([2, 2]);
    let rich = UnfoldOptions::new([3, 2]).stride(2).padding(1).dilation(2);
    let uneven = UnfoldOptions { stride: [1, 2], padding: [(1, 1), (0, 0)], ..UnfoldOptions::new([2, 3]) };
    let unfold = |name: &str, x: [usize; 4], options: UnfoldOptions, torch: &str| {
        Case::new("unfold", format!("unfold/{name}"))
            .input(normal(x))
            .run(move |x| x[0].unfold(options))
            .torch(format!("F.unfold(x0, {torch})"))
    };
    let fold = |name: &str, x: [usize; 3], size: [usize; 2], options: UnfoldOptions, torch: &str| {
        Case::new("fold", format!("fold/{name}"))
            .input(normal(x))
            .run(move |x| x[0].fold(size, options))
            .torch(format!("F.fold(x0, ({}, {}), {torch})", size[0], size[1]))
    };
    vec![
        unfold("overlapping", [2, 3, 4, 5], two, "2"),
        unfold("side_by_side", [1, 2, 4, 6], two.stride(2), "2, stride=2"),
        unfold("all_options", [2, 2, 6, 5], rich, "(3, 2), stride=2, padding=1, dilation=2"),
        unfold("uneven", [1, 2, 3, 7], uneven, "(2, 3), stride=(1, 2), padding=(1, 0)"),
        fold("overlapping", [2, 12, 12], [4, 5], two, "2"),
        fold("side_by_side", [1, 8, 6], [4, 6], two.stride(2), "2, stride=2"),
        fold("all_options", [2, 12, 6], [6, 5], rich, "(3, 2), stride=2, padding=1, dilation=2"),
        fold("uneven", [1, 12, 12], [3, 7], uneven, "(2, 3), stride=(1, 2), padding=(1, 0)"),
    ]
}
