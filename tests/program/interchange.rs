//! `wengert export` and `import`: files for other programs, and theirs.

use super::*;
use wengert::models::export::Part;
use wengert::models::{Checkpoint, Model};
use wengert::tensor::{DType, Generator, Tensor, no_grad};
use wengert_testkit::notice;

/// Trains a model for two steps.
fn brief(folder: &Path, model: &str, more: &[&str]) -> PathBuf {
    let run = folder.join(model);
    let out = run.to_str().unwrap();
    let arguments = ["train", model, "--out", out, "--steps=2", "--batch=8", "--quiet"];
    let data = ["--set=data.limit=100", "--set=data.test_limit=100"];
    succeed(&[&arguments[..], &data, more].concat());
    run
}

/// Inputs of a part for a batch of five, which is none that was traced, and what the engine makes of them.
fn expected(model: &dyn Model, part: Part) -> Vec<(&'static str, Tensor)> {
    let rng = Generator::new(3);
    let [channels, height, width] = model.image_shape();
    let images = || rng.uniform([5, channels, height, width], 0.0, 1.0, DType::F32);
    let labels = model.classes().map(|classes| rng.randint(0, classes as i64, [5]));
    let (first, output) = no_grad(|| match part {
        Part::Decoder | Part::Generator => {
            let codes = model.draw_codes(5, &rng);
            let images = model.decode(&codes, labels.as_ref());
            (("codes", codes), images)
        }
        Part::Encoder => {
            let images = images();
            let codes = model.encode(&images, labels.as_ref());
            (("images", images), codes)
        }
        Part::Classifier => {
            let images = images();
            let logits = model.classify(&images);
            (("images", images), logits)
        }
        Part::Discriminator => {
            let images = images();
            let scores = model.score(&images, labels.as_ref());
            (("images", images), scores)
        }
    });
    let output = output.expect("the model has this part");
    [Some(first), labels.map(|labels| ("labels", labels)), Some(("output", output))]
        .into_iter()
        .flatten()
        .collect()
}

/// A Python with the packages of scripts/requirements-onnx.txt, where there is one.
fn python() -> Option<PathBuf> {
    let usual = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/ci/venv/bin/python");
    let python = std::env::var_os("WENGERT_ONNX_PYTHON").map_or(usual, PathBuf::from);
    let has_packages = Command::new(&python).args(["-c", "import onnx, onnxruntime"]).output();
    has_packages.is_ok_and(|output| output.status.success()).then_some(python)
}

#[test]
fn other_runtimes_agree_with_the_engine() {
    let root = TempDir::new().unwrap();
    let files = root.path().join("files");
    fs::create_dir(&files).unwrap();
    let small = |model: &str| format!("--set={model}.width=4");
    let dense = ["--set=vae.hidden=32", "--latent=3"];
    let models: [(&str, &[&str], &[Part]); 6] = [
        ("vae", &dense, &[Part::Decoder, Part::Encoder]),
        ("conv-vae", &[&small("conv-vae")], &[Part::Decoder, Part::Encoder]),
        ("dcgan", &[&small("dcgan")], &[Part::Generator, Part::Discriminator]),
        ("ss-gan", &[&small("ss-gan")], &[Part::Classifier]),
        ("cgan", &[&small("cgan")], &[Part::Generator, Part::Discriminator]),
        ("seq2seq-ae", &[], &[Part::Decoder, Part::Encoder]),
    ];
    for (name, settings, parts) in models {
        let run = brief(root.path(), name, settings);
        let training = Checkpoint::load(&last(&run)).unwrap().model().unwrap();
        for &part in parts {
            let file = files.join(format!("{name}-{}.onnx", part.name()));
            let (run, out) = (run.to_str().unwrap(), file.to_str().unwrap());
            let told = succeed(&["export", run, "--format=onnx", "--part", part.name(), "--out", out]);
            assert!(told.contains("for a batch of any"), "{told}");
            npz::save(
                file.with_extension("npz"),
                expected(training.model(), part).iter().map(|(n, t)| (n, t)),
            )
            .unwrap();
        }
    }
    let Some(python) = python() else {
        notice("skipped: no Python with onnx and onnxruntime; WENGERT_ONNX_PYTHON names one");
        return;
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/onnx_run.py");
    let output = Command::new(python).arg(script).arg(&files).output().unwrap();
    let (told, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{told}{errors}");
    assert_eq!(told.lines().filter(|line| line.contains(": agrees")).count(), 11, "{told}");
}
