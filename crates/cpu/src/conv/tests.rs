//! Convolution against its definition, and the gradients against the adjoint identity ⟨conv(x, w), ȳ⟩ = ⟨x,
//! x̄⟩ = ⟨w, w̄⟩, for every instruction set. The numbers are small integers, so that every sum is exact and equality
//! means equality.

use super::forward::forward_by;
use super::input_grad::input_grad_by;
use super::kernel::of;
use super::weight_grad::weight_grad_by;
use super::*;
use crate::simd::Level;
use crate::window::output_size;

struct Setting {
    images: usize,
    groups: usize,
    channels: [usize; 2],
    input: [usize; 2],
    kernel: [usize; 2],
    stride: [usize; 2],
    dilation: [usize; 2],
    padding: [(usize, isize); 2],
}

const PLAIN: Setting = Setting {
    images: 2,
    groups: 1,
    channels: [3, 4],
    input: [7, 6],
    kernel: [3, 2],
    stride: [1, 1],
    dilation: [1, 1],
    padding: [(0, 0), (0, 0)],
};

const HALVING: Setting = Setting { kernel: [4, 4], stride: [2, 2], padding: [(1, 1), (1, 1)], ..PLAIN };

fn settings() -> Vec<Setting> {
    vec![
        PLAIN,
        Setting { images: 1, channels: [1, 1], ..PLAIN },
        Setting { images: 0, ..PLAIN },
        Setting { channels: [2, 0], padding: [(0, 0), (1, 0)], ..PLAIN },
        Setting { channels: [0, 2], padding: [(0, 0), (1, 0)], ..PLAIN },
        Setting { kernel: [1, 1], stride: [3, isize::MAX as usize], ..PLAIN },
        Setting { padding: [(1, 1), (1, 1)], ..PLAIN },
        Setting { stride: [2, 3], padding: [(2, 2), (1, 1)], ..PLAIN },
        Setting { dilation: [2, 3], padding: [(2, 2), (3, 3)], ..PLAIN },
        Setting { groups: 3, channels: [2, 5], ..PLAIN },
        Setting { groups: 6, channels: [1, 1], padding: [(1, 1), (0, 1)], ..PLAIN },
        Setting { kernel: [1, 1], ..PLAIN },
        Setting { kernel: [1, 1], stride: [2, 2], ..PLAIN },
        Setting { kernel: [1, 1], groups: 2, images: 1, channels: [24, 16], ..PLAIN },
        // A causal row, and the cropped end that a transposed convolution's output padding leads to.
        Setting { input: [1, 20], kernel: [1, 3], dilation: [1, 4], padding: [(0, 0), (8, 0)], ..PLAIN },
        Setting { stride: [3, 3], padding: [(1, -1), (0, -2)], ..PLAIN },
        // Few images and many channels: cut by channels. Wide rows: cut by columns.
        Setting { images: 1, channels: [40, 48], padding: [(1, 1), (1, 1)], ..PLAIN },
        Setting { images: 1, channels: [6, 10], input: [3, 800], padding: [(1, 1), (1, 1)], ..PLAIN },
        Setting { images: 37, channels: [2, 3], ..PLAIN },
        // Few channels: lanes are positions. Rows of several vectors, and a stride that sorts columns by remainder.
        Setting { channels: [9, 1], input: [5, 37], padding: [(1, 1), (1, 0)], ..PLAIN },
        Setting { channels: [2, 3], input: [6, 40], stride: [2, 2], padding: [(1, 1), (2, 1)], ..PLAIN },
        Setting { channels: [4, 1], input: [9, 70], stride: [3, 3], dilation: [2, 2], ..PLAIN },
        Setting { groups: 2, channels: [1, 2], input: [4, 16], stride: [1, 4], ..PLAIN },
        Setting { images: 1, channels: [2, 1], input: [2, 2500], kernel: [1, 3], ..PLAIN },
        Setting { groups: 40, channels: [1, 1], input: [9, 20], padding: [(1, 1), (0, 0)], ..PLAIN },
        // The layers of a DCGAN in small, and one kernel that leaves gaps.
        Setting { channels: [5, 70], input: [14, 14], ..HALVING },
        Setting { channels: [1, 33], input: [28, 28], ..HALVING },
        Setting { images: 1, channels: [3, 2], kernel: [2, 2], stride: [3, 3], ..HALVING },
        // Sums too long for one product, and more positions than a stage has rows.
        Setting { images: 1, channels: [330, 1], kernel: [3, 3], ..PLAIN },
        Setting { images: 1, channels: [1, 81], input: [31, 45], padding: [(1, 1), (1, 1)], ..PLAIN },
    ]
}

