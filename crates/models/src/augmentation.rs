//! Changes to images that leave what they show the same.

use wengert_tensor::{DType, Generator, Tensor};

/// Images `[N, C, H, W]`, each moved by up to `reach` pixels along each axis, black coming in from outside. Without
/// gradients.
pub fn moved(images: &Tensor, reach: usize, rng: &Generator) -> Tensor {
    if reach == 0 {
        return images.clone();
    }
    let [count, channels, height, width] = images.dims()[..] else { panic!("images have four axes") };
    let reach = reach as i64;
    let by = rng.randint(-reach, reach + 1, [count, 2]).to_vec::<i64>();
    let source = images.to_vec::<f32>();
    Tensor::build([count, channels, height, width], |out: &mut [f32]| {
        out.fill(0.0);
        let size = channels * height * width;
        for ((by, from), to) in
            by.chunks_exact(2).zip(source.chunks_exact(size)).zip(out.chunks_exact_mut(size))
        {
            let (rows, columns) = (overlap(by[0], height), overlap(by[1], width));
            let planes = from.chunks_exact(height * width).zip(to.chunks_exact_mut(height * width));
            for (from, to) in planes {
                for row in 0..rows.length {
                    let start = (rows.from + row) * width + columns.from;
                    let end = (rows.to + row) * width + columns.to;
                    to[end..end + columns.length].copy_from_slice(&from[start..start + columns.length]);
                }
            }
        }
    })
}

/// Images `[N, C, H, W]`, each under an affine map of its own near the identity: turned, sheared, stretched and moved. 0
/// comes in from outside. With gradients with respect to the images.
///
/// The pixel at x, in −1..1 along both axes, is read at (1 + A)·x + b, between pixels by bilinear interpolation; the numbers
/// of A and b are drawn from U(−strength, strength).
pub fn warped(images: &Tensor, strength: f64, rng: &Generator) -> Tensor {
    if strength == 0.0 {
        return images.clone();
    }
    let maps = rng.uniform([images.dims()[0], 6], -strength, strength, DType::F32).to_vec::<f32>();
    let maps: Vec<Map> = maps.chunks_exact(6).map(|map| map.try_into().expect("six numbers")).collect();
    under_maps(images, &maps)
}

/// Images `[N, C, H, W]`, each made narrower or wider from the left edge and shorter or longer from the upper edge, which
/// stay where they are. 0 comes in from outside. With gradients with respect to the images.
///
/// What lies at a distance d from the edge is read at (1 + s)·d, between pixels by bilinear interpolation; s is drawn from
/// U(−across, across) for the columns and from U(−down, down) for the rows.
pub fn stretched(images: &Tensor, across: f64, down: f64, rng: &Generator) -> Tensor {
    if across == 0.0 && down == 0.0 {
        return images.clone();
    }
    let shares = rng.uniform([images.dims()[0], 2], -1.0, 1.0, DType::F32).to_vec::<f32>();
    let map = |share: &[f32]| {
        let [x, y] = [share[0] * across as f32, share[1] * down as f32];
        [x, 0.0, x, 0.0, y, y]
    };
    let maps: Vec<Map> = shares.chunks_exact(2).map(map).collect();
    under_maps(images, &maps)
}

/// What an affine map adds to a place (x, y), both in −1..1: `[a, b, c, d, e, f]` adds (a·x + b·y + c, d·x + e·y + f).
type Map = [f32; 6];

/// Images `[N, C, H, W]`, the pixels of each read where its map says, between pixels by bilinear interpolation.
fn under_maps(images: &Tensor, maps: &[Map]) -> Tensor {
    let [count, channels, height, width] = images.dims()[..] else { panic!("images have four axes") };
    let pixels = height * width;
    let mut corners =
        [(); 4].map(|()| (Vec::with_capacity(count * pixels), Vec::with_capacity(count * pixels)));
    for map in maps {
        for pixel in 0..pixels {
            let [x, y] = [place(pixel % width, width), place(pixel / width, height)];
            let [x, y] = [x + map[0] * x + map[1] * y + map[2], y + map[3] * x + map[4] * y + map[5]];
            let [columns, rows] = [between(x, width), between(y, height)];
            let pairs = rows.iter().flat_map(|row| columns.iter().map(move |column| (row, column)));
            for ((indices, weights), ((row, a), (column, b))) in corners.iter_mut().zip(pairs) {
                indices.push((row * width + column) as i64);
                weights.push(a * b);
            }
        }
    }
    let flat = images.flatten(2, -1);
    let parts = corners.map(|(indices, weights)| {
        let index = Tensor::from_vec(indices, [count, 1, pixels]).expand([count, channels, pixels]);
        flat.gather(2, &index) * Tensor::from_vec(weights, [count, 1, pixels])
    });
    let sum = parts.into_iter().reduce(|sum, part| sum + part).expect("there are four corners");
    sum.reshape([count, channels, height, width])
}

/// Where a pixel lies along an axis, from −1 to 1.
fn place(index: usize, length: usize) -> f32 {
    (2 * index + 1) as f32 / length as f32 - 1.0
}

