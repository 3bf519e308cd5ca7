//! wengert for Python: the native half of the package `wengert`.
//!
//! - `tensor`: the class `Tensor`, its methods a file for each family.
//! - `interchange`: memory shared with NumPy and with whatever speaks DLPack; all `unsafe` of this crate.
//! - `functions`, `generator`, `autograd`, `graph`: what stands beside the class.
//! - `nn` and `models`: layers and optimisers; the zoo and its trainer.
//! - `errors`: exceptions, and the one way into the engine.
//!
//! Names that users see are put together in `python/wengert`.

use pyo3::prelude::*;

mod arguments;
mod autograd;
mod errors;
mod files;
mod functions;
mod generator;
mod graph;
mod interchange;
mod models;
mod nn;
mod tensor;

#[pymodule]
mod _wengert {
    use super::*;

    #[pymodule_export]
    use super::arguments::DType;
    #[pymodule_export]
    use super::autograd::{
        checkpoint, grad, gradcheck, hessian, hvp, is_grad_enabled, jacobian, jvp, set_grad_enabled, vjp,
    };
    #[pymodule_export]
    use super::files::{load_npz, load_pytorch, load_safetensors, save_npz, save_safetensors};
    #[pymodule_export]
    use super::functions::{
        arange, cat, einsum, eye, full, linspace, live_bytes, set_num_threads, stack, where_,
    };
    #[pymodule_export]
    use super::generator::Generator;
    #[pymodule_export]
    use super::graph::Graph;
    #[pymodule_export]
    use super::interchange::{from_dlpack, from_nested};
    #[pymodule_export]
    use super::models::{Run, load_data, model_options, models, train};
    #[pymodule_export]
    use super::nn::{
        Core, Ema, Optimizer, Schedule, clip_grad_norm_, clip_grad_value_, init_dirac_, init_kaiming_normal_,
        init_kaiming_uniform_, init_normal_, init_orthogonal_, init_trunc_normal_, init_uniform_,
        init_xavier_normal_, init_xavier_uniform_,
    };
    #[pymodule_export]
    use super::tensor::Tensor;

    #[pymodule_init]
    fn begin(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))?;
        errors::keep_quiet_about_refusals();
        Ok(())
    }
}
