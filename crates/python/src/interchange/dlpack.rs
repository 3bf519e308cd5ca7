//! DLPack's structures, the same as in its header `dlpack.h`, version 1.0. All `unsafe` of this crate is in this file.

use pyo3::exceptions::{PyBufferError, PyTypeError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyCapsule;
use std::ffi::{CStr, c_void};
use std::ptr::NonNull;
use std::sync::Arc;
use wengert_tensor as engine;
use wengert_tensor::memory::{Foreign, Lease};
use wengert_tensor::{Layout, Strides, Value};

/// The number of main memory, and of the only one there is.
pub const CPU: (i32, i32) = (1, 0);
/// Main memory from which a GPU of NVIDIA's copies fast.
const CUDA_HOST: i32 = 3;

const READ_ONLY: u64 = 1;
const IS_COPIED: u64 = 2;

const INT: u8 = 0;
const UINT: u8 = 1;
const FLOAT: u8 = 2;
const BOOL: u8 = 6;

/// Names of capsules, before and after somebody has taken what is in them.
const PLAIN: [&CStr; 2] = [c"dltensor", c"used_dltensor"];
const VERSIONED: [&CStr; 2] = [c"dltensor_versioned", c"used_dltensor_versioned"];

#[repr(C)]
struct DataType {
    code: u8,
    bits: u8,
    lanes: u16,
}

#[repr(C)]
struct DlTensor {
    data: *mut c_void,
    device: [i32; 2],
    ndim: i32,
    dtype: DataType,
    shape: *mut i64,
    strides: *mut i64,
    byte_offset: u64,
}

#[repr(C)]
struct Plain {
    tensor: DlTensor,
    context: *mut c_void,
    deleter: Option<unsafe extern "C" fn(*mut Plain)>,
}

#[repr(C)]
struct Versioned {
    version: [u32; 2],
    context: *mut c_void,
    deleter: Option<unsafe extern "C" fn(*mut Versioned)>,
    flags: u64,
    tensor: DlTensor,
}

/// What an exported tensor keeps alive. Lists of sizes lie behind pointers that the structures hold.
struct Exported {
    _lease: Lease,
    _sizes: Box<[i64]>,
    _strides: Box<[i64]>,
}

/// A capsule with the memory of a tensor, which must lie in main memory. Whoever takes it may write to it only where
/// `is_copied` says that nobody else knows it.
pub fn export<'py>(
    py: Python<'py>,
    tensor: &engine::Tensor,
    is_versioned: bool,
    is_copied: bool,
) -> PyResult<Bound<'py, PyAny>> {
    let value = tensor.value();
    let (lease, first) = value.lend().map_err(|error| PyBufferError::new_err(error.to_string()))?;
    let mut sizes: Box<[i64]> = value.shape().iter().map(|&size| size as i64).collect();
    let mut strides: Box<[i64]> = value.layout().strides().iter().map(|&stride| stride as i64).collect();
    let code = match value.dtype() {
        engine::DType::F32 | engine::DType::F64 => FLOAT,
        engine::DType::I64 => INT,
        engine::DType::U8 => UINT,
        engine::DType::Bool => BOOL,
    };
    let described = DlTensor {
        data: first.cast_mut().cast(),
        device: [CPU.0, CPU.1],
        ndim: sizes.len() as i32,
        dtype: DataType { code, bits: 8 * value.dtype().size_of() as u8, lanes: 1 },
        shape: sizes.as_mut_ptr(),
        strides: strides.as_mut_ptr(),
        byte_offset: 0,
    };
    let context =
        Box::into_raw(Box::new(Exported { _lease: lease, _sizes: sizes, _strides: strides })).cast();
    let (pointer, name): (*mut c_void, &CStr) = if is_versioned {
        let flags = if is_copied { IS_COPIED } else { READ_ONLY };
        let deleter = Some(delete_versioned as unsafe extern "C" fn(_));
        let managed = Versioned { version: [1, 0], context, deleter, flags, tensor: described };
        (Box::into_raw(Box::new(managed)).cast(), VERSIONED[0])
    } else {
        let managed = Plain { tensor: described, context, deleter: Some(delete_plain) };
        (Box::into_raw(Box::new(managed)).cast(), PLAIN[0])
    };
    // SAFETY: the name is static, the destructor fits a capsule, and the interpreter is attached. A new reference comes back,
    // or none with an exception set.
    unsafe {
        let capsule = ffi::PyCapsule_New(pointer, name.as_ptr(), Some(drop_capsule));
        Bound::from_owned_ptr_or_err(py, capsule)
    }
}

