//! Spoken digits in the layout of the Free Spoken Digit Dataset: `recordings/{digit}_{speaker}_{take}.wav`.

use crate::archive;
use crate::catalogue::Split;
use crate::error::{Error, Result};
use crate::wav::{Wav, parse_wav};
use std::io::Read;
use std::path::{Path, PathBuf};

/// A single recording larger than this is none: the longest published one has 37 kB.
const LARGEST_RECORDING: u64 = 16 << 20;

/// Takes 0 to 4 of each digit and speaker are the authors' test split, the others their training split.
const TEST_TAKES: u32 = 5;

/// One spoken digit.
#[derive(Clone, Debug, PartialEq)]
pub struct Recording {
    /// The digit, 0 to 9.
    pub digit: u8,
    /// Who speaks.
    pub speaker: String,
    /// Which of the speaker's takes of this digit.
    pub take: u32,
    /// Samples a second.
    pub sample_rate: u32,
    /// Samples from −1 to 1, one channel.
    pub samples: Vec<f32>,
}

/// Recordings in the order of digit, speaker and take.
#[derive(Clone, Debug)]
pub struct SpeechDataset {
    /// Name in the catalogue.
    pub name: String,
    /// Which part of it.
    pub split: Split,
    /// The recordings; at least one.
    pub recordings: Vec<Recording>,
}

impl SpeechDataset {
    /// Reads the recordings of one split from a folder of WAV files or a tar archive, raw or packed with gzip.
    ///
    /// # Errors
    /// When the folder or archive cannot be read, a file in it is not a WAV file of one channel, is not named
    /// `{digit}_{speaker}_{take}.wav`, or the split is empty.
    pub fn read(name: &str, split: Split, path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let mut recordings = Vec::new();
        for_each_recording(path, |file, bytes| {
            let recording = label(file)?;
            if recording.split() == split {
                recordings.push(recording.with_sound(parse_wav(bytes, file)?, file)?);
            }
            Ok(())
        })?;
        if recordings.is_empty() {
            return Err(Error::format(
                path,
                "FSDD",
                format!("no recordings of the {split} split"),
                "files named {digit}_{speaker}_{take}.wav, takes 0 to 4 for test and from 5 on for training",
            ));
        }
        recordings.sort_by(|a, b| (a.digit, &a.speaker, a.take).cmp(&(b.digit, &b.speaker, b.take)));
        Ok(Self { name: name.to_owned(), split, recordings })
    }

    /// The names of all speakers, sorted.
    pub fn speakers(&self) -> Vec<&str> {
        let mut speakers: Vec<&str> =
            self.recordings.iter().map(|recording| recording.speaker.as_str()).collect();
        speakers.sort_unstable();
        speakers.dedup();
        speakers
    }
}

impl Recording {
    /// The split that the authors put this take in.
    pub fn split(&self) -> Split {
        if self.take < TEST_TAKES { Split::Test } else { Split::Train }
    }

    fn with_sound(self, wav: Wav, file: &Path) -> Result<Self> {
        if wav.channels != 1 {
            return Err(Error::format(file, "FSDD", format!("{} channels", wav.channels), "one channel"));
        }
        Ok(Self { sample_rate: wav.sample_rate, samples: wav.samples, ..self })
    }
}

/// Calls `visit` with the path and the bytes of each WAV file in a folder, sorted by name, or in an archive.
pub(crate) fn for_each_recording(
    path: &Path,
    mut visit: impl FnMut(&Path, &[u8]) -> Result<()>,
) -> Result<()> {
    if path.is_dir() {
        for file in wav_files(path)? {
            let open = std::fs::File::open(&file).map_err(|error| Error::io("read", &file, error))?;
            let bytes = read_bounded(&file, open).map_err(|error| Error::io("read", &file, error))??;
            visit(&file, &bytes)?;
        }
        return Ok(());
    }
    archive::for_each_file(path, |name, content| {
        if !is_wav(name) {
            return Ok(());
        }
        let bytes = read_bounded(name, content).map_err(|error| archive::explain(path, error))??;
        visit(name, &bytes)
    })
}

/// The WAV files directly in a folder, sorted by name.
fn wav_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|error| Error::io("read", folder, error))? {
        let path = entry.map_err(|error| Error::io("read", folder, error))?.path();
        if is_wav(&path) && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

pub(crate) fn is_wav(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("wav"))
}

fn read_bounded(path: &Path, reader: impl Read) -> std::io::Result<Result<Vec<u8>>> {
    let mut bytes = Vec::new();
    reader.take(LARGEST_RECORDING + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST_RECORDING {
        let expected = format!("a recording of at most {LARGEST_RECORDING} bytes");
        return Ok(Err(Error::format(path, "FSDD", "a larger file", expected)));
    }
    Ok(Ok(bytes))
}

/// A recording without its sound, from its file name.
fn label(file: &Path) -> Result<Recording> {
    let stem = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    parse_name(stem).ok_or_else(|| {
        let expected = "{digit}_{speaker}_{take}.wav with a digit from 0 to 9, such as 7_theo_12.wav";
        Error::format(file, "FSDD", format!("the name {stem:?}"), expected)
    })
}

fn parse_name(stem: &str) -> Option<Recording> {
    let (digit, rest) = stem.split_once('_')?;
    let (speaker, take) = rest.rsplit_once('_')?;
    let digit = digit.parse().ok().filter(|digit| *digit < 10)?;
    let take = take.parse().ok()?;
    let speaker = (!speaker.is_empty()).then(|| speaker.to_owned())?;
    Some(Recording { digit, speaker, take, sample_rate: 0, samples: Vec::new() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_give_digit_speaker_and_take() {
        let recording = parse_name("7_anna_maria_12").expect("a valid name");
        assert_eq!((recording.digit, recording.speaker.as_str(), recording.take), (7, "anna_maria", 12));
        assert_eq!(recording.split(), Split::Train);
        assert_eq!(parse_name("0_theo_4").expect("a valid name").split(), Split::Test);
        for wrong in ["", "7", "7_theo", "10_theo_1", "x_theo_1", "7_theo_x", "7__1", "-1_theo_1"] {
            assert!(parse_name(wrong).is_none(), "{wrong:?} was accepted");
        }
    }
}
