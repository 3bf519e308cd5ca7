//! What every model of the registry must do: train, go on after an interruption to the very bit, draw the same pictures
//! from its checkpoint, and give finite numbers for whatever it says it can do.
//!
//! `WENGERT_MODEL=NAME cargo test -p wengert-models --test zoo` looks at one model only.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use wengert_data::Position;
use wengert_models::event::{Event, Outcome};
use wengert_models::run::RunFolder;
use wengert_models::settings::Settings;
use wengert_models::{
    Checkpoint, Config, Dataset, Entry, FAMILIES, Family, Trainer, autoencoders, conditional, domains, find,
    gans, hybrids, latent, pictures, sequences,
};
use wengert_tensor::{Generator, Tensor, no_grad};

/// Steps of a run, and after how many it is interrupted: in the middle of its second epoch.
const STEPS: u64 = 30;
const STOP: u64 = 22;

/// Two epochs of 15 small batches, with these options of the model.
fn config(entry: &'static Entry, options: &[(&str, &str)]) -> Config {
    let mut settings = Settings::new(entry);
    // Narrow networks, of the models that have a width: nothing asked here depends on it, and the default's take minutes.
    settings.set(&format!("{}.width", entry.name), "8", "the test").ok();
    let common = [
        ("train.batch", "16"),
        ("train.epochs", "2"),
        ("data.limit", "240"),
        ("data.test_limit", "32"),
        ("seed", "3"),
    ];
    for (key, value) in common.iter().chain(options) {
        settings.set(key, value, "the test").unwrap();
    }
    let own: &[(&str, &str)] = match entry.name {
        // Sounds of 4096 samples, one after the other, would take minutes without optimisation.
        "wavenet" => &[("data.name", "mnist"), ("wavenet.levels", "16"), ("wavenet.layers", "4")],
        "seq2seq-ae" => &[("seq2seq-ae.hidden", "16")],
        "speaker-disentangle" => {
            &[("speaker-disentangle.hidden", "16"), ("speaker-disentangle.labels", "60")]
        }
        "bi-gan" => &[("bi-gan.hidden", "32")],
        _ => &[],
    };
    for (key, value) in own {
        settings.set(key, value, "the test").unwrap();
    }
    settings.resolve().unwrap()
}

/// Runs to the end, or to the interruption after `stop` steps.
fn run(trainer: &mut Trainer, stop: u64) -> Outcome {
    let flag = AtomicBool::new(false);
    let mut steps = trainer.state().step;
    let observer = &mut |event: &Event| {
        if let Event::Step { loss, .. } = event {
            assert!(loss.is_finite());
            steps += 1;
            flag.store(steps == stop, Ordering::Relaxed);
        }
    };
    trainer.run(observer, &flag).unwrap()
}

fn bytes(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap()
}

fn is_finite(tensor: &Tensor) -> bool {
    tensor.to_vec::<f32>().iter().all(|value| value.is_finite())
}

/// Everything that is asked of one model.
fn exercise(config: Config, data: &Dataset) {
    let name = config.model.clone();
    let home = tempfile::tempdir().unwrap();
    let folder = |which: &str| {
        let mut reserved = RunFolder::create(&home.path().join(which), false).unwrap();
        reserved.begin().unwrap();
        reserved.folder().clone()
    };

    let mut whole = Trainer::start(config.clone(), data.clone(), folder("whole")).unwrap();
    assert_eq!(run(&mut whole, u64::MAX), Outcome::Finished, "{name}");
    assert_eq!(whole.state().step, STEPS, "{name}");

    let mut parted = Trainer::start(config.clone(), data.clone(), folder("parted")).unwrap();
    assert_eq!(run(&mut parted, STOP), Outcome::Interrupted, "{name}");
    let middle = Checkpoint::load(&parted.folder().last()).unwrap();
    let mut resumed = Trainer::resume(&middle, config, data.clone(), parted.folder().clone()).unwrap();
    assert_eq!(run(&mut resumed, u64::MAX), Outcome::Finished, "{name}");
    assert!(
        bytes(&whole.folder().last()) == bytes(&resumed.folder().last()),
        "{name}: a resumed run ends in another checkpoint than a whole one"
    );

    let checkpoint = Checkpoint::load(&whole.folder().last()).unwrap();
    let [first, second] = [0, 1].map(|_| checkpoint.model().unwrap());
    let (model, rng) = (first.model(), || Generator::new(7));
    assert_eq!(model.image_shape(), data.image_set().shape, "{name}");
    assert!(model.named_parameters().iter().all(|(_, tensor)| is_finite(tensor)), "{name}");
    if let Some(samples) = pictures::draw(model, 12, &rng()) {
        let again = pictures::draw(second.model(), 12, &rng()).unwrap();
        assert_eq!(samples.images.to_vec::<f32>(), again.images.to_vec::<f32>(), "{name}");
        assert_eq!(samples.images.dims()[1..], model.image_shape(), "{name}");
        assert_eq!(samples.codes.dims(), [12, model.code_size()], "{name}");
        let (low, high) = (samples.images.min_all().item(), samples.images.max_all().item());
        assert!(low >= 0.0 && high <= 1.0, "{name}: pixels from {low} to {high}");
    } else {
        assert_eq!(model.code_size(), 0, "{name}");
    }

    let indices: Vec<usize> = (0..12).collect();
    let (images, labels) = (data.test.images(&indices, Position::default()), data.test.labels(&indices));
    let labels = model.classes().map(|_| labels);
    no_grad(|| {
        if let Some(codes) = model.encode(&images, labels.as_ref()) {
            assert_eq!(codes.dims(), [12, model.code_size()], "{name}");
            assert!(is_finite(&codes), "{name}");
        }
        if let Some(back) = model.reconstruct(&images, labels.as_ref()) {
            assert_eq!(back.dims(), images.dims(), "{name}");
            assert!(is_finite(&back), "{name}");
        }
        if let Some(logits) = model.classify(&images) {
            assert_eq!(logits.dims(), [12, data.image_set().classes], "{name}");
            assert!(is_finite(&logits), "{name}");
        }
        if let Some(logits) = model.cluster(&images) {
            assert_eq!((logits.rank(), logits.dims()[0]), (2, 12), "{name}");
            assert!(is_finite(&logits), "{name}");
        }
        if let Some(weights) = model.log_weights(&images, labels.as_ref(), 3, &rng()) {
            assert_eq!(weights.dims(), [3, 12], "{name}");
            assert!(is_finite(&weights), "{name}");
        }
        if let Some(score) = model.score(&images, labels.as_ref()) {
            assert_eq!(score.dims(), [12], "{name}");
            assert!(is_finite(&score), "{name}");
        }
    });
}

