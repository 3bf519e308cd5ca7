//! Where a tensor's elements live.

use std::cell::Cell;
use std::fmt;
use std::str::FromStr;

/// The place where a tensor's elements live and its kernels run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Device {
    /// Main memory and the processor's cores.
    #[default]
    Cpu,
    /// A GPU of NVIDIA's, by its number.
    Cuda(usize),
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Device::Cpu => f.write_str("cpu"),
            Device::Cuda(ordinal) => write!(f, "cuda:{ordinal}"),
        }
    }
}

impl FromStr for Device {
    type Err = String;

    /// `cpu`, `cuda`, which is `cuda:0`, or `cuda:1`, ….
    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            None if text == "cpu" => Some(Device::Cpu),
            None if text == "cuda" => Some(Device::Cuda(0)),
            Some(("cuda", ordinal)) => ordinal.parse().ok().map(Device::Cuda),
            _ => None,
        }
        .ok_or_else(|| format!("'{text}' is no device; there are cpu, cuda and cuda:N"))
    }
}

thread_local! {
    static DEFAULT: Cell<Device> = const { Cell::new(Device::Cpu) };
}

/// Where tensors made from nothing or from slices go on this thread: [`Device::Cpu`] outside [`on_device`].
pub fn default_device() -> Device {
    DEFAULT.get()
}

/// Runs `body` with `device` as the place where this thread makes tensors from nothing or from slices. What is computed
/// from tensors lies where they do.
///
/// The device is opened when the first tensor goes there; that it can be, [`Tensor::to_device`](crate::Tensor) tells
/// without a panic.
pub fn on_device<R>(device: Device, body: impl FnOnce() -> R) -> R {
    struct Restore(Device);
    impl Drop for Restore {
        fn drop(&mut self) {
            DEFAULT.set(self.0);
        }
    }
    let _restore = Restore(DEFAULT.replace(device));
    body()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_devices_are_read_back() {
        for device in [Device::Cpu, Device::Cuda(0), Device::Cuda(12)] {
            assert_eq!(device.to_string().parse(), Ok(device));
        }
        assert_eq!("cuda".parse(), Ok(Device::Cuda(0)));
        assert_eq!("gpu".parse::<Device>(), Err("'gpu' is no device; there are cpu, cuda and cuda:N".into()));
        assert!("cuda:".parse::<Device>().is_err() && "cuda:-1".parse::<Device>().is_err());
    }

    #[test]
    fn the_default_is_restored() {
        on_device(Device::Cuda(3), || assert_eq!(default_device(), Device::Cuda(3)));
        assert_eq!(default_device(), Device::Cpu);
    }
}
