//! What the readers make of valid files, and what they say about wrong ones.

mod common;

use common::{gzip, idx, tar, wav, write};
use std::path::Path;
use tempfile::TempDir;
use wengert_data::{
    Error, IdxArray, IdxElements, ImageDataset, SpeechDataset, Split, read_cifar10, read_idx, read_idx_bytes,
    read_wav,
};

fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

/// The message of an error, which must name the file.
fn message<T: std::fmt::Debug>(result: Result<T, Error>, path: &Path) -> String {
    let text = result.expect_err("the file is wrong").to_string();
    assert!(text.contains(&path.display().to_string()), "{text:?} does not name {}", path.display());
    text
}

#[track_caller]
fn assert_says<T: std::fmt::Debug>(result: Result<T, Error>, path: &Path, parts: &[&str]) {
    let text = message(result, path);
    for part in parts {
        assert!(text.contains(part), "{text:?} does not say {part:?}");
    }
}

#[test]
fn idx_has_six_element_types_raw_or_packed() {
    let folder = folder();
    let cases: [(u8, Vec<u8>, IdxElements); 6] = [
        (0x08, vec![1, 255], IdxElements::U8(vec![1, 255])),
        (0x09, vec![1, 255], IdxElements::I8(vec![1, -1])),
        (0x0b, vec![1, 0, 255, 255], IdxElements::I16(vec![256, -1])),
        (0x0c, vec![0, 1, 0, 0, 255, 255, 255, 254], IdxElements::I32(vec![65536, -2])),
        (0x0d, [1.5f32, -2.0].map(f32::to_be_bytes).concat(), IdxElements::F32(vec![1.5, -2.0])),
        (0x0e, [1.5f64, -2.0].map(f64::to_be_bytes).concat(), IdxElements::F64(vec![1.5, -2.0])),
    ];
    for (code, elements, expected) in cases {
        let bytes = idx(code, &[1, 2], &elements);
        let expected = IdxArray { shape: vec![1, 2], elements: expected };
        let raw = write(folder.path(), "raw", &bytes);
        assert_eq!(read_idx(raw).expect("a valid file"), expected);
        // The ending of the name does not matter, and a gzip file may have several members.
        let packed = [gzip(&bytes[..5]), gzip(&bytes[5..])].concat();
        let packed = write(folder.path(), "packed.idx", &packed);
        assert_eq!(read_idx(packed).expect("a valid file"), expected);
    }
}

#[test]
fn idx_bytes_may_be_stored_as_wider_integers() {
    let folder = folder();
    let path = write(folder.path(), "wide", &idx(0x0c, &[2], &[0, 0, 0, 7, 0, 0, 0, 255]));
    assert_eq!(read_idx_bytes(path, 1).expect("small numbers"), (vec![2], vec![7, 255]));
    let path = write(folder.path(), "negative", &idx(0x09, &[1], &[0xff]));
    assert_says(read_idx_bytes(&path, 1), &path, &["0 to 255"]);
    let path = write(folder.path(), "float", &idx(0x0d, &[1], &[0; 4]));
    assert_says(read_idx_bytes(&path, 1), &path, &["not bytes"]);
    let path = write(folder.path(), "labels", &idx(0x08, &[1], &[0]));
    assert_says(read_idx_bytes(&path, 3), &path, &["1 dimensions", "expected 3 dimensions"]);
}

