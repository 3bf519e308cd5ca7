//! The program from outside: what it writes, what it prints, and how it meets wrong input.

#[path = "program/awkward.rs"]
mod awkward;
#[path = "program/bench.rs"]
mod bench;
#[path = "program/codes.rs"]
mod codes;
#[path = "program/cuda.rs"]
mod cuda;
#[path = "program/eval.rs"]
mod eval;
#[path = "program/explore.rs"]
mod explore;
#[path = "program/interchange.rs"]
mod interchange;
#[path = "program/stepper.rs"]
mod stepper;
#[path = "program/trace.rs"]
mod trace;

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use wengert::tensor::io::{npz, safetensors};

/// A model and a share of MNIST that train in a moment.
const SMALL: [&str; 7] = [
    "--batch=64",
    "--set=data.limit=500",
    "--set=data.test_limit=200",
    "--set=vae.hidden=64",
    "--latent=4",
    "--seed=7",
    "--json",
];

fn wengert(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wengert"));
    // A GPU of the machine would be taken where nothing is said: these tests are about the processor.
    command.args(arguments).env("CUDA_VISIBLE_DEVICES", "-1");
    command
}

fn output(arguments: &[&str]) -> Output {
    wengert(arguments).output().expect("the program starts")
}

/// Runs the program and returns what it printed; it must succeed without a word on standard error.
fn succeed(arguments: &[&str]) -> String {
    let output = output(arguments);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "wengert {arguments:?} failed: {errors}");
    assert_eq!(errors, "", "wengert {arguments:?} wrote to standard error");
    String::from_utf8(output.stdout).expect("text")
}

/// Trains the small model into `folder`.
fn train(folder: &Path, more: &[&str]) -> String {
    let out = folder.to_str().expect("a plain path");
    succeed(&[&["train", "vae", "--out", out], &SMALL[..], more].concat())
}

/// Runs the program on wrong input: exit code 2, and one message with all of the given parts.
fn refuse(arguments: &[&str], parts: &[&str]) {
    let output = output(arguments);
    let message = String::from_utf8_lossy(&output.stderr).to_string();
    assert_eq!(output.status.code(), Some(2), "wengert {arguments:?}: {message}");
    assert!(!message.contains("panicked"), "{message}");
    assert!(message.starts_with("error: "), "{message}");
    for part in parts {
        assert!(message.contains(part), "wengert {arguments:?} should mention {part:?}: {message}");
    }
}

fn refuse_training(more: &[&str], parts: &[&str]) {
    let folder = TempDir::new().expect("a folder");
    let out = folder.path().join("run");
    refuse(&[&["train", "--out", out.to_str().unwrap()], more].concat(), parts);
    assert!(!out.exists(), "wrong input should be found before the run folder is made: {more:?}");
}

fn last(run: &Path) -> PathBuf {
    run.join("checkpoints/last.safetensors")
}

fn bytes(path: impl AsRef<Path>) -> Vec<u8> {
    fs::read(path.as_ref()).unwrap_or_else(|error| panic!("{}: {error}", path.as_ref().display()))
}

/// The JSON objects of lines of text.
fn objects(lines: &str) -> Vec<serde_json::Value> {
    lines.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))).collect()
}

