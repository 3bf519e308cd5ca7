//! Several arrays by name as NumPy's NPZ files: zip archives of NPY files.

use super::{atomic, npy, read_file};
use crate::{Error, Result, Tensor};
use npyz::npz::{array_name_from_file_name, file_name_from_array_name};
use std::collections::BTreeMap;
use std::io::{self, Cursor, Read};
use std::path::Path;
use zip::write::FileOptions;
use zip::{ZipArchive, ZipWriter};

/// Deflate turns a byte into at most this many, so an archive that claims more is lying.
const LARGEST_EXPANSION: u64 = 1032;

/// Reads all arrays of an NPZ file, compressed or not; entries that are not `.npy` are passed over.
///
/// # Errors
/// When the file cannot be read or is not a valid archive, or an array in it cannot be read: see
/// [`npy::load`].
pub fn load(path: impl AsRef<Path>) -> Result<BTreeMap<String, Tensor>> {
    let path = path.as_ref();
    parse(&read_file(path)?).map_err(|detail| Error::file(path, detail))
}

/// Writes arrays by name as an uncompressed NPZ file, as `numpy.savez` does, replacing an old one whole or not at all.
/// The same arrays in the same order give the same bytes.
///
/// # Errors
/// When the file cannot be written.
pub fn save<'a, S: AsRef<str>>(
    path: impl AsRef<Path>,
    arrays: impl IntoIterator<Item = (S, &'a Tensor)>,
) -> Result<()> {
    atomic::write_with(path, |file| {
        let mut archive = ZipWriter::new(file);
        for (name, tensor) in arrays {
            let bytes = tensor.numel() as u64 * tensor.dtype().size_of() as u64;
            let options = FileOptions::default()
                .compression_method(zip::CompressionMethod::Stored)
                // One date for all time, so that the bytes depend on the arrays only.
                .last_modified_time(zip::DateTime::default())
                .large_file(bytes >= u64::from(u32::MAX) / 2);
            archive.start_file(file_name_from_array_name(name.as_ref()), options)?;
            npy::write(tensor, &mut archive)?;
        }
        archive.finish()?;
        Ok(())
    })
}

fn parse(bytes: &[u8]) -> std::result::Result<BTreeMap<String, Tensor>, String> {
    let invalid = |error: &dyn std::fmt::Display| format!("is not a valid NPZ file: {error}");
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|error| invalid(&error))?;
    let mut arrays = BTreeMap::new();
    for position in 0..archive.len() {
        let entry = archive.by_index(position).map_err(|error| invalid(&error))?;
        let Some(name) = array_name_from_file_name(entry.name()).map(str::to_string) else { continue };
        let contents = read_entry(entry, bytes.len() as u64).map_err(|error| invalid(&error))?;
        let tensor = npy::parse(&contents).map_err(|detail| format!("array {name:?} {detail}"))?;
        arrays.insert(name, tensor);
    }
    Ok(arrays)
}

/// The contents of an entry of an archive of `archive_size` bytes, with their checksum verified.
fn read_entry(entry: zip::read::ZipFile, archive_size: u64) -> io::Result<Vec<u8>> {
    let claimed = entry.size();
    if claimed / LARGEST_EXPANSION > archive_size {
        let detail = format!("{} claims {claimed} bytes in a file of {archive_size}", entry.name());
        return Err(io::Error::new(io::ErrorKind::InvalidData, detail));
    }
    let mut contents = Vec::new();
    // One byte more than there should be makes the reader reach the end, where it compares the checksum.
    entry.take(claimed + 1).read_to_end(&mut contents)?;
    Ok(contents)
}

#[cfg(test)]
mod tests {
    use super::super::tests::survives_corruption;
    use super::*;

    #[test]
    fn arrays_come_back_with_the_same_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let (path, again) = (folder.path().join("a.npz"), folder.path().join("b.npz"));
        let images = Tensor::from_slice(&[0.5f32, 0.25, 1.0, 0.0], [1, 1, 2, 2]);
        let labels = Tensor::from_slice(&[7i64], 1);
        save(&path, [("images", &images), ("labels", &labels)]).unwrap();
        let loaded = load(&path).unwrap();
        assert_eq!(loaded.keys().collect::<Vec<_>>(), ["images", "labels"]);
        assert_eq!(loaded["images"].to_string(), images.to_string());
        assert_eq!(loaded["labels"].to_vec::<i64>(), [7]);
        save(&again, &loaded).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), std::fs::read(&again).unwrap());
    }

    #[test]
    fn reads_compressed_archives() {
        let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
        let options = FileOptions::default().compression_method(zip::CompressionMethod::Deflated);
        archive.start_file("x.npy", options).unwrap();
        npy::write(&Tensor::from_slice(&[1u8; 100], 100), &mut archive).unwrap();
        let bytes = archive.finish().unwrap().into_inner();
        assert_eq!(parse(&bytes).unwrap()["x"].to_vec::<u8>(), [1; 100]);
    }

    #[test]
    fn corrupt_files_are_errors() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.npz");
        save(&path, [("x", &Tensor::from_slice(&[1.0, 2.0], 2))]).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        survives_corruption(&bytes, |bytes| drop(parse(bytes)));
        assert!(parse(b"not a zip").unwrap_err().contains("not a valid NPZ file"));
        let mut changed = bytes.clone();
        let place = changed.windows(8).position(|bytes| bytes == 2f64.to_le_bytes()).unwrap();
        changed[place] ^= 1;
        assert!(parse(&changed).unwrap_err().contains("checksum"), "{:?}", parse(&changed));
    }
}
