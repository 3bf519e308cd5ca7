//! The flag `--device`: where tensors live and kernels run.

use super::trial;
use anyhow::{Result, anyhow, bail};
use clap::Args;
use clap::builder::{TypedValueParser, ValueParser};
use std::panic::AssertUnwindSafe;
use wengert_tensor::{Device, on_device};

/// The flag of the commands that compute, but for `train`, which has it in its configuration.
#[derive(Debug, Args)]
pub struct DeviceArgs {
    /// Where to compute: cpu, cuda, cuda:1, …; or auto, a GPU where one computes what the processor does
    #[arg(long, default_value = AUTO, value_name = "NAME", value_parser = parser())]
    device: String,
}

impl DeviceArgs {
    /// The device that is asked for, once it is known to work.
    pub fn choose(&self) -> Result<Device> {
        choose(self.device.parse().ok())
    }

    /// Runs `body`, on this thread, with the device as the place of new tensors.
    pub fn run<R>(&self, body: impl FnOnce() -> Result<R>) -> Result<R> {
        on_device(self.choose()?, body)
    }
}

/// Runs `body`; where a device has no more memory in the midst of a computation, which may only be able to panic then, that is
/// an error like any other, and says what to do.
pub fn until_exhausted<R>(body: impl FnOnce() -> Result<R>) -> Result<R> {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !wengert_cuda::is_exhausted() {
            report(panic);
        }
    }));
    match std::panic::catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(value)) => Ok(value),
        outcome => match (wengert_cuda::take_exhaustion(), outcome) {
            (Some(message), _) => Err(anyhow!(message)),
            (None, Ok(result)) => result,
            (None, Err(panic)) => std::panic::resume_unwind(panic),
        },
    }
}

/// What leaves the choice to the program.
const AUTO: &str = "auto";

/// Reads `auto`, `cpu`, `cuda` or `cuda:N`.
pub fn parser() -> ValueParser {
    ValueParser::new(clap::builder::NonEmptyStringValueParser::new().try_map(|name| {
        if name == AUTO {
            return Ok(name);
        }
        name.parse::<Device>().map(|_| name).map_err(|_| "it must be auto, cpu, cuda or cuda:N")
    }))
}

/// The wanted device, once it is known to work; without a wish the first GPU where there is one that passes a trial, and else
/// the CPU.
pub fn choose(wanted: Option<Device>) -> Result<Device> {
    match wanted {
        Some(Device::Cpu) => Ok(Device::Cpu),
        Some(Device::Cuda(ordinal)) => {
            wengert_cuda::Device::get(ordinal)?.check()?;
            Ok(Device::Cuda(ordinal))
        }
        // A machine without a GPU is no reason to speak up; one whose GPU cannot be used is.
        None => match wengert_cuda::Device::get(0) {
            Err(wengert_cuda::Error::NoDriver | wengert_cuda::Error::NoDevice) => Ok(Device::Cpu),
            found => {
                let usable = found.and_then(|device| device.check()).map_err(anyhow::Error::from);
                match usable.and_then(|()| trial::holds(Device::Cuda(0))) {
                    Ok(()) => Ok(Device::Cuda(0)),
                    Err(error) => {
                        eprintln!("note: the GPU is not used: {error}");
                        Ok(Device::Cpu)
                    }
                }
            }
        },
        Some(other) => bail!("--device {other} is not known to this program"),
    }
}
