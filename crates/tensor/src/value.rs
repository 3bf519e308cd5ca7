//! An array without a tape: what kernels read and make.

use crate::dtype::Element;
use crate::storage::{Buffer, Foreign, Lease, ReadGuard, Storage, WriteGuard};
use crate::{DType, Device, Error, Layout, Result, Shape, Spec, step};
use std::panic::Location;
use std::sync::Arc;
use wengert_cpu::View;
use wengert_cuda::{Memory, elementwise};

/// Shared storage seen through a layout. Cloning copies the handle, not the elements.
#[derive(Clone, Debug)]
pub struct Value {
    storage: Arc<Storage>,
    layout: Layout,
}

impl Value {
    /// A new array of `shape` that `fill` writes, row-major. Its contents before that are unspecified, NaN in debug
    /// builds: `fill` must write every element.
    pub fn build<T: Element>(shape: impl Into<Shape>, fill: impl FnOnce(&mut [T])) -> Self {
        let (mut buffer, layout) = Self::unfilled(T::DTYPE, shape.into());
        fill(buffer.as_mut_slice());
        Self::filled(buffer, layout)
    }

    // Not generic, unlike `build`, which is compiled for every kernel.
    fn unfilled(dtype: DType, shape: Shape) -> (Buffer, Layout) {
        (Buffer::unspecified(dtype, shape.numel()), Layout::contiguous(shape))
    }

    fn filled(buffer: Buffer, layout: Layout) -> Self {
        Self { storage: Arc::new(Storage::new(buffer)), layout }
    }

    /// A copy of `elements` in row-major order.
    ///
    /// # Panics
    /// When their number is not that of `shape`.
    pub fn from_slice<T: Element>(elements: &[T], shape: impl Into<Shape>) -> Self {
        Self::build(shape, |out| out.copy_from_slice(elements))
    }

    /// Elements that somebody else owns, read where they lie. They are never written: a change in place moves them to
    /// memory of our own first.
    ///
    /// # Errors
    /// When `layout` reaches beyond them.
    pub fn borrowed(memory: Foreign, layout: Layout) -> Result<Self> {
        let steps = layout.shape().iter().zip(layout.strides());
        let (mut first, mut last) = (layout.offset() as i128, layout.offset() as i128);
        for (&size, &stride) in steps {
            let reach = (size as i128 - 1) * stride as i128;
            if reach < 0 { first += reach } else { last += reach }
        }
        if !layout.shape().contains(&0) && (first < 0 || last >= memory.len() as i128) {
            let detail = format!("{layout:?} reaches beyond the {} elements that there are", memory.len());
            return Err(Error::shape("borrowed", detail));
        }
        Ok(Self { storage: Arc::new(Storage::new(Buffer::foreign(memory))), layout })
    }

    /// Lends the memory to readers outside of the engine, and says where the first element lies. While the lease lives it
    /// stays there as it is: a change of this value in place moves its elements to other memory first.
    ///
    /// # Errors
    /// When it lies on a device.
    pub fn lend(&self) -> Result<(Lease, *const u8)> {
        let lease = self.storage.lend().ok_or_else(|| {
            Error::device(
                "lend",
                format!("the elements lie on {}; copy them to the cpu first", self.device()),
            )
        })?;
        let first = lease.start().wrapping_add(self.layout.offset() * self.dtype().size_of());
        Ok((lease, first))
    }

    /// A new row-major array on a device, whose contents are unspecified, NaN in debug builds.
    ///
    /// # Errors
    /// When the device has no memory for it.
    pub(crate) fn on_cuda(device: &wengert_cuda::Device, output: &Spec) -> Result<Self> {
        let count = output.shape.numel();
        let memory = Memory::unspecified(device, count * output.dtype.size_of())?;
        let storage = Arc::new(Storage::cuda(memory, output.dtype, count));
        Ok(Self { storage, layout: Layout::contiguous(&output.shape) })
    }