#[test]
fn a_run_leaves_its_folder() {
    let root = TempDir::new().unwrap();
    let run = root.path().join("run");
    let events = objects(&train(&run, &["--epochs=2"]));
    let kinds: Vec<&str> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert_eq!(kinds.first(), Some(&"start"));
    assert_eq!(kinds.iter().filter(|kind| **kind == "epoch").count(), 2);

    let metrics = objects(&fs::read_to_string(run.join("metrics.jsonl")).unwrap());
    assert_eq!(metrics.len(), 2);
    for (index, record) in metrics.iter().enumerate() {
        assert_eq!(record["event"], "epoch");
        assert_eq!(record["epoch"], index as u64 + 1);
        assert_eq!(record["step"], 8 * (index as u64 + 1), "500 images in batches of 64");
        let number = |key: &str| record[key].as_f64().unwrap_or_else(|| panic!("{key} in {record}"));
        for key in ["train_loss", "images_per_second", "seconds", "train_reconstruction", "train_kl"] {
            assert!(number(key) > 0.0, "{key}");
        }
        let sum = number("reconstruction") + number("kl");
        assert!((number("test_loss") - sum).abs() < 1e-3 * sum, "the loss is the sum of its terms: {record}");
    }
    let losses: Vec<f64> = metrics.iter().map(|record| record["test_loss"].as_f64().unwrap()).collect();
    assert!(losses[1] < losses[0] && losses[0] < 545.0, "the loss falls from 784·ln 2: {losses:?}");

    let config = fs::read_to_string(run.join("config.toml")).unwrap();
    for line in ["seed = 7", "model = \"vae\"", "latent = 4", "batch = 64", "epochs = 2", "version = "] {
        assert!(config.contains(line), "{line} in {config}");
    }
    for picture in ["samples/epoch_001.png", "samples/epoch_002.png", "reconstructions/epoch_002.png"] {
        assert!(bytes(run.join(picture)).starts_with(b"\x89PNG"), "{picture}");
    }
    assert!(fs::read_to_string(run.join("loss.svg")).unwrap().contains("<polyline"));
    let names: Vec<String> =
        fs::read_dir(&run).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(names.iter().filter(|name| name.starts_with("events.out.tfevents.")).count(), 1, "{names:?}");

    let checkpoint = safetensors::load(last(&run)).unwrap();
    assert_eq!(checkpoint.metadata["model"], "vae");
    for (name, shape) in [("fc1.weight", [64, 784]), ("fc21.weight", [4, 64]), ("fc4.weight", [784, 64])] {
        assert_eq!(checkpoint.tensors[name].dims(), shape, "{name}");
    }
    assert!(run.join("checkpoints/best.safetensors").is_file());
}

#[test]
fn a_run_is_the_same_for_any_number_of_threads() {
    let root = TempDir::new().unwrap();
    let checkpoints: Vec<Vec<u8>> = ["1", "2", "3"]
        .iter()
        .map(|threads| {
            let run = root.path().join(threads);
            train(&run, &["--epochs=1", "--threads", threads]);
            bytes(last(&run))
        })
        .collect();
    assert!(checkpoints.windows(2).all(|pair| pair[0] == pair[1]));
}

#[test]
fn a_resumed_run_has_the_bytes_of_one_that_never_stopped() {
    let root = TempDir::new().unwrap();
    let [whole, epochs, steps, elsewhere] =
        ["whole", "epochs", "steps", "elsewhere"].map(|name| root.path().join(name));
    train(&whole, &["--epochs=3"]);

    train(&epochs, &["--epochs=1"]);
    succeed(&["train", "--resume", epochs.to_str().unwrap(), "--epochs=3", "--quiet"]);
    assert_eq!(bytes(last(&whole)), bytes(last(&epochs)), "resumed after an epoch");
    let metrics = |run: &Path| objects(&fs::read_to_string(run.join("metrics.jsonl")).unwrap());
    let losses = |run: &Path| metrics(run).iter().map(|r| r["test_loss"].clone()).collect::<Vec<_>>();
    assert_eq!(losses(&whole), losses(&epochs));

    train(&steps, &["--epochs=3", "--steps=11"]);
    assert_eq!(metrics(&steps).last().unwrap()["event"], "stopped");
    succeed(&["train", "vae", "--resume", "--out", steps.to_str().unwrap(), "--steps=0", "--quiet"]);
    assert_eq!(bytes(last(&whole)), bytes(last(&steps)), "resumed within an epoch");
    assert_eq!(losses(&whole), losses(&steps), "the record of the part is replaced by the whole epoch's");

    // From a checkpoint file into another folder.
    train(&epochs, &["--epochs=1", "--force"]);
    let (from, to) = (last(&epochs), elsewhere.to_str().unwrap());
    succeed(&["train", "--resume", from.to_str().unwrap(), "--out", to, "--epochs=3", "--quiet"]);
    assert_eq!(bytes(last(&whole)), bytes(last(&elsewhere)), "resumed elsewhere");
    assert_eq!(losses(&whole), losses(&elsewhere));
}

