//! Layers and optimisers.

mod core;
mod init;
mod layers;
mod optimizer;
mod schedule;

pub use core::Core;
pub use init::{
    init_dirac_, init_kaiming_normal_, init_kaiming_uniform_, init_normal_, init_orthogonal_,
    init_trunc_normal_, init_uniform_, init_xavier_normal_, init_xavier_uniform_,
};
pub use optimizer::{Ema, Optimizer, clip_grad_norm_, clip_grad_value_};
pub use schedule::Schedule;
