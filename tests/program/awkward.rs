//! Awkward places and numbers: devices, pipes, files in the way of folders, busy folders, broken runs.

use super::*;

#[test]
fn numbers_are_told_what_would_be_right() {
    for flag in ["--epochs", "--steps", "--batch", "--latent", "--threads", "--seed"] {
        for value in ["-1", "nan", "1.5", "", "99999999999999999999"] {
            refuse_training(&["vae", &format!("{flag}={value}")], &[flag, "a whole number from 0 to"]);
        }
    }
    for flag in ["--learning-rate", "--beta"] {
        for value in ["inf", "nan", "1e400", "one"] {
            refuse_training(&["vae", flag, value], &[flag, "a finite number"]);
        }
        refuse_training(&["vae", flag, "-1"], &[flag, "is -1; it must be"]);
    }
    refuse(&["sample", "run", "--count", "-1"], &["--count", "whole number"]);
    refuse(&["graph", "vae", "--batch", "-1"], &["--batch", "whole number"]);
    refuse(&["gradcheck", "--epsilon", "nan"], &["--epsilon", "finite number"]);
}

#[cfg(unix)]
#[test]
fn devices_and_pipes_are_refused_at_once() {
    let root = TempDir::new().unwrap();
    let pipe = root.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for path in ["/dev/null", pipe.to_str().unwrap()] {
        refuse(&["sample", path], &[path, "a device or a pipe", "checkpoint file"]);
        refuse_training(&["--resume", path], &[path, "a device or a pipe"]);
        refuse_training(&["vae", "--config", path], &[path, "a TOML file was expected"]);
    }
    let full = fs::OpenOptions::new().write(true).open("/dev/full");
    if let Ok(full) = full {
        let output = wengert(&["models"]).stdout(full).output().unwrap();
        let message = String::from_utf8_lossy(&output.stderr).to_string();
        assert_eq!(output.status.code(), Some(2), "{message}");
        assert!(message.contains("standard output could not be written"), "{message}");
    }
}

#[test]
fn a_file_in_the_way_of_the_run_folder_is_named() {
    let root = TempDir::new().unwrap();
    let file = root.path().join("file");
    fs::write(&file, "").unwrap();
    for out in [file.clone(), file.join("run")] {
        let arguments = [&["train", "vae", "--out", out.to_str().unwrap()], &SMALL[..]].concat();
        refuse(&arguments, &["cannot be made", "file is a file", "--out"]);
    }
    let config = root.path().join("config.toml");
    fs::write(&config, b"seed = 1\n\xFF").unwrap();
    refuse_training(&["vae", "--config", config.to_str().unwrap()], &["byte 9 is not UTF-8", "TOML"]);
}

#[test]
fn a_folder_that_is_trained_in_is_not_shared() {
    let root = TempDir::new().unwrap();
    let run = root.path().join("run");
    train(&run, &["--epochs=1"]);
    let before = bytes(last(&run));
    let claim = wengert::models::run::RunFolder::open(&run).unwrap().claim().unwrap();
    let path = run.to_str().unwrap();
    refuse(&["train", "--resume", path, "--epochs=2"], &[path, "another process trains in this folder"]);
    let over = [&["train", "vae", "--out", path, "--force"], &SMALL[..]].concat();
    refuse(&over, &[path, "another process trains in this folder"]);
    assert_eq!(bytes(last(&run)), before);
    drop(claim);
    succeed(&["train", "--resume", path, "--epochs=2", "--quiet"]);
}

#[test]
fn a_run_that_lost_files_is_still_good_for_what_is_left() {
    let root = TempDir::new().unwrap();
    let run = root.path().join("run");
    train(&run, &["--epochs=1"]);
    let path = run.to_str().unwrap();
    // The checkpoint knows the settings that an emptied file has lost.
    fs::write(run.join("config.toml"), "").unwrap();
    fs::write(run.join("metrics.jsonl"), "{}\n").unwrap();
    let damaged = ["train", "--resume", path, "--epochs=2", "--quiet"];
    refuse(&damaged, &["metrics.jsonl", "line 1", "remove the file"]);
    fs::remove_file(run.join("metrics.jsonl")).unwrap();
    fs::remove_dir_all(run.join("samples")).unwrap();
    succeed(&damaged);
    assert!(run.join("samples/epoch_002.png").is_file());
}