#[cfg(unix)]
#[test]
fn a_signal_saves_a_checkpoint_that_resumes() {
    let root = TempDir::new().unwrap();
    let (whole, stopped) = (root.path().join("whole"), root.path().join("stopped"));
    train(&whole, &["--epochs=40"]);
    let out = stopped.to_str().unwrap();
    let arguments = [&["train", "vae", "--out", out, "--epochs=40"], &SMALL[..]].concat();
    let mut child = wengert(&arguments).stdout(Stdio::piped()).spawn().unwrap();
    let patience = Instant::now();
    while !last(&stopped).exists() && patience.elapsed() < Duration::from_secs(120) {
        std::thread::sleep(Duration::from_millis(5));
    }
    Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    let mut lines = String::new();
    child.stdout.take().unwrap().read_to_string(&mut lines).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{lines}");
    assert_ne!(bytes(last(&whole)), bytes(last(&stopped)), "the signal came in time");
    succeed(&["train", "--resume", out, "--quiet"]);
    assert_eq!(bytes(last(&whole)), bytes(last(&stopped)));
}

#[cfg(unix)]
#[test]
fn a_full_disk_leaves_the_old_checkpoint() {
    let root = TempDir::new().unwrap();
    let run = root.path().join("run");
    train(&run, &["--epochs=1"]);
    let before = bytes(last(&run));
    // A limit on the size of files stands in for the end of the disk: the checkpoint alone is larger.
    let script = "trap '' XFSZ; ulimit -f 512; exec \"$0\" \"$@\"";
    let program = env!("CARGO_BIN_EXE_wengert");
    let output = Command::new("sh")
        .args(["-c", script, program, "train", "--resume", run.to_str().unwrap(), "--epochs=2", "--quiet"])
        .output()
        .unwrap();
    let message = String::from_utf8_lossy(&output.stderr).to_string();
    assert_eq!(output.status.code(), Some(2), "{message}");
    assert!(message.contains("could not be saved") && message.contains("untouched"), "{message}");
    assert_eq!(bytes(last(&run)), before);
    let left: Vec<_> =
        fs::read_dir(run.join("checkpoints")).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "nothing but the checkpoints is left: {left:?}");
    // The run goes on once there is room.
    succeed(&["train", "--resume", run.to_str().unwrap(), "--epochs=2", "--quiet"]);
    assert_ne!(bytes(last(&run)), before);
}

#[test]
fn a_trained_model_draws_and_reconstructs() {
    let root = TempDir::new().unwrap();
    let run = root.path().join("run");
    train(&run, &["--epochs=1"]);
    let run = run.to_str().unwrap();
    let [grid, arrays, again, pairs] = ["grid.png", "a.npz", "b.npz", "pairs.png"]
        .map(|name| root.path().join(name).to_str().unwrap().to_string());
    succeed(&["sample", run, "--count", "9", "--out", &grid]);
    assert!(bytes(&grid).starts_with(b"\x89PNG"));
    succeed(&["sample", run, "--count", "300", "--seed", "1", "--out", &arrays]);
    succeed(&["sample", run, "--count", "300", "--seed", "1", "--out", &again]);
    assert_eq!(bytes(&arrays), bytes(&again), "the seed decides the images");
    let arrays = npz::load(&arrays).unwrap();
    assert_eq!(arrays["images"].dims(), [300, 1, 28, 28]);
    assert_eq!(arrays["codes"].dims(), [300, 4]);
    assert!(arrays["images"].to_vec::<f32>().iter().all(|pixel| (0.0..=1.0).contains(pixel)));
    assert!(!arrays.contains_key("labels"), "the model is not conditional");
    succeed(&["reconstruct", run, "--count", "12", "--out", &pairs]);
    assert!(bytes(&pairs).starts_with(b"\x89PNG"));

    let rows = root.path().join("rows.png").to_str().unwrap().to_string();
    let told = succeed(&["traverse", run, "--columns", "5", "--out", &rows]);
    assert!(bytes(&rows).starts_with(b"\x89PNG"));
    assert_eq!(
        told.lines().filter(|line| line.contains("of the code, changes pixels by")).count(),
        4,
        "{told}"
    );

    refuse(&["traverse", run, "--columns", "1"], &["--columns", "from 2 to 100"]);
    refuse(&["traverse", run, "--out", "rows.npz"], &["--out", "rows.npz", ".png"]);
    refuse(&["sample", run, "--count", "0"], &["--count", "from 1"]);
    refuse(&["sample", run, "--out", "x.jpeg"], &["--out", "x.jpeg", ".png, .npz or .wav"]);
    refuse(&["sample", run, "--out", "x.wav"], &["--out", "x.wav", "fsdd-mulaw"]);
    refuse(&["sample", run, "--out", "/nowhere/x.png"], &["/nowhere/x.png"]);
    refuse(&["sample", &run.replace("run", "runn")], &["no such run folder", "did you mean `run`"]);
    refuse(&["sample", root.path().to_str().unwrap()], &["not the folder of a run"]);
}

