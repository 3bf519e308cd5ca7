//! CUDA for wengert: the driver, device memory, the kernels of `kernels/` and one launcher for each.
//!
//! It knows no tensor and no tape. The libraries of NVIDIA are looked for at run time, so that the same program runs on
//! machines without any; [`survey`] says what was found. Kernels are compiled when the crate is built, where there is an nvcc, or
//! else at first use and kept on disk.
//!
//! All work of a device is put into one stream and runs in the order of the calls, so that memory given back by one
//! kernel's caller may be handed to the next at once.

mod arena;
pub mod batch_norm;
mod cache;
mod capture;
mod channels;
pub mod check;
pub mod conv2d;
pub mod cross_entropy;
mod device;
pub mod elementwise;
mod error;
pub mod gemm;
pub mod index;
pub mod join;
mod launch;
pub mod layer_norm;
mod libraries;
pub mod loss;
mod memory;
pub mod optimize;
pub mod pad;
pub mod plane_map;
pub mod pool;
mod program;
pub mod random;
pub mod recurrent;
pub mod reduce;
pub mod replay;
mod rows;
pub mod scan;
pub mod scatter;
pub mod softmax;
pub mod sort;
mod strides;
mod survey;
pub mod unfold;
mod view;
pub mod window;

pub use capture::{Graph, Recorder};
pub use device::Device;
pub use error::{Error, Result};
pub use memory::{Memory, is_exhausted, take_exhaustion};
pub use program::compile;
pub use survey::{DeviceReport, LibraryReport, Survey, survey};
pub use view::{Kind, View};
