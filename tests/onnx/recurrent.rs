//! Recurrent layers, by way of those of `wengert_nn`.

use crate::node::{Node, Outputs};
use wengert_nn::{LSTM, Module, StateDict};
use wengert_tensor::{Generator, Tensor};

pub fn run(node: &Node) -> Outputs {
    match node.op.as_str() {
        "GRU" => {
            Err("the reset gate works before the recurrent product, in PyTorch and here after it".into())
        }
        "LSTM" => lstm(node),
        _ => Ok(None),
    }
}

fn lstm(node: &Node) -> Outputs {
    if node.optional(7).is_some() {
        return Err("LSTM has no peepholes".into());
    }
    let batch_first = node.flag("layout", false);
    let direction = node.text("direction", "forward");
    let (input, recurrent) = (node.input(1), node.input(2));
    let hidden = node.int("hidden_size", 0) as usize;
    let layer = LSTM::builder(input.dim(2), hidden).bidirectional(direction == "bidirectional");
    let layer = layer.build(&Generator::new(0));
    let biases =
        node.optional(3).unwrap_or_else(|| input.zeros_like().narrow(2, 0, 1).squeeze(2).repeat(&[1, 2]));
    let mut state = StateDict::new();
    for (side, suffix) in (0..input.dim(0) as isize).zip(["", "_reverse"]) {
        let bias = biases.select(0, side);
        let mut insert = |name: &str, gates: Tensor| {
            state.insert(format!("{name}_l0{suffix}"), reordered(&gates));
        };
        insert("weight_ih", input.select(0, side));
        insert("weight_hh", recurrent.select(0, side));
        insert("bias_ih", bias.narrow(0, 0, 4 * hidden));
        insert("bias_hh", bias.narrow(0, 4 * hidden, 4 * hidden));
    }
    layer.load_state_dict(&state, true).map_err(|error| error.to_string())?;
    let turn = |x: Tensor| if direction == "reverse" { x.flip(&[0]) } else { x };
    let x = turn(if batch_first { node.input(0).transpose(0, 1) } else { node.input(0) });
    let (sequence, (last, cell)) = layer.forward(&x, None);
    // [time, batch, sides · hidden] here, [time, sides, batch, hidden] there.
    let sides = input.dim(0);
    let sequence = turn(sequence).unflatten(2, [sides, hidden]).transpose(1, 2);
    Ok(Some(match batch_first {
        true => vec![sequence.permute(&[2, 0, 1, 3]), last.transpose(0, 1), cell.transpose(0, 1)],
        false => vec![sequence, last, cell],
    }))
}

/// Gates in the order input, output, forget, cell become input, forget, cell, output.
fn reordered(gates: &Tensor) -> Tensor {
    let parts = gates.chunk(4, 0);
    Tensor::cat(&[&parts[0], &parts[2], &parts[3], &parts[1]], 0)
}
