//! An array in device memory, seen through sizes and strides.

use crate::{Error, Memory, Result};

/// Element types that kernels know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// 32-bit floats.
    F32,
    /// 64-bit floats.
    F64,
    /// 64-bit integers.
    I64,
    /// Bytes.
    U8,
    /// Truth values, a byte each.
    Bool,
}

impl Kind {
    /// Bytes of an element.
    pub fn size(self) -> usize {
        match self {
            Kind::F32 => 4,
            Kind::F64 | Kind::I64 => 8,
            Kind::U8 | Kind::Bool => 1,
        }
    }

    /// How kernels of this type end.
    pub fn suffix(self) -> &'static str {
        match self {
            Kind::F32 => "f32",
            Kind::F64 => "f64",
            Kind::I64 => "i64",
            Kind::U8 => "u8",
            Kind::Bool => "bool",
        }
    }
}

/// Elements of one type in a device's memory. Strides and offset count elements.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    memory: &'a Memory,
    kind: Kind,
    sizes: &'a [usize],
    strides: &'a [isize],
    offset: usize,
}

impl<'a> View<'a> {
    /// A view of `memory`.
    ///
    /// # Errors
    /// When an element of it would lie outside, or there are more than kernels count.
    pub fn new(
        memory: &'a Memory,
        kind: Kind,
        sizes: &'a [usize],
        strides: &'a [isize],
        offset: usize,
    ) -> Result<View<'a>> {
        let view = View { memory, kind, sizes, strides, offset };
        if sizes.len() != strides.len() {
            return Err(Error::Argument(format!("{} sizes and {} strides", sizes.len(), strides.len())));
        }
        if view.count() == 0 {
            return Ok(view);
        }
        if view.count() > i32::MAX as usize {
            return Err(Error::Argument(format!("{} elements are more than a kernel counts", view.count())));
        }
        let reach = sizes.iter().zip(strides).map(|(&size, &stride)| stride * (size as isize - 1));
        let (low, high) = reach.fold((offset as isize, offset as isize), |(low, high), reach| {
            (low + reach.min(0), high + reach.max(0))
        });
        if low < 0 || (high as usize + 1) * kind.size() > memory.bytes() {
            return Err(Error::Argument(format!(
                "elements {low} to {high} are not in {} bytes",
                memory.bytes()
            )));
        }
        Ok(view)
    }

    /// Element type.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Sizes of the axes.
    pub fn sizes(&self) -> &'a [usize] {
        self.sizes
    }

    /// Elements between neighbours along each axis.
    pub fn strides(&self) -> &'a [isize] {
        self.strides
    }

    /// Number of elements.
    pub fn count(&self) -> usize {
        self.sizes.iter().product()
    }

    /// The block that holds the elements.
    pub fn memory(&self) -> &'a Memory {
        self.memory
    }

    /// Whether the elements lie row-major and without gaps.
    pub fn is_contiguous(&self) -> bool {
        let mut expected = 1;
        self.sizes.iter().zip(self.strides).rev().all(|(&size, &stride)| {
            let fits = size == 1 || stride == expected;
            expected *= size as isize;
            fits
        }) || self.count() == 0
    }

    /// Elements in front of the first one.
    pub(crate) fn offset(&self) -> usize {
        self.offset
    }

    /// The address of the first element.
    pub(crate) fn pointer(&self) -> u64 {
        self.memory.pointer() + (self.offset * self.kind.size()) as u64
    }

    /// The address of the first element of a contiguous view.
    ///
    /// # Errors
    /// When it is not contiguous.
    pub(crate) fn dense(&self) -> Result<u64> {
        if self.is_contiguous() {
            return Ok(self.pointer());
        }
        Err(Error::Argument(format!(
            "sizes {:?} with strides {:?} are not contiguous",
            self.sizes, self.strides
        )))
    }

    /// As [`dense`](View::dense), for elements of one type only.
    ///
    /// # Errors
    /// When the view is not contiguous or its elements are of another type.
    pub(crate) fn dense_of(&self, kind: Kind) -> Result<u64> {
        if self.kind == kind {
            return self.dense();
        }
        Err(Error::Argument(format!("needs {kind:?}, got {:?}", self.kind)))
    }
}

/// An error unless `out` has room for `count` elements, which are no more than kernels count.
///
/// # Errors
/// Names the kernel.
pub(crate) fn room(name: &str, out: &Memory, count: usize, kind: Kind) -> Result<()> {
    if count <= i32::MAX as usize && count * kind.size() <= out.bytes() {
        return Ok(());
    }
    Err(Error::Argument(format!("{name}: {count} elements of {kind:?} into {} bytes", out.bytes())))
}