/// Frees a structure of [`export`] whose tensor nobody needs any more.
unsafe extern "C" fn delete_plain(managed: *mut Plain) {
    // SAFETY: `export` made both boxes, and DLPack calls a deleter once.
    unsafe {
        drop(Box::from_raw((*managed).context.cast::<Exported>()));
        drop(Box::from_raw(managed));
    }
}

/// As [`delete_plain`].
unsafe extern "C" fn delete_versioned(managed: *mut Versioned) {
    // SAFETY: as above.
    unsafe {
        drop(Box::from_raw((*managed).context.cast::<Exported>()));
        drop(Box::from_raw(managed));
    }
}

/// Frees what is in a capsule that nobody has taken it from; whoever takes it renames the capsule.
unsafe extern "C" fn drop_capsule(capsule: *mut ffi::PyObject) {
    // SAFETY: Python calls this with a capsule of `export`, whose pointer is that of the structure its name says.
    unsafe {
        if ffi::PyCapsule_IsValid(capsule, PLAIN[0].as_ptr()) == 1 {
            delete_plain(ffi::PyCapsule_GetPointer(capsule, PLAIN[0].as_ptr()).cast());
        } else if ffi::PyCapsule_IsValid(capsule, VERSIONED[0].as_ptr()) == 1 {
            delete_versioned(ffi::PyCapsule_GetPointer(capsule, VERSIONED[0].as_ptr()).cast());
        }
    }
}

/// A structure that was taken from somebody's capsule; its owner is told when it is dropped.
enum Managed {
    Plain(NonNull<Plain>),
    Versioned(NonNull<Versioned>),
}

// SAFETY: the structure is ours alone since its capsule was renamed, its memory is read from any thread, and its deleter may
// be called from any: one that needs the interpreter attaches to it itself.
unsafe impl Send for Managed {}
// SAFETY: shared references only read.
unsafe impl Sync for Managed {}

impl Managed {
    /// What is in a capsule that nobody has taken it from yet.
    fn take(capsule: &Bound<'_, PyCapsule>) -> PyResult<Managed> {
        let taken = |[name, used]: [&'static CStr; 2]| {
            // SAFETY: the capsule is alive; a pointer is asked for only under the name that the capsule has, and after
            // the new name nobody else will.
            unsafe {
                if ffi::PyCapsule_IsValid(capsule.as_ptr(), name.as_ptr()) != 1 {
                    return None;
                }
                let pointer = ffi::PyCapsule_GetPointer(capsule.as_ptr(), name.as_ptr());
                ffi::PyCapsule_SetName(capsule.as_ptr(), used.as_ptr());
                NonNull::new(pointer)
            }
        };
        if let Some(managed) = taken(VERSIONED) {
            let managed = Managed::Versioned(managed.cast());
            return match managed.version() {
                Some(1) | None => Ok(managed),
                Some(other) => Err(PyBufferError::new_err(format!("DLPack {other} is not known here; 1 is"))),
            };
        }
        let refused =
            || PyTypeError::new_err("the capsule of __dlpack__ holds no tensor, or somebody has taken it");
        taken(PLAIN).map(|managed| Managed::Plain(managed.cast())).ok_or_else(refused)
    }

    /// The major version, where it says one.
    fn version(&self) -> Option<u32> {
        match self {
            Managed::Plain(_) => None,
            // SAFETY: by DLPack every version begins with its number.
            Managed::Versioned(managed) => Some(unsafe { managed.as_ref() }.version[0]),
        }
    }

