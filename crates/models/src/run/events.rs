//! TensorBoard event files: a TFRecord stream of `Event` messages, written by hand because they need five fields.
//!
//! A record is `length: u64, masked CRC of the length: u32, data, masked CRC of the data: u32`, little-endian. The
//! data is the protocol buffer `Event { wall_time = 1, step = 2, file_version = 3 | summary = 5 }` of
//! `tensorflow/core/util/event.proto`, whose summary holds scalars and PNG images.

use super::crc32c::masked;
use super::picture::Picture;
use crate::{Error, Result};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// An open event file, which TensorBoard may read while it grows.
#[derive(Debug)]
pub struct EventWriter {
    file: File,
    path: PathBuf,
}

impl EventWriter {
    /// Starts a new event file in `folder`. A resumed run gets a second file beside the first; TensorBoard joins them.
    pub fn create(folder: &Path) -> Result<EventWriter> {
        let seconds = wall_time() as u64;
        // A restart within the same second must not truncate the file before it.
        let (file, path) = (0..)
            .map(|attempt| folder.join(format!("events.out.tfevents.{seconds:010}.wengert.{attempt}")))
            .find_map(|path| match OpenOptions::new().write(true).create_new(true).open(&path) {
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => None,
                result => Some(result.map(|file| (file, path.clone())).map_err(|e| Error::io(path, e))),
            })
            .expect("the count of attempts has no end")?;
        let mut writer = EventWriter { file, path };
        writer.write(0, |event| event.bytes(3, b"brain.Event:2"))?;
        Ok(writer)
    }

    /// Records scalars at a step, each under its tag.
    pub fn scalars(&mut self, step: u64, values: &[(String, f64)]) -> Result<()> {
        self.write(step, |event| {
            event.message(5, |summary| {
                for (tag, value) in values {
                    summary.message(1, |entry| {
                        entry.bytes(1, tag.as_bytes());
                        entry.float(2, *value as f32);
                    });
                }
            });
        })
    }

    /// Records a picture at a step under a tag.
    pub fn image(&mut self, step: u64, tag: &str, picture: &Picture) -> Result<()> {
        let png = picture.to_png();
        self.write(step, |event| {
            event.message(5, |summary| {
                summary.message(1, |entry| {
                    entry.bytes(1, tag.as_bytes());
                    entry.message(4, |image| {
                        image.varint(1, picture.height() as u64);
                        image.varint(2, picture.width() as u64);
                        image.varint(3, picture.channels() as u64);
                        image.bytes(4, &png);
                    });
                });
            });
        })
    }

    fn write(&mut self, step: u64, fill: impl FnOnce(&mut Message)) -> Result<()> {
        let mut event = Message::default();
        event.double(1, wall_time());
        event.varint(2, step);
        fill(&mut event);
        // One write a record: a reader, or a crash, never meets half of one but at the end of the file.
        self.file.write_all(&record(&event.0)).map_err(|e| Error::io(&self.path, e))
    }
}

/// Seconds since 1970.
fn wall_time() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |elapsed| elapsed.as_secs_f64())
}

fn record(data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u64).to_le_bytes();
    let mut out = Vec::with_capacity(data.len() + 16);
    out.extend(length);
    out.extend(masked(&length).to_le_bytes());
    out.extend(data);
    out.extend(masked(data).to_le_bytes());
    out
}

/// A protocol buffer message under construction: fields appended in wire format.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn key(&mut self, field: u64, wire_type: u64) {
        self.raw_varint(field << 3 | wire_type);
    }

    fn raw_varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    fn varint(&mut self, field: u64, value: u64) {
        self.key(field, 0);
        self.raw_varint(value);
    }

    fn double(&mut self, field: u64, value: f64) {
        self.key(field, 1);
        self.0.extend(value.to_le_bytes());
    }

    fn float(&mut self, field: u64, value: f32) {
        self.key(field, 5);
        self.0.extend(value.to_le_bytes());
    }

    fn bytes(&mut self, field: u64, value: &[u8]) {
        self.key(field, 2);
        self.raw_varint(value.len() as u64);
        self.0.extend(value);
    }

    fn message(&mut self, field: u64, fill: impl FnOnce(&mut Message)) {
        let mut inner = Message::default();
        fill(&mut inner);
        self.bytes(field, &inner.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Splits a file into the data of its records, checking both checksums of each.
    fn records(mut bytes: &[u8]) -> Vec<Vec<u8>> {
        let mut out = Vec::new();
        while !bytes.is_empty() {
            let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
            assert_eq!(masked(&bytes[..8]).to_le_bytes(), bytes[8..12]);
            let data = &bytes[12..12 + length];
            assert_eq!(masked(data).to_le_bytes(), bytes[12 + length..16 + length]);
            out.push(data.to_vec());
            bytes = &bytes[16 + length..];
        }
        out
    }

    #[test]
    fn a_file_is_a_version_and_then_summaries() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = EventWriter::create(folder.path()).unwrap();
        writer.scalars(300, &[("loss/train".to_string(), 1.5)]).unwrap();
        let path = writer.path.clone();
        let records = records(&std::fs::read(&path).unwrap());
        assert_eq!(records.len(), 2);
        assert!(records[0].ends_with(b"\x1a\x0dbrain.Event:2"));
        // step 300 = varint AC 02; summary of 19 bytes; value of 17; tag of 10; float 1.5.
        let tail = b"\x10\xac\x02\x2a\x13\x0a\x11\x0a\x0aloss/train\x15\x00\x00\xc0\x3f";
        assert!(records[1].ends_with(tail), "{:02x?}", records[1]);
        // A second writer in the same second takes another name.
        let second = EventWriter::create(folder.path()).unwrap();
        assert_ne!(second.path, path);
    }
}
