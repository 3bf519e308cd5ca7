//! Convolutions from parts against those of f64, in all three directions.

use super::super::forward::forward_by;
use super::super::input_grad::input_grad_by;
use super::super::kernel::{Convolve, Kernel};
use super::super::weight_grad::weight_grad_by;
use super::*;
use crate::window::{Window, output_size};

/// A convolution of so many images and groups, from so many channels to so many, of images, by a kernel, at strides,
/// dilations and paddings of two axes.
fn convolution(
    [images, groups]: [usize; 2],
    [in_channels, out_channels]: [usize; 2],
    input: [usize; 2],
    kernel: [usize; 2],
    stride: [usize; 2],
    dilation: [usize; 2],
    padding: [(usize, isize); 2],
) -> Convolution {
    let window = |axis: usize| {
        let (input, kernel, padding) = (input[axis], kernel[axis], padding[axis]);
        let (stride, dilation) = (stride[axis], dilation[axis]);
        let output = output_size(input, kernel, stride, dilation, padding).unwrap();
        Window { input, output, kernel, stride, dilation, padding: padding.0 }
    };
    Convolution { images, groups, in_channels, out_channels, rows: window(0), columns: window(1) }
}

/// A layer of a DCGAN in small, with channels that fill no tile.
fn halving() -> Convolution {
    convolution([5, 1], [33, 17], [14, 14], [4, 4], [2, 2], [1, 1], [(1, 1), (1, 1)])
}

fn shapes() -> Vec<Convolution> {
    let (once, one) = ([1, 1], [(1, 1), (1, 1)]);
    vec![
        halving(),
        convolution([3, 1], [20, 35], [9, 7], [3, 3], once, once, one),
        convolution([2, 2], [16, 40], [8, 8], [3, 3], once, once, one),
        convolution([2, 1], [16, 48], [12, 10], [4, 3], [2, 1], once, [(2, 1), (0, 2)]),
        convolution([4, 1], [40, 66], [13, 17], [5, 5], [3, 3], once, [(1, 1), (2, 0)]),
        convolution([1, 1], [24, 70], [15, 15], [3, 3], once, [2, 3], [(2, 2), (3, -1)]),
        // No tap but one; rows and columns that are cut.
        convolution([4, 1], [80, 96], [7, 7], once, once, once, [(0, 0), (0, 0)]),
        convolution([1, 1], [65, 16], [40, 30], [3, 3], once, once, one),
        convolution([1, 1], [16, 48], [1, 2500], [1, 5], once, once, [(0, 0), (2, 2)]),
    ]
}

/// Inner loops that use tiles, and fail where tiles are not used.
fn on_tiles<const PARTS: usize>(unit: Unit) -> Kernel<f32> {
    let on_tiles = OnTiles {
        unit,
        gather: |unit, gather: &Gather<f32>, kernel, out| {
            let used = gather::gather::<PARTS>(unit, gather, kernel, out);
            assert!(used, "{:?} from {:?}, {:?}", gather.size, gather.source_size, gather.columns);
            true
        },
        weight_grad: |unit, shape, kernel, operands, out| {
            assert!(weight_grad::weight_grad::<PARTS>(unit, shape, kernel, operands, out), "on tiles");
            true
        },
    };
    Kernel { on_tiles: Some(on_tiles), ..f32::kernel() }
}

/// Input, weight, output or cotangent of it, and a bias for each direction.
struct Operands<T> {
    input: Vec<T>,
    weight: Vec<T>,
    cotangent: Vec<T>,
    biases: [Vec<T>; 2],
}

impl Operands<f32> {
    fn of(shape: &Convolution) -> Self {
        let mut state = 1u64;
        let mut numbers = |count: usize| -> Vec<f32> {
            let mut next = || {
                state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
            };
            (0..count).map(|_| next()).collect()
        };
        Self {
            input: numbers(shape.input_len()),
            weight: numbers(shape.weight_len()),
            cotangent: numbers(shape.output_len()),
            biases: [shape.out_channels, shape.in_channels].map(|count| numbers(shape.groups * count)),
        }
    }

    fn exact(&self) -> Operands<f64> {
        let all = |numbers: &[f32]| numbers.iter().map(|&x| f64::from(x)).collect::<Vec<_>>();
        Operands {
            input: all(&self.input),
            weight: all(&self.weight),
            cotangent: all(&self.cotangent),
            biases: [all(&self.biases[0]), all(&self.biases[1])],
        }
    }
}

