//! The one error type of the crate.

use crate::survey::version_text;
use cudarc::driver::result::DriverError;
use std::path::PathBuf;

/// A result of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// What went wrong with a device, and how to mend it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no libcuda.
    #[error("no NVIDIA driver was found (libcuda.so); install one, or use --device cpu")]
    NoDriver,
    /// The driver does not know what the kernels need.
    #[error(
        "the NVIDIA driver supports CUDA {} only, and {} is needed; update the driver, or use --device cpu",
        version_text(*found),
        version_text(*needed)
    )]
    OldDriver {
        /// What the driver says of itself, such as 12040 for 12.4.
        found: i32,
        /// The oldest that will do.
        needed: i32,
    },
    /// A driver without a device.
    #[error("the NVIDIA driver sees no GPU; check nvidia-smi and CUDA_VISIBLE_DEVICES, or use --device cpu")]
    NoDevice,
    /// A device that is not there.
    #[error("there is no device cuda:{ordinal}; this machine has {count}: cuda:0{}", through(*count))]
    UnknownDevice {
        /// The device that was asked for.
        ordinal: usize,
        /// How many there are.
        count: usize,
    },
    /// The device's memory is full.
    #[error(
        "{device} is out of memory: {asked} more bytes are needed, {free} of its {total} are free; \
         use a smaller --batch or network, or end what else runs there"
    )]
    OutOfMemory {
        /// The device.
        device: String,
        /// Bytes that could not be had.
        asked: usize,
        /// Bytes free.
        free: usize,
        /// Bytes of the device.
        total: usize,
    },
    /// There is no NVRTC.
    #[error(
        "the compiler of the GPU kernels was not found (libnvrtc.so.13); install CUDA 13, or `pip install \
         nvidia-cuda-nvrtc==13.0.88` and set WENGERT_CUDA_LIBS to its folder nvidia/cu13/lib"
    )]
    NoCompiler,
    /// There is no cuBLASLt.
    #[error(
        "cuBLASLt was not found (libcublasLt.so.13); install CUDA 13, or `pip install nvidia-cublas==13.*` and set \
         WENGERT_CUDA_LIBS to its folder nvidia/cu13/lib"
    )]
    NoCublasLt,
    /// A kernel that does not compile.
    #[error("the kernels of {file} do not compile for {architecture}: {log}")]
    Compile {
        /// The source file.
        file: &'static str,
        /// What they were compiled for.
        architecture: String,
        /// What the compiler says.
        log: String,
    },
    /// A recorded step does not allow this.
    #[error("{what} is not possible while a step is recorded as a graph; do it before or after the step")]
    Capturing {
        /// What was tried.
        what: &'static str,
    },
    /// A step that cannot be replayed.
    #[error("the step cannot be replayed as a graph, as it is not the same each time: {0}")]
    Unrepeatable(String),
    /// An array that a kernel cannot take.
    #[error("{0}")]
    Argument(String),
    /// The driver refused.
    #[error("CUDA: {what} failed: {reason}")]
    Driver {
        /// What was tried.
        what: String,
        /// The driver's own reason.
        reason: String,
    },
    /// A file that could not be written or read.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's own reason.
        source: std::io::Error,
    },
}

fn through(count: usize) -> String {
    if count > 1 { format!(" to cuda:{}", count - 1) } else { String::new() }
}

/// Says what was tried when the driver refuses.
pub(crate) trait During<T> {
    fn during(self, what: &str) -> Result<T>;
}

impl<T> During<T> for std::result::Result<T, DriverError> {
    fn during(self, what: &str) -> Result<T> {
        self.map_err(|error| {
            let text = |text: std::result::Result<&std::ffi::CStr, DriverError>| {
                text.map_or_else(|_| format!("{:?}", error.0), |text| text.to_string_lossy().into_owned())
            };
            Error::Driver {
                what: what.into(),
                reason: format!("{} ({})", text(error.error_string()), text(error.error_name())),
            }
        })
    }
}