#[test]
fn idx_errors_say_what_was_found_and_expected() {
    let folder = folder();
    let good = idx(0x08, &[2, 3], &[0; 6]);
    let case = |name: &str, bytes: &[u8], parts: &[&str]| {
        let path = write(folder.path(), name, bytes);
        assert_says(read_idx(&path), &path, parts);
    };
    case("empty", b"", &["an empty file"]);
    case("short-header", &good[..3], &["cut short", "header"]);
    case("text", b"<html>not found</html>", &["3c, 68", "00 00"]);
    case("type", &idx(0x0a, &[1], &[0]), &["element type 0x0a", "0x08 (u8)"]);
    case("no-axes", &idx(0x08, &[], &[]), &["0 dimensions"]);
    case("many-axes", &idx(0x08, &[1; 9], &[0]), &["9 dimensions", "1 to 8"]);
    case("no-images", &idx(0x08, &[0, 28, 28], &[]), &["[0, 28, 28]", "at least one element"]);
    case(
        "truncated",
        &good[..good.len() - 1],
        &["5 bytes after byte 12", "6 bytes of elements for the shape [2, 3]"],
    );
    case("trailing", &[&good[..], &[0]].concat(), &["more data after byte 18"]);
    case("overflow", &idx(0x0e, &[u32::MAX; 8], &[]), &["shape"]);
    // 2^62 bytes that are not there: said before anything is allocated.
    case("huge", &idx(0x08, &[1 << 31, 1 << 31], &[0; 8]), &["8 bytes after byte 12"]);
    let packed = gzip(&good);
    case("packed-trailing", &gzip(&[&good[..], &[0]].concat()), &["more data after byte 18"]);
    case("packed-short", &gzip(&good[..good.len() - 1]), &["the end of the file after 17 bytes"]);
    case("packed-cut", &packed[..packed.len() - 3], &["cut short"]);
    case("packed-huge", &gzip(&idx(0x08, &[1 << 31, 1 << 31], &[0; 8])), &["at most", "cut short"]);
    let mut wrong_checksum = packed.clone();
    let crc = wrong_checksum.len() - 8;
    wrong_checksum[crc] ^= 1;
    case("packed-checksum", &wrong_checksum, &["damaged gzip data"]);
    assert_says(read_idx(folder.path()), folder.path(), &["a folder"]);
    let absent = folder.path().join("absent");
    assert_says(read_idx(&absent), &absent, &["cannot read"]);
}

/// A small file that unpacks to very much is read no further than its header promises: the damage in its middle is not
/// even reached.
#[test]
fn a_gzip_bomb_is_refused_after_the_promised_bytes() {
    let folder = folder();
    let mut bytes = idx(0x08, &[4], &[0; 4]);
    bytes.resize(64 << 20, 0);
    let mut bomb = gzip(&bytes);
    let middle = bomb.len() / 2;
    bomb[middle..].fill(0xff);
    let path = write(folder.path(), "bomb.gz", &bomb);
    assert_says(read_idx(&path), &path, &["more data after byte 12"]);
}

#[test]
fn labels_must_fit_their_images() {
    let folder = folder();
    let images = write(folder.path(), "images", &idx(0x08, &[2, 1, 2], &[1, 2, 3, 4]));
    let labels = write(folder.path(), "labels", &idx(0x08, &[2], &[1, 0]));
    let dataset =
        ImageDataset::from_idx("tiny", Split::Train, &images, &labels, &["a", "b"]).expect("they fit");
    assert_eq!((dataset.shape(), dataset.len(), dataset.image(1)), ([1, 1, 2], 2, &[3u8, 4][..]));
    let three = write(folder.path(), "three", &idx(0x08, &[3], &[0, 0, 1]));
    let result = ImageDataset::from_idx("tiny", Split::Train, &images, &three, &["a", "b"]);
    assert_says(result, &three, &["2 images", "3 labels", "images"]);
    let result = ImageDataset::from_idx("tiny", Split::Train, &images, &labels, &["a"]);
    assert_says(result, &labels, &["label 1", "0 to 0"]);
    let result = ImageDataset::from_idx("tiny", Split::Train, &labels, &images, &["a", "b"]);
    assert_says(result, &labels, &["1 dimensions", "expected 3"]);
}

#[test]
fn datasets_made_by_hand_are_checked() {
    let make = |shape, images: usize, labels: usize, label: u8| {
        ImageDataset::new("x", Split::Test, shape, vec![0; images], vec![label; labels], vec!["only".into()])
    };
    assert!(make([1, 2, 2], 8, 2, 0).is_ok());
    for (shape, images, labels, label) in [
        ([1, 2, 2], 0, 0, 0),
        ([1, 0, 2], 0, 0, 0),
        ([1, 2, 2], 7, 2, 0),
        ([1, 2, 2], 8, 3, 0),
        ([1, 2, 2], 8, 2, 1),
        ([usize::MAX, 2, 2], 8, 2, 0),
    ] {
        assert!(
            make(shape, images, labels, label).is_err(),
            "{shape:?} {images} {labels} {label} was accepted"
        );
    }
}

#[test]
fn photographs_become_planes() {
    let folder = folder();
    let path = write(folder.path(), "photographs", &idx(0x08, &[1, 1, 2, 3], &[1, 2, 3, 4, 5, 6]));
    let photographs = ImageDataset::from_idx_photographs("x", Split::Train, &path).expect("a valid file");
    assert_eq!((photographs.shape(), photographs.image(0)), ([3, 1, 2], &[1u8, 4, 2, 5, 3, 6][..]));
    let path = write(folder.path(), "grey", &idx(0x08, &[1, 1, 2, 1], &[1, 2]));
    assert_says(ImageDataset::from_idx_photographs("x", Split::Train, &path), &path, &["×3"]);
}

