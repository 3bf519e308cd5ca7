//! Batches: what they hold, in which order, and that they can be resumed anywhere.

use std::sync::Arc;
use wengert_data::{
    Batch, BatchOptions, Binarisation, Error, ImageDataset, Loader, Normalisation, Position, Split,
};

/// `count` images of 2×1×3 whose first pixel is their number.
fn numbered(count: usize) -> Arc<ImageDataset> {
    let images = (0..count).flat_map(|number| [number as u8, 10, 20, 30, 40, 255]).collect();
    let labels = (0..count).map(|number| (number % 3) as u8).collect();
    let classes = ["a", "b", "c"].map(String::from).to_vec();
    Arc::new(
        ImageDataset::new("numbered", Split::Train, [2, 1, 3], images, labels, classes)
            .expect("valid images"),
    )
}

fn loader(count: usize, options: BatchOptions) -> Loader {
    Loader::new(numbered(count), options).expect("valid options")
}

fn shuffled(batch_size: usize) -> BatchOptions {
    BatchOptions { batch_size, shuffle: Some(7), ..BatchOptions::default() }
}

fn epoch(epoch: u64) -> Position {
    Position { epoch, batch: 0 }
}

/// Indices, images, labels and position of a batch: everything that can be told apart.
type Contents = (Vec<usize>, Vec<f32>, Vec<i64>, Position);

fn contents(batches: impl Iterator<Item = Batch>) -> Vec<Contents> {
    batches.map(|b| (b.indices, b.images.to_vec::<f32>(), b.labels.to_vec::<i64>(), b.position)).collect()
}

#[test]
fn a_batch_holds_images_and_labels() {
    let loader = loader(5, BatchOptions { batch_size: 2, ..BatchOptions::default() });
    let batches: Vec<Batch> = loader.epoch(epoch(0)).collect();
    let shapes: Vec<_> = batches.iter().map(|batch| batch.images.dims().to_vec()).collect();
    assert_eq!(shapes, [[2, 2, 1, 3], [2, 2, 1, 3], [1, 2, 1, 3]]);
    assert_eq!(batches[1].indices, [2, 3]);
    assert_eq!(batches[1].labels.to_vec::<i64>(), [2, 0]);
    let expected: Vec<f32> =
        [2, 10, 20, 30, 40, 255, 3, 10, 20, 30, 40, 255].map(|byte| byte as f32 / 255.0).into();
    assert_eq!(batches[1].images.to_vec::<f32>(), expected);
}

#[test]
fn the_last_batch_may_be_dropped() {
    for (count, size, drop_last, expected) in
        [(5, 2, false, 3), (5, 2, true, 2), (4, 2, true, 2), (3, 8, false, 1)]
    {
        let loader = loader(count, BatchOptions { batch_size: size, drop_last, ..BatchOptions::default() });
        assert_eq!(loader.batches_per_epoch(), expected);
        assert_eq!(loader.epoch(epoch(0)).count() as u64, expected);
    }
}

#[test]
fn every_image_comes_once_an_epoch_in_an_order_of_its_own() {
    let loader = loader(100, shuffled(7));
    let orders: Vec<Vec<usize>> =
        (0..3).map(|number| loader.epoch(epoch(number)).flat_map(|batch| batch.indices).collect()).collect();
    for (number, order) in orders.iter().enumerate() {
        assert_eq!(*order, loader.order(number as u64));
        let mut sorted = order.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..100).collect::<Vec<_>>());
    }
    assert_ne!(orders[0], orders[1]);
    assert_ne!(orders[1], orders[2]);
    let other = BatchOptions { shuffle: Some(8), ..shuffled(7) };
    assert_ne!(Loader::new(numbered(100), other).expect("valid options").order(0), orders[0]);
}

/// The order is part of what a checkpoint promises: it must not change from one version to the next.
#[test]
fn the_order_of_a_seed_is_fixed() {
    assert_eq!(loader(8, shuffled(1)).order(0), loader(8, shuffled(4)).order(0));
    assert_eq!(loader(8, shuffled(1)).order(0), ORDER_OF_SEED_7);
}

/// From an implementation of Philox4x32-10 and of the shuffle in Python.
const ORDER_OF_SEED_7: [usize; 8] = [7, 0, 1, 6, 3, 2, 4, 5];

#[test]
fn an_epoch_goes_on_from_any_position() {
    let options = BatchOptions { binarisation: Binarisation::Dynamic { seed: 3 }, ..shuffled(4) };
    let loader = loader(30, options);
    let whole = contents(loader.epoch(epoch(2)));
    assert_eq!(whole.len(), 8);
    for batch in 0..=9 {
        let rest = contents(loader.epoch(Position { epoch: 2, batch }));
        assert_eq!(rest, whole[whole.len().min(batch as usize)..]);
    }
    assert_eq!(loader.epoch(Position { epoch: u64::MAX, batch: u64::MAX }).count(), 0);
}

#[test]
fn prefetched_batches_are_the_same() {
    let loader = loader(50, BatchOptions { binarisation: Binarisation::Dynamic { seed: 3 }, ..shuffled(4) });
    let from = Position { epoch: 1, batch: 3 };
    let expected = contents(loader.epoch(from));
    for ahead in [0, 1, 4, 100] {
        assert_eq!(contents(loader.prefetch(from, ahead).expect("a thread")), expected);
    }
}

