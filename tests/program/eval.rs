//! `wengert eval`: what it measures of a run, and how it meets what is none.

use super::interchange::all_agree;
use super::*;
use serde_json::{Map, Value};
use wengert::models::ImageSet;
use wengert::models::metrics::{Classifier, ClassifierOptions};
use wengert::nn::Module;
use wengert::tensor::{DType, Generator};

/// Images of ten classes that a small network tells apart: a bright row in one of ten places, on noise. `count` of them
/// in each part of a data set.
fn rows(folder: &Path, train: usize, test: usize) {
    for (split, count) in [("train", train), ("t10k", test)] {
        let labels: Vec<u8> = (0..count).map(|index| (index % 10) as u8).collect();
        let pixels: Vec<u8> = (0..count * 784)
            .map(|pixel| {
                let (image, row) = (pixel / 784, pixel % 784 / 28);
                // A Weyl sequence does for noise.
                let noise = (pixel as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 58;
                noise as u8 + if row / 2 == 2 + usize::from(labels[image]) { 190 } else { 0 }
            })
            .collect();
        let file = |kind: &str| folder.join(format!("{split}-{kind}-ubyte"));
        fs::write(file("images-idx3"), idx(&[count as u32, 28, 28], &pixels)).unwrap();
        fs::write(file("labels-idx1"), idx(&[count as u32], &labels)).unwrap();
    }
}

/// A folder with a data set, a run of two epochs on it, and a place for its judge.
struct Place {
    root: TempDir,
}

impl Place {
    fn new() -> Place {
        let place = Place { root: TempDir::new().unwrap() };
        fs::create_dir(place.path("rows")).unwrap();
        rows(&place.path("rows"), 600, 200);
        place.train("run", &[]);
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    fn train(&self, run: &str, more: &[&str]) -> String {
        let (data, out) = (self.path("rows"), self.path(run));
        let mut arguments =
            vec!["train", "vae", "--data", data.to_str().unwrap(), "--out", out.to_str().unwrap()];
        arguments.extend(["--epochs=2", "--batch=50", "--latent=4", "--set=vae.hidden=64", "--json"]);
        arguments.extend(more);
        self.succeed(&arguments)
    }

    /// What `wengert eval` prints of `run`, with few importance samples.
    fn eval(&self, run: &str, more: &[&str]) -> String {
        let run = self.path(run);
        let few = ["--importance-samples=5", "--likelihood-images=20"];
        self.succeed(&[&["eval", run.to_str().unwrap()], &few[..], more].concat())
    }

    fn succeed(&self, arguments: &[&str]) -> String {
        let output = wengert(arguments).env("WENGERT_CACHE", self.path("cache")).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "wengert {arguments:?} failed: {errors}");
        assert_eq!(errors, "", "wengert {arguments:?} wrote to standard error");
        String::from_utf8(output.stdout).unwrap()
    }
}

/// The one JSON object of some output, without what differs from time to time.
fn scores(output: &str) -> Map<String, Value> {
    let mut object = objects(output).pop().expect("a line").as_object().expect("an object").clone();
    assert!(object.remove("seconds").unwrap().as_f64().unwrap() > 0.0);
    object
}

#[test]
fn an_evaluation_measures_what_a_model_can_do() {
    let place = Place::new();
    let found = scores(&place.eval("run", &["--json"]));
    let number = |key: &str| found[key].as_f64().unwrap_or_else(|| panic!("{key} in {found:?}"));
    for share in ["precision", "recall", "coverage", "smallest_class", "memorised", "student_accuracy_judged"]
    {
        assert!((0.0..=1.0).contains(&number(share)), "{share}: {}", number(share));
    }
    for share in ["nearest_neighbour_accuracy", "linear_probe_accuracy", "classifier_accuracy"] {
        assert!(number(share) > 0.5, "{share} of rows that are plain to see: {}", number(share));
    }
    assert!((number("fid_ratio") - number("fid") / number("fid_floor")).abs() < 1e-9 * number("fid_ratio"));
    assert!(number("fid") > number("fid_floor"), "two epochs make no perfect samples");
    assert!((1.0..=10.0).contains(&number("inception_score")));
    let classes: f64 = (0..10).map(|class| number(&format!("class_{class}"))).sum();
    assert!((classes - 1.0).abs() < 1e-9);
    for binarised in ["static", "dynamic"] {
        let (nll, elbo) = (number(&format!("nll_{binarised}")), number(&format!("elbo_{binarised}")));
        assert!(nll > 0.0 && nll < -elbo, "importance samples tighten the bound: {nll} {elbo}");
    }
    assert_ne!(number("nll_static"), number("nll_dynamic"));
    let loss = number("test_reconstruction") + number("test_kl");
    assert!((number("test_loss") - loss).abs() < 1e-3 * loss);
    assert_eq!((number("rate"), number("distortion")), (number("test_kl"), number("test_reconstruction")));
    for key in ["kid", "density", "parzen", "mig", "total_correlation", "active_units", "fid_reconstructions"]
    {
        assert!(number(key).is_finite());
    }
    assert_eq!((number("samples"), number("epoch"), number("seed")), (200.0, 2.0, 0.0));
    assert!(!found.contains_key("label_accuracy"), "the model takes no labels");

    // The same stands in the run folder, beside a picture; and the judge is the one in the cache.
    let run = place.path("run");
    let written: Value = serde_json::from_slice(&bytes(run.join("eval.json"))).unwrap();
    assert_eq!(written["fid"], found["fid"]);
    assert!(bytes(run.join("neighbours.png")).starts_with(b"\x89PNG"));
    let files: Vec<PathBuf> = fs::read_dir(place.path("cache")).unwrap().map(|e| e.unwrap().path()).collect();
    let judge = files.iter().find(|path| path.extension().is_some_and(|e| e == "safetensors")).unwrap();
    assert_eq!(
        Value::from(safetensors::load(judge).unwrap().metadata["digest"].as_str()),
        found["classifier"]
    );

    // A model that is measured in the layer before its codes, too.
    let (data, game) = (place.path("rows"), place.path("game"));
    let train = ["train", "bi-gan", "--data", data.to_str().unwrap(), "--out", game.to_str().unwrap()];
    place.succeed(&[&train[..], &["--epochs=2", "--batch=50", "--set=bi-gan.hidden=64", "--quiet"]].concat());
    let of_game = scores(&place.eval("game", &["--json"]));
    for share in ["nearest_neighbour_accuracy", "linear_probe_accuracy"] {
        let feature = format!("feature_{share}");
        assert!(of_game[&feature].as_f64().unwrap() > 0.5 && of_game.contains_key(share), "{of_game:?}");
        assert!(!found.contains_key(&feature), "{feature}");
    }

    // Any number of threads finds the same; another seed draws other samples.
    assert_eq!(scores(&place.eval("run", &["--json", "--threads=3"])), found);
    assert_ne!(scores(&place.eval("run", &["--json", "--seed=1", "--quick"]))["fid"], found["fid"]);
    let table = place.eval("run", &["--quick", "--samples=50"]);
    assert!(table.contains("after 2 epochs; 50 samples") && table.contains("\n  fid_floor "), "{table}");

    // Runs that differ in the seed alone are five throws of the same dice.
    place.train("other", &["--seed=9"]);
    place.train("wider", &["--seed=9", "--set=vae.hidden=65"]);
    let table = place.eval("run", &["--quick", "--seeds"]);
    assert!(table.contains("2 runs: median (quartiles)"), "{table}");
}

#[test]
fn samples_are_judged_after_epochs_without_a_mark_on_the_run() {
    let place = Place::new();
    let events = objects(&place.train("judged", &["--eval-every=2"]));
    let scores: Vec<&Value> =
        events.iter().filter(|event| event["event"] == "epoch").map(|event| &event["scores"]).collect();
    assert_eq!(scores[0], &Value::Null);
    assert_eq!(events.iter().filter_map(|event| event["judge"].as_str()).count(), 1);
    assert!(scores[1]["fid"].as_f64().unwrap() > scores[1]["fid_floor"].as_f64().unwrap());
    assert_eq!(bytes(last(&place.path("judged"))), bytes(last(&place.path("run"))));
    refuse_training(&["vae", "--eval-every=0"], &["--eval-every is 0"]);
}

#[test]
fn real_images_show_what_a_judge_is_worth() {
    let place = Place::new();
    let data = place.path("rows");
    let output = place.succeed(&["eval", "--judge", "mnist", "--data", data.to_str().unwrap(), "--json"]);
    let found = objects(&output).pop().unwrap();
    assert!(found["classifier_accuracy"].as_f64().unwrap() > 0.9, "{found}");
    assert_eq!(found["fid"], found["fid_floor"]);
    assert!(found["label_accuracy"].as_f64().unwrap() > 0.9, "{found}");

    // That judge, from the cache, for other programs.
    let (onnx, weights) = (place.path("files").join("judge.onnx"), place.path("judge.safetensors"));
    fs::create_dir(place.path("files")).unwrap();
    let export = ["export", "--judge=mnist", "--data", data.to_str().unwrap()];
    place.succeed(&[&export[..], &["--format=safetensors", "--out", weights.to_str().unwrap()]].concat());
    let told = place.succeed(&[&export[..], &["--format=onnx", "--out", onnx.to_str().unwrap()]].concat());
    assert!(told.contains("the judge of mnist") && told.contains("for a batch of any"), "{told}");
    let images = ImageSet { shape: [1, 28, 28], classes: 10 };
    let classifier = Classifier::new(images, ClassifierOptions::default().width, &Generator::new(7)).unwrap();
    classifier.load_state_dict(&safetensors::load(&weights).unwrap().tensors, true).unwrap();
    classifier.eval();
    assert_eq!(found["classifier"], Value::from(classifier.digest()));
    let images = Generator::new(3).uniform([5, 1, 28, 28], 0.0, 1.0, DType::F32);
    let logits = classifier.judge(&images).logits;
    npz::save(onnx.with_extension("npz"), [("images", &images), ("output", &logits)]).unwrap();
    all_agree(&place.path("files"), 1);
}

#[test]
fn what_is_no_run_is_not_evaluated() {
    let place = Place::new();
    let run = place.path("run");
    let path = run.to_str().unwrap();
    let nothing = place.path("nothing");
    refuse(&["eval", nothing.to_str().unwrap()], &["nothing", "no such run folder"]);
    let data = place.path("rows");
    refuse(&["eval", data.to_str().unwrap()], &["rows", "config.toml"]);
    refuse(&["eval", path, "--samples=1"], &["--samples is 1", "at least 2"]);
    refuse(&["eval", path, "--threads=5000"], &["--threads is 5000"]);
    refuse(&["eval", path, "--judge=mnist"], &["--judge"]);
    refuse(&["eval", "--judge=nothing"], &["no data set named \"nothing\""]);
    refuse(&["eval"], &["RUN"]);
    fs::remove_file(run.join("checkpoints/last.safetensors")).unwrap();
    refuse(&["train", "--resume", path], &["last.safetensors is missing", "--resume", "best.safetensors"]);
    fs::remove_file(run.join("checkpoints/best.safetensors")).unwrap();
    refuse(&["eval", path], &["has not saved a checkpoint"]);
}

#[test]
fn scores_are_shown_even_where_they_cannot_be_kept() {
    let place = Place::new();
    let run = place.path("run");
    // A folder in the place of the file.
    let _ = fs::remove_file(run.join("eval.json"));
    fs::create_dir(run.join("eval.json")).unwrap();
    let output = output(&["eval", run.to_str().unwrap(), "--quick", "--samples=10", "--threads=1", "--json"]);
    let message = String::from_utf8_lossy(&output.stderr).to_string();
    assert_eq!(output.status.code(), Some(2), "{message}");
    assert!(message.contains("eval.json"), "{message}");
    assert_eq!(objects(&String::from_utf8_lossy(&output.stdout))[0]["samples"], 10);
}

#[test]
fn checkpoints_of_other_versions_are_named() {
    let place = Place::new();
    let file = place.path("other.safetensors");
    let safetensors::Contents { tensors, metadata } = safetensors::load(last(&place.path("run"))).unwrap();
    let refused = |key: &str, from: &str, to: &str, parts: &[&str]| {
        let mut metadata = metadata.clone();
        let text = metadata.get_mut(key).unwrap();
        assert!(text.contains(from), "{text}");
        *text = text.replace(from, to);
        safetensors::save(&file, &tensors, &metadata).unwrap();
        refuse(&["eval", file.to_str().unwrap()], &[&["other.safetensors"], parts].concat());
    };
    // A model, a setting and a layer that this version does not know.
    refused("model", "vae", "vae-two", &["no model `vae-two`"]);
    refused("config", "hidden = 64", "hidden = 64\ndepth = 3", &["depth"]);
    refused("config", "hidden = 64", "hidden = 63", &["fc1.weight", "[64, 784]", "[63, 784]"]);
}
