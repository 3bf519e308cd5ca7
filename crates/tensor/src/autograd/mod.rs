//! Reverse-mode differentiation: the nodes that ops leave behind, and the walk back over them.

mod anomaly;
mod backward;
mod checkpoint;
mod custom;
mod functional;
mod gradcheck;
mod hooks;
mod modes;
mod node;
mod origin;
mod tape;

pub use anomaly::{Anomaly, detect_anomaly};
pub use backward::{BackwardOptions, BackwardStep, GradOptions, backward_with, grad, grad_from};
pub use checkpoint::checkpoint;
pub use custom::{Function, call, gradient_reversal, straight_through};
pub use functional::{hessian, hvp, jacobian, jvp, vjp};
pub use gradcheck::{Check, CheckReport, gradcheck, gradgradcheck};
pub use hooks::HookHandle;
pub use modes::{is_grad_enabled, no_grad, set_grad_enabled, with_grad};
pub use node::Saved;

pub(crate) use anomaly::inspect as inspect_for_anomaly;
pub(crate) use backward::backward_from;
pub(crate) use hooks::Hooks;
pub(crate) use node::{Edge, Node, Recording, lock};
pub(crate) use tape::Tape;
