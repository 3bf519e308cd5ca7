//! The Wengert list of some outputs: every recorded op they depend on, in the order in which it ran.

use super::node::{Edge, Node};
use crate::Tensor;
use std::cmp::Ordering;
use std::collections::{BinaryHeap, HashSet};
use std::sync::Arc;

/// Nodes in execution order. What `inspect` shows and what backward walks is this one list.
pub(crate) struct Tape<'a> {
    pub nodes: Vec<&'a Arc<Node>>,
    /// Their identifiers, close together for the search.
    ids: Vec<u64>,
}

/// A node in the order of execution.
struct Latest<'a>(&'a Arc<Node>);

impl Ord for Latest<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.id().cmp(&other.0.id())
    }
}

impl PartialOrd for Latest<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Latest<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Latest<'_> {}

impl<'a> Tape<'a> {
    /// All nodes that `outputs` depend on.
    pub fn of(outputs: &[&'a Tensor]) -> Self {
        // Identifiers are handed out in creation order, and an op runs after the ops that made its inputs: from a heap
        // the nodes come latest first, and one that was reached by several paths comes several times in a row.
        let mut open: BinaryHeap<_> =
            outputs.iter().filter_map(|&tensor| tensor.node()).map(Latest).collect();
        let mut nodes: Vec<&Arc<Node>> = Vec::new();
        while let Some(Latest(node)) = open.pop() {
            if nodes.last().is_none_or(|last| last.id() != node.id()) {
                nodes.push(node);
                open.extend(node.edges().iter().filter_map(|edge| match edge {
                    Edge::Node(node) => Some(Latest(node)),
                    Edge::Constant | Edge::Leaf(_) => None,
                }));
            }
        }
        nodes.reverse();
        let ids = nodes.iter().map(|node| node.id()).collect();
        Tape { nodes, ids }
    }

    /// Position of a node in the part of the list before position `end`, where it is there.
    pub fn slot_before(&self, end: usize, node: &Node) -> Option<usize> {
        // What an op reads has usually been made a few lines above it: the reach is doubled until it goes past.
        let (mut start, mut end, mut reach) = (end, end, 1);
        while start > 0 && self.ids[start - 1] >= node.id() {
            end = start;
            start = start.saturating_sub(reach);
            reach *= 2;
        }
        let slot = start + self.ids[start..end].binary_search(&node.id()).ok()?;
        Some(slot)
    }

    /// Position of the node with this identifier, where the list holds it.
    pub fn slot_of(&self, id: u64) -> Option<usize> {
        self.ids.binary_search(&id).ok()
    }

    /// Tensors made by the user that the list reads and that ask for a gradient, in order of first use.
    pub fn leaves(&self) -> Vec<Tensor> {
        let mut leaves: Vec<Tensor> = Vec::new();
        let mut seen = HashSet::new();
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