#[test]
fn a_command_that_fails_leaves_the_run_that_it_was_to_replace() {
    let root = TempDir::new().unwrap();
    let run = root.path().join("run");
    train(&run, &["--epochs=1"]);
    let before = bytes(last(&run));
    let path = run.to_str().unwrap();
    // The class of 100 labelled images is looked for when the model is prepared, long after the folder was named.
    let few = ["--data", "mnist", "--threads=1", "--set=data.limit=60", "--set=data.test_limit=20"];
    refuse(&[&["train", "ss-gan", "--out", path, "--force"], &few[..]].concat(), &["ss-gan.labels"]);
    assert_eq!(bytes(last(&run)), before);
    assert!(run.join("metrics.jsonl").is_file() && run.join("samples/epoch_001.png").is_file());
    // Nor does one leave a new folder that would be in the way of the corrected command.
    let new = root.path().join("new");
    refuse(&[&["train", "ss-gan", "--out", new.to_str().unwrap()], &few[..]].concat(), &["ss-gan.labels"]);
    assert!(!new.exists());
}

/// A folder of so many training images like MNIST's, with shades below a limit.
fn made(root: &TempDir, name: &str, count: u32, shades: u32) -> String {
    let folder = root.path().join(name);
    fs::create_dir(&folder).unwrap();
    for (part, count) in [("train", count), ("t10k", 20)] {
        let file = |kind: &str, sizes: &[u32], contents: Vec<u8>| {
            let path = folder.join(format!("{part}-{kind}-idx{}-ubyte", sizes.len()));
            fs::write(path, idx(sizes, &contents)).unwrap();
        };
        file("images", &[count, 28, 28], (0..count * 784).map(|i| (i % shades) as u8).collect());
        file("labels", &[count], (0..count).map(|i| (i % 10) as u8).collect());
    }
    folder.to_str().unwrap().to_owned()
}

#[test]
fn a_run_goes_on_with_its_own_images_only() {
    let root = TempDir::new().unwrap();
    let [own, other] = [("own", 251), ("other", 250)].map(|(name, shades)| made(&root, name, 40, shades));
    let run = root.path().join("run");
    let path = run.to_str().unwrap();
    let short = ["--batch=20", "--threads=1", "--quiet", "--set=vae.hidden=8"];
    succeed(&[&["train", "vae", "--out", path, "--data", &own, "--steps=1"], &short[..]].concat());
    let go_on = |steps, data| ["train", "--resume", path, "--quiet", "--steps", steps, "--data", data];
    refuse(&go_on("2", &other), &["last.safetensors", "other images or labels", "--data", "new run"]);
    succeed(&go_on("2", &own));

    // Checkpoints that were saved before data had fingerprints.
    let mut old = safetensors::load(last(&run)).unwrap();
    assert_eq!(old.metadata.remove("data").map(|fingerprint| fingerprint.len()), Some(64));
    safetensors::save(last(&run), &old.tensors, &old.metadata).unwrap();
    succeed(&go_on("3", &other));
    refuse(&go_on("4", &own), &["other images or labels"]);
}

#[test]
fn a_command_to_copy_is_one_that_a_shell_takes() {
    let root = TempDir::new().unwrap();
    let own = made(&root, "own", 20, 251);
    let run = root.path().join("it's my run");
    let [data, out] = [["--data", &own], ["--out", run.to_str().unwrap()]];
    let short = ["train", "vae", "--batch=20", "--steps=1", "--epochs=2", "--set=vae.hidden=8"];
    let told = succeed(&[&short[..], &data, &out].concat());
    assert!(told.contains("20 training images in 1 step an epoch, 20 test images"), "{told}");
    let stopped = "stopped after 1 step; go on: wengert train --resume '";
    assert!(told.contains(stopped) && told.contains(r"/it'\''s my run' --steps 0"), "{told}");
    if cfg!(unix) {
        let (_, command) = told.split_once("go on: wengert").unwrap();
        let command = format!("exec \"$0\" {}", command.trim());
        let shell = Command::new("sh").args(["-c", &command, env!("CARGO_BIN_EXE_wengert")]).output();
        let told = String::from_utf8(shell.unwrap().stdout).unwrap();
        assert!(told.contains("going on after step 1") && told.contains(r"/it'\''s my run' --out"), "{told}");
    }
}

