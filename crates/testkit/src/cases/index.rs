//! Cases of gather, scatter and their relatives, of one-hot codes and triangles.

use crate::case::*;
use wengert_tensor::DType;

/// The cases of this family.
pub fn cases() -> Vec<Case> {
    [gathers(), scatters(), selections(), embeddings(), codes(), pixels(), triangles()].concat()
}

fn gathers() -> Vec<Case> {
    vec![
        Case::new("gather", "gather/last_axis")
            .inputs([normal([3, 5]), integers([3, 4], 0, 5)])
            .run(|x| x[0].gather(1, &x[1]))
            .torch("x0.gather(1, x1)"),
        Case::new("gather", "gather/first_axis_shorter_index")
            .inputs([normal([3, 5]), integers([4, 2], 0, 3)])
            .run(|x| x[0].gather(0, &x[1]))
            .torch("x0.gather(0, x1)"),
        Case::new("gather", "gather/middle_axis")
            .inputs([normal([2, 3, 4]), integers([2, 5, 3], 0, 3)])
            .run(|x| x[0].gather(-2, &x[1]))
            .torch("x0.gather(-2, x1)"),
        Case::new("gather", "gather/nothing")
            .inputs([normal([3, 5]), integers([3, 0], 0, 5)])
            .run(|x| x[0].gather(1, &x[1]))
            .torch("x0.gather(1, x1)")
            .no_gradient(),
        Case::new("gather", "gather/integers")
            .inputs([integers([6], -9, 9), integers([4], 0, 6)])
            .run(|x| x[0].gather(0, &x[1]))
            .torch("x0.gather(0, x1)")
            .no_gradient(),
    ]
}

fn scatters() -> Vec<Case> {
    vec![
        Case::new("scatter", "scatter/last_axis")
            .inputs([normal([2, 5]), indices([2, 3], [0, 4, 2, 3, 1, 0]), normal([2, 3])])
            .run(|x| x[0].scatter(1, &x[1], &x[2]))
            .torch("x0.scatter(1, x1, x2)"),
        Case::new("scatter", "scatter/first_axis_longer_source")
            .inputs([normal([4, 3]), indices([2, 2], [0, 3, 2, 1]), normal([3, 3])])
            .run(|x| x[0].scatter(0, &x[1], &x[2]))
            .torch("x0.scatter(0, x1, x2[:2, :2])"),
        Case::new("scatter", "scatter/value")
            .inputs([normal([3, 4]), indices([3, 1], [2, 0, 3])])
            .run(|x| x[0].scatter_value(1, &x[1], 1.5))
            .torch("x0.scatter(1, x1, 1.5)"),
        Case::new("scatter_add", "scatter_add/repeated")
            .inputs([normal([2, 4]), indices([2, 5], [0, 0, 3, 1, 0, 2, 2, 2, 1, 2]), normal([2, 5])])
            .run(|x| x[0].scatter_add(1, &x[1], &x[2]))
            .torch("x0.scatter_add(1, x1, x2)"),
        Case::new("scatter_add", "scatter_add/first_axis")
            .inputs([normal([3, 4]), integers([5, 2], 0, 3), normal([5, 3])])
            .run(|x| x[0].scatter_add(0, &x[1], &x[2]))
            .torch("x0.scatter_add(0, x1, x2[:, :2])"),
        Case::new("scatter_add", "scatter_add/middle_axis")
            .inputs([normal([2, 3, 2]), integers([2, 4, 2], 0, 3), normal([2, 4, 2])])
            .run(|x| x[0].scatter_add(1, &x[1], &x[2]))
            .torch("x0.scatter_add(1, x1, x2)"),
        Case::new("scatter_add", "scatter_add/integers")
            .inputs([integers([4], 0, 9), integers([6], 0, 4), integers([6], 0, 9)])
            .run(|x| x[0].scatter_add(0, &x[1], &x[2]))
            .torch("x0.scatter_add(0, x1, x2)")
            .no_gradient(),
    ]
}