impl Setting {
    fn convolution(&self) -> Convolution {
        let window = |axis: usize| {
            let (input, kernel, padding) = (self.input[axis], self.kernel[axis], self.padding[axis]);
            let (stride, dilation) = (self.stride[axis], self.dilation[axis]);
            let output = output_size(input, kernel, stride, dilation, padding).unwrap();
            Window { input, output, kernel, stride, dilation, padding: padding.0 }
        };
        Convolution {
            images: self.images,
            groups: self.groups,
            in_channels: self.channels[0],
            out_channels: self.channels[1],
            rows: window(0),
            columns: window(1),
        }
    }
}

fn numbers<T: Convolve>(count: usize, step: usize) -> Vec<T> {
    (0..count).map(|i| T::from_f64(((i * step) % 11) as f64 - 5.0)).collect()
}

fn definition<T: Convolve>(shape: &Convolution, input: &[T], weight: &[T], bias: &[T]) -> Vec<T> {
    let Convolution { images, groups, in_channels, out_channels, rows, columns } = *shape;
    assert_eq!(bias.len(), groups * out_channels);
    let mut out = Vec::new();
    for image in 0..images {
        for (channel, &bias) in bias.iter().enumerate() {
            for (y, x) in (0..rows.output).flat_map(|y| (0..columns.output).map(move |x| (y, x))) {
                let mut sum = bias;
                for c in 0..in_channels {
                    for (i, j) in (0..rows.kernel).flat_map(|i| (0..columns.kernel).map(move |j| (i, j))) {
                        let row = (y * rows.stride + i * rows.dilation).wrapping_sub(rows.padding);
                        let column =
                            (x * columns.stride + j * columns.dilation).wrapping_sub(columns.padding);
                        if row < rows.input && column < columns.input {
                            let plane = (image * groups + channel / out_channels) * in_channels + c;
                            let tap = ((channel * in_channels + c) * rows.kernel + i) * columns.kernel + j;
                            let value = input[(plane * rows.input + row) * columns.input + column];
                            sum = sum.plus(value.times(weight[tap]));
                        }
                    }
                }
                out.push(sum);
            }
        }
    }
    out
}

fn dot<T: Convolve>(a: &[T], b: &[T]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a.to_f64() * b.to_f64()).sum()
}

/// The instruction sets of this processor.
fn levels() -> impl Iterator<Item = Level> {
    [Level::Baseline, Level::Avx2, Level::Avx512].into_iter().filter(|level| *level <= Level::detect())
}

#[test]
fn forward_agrees_with_the_definition() {
    fn check<T: Convolve>(kernel: Kernel<T>, what: &str) {
        for shape in settings().iter().map(Setting::convolution) {
            let (input, weight) = (numbers(shape.input_len(), 7), numbers(shape.weight_len(), 5));
            let bias = numbers(shape.groups * shape.out_channels, 3);
            let mut out = vec![T::from_f64(f64::NAN); shape.output_len()];
            forward_by(kernel, &shape, &input, &weight, Some(&bias), &mut out);
            assert_eq!(out, definition(&shape, &input, &weight, &bias), "{what}: {shape:?}");
        }
    }
    check(f64::kernel(), "f64");
    levels().for_each(|level| check(of(level), level.name()));
}

