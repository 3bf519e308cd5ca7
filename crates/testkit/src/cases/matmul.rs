//! Cases of matrix products, the linear layer and Einstein summation.

use crate::case::*;
use wengert_tensor::{Activation, Tensor};

/// The cases of this family.
pub fn cases() -> Vec<Case> {
    [products(), layers(), activated(), sums()].concat()
}

fn product(name: &str, left: &[usize], right: &[usize]) -> Case {
    Case::new("matmul", format!("matmul/{name}"))
        .inputs([normal(left), normal(right)])
        .run(|x| x[0].matmul(&x[1]))
        .torch("x0 @ x1")
}

fn products() -> Vec<Case> {
    vec![
        product("matrices", &[3, 4], &[4, 2]),
        product("row_by_matrix", &[4], &[4, 3]),
        product("matrix_by_column", &[3, 4], &[4]),
        product("vectors", &[5], &[5]),
        product("stacks", &[2, 3, 4], &[2, 4, 2]),
        product("stack_by_matrix", &[2, 3, 4], &[4, 2]),
        product("matrix_by_stack", &[3, 4], &[2, 4, 2]),
        product("stack_by_column", &[2, 3, 4], &[4]),
        product("row_by_stack", &[4], &[2, 4, 3]),
        product("broadcast_stacks", &[2, 1, 2, 3], &[3, 3, 2]),
        product("one_element", &[1, 1], &[1, 1]),
        product("no_inner_axis", &[2, 0], &[0, 3]).no_gradient(),
        product("no_rows", &[0, 3], &[3, 2]).no_gradient(),
        product("larger_than_a_tile", &[130, 3], &[3, 5]),
        Case::new("matmul", "matmul/transposed")
            .inputs([normal([4, 3]), normal([2, 4])])
            .run(|x| x[0].t().matmul(&x[1].t()))
            .torch("x0.t() @ x1.t()"),
        Case::new("matmul", "matmul/by_itself")
            .input(normal([3, 3]))
            .run(|x| x[0].matmul(&x[0]))
            .torch("x0 @ x0"),
        Case::new("matmul", "matmul/integers")
            .inputs([integers([3, 4], -9, 9), integers([4, 2], -9, 9)])
            .run(|x| x[0].matmul(&x[1]))
            .torch("x0 @ x1")
            .no_gradient(),
        Case::new("matmul", "bmm/stacks")
            .inputs([normal([3, 2, 4]), normal([3, 4, 2])])
            .run(|x| x[0].bmm(&x[1]))
            .torch("torch.bmm(x0, x1)"),
        Case::new("matmul", "dot/vectors")
            .inputs([normal([6]), normal([6])])
            .run(|x| x[0].dot(&x[1]))
            .torch("torch.dot(x0, x1)"),
        Case::new("mul", "outer/vectors")
            .inputs([normal([3]), normal([4])])
            .run(|x| x[0].outer(&x[1]))
            .torch("torch.outer(x0, x1)"),
    ]
}

fn layers() -> Vec<Case> {
    vec![
        Case::new("linear", "linear/with_bias")
            .inputs([normal([5, 3]), normal([4, 3]), normal([4])])
            .run(|x| x[0].linear(&x[1], Some(&x[2])))
            .torch("F.linear(x0, x1, x2)"),
        Case::new("linear", "linear/without_bias")
            .inputs([normal([5, 3]), normal([4, 3])])
            .run(|x| x[0].linear(&x[1], None))
            .torch("F.linear(x0, x1)"),
        Case::new("linear", "linear/vector")
            .inputs([normal([3]), normal([4, 3]), normal([4])])
            .run(|x| x[0].linear(&x[1], Some(&x[2])))
            .torch("F.linear(x0, x1, x2)"),
        Case::new("linear", "linear/sequence")
            .inputs([normal([2, 5, 3]), normal([4, 3]), normal([4])])
            .run(|x| x[0].linear(&x[1], Some(&x[2])))
            .torch("F.linear(x0, x1, x2)"),
        Case::new("linear", "linear/one_unit")
            .inputs([normal([4, 3]), normal([1, 3]), normal([1])])
            .run(|x| x[0].linear(&x[1], Some(&x[2])))
            .torch("F.linear(x0, x1, x2)"),
        Case::new("linear", "linear/no_rows")
            .inputs([normal([0, 3]), normal([4, 3]), normal([4])])
            .run(|x| x[0].linear(&x[1], Some(&x[2])))
            .torch("F.linear(x0, x1, x2)")
            .no_gradient(),
    ]
}

