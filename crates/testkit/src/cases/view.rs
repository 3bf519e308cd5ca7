//! Cases of the view ops.

use crate::case::*;

/// The cases of this family.
pub fn cases() -> Vec<Case> {
    [reshapes(), permutes(), expands(), slices(), flips()].concat()
}

fn reshapes() -> Vec<Case> {
    vec![
        Case::new("reshape", "reshape/split_and_join")
            .input(normal([2, 3, 4]))
            .run(|x| x[0].reshape([4, 6]))
            .torch("x0.reshape(4, 6)"),
        Case::new("reshape", "reshape/open_size")
            .input(normal([2, 3, 4]))
            .run(|x| x[0].reshape([-1, 2, 2]))
            .torch("x0.reshape(-1, 2, 2)"),
        Case::new("reshape", "reshape/of_a_permuted_view")
            .input(normal([2, 3, 4]))
            .run(|x| x[0].permute(&[2, 0, 1]).reshape([4, 6]))
            .torch("x0.permute(2, 0, 1).reshape(4, 6)"),
        Case::new("reshape", "reshape/copies_where_strides_demand_it")
            .input(normal([2, 3, 4]))
            .run(|x| x[0].permute(&[2, 1, 0]).reshape([3, 8]))
            .torch("x0.permute(2, 1, 0).reshape(3, 8)"),
        Case::new("reshape", "reshape/of_an_expanded_view")
            .input(normal([3, 1]))
            .run(|x| x[0].expand([3, 4]).reshape([12]))
            .torch("x0.expand(3, 4).reshape(12)"),
        Case::new("reshape", "reshape/to_scalar")
            .input(normal([1, 1]))
            .run(|x| x[0].reshape(()))
            .torch("x0.reshape(())"),
        Case::new("reshape", "reshape/empty")
            .input(normal([0, 3]))
            .run(|x| x[0].reshape([3, 0, 2]))
            .torch("x0.reshape(3, 0, 2)")
            .no_gradient(),
        Case::new("reshape", "reshape/booleans")
            .input(booleans([2, 3]))
            .run(|x| x[0].reshape([3, 2]))
            .torch("x0.reshape(3, 2)")
            .no_gradient(),
        Case::new("reshape", "squeeze/one")
            .input(normal([2, 1, 3]))
            .run(|x| x[0].squeeze(1))
            .torch("x0.squeeze(1)"),
        Case::new("reshape", "squeeze/other_size")
            .input(normal([2, 3]))
            .run(|x| x[0].squeeze(0))
            .torch("x0.squeeze(0)"),
        Case::new("reshape", "unsqueeze/last")
            .input(normal([2, 3]))
            .run(|x| x[0].unsqueeze(-1))
            .torch("x0.unsqueeze(-1)"),
        Case::new("reshape", "unsqueeze/first")
            .input(normal([2, 3]))
            .run(|x| x[0].unsqueeze(0))
            .torch("x0.unsqueeze(0)"),
        Case::new("reshape", "flatten/middle")
            .input(normal([2, 3, 2, 2]))
            .run(|x| x[0].flatten(1, -2))
            .torch("x0.flatten(1, -2)"),
        Case::new("reshape", "flatten/scalar")
            .input(normal([]))
            .run(|x| x[0].flatten(0, -1))
            .torch("x0.flatten()"),
        Case::new("reshape", "unflatten/open_size")
            .input(normal([2, 6]))
            .run(|x| x[0].unflatten(1, [3, -1]))
            .torch("x0.unflatten(1, (3, -1))"),
        Case::new("contiguous", "contiguous/transposed")
            .input(normal([2, 3]))
            .run(|x| x[0].t().contiguous())
            .torch("x0.t().contiguous()"),
    ]
}

fn permutes() -> Vec<Case> {
    vec![
        Case::new("permute", "permute/three_axes")
            .input(normal([2, 3, 4]))
            .run(|x| x[0].permute(&[2, 0, -2]))
            .torch("x0.permute(2, 0, -2)"),
        Case::new("permute", "transpose/negative_axes")
            .input(normal([2, 3, 4]))
            .run(|x| x[0].transpose(-1, 0))
            .torch("x0.transpose(-1, 0)"),
        Case::new("permute", "t/matrix").input(normal([2, 3])).run(|x| x[0].t()).torch("x0.t()"),
        Case::new("permute", "movedim/forward")
            .input(normal([2, 3, 4]))
            .run(|x| x[0].movedim(0, -1))
            .torch("x0.movedim(0, -1)"),
        Case::new("permute", "movedim/backward")
            .input(normal([2, 3, 4]))
            .run(|x| x[0].movedim(2, 1))
            .torch("x0.movedim(2, 1)"),
        Case::new("permute", "permute/integers")
            .input(integers([2, 3], -5, 5))
            .run(|x| x[0].permute(&[1, 0]))
            .torch("x0.permute(1, 0)")
            .no_gradient(),
    ]
}

