//! Changes to images that leave what they show the same.

use wengert_tensor::{Generator, Tensor, Value};

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
    Tensor::from_value(Value::build([count, channels, height, width], |out: &mut [f32]| {
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
    }))
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