#[test]
fn cifar10_is_made_of_whole_records() {
    let folder = folder();
    let mut bytes = vec![7; 2 * 3073];
    bytes[3073] = 9;
    bytes[3074] = 1;
    for (name, bytes) in [("raw", bytes.clone()), ("packed", gzip(&bytes))] {
        let (images, labels) = read_cifar10(write(folder.path(), name, &bytes)).expect("a valid file");
        assert_eq!((images.len(), labels), (2 * 3072, vec![7, 9]));
        assert_eq!(images[3072..3074], [1, 7]);
    }
    let path = write(folder.path(), "cut", &bytes[..bytes.len() - 1]);
    assert_says(read_cifar10(&path), &path, &["6145 bytes", "records of 3073 bytes"]);
    bytes[3073] = 10;
    let path = write(folder.path(), "label", &bytes);
    assert_says(read_cifar10(&path), &path, &["label 10 in record 1", "0 to 9"]);
    let path = write(folder.path(), "nothing", &gzip(b""));
    assert_says(read_cifar10(&path), &path, &["0 bytes"]);
    let path = write(folder.path(), "bomb", &gzip(&vec![0; 200 << 20]));
    assert_says(read_cifar10(&path), &path, &["more than 60000 records"]);
}

#[test]
fn wav_samples_lie_between_minus_one_and_one() {
    let folder = folder();
    let bytes = wav(&[0, 16384, -32768]);
    let path = write(folder.path(), "sound.wav", &bytes);
    let sound = read_wav(&path).expect("a valid file");
    assert_eq!((sound.channels, sound.sample_rate, sound.samples), (1, 8000, vec![0.0, 0.5, -1.0]));
    let path = write(folder.path(), "cut.wav", &bytes[..bytes.len() - 1]);
    assert_says(read_wav(&path), &path, &["WAV"]);
    let path = write(folder.path(), "silent.wav", &wav(&[]));
    assert_says(read_wav(&path), &path, &["no samples"]);
    let path = write(folder.path(), "text.wav", b"RIFF and so on");
    assert_says(read_wav(&path), &path, &["RIFF/WAVE"]);
}

#[test]
fn speech_is_the_same_from_a_folder_and_from_an_archive() {
    let folder = folder();
    let sounds = [("1_ann_5", 1i16), ("0_bob_12", 2), ("0_bob_7", 3), ("0_bob_4", 4)];
    let files: Vec<(String, Vec<u8>)> =
        sounds.iter().map(|(name, sample)| (format!("recordings/{name}.wav"), wav(&[*sample]))).collect();
    for (name, bytes) in &files {
        write(folder.path(), name, bytes);
    }
    let mut members: Vec<(&str, &[u8])> =
        files.iter().map(|(name, bytes)| (name.as_str(), &bytes[..])).collect();
    members.push(("recordings/README.md", b"not a recording"));
    let archive = write(folder.path(), "speech.tar.gz", &gzip(&tar(&members)));
    let from_archive = SpeechDataset::read("x", Split::Train, &archive).expect("a valid archive");
    let from_folder =
        SpeechDataset::read("x", Split::Train, folder.path().join("recordings")).expect("valid files");
    assert_eq!(from_archive.recordings, from_folder.recordings);
    let order: Vec<_> =
        from_archive.recordings.iter().map(|r| (r.digit, r.speaker.as_str(), r.take)).collect();
    assert_eq!(order, [(0, "bob", 7), (0, "bob", 12), (1, "ann", 5)]);
    assert_eq!(from_archive.speakers(), ["ann", "bob"]);
    let test = SpeechDataset::read("x", Split::Test, &archive).expect("a valid archive");
    assert_eq!(test.recordings.len(), 1);
    assert_eq!(test.recordings[0].samples, [4.0 / 32768.0]);
    let archive = write(folder.path(), "names.tar", &tar(&[("recordings/seven.wav", &wav(&[1]))]));
    let error = SpeechDataset::read("x", Split::Train, &archive).expect_err("the name is wrong").to_string();
    assert!(error.contains("seven") && error.contains("{digit}_{speaker}_{take}.wav"), "{error}");
    let archive = write(folder.path(), "nothing.tar", &tar(&[("notes.txt", b"none")]));
    assert_says(SpeechDataset::read("x", Split::Train, &archive), &archive, &["no recordings"]);
}
