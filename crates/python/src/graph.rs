//! The list behind a tensor.

use crate::tensor::Tensor;
use pyo3::prelude::*;
use wengert_tensor::inspect;

/// The list of recorded ops that a tensor depends on, in the order in which they ran: what `backward` walks from its end.
#[pyclass(frozen, module = "wengert")]
pub struct Graph(inspect::Graph);

#[pymethods]
impl Graph {
    #[new]
    fn new(tensor: Tensor) -> Graph {
        Graph(inspect::Graph::of(&tensor.0))
    }

    /// Names of the ops in execution order.
    #[getter]
    fn ops(&self) -> Vec<String> {
        self.0.nodes.iter().map(|node| node.op.clone()).collect()
    }

    /// The list as Graphviz's DOT.
    fn to_dot(&self) -> String {
        self.0.to_dot()
    }

    /// The list as JSON.
    fn to_json(&self) -> String {
        self.0.to_json().to_string()
    }

    fn __len__(&self) -> usize {
        self.0.nodes.len()
    }

    fn __repr__(&self) -> String {
        self.0.to_text()
    }
}
