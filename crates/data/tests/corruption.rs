//! No input makes a reader panic, hang or allocate without bound: valid files of every format, cut at every length and
//! changed at every byte, end in a value or in an error.

mod common;

use common::{gzip, idx, tar, wav, write};
use std::path::Path;
use wengert_data::{SpeechDataset, Split, identify, parse_wav, read_cifar10, read_idx, read_wav};

/// Calls `read` on a file for every truncation of `bytes`, and with each byte changed in four ways.
fn survives(bytes: &[u8], read: impl Fn(&Path)) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let attempt = |bytes: &[u8]| read(&write(folder.path(), "0_x_5.wav", bytes));
    for length in 0..bytes.len() {
        attempt(&bytes[..length]);
    }
    let mut changed = bytes.to_vec();
    for place in 0..bytes.len() {
        for value in [!bytes[place], bytes[place] ^ 1, 0, 0x7f] {
            changed[place] = value;
            attempt(&changed);
        }
        changed[place] = bytes[place];
    }
    attempt(&[bytes, bytes].concat());
}

/// Every truncation and nothing else must be an error, for formats that know their length.
fn truncations_fail<T>(bytes: &[u8], read: impl Fn(&Path) -> Result<T, wengert_data::Error>) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    assert!(read(&write(folder.path(), "whole", bytes)).is_ok(), "the whole file was refused");
    for length in 0..bytes.len() {
        assert!(
            read(&write(folder.path(), "cut", &bytes[..length])).is_err(),
            "{length} bytes were accepted"
        );
    }
}

#[test]
fn idx_files() {
    let labels = idx(0x08, &[7], &[5, 0, 4, 1, 9, 2, 1]);
    let doubles = idx(0x0e, &[2, 1, 1], &[0; 16]);
    for bytes in [labels.clone(), doubles.clone(), gzip(&labels), gzip(&doubles)] {
        truncations_fail(&bytes, |path| read_idx(path));
        survives(&bytes, |path| drop(read_idx(path)));
    }
}

#[test]
fn cifar10() {
    let mut record = vec![0; 3073];
    record[0] = 3;
    survives(&gzip(&record), |path| drop(read_cifar10(path)));
}

#[test]
fn wav_files() {
    let bytes = wav(&[1, -2, 3, -4]);
    truncations_fail(&bytes, |path| read_wav(path));
    survives(&bytes, |path| drop(read_wav(path)));
}

/// Headers of WAV files are small enough to try every pair of changed bytes.
#[test]
fn wav_headers() {
    let bytes = wav(&[1, -2]);
    let mut changed = bytes.clone();
    for first in 12..44 {
        for second in first + 1..44 {
            for (a, b) in [(0, 0), (0xff, 0xff), (0, 0xff), (0xff, 0)] {
                (changed[first], changed[second]) = (a, b);
                let _ = parse_wav(&changed, "x.wav");
            }
            changed[second] = bytes[second];
        }
        changed[first] = bytes[first];
    }
}

#[test]
fn archives() {
    let archive = tar(&[("recordings/0_x_5.wav", &wav(&[1, 2]))]);
    // The first block, the header, is what can go wrong; the rest is sound and padding.
    let read = |path: &Path| {
        let _ = SpeechDataset::read("x", Split::Train, path);
        let _ = identify(path);
    };
    survives(&gzip(&archive), read);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut changed = archive.clone();
    for place in 0..512 {
        for value in [!archive[place], archive[place] ^ 1, 0, b'7', b'L', b'x'] {
            changed[place] = value;
            // A header is only looked at when its checksum fits.
            let sum: u32 = changed[..148].iter().chain(&changed[156..512]).map(|&byte| u32::from(byte)).sum();
            changed[148..156].copy_from_slice(format!("{:06o}\0 ", sum + 8 * 32).as_bytes());
            read(&write(folder.path(), "changed.tar", &changed));
        }
        changed[..512].copy_from_slice(&archive[..512]);
    }
}
