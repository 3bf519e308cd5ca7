//! Directions in the space of codes that change images most, out of the weights alone.
//!
//! The first layer of a decoder that meets the code computes A·z (+ b). A step along n changes that by A·n, so the directions that
//! change it most are the eigenvectors of AᵀA of the largest eigenvalues. Shen and Zhou: Closed-Form Factorization of Latent
//! Semantics in GANs, 2020, <https://arxiv.org/abs/2007.06600>.

use crate::Model;
use crate::metrics::{Gaussian, PrincipalComponents};
use wengert_tensor::inspect::{Graph, GraphInput};
use wengert_tensor::{DType, Generator, Tensor, no_grad};

/// Numbers of a code whose directions are computed at most: the work grows with their cube.
pub const LONGEST: usize = 1024;

/// The `count` directions that change most what the decoder's first layer gives; `None` where the list of a decoding does not
/// begin with a product of the code and a weight. The model must be in evaluation mode.
pub fn closed_form(model: &dyn Model, count: usize) -> Option<PrincipalComponents> {
    let weight = first_weight(model)?.to_dtype(DType::F64);
    // Rows and their negatives have the mean 0, and AᵀA for a covariance but for a factor.
    let rows = no_grad(|| Tensor::cat(&[&weight, &-&weight], 0));
    Some(Gaussian::fit(&rows).principal_components(count.min(model.code_size())))
}

/// A as `[outputs, code size]`, found by following the code through the list of a decoding.
fn first_weight(model: &dyn Model) -> Option<Tensor> {
    let size = model.code_size();
    if !(1..=LONGEST).contains(&size) {
        return None;
    }
    let code = model.draw_codes(1, &Generator::new(0)).detach().requires_grad_(true);
    code.set_name(CODE);
    let label = model.classes().map(|_| Tensor::zeros([1], DType::I64));
    let graph = Graph::of(&model.decode(&code, label.as_ref())?);
    let mut here = GraphInput::Leaf(graph.leaves.iter().position(|leaf| leaf.name == CODE)?);
    for (position, node) in graph.nodes.iter().enumerate() {
        // A code may be reshaped, or joined with a label behind it, before it meets a weight.
        let Some(slot) = node.inputs.iter().position(|input| *input == here) else { continue };
        if slot != 0 {
            return None;
        }
        if let Some(GraphInput::Leaf(weight)) = node.inputs.get(1)
            && (node.op.starts_with("linear") || node.op.starts_with("conv_transpose2d"))
        {
            let weights = model.state_dict();
            let weight = weights.get(&graph.leaves[*weight].name)?;
            let by_input = match node.op.starts_with("linear") {
                true => weight.clone(),
                false => weight.flatten(1, -1).t(),
            };
            return (by_input.dims()[1] >= size).then(|| by_input.narrow(1, 0, size).contiguous());
        }
        here = GraphInput::Node(position);
    }
    None
}

/// The name of the code among the leaves, which no parameter has.
const CODE: &str = "the code";

#[cfg(test)]
mod tests {
    use super::*;
    use wengert_nn::{Layer, Linear, Module, module};

    #[derive(Debug)]
    struct Maker {
        layer: Linear,
    }
    module!(Maker { modules: layer });

    impl Model for Maker {
        fn image_shape(&self) -> [usize; 3] {
            [1, 1, 3]
        }

        fn code_size(&self) -> usize {
            2
        }

        fn classes(&self) -> Option<usize> {
            Some(1)
        }

        fn decode(&self, codes: &Tensor, labels: Option<&Tensor>) -> Option<Tensor> {
            let label = labels?.one_hot(1).to_dtype(DType::F32);
            Some(self.layer.forward(&Tensor::cat(&[codes, &label], 1)).reshape([codes.dims()[0], 1, 1, 3]))
        }
    }

    #[test]
    fn the_first_direction_is_the_steepest() {
        let maker = Maker { layer: Linear::new(3, 3, &Generator::new(0)) };
        maker.assign_names();
        // Columns of length 5 along (0.6, 0.8) and 1 across; the third belongs to the label.
        let weight = [3.0f32, 4.0, 9.0, -0.8, 0.6, 9.0, 0.0, 0.0, 9.0];
        maker.layer.weight.update(|values: &mut [f32]| values.copy_from_slice(&weight));
        let found = closed_form(&maker, 8).unwrap();
        let directions = found.directions.to_vec::<f64>();
        for (found, expected) in directions.iter().zip([0.6, 0.8, 0.8, -0.6]) {
            assert!((found.abs() - f64::abs(expected)).abs() < 1e-6, "{directions:?}");
        }
        assert!((found.variances[0] / found.variances[1] - 25.0).abs() < 1e-4);
    }
}
