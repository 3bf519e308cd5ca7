//! Looking at the tape and at what runs: snapshots of the list as text, DOT and JSON, the history of a whole run with its
//! numbers and formulas, and an observer at the door.

mod dot;
mod formula;
mod graph;
mod history;
mod json;
mod observe;
mod statistic;
mod story;
mod text;
pub mod trace;

pub use formula::{Formula, formula};
pub use graph::{Graph, GraphInput, GraphLeaf, GraphNode, GraphOrigin};
pub(crate) use history::note as note_for_history;
pub use history::{Frontier, History, StepBack};
pub use observe::{OpEvent, observe};
pub(crate) use observe::{finish as finish_observation, start as start_observation};
pub use statistic::{Statistic, short};
pub use story::{layer, operand};
