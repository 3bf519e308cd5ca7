//! Looking at the tape and at what runs: snapshots of the list as text, DOT and JSON, and an observer at the door.

mod dot;
mod graph;
mod json;
mod observe;
mod text;
pub mod trace;

pub use graph::{Graph, GraphInput, GraphLeaf, GraphNode};
pub use observe::{OpEvent, observe};
pub(crate) use observe::{finish as finish_observation, start as start_observation};
