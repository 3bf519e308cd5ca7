//! Matrices for the tests and benchmarks of products.
#![allow(dead_code, reason = "each of them uses a part")]

use wengert_cuda::gemm::cublaslt::{Arithmetic, Product};
use wengert_cuda::gemm::{Epilogue, Precision, matmul};
use wengert_cuda::{Device, Kind, Memory, View};

/// Numbers in (−1, 1).
pub fn fractions(count: usize, seed: u32) -> Vec<f32> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

/// A matrix on the device, stored by rows or by columns.
pub struct Matrix {
    pub numbers: Vec<f32>,
    pub memory: Memory,
    pub sizes: [usize; 2],
    pub strides: [isize; 2],
}

impl Matrix {
    pub fn new(device: &Device, sizes: [usize; 2], transposed: bool, seed: u32) -> Self {
        let [rows, columns] = sizes;
        let numbers = fractions(rows * columns, seed);
        let strides = if transposed { [1, rows as isize] } else { [columns as isize, 1] };
        Self { memory: Memory::upload(device, &numbers).unwrap(), numbers, sizes, strides }
    }

    pub fn view(&self) -> View<'_> {
        View::new(&self.memory, Kind::F32, &self.sizes, &self.strides, 0).unwrap()
    }

    pub fn at(&self, row: usize, column: usize) -> f64 {
        f64::from(self.numbers[row * self.strides[0] as usize + column * self.strides[1] as usize])
    }
}

pub fn read(memory: &Memory, count: usize) -> Vec<f32> {
    let mut numbers = vec![0f32; count];
    memory.read(0, &mut numbers).unwrap();
    numbers
}

/// The device to compare with cuBLASLt on, or why that cannot be done here.
pub fn device_with_cublaslt() -> Result<Device, String> {
    let survey = wengert_cuda::survey();
    survey.driver.map_err(|error| error.to_string())?;
    if survey.devices.first().is_some_and(|device| device.name.contains("emulated")) {
        return Err("the device is an emulated one".into());
    }
    if !survey.libraries.iter().any(|library| library.name.contains("cublasLt") && library.found) {
        return Err(wengert_cuda::Error::NoCublasLt.to_string());
    }
    Device::get(0).map_err(|error| error.to_string())
}

/// A product that can be had from this crate and from cuBLASLt.
pub struct Pair {
    left: Matrix,
    right: Matrix,
    pub out: Memory,
    products: [Product; 2],
}

impl Pair {
    /// `transposed` operands are stored by columns.
    pub fn new(device: &Device, sizes: [usize; 3], transposed: [bool; 2]) -> Self {
        let [m, k, n] = sizes;
        Self {
            left: Matrix::new(device, [m, k], transposed[0], 1),
            right: Matrix::new(device, [k, n], transposed[1], 2),
            out: Memory::unspecified(device, m * n * 4).unwrap(),
            products: [Arithmetic::F32, Arithmetic::Tf32]
                .map(|arithmetic| Product::new(device, sizes, transposed, arithmetic).unwrap()),
        }
    }

    pub fn ours(&self, precision: Precision) {
        matmul(self.left.view(), self.right.view(), &self.out, Epilogue::NONE, precision).unwrap();
    }

    pub fn cublaslt(&self, arithmetic: Arithmetic) {
        let product = &self.products[usize::from(arithmetic == Arithmetic::Tf32)];
        product.run(&self.left.memory, &self.right.memory, &self.out).unwrap();
    }
}
