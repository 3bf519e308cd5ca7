//! An array without a tape: what kernels read and make.

use crate::dtype::Element;
use crate::storage::{Buffer, ReadGuard, Storage, WriteGuard};
use crate::{DType, Device, Layout, Shape, Spec};
use std::panic::Location;
use std::sync::Arc;
use wengert_cpu::View;

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
        Device::Cpu
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
        let source = self.read();
        for_any!(self.dtype(), T => Value::build(self.shape(), |out: &mut [T]| source.view::<T>().copy_to(out)))
    }

    /// Locks the elements for reading. Several readers may hold one storage at once; nobody may write meanwhile.
    pub fn read(&self) -> Read<'_> {
        Read { guard: self.storage.read(), layout: &self.layout }
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
        Arc::get_mut(&mut self.storage).map(Storage::as_mut_slice)
    }

    /// Locks the elements of a unique value for writing a result into its memory.
    ///
    /// # Panics
    /// When the value is not [unique](Value::is_unique).
    pub fn write(&self) -> Write<'_> {
        assert!(self.is_unique(), "only the sole owner of a whole buffer may write a result into it");
        Write { guard: self.storage.write(), range: 0..self.numel() }
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
        Write { guard: self.storage.modify(), range: start..start + self.numel() }
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
