//! Convolutions by every arithmetic against their definition in f64.

use super::*;
use crate::Device;

/// Numbers in (−1, 1), as f32 has them.
fn fractions(count: usize, seed: u32) -> Vec<f32> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (f64::from(state >> 8) / f64::from(1 << 23) - 1.0) as f32
    };
    (0..count).map(|_| next()).collect()
}

/// Calls `visit` with the places of input, weight and output of every product of the convolution, of one group.
fn each_product(convolution: &Convolution, mut visit: impl FnMut(usize, usize, usize)) {
    let Convolution { images, in_channels, out_channels, rows, columns, .. } = *convolution;
    let reads = |window: Window, position: usize, tap: usize| {
        let at = (position * window.stride + tap * window.dilation).checked_sub(window.padding)?;
        (at < window.input).then_some(at)
    };
    for image in 0..images {
        for (out, y, x) in all([out_channels, rows.output, columns.output]) {
            let to = ((image * out_channels + out) * rows.output + y) * columns.output + x;
            for (channel, a, b) in all([in_channels, rows.kernel, columns.kernel]) {
                let weight = ((out * in_channels + channel) * rows.kernel + a) * columns.kernel + b;
                if let (Some(row), Some(column)) = (reads(rows, y, a), reads(columns, x, b)) {
                    let plane = image * in_channels + channel;
                    visit((plane * rows.input + row) * columns.input + column, weight, to);
                }
            }
        }
    }
}

fn all([a, b, c]: [usize; 3]) -> impl Iterator<Item = (usize, usize, usize)> {
    (0..a).flat_map(move |i| (0..b).flat_map(move |j| (0..c).map(move |k| (i, j, k))))
}

/// Fails unless `run` computes `expected` from two operands.
fn expect(
    what: &str,
    operands: [&[f32]; 2],
    expected: &[f64],
    tolerance: f64,
    run: impl FnOnce([View<'_>; 2], &Memory) -> Result<()>,
) {
    wengert_emulator::load().unwrap();
    let device = Device::get(0).unwrap();
    let memories = operands.map(|operand| Memory::upload(&device, operand).unwrap());
    let sizes = operands.map(|operand| [operand.len()]);
    let view = |i: usize| View::new(&memories[i], Kind::F32, &sizes[i], &[1], 0).unwrap();
    let out = Memory::unspecified(&device, expected.len() * 4).unwrap();
    run([view(0), view(1)], &out).unwrap();
    let mut found = vec![0f32; expected.len()];
    out.read(0, &mut found).unwrap();
    let size = expected.iter().fold(0.0f64, |size, value| size.max(value.abs()));
    for (i, (&found, &expected)) in found.iter().zip(expected).enumerate() {
        let error = (f64::from(found) - expected).abs();
        assert!(error <= tolerance * size, "{what} at {i}: {found}, not {expected}");
    }
}

fn check(convolution: &Convolution) {
    let image = fractions(convolution.input_len(), 1);
    let weight = fractions(convolution.weight_len(), 2);
    let cotangent = fractions(convolution.output_len(), 3);
    let mut output = vec![0.0; cotangent.len()];
    let mut image_grad = vec![0.0; image.len()];
    let mut weight_sums = vec![0.0; weight.len()];
    each_product(convolution, |from, by, to| {
        let [x, w, g] = [image[from], weight[by], cotangent[to]].map(f64::from);
        output[to] += x * w;
        image_grad[from] += g * w;
        weight_sums[by] += g * x;
    });
    for (precision, tolerance) in [(Precision::F32, 1e-6), (Precision::Tf32, 2e-3), (Precision::Fma, 1e-6)] {
        let name = |what: &str| format!("{what} in {precision:?} of {convolution:?}");
        expect(&name("output"), [&image, &weight], &output, tolerance, |[image, weight], out| {
            forward(convolution, image, weight, None, precision, out)
        });
        expect(&name("input"), [&cotangent, &weight], &image_grad, tolerance, |[cotangent, weight], out| {
            input_grad(convolution, cotangent, weight, None, precision, out)
        });
        expect(&name("weight"), [&image, &cotangent], &weight_sums, tolerance, |[image, cotangent], out| {
            weight_grad(convolution, image, cotangent, precision, out)
        });
    }
}

/// A window of the same padding before and after the axis.
fn window(input: usize, kernel: usize, stride: usize, padding: usize) -> Window {
    let output = (input + 2 * padding - kernel) / stride + 1;
    Window { input, output, kernel, stride, dilation: 1, padding }
}

#[test]
fn every_arithmetic_gives_the_convolution() {
    let (rows, columns) = (window(9, 3, 2, 1), window(8, 4, 2, 1));
    check(&Convolution { images: 3, groups: 1, in_channels: 35, out_channels: 66, rows, columns });
}

#[test]
fn many_positions_have_large_tiles() {
    let side = window(32, 1, 1, 0);
    check(&Convolution {
        images: 33,
        groups: 1,
        in_channels: 2,
        out_channels: 40,
        rows: side,
        columns: side,
    });
}