    /// `shape` filled with `element`.
    pub fn full<T: Element>(shape: impl Into<Shape>, element: T) -> Self {
        Self::build(shape, |out| out.fill(element))
    }

    /// Element type.
    pub fn dtype(&self) -> DType {
        self.storage.dtype()
    }

    /// Where the elements live.
    pub fn device(&self) -> Device {
        self.storage.device()
    }

    /// Self where it lies on `device` already, otherwise a row-major copy there.
    ///
    /// # Errors
    /// When there is no such device, or it has no memory for the copy.
    pub fn to_device(&self, device: Device) -> Result<Value> {
        match device {
            device if device == self.device() => Ok(self.clone()),
            Device::Cpu => {
                let source = self.storage.read()?;
                let read = Read { guard: source, layout: &self.layout };
                Ok(for_any!(self.dtype(), T => {
                    Value::build(self.shape(), |out: &mut [T]| read.view::<T>().copy_to(out))
                }))
            }
            Device::Cuda(ordinal) => {
                let device = wengert_cuda::Device::get(ordinal)?;
                let source = self.to_device(Device::Cpu)?.contiguous();
                let source = source.read();
                let memory = for_any!(self.dtype(), T => Memory::upload(&device, source.slice::<T>()))?;
                let storage = Arc::new(Storage::cuda(memory, self.dtype(), self.numel()));
                Ok(Value { storage, layout: Layout::contiguous(self.shape()) })
            }
        }
    }