#[test]
fn wrong_settings_are_refused() {
    refuse_training(&["vea1"], &["no model `vea1`", "`wengert models`"]);
    refuse_training(&["va"], &["did you mean `vae`"]);
    refuse_training(&[], &["which model?"]);
    refuse_training(&["vae", "--batch=0"], &["--batch", "0", "from 1"]);
    refuse_training(&["vae", "--latent=0"], &["--latent", "0", "from 1"]);
    refuse_training(&["vae", "--latent=99999999999"], &["--latent", "to 4096"]);
    refuse_training(&["vae", "--epochs=0"], &["--epochs", "from 1"]);
    refuse_training(&["vae", "--lr=nan"], &["--learning-rate", "number"]);
    refuse_training(&["vae", "--lr=0"], &["vae.learning_rate", "above 0"]);
    refuse_training(&["vae", "--seed=18446744073709551615"], &["--seed"]);
    refuse_training(&["vae", "--set=vae.laten=3"], &["--set", "did you mean `vae.latent`"]);
    refuse_training(&["vae", "--set=latent"], &["KEY=VALUE"]);
    refuse_training(&["vae", "--set=train.batch=big"], &["train.batch", "whole number", "big"]);
    refuse_training(&["vae", "--data=mnits"], &["--data", "did you mean `mnist`"]);
    refuse_training(&["vae", "--resume"], &["no such run folder"]);
    // What clap itself refuses has the same exit code.
    assert_eq!(output(&["train", "vae", "--latent=some"]).status.code(), Some(2));
    assert_eq!(output(&["tarin"]).status.code(), Some(2));
}

#[test]
fn a_batch_that_a_model_cannot_take_is_one_message() {
    let folder = TempDir::new().unwrap();
    let run = folder.path().join("run");
    // One image has no variance for batch normalisation, as the first step finds out.
    let parts = ["batch_norm", "more than one value", "take a larger batch"];
    refuse(&["train", "gan", "--batch=1", "--steps=1", "--out", run.to_str().unwrap()], &parts);
    refuse(&["graph", "gan", "--batch=1"], &parts);
}

#[test]
fn wrong_configuration_files_are_refused() {
    let root = TempDir::new().unwrap();
    let file = root.path().join("my.toml");
    let with = |text: &str, parts: &[&str]| {
        fs::write(&file, text).unwrap();
        refuse_training(&["vae", "--config", file.to_str().unwrap()], &[&["my.toml"], parts].concat());
    };
    with("seed = 1\n[vae\nlatent = 3", &["line 2", "TOML"]);
    with("[vae]\nlatnet = 3", &["unknown setting `vae.latnet`", "did you mean `latent`"]);
    with("[train]\nbatch = \"64\"", &["train.batch", "whole number", "\"64\""]);
    with("[train]\nbatch = 0", &["train.batch is 0", "from 1"]);
    with("model = \"dcgan\"", &["dcgan"]);
    refuse_training(&["vae", "--config", "/nowhere/my.toml"], &["/nowhere/my.toml"]);
}

