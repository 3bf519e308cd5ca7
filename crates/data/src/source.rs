//! A file opened for reading that unpacks gzip on the fly and never reads more than a header promised.

use crate::error::{Error, Result};
use flate2::bufread::MultiGzDecoder;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

/// The largest content that is read into memory at once; every data set of the catalogue is far below it.
const LIMIT: u64 = 4 << 30;

/// Deflate codes at most 258 bytes in 2 bits, so no gzip file unpacks to more than this many times its length.
const LARGEST_RATIO: u64 = 1032;

/// Memory set aside before the first byte of a gzip file is unpacked; beyond it a buffer grows with the data.
const FIRST_ALLOCATION: u64 = 64 << 20;

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// The content of one file: gzip or raw, told by the first two bytes and not by the name.
pub(crate) struct Source {
    path: PathBuf,
    format: &'static str,
    reader: Box<dyn Read>,
    compressed: bool,
    /// Bytes that the content cannot exceed; exact for raw files.
    at_most: u64,
    consumed: u64,
}

impl Source {
    /// Opens `path`; `format` names the format in messages.
    pub(crate) fn open(path: &Path, format: &'static str) -> Result<Self> {
        let metadata = std::fs::metadata(path).map_err(|error| Error::io("read", path, error))?;
        if !metadata.is_file() {
            return Err(Error::format(path, format, "a folder or a device", "a regular file"));
        }
        if metadata.len() == 0 {
            return Err(Error::format(
                path,
                format,
                "an empty file",
                format!("{format} data, raw or packed with gzip"),
            ));
        }
        let file = File::open(path).map_err(|error| Error::io("read", path, error))?;
        let mut file = BufReader::with_capacity(1 << 16, file);
        let start = file.fill_buf().map_err(|error| Error::io("read", path, error))?;
        let compressed = start.starts_with(&GZIP_MAGIC);
        let (reader, at_most): (Box<dyn Read>, u64) = if compressed {
            (Box::new(MultiGzDecoder::new(file)), metadata.len().saturating_mul(LARGEST_RATIO))
        } else {
            (Box::new(file), metadata.len())
        };
        Ok(Self { path: path.to_owned(), format, reader, compressed, at_most, consumed: 0 })
    }

    /// Whether the file is packed with gzip.
    pub(crate) fn is_compressed(&self) -> bool {
        self.compressed
    }

    /// The next `N` bytes; `what` names them in messages.
    pub(crate) fn array<const N: usize>(&mut self, what: &str) -> Result<[u8; N]> {
        let mut bytes = [0; N];
        self.reader.read_exact(&mut bytes).map_err(|error| self.explain(error, N as u64, what))?;
        self.consumed += N as u64;
        Ok(bytes)
    }

    /// The next `length` bytes, on condition that the file can hold them; `what` names them in messages.
    pub(crate) fn body(&mut self, length: u64, what: &str) -> Result<Vec<u8>> {
        let possible = self.at_most.saturating_sub(self.consumed);
        if length > possible {
            let most = if self.compressed { "at most " } else { "" };
            return Err(self.wrong(
                format!("{most}{possible} bytes after byte {}, the file is cut short", self.consumed),
                format!("{length} bytes of {what}; get the file again"),
            ));
        }
        if length > LIMIT {
            return Err(
                self.wrong(format!("{length} bytes of {what}"), format!("at most {LIMIT} bytes in one file"))
            );
        }
        let capacity = if self.compressed { length.min(FIRST_ALLOCATION) } else { length };
        let mut bytes = Vec::with_capacity(capacity as usize);
        self.reader
            .by_ref()
            .take(length)
            .read_to_end(&mut bytes)
            .map_err(|error| self.explain(error, length, what))?;
        if (bytes.len() as u64) < length {
            return Err(self.truncated(bytes.len() as u64, length, what));
        }
        self.consumed += length;
        Ok(bytes)
    }

    /// All that is left, of which there may be no more than `limit` bytes; `None` where there is more.
    pub(crate) fn rest(&mut self, limit: u64) -> Result<Option<Vec<u8>>> {
        let mut bytes = Vec::new();
        let read = self.reader.by_ref().take(limit.saturating_add(1)).read_to_end(&mut bytes);
        read.map_err(|error| self.explain(error, limit, "content"))?;
        self.consumed += bytes.len() as u64;
        Ok((bytes.len() as u64 <= limit).then_some(bytes))
    }

    /// Demands that the content ends here. For gzip this is also where its checksum is compared.
    pub(crate) fn finish(mut self) -> Result<()> {
        let mut one = [0; 1];
        match self.reader.read(&mut one) {
            Ok(0) => Ok(()),
            Ok(_) => Err(self.wrong(
                format!("more data after byte {}", self.consumed),
                "the end of the file there, as its header says; get the file again",
            )),
            Err(error) => Err(self.explain(error, 0, "content")),
        }
    }

    /// An error about this file.
    pub(crate) fn wrong(&self, found: impl Into<String>, expected: impl Into<String>) -> Error {
        Error::format(&self.path, self.format, found, expected)
    }

    /// The content as a stream that fails beyond `limit` bytes, for readers that do not know its length beforehand.
    pub(crate) fn into_stream(self, limit: u64) -> impl Read {
        Bounded { reader: self.reader, left: limit }
    }

    fn truncated(&self, got: u64, wanted: u64, what: &str) -> Error {
        self.wrong(
            format!("the end of the file after {} bytes", self.consumed + got),
            format!("{wanted} bytes of {what} from byte {}; get the file again", self.consumed),
        )
    }

    fn explain(&self, error: io::Error, wanted: u64, what: &str) -> Error {
        match error.kind() {
            // flate2 reports a gzip stream that stops early in the same way as a short read.
            io::ErrorKind::UnexpectedEof => self.wrong(
                format!("a file cut short near byte {}", self.consumed),
                format!("{wanted} bytes of {what}; get the file again"),
            ),
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => self
                .wrong(format!("damaged gzip data ({error})"), "an intact gzip stream; get the file again"),
            _ => Error::io("read", &self.path, error),
        }
    }
}

/// A reader that answers with an error where `Read::take` would pretend that the data ends.
struct Bounded<R> {
    reader: R,
    left: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        self.left = self.left.checked_sub(count as u64).ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidData, "the content is larger than any known data set")
        })?;
        Ok(count)
    }
}
