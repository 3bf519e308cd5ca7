//! The published data sets: MNIST in this repository, the others where `WENGERT_DATASETS` points.

mod common;

use common::{extra_data, mnist_folder};
use wengert_data::{
    Error, FileStatus, ImageDataset, Places, Split, catalogue, dataset_info, find_dataset, load_images,
    load_speech, sha256, verify_folder,
};

fn load(name: &str, split: Split) -> ImageDataset {
    load_images(name, split, &Places::usual()).expect("the data set is there")
}

/// Mean and standard deviation to four digits.
fn rounded(dataset: &ImageDataset) -> Vec<(String, String)> {
    let (mean, std) = dataset.statistics();
    mean.iter().zip(&std).map(|(mean, std)| (format!("{mean:.4}"), format!("{std:.4}"))).collect()
}

fn assert_intact(name: &str, folder: &std::path::Path, absent: &[&str]) {
    for report in verify_folder(dataset_info(name).expect("a known name"), folder) {
        match report.status {
            FileStatus::Published | FileStatus::SameContent => {}
            FileStatus::Absent if absent.contains(&report.file.name) => {}
            status => panic!("{} of {name}: {status:?}", report.file.name),
        }
    }
}

#[test]
fn mnist() {
    let places = Places::only(mnist_folder());
    let train = load_images("mnist", Split::Train, &places).expect("MNIST is in the repository");
    assert_eq!((train.len(), train.shape(), train.classes().len()), (60_000, [1, 28, 28], 10));
    assert_eq!(train.labels()[..10], [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]);
    assert_eq!(rounded(&train), [("0.1307".to_owned(), "0.3081".to_owned())]);
    let test = load_images("mnist", Split::Test, &places).expect("MNIST is in the repository");
    assert_eq!((test.len(), &test.labels()[..5]), (10_000, &[7u8, 2, 1, 0, 4][..]));
    for report in verify_folder(dataset_info("mnist").expect("a known name"), mnist_folder()) {
        assert!(matches!(report.status, FileStatus::Published), "{}: {:?}", report.file.name, report.status);
    }
}

#[test]
fn mnist_is_found_without_being_told_where() {
    let info = dataset_info("mnist").expect("a known name");
    assert!(find_dataset(info, Split::Train, &Places::usual()).is_ok());
    // The folder that holds the data set's own folder does as well.
    let parent = mnist_folder().join("..");
    assert!(find_dataset(info, Split::Train, &Places::only(parent)).is_ok());
}

#[test]
fn fashion_mnist() {
    let Some(folder) = extra_data("fashion_mnist", "fashion-mnist") else { return };
    assert_intact("fashion-mnist", &folder, &[]);
    let train = load("fashion-mnist", Split::Train);
    assert_eq!((train.len(), train.shape()), (60_000, [1, 28, 28]));
    assert_eq!(rounded(&train), [("0.2860".to_owned(), "0.3530".to_owned())]);
    assert_eq!(train.classes()[usize::from(train.labels()[0])], "Ankle boot");
}

#[test]
fn cifar10() {
    let Some(folder) = extra_data("cifar10", "cifar10-subset") else { return };
    assert_intact(
        "cifar10",
        &folder,
        &["data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin"],
    );
    let test = load("cifar10", Split::Test);
    assert_eq!((test.len(), test.shape()), (10_000, [3, 32, 32]));
    assert_eq!(test.classes()[usize::from(test.labels()[0])], "cat");
    assert!((0..10).all(|class| test.labels().iter().filter(|&&label| label == class).count() == 1000));
    assert_eq!(load("cifar10", Split::Train).len() % 10_000, 0);
}

#[test]
fn usps() {
    let Some(folder) = extra_data("usps", "usps") else { return };
    assert_intact("usps", &folder, &[]);
    assert_eq!((load("usps", Split::Train).len(), load("usps", Split::Test).len()), (7291, 2007));
    assert_eq!(load("usps", Split::Test).shape(), [1, 16, 16]);
}

#[test]
fn bsds500_crops() {
    let Some(folder) = extra_data("bsds500_crops", "bsds500-crops") else { return };
    assert_intact("bsds500-crops", &folder, &[]);
    let photographs = load("bsds500-crops", Split::Train);
    assert_eq!((photographs.len(), photographs.shape()), (60, [3, 128, 128]));
}

