//! CUDA on the host: every `kernels/*.cu` as C++ on the processor, behind stand-ins for `libcuda.so` and `libnvrtc.so`.
//!
//! [`build`] compiles the two libraries, [`load`] puts them where `cudarc` looks first. The CUDA backend then runs as it
//! is on a machine without a GPU: its launches, graphs, copies and its path through the run-time compiler.
//!
//! One fibre runs the threads of a block in turns, and blocks run one after another. Found by it: what a test of results
//! finds; memory that is read before it is written (it begins as NaN); copies out of bounds; barriers and warp functions
//! that some threads do not reach; launches the device would refuse. In a process with the
//! environment of [`Instrumentation::environment`] also accesses out of bounds, or barriers that are missing. Not covered: races
//! between blocks (`WENGERT_EMULATOR_BLOCKS=reversed` shakes them), streams that overlap, waiting for another block, speed.
//!
//! The stand-in driver reads from the environment `WENGERT_EMULATOR_DEVICES` (how many, 1), `WENGERT_EMULATOR_MEMORY` (MiB,
//! 4096) and `WENGERT_EMULATOR_DRIVER` (its version, 13000); the stand-in compiler fails at `WENGERT_EMULATOR_COMPILE=fail`.

mod build;
mod compile;
mod error;
mod load;
mod source;

pub use build::{Instrumentation, build};
pub use error::Error;
pub use load::{load, load_from, load_with};