/// The two pixels between which a place lies, with their weights; a weight of 0 for one outside.
fn between(place: f32, length: usize) -> [(usize, f32); 2] {
    let index = ((place + 1.0) * length as f32 - 1.0) / 2.0;
    let share = index - index.floor();
    [(index.floor(), 1.0 - share), (index.floor() + 1.0, share)].map(|(index, weight)| {
        if index >= 0.0 && index < length as f32 { (index as usize, weight) } else { (0, 0.0) }
    })
}

/// What stays in sight of an axis that is moved: where it is read, where it is written, and how long it is.
struct Overlap {
    from: usize,
    to: usize,
    length: usize,
}

fn overlap(by: i64, length: usize) -> Overlap {
    let distance = (by.unsigned_abs() as usize).min(length);
    let (from, to) = if by < 0 { (distance, 0) } else { (0, distance) };
    Overlap { from, to, length: length - distance }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_smooth_is_read_where_the_map_says() {
        // A ramp along both axes is interpolated without error, so the image tells where it was read.
        let side = 16;
        let ramp: Vec<f32> =
            (0..side * side).map(|i| place(i % side, side) + 10.0 * place(i / side, side)).collect();
        let images = Tensor::from_slice(&ramp, [1, 1, side, side]);
        let map = Generator::new(3).uniform([1, 6], -0.2, 0.2, DType::F32).to_vec::<f32>();
        let warped = warped(&images, 0.2, &Generator::new(3)).to_vec::<f32>();
        for pixel in [(4, 4), (11, 5), (7, 8), (5, 11)].map(|(row, column)| row * side + column) {
            let [x, y] = [place(pixel % side, side), place(pixel / side, side)];
            let read = [x + map[0] * x + map[1] * y + map[2], y + map[3] * x + map[4] * y + map[5]];
            assert!((warped[pixel] - (read[0] + 10.0 * read[1])).abs() < 1e-4, "{pixel}");
        }
    }

    #[test]
    fn what_is_stretched_keeps_its_left_and_upper_edge() {
        // Pixels tell how far they lie from the left edge (first channel) and from the upper edge, in pixels.
        let side = 16;
        let distance = |index: usize| index as f32 + 0.5;
        let planes = [
            (0..side * side).map(|i| distance(i % side)).collect::<Vec<f32>>(),
            (0..side * side).map(|i| distance(i / side)).collect(),
        ];
        let images = Tensor::from_slice(&planes.concat(), [1, 2, side, side]).expand([50, 2, side, side]);
        let read = stretched(&images, 0.3, 0.1, &Generator::new(5)).to_vec::<f32>();
        let factors = |row: usize, column: usize| -> Vec<[f32; 2]> {
            let at = row * side + column;
            let images = read.chunks_exact(2 * side * side);
            images
                .map(|image| [image[at] / distance(column), image[at + side * side] / distance(row)])
                .collect()
        };
        // The same factor all over an image, where nothing came in from outside.
        let near = factors(3, 4);
        for (near, far) in near.iter().zip(factors(10, 9)) {
            assert!((near[0] - far[0]).abs() < 1e-4 && (near[1] - far[1]).abs() < 1e-4, "{near:?} {far:?}");
        }
        for (axis, strength) in [0.3, 0.1].into_iter().enumerate() {
            let farthest = near.iter().map(|factor| (factor[axis] - 1.0).abs()).fold(0.0, f32::max);
            assert!(farthest <= strength + 1e-4 && farthest > 0.8 * strength, "{axis} {farthest}");
        }
    }

    #[test]
    fn the_gradient_of_a_warped_image_goes_where_it_was_read() {
        let images = wengert_nn::parameter(Tensor::ones([2, 2, 6, 6], DType::F32));
        let sum = warped(&images, 0.3, &Generator::new(1)).sum_all();
        sum.backward().unwrap();
        let gradient = images.grad().expect("a gradient").sum_all().item();
        // Linear in the images, which are 1: their sum is the sum of the weights.
        assert!((gradient - sum.item()).abs() < 1e-3 && gradient < 144.0, "{gradient} {}", sum.item());
    }

    #[test]
    fn images_are_moved_whole_and_black_comes_in() {
        let image: Vec<f32> = (1..=6).map(|value| value as f32).collect();
        let images = Tensor::from_slice(&image.repeat(200), [200, 1, 2, 3]);
        let moved = moved(&images, 1, &Generator::new(5)).to_vec::<f32>();
        let mut seen: Vec<Vec<f32>> = moved.chunks(6).map(<[f32]>::to_vec).collect();
        seen.sort_by(|a, b| a.partial_cmp(b).unwrap());
        seen.dedup();
        assert_eq!(seen.len(), 9, "three places along each of two axes");
        assert!(seen.contains(&image));
        assert!(seen.contains(&vec![0.0, 0.0, 0.0, 0.0, 1.0, 2.0]), "down and to the right: {seen:?}");
        assert!(seen.contains(&vec![5.0, 6.0, 0.0, 0.0, 0.0, 0.0]), "up and to the left: {seen:?}");
    }
}
