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

    /// A picture of pixels of red, green and blue, row by row.
    ///
    /// # Panics
    /// When there are not `width · height` pixels.
    pub fn from_rgb(width: usize, height: usize, pixels: Vec<u8>) -> Picture {
        assert_eq!(pixels.len(), 3 * width * height, "a picture of {width} by {height} pixels");
        Picture { width, height, channels: 3, pixels }
    }

    /// The picture with each pixel drawn `factor` times as wide and high.
    pub fn enlarged(&self, factor: usize) -> Picture {
        let row = self.width * self.channels;
        let mut pixels = Vec::with_capacity(self.pixels.len() * factor * factor);
        for line in self.pixels.chunks_exact(row.max(1)) {
            let wide: Vec<u8> =
                line.chunks_exact(self.channels).flat_map(|pixel| pixel.repeat(factor)).collect();
            pixels.extend(wide.repeat(factor));
        }
        Picture { width: self.width * factor, height: self.height * factor, channels: self.channels, pixels }
    }

    /// This picture and another one on its right, in RGB; the lower of them stands in the middle, on white.
    pub fn beside(&self, other: &Picture) -> Picture {
        let (width, height) = (self.width + other.width, self.height.max(other.height));
        let mut pixels = vec![255; 3 * width * height];
        for (picture, left) in [(self, 0), (other, self.width)] {
            let top = (height - picture.height) / 2;
            for (index, pixel) in picture.pixels.chunks_exact(picture.channels).enumerate() {
                let (x, y) = (left + index % picture.width, top + index / picture.width);
                let shown =
                    if picture.channels == 3 { [pixel[0], pixel[1], pixel[2]] } else { [pixel[0]; 3] };
                pixels[3 * (y * width + x)..][..3].copy_from_slice(&shown);
            }
        }
        Picture::from_rgb(width, height, pixels)
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

    /// The pixels, row by row, with their channels beside each other.
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
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
    fn pictures_grow_and_stand_beside_each_other() {
        let grey = Picture { width: 2, height: 1, channels: 1, pixels: vec![10, 20] };
        let large = grey.enlarged(2);
        assert_eq!((large.width(), large.height()), (4, 2));
        assert_eq!(large.pixels, [10, 10, 20, 20, 10, 10, 20, 20]);
        let red = Picture::from_rgb(1, 2, vec![9, 0, 0, 8, 0, 0]);
        let both = grey.beside(&red);
        assert_eq!((both.width(), both.height(), both.channels()), (3, 2, 3));
        assert_eq!(both.pixels[..9], [10, 10, 10, 20, 20, 20, 9, 0, 0]);
        assert_eq!(both.pixels[9..], [255, 255, 255, 255, 255, 255, 8, 0, 0]);
    }

    #[test]
    fn no_images_make_an_empty_frame() {
        let picture = Picture::grid(&[], [1, 28, 28], 8);
        assert!(!picture.to_png().is_empty());
    }
}
