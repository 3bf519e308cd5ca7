//! Images on their way to a page and from it: bytes, channel by channel, row by row.

use crate::answer::Refusal;
use wengert_tensor::Tensor;

/// The pixels of an image with values in 0..1, as a PNG file would hold them.
pub fn to_bytes(image: &Tensor) -> Vec<u8> {
    image.to_vec::<f32>().into_iter().map(|value| (value.clamp(0.0, 1.0) * 255.0).round() as u8).collect()
}

/// The pixels of each of several images.
pub fn all_to_bytes(images: &Tensor) -> Vec<Vec<u8>> {
    let size = images.dims()[1..].iter().product::<usize>().max(1);
    to_bytes(images).chunks_exact(size).map(<[u8]>::to_vec).collect()
}

/// Pixels of a page as an image of this shape, f32 `[1, channels, height, width]` in 0..1.
pub fn from_bytes(bytes: &[u8], shape: [usize; 3]) -> Result<Tensor, Refusal> {
    let [channels, height, width] = shape;
    let size = channels * height * width;
    if bytes.len() != size {
        let found = bytes.len();
        return Err(Refusal::wrong(format!(
            "the image has {found} values; those of this model have {channels} × {height} × {width} = {size}"
        )));
    }
    let values = bytes.iter().map(|&byte| f32::from(byte) / 255.0).collect();
    Ok(Tensor::from_vec(values, [1, channels, height, width]))
}