fn expands() -> Vec<Case> {
    vec![
        Case::new("expand", "expand/inner_and_new_axis")
            .input(normal([3, 1]))
            .run(|x| x[0].expand([2, 3, 4]))
            .torch("x0.expand(2, 3, 4)"),
        Case::new("expand", "expand/kept_size")
            .input(normal([3, 1]))
            .run(|x| x[0].expand([2, -1, 4]))
            .torch("x0.expand(2, -1, 4)"),
        Case::new("expand", "expand/scalar")
            .input(normal([]))
            .run(|x| x[0].expand([2, 2]))
            .torch("x0.expand(2, 2)"),
        Case::new("expand", "expand/to_nothing")
            .input(normal([1, 3]))
            .run(|x| x[0].expand([0, 3]))
            .torch("x0.expand(0, 3)")
            .no_gradient(),
        Case::new("expand", "broadcast_to/row")
            .input(normal([4]))
            .run(|x| x[0].broadcast_to([3, 4]))
            .torch("x0.broadcast_to(3, 4)"),
    ]
}

fn slices() -> Vec<Case> {
    vec![
        Case::new("slice", "narrow/middle")
            .input(normal([3, 5]))
            .run(|x| x[0].narrow(1, 1, 3))
            .torch("x0.narrow(1, 1, 3)"),
        Case::new("slice", "narrow/nothing")
            .input(normal([3, 5]))
            .run(|x| x[0].narrow(0, 3, 0))
            .torch("x0.narrow(0, 3, 0)")
            .no_gradient(),
        Case::new("slice", "slice/step")
            .input(normal([2, 7]))
            .run(|x| x[0].slice(1, 1, 7, 3))
            .torch("x0[:, 1:7:3]"),
        Case::new("slice", "slice/negative")
            .input(normal([7, 2]))
            .run(|x| x[0].slice(0, -5, -1, 2))
            .torch("x0[-5:-1:2]"),
        Case::new("slice", "slice/beyond_the_edges")
            .input(normal([4]))
            .run(|x| x[0].slice(0, -99, isize::MAX, 1))
            .torch("x0[-99:99]"),
        Case::new("slice", "slice/backwards_is_empty")
            .input(normal([4]))
            .run(|x| x[0].slice(0, 3, 1, 1))
            .torch("x0[3:1]")
            .no_gradient(),
        Case::new("slice", "slice/of_a_slice")
            .input(normal([3, 9]))
            .run(|x| x[0].slice(1, 1, 9, 2).slice(1, 1, 4, 2))
            .torch("x0[:, 1:9:2][:, 1:4:2]"),
        Case::new("slice_grad", "slice_grad/through_the_gradient")
            .input(normal([2, 5, 3]))
            .run(|x| x[0].slice(1, 1, 5, 2).square())
            .torch("x0[:, 1:5:2].square()"),
        Case::new("slice", "select/middle")
            .input(normal([2, 3, 4]))
            .run(|x| x[0].select(1, 1))
            .torch("x0.select(1, 1)"),
        Case::new("slice", "select/last")
            .input(normal([3]))
            .run(|x| x[0].select(0, -1))
            .torch("x0.select(0, -1)"),
        Case::new("slice", "diagonal/wide")
            .input(normal([2, 3, 5]))
            .run(|x| x[0].diagonal(1, 2))
            .torch("x0.diagonal(dim1=1, dim2=2)"),
        Case::new("slice", "diagonal/tall")
            .input(normal([5, 2, 3]))
            .run(|x| x[0].diagonal(0, 2))
            .torch("x0.diagonal(dim1=0, dim2=2)"),
        Case::new("slice", "diag/matrix").input(normal([3, 3])).run(|x| x[0].diag()).torch("x0.diag()"),
        Case::new("slice_grad", "diag/vector").input(normal([3])).run(|x| x[0].diag()).torch("x0.diag()"),
    ]
}

fn flips() -> Vec<Case> {
    vec![
        Case::new("flip", "flip/one_axis").input(normal([2, 3])).run(|x| x[0].flip(&[1])).torch("x0.flip(1)"),
        Case::new("flip", "flip/all_axes")
            .input(normal([2, 3, 4]))
            .run(|x| x[0].flip(&[0, -1, 1]))
            .torch("x0.flip(0, -1, 1)"),
        Case::new("flip", "flip/then_slice")
            .input(normal([5, 2]))
            .run(|x| x[0].flip(&[0]).slice(0, 1, 5, 2))
            .torch("x0.flip(0)[1:5:2]"),
        Case::new("flip", "flip/empty")
            .input(normal([0, 2]))
            .run(|x| x[0].flip(&[0, 1]))
            .torch("x0.flip(0, 1)")
            .no_gradient(),
    ]
}
