//! The program on an emulated CUDA device, and what it says where there is none or something is wrong with it.

use super::{SMALL, wengert};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;
use tempfile::TempDir;
use wengert::tensor::DType;
use wengert::tensor::io::safetensors;
use wengert_emulator::Instrumentation;

/// The folder of the stand-in libraries, built once.
fn libraries() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| wengert_emulator::build(Instrumentation::None, None).expect("the emulator builds"))
}

/// The program, which finds the stand-in libraries before any others.
fn emulated(arguments: &[&str], cache: &TempDir) -> Command {
    let mut command = wengert(arguments);
    command.env("LD_LIBRARY_PATH", libraries()).env("WENGERT_CACHE", cache.path());
    command
}

fn run(command: &mut Command) -> (Output, String) {
    let output = command.output().expect("the program starts");
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    (output, errors)
}

/// Trains a model for some steps on the CPU, and on the emulated device with steps that run and steps that are replayed. The
/// latter two end with the same bits, and the first with nearly the same weights.
fn trains_alike(model: &str, flags: &[&str]) {
    let folder = TempDir::new().expect("a folder");
    let train = |name: &str, how: &[&str]| {
        let out = folder.path().join(name);
        let arguments = ["train", model, "--out", out.to_str().expect("a plain path"), "--quiet"];
        let data = ["--set=data.limit=200", "--set=data.test_limit=64"];
        let (output, errors) = run(&mut emulated(&[&arguments[..], &data, how, flags].concat(), &folder));
        assert!(output.status.success(), "{model}, {name}: {errors}");
        out.join("checkpoints/last.safetensors")
    };
    let replayed = train("replayed", &["--device=cuda"]);
    let eager = train("eager", &["--device=cuda", "--eager"]);
    assert_eq!(fs::read(&replayed).expect("a file"), fs::read(eager).expect("a file"), "{model}");
    let weights = |path| safetensors::load(path).expect("a checkpoint").tensors;
    let (cpu, cuda) = (weights(train("cpu", &[])), weights(replayed));
    assert!(cpu.keys().eq(cuda.keys()));
    for (name, expected) in cpu.iter().filter(|(_, tensor)| tensor.dtype() == DType::F32) {
        let pairs = expected.to_vec::<f32>().into_iter().zip(cuda[name].to_vec::<f32>());
        let worst = pairs.map(|(a, b)| (a - b).abs() / (a.abs() + 1e-2)).fold(0.0, f32::max);
        assert!(worst < 0.05, "{model}: {name} differs by up to {worst}");
    }
}

#[test]
fn a_vae_trains_on_the_device() {
    trains_alike("vae", &["--steps=20", "--epochs=5", "--batch=48", "--set=vae.hidden=64", "--latent=4"]);
}

#[test]
fn a_dcgan_trains_on_the_device() {
    trains_alike("dcgan", &["--steps=6", "--batch=4", "--set=dcgan.width=4"]);
}

#[test]
fn a_wgan_gp_trains_on_the_device() {
    trains_alike("wgan-gp", &["--steps=8", "--batch=3", "--set=wgan-gp.width=4", "--set=wgan-gp.critic_steps=2"]);
}

#[test]
fn devices_lists_what_is_there() {
    let cache = TempDir::new().expect("a folder");
    let (output, errors) = run(&mut emulated(&["devices"], &cache));
    assert!(output.status.success(), "{errors}");
    let text = String::from_utf8(output.stdout).expect("text");
    // As this test was built, so was the program.
    let kernels = match wengert_cuda::survey().kernels {
        Some(version) => format!("kernels: built in by nvcc {version}"),
        None => "kernels: compiled at first use".into(),
    };
    for part in [
        "cuda:0",
        "compute capability",
        "driver: CUDA 13.0",
        &kernels,
        "libnvrtc.so.13",
        "found by the system",
        "libcublasLt.so.13",
    ] {
        assert!(text.contains(part), "no {part} in:\n{text}");
    }
}

