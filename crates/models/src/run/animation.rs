//! Pictures one after another, as GIF files.

use super::Picture;
use crate::{Error, Result};
use gif::{Encoder, Frame, Repeat};
use std::path::Path;
use wengert_tensor::io::atomic;

/// How long a picture is shown, and the first and the last one, in hundredths of a second.
const MOMENT: u16 = 8;
const REST: u16 = 60;

/// How thoroughly the colours of a picture are chosen, from 1 (the best) to 30 (the fastest).
const QUANTISATION: i32 = 10;

/// Writes an animation that goes through the pictures and back again, and again. Grey pictures keep every shade; of RGB
/// pictures each gets its own 256 colours.
///
/// # Errors
/// When there are no pictures, they differ in size, a side is beyond what GIF can hold, or the file cannot be written.
pub fn save_there_and_back(path: &Path, pictures: &[Picture]) -> Result<()> {
    let bytes = encode_there_and_back(pictures);
    Ok(atomic::write(path, bytes.map_err(|detail| Error::file(path, detail))?)?)
}

/// The animation of [`save_there_and_back`] as the bytes of a GIF file.
///
/// # Errors
/// In words, when there are no pictures, they differ in size, or a side is beyond what GIF can hold.
pub fn encode_there_and_back(pictures: &[Picture]) -> std::result::Result<Vec<u8>, String> {
    let back = pictures.iter().enumerate().skip(1).rev().skip(1);
    let order: Vec<(usize, &Picture)> = pictures.iter().enumerate().chain(back).collect();
    encode(&order, pictures.len().saturating_sub(1))
}

/// The bytes of a GIF file; the first picture and number `last` rest.
fn encode(pictures: &[(usize, &Picture)], last: usize) -> std::result::Result<Vec<u8>, String> {
    let (_, first) = pictures.first().ok_or("an animation takes at least one picture")?;
    let side = |length: usize| {
        u16::try_from(length)
            .map_err(|_| format!("a picture of GIF has up to 65535 pixels a side, not {length}"))
    };
    let (width, height) = (side(first.width())?, side(first.height())?);
    let greys: Vec<u8> = (0..=255).flat_map(|shade| [shade; 3]).collect();
    let palette: &[u8] = if first.channels() == 1 { &greys } else { &[] };
    let mut bytes = Vec::new();
    let told = |error: gif::EncodingError| error.to_string();
    let mut encoder = Encoder::new(&mut bytes, width, height, palette).map_err(told)?;
    encoder.set_repeat(Repeat::Infinite).map_err(told)?;
    for (index, picture) in pictures {
        if (picture.width(), picture.height(), picture.channels())
            != (first.width(), first.height(), first.channels())
        {
            return Err("the pictures of an animation have one size".into());
        }
        let mut frame = match picture.channels() {
            1 => Frame { width, height, buffer: picture.pixels().into(), ..Frame::default() },
            _ => Frame::from_rgb_speed(width, height, picture.pixels(), QUANTISATION),
        };
        frame.delay = if [0, last].contains(index) { REST } else { MOMENT };
        encoder.write_frame(&frame).map_err(told)?;
    }
    drop(encoder);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_animation_goes_there_and_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.gif");
        for channels in [1, 3] {
            let picture = |value: f32| Picture::grid(&vec![value; channels * 4], [channels, 2, 2], 1);
            save_there_and_back(&path, &[picture(0.0), picture(0.5), picture(1.0)]).unwrap();
            let mut options = gif::DecodeOptions::new();
            options.set_color_output(gif::ColorOutput::RGBA);
            let mut decoder = options.read_info(std::fs::File::open(&path).unwrap()).unwrap();
            let mut shades = Vec::new();
            while let Some(frame) = decoder.read_next_frame().unwrap() {
                // The middle of the picture, which a gap of two pixels surrounds.
                shades.push((frame.buffer[(2 * 6 + 2) * 4], frame.delay));
            }
            assert_eq!(shades, [(0, 60), (128, 8), (255, 60), (128, 8)], "{channels} channels");
        }
    }

    #[test]
    fn what_is_no_animation_is_refused() {
        let path = Path::new("nowhere.gif");
        let small = Picture::grid(&[0.0], [1, 1, 1], 1);
        let large = Picture::grid(&[0.0; 2], [1, 1, 2], 1);
        assert!(save_there_and_back(path, &[]).unwrap_err().to_string().contains("at least one"));
        assert!(save_there_and_back(path, &[small, large]).unwrap_err().to_string().contains("one size"));
    }
}
