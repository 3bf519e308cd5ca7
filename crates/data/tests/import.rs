//! Importing and verifying: files are known by their content, whatever they are called and however they are packed.

mod common;

use common::{extra_data, gzip, mnist_folder, tar, write};
use flate2::read::GzDecoder;
use std::io::Read;
use std::path::Path;
use wengert_data::{
    Error, FileStatus, Form, Places, Split, dataset_info, identify, import_folder, load_images, load_speech,
    sha256_file, verify_folder,
};

const LABELS: &str = "t10k-labels-idx1-ubyte";

/// The test labels of MNIST as they are packed, and unpacked.
fn labels() -> (Vec<u8>, Vec<u8>) {
    let packed =
        std::fs::read(mnist_folder().join(format!("{LABELS}.gz"))).expect("MNIST is in the repository");
    let mut raw = Vec::new();
    GzDecoder::new(&packed[..]).read_to_end(&mut raw).expect("an intact file");
    (packed, raw)
}

fn status(folder: &Path) -> FileStatus {
    let reports = verify_folder(dataset_info("mnist").expect("a known name"), folder);
    reports.into_iter().find(|report| report.file.name == LABELS).expect("a file of MNIST").status
}

#[test]
fn raw_and_repacked_files_are_as_good_as_the_published_ones() {
    let (packed, raw) = labels();
    for (bytes, published, form) in
        [(&packed, true, Form::Gzip), (&raw, false, Form::Raw), (&gzip(&raw), false, Form::Gzip)]
    {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = write(folder.path(), "t10k-labels.idx1-ubyte", bytes);
        match status(folder.path()) {
            FileStatus::Published => assert!(published),
            FileStatus::SameContent => assert!(!published),
            other => panic!("{other:?}"),
        }
        let known = identify(path).expect("an intact file");
        assert_eq!(known.len(), 1);
        assert_eq!((known[0].info.name, known[0].file.name, &known[0].form), ("mnist", LABELS, &form));
    }
}

#[test]
fn a_wrong_file_is_told_with_both_checksums() {
    let (_, mut raw) = labels();
    raw[100] ^= 1;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = write(folder.path(), LABELS, &raw);
    let FileStatus::Wrong(error @ Error::Checksum { .. }) = status(folder.path()) else {
        panic!("not noticed")
    };
    let text = error.to_string();
    assert!(text.contains("ff7bcfd4") && text.contains(&sha256_file(&path).expect("a file")), "{text}");
    assert!(identify(&path).expect("a file").is_empty());
    let (packed, _) = labels();
    write(folder.path(), &format!("{LABELS}.gz"), &packed[..packed.len() / 2]);
    assert!(matches!(status(folder.path()), FileStatus::Wrong(Error::Format { .. })));
    let empty = tempfile::tempdir().expect("a temporary folder");
    assert!(matches!(status(empty.path()), FileStatus::Absent));
}

#[test]
fn import_takes_what_it_knows_and_leaves_the_rest() {
    let (packed, raw) = labels();
    let (source, target) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    write(source.path(), "deep/er/whatever.bin", &raw);
    write(source.path(), "notes.txt", b"nothing known");
    write(source.path(), "cut.gz", &packed[..100]);
    let imported = import_folder(source.path(), target.path()).expect("a folder");
    let [cut, deep, notes] = &imported[..] else { panic!("{imported:?}") };
    assert!(matches!(cut.outcome, Err(Error::Format { .. })));
    assert!(matches!(&notes.outcome, Ok(known) if known.is_empty()));
    let place = &deep.outcome.as_ref().expect("an intact file")[0].1;
    assert_eq!(*place, target.path().join("mnist").join(LABELS));
    assert_eq!(std::fs::read(place).expect("it was copied"), raw);
    // Once more, and from the target itself: nothing changes.
    for folder in [source.path(), target.path()] {
        import_folder(folder, target.path()).expect("a folder");
        assert_eq!(std::fs::read(place).expect("it is still there"), raw);
    }
    assert_eq!(std::fs::read_dir(target.path().join("mnist")).expect("a folder").count(), 1);
    let absent = source.path().join("absent");
    assert!(matches!(import_folder(&absent, target.path()), Err(Error::Io { path, .. }) if path == absent));
}

#[test]
fn import_unpacks_archives() {
    let (_, raw) = labels();
    let (source, target) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    // Whatever a member is called, it goes where the catalogue says.
    let archive = gzip(&tar(&[("x/readme.txt", b"text"), ("../../evil", &raw)]));
    write(source.path(), "all.tar.gz", &archive);
    let imported = import_folder(source.path(), target.path()).expect("a folder");
    let known = imported[0].outcome.as_ref().expect("an intact archive");
    assert_eq!(known.len(), 1);
    assert_eq!(known[0].0.form, Form::Member("../../evil".into()));
    assert_eq!(known[0].1, target.path().join("mnist").join(LABELS));
    assert_eq!(std::fs::read(&known[0].1).expect("it was copied"), raw);
}

#[test]
fn imported_images_can_be_loaded() {
    let target = tempfile::tempdir().expect("a temporary folder");
    let imported = import_folder(mnist_folder(), target.path()).expect("MNIST is in the repository");
    assert_eq!(
        imported.iter().filter(|one| matches!(&one.outcome, Ok(known) if known.len() == 1)).count(),
        4
    );
    let test = load_images("mnist", Split::Test, &Places::only(target.path())).expect("it was imported");
    assert_eq!(test.len(), 10_000);
}

#[test]
fn recordings_are_known_as_an_archive_and_as_a_folder() {
    let Some(folder) = extra_data("recordings_are_known_as_an_archive_and_as_a_folder", "fsdd") else {
        return;
    };
    let unpacked = tempfile::tempdir().expect("a temporary folder");
    let archive = std::fs::File::open(folder.join("fsdd-recordings.tar.gz")).expect("the archive");
    tar::Archive::new(GzDecoder::new(archive)).unpack(unpacked.path()).expect("an intact archive");
    for (source, form) in [(folder.as_path(), Form::Gzip), (unpacked.path(), Form::Folder)] {
        let target = tempfile::tempdir().expect("a temporary folder");
        let imported = import_folder(source, target.path()).expect("a folder");
        let known: Vec<_> = imported.iter().filter_map(|one| one.outcome.as_ref().ok()).flatten().collect();
        assert_eq!(known.len(), 1, "{imported:?}");
        assert_eq!(known[0].0.form, form);
        let test = load_speech("fsdd", Split::Test, &Places::only(target.path())).expect("it was imported");
        assert_eq!(test.recordings.len(), 300);
    }
}
