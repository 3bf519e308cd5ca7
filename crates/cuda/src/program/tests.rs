use super::*;
use std::io::{Write, stderr};

/// What of a fat binary is machine code or PTX, and for which architecture: pairs such as ("ptx", 80).
///
/// A header of `magic: u32, version: u16, bytes of the header: u16, bytes of all that follows: u64`; then the images, each after
/// `kind: u16, version: u16, bytes of this header: u32, bytes of the image: u64, …`, with the architecture at byte 28. NVIDIA
/// does not document it, and does not change it either.
fn images(fatbin: &[u8]) -> Vec<(&'static str, u32)> {
    let number = |at: usize, bytes: usize| {
        fatbin[at..at + bytes].iter().rev().fold(0usize, |number, &byte| number << 8 | usize::from(byte))
    };
    assert_eq!(number(0, 4), 0xba55_ed50, "the mark of a fat binary");
    let mut at = number(6, 2);
    assert_eq!(at + number(8, 8), fatbin.len(), "whole");
    let mut images = Vec::new();
    while at < fatbin.len() {
        let kind = match number(at, 2) {
            1 => "ptx",
            2 => "machine code",
            _ => "unknown",
        };
        images.push((kind, number(at + 28, 4) as u32));
        at += number(at + 4, 4) + number(at + 8, 8);
    }
    images
}

#[test]
fn every_file_has_what_its_devices_want() {
    if COMPILED_BY.is_none() {
        // Past the capture that hides what passing tests print.
        let _ = writeln!(stderr(), "fat binaries: skipped, the program was built without nvcc");
        return;
    }
    assert!(SOURCES.iter().map(|(name, _)| name).eq(FATBINS.iter().map(|(name, _)| name)));
    for (name, fatbin) in FATBINS {
        assert!(fatbin.as_ptr().addr().is_multiple_of(8), "{name}");
        let images = images(fatbin);
        for wanted in [("ptx", 80), ("machine code", 90)] {
            assert!(images.contains(&wanted), "{name}: no {wanted:?} in {images:?}");
        }
    }
    assert_eq!(built_in((7, 5)), None);
    assert!([(8, 0), (9, 0), (12, 1)].into_iter().all(|capability| built_in(capability) == COMPILED_BY));
}
