//! The shared device helpers, run by the emulator, against plain arithmetic.

mod common;

use common::{Device, noise, shape};
use cudarc::driver::{DeviceRepr, LaunchConfig, PushKernelArg};

#[test]
fn every_element_is_visited_once_whatever_the_launch() {
    let device = Device::new();
    let axpy = device.function("axpy");
    for (blocks, threads, n) in [(1, 1, 5), (7, 33, 1000), (4, 256, 100_000), (400, 256, 100_000)] {
        let (x, y) = (noise(n, 1), noise(n, 2));
        let on_device = device.stream.clone_htod(&x).unwrap();
        let mut result = device.stream.clone_htod(&y).unwrap();
        let count = n as i64;
        let mut launch = device.stream.launch_builder(&axpy);
        launch.arg(&0.5f32).arg(&on_device).arg(&mut result).arg(&count);
        // SAFETY: the arguments are those of the kernel, and both buffers hold n elements.
        unsafe { launch.launch(shape(blocks, threads)) }.unwrap();
        let wanted: Vec<f32> = x.iter().zip(&y).map(|(x, y)| 0.5f32.mul_add(*x, *y)).collect();
        assert_eq!(device.stream.clone_dtoh(&result).unwrap(), wanted, "{blocks} blocks of {threads}");
    }
}

fn reduce_rows<T: DeviceRepr + Default + Clone>(
    device: &Device,
    kernel: &str,
    x: &[T],
    columns: usize,
    threads: u32,
) -> Vec<T> {
    let rows = x.len() / columns;
    let on_device = device.stream.clone_htod(x).unwrap();
    // SAFETY: the kernel writes all of it.
    let mut result = unsafe { device.stream.alloc::<T>(rows) }.unwrap();
    let function = device.function(kernel);
    let mut launch = device.stream.launch_builder(&function);
    let columns = columns as i32;
    launch.arg(&on_device).arg(&mut result).arg(&columns);
    // SAFETY: the arguments are those of the kernel.
    unsafe { launch.launch(shape(rows as u32, threads)) }.unwrap();
    device.stream.clone_dtoh(&result).unwrap()
}

#[test]
fn a_block_reduces_each_type_by_each_operation() {
    let device = Device::new();
    let x = noise(3 * 1000, 3);
    let doubles: Vec<f64> = x.iter().map(|&x| f64::from(x)).collect();
    let numbers: Vec<i64> = x.iter().map(|&x| (x * 1e18) as i64).collect();
    for threads in [32, 64, 96, 256, 1024] {
        let sums = reduce_rows(&device, "row_sum_f32", &x, 1000, threads);
        let double_sums = reduce_rows(&device, "row_sum_f64", &doubles, 1000, threads);
        for row in 0..3 {
            let exact: f64 = doubles[row * 1000..][..1000].iter().sum();
            assert!(
                (f64::from(sums[row]) - exact).abs() < 1e-4,
                "{threads} threads: {} is not {exact}",
                sums[row]
            );
            assert!((double_sums[row] - exact).abs() < 1e-12);
        }
        let rows = |x: &[i64]| {
            x.chunks(1000).map(|row| row.iter().fold(0i64, |a, b| a.wrapping_add(*b))).collect::<Vec<_>>()
        };
        assert_eq!(reduce_rows(&device, "row_sum_i64", &numbers, 1000, threads), rows(&numbers));
        let least: Vec<i64> = numbers.chunks(1000).map(|row| *row.iter().min().unwrap()).collect();
        assert_eq!(reduce_rows(&device, "row_min_i64", &numbers, 1000, threads), least);
        let most: Vec<f32> = x.chunks(1000).map(|row| row.iter().copied().fold(f32::MIN, f32::max)).collect();
        assert_eq!(reduce_rows(&device, "row_max_f32", &x, 1000, threads), most);
    }
}

#[test]
fn a_maximum_keeps_a_nan() {
    let device = Device::new();
    let mut x = noise(500, 4);
    x[77] = f32::NAN;
    assert!(reduce_rows(&device, "row_max_f32", &x, 500, 128)[0].is_nan());
}

#[test]
fn warp_functions_give_what_the_programming_guide_says() {
    let device = Device::new();
    let mut result = device.stream.alloc_zeros::<i32>(8 * 64).unwrap();
    let function = device.function("warp_functions");
    // SAFETY: eight numbers for each of 64 lanes.
    unsafe { device.stream.launch_builder(&function).arg(&mut result).launch(shape(1, 64)) }.unwrap();
    let result = device.stream.clone_dtoh(&result).unwrap();
    for (i, got) in (0i32..).zip(result.chunks(8)) {
        let (warp, lane) = (i / 32 * 32, i % 32);
        let thirds = (0..32).filter(|l| (warp + l) % 3 == 0).fold(0u32, |bits, l| bits | 1 << l);
        let wanted = [
            warp + 3,
            if lane < 2 { i } else { i - 2 },
            if lane + 5 > 31 { i } else { i + 5 },
            warp + (lane ^ 9),
            warp + lane / 8 * 8 + 1,
            if lane % 4 == 0 { i + 3 } else { i },
            thirds as i32,
            if lane < 16 { i ^ 1 } else { 0 },
        ];
        assert_eq!(got, wanted, "lane {lane} of warp {}", i / 32);
    }
}

