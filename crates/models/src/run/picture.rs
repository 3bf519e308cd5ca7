//! Grids of images as PNG files.

use crate::Result;
use std::path::Path;
use wengert_tensor::io::atomic;

/// An 8-bit picture, grey (one channel) or RGB (three).
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    width: usize,
    height: usize,
    channels: usize,
    pixels: Vec<u8>,
}

/// Pixels between two images of a grid, and around it.
const GAP: usize = 2;

impl Picture {
    /// Lays images out row by row with a thin dark gap. `images` holds whole images of `[channels, height, width]`,
    /// values in 0..1 (beyond that they are clamped), channel by channel; `columns` images stand in a row.
    ///
    /// One channel makes a grey picture and three an RGB one; other counts show the first channel in grey.
    pub fn grid(images: &[f32], [channels, height, width]: [usize; 3], columns: usize) -> Picture {
        let size = channels * height * width;
        let count = images.len().checked_div(size).unwrap_or(0);
        let columns = columns.clamp(1, count.max(1));
        let shown = if channels == 3 { 3 } else { 1 };
        let mut picture = Picture {
            width: columns * (width + GAP) + GAP,
            height: count.div_ceil(columns) * (height + GAP) + GAP,
            channels: shown,
            pixels: Vec::new(),
        };
        picture.pixels = vec![0; picture.width * picture.height * shown];
        for (index, image) in images.chunks_exact(size.max(1)).enumerate() {
            let left = GAP + index % columns * (width + GAP);
            let top = GAP + index / columns * (height + GAP);
            for (channel, plane) in image.chunks_exact(height * width).take(shown).enumerate() {
                for (y, row) in plane.chunks_exact(width).enumerate() {
                    let start = (top + y) * picture.width + left;
                    for (x, &value) in row.iter().enumerate() {
                        picture.pixels[(start + x) * shown + channel] =
                            (value.clamp(0.0, 1.0) * 255.0).round() as u8;
                    }
                }
            }
        }
        picture
    }

    /// Width in pixels.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Height in pixels.
    pub fn height(&self) -> usize {
        self.height
    }

    /// 1 for grey, 3 for RGB.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// The picture as the bytes of a PNG file.
    pub fn to_png(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, self.width as u32, self.height as u32);
        encoder.set_color(if self.channels == 3 { png::ColorType::Rgb } else { png::ColorType::Grayscale });
        encoder.set_depth(png::BitDepth::Eight);
        let mut writer = encoder.write_header().expect("a header with sides above 0 goes into memory");
        writer.write_image_data(&self.pixels).expect("the pixels have the header's size");
        writer.finish().expect("the end of a picture goes into memory");
        bytes
    }

    /// Writes the picture as a PNG file.
    pub fn save(&self, path: &Path) -> Result<()> {
        Ok(atomic::write(path, self.to_png())?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grid_places_images_row_by_row_and_reads_back() {
        // Three 1×2 images in two columns.
        let picture = Picture::grid(&[0.0, 1.0, 0.5, 2.0, -1.0, 0.25], [1, 1, 2], 2);
        assert_eq!((picture.width(), picture.height(), picture.channels()), (10, 8, 1));
        let at = |x: usize, y: usize| picture.pixels[y * 10 + x];
        assert_eq!([at(2, 2), at(3, 2), at(6, 2), at(7, 2)], [0, 255, 128, 255]);
        assert_eq!([at(2, 5), at(3, 5)], [0, 64]);

        let png = picture.to_png();
        let mut reader = png::Decoder::new(std::io::Cursor::new(&png)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        assert_eq!((info.width, info.height), (10, 8));
        assert_eq!(pixels, picture.pixels);
    }

    #[test]
    fn colours_are_interleaved() {
        let picture = Picture::grid(&[1.0, 0.0, 0.5], [3, 1, 1], 1);
        assert_eq!(picture.channels(), 3);
        let centre = (2 * picture.width() + 2) * 3;
        assert_eq!(picture.pixels[centre..centre + 3], [255, 0, 128]);
    }

    #[test]
    fn no_images_make_an_empty_frame() {
        let picture = Picture::grid(&[], [1, 28, 28], 8);
        assert!(!picture.to_png().is_empty());
    }
}