#[test]
fn a_device_that_cannot_be_had_is_one_message() {
    let cache = TempDir::new().expect("a folder");
    let refused = |device: &str, settings: &[(&str, &str)], parts: &[&str]| {
        let out = cache.path().join("run");
        let arguments = ["train", "vae", "--device", device, "--out", out.to_str().expect("a plain path")];
        let (output, errors) = run(emulated(&arguments, &cache).envs(settings.iter().copied()));
        assert_eq!(output.status.code(), Some(2), "{settings:?}: {errors}");
        assert_eq!(errors.lines().count(), 1, "one line: {errors}");
        for part in parts {
            assert!(errors.contains(part), "no {part:?} in: {errors}");
        }
        assert!(!out.join("checkpoints").exists(), "nothing was begun");
    };
    refused("cuda:7", &[], &["there is no device cuda:7", "this machine has 1"]);
    refused("cuda", &[("WENGERT_EMULATOR_DEVICES", "0")], &["sees no GPU", "--device cpu"]);
    refused(
        "cuda",
        &[("WENGERT_EMULATOR_DRIVER", "12040")],
        &["supports CUDA 12.4 only", "13.0 is needed", "update"],
    );
    refused("cuda", &[("LD_LIBRARY_PATH", "")], &["no NVIDIA driver", "--device cpu"]);
    // A driver without the compiler.
    let folder = cache.path().join("driver");
    fs::create_dir_all(&folder).expect("a folder");
    fs::copy(libraries().join("libcuda.so"), folder.join("libcuda.so")).expect("a copy");
    let only_driver = folder.to_str().expect("a plain path");
    let parts = ["compiler", "libnvrtc", "WENGERT_CUDA_LIBS"];
    refused("cuda", &[("LD_LIBRARY_PATH", only_driver)], &parts);
}

#[test]
fn memory_that_runs_out_is_one_message() {
    let cache = TempDir::new().expect("a folder");
    let out = cache.path().join("run");
    let out = out.to_str().expect("a plain path");
    let arguments = ["train", "vae", "--device=cuda", "--out", out];
    // Enough for the weights, and then not for a step.
    let (output, errors) =
        run(emulated(&[&arguments[..], &SMALL].concat(), &cache).env("WENGERT_EMULATOR_MEMORY", "2"));
    assert_eq!(output.status.code(), Some(2), "{errors}");
    assert!(Path::new(out).join("config.toml").exists(), "training had begun: {errors}");
    assert_eq!(errors.lines().count(), 1, "{errors}");
    assert!(errors.contains("out of memory") && errors.contains("smaller --batch"), "{errors}");
}

#[test]
fn names_of_devices_are_checked() {
    let cache = TempDir::new().expect("a folder");
    for arguments in [&["train", "vae", "--device", "gpu"][..], &["sample", "runs/x", "--device", "cuda:"]] {
        let (output, errors) = run(&mut emulated(arguments, &cache));
        assert_eq!(output.status.code(), Some(2), "{errors}");
        assert!(errors.contains("it must be auto, cpu, cuda or cuda:N"), "{errors}");
    }
}

#[test]
fn a_bench_says_where_it_ran() {
    let cache = TempDir::new().expect("a folder");
    let bench = |workload: &str, more: &[&str]| {
        let arguments = ["bench", workload, "--device=cuda", "--batch=4", "--rounds=1", "--steps=1"];
        let (output, errors) = run(&mut emulated(&[&arguments[..], more].concat(), &cache));
        assert!(output.status.success() && errors.is_empty(), "{workload}: {errors}");
        String::from_utf8(output.stdout).expect("text")
    };
    let record: serde_json::Value = serde_json::from_str(&bench("vae", &["--json"])).expect("a record");
    assert_eq!((&record["workload"], &record["device"]), (&"vae".into(), &"cuda:0".into()));
    assert!(record["loss_first"].as_f64().is_some_and(|loss| (500.0..600.0).contains(&loss)), "{record}");
    assert!(record["ms_per_step_median"].as_f64().is_some_and(|ms| ms > 0.0), "{record}");

    let table = bench("gemm 128x20x400 nn", &[]);
    let lines: Vec<_> = table.lines().collect();
    assert!(lines[0].starts_with("cuda:0: ") && lines[0].contains("multiprocessors"), "{table}");
    assert!(lines[2].contains("GFLOP/s") && !lines[2].contains('%'), "{table}");
}

#[test]
fn what_cannot_be_timed_on_a_device_is_one_message() {
    let cache = TempDir::new().expect("a folder");
    let refused = |arguments: &[&str], libraries: Option<&str>, part: &str| {
        let mut command = emulated(&[&["bench"], arguments].concat(), &cache);
        let (output, errors) = run(command.envs(libraries.map(|folder| ("LD_LIBRARY_PATH", folder))));
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {errors}");
        assert!(errors.lines().count() == 1 && errors.contains(part), "{arguments:?}: {errors}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
    };
    refused(&["vae", "--device=cuda"], Some(""), "no NVIDIA driver");
    refused(&["vae", "--device=cuda:7"], None, "there is no device cuda:7");
    refused(&["vae", "--device=cuda", "--against=jax"], None, "jax takes part on the CPU only");
    refused(&["vae", "--against=torch-graph"], None, "torch-graph captures CUDA graphs");
    refused(&["vae", "--device=cuda", "--precision=bf16x3"], None, "--precision bf16x3 is for the processor");
    refused(&["vae", "--device=cuda", "--profile"], None, "--profile times the ops of the processor");
    refused(&["limit", "--device=cuda"], None, "the limits are those of the processor");
}
