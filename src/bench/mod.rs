//! The benchmark against other frameworks: workloads, the processes that run them in turns, and the tables of results.
//!
//! Every contender, this program included, is a process that serves the [`protocol`]: it loads a workload, takes steps
//! when it is asked and says how long each took. [`race`] asks the contenders in turns, so that the drift of the
//! machine's clock meets them all alike; [`agreement`] has made sure before that they compute the same.

pub mod agreement;
mod contender;
mod launch;
mod micro;
pub mod process;
pub mod profile;
mod protocol;
pub mod race;
mod racer;
mod record;
mod serve;
mod session;
mod state;
mod statistics;
pub mod table;
mod training;
pub mod workload;

pub use launch::{Implementation, Launcher};
pub use protocol::Place;
pub use record::Outcome;
pub use serve::serve;
pub use state::export;