    fn tensor(&self) -> &DlTensor {
        // SAFETY: the producer keeps the structure alive and as it is until its deleter is called, which `drop` does.
        unsafe {
            match self {
                Managed::Plain(managed) => &managed.as_ref().tensor,
                Managed::Versioned(managed) => &managed.as_ref().tensor,
            }
        }
    }
}

impl Drop for Managed {
    fn drop(&mut self) {
        // SAFETY: the deleter is the producer's own for this structure and is called once.
        unsafe {
            match self {
                Managed::Plain(managed) => {
                    if let Some(deleter) = managed.as_ref().deleter {
                        deleter(managed.as_ptr());
                    }
                }
                Managed::Versioned(managed) => {
                    if let Some(deleter) = managed.as_ref().deleter {
                        deleter(managed.as_ptr());
                    }
                }
            }
        }
    }
}

/// The tensor of a capsule: of the same memory, or of a copy where `copy` is true. Truth values and elements that are not
/// aligned cannot be shared.
pub fn import(capsule: &Bound<'_, PyCapsule>, copy: Option<bool>) -> PyResult<engine::Tensor> {
    let managed = Managed::take(capsule)?;
    let described = managed.tensor();
    if ![CPU.0, CUDA_HOST].contains(&described.device[0]) {
        let [kind, number] = described.device;
        let detail =
            format!("the array lies on DLPack's device ({kind}, {number}); copy it to main memory first");
        return Err(PyBufferError::new_err(detail));
    }
    let dtype = dtype(&described.dtype)?;
    let (span, first) = Span::of(described)?;
    if span.layout.shape().numel() == 0 {
        return Ok(engine::Tensor::zeros(span.layout.shape(), dtype));
    }
    let start =
        NonNull::new(first).ok_or_else(|| PyBufferError::new_err("the array has elements and no memory"))?;
    let can_be_shared = dtype != engine::DType::Bool && first.addr().is_multiple_of(dtype.size_of());
    let value = match copy {
        Some(false) if !can_be_shared => {
            return Err(PyBufferError::new_err(format!(
                "elements of type {} at {first:?} can only be copied",
                dtype.name()
            )));
        }
        Some(true) => span.copied(start, dtype),
        _ if !can_be_shared => span.copied(start, dtype),
        _ => {
            // SAFETY: by DLPack there are elements of this type wherever sizes and strides lead, and `span` covers just
            // those; they are aligned and no truth values. They stay until `managed` is dropped. That nobody writes while
            // an op reads is what the documentation of `from_dlpack` asks for, as DLPack does.
            let memory = unsafe { Foreign::new(start, span.len, dtype, Arc::new(managed)) };
            Value::borrowed(memory, span.layout).map_err(|error| PyBufferError::new_err(error.to_string()))?
        }
    };
    Ok(engine::Tensor::from_value(value))
}

fn dtype(dtype: &DataType) -> PyResult<engine::DType> {
    match (dtype.code, dtype.bits, dtype.lanes) {
        (FLOAT, 32, 1) => Ok(engine::DType::F32),
        (FLOAT, 64, 1) => Ok(engine::DType::F64),
        (INT, 64, 1) => Ok(engine::DType::I64),
        (UINT, 8, 1) => Ok(engine::DType::U8),
        (BOOL, 8, 1) => Ok(engine::DType::Bool),
        (code, bits, _) => {
            let kind = ["int", "uint", "float"].get(usize::from(code)).copied().unwrap_or("another type of ");
            Err(PyTypeError::new_err(format!(
                "a tensor holds float32, float64, int64, uint8 or bool, not {kind}{bits}; convert the array first"
            )))
        }
    }
}

/// The stretch of memory that an array covers, from its lowest element to its highest.
struct Span {
    len: usize,
    layout: Layout,
}