#[test]
fn gradients_are_adjoint_to_the_forward_pass() {
    fn check<T: Convolve>(kernel: Kernel<T>, what: &str) {
        for shape in settings().iter().map(Setting::convolution) {
            let (input, weight) = (numbers::<T>(shape.input_len(), 7), numbers(shape.weight_len(), 5));
            let cotangent = numbers(shape.output_len(), 9);
            let nan = T::from_f64(f64::NAN);
            let mut output = vec![nan; shape.output_len()];
            let mut input_bar = vec![nan; shape.input_len()];
            let mut weight_bar = vec![nan; shape.weight_len()];
            forward_by(kernel, &shape, &input, &weight, None, &mut output);
            input_grad_by(kernel, &shape, &weight, &cotangent, None, &mut input_bar);
            weight_grad_by(kernel, &shape, &input, &cotangent, &mut weight_bar);
            let expected = dot(&output, &cotangent);
            assert_eq!(dot(&input, &input_bar), expected, "{what}: {shape:?}");
            assert_eq!(dot(&weight, &weight_bar), expected, "{what}: {shape:?}");
        }
    }
    check(f64::kernel(), "f64");
    levels().for_each(|level| check(of(level), level.name()));
}

#[test]
fn what_no_tap_meets_does_not_matter() {
    // Every second element of a row, in rows that fill no vector and in rows that fill some and a part.
    for (level, width) in levels().flat_map(|level| [3, 11, 41].map(|width| (level, width))) {
        let setting =
            Setting { channels: [1, 1], input: [3, width], kernel: [1, 1], stride: [1, 2], ..PLAIN };
        let shape = setting.convolution();
        let input: Vec<f32> = (0..shape.input_len())
            .map(|i| if i % width % 2 == 0 { 1.0 } else { [f32::INFINITY, f32::NAN][i % 2] })
            .collect();
        let (mut output, mut weight_bar) = (vec![0.0; shape.output_len()], [0.0]);
        forward_by(of(level), &shape, &input, &[2.0], None, &mut output);
        weight_grad_by(of(level), &shape, &input, &output, &mut weight_bar);
        assert_eq!(output, vec![2.0; shape.output_len()]);
        assert_eq!(weight_bar, [2.0 * shape.output_len() as f32], "{} {width}", level.name());
    }
}

#[test]
fn input_grad_of_one_tap_adds_the_bias() {
    let shape = Setting { images: 1, channels: [2, 1], kernel: [1, 1], input: [2, 2], ..PLAIN }.convolution();
    let mut out = vec![f64::NAN; 8];
    input_grad(&shape, &[2.0, 3.0], &[1.0, 10.0, 100.0, 1000.0], Some(&[0.5, 0.25]), &mut out);
    assert_eq!(out, [2.5, 20.5, 200.5, 2000.5, 3.25, 30.25, 300.25, 3000.25]);
}

#[test]
fn the_number_of_threads_does_not_change_a_bit() {
    let few = Setting { images: 21, channels: [5, 6], padding: [(1, 1), (1, 1)], ..PLAIN };
    let slid = Setting { images: 5, channels: [20, 1], input: [28, 28], ..HALVING };
    for (level, setting) in levels().flat_map(|level| [(level, &few), (level, &slid)]) {
        let shape = setting.convolution();
        let roots = |count: usize| (0..count).map(|i| (i as f32).sqrt().fract() - 0.5).collect::<Vec<_>>();
        let (input, weight) = (roots(shape.input_len()), roots(shape.weight_len()));
        let cotangent = roots(shape.output_len());
        let run = |threads| {
            rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(|| {
                let mut output = vec![0.0; shape.output_len()];
                let mut input_bar = vec![0.0; shape.input_len()];
                let mut weight_bar = vec![0.0; shape.weight_len()];
                forward_by(of(level), &shape, &input, &weight, None, &mut output);
                input_grad_by(of(level), &shape, &weight, &cotangent, None, &mut input_bar);
                weight_grad_by(of(level), &shape, &input, &cotangent, &mut weight_bar);
                [output, input_bar, weight_bar]
                    .map(|values| values.iter().map(|x: &f32| x.to_bits()).collect::<Vec<_>>())
            })
        };
        let one = run(1);
        for threads in [2, 3] {
            assert_eq!(run(threads), one, "{}", level.name());
        }
    }
}
