//! A device with its context, its stream, its memory and its compiled kernels.

use crate::arena::Arena;
use crate::capture::Recording;
use crate::error::During;
use crate::launch::Kernels;
use crate::survey::{self, DeviceReport};
use crate::{Error, Memory, Result, elementwise};
use cudarc::driver::{result, sys};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// CUDA 13.0: the compiler of that version makes code that older drivers refuse.
pub(crate) const OLDEST_DRIVER: i32 = 13000;

/// A CUDA device. Cloning copies the handle.
#[derive(Clone)]
pub struct Device(Arc<Inner>);

struct Inner {
    report: DeviceReport,
    context: sys::CUcontext,
    stream: sys::CUstream,
    arena: Mutex<Arena>,
    kernels: Mutex<Kernels>,
    recording: Mutex<Option<Recording>>,
    /// Whether there is a recording, so that launches without one need not ask.
    is_recording: AtomicBool,
}

// SAFETY: the driver's functions may be called from any thread with any context and stream of the process; both live
// as long as the process, as devices are never dropped (see `Device::get`).
unsafe impl Send for Inner {}
// SAFETY: as above; what this crate changes lies behind mutexes.
unsafe impl Sync for Inner {}

impl Device {
    /// Device `ordinal`, opened at its first use.
    ///
    /// # Errors
    /// When there is no driver, it is too old, or it has no such device.
    pub fn get(ordinal: usize) -> Result<Device> {
        static OPEN: Mutex<BTreeMap<usize, Device>> = Mutex::new(BTreeMap::new());
        let mut open = lock(&OPEN);
        if let Some(device) = open.get(&ordinal) {
            return Ok(device.clone());
        }
        let device = Self::open(ordinal)?;
        open.insert(ordinal, device.clone());
        Ok(device)
    }

    fn open(ordinal: usize) -> Result<Device> {
        start_driver()?;
        survey::driver_version()?;
        let report = survey::report(ordinal)?;
        let handle = handle(ordinal)?;
        // SAFETY: the device is one that the driver has given.
        let context = unsafe { result::primary_ctx::retain(handle) }.during("opening a device")?;
        // SAFETY: the context has just been retained and is never released.
        unsafe { result::ctx::set_current(context) }.during("choosing a device")?;
        // A stream of its own, as the default one cannot be captured.
        let stream =
            result::stream::create(result::stream::StreamKind::NonBlocking).during("making a stream")?;
        let kernels = Mutex::new(Kernels::new(report.capability));
        Ok(Device(Arc::new(Inner {
            report,
            context,
            stream,
            arena: Mutex::default(),
            kernels,
            recording: Mutex::default(),
            is_recording: AtomicBool::new(false),
        })))
    }

    /// Runs a kernel, so that what is missing is known before the first step.
    ///
    /// # Errors
    /// When kernels cannot be compiled, or do not run.
    pub fn check(&self) -> Result<()> {
        let number = Memory::unspecified(self, 4)?;
        elementwise::fill(&number, 1, elementwise::Number::F32(0.0))?;
        self.synchronize()
    }

    /// Its number: `cuda:0` is 0.
    pub fn ordinal(&self) -> usize {
        self.0.report.ordinal
    }

    /// What the driver says of it.
    pub fn report(&self) -> &DeviceReport {
        &self.0.report
    }

    /// Waits until everything that was started has run.
    ///
    /// # Errors
    /// When a kernel has failed, or while a step is recorded.
    pub fn synchronize(&self) -> Result<()> {
        self.refuse_recording("waiting for the device")?;
        self.bind()?;
        // SAFETY: the stream was made by this context and is never destroyed.
        unsafe { result::stream::synchronize(self.stream()) }.during("waiting for the device")
    }

    /// Bytes of living arrays, and the most there have been at once.
    pub fn memory_use(&self) -> (usize, usize) {
        let arena = self.arena();
        (arena.live(), arena.peak())
    }

    /// Makes this the device of the driver's next calls on this thread.
    pub(crate) fn bind(&self) -> Result<()> {
        // SAFETY: the context is never released.
        unsafe { result::ctx::set_current(self.0.context) }.during("choosing a device")
    }

    pub(crate) fn stream(&self) -> sys::CUstream {
        self.0.stream
    }

    pub(crate) fn arena(&self) -> MutexGuard<'_, Arena> {
        lock(&self.0.arena)
    }

    /// Calls `f` with the recording of this thread, if there is one.
    ///
    /// # Errors
    /// When another thread records a step on this device.
    pub(crate) fn recording<R>(&self, f: impl FnOnce(&mut Recording) -> R) -> Result<Option<R>> {
        if !self.0.is_recording.load(Relaxed) {
            return Ok(None);
        }
        match &mut *lock(&self.0.recording) {
            None => Ok(None),
            Some(recording) if recording.is_here() => Ok(Some(f(recording))),
            Some(_) => Err(Error::Capturing { what: "work of another thread" }),
        }
    }

    /// An error while a step is recorded.
    pub(crate) fn refuse_recording(&self, what: &'static str) -> Result<()> {
        match self.recording(|_| ())? {
            None => Ok(()),
            Some(()) => Err(Error::Capturing { what }),
        }
    }

    pub(crate) fn start_recording(&self, recording: Recording) -> Result<()> {
        let mut slot = lock(&self.0.recording);
        if slot.is_some() {
            return Err(Error::Capturing { what: "recording another step" });
        }
        *slot = Some(recording);
        self.0.is_recording.store(true, Relaxed);
        Ok(())
    }

    pub(crate) fn end_recording(&self) -> Option<Recording> {
        self.0.is_recording.store(false, Relaxed);
        lock(&self.0.recording).take()
    }

    pub(crate) fn kernels(&self) -> MutexGuard<'_, Kernels> {
        lock(&self.0.kernels)
    }
}

impl fmt::Debug for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Device({self})")
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cuda:{}", self.ordinal())
    }
}

/// Loads and starts the driver where there is one. Nothing else of cudarc may be called before: it panics without a
/// libcuda.
pub(crate) fn start_driver() -> Result<()> {
    // SAFETY: loads libcuda where there is one; its initialisers have no preconditions.
    if !unsafe { sys::is_culib_present() } {
        return Err(Error::NoDriver);
    }
    match result::init() {
        Ok(()) => Ok(()),
        Err(error) if error.0 == sys::CUresult::CUDA_ERROR_NO_DEVICE => Err(Error::NoDevice),
        Err(error) => Err(error).during("starting the driver"),
    }
}

/// How many devices there are.
pub(crate) fn count() -> Result<usize> {
    let count = result::device::get_count().during("counting devices")?;
    usize::try_from(count).ok().filter(|&count| count > 0).ok_or(Error::NoDevice)
}

/// The driver's handle of device `ordinal`.
pub(crate) fn handle(ordinal: usize) -> Result<sys::CUdevice> {
    let count = count()?;
    let known = i32::try_from(ordinal).ok().filter(|_| ordinal < count);
    let ordinal = known.ok_or(Error::UnknownDevice { ordinal, count })?;
    result::device::get(ordinal).during("asking for a device")
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