#[test]
fn normalisations() {
    let values = |normalisation| {
        let options = BatchOptions { batch_size: 1, normalisation, ..BatchOptions::default() };
        loader(1, options).epoch(epoch(0)).next().expect("one batch").images.to_vec::<f32>()
    };
    assert_eq!(values(Normalisation::Unit)[5], 1.0);
    assert_eq!((values(Normalisation::Symmetric)[0], values(Normalisation::Symmetric)[5]), (-1.0, 1.0));
    let standard = values(Normalisation::Standard { mean: vec![0.1, 0.2], std: vec![0.5, 0.25] });
    assert_eq!((standard[0], standard[5]), ((0.0f32 - 0.1) / 0.5, (1.0f32 - 0.2) / 0.25));
}

#[test]
fn a_threshold_makes_black_and_white() {
    let binarisation = Binarisation::Threshold(30);
    let batch = loader(1, BatchOptions { binarisation, ..BatchOptions::default() }).epoch(epoch(0)).next();
    assert_eq!(batch.expect("one batch").images.to_vec::<f32>(), [0.0, 0.0, 0.0, 1.0, 1.0, 1.0]);
}

/// 20,000 pixels of each level in images of 5 pixels, which is not a multiple of a Philox block.
fn levels() -> Arc<ImageDataset> {
    let images = [0u8, 64, 191, 255, 128].repeat(20_000);
    let labels = vec![0; 20_000];
    Arc::new(
        ImageDataset::new("x", Split::Train, [1, 1, 5], images, labels, vec!["x".into()])
            .expect("valid images"),
    )
}

#[test]
fn drawn_pixels_are_white_as_often_as_they_are_bright() {
    for binarisation in [Binarisation::Static { seed: 1 }, Binarisation::Dynamic { seed: 1 }] {
        let options = BatchOptions { batch_size: 20_000, binarisation, ..BatchOptions::default() };
        let loader = Loader::new(levels(), options).expect("valid options");
        let pixels = loader.epoch(epoch(0)).next().expect("one batch").images.to_vec::<f32>();
        assert!(pixels.iter().all(|&pixel| pixel == 0.0 || pixel == 1.0));
        for (place, level) in [0.0, 64.0, 191.0, 255.0, 128.0].iter().enumerate() {
            let white: f32 = pixels.iter().skip(place).step_by(5).sum();
            let (share, expected) = (f64::from(white) / 20_000.0, level / 255.0);
            // Five standard deviations; none at all for black and white.
            let tolerance = 5.0 * (expected * (1.0 - expected) / 20_000.0_f64).sqrt();
            assert!((share - expected).abs() <= tolerance, "{binarisation:?}: {share} of level {level}");
        }
    }
}

#[test]
fn static_bits_stay_and_dynamic_bits_change() {
    let grey = || {
        let images = vec![128; 64 * 40];
        Arc::new(
            ImageDataset::new("x", Split::Train, [1, 8, 8], images, vec![0; 40], vec!["x".into()])
                .expect("valid images"),
        )
    };
    let image = |binarisation, shuffle, number: u64, index: usize| {
        let options = BatchOptions { batch_size: 16, shuffle, binarisation, ..BatchOptions::default() };
        let loader = Loader::new(grey(), options).expect("valid options");
        let row = loader.order(number).iter().position(|&of| of == index).expect("every image comes");
        let batch = loader.epoch(Position { epoch: number, batch: row as u64 / 16 }).next().expect("a batch");
        batch.images.to_vec::<f32>()[row % 16 * 64..][..64].to_vec()
    };
    let fixed = Binarisation::Static { seed: 1 };
    assert_eq!(image(fixed, None, 0, 20), image(fixed, Some(5), 3, 20));
    assert_ne!(image(fixed, None, 0, 20), image(fixed, None, 0, 21));
    assert_ne!(image(fixed, None, 0, 20), image(Binarisation::Static { seed: 2 }, None, 0, 20));
    let drawn = Binarisation::Dynamic { seed: 1 };
    assert_eq!(image(drawn, None, 0, 20), image(drawn, None, 0, 20));
    assert_ne!(image(drawn, None, 0, 20), image(drawn, None, 1, 20));
    assert_ne!(image(drawn, None, 0, 20), image(drawn, None, 0, 21));
}

#[test]
fn options_are_checked() {
    let refused = |options: BatchOptions, expected: &str| {
        let error = Loader::new(numbered(5), options).expect_err("the options are wrong");
        assert!(matches!(error, Error::Argument { .. }), "{error:?}");
        assert!(error.to_string().contains(expected), "{error}");
    };
    let default = BatchOptions::default;
    refused(BatchOptions { batch_size: 0, ..default() }, "batch size is 0; expected at least 1");
    refused(BatchOptions { batch_size: 6, drop_last: true, ..default() }, "at most 5");
    let standard = |mean: &[f32], std: &[f32]| Normalisation::Standard { mean: mean.into(), std: std.into() };
    refused(BatchOptions { normalisation: standard(&[0.0], &[1.0]), ..default() }, "2 of each");
    for std in [0.0, -1.0, f32::NAN, f32::INFINITY] {
        refused(
            BatchOptions { normalisation: standard(&[0.0; 2], &[1.0, std]), ..default() },
            "a positive number",
        );
    }
}
