//! Cases of cat and what is built on it, of repetition and of padding.

use crate::case::*;
use wengert_tensor::{PadMode, Tensor};

/// The cases of this family.
pub fn cases() -> Vec<Case> {
    [joins(), parts(), repeats(), pads()].concat()
}

fn joins() -> Vec<Case> {
    vec![
        Case::new("cat", "cat/first_axis")
            .inputs([normal([2, 3]), normal([1, 3]), normal([4, 3])])
            .run(|x| Tensor::cat(&[&x[0], &x[1], &x[2]], 0))
            .torch("torch.cat([x0, x1, x2], 0)"),
        Case::new("cat", "cat/inner_axis")
            .inputs([normal([2, 3, 2]), normal([2, 1, 2])])
            .run(|x| Tensor::cat(&[&x[0], &x[1]], 1))
            .torch("torch.cat([x0, x1], 1)"),
        Case::new("cat", "cat/last_axis")
            .inputs([normal([2, 3]), normal([2, 2])])
            .run(|x| Tensor::cat(&[&x[0], &x[1]], -1))
            .torch("torch.cat([x0, x1], -1)"),
        Case::new("cat", "cat/with_an_empty_one")
            .inputs([normal([2, 3]), normal([0, 3])])
            .run(|x| Tensor::cat(&[&x[0], &x[1]], 0))
            .torch("torch.cat([x0, x1], 0)"),
        Case::new("cat", "cat/one_tensor_twice")
            .input(normal([2, 2]))
            .run(|x| Tensor::cat(&[&x[0], &x[0]], 1))
            .torch("torch.cat([x0, x0], 1)"),
        Case::new("cat", "cat/booleans")
            .inputs([booleans([2, 2]), booleans([2, 1])])
            .run(|x| Tensor::cat(&[&x[0], &x[1]], 1))
            .torch("torch.cat([x0, x1], 1)")
            .no_gradient(),
        Case::new("cat", "stack/first")
            .inputs([normal([2, 3]), normal([2, 3])])
            .run(|x| Tensor::stack(&[&x[0], &x[1]], 0))
            .torch("torch.stack([x0, x1], 0)"),
        Case::new("cat", "stack/last")
            .inputs([normal([2, 3]), normal([2, 3])])
            .run(|x| Tensor::stack(&[&x[0], &x[1]], -1))
            .torch("torch.stack([x0, x1], -1)"),
    ]
}

fn parts() -> Vec<Case> {
    vec![
        Case::new("slice", "split/uneven")
            .input(normal([2, 5]))
            .run(|x| x[0].split(2, 1).remove(2))
            .torch("x0.split(2, 1)[2]"),
        Case::new("slice", "split/product_of_two")
            .input(normal([4, 3]))
            .run(|x| {
                let parts = x[0].split(2, 0);
                &parts[0] * &parts[1]
            })
            .torch("x0.split(2)[0] * x0.split(2)[1]"),
        Case::new("slice", "chunk/uneven")
            .input(normal([7, 2]))
            .run(|x| x[0].chunk(3, 0).remove(1))
            .torch("x0.chunk(3)[1]"),
        Case::new("slice", "chunk/fewer_than_asked")
            .input(normal([4, 2]))
            .run(|x| Tensor::stack(&x[0].chunk(3, 0).iter().collect::<Vec<_>>(), 0))
            .torch("torch.stack(x0.chunk(3), 0)"),
    ]
}

fn repeats() -> Vec<Case> {
    vec![
        Case::new("expand", "repeat/new_axis_and_all")
            .input(normal([2, 3]))
            .run(|x| x[0].repeat(&[2, 3, 2]))
            .torch("x0.repeat(2, 3, 2)"),
        Case::new("expand", "repeat/one_axis")
            .input(normal([2, 3]))
            .run(|x| x[0].repeat(&[1, 2]))
            .torch("x0.repeat(1, 2)"),
        Case::new("expand", "repeat/nothing")
            .input(normal([2, 3]))
            .run(|x| x[0].repeat(&[0, 2]))
            .torch("x0.repeat(0, 2)")
            .no_gradient(),
        Case::new("expand", "tile/fewer_than_axes")
            .input(normal([2, 3]))
            .run(|x| x[0].tile(&[2]))
            .torch("x0.tile(2)"),
    ]
}

fn pads() -> Vec<Case> {
    vec![
        Case::new("pad", "pad/constant")
            .input(normal([2, 3]))
            .run(|x| x[0].pad(&[(1, 0), (2, 1)], PadMode::Constant(0.5)))
            .torch("F.pad(x0, (2, 1, 1, 0), value=0.5)"),
        Case::new("pad", "pad/crop")
            .input(normal([4, 5]))
            .run(|x| x[0].pad(&[(-1, 1), (1, -2)], PadMode::Constant(0.0)))
            .torch("F.pad(x0, (1, -2, -1, 1))"),
        Case::new("pad", "pad/from_nothing")
            .input(normal([0, 2]))
            .run(|x| x[0].pad(&[(1, 1), (0, 0)], PadMode::Constant(2.0)))
            .torch("F.pad(x0, (0, 0, 1, 1), value=2.0)")
            .no_gradient(),
        Case::new("pad", "pad/integers")
            .input(integers([3], -5, 5))
            .run(|x| x[0].pad(&[(1, 2)], PadMode::Constant(-7.0)))
            .torch("F.pad(x0, (1, 2), value=-7)")
            .no_gradient(),
        Case::new("pad", "pad/reflect")
            .input(normal([2, 2, 3, 4]))
            .run(|x| x[0].pad(&[(0, 0), (0, 0), (1, 2), (3, 0)], PadMode::Reflect))
            .torch("F.pad(x0, (3, 0, 1, 2), mode='reflect')"),
        Case::new("pad", "pad/replicate")
            .input(normal([1, 2, 2, 3]))
            .run(|x| x[0].pad(&[(0, 0), (0, 0), (1, 3), (2, 1)], PadMode::Replicate))
            .torch("F.pad(x0, (2, 1, 1, 3), mode='replicate')"),
        Case::new("pad", "pad/circular")
            .input(normal([2, 2, 4]))
            .run(|x| x[0].pad(&[(0, 0), (0, 0), (3, 2)], PadMode::Circular))
            .torch("F.pad(x0, (3, 2), mode='circular')"),
        Case::new("pad_grad", "pad_grad/through_the_gradient")
            .input(normal([1, 2, 3, 3]))
            .run(|x| x[0].pad(&[(0, 0), (0, 0), (2, 1), (1, 2)], PadMode::Reflect).square())
            .torch("F.pad(x0, (1, 2, 2, 1), mode='reflect').square()"),
    ]
}
