//! The same products by NVIDIA's cuBLASLt, to compare ours with: for tests and benchmarks, and nothing else calls it.

use crate::error::During;
use crate::libraries::CUBLASLT;
use crate::{Device, Error, Memory, Result};
use cudarc::cublaslt::result::{self, CublasError};
use cudarc::cublaslt::sys;
use std::ffi::c_void;

/// Room for partial sums, as much as NVIDIA recommends for Hopper.
const WORKSPACE: usize = 32 << 20;

/// How f32 numbers are multiplied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arithmetic {
    /// In f32.
    F32,
    /// On the tensor cores, from numbers rounded to TF32.
    Tf32,
}

/// A product of two dense f32 matrices, prepared for their sizes.
pub struct Product {
    device: Device,
    handle: Owned<sys::cublasLtHandle_t>,
    operation: Owned<sys::cublasLtMatmulDesc_t>,
    /// In the library's order, which is that of columns: what is row-major here is transposed there, and C = A·B is had as
    /// Cᵀ = Bᵀ·Aᵀ. So the right operand comes first.
    layouts: [Owned<sys::cublasLtMatrixLayout_t>; 3],
    algorithm: sys::cublasLtMatmulAlgo_t,
    workspace: Memory,
    /// Bytes of left, right and result.
    bytes: [usize; 3],
}

impl Product {
    /// Lets the library choose how to multiply [rows, depth] by [depth, columns]; `sizes` are the three of them, and an
    /// operand that is `transposed` is stored by columns.
    ///
    /// # Errors
    /// When there is no cuBLASLt, a size is 0, or the library knows no way.
    pub fn new(
        device: &Device,
        sizes: [usize; 3],
        transposed: [bool; 2],
        arithmetic: Arithmetic,
    ) -> Result<Self> {
        if !CUBLASLT.load() {
            return Err(Error::NoCublasLt);
        }
        if sizes.contains(&0) {
            return Err(Error::Argument(format!("cuBLASLt: a product of sizes {sizes:?} is empty")));
        }
        device.bind()?;
        let [rows, depth, columns] = sizes;
        let handle = Owned::new(result::create_handle(), result::destroy_handle, "starting cuBLASLt")?;
        let operation = operation(transposed, arithmetic)?;
        // A transposed operand of ours is what the library calls plain, seen from the other side.
        let stored = |[rows, columns]: [usize; 2], transposed| {
            let [height, width] = if transposed { [rows, columns] } else { [columns, rows] };
            layout(height, width)
        };
        let layouts = [
            stored([depth, columns], transposed[1])?,
            stored([rows, depth], transposed[0])?,
            stored([rows, columns], false)?,
        ];
        let [right, left, out] = layouts.each_ref().map(|layout| layout.value);
        let preference = preference()?;
        // SAFETY: all of them were made above and live.
        let found = unsafe {
            result::get_matmul_algo_heuristic(
                handle.value,
                operation.value,
                right,
                left,
                out,
                out,
                preference.value,
            )
        }
        .during(&format!("cuBLASLt: choosing an algorithm for {sizes:?}"))?;
        let workspace = Memory::unspecified(device, WORKSPACE)?;
        let bytes = [rows * depth, depth * columns, rows * columns].map(|count| count * size_of::<f32>());
        Ok(Self {
            device: device.clone(),
            handle,
            operation,
            layouts,
            algorithm: found.algo,
            workspace,
            bytes,
        })
    }

    /// Puts the product of `left` and `right` into `out`, row-major, in the order of the device's other work.
    ///
    /// # Errors
    /// When an array is too small or of another device, or the library refuses.
    pub fn run(&self, left: &Memory, right: &Memory, out: &Memory) -> Result<()> {
        let arrays = [left, right, out];
        let found = arrays.map(Memory::bytes);
        let fit = found.iter().zip(self.bytes).all(|(&found, wanted)| found >= wanted);
        if !fit || arrays.iter().any(|array| array.device().ordinal() != self.device.ordinal()) {
            let (wanted, device) = (self.bytes, &self.device);
            return Err(Error::Argument(format!(
                "cuBLASLt: arrays of {found:?} bytes, not {wanted:?} on {device}"
            )));
        }
        self.device.bind()?;
        let [left, right, out] = arrays.map(|array| array.pointer() as *mut c_void);
        let [right_layout, left_layout, out_layout] = self.layouts.each_ref().map(|layout| layout.value);
        let (one, zero) = (1.0f32, 0.0f32);
        // SAFETY: the arrays have room for what the layouts say; the two factors are on the host and read during the call, as
        // an operation expects unless it is told otherwise; and what is computed comes in the one stream of the device, so
        // that the workspace is this product's until then.
        unsafe {
            result::matmul(
                self.handle.value,
                self.operation.value,
                (&raw const one).cast(),
                (&raw const zero).cast(),
                right,
                right_layout,
                left,
                left_layout,
                out,
                out_layout,
                out,
                out_layout,
                &self.algorithm,
                self.workspace.pointer() as *mut c_void,
                self.workspace.bytes(),
                self.device.stream().cast(),
            )
        }
        .during("cuBLASLt: multiplying")
    }
}

