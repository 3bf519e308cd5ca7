//! The op case table of wengert and the modes it runs in.

pub mod archive;
pub mod case;
pub mod cases;
pub mod compare;
pub mod coverage;
pub mod derivative;
pub mod finite_difference;
pub mod golden;
mod input;
pub mod modes;
mod notice;
mod random;

pub use case::Case;
pub use notice::notice;