#[test]
fn a_configuration_file_is_below_the_flags() {
    let root = TempDir::new().unwrap();
    let (file, run) = (root.path().join("my.toml"), root.path().join("run"));
    fs::write(&file, "seed = 3\n[vae]\nlatent = 2\nhidden = 16\nbeta = 4").unwrap();
    let (config, out) = (file.to_str().unwrap(), run.to_str().unwrap());
    let small =
        ["--set=data.limit=64", "--set=data.test_limit=64", "--set=vae.hidden=24", "--epochs=1", "--quiet"];
    succeed(&[&["train", "vae", "--config", config, "--out", out, "--latent=5"], &small[..]].concat());
    let written = fs::read_to_string(run.join("config.toml")).unwrap();
    for line in ["seed = 3", "latent = 5", "hidden = 24", "beta = 4.0"] {
        assert!(written.contains(line), "{line} in {written}");
    }
    // The file of a run is itself a configuration.
    let again = root.path().join("again");
    let config = run.join("config.toml");
    succeed(&["train", "--config", config.to_str().unwrap(), "--out", again.to_str().unwrap(), "--quiet"]);
    assert_eq!(bytes(last(&run)), bytes(last(&again)));
}

#[test]
fn wrong_checkpoints_are_refused() {
    let root = TempDir::new().unwrap();
    let run = root.path().join("run");
    train(&run, &["--epochs=1"]);
    let path = run.to_str().unwrap();
    refuse(
        &["train", "--resume", path, "--latent=5"],
        &["last.safetensors", "vae.latent = 4", "vae.latent = 5"],
    );
    refuse(&["train", "--resume", path, "--seed=8"], &["seed = 7", "seed = 8"]);
    refuse(&["train", "vae", "--out", path], &["not empty", "--force", "--resume"]);
    refuse(&["train", "--resume", "/nowhere"], &["/nowhere", "no such run"]);

    let good = bytes(last(&run));
    let forged = root.path().join("forged.safetensors");
    let with = |contents: &[u8], parts: &[&str]| {
        fs::write(&forged, contents).unwrap();
        refuse(&["sample", forged.to_str().unwrap()], &[&["forged.safetensors"], parts].concat());
    };
    with(b"", &["safetensors"]);
    with(&good[..good.len() / 2], &["safetensors"]);
    with(&[0xFF; 64], &["safetensors"]);
    // Same length, so that the rest of the file stays right.
    let replaced = |from: &str, to: &str| {
        assert_eq!(from.len(), to.len());
        let at = good
            .windows(from.len())
            .position(|part| part == from.as_bytes())
            .unwrap_or_else(|| panic!("{from}"));
        let mut forged = good.clone();
        forged[at..at + to.len()].copy_from_slice(to.as_bytes());
        forged
    };
    with(&replaced("\"model\":\"vae\"", "\"model\":\"gan\""), &["for the model `vae`", "for `gan`"]);
    with(&replaced("\"model\":\"vae\"", "\"model\":\"vax\""), &["no model `vax`", "did you mean `vae`"]);
    with(&replaced("latent = 4", "latent = 5"), &["fc21.weight", "[4, 64]", "[5, 64]"]);
    with(&replaced("hidden = 64", "hidden = -1"), &["vae.hidden", "0 or more"]);
    with(&replaced("\"images\":\"[[1,28,28]", "\"images\":\"[[1,28,99]"), &["fc1.weight"]);
    let foreign = root.path().join("foreign.safetensors");
    let tensor = wengert::tensor::Tensor::from_slice(&[1.0f32], 1);
    safetensors::save(&foreign, [("x", &tensor)], &Default::default()).unwrap();
    refuse(&["sample", foreign.to_str().unwrap()], &["foreign.safetensors", "not a checkpoint of wengert"]);
}

/// An IDX file of unsigned bytes.
fn idx(dims: &[u32], contents: &[u8]) -> Vec<u8> {
    let mut file = vec![0, 0, 8, dims.len() as u8];
    dims.iter().for_each(|dim| file.extend(dim.to_be_bytes()));
    file.extend(contents);
    file
}