fn selections() -> Vec<Case> {
    vec![
        Case::new("index_select", "index_select/rows")
            .inputs([normal([4, 3]), integers([6], 0, 4)])
            .run(|x| x[0].index_select(0, &x[1]))
            .torch("x0.index_select(0, x1)"),
        Case::new("index_select", "index_select/middle_axis")
            .inputs([normal([2, 4, 3]), integers([3], 0, 4)])
            .run(|x| x[0].index_select(1, &x[1]))
            .torch("x0.index_select(1, x1)"),
        Case::new("index_select", "index_select/nothing")
            .inputs([normal([4, 3]), integers([0], 0, 1)])
            .run(|x| x[0].index_select(1, &x[1]))
            .torch("x0.index_select(1, x1)")
            .no_gradient(),
        Case::new("index_add", "index_add/rows")
            .inputs([normal([4, 3]), indices([5], [1, 3, 1, 0, 1]), normal([5, 3])])
            .run(|x| x[0].index_add(0, &x[1], &x[2]))
            .torch("x0.index_add(0, x1, x2)"),
        Case::new("index_add", "index_add/last_axis")
            .inputs([normal([2, 3, 4]), integers([3], 0, 4), normal([2, 3, 3])])
            .run(|x| x[0].index_add(-1, &x[1], &x[2]))
            .torch("x0.index_add(-1, x1, x2)"),
    ]
}

fn embeddings() -> Vec<Case> {
    vec![
        Case::new("embedding", "embedding/matrix_of_indices")
            .inputs([normal([5, 3]), integers([2, 4], 0, 5)])
            .run(|x| x[0].embedding(&x[1], None))
            .torch("F.embedding(x1, x0)"),
        // The padding row has no gradient, though its elements are in the output: central differences disagree.
        Case::new("embedding", "embedding/padding")
            .inputs([normal([4, 3]), indices([5], [1, 0, 2, 1, 3])])
            .run(|x| x[0].embedding(&x[1], Some(1)))
            .torch("F.embedding(x1, x0, padding_idx=1)")
            .at_kink(),
        Case::new("embedding", "embedding/one_index")
            .inputs([normal([4, 3]), indices([], [2])])
            .run(|x| x[0].embedding(&x[1], None))
            .torch("F.embedding(x1, x0)"),
    ]
}

fn codes() -> Vec<Case> {
    vec![
        Case::new("one_hot", "one_hot/vector")
            .input(integers([5], 0, 4))
            .run(|x| x[0].one_hot(4))
            .torch("F.one_hot(x0, 4)")
            .no_gradient(),
        Case::new("one_hot", "one_hot/matrix")
            .input(integers([2, 3], 0, 3))
            .run(|x| x[0].one_hot(5))
            .torch("F.one_hot(x0, 5)")
            .no_gradient(),
    ]
}

fn pixels() -> Vec<Case> {
    let case = |name: &str, pictures: &[usize], rows: &[i64]| {
        let levels = 256 * pictures[1];
        Case::new("index_pixels", format!("index_pixels/{name}"))
            .inputs([integers(pictures, 0, 256), indices([rows.len()], rows), normal([levels])])
            .run(|x| {
                let channels = x[0].dim(1);
                let levels = x[2].to_dtype(DType::F32).reshape([channels, 256]);
                x[0].to_dtype(DType::U8).index_pixels(&x[1], &levels)
            })
            .torch("x2.float().reshape(x0.shape[1], 256)[torch.arange(x0.shape[1]).reshape(-1, *[1] * (x0.dim() - 2)), x0[x1]]")
            .no_gradient()
    };
    vec![
        case("grey", &[4, 1, 3, 5], &[2, 0, 3, 2]),
        case("three_channels", &[2, 3, 2, 2], &[1, 0, 1]),
        case("none", &[3, 1, 2, 2], &[]),
    ]
}

fn triangles() -> Vec<Case> {
    let case = |op: &str, name: &str, shape: &[usize], diagonal: i64| {
        let upper = op == "triu";
        Case::new(op, format!("{op}/{name}"))
            .input(normal(shape))
            .run(move |x| if upper { x[0].triu(diagonal) } else { x[0].tril(diagonal) })
            .torch(format!("x0.{op}({diagonal})"))
    };
    let mut cases = Vec::new();
    for op in ["tril", "triu"] {
        cases.push(case(op, "square", &[3, 3], 0));
        cases.push(case(op, "above", &[3, 4], 1));
        cases.push(case(op, "below", &[4, 3], -2));
        cases.push(case(op, "stack", &[2, 3, 3], -1));
        cases.push(case(op, "far", &[2, 2], 9));
    }
    cases
}
