//! Cases of the recurrent layers.

use crate::case::*;
use wengert_tensor::Tensor;

/// The cases of this family.
pub fn cases() -> Vec<Case> {
    [grus(), lstms()].concat()
}

/// Contributions of `steps` steps to `gates` gates, weight, bias and `states` initial states, all for 3 hidden numbers.
fn operands(steps: usize, gates: usize, states: usize) -> Vec<Input> {
    let mut inputs = vec![normal([steps, 2, gates * 3]), normal([gates * 3, 3]), normal([gates * 3])];
    inputs.extend((0..states).map(|_| normal([2, 3])));
    inputs
}

/// PyTorch's own layer with an input weight that is the identity, so that x0 are the contributions.
fn torch_layer(layer: &str, gates: usize, states: &str, bias: &str) -> String {
    let width = gates * 3;
    format!(
        "torch.{layer}(x0, {states}, (torch.eye({width}, dtype=x0.dtype), x1, torch.zeros({width}, dtype=x0.dtype), \
         {bias}), True, 1, 0.0, False, False, False)"
    )
}

fn grus() -> Vec<Case> {
    let gru = |name: &str, op: &str, steps: usize| {
        Case::new(op, format!("gru/{name}"))
            .inputs(operands(steps, 3, 1))
            .run(|x| x[0].gru(&x[1], Some(&x[2]), &x[3]))
            .torch(format!("{}[0]", torch_layer("gru", 3, "x3[None]", "x2")))
    };
    vec![
        gru("sequence", "gru", 4),
        gru("one_step", "gru_record", 1),
        // Differentiated once, by the fused op; twice, it is by the plain form.
        gru("gradient", "gru_grad", 3).not_smooth(),
        Case::new("gru_grad", "gru/without_bias")
            .inputs([normal([3, 2, 9]), normal([9, 3]), normal([2, 3])])
            .run(|x| x[0].gru(&x[1], None, &x[2]))
            .torch(format!("{}[0]", torch_layer("gru", 3, "x2[None]", "torch.zeros(9, dtype=x0.dtype)")))
            .not_smooth(),
    ]
}

fn lstms() -> Vec<Case> {
    let lstm = |name: &str, op: &str, steps: usize| {
        Case::new(op, format!("lstm/{name}"))
            .inputs(operands(steps, 4, 2))
            .run(|x| {
                let (outputs, last_cell) = x[0].lstm(&x[1], Some(&x[2]), [&x[3], &x[4]]);
                Tensor::cat(&[&outputs, &last_cell.unsqueeze(0)], 0)
            })
            .torch(format!(
                "(lambda found: torch.cat([found[0], found[2]]))({})",
                torch_layer("lstm", 4, "(x3[None], x4[None])", "x2")
            ))
    };
    vec![
        lstm("sequence", "lstm", 4),
        lstm("one_step", "lstm_record", 1),
        lstm("gradient", "lstm_grad", 3).not_smooth(),
        Case::new("lstm_grad", "lstm/last_cell_only")
            .inputs(operands(3, 4, 2))
            .run(|x| x[0].lstm(&x[1], Some(&x[2]), [&x[3], &x[4]]).1)
            .torch(format!("{}[2][0]", torch_layer("lstm", 4, "(x3[None], x4[None])", "x2")))
            .not_smooth(),
    ]
}