impl<T: Convolve> Operands<T> {
    /// The convolution and both gradients.
    fn run(&self, kernel: Kernel<T>, shape: &Convolution) -> [Vec<T>; 3] {
        let lengths = [shape.output_len(), shape.input_len(), shape.weight_len()];
        let [mut output, mut input_bar, mut weight_bar] = lengths.map(|len| vec![T::from_f64(f64::NAN); len]);
        forward_by(kernel, shape, &self.input, &self.weight, Some(&self.biases[0]), &mut output);
        input_grad_by(kernel, shape, &self.weight, &self.cotangent, Some(&self.biases[1]), &mut input_bar);
        weight_grad_by(kernel, shape, &self.input, &self.cotangent, &mut weight_bar);
        [output, input_bar, weight_bar]
    }
}

fn bits(results: [Vec<f32>; 3]) -> [Vec<u32>; 3] {
    results.map(|values| values.into_iter().map(f32::to_bits).collect())
}

#[test]
fn errors_are_those_that_the_parts_leave_out() {
    for shape in shapes() {
        let operands = Operands::of(&shape);
        let exact = operands.exact().run(f64::kernel(), &shape);
        for (kernel, most) in [(on_tiles::<2>(Unit::Emulated), 1.5e-5), (on_tiles::<3>(Unit::Emulated), 5e-7)]
        {
            let got = operands.run(kernel, &shape);
            for ((got, exact), what) in got.iter().zip(&exact).zip(["output", "input", "weight"]) {
                let square = |x: f64| x * x;
                let error: f64 =
                    got.iter().zip(exact).map(|(&got, exact)| square(f64::from(got) - exact)).sum();
                let norm: f64 = exact.iter().map(|&x| square(x)).sum();
                let error = (error / norm).sqrt();
                assert!(error < most, "{what} of {shape:?}: {error:e}, not below {most:e}");
            }
        }
    }
}

#[test]
fn the_processor_gives_the_bits_of_the_plain_code() {
    let Some(unit) = Unit::detect() else {
        eprintln!("no tile unit here: nothing compared");
        return;
    };
    for shape in shapes() {
        let operands = Operands::of(&shape);
        let with = |kernel: Kernel<f32>| bits(operands.run(kernel, &shape));
        assert!(with(on_tiles::<2>(unit)) == with(on_tiles::<2>(Unit::Emulated)), "two parts: {shape:?}");
        assert!(with(on_tiles::<3>(unit)) == with(on_tiles::<3>(Unit::Emulated)), "three parts: {shape:?}");
    }
}

#[test]
fn bits_do_not_depend_on_the_number_of_threads() {
    let shape = halving();
    let operands = Operands::of(&shape);
    let with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
        pool.install(|| bits(operands.run(on_tiles::<2>(Unit::Emulated), &shape)))
    };
    assert!(with(1) == with(3));
}

#[test]
fn strange_numbers_and_few_channels_are_left_to_f32() {
    let shape = halving();
    let plain = Kernel { on_tiles: None, ..f32::kernel() };
    let tiles = Kernel { on_tiles: Some(of::<2>(Unit::Emulated)), ..plain };
    let same = |operands: Operands<f32>, shape: &Convolution, which: [bool; 3]| {
        let (expected, got) = (bits(operands.run(plain, shape)), bits(operands.run(tiles, shape)));
        let same: Vec<bool> = expected.iter().zip(&got).map(|(expected, got)| expected == got).collect();
        assert_eq!(same, which);
    };
    same(Operands::of(&shape), &shape, [false; 3]);
    for strange in [f32::INFINITY, f32::NAN, f32::from_bits(1)] {
        let mut operands = Operands::of(&shape);
        *operands.input.last_mut().expect("an input") = strange;
        same(operands, &shape, [true, false, true]);
        let mut operands = Operands::of(&shape);
        *operands.weight.last_mut().expect("a weight") = strange;
        same(operands, &shape, [true, true, false]);
        let mut operands = Operands::of(&shape);
        *operands.cotangent.last_mut().expect("a cotangent") = strange;
        same(operands, &shape, [false, true, true]);
    }
    let few = Convolution { in_channels: 15, ..shape };
    same(Operands::of(&few), &few, [true; 3]);
}