    /// The elements as CUDA kernels take them.
    ///
    /// # Errors
    /// When they do not lie on a device, or are more than a kernel counts.
    pub(crate) fn on_device(&self) -> Result<wengert_cuda::View<'_>> {
        let memory = self.device_memory()?;
        let layout = &self.layout;
        Ok(wengert_cuda::View::new(
            memory,
            self.dtype().kind(),
            layout.shape(),
            layout.strides(),
            layout.offset(),
        )?)
    }

    /// The memory on a device.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) fn device_memory(&self) -> Result<&Memory> {
        let elsewhere = || Error::device("a CUDA kernel", format!("got an operand on {}", self.device()));
        self.storage.device_memory().ok_or_else(elsewhere)
    }

    /// Sizes of the axes.
    pub fn shape(&self) -> &Shape {
        self.layout.shape()
    }

    /// Shape and element type.
    pub fn spec(&self) -> Spec {
        Spec::new(self.shape(), self.dtype())
    }

    /// Shape, strides and offset.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Number of elements.
    pub fn numel(&self) -> usize {
        self.shape().numel()
    }

    /// Whether the elements lie row-major and without gaps.
    pub fn is_contiguous(&self) -> bool {
        self.layout.is_contiguous()
    }

    /// The same storage through another layout.
    pub fn with_layout(&self, layout: Layout) -> Value {
        Value { storage: self.storage.clone(), layout }
    }

    /// Self where contiguous, otherwise a row-major copy.
    pub fn contiguous(&self) -> Value {
        if self.is_contiguous() {
            return self.clone();
        }
        if let Device::Cuda(_) = self.device() {
            return self.copied_on_device().unwrap_or_else(|error| panic!("{error}"));
        }
        let source = self.read();
        for_any!(self.dtype(), T => Value::build(self.shape(), |out: &mut [T]| source.view::<T>().copy_to(out)))
    }

    /// A row-major copy beside the original.
    pub(crate) fn copied_on_device(&self) -> Result<Value> {
        let memory = self.device_memory()?;
        let copy = Value::on_cuda(memory.device(), &self.spec())?;
        let (out, size) = (copy.device_memory()?, self.dtype().size_of());
        elementwise::map(elementwise::Family::Copy, "copy", [0.0; 2], [self.on_device()?], out, size)?;
        Ok(copy)
    }

    /// Locks the elements for reading; those on a device are copied from there. Several readers may hold one storage at once; nobody may write meanwhile.
    pub fn read(&self) -> Read<'_> {
        // What can fail is a device, and nothing can be done about that here.
        let guard = self.storage.read().unwrap_or_else(|error| panic!("{error}"));
        Read { guard, layout: &self.layout }
    }

    /// Whether this handle is the storage's only one and covers it whole, row-major: its memory may then be
    /// overwritten with the result of an op (donation).
    pub fn is_unique(&self) -> bool {
        Arc::strong_count(&self.storage) == 1
            && self.layout.offset() == 0
            && self.numel() == self.storage.len()
            && self.is_contiguous()
    }

    /// The elements where this value [is unique](Value::is_unique), for writing a result into its memory.
    pub(crate) fn sole_elements<T: Element>(&mut self) -> Option<&mut [T]> {
        if !self.is_unique() {
            return None;
        }
        Arc::get_mut(&mut self.storage)?.as_mut_slice()
    }

    /// Locks the elements of a unique value for writing a result into its memory.
    ///
    /// # Panics
    /// When the value is not [unique](Value::is_unique).
    pub fn write(&self) -> Write<'_> {
        assert!(self.is_unique(), "only the sole owner of a whole buffer may write a result into it");
        let guard = self.storage.write().unwrap_or_else(|error| panic!("{error}"));
        Write { guard, range: 0..self.numel() }
    }

    /// Locks the elements for an in-place change that tapes must be able to notice.
    ///
    /// # Panics
    /// When the layout is not contiguous.
    #[track_caller]
    pub(crate) fn modify(&self) -> Write<'_> {
        assert!(
            self.is_contiguous(),
            "only a contiguous tensor can be changed in place; this one has {:?}",
            self.layout
        );
        let start = self.layout.offset();
        let guard = self.storage.modify().unwrap_or_else(|error| panic!("{error}"));
        Write { guard, range: start..start + self.numel() }
    }

    /// The elements in row-major order.
    ///
    /// # Panics
    /// When `T` is not the element type.
    pub fn to_vec<T: Element>(&self) -> Vec<T> {
        let mut out = vec![T::default(); self.numel()];
        self.read().view().copy_to(&mut out);
        out
    }

    /// Counts an in-place change by a kernel, for tapes to notice.
    #[track_caller]
    pub(crate) fn note_change(&self) {
        step::note_change(&self.storage);
        self.storage.note_change();
    }

    /// How often the storage was changed in place.
    pub(crate) fn version(&self) -> u64 {
        self.storage.version()
    }

    pub(crate) fn last_change(&self) -> Option<&'static Location<'static>> {
        self.storage.last_change()
    }

    /// Whether both look onto the same memory.
    pub fn shares_storage(&self, other: &Value) -> bool {
        Arc::ptr_eq(&self.storage, &other.storage)
    }

    /// A number that tells storages apart while they live.
    pub(crate) fn storage_address(&self) -> usize {
        Arc::as_ptr(&self.storage).addr()
    }
}

/// A value locked for reading.
#[derive(Debug)]
pub struct Read<'a> {
    guard: ReadGuard<'a>,
    layout: &'a Layout,
}

impl Read<'_> {
    /// The elements as a strided view.
    ///
    /// # Panics
    /// When `T` is not the element type.
    pub fn view<T: Element>(&self) -> View<'_, T> {
        View::new(self.guard.as_slice(), self.layout.shape(), self.layout.strides(), self.layout.offset())
    }

    /// The elements in row-major order.
    ///
    /// # Panics
    /// When `T` is not the element type or the value is not contiguous.
    pub fn slice<T: Element>(&self) -> &[T] {
        self.view().as_slice().expect("the value is not contiguous; call contiguous() first")
    }
}

/// A value locked for writing.
#[derive(Debug)]
pub struct Write<'a> {
    guard: WriteGuard<'a>,
    range: std::ops::Range<usize>,
}

impl Write<'_> {
    /// The elements in row-major order.
    ///
    /// # Panics
    /// When `T` is not the element type.
    pub fn slice_mut<T: Element>(&mut self) -> &mut [T] {
        &mut self.guard.as_mut_slice()[self.range.clone()]
    }
}