impl Span {
    /// The stretch and where it begins.
    fn of(tensor: &DlTensor) -> PyResult<(Span, *mut u8)> {
        let unusable = |detail: &str| PyBufferError::new_err(format!("the array's {detail}"));
        let rank = usize::try_from(tensor.ndim).map_err(|_| unusable("number of axes is negative"))?;
        if rank > engine::MAX_RANK {
            return Err(unusable(&format!("{rank} axes are more than {}", engine::MAX_RANK)));
        }
        if rank > 0 && tensor.shape.is_null() {
            return Err(unusable("sizes are missing"));
        }
        // SAFETY: by DLPack both lists have an entry for each axis; strides may be missing.
        let (sizes, given) = unsafe {
            let list = |start: *mut i64| match start.is_null() {
                true => None,
                false => Some(std::slice::from_raw_parts(start, rank)),
            };
            (list(tensor.shape).unwrap_or_default(), list(tensor.strides))
        };
        let sizes: Vec<usize> = sizes
            .iter()
            .map(|&size| usize::try_from(size))
            .collect::<Result<_, _>>()
            .map_err(|_| unusable("sizes are negative"))?;
        // Sizes whose product does not fit may come from an array that repeats one element.
        let shape = engine::Shape::from(sizes.clone());
        shape.checked_numel("from_dlpack").map_err(|error| PyBufferError::new_err(error.to_string()))?;
        let row_major = Layout::contiguous(shape);
        let strides: Strides = match given {
            Some(strides) => strides.iter().map(|&stride| stride as isize).collect(),
            None => row_major.strides().iter().copied().collect(),
        };
        let (mut low, mut high) = (0i128, 0i128);
        for (&size, &stride) in sizes.iter().zip(&strides) {
            let reach = (size as i128 - 1) * stride as i128;
            let end = if reach < 0 { &mut low } else { &mut high };
            *end = end.saturating_add(reach);
        }
        let bytes = i128::from(tensor.dtype.bits) / 8;
        let is_empty = sizes.contains(&0);
        let span = high.saturating_sub(low).saturating_add(1);
        if !is_empty && span.saturating_mul(bytes) > isize::MAX as i128 {
            return Err(unusable("strides reach farther than memory does"));
        }
        let (low, len) = if is_empty { (0, 0) } else { (low as isize, span as usize) };
        let offset = (tensor.byte_offset as isize).wrapping_add(low * bytes as isize);
        let first = tensor.data.cast::<u8>().wrapping_offset(offset);
        Ok((Span { len, layout: Layout::new(sizes, strides, low.unsigned_abs()) }, first))
    }

    /// The elements in memory of our own, row-major.
    fn copied(&self, start: NonNull<u8>, dtype: engine::DType) -> Value {
        match dtype {
            engine::DType::F32 => self.read(start, |number: f32| number),
            engine::DType::F64 => self.read(start, |number: f64| number),
            engine::DType::I64 => self.read(start, |number: i64| number),
            engine::DType::U8 => self.read(start, |number: u8| number),
            engine::DType::Bool => self.read(start, |byte: u8| byte != 0),
        }
    }

    fn read<S: Copy, T: engine::Element>(&self, start: NonNull<u8>, convert: impl Fn(S) -> T) -> Value {
        // SAFETY: by DLPack there are `len` elements from `start` on, which need not be aligned.
        let at = |position: usize| unsafe { start.as_ptr().cast::<S>().add(position).read_unaligned() };
        let elements: Vec<T> = positions(&self.layout).map(|position| convert(at(position))).collect();
        Value::from_slice(&elements, self.layout.shape())
    }
}

/// The positions of elements in row-major order.
fn positions(layout: &Layout) -> impl Iterator<Item = usize> + '_ {
    (0..layout.shape().numel()).map(|mut index| {
        let mut position = layout.offset() as isize;
        for (&size, &stride) in layout.shape().iter().zip(layout.strides()).rev() {
            position += (index % size) as isize * stride;
            index /= size;
        }
        position as usize
    })
}
