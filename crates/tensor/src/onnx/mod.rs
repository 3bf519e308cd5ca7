//! Export to ONNX, the format in which other runtimes take a network: the list that ran, written as their operators.
//!
//! [`export`] runs a function once and writes down every op that passes the door, each by its own
//! [`onnx`](crate::Op::onnx); an op without one is replaced by what it [decomposes](crate::Op::decompose) into. The function
//! runs for a batch of two and for one of three, and what differs between the two graphs is the batch: so the size of the
//! batch stays open in the file, unless the graph holds a number that only fits one.
//!
//! A file has one graph. Weights stand in it under their names, what the ops make is called `%0`, `%1` … as where a list is
//! printed. The format is ONNX's protocol buffers, see <https://github.com/onnx/onnx/blob/main/onnx/onnx.proto>.

mod batch;
mod call;
mod graph;
mod protobuf;
mod recorder;
mod serialise;

pub(crate) use serialise::element_type;

pub use call::Call;
pub(crate) use call::{ints, pads};
pub use graph::Attribute;
pub(crate) use recorder::{note, operands, wants_plain};

use crate::{DType, Error, Result, Spec, Tensor};
use graph::Graph;

/// The set of operators that files ask for.
pub const OPSET: i64 = 26;

/// The version of the format, as the release of ONNX that brought [`OPSET`] has it.
pub const IR_VERSION: i64 = 13;

/// Batches that are traced. Neither is 1, which would broadcast.
const BATCHES: [usize; 2] = [2, 3];

/// One input of the function that is exported. Its first axis is the batch.
#[derive(Clone, Debug)]
pub struct Input {
    /// Its name in the file.
    pub name: &'static str,
    /// Sizes of the axes after the batch.
    pub axes: Vec<usize>,
    /// Element type.
    pub dtype: DType,
}

/// A function written as ONNX.
#[derive(Clone, Debug)]
pub struct Exported {
    /// The contents of the file.
    pub bytes: Vec<u8>,
    /// The size of the batch, where the graph fits only one.
    pub batch: Option<usize>,
    /// How many operators there are.
    pub nodes: usize,
    /// Names of the weights in the file.
    pub weights: Vec<String>,
    /// Shape and type of the output for the batch that was traced.
    pub output: Spec,
}

/// Writes `function` as an ONNX graph with these inputs and one output called `output`. Tensors of `weights` keep their
/// names. The inputs are traced as zeros: nothing may depend on their values but by ops.
///
/// # Errors
/// When the function has no result for these inputs, or its output depends on an op that has no form in ONNX; the message
/// says which, and where it was called.
pub fn export(
    inputs: &[Input],
    output: &'static str,
    weights: &[(String, Tensor)],
    function: impl Fn(&[Tensor]) -> Option<Tensor>,
) -> Result<Exported> {
    let taken = |name: &str| name == output || inputs.iter().any(|input| input.name == name);
    if let Some((name, _)) = weights.iter().find(|(name, _)| taken(name)) {
        return Err(Error::argument(
            "onnx",
            format!("the weight `{name}` has the name of an input or output"),
        ));
    }
    let trace = |batch: usize| -> Result<Graph> {
        let sized = |input: &Input| [&[batch], &input.axes[..]].concat();
        let tensors: Vec<Tensor> =
            inputs.iter().map(|input| Tensor::zeros(sized(input), input.dtype)).collect();
        let named = inputs.iter().map(|input| input.name).zip(&tensors);
        recorder::record(named, output, weights, || function(&tensors))
    };
    let [mut graph, other] = [trace(BATCHES[0])?, trace(BATCHES[1])?];
    let batch = (!batch::open(&mut graph, &other, BATCHES)).then_some(BATCHES[0]);
    Ok(Exported {
        bytes: serialise::model(&graph),
        batch,
        nodes: graph.nodes.len(),
        weights: graph.weights().map(str::to_owned).collect(),
        output: graph.output.spec.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Generator;

    fn input(axes: &[usize]) -> Vec<Input> {
        vec![Input { name: "x", axes: axes.to_vec(), dtype: DType::F32 }]
    }

    #[test]
    fn a_layer_is_one_operator_with_its_weights() {
        let weights = ["w", "b"].map(String::from);
        let tensors = [Tensor::ones([2, 3], DType::F32), Tensor::ones([2], DType::F32)];
        let named: Vec<(String, Tensor)> = weights.into_iter().zip(tensors).collect();
        let exported =
            export(&input(&[3]), "y", &named, |x| Some(x[0].linear(&named[0].1, Some(&named[1].1))));
        let exported = exported.unwrap();
        assert_eq!((exported.nodes, exported.batch), (1, None));
        assert_eq!(exported.weights, ["w", "b"]);
        let text = String::from_utf8_lossy(&exported.bytes).into_owned();
        assert!(text.contains("Gemm") && text.contains("transB") && text.contains("batch"));
    }

    #[test]
    fn what_the_output_does_not_need_is_left_out() {
        let exported = export(&input(&[3]), "y", &[], |x| {
            drop(x[0].argsort(1, false));
            Some(x[0].relu())
        });
        assert_eq!(exported.unwrap().nodes, 1);
    }

    #[test]
    fn an_op_without_a_form_is_named_with_its_place() {
        let error = export(&input(&[3]), "y", &[], |x| {
            let _scope = crate::scope::enter("sorter");
            Some(x[0].argsort(1, false))
        });
        let message = error.unwrap_err().to_string();
        for part in ["argsort", "sorter", "mod.rs:", "no form in ONNX"] {
            assert!(message.contains(part), "{part} in {message}");
        }
        let random = export(&input(&[3]), "y", &[], |x| {
            Some(&x[0] + Generator::new(0).normal([3], 0.0, 1.0, DType::F32))
        });
        assert!(random.unwrap_err().to_string().contains("normal"));
    }

    #[test]
    fn the_batch_stays_open_unless_a_number_depends_on_it() {
        let batch = |function: fn(&Tensor) -> Tensor| {
            export(&input(&[2, 3]), "y", &[], |x| Some(function(&x[0]))).unwrap().batch
        };
        assert_eq!(batch(|x| x.reshape([x.dims()[0], 6])), None);
        assert_eq!(batch(|x| x.reshape([2 * x.dims()[0], 3])), None);
        assert_eq!(
            batch(|x| x + Tensor::ones([x.dims()[0], 1, 3], DType::F32)),
            None,
            "filled for the batch"
        );
        assert_eq!(batch(|x| x.mean(&[0], false)), None, "a mean counts by itself");
        assert_eq!(batch(|x| x.narrow(0, 0, 1)), None);
        assert_eq!(batch(|x| x.mul_scalar(1.0 / x.dims()[0] as f64)), Some(2));
    }

    #[test]
    fn weights_cannot_be_called_as_inputs_are() {
        let weights = [("x".to_owned(), Tensor::ones([3], DType::F32))];
        let error = export(&input(&[3]), "y", &weights, |x| Some(&x[0] * &weights[0].1)).unwrap_err();
        assert!(error.to_string().contains("`x`"));
    }
}
