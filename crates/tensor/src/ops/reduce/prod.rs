//! The gradient of a product, without dividing by its factors.

use crate::Tensor;

/// For each element the product of all others over `axes`: what a product changes by when the element does.
///
/// A quotient of the whole product would fail where a factor is 0, so the others are multiplied along a binary tree:
/// 2n products in log₂ n steps, and each step can be differentiated again.
pub(super) fn product_of_others(x: &Tensor, axes: &[usize]) -> Tensor {
    let rank = x.rank();
    let kept = (0..rank).filter(|axis| !axes.contains(axis));
    let order: Vec<usize> = kept.chain(axes.iter().copied()).collect();
    let mut back = vec![0; rank];
    for (position, &axis) in order.iter().enumerate() {
        back[axis] = position as isize;
    }
    let forth: Vec<isize> = order.iter().map(|&axis| axis as isize).collect();
    let turned = x.permute(&forth);
    let count: usize = axes.iter().map(|&axis| x.dims()[axis]).product();
    if count == 0 {
        return x.ones_like();
    }
    let rows = turned.reshape([x.numel() / count, count]);
    others(&rows).reshape(turned.shape()).permute(&back)
}

/// For each element of a row the product of the others in it.
fn others(rows: &Tensor) -> Tensor {
    let (count, n) = (rows.dims()[0], rows.dims()[1]);
    if n == 1 {
        return rows.ones_like();
    }
    let half = n.div_ceil(2);
    let even = if n % 2 == 0 {
        rows.clone()
    } else {
        Tensor::cat(&[rows, &rows.new_full([count, 1], 1.0)], 1)
    };
    let pairs = even.reshape([count, half, 2]);
    let (left, right) = (pairs.select(2, 0), pairs.select(2, 1));
    let outside = others(&(&left * &right));
    let both = Tensor::stack(&[&(&right * &outside), &(&left * &outside)], 2);
    both.reshape([count, 2 * half]).narrow(1, 0, n)
}
