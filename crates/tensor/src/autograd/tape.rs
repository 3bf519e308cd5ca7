//! The Wengert list of some outputs: every recorded op they depend on, in the order in which it ran.

use super::node::{Edge, Node};
use crate::Tensor;
use std::collections::HashMap;
use std::sync::Arc;

/// Nodes in execution order. What `inspect` shows and what backward walks is this one list.
pub(crate) struct Tape {
    pub nodes: Vec<Arc<Node>>,
    slots: HashMap<u64, usize>,
}

impl Tape {
    /// All nodes that `outputs` depend on.
    pub fn of(outputs: &[&Tensor]) -> Tape {
        let mut slots = HashMap::new();
        let mut nodes = Vec::new();
        let mut open: Vec<Arc<Node>> = outputs.iter().filter_map(|tensor| tensor.node().cloned()).collect();
        while let Some(node) = open.pop() {
            if slots.insert(node.id(), 0).is_some() {
                continue;
            }
            open.extend(node.edges().iter().filter_map(|edge| match edge {
                Edge::Node(node) if !slots.contains_key(&node.id()) => Some(node.clone()),
                _ => None,
            }));
            nodes.push(node);
        }
        // Identifiers are handed out in creation order, and an op runs after the ops that made its inputs.
        nodes.sort_unstable_by_key(|node| node.id());
        for (slot, node) in nodes.iter().enumerate() {
            slots.insert(node.id(), slot);
        }
        Tape { nodes, slots }
    }

    /// Position of a node in the list.
    pub fn slot(&self, node: &Node) -> usize {
        self.slots[&node.id()]
    }

    /// Tensors made by the user that the list reads and that ask for a gradient, in order of first use.
    pub fn leaves(&self) -> Vec<Tensor> {
        let mut leaves: Vec<Tensor> = Vec::new();
        let mut seen = std::collections::HashSet::new();
        for edge in self.nodes.iter().flat_map(|node| node.edges()) {
            if let Edge::Leaf(leaf) = edge
                && seen.insert(leaf.address())
            {
                leaves.push(leaf.clone());
            }
        }
        leaves
    }
}
