//! Cases of choosing by a mask, and of conversions between element types.

use crate::case::*;
use wengert_tensor::DType;

/// The cases of this family.
pub fn cases() -> Vec<Case> {
    [choices(), conversions()].concat()
}

fn choices() -> Vec<Case> {
    let choose = |name: &str, condition: Input, a: Input, b: Input| {
        Case::new("where", format!("where/{name}"))
            .inputs([condition, a, b])
            .run(|x| x[0].where_(&x[1], &x[2]))
            .torch("torch.where(x0, x1, x2)")
    };
    let fill = |name: &str, x: Input, mask: Input| {
        Case::new("masked_fill", format!("masked_fill/{name}"))
            .inputs([x, mask])
            .run(|x| x[0].masked_fill(&x[1], 2.0))
            .torch("x0.masked_fill(x1, 2)")
    };
    vec![
        choose("basic", booleans([3, 4]), normal([3, 4]), normal([3, 4])),
        choose("broadcast", booleans([3, 1]), normal([4]), normal([2, 1, 1])),
        choose("scalar_side", booleans([3, 4]), normal([3, 4]), normal([])),
        choose("integers", booleans([3, 4]), integers([3, 4], 0, 9), integers([4], 0, 9)).no_gradient(),
        fill("basic", normal([3, 4]), booleans([3, 4])),
        fill("broadcast", normal([2, 3, 4]), booleans([3, 1])),
        fill("integers", integers([3, 4], 0, 9), booleans([4])).no_gradient(),
        Case::new("masked_fill", "masked_fill/booleans")
            .inputs([booleans([3, 4]), booleans([3, 4])])
            .run(|x| x[0].masked_fill(&x[1], 1.0))
            .torch("x0.masked_fill(x1, True)")
            .no_gradient(),
        // The side that is not chosen stays out of the gradient, even where it is infinite.
        Case::new("where", "where/hides_infinities")
            .input(floats([4], [0.0, 1.0, 2.0, 0.0]))
            .run(|x| x[0].detach().gt_scalar(0.0).where_(&(&x[0] * 3.0), &x[0].detach().log()))
            .torch("torch.where(x0 > 0, x0 * 3, x0.detach().log())")
            .at_kink(),
    ]
}

fn conversions() -> Vec<Case> {
    let convert = |name: &str, input: Input, dtype: DType, torch: &str| {
        Case::new("to_dtype", format!("to_dtype/{name}"))
            .input(input)
            .run(move |x| x[0].to_dtype(dtype))
            .torch(torch)
    };
    vec![
        convert("f64_to_i64", uniform([3, 4], -9.0, 9.0), DType::I64, "x0.to(torch.int64)").no_gradient(),
        convert("f64_to_bool", floats([4], [0.0, -0.0, 0.5, f64::NAN]), DType::Bool, "x0.to(torch.bool)")
            .no_gradient(),
        convert("i64_to_bool", integers([6], -1, 2), DType::Bool, "x0.to(torch.bool)").no_gradient(),
        convert("bool_to_i64", booleans([6]), DType::I64, "x0.to(torch.int64)").no_gradient(),
        // Through u8 and back: modulo 256.
        Case::new("to_dtype", "to_dtype/i64_to_u8")
            .input(integers([3, 4], -300, 600))
            .run(|x| x[0].to_dtype(DType::U8).to_dtype(DType::I64))
            .torch("x0.to(torch.uint8).to(torch.int64)")
            .no_gradient(),
        // Through f32 and back; the gradient comes back as well. Central differences would see the rounding.
        Case::new("to_dtype", "to_dtype/through_f32")
            .input(normal([3, 4]))
            .run(|x| x[0].square().to_dtype(DType::F32).to_dtype(x[0].dtype()))
            .torch("(x0 * x0).to(torch.float32).to(x0.dtype)")
            .at_kink()
            .tolerance(1e-6, 1e-7),
    ]
}
