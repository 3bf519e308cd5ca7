//! What of CUDA a machine has.

use crate::device::{self, OLDEST_DRIVER};
use crate::error::During;
use crate::libraries::{COMPILER, CUBLASLT, Library};
use crate::{Error, Result, program};
use cudarc::driver::{result, sys};
use std::path::PathBuf;

/// What of CUDA this machine has.
#[derive(Debug)]
#[non_exhaustive]
pub struct Survey {
    /// Newest CUDA that the driver supports, such as "13.0", or why it cannot be used.
    pub driver: Result<String>,
    /// The devices, where the driver can be used.
    pub devices: Vec<DeviceReport>,
    /// Libraries beside the driver.
    pub libraries: Vec<LibraryReport>,
    /// The version of the nvcc that compiled the kernels when the program was built; none where NVRTC compiles them at first
    /// use.
    pub kernels: Option<&'static str>,
}

impl Survey {
    /// Whether every device has its kernels, built in or by the compiler that was found.
    pub fn has_all_kernels(&self) -> bool {
        COMPILER.load() || self.devices.iter().all(DeviceReport::has_kernels_built_in)
    }
}

/// One device.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DeviceReport {
    /// Its number: `cuda:0` is 0.
    pub ordinal: usize,
    /// What NVIDIA calls it.
    pub name: String,
    /// Bytes of memory.
    pub memory: usize,
    /// Compute capability, major and minor.
    pub capability: (i32, i32),
    /// Number of multiprocessors.
    pub multiprocessors: usize,
}

impl DeviceReport {
    /// Whether kernels for it were compiled when the program was built. A driver that is older than the nvcc of the build may
    /// still refuse them, and NVRTC then compiles them at first use.
    pub fn has_kernels_built_in(&self) -> bool {
        program::built_in(self.capability).is_some()
    }
}

/// A library that is used where there is one.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LibraryReport {
    /// Its file name.
    pub name: &'static str,
    /// What it is used for.
    pub purpose: &'static str,
    /// Whether it can be loaded.
    pub found: bool,
    /// Where it lies, where that is one of the folders searched and not the system's own business.
    pub path: Option<PathBuf>,
}

/// Looks for the driver, its devices, and the libraries.
pub fn survey() -> Survey {
    let driver = device::start_driver().and_then(|()| driver_version()).map(version_text);
    let devices = match &driver {
        Ok(_) => (0..device::count().unwrap_or(0)).filter_map(|ordinal| report(ordinal).ok()).collect(),
        Err(_) => Vec::new(),
    };
    let purpose = match program::COMPILED_BY {
        Some(_) => "compiles kernels where those built in do not suit",
        None => "compiles the kernels",
    };
    let libraries =
        vec![library(&COMPILER, purpose), library(&CUBLASLT, "multiplies matrices, for comparison only")];
    Survey { driver, devices, libraries, kernels: program::COMPILED_BY }
}

fn library(library: &'static Library, purpose: &'static str) -> LibraryReport {
    LibraryReport { name: library.name(), purpose, found: library.load(), path: library.path() }
}

/// What the driver says of device `ordinal`.
pub(crate) fn report(ordinal: usize) -> Result<DeviceReport> {
    use sys::CUdevice_attribute as Attribute;
    let device = device::handle(ordinal)?;
    let attribute = |attribute| {
        // SAFETY: the device is one that the driver has given.
        unsafe { result::device::get_attribute(device, attribute) }.during("asking for a device's properties")
    };
    Ok(DeviceReport {
        ordinal,
        name: result::device::get_name(device).during("asking for a device's name")?,
        // SAFETY: as above.
        memory: unsafe { result::device::total_mem(device) }.during("asking for a device's memory")?,
        capability: (
            attribute(Attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)?,
            attribute(Attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR)?,
        ),
        multiprocessors: attribute(Attribute::CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT)?.max(1) as usize,
    })
}

/// The newest CUDA that the driver supports; an error where that is too old.
pub(crate) fn driver_version() -> Result<i32> {
    let mut found = 0;
    // SAFETY: the driver writes one integer; `start_driver` has found it.
    unsafe { sys::cuDriverGetVersion(&mut found) }.result().during("asking for the driver's version")?;
    if found < OLDEST_DRIVER { Err(Error::OldDriver { found, needed: OLDEST_DRIVER }) } else { Ok(found) }
}

/// 13000 as 13.0.
pub(crate) fn version_text(version: i32) -> String {
    format!("{}.{}", version / 1000, version % 1000 / 10)
}