#[test]
fn fsdd() {
    let Some(folder) = extra_data("fsdd", "fsdd") else { return };
    assert_intact("fsdd", &folder, &[]);
    let train = load_speech("fsdd", Split::Train, &Places::usual()).expect("the data set is there");
    let test = load_speech("fsdd", Split::Test, &Places::usual()).expect("the data set is there");
    assert_eq!((train.recordings.len(), test.recordings.len()), (2700, 300));
    assert_eq!(train.speakers(), ["george", "jackson", "lucas", "nicolas", "theo", "yweweler"]);
    let all = || train.recordings.iter().chain(&test.recordings);
    assert!(all().all(|recording| recording.sample_rate == 8000));
    assert_eq!(all().map(|recording| recording.samples.len()).max(), Some(18_262));
    assert_eq!(all().map(|recording| recording.samples.len()).min(), Some(1_148));
}

#[test]
fn a_missing_data_set_says_where_it_was_looked_for_and_how_to_get_it() {
    let empty = tempfile::tempdir().expect("a temporary folder");
    let error =
        load_images("cifar10", Split::Train, &Places::only(empty.path())).expect_err("nothing is there");
    let text = error.to_string();
    let sub_folder = empty.path().join("cifar10");
    for part in ["cifar10", "data_batch_1.bin", "wengert data fetch cifar10", "wengert data import", "--data"]
    {
        assert!(text.contains(part), "{text:?} does not say {part:?}");
    }
    for place in [empty.path(), &sub_folder] {
        assert!(text.lines().any(|line| line.trim() == place.display().to_string()), "{text}");
    }
}

#[test]
fn names_are_checked() {
    let error = load_images("emnist", Split::Train, &Places::usual()).expect_err("not a known name");
    assert!(matches!(error, Error::UnknownDataset { .. }));
    let text = error.to_string();
    assert!(catalogue().iter().all(|info| text.contains(info.name)), "{text}");
    assert!(load_speech("mnist", Split::Train, &Places::usual()).is_err());
    let folder = Places::only(mnist_folder());
    assert!(load_speech("fsdd", Split::Train, &folder).is_err());
}

#[test]
fn the_catalogue_is_consistent() {
    for info in catalogue() {
        let is_hash =
            |text: &str| text.len() == 64 && text.bytes().all(|byte| b"0123456789abcdef".contains(&byte));
        for file in info.files {
            assert!(is_hash(file.sha256) && file.gzip_sha256.is_none_or(is_hash), "{}", file.name);
        }
        let offered: Vec<&str> = info.downloads.iter().flat_map(|download| download.files).copied().collect();
        let all: Vec<&str> = info.files.iter().map(|file| file.name).collect();
        assert!(offered.is_empty() || offered == all, "{}: {offered:?}", info.name);
        for url in info.downloads.iter().flat_map(|download| download.urls) {
            assert!(url.starts_with("http"), "{url}");
        }
    }
    let mut hashes: Vec<&str> =
        catalogue().iter().flat_map(|info| info.files).map(|file| file.sha256).collect();
    hashes.sort_unstable();
    assert!(hashes.windows(2).all(|pair| pair[0] != pair[1]), "two files have the same checksum");
}

#[test]
fn mnist_m_is_made_of_mnist_and_photographs() {
    let Some(_) = extra_data("mnist_m", "bsds500-crops") else { return };
    let (made, digits) = (load("mnist-m", Split::Test), load("mnist", Split::Test));
    assert_eq!((made.name(), made.len(), made.shape()), ("mnist-m", 10_000, [3, 28, 28]));
    assert_eq!((made.labels(), made.classes()), (digits.labels(), digits.classes()));
    assert_eq!(sha256(made.images()), sha256(load("mnist-m", Split::Test).images()));
    let info = dataset_info("mnist-m").expect("a known name");
    assert!(find_dataset(info, Split::Train, &Places::usual()).is_ok());
    let error = find_dataset(info, Split::Train, &Places::only(mnist_folder())).expect_err("no photographs");
    assert!(error.to_string().contains("bsds500-crops"), "{error}");
}

#[test]
fn speech_as_pictures_keeps_digits_and_speakers() {
    let Some(_) = extra_data("speech_as_pictures", "fsdd") else { return };
    for (name, shape) in [("fsdd-mel", [1, 64, 40]), ("fsdd-mulaw", [1, 64, 64])] {
        let (train, test) = (load(name, Split::Train), load(name, Split::Test));
        assert_eq!((train.len(), test.len(), train.shape(), test.shape()), (2700, 300, shape, shape));
        let groups = test.groups().expect("speakers");
        assert_eq!(groups.names, ["george", "jackson", "lucas", "nicolas", "theo", "yweweler"]);
        assert_eq!(
            (&test.labels()[..7], &groups.of[..7]),
            (&[0u8, 0, 0, 0, 0, 0, 1][..], &[0u8, 1, 2, 3, 4, 5, 0][..])
        );
        let first = train.first(60);
        assert!((0..10).all(|digit| first.labels().iter().filter(|&&label| label == digit).count() == 6));
    }
}