/// Asks it of a model with these options of its own, where its data is at hand and WENGERT_MODEL does not ask for another.
fn exercise_one(entry: &'static Entry, options: &[(&str, &str)]) {
    if std::env::var("WENGERT_MODEL").is_ok_and(|wanted| wanted != entry.name) {
        return;
    }
    let config = config(entry, options);
    match Dataset::load(&config) {
        Ok(data) => exercise(config, &data),
        Err(error) => eprintln!("{}: skipped, its data is not here: {error}", entry.name),
    }
}

fn exercise_all(family: Family) {
    family.models.iter().for_each(|entry| exercise_one(entry, &[]));
}

#[test]
fn every_autoencoder_trains_resumes_and_round_trips() {
    exercise_all(autoencoders::FAMILY);
}

#[test]
fn every_autoencoder_with_another_code_trains_resumes_and_round_trips() {
    exercise_all(latent::FAMILY);
}

#[test]
fn every_game_trains_resumes_and_round_trips() {
    exercise_all(gans::FAMILY);
}

#[test]
fn a_game_with_all_techniques_trains_resumes_and_round_trips() {
    let options = [
        ("dcgan.width", "4"),
        ("dcgan.hidden", "6"),
        ("dcgan.mapping_layers", "2"),
        ("dcgan.normalise_units", "true"),
        ("dcgan.label_smoothing", "0.1"),
        ("dcgan.critic_steps", "2"),
        ("dcgan.decay_steps", "30"),
        ("dcgan.feature_matching", "true"),
        ("dcgan.minibatch_discrimination", "3"),
        ("dcgan.instance_noise", "0.1"),
        ("dcgan.average_decay", "0.9"),
    ];
    for reference in ["0", "8"] {
        let options = [&options[..], &[("dcgan.virtual_batch_norm", reference)]].concat();
        exercise_one(find("dcgan").unwrap(), &options);
    }
}

#[test]
fn every_conditional_game_trains_resumes_and_round_trips() {
    exercise_all(conditional::FAMILY);
}

#[test]
fn images_moved_about_keep_to_the_bit_too() {
    let options = [("info-gan.width", "4"), ("info-gan.hidden", "6"), ("info-gan.warp", "0.2")];
    exercise_one(find("info-gan").unwrap(), &options);
    exercise_one(find("ss-gan").unwrap(), &[("ss-gan.network", "conv"), ("ss-gan.shift", "2")]);
    let options = [("triple-gan.width", "4"), ("triple-gan.shift", "2"), ("triple-gan.decay_steps", "30")];
    exercise_one(find("triple-gan").unwrap(), &options);
}

#[test]
fn every_hybrid_trains_resumes_and_round_trips() {
    exercise_all(hybrids::FAMILY);
}

#[test]
fn every_domain_model_trains_resumes_and_round_trips() {
    exercise_all(domains::FAMILY);
}

#[test]
fn every_sequence_model_trains_resumes_and_round_trips() {
    exercise_all(sequences::FAMILY);
}

#[test]
fn models_in_colour_train_resume_and_round_trip() {
    for name in ["vae", "conv-vae", "dcgan", "wgan-gp", "sn-gan", "ac-gan"] {
        exercise_one(find(name).unwrap(), &[("data.name", "cifar10")]);
    }
}

#[test]
fn no_family_is_left_out() {
    assert_eq!(FAMILIES.len(), 7, "a family needs a test above");
}