#[test]
fn weights_that_are_not_finite_draw_nothing() {
    let root = TempDir::new().unwrap();
    let own = made(&root, "own", 20, 251);
    let run = root.path().join("run");
    let path = run.to_str().unwrap();
    let short = ["--batch=20", "--quiet", "--set=vae.hidden=8", "--steps=1"];
    succeed(&[&["train", "vae", "--data", &own, "--out", path], &short[..]].concat());
    let mut saved = safetensors::load(last(&run)).unwrap();
    let bias = &saved.tensors["fc21.bias"];
    let spoiled = wengert::tensor::Tensor::full(bias.shape().clone(), f64::NAN, bias.dtype());
    saved.tensors.insert("fc21.bias".into(), spoiled);
    safetensors::save(last(&run), &saved.tensors, &saved.metadata).unwrap();
    for command in ["sample", "eval", "traverse", "interpolate", "manifold", "reconstruct", "train --resume"]
    {
        let arguments: Vec<&str> = command.split(' ').chain([path]).collect();
        refuse(&arguments, &["last.safetensors", "fc21.bias", "not finite", "diverged"]);
    }

    saved.tensors.retain(|name, _| name.starts_with("fc"));
    let weights = root.path().join("weights.safetensors");
    safetensors::save(&weights, &saved.tensors, &Default::default()).unwrap();
    let out = root.path().join("imported");
    let import = ["import", weights.to_str().unwrap(), "--model=vae", "--set=vae.hidden=8", "--data", &own];
    refuse(&[&import[..], &["--out", out.to_str().unwrap()]].concat(), &["fc21.bias", "not finite"]);
    assert!(!out.exists());
}

#[test]
fn a_run_does_not_go_on_with_fewer_images_than_it_has_seen() {
    let root = TempDir::new().unwrap();
    let [many, few] = [("many", 600), ("few", 100)].map(|(name, count)| made(&root, name, count, 251));
    let run = root.path().join("run");
    let path = run.to_str().unwrap();
    let short = ["--batch=20", "--threads=1", "--quiet"];
    succeed(&[&["train", "vae", "--out", path, "--data", &many, "--steps=20"], &short[..]].concat());
    let go_on = ["train", "--resume", path, "--steps=0", "--epochs=1", "--quiet", "--data"];
    refuse(&[&go_on[..], &[&few]].concat(), &["after 20 batches", "has 5", "--data"]);
    succeed(&[&go_on[..], &[&many]].concat());
}

#[cfg(target_os = "linux")]
#[test]
fn names_that_are_no_text_do_no_harm() {
    use std::os::unix::ffi::OsStrExt;
    let root = TempDir::new().unwrap();
    let run = root.path().join(std::ffi::OsStr::from_bytes(b"\xffrun"));
    let told = |arguments: &[&str], path: &Path| {
        let output = wengert(arguments).arg(path).output().unwrap();
        let message = String::from_utf8_lossy(&output.stderr).to_string();
        assert!(output.status.success(), "{message}");
        objects(&String::from_utf8_lossy(&output.stdout))
    };
    let events = told(&[&["train", "vae", "--epochs=1"], &SMALL[..], &["--out"]].concat(), &run);
    assert!(events.iter().any(|event| event["event"] == "saved"), "{events:?}");
    let scores = told(&["eval", "--quick", "--samples=10", "--threads=1", "--json"], &run);
    assert!(scores[0]["run"].as_str().unwrap().ends_with("run"), "{scores:?}");
    assert!(run.join("eval.json").is_file());
}