#[test]
fn shared_memory_and_atomics_count() {
    let device = Device::new();
    let bytes: Vec<u8> = noise(50_000, 5).iter().map(|x| ((x + 1.0) * 127.0) as u8).collect();
    let on_device = device.stream.clone_htod(&bytes).unwrap();
    let mut counts = device.stream.alloc_zeros::<u32>(256).unwrap();
    let function = device.function("histogram");
    let n = bytes.len() as i32;
    let mut launch = device.stream.launch_builder(&function);
    launch.arg(&on_device).arg(&mut counts).arg(&n);
    // SAFETY: the arguments are those of the kernel, and 1024 bytes hold its bins.
    unsafe { launch.launch(LaunchConfig { shared_mem_bytes: 1024, ..shape(8, 96) }) }.unwrap();
    let mut wanted = [0u32; 256];
    bytes.iter().for_each(|&byte| wanted[usize::from(byte)] += 1);
    assert_eq!(device.stream.clone_dtoh(&counts).unwrap(), wanted);
}

#[test]
fn the_twin_of_the_tensor_cores_multiplies_matrices() {
    const K: usize = 256;
    let device = Device::new();
    let (a, b) = (noise(16 * K, 6), noise(K * 8, 7));
    let (a_on_device, b_on_device) =
        (device.stream.clone_htod(&a).unwrap(), device.stream.clone_htod(&b).unwrap());
    let function = device.function("tensor_core_product");
    let product = |split: i32| {
        let mut c = device.stream.alloc_zeros::<f32>(16 * 8).unwrap();
        let k = K as i32;
        let mut launch = device.stream.launch_builder(&function);
        launch.arg(&a_on_device).arg(&b_on_device).arg(&mut c).arg(&k).arg(&split);
        // SAFETY: the arguments are those of the kernel.
        unsafe { launch.launch(shape(1, 32)) }.unwrap();
        device.stream.clone_dtoh(&c).unwrap()
    };
    let cell = |at: usize, round: fn(f32) -> f64| -> f64 {
        (0..K).map(|k| round(a[at / 8 * K + k]) * round(b[k * 8 + at % 8])).sum()
    };
    let error = |got: &[f32], round: fn(f32) -> f64| {
        let (mut off, mut size) = (0.0, 0.0);
        for (at, &got) in got.iter().enumerate() {
            let exact = cell(at, round);
            off += (f64::from(got) - exact).powi(2);
            size += exact * exact;
        }
        (off / size).sqrt()
    };
    // To nearest at 10 bits, ties away from zero: what PTX calls cvt.rna.
    let tf32 = |x: f32| f64::from(f32::from_bits((x.to_bits() + 0x1000) & 0xffff_e000));
    let (plain, split) = (product(0), product(1));
    assert!(error(&plain, tf32) < 1e-6, "{:e}", error(&plain, tf32));
    assert!((1e-5..1e-3).contains(&error(&plain, f64::from)), "{:e}", error(&plain, f64::from));
    assert!(error(&split, f64::from) < 1e-6, "{:e}", error(&split, f64::from));
}

#[test]
fn launches_have_three_dimensions() {
    let device = Device::new();
    let (grid, block) = ((3u32, 2u32, 2u32), (4u32, 3u32, 2u32));
    let threads = (block.0 * block.1 * block.2) as usize;
    let blocks = (grid.0 * grid.1 * grid.2) as usize;
    let mut result = device.stream.alloc_zeros::<i32>(2 * threads * blocks).unwrap();
    let function = device.function("places");
    let config = LaunchConfig { grid_dim: grid, block_dim: block, shared_mem_bytes: 0 };
    // SAFETY: two numbers for each thread.
    unsafe { device.stream.launch_builder(&function).arg(&mut result).launch(config) }.unwrap();
    let result = device.stream.clone_dtoh(&result).unwrap();
    let digits = |n: usize, size: (u32, u32, u32)| {
        let (x, y) = (size.0 as usize, size.1 as usize);
        (n % x + 10 * (n / x % y) + 100 * (n / (x * y))) as i32
    };
    for (i, got) in result.chunks(2).enumerate() {
        assert_eq!(got, [digits(i / threads, grid), digits(i % threads, block)]);
    }
}