fn activated() -> Vec<Case> {
    let case = |activation: Activation, op: &str, name: &str, shapes: [&[usize]; 3], torch: &str| {
        Case::new(op, format!("{op}/{name}"))
            .inputs(shapes.map(normal))
            .run(move |x| x[0].linear_activated(&x[1], Some(&x[2]), activation))
            .torch(torch.replace('_', "F.linear(x0, x1, x2)"))
    };
    let small: [&[usize]; 3] = [&[5, 3], &[4, 3], &[4]];
    let leaky = Activation::LeakyRelu { negative_slope: 0.2 };
    vec![
        case(Activation::Relu, "linear_relu", "basic", small, "torch.relu(_)"),
        case(Activation::Relu, "linear_relu", "sequence", [&[2, 5, 3], &[4, 3], &[4]], "torch.relu(_)"),
        case(Activation::Relu, "linear_relu", "several_tiles", [&[3, 2], &[140, 2], &[140]], "torch.relu(_)"),
        case(leaky, "linear_leaky_relu", "basic", small, "torch.where(_ > 0, _, 0.2 * _)"),
        case(Activation::Tanh, "linear_tanh", "basic", small, "torch.tanh(_)"),
        case(Activation::Sigmoid, "linear_sigmoid", "basic", small, "torch.sigmoid(_)"),
        Case::new("linear_tanh", "linear_tanh/without_bias")
            .inputs([normal([5, 3]), normal([4, 3])])
            .run(|x| x[0].linear_activated(&x[1], None, Activation::Tanh))
            .torch("torch.tanh(F.linear(x0, x1))"),
    ]
}

/// An Einstein summation over operands of these shapes, which comes down to `op`.
fn sum(op: &str, name: &str, equation: &'static str, shapes: &[&[usize]]) -> Case {
    let operands: Vec<String> = (0..shapes.len()).map(|i| format!("x{i}")).collect();
    Case::new(op, format!("einsum/{name}"))
        .inputs(shapes.iter().map(|&shape| normal(shape)))
        .run(move |x| Tensor::einsum(equation, &x.iter().collect::<Vec<_>>()))
        .torch(format!("torch.einsum({equation:?}, {})", operands.join(", ")))
}

fn sums() -> Vec<Case> {
    vec![
        sum("matmul", "product", "ij,jk->ik", &[&[3, 4], &[4, 2]]),
        sum("matmul", "stacks", "bij,bjk->bik", &[&[2, 3, 4], &[2, 4, 2]]),
        sum("matmul", "transposed_output", "ij,jk->ki", &[&[3, 4], &[4, 2]]),
        sum("matmul", "attention", "bqhd,bkhd->bhqk", &[&[2, 3, 2, 4], &[2, 5, 2, 4]]),
        sum("matmul", "three_operands", "ij,jk,kl->il", &[&[2, 3], &[3, 4], &[4, 2]]),
        sum("matmul", "bilinear", "bi,oij,bj->bo", &[&[2, 3], &[4, 3, 2], &[2, 2]]),
        sum("mul", "elementwise", "ij,ij->ij", &[&[2, 3], &[2, 3]]),
        sum("mul", "outer", "i,j->ij", &[&[3], &[4]]),
        sum("matmul", "dot", "i,i->", &[&[4], &[4]]),
        sum("sum", "full_sum", "ij->", &[&[2, 3]]),
        sum("permute", "transpose", "ij->ji", &[&[2, 3]]),
        sum("sum", "row_sums", "ij->i", &[&[2, 3]]),
        sum("permute", "trace", "ii->", &[&[3, 3]]),
        sum("permute", "diagonal", "bii->bi", &[&[2, 3, 3]]),
        sum("mul", "diagonal_by_vector", "ii,i->i", &[&[3, 3], &[3]]),
        sum("matmul", "summed_in_one_operand", "ijk,jl->l", &[&[2, 3, 2], &[3, 4]]),
        sum("matmul", "implicit_output", "bj , ab", &[&[2, 3], &[4, 2]]),
        sum("permute", "implicit_trace", "ii", &[&[3, 3]]),
        sum("matmul", "ellipsis", "...ij,...jk->...ik", &[&[2, 2, 3], &[2, 3, 4]]),
        sum("matmul", "ellipsis_broadcasts", "...i,...i->...", &[&[2, 1, 4], &[3, 4]]),
        sum("matmul", "ellipsis_implicit", "...ij,jk", &[&[2, 2, 3], &[3, 4]]),
        sum("mul", "stretched", "ij,jk->ik", &[&[2, 1], &[3, 4]]),
    ]
}
