//! What the integration tests share: the repository's MNIST, the extra data, and small files made by hand.

#![allow(dead_code)] // each test program uses a part

use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write;
use std::path::{Path, PathBuf};
use wengert_data::DATASETS_VARIABLE;
use wengert_testkit::notice;

/// `datasets/mnist` of the repository.
pub fn mnist_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../datasets/mnist")
}

/// The folder of further data sets, or `None` with the reason printed.
pub fn extra_data(test: &str, folder: &str) -> Option<PathBuf> {
    let Some(root) = std::env::var_os(DATASETS_VARIABLE) else {
        notice(&format!("{test}: skipped, {DATASETS_VARIABLE} is not set"));
        return None;
    };
    let path = PathBuf::from(root).join(folder);
    if !path.is_dir() {
        notice(&format!("{test}: skipped, {} is not there", path.display()));
        return None;
    }
    Some(path)
}

/// An IDX file: type code, dimensions, and the bytes of the elements.
pub fn idx(code: u8, dimensions: &[u32], elements: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, code, dimensions.len() as u8];
    dimensions.iter().for_each(|dimension| bytes.extend(dimension.to_be_bytes()));
    bytes.extend(elements);
    bytes
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).expect("a Vec takes everything");
    encoder.finish().expect("a Vec takes everything")
}

/// A tar archive of files.
pub fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        // Not `set_path`, which refuses the names that an attacker would choose.
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_cksum();
        archive.append(&header, *bytes).expect("a Vec takes everything");
    }
    archive.into_inner().expect("a Vec takes everything")
}

/// A WAV file of one channel.
pub fn wav(samples: &[i16]) -> Vec<u8> {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 8000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut bytes = std::io::Cursor::new(Vec::new());
    let mut writer = hound::WavWriter::new(&mut bytes, spec).expect("a valid format");
    samples.iter().for_each(|&sample| writer.write_sample(sample).expect("a Vec takes everything"));
    writer.finalize().expect("a Vec takes everything");
    bytes.into_inner()
}

/// Writes `bytes` to `folder/name`.
pub fn write(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().expect("a file in a folder")).expect("a writable folder");
    std::fs::write(&path, bytes).expect("a writable folder");
    path
}