/// The arithmetic, and which operands are to be transposed as the library sees them, the right one first.
fn operation([left, right]: [bool; 2], arithmetic: Arithmetic) -> Result<Owned<sys::cublasLtMatmulDesc_t>> {
    use sys::cublasLtMatmulDescAttributes_t as Attribute;
    let compute = match arithmetic {
        Arithmetic::F32 => sys::cublasComputeType_t::CUBLAS_COMPUTE_32F,
        Arithmetic::Tf32 => sys::cublasComputeType_t::CUBLAS_COMPUTE_32F_FAST_TF32,
    };
    let made = result::create_matmul_desc(compute, sys::cudaDataType::CUDA_R_32F);
    let operation = Owned::new(made, result::destroy_matmul_desc, "cuBLASLt: describing a product")?;
    for (attribute, transposed) in
        [(Attribute::CUBLASLT_MATMUL_DESC_TRANSA, right), (Attribute::CUBLASLT_MATMUL_DESC_TRANSB, left)]
    {
        // `cublasOperation_t`: CUBLAS_OP_N is 0, CUBLAS_OP_T is 1.
        let value = i32::from(transposed);
        // SAFETY: the attribute is of this type, and is copied.
        unsafe {
            let value_pointer = (&raw const value).cast();
            result::set_matmul_desc_attribute(operation.value, attribute, value_pointer, size_of_val(&value))
        }
        .during("cuBLASLt: describing a product")?;
    }
    Ok(operation)
}

/// A dense matrix of f32, stored by columns.
fn layout(rows: usize, columns: usize) -> Result<Owned<sys::cublasLtMatrixLayout_t>> {
    let kind = sys::cudaDataType::CUDA_R_32F;
    let made = result::create_matrix_layout(kind, rows as u64, columns as u64, rows as i64);
    Owned::new(made, result::destroy_matrix_layout, "cuBLASLt: describing a matrix")
}

/// That an algorithm may use the workspace.
fn preference() -> Result<Owned<sys::cublasLtMatmulPreference_t>> {
    let made = result::create_matmul_pref();
    let preference = Owned::new(made, result::destroy_matmul_pref, "cuBLASLt: stating a preference")?;
    let attribute = sys::cublasLtMatmulPreferenceAttributes_t::CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES;
    let room = WORKSPACE as u64;
    // SAFETY: the attribute is a 64-bit number, and is copied.
    unsafe {
        let room_pointer = (&raw const room).cast();
        result::set_matmul_pref_attribute(preference.value, attribute, room_pointer, size_of_val(&room))
    }
    .during("cuBLASLt: stating a preference")?;
    Ok(preference)
}

/// Something of the library's that is given back when it is dropped.
struct Owned<T: Copy> {
    value: T,
    destroy: unsafe fn(T) -> std::result::Result<(), CublasError>,
}

impl<T: Copy> Owned<T> {
    fn new(
        made: std::result::Result<T, CublasError>,
        destroy: unsafe fn(T) -> std::result::Result<(), CublasError>,
        what: &str,
    ) -> Result<Self> {
        Ok(Self { value: made.during(what)?, destroy })
    }
}

impl<T: Copy> Drop for Owned<T> {
    fn drop(&mut self) {
        // SAFETY: the library has made it, nobody else has it, and this is the function for things of its type.
        let _ = unsafe { (self.destroy)(self.value) };
    }
}

impl<T> During<T> for std::result::Result<T, CublasError> {
    fn during(self, what: &str) -> Result<T> {
        self.map_err(|error| Error::Driver { what: what.into(), reason: error.to_string() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Write, stderr};

    /// What the library knows of sizes, orders and types it tells without a device.
    #[test]
    fn the_library_takes_our_descriptions() {
        if !CUBLASLT.load() {
            // Past the capture that hides what passing tests print.
            let _ = writeln!(stderr(), "descriptions for cuBLASLt: skipped, {}", Error::NoCublasLt);
            return;
        }
        for arithmetic in [Arithmetic::F32, Arithmetic::Tf32] {
            for transposed in [[false, true], [true, false]] {
                operation(transposed, arithmetic).unwrap();
            }
        }
        layout(784, 400).unwrap();
        preference().unwrap();
    }
}