#[test]
fn wrong_data_are_refused() {
    let root = TempDir::new().unwrap();
    let folder = root.path().join("mnist");
    fs::create_dir(&folder).unwrap();
    let images = idx(&[4, 28, 28], &[7; 4 * 784]);
    let labels = idx(&[4], &[0, 1, 2, 3]);
    let with = |name: &str, contents: &[u8], parts: &[&str]| {
        for (kind, bytes) in [("images-idx3", &images), ("labels-idx1", &labels)] {
            for split in ["train", "t10k"] {
                let _ = fs::remove_file(folder.join(format!("{split}-{kind}-ubyte.gz")));
                fs::write(folder.join(format!("{split}-{kind}-ubyte")), bytes).unwrap();
            }
        }
        if name.ends_with(".gz") {
            fs::remove_file(folder.join(name.trim_end_matches(".gz"))).unwrap();
        }
        fs::write(folder.join(name), contents).unwrap();
        refuse_training(&["vae", "--data", folder.to_str().unwrap()], &[&[name], parts].concat());
    };
    with("train-images-idx3-ubyte", &images[..1000], &["expected"]);
    with("train-images-idx3-ubyte", &[&[1, 2, 3, 4], &images[4..]].concat(), &["expected"]);
    with("train-labels-idx1-ubyte", &idx(&[3], &[0, 1, 2]), &["4 images", "3 labels"]);
    with("train-images-idx3-ubyte.gz", b"\x1f\x8b\x08 this is no gzip", &["expected"]);
    with("t10k-labels-idx1-ubyte", &idx(&[4], &[0, 1, 2, 77]), &["label 77"]);
}

#[test]
fn divergence_is_traced_to_its_op() {
    let root = TempDir::new().unwrap();
    let run = root.path().join("run");
    let arguments = ["train", "vae", "--out", run.to_str().unwrap(), "--lr=1000", "--epochs=5"];
    let output = output(&[&arguments[..], &SMALL[..]].concat());
    let message = String::from_utf8_lossy(&output.stderr).to_string();
    assert_eq!(output.status.code(), Some(1), "{message}");
    for part in ["training stopped", "the first op to go wrong", "lower learning rate"] {
        assert!(message.contains(part), "{part}: {message}");
    }
}

#[test]
fn structure_is_shown() {
    let text = succeed(&["graph", "vae"]);
    for part in ["linear", "fc1", "fc4.weight", "gaussian_kl"] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(succeed(&["graph", "vae", "--dot"]).starts_with("digraph"));
    let graph: serde_json::Value = serde_json::from_str(&succeed(&["graph", "vae", "--json"])).unwrap();
    assert!(graph.is_object());

    let summary = succeed(&["summary", "vae"]);
    assert!(
        summary.contains("fc21") && summary.contains("652824") || summary.contains("652,824"),
        "{summary}"
    );
    assert!(succeed(&["models"]).contains("arXiv:1312.6114"));
    let devices = succeed(&["devices"]);
    assert!(devices.starts_with("cpu "), "{devices}");
    assert!(devices.contains("gpu   none: ") || devices.contains("driver: CUDA "), "{devices}");
    assert!(succeed(&["--help"]).contains("Examples:"));
}

#[test]
fn gradients_are_checked() {
    let text = succeed(&["gradcheck", "softplus"]);
    assert!(text.contains("analytic") && text.contains("numeric") && text.contains("ok"), "{text}");
    assert!(succeed(&["gradcheck"]).contains("all agree"));
    refuse(&["gradcheck", "sofplus"], &["did you mean `softplus`"]);
    // So fine a difference drowns in rounding: the check must be able to fail.
    let failed = output(&["gradcheck", "exp", "--epsilon=1e-16"]);
    assert_eq!(failed.status.code(), Some(1), "{}", String::from_utf8_lossy(&failed.stdout));
}

#[test]
fn a_closed_pipe_ends_quietly() {
    let mut child =
        wengert(&["graph", "vae", "--json"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}
